"""What an ILL-Request asks for, as the lending request that is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from adapters.iso_ill.mapping.amounts import money_of
from adapters.iso_ill.mapping.citations import citation_of, format_of
from adapters.iso_ill.mapping.context import Context
from adapters.iso_ill.mapping.identities import symbol_of
from adapters.iso_ill.mapping.reasons import name_of_code
from adapters.iso_ill.messages import IllRequest
from adapters.iso_ill.messages.codes import ExpiryFlag, PlaceOnHold, TransactionType
from adapters.iso_ill.messages.codes import ServiceType as Wanted
from adapters.iso_ill.messages.extensions import DeliveryInfo, OclcRequest
from adapters.iso_ill.messages.parties import DeliveryAddress, PostalAddress
from gateway.domain.requests.citation import Extra
from gateway.domain.requests.request import (
    Costs,
    Dates,
    Lending,
    Party,
    Request,
    Role,
    Service,
    ServiceType,
)

REPLY_TO = "reply-to"
"""The extra of a request that has its sender's address (APDU-Delivery-Info)."""
TCP_SERVICES = frozenset({"TCP/IP", "TCP"})
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Times and numbers are the receiving side's own."""


def request_of(apdu: IllRequest, sender: str, transaction: str, context: Context) -> Request:
    """The client's name and identifier are left out: they are of no use for lending, and personal. All else that has
    no place is in the extras."""
    cost = apdu.cost_info
    note = "; ".join(text for text in (apdu.note, apdu.forward_note) if text)
    return Request(
        library="",
        id="",
        role=Role.LENDING,
        state=Lending.NEW,
        number="",
        created=NEVER,
        changed=NEVER,
        citation=citation_of(apdu.item, apdu.service_types, note),
        service=Service(_service(apdu), format_of(apdu.supply_media), _level(apdu, context)),
        dates=Dates(need_by=_need_by(apdu)),
        costs=Costs(maximum=money_of(cost.maximum_cost, context.currency) if cost is not None else None),
        extras=tuple(_extras(apdu, context)),
        partner=_party(apdu, sender),
        transaction=transaction,
        source="partner",
    )


def _service(apdu: IllRequest) -> ServiceType:
    wanted = [one for one in apdu.service_types if one in (Wanted.LOAN, Wanted.COPY_NON_RETURNABLE)]
    if set(wanted) == {Wanted.LOAN, Wanted.COPY_NON_RETURNABLE}:
        return ServiceType.COPY_OR_LOAN
    return ServiceType.COPY if wanted and wanted[0] == Wanted.COPY_NON_RETURNABLE else ServiceType.LOAN


def _level(apdu: IllRequest, context: Context) -> str:
    letter = apdu.search.level_of_service if apdu.search is not None else ""
    words = {char: word for word, char in context.dialect.levels.items()}
    return words.get(letter, letter)


def _need_by(apdu: IllRequest) -> date | None:
    search = apdu.search
    if search is None:
        return None
    if search.expiry_flag == ExpiryFlag.OTHER_DATE:
        return search.expiry_date or search.need_before_date
    return search.need_before_date


def _party(apdu: IllRequest, sender: str) -> Party:
    delivery = apdu.delivery_address
    postal = delivery.postal if delivery is not None else None
    name = apdu.requester_id.name_text if apdu.requester_id is not None else ""
    return Party(
        symbol=sender,
        name=name or (postal.name.text if postal is not None and postal.name is not None else ""),
        email=_email(delivery),
        address=address_text(postal),
    )


def _email(delivery: DeliveryAddress | None) -> str:
    electronic = delivery.electronic if delivery is not None else None
    return electronic.address if electronic is not None and "@" in electronic.address else ""


def address_text(postal: PostalAddress | None) -> str:
    """Lines as on an envelope."""
    if postal is None:
        return ""
    town = " ".join(part for part in (postal.postal_code, postal.city) if part)
    name = postal.name.text if postal.name is not None else ""
    lines = (name, postal.extended, postal.street, postal.post_office_box, town, postal.region, postal.country)
    return "\n".join(line.replace("\r\n", "\n") for line in lines if line)


def _extras(apdu: IllRequest, context: Context) -> Iterator[Extra]:
    search, cost, third = apdu.search, apdu.cost_info, apdu.third_party_info
    others = [one for one in apdu.service_types if one not in (Wanted.LOAN, Wanted.COPY_NON_RETURNABLE)]
    if others:
        yield Extra("service-types", ", ".join(map(name_of_code, others)))
    if apdu.transaction_type != TransactionType.SIMPLE:
        yield Extra("transaction-type", name_of_code(apdu.transaction_type))
    if apdu.place_on_hold != PlaceOnHold.ACCORDING_TO_RESPONDER_POLICY:
        yield Extra("place-on-hold", name_of_code(apdu.place_on_hold))
    if search is not None and search.expiry_flag != ExpiryFlag.NO_EXPIRY:
        expires = search.expiry_date if search.expiry_flag == ExpiryFlag.OTHER_DATE else search.need_before_date
        if expires is not None:
            yield Extra("expires", expires.isoformat(), "date")
    if apdu.copyright_compliance:
        yield Extra("copyright-compliance", apdu.copyright_compliance)
    if apdu.physical_delivery:
        yield Extra("delivery-service", apdu.physical_delivery)
    for one in apdu.electronic_delivery:
        address = one.details.address
        if address is not None and address.address:
            yield Extra("electronic-delivery", f"{address.service} {address.address}".strip())
    if apdu.billing_address is not None and apdu.billing_address.postal is not None:
        yield Extra("billing-address", address_text(apdu.billing_address.postal))
    if apdu.client is not None and apdu.client.status:
        yield Extra("client-status", apdu.client.status)
    if cost is not None:
        if cost.account_number:
            yield Extra("account-number", cost.account_number)
        if cost.maximum_cost is not None and money_of(cost.maximum_cost, context.currency) is None:
            yield Extra("maximum-cost", cost.maximum_cost.value)
        for name in ("reciprocal_agreement", "will_pay_fee", "payment_provided"):
            if getattr(cost, name):
                yield Extra(name.replace("_", "-"), "true", "boolean")
    if apdu.retry_flag:
        yield Extra("retry", "true", "boolean")
    if apdu.forward_flag:
        yield Extra("forwarded", "true", "boolean")
    if third is not None:
        for name in ("permission_to_forward", "permission_to_chain", "permission_to_partition"):
            if getattr(third, name):
                yield Extra(name.replace("_", "-"), "true", "boolean")
        if third.permission_to_change_send_to_list:
            yield Extra("permission-to-change-send-to-list", "true", "boolean")
        for tried in third.already_tried_list:
            yield Extra("already-tried", symbol_of(tried, context.dialect.symbols) or tried.name_text)
        for recipient in third.send_to_list:
            yield Extra("send-to", symbol_of(recipient.id, context.dialect.symbols) or recipient.id.name_text)
    for extension in apdu.carried:
        if isinstance(extension.item, OclcRequest):
            yield from _oclc(extension.item)
        if isinstance(extension.item, DeliveryInfo):
            yield from _reply_to(extension.item)


def _reply_to(info: DeliveryInfo) -> Iterator[Extra]:
    """Where the sender is reached by TCP: newest first, and so the first one."""
    found = [one.transport.address for one in info.sender if one.transport.service.upper() in TCP_SERVICES]
    if found and found[0]:
        yield Extra(REPLY_TO, found[0])


def _oclc(item: OclcRequest) -> Iterator[Extra]:
    for name in ("uniform_title", "dissertation", "issue_number", "volume", "affiliations", "source", "payment_method"):
        if text := getattr(item, name):
            yield Extra(f"oclc-{name.replace('_', '-')}", text)

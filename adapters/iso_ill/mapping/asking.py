"""A borrowing request as the fields of an ILL-Request."""

from __future__ import annotations

from typing import Any

from adapters.iso_ill.mapping.amounts import amount_of
from adapters.iso_ill.mapping.citations import item_of, media_of
from adapters.iso_ill.mapping.context import Context
from adapters.iso_ill.mapping.identities import symbol_out
from adapters.iso_ill.messages.asking import RequesterOptionalMessages, Search, ThirdPartyInfo
from adapters.iso_ill.messages.codes import ApduType, ExpiryFlag, PlaceOnHold
from adapters.iso_ill.messages.codes import ServiceType as Wanted
from adapters.iso_ill.messages.items import CostInfo
from adapters.iso_ill.messages.parties import DeliveryAddress, Name, PostalAddress, SystemAddress, SystemId
from gateway.domain.requests.request import OPEN_ATTEMPT, AttemptStatus, Party, Request, ServiceType
from gateway.ports.channel import PartnerMessage

_WANTED = {
    ServiceType.LOAN: (Wanted.LOAN,),
    ServiceType.COPY: (Wanted.COPY_NON_RETURNABLE,),
    ServiceType.COPY_OR_LOAN: (Wanted.COPY_NON_RETURNABLE, Wanted.LOAN),
}
_HOLDS = {"yes": PlaceOnHold.YES, "no": PlaceOnHold.NO}


def request_fields(message: PartnerMessage, context: Context) -> dict[str, Any]:
    """Nothing about the patron goes out."""
    request = message.request
    extras = {one.name: one.value for one in request.extras}
    return {
        "delivery_address": _delivery(message.sender),
        "service_types": _WANTED[request.service.type],
        "optional_messages": _optional(context),
        "search": _search(message, context),
        "supply_media": media_of(request.service.format),
        "place_on_hold": _HOLDS.get(extras.get("place-on-hold", ""), PlaceOnHold.ACCORDING_TO_RESPONDER_POLICY),
        "item": item_of(request.citation),
        "cost_info": _cost(message),
        "copyright_compliance": extras.get("copyright-compliance", ""),
        "third_party_info": _tried(request, context),
        "retry_flag": extras.get("retry", "") == "true" or _was_told_to_retry(message),
        "note": "; ".join(part for part in (request.citation.note, message.details.note) if part),
    }


def _optional(context: Context) -> RequesterOptionalMessages:
    can, dialect = context.dialect.optional_messages, context.dialect
    return RequesterOptionalMessages(
        can_send_received=can.can_send_received,
        can_send_returned=can.can_send_returned,
        shipped=dialect.wish(ApduType.SHIPPED),
        checked_in=dialect.wish(ApduType.CHECKED_IN),
    )


def _search(message: PartnerMessage, context: Context) -> Search | None:
    """The day until which it is needed is also that of its expiry: after it nobody wants it."""
    need_by = message.request.dates.need_by
    level = message.request.service.level
    letter = context.dialect.levels.get(level, level if len(level) == 1 else "")
    if need_by is None and not letter:
        return None
    flag = ExpiryFlag.NEED_BEFORE_DATE if need_by is not None else ExpiryFlag.NO_EXPIRY
    return Search(level_of_service=letter, need_before_date=need_by, expiry_flag=flag)


def _cost(message: PartnerMessage) -> CostInfo | None:
    maximum = message.request.costs.maximum
    return CostInfo(maximum_cost=amount_of(maximum), will_pay_fee=True) if maximum is not None else None


def _delivery(sender: Party) -> DeliveryAddress | None:
    """The address has no parts of its own with us: it goes line by line, as it is set up."""
    lines = [line.strip() for line in sender.address.splitlines() if line.strip()]
    postal = PostalAddress(
        name=Name(institution=sender.name) if sender.name else None,
        extended="\r\n".join(lines[1:]),
        street=lines[0] if lines else "",
    )
    electronic = SystemAddress(service="SMTP", address=sender.email) if sender.email else None
    if electronic is None and postal == PostalAddress():
        return None
    return DeliveryAddress(postal=postal if postal != PostalAddress() else None, electronic=electronic)


def _was_told_to_retry(message: PartnerMessage) -> bool:
    """This supplier has been asked for it before, and said: later."""
    said = (one for one in message.request.attempts if one.status is AttemptStatus.RETRY)
    return any(one.partner == message.receiver.profile for one in said)


def _tried(request: Request, context: Context) -> ThirdPartyInfo | None:
    """Who has been asked before."""
    tried = tuple(
        SystemId.of(symbol_out(one.symbol, context.dialect.symbols))
        for one in request.attempts
        if one.status not in OPEN_ATTEMPT and one.symbol
    )
    return ThirdPartyInfo(already_tried_list=tried) if tried else None

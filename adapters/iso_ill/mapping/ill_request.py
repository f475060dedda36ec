"""ILL-Request <-> request; what we cannot supply."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from adapters.iso_ill.mapping.citations import (
    citation_of_item_id,
    format_of_media,
    item_id_of_citation,
    media_of_format,
)
from adapters.iso_ill.mapping.identities import (
    IllContext,
    amount_of_money,
    moment_in_zone,
    money_of_amount,
    outgoing_symbol,
    symbol_of_system_id,
)
from adapters.iso_ill.mapping.reasons import UNFILLED_IN, name_of_code
from adapters.iso_ill.messages import IllAnswer, IllRequest
from adapters.iso_ill.messages.codes import (
    ApduType,
    ExpiryFlag,
    PlaceOnHold,
    ReasonUnfilled,
    Results,
    TransactionType,
    Wish,
)
from adapters.iso_ill.messages.codes import ServiceType as Wanted
from adapters.iso_ill.messages.request_phase import (
    Explanation,
    RequesterOptionalMessages,
    Search,
    ThirdPartyInfo,
    UnfilledResults,
)
from adapters.iso_ill.messages.structures import (
    CostInfo,
    DeliveryAddress,
    DeliveryInfo,
    Name,
    OclcRequest,
    PostalAddress,
    ServiceDateTime,
    SystemAddress,
    SystemId,
)
from gateway.domain.requests.citation import RETRY, CitationExtra
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.prices import find_told_limit
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    AttemptStatus,
    LibraryParty,
    Request,
    RequestDates,
    RequestedService,
    ServiceType,
)
from gateway.domain.requests.volume_notes import read_wanted_volumes
from gateway.domain.value import value_object
from gateway.ports.partner_channel import PartnerMessage

REPLY_TO = "reply-to"
"""The extra of a request that has its sender's address (APDU-Delivery-Info)."""
TCP_SERVICES = frozenset({"TCP/IP", "TCP"})

_WANTED = {
    ServiceType.LOAN: (Wanted.LOAN,),
    ServiceType.COPY: (Wanted.COPY_NON_RETURNABLE,),
    ServiceType.COPY_OR_LOAN: (Wanted.COPY_NON_RETURNABLE, Wanted.LOAN),
}
_HOLDS = {"yes": PlaceOnHold.YES, "no": PlaceOnHold.NO}

_SUPPLIED = frozenset({Wanted.LOAN, Wanted.COPY_NON_RETURNABLE})


REASON = "reason-unfilled"
"""Name of the extra with the standard's own code, where our words have none for it."""


def request_of_ill_request(apdu: IllRequest, sender: str, transaction: str, context: IllContext) -> LendingDraft:
    """The client's name and identifier are left out: they are of no use for lending, and personal. All else that has
    no place is in the extras."""
    cost = apdu.cost_info
    note = "; ".join(text for text in (apdu.note, apdu.forward_note) if text)
    return LendingDraft(
        citation=citation_of_item_id(apdu.item, apdu.service_types, note),
        service=RequestedService(
            _read_service_type(apdu), format_of_media(apdu.supply_media), _read_service_level(apdu, context)
        ),
        dates=_read_dates(apdu),
        maximum_cost=money_of_amount(cost.maximum_cost, context.currency) if cost is not None else None,
        volumes=read_wanted_volumes(note),
        extras=tuple(_iter_request_extras(apdu, context)),
        requester=_read_requester(apdu, sender),
        transaction=transaction,
        source="partner",
    )


def _read_service_type(apdu: IllRequest) -> ServiceType:
    wanted = [type_ for type_ in apdu.service_types if type_ in (Wanted.LOAN, Wanted.COPY_NON_RETURNABLE)]
    if set(wanted) == {Wanted.LOAN, Wanted.COPY_NON_RETURNABLE}:
        return ServiceType.COPY_OR_LOAN
    return ServiceType.COPY if wanted and wanted[0] == Wanted.COPY_NON_RETURNABLE else ServiceType.LOAN


def _read_service_level(apdu: IllRequest, context: IllContext) -> str:
    letter = apdu.search.level_of_service if apdu.search is not None else ""
    words = {char: word for word, char in context.dialect.levels.items()}
    return words.get(letter, letter)


def _read_dates(apdu: IllRequest) -> RequestDates:
    """Whoever says nothing of an expiry wants none (facts/iso-ill-10161.md 4, Search-Type)."""
    search = apdu.search
    if search is None:
        return RequestDates()
    if search.expiry_flag == ExpiryFlag.OTHER_DATE:
        return RequestDates(search.expiry_date or search.need_before_date)
    return RequestDates(search.need_before_date, expires=search.expiry_flag != ExpiryFlag.NO_EXPIRY)


def _read_requester(apdu: IllRequest, sender: str) -> LibraryParty:
    delivery = apdu.delivery_address
    postal = delivery.postal if delivery is not None else None
    name = apdu.requester_id.name_text if apdu.requester_id is not None else ""
    return LibraryParty(
        symbol=sender,
        name=name or (postal.name.text if postal is not None and postal.name is not None else ""),
        email=_read_email(delivery),
        address=address_text(postal),
    )


def _read_email(delivery: DeliveryAddress | None) -> str:
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


def _iter_request_extras(apdu: IllRequest, context: IllContext) -> Iterator[CitationExtra]:
    search, cost, third = apdu.search, apdu.cost_info, apdu.third_party_info
    others = [type_ for type_ in apdu.service_types if type_ not in (Wanted.LOAN, Wanted.COPY_NON_RETURNABLE)]
    if others:
        yield CitationExtra("service-types", ", ".join(map(name_of_code, others)))
    if apdu.transaction_type != TransactionType.SIMPLE:
        yield CitationExtra("transaction-type", name_of_code(apdu.transaction_type))
    if apdu.place_on_hold != PlaceOnHold.ACCORDING_TO_RESPONDER_POLICY:
        yield CitationExtra("place-on-hold", name_of_code(apdu.place_on_hold))
    if search is not None and search.expiry_flag != ExpiryFlag.NO_EXPIRY:
        expires = search.expiry_date if search.expiry_flag == ExpiryFlag.OTHER_DATE else search.need_before_date
        if expires is not None:
            yield CitationExtra("expires", expires.isoformat(), "date")
    if apdu.copyright_compliance:
        yield CitationExtra("copyright-compliance", apdu.copyright_compliance)
    if apdu.physical_delivery:
        yield CitationExtra("delivery-service", apdu.physical_delivery)
    for delivery in apdu.electronic_delivery:
        address = delivery.details.address
        if address is not None and address.address:
            yield CitationExtra("electronic-delivery", f"{address.service} {address.address}".strip())
    if apdu.billing_address is not None and apdu.billing_address.postal is not None:
        yield CitationExtra("billing-address", address_text(apdu.billing_address.postal))
    if apdu.client is not None and apdu.client.status:
        yield CitationExtra("client-status", apdu.client.status)
    if cost is not None:
        if cost.account_number:
            yield CitationExtra("account-number", cost.account_number)
        if cost.maximum_cost is not None and money_of_amount(cost.maximum_cost, context.currency) is None:
            yield CitationExtra("maximum-cost", cost.maximum_cost.value)
        for name in ("reciprocal_agreement", "will_pay_fee", "payment_provided"):
            if getattr(cost, name):
                yield CitationExtra(name.replace("_", "-"), "true", "boolean")
    if apdu.retry_flag:
        yield CitationExtra(RETRY, "true", "boolean")
    if apdu.forward_flag:
        yield CitationExtra("forwarded", "true", "boolean")
    if third is not None:
        for name in ("permission_to_forward", "permission_to_chain", "permission_to_partition"):
            if getattr(third, name):
                yield CitationExtra(name.replace("_", "-"), "true", "boolean")
        if third.permission_to_change_send_to_list:
            yield CitationExtra("permission-to-change-send-to-list", "true", "boolean")
        for tried in third.already_tried_list:
            yield CitationExtra("already-tried", symbol_of_system_id(tried, context.dialect.symbols) or tried.name_text)
        for recipient in third.send_to_list:
            yield CitationExtra(
                "send-to", symbol_of_system_id(recipient.id, context.dialect.symbols) or recipient.id.name_text
            )
    for extension in apdu.carried_extensions:
        if isinstance(extension.item, OclcRequest):
            yield from _iter_oclc_extras(extension.item)
        if isinstance(extension.item, DeliveryInfo):
            yield from _iter_reply_extras(extension.item)


def _iter_reply_extras(info: DeliveryInfo) -> Iterator[CitationExtra]:
    """Iterate over where the sender is reached by TCP: newest first, and so the first one."""
    addresses = [entry.transport.address for entry in info.sender if entry.transport.service.upper() in TCP_SERVICES]
    if addresses and addresses[0]:
        yield CitationExtra(REPLY_TO, addresses[0])


def _iter_oclc_extras(item: OclcRequest) -> Iterator[CitationExtra]:
    for name in ("uniform_title", "dissertation", "issue_number", "volume", "affiliations", "source", "payment_method"):
        if text := getattr(item, name):
            yield CitationExtra(f"oclc-{name.replace('_', '-')}", text)


def write_request_fields(message: PartnerMessage, context: IllContext) -> dict[str, Any]:
    """Write fields; nothing about the patron goes out."""
    request = message.request
    extras = {extra.name: extra.value for extra in request.extras}
    return {
        "delivery_address": _write_delivery_address(message.sender),
        "service_types": _WANTED[request.service.type],
        "optional_messages": _requester_optional_messages(context),
        "search": _write_search(message, context),
        "supply_media": media_of_format(request.service.format),
        "place_on_hold": _HOLDS.get(extras.get("place-on-hold", ""), PlaceOnHold.ACCORDING_TO_RESPONDER_POLICY),
        "item": item_id_of_citation(request.citation),
        "cost_info": _write_cost_info(message),
        "copyright_compliance": extras.get("copyright-compliance", ""),
        "third_party_info": _write_already_tried(request, context),
        "retry_flag": extras.get(RETRY, "") == "true" or _has_been_told_to_retry(message),
        "note": "; ".join(part for part in (request.citation.note, message.details.note) if part),
    }


def _requester_optional_messages(context: IllContext) -> RequesterOptionalMessages:
    can, dialect = context.dialect.optional_messages, context.dialect
    return RequesterOptionalMessages(
        can_send_received=can.can_send_received,
        can_send_returned=can.can_send_returned,
        shipped=dialect.wish_for_message(ApduType.SHIPPED),
        checked_in=dialect.wish_for_message(ApduType.CHECKED_IN),
    )


def _write_search(message: PartnerMessage, context: IllContext) -> Search | None:
    """The day until which it is needed is also that of its expiry: after it nobody wants it, unless its own requester
    said so."""
    dates = message.request.dates
    need_by = dates.need_by
    level = message.request.service.level
    letter = context.dialect.levels.get(level, level if len(level) == 1 else "")
    if need_by is None and not letter:
        return None
    flag = ExpiryFlag.NEED_BEFORE_DATE if need_by is not None and dates.expires else ExpiryFlag.NO_EXPIRY
    return Search(level_of_service=letter, need_before_date=need_by, expiry_flag=flag)


def _write_cost_info(message: PartnerMessage) -> CostInfo | None:
    maximum = find_told_limit(message.request.costs)
    return CostInfo(maximum_cost=amount_of_money(maximum), will_pay_fee=True) if maximum is not None else None


def _write_delivery_address(sender: LibraryParty) -> DeliveryAddress | None:
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


def _has_been_told_to_retry(message: PartnerMessage) -> bool:
    """This supplier has been asked for it before, and said: later."""
    attempts = (attempt for attempt in message.request.attempts if attempt.status is AttemptStatus.RETRY)
    return any(attempt.partner == message.receiver.profile for attempt in attempts)


def _write_already_tried(request: Request, context: IllContext) -> ThirdPartyInfo | None:
    """Write who has been asked before."""
    tried = tuple(
        SystemId.from_symbol(outgoing_symbol(attempt.symbol, context.dialect.symbols))
        for attempt in request.attempts
        if attempt.status not in OPEN_ATTEMPT and attempt.symbol
    )
    return ThirdPartyInfo(already_tried_list=tried) if tried else None


@value_object
class UnsuppliableWish:
    reason: ReasonUnfilled
    detail: str

    @property
    def details(self) -> EventDetails:
        """The details for an answer that goes through the outbox."""
        code = CitationExtra(REASON, str(self.reason.value), "number")
        return EventDetails(reason=UNFILLED_IN[self.reason].value, note=self.detail, extras=(code,))


def read_unfilled_reason(details: EventDetails) -> ReasonUnfilled | None:
    """The code that `UnsuppliableWish.details` has."""
    code = next((extra.value for extra in details.extras if extra.name == REASON), "")
    return ReasonUnfilled(int(code)) if code else None


def find_unsuppliable(apdu: IllRequest, context: IllContext) -> UnsuppliableWish | None:
    """None: nothing that is asked is beyond us."""
    if apdu.service_types and not _SUPPLIED.intersection(apdu.service_types):
        return UnsuppliableWish(ReasonUnfilled.OTHER, "Only loans and copies are supplied here.")
    can, wants = context.dialect.optional_messages, apdu.optional_messages
    for wish, able, type_, name in (
        (wants.shipped, can.can_send_shipped, ApduType.SHIPPED, "Shipped"),
        (wants.checked_in, can.can_send_checked_in, ApduType.CHECKED_IN, "Checked-In"),
    ):
        if wish == Wish.REQUIRES and not (able and context.dialect.is_taken_by_partner(type_)):
            return UnsuppliableWish(
                ReasonUnfilled.MANDATORY_MESSAGING_NOT_SUPPORTED, f"{name} is required; it is not sent here."
            )
    return None


def unfilled_answer(apdu: IllRequest, why: UnsuppliableWish, at: datetime, context: IllContext) -> IllAnswer:
    """Make an answer with the ids as they came."""
    return IllAnswer(
        protocol_version=context.dialect.version,
        transaction_id=apdu.transaction_id,
        service_date_time=ServiceDateTime(this=moment_in_zone(at, context.zone)),
        requester_id=apdu.requester_id,
        responder_id=apdu.responder_id,
        results=Results.UNFILLED,
        explanation=Explanation(unfilled=UnfilledResults(reason=why.reason)),
        note=why.detail,
    )

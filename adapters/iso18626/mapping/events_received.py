"""Events of a request that a partner's messages mean. Total: what has no event of its own is a message, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.iso18626.codec import describe_structure
from adapters.iso18626.mapping.changed_fields import read_changes
from adapters.iso18626.mapping.codes import CONDITIONAL_RETRIES, RETRY_IN, UNFILLED_IN, read_conditions
from adapters.iso18626.mapping.condition_words import NotedTerms, read_condition_answer, read_noted_terms
from adapters.iso18626.mapping.deliveries import read_delivery
from adapters.iso18626.mapping.identities import MappingContext, money_of_costs, read_parties, symbol_of_agency
from adapters.iso18626.mapping.items import ItemName
from adapters.iso18626.mapping.note_habits import (
    ITEM_DAMAGED,
    ITEM_LOST,
    RETURN_ADDRESS,
    ReadNote,
    append_note,
    join_notes,
    read_note,
    read_return_term,
)
from adapters.iso18626.mapping.requests import format_postal_address, read_request
from adapters.iso18626.messages import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import Action, ReasonForMessage, RequestType, Status
from adapters.iso18626.messages.structures import (
    Costs,
    DeliveryInfo,
    MessageInfo,
    RetryInfo,
    ReturnInfo,
    StatusInfo,
)
from gateway.domain.library import Money
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, RefusalReason, Refused
from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import (
    EventDetails,
    EventKind,
    LoanCondition,
    NamedSupplier,
    ReasonCodes,
    ShippedItem,
)
from gateway.domain.requests.note_terms import add_unread_cost, read_note_terms, remove_terms
from gateway.domain.requests.request import Role
from gateway.domain.requests.requester_changes import describe_changes
from gateway.domain.requests.volume_notes import MAX_VOLUMES, SEPARATOR
from gateway.domain.sentences import join_sentences, write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import IncomingPartnerMessage

REMINDER = write_sentence("The partner reminds us of its request.")


def event_of_message(message: Message, context: MappingContext, digest: str) -> IncomingPartnerMessage:
    """`digest`: of the message, by which a repeat is known. Raises MalformedMessage where something mandatory is
    missing, Refused for a word that means nothing to us."""
    header = message.header
    if header is None or not header.requesting_agency_request_id:
        raise MalformedMessage("header/requestingAgencyRequestId", "missing", MalformationKind.DATA_MISSING)
    role = Role.BORROWING if isinstance(message, SupplyingAgencyMessage) else Role.LENDING
    named = read_parties(header, context, role)
    sender, receiver = (
        (named.supplier, named.requester) if role is Role.BORROWING else (named.requester, named.supplier)
    )
    kind, details = _interpret_message(message, context)
    transaction = header.requesting_agency_request_id
    theirs = header.supplying_agency_request_id if role is Role.BORROWING else None
    return IncomingPartnerMessage(
        id=digest,
        kind=kind,
        role=role,
        sender=sender,
        receiver="" if context.is_us(receiver) else receiver,
        addressed=receiver,
        transaction=transaction,
        details=replace(details, transaction=theirs or "") if theirs else details,
        request=read_request(message, sender, transaction, context)
        if isinstance(message, Request) and kind is EventKind.REQUEST
        else None,
    )


def _interpret_message(message: Message, context: MappingContext) -> tuple[EventKind, EventDetails]:
    if isinstance(message, Request):
        return _read_request_kind(message)
    if isinstance(message, RequestingAgencyMessage):
        return _read_requester_message(message, context)
    return _read_supplier_message(message, context)


def _read_request_kind(message: Request) -> tuple[EventKind, EventDetails]:
    """A reminder of a request is no second request."""
    service = message.service_info
    if service is None or service.request_type != RequestType.REMINDER:
        return EventKind.REQUEST, EventDetails()
    note = service.note or ""
    return EventKind.MESSAGE, EventDetails(note=join_notes(REMINDER, note), written=note)


# --- from a requester ------------------------------------------------------------------------------------

_ACTIONS: Mapping[Action, EventKind] = {
    Action.STATUS_REQUEST: EventKind.STATUS_QUERY,
    Action.RECEIVED: EventKind.RECEIVED,
    Action.CANCEL: EventKind.CANCEL,
    Action.RENEW: EventKind.RENEW,
    Action.SHIPPED_RETURN: EventKind.RETURNED,
    Action.NOTIFICATION: EventKind.MESSAGE,
    Action.HOLD_RETURN: EventKind.MESSAGE,
    Action.LOST: EventKind.LOST,
}
_REPORTED_FIRST: Mapping[str, EventKind] = {ITEM_LOST: EventKind.LOST, ITEM_DAMAGED: EventKind.DAMAGED}
"""First words of a Notification."""

_HOLD_RETURN = write_sentence("The borrower cannot return it for now.")


def _read_requester_message(
    message: RequestingAgencyMessage, context: MappingContext
) -> tuple[EventKind, EventDetails]:
    if message.action is None:
        raise MalformedMessage("requestingAgencyMessage/action", "missing", MalformationKind.DATA_MISSING)
    kind = _ACTIONS.get(Action(message.action)) if message.action in set(Action) else None
    if kind is None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("The action %(value)s is not supported.", value=message.action[:60]),
            about=MessagePart.SERVICE,
            value=message.action[:60],
        )
    changed = read_changes(message.note or "", context.dialect.notes.changed_field)
    noted = read_note(changed.text, context.dialect.notes)
    words = noted.text
    if message.action in (Action.NOTIFICATION, Action.CANCEL):
        answered, rest = read_condition_answer(message.note or "", words, context.dialect.condition_words)
        if answered is not None:
            kind, words = answered, rest
        elif kind is EventKind.MESSAGE:
            kind = _REPORTED_FIRST.get(words.split(SEPARATOR, 1)[0].strip().casefold(), kind)
    note = join_sentences("; ", (describe_changes(changed.changes), words))
    is_held = message.action == Action.HOLD_RETURN
    details = EventDetails(
        note=join_notes(_HOLD_RETURN, note) if is_held else note,
        return_on_hold=True if is_held else read_return_term(kind, note),
        by_cancel=message.action == Action.CANCEL and kind is EventKind.CONDITION_REFUSED,
        extras=tuple(CitationExtra(name, lines) for name, lines in noted.addresses),
        changes=changed.changes,
        written=note,
    )
    if kind is EventKind.RENEW:
        return kind, replace(details, due=read_note_terms(EventKind.RECALL, details).due)  # the day that is wished
    return kind, read_note_terms(kind, details)


# --- from a supplier -------------------------------------------------------------------------------------


def _read_supplier_message(message: SupplyingAgencyMessage, context: MappingContext) -> tuple[EventKind, EventDetails]:
    info = message.message_info or MessageInfo()
    status = message.status_info or StatusInfo()
    noted = read_note(info.note or "", context.dialect.notes)
    info = replace(info, note=noted.text)
    kind, words = _read_supplier_kind(message, info, status)
    answer = (
        kind if kind is EventKind.STATUS_REPORT or kind in _ANSWERED.get(info.reason_for_message or "", ()) else None
    )
    if answer is not None:  # what it brings is read as its status would be
        kind = _read_reported_event(message, info, status) or answer
    delivery, retry = message.delivery_info or DeliveryInfo(), message.retry_info or RetryInfo()
    terms = read_noted_terms(info.note or "", context.dialect.notes)
    info = replace(info, note=terms.text)
    if kind in _CONDITIONAL_PROMISES and _is_conditional(kind, noted, terms, delivery, status):
        kind = EventKind.CONDITIONAL
    if kind is EventKind.MESSAGE and _is_expectation(noted, status, context):
        kind = EventKind.EXPECT_TO_SUPPLY
    sent = read_delivery(delivery, noted.text, noted.items, context.dialect)
    if kind is EventKind.SHIPPED and sent.is_digital:
        kind = EventKind.COPY_DELIVERED
    conditions, unknown = read_conditions((*delivery.loan_conditions, *retry.loan_conditions))
    if kind is EventKind.RETRY and not conditions and _is_conditional_retry(info):
        conditions = (LoanCondition.OTHER,)
    conditions = tuple(dict.fromkeys((*conditions, *terms.conditions)))
    reason, reason_words = _read_reason(info, kind)
    if kind in (EventKind.UNFILLED, EventKind.FORWARDED) and noted.is_duplicate:
        reason, reason_words = ReasonCodes.DUPLICATE.value, ""
    items = sent.items
    costs, further_costs = _add_costs((*delivery.delivery_costs, *retry.offered_costs), context.currency)
    more = (*_describe_offer(retry, context), *_describe_shipping(message))
    note = append_note(join_notes(words, reason_words, unknown, *further_costs, *more, sent.words), info.note or "")
    details = EventDetails(
        due=context.read_day(status.due_date),
        reason=reason,
        note=note,
        conditions=conditions,
        cost=costs or terms.cost,
        retry_after=context.read_day(retry.retry_after),
        expected=context.read_day(status.expected_delivery_date),
        barcode=items[0].barcode if len(items) == 1 else "",
        items=_list_shipped_items(items),
        link=sent.link,
        status=status.status or "" if answer is EventKind.STATUS_REPORT else "",
        answer="" if answer is None or info.answer is None else ("yes" if info.answer else "no"),
        status_counts=answer is not None,
        return_on_hold=_HELD_BY_STATUS.get(status.status or "", read_return_term(kind, info.note or ""))
        if kind is EventKind.MESSAGE
        else None,
        supplier=_read_named_supplier(message, noted, context),
        extras=(
            *_read_call_number(items),
            *_read_return_address(message, context),
            *(CitationExtra(name, lines) for name, lines in noted.addresses),
        ),
        written=remove_terms(info.note or "", sent.link),
    )
    if details.cost is None and terms.has_unread_cost:
        details = add_unread_cost(kind, details)
    details = read_note_terms(kind, details)
    if answer is None:
        return kind, details
    details = read_note_terms(answer, details)
    return answer, replace(details, reported=None if kind is EventKind.STATUS_REPORT else kind)


def _is_expectation(noted: ReadNote, status: StatusInfo, context: MappingContext) -> bool:
    """Return whether a Notification only says whom a broker asks now. Who passes ExpectToSupply over is told
    WillSupply."""
    word = Status.EXPECT_TO_SUPPLY if context.dialect.expects_to_supply else Status.WILL_SUPPLY
    return bool(noted.supplier) and not noted.text and not noted.has_condition and status.status == word


def _read_named_supplier(
    message: SupplyingAgencyMessage, noted: ReadNote, context: MappingContext
) -> NamedSupplier | None:
    """The library behind a broker that is meant: its symbol stands in the note, in the header (there it is another
    than the partner's) or in returnInfo alone. The address is never ours, nor the broker's; None: nothing is said of
    a supplier."""
    header, info = message.header, message.return_info
    sender = read_parties(header, context, Role.BORROWING).supplier if header is not None else ""
    symbol = noted.supplier or (sender if context.theirs and not context.is_partner(sender) else "")
    returned = symbol_of_agency(info.agency if info is not None else None, context.dialect.symbols)
    if context.is_us(returned) or (symbol and context.is_partner(returned)):
        info = None
    address = format_postal_address(info.physical_address) if info is not None and info.physical_address else ""
    block = next((lines for name, lines in noted.addresses if name == RETURN_ADDRESS), "")
    if not symbol and info is None and not block:
        return None
    name = _read_supplier_name(info) if info is not None else ""
    return NamedSupplier(symbol=symbol or (returned if info is not None else ""), name=name, address=address or block)


def _read_supplier_name(info: ReturnInfo) -> str:
    """Read a name without the symbol that a broker puts behind it."""
    agency = info.agency
    typed = f"{agency.type.value}:{agency.value}" if agency is not None and agency.type is not None else ""
    return (info.name or "").strip().removesuffix(f"({typed})").strip()


_CONDITIONAL_PROMISES = frozenset(
    {
        EventKind.ACKNOWLEDGED,
        EventKind.EXPECT_TO_SUPPLY,
        EventKind.HOLD_PLACED,
        EventKind.WILL_SUPPLY,
        EventKind.MESSAGE,
    }
)
"""What asks for a yes where it comes with a condition: ReShare says ExpectToSupply then, and a Notification later."""

_BEFORE_SUPPLY = frozenset({"", Status.REQUEST_RECEIVED, Status.EXPECT_TO_SUPPLY, Status.WILL_SUPPLY})


def _is_conditional(
    kind: EventKind, noted: ReadNote, terms: NotedTerms, delivery: DeliveryInfo, status: StatusInfo
) -> bool:
    """Return whether an answer is conditional: by a marker or a prefix in the note, or a code, or a price in a
    Notification, as Alma gets one that waits for its answer; in the answer to a loan that is out it asks for
    nothing."""
    is_early = (status.status or "") in _BEFORE_SUPPLY
    has_price = kind is EventKind.MESSAGE and (terms.cost is not None or terms.has_unread_cost)
    return is_early and (noted.has_condition or has_price or bool(terms.conditions or delivery.loan_conditions))


def _list_shipped_items(items: tuple[ItemName, ...]) -> tuple[ShippedItem, ...]:
    """List items; nothing for the one that its barcode says all of."""
    if len(items) < 2 and not any(item.barcode and (item.label or item.call_number) for item in items):
        return ()
    return tuple(ShippedItem(item.barcode, item.label, item.call_number) for item in items[:MAX_VOLUMES])


def _read_call_number(items: tuple[ItemName, ...]) -> Iterator[CitationExtra]:
    if len(items) == 1 and items[0].call_number:
        yield CitationExtra("call-number", items[0].call_number)


_ANSWERED: Mapping[str, tuple[EventKind, EventKind]] = {
    ReasonForMessage.CANCEL_RESPONSE: (EventKind.CANCEL_ACCEPTED, EventKind.CANCEL_REFUSED),
    ReasonForMessage.RENEW_RESPONSE: (EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED),
}
"""By reason: what a yes is, and a no. Without either a message is what its status is."""


def _read_supplier_kind(
    message: SupplyingAgencyMessage, info: MessageInfo, status: StatusInfo
) -> tuple[EventKind, str]:
    """The event, and words for what it doesn't say."""
    match info.reason_for_message:
        case ReasonForMessage.CANCEL_RESPONSE | ReasonForMessage.RENEW_RESPONSE if info.answer is not None:
            return _ANSWERED[info.reason_for_message][0 if info.answer else 1], ""
        case ReasonForMessage.RENEW_RESPONSE if status.status == Status.LOANED and status.due_date is not None:
            return EventKind.RENEW_ACCEPTED, ""  # if the day is a later one
        case ReasonForMessage.CANCEL_RESPONSE | ReasonForMessage.RENEW_RESPONSE:
            return _read_status(message, info, status)
        case ReasonForMessage.STATUS_REQUEST_RESPONSE:
            return EventKind.STATUS_REPORT, ""
        case ReasonForMessage.NOTIFICATION:
            return _read_notification(info, status)
        case ReasonForMessage.REQUEST_RESPONSE | ReasonForMessage.STATUS_CHANGE | None:
            return _read_status(message, info, status)
    raise Refused(
        RefusalReason.UNSUPPORTED_SERVICE,
        write_sentence("The reason %(value)s is not supported.", value=info.reason_for_message[:60]),
        about=MessagePart.SERVICE,
        value=info.reason_for_message[:60],
    )


def _read_notification(info: MessageInfo, status: StatusInfo) -> tuple[EventKind, str]:
    first = (info.note or "").split(SEPARATOR, 1)[0].strip().casefold()
    if first == ITEM_DAMAGED:
        return EventKind.DAMAGED, ""
    if status.due_date is not None and status.status == Status.LOANED:
        return EventKind.DUE_DATE_CHANGED, ""
    if status.status == Status.UNFILLED:  # a supplier's no that isn't the last word: another is asked
        return EventKind.FORWARDED, ""
    words = _WORDS_OF_STATUS.get(status.status or "", "")
    return EventKind.MESSAGE, words


_HELD_BY_STATUS: Mapping[str, bool] = {Status.HOLD_RETURN: True, Status.RELEASE_HOLD_RETURN: False}

_WORDS_OF_STATUS: Mapping[str, str] = {
    Status.HOLD_RETURN: write_sentence("Please do not return it yet."),
    Status.RELEASE_HOLD_RETURN: write_sentence("It may be returned now."),
}


def _read_will_supply(message: SupplyingAgencyMessage, info: MessageInfo) -> EventKind:
    """Read WillSupply; with a condition in words of ours it waits for our answer."""
    has_words = any(part.strip().startswith("conditions: ") for part in (info.note or "").split(SEPARATOR))
    return EventKind.CONDITIONAL if has_words else EventKind.WILL_SUPPLY


_KIND_OF_STATUS: Mapping[str, EventKind] = {
    Status.REQUEST_RECEIVED: EventKind.ACKNOWLEDGED,
    Status.LOANED: EventKind.SHIPPED,
    Status.OVERDUE: EventKind.OVERDUE,
    Status.RECALLED: EventKind.RECALL,
    Status.RETRY_POSSIBLE: EventKind.RETRY,
    Status.UNFILLED: EventKind.UNFILLED,
    Status.COPY_COMPLETED: EventKind.COPY_DELIVERED,
    Status.LOAN_COMPLETED: EventKind.CHECKED_IN,
    Status.COMPLETED_WITHOUT_RETURN: EventKind.LOST,
    Status.CANCELLED: EventKind.CANCEL_ACCEPTED,
    Status.HOLD_RETURN: EventKind.MESSAGE,
    Status.RELEASE_HOLD_RETURN: EventKind.MESSAGE,
}


def _read_status(message: SupplyingAgencyMessage, info: MessageInfo, status: StatusInfo) -> tuple[EventKind, str]:
    word = status.status or ""
    if word == Status.WILL_SUPPLY:
        return _read_will_supply(message, info), ""
    if word == Status.EXPECT_TO_SUPPLY:
        held = status.expected_delivery_date is not None
        return EventKind.HOLD_PLACED if held else EventKind.EXPECT_TO_SUPPLY, ""
    if not word:  # with the first answer it says that the request has come (ReShare)
        is_answer = info.reason_for_message == ReasonForMessage.REQUEST_RESPONSE
        return EventKind.ACKNOWLEDGED if is_answer else EventKind.MESSAGE, ""
    kind = _KIND_OF_STATUS.get(word)
    if kind is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("The status %(value)s is not supported.", value=word[:60]),
            value=f"status: {word[:60]}",
        )
    return kind, _WORDS_OF_STATUS.get(word, "")


def _read_reported_event(message: SupplyingAgencyMessage, info: MessageInfo, status: StatusInfo) -> EventKind | None:
    """The event that leads to the status of an answer; None: to none that we know."""
    word = status.status or ""
    if word not in _KIND_OF_STATUS and word not in (Status.WILL_SUPPLY, Status.EXPECT_TO_SUPPLY):
        return None
    if info.reason_for_message == ReasonForMessage.RENEW_RESPONSE and word == Status.LOANED and status.due_date:
        return EventKind.DUE_DATE_CHANGED
    kind, _ = _read_status(message, info, status)
    return kind if kind is not EventKind.MESSAGE else None


def _read_reason(info: MessageInfo, kind: EventKind) -> tuple[str, str]:
    """Our word, and the partner's where ours says less."""
    if kind in (EventKind.UNFILLED, EventKind.FORWARDED):
        word = info.reason_unfilled.value if info.reason_unfilled is not None else ""
        return _find_reason(word, info, {**RETRY_IN, **UNFILLED_IN})  # illmock takes words of either list
    if kind is EventKind.RETRY:
        word = info.reason_retry.value if info.reason_retry is not None else ""
        if _is_conditional_retry(info):
            return ReasonCodes.POLICY.value, write_sentence("a condition must be met")
        return _find_reason(word, info, RETRY_IN)
    return "", ""


def _is_conditional_retry(info: MessageInfo) -> bool:
    return info.reason_retry is not None and info.reason_retry.value.casefold() in CONDITIONAL_RETRIES


def _find_reason(word: str, info: MessageInfo, known: Mapping[str, ReasonCodes]) -> tuple[str, str]:
    first = (info.note or "").split(SEPARATOR, 1)[0].strip()
    if first in {code.value for code in ReasonCodes}:
        return first, ""  # said more exactly, by a gateway of our kind
    codes = known.get(word.casefold())
    if codes is not None:
        return codes.value, ""
    return (ReasonCodes.OTHER.value, write_sentence("reason: %(word)s", word=word)) if word else ("", "")


def _add_costs(costs: tuple[Costs, ...], currency: str) -> tuple[Money | None, tuple[str, ...]]:
    """The sum of the amounts that are in the currency of the first, and the others in words, among them those in what
    is no currency. `currency`: meant where none is said."""
    total: Money | None = None
    others = []
    for cost in costs:
        money = money_of_costs(cost, currency)
        if money is None or (total is not None and total.currency != money.currency):
            others.append(_describe_costs(cost))
        else:
            total = money if total is None else Money(total.amount + money.amount, total.currency)
    return total, tuple(others)


def _describe_costs(costs: Costs) -> str:
    if costs.amount is None:
        return ""
    code = costs.currency.value.strip() if costs.currency is not None else ""
    money = f"{costs.amount:f} {code}".rstrip()
    return write_sentence("cost: %(money)s", money=money)


def _describe_offer(retry: RetryInfo, context: MappingContext) -> Iterator[str]:
    """Describe what it would have to be to be supplied, and until when that holds, apart from what is an event's
    detail."""
    yield from describe_structure(retry, "loanCondition", "offeredCosts", "retryBefore", "retryAfter")
    last = context.read_day(retry.retry_before)
    if last is not None:
        yield write_sentence("ask again by %(day)s", day=last)


def _describe_shipping(message: SupplyingAgencyMessage) -> Iterator[str]:
    """Courier, numbers of the parcel, insurance."""
    return describe_structure(message.shipping_info) if message.shipping_info is not None else iter(())


def _read_return_address(message: SupplyingAgencyMessage, context: MappingContext) -> Iterator[CitationExtra]:
    """Read where the item goes back to, as lines."""
    info = message.return_info
    if info is None:
        return
    address = format_postal_address(info.physical_address) if info.physical_address is not None else ""
    name = info.name or symbol_of_agency(info.agency, context.dialect.symbols)
    if address:
        yield CitationExtra(RETURN_ADDRESS, "\n".join(filter(None, (name, address))))

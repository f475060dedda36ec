"""Messages of the gateway as a supplier: a SupplyingAgencyMessage for each kind of event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from adapters.iso18626.codec import fit_to_version
from adapters.iso18626.mapping.amounts import tell_cents_of_supplier
from adapters.iso18626.mapping.codes import (
    CONDITION_OUT,
    MUST_MEET_CONDITION,
    OTHER_CONDITION,
    RETRY_IN,
    RETRY_OUT,
    UNFILLED_IN,
    UNFILLED_OUT,
    reason_of_word,
    write_conditions,
)
from adapters.iso18626.mapping.condition_words import write_noted_terms
from adapters.iso18626.mapping.deliveries import list_new_items, write_delivery
from adapters.iso18626.mapping.identities import MappingContext, agency_of_symbol, costs_of_money, write_supplier_header
from adapters.iso18626.mapping.items import write_item_block
from adapters.iso18626.mapping.note_habits import (
    ITEM_DAMAGED,
    RETURN_TO,
    append_note,
    join_notes,
    write_address_block,
    write_return_term,
)
from adapters.iso18626.mapping.requests import write_postal_address
from adapters.iso18626.messages import SupplyingAgencyMessage
from adapters.iso18626.messages.codes import ReasonForMessage, Status
from adapters.iso18626.messages.declaration import OpenCode, SchemaVersion
from adapters.iso18626.messages.structures import DeliveryInfo, MessageInfo, RetryInfo, ReturnInfo, StatusInfo
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.note_terms import (
    write_changed_due,
    write_changed_item,
    write_conditions_term,
    write_cost_term,
)
from gateway.domain.requests.partner_notes import write_partner_note
from gateway.domain.requests.request import LendingState, Request, RequestFlag, ServiceType
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage

_SupplierWriter = Callable[[PartnerMessage, MappingContext], SupplyingAgencyMessage]

_STATUS_OF_STATE: Mapping[LendingState, Status] = {
    LendingState.NEW: Status.REQUEST_RECEIVED,
    LendingState.LOCATED: Status.EXPECT_TO_SUPPLY,
    LendingState.HOLD_PLACED: Status.EXPECT_TO_SUPPLY,
    LendingState.WILL_SUPPLY: Status.WILL_SUPPLY,
    LendingState.CONDITIONAL: Status.WILL_SUPPLY,
    LendingState.DIGITISING: Status.WILL_SUPPLY,
    LendingState.CLEARANCE: Status.WILL_SUPPLY,
    LendingState.CLEARED: Status.WILL_SUPPLY,
    LendingState.CANCEL_PENDING: Status.EXPECT_TO_SUPPLY,
    LendingState.SHIPPED: Status.LOANED,
    LendingState.RETURNED: Status.LOANED,
    LendingState.COMPLETED: Status.LOAN_COMPLETED,
    LendingState.CANCELLED: Status.CANCELLED,
    LendingState.UNFILLED: Status.UNFILLED,
    LendingState.EXPIRED: Status.UNFILLED,
    LendingState.FORWARDED: Status.UNFILLED,
    LendingState.LOST: Status.COMPLETED_WITHOUT_RETURN,
}


def status_of_request(request: Request) -> Status:
    """Return the status of a lending request, in the standard's words."""
    state = request.state
    if not isinstance(state, LendingState):
        raise TypeError("a borrowing request has no status of a supplier")
    if state is LendingState.SHIPPED:
        if RequestFlag.RECALLED in request.flags:
            return Status.RECALLED
        if RequestFlag.OVERDUE in request.flags:
            return Status.OVERDUE
    if request.is_loss_settled:
        return Status.COMPLETED_WITHOUT_RETURN
    if state is LendingState.COMPLETED and request.service.type is ServiceType.COPY:
        return Status.COPY_COMPLETED
    return _STATUS_OF_STATE[state]


def make_no_message_error(kind: EventKind) -> Refused:
    return Refused(
        RefusalReason.UNSUPPORTED_SERVICE, write_sentence("ISO 18626 has no message for '%(value)s'.", value=kind.value)
    )


def write_supplier_message(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    write = SUPPLIER_WRITERS.get(message.kind)
    if write is None:
        raise make_no_message_error(message.kind)
    written, note = _set_reason(write(message, context), message, context), _find_words(message.details)
    words = _write_words_instead(written, message, context)
    if words:
        written, note = _build_message(ReasonForMessage.NOTIFICATION, _find_taken_status(message, context)), words
    info, status = written.message_info, written.status_info
    assert info is not None
    assert status is not None
    noted = replace(
        written,
        header=write_supplier_header(message, context),
        message_info=replace(info, note=append_note(info.note or "", note) or None),
        status_info=replace(status, last_change=message.at),
    )
    if context.dialect.whole_amounts:
        noted = tell_cents_of_supplier(noted)
    noted = _put_losses_into_note(noted, context)
    if status.status == Status.UNFILLED and not context.dialect.tells_duplicate:
        noted = _hide_duplicate(noted)
    return _put_items_into_note(noted, message) if context.dialect.notes.item_block else noted


def _find_words(details: EventDetails) -> str:
    """Find what a person wrote, where the status says the rest."""
    is_said = details.reported is EventKind.UNFILLED and details.written is not None
    return details.written or "" if is_said else details.note


_CHANGES = frozenset({ReasonForMessage.REQUEST_RESPONSE, ReasonForMessage.STATUS_CHANGE})


def _set_reason(
    written: SupplyingAgencyMessage, message: PartnerMessage, context: MappingContext
) -> SupplyingAgencyMessage:
    """The first answer to a request, and no other, is a RequestResponse. As written where it isn't known which was the
    first, and where the profile says what the end of a loan is called."""
    info, first = written.message_info, message.request.answered_in
    if info is None or info.reason_for_message not in _CHANGES or not first or message.kind in _NAMED_BY_PROFILE:
        return written
    is_first = first == message.request.version
    if is_first and message.kind in _SENDINGS and context.dialect.sent_as == "StatusChange":
        return written
    reason = ReasonForMessage.REQUEST_RESPONSE if is_first else ReasonForMessage.STATUS_CHANGE
    return replace(written, message_info=replace(info, reason_for_message=reason))


_NAMED_BY_PROFILE = frozenset({EventKind.CHECKED_IN, EventKind.MESSAGE})
_SENDINGS = frozenset({EventKind.SHIPPED, EventKind.COPY_DELIVERED})


def _write_words_instead(written: SupplyingAgencyMessage, message: PartnerMessage, context: MappingContext) -> str:
    """Write words for the partner's staff, where its system doesn't take such a message; empty: it does, or no words
    will do."""
    info, status = written.message_info or MessageInfo(), written.status_info or StatusInfo()
    if context.dialect.takes_supplier_message(info.reason_for_message, status.status):
        return ""
    return write_partner_note(message.kind, message.details, message.request, context.zone)


def _find_taken_status(message: PartnerMessage, context: MappingContext) -> Status:
    """Find the status of the request, in a word that the partner takes of what is lent."""
    status = status_of_request(message.request)
    is_lent = status in (Status.OVERDUE, Status.RECALLED, Status.COMPLETED_WITHOUT_RETURN)
    return Status.LOANED if is_lent and status.value not in context.dialect.statuses else status


def _put_losses_into_note(message: SupplyingAgencyMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """Put in words what the partner's version has no element for: a link in a delivery of 1.2, say."""
    lost = fit_to_version(message, context.dialect.schema_version).lost
    words = "; ".join(f"{detail.path.rpartition('/')[2]}: {detail.value}" for detail in lost)
    return _replace_note(message, append_note(_note_of(message), words)) if words else message


def _hide_duplicate(message: SupplyingAgencyMessage) -> SupplyingAgencyMessage:
    """People read it, the broker between us doesn't."""
    note = _note_of(message)
    return _replace_note(message, f"reason: {note}") if note.casefold().startswith(_DUPLICATE) else message


_DUPLICATE = "duplicate"


def _put_items_into_note(message: SupplyingAgencyMessage, partner_message: PartnerMessage) -> SupplyingAgencyMessage:
    """Last of all, and on a line of its own: a broker that takes the block out takes the sign before it as well. With
    a deliveryInfo alone: without one the broker dies of it."""
    block = write_item_block(list_new_items(partner_message)) if partner_message.kind is EventKind.SHIPPED else ""
    if not block or message.delivery_info is None:
        return message
    return _replace_note(message, "\n".join(filter(None, (_note_of(message), block))))


def _note_of(message: SupplyingAgencyMessage) -> str:
    return (message.message_info.note if message.message_info is not None else "") or ""


def _replace_note(message: SupplyingAgencyMessage, note: str) -> SupplyingAgencyMessage:
    return replace(message, message_info=replace(message.message_info or MessageInfo(), note=note))


def _build_message(
    reason: ReasonForMessage,
    status: Status,
    *,
    info: MessageInfo | None = None,
    due: datetime | None = None,
    expected: datetime | None = None,
    delivery: DeliveryInfo | None = None,
    retry: RetryInfo | None = None,
) -> SupplyingAgencyMessage:
    return SupplyingAgencyMessage(
        message_info=replace(info or MessageInfo(), reason_for_message=reason),
        status_info=StatusInfo(status=status, due_date=due, expected_delivery_date=expected),
        delivery_info=delivery,
        retry_info=retry,
    )


def _make_response_writer(status: Status) -> _SupplierWriter:
    def write_response(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
        expected = context.write_end_of_day(message.details.expected)
        return _build_message(ReasonForMessage.REQUEST_RESPONSE, status, expected=expected)

    return write_response


def _write_expectation(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    status = Status.EXPECT_TO_SUPPLY if context.dialect.expects_to_supply else Status.WILL_SUPPLY
    return _make_response_writer(status)(message, context)


def _write_promise(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """Conditions are in the note: in elements they would wait for an answer."""
    details = message.details
    costs = costs_of_money(details.cost)
    conditions = ", ".join(condition.value.replace("-", " ") for condition in details.conditions)
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE,
        Status.WILL_SUPPLY,
        info=MessageInfo(note=f"subject to: {conditions}" if conditions else None),
        expected=context.write_end_of_day(details.expected),
        delivery=DeliveryInfo(date_sent=message.at, delivery_costs=(costs,)) if costs is not None else None,
    )


def _write_conditional(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """Conditions that the list lacks, and their costs, are in the note as well. A price that is all of it is an offer
    to ask again with a higher maximum, unless the partner reads conditions in notes."""
    details, habits = message.details, context.dialect.notes
    codes = write_conditions(details.conditions)
    unsaid = [condition for condition in details.conditions if condition not in CONDITION_OUT]
    costs = costs_of_money(details.cost)
    in_their_words = write_noted_terms(unsaid, (code.value for code in codes), details.cost, habits)
    is_price_alone = costs is not None and not codes and not set(unsaid) - {LoanCondition.COST}
    if context.dialect.conditions == "retry" or (is_price_alone and not in_their_words):
        return _write_offer(message, context)
    words = write_conditions_term(unsaid)
    if not (words or codes or in_their_words):
        words = "conditions: see note"  # else it would be read as a promise without conditions
    note = in_their_words or join_notes(words, write_cost_term(details.cost))
    if habits.condition_marker and not codes:
        codes = (OpenCode(OTHER_CONDITION),)  # who reads the marker shows no condition without a code
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE,
        Status.WILL_SUPPLY,
        info=MessageInfo(note=note or None),
        delivery=DeliveryInfo(
            date_sent=message.at, loan_conditions=codes, delivery_costs=(costs,) if costs is not None else ()
        ),
    )


def _write_offer(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """Write an offer by the book: the requester accepts by asking again. A price names its reason, so that the Retry
    brings a maximum that covers it. Versions without retryInfo have conditions in deliveryInfo alone."""
    details = message.details
    codes, costs = write_conditions(details.conditions), costs_of_money(details.cost)
    in_delivery = bool(codes) and context.dialect.schema_version < SchemaVersion.V2021
    unsaid = (term for term in details.conditions if term not in CONDITION_OUT and term is not LoanCondition.COST)
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE,
        Status.RETRY_POSSIBLE,
        info=MessageInfo(
            reason_retry=OpenCode(RETRY_OUT[ReasonCodes.COST] if costs is not None else MUST_MEET_CONDITION),
            note=write_conditions_term(unsaid) or None,
        ),
        delivery=DeliveryInfo(date_sent=message.at, loan_conditions=codes) if in_delivery else None,
        retry=RetryInfo(
            loan_conditions=() if in_delivery else codes,
            offered_costs=(costs,) if costs is not None else (),
            retry_before=context.write_end_of_day(details.retry_after),
        ),
    )


def _write_retry(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    details = message.details
    word = reason_of_word(details.reason)
    code = RETRY_OUT.get(word) if word is not None else None
    exact = code is not None and RETRY_IN[code.casefold()] is word
    costs = costs_of_money(details.cost)
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE,
        Status.RETRY_POSSIBLE,
        info=MessageInfo(
            reason_retry=OpenCode(code or "NotCurrentAvailableForILL"),
            note=None if exact or details.reason in ("", "other") else details.reason,
        ),
        retry=RetryInfo(
            retry_after=context.write_end_of_day(details.retry_after),
            offered_costs=(costs,) if costs is not None else (),
        ),
    )


def _write_unfilled(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE, Status.UNFILLED, info=_write_unfilled_reason(message.details)
    )


def _write_unfilled_reason(details: EventDetails) -> MessageInfo:
    """The reason in our word too, where the list's says less."""
    word = reason_of_word(details.reason)
    code = UNFILLED_OUT.get(word) if word is not None else None
    exact = code is not None and UNFILLED_IN[code.casefold()] is word
    return MessageInfo(
        reason_unfilled=OpenCode(code) if code is not None else None,
        note=None if exact or details.reason in ("", "other") else details.reason,
    )


def _write_expired(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(ReasonForMessage.STATUS_CHANGE, Status.UNFILLED, info=MessageInfo(note="expired"))


def _write_cancel_accepted(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(ReasonForMessage.CANCEL_RESPONSE, Status.CANCELLED, info=MessageInfo(answer=True))


def _write_cancel_refused(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.CANCEL_RESPONSE, status_of_request(message.request), info=MessageInfo(answer=False)
    )


def _write_shipped(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    if context.dialect.names_items_once and message.items_told and not _brings_further_volume(message):
        return _write_due_words(message, context)
    sender = message.sender
    back = write_address_block(RETURN_TO, sender.name, sender.address) if context.dialect.notes.addresses else ""
    return replace(
        _build_message(
            ReasonForMessage.STATUS_CHANGE,
            Status.LOANED,
            info=MessageInfo(note=join_notes(_write_unsaid_conditions(message.details), back) or None),
            due=_write_due(message, context),
            delivery=write_delivery(message, context),
        ),
        return_info=_write_return_info(message, context),
    )


def _brings_further_volume(message: PartnerMessage) -> bool:
    """Another item in place of one that is told already would be one more there."""
    return len(message.request.volumes) > 1 and bool(list_new_items(message))


def _write_return_info(message: PartnerMessage, context: MappingContext) -> ReturnInfo | None:
    """Write where it goes back to."""
    symbols, side = context.dialect.symbols, message.on_behalf_of
    if side is not None and side.address.strip():
        home, symbol = side, side.symbol
    else:
        home, symbol = message.sender, symbols.ours or message.sender.symbol
    postal = write_postal_address(home.address, context)
    if postal is None:
        return None
    return ReturnInfo(
        agency=agency_of_symbol(symbol, symbols),
        name=home.name or None,
        physical_address=postal,
    )


def _write_copy_delivered(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.STATUS_CHANGE,
        Status.COPY_COMPLETED,
        info=MessageInfo(note=_write_unsaid_conditions(message.details) or None),
        delivery=write_delivery(message, context),
    )


def _write_unsaid_conditions(details: EventDetails) -> str:
    return write_conditions_term(condition for condition in details.conditions if condition not in CONDITION_OUT)


def _write_due(message: PartnerMessage, context: MappingContext) -> datetime | None:
    due: date | datetime | None = message.details.due or message.request.terms.lender_due
    return context.write_end_of_day(due)


def _write_renew_accepted(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """The day of before is no new one: of what we broker, the supplier may have named none."""
    return _build_message(
        ReasonForMessage.RENEW_RESPONSE,
        Status.LOANED,
        info=MessageInfo(answer=True),
        due=context.write_end_of_day(message.details.due),
    )


def _write_renew_refused(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.RENEW_RESPONSE,
        status_of_request(message.request),
        info=MessageInfo(answer=False),
        due=context.write_end_of_day(message.request.terms.lender_due),
    )


def _make_change_writer(status: Status) -> _SupplierWriter:
    def write_change(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
        return _build_message(ReasonForMessage.STATUS_CHANGE, status, due=_write_due(message, context))

    return write_change


def _write_end_of_loan(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(ReasonForMessage(context.dialect.completed_as), Status.LOAN_COMPLETED)


def _write_lost(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.STATUS_CHANGE,
        Status.COMPLETED_WITHOUT_RETURN,
        info=MessageInfo(note=write_cost_term(message.details.cost) or None),
    )


def _make_notification_writer(*terms: str) -> _SupplierWriter:
    def write_notification(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
        note = join_notes(*terms, write_cost_term(message.details.cost))
        return _build_message(
            ReasonForMessage.NOTIFICATION, status_of_request(message.request), info=MessageInfo(note=note or None)
        )

    return write_notification


def _write_words(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """A message; whether the item is to be kept for now is a status since 2021. A supplier's no that isn't the last
    word is Unfilled, as brokers say it."""
    if message.details.reported is EventKind.UNFILLED:
        info = _write_unfilled_reason(message.details)
        return _build_message(ReasonForMessage.NOTIFICATION, Status.UNFILLED, info=info)
    is_held = message.details.return_on_hold
    if is_held is None or context.dialect.schema_version < SchemaVersion.V2021:
        return _make_notification_writer(write_return_term(is_held))(message, context)
    return _build_message(ReasonForMessage.STATUS_CHANGE, Status.HOLD_RETURN if is_held else Status.RELEASE_HOLD_RETURN)


def _write_due_changed(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    if context.dialect.names_items_once:
        return _write_due_words(message, context)
    return _build_message(
        ReasonForMessage.NOTIFICATION, status_of_request(message.request), due=_write_due(message, context)
    )


def _write_due_words(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """Write what is new of a loan whose items are told already; a CrossLink library shows no Notification without
    words."""
    due = context.write_end_of_day(message.details.due)
    items = ", ".join(item.barcode for item in list_new_items(message))
    note = join_notes(
        write_changed_due(due.date()) if due is not None else "",
        write_changed_item(items) if items else "",
        write_cost_term(message.details.cost),
        write_conditions_term(message.details.conditions),
    )
    return _build_message(
        ReasonForMessage.NOTIFICATION,
        status_of_request(message.request),
        info=MessageInfo(note=note or None),
        due=_write_due(message, context),
    )


def _write_forwarded(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    """It is a no: a Notification would leave the requester waiting, and a broker with us."""
    partner = message.details.partner
    return _build_message(
        ReasonForMessage.REQUEST_RESPONSE,
        Status.UNFILLED,
        info=MessageInfo(note=f"forwarded to {partner}" if partner else "forwarded"),
    )


def _write_status_report(message: PartnerMessage, context: MappingContext) -> SupplyingAgencyMessage:
    return _build_message(
        ReasonForMessage.STATUS_REQUEST_RESPONSE,
        status_of_request(message.request),
        due=context.write_end_of_day(message.request.terms.lender_due),
    )


SUPPLIER_WRITERS: Mapping[EventKind, _SupplierWriter] = {
    EventKind.ACKNOWLEDGED: _make_response_writer(Status.REQUEST_RECEIVED),
    EventKind.REJECTED: _write_unfilled,
    EventKind.EXPECT_TO_SUPPLY: _write_expectation,
    EventKind.WILL_SUPPLY: _write_promise,
    EventKind.HOLD_PLACED: _write_expectation,
    EventKind.CONDITIONAL: _write_conditional,
    EventKind.RETRY: _write_retry,
    EventKind.UNFILLED: _write_unfilled,
    EventKind.FORWARDED: _write_forwarded,
    EventKind.EXPIRED: _write_expired,
    EventKind.CANCEL_ACCEPTED: _write_cancel_accepted,
    EventKind.CANCEL_REFUSED: _write_cancel_refused,
    EventKind.SHIPPED: _write_shipped,
    EventKind.COPY_DELIVERED: _write_copy_delivered,
    EventKind.RENEW_ACCEPTED: _write_renew_accepted,
    EventKind.RENEW_REFUSED: _write_renew_refused,
    EventKind.DUE_DATE_CHANGED: _write_due_changed,
    EventKind.OVERDUE: _make_change_writer(Status.OVERDUE),
    EventKind.RECALL: _make_change_writer(Status.RECALLED),
    EventKind.CHECKED_IN: _write_end_of_loan,
    EventKind.LOST: _write_lost,
    EventKind.SETTLED: _write_lost,
    EventKind.DAMAGED: _make_notification_writer(ITEM_DAMAGED),
    EventKind.MESSAGE: _write_words,
    EventKind.STATUS_REPORT: _write_status_report,
}

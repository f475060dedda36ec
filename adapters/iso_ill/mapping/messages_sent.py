"""APDUs for what the gateway says to a partner.

Total: each kind of event, on either side, either has an APDU or is Refused as a service that ISO ILL doesn't have.
What the standard has no field for is said in the note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import reasons
from adapters.iso_ill.mapping.identities import (
    IllContext,
    amount_of_money,
    day_in_zone,
    moment_in_zone,
    our_transaction_id,
    outgoing_symbol,
    parse_transaction_key,
    shorten_texts,
)
from adapters.iso_ill.mapping.ill_request import read_unfilled_reason, write_request_fields
from adapters.iso_ill.mapping.reports import write_status_report, write_trouble_report
from adapters.iso_ill.messages import (
    Apdu,
    Cancel,
    CancelReply,
    CheckedIn,
    ConditionalReply,
    Damaged,
    Expired,
    ForwardNotification,
    IllAnswer,
    IllRequest,
    Lost,
    Message,
    Overdue,
    Recall,
    Received,
    Renew,
    RenewAnswer,
    Returned,
    Shipped,
    StatusOrErrorReport,
    StatusQuery,
)
from adapters.iso_ill.messages.codes import (
    ApduType,
    ReasonConditional,
    ReasonRetry,
    ReasonUnfilled,
    ReasonWillSupply,
    Results,
    ServiceType,
    ShippedConditions,
)
from adapters.iso_ill.messages.request_phase import (
    ConditionalResults,
    Explanation,
    HoldPlacedResults,
    ResponderOptionalMessages,
    RetryResults,
    UnfilledResults,
    WillSupplyResults,
)
from adapters.iso_ill.messages.structures import (
    ApduEncoding,
    DateDue,
    DeliveryDetails,
    DeliveryInfo,
    DeliveryParameters,
    ElectronicDelivery,
    Extension,
    ServiceDateTime,
    SuppliersReference,
    SystemAddress,
    SystemId,
    TransactionId,
)
from adapters.iso_ill.messages.tracking_phase import SupplyDetails
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.note_terms import write_changed_due, write_conditions_term, write_cost_term, write_due_term
from gateway.domain.requests.request import Role
from gateway.domain.requests.request import ServiceType as Service
from gateway.domain.requests.volume_notes import tell_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage

ApduFields = dict[str, Any]


def apdu_of_message(message: PartnerMessage, context: IllContext) -> Apdu:
    """Make the APDU; raises Refused(UNSUPPORTED_SERVICE) for what ISO ILL has no APDU for, or this partner doesn't
    take; Refused(DATA_MISSING) where something mandatory isn't known."""
    request, details = tell_volumes(message.request, message.kind, message.details)
    message = replace(message, request=request, details=details)
    builder = _BUILDERS[message.role].get(message.kind)
    if builder is None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("ISO ILL has no message for '%(value)s'.", value=message.kind.value),
        )
    cls, build = builder
    if not context.dialect.is_taken_by_partner(cls.type):
        name = cls.type.name.lower().replace("_", "-")
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE, write_sentence("This partner does not accept %(name)s.", name=name)
        )
    fields = {**_write_header(message, context), **build(message, context)}
    if "note" not in fields and cls is not Expired:
        fields["note"] = message.details.note
    apdu: Apdu = cls(**fields)
    return shorten_texts(apdu, context.dialect.max_lengths)


# --- the header ------------------------------------------------------------------------------------------


def _write_header(message: PartnerMessage, context: IllContext) -> ApduFields:
    requester, responder = _write_parties(message, context)
    return {
        "protocol_version": context.dialect.version,
        "transaction_id": _write_transaction_id(message, context),
        "service_date_time": ServiceDateTime(this=moment_in_zone(message.at, context.zone)),
        "requester_id": requester,
        "responder_id": responder,
        "extensions": _write_extensions(message, context),
    }


def _our_symbol(message: PartnerMessage, context: IllContext) -> str:
    return outgoing_symbol(context.dialect.symbols.ours or message.sender.symbol, context.dialect.symbols)


def _write_parties(message: PartnerMessage, context: IllContext) -> tuple[SystemId | None, SystemId | None]:
    ours = SystemId.from_symbol(_our_symbol(message, context), message.sender.name)
    theirs = SystemId.from_symbol(outgoing_symbol(message.receiver.symbol, context.dialect.symbols))
    both = (ours, theirs) if message.role is Role.BORROWING else (theirs, ours)
    requester, responder = (system_id if system_id != SystemId() else None for system_id in both)
    if context.dialect.transport.by == "mail" and (requester is None or responder is None):
        raise Refused(
            RefusalReason.DATA_MISSING, "Both libraries need a symbol for ISO ILL by email; one of them has none."
        )
    return requester, responder


def _write_transaction_id(message: PartnerMessage, context: IllContext) -> TransactionId:
    if message.role is Role.BORROWING:
        symbol = _our_symbol(message, context)
        return our_transaction_id(message.request, message.transaction, symbol, context.dialect.identifiers)
    try:
        return parse_transaction_key(message.transaction)
    except ValueError as error:
        raise Refused(
            RefusalReason.DATA_MISSING, "The request was not received by ISO ILL, so it has no ISO ILL transaction ID."
        ) from error


def _write_extensions(message: PartnerMessage, context: IllContext) -> tuple[Extension, ...]:
    extensions = list(write_delivery_info(context.dialect, _our_symbol(message, context), message.sender.email))
    if message.role is Role.LENDING and message.request.number:
        reference = SuppliersReference(authority=_our_symbol(message, context), reference=message.request.number)
        extensions.append(Extension.from_item(reference))
    return tuple(extensions)


def write_delivery_info(dialect: IsoIllDialect, symbol: str, email: str = "") -> tuple[Extension, ...]:
    """Write how answers reach us; under IPIG it is in every APDU."""
    reached = _choose_reply_address(dialect, email)
    if dialect.delivery_info == "omit" or reached is None:
        return ()
    encoding, transport = reached
    aliases = (SystemId.from_symbol(symbol),) if symbol else ()
    ours = DeliveryParameters(encoding=(encoding,), transport=transport, aliases=aliases)
    return (Extension.from_item(DeliveryInfo(sender=(ours,), recipient=())),)


def _choose_reply_address(dialect: IsoIllDialect, email: str) -> tuple[ApduEncoding, SystemAddress] | None:
    """Choose how answers reach us (facts/iso-ill-10161.md 8 and 10); None: it isn't told."""
    if dialect.transport.by == "mail":
        address = dialect.reply_to or email
        return (ApduEncoding.BER_IN_MIME, SystemAddress(service="SMTP", address=address)) if address else None
    address = dialect.reply_to
    return (ApduEncoding.BER, SystemAddress(service="TCP/IP", address=address)) if address else None


# --- each kind of event ----------------------------------------------------------------------------------


def _write_no_fields(_message: PartnerMessage, _context: IllContext) -> ApduFields:
    return {}


def _make_answer_writer(answer: bool) -> Callable[[PartnerMessage, IllContext], ApduFields]:
    return lambda _message, _context: {"answer": answer}


def _join_notes(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _make_day_writer(field: str) -> Callable[[PartnerMessage, IllContext], ApduFields]:
    return lambda message, context: {field: day_in_zone(message.at, context.zone)}


def _write_received(message: PartnerMessage, context: IllContext) -> ApduFields:
    copy = message.request.service.type is Service.COPY
    return {
        "date_received": day_in_zone(message.at, context.zone),
        "service_type": ServiceType.COPY_NON_RETURNABLE if copy else ServiceType.LOAN,
    }


def _write_renew(message: PartnerMessage, context: IllContext) -> ApduFields:
    due = message.details.due
    return {"desired_due_date": day_in_zone(due, context.zone) if due is not None else None}


def _write_date_due(message: PartnerMessage, context: IllContext) -> DateDue | None:
    details = message.details
    due = details.due or message.request.terms.lender_due
    if due is None:
        return None
    allowed = details.renewals_allowed
    if allowed is None:
        allowed = message.request.terms.renewals_allowed and LoanCondition.NO_RENEWAL not in details.conditions
    return DateDue(due=day_in_zone(due, context.zone), renewable=allowed)


def _write_renew_accepted(message: PartnerMessage, context: IllContext) -> ApduFields:
    """The day of before is no new one: of what we broker, the supplier may have named none."""
    return {"answer": True, "date_due": _write_date_due(message, context) if message.details.due is not None else None}


def _write_overdue(message: PartnerMessage, context: IllContext) -> ApduFields:
    """The due date is mandatory."""
    due = _write_date_due(message, context)
    if due is None:
        raise Refused(RefusalReason.DATA_MISSING, "The loan has no due date, which Overdue requires.")
    return {"date_due": due}


def _write_note(message: PartnerMessage, context: IllContext) -> ApduFields:
    return {"note": message.details.note or "(no text)"}


def _write_recall(message: PartnerMessage, context: IllContext) -> ApduFields:
    return {"note": _join_notes(write_due_term(message.details.due, context.zone), message.details.note)}


def _write_cost_note(message: PartnerMessage, _context: IllContext) -> ApduFields:
    return {"note": _join_notes(write_cost_term(message.details.cost), message.details.note)}


def _write_due_changed(message: PartnerMessage, context: IllContext) -> ApduFields:
    """There is no service of this kind: it is said in words."""
    due = _write_date_due(message, context)
    words = write_changed_due(due.due) if due is not None else "The due date has changed."
    return {"note": _join_notes(words, message.details.note)}


def _write_forward_notification(message: PartnerMessage, context: IllContext) -> ApduFields:
    """The new responder, and we as intermediary."""
    return {
        "responder_id": SystemId.from_symbol(outgoing_symbol(message.details.partner, context.dialect.symbols)),
        "intermediary_id": SystemId.from_symbol(_our_symbol(message, context), message.sender.name),
    }


# --- answers ---------------------------------------------------------------------------------------------


def _write_will_supply(message: PartnerMessage, context: IllContext) -> ApduFields:
    """Its price, for which there is no field, is in the note."""
    details = message.details
    results = WillSupplyResults(reason=ReasonWillSupply.BEING_PROCESSED_FOR_SUPPLY, supply_date=details.expected)
    return {
        **_write_ill_answer(Results.WILL_SUPPLY, Explanation(will_supply=results), context),
        "note": _join_notes(write_cost_term(details.cost), details.note),
    }


def _write_hold_placed(message: PartnerMessage, context: IllContext) -> ApduFields:
    """The day is mandatory; where it isn't known, the promise alone is told, with the hold as its reason."""
    expected = message.details.expected
    if expected is None:
        waiting = WillSupplyResults(reason=ReasonWillSupply.ON_HOLD)
        return _write_ill_answer(Results.WILL_SUPPLY, Explanation(will_supply=waiting), context)
    placed = HoldPlacedResults(estimated_date_available=expected)
    return _write_ill_answer(Results.HOLD_PLACED, Explanation(hold_placed=placed), context)


def _write_conditional(message: PartnerMessage, context: IllContext) -> ApduFields:
    """One code an answer: the first condition that has one; all others are in the note. A price alone has one too."""
    details = message.details
    price = (LoanCondition.COST,) if details.cost is not None and not details.conditions else ()
    ordered = sorted((*details.conditions, *price), key=lambda condition: condition not in reasons.EXACT)
    code = reasons.CONDITION_OUT[ordered[0]] if ordered else ReasonConditional.OTHER
    results = ConditionalResults(conditions=code, date_for_reply=details.retry_after)
    words = _describe_conditions(ordered, reasons.CONDITION_IN[code])
    return {
        **_write_ill_answer(Results.CONDITIONAL, Explanation(conditional=results), context),
        "note": _join_notes(words, write_cost_term(details.cost), details.note),
    }


def _describe_conditions(conditions: Iterable[LoanCondition], condition: LoanCondition | None) -> str:
    """Those that the one code doesn't say."""
    return write_conditions_term(loan_condition for loan_condition in conditions if loan_condition is not condition)


def _write_retry(message: PartnerMessage, context: IllContext) -> ApduFields:
    details = message.details
    word = reasons.reason_of_word(details.reason)
    code = reasons.RETRY_OUT.get(word, ReasonRetry.OTHER) if word is not None else ReasonRetry.OTHER
    unsaid = details.reason if code is ReasonRetry.OTHER and details.reason != "other" else ""
    return {
        **_write_ill_answer(
            Results.RETRY, Explanation(retry=RetryResults(reason=code, retry_date=details.retry_after)), context
        ),
        "note": _join_notes(unsaid, write_cost_term(details.cost), details.note),
    }


def _write_unfilled(message: PartnerMessage, context: IllContext) -> ApduFields:
    details = message.details
    word = reasons.reason_of_word(details.reason)
    code = read_unfilled_reason(details) or (reasons.UNFILLED_OUT[word] if word is not None else ReasonUnfilled.OTHER)
    exact = word is not None and reasons.UNFILLED_IN[code] is word
    return {
        **_write_ill_answer(Results.UNFILLED, Explanation(unfilled=UnfilledResults(reason=code)), context),
        "note": _join_notes("" if exact else details.reason, details.note),
    }


def _write_ill_answer(results: Results, explanation: Explanation, context: IllContext) -> ApduFields:
    return {"results": results, "explanation": explanation, "optional_messages": _responder_optional_messages(context)}


def _responder_optional_messages(context: IllContext) -> ResponderOptionalMessages:
    can, dialect = context.dialect.optional_messages, context.dialect
    return ResponderOptionalMessages(
        can_send_shipped=can.can_send_shipped,
        can_send_checked_in=can.can_send_checked_in,
        received=dialect.wish_for_message(ApduType.RECEIVED),
        returned=dialect.wish_for_message(ApduType.RETURNED),
    )


# --- shipping --------------------------------------------------------------------------------------------


def _write_shipped(message: PartnerMessage, context: IllContext) -> ApduFields:
    return _write_supply(message, context, ServiceType.LOAN)


def _write_copy_delivered(message: PartnerMessage, context: IllContext) -> ApduFields:
    return _write_supply(message, context, ServiceType.COPY_NON_RETURNABLE)


def _write_supply(message: PartnerMessage, context: IllContext, service: ServiceType) -> ApduFields:
    """A link goes as electronic delivery where the version has it, and always in the note, which people read."""
    details = message.details
    loan = service is ServiceType.LOAN
    code = _write_shipped_conditions(details)
    supplied = SupplyDetails(
        date_shipped=day_in_zone(message.at, context.zone),
        date_due=_write_date_due(message, context) if loan else None,
        cost=amount_of_money(details.cost),
        conditions=code,
        electronic_delivery=_write_link(details) if context.dialect.version > 1 else None,
    )
    unsaid = (term for term in details.conditions if term is not LoanCondition.NO_RENEWAL)  # the due date says that
    words = _describe_conditions(unsaid, reasons.SHIPPED_CONDITION_IN[code] if code is not None else None)
    return {
        "service_type": service,
        "supply_details": supplied,
        "optional_messages": _responder_optional_messages(context),
        "note": _join_notes(words, details.link, details.note),
    }


def _write_shipped_conditions(details: EventDetails) -> ShippedConditions | None:
    ordered = sorted(details.conditions, key=lambda condition: condition not in reasons.EXACT)
    conditions = [condition for condition in ordered if condition is not LoanCondition.NO_RENEWAL]
    return reasons.SHIPPED_CONDITION_OUT[conditions[0]] if conditions else None


def _write_link(details: EventDetails) -> ElectronicDelivery | None:
    if not details.link:
        return None
    return ElectronicDelivery(
        details=DeliveryDetails(address=SystemAddress(service="HTTP", address=details.link)),
    )


# --- which event is which APDU ---------------------------------------------------------------------------

ApduBuilder = tuple[type[Apdu], Callable[[PartnerMessage, IllContext], ApduFields]]

_EITHER: Mapping[EventKind, ApduBuilder] = {
    EventKind.LOST: (Lost, _write_cost_note),
    EventKind.DAMAGED: (Damaged, _write_cost_note),
    EventKind.MESSAGE: (Message, _write_note),
    EventKind.STATUS_QUERY: (StatusQuery, _write_no_fields),
    EventKind.STATUS_REPORT: (StatusOrErrorReport, write_status_report),
    EventKind.TROUBLE: (StatusOrErrorReport, write_trouble_report),
}
_BUILDERS: Mapping[Role, Mapping[EventKind, ApduBuilder]] = {
    Role.BORROWING: {
        EventKind.REQUEST: (IllRequest, write_request_fields),
        EventKind.CONDITION_ACCEPTED: (ConditionalReply, _make_answer_writer(True)),
        EventKind.CONDITION_REFUSED: (ConditionalReply, _make_answer_writer(False)),
        EventKind.CANCEL: (Cancel, _write_no_fields),
        EventKind.RECEIVED: (Received, _write_received),
        EventKind.RETURNED: (Returned, _make_day_writer("date_returned")),
        EventKind.RENEW: (Renew, _write_renew),
        **_EITHER,
    },
    Role.LENDING: {
        EventKind.ACKNOWLEDGED: (StatusOrErrorReport, write_status_report),
        EventKind.REJECTED: (IllAnswer, _write_unfilled),
        EventKind.EXPECT_TO_SUPPLY: (IllAnswer, _write_will_supply),
        EventKind.WILL_SUPPLY: (IllAnswer, _write_will_supply),
        EventKind.HOLD_PLACED: (IllAnswer, _write_hold_placed),
        EventKind.CONDITIONAL: (IllAnswer, _write_conditional),
        EventKind.RETRY: (IllAnswer, _write_retry),
        EventKind.UNFILLED: (IllAnswer, _write_unfilled),
        EventKind.FORWARDED: (ForwardNotification, _write_forward_notification),
        EventKind.EXPIRED: (Expired, _write_no_fields),
        EventKind.CANCEL_ACCEPTED: (CancelReply, _make_answer_writer(True)),
        EventKind.CANCEL_REFUSED: (CancelReply, _make_answer_writer(False)),
        EventKind.SHIPPED: (Shipped, _write_shipped),
        EventKind.COPY_DELIVERED: (Shipped, _write_copy_delivered),
        EventKind.RENEW_ACCEPTED: (RenewAnswer, _write_renew_accepted),
        EventKind.RENEW_REFUSED: (RenewAnswer, _make_answer_writer(False)),
        EventKind.DUE_DATE_CHANGED: (Message, _write_due_changed),
        EventKind.OVERDUE: (Overdue, _write_overdue),
        EventKind.RECALL: (Recall, _write_recall),
        EventKind.CHECKED_IN: (CheckedIn, _make_day_writer("date_checked_in")),
        **_EITHER,
    },
}


def sendable_apdus(role: Role) -> Mapping[EventKind, type[Apdu]]:
    """Return the APDU that each event of ours becomes."""
    return {kind: cls for kind, (cls, _) in _BUILDERS[role].items()}

"""What the gateway says to a partner, as an APDU.

Total: each kind of event, on either side, either has an APDU or is Refused as a service that ISO ILL doesn't have.
What the standard has no field for is said in the note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import reasons
from adapters.iso_ill.mapping.identities import (
    Context,
    amount_of,
    day_out,
    moment_out,
    ours_out,
    shortened,
    symbol_out,
    transaction_of,
)
from adapters.iso_ill.mapping.ill_request import request_fields, said_by
from adapters.iso_ill.mapping.reports import status_report, trouble
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
from gateway.domain.requests.request import Role
from gateway.domain.requests.request import ServiceType as Service
from gateway.ports.partner_channel import PartnerMessage

Fields = dict[str, Any]


def apdu_of(message: PartnerMessage, context: Context) -> Apdu:
    """Raises Refused(UNSUPPORTED_SERVICE) for what ISO ILL has no APDU for, or this partner doesn't take;
    Refused(DATA_MISSING) where something mandatory isn't known."""
    builder = _BUILDERS[message.role].get(message.kind)
    if builder is None:
        raise Refused(RefusalReason.UNSUPPORTED_SERVICE, f"ISO ILL has no message for '{message.kind.value}'.")
    cls, build = builder
    if not context.dialect.is_taken_by_partner(cls.type):
        name = cls.type.name.lower().replace("_", "-")
        raise Refused(RefusalReason.UNSUPPORTED_SERVICE, f"This partner takes no {name}.")
    fields = {**_header(message, context), **build(message, context)}
    if "note" not in fields and cls is not Expired:
        fields["note"] = message.details.note
    apdu: Apdu = cls(**fields)
    return shortened(apdu, context.dialect.max_lengths)


# --- the header ------------------------------------------------------------------------------------------


def _header(message: PartnerMessage, context: Context) -> Fields:
    requester, responder = _parties(message, context)
    return {
        "protocol_version": context.dialect.version,
        "transaction_id": _transaction(message, context),
        "service_date_time": ServiceDateTime(this=moment_out(message.at, context.zone)),
        "requester_id": requester,
        "responder_id": responder,
        "extensions": _extensions(message, context),
    }


def _our_symbol(message: PartnerMessage, context: Context) -> str:
    return symbol_out(context.dialect.symbols.ours or message.sender.symbol, context.dialect.symbols)


def _parties(message: PartnerMessage, context: Context) -> tuple[SystemId | None, SystemId | None]:
    ours = SystemId.from_symbol(_our_symbol(message, context), message.sender.name)
    theirs = SystemId.from_symbol(symbol_out(message.receiver.symbol, context.dialect.symbols))
    both = (ours, theirs) if message.role is Role.BORROWING else (theirs, ours)
    requester, responder = (one if one != SystemId() else None for one in both)
    if context.dialect.transport.by == "mail" and (requester is None or responder is None):
        raise Refused(RefusalReason.DATA_MISSING, "By mail both libraries have to be named: one of them has no symbol.")
    return requester, responder


def _transaction(message: PartnerMessage, context: Context) -> TransactionId:
    if message.role is Role.BORROWING:
        symbol = _our_symbol(message, context)
        return ours_out(message.request, message.transaction, symbol, context.dialect.identifiers)
    try:
        return transaction_of(message.transaction)
    except ValueError as error:
        raise Refused(
            RefusalReason.DATA_MISSING, "The request did not come by ISO ILL: its transaction has no such name."
        ) from error


def _extensions(message: PartnerMessage, context: Context) -> tuple[Extension, ...]:
    found = list(delivery_info(context.dialect, _our_symbol(message, context), message.sender.email))
    if message.role is Role.LENDING and message.request.number:
        authority = _our_symbol(message, context)
        found.append(Extension.from_item(SuppliersReference(authority=authority, reference=message.request.number)))
    return tuple(found)


def delivery_info(dialect: IsoIllDialect, symbol: str, email: str = "") -> tuple[Extension, ...]:
    """How answers reach us; under IPIG it is in every APDU."""
    reached = _reached(dialect, email)
    if dialect.delivery_info == "omit" or reached is None:
        return ()
    encoding, transport = reached
    aliases = (SystemId.from_symbol(symbol),) if symbol else ()
    ours = DeliveryParameters(encoding=(encoding,), transport=transport, aliases=aliases)
    return (Extension.from_item(DeliveryInfo(sender=(ours,), recipient=())),)


def _reached(dialect: IsoIllDialect, email: str) -> tuple[ApduEncoding, SystemAddress] | None:
    """How answers reach us (facts/iso-ill-10161.md 8 and 10); None: it isn't told."""
    if dialect.transport.by == "mail":
        address = dialect.reply_to or email
        return (ApduEncoding.BER_IN_MIME, SystemAddress(service="SMTP", address=address)) if address else None
    address = dialect.reply_to
    return (ApduEncoding.BER, SystemAddress(service="TCP/IP", address=address)) if address else None


# --- each kind of event ----------------------------------------------------------------------------------


def _nothing(_message: PartnerMessage, _context: Context) -> Fields:
    return {}


def _answers(answer: bool) -> Callable[[PartnerMessage, Context], Fields]:
    return lambda _message, _context: {"answer": answer}


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _day(field: str) -> Callable[[PartnerMessage, Context], Fields]:
    return lambda message, context: {field: day_out(message.at, context.zone)}


def _received(message: PartnerMessage, context: Context) -> Fields:
    copy = message.request.service.type is Service.COPY
    return {
        "date_received": day_out(message.at, context.zone),
        "service_type": ServiceType.COPY_NON_RETURNABLE if copy else ServiceType.LOAN,
    }


def _renew(message: PartnerMessage, context: Context) -> Fields:
    due = message.details.due
    return {"desired_due_date": day_out(due, context.zone) if due is not None else None}


def _date_due(message: PartnerMessage, context: Context) -> DateDue | None:
    details = message.details
    due = details.due or message.request.terms.lender_due
    if due is None:
        return None
    allowed = details.renewals_allowed
    if allowed is None:
        allowed = message.request.terms.renewals_allowed and LoanCondition.NO_RENEWAL not in details.conditions
    return DateDue(due=day_out(due, context.zone), renewable=allowed)


def _renew_accepted(message: PartnerMessage, context: Context) -> Fields:
    return {"answer": True, "date_due": _date_due(message, context)}


def _overdue(message: PartnerMessage, context: Context) -> Fields:
    """The due date is mandatory."""
    due = _date_due(message, context)
    if due is None:
        raise Refused(RefusalReason.DATA_MISSING, "The loan has no due date, which an Overdue has to name.")
    return {"date_due": due}


def _text(message: PartnerMessage, context: Context) -> Fields:
    return {"note": message.details.note or "(no text)"}


def _due_changed(message: PartnerMessage, context: Context) -> Fields:
    """There is no service of this kind: it is said in words."""
    due = _date_due(message, context)
    words = f"The due date is now {due.due.isoformat()}." if due is not None else "The due date has changed."
    return {"note": _joined(words, message.details.note)}


def _forwarded(message: PartnerMessage, context: Context) -> Fields:
    """The new responder, and we as intermediary."""
    return {
        "responder_id": SystemId.from_symbol(symbol_out(message.details.partner, context.dialect.symbols)),
        "intermediary_id": SystemId.from_symbol(_our_symbol(message, context), message.sender.name),
    }


# --- answers ---------------------------------------------------------------------------------------------


def _will_supply(message: PartnerMessage, context: Context) -> Fields:
    results = WillSupplyResults(
        reason=ReasonWillSupply.BEING_PROCESSED_FOR_SUPPLY, supply_date=message.details.expected
    )
    return _answer(Results.WILL_SUPPLY, Explanation(will_supply=results), context)


def _hold_placed(message: PartnerMessage, context: Context) -> Fields:
    """The day is mandatory; where it isn't known, the promise alone is told, with the hold as its reason."""
    expected = message.details.expected
    if expected is None:
        waiting = WillSupplyResults(reason=ReasonWillSupply.ON_HOLD)
        return _answer(Results.WILL_SUPPLY, Explanation(will_supply=waiting), context)
    placed = HoldPlacedResults(estimated_date_available=expected)
    return _answer(Results.HOLD_PLACED, Explanation(hold_placed=placed), context)


def _conditional(message: PartnerMessage, context: Context) -> Fields:
    """One code an answer: the first condition that has one; all others are in the note."""
    details = message.details
    ordered = sorted(details.conditions, key=lambda one: one not in reasons.EXACT)
    code = reasons.CONDITION_OUT[ordered[0]] if ordered else ReasonConditional.OTHER
    cost = f"cost: {details.cost.amount:f} {details.cost.currency}" if details.cost is not None else ""
    results = ConditionalResults(conditions=code, date_for_reply=details.retry_after)
    words = _conditions_in_words(tuple(ordered))
    return {
        **_answer(Results.CONDITIONAL, Explanation(conditional=results), context),
        "note": _joined(words, cost, details.note),
    }


def _conditions_in_words(conditions: tuple[LoanCondition, ...]) -> str:
    """Those that the one code doesn't say."""
    unsaid = [one for index, one in enumerate(conditions) if index > 0 or one not in reasons.EXACT]
    words = [one.value.replace("-", " ") for one in unsaid if one is not LoanCondition.OTHER]
    return f"conditions: {', '.join(words)}" if words else ""


def _retry(message: PartnerMessage, context: Context) -> Fields:
    details = message.details
    word = reasons.word_of(details.reason)
    code = reasons.RETRY_OUT.get(word, ReasonRetry.OTHER) if word is not None else ReasonRetry.OTHER
    unsaid = details.reason if code is ReasonRetry.OTHER and details.reason != "other" else ""
    return {
        **_answer(Results.RETRY, Explanation(retry=RetryResults(reason=code, retry_date=details.retry_after)), context),
        "note": _joined(unsaid, details.note),
    }


def _unfilled(message: PartnerMessage, context: Context) -> Fields:
    details = message.details
    word = reasons.word_of(details.reason)
    code = said_by(details) or (reasons.UNFILLED_OUT[word] if word is not None else ReasonUnfilled.OTHER)
    exact = word is not None and reasons.UNFILLED_IN[code] is word
    return {
        **_answer(Results.UNFILLED, Explanation(unfilled=UnfilledResults(reason=code)), context),
        "note": _joined("" if exact else details.reason, details.note),
    }


def _answer(results: Results, explanation: Explanation, context: Context) -> Fields:
    return {"results": results, "explanation": explanation, "optional_messages": _optional(context)}


def _optional(context: Context) -> ResponderOptionalMessages:
    can, dialect = context.dialect.optional_messages, context.dialect
    return ResponderOptionalMessages(
        can_send_shipped=can.can_send_shipped,
        can_send_checked_in=can.can_send_checked_in,
        received=dialect.wish_for_message(ApduType.RECEIVED),
        returned=dialect.wish_for_message(ApduType.RETURNED),
    )


# --- shipping --------------------------------------------------------------------------------------------


def _shipped(message: PartnerMessage, context: Context) -> Fields:
    return _supply(message, context, ServiceType.LOAN)


def _copy_delivered(message: PartnerMessage, context: Context) -> Fields:
    return _supply(message, context, ServiceType.COPY_NON_RETURNABLE)


def _supply(message: PartnerMessage, context: Context, service: ServiceType) -> Fields:
    """A link goes as electronic delivery where the version has it, and always in the note, which people read."""
    details = message.details
    loan = service is ServiceType.LOAN
    supplied = SupplyDetails(
        date_shipped=day_out(message.at, context.zone),
        date_due=_date_due(message, context) if loan else None,
        cost=amount_of(details.cost),
        conditions=_shipped_conditions(details),
        electronic_delivery=_link(details) if context.dialect.version > 1 else None,
    )
    words = _conditions_in_words(tuple(one for one in details.conditions if one is not LoanCondition.NO_RENEWAL))
    return {
        "service_type": service,
        "supply_details": supplied,
        "optional_messages": _optional(context),
        "note": _joined(words, details.link, details.note),
    }


def _shipped_conditions(details: EventDetails) -> ShippedConditions | None:
    ordered = sorted(details.conditions, key=lambda one: one not in reasons.EXACT)
    wanted = [one for one in ordered if one is not LoanCondition.NO_RENEWAL]
    return reasons.SHIPPED_CONDITION_OUT[wanted[0]] if wanted else None


def _link(details: EventDetails) -> ElectronicDelivery | None:
    if not details.link:
        return None
    return ElectronicDelivery(
        details=DeliveryDetails(address=SystemAddress(service="HTTP", address=details.link)),
    )


# --- which event is which APDU ---------------------------------------------------------------------------

Builder = tuple[type[Apdu], Callable[[PartnerMessage, Context], Fields]]

_EITHER: Mapping[EventKind, Builder] = {
    EventKind.LOST: (Lost, _nothing),
    EventKind.DAMAGED: (Damaged, _nothing),
    EventKind.MESSAGE: (Message, _text),
    EventKind.STATUS_QUERY: (StatusQuery, _nothing),
    EventKind.STATUS_REPORT: (StatusOrErrorReport, status_report),
    EventKind.TROUBLE: (StatusOrErrorReport, trouble),
}
_BUILDERS: Mapping[Role, Mapping[EventKind, Builder]] = {
    Role.BORROWING: {
        EventKind.REQUEST: (IllRequest, request_fields),
        EventKind.CONDITION_ACCEPTED: (ConditionalReply, _answers(True)),
        EventKind.CONDITION_REFUSED: (ConditionalReply, _answers(False)),
        EventKind.CANCEL: (Cancel, _nothing),
        EventKind.RECEIVED: (Received, _received),
        EventKind.RETURNED: (Returned, _day("date_returned")),
        EventKind.RENEW: (Renew, _renew),
        **_EITHER,
    },
    Role.LENDING: {
        EventKind.ACKNOWLEDGED: (StatusOrErrorReport, status_report),
        EventKind.REJECTED: (IllAnswer, _unfilled),
        EventKind.EXPECT_TO_SUPPLY: (IllAnswer, _will_supply),
        EventKind.WILL_SUPPLY: (IllAnswer, _will_supply),
        EventKind.HOLD_PLACED: (IllAnswer, _hold_placed),
        EventKind.CONDITIONAL: (IllAnswer, _conditional),
        EventKind.RETRY: (IllAnswer, _retry),
        EventKind.UNFILLED: (IllAnswer, _unfilled),
        EventKind.FORWARDED: (ForwardNotification, _forwarded),
        EventKind.EXPIRED: (Expired, _nothing),
        EventKind.CANCEL_ACCEPTED: (CancelReply, _answers(True)),
        EventKind.CANCEL_REFUSED: (CancelReply, _answers(False)),
        EventKind.SHIPPED: (Shipped, _shipped),
        EventKind.COPY_DELIVERED: (Shipped, _copy_delivered),
        EventKind.RENEW_ACCEPTED: (RenewAnswer, _renew_accepted),
        EventKind.RENEW_REFUSED: (RenewAnswer, _answers(False)),
        EventKind.DUE_DATE_CHANGED: (Message, _due_changed),
        EventKind.OVERDUE: (Overdue, _overdue),
        EventKind.RECALL: (Recall, _nothing),
        EventKind.CHECKED_IN: (CheckedIn, _day("date_checked_in")),
        **_EITHER,
    },
}


def sendable(role: Role) -> Mapping[EventKind, type[Apdu]]:
    """Which APDU an event of ours becomes."""
    return {kind: cls for kind, (cls, _) in _BUILDERS[role].items()}

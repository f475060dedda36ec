"""A partner's APDU as the gateway understands it: which event, on which side, with what details.

Total: every APDU becomes an IncomingPartnerMessage. What has no place in it is said in the note or kept in the extras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from adapters.iso_ill.mapping import reasons
from adapters.iso_ill.mapping.identities import (
    IllContext,
    id_of_apdu,
    incoming_symbol,
    list_sender_aliases,
    money_of_amount,
    our_transaction_number,
    symbol_of_system_id,
    transaction_key,
)
from adapters.iso_ill.mapping.ill_request import request_of_ill_request
from adapters.iso_ill.messages import (
    APDUS,
    Apdu,
    CheckedIn,
    Damaged,
    ForwardNotification,
    IllAnswer,
    IllRequest,
    Overdue,
    Received,
    Renew,
    RenewAnswer,
    Returned,
    Shipped,
    StatusOrErrorReport,
)
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    HistoryService,
    ReasonConditional,
    ReasonRetry,
    ReasonUnfilled,
    ReasonWillSupply,
    Results,
    ServiceType,
    ShippedConditions,
)
from adapters.iso_ill.messages.request_phase import Explanation
from adapters.iso_ill.messages.structures import Amount, DateDue, Location, SuppliersReference
from adapters.iso_ill.state_tables import FROM_REQUESTER, FROM_RESPONDER
from gateway.domain.library import Money
from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.note_terms import read_note_terms, read_told_event
from gateway.domain.requests.request import Role
from gateway.domain.sentences import join_sentences, mark_template, write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import IncomingPartnerMessage


def our_role(apdu: Apdu, context: IllContext) -> Role:
    """Return our role by the kind of APDU; for those that both sides send by which party we are: the requester, or else
    the other."""
    if apdu.type in FROM_REQUESTER:
        return Role.LENDING
    if apdu.type in FROM_RESPONDER:
        return Role.BORROWING
    is_ours = context.is_us(symbol_of_system_id(apdu.requester_id, context.dialect.symbols))
    return Role.BORROWING if is_ours else Role.LENDING


def event_of_apdu(apdu: Apdu, context: IllContext, digest: str = "") -> IncomingPartnerMessage:
    """`digest`: of its octets, by which it is known again; empty: of what it says. `transaction` is our own number
    where we are the requester, the key of `mapping.identities` where not."""
    role = our_role(apdu, context)
    kind, details = interpret_apdu(apdu, context)
    if role is Role.BORROWING:
        kind, details = read_told_event(kind, details)
    ours, theirs = (
        (apdu.requester_id, apdu.responder_id) if role is Role.BORROWING else (apdu.responder_id, apdu.requester_id)
    )
    if isinstance(apdu, ForwardNotification):
        theirs = apdu.intermediary_id  # the responder named here is the new one
    symbols = context.dialect.symbols
    receiver = symbol_of_system_id(ours, symbols)
    sender = symbol_of_system_id(theirs, symbols) or next(
        (incoming_symbol(alias, symbols) for alias in list_sender_aliases(apdu)), ""
    )
    id_ = digest or id_of_apdu(apdu)
    transaction = _read_transaction(apdu, role, id_, context)
    request = request_of_ill_request(apdu, sender, transaction, context) if isinstance(apdu, IllRequest) else None
    return IncomingPartnerMessage(
        id=id_,
        kind=kind,
        role=role,
        sender=sender,
        receiver="" if context.dialect.symbols.ours and context.is_us(receiver) else receiver,
        addressed=receiver,
        transaction=transaction,
        details=_add_extension_details(details, apdu),
        request=request,
    )


def _read_transaction(apdu: Apdu, role: Role, digest: str, context: IllContext) -> str:
    id_ = apdu.transaction_id
    if role is Role.BORROWING:
        return our_transaction_number(id_.group_qualifier, id_.qualifier, context.dialect.identifiers)
    return transaction_key(id_, digest)


def _add_extension_details(details: EventDetails, apdu: Apdu) -> EventDetails:
    reference, kept = _read_supplier_reference(apdu), _critical_extension_extras(apdu)
    if not (reference or kept):
        return details
    return replace(details, transaction=reference, extras=(*details.extras, *kept))


def _read_supplier_reference(apdu: Apdu) -> str:
    """The supplier's own number, which IPIG's extension brings."""
    items = (extension.item for extension in apdu.carried_extensions)
    return next((item.reference for item in items if isinstance(item, SuppliersReference)), "")


def _critical_extension_extras(apdu: Apdu) -> tuple[CitationExtra, ...]:
    """Extensions that we don't know are named, so that staff see that there was more."""
    names = (extension.name for extension in apdu.carried_extensions if extension.critical)
    return tuple(CitationExtra("critical-extension", name) for name in names)


def interpret_apdu(apdu: Apdu, context: IllContext) -> tuple[EventKind, EventDetails]:
    """The note of a request is that of its citation."""
    kind, details = _MEANINGS[apdu.type](apdu, context)
    if kind is EventKind.REQUEST:
        return kind, details
    details = replace(details, written=apdu.note_text)  # the rest of the note is made of codes and names
    if not apdu.note_text:
        return kind, details
    return kind, read_note_terms(kind, replace(details, note=_join_notes(details.note, apdu.note_text)))


def _join_notes(*notes: str) -> str:
    return join_sentences("; ", notes)


def _name_value(template: str, value: object) -> str:
    """Empty where the APDU has no such value."""
    return write_sentence(template, value=value) if value else ""


# --- each APDU -------------------------------------------------------------------------------------------


def _make_plain_reader(kind: EventKind) -> Callable[[Any, IllContext], tuple[EventKind, EventDetails]]:
    return lambda _apdu, _context: (kind, EventDetails())


def _make_answer_reader(yes: EventKind, no: EventKind) -> Callable[[Any, IllContext], tuple[EventKind, EventDetails]]:
    return lambda apdu, _context: (yes if apdu.answer else no, EventDetails())


def _read_forward_notification(apdu: ForwardNotification, context: IllContext) -> tuple[EventKind, EventDetails]:
    to = symbol_of_system_id(apdu.responder_id, context.dialect.symbols) or apdu.responder_id.name_text
    return EventKind.FORWARDED, EventDetails(
        note=write_sentence("forwarded to %(partner)s", partner=to) if to else "", partner=to
    )


def _read_shipped(apdu: Shipped, context: IllContext) -> tuple[EventKind, EventDetails]:
    supplied = apdu.supply_details
    conditions, words = _read_shipped_conditions(supplied.conditions)
    cost, unread = _read_price(supplied.cost, context)
    is_copy = apdu.service_type == ServiceType.COPY_NON_RETURNABLE
    electronic = supplied.electronic_delivery
    address = electronic.details.address if electronic is not None else None
    link = address.address if address is not None and "://" in address.address else ""
    details = EventDetails(
        **_due_details(supplied.date_due),
        conditions=(*conditions, *unread),
        cost=cost,
        note=_join_notes(words, _name_value(mark_template("shipped via %(value)s"), supplied.physical_delivery)),
        link=link,
        extras=_shipping_extras(apdu),
    )
    return EventKind.COPY_DELIVERED if is_copy else EventKind.SHIPPED, details


def _read_price(amount: Amount | None, context: IllContext) -> tuple[Money | None, tuple[LoanCondition, ...]]:
    """The sum; of a price that is none that something is to be paid."""
    cost = money_of_amount(amount, context.currency)
    is_unread = amount is not None and bool(amount.value.strip()) and cost is None
    return cost, (LoanCondition.COST,) if is_unread else ()


_NO_CURRENCY = "XXX"
"""As ISO 4217 has it: only whether it is a sum is looked at."""


def _shipping_extras(apdu: Shipped) -> tuple[CitationExtra, ...]:
    supplied = apdu.supply_details
    extras = []
    if supplied.date_shipped is not None:
        extras.append(CitationExtra("date-shipped", supplied.date_shipped.isoformat(), "date"))
    if supplied.chargeable_units is not None:
        extras.append(CitationExtra("chargeable-units", str(supplied.chargeable_units), "number"))
    unread = supplied.cost if money_of_amount(supplied.cost, _NO_CURRENCY) is None else None
    for name, amount in (
        ("cost", unread),
        ("insured-for", supplied.insured_for),
        ("return-insurance-require", supplied.return_insurance_require),
    ):
        if amount is not None:
            extras.append(CitationExtra(name, f"{amount.value} {amount.currency}".strip()))
    return tuple(extras)


def _read_shipped_conditions(code: ShippedConditions | int | None) -> tuple[tuple[LoanCondition, ...], str]:
    if code is None:
        return (), ""
    condition = reasons.SHIPPED_CONDITION_IN.get(code) if isinstance(code, ShippedConditions) else None
    if condition is None:
        return (LoanCondition.OTHER,), write_sentence("condition: %(words)s", words=reasons.name_of_code(code))
    return (condition,), ""


def _due_details(due: DateDue | None) -> dict[str, Any]:
    return {} if due is None else {"due": due.due, "renewals_allowed": due.renewable}


def _read_received(apdu: Received, _context: IllContext) -> tuple[EventKind, EventDetails]:
    return EventKind.RECEIVED, EventDetails(extras=_day_extras("date-received", apdu.date_received))


def _read_returned(apdu: Returned, context: IllContext) -> tuple[EventKind, EventDetails]:
    via = _name_value(mark_template("returned via %(value)s"), apdu.returned_via)
    insured = money_of_amount(apdu.insured_for, context.currency)
    worth = _name_value(mark_template("insured for %(value)s"), insured)
    return EventKind.RETURNED, EventDetails(
        note=_join_notes(via, worth), extras=_day_extras("date-returned", apdu.date_returned)
    )


def _read_checked_in(apdu: CheckedIn, _context: IllContext) -> tuple[EventKind, EventDetails]:
    return EventKind.CHECKED_IN, EventDetails(extras=_day_extras("date-checked-in", apdu.date_checked_in))


def _day_extras(name: str, day: date) -> tuple[CitationExtra, ...]:
    return (CitationExtra(name, day.isoformat(), "date"),)


def _read_overdue(apdu: Overdue, _context: IllContext) -> tuple[EventKind, EventDetails]:
    return EventKind.OVERDUE, EventDetails(**_due_details(apdu.date_due))


def _read_renew(apdu: Renew, _context: IllContext) -> tuple[EventKind, EventDetails]:
    return EventKind.RENEW, EventDetails(due=apdu.desired_due_date)


def _read_renew_answer(apdu: RenewAnswer, _context: IllContext) -> tuple[EventKind, EventDetails]:
    return EventKind.RENEW_ACCEPTED if apdu.answer else EventKind.RENEW_REFUSED, EventDetails(
        **_due_details(apdu.date_due)
    )


def _read_damaged(apdu: Damaged, _context: IllContext) -> tuple[EventKind, EventDetails]:
    if apdu.details is None:
        return EventKind.DAMAGED, EventDetails()
    units = ", ".join(map(str, apdu.details.specific_units))
    return EventKind.DAMAGED, EventDetails(
        note=write_sentence("damaged units: %(units)s", units=units)
        if units
        else write_sentence("the complete document is damaged")
    )


def _read_report(apdu: StatusOrErrorReport, _context: IllContext) -> tuple[EventKind, EventDetails]:
    if apdu.error_report is not None:
        return _read_error_report(apdu)
    status = apdu.status_report
    if status is None:
        why = reasons.name_of_code(apdu.reason_no_report) if apdu.reason_no_report is not None else ""
        return EventKind.STATUS_REPORT, EventDetails(note=_name_value(mark_template("no report: %(value)s"), why))
    state = reasons.name_of_code(status.state)
    history = status.history
    words = write_sentence(
        "last service %(service)s on %(day)s",
        service=reasons.name_of_code(history.most_recent_service),
        day=history.date_of_most_recent_service,
    )
    taken = history.most_recent_service == HistoryService.ILL_REQUEST and status.state in _BEGUN
    if taken:
        return EventKind.ACKNOWLEDGED, EventDetails(status=state, note=_join_notes(words, history.note))
    reported = _REPORTED.get(status.state) if isinstance(status.state, CurrentState) else None
    conditions = (LoanCondition.OTHER,) if reported is EventKind.CONDITIONAL else ()
    return EventKind.STATUS_REPORT, EventDetails(
        status=state, reported=reported, conditions=conditions, note=_join_notes(words, history.note)
    )


_REPORTED: Mapping[CurrentState, EventKind] = {
    CurrentState.NOT_SUPPLIED: EventKind.UNFILLED,
    CurrentState.CONDITIONAL: EventKind.CONDITIONAL,
    CurrentState.CANCELLED: EventKind.CANCEL_ACCEPTED,
    CurrentState.SHIPPED: EventKind.SHIPPED,
    CurrentState.RENEW_PENDING: EventKind.SHIPPED,
    CurrentState.OVERDUE: EventKind.OVERDUE,
    CurrentState.RENEW_OVERDUE: EventKind.OVERDUE,
    CurrentState.RECALL: EventKind.RECALL,
    CurrentState.RECEIVED: EventKind.RECEIVED,
    CurrentState.RETURNED: EventKind.RETURNED,
    CurrentState.CHECKED_IN: EventKind.CHECKED_IN,
    CurrentState.LOST: EventKind.LOST,
}
"""The event that leads into a state of the other side; the states that begin a request, or end it by forwarding, tell
nothing that could have been missed."""

_BEGUN = (CurrentState.IN_PROCESS, CurrentState.PENDING)
"""OCLC answers a request with such a report: it is the receipt."""


def _read_error_report(apdu: StatusOrErrorReport) -> tuple[EventKind, EventDetails]:
    report = apdu.error_report
    assert report is not None
    words = []
    user, provider = report.user, report.provider
    if user is not None:
        for name in ("intermediary_problem", "unable_to_perform"):
            code = getattr(user, name)
            if code is not None:
                words.append(f"{name.replace('_', '-')}: {reasons.name_of_code(code)}")
        if user.already_forwarded is not None:
            partner = user.already_forwarded.responder_id.symbol_text
            words.append(write_sentence("already forwarded to %(partner)s", partner=partner))
        if user.security_problem:
            words.append(f"security-problem: {user.security_problem}")
    if provider is not None:
        for name in ("general_problem", "transaction_id_problem"):
            code = getattr(provider, name)
            if code is not None:
                words.append(f"{name.replace('_', '-')}: {reasons.name_of_code(code)}")
        prohibited = provider.state_transition_prohibited
        if prohibited is not None:
            culprit, state = reasons.name_of_code(prohibited.apdu), reasons.name_of_code(prohibited.state)
            words.append(f"state-transition-prohibited: {culprit} in {state}")
    what = _join_notes(*words) or write_sentence("error")
    about_request = report.correlation.upper().startswith(("ILL-REQUEST", "ILL REQUEST"))
    kind = EventKind.REJECTED if about_request else EventKind.TROUBLE
    about = _name_value(mark_template("about %(value)s"), report.correlation)
    return kind, EventDetails(reason=ReasonCodes.OTHER.value, status=f"error: {what}", note=_join_notes(what, about))


# --- ILL-Answer ------------------------------------------------------------------------------------------


def _read_ill_answer(apdu: IllAnswer, context: IllContext) -> tuple[EventKind, EventDetails]:
    explanation = apdu.explanation or Explanation()
    reader = _RESULTS.get(apdu.results) if isinstance(apdu.results, Results) else None
    if reader is None:
        return EventKind.MESSAGE, EventDetails(
            note=write_sentence("an answer of an unknown kind, %(code)s", code=reasons.name_of_code(apdu.results))
        )
    return reader(explanation, context)


def _read_conditional(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.conditional
    if results is None:
        return EventKind.CONDITIONAL, EventDetails(conditions=(LoanCondition.OTHER,))
    code = results.conditions
    condition = (
        reasons.CONDITION_IN.get(code, LoanCondition.OTHER)
        if isinstance(code, ReasonConditional)
        else LoanCondition.OTHER
    )
    name = reasons.name_of_code(code) if condition in (LoanCondition.OTHER, LoanCondition.COST) else ""
    note = write_sentence("condition: %(words)s", words=name) if name else ""
    until = _name_value(mark_template("answer by %(value)s"), results.date_for_reply)
    via = _name_value(mark_template("proposed delivery: %(value)s"), results.physical_delivery)
    return EventKind.CONDITIONAL, EventDetails(
        conditions=(condition,), note=_join_notes(note, until, via, _format_locations(results.locations, context))
    )


def _read_retry(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.retry
    if results is None:
        return EventKind.RETRY, EventDetails(reason=ReasonCodes.OTHER.value)
    code = results.reason
    word = reasons.RETRY_IN.get(code) if isinstance(code, ReasonRetry) else None
    return EventKind.RETRY, EventDetails(
        reason=(word or ReasonCodes.OTHER).value,
        retry_after=results.retry_date,
        note=_join_notes(_inexact_code_name(code, word), _format_locations(results.locations, context)),
    )


def _read_unfilled(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.unfilled
    if results is None:
        return EventKind.UNFILLED, EventDetails(reason=ReasonCodes.OTHER.value)
    code = results.reason
    word = reasons.UNFILLED_IN.get(code) if isinstance(code, ReasonUnfilled) else None
    return EventKind.UNFILLED, EventDetails(
        reason=(word or ReasonCodes.OTHER).value,
        note=_join_notes(_inexact_code_name(code, word), _format_locations(results.locations, context)),
    )


def _inexact_code_name(code: Any, word: ReasonCodes | None) -> str:
    """The standard's word where ours says less."""
    if code is None or code in (ReasonUnfilled.OTHER, ReasonUnfilled.RESPONDER_SPECIFIC):
        return ""
    exact = isinstance(code, ReasonUnfilled) and word is not None and reasons.UNFILLED_OUT.get(word) == code
    return "" if exact else reasons.name_of_code(code)


def _read_locations(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.locations
    if results is None:
        return EventKind.UNFILLED, EventDetails(
            reason=ReasonCodes.OTHER.value, note=write_sentence("locations provided, but none was named")
        )
    return EventKind.UNFILLED, EventDetails(
        reason=ReasonCodes.OTHER.value,
        note=_join_notes(
            reasons.name_of_code(results.reason) if results.reason is not None else "",
            _format_locations(results.locations, context),
        ),
        extras=tuple(CitationExtra("location", _format_location(location, context)) for location in results.locations),
    )


def _read_will_supply(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.will_supply
    if results is None:
        return EventKind.WILL_SUPPLY, EventDetails()
    plain = results.reason in (ReasonWillSupply.BEING_PROCESSED_FOR_SUPPLY, ReasonWillSupply.OTHER)
    return EventKind.WILL_SUPPLY, EventDetails(
        expected=results.supply_date,
        note=_join_notes(
            "" if plain else reasons.name_of_code(results.reason), _format_locations(results.locations, context)
        ),
    )


def _read_hold_placed(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    results = explanation.hold_placed
    if results is None:
        return EventKind.HOLD_PLACED, EventDetails()
    return EventKind.HOLD_PLACED, EventDetails(
        expected=results.estimated_date_available, note=_format_locations(results.locations, context)
    )


def _read_estimate(explanation: Explanation, context: IllContext) -> tuple[EventKind, EventDetails]:
    """It ends the transaction: whoever agrees asks again."""
    results = explanation.estimate
    words = (
        write_sentence("estimated cost: %(cost)s", cost=results.cost_estimate)
        if results is not None
        else write_sentence("an estimate without a cost")
    )
    places = _format_locations(results.locations, context) if results is not None else ""
    cost, unread = _read_price(Amount(value=results.cost_estimate) if results is not None else None, context)
    return EventKind.RETRY, EventDetails(
        reason=ReasonCodes.COST.value,
        cost=cost,
        conditions=unread,
        note=_join_notes(words, places),
    )


def _format_locations(locations: tuple[Location, ...], context: IllContext) -> str:
    places = ", ".join(_format_location(location, context) for location in locations)
    return _name_value(mark_template("locations: %(value)s"), places)


def _format_location(location: Location, context: IllContext) -> str:
    named = symbol_of_system_id(location.id, context.dialect.symbols) or location.id.name_text or "(not named)"
    return f"{named} ({location.note})" if location.note else named


_RESULTS: Mapping[Results, Callable[[Explanation, IllContext], tuple[EventKind, EventDetails]]] = {
    Results.CONDITIONAL: _read_conditional,
    Results.RETRY: _read_retry,
    Results.UNFILLED: _read_unfilled,
    Results.LOCATIONS_PROVIDED: _read_locations,
    Results.WILL_SUPPLY: _read_will_supply,
    Results.HOLD_PLACED: _read_hold_placed,
    Results.ESTIMATE: _read_estimate,
}

_MEANINGS: Mapping[ApduType, Callable[[Any, IllContext], tuple[EventKind, EventDetails]]] = {
    ApduType.ILL_REQUEST: _make_plain_reader(EventKind.REQUEST),
    ApduType.FORWARD_NOTIFICATION: _read_forward_notification,
    ApduType.SHIPPED: _read_shipped,
    ApduType.ILL_ANSWER: _read_ill_answer,
    ApduType.CONDITIONAL_REPLY: _make_answer_reader(EventKind.CONDITION_ACCEPTED, EventKind.CONDITION_REFUSED),
    ApduType.CANCEL: _make_plain_reader(EventKind.CANCEL),
    ApduType.CANCEL_REPLY: _make_answer_reader(EventKind.CANCEL_ACCEPTED, EventKind.CANCEL_REFUSED),
    ApduType.RECEIVED: _read_received,
    ApduType.RECALL: _make_plain_reader(EventKind.RECALL),
    ApduType.RETURNED: _read_returned,
    ApduType.CHECKED_IN: _read_checked_in,
    ApduType.OVERDUE: _read_overdue,
    ApduType.RENEW: _read_renew,
    ApduType.RENEW_ANSWER: _read_renew_answer,
    ApduType.LOST: _make_plain_reader(EventKind.LOST),
    ApduType.DAMAGED: _read_damaged,
    ApduType.MESSAGE: _make_plain_reader(EventKind.MESSAGE),
    ApduType.STATUS_QUERY: _make_plain_reader(EventKind.STATUS_QUERY),
    ApduType.STATUS_OR_ERROR_REPORT: _read_report,
    ApduType.EXPIRED: _make_plain_reader(EventKind.EXPIRED),
}
assert len(_MEANINGS) == len(APDUS)
__all__ = ["event_of_apdu", "interpret_apdu", "our_role"]

"""Changes that events leave on the attempts of a request, one with each supplier that was asked: pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.library import Money
from gateway.domain.requests.citation import WANTED_ITEM, CitationExtra
from gateway.domain.requests.events import (
    Event,
    EventKind,
    EventOrigin,
    EventSignal,
    LoanCondition,
    local_signal,
    partner_signal,
    timer_signal,
)
from gateway.domain.requests.prices import names_price, restart_costs
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    AttemptStatus,
    BorrowingState,
    LibraryParty,
    LoanTerms,
    Request,
    RequestFlag,
    RotaLine,
    RotaLineStatus,
    State,
    SupplierAttempt,
    Volume,
)
from gateway.domain.requests.rota import put_first
from gateway.domain.requests.supplier_takeover import (
    BEFORE_SENDING,
    clear_terms,
    is_word_of_another,
    learn_supplier,
    leave_supplier,
    note_refusal,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace

_ACCEPTED = local_signal(EventKind.CONDITION_ACCEPTED)

# --- an attempt begins, or counts again -------------------------------------------------------------------


def start_attempt(request: Request, attempt: SupplierAttempt, partner: LibraryParty) -> Request:
    """The request with a new attempt that counts, and its line of the rota marked. The event us:request follows."""
    request = _keep_lost_pieces(request)
    rota = tuple(
        replace(line, standing=RotaLineStatus.ASKED)
        if line.partner == attempt.partner and line.standing is RotaLineStatus.WAITING
        else line
        for line in request.rota
    )
    if all(line.partner != attempt.partner for line in rota):
        rota = (*rota, RotaLine(attempt.partner, RotaLineStatus.ASKED, write_sentence("manually")))
    return replace(request, attempts=(*request.attempts, attempt), current=attempt.number, partner=partner, rota=rota)


def name_promised_item(request: Request, barcode: str) -> Request:
    """The request with the item that a broker has promised for it: what is on the piece, until staff say otherwise, and
    what the broker calls it, whatever they say."""
    others = tuple(extra for extra in request.extras if extra.name != WANTED_ITEM)
    return replace(
        request,
        volumes=tuple(replace(volume, theirs=barcode) for volume in request.volumes),
        extras=(*others, CitationExtra(WANTED_ITEM, barcode)) if barcode else others,
    )


FLAGS_OF_LOAN = frozenset(
    {
        RequestFlag.OVERDUE,
        RequestFlag.RECALLED,
        RequestFlag.DAMAGED,
        RequestFlag.RENEWAL_PENDING,
        RequestFlag.RETURN_ON_HOLD,
        RequestFlag.PRICE_OPEN,
    }
)
"""Of what one supplier has sent: with the next one they begin anew."""


def resume_attempt(request: Request, number: int) -> Request:
    """The request with an earlier attempt that counts again, on the terms that were agreed then."""
    request = _keep_lost_pieces(request)
    attempt = request.find_attempt(number)
    assert attempt is not None
    party = LibraryParty(symbol=attempt.symbol, profile=attempt.partner)
    return replace(
        request,
        current=number,
        partner=party if party.profile != request.partner.profile else request.partner,
        flags=request.flags - FLAGS_OF_LOAN,
        terms=make_attempt_terms(attempt, request.terms.note),
        costs=restart_costs(request.costs, attempt),
        volumes=tuple(Volume(volume.id, volume.label) for volume in request.volumes),
    )


def _keep_lost_pieces(request: Request) -> Request:
    """The volumes begin anew, but a lost piece is still on record in the library: its supplier's attempt knows it."""
    pieces = tuple(volume.barcode for volume in request.volumes if volume.barcode)
    if request.attempt is None or not pieces:
        return request
    known = tuple(dict.fromkeys((*request.attempt.pieces, *pieces)))
    return replace_attempt(request, replace(request.attempt, pieces=known))


def make_attempt_terms(attempt: SupplierAttempt | None, note: str) -> LoanTerms:
    conditions = attempt.conditions if attempt is not None else ()
    return LoanTerms(conditions=conditions, renewals_allowed=LoanCondition.NO_RENEWAL not in conditions, note=note)


# --- what events leave on it ------------------------------------------------------------------------------

_PROMISES: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.EXPECT_TO_SUPPLY): AttemptStatus.EXPECTED,
    partner_signal(EventKind.WILL_SUPPLY): AttemptStatus.WILL_SUPPLY,
    partner_signal(EventKind.HOLD_PLACED): AttemptStatus.HOLD_PLACED,
    partner_signal(EventKind.CONDITIONAL): AttemptStatus.CONDITIONAL,
    local_signal(EventKind.CONDITION_ACCEPTED): AttemptStatus.WILL_SUPPLY,
}
_REFUSALS: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.RETRY): AttemptStatus.RETRY,
    partner_signal(EventKind.UNFILLED): AttemptStatus.UNFILLED,
    partner_signal(EventKind.EXPIRED): AttemptStatus.EXPIRED,
    partner_signal(EventKind.REJECTED): AttemptStatus.REJECTED,
    partner_signal(EventKind.CANCEL_ACCEPTED): AttemptStatus.CANCELLED,
}
_GOODBYES: Mapping[EventSignal, AttemptStatus] = {
    local_signal(EventKind.CONDITION_REFUSED): AttemptStatus.CONDITION_REFUSED,
    local_signal(EventKind.NEXT_SUPPLIER): AttemptStatus.SKIPPED,
}
_SENDINGS: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.SHIPPED): AttemptStatus.SHIPPED,
    partner_signal(EventKind.COPY_DELIVERED): AttemptStatus.COMPLETED,
}
_SIGNS_OF_IT: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.OVERDUE): AttemptStatus.SHIPPED,
    partner_signal(EventKind.RECALL): AttemptStatus.SHIPPED,
    partner_signal(EventKind.DUE_DATE_CHANGED): AttemptStatus.SHIPPED,
    local_signal(EventKind.RECEIVED): AttemptStatus.SHIPPED,
}
_ENDS: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.CHECKED_IN): AttemptStatus.COMPLETED,
    partner_signal(EventKind.LOST): AttemptStatus.LOST,
    partner_signal(EventKind.SETTLED): AttemptStatus.LOST,
    local_signal(EventKind.LOST): AttemptStatus.LOST,
}

_NEVER_CAME_BACK: Mapping[EventSignal, AttemptStatus] = {
    partner_signal(EventKind.LOST): AttemptStatus.LOST,
    local_signal(EventKind.LOST): AttemptStatus.LOST,
}

_LEFT = frozenset({AttemptStatus.SKIPPED, AttemptStatus.NO_ANSWER, AttemptStatus.CONDITION_REFUSED})
"""We went on from this supplier, its own last word is still to come."""

_SENT = frozenset(
    {
        AttemptStatus.SHIPPED,
        AttemptStatus.COMPLETED,
        AttemptStatus.EXTRA,
        AttemptStatus.EXTRA_RETURNED,
        AttemptStatus.LOST,
    }
)


def update_attempt(request: Request, event: Event, before: State) -> Request:
    """`request` is in its new state already."""
    attempt = request.find_attempt(event.attempt or request.current)
    if attempt is None:
        return request
    details = event.details
    from_partner = event.signal.origin is EventOrigin.PARTNER
    if is_word_of_another(attempt, event):
        return replace_attempt(request, _note_other_supplier(attempt, event))
    stays = request.state is before is BorrowingState.REQUESTED
    if attempt.declined and stays and event.signal == partner_signal(EventKind.CANCEL_ACCEPTED):
        return replace_attempt(request, replace(attempt, declined=""))
    updated = replace(
        attempt,
        status=_close_left_attempt(_next_attempt_status(attempt.status, event.signal), request, event, before),
        answered=attempt.answered or (event.at if from_partner else None),
        queried=_is_queried(attempt, event),
        reason=details.reason or attempt.reason if from_partner else attempt.reason,
        note=details.note or attempt.note if from_partner else attempt.note,
        retry_after=details.retry_after or attempt.retry_after if from_partner else attempt.retry_after,
        expected=details.expected or attempt.expected if from_partner else attempt.expected,
        cost=_find_asked_price(request, attempt, event),
        conditions=details.conditions or attempt.conditions,
        declined="" if from_partner else attempt.declined,
        offered_item=details.barcode if event.signal == partner_signal(EventKind.RETRY) else attempt.offered_item,
        theirs=details.transaction or attempt.theirs,
        supplier=learn_supplier(attempt, event) if from_partner else attempt.supplier,
    )
    if before is BorrowingState.CONDITIONAL and event.signal == _ACCEPTED and updated.status is AttemptStatus.RETRY:
        request = put_first(request, updated.partner, write_sentence("its offer is accepted"))
    if updated.status is AttemptStatus.ASKED and attempt.status is not AttemptStatus.ASKED:
        declined = attempt.supplier.symbol or attempt.symbol
        return clear_terms(request, replace(leave_supplier(updated, event), declined=declined))
    if updated.number == request.current:
        updated = replace(updated, agreed=request.costs.agreed, agreed_by=request.costs.agreed_by)
    return replace_attempt(request, updated)


def _find_asked_price(request: Request, attempt: SupplierAttempt, event: Event) -> Money | None:
    """Return what the supplier asks for: no damage, and no price that a message brings which asks for nothing. While
    its condition is open, staff see the sum that their yes is to."""
    if attempt.number == request.current and request.state is BorrowingState.CONDITIONAL:
        return request.costs.offered
    return event.details.cost or attempt.cost if names_price(event) else attempt.cost


def _note_other_supplier(attempt: SupplierAttempt, event: Event) -> SupplierAttempt:
    """Note what another library behind the partner says, which is no word of the one in hand."""
    noted = note_refusal(attempt, event) if event.kind is EventKind.FORWARDED else attempt
    return replace(noted, answered=attempt.answered or event.at, declined="")


def _is_queried(attempt: SupplierAttempt, event: Event) -> bool:
    if event.signal in (local_signal(EventKind.STATUS_QUERY), timer_signal(EventKind.NO_ANSWER)):
        return True
    is_answer = event.signal == partner_signal(EventKind.STATUS_REPORT) or event.details.reported is not None
    return attempt.queried and not is_answer


def _next_attempt_status(now: AttemptStatus, signal: EventSignal) -> AttemptStatus:
    """Return the next status: what was shipped stays shipped, what was refused stays refused, whatever older messages
    come after it."""
    answers: tuple[Mapping[EventSignal, AttemptStatus], ...]
    if now in OPEN_ATTEMPT and now not in _SENT:
        answers = (_PROMISES, _GOODBYES, _REFUSALS, _SENDINGS, _SIGNS_OF_IT, _ENDS)
    elif now is AttemptStatus.CONDITION_REFUSED and signal == partner_signal(EventKind.CANCEL_ACCEPTED):
        return now  # the answer to our no, where that was a cancellation
    elif now in _LEFT:
        answers = (_REFUSALS, _SENDINGS, _ENDS)
    elif now is AttemptStatus.COMPLETED:
        answers = (_NEVER_CAME_BACK,)
    elif now in _SENT:
        answers = (_ENDS,)
    else:
        answers = (_SENDINGS, _ENDS)
    return next((answer[signal] for answer in answers if signal in answer), now)


_WITHOUT_SUPPLIER = (BorrowingState.SOURCING, BorrowingState.CANCELLED, BorrowingState.EXPIRED, BorrowingState.UNFILLED)


def _close_left_attempt(status: AttemptStatus, request: Request, event: Event, before: State) -> AttemptStatus:
    """Close an attempt when the request has gone on without it; one with a broker goes on behind it."""
    if event.signal == partner_signal(EventKind.RETRY) and request.state is BorrowingState.CONDITIONAL:
        return AttemptStatus.OFFERED
    if before is BorrowingState.CONDITIONAL and event.signal == _ACCEPTED and request.state is BorrowingState.SOURCING:
        return AttemptStatus.RETRY
    if request.state is BorrowingState.REQUESTED and _goes_on_behind(event, before):
        return AttemptStatus.ASKED
    if (
        request.state in _WITHOUT_SUPPLIER
        and event.signal == partner_signal(EventKind.LOST)
        and before in BEFORE_SENDING
    ):
        return AttemptStatus.UNFILLED  # whatever it calls that
    if request.state is BorrowingState.SOURCING and event.signal == local_signal(EventKind.RETURNED):
        return AttemptStatus.EXTRA_RETURNED
    if request.state is BorrowingState.COMPLETED and event.kind in (EventKind.RETURNED, EventKind.RECEIVED):
        return AttemptStatus.COMPLETED  # this supplier tells no check-in; or it is a copy, and here before its message
    if request.state is before or request.state not in _WITHOUT_SUPPLIER or status not in OPEN_ATTEMPT:
        return status
    if event.signal != timer_signal(EventKind.NO_ANSWER) or before is BorrowingState.CANCEL_PENDING:
        return AttemptStatus.CANCELLED
    return AttemptStatus.CONDITION_REFUSED if before is BorrowingState.CONDITIONAL else AttemptStatus.NO_ANSWER


def _goes_on_behind(event: Event, before: State) -> bool:
    """Return whether a broker asks the next supplier: this one was skipped, or what it wanted was declined."""
    declined = (local_signal(EventKind.CONDITION_REFUSED), timer_signal(EventKind.NO_ANSWER))
    return event.signal == local_signal(EventKind.NEXT_SUPPLIER) or (
        before is BorrowingState.CONDITIONAL and event.signal in declined
    )


def replace_attempt(request: Request, attempt: SupplierAttempt) -> Request:
    attempts = tuple(attempt if other.number == attempt.number else other for other in request.attempts)
    return replace(request, attempts=attempts)

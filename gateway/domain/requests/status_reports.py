"""A partner's answer to the question how a request stands: does it tell of a message that never came? Pure.

A status is not an event: it says where the partner is, maybe since long ago. It counts as the event that leads there
only where that event alone is missing here. What can't be so is left for staff, what is known is no news. A partner's
own broker may call each of its messages an answer once it was asked (facts/iso-18626.md 8, CrossLink), so that what a
loan can still bring counts too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gateway.domain.requests.contradictions import NEVER_OUT, NEVER_SENT
from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    State,
)
from gateway.domain.value import value_object


class ReportVerdict(Enum):
    """The verdict on a status, beside what is known here."""

    MISSED = "the message that led to it never came"
    KNOWN = "no news, or older than what is known"
    CONTRARY = "it can't be so after one missed message: staff look"


@value_object
class StatusRule:
    """The rule for an event that a status follows from. `missed`: states in which it is the one that is missing;
    `contrary`: states that it can't be true beside."""

    missed: frozenset[State] = frozenset()
    contrary: frozenset[State] = frozenset()


_K, _B, _L = EventKind, BorrowingState, LendingState

_AWAITED = frozenset({_B.REQUESTED, _B.HOLD_PLACED, _B.WILL_SUPPLY, _B.CONDITIONAL, _B.CANCEL_PENDING})
_HERE = frozenset({_B.RECEIVED, _B.LENT, _B.BACK})
_ON_LOAN = _HERE | {_B.SHIPPED}
_NOT_COMING = frozenset({_B.CANCELLED, _B.UNFILLED, _B.EXPIRED, _B.LOST, _B.REVIEW, _B.SOURCING, _B.NO_SUPPLIER})
_SENT = _ON_LOAN | {_B.RETURNED, _B.COMPLETED, _B.LOST}

_LENT = StatusRule(_AWAITED | _HERE, _NOT_COMING)  # with the item here, it brings the due date
_WARNED = StatusRule(_AWAITED | _ON_LOAN, _NOT_COMING)
_REFUSED = StatusRule(_AWAITED, _SENT)

_BORROWING: Mapping[EventKind, StatusRule] = {
    _K.HOLD_PLACED: StatusRule(frozenset({_B.REQUESTED})),
    _K.WILL_SUPPLY: StatusRule(frozenset({_B.REQUESTED, _B.HOLD_PLACED})),
    _K.CONDITIONAL: StatusRule(frozenset({_B.REQUESTED, _B.HOLD_PLACED})),
    _K.SHIPPED: _LENT,
    _K.COPY_DELIVERED: StatusRule(_AWAITED, _NOT_COMING),
    _K.OVERDUE: _WARNED,
    _K.RECALL: _WARNED,
    _K.UNFILLED: _REFUSED,
    _K.RETRY: _REFUSED,
    _K.EXPIRED: _REFUSED,
    _K.CANCEL_ACCEPTED: _REFUSED,
    _K.CHECKED_IN: StatusRule(frozenset({_B.RETURNED}), frozenset(_B) - {_B.RETURNED, _B.COMPLETED}),
    _K.LOST: StatusRule(frozenset({_B.SHIPPED, _B.RETURNED}), frozenset(_B) - {_B.SHIPPED, _B.RETURNED, _B.LOST}),
}

_GIVEN_UP = StatusRule(
    contrary=frozenset(_L) - {_L.CANCEL_PENDING, _L.CANCELLED, _L.UNFILLED, _L.EXPIRED, _L.FORWARDED}
)

_LENDING: Mapping[EventKind, StatusRule] = {
    _K.RECEIVED: StatusRule(frozenset({_L.SHIPPED}), NEVER_OUT | {_L.LOST}),
    _K.RETURNED: StatusRule(frozenset({_L.SHIPPED}), NEVER_OUT | {_L.LOST}),
    _K.LOST: StatusRule(frozenset({_L.SHIPPED}), frozenset(_L) - {_L.SHIPPED, _L.LOST}),
    _K.UNFILLED: _GIVEN_UP,
    _K.CANCEL_ACCEPTED: _GIVEN_UP,
}

STATUS_RULES: Mapping[Role, Mapping[EventKind, StatusRule]] = {Role.BORROWING: _BORROWING, Role.LENDING: _LENDING}
"""By the side that we are on. An event that has no rule is no news."""

_FLAGGED: Mapping[EventKind, RequestFlag] = {_K.OVERDUE: RequestFlag.OVERDUE, _K.RECALL: RequestFlag.RECALLED}

_SAYS_SENT = frozenset({_K.SHIPPED, _K.COPY_DELIVERED, _K.OVERDUE, _K.RECALL, _K.CHECKED_IN, _K.LOST})


def find_reported_event(request: Request, reported: EventKind) -> EventKind:
    """Some have one word for sending an item and a copy of it (facts/iso-ill-10161.md 9.2, SHIPPED)."""
    is_copy = request.role is Role.BORROWING and request.service.type is ServiceType.COPY
    return EventKind.COPY_DELIVERED if is_copy and reported is EventKind.SHIPPED else reported


def judge_report(request: Request, event: Event) -> ReportVerdict:
    """`event`: a partner's, with `reported`. Of a supplier whose turn is over, or that was never asked, nothing counts
    as missed."""
    reported = event.details.reported
    assert reported is not None, "a report of a status that we know"
    kind = find_reported_event(request, reported)
    if request.role is Role.BORROWING and event.attempt != request.current:
        attempt = request.find_attempt(event.attempt)
        is_contrary = attempt is not None and attempt.status in NEVER_SENT and kind in _SAYS_SENT
        return ReportVerdict.CONTRARY if is_contrary else ReportVerdict.KNOWN
    rule = STATUS_RULES[request.role].get(kind, StatusRule())
    if request.state in rule.contrary or _is_wrong_service(request, kind):
        return ReportVerdict.CONTRARY
    if request.state not in rule.missed or _FLAGGED.get(kind) in request.flags:
        return ReportVerdict.KNOWN
    return ReportVerdict.MISSED


def _is_wrong_service(request: Request, kind: EventKind) -> bool:
    """A copy is said to be delivered where a loan was asked for."""
    return kind is EventKind.COPY_DELIVERED and request.service.type is ServiceType.LOAN


# --- answers that may be none ----------------------------------------------------------------------------

_TOLD_TO_CANCEL = frozenset({AttemptStatus.SKIPPED, AttemptStatus.NO_ANSWER, AttemptStatus.CONDITION_REFUSED})


def is_answer_awaited(request: Request, event: Event) -> bool:
    """Return whether a question is open that a supplier's answer (`status_counts`) can be one to. A broker repeats the
    reason of its last answer with whatever comes next, so that without a question the status alone is true
    (facts/iso-18626.md 8.6)."""
    attempt, details = request.attempt, event.details
    if attempt is None or event.attempt != request.current:
        return True  # of a past supplier nothing counts but what it ships
    match event.kind:
        case EventKind.STATUS_REPORT:
            return attempt.queried
        case EventKind.CANCEL_ACCEPTED | EventKind.CANCEL_REFUSED:
            is_told = attempt.status in _TOLD_TO_CANCEL or bool(attempt.declined)
            return request.state is BorrowingState.CANCEL_PENDING or is_told
        case EventKind.RENEW_ACCEPTED if not details.answer:
            is_later = details.due is not None and details.due != request.terms.lender_due
            return RequestFlag.RENEWAL_PENDING in request.flags and is_later
    return RequestFlag.RENEWAL_PENDING in request.flags


def is_known_status(request: Request, kind: EventKind) -> bool:
    """Return whether the request stands so already, though the event would be taken once more."""
    is_sent = kind is EventKind.SHIPPED and request.state is BorrowingState.SHIPPED
    return is_sent or _FLAGGED.get(kind) in request.flags


# --- what we answer --------------------------------------------------------------------------------------

_EVENT_OF_LENDING: Mapping[State, EventKind] = {
    _L.HOLD_PLACED: _K.HOLD_PLACED,
    _L.WILL_SUPPLY: _K.WILL_SUPPLY,
    _L.CONDITIONAL: _K.CONDITIONAL,
    _L.SHIPPED: _K.SHIPPED,
    _L.RETURNED: _K.SHIPPED,
    _L.COMPLETED: _K.CHECKED_IN,
    _L.CANCELLED: _K.CANCEL_ACCEPTED,
    _L.UNFILLED: _K.UNFILLED,
    _L.EXPIRED: _K.EXPIRED,
    _L.LOST: _K.LOST,
}
_EVENT_OF_BORROWING: Mapping[State, EventKind] = {
    _B.RECEIVED: _K.RECEIVED,
    _B.LENT: _K.RECEIVED,
    _B.BACK: _K.RECEIVED,
    _B.RETURNED: _K.RETURNED,
    _B.LOST: _K.LOST,
}


def find_event_of_state(request: Request) -> EventKind | None:
    """Find the event that a partner is told and that leads a request of ours to its state, as `EventDetails.reported`
    of our answer. None: there is none."""
    if request.role is Role.BORROWING:
        return _EVENT_OF_BORROWING.get(request.state)
    if request.is_loss_settled:
        return _K.SETTLED
    is_copy_there = request.state is LendingState.COMPLETED and request.service.type is ServiceType.COPY
    return EventKind.COPY_DELIVERED if is_copy_there else _EVENT_OF_LENDING.get(request.state)

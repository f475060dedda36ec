"""Words that patrons read about the state of their request: plain, without partners' names and without library words.

Here is what there is to say, as words of ours; the sentences stand in gateway/letters/words.yml, key `patron`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import (
    STILL_WANTED,
    BorrowingState,
    LendingState,
    PatronLoan,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    State,
)
from gateway.domain.value import value_object


class PatronStatus(StrEnum):
    """Few and stable words, for programs that colour a list."""

    PREPARED = "prepared"
    SEARCHING = "searching"
    ORDERED = "ordered"
    UNDERWAY = "underway"
    READY = "ready"
    ON_LOAN = "on-loan"
    RETURNED = "returned"
    DONE = "done"
    ENDED = "ended"


@value_object
class PatronStatusText:
    """`word`: of SAYINGS."""

    status: PatronStatus
    word: str


_S = PatronStatus
B = BorrowingState
L = LendingState

BORROWING_STATUS: Mapping[BorrowingState, PatronStatus] = {
    B.NEW: _S.PREPARED,
    B.REVIEW: _S.PREPARED,
    B.SOURCING: _S.SEARCHING,
    B.NO_SUPPLIER: _S.SEARCHING,
    B.REQUESTED: _S.ORDERED,
    B.HOLD_PLACED: _S.ORDERED,
    B.WILL_SUPPLY: _S.ORDERED,
    B.CONDITIONAL: _S.ORDERED,
    B.CANCEL_PENDING: _S.ORDERED,
    B.SHIPPED: _S.UNDERWAY,
    B.RECEIVED: _S.READY,
    B.LENT: _S.ON_LOAN,
    B.BACK: _S.RETURNED,
    B.RETURNED: _S.RETURNED,
    B.COMPLETED: _S.DONE,
    B.CANCELLED: _S.ENDED,
    B.UNFILLED: _S.ENDED,
    B.EXPIRED: _S.ENDED,
    B.LOST: _S.ENDED,
}

LENDING_STATUS: Mapping[LendingState, PatronStatus] = {
    L.NEW: _S.PREPARED,
    L.LOCATED: _S.ORDERED,
    L.HOLD_PLACED: _S.ORDERED,
    L.WILL_SUPPLY: _S.ORDERED,
    L.CONDITIONAL: _S.ORDERED,
    L.DIGITISING: _S.ORDERED,
    L.CLEARANCE: _S.ORDERED,
    L.CLEARED: _S.UNDERWAY,
    L.CANCEL_PENDING: _S.ORDERED,
    L.SHIPPED: _S.ON_LOAN,
    L.RETURNED: _S.RETURNED,
    L.COMPLETED: _S.DONE,
    L.CANCELLED: _S.ENDED,
    L.UNFILLED: _S.ENDED,
    L.EXPIRED: _S.ENDED,
    L.FORWARDED: _S.ENDED,
    L.LOST: _S.ENDED,
}
"""Of a loan to a patron of another institution."""

RECALLED = "recalled"
OVERDUE = "overdue"
QUESTION = "question"
CANCEL_PENDING = "borrowing-cancel-pending"
CANCEL_REFUSED = "cancel-refused"
COPY_CANCEL_REFUSED = "copy-cancel-refused"
RENEWAL_PENDING = "renewal-pending"
OVERDUE_RENEWAL_PENDING = "overdue-renewal-pending"
COPY_READY = "copy-ready"
COMPLETED = "borrowing-completed"
RECALLED_BEFORE_LOAN = "recalled-before-loan"
NOT_WANTED = "not-wanted"
GOING_BACK = "going-back"
NOT_DELIVERED = "not-delivered"
LOST_BEFORE_LOAN = "lost-before-loan"
LOSS_SETTLED = "loss-settled"

ENDED = "ended-"
"""Before the word of an ending that staff have said."""

SAYINGS: tuple[str, ...] = (
    *(f"{ENDED}{ending.value}" for ending in RequestEnding),
    *(f"borrowing-{state.value}" for state in BorrowingState),
    *(f"lending-{state.value}" for state in LendingState),
    RECALLED,
    OVERDUE,
    QUESTION,
    CANCEL_REFUSED,
    COPY_CANCEL_REFUSED,
    RENEWAL_PENDING,
    OVERDUE_RENEWAL_PENDING,
    COPY_READY,
    RECALLED_BEFORE_LOAN,
    NOT_WANTED,
    GOING_BACK,
    NOT_DELIVERED,
    LOST_BEFORE_LOAN,
    LOSS_SETTLED,
)
"""All that can be said: each language has a sentence for each of them."""

_QUESTION_OPEN = frozenset({PatronStatus.PREPARED, PatronStatus.SEARCHING, PatronStatus.ORDERED})
_STILL_WANTED_OPEN = frozenset({PatronStatus.UNDERWAY, PatronStatus.READY})


def status_of_state(role: Role, state: State) -> PatronStatusText:
    status = (
        BORROWING_STATUS[BorrowingState(state.value)]
        if role is Role.BORROWING
        else LENDING_STATUS[LendingState(state.value)]
    )
    return PatronStatusText(status, f"{role.value}-{state.value}")


def status_of_request(request: Request) -> PatronStatusText:
    """The state's words, or those of what is more urgent: a recall, a loan that is overdue, a question; and its own
    words for each end that brings the patron nothing."""
    words = status_of_state(request.role, request.state)
    if request.ending is not None:
        return PatronStatusText(words.status, f"{ENDED}{request.ending.value}")
    if request.role is Role.BORROWING and (end := _find_end_without_loan(request)) is not None:
        return end
    if RequestFlag.IN_TRANSIT in request.flags:
        return status_of_state(request.role, BorrowingState.SHIPPED)
    if words.status is PatronStatus.ON_LOAN:
        if RequestFlag.RECALLED in request.flags:
            return PatronStatusText(words.status, RECALLED)
        is_asked = request.role is Role.BORROWING and RequestFlag.RENEWAL_PENDING in request.flags
        if RequestFlag.OVERDUE in request.flags:
            return PatronStatusText(words.status, OVERDUE_RENEWAL_PENDING if is_asked else OVERDUE)
        if is_asked:
            return PatronStatusText(words.status, RENEWAL_PENDING)
    if is_cancellation_refused(request):
        is_copy = request.service.type is ServiceType.COPY
        return PatronStatusText(words.status, COPY_CANCEL_REFUSED if is_copy else CANCEL_REFUSED)
    if _is_question_open(request, words.status):
        return PatronStatusText(words.status, QUESTION)
    if request.state is BorrowingState.COMPLETED and request.service.type is ServiceType.COPY:
        return PatronStatusText(words.status, COPY_READY)
    return words


def is_cancellation_refused(request: Request) -> bool:
    """Return whether the patron has cancelled it, and the supplier goes on all the same."""
    return request.state in _WITH_SUPPLIER and is_coming_unwanted(request)


def is_coming_unwanted(request: Request) -> bool:
    """Return whether the patron has cancelled it, and it comes all the same, or may come."""
    is_coming = request.state in (*_WITH_SUPPLIER, B.SHIPPED) and request.role is Role.BORROWING
    return is_coming and RequestFlag.UNWANTED in request.flags and RequestFlag.EXPIRING not in request.flags


_WITH_SUPPLIER = (B.REQUESTED, B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL)


def _is_question_open(request: Request, status: PatronStatus) -> bool:
    query = request.query
    if query is None or query.answer or request.state in (B.CANCEL_PENDING, L.CANCEL_PENDING):
        return False
    return status in _QUESTION_OPEN or (query.about == STILL_WANTED and status in _STILL_WANTED_OPEN)


def _find_end_without_loan(request: Request) -> PatronStatusText | None:
    """Find the end of a request whose item never comes to the patron, or is lost. None: it is, or may be, a
    delivery."""
    state, flags = request.state, request.flags
    if request.is_lost:
        return _describe_loss(request)
    if request.is_delivered or (request.service.type is ServiceType.COPY and state is not B.COMPLETED):
        return None
    if state in _ON_ITS_WAY and RequestFlag.UNWANTED in flags:
        return PatronStatusText(_S.ENDED, NOT_WANTED)
    if state in (*_ON_ITS_WAY, B.BACK) and RequestFlag.RECALLED in flags and RequestFlag.UNWANTED not in flags:
        return PatronStatusText(_S.SEARCHING, RECALLED_BEFORE_LOAN)
    if state in (B.BACK, B.RETURNED):
        return PatronStatusText(_S.ENDED, GOING_BACK)
    return PatronStatusText(_S.ENDED, NOT_DELIVERED) if state is B.COMPLETED else None


_ON_ITS_WAY = (B.SHIPPED, B.RECEIVED)


def _describe_loss(request: Request) -> PatronStatusText | None:
    """A loss on the way back is nothing to a patron who has returned it."""
    match request.terms.patron_loan:
        case PatronLoan.NEVER:
            return PatronStatusText(_S.ENDED, LOST_BEFORE_LOAN)
        case PatronLoan.OVER:
            return status_of_state(request.role, B.RETURNED)
    return PatronStatusText(_S.ENDED, LOSS_SETTLED) if request.is_loss_settled else None

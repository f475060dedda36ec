"""What patrons read about the state of their request: plain, without partners' names and without library words.

Here is what there is to say, as words of ours; the sentences stand in gateway/letters/words.yml, key `patron`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role, ServiceType, State
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
    B.CANCEL_PENDING: _S.ENDED,
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
    L.CANCEL_PENDING: _S.ENDED,
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
COPY_READY = "copy-ready"

SAYINGS: tuple[str, ...] = (
    *(f"borrowing-{state.value}" for state in BorrowingState),
    *(f"lending-{state.value}" for state in LendingState),
    RECALLED,
    OVERDUE,
    QUESTION,
    COPY_READY,
)
"""All that can be said: each language has a sentence for each of them."""

_QUESTION_OPEN = frozenset({PatronStatus.PREPARED, PatronStatus.SEARCHING, PatronStatus.ORDERED})


def status_of_state(role: Role, state: State) -> PatronStatusText:
    status = (
        BORROWING_STATUS[BorrowingState(state.value)]
        if role is Role.BORROWING
        else LENDING_STATUS[LendingState(state.value)]
    )
    return PatronStatusText(status, f"{role.value}-{state.value}")


def status_of_request(request: Request) -> PatronStatusText:
    """The state's words, or those of what is more urgent: a recall, a loan that is overdue, a question."""
    words = status_of_state(request.role, request.state)
    if RequestFlag.IN_TRANSIT in request.flags:
        return status_of_state(request.role, BorrowingState.SHIPPED)
    if words.status is PatronStatus.ON_LOAN:
        if RequestFlag.RECALLED in request.flags:
            return PatronStatusText(words.status, RECALLED)
        if RequestFlag.OVERDUE in request.flags:
            return PatronStatusText(words.status, OVERDUE)
    if request.query is not None and not request.query.answer and words.status in _QUESTION_OPEN:
        return PatronStatusText(words.status, QUESTION)
    if request.state is BorrowingState.COMPLETED and request.service.type is ServiceType.COPY:
        return PatronStatusText(words.status, COPY_READY)
    return words

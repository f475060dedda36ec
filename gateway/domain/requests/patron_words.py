"""What patrons read about the state of their request: plain, without partners' names and without library words.

Two tables, since the words of the two sides are equal as texts: a lending state may be that of a loan to a patron of
another institution.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.frozen import frozen
from gateway.domain.requests.request import Borrowing, Flag, Lending, Request, Role, State


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


@frozen
class PatronWords:
    status: PatronStatus
    text: str


def _words(status: PatronStatus, text: str) -> PatronWords:
    return PatronWords(status, text)


_S = PatronStatus
B = Borrowing
L = Lending

BORROWING_WORDS: Mapping[Borrowing, PatronWords] = {
    B.NEW: _words(_S.PREPARED, "We have received your request."),
    B.REVIEW: _words(_S.PREPARED, "Library staff are looking at your request."),
    B.SOURCING: _words(_S.SEARCHING, "We are looking for a library that can send it."),
    B.NO_SUPPLIER: _words(_S.SEARCHING, "We have not found a library that can send it yet; staff are looking."),
    B.REQUESTED: _words(_S.ORDERED, "We have asked another library for it."),
    B.HOLD_PLACED: _words(_S.ORDERED, "Another library has it and will send it when it is back there."),
    B.WILL_SUPPLY: _words(_S.ORDERED, "Another library will send it."),
    B.CONDITIONAL: _words(_S.ORDERED, "Another library can send it under conditions that are being looked at."),
    B.CANCEL_PENDING: _words(_S.ENDED, "Your request is being cancelled."),
    B.SHIPPED: _words(_S.UNDERWAY, "It is on its way to us."),
    B.RECEIVED: _words(_S.READY, "It has arrived and is kept for you."),
    B.LENT: _words(_S.ON_LOAN, "You have it on loan."),
    B.BACK: _words(_S.RETURNED, "You have returned it."),
    B.RETURNED: _words(_S.RETURNED, "You have returned it."),
    B.COMPLETED: _words(_S.DONE, "This request is completed."),
    B.CANCELLED: _words(_S.ENDED, "This request was cancelled."),
    B.UNFILLED: _words(_S.ENDED, "We could not get it for you."),
    B.EXPIRED: _words(_S.ENDED, "We could not get it for you in time."),
    B.LOST: _words(_S.ENDED, "The item is lost; please talk to the library."),
}

LENDING_WORDS: Mapping[Lending, PatronWords] = {
    L.NEW: _words(_S.PREPARED, "We have received your request."),
    L.LOCATED: _words(_S.ORDERED, "We have it and are fetching it."),
    L.HOLD_PLACED: _words(_S.ORDERED, "It is lent to somebody else; you are next."),
    L.WILL_SUPPLY: _words(_S.ORDERED, "We will lend it to you."),
    L.CONDITIONAL: _words(_S.ORDERED, "We can lend it under conditions; your library has been asked."),
    L.DIGITISING: _words(_S.ORDERED, "Your copy is being made."),
    L.CLEARANCE: _words(_S.ORDERED, "Your copy is being prepared."),
    L.CLEARED: _words(_S.UNDERWAY, "Your copy is about to be sent."),
    L.CANCEL_PENDING: _words(_S.ENDED, "Your request is being cancelled."),
    L.SHIPPED: _words(_S.ON_LOAN, "It has been sent to you or your library."),
    L.RETURNED: _words(_S.RETURNED, "It is on its way back to us."),
    L.COMPLETED: _words(_S.DONE, "This request is completed."),
    L.CANCELLED: _words(_S.ENDED, "This request was cancelled."),
    L.UNFILLED: _words(_S.ENDED, "We could not supply it."),
    L.EXPIRED: _words(_S.ENDED, "We could not supply it in time."),
    L.FORWARDED: _words(_S.ENDED, "Your request was passed on to another library."),
    L.LOST: _words(_S.ENDED, "The item is lost; please talk to your library."),
}

_RECALLED = _words(_S.ON_LOAN, "The lending library needs it back; please return it as soon as you can.")
_OVERDUE = _words(_S.ON_LOAN, "It is overdue; please return it.")
_ASKED = "We have a question about your request; please see your letter and answer it."
_QUESTION_OPEN = frozenset({PatronStatus.PREPARED, PatronStatus.SEARCHING, PatronStatus.ORDERED})


def of_state(role: Role, state: State) -> PatronWords:
    if role is Role.BORROWING:
        return BORROWING_WORDS[Borrowing(state.value)]
    return LENDING_WORDS[Lending(state.value)]


def of_request(request: Request) -> PatronWords:
    """The state's words, or those of what is more urgent: a recall, a loan that is overdue, a question."""
    words = of_state(request.role, request.state)
    if words.status is PatronStatus.ON_LOAN:
        if Flag.RECALLED in request.flags:
            return _RECALLED
        if Flag.OVERDUE in request.flags:
            return _OVERDUE
    if request.query is not None and not request.query.answer and words.status in _QUESTION_OPEN:
        return PatronWords(words.status, _ASKED)
    if request.state is Borrowing.COMPLETED and request.service.type.value == "copy":
        return PatronWords(words.status, "Your copy is ready; you have been told where.")
    return words

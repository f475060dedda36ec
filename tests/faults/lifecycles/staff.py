"""What the staff of both libraries do: anything sensible by chance, or, when the day is done, what ends it.

The tables say how likely an act is in a state; `None` is a coffee. What the gateway doesn't allow is not tried.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
)
from tests.faults.lifecycles.place import Wish

T = TypeVar("T")

K = EventKind
Likely = Mapping[EventKind | None, float]

_ASKED: Likely = {None: 40, K.CANCEL: 1, K.NEXT_SUPPLIER: 0.5, K.STATUS_QUERY: 1, K.MESSAGE: 1}
_NOT_SUPPLIED: Likely = {None: 100, K.REOPEN: 1}
_PROMISED: Likely = {None: 1, K.SHIPPED: 12, K.CONDITIONAL: 0.5, K.UNFILLED: 0.3, K.MESSAGE: 0.5}

BORROWERS: Mapping[BorrowingState, Likely] = {
    BorrowingState.REVIEW: {K.APPROVE: 8, K.CANCEL: 1, K.CLOSE: 1},
    BorrowingState.SOURCING: {None: 20, K.CANCEL: 1},
    BorrowingState.NO_SUPPLIER: {K.ASSIGN: 2, K.APPROVE: 2, K.CLOSE: 4},
    BorrowingState.REQUESTED: _ASKED,
    BorrowingState.HOLD_PLACED: _ASKED,
    BorrowingState.WILL_SUPPLY: _ASKED,
    BorrowingState.CONDITIONAL: {None: 2, K.CONDITION_ACCEPTED: 5, K.CONDITION_REFUSED: 3, K.CANCEL: 1},
    BorrowingState.SHIPPED: {K.RECEIVED: 12, K.LOST: 0.4, K.STATUS_QUERY: 1},
    BorrowingState.RECEIVED: {K.LOANED_TO_PATRON: 10, K.RETURNED: 1, K.RENEW: 2, K.LOST: 0.3, K.DAMAGED: 0.5},
    BorrowingState.LENT: {None: 1, K.RETURNED_BY_PATRON: 8, K.RENEW: 8, K.RETURNED: 1, K.LOST: 0.5, K.STATUS_QUERY: 1},
    BorrowingState.BACK: {K.RETURNED: 10, K.LOANED_TO_PATRON: 2},
    BorrowingState.RETURNED: {None: 10, K.STATUS_QUERY: 1, K.LOST: 0.2},
    BorrowingState.CANCELLED: _NOT_SUPPLIED,
    BorrowingState.UNFILLED: _NOT_SUPPLIED,
    BorrowingState.EXPIRED: _NOT_SUPPLIED,
}
LENDERS: Mapping[LendingState, Likely] = {
    LendingState.NEW: {None: 10, K.LOCATED: 6, K.UNFILLED: 0.5},
    LendingState.LOCATED: {
        None: 1, K.WILL_SUPPLY: 6, K.SHIPPED: 6, K.CONDITIONAL: 2, K.HOLD_PLACED: 1, K.UNFILLED: 0.3, K.RETRY: 0.3
    },
    LendingState.HOLD_PLACED: _PROMISED,
    LendingState.WILL_SUPPLY: _PROMISED,
    LendingState.CONDITIONAL: {None: 10, K.UNFILLED: 1},
    LendingState.DIGITISING: {K.DIGITISED: 8, K.WILL_SUPPLY: 2},
    LendingState.CLEARANCE: {K.CLEARED: 6, K.CLEARANCE_REFUSED: 1},
    LendingState.CLEARED: {K.COPY_DELIVERED: 6, None: 1},
    LendingState.CANCEL_PENDING: {K.CANCEL_ACCEPTED: 5, K.CANCEL_REFUSED: 3, K.SHIPPED: 1},
    LendingState.SHIPPED: {
        None: 40, K.RECALL: 1, K.OVERDUE: 1, K.DUE_DATE_CHANGED: 1, K.SHIPPED: 1, K.LOST: 0.2, K.RENEW_ACCEPTED: 2,
        K.RENEW_REFUSED: 1,
    },
    LendingState.RETURNED: {K.CHECKED_IN: 10, K.LOST: 0.3, None: 2},
}  # fmt: skip

BORROWERS_ONWARD: Mapping[BorrowingState, EventKind] = {
    BorrowingState.REVIEW: K.APPROVE,
    BorrowingState.NO_SUPPLIER: K.CLOSE,
    BorrowingState.CONDITIONAL: K.CONDITION_ACCEPTED,
    BorrowingState.SHIPPED: K.RECEIVED,
    BorrowingState.RECEIVED: K.LOANED_TO_PATRON,
    BorrowingState.LENT: K.RETURNED_BY_PATRON,
    BorrowingState.BACK: K.RETURNED,
}
LENDERS_ONWARD: Mapping[LendingState, EventKind] = {
    LendingState.NEW: K.UNFILLED,
    LendingState.LOCATED: K.SHIPPED,
    LendingState.HOLD_PLACED: K.SHIPPED,
    LendingState.WILL_SUPPLY: K.SHIPPED,
    LendingState.DIGITISING: K.DIGITISED,
    LendingState.CLEARANCE: K.CLEARED,
    LendingState.CLEARED: K.COPY_DELIVERED,
    LendingState.CANCEL_PENDING: K.CANCEL_ACCEPTED,
    LendingState.RETURNED: K.CHECKED_IN,
}


NOTHING = EventDetails()


@dataclass(frozen=True)
class Idea:
    """`attempt`: to which supplier's item it belongs, where that isn't the current one."""

    kind: EventKind
    details: EventDetails = NOTHING
    attempt: int = 0


def by_chance(request: Request, all_: Sequence[Request], wish: Wish, chance: random.Random, today: date) -> Idea | None:
    """`all_`: the requests of this wish on both sides."""
    if (extra := _extra(request)) is not None:
        return extra
    likely = _of_side(request, BORROWERS, LENDERS) or {None: 1.0}
    kind = chance.choices(list(likely), list(likely.values()))[0]
    if kind is None or _is_beside_the_point(kind, request, wish):
        return None
    return _idea(kind, request, all_, wish, today)


def onward(request: Request, all_: Sequence[Request], wish: Wish, today: date) -> Idea | None:
    if (extra := _extra(request)) is not None:
        return extra
    kind = _of_side(request, BORROWERS_ONWARD, LENDERS_ONWARD)
    if kind is K.LOANED_TO_PATRON and RequestFlag.RECALLED in request.flags:
        kind = K.RETURNED  # to check it out anyway would have to be confirmed
    return _idea(kind, request, all_, wish, today) if kind is not None else None


def _of_side(request: Request, ours: Mapping[BorrowingState, T], theirs: Mapping[LendingState, T]) -> T | None:
    """Both sides have states of the same words, so each has a table of its own."""
    return ours.get(request.state) if isinstance(request.state, BorrowingState) else theirs.get(request.state)


def _idea(kind: EventKind, request: Request, all_: Sequence[Request], wish: Wish, today: date) -> Idea:
    """What isn't there can't be shipped."""
    if kind in (K.SHIPPED, K.LOCATED) and any(_has_it(one) for one in all_ if one.id != request.id):
        kind = K.UNFILLED
    return Idea(kind, _details(kind, request, wish, today))


def _has_it(request: Request) -> bool:
    """Whether SOUTH's item is away or kept for this request."""
    return request.role is Role.LENDING and (request.open or request.state is LendingState.LOST)


def _extra(request: Request) -> Idea | None:
    """An item that another supplier sent as well goes back to it."""
    if RequestFlag.EXTRA not in request.flags:
        return None
    number = next(one.number for one in request.attempts if one.status.value == "extra")
    return Idea(K.RETURNED, attempt=number)


def _is_beside_the_point(kind: EventKind, request: Request, wish: Wish) -> bool:
    """What staff would not do, though they may."""
    if kind in (K.RENEW_ACCEPTED, K.RENEW_REFUSED):
        return RequestFlag.RENEWAL_PENDING not in request.flags
    return kind is K.LOCATED and not wish.is_owned


def _details(kind: EventKind, request: Request, wish: Wish, today: date) -> EventDetails:
    match kind:
        case K.MESSAGE:
            return EventDetails(note="Czy można prosić o odpowiedź?")
        case K.ASSIGN:
            return EventDetails(partner="south")
        case K.UNFILLED | K.CLEARANCE_REFUSED | K.CANCEL_REFUSED:
            return EventDetails(reason=ReasonCodes.NOT_ON_SHELF.value)
        case K.RETRY:
            return EventDetails(reason=ReasonCodes.ON_LOAN.value, retry_after=today + timedelta(days=4))
        case K.CONDITIONAL:
            return EventDetails(conditions=(LoanCondition.SIGNATURE_REQUIRED,))
        case K.CLEARED:
            return EventDetails(reason="UK-FairDealing")
        case K.LOCATED:
            return EventDetails(barcode=wish.barcode)
        case K.DIGITISED | K.COPY_DELIVERED if request.attachments:
            return EventDetails(attachment=request.attachments[-1].id)
        case K.DUE_DATE_CHANGED:
            due = today + timedelta(days=40)
            return EventDetails(due=due if due != request.terms.lender_due else due + timedelta(days=1))
        case K.RECALL:
            return EventDetails(due=today + timedelta(days=7))
        case K.SHIPPED if not request.item_barcode:
            return EventDetails(barcode=wish.barcode)
    return EventDetails()

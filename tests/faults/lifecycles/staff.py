"""What the staff of both libraries do: anything sensible by chance, or, when the day is done, what ends it.

The tables say how likely an act is in a state; `None` is a coffee. What the gateway doesn't allow is not tried.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from gateway.domain.requests.events import Condition, Details, Kind, Reasons
from gateway.domain.requests.request import Borrowing, Flag, Lending, Request, Role, ServiceType, VolumeState
from tests.faults.lifecycles.place import Wish

T = TypeVar("T")

K = Kind
Likely = Mapping[Kind | None, float]

_ASKED: Likely = {None: 40, K.CANCEL: 1, K.NEXT_SUPPLIER: 0.5, K.STATUS_QUERY: 1, K.MESSAGE: 1}
_NOT_SUPPLIED: Likely = {None: 100, K.REOPEN: 1}
_PROMISED: Likely = {None: 1, K.SHIPPED: 12, K.CONDITIONAL: 0.5, K.UNFILLED: 0.3, K.MESSAGE: 0.5}

BORROWERS: Mapping[Borrowing, Likely] = {
    Borrowing.REVIEW: {K.APPROVE: 8, K.CANCEL: 1, K.CLOSE: 1},
    Borrowing.SOURCING: {None: 20, K.CANCEL: 1},
    Borrowing.NO_SUPPLIER: {K.ASSIGN: 2, K.APPROVE: 2, K.CLOSE: 4},
    Borrowing.REQUESTED: _ASKED,
    Borrowing.HOLD_PLACED: _ASKED,
    Borrowing.WILL_SUPPLY: _ASKED,
    Borrowing.CONDITIONAL: {None: 2, K.CONDITION_ACCEPTED: 5, K.CONDITION_REFUSED: 3, K.CANCEL: 1},
    Borrowing.SHIPPED: {K.RECEIVED: 12, K.LOST: 0.4, K.STATUS_QUERY: 1},
    Borrowing.RECEIVED: {K.LOANED_TO_PATRON: 10, K.RETURNED: 1, K.RENEW: 2, K.LOST: 0.3, K.DAMAGED: 0.5},
    Borrowing.LENT: {None: 1, K.RETURNED_BY_PATRON: 8, K.RENEW: 8, K.RETURNED: 1, K.LOST: 0.5, K.STATUS_QUERY: 1},
    Borrowing.BACK: {K.RETURNED: 10, K.LOANED_TO_PATRON: 2},
    Borrowing.RETURNED: {None: 10, K.STATUS_QUERY: 1, K.LOST: 0.2},
    Borrowing.CANCELLED: _NOT_SUPPLIED,
    Borrowing.UNFILLED: _NOT_SUPPLIED,
    Borrowing.EXPIRED: _NOT_SUPPLIED,
}
LENDERS: Mapping[Lending, Likely] = {
    Lending.NEW: {None: 10, K.LOCATED: 6, K.UNFILLED: 0.5},
    Lending.LOCATED: {
        None: 1, K.WILL_SUPPLY: 6, K.SHIPPED: 6, K.CONDITIONAL: 2, K.HOLD_PLACED: 1, K.UNFILLED: 0.3, K.RETRY: 0.3
    },
    Lending.HOLD_PLACED: _PROMISED,
    Lending.WILL_SUPPLY: _PROMISED,
    Lending.CONDITIONAL: {None: 10, K.UNFILLED: 1},
    Lending.DIGITISING: {K.DIGITISED: 8, K.WILL_SUPPLY: 2},
    Lending.CLEARANCE: {K.CLEARED: 6, K.CLEARANCE_REFUSED: 1},
    Lending.CLEARED: {K.COPY_DELIVERED: 6, None: 1},
    Lending.CANCEL_PENDING: {K.CANCEL_ACCEPTED: 5, K.CANCEL_REFUSED: 3, K.SHIPPED: 1},
    Lending.SHIPPED: {
        None: 40, K.RECALL: 1, K.OVERDUE: 1, K.DUE_DATE_CHANGED: 1, K.SHIPPED: 1, K.LOST: 0.2, K.RENEW_ACCEPTED: 2,
        K.RENEW_REFUSED: 1,
    },
    Lending.RETURNED: {K.CHECKED_IN: 10, K.LOST: 0.3, None: 2},
}  # fmt: skip

BORROWERS_ONWARD: Mapping[Borrowing, Kind] = {
    Borrowing.REVIEW: K.APPROVE,
    Borrowing.NO_SUPPLIER: K.CLOSE,
    Borrowing.CONDITIONAL: K.CONDITION_ACCEPTED,
    Borrowing.SHIPPED: K.RECEIVED,
    Borrowing.RECEIVED: K.LOANED_TO_PATRON,
    Borrowing.LENT: K.RETURNED_BY_PATRON,
    Borrowing.BACK: K.RETURNED,
}
LENDERS_ONWARD: Mapping[Lending, Kind] = {
    Lending.NEW: K.UNFILLED,
    Lending.LOCATED: K.SHIPPED,
    Lending.HOLD_PLACED: K.SHIPPED,
    Lending.WILL_SUPPLY: K.SHIPPED,
    Lending.DIGITISING: K.DIGITISED,
    Lending.CLEARANCE: K.CLEARED,
    Lending.CLEARED: K.COPY_DELIVERED,
    Lending.CANCEL_PENDING: K.CANCEL_ACCEPTED,
    Lending.RETURNED: K.CHECKED_IN,
}


NOTHING = Details()


@dataclass(frozen=True)
class Idea:
    """`attempt`: to which supplier's item it belongs, where that isn't the current one."""

    kind: Kind
    details: Details = NOTHING
    attempt: int = 0


def by_chance(request: Request, all_: Sequence[Request], wish: Wish, chance: random.Random, today: date) -> Idea | None:
    """`all_`: the requests of this wish on both sides."""
    if (extra := _extra(request)) is not None:
        return extra
    likely = _of_side(request, BORROWERS, LENDERS) or {None: 1.0}
    kind = chance.choices(list(likely), list(likely.values()))[0]
    if kind is None or _is_beside_the_point(kind, request, wish):
        return None
    return _idea(kind, request, all_, wish, today, chance)


def onward(request: Request, all_: Sequence[Request], wish: Wish, today: date) -> Idea | None:
    if (extra := _extra(request)) is not None:
        return extra
    kind = _of_side(request, BORROWERS_ONWARD, LENDERS_ONWARD)
    return _idea(kind, request, all_, wish, today, None) if kind is not None else None


def _of_side(request: Request, ours: Mapping[Borrowing, T], theirs: Mapping[Lending, T]) -> T | None:
    """Both sides have states of the same words, so each has a table of its own."""
    return ours.get(request.state) if isinstance(request.state, Borrowing) else theirs.get(request.state)


def _idea(
    kind: Kind, request: Request, all_: Sequence[Request], wish: Wish, today: date, chance: random.Random | None
) -> Idea:
    """What isn't there can't be shipped."""
    if kind in (K.SHIPPED, K.LOCATED) and any(_has_it(one) for one in all_ if one.id != request.id):
        kind = K.UNFILLED
    return Idea(kind, _details(kind, request, wish, today, chance))


def _has_it(request: Request) -> bool:
    """Whether SOUTH's item is away or kept for this request."""
    return request.role is Role.LENDING and (request.open or request.state is Lending.LOST)


def _extra(request: Request) -> Idea | None:
    """An item that another supplier sent as well goes back to it."""
    if Flag.EXTRA not in request.flags:
        return None
    number = next(one.number for one in request.attempts if one.status.value == "extra")
    return Idea(K.RETURNED, attempt=number)


def _is_beside_the_point(kind: Kind, request: Request, wish: Wish) -> bool:
    """What staff would not do, though they may."""
    if kind in (K.RENEW_ACCEPTED, K.RENEW_REFUSED):
        return Flag.RENEWAL_PENDING not in request.flags
    return kind is K.LOCATED and not wish.is_owned


def _details(kind: Kind, request: Request, wish: Wish, today: date, chance: random.Random | None) -> Details:
    match kind:
        case K.MESSAGE:
            return Details(note="Czy można prosić o odpowiedź?")
        case K.ASSIGN:
            return Details(partner="south")
        case K.UNFILLED | K.CLEARANCE_REFUSED | K.CANCEL_REFUSED:
            return Details(reason=Reasons.NOT_ON_SHELF.value)
        case K.RETRY:
            return Details(reason=Reasons.ON_LOAN.value, retry_after=today + timedelta(days=4))
        case K.CONDITIONAL:
            return Details(conditions=(Condition.SIGNATURE_REQUIRED,))
        case K.CLEARED:
            return Details(reason="UK-FairDealing")
        case K.LOCATED:
            return Details(barcode=wish.barcode)
        case K.DIGITISED | K.COPY_DELIVERED if request.attachments:
            return Details(attachment=request.attachments[-1].id)
        case K.DUE_DATE_CHANGED:
            return Details(due=today + timedelta(days=40))
        case K.RECALL:
            return Details(due=today + timedelta(days=7))
        case K.SHIPPED if not request.item_barcode:
            return Details(barcode=wish.barcode)
        case K.RECEIVED | K.LOANED_TO_PATRON | K.RETURNED_BY_PATRON if chance is not None and chance.random() < 0.5:
            return Details(volumes=_one_of(request, kind))
    return Details()


_COMES_FROM = {
    K.RECEIVED: (VolumeState.EXPECTED, VolumeState.SHIPPED),
    K.LOANED_TO_PATRON: (VolumeState.RECEIVED, VolumeState.BACK),
    K.RETURNED_BY_PATRON: (VolumeState.LENT,),
}


def _one_of(request: Request, kind: Kind) -> tuple[str, ...]:
    """One volume of several; else all."""
    there = [one.id for one in request.volumes if one.state in _COMES_FROM[kind]]
    several = len(request.volumes) > 1 and request.service.type is not ServiceType.COPY
    return (there[0],) if several and there else ()

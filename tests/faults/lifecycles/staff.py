"""What the staff of both libraries do: anything sensible by chance, or, when the day is done, what ends it.

The tables say how likely an act is in a state; `None` is a coffee. What the gateway doesn't allow is not tried.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.domain.requests.events import Condition, Details, Kind, Reasons
from gateway.domain.requests.request import Borrowing, Flag, Lending, Request, ServiceType, State, VolumeState
from tests.faults.lifecycles.place import Wish

K = Kind
Likely = Mapping[Kind | None, float]

_ASKED: Likely = {None: 20, K.CANCEL: 2, K.NEXT_SUPPLIER: 0.5, K.STATUS_QUERY: 1, K.MESSAGE: 1}
_NOT_SUPPLIED: Likely = {None: 40, K.REOPEN: 1}
_PROMISED: Likely = {None: 2, K.SHIPPED: 10, K.CONDITIONAL: 1, K.UNFILLED: 1, K.MESSAGE: 1}

BY_CHANCE: Mapping[State, Likely] = {
    Borrowing.REVIEW: {K.APPROVE: 8, K.CANCEL: 1, K.CLOSE: 1},
    Borrowing.SOURCING: {None: 20, K.CANCEL: 1},
    Borrowing.NO_SUPPLIER: {K.ASSIGN: 2, K.APPROVE: 2, K.CLOSE: 4},
    Borrowing.REQUESTED: _ASKED,
    Borrowing.HOLD_PLACED: _ASKED,
    Borrowing.WILL_SUPPLY: _ASKED,
    Borrowing.CONDITIONAL: {None: 2, K.CONDITION_ACCEPTED: 5, K.CONDITION_REFUSED: 3, K.CANCEL: 1},
    Borrowing.SHIPPED: {K.RECEIVED: 12, K.LOST: 0.4, K.STATUS_QUERY: 1},
    Borrowing.RECEIVED: {K.LOANED_TO_PATRON: 10, K.RETURNED: 1, K.RENEW: 2, K.LOST: 0.3, K.DAMAGED: 0.5},
    Borrowing.LENT: {None: 4, K.RETURNED_BY_PATRON: 8, K.RENEW: 4, K.RETURNED: 1, K.LOST: 0.5, K.STATUS_QUERY: 1},
    Borrowing.BACK: {K.RETURNED: 10, K.LOANED_TO_PATRON: 2},
    Borrowing.RETURNED: {None: 10, K.STATUS_QUERY: 1, K.LOST: 0.2},
    Borrowing.CANCELLED: _NOT_SUPPLIED,
    Borrowing.UNFILLED: _NOT_SUPPLIED,
    Borrowing.EXPIRED: _NOT_SUPPLIED,
    Lending.NEW: {None: 5, K.LOCATED: 6, K.UNFILLED: 2},
    Lending.LOCATED: {
        None: 2, K.WILL_SUPPLY: 6, K.SHIPPED: 6, K.CONDITIONAL: 2, K.HOLD_PLACED: 1, K.UNFILLED: 1, K.RETRY: 0.5
    },
    Lending.HOLD_PLACED: _PROMISED,
    Lending.WILL_SUPPLY: _PROMISED,
    Lending.CONDITIONAL: {None: 10, K.UNFILLED: 1},
    Lending.DIGITISING: {None: 2, K.DIGITISED: 8, K.WILL_SUPPLY: 2},
    Lending.CLEARANCE: {K.CLEARED: 6, K.CLEARANCE_REFUSED: 1},
    Lending.CLEARED: {K.COPY_DELIVERED: 6, None: 1},
    Lending.CANCEL_PENDING: {K.CANCEL_ACCEPTED: 5, K.CANCEL_REFUSED: 3, K.SHIPPED: 1},
    Lending.SHIPPED: {
        None: 16, K.RECALL: 1, K.OVERDUE: 1, K.DUE_DATE_CHANGED: 1, K.SHIPPED: 1, K.LOST: 0.2, K.RENEW_ACCEPTED: 2,
        K.RENEW_REFUSED: 1,
    },
    Lending.RETURNED: {K.CHECKED_IN: 10, K.LOST: 0.3, None: 2},
}  # fmt: skip

ONWARD: Mapping[State, Kind] = {
    Borrowing.REVIEW: K.APPROVE,
    Borrowing.NO_SUPPLIER: K.CLOSE,
    Borrowing.CONDITIONAL: K.CONDITION_ACCEPTED,
    Borrowing.SHIPPED: K.RECEIVED,
    Borrowing.RECEIVED: K.LOANED_TO_PATRON,
    Borrowing.LENT: K.RETURNED_BY_PATRON,
    Borrowing.BACK: K.RETURNED,
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


def by_chance(request: Request, wish: Wish, chance: random.Random, today: date) -> Idea | None:
    if (extra := _extra(request)) is not None:
        return extra
    likely = BY_CHANCE.get(request.state, {None: 1.0})
    kind = chance.choices(list(likely), list(likely.values()))[0]
    if kind is None or _is_beside_the_point(kind, request, wish):
        return None
    return Idea(kind, _details(kind, request, wish, today, chance))


def onward(request: Request, wish: Wish, today: date) -> Idea | None:
    if (extra := _extra(request)) is not None:
        return extra
    kind = ONWARD.get(request.state)
    return Idea(kind, _details(kind, request, wish, today, None)) if kind is not None else None


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

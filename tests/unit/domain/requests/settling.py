"""Everybody does the sensible thing until nothing is left to do."""

from __future__ import annotations

from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, RequestFlag, ServiceType
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import FollowUp, expired_timer_signal
from tests.support.requests import DUE
from tests.unit.domain.requests.joined import Place, World

ROUNDS = 60

_BORROWER = {
    BorrowingState.NEW: EventKind.SUBMIT,
    BorrowingState.REVIEW: EventKind.APPROVE,
    BorrowingState.NO_SUPPLIER: EventKind.CLOSE,
    BorrowingState.CONDITIONAL: EventKind.CONDITION_ACCEPTED,
    BorrowingState.SHIPPED: EventKind.RECEIVED,
    BorrowingState.RECEIVED: EventKind.LOANED_TO_PATRON,
    BorrowingState.LENT: EventKind.RETURNED_BY_PATRON,
    BorrowingState.BACK: EventKind.RETURNED,
    BorrowingState.LOST: EventKind.RETURNED,
    BorrowingState.COMPLETED: EventKind.RETURNED,  # settled as lost, and here again
}
_LENDER = {
    LendingState.NEW: EventKind.LOCATED,
    LendingState.LOCATED: EventKind.SHIPPED,
    LendingState.HOLD_PLACED: EventKind.SHIPPED,
    LendingState.WILL_SUPPLY: EventKind.SHIPPED,
    LendingState.DIGITISING: EventKind.DIGITISED,
    LendingState.CLEARANCE: EventKind.CLEARED,
    LendingState.CLEARED: EventKind.COPY_DELIVERED,
    LendingState.CANCEL_PENDING: EventKind.CANCEL_ACCEPTED,
    LendingState.SHIPPED: EventKind.CHECKED_IN,
    LendingState.RETURNED: EventKind.CHECKED_IN,
    LendingState.LOST: EventKind.CHECKED_IN,
    LendingState.COMPLETED: EventKind.CHECKED_IN,  # settled as lost, and there again
}
_GONE_HERE = (BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK)
_OVER = (BorrowingState.LOST, BorrowingState.COMPLETED)
_GONE_THERE = (LendingState.SHIPPED, LendingState.RETURNED)


def settle(world: World) -> None:
    """Raises AssertionError when it never becomes quiet."""
    for _ in range(ROUNDS):
        world.drain()
        before = _marks(world)
        borrower_goes_on(world)
        world.drain()
        for number in tuple(world.lenders):
            supplier_goes_on(world, number)
            world.drain()
        if _marks(world) == before and not _time_passes(world):
            return
    raise AssertionError("never quiet:\n" + "\n".join(world.story))


def _marks(world: World) -> tuple[object, ...]:
    sides = (world.borrower, *world.lenders.values())
    return (tuple((one.request.version, one.request.state) for one in sides), tuple(world.items.values()))


def borrower_goes_on(world: World) -> None:
    request = world.borrower.request
    if request.state is BorrowingState.SOURCING:
        world.find_supplier()
        return
    world.work.discard(FollowUp.FIND_SUPPLIER)
    for one in request.attempts:
        _extra(world, one.number, one.status)
    place = world.items.get(request.current)
    if request.state in _GONE_HERE and place is Place.GONE:
        world.us(0, EventKind.LOST)
    elif request.state in _BORROWER and (request.state not in _OVER or place in (Place.THERE, Place.HERE)):
        world.us(0, _BORROWER[request.state])


def _extra(world: World, number: int, status: AttemptStatus) -> None:
    """Items of suppliers that are not the one in hand."""
    place, current = world.items.get(number), world.borrower.request.current
    if status is AttemptStatus.EXTRA and place is Place.GONE:
        world.us(0, EventKind.LOST, number)
    elif place in (Place.THERE, Place.HERE) and (
        status is AttemptStatus.EXTRA or (status is AttemptStatus.LOST and number != current)
    ):
        world.us(0, EventKind.RETURNED, number)
    elif place in (Place.THERE, Place.HERE) and status is AttemptStatus.LOST:
        world.us(0, EventKind.RETURNED, number)  # no longer in hand: it was reopened


def supplier_goes_on(world: World, number: int) -> None:
    request = world.lenders[number].request
    place = world.items[number]
    if RequestFlag.RENEWAL_PENDING in request.flags:
        world.us(number, EventKind.RENEW_REFUSED)
    if request.state in _GONE_THERE and place is Place.GONE:
        world.us(number, EventKind.LOST)
    elif request.state in _LENDER:
        copy = request.service.type is ServiceType.COPY
        kind = EventKind.LOCATED if copy and _LENDER[request.state] is EventKind.SHIPPED else _LENDER[request.state]
        world.us(number, kind, details=EventDetails(due=DUE, barcode="31000000000042", link="https://ill.example/copy"))


def _time_passes(world: World) -> bool:
    """All timers that run are over. Whether one did anything."""
    moved = False
    for number in (0, *world.lenders):
        side = world.side(number)
        for timer in sorted(side.running):
            side.running.discard(timer)
            before = side.request.state
            outcome = world.happens(number, expired_timer_signal(timer, side.workflow), details=EventDetails(due=DUE))
            assert not isinstance(outcome, Denied), outcome.detail
            moved |= side.request.state is not before
    return moved or bool(world.wire)

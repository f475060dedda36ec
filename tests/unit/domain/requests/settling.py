"""Everybody does the sensible thing until nothing is left to do."""

from __future__ import annotations

from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.request import AttemptStatus, Borrowing, Flag, Lending, ServiceType
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import Follow, fired
from tests.support.requests import DUE
from tests.unit.domain.requests.joined import Place, World

ROUNDS = 60

_BORROWER = {
    Borrowing.NEW: Kind.SUBMIT,
    Borrowing.REVIEW: Kind.APPROVE,
    Borrowing.NO_SUPPLIER: Kind.CLOSE,
    Borrowing.CONDITIONAL: Kind.CONDITION_ACCEPTED,
    Borrowing.SHIPPED: Kind.RECEIVED,
    Borrowing.RECEIVED: Kind.LOANED_TO_PATRON,
    Borrowing.LENT: Kind.RETURNED_BY_PATRON,
    Borrowing.BACK: Kind.RETURNED,
    Borrowing.LOST: Kind.RETURNED,
}
_LENDER = {
    Lending.NEW: Kind.LOCATED,
    Lending.LOCATED: Kind.SHIPPED,
    Lending.HOLD_PLACED: Kind.SHIPPED,
    Lending.WILL_SUPPLY: Kind.SHIPPED,
    Lending.DIGITISING: Kind.DIGITISED,
    Lending.CLEARANCE: Kind.CLEARED,
    Lending.CLEARED: Kind.COPY_DELIVERED,
    Lending.CANCEL_PENDING: Kind.CANCEL_ACCEPTED,
    Lending.SHIPPED: Kind.CHECKED_IN,
    Lending.RETURNED: Kind.CHECKED_IN,
    Lending.LOST: Kind.CHECKED_IN,
}
_GONE_HERE = (Borrowing.SHIPPED, Borrowing.RECEIVED, Borrowing.LENT, Borrowing.BACK)
_GONE_THERE = (Lending.SHIPPED, Lending.RETURNED)


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
    if request.state is Borrowing.SOURCING:
        world.find_supplier()
        return
    world.work.discard(Follow.FIND_SUPPLIER)
    for one in request.attempts:
        _extra(world, one.number, one.status)
    place = world.items.get(request.current)
    if request.state in _GONE_HERE and place is Place.GONE:
        world.us(0, Kind.LOST)
    elif request.state in _BORROWER and (request.state is not Borrowing.LOST or place in (Place.THERE, Place.HERE)):
        world.us(0, _BORROWER[request.state])


def _extra(world: World, number: int, status: AttemptStatus) -> None:
    """Items of suppliers that are not the one in hand."""
    place, current = world.items.get(number), world.borrower.request.current
    if status is AttemptStatus.EXTRA and place is Place.GONE:
        world.us(0, Kind.LOST, number)
    elif place in (Place.THERE, Place.HERE) and (
        status is AttemptStatus.EXTRA or (status is AttemptStatus.LOST and number != current)
    ):
        world.us(0, Kind.RETURNED, number)
    elif place in (Place.THERE, Place.HERE) and status is AttemptStatus.LOST:
        world.us(0, Kind.RETURNED, number)  # no longer in hand: it was reopened


def supplier_goes_on(world: World, number: int) -> None:
    request = world.lenders[number].request
    place = world.items[number]
    if Flag.RENEWAL_PENDING in request.flags:
        world.us(number, Kind.RENEW_REFUSED)
    if request.state in _GONE_THERE and place is Place.GONE:
        world.us(number, Kind.LOST)
    elif request.state in _LENDER:
        copy = request.service.type is ServiceType.COPY
        kind = Kind.LOCATED if copy and _LENDER[request.state] is Kind.SHIPPED else _LENDER[request.state]
        world.us(number, kind, details=Details(due=DUE, barcode="31000000000042", link="https://ill.example/copy"))


def _time_passes(world: World) -> bool:
    """All timers that run are over. Whether one did anything."""
    moved = False
    for number in (0, *world.lenders):
        side = world.side(number)
        for timer in sorted(side.running):
            side.running.discard(timer)
            before = side.request.state
            outcome = world.happens(number, fired(timer, side.workflow), details=Details(due=DUE))
            assert not isinstance(outcome, Denied), outcome.detail
            moved |= side.request.state is not before
    return moved or bool(world.wire)

"""Everybody does the sensible thing until nothing is left to do, and time goes on."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.problems import RefusalReason
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
)
from gateway.domain.requests.state_table import LibraryAction
from gateway.services.requests.library_context import DESK
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.faults.joined.things import Place, key_of
from tests.faults.joined.town import Town
from tests.faults.joined.world import World

ROUNDS = 80

_BORROWER = {
    BorrowingState.NEW: (EventKind.SUBMIT,),
    BorrowingState.REVIEW: (EventKind.APPROVE, EventKind.CLOSE),
    BorrowingState.NO_SUPPLIER: (EventKind.CLOSE,),
    BorrowingState.CONDITIONAL: (EventKind.CONDITION_ACCEPTED,),
    BorrowingState.SHIPPED: (EventKind.RECEIVED,),
    BorrowingState.RECEIVED: (EventKind.LOANED_TO_PATRON, EventKind.RETURNED),
    BorrowingState.LENT: (EventKind.RETURNED_BY_PATRON,),
    BorrowingState.BACK: (EventKind.RETURNED,),
    BorrowingState.LOST: (EventKind.RETURNED,),
    BorrowingState.COMPLETED: (EventKind.RETURNED,),  # settled as lost, and here again
}
"""The first that is possible."""

_LENDER = {
    LendingState.NEW: (EventKind.LOCATED, EventKind.UNFILLED),
    LendingState.LOCATED: (EventKind.SHIPPED, EventKind.UNFILLED),
    LendingState.HOLD_PLACED: (EventKind.SHIPPED, EventKind.UNFILLED),
    LendingState.WILL_SUPPLY: (EventKind.SHIPPED, EventKind.UNFILLED),
    LendingState.DIGITISING: (EventKind.DIGITISED,),
    LendingState.CLEARANCE: (EventKind.CLEARED,),
    LendingState.CLEARED: (EventKind.COPY_DELIVERED,),
    LendingState.CANCEL_PENDING: (EventKind.CANCEL_ACCEPTED,),
    LendingState.SHIPPED: (EventKind.CHECKED_IN,),
    LendingState.RETURNED: (EventKind.CHECKED_IN,),
    LendingState.LOST: (EventKind.CHECKED_IN,),
    LendingState.COMPLETED: (EventKind.CHECKED_IN,),  # settled as lost, and there again
}
_GONE_HERE = (
    BorrowingState.SHIPPED,
    BorrowingState.RECEIVED,
    BorrowingState.LENT,
    BorrowingState.BACK,
    BorrowingState.RETURNED,
)
_GONE_THERE = (LendingState.SHIPPED, LendingState.RETURNED)
_TO_FIND = (EventKind.LOCATED, EventKind.SHIPPED)


async def go_on(world: World, rounds: int) -> None:
    """So many rounds of what `settle` does."""
    for _ in range(rounds):
        await quiet(world)
        await everybody_acts(world)


async def settle(world: World) -> None:
    """Raises AssertionError when it never becomes quiet."""
    world.tell("--- all goes well from here on ---")
    world.wire.expect(())
    for _ in range(ROUNDS):
        await quiet(world)
        since = world.clock.now()
        if await staff_look(world) or await everybody_acts(world):
            continue
        moment = await world.next_moment(since)
        if moment is None:
            return
        world.clock.advance(max(moment - world.clock.now(), timedelta()) + timedelta(seconds=1))
        world.tell("time passes")
    raise AssertionError("never quiet")


async def quiet(world: World) -> None:
    """Until nobody has anything left to do now."""
    for _ in range(200):
        done = [await town.fire_timers() + await town.drain() for town in world.towns.values()]
        await world.look()
        if not any(done):
            return
    raise AssertionError("the gateways don't come to rest")


async def staff_look(world: World) -> bool:
    """What may fail for good is skipped. Whether something did."""
    skipped = False
    for town in world.towns.values():
        for row in await town.unfinished():
            if row.status is OutboxStatus.DEAD and _may_fail(row):
                world.tell(f"{town.symbol}: {row.target} is skipped: {row.error}")
                await town.gateway.managed.libraries[town.symbol].desk.skip(row.id, "looked at", "staff:ana")
                skipped = True
    return skipped


def _may_fail(row: OutboxRow) -> bool:
    """One item was found for two requests, and is kept for the first; or the request went on without an act at the
    desk that had been interrupted."""
    taken = row.target == LibraryAction.PLACE_HOLD.value and RefusalReason.DUPLICATE_REQUEST.value in row.error
    return taken or (row.target.startswith(f"{DESK}:") and RefusalReason.NOT_ALLOWED.value in row.error)


async def everybody_acts(world: World) -> bool:
    acted = False
    for town, request in await world.everything():
        goes_on = borrower_goes_on if request.role is Role.BORROWING else lender_goes_on
        if await goes_on(world, town, request):
            acted = True
            await quiet(world)
    return acted


async def borrower_goes_on(world: World, town: Town, request: Request) -> bool:
    request = (await town.show(request.id)).request
    for one in request.attempts:
        gone = world.things.place((town.symbol, one.transaction)) is Place.GONE
        if one.status is AttemptStatus.EXTRA and gone:
            return await _one_of(world, town, request, (EventKind.LOST,), one.number)
    for number in world.things.to_send_back(town.symbol, request):
        beside = number != request.current or request.state not in (*_GONE_HERE, BorrowingState.LOST)
        if beside and await _one_of(world, town, request, (EventKind.RETURNED,), number):
            return True
    place = world.things.place(key_of(town.symbol, request))
    if request.state in _GONE_HERE and place is Place.GONE:
        return await _one_of(world, town, request, (EventKind.LOST,))
    return await _one_of(world, town, request, _BORROWER.get(request.state, ()))  # type: ignore[call-overload]


async def lender_goes_on(world: World, town: Town, request: Request) -> bool:
    request = (await town.show(request.id)).request
    place = world.things.place(key_of(town.symbol, request))
    if request.state in _GONE_THERE and place is Place.GONE:
        return await _one_of(world, town, request, (EventKind.LOST,))
    if RequestFlag.RENEWAL_PENDING in request.flags and request.state is LendingState.SHIPPED:
        return await _one_of(world, town, request, (EventKind.RENEW_REFUSED,))
    kinds = _LENDER.get(request.state, ())  # type: ignore[call-overload]
    if request.service.type is ServiceType.COPY and request.state in (
        LendingState.LOCATED,
        LendingState.HOLD_PLACED,
        LendingState.WILL_SUPPLY,
    ):
        kinds = (EventKind.LOCATED,)
    return await _one_of(world, town, request, kinds)


async def _one_of(world: World, town: Town, request: Request, kinds: tuple[EventKind, ...], attempt: int = 0) -> bool:
    """The first of these that is possible and not refused."""
    for kind in kinds:
        if not await world.possible(town, request, kind, attempt):
            continue
        for barcode in await barcodes(world, town, request, kind):
            details = EventDetails(
                barcode=barcode, link="https://ill.example/copy/7" if kind is EventKind.COPY_DELIVERED else ""
            )
            if await world.act(town, request, kind, details, attempt=attempt) is None:
                return True
    return False


async def barcodes(world: World, town: Town, request: Request, kind: EventKind) -> tuple[str, ...]:
    """Which items may be tried, one after the other: the one that is chosen first."""
    if request.role is not Role.LENDING or kind not in _TO_FIND or request.state is LendingState.SHIPPED:
        return ("",)
    of_book = next((book.barcodes for book in world.books if book.citation.title == request.citation.title), ())
    taken = {one.item_barcode for _, one in await world.everything() if _ == town and one.open and one.id != request.id}
    wanted = dict.fromkeys(code for code in (request.item_barcode, *of_book) if code and code not in taken)
    system = town.context.system
    return tuple([code for code in wanted if (await system.item_by_barcode(code)).due is None])

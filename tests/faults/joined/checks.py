"""What must hold when all is quiet."""

from __future__ import annotations

from collections import Counter

from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, Request, RequestFlag, Role
from gateway.store.requests.request_rows import parse_event
from tests.faults.joined.things import Place
from tests.faults.joined.town import Town
from tests.faults.joined.world import World
from tests.unit.domain.requests.test_joined import AGREE, ENDS, NOT_SUPPLIED


async def check_the_end(world: World) -> None:
    found = await world.everything()
    for town, request in found:
        assert not request.open, f"{town.symbol} {request.number} ends in state {request.state.value}"
        assert RequestFlag.EXTRA not in request.flags, f"{town.symbol} {request.number}: an item is left here"
    borrowed = {
        (town.symbol, attempt.transaction): (request, attempt.status)
        for town, request in found
        for attempt in request.attempts
    }
    for town, request in found:
        if request.role is Role.LENDING:
            _both_sides(world, town, request, borrowed)
        else:
            _borrower(request)
    await _nothing_is_left_to_do(world)
    await _libraries_are_tidy(world)
    await _refusals_are_told(world)


def _both_sides(
    world: World, town: Town, lent: Request, borrowed: dict[tuple[str, str], tuple[Request, AttemptStatus]]
) -> None:
    key = lent.partner.symbol, lent.transaction
    request, status = borrowed[key]
    what = f"{town.symbol} {lent.number} ({lent.state.value}) for {key}: {request.state.value}, {status.value}"
    assert status in AGREE[lent.state], what  # type: ignore[index]
    place = world.things.place(key)
    at_rest = {Place.GONE} if lent.state is LendingState.LOST else {Place.SHELF, Place.HOME}
    if lent.state is LendingState.COMPLETED and status is AttemptStatus.LOST:
        at_rest = {Place.GONE, Place.HOME}  # lost and paid for; or it came back, and its borrower closed it before
    assert place in at_rest, f"{what}; the item is {place.value}"


def _borrower(request: Request) -> None:
    counted = request.attempt
    if request.state in ENDS:
        assert counted is not None
        assert counted.status in ENDS[request.state], (request.number, request.state, counted)  # type: ignore[index]
    elif counted is not None:
        assert counted.status in NOT_SUPPLIED | {AttemptStatus.LOST, AttemptStatus.COMPLETED}, (request.number, counted)


async def _nothing_is_left_to_do(world: World) -> None:
    for town in world.towns.values():
        left = [f"{row.kind} {row.target} {row.status.value}: {row.error}" for row in await town.unfinished()]
        assert not left, f"{town.symbol}: left in the outbox: {left}"
        timers = [(request, timer) for request, timer, _ in await town.timers() if timer != "anonymise"]
        assert not timers, f"{town.symbol}: timers still run: {timers}"


async def _libraries_are_tidy(world: World) -> None:
    """What is lost stays on the records, until it is found or paid for; also where the request went on without it."""
    for town in world.towns.values():
        requests = await town.requests()
        went_on = {
            line.request_id
            for line in await town.history()
            if (line.before, line.after) == (BorrowingState.LOST.value, BorrowingState.REVIEW.value)
        }
        lost = {one.number for one in requests.values() if _has_lost(one) or one.id in went_on}
        left = await town.left()
        assert not set(left.loans) - lost, f"{town.symbol}: loans are left: {left.loans}"
        assert not set(left.holds) - lost, f"{town.symbol}: holds are left: {left.holds}"
        temporary = [one for one in left.temporary if one[1] not in lost]
        assert not temporary, f"{town.symbol}: temporary items are left: {temporary}"


def _has_lost(request: Request) -> bool:
    return request.state in (BorrowingState.LOST, LendingState.LOST) or any(
        one.status is AttemptStatus.LOST for one in request.attempts
    )


async def _refusals_are_told(world: World) -> None:
    """Each refused message is in the receiver's history, once, and in the sender's, with the receiver's words: until
    the request forgets its patron, since words may name people. Where its acknowledgement was lost and the receiver's
    own next message ended it, the sender never hears of the refusal."""
    refused = world.wire.refused.values()
    denied: Counter[tuple[str, str, str]] = Counter()
    told: Counter[tuple[str, str, str]] = Counter()
    for town in world.towns.values():
        for line in await town.history():
            event = parse_event(line.document)
            if line.denied:
                assert event.signal.origin is EventOrigin.PARTNER
                denied[town.symbol, event.kind.value, line.denied] += 1
            elif event.kind in (EventKind.TROUBLE, EventKind.REJECTED):  # nobody else says so here
                told[town.symbol, event.details.reason, event.details.note] += 1
    known = [one for one in refused if one.reason != "unknown-request"]
    assert denied == Counter((one.sent.receiver, one.sent.kind.value, one.detail) for one in known)
    expected = Counter((one.sent.sender, one.reason, one.detail) for one in refused)
    heard = [one for one in refused if one.sent.id in world.wire.answered]
    forgotten = Counter({(town, reason): number for (town, reason, words), number in told.items() if not words})
    kept = Counter({one: number for one, number in told.items() if one[2]})
    assert not kept - expected
    missing = Counter((one.sent.sender, one.reason, one.detail) for one in heard) - kept
    assert Counter((town, reason) for town, reason, _ in missing.elements()) == forgotten, (missing, forgotten)

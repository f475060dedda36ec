"""Due timers are fired in the order of their time, whatever fails, stops or jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.problems import Unavailable
from gateway.domain.requests.state_table import TimerKind
from gateway.ports.shared_store import Store
from gateway.services.outbox.timers import TimerOptions, TimerWorker
from gateway.store.nodes import SoleLeader
from gateway.store.requests import timers
from gateway.store.requests.timers import TimerRow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPTIONS = TimerOptions(poll_seconds=0.02, again_seconds=300)
HOUR = timedelta(hours=1)


class Fired:
    """Work of timers: takes each, unless `failing` has an error for it."""

    def __init__(self, store: Store, failing: Callable[[TimerRow], Exception | None] = lambda row: None) -> None:
        self.store = store
        self.failing = failing
        self.rows: list[tuple[str, TimerKind]] = []
        self.taken: list[str] = []

    async def __call__(self, row: TimerRow) -> None:
        self.rows.append((row.request_id, row.timer))
        failure = self.failing(row)
        if failure is not None:
            raise failure
        if await self.store.write(lambda connection: timers.take_timer(connection, row)):
            self.taken.append(row.request_id)


async def start(store: Store, request: str, timer: TimerKind, at: datetime) -> None:
    await store.write(lambda connection: timers.start_timer(connection, "CLK", request, timer, at))


def keeper(store: Store, fired: Fired, clock: FixedClock, options: TimerOptions = OPTIONS) -> TimerWorker:
    return TimerWorker(store, clock, fired, SoleLeader(), options)


async def test_what_is_due_is_fired_once_and_the_rest_waits(timed: Store) -> None:
    await start(timed, "r1", TimerKind.ANSWER, NOON)
    await start(timed, "r2", TimerKind.NEED_BY, NOON + HOUR)
    fired, clock = Fired(timed), FixedClock(NOON)
    loop = keeper(timed, fired, clock)

    assert await loop.drain() == 1
    assert await loop.drain() == 0
    assert fired.rows == [("r1", TimerKind.ANSWER)]

    assert await loop.drain(NOON + HOUR) == 1
    assert fired.rows[1:] == [("r2", TimerKind.NEED_BY)]


async def test_many_are_taken_a_batch_at_a_time_and_those_of_one_request_in_order(timed: Store) -> None:
    order = (TimerKind.LENDER_DUE, TimerKind.CHASE, TimerKind.NEED_BY, TimerKind.ANSWER)
    for n in range(10):
        for late, timer in enumerate(order):
            await start(timed, f"r{n}", timer, NOON - timedelta(minutes=10 - late))
    fired = Fired(timed)

    count = await keeper(timed, fired, FixedClock(NOON), replace(OPTIONS, batch=7, concurrency=3)).drain()

    assert count == 40
    for n in range(10):
        assert [timer for request, timer in fired.rows if request == f"r{n}"] == list(order)


async def test_one_that_fails_does_not_stop_the_others_and_comes_again_later(timed: Store) -> None:
    for n in range(5):
        await start(timed, f"r{n}", TimerKind.ANSWER, NOON)
    broken = True
    fired = Fired(timed, lambda row: KeyError("?") if broken and row.request_id in ("r0", "r1") else None)
    clock = FixedClock(NOON)
    loop = keeper(timed, fired, clock, replace(OPTIONS, batch=2))

    assert await loop.drain() == 3
    assert sorted(request for request, _ in fired.rows) == ["r0", "r1", "r2", "r3", "r4"]

    clock.advance(timedelta(seconds=300))
    assert await loop.drain() == 0, "fails again, and waits twice as long"
    clock.advance(timedelta(seconds=599))
    assert await loop.drain() == 0
    assert len(fired.rows) == 7

    broken = False
    clock.advance(timedelta(seconds=1))
    assert await loop.drain() == 2


async def test_one_that_was_set_anew_while_it_failed_keeps_its_new_time(timed: Store) -> None:
    await start(timed, "r1", TimerKind.SHELF, NOON)
    later = NOON + timedelta(days=7)

    async def fire(row: TimerRow) -> None:
        await start(timed, "r1", TimerKind.SHELF, later)
        raise Unavailable("the library can't be reached")

    await TimerWorker(timed, FixedClock(NOON), fire, SoleLeader(), OPTIONS).drain()

    left = await timed.read(lambda c: timers.list_timers_of_request(c, "CLK", "r1"))
    assert [row.at for row in left] == [later]


async def test_one_that_takes_too_long_counts_as_failed(timed: Store) -> None:
    await start(timed, "r1", TimerKind.SHELF, NOON)

    async def fire(row: TimerRow) -> None:
        await asyncio.sleep(60)

    count = await TimerWorker(timed, FixedClock(NOON), fire, SoleLeader(), replace(OPTIONS, fire_seconds=0.02)).drain()

    assert count == 0
    left = await timed.read(lambda c: timers.list_timers_of_request(c, "CLK", "r1"))
    assert [row.at for row in left] == [NOON + timedelta(seconds=300)]


async def test_work_that_leaves_its_timer_does_not_get_it_for_ever(timed: Store) -> None:
    await start(timed, "r1", TimerKind.SHELF, NOON)
    calls = []

    async def fire(row: TimerRow) -> None:
        calls.append(row)

    async with asyncio.timeout(5):
        assert await TimerWorker(timed, FixedClock(NOON), fire, SoleLeader(), OPTIONS).drain() == 1
    assert len(calls) == 1


async def test_a_timer_that_its_own_work_sets_anew_runs_on(timed: Store) -> None:
    await start(timed, "r1", TimerKind.PATRON_DUE, NOON)

    async def fire(row: TimerRow) -> None:
        def work(connection: object) -> None:
            assert timers.take_timer(connection, row)  # type: ignore[arg-type]
            timers.start_timer(connection, "CLK", "r1", TimerKind.PATRON_DUE, row.at + timedelta(days=7))  # type: ignore[arg-type]

        await timed.write(work)

    loop = TimerWorker(timed, FixedClock(NOON), fire, SoleLeader(), OPTIONS)
    assert await loop.drain() == 1
    assert await loop.drain(NOON + timedelta(days=21)) == 3


# --- for as long as the process lives --------------------------------------------------------------------


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not found():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.005)


async def test_a_clock_that_jumps_fires_what_is_due_then_and_nothing_twice(timed: Store) -> None:
    await start(timed, "r1", TimerKind.ANSWER, NOON + HOUR)
    await start(timed, "r2", TimerKind.NEED_BY, NOON + 48 * HOUR)
    fired, clock = Fired(timed), FixedClock(NOON)
    running = asyncio.create_task(keeper(timed, fired, clock).run())
    await asyncio.sleep(0.05)
    assert fired.rows == []

    clock.advance(2 * HOUR)
    await until(lambda: len(fired.rows) == 1)
    clock.advance(-26 * HOUR)
    await asyncio.sleep(0.05)
    clock.advance(25 * HOUR)
    await asyncio.sleep(0.05)
    assert len(fired.rows) == 1
    clock.advance(48 * HOUR)
    await until(lambda: len(fired.rows) == 2)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_after_a_restart_it_goes_on_with_what_was_not_done(timed: Store) -> None:
    for n in range(20):
        await start(timed, f"r{n}", TimerKind.ANSWER, NOON)
    stuck = Fired(timed)
    begun = asyncio.Event()

    async def slow(row: TimerRow) -> None:
        if int(row.request_id[1:]) >= 7:
            begun.set()
            await asyncio.sleep(60)
        await stuck(row)

    clock = FixedClock(NOON)
    running = asyncio.create_task(TimerWorker(timed, clock, slow, SoleLeader(), OPTIONS).run())
    await begun.wait()
    await until(lambda: len(stuck.taken) == 7)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    fired = Fired(timed)
    await keeper(timed, fired, clock).drain()

    assert set(stuck.taken) <= {f"r{n}" for n in range(7)}
    assert {f"r{n}" for n in range(7, 20)} <= set(fired.taken)
    assert not set(stuck.taken) & set(fired.taken)
    assert await timed.read(lambda c: timers.due_timers(c, NOON, 100)) == ()


async def test_who_does_not_lead_fires_nothing_until_it_does(timed: Store) -> None:
    class Second:
        leading = False
        closed = False

        async def is_leader(self) -> bool:
            return self.leading

        async def give_up_lead(self) -> None:
            self.closed = True

    await start(timed, "r1", TimerKind.ANSWER, NOON)
    fired, leader = Fired(timed), Second()
    running = asyncio.create_task(TimerWorker(timed, FixedClock(NOON), fired, leader, OPTIONS).run())
    await asyncio.sleep(0.06)
    assert fired.rows == []

    leader.leading = True
    await until(lambda: len(fired.rows) == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert leader.closed


async def test_a_place_that_cannot_be_asked_for_is_waited_for(timed: Store) -> None:
    class Troubled(SoleLeader):
        noes = 2

        async def is_leader(self) -> bool:
            self.noes -= 1
            if self.noes >= 0:
                raise Unavailable("the database cannot be reached")
            return True

    await start(timed, "r1", TimerKind.ANSWER, NOON)
    fired = Fired(timed)
    running = asyncio.create_task(TimerWorker(timed, FixedClock(NOON), fired, Troubled(), OPTIONS).run())
    await until(lambda: len(fired.rows) == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

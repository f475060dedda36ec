"""Timers, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from gateway.domain.requests.state_table import TimerKind
from gateway.ports.shared_store import Store
from gateway.store.requests import timers
from gateway.store.requests.timers import TimerRow
from tests.unit.store.requests.samples import AT, LIBRARY

HOUR = timedelta(hours=1)


async def start(store: Store, request: str, timer: TimerKind, hours: float, library: str = LIBRARY) -> None:
    await store.write(lambda c: timers.start_timer(c, library, request, timer, AT + hours * HOUR))


async def due(store: Store, hours: float, limit: int = 10, last: str = "") -> list[tuple[str, str, str]]:
    found = await store.read(lambda c: timers.due_timers(c, AT + hours * HOUR, limit, last))
    return [(one.library, one.request_id, one.timer.value) for one in found]


async def test_timers_of_all_libraries_are_due_oldest_first(migrated: Store) -> None:
    await start(migrated, "r-1", TimerKind.ANSWER, 3)
    await start(migrated, "r-2", TimerKind.ANSWER, 1)
    await start(migrated, "r-1", TimerKind.NEED_BY, 2, library="OTHER")

    assert await due(migrated, 0.5) == []
    assert await due(migrated, 2) == [(LIBRARY, "r-2", "answer"), ("OTHER", "r-1", "need-by")]
    assert await due(migrated, 9, limit=1) == [(LIBRARY, "r-2", "answer")]


async def test_libraries_take_turns_whoever_waits_longest(migrated: Store) -> None:
    for n in range(5):
        await start(migrated, f"r-{n}", TimerKind.ANSWER, n / 10)
    await start(migrated, "s-1", TimerKind.ANSWER, 1, library="OTHER")
    await start(migrated, "t-1", TimerKind.ANSWER, 1, library="THIRD")

    assert [request for _, request, _ in await due(migrated, 1, limit=5)] == ["r-0", "s-1", "t-1", "r-1", "r-2"]
    assert [request for _, request, _ in await due(migrated, 1, limit=3, last="OTHER")] == ["t-1", "r-0", "s-1"]


async def test_a_timer_started_again_has_its_new_time(migrated: Store) -> None:
    await start(migrated, "r-1", TimerKind.ANSWER, 1)
    await start(migrated, "r-1", TimerKind.ANSWER, 5)
    assert await due(migrated, 4) == []
    rows = await migrated.read(lambda c: timers.list_timers_of_request(c, LIBRARY, "r-1"))
    assert rows == (TimerRow(LIBRARY, "r-1", TimerKind.ANSWER, AT + 5 * HOUR),)


async def test_a_stopped_timer_is_gone_and_the_others_stay(migrated: Store) -> None:
    for timer in (TimerKind.ANSWER, TimerKind.NEED_BY, TimerKind.CHASE):
        await start(migrated, "r-1", timer, 1)
    await start(migrated, "r-2", TimerKind.ANSWER, 1)

    await migrated.write(lambda c: timers.stop_timer(c, LIBRARY, "r-1", TimerKind.ANSWER))
    await migrated.write(lambda c: timers.stop_timer(c, LIBRARY, "r-1", TimerKind.RETRY))
    assert len(await due(migrated, 1)) == 3
    await migrated.write(lambda c: timers.stop_timer(c, LIBRARY, "r-1", TimerKind.NEED_BY))
    await migrated.write(lambda c: timers.stop_timer(c, LIBRARY, "r-1", TimerKind.CHASE))
    assert await due(migrated, 1) == [(LIBRARY, "r-2", "answer")]


async def test_a_due_timer_is_taken_once(migrated: Store) -> None:
    await start(migrated, "r-1", TimerKind.ANSWER, 1)
    (row,) = await migrated.read(lambda c: timers.due_timers(c, AT + HOUR, 10))

    taken: list[Any] = await asyncio.gather(*(migrated.write(lambda c: timers.take_timer(c, row)) for _ in range(6)))

    assert sorted(taken) == [False] * 5 + [True]
    assert await due(migrated, 9) == []


async def test_a_timer_that_was_set_anew_meanwhile_is_not_taken(migrated: Store) -> None:
    await start(migrated, "r-1", TimerKind.ANSWER, 1)
    (row,) = await migrated.read(lambda c: timers.due_timers(c, AT + HOUR, 10))
    await start(migrated, "r-1", TimerKind.ANSWER, 5)

    assert not await migrated.write(lambda c: timers.take_timer(c, row))
    assert await due(migrated, 5) == [(LIBRARY, "r-1", "answer")]

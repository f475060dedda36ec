"""Whatever fails and whenever it is interrupted: nothing is lost, done twice in effect, or out of its order."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from gateway.domain.problems import OutcomeUnknown, Postponed, Unavailable, UnclearAnswer
from gateway.ports.shared_store import Store
from gateway.services.outbox import HandlerResult
from gateway.store.engine import open_store
from gateway.store.requests import outbox, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.unit.services.outbox.support import LIBRARY, OPTIONS, House, a_row

LANES = 4
WORDS = '{"kind":"message"}'
"""A row that leaves its lane when it fails."""

LONG = replace(OPTIONS, max_tries=1000, first_seconds=1, longest_seconds=5, breaker_seconds=3)


@dataclass
class Partner:
    """Knows a message again by its id. Fails before or after it has taken one, as `chance` will."""

    chance: random.Random
    reliable: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    taken: list[str] = field(default_factory=list)

    async def __call__(self, row: OutboxRow) -> HandlerResult:
        self.calls[row.id] += 1
        await self.pause()
        if self.fails():
            raise self.chance.choice((Unavailable("connection refused"), Postponed("HTTP 503")))
        if row.id not in self.taken:
            self.taken.append(row.id)
        await self.pause()
        if self.fails():
            raise self.chance.choice((OutcomeUnknown("no answer"), UnclearAnswer("HTTP 500")))
        follows = a_row(kind="follows", target=row.id)
        return HandlerResult(then=lambda connection: outbox.add_outbox_row(connection, follows))

    def fails(self) -> bool:
        return not self.reliable and self.chance.random() < 0.3

    async def pause(self) -> None:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)


def follows(connection: Connection) -> list[str]:
    """For which rows the database work that belongs to their end was done."""
    return [
        row.target
        for row in outbox_queries.list_oldest_by_status(connection, LIBRARY, OutboxStatus.WAITING, 1000).rows
        if row.kind == "follows"
    ]


async def live(store: Store, seed: int) -> None:
    """A worker that is started, cancelled at any moment and started again, with a partner that fails now and then."""
    chance = random.Random(seed)
    house, partner = House(store), Partner(chance)
    rows = [a_row(f"partner-{n % 3}", lane=f"lane-{n % LANES}") for n in range(24)]
    words = {row.id for row in rows[1::5]}
    rows = [replace(row, payload=WORDS) if row.id in words else row for row in rows]
    to_come = list(rows)
    for start in range(6):
        worker = house.worker(partner, LONG, node=f"here/{start}")
        running = asyncio.create_task(worker.run())
        for _ in range(chance.randrange(1, 5)):
            count = chance.randrange(4)
            new, to_come = to_come[:count], to_come[count:]
            await house.add(*new)
            worker.wake()
            await asyncio.sleep(chance.random() * 0.01)
            house.later(chance.randrange(6))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await store.write(lambda c, node=f"here/{start}": outbox.expire_node_leases(c, node, house.clock.now()))
    await house.add(*to_come)
    partner.reliable = True
    worker = house.worker(partner, LONG, node="here/last")
    for _ in range(100):
        await worker.drain()
        house.later(5)

    ended = [await house.row(row) for row in rows]
    assert {row.status for row in ended} == {OutboxStatus.DONE}
    assert sorted(partner.taken) == sorted(row.id for row in rows)
    for lane in range(LANES):
        of_lane = [row.id for row in rows[lane::LANES] if row.id not in words]
        assert [one for one in partner.taken if one in of_lane] == of_lane
    assert sorted(await store.read(follows)) == sorted(row.id for row in rows)


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_with_any_failures_and_interruptions(migrated_database: Path, seed: int) -> None:
    async def with_a_store() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(f"sqlite:///{shutil.copy(migrated_database, folder)}")
            try:
                await live(store, seed)
            finally:
                await store.close()

    asyncio.run(with_a_store())


@pytest.mark.parametrize("seed", [1, 2])
async def test_on_both_databases(store: Store, seed: int) -> None:
    await live(store, seed)


@pytest.mark.postgresql
async def test_several_nodes_share_the_work_and_keep_the_order(copied_postgresql_url: str) -> None:
    stores = [open_store(copied_postgresql_url) for _ in range(3)]
    rows = [a_row(f"partner-{n % 5}", lane=f"lane-{n % 6}") for n in range(60)]
    await House(stores[0]).add(*rows)
    by: Counter[int] = Counter()
    calls: list[str] = []
    all_are_at_work = asyncio.Event()

    def handler_of(node: int):  # type: ignore[no-untyped-def]
        async def handler(row: OutboxRow) -> HandlerResult:
            by[node] += 1
            calls.append(row.id)
            if len(by) == len(stores):
                all_are_at_work.set()
            await all_are_at_work.wait()
            await asyncio.sleep(0.005)
            return HandlerResult()

        return handler

    # Two of the six lanes each: while the first node has its two in hand, the others find theirs.
    options = replace(OPTIONS, concurrency=2, handler_seconds=30)
    workers = [House(store).worker(handler_of(n), options, f"node-{n}/1") for n, store in enumerate(stores)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(30):
        while await stores[0].read(outbox_queries.count_unfinished_rows):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
    for worker in workers:
        await worker.stop(5)
    await asyncio.gather(*running)

    assert sorted(calls) == sorted(row.id for row in rows), "each row once"
    for lane in range(6):
        of_lane = [row.id for row in rows[lane::6]]
        assert [one for one in calls if one in of_lane] == of_lane
    for store in stores:
        await store.close()

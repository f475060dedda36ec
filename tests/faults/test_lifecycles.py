"""kill -9 again and again while two libraries lend to each other, with their systems, the wire between them and the
mail server failing at random: when it is quiet again, nothing is lost and nothing was done twice.

On PostgreSQL there are few lifecycles by default. ILLGATE_LIFECYCLES=300 is the whole town, on both databases;
ILLGATE_SEED repeats what was drawn, though not when it happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.domain.requests.events import EventKind
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.postgresql import UNPREPARED
from tests.faults.lifecycles import checks, evidence, kills
from tests.faults.lifecycles.mailbox import open_mailbox
from tests.faults.lifecycles.place import allow_lifecycles, make_town, stock
from tests.faults.lifecycles.several import TAKEN_SECONDS, TownNodes, are_taken, count_in_hand
from tests.support.databases import make_newer_history
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import find_tracebacks
from tests.support.pgbouncer import pooled


@dataclass(frozen=True)
class Run:
    lifecycles: int
    kills: int

    @property
    def seconds(self) -> float:
        """Longest time from a start to its kill: the more there is to be done, the longer."""
        return 0.6 * self.lifecycles / self.kills


SHORT = {"sqlite": Run(30, 4), "postgresql": Run(10, 3)}
IN_ANY_TOWN = {
    EventKind.CHECKED_IN, EventKind.LOANED_TO_PATRON, EventKind.RECEIVED, EventKind.RETURNED, EventKind.SHIPPED,
}  # fmt: skip
"""On the way of every loan to its end: else a town with that many lifecycles was asleep."""

AWAKE = 30

WIDE_AWAKE = 60
"""With so many lifecycles other ends happen, too."""

IN_A_LARGE_TOWN = {EventKind.COPY_DELIVERED, EventKind.UNFILLED}

BY_CHANCE = {
    EventKind.CANCEL,
    EventKind.RENEW,
    EventKind.RECALL,
    EventKind.LOST,
    EventKind.CONDITIONAL,
    EventKind.MESSAGE,
}
"""Staff do these when they are in the mood. On a slow machine they do less before they are killed, so that one or
the other may not be among them, but never none."""

MAIL_TROUBLE = 0.08

log = logging.getLogger(__name__)


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("ILLGATE_SEED") or random.SystemRandom().randrange(1_000_000))
    log.warning("ILLGATE_SEED=%d", seed)
    return random.Random(seed)


@pytest.fixture
def run(store: Store) -> Run:
    if named := os.environ.get("ILLGATE_LIFECYCLES"):
        return Run(int(named), max(8, int(named) // 12))
    return SHORT[store.url.get_backend_name()]


@pytest.mark.parametrize(
    "store_url",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.long])],
    indirect=True,
)
async def test_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path, store_url: str, store: Store, run: Run, chance: random.Random
) -> None:
    async with open_mailbox(chance, MAIL_TROUBLE) as box:
        config = await asyncio.to_thread(make_town, tmp_path / "town", box.port, store_url)
        await stock(config, run.lifecycles)
        hours, cut_short = 0.0, 0
        for number in range(1, run.kills + 1):
            allow_lifecycles(config, max(10, run.lifecycles * number // run.kills))
            hours += chance.choice([0, 1, 20, 70]) * chance.random()
            async with kills.process(config, tmp_path / "log", chance.randrange(1000), hours, "storm") as town:
                if chance.random() < 0.8:
                    await kills.at_work(config, town)
                await kills.after(chance, run.seconds)
                assert town.poll() is None, (tmp_path / "log").read_text()[-3000:]
                if number == run.kills:  # all kills may have come before the town was at work
                    await kills.stop_in_hand(town, store)
            cut_short += await evidence.in_hand(store)
        box.trouble = 0.0
        await bring_to_an_end(config, tmp_path / "log", hours, run)
    found = await evidence.read(store)
    log.warning(
        "%d kills cut %d tries short; %d requests, %d events, %d outbox rows, %d mails (%d of them hidden)",
        run.kills,
        cut_short,
        len(found.requests),
        sum(map(len, found.history.values())),
        len(found.rows),
        len(box.mails),
        box.hidden,
    )
    if problems := checks.problems(found, box.mails, run.lifecycles):
        pytest.fail("\n".join(problems))
    assert cut_short > 0, "no kill came in the middle of anything"
    happened = {event.event.kind for rows in found.history.values() for event in rows}
    if run.lifecycles >= AWAKE:
        assert happened >= IN_ANY_TOWN
    if run.lifecycles >= WIDE_AWAKE:
        assert happened >= IN_A_LARGE_TOWN
        assert happened & BY_CHANCE
    assert find_tracebacks(tmp_path / "log") == []


async def read_end(log_file: Path) -> str:
    return (await asyncio.to_thread(log_file.read_text))[-3000:]


async def bring_to_an_end(config: Path, log_file: Path, hours: float, run: Run, newer: str = "") -> None:
    allow_lifecycles(config, run.lifecycles)
    async with kills.process(config, log_file, 1, hours + 1, "calm", 0, 1, 0, newer, 1) as town:
        assert await asyncio.to_thread(town.wait) == 0, await read_end(log_file)


EQUAL, SKEWED = (0, 0), (0, 7, -7)
"""Seconds by which the machines of two and of three nodes are off; the three reach the database by PgBouncer."""

HANDFUL, PACE = 4, 3

PIECES = [(seed, SKEWED if seed % 2 else EQUAL) for seed in range(1, 11)]
"""Of fifty lifecycles each."""


@pytest.mark.postgresql
async def test_a_handful_goes_on_where_one_of_two_nodes_is_killed(tmp_path: Path, fresh_postgresql_url: str) -> None:
    """As the five hundred below, at a pace that takes seconds; behind PgBouncer, with clocks that differ."""
    log_file = tmp_path / "log"
    async with open_mailbox(random.Random(1), 0) as box, contextlib.AsyncExitStack() as stack:
        served_url = f"{stack.enter_context(pooled(fresh_postgresql_url, size=8))}?{UNPREPARED}"
        store = open_store(fresh_postgresql_url)
        stack.push_async_callback(store.close)
        config = await asyncio.to_thread(make_town, tmp_path / "town", box.port, served_url)
        await stock(config, HANDFUL)
        allow_lifecycles(config, HANDFUL)

        async def fork(weather: str, *which: int) -> ForkedProcess:
            arguments = (1, 0, weather, *which, "", PACE)
            return await stack.enter_async_context(kills.process(config, log_file, *arguments))

        first, second = await fork("storm", 0, 2, 7), await fork("storm", 1, 2, -7)
        dead, living = [await kills.at_work(config, one) for one in (first, second)]
        await kills.wait_until(lambda: count_in_hand(store, [dead]), 30)
        await kills.kill(first)
        await kills.wait_until(lambda: are_taken(store, [dead]), TAKEN_SECONDS)
        assert second.poll() is None
        assert living in await list_nodes(store)
        await kills.kill(second)
        assert await asyncio.to_thread((await fork("calm", 0, 1, 0)).wait) == 0, await read_end(log_file)
        found = await evidence.read(store)
    if problems := checks.problems(found, box.mails, HANDFUL):
        pytest.fail("\n".join(problems))
    assert find_tracebacks(log_file) == []


async def list_nodes(store: Store) -> Sequence[str]:
    return await store.read(lambda c: c.execute(text("SELECT id FROM node")).scalars().all())


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize(("seed", "skews"), PIECES)
async def test_nodes_are_killed_while_others_work_and_a_later_release_comes(
    tmp_path: Path, fresh_postgresql_url: str, seed: int, skews: Sequence[float]
) -> None:
    """One after the other, at any moment, now and then all at once; what one had in hand another brings to its end."""
    chance = random.Random(int(os.environ.get("ILLGATE_SEED") or seed))
    lifecycles = int(os.environ.get("ILLGATE_LIFECYCLES", "50"))
    run = Run(lifecycles, max(4, lifecycles // 8))
    url, log_file = fresh_postgresql_url, tmp_path / "log"
    later = make_newer_history(tmp_path / "later")
    async with open_mailbox(chance, MAIL_TROUBLE) as box, contextlib.AsyncExitStack() as stack:
        served_url = url
        if skews == SKEWED:
            served_url = f"{stack.enter_context(pooled(url, size=8))}?{UNPREPARED}"
        store = open_store(url)
        stack.push_async_callback(store.close)
        config = await asyncio.to_thread(make_town, tmp_path / "town", box.port, served_url)
        await stock(config, run.lifecycles)
        hours = chance.choice([0, 1, 20]) * chance.random()
        nodes = TownNodes(stack, config, log_file, chance, store, hours, skews, later.folder)
        await nodes.live_through_kills(run.kills, run.lifecycles)
        box.trouble = 0.0
        await bring_to_an_end(config, log_file, hours, run, str(later.folder))
        found = await evidence.read(store)
    if problems := checks.problems(found, box.mails, run.lifecycles):
        pytest.fail("\n".join(problems))
    assert nodes.cut_short > 0, "no kill came in the middle of anything"
    assert find_tracebacks(log_file) == []

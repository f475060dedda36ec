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
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.postgresql import UNPREPARED
from tests.faults.lifecycles import checks, evidence, kills
from tests.faults.lifecycles.mailbox import open_mailbox
from tests.faults.lifecycles.place import make_town, stock
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
            upto = max(10, run.lifecycles * number // run.kills)
            hours += chance.choice([0, 1, 20, 70]) * chance.random()
            async with kills.process(config, tmp_path / "log", chance.randrange(1000), hours, upto, "storm") as town:
                if chance.random() < 0.8:
                    await kills.at_work(town)
                await kills.after(chance, run.seconds)
                assert town.returncode is None, (tmp_path / "log").read_text()[-3000:]
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


async def bring_to_an_end(config: Path, log_file: Path, hours: float, run: Run) -> None:
    async with kills.process(config, log_file, 1, hours + 1, run.lifecycles, "calm") as town:
        await kills.at_work(town)
        assert await town.wait() == 0, await read_end(log_file)


@pytest.mark.long
@pytest.mark.postgresql
async def test_two_nodes_are_killed_while_both_work(
    tmp_path: Path, fresh_postgresql_url: str, chance: random.Random
) -> None:
    await kill_nodes_again_and_again(2, tmp_path, fresh_postgresql_url, fresh_postgresql_url, chance)


@pytest.mark.long
@pytest.mark.postgresql
async def test_three_nodes_with_other_clocks_are_killed_behind_pgbouncer(
    tmp_path: Path, fresh_postgresql_url: str, chance: random.Random
) -> None:
    with pooled(fresh_postgresql_url, size=8) as url:
        await kill_nodes_again_and_again(3, tmp_path, f"{url}?{UNPREPARED}", fresh_postgresql_url, chance)


async def kill_nodes_again_and_again(
    nodes: int, tmp_path: Path, served_url: str, url: str, chance: random.Random
) -> None:
    """With equal settings and clocks that differ, one after the other, at any moment, now and then all at once; what
    one had in hand another brings to its end. `served_url`: by which they reach the database."""
    lifecycles = int(os.environ.get("ILLGATE_LIFECYCLES", "16"))
    run = Run(lifecycles, max(3, lifecycles // 20))
    log_file = tmp_path / "log"
    store = open_store(url)
    async with open_mailbox(chance, MAIL_TROUBLE) as box, contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        config = await asyncio.to_thread(make_town, tmp_path / "town", box.port, served_url)
        await stock(config, run.lifecycles)
        hours, cut_short = 0.0, 0
        for number in range(1, run.kills + 1):
            hours += chance.choice([0, 1, 20]) * chance.random()
            upto = max(10, run.lifecycles * number // run.kills)
            cut_short += await kill_all_nodes(nodes, config, log_file, chance, hours, upto, store)
        box.trouble = 0.0
        await bring_to_an_end(config, log_file, hours, run)
        found = await evidence.read(store)
    log.warning("%d rounds of kills cut %d tries short; %d requests", run.kills, cut_short, len(found.requests))
    if problems := checks.problems(found, box.mails, run.lifecycles):
        pytest.fail("\n".join(problems))
    assert cut_short > 0, "no kill came in the middle of anything"
    assert find_tracebacks(log_file) == []


async def kill_all_nodes(
    nodes: int, config: Path, log_file: Path, chance: random.Random, hours: float, upto: int, store: Store
) -> int:
    """How many tries the kills cut short."""
    async with contextlib.AsyncExitStack() as stack:
        towns = [
            await stack.enter_async_context(
                kills.process(config, log_file, chance.randrange(1000), hours, upto, "storm", node, nodes)
            )
            for node in range(nodes)
        ]
        await asyncio.gather(*map(kills.at_work, towns))
        await kills.after(chance, 3.0)
        for town in towns:
            assert town.returncode is None, await read_end(log_file)
            town.kill()
            await town.wait()
            if chance.random() < 0.7:
                await kills.after(chance, 1.5)  # the others go on alone
        return await evidence.in_hand(store)

"""kill -9 again and again while two libraries lend to each other, with their systems, the wire between them and the
mail server failing at random: when it is quiet again, nothing is lost and nothing was done twice.

On PostgreSQL there are few lifecycles by default. ILLGATE_LIFECYCLES=300 is the whole town, on both databases;
ILLGATE_SEED repeats what was drawn, though not when it happened.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind
from gateway.ports.shared_store import Store
from tests.faults.lifecycles import checks, evidence, kills
from tests.faults.lifecycles.mailbox import open_mailbox
from tests.faults.lifecycles.place import make_town, stock


@dataclass(frozen=True)
class Run:
    lifecycles: int
    kills: int

    @property
    def seconds(self) -> float:
        """Longest time from a start to its kill: the more there is to be done, the longer."""
        return 0.6 * self.lifecycles / self.kills


SHORT = {"sqlite": Run(60, 8), "postgresql": Run(10, 3)}
WIDE_AWAKE = 60
"""With so many lifecycles everything happens."""

MUST_HAPPEN = {
    EventKind.CHECKED_IN, EventKind.COPY_DELIVERED, EventKind.LOANED_TO_PATRON, EventKind.RECEIVED, EventKind.RETURNED,
    EventKind.SHIPPED, EventKind.UNFILLED,
}  # fmt: skip
"""On the way of every request to its end: else a town with that many was asleep."""

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
            cut_short += await evidence.in_hand(store)
        box.trouble = 0.0
        async with kills.process(config, tmp_path / "log", 1, hours + 1, run.lifecycles, "calm") as town:
            await kills.at_work(town)
            assert await town.wait() == 0, (tmp_path / "log").read_text()[-3000:]
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
    if run.lifecycles >= WIDE_AWAKE:
        happened = {event.event.kind for rows in found.history.values() for event in rows}
        assert happened >= MUST_HAPPEN
        assert happened & BY_CHANCE
    assert "Traceback" not in (tmp_path / "log").read_text()

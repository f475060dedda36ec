"""kill -9 again and again while two libraries lend to each other, with their systems, the wire between them and the
mail server failing at random: when it is quiet again, nothing is lost and nothing was done twice.

ILLGATE_LIFECYCLES=300 is the whole town; ILLGATE_SEED repeats what was drawn, though not when it happened.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from pathlib import Path

import pytest

from gateway.domain.requests.events import Kind
from tests.faults.lifecycles import checks, evidence, kills
from tests.faults.lifecycles.mailbox import open_mailbox
from tests.faults.lifecycles.place import make_town, stock
from tests.support.looking import Database

COUNT = int(os.environ.get("ILLGATE_LIFECYCLES") or 60)
KILLS = max(8, COUNT // 12)
SECONDS = 0.6 * COUNT / KILLS
"""Longest time from a start to its kill: the more there is to be done, the longer."""

MUST_HAPPEN = {
    Kind.CANCEL, Kind.CHECKED_IN, Kind.COPY_DELIVERED, Kind.LOANED_TO_PATRON, Kind.RECEIVED, Kind.RENEW, Kind.RETURNED,
    Kind.SHIPPED, Kind.UNFILLED,
}  # fmt: skip
"""Else the town was asleep."""

MAIL_TROUBLE = 0.08

log = logging.getLogger(__name__)


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("ILLGATE_SEED") or random.SystemRandom().randrange(1_000_000))
    log.warning("ILLGATE_SEED=%d", seed)
    return random.Random(seed)


async def test_nothing_is_lost_and_nothing_done_twice(tmp_path: Path, chance: random.Random) -> None:
    async with open_mailbox(chance, MAIL_TROUBLE) as box:
        config = await asyncio.to_thread(make_town, tmp_path, box.port)
        await stock(config, COUNT)
        database = tmp_path / "data" / "illgate.db"
        hours, cut_short = 0.0, 0
        for number in range(1, KILLS + 1):
            upto = max(10, COUNT * number // KILLS)
            hours += chance.choice([0, 1, 20, 70]) * chance.random()
            async with kills.process(config, tmp_path / "log", chance.randrange(1000), hours, upto, "storm") as town:
                if chance.random() < 0.8:
                    await kills.at_work(town)
                await kills.after(chance, SECONDS)
                assert town.returncode is None, (tmp_path / "log").read_text()[-3000:]
            cut_short += Database(database).value("SELECT count(*) FROM outbox WHERE status = 'in-hand'")
        box.trouble = 0.0
        async with kills.process(config, tmp_path / "log", 1, hours + 1, COUNT, "calm") as town:
            await kills.at_work(town)
            assert await town.wait() == 0, (tmp_path / "log").read_text()[-3000:]
    found = evidence.read(database)
    log.warning(
        "%d kills cut %d tries short; %d requests, %d events, %d outbox rows, %d mails (%d of them hidden)",
        KILLS,
        cut_short,
        len(found.requests),
        sum(map(len, found.history.values())),
        len(found.rows),
        len(box.mails),
        box.hidden,
    )
    if problems := checks.problems(found, box.mails, COUNT):
        pytest.fail("\n".join(problems))
    assert cut_short > 0, "no kill came in the middle of anything"
    assert {event.event.kind for rows in found.history.values() for event in rows} >= MUST_HAPPEN
    assert "Traceback" not in (tmp_path / "log").read_text()

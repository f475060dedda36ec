"""Signs of life go on while the database is away; a clock that is off is told of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from structlog.testing import capture_logs

from gateway.domain.clock import FixedClock, StoreClock
from gateway.domain.problems import Unavailable
from gateway.services.operation import nodes as module
from gateway.services.operation.nodes import NodeBeats
from gateway.store.nodes import Node

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Away:
    """A node whose database is away for all signs of life but every fourth."""

    beats: int = 0
    is_among_others: bool = True

    async def tell_alive(self) -> None:
        self.beats += 1
        if self.beats % 4:
            raise Unavailable("the database is not available: 57P03")


def clock_off_by(seconds: float) -> StoreClock:
    clock = StoreClock(FixedClock(NOON))
    clock.offset = -timedelta(seconds=seconds)
    return clock


def beats_of(node: Away, clock: StoreClock) -> NodeBeats:
    return NodeBeats(cast(Node, node), clock)


async def test_they_go_on_at_the_same_pace_and_each_outage_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)
    node = Away()
    with capture_logs() as logs:
        running = asyncio.create_task(beats_of(node, clock_off_by(0)).run())
        async with asyncio.timeout(20):
            while node.beats < 10:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert [entry["event"] for entry in logs[:3]] == ["node.not_seen"] * 3
    assert len(logs) <= node.beats // 4 + 1


async def test_where_there_are_no_others_there_are_none() -> None:
    async with asyncio.timeout(1):
        await beats_of(Away(is_among_others=False), clock_off_by(0)).run()


@pytest.mark.parametrize(
    ("off", "notes"),
    [
        (0.0, ()),
        (2.0, ()),
        (-2.0, ()),
        (2.1, ("this machine's clock is 2.1 s ahead of the database's, which counts",)),
        (-7.04, ("this machine's clock is 7.0 s behind the database's, which counts",)),
    ],
)
def test_more_than_two_seconds_are_told_with_the_figure(off: float, notes: tuple[str, ...]) -> None:
    assert beats_of(Away(), clock_off_by(off)).describe_skew() == notes


def test_each_change_is_logged_once() -> None:
    clock = clock_off_by(7)
    beats = beats_of(Away(), clock)
    with capture_logs() as logs:
        for offset in (7, 8, 0, 0, -3):
            clock.offset = timedelta(seconds=offset)
            beats.log_skew()

    assert [entry["event"] for entry in logs] == ["node.clock_differs", "node.clock_agrees", "node.clock_differs"]


def test_a_clock_of_ones_own_is_never_off() -> None:
    assert NodeBeats(cast(Node, Away()), FixedClock(NOON)).describe_skew() == ()

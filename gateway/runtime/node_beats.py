"""The signs of life that a node gives, and what they tell of its clock."""

from __future__ import annotations

import asyncio

import structlog

from gateway.domain.clock import Clock, StoreClock
from gateway.domain.problems import Unavailable
from gateway.store.nodes import BEAT_SECONDS, Node

log = structlog.get_logger(component="nodes")

MAX_SKEW_SECONDS = 2.0
"""A machine whose clock is off by more is told of."""


class NodeBeats:
    def __init__(self, node: Node, clock: Clock) -> None:
        self._node = node
        self._clock = clock
        self._is_away = False
        self._is_skewed = False

    async def run(self) -> None:
        """Until cancelled, at the same pace while the database is away: when it is back the others must soon know that
        this node lives."""
        while self._node.is_among_others:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._node.tell_alive()
            except Unavailable as away:
                if not self._is_away:
                    log.warning("node.not_seen", reason=str(away))
                self._is_away = True
            else:
                self._is_away = False
            self.log_skew()

    def log_skew(self) -> None:
        """Each change once."""
        if (notes := self.describe_skew()) and not self._is_skewed:
            log.warning("node.clock_differs", reason=notes[0])
        elif not notes and self._is_skewed:
            log.info("node.clock_agrees")
        self._is_skewed = bool(notes)

    def describe_skew(self) -> tuple[str, ...]:
        """What is wrong with the machine's clock, in a sentence: the gateway goes by the database's nevertheless."""
        if not isinstance(self._clock, StoreClock):
            return ()
        ahead = -self._clock.offset.total_seconds()
        if abs(ahead) <= MAX_SKEW_SECONDS:
            return ()
        way = "ahead of" if ahead > 0 else "behind"
        return (f"this machine's clock is {abs(ahead):.1f} s {way} the database's, which counts",)

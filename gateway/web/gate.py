"""How many messages are carried out at once; the others queue, and beyond the queue they are turned away."""

from __future__ import annotations

import asyncio
from collections import deque


class Busy(Exception):
    """No place became free in time."""


class Gate:
    """`places` messages at once, at most `queue` waiting, none longer than `seconds`; first come, first served."""

    def __init__(self, places: int, queue: int, seconds: float) -> None:
        self._free = places
        self._queue = queue
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_hand = 0
        self.turned_away = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def enter(self) -> None:
        """Take a place; whoever got one must `leave`. Raises Busy."""
        if self._free:
            self._free -= 1
            self.in_hand += 1
            return
        if len(self._waiting) >= self._queue:
            self.turned_away += 1
            raise Busy
        await self._wait(self._seconds)

    async def enter_patiently(self) -> None:
        """As `enter`, but waits as long as it takes: for callers whose number is limited already."""
        if self._free:
            self._free -= 1
            self.in_hand += 1
            return
        await self._wait(None)

    def leave(self) -> None:
        self.in_hand -= 1
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                self.in_hand += 1
                first.set_result(None)
                return
        self._free += 1

    async def _wait(self, seconds: float | None) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except TimeoutError:
            self._withdraw(place)
            self.turned_away += 1
            raise Busy from None
        except asyncio.CancelledError:
            self._withdraw(place)
            raise

    def _withdraw(self, place: asyncio.Future[None]) -> None:
        """Stop waiting; a place given in the same moment goes to the next."""
        if place.done() and not place.cancelled():
            self.leave()
        elif place in self._waiting:
            self._waiting.remove(place)

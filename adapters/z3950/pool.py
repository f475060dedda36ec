"""Connections that are kept between searches: so many to a place, each for so long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from adapters.z3950.transport import Connection, Place
from gateway.domain.problems import Refused, Unavailable


class Pool:
    """Of one place. `make` opens a connection and signs in; it raises Unavailable or Refused."""

    def __init__(self, place: Place, make: Callable[[], Awaitable[Connection]]) -> None:
        self._place = place
        self._make = make
        self._turns = asyncio.Semaphore(place.connections)
        self._kept: dict[Connection, asyncio.TimerHandle] = {}
        self._closed = False

    @asynccontextmanager
    async def lease(self, *, fresh: bool = False) -> AsyncIterator[Connection]:
        """A connection for one conversation. It is kept afterwards if the conversation came to its end: with an answer
        or with the target's no. `fresh`: a new one, and those that were kept are ended: they are hardly any better.

        Raises Unavailable when none is free in time, and what `make` does.
        """
        await self._turn()
        try:
            if fresh:
                self._leave_all()
            connection = self._take() or await self._make()
            try:
                yield connection
            except Refused:
                self._keep(connection)
                raise
            except BaseException:  # a cancelled search too: what is still to come would be taken for the next answer
                connection.drop()
                raise
            self._keep(connection)
        finally:
            self._turns.release()

    def close(self) -> None:
        self._closed = True
        self._leave_all()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._place.seconds.answer):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable(f"{self._place}: all {self._place.connections} connections are busy") from None

    def _take(self) -> Connection | None:
        """The one that was used last; those that are over are dropped."""
        while self._kept:
            connection, timer = self._kept.popitem()
            timer.cancel()
            if not connection.is_over:
                return connection
            connection.drop()
        return None

    def _keep(self, connection: Connection) -> None:
        if self._closed or not self._place.seconds.idle or connection.is_over:
            connection.leave()
            return
        connection.was_kept = True
        loop = asyncio.get_running_loop()
        self._kept[connection] = loop.call_later(self._place.seconds.idle, self._leave, connection)

    def _leave_all(self) -> None:
        for connection in tuple(self._kept):
            self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        timer = self._kept.pop(connection, None)
        if timer is not None:
            timer.cancel()
            connection.leave()

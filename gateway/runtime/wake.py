"""Wakes those who wait for work: in this process at once, on other nodes by PostgreSQL's LISTEN and NOTIFY.

It only makes things quicker. Whoever waits looks for work by itself too, every few seconds, so nothing is lost where
a notification is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.engine import URL

from gateway.domain.problems import Unavailable
from gateway.store.engine import Store
from gateway.store.session import Session

wake_logger = structlog.get_logger(component="wake")

CHANNEL = "illgate_work"
PING_SECONDS = 30.0
"""A connection that says nothing for so long is asked whether it is still there."""

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0


class Wake:
    """`node` tells this process's own notifications from those of others."""

    def __init__(self, store: Store, node: str) -> None:
        self._url = store.url
        self._node = node
        self._joined: list[Callable[[], None]] = []
        self._to_tell = asyncio.Event()
        self.listening = asyncio.Event()
        """Set while other nodes can be heard."""
        self._worked = False
        """Whether the last connection was there for a while."""

    def join(self, wake: Callable[[], None]) -> None:
        """`wake` is called, in the event loop, whenever there may be something to do. It must not wait."""
        self._joined.append(wake)

    def nudge(self) -> None:
        """There may be something to do: tells all here now, other nodes soon. Never waits."""
        self._wake_all()
        self._to_tell.set()

    async def run(self) -> None:
        """Hears and tells other nodes until cancelled. Where there are none (SQLite) it returns at once."""
        if self._url.get_backend_name() == "sqlite":
            return
        pause = MIN_RETRY_SECONDS
        while True:
            try:
                await self._with_session(self._url)
            except Unavailable as lost:
                if self._worked:
                    pause = MIN_RETRY_SECONDS
                wake_logger.warning("wake.lost", reason=str(lost), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_SECONDS)

    async def _with_session(self, url: URL) -> None:
        self._worked = False
        session = await Session.open(url)
        try:
            session.when_lost(self._to_tell.set)  # so that the loss is found at the next question, not at a ping
            await session.listen(CHANNEL, self._heard)
            self.listening.set()
            self._worked = True
            self._wake_all()  # for what was said before we listened
            while True:
                await self._tell(session)
        finally:
            self.listening.clear()
            await session.close()

    async def _tell(self, session: Session) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._to_tell.wait()
        except TimeoutError:
            await session.ask("SELECT 1")
            return
        self._to_tell.clear()  # before it is told: what is new from here on is told anew
        await session.ask("SELECT pg_notify($1, $2)", CHANNEL, self._node)

    def _heard(self, node: str) -> None:
        if node != self._node:
            self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._joined:
            wake()

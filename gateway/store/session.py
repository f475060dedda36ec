"""A PostgreSQL connection of one's own, for what lasts as long as a session: an advisory lock, LISTEN.

Opened as the store opens its own, so that the same URL reaches the same server in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import URL

from gateway.domain.problems import Unavailable

SESSION_CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
"""Longest wait for an answer to one statement."""

CLOSE_SECONDS = 2.0

OF_SQLALCHEMY = frozenset({"prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback"})
"""Keys of a URL that are not for the driver."""

Heard = Callable[[str], None]
"""Takes the payload of a notification."""


class Session:
    """`ask` one at a time. After Unavailable it is of no use any more: close it and open another."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    @classmethod
    async def open(cls, url: URL) -> Session:
        """Raises Unavailable."""
        import asyncpg

        dialect = url.set(drivername="postgresql+asyncpg").get_dialect()()
        _, wanted = dialect.create_connect_args(url)
        wanted = {key: value for key, value in wanted.items() if key not in OF_SQLALCHEMY}
        try:
            return cls(await asyncpg.connect(**wanted, timeout=SESSION_CONNECT_SECONDS))
        except _lost() as error:
            raise Unavailable("the database can't be reached") from error

    async def ask(self, statement: str, *values: object) -> Any:
        """The first value that the statement gives. Raises Unavailable when the connection is lost."""
        answer = asyncio.ensure_future(self._driver.fetchval(statement, *values, timeout=ANSWER_SECONDS))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # A driver that is interrupted within a statement opens a second connection to say so.
            await asyncio.wait([answer], timeout=ANSWER_SECONDS)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, or asyncio complains of it
            raise
        except _lost() as error:
            raise Unavailable("the connection to the database is lost") from error

    async def listen(self, channel: str, heard: Heard) -> None:
        """`heard` is called in the event loop for each notification. Raises Unavailable."""

        def passed_on(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            heard(str(payload))

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._driver.add_listener(channel, passed_on)
        except _lost() as error:
            raise Unavailable("the connection to the database is lost") from error

    def when_lost(self, tell: Callable[[], None]) -> None:
        """`tell` is called once, in the event loop, when the connection ends."""
        self._driver.add_termination_listener(lambda _connection: tell())

    async def close(self) -> None:
        """Ends the session, and with it its locks and listeners."""
        try:
            await self._driver.close(timeout=CLOSE_SECONDS)
        except _lost():
            # It is lost already, or does not answer: then it ends without a word.
            self._driver.terminate()


def _lost() -> tuple[type[Exception], ...]:
    """What says that the connection is of no use any more. The driver is imported where PostgreSQL is used only."""
    import asyncpg

    return (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # the server ended the session while a statement was on its way
    )

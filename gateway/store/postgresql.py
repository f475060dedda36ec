"""The store on PostgreSQL, for several nodes: the same work functions on asyncpg through SQLAlchemy's bridge.

Needs the extra `postgresql`.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.domain.problems import Unavailable
from gateway.store.engine import Work

T = TypeVar("T")

ATTEMPTS = 5
"""How often a transaction is tried that PostgreSQL ended for a deadlock or serialisation conflict."""

CONFLICTS = {"40001", "40P01"}

TROUBLE = ("08", "53", "57P", "58", "25006")
"""Beginnings of SQLSTATEs that speak of the server, not of the statement: connection, disk or memory full,
shutting down or starting, system error, and a replica that can't be written to."""

CONNECT_SECONDS = 10


class PostgresqlStore:
    def __init__(self, url: URL, pool_size: int = 10) -> None:
        self.url = url
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text must not name patrons
            connect_args={"timeout": CONNECT_SECONDS},
        )
        self._closed = False
        self._in_hand = 0
        self._idle = asyncio.Event()

    async def read(self, work: Work[T]) -> T:
        return await self._run(work)

    async def write(self, work: Work[T]) -> T:
        return await self._run(work)

    async def close(self) -> None:
        self._closed = True
        if self._in_hand:
            await self._idle.wait()
        await self._engine.dispose()

    async def _run(self, work: Work[T]) -> T:
        if self._closed:
            raise RuntimeError("the store is closed")
        self._in_hand += 1
        try:
            return await self._with_attempts(work)
        except (OSError, PoolTimeout) as error:
            raise Unavailable("the database can't be reached") from error
        except DBAPIError as error:
            if error.connection_invalidated or _state(error).startswith(TROUBLE):
                raise Unavailable(f"the database can't be used now: {_state(error) or 'connection lost'}") from error
            raise
        finally:
            self._in_hand -= 1
            if self._closed and not self._in_hand:
                self._idle.set()

    async def _with_attempts(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._attempt(work)
            except DBAPIError as error:
                if _state(error) not in CONFLICTS:
                    raise
                await asyncio.sleep(0.01 * attempt)
        return await self._attempt(work)

    async def _attempt(self, work: Work[T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""

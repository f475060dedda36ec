"""One node at a time, however many there are: a PostgreSQL advisory lock; on SQLite there is only one node.

The lock belongs to a session of its own, so it is free as soon as the node that had it is gone. Between the look
and the work it may still be lost, so two nodes can do the same work for a moment: it must bear that.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from sqlalchemy.engine import URL

from gateway.domain.problems import Unavailable
from gateway.store.engine import Store
from gateway.store.locks import key_of
from gateway.store.session import Session


class Leader(Protocol):
    async def leads(self) -> bool:
        """True when this node has the place; takes it if it is free. Ask before each piece of work. Raises
        Unavailable when the database can't be reached; the place is lost then."""
        ...

    async def close(self) -> None:
        """Give the place up."""
        ...


def leader(store: Store, task: str) -> Leader:
    """For the work called `task`, such as 'timers'."""
    return Alone() if store.url.get_backend_name() == "sqlite" else AdvisoryLock(store.url, task)


def place_of(store: Store, node: str) -> Leader:
    """Taken by the node with this name as long as it lives: another that can take it knows that the node is gone."""
    return leader(store, f"node {node}")


class Alone:
    """There is no other node."""

    async def leads(self) -> bool:
        return True

    async def close(self) -> None:
        return None


class AdvisoryLock:
    def __init__(self, url: URL, task: str) -> None:
        self._url = url
        self._key = key_of(task)
        self._session: Session | None = None
        self._held = False
        self._one = asyncio.Lock()
        """A connection answers one question at a time."""

    async def leads(self) -> bool:
        async with self._one:
            try:
                return await self._ask()
            except BaseException:
                # After a failure, and when cancelled half-way, nobody knows what the session holds.
                await self._leave()
                raise

    async def _ask(self) -> bool:
        if self._session is None:
            self._session = await Session.open(self._url)
        if self._held:
            if await self._session.ask("SELECT 1") != 1:
                raise Unavailable("the database gave no answer")
        else:
            self._held = bool(await self._session.ask("SELECT pg_try_advisory_lock($1::bigint)", self._key))
        return self._held

    async def close(self) -> None:
        async with self._one:
            await self._leave()

    async def _leave(self) -> None:
        session, self._session, self._held = self._session, None, False
        if session is not None:
            await session.close()

"""The store without its threads: work is done in the event loop, in the turn in which it would be handed to a thread.
So all that happens, and in which order, follows from the seed of a story alone."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, Engine

from gateway.store.engine import _TransactionWorker


class InlineWorker(_TransactionWorker):
    """Stands in for `gateway.store.engine._TransactionWorker`."""

    def __init__(self, engine: Engine, name: str, begin: str) -> None:
        self._engine = engine
        self._begin = begin
        self._gathered = {}
        self._closed = False
        self._connection: Connection | None = None

    def _hand_over_jobs(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = self._gathered.pop(loop, None)
        if jobs is None:
            return
        if self._connection is None:
            self._connection = self._engine.connect()
        self._commit_jobs(self._connection, jobs)

    async def close(self) -> None:
        self._hand_over_jobs(asyncio.get_running_loop())
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

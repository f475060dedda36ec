"""The outbox's rows as the worker sees them: what it takes, and what it writes down of each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.services.outbox.handled import Handled
from gateway.store.engine import Store, Work
from gateway.store.requests import claims, outbox
from gateway.store.requests.claims import Way
from gateway.store.requests.outbox import Row

T = TypeVar("T")

WRITE_SECONDS = 10.0
"""Longest wait of who is cancelled."""

DESK_GRACE = timedelta(seconds=30)
"""A row that its caller will run at once (`Worker.run_one`) is due this much later, so that no worker takes it first;
if the caller dies, a worker does it then."""


@frozen
class Book:
    """`lease` is longer than a try may take by more than DESK_GRACE. All methods raise Unavailable when the store
    can't be used; those about a row in hand raise LeaseLost when it isn't any more."""

    store: Store
    node: str
    kinds: tuple[str, ...]
    lease: timedelta

    async def claim(self, now: datetime, limit: int, besides: Collection[Way]) -> tuple[Row, ...]:
        return await self._write(
            lambda c: claims.claim_besides(c, now, limit, self.lease, self.node, self.kinds, besides)
        )

    async def claim_one(self, library: str, row_id: str, now: datetime) -> Row | None:
        """Also a row that is due within DESK_GRACE."""
        soon, lease = now + DESK_GRACE, self.lease - DESK_GRACE
        return await self._write(lambda c: outbox.claim_one(c, library, row_id, soon, lease, self.node))

    async def put_back(self, rows: Sequence[Row]) -> None:
        await self._write(lambda c: claims.put_back(c, rows))

    async def done(self, row: Row, handled: Handled, at: datetime) -> None:
        """Raises what `then` raises; nothing is kept then."""

        def both(connection: Connection) -> None:
            if handled.then is not None:  # first, since what changes a request locks it before the lane
                handled.then(connection)
            outbox.done(connection, row, handled.note, at)

        await self._write(both)

    async def again(self, row: Row, next_at: datetime, error: str) -> None:
        await self._write(lambda c: outbox.again(c, row, next_at, error))

    async def dead(self, row: Row, error: str, at: datetime) -> None:
        await self._write(lambda c: outbox.dead(c, row, error, at))

    async def refused(self, row: Row, error: str, at: datetime) -> None:
        await self._write(lambda c: outbox.refused(c, row, error, at))

    async def recover(self, now: datetime, besides: Collection[str]) -> int:
        """Rows left in hand by earlier starts of this node; `besides` are really in hand."""
        place = self.node.partition("/")[0] + "/"
        return await self._write(lambda c: claims.recover(c, place, now, besides))

    async def _write(self, work: Work[T]) -> T:
        """Who is cancelled meanwhile leaves when it is written, as a transaction that is broken off helps nobody."""
        writing = asyncio.ensure_future(self.store.write(work))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing], timeout=WRITE_SECONDS)
            if not writing.cancel() and not writing.cancelled():
                writing.exception()  # looked at, or asyncio complains of it
            raise

    async def get(self, library: str, row_id: str) -> Row:
        """Raises KeyError."""
        row = await self.store.read(lambda c: outbox.get(c, library, row_id))
        if row is None:
            raise KeyError(row_id)
        return row

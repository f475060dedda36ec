"""One change of a record at a time, in one process: what was asked before a change is still true when it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class RecordLocks:
    """A lock for each name, as long as somebody holds it or waits for it. Nodes don't see each other's locks: a change
    that two of them send is told apart by the system, or by `LibraryChanges`."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def lock_record(self, name: str) -> AsyncIterator[None]:
        """`name`: a barcode or another number of the record."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield

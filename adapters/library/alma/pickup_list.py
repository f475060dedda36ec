"""Alma's libraries, kept for some time: where patrons collect, and which codes there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from adapters.library.alma.client import AlmaClient
from adapters.library.alma.records import RecordReader, Row, read_text
from adapters.library.refusals import make_refusal
from gateway.domain.library import PickupLocation
from gateway.domain.problems import RefusalReason, Unavailable

KEPT_SECONDS = 3600.0


class PickupList:
    """Asked for once by all who wait, and again after an hour. `read_time`: seconds that only grow."""

    def __init__(self, client: AlmaClient, reader: RecordReader, read_time: Callable[[], float] = monotonic) -> None:
        self._client = client
        self._reader = reader
        self._read_time = read_time
        self._lock = asyncio.Lock()
        self._kept: tuple[float, tuple[Row, ...]] | None = None

    async def load_libraries(self) -> tuple[Row, ...]:
        """Raises Unavailable."""
        async with self._lock:
            if self._kept is not None and self._read_time() < self._kept[0]:
                return self._kept[1]
            answer = await self._client.get_row("conf", "libraries", title="/conf/libraries")
            rows = (answer or {}).get("library")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Unavailable("Alma: /conf/libraries: no list of libraries")
            self._kept = (self._read_time() + KEPT_SECONDS, tuple(rows))
            return self._kept[1]

    async def list_places(self) -> tuple[PickupLocation, ...]:
        """With that for partners' items, where nobody collects perhaps. Raises Unavailable."""
        options = self._reader.options
        wanted = {*options.pickup_libraries, options.library} if options.pickup_libraries else None
        rows = await self.load_libraries()
        return tuple(
            self._reader.read_pickup(row) for row in rows if wanted is None or read_text(row, "code") in wanted
        )

    async def choose(self, wanted: str) -> str:
        """Raises Refused(BAD_PICKUP_LOCATION), Unavailable."""
        code = wanted or self._reader.options.library
        if code not in {place.code for place in await self.list_places()}:
            raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION)
        return code

"""Alma's lists of codes, kept for some time: libraries (where patrons collect), locations, and code tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Never

from adapters.library.alma.client import AlmaClient
from adapters.library.alma.records import AlmaRecordReader, read_text
from adapters.library.json_fields import Row
from adapters.library.refusals import make_refusal
from gateway.domain.library import PickupLocation
from gateway.domain.problems import MessagePart, RefusalReason, Unavailable
from gateway.domain.sentences import write_about, write_sentence

KEPT_SECONDS = 3600.0
REFUSAL_KEPT_SECONDS = 60.0
"""A right that was missing may have been given since."""

ITEM_POLICIES, MATERIAL_TYPES, USER_GROUPS = "ItemPolicy", "PhysicalMaterialType", "UserGroups"
FEE_TYPES, CANCEL_REASONS, IDENTIFIER_TYPES = (
    "FineFeeTransactionType",
    "RequestCancellationReasons",
    "UserIdentifierTypes",
)
"""Names of Alma's code tables."""


class CodeLists:
    """Each list is asked for once by all who wait, and again after an hour, or a minute where Alma refused to show it.
    `read_time`: seconds that only grow."""

    def __init__(
        self, client: AlmaClient, reader: AlmaRecordReader, read_time: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._reader = reader
        self._read_time = read_time
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._kept: dict[tuple[str, ...], tuple[float, tuple[Row, ...] | None]] = {}

    async def load_libraries(self) -> tuple[Row, ...]:
        """Load the libraries; raises Unavailable."""
        return await self._load_rows("libraries", name="library", title="/conf/libraries")

    async def load_locations(self, library: str) -> frozenset[str]:
        """Codes of a library's locations. Raises Unavailable."""
        path = ("libraries", library, "locations")
        rows = await self._load_rows(*path, name="location", title="/conf/libraries/{library}/locations")
        return frozenset(read_text(row, "code") for row in rows)

    async def load_desks(self, library: str) -> frozenset[str]:
        """Codes of a library's circulation desks. Raises Unavailable."""
        path = ("libraries", library, "circ-desks")
        rows = await self._load_rows(*path, name="circ_desk", title="/conf/libraries/{library}/circ-desks")
        return frozenset(read_text(row, "code") for row in rows)

    async def find_code_table(self, name: str) -> frozenset[str] | None:
        """Codes that may be used now. None: Alma does not show this table. Raises Unavailable."""
        rows = await self._find_rows("code-tables", name, name="row", title=f"/conf/code-tables/{name}")
        if rows is None:
            return None
        return frozenset(read_text(row, "code") for row in rows if row.get("enabled") is not False)

    async def require_code(self, code: str, table: str, what: str, about: MessagePart) -> None:
        """`what`: what the code is of, in plain words. A table that isn't shown is left to Alma's own check.

        Raises Refused(INVALID_VALUE), Unavailable."""
        code_table = await self.find_code_table(table)
        if code_table is not None and code not in code_table:
            refuse_code(code, what, about)

    async def require_location(self, library: str, location: str) -> None:
        """Require a location; raises Refused(INVALID_VALUE), Unavailable."""
        if library not in {read_text(row, "code") for row in await self.load_libraries()}:
            refuse_code(library, "library", MessagePart.ITEM)
        if location not in await self.load_locations(library):
            refuse_code(location, "location", MessagePart.ITEM)

    async def list_pickups(self) -> tuple[PickupLocation, ...]:
        """List pickup locations with that for partners' items, where nobody collects perhaps. Raises Unavailable."""
        options = self._reader.options
        wanted = {*options.pickup_libraries, options.library} if options.pickup_libraries else None
        rows = await self.load_libraries()
        return tuple(
            self._reader.read_pickup(row) for row in rows if wanted is None or read_text(row, "code") in wanted
        )

    async def choose_pickup(self, wanted: str) -> str:
        """Choose a pickup location; raises Refused(BAD_PICKUP_LOCATION), Unavailable."""
        code = wanted or self._reader.options.library
        if code not in {place.code for place in await self.list_pickups()}:
            raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION)
        return code

    async def _load_rows(self, *path: str, name: str, title: str) -> tuple[Row, ...]:
        """Load rows; raises Unavailable."""
        rows = await self._find_rows(*path, name=name, title=title)
        if rows is None:
            raise Unavailable(write_about(f"Alma: {title}", write_sentence("not shown")))
        return rows

    async def _find_rows(self, *path: str, name: str, title: str) -> tuple[Row, ...] | None:
        """`name`: of the list in the answer. None: Alma does not show it."""
        async with self._locks.setdefault(path, asyncio.Lock()):
            kept = self._kept.get(path)
            if kept is not None and self._read_time() < kept[0]:
                return kept[1]
            answer = await self._client.get_row("conf", *path, title=title, may_be_refused=True)
            if answer is None:
                self._kept[path] = (self._read_time() + REFUSAL_KEPT_SECONDS, None)
                return None
            rows = answer.get(name)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Unavailable(
                    write_about(f"Alma: {title}", write_sentence("the answer has no list of %(name)s", name=name))
                )
            listed = tuple(rows)
            self._kept[path] = (self._read_time() + KEPT_SECONDS, listed)
            return listed


def refuse_code(code: str, what: str, about: MessagePart) -> Never:
    """Raise Refused(INVALID_VALUE)."""
    raise make_refusal(
        RefusalReason.INVALID_VALUE,
        write_sentence("Alma has no %(what)s '%(code)s'", what=what, code=code),
        about=about,
        detail=f"The library has no such {what}.",
    )

"""Koha's own lists of codes, kept for some time: branches, item types, patron categories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from adapters.library.json_fields import Row, read_flag
from adapters.library.koha import abilities
from adapters.library.koha.client import KohaClient
from adapters.library.koha.records import KohaRecordReader, read_text
from adapters.library.parallel_questions import ask_together
from gateway.domain.library import PickupLocation
from gateway.ports.library_system import LibraryCodes

KEPT_SECONDS = 3600.0

_CODE_KEYS = {
    "libraries": ("library_id",),
    "item_types": ("item_type_id", "item_type"),
    "patron_categories": ("patron_category_id", "category_id"),
}
"""How the code is called in each list; releases differ."""

_LIST_CALLS = {
    "libraries": abilities.LIST_LIBRARIES,
    "item_types": abilities.LIST_ITEM_TYPES,
    "patron_categories": abilities.LIST_CATEGORIES,
}


class SettingsLists:
    """The lists, asked for once by all who wait, and again after an hour. `read_time`: seconds that only grow."""

    def __init__(
        self, client: KohaClient, reader: KohaRecordReader, read_time: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._reader = reader
        self._read_time = read_time
        self._locks = {name: asyncio.Lock() for name in _CODE_KEYS}
        self._kept: dict[str, tuple[float, tuple[Row, ...]]] = {}

    async def list_pickups(self) -> tuple[PickupLocation, ...]:
        """Branches where patrons collect, with that for partners' items, where nobody collects perhaps.

        Raises Unavailable."""
        own = self._reader.options.resource_sharing_branch
        rows = await self._load("libraries")
        return tuple(
            self._reader.read_pickup(row)
            for row in rows
            if read_flag(row, "pickup_location") or (own and read_text(row, "library_id") == own)
        )

    async def load_codes(self) -> LibraryCodes:
        """Load the codes; raises Unavailable."""
        branches, item_types, categories = await ask_together(*map(self.find_codes, _CODE_KEYS))
        return LibraryCodes(branches=branches, item_policies=item_types, patron_categories=categories)

    async def find_codes(self, name: str) -> frozenset[str] | None:
        """Find the codes of one list; None: this release doesn't tell. Raises Unavailable."""
        if _LIST_CALLS[name] not in self._client.abilities.calls:
            return None
        rows = await self._load(name)
        return frozenset(
            next((code for key in _CODE_KEYS[name] if (code := read_text(row, key))), "") for row in rows
        ) - {""}

    async def _load(self, name: str) -> tuple[Row, ...]:
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and self._read_time() < kept[0]:
                return kept[1]
            rows = await self._client.find_rows(name)
            self._kept[name] = (self._read_time() + KEPT_SECONDS, rows)
            return rows

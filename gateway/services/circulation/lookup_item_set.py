"""LookUpItemSet: the items of several records, in portions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

from gateway.domain.commands import ItemSetEntry, ItemSetFound, LookUpItemSet, Named
from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import items, records
from gateway.services.circulation.desk import Desk, need

_NOT_THERE = (Reason.UNKNOWN_RECORD, Reason.UNKNOWN_ITEM, Reason.AMBIGUOUS_ITEM, Reason.INVALID_VALUE)


@frozen
class _Place:
    """Where a portion begins: at which entry, and at which of its items. Written as '3-20'."""

    entry: int = 0
    item: int = 0

    @classmethod
    def read(cls, cursor: str) -> _Place:
        if not cursor:
            return cls()
        if not re.fullmatch(r"\d{1,6}-\d{1,6}", cursor):
            raise Refused(
                Reason.INVALID_VALUE,
                "This is not the token of a next portion that was given out here.",
                about=About.RECORD,
                value=cursor,
            )
        entry, item = cursor.split("-")
        return cls(int(entry), int(item))

    def __str__(self) -> str:
        return f"{self.entry}-{self.item}"


async def lookup_item_set(command: LookUpItemSet, desk: Desk, _key: str) -> ItemSetFound:
    """`limit` counts items; a record without any counts as one. The next portion is asked for with the same records
    and the cursor. Raises Refused(DATA_MISSING | INVALID_VALUE); a record that isn't there is told in its entry."""
    if not command.records and not command.items:
        raise Refused(Reason.DATA_MISSING, "The message names neither records nor items.", about=About.RECORD)
    start = _Place.read(command.cursor)
    left = command.limit if command.limit and command.limit > 0 else None
    found: list[ItemSetEntry] = []
    async for number, entry in _entries(command, start.entry, desk):
        if left is not None and left <= 0:
            return ItemSetFound(tuple(found), str(_Place(number)))
        skip = start.item if number == start.entry else 0
        rest = entry.items[skip:]
        if left is not None and len(rest) > left:
            return ItemSetFound((*found, replace(entry, items=rest[:left])), str(_Place(number, skip + left)))
        found.append(replace(entry, items=rest))
        left = left - max(len(rest), 1) if left is not None else None
    return ItemSetFound(tuple(found))


async def _entries(command: LookUpItemSet, start: int, desk: Desk) -> AsyncIterator[tuple[int, ItemSetEntry]]:
    asked: list[RecordId | Named] = [*command.records, *command.items]
    for number, one in enumerate(asked[start:], start):
        yield number, await (_record(one, desk) if isinstance(one, RecordId) else _item(one, desk))


async def _record(record: RecordId, desk: Desk) -> ItemSetEntry:
    need(desk, Capability.ITEM_AVAILABILITY)
    try:
        bib = await records.resolve_record((record,), desk)
    except Refused as refused:
        return _missing(record, refused)
    held = await desk.library.holdings(bib.id)
    return ItemSetEntry(record, held.bib, held.items, held.hold_count)


async def _item(sent: Named, desk: Desk) -> ItemSetEntry:
    try:
        item = await items.resolve_item(sent, desk)
    except Refused as refused:
        return _missing(RecordId("item", sent.value), refused)
    bib = await desk.library.bib(item.bib_id)
    return ItemSetEntry(RecordId("local", bib.id), bib, (item,), item.hold_count)


def _missing(record: RecordId, refused: Refused) -> ItemSetEntry:
    if refused.reason not in _NOT_THERE:
        raise refused
    return ItemSetEntry(record, missing=refused.detail)

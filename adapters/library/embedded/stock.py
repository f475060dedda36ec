"""The library's own copies: adding items to records, each under the holding of its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from adapters.library.embedded.here import Here
from adapters.library.embedded.ids import new_id
from adapters.library.embedded.records import add_holding
from adapters.library.embedded.rows import add_rows
from adapters.library.embedded.tables import holdings, items
from gateway.domain.frozen import frozen
from gateway.domain.library import ItemStatus


@frozen
class Copy:
    barcode: str
    bib_id: str
    branch: str
    shelf: str
    policy: str
    call_number: str = ""
    copy_number: str = ""
    description: str = ""


def add_copies(connection: Connection, here: Here, copies: Iterable[Copy]) -> None:
    """Codes and barcodes must have been checked."""
    held: dict[tuple[str, str, str], str] = {}
    rows = []
    for copy in copies:
        place = (copy.bib_id, copy.branch, copy.shelf)
        if place not in held:
            held[place] = _holding(connection, here, copy)
        rows.append(_row(here, copy, held[place]))
    if rows:
        add_rows(connection, items, rows)


def _holding(connection: Connection, here: Here, copy: Copy) -> str:
    h = holdings.c
    there = select(h.id).where(
        h.library == here.library,
        h.bib_id == copy.bib_id,
        h.branch == copy.branch,
        h.shelf == copy.shelf,
        h.deleted.is_(None),
    )
    known: str | None = connection.scalar(there.limit(1))
    return known or add_holding(connection, here, copy.bib_id, copy.branch, copy.shelf, copy.call_number)


def _row(here: Here, copy: Copy, holding_id: str) -> dict[str, Any]:
    return {
        "library": here.library,
        "id": new_id(here.now),
        "barcode": copy.barcode,
        "bib_id": copy.bib_id,
        "holding_id": holding_id,
        "status": ItemStatus.AVAILABLE.value,
        "policy": copy.policy,
        "home_branch": copy.branch,
        "home_shelf": copy.shelf,
        "current_branch": copy.branch,
        "current_shelf": copy.shelf,
        "call_number": copy.call_number,
        "copy_number": copy.copy_number,
        "description": copy.description,
        "pieces": 1,
        "temporary": False,
        "library_use_only": False,
        "renewals_allowed": True,
        "created": here.now,
    }

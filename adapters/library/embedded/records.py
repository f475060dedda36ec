"""Bibliographic records between table and value, and writing them with their look-up tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from adapters.library.embedded.here import Here
from adapters.library.embedded.ids import new_id
from adapters.library.embedded.rows import add_row, add_rows
from adapters.library.embedded.tables import bib_identifiers, bib_words, bibs, holdings
from adapters.library.embedded.words import lookup_value, words
from gateway.domain.library import Bib, RecordId
from gateway.domain.problems import About, Reason, Refused

_b = bibs.c
_PLAIN = (
    "title",
    "author",
    "edition",
    "publisher",
    "place",
    "published",
    "series",
    "pages",
    "language",
    "medium",
    "level",
    "component_title",
    "component_author",
)
COLUMNS = (_b.id, _b.identifiers, _b.suppressed, *(_b[name] for name in _PLAIN))
_BY_ID = select(*COLUMNS).where(_b.library == bindparam("library"), _b.id == bindparam("bib"), _b.deleted.is_(None))
_BY_ID_EVER = select(*COLUMNS).where(_b.library == bindparam("library"), _b.id == bindparam("bib"))


def bib(connection: Connection, here: Here, bib_id: str) -> Bib:
    """Raises Refused(UNKNOWN_RECORD)."""
    row = connection.execute(_BY_ID, {"library": here.library, "bib": bib_id}).one_or_none()
    if row is None:
        raise unknown_record(bib_id)
    return to_bib(row)


def bib_ever(connection: Connection, here: Here, bib_id: str) -> Bib:
    """Also a removed one, which items of the past still point to."""
    return to_bib(connection.execute(_BY_ID_EVER, {"library": here.library, "bib": bib_id}).one())


def unknown_record(value: str) -> Refused:
    return Refused(Reason.UNKNOWN_RECORD, "no record has this identifier", about=About.RECORD, value=value)


def to_bib(row: Row[Any]) -> Bib:
    return Bib(
        id=row.id,
        identifiers=tuple(RecordId(type_, value) for type_, value in row.identifiers),
        suppressed=row.suppressed,
        **{name: getattr(row, name) for name in _PLAIN},
    )


# --- writing ---------------------------------------------------------------------------------------------


def add_bib(
    connection: Connection,
    here: Here,
    record: Bib,
    *,
    control_number: str | None = None,
    marc: bytes | None = None,
) -> None:
    """Under the record's own id, which must be new. A suppressed record gets no look-up rows: nobody may find it
    but by its id."""
    row = _columns(record) | {
        "library": here.library,
        "id": record.id,
        "control_number": control_number,
        "marc": marc,
        "created": here.now,
    }
    add_row(connection, bibs, row)
    _write_lookup(connection, here, record.id, record)


def replace_bib(connection: Connection, here: Here, bib_id: str, record: Bib, marc: bytes | None) -> None:
    changed = _columns(record) | {"marc": marc, "deleted": None}
    connection.execute(update(bibs).where(_b.library == here.library, _b.id == bib_id).values(**changed))
    for table in (bib_identifiers, bib_words):
        connection.execute(delete(table).where(table.c.library == here.library, table.c.bib_id == bib_id))
    _write_lookup(connection, here, bib_id, record)


def add_holding(connection: Connection, here: Here, bib_id: str, branch: str, shelf: str, call_number: str) -> str:
    holding_id = new_id(here.now)
    row = {
        "library": here.library,
        "id": holding_id,
        "bib_id": bib_id,
        "branch": branch,
        "shelf": shelf,
        "call_number": call_number,
    }
    add_row(connection, holdings, row)
    return holding_id


def _columns(record: Bib) -> dict[str, Any]:
    columns: dict[str, Any] = {name: getattr(record, name) for name in _PLAIN}
    columns["identifiers"] = [[i.type, i.value] for i in record.identifiers]
    columns["suppressed"] = record.suppressed
    return columns


def _write_lookup(connection: Connection, here: Here, bib_id: str, record: Bib) -> None:
    if record.suppressed:
        return
    pairs = dict.fromkeys((i.type, lookup_value(i.type, i.value)) for i in record.identifiers)
    if pairs:
        rows = [{"library": here.library, "type": t, "value": v, "bib_id": bib_id} for t, v in pairs]
        add_rows(connection, bib_identifiers, rows)
    texts = (record.title, record.author, record.component_title, *(v for _, v in pairs))
    found = sorted(frozenset().union(*(words(text) for text in texts)))
    if found:
        indexed = [{"library": here.library, "word": word, "bib_id": bib_id} for word in found]
        add_rows(connection, bib_words, indexed)

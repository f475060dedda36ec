"""Numbers in sequence, for requests and transactions: none is given twice, and none is left out."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from gateway.store.prepared import Prepared
from gateway.store.requests.statements import written
from gateway.store.requests.tables import sequence

_FOLLOWING = written(
    "INSERT INTO sequence (library, name, value) VALUES (:library, :name, 1) "
    "ON CONFLICT (library, name) DO UPDATE SET value = sequence.value + 1 RETURNING value",
    sequence,
    sequence.c.value,
)


def following(connection: Connection, library: str, name: str) -> int:
    """1, 2, … On PostgreSQL others who want the same sequence wait until this transaction ends."""
    value: int = _FOLLOWING.first(connection, {"library": library, "name": name}).value
    return value


_LAST = Prepared(
    select(sequence.c.value).where(sequence.c.library == bindparam("library"), sequence.c.name == bindparam("name"))
)


def upcoming(connection: Connection, library: str, name: str) -> int:
    """What `following` would give now."""
    last = _LAST.first(connection, {"library": library, "name": name})
    return 1 if last is None else int(last.value) + 1

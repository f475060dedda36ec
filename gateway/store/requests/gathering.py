"""Orders in the outbox that wait for others, to go to a partner in one mail.

Three kinds of rows take part. An ORDER keeps its place in its request's lane, and no worker takes it. A GATHER row is
the alarm of a partner's orders: when it is due, all orders that wait become a FILE (gateway.store.requests.filed), in
the transaction that ends it. A FILE is what is sent, and tried again, under one id.

Whoever adds an order holds the waiting GATHER row (or adds one) until its transaction ends, and a claim leaves out what
is held: so an alarm is never over before an order that relies on it can be seen.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from gateway.store.ids import exchange_id
from gateway.store.prepared import Prepared
from gateway.store.requests import outbox
from gateway.store.requests.outbox import Page, Row
from gateway.store.requests.statements import written
from gateway.store.requests.tables import IS_GATHERED
from gateway.store.requests.tables import outbox as table

ORDER = "order"
GATHER = "gather"
FILE = "file"

ALL = 1_000_000
"""More than ever wait."""

_row_columns = table.c
_OF_PARTNER = (
    IS_GATHERED,
    _row_columns.library == bindparam("in_library"),
    _row_columns.target == bindparam("of_target"),
    _row_columns.kind == bindparam("of_kind"),
)
_SOME = Prepared(select(_row_columns.id).where(*_OF_PARTNER).order_by(_row_columns.id).limit(bindparam("limit")))
_NEXT = select(_row_columns.id, _row_columns.next_at).where(*_OF_PARTNER).order_by(_row_columns.id).limit(1)
_ALARM = Prepared(_NEXT)
_HELD_ALARM = Prepared(_NEXT.with_for_update())
_READY = Prepared(
    select(_row_columns.id)
    .where(*_OF_PARTNER, _row_columns.ready_at.is_not(None))
    .order_by(_row_columns.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_SET = written("UPDATE outbox SET next_at = :next_at, ready_at = :next_at WHERE library = :library AND id = :id", table)
_SEND_ALL_SINGLY = written(
    "UPDATE outbox SET kind = 'partner' WHERE library = :library AND target = :target AND kind = :kind "
    f"AND {IS_GATHERED}",
    table,
)


def awaits(connection: Connection, library: str, target: str, now: datetime, due: datetime, most: int) -> None:
    """An order was added that goes when it is `due`, or as soon as there are `most`."""
    alarm = _HELD_ALARM.first(connection, _found(library, target, GATHER))
    full = _count(connection, library, target, most) >= most
    when = min(now, due) if full else due
    if alarm is None:
        outbox.add(connection, _alarm(library, target, now, when))
    elif when < alarm.next_at:
        _SET.run(connection, [{"library": library, "id": alarm.id, "next_at": when}])


def _alarm(library: str, target: str, now: datetime, when: datetime) -> Row:
    return Row(
        library=library,
        id=exchange_id(now),
        lane="",
        kind=GATHER,
        target=target,
        payload="{}",
        created=now,
        next_at=when,
    )


def _count(connection: Connection, library: str, target: str, limit: int) -> int:
    """Orders that wait, or `limit` where there are more."""
    return len(_SOME.all(connection, {**_found(library, target, ORDER), "limit": limit}))


def ready(connection: Connection, library: str, target: str, limit: int) -> tuple[Row, ...]:
    """Orders whose turn in their lane has come, oldest first; nobody else gets them in this transaction."""
    ids = _READY.all(connection, {**_found(library, target, ORDER), "limit": limit})
    rows = (outbox.get(connection, library, found.id) for found in ids)
    return tuple(row for row in rows if row is not None)


def waiting(connection: Connection, library: str, target: str, limit: int) -> tuple[Row, ...]:
    """The same to look at, and those whose turn has not come yet."""
    ids = _SOME.all(connection, {**_found(library, target, ORDER), "limit": limit})
    rows = (outbox.get(connection, library, found.id) for found in ids)
    return tuple(row for row in rows if row is not None)


def any_waits(connection: Connection, library: str, target: str) -> bool:
    """Also behind another message of its request."""
    return _count(connection, library, target, 1) > 0


def singly(connection: Connection, library: str, target: str) -> None:
    """All orders that wait are messages like others from now on, each for itself."""
    _SEND_ALL_SINGLY.run(connection, [{"library": library, "target": target, "kind": ORDER}])


def hurry(connection: Connection, library: str, target: str, now: datetime) -> int:
    """The orders that wait go at once; how many there are."""
    waiting = _count(connection, library, target, ALL)
    if waiting:
        awaits(connection, library, target, now, now, 1)
    return waiting


_WAITING = text(
    "SELECT id FROM outbox WHERE library = :library AND kind = 'order' AND status IN ('waiting', 'in-hand') "
    "AND id > :above ORDER BY id LIMIT :limit"
)


def unsent(connection: Connection, library: str, limit: int, cursor: str = "") -> Page:
    """Orders that wait for others or are in a file that isn't sent, oldest first."""
    asked = {"library": library, "above": cursor, "limit": limit + 1}
    ids = [id_ for (id_,) in connection.execute(_WAITING, asked)]
    rows = tuple(row for id_ in ids[:limit] if (row := outbox.get(connection, library, id_)) is not None)
    return Page(rows, rows[-1].id if len(ids) > limit else "")


def due_of(connection: Connection, library: str, target: str) -> datetime | None:
    """When the orders that wait go; None: none wait."""
    alarm = _ALARM.first(connection, _found(library, target, GATHER))
    return None if alarm is None else alarm.next_at


def _found(library: str, target: str, kind: str) -> dict[str, str]:
    return {"in_library": library, "of_target": target, "of_kind": kind}

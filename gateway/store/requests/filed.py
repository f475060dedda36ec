"""Files: mails of several orders, and which orders are in each.

A file is made before anything is sent, and never changed afterwards: a try after a crash sends the same orders under
the same number. Its orders are in its hands, so that nobody claims, edits or skips one meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select

from gateway.domain.frozen import frozen_by_name
from gateway.store.bulk import insert_rows
from gateway.store.prepared import Prepared
from gateway.store.requests import outbox
from gateway.store.requests.outbox import Row, Status
from gateway.store.requests.statements import written
from gateway.store.requests.tables import filed_order
from gateway.store.requests.tables import outbox as rows


@frozen_by_name
class FiledOrder:
    """`file_id` and `order_id` are rows of the outbox; `reference`: the number by which both sides know the request."""

    library: str
    profile: str
    number: str
    place: int
    file_id: str
    order_id: str
    request_id: str
    reference: str
    at: datetime


HANDS = "file "
"""Begins what an order has in place of a node; nodes have no blank in their names."""

_filed_columns = filed_order.c
_OF_FILE = Prepared(
    select(filed_order)
    .where(_filed_columns.library == bindparam("in_library"), _filed_columns.file_id == bindparam("of_file"))
    .order_by(_filed_columns.place)
)
_TAKE = written(
    "UPDATE outbox SET status = 'in-hand', tries = tries + 1, ready_at = NULL, lease_until = NULL, node = :node "
    "WHERE library = :library AND id = :id AND status = 'waiting'",
    rows,
)
_SEND_ONE_SINGLY = written(
    "UPDATE outbox SET kind = 'partner', status = 'waiting', next_at = :next_at, ready_at = :next_at, node = '' "
    "WHERE library = :library AND id = :id AND status = 'in-hand' AND node = :node",
    rows,
)
_DROP = written(
    "DELETE FROM filed_order WHERE library = :library AND file_id = :file_id AND order_id = :order_id", filed_order
)


def add(connection: Connection, file: Row, orders: Sequence[FiledOrder]) -> None:
    """`file`: the outbox's new row that sends it; `orders` wait, and are in its hands now."""
    outbox.add(connection, file)
    insert_rows(
        connection,
        filed_order,
        [
            (o.library, o.profile, o.number, o.place, o.file_id, o.order_id, o.request_id, o.reference, o.at)
            for o in orders
        ],
    )
    _TAKE.run(connection, [{"library": o.library, "id": o.order_id, "node": _hands(o.file_id)} for o in orders])


def orders_of(connection: Connection, library: str, file_id: str) -> tuple[FiledOrder, ...]:
    """In their order; empty for a row that is no file."""
    found = _OF_FILE.all(connection, {"in_library": library, "of_file": file_id})
    return tuple(map(_filed, found))


def orders_by_number(
    connection: Connection, library: str, profile: str, numbers: Sequence[str]
) -> tuple[FiledOrder, ...]:
    """Of the first of the numbers that is one of a file to this partner."""
    for number in numbers:
        found = connection.execute(
            select(filed_order)
            .where(
                _filed_columns.library == library, _filed_columns.profile == profile, _filed_columns.number == number
            )
            .order_by(_filed_columns.place)
        ).all()
        if found:
            return tuple(map(_filed, found))
    return ()


def file_with(connection: Connection, library: str, order_id: str) -> tuple[FiledOrder, ...]:
    """All orders of the newest file that this order is or was in; empty: it is in none."""
    newest = (
        select(_filed_columns.file_id)
        .where(_filed_columns.library == library, _filed_columns.order_id == order_id)
        .order_by(_filed_columns.file_id.desc())
        .limit(1)
    )
    file_id = connection.execute(newest).scalar()
    return orders_of(connection, library, file_id) if file_id is not None else ()


def in_hand(connection: Connection, library: str, file_id: str) -> tuple[Row, ...]:
    """The orders as the outbox has them, for as long as the file isn't sent."""
    found = (outbox.get(connection, library, one.order_id) for one in orders_of(connection, library, file_id))
    return tuple(row for row in found if row is not None and file_of(row) == file_id)


def file_of(row: Row) -> str:
    """Id of the file that an order is in and that isn't sent; empty: it is in none."""
    return row.node.removeprefix(HANDS) if row.status is Status.IN_HAND and row.node.startswith(HANDS) else ""


def drop(connection: Connection, library: str, file_id: str, order_id: str) -> None:
    """It could not be written, so it was not in the file."""
    _DROP.run(connection, [{"library": library, "file_id": file_id, "order_id": order_id}])


def dissolve(connection: Connection, library: str, file_id: str, now: datetime) -> None:
    """Its orders are messages like others from now on, each for itself."""
    for one in in_hand(connection, library, file_id):
        _SEND_ONE_SINGLY.run(connection, [{"library": library, "id": one.id, "next_at": now, "node": one.node}])
        drop(connection, library, file_id, one.id)


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Forgets up to `limit` orders in files that were made before `before` and that the outbox has forgotten."""
    kept = exists().where(rows.c.library == _filed_columns.library, rows.c.id == _filed_columns.file_id)
    old = connection.execute(
        select(_filed_columns.library, _filed_columns.file_id, _filed_columns.order_id)
        .where(_filed_columns.at < before, ~kept)
        .order_by(_filed_columns.at, _filed_columns.library)
        .limit(limit)
    ).all()
    for library, file_id, order_id in old:
        drop(connection, library, file_id, order_id)
    return len(old)


def _filed(row: Any) -> FiledOrder:
    return FiledOrder(
        library=row.library,
        profile=row.profile,
        number=row.number,
        place=row.place,
        file_id=row.file_id,
        order_id=row.order_id,
        request_id=row.request_id,
        reference=row.reference,
        at=row.at,
    )


def _hands(file_id: str) -> str:
    return f"{HANDS}{file_id}"

"""Orders that wait for others, and the files they went out in.

Three kinds of rows take part. An ORDER keeps its place in its request's lane, and no worker takes it. A GATHER row is
the alarm of a partner's orders: when it is due, all orders that wait become a FILE, in the transaction that ends it. A
FILE is what is sent, and tried again, under one id.

Whoever adds an order holds the waiting GATHER row (or adds one) until its transaction ends, and a claim leaves out what
is held: so an alarm is never over before an order that relies on it can be seen.

A file is made before anything is sent, and never changed afterwards: a try after a crash sends the same orders under
the same number. Its orders are in its hands, so that nobody claims, edits or skips one meanwhile. What it says is kept
with the first try (`order_file`, also of an order that goes alone), so that the next ones are the same octets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, select, tuple_

from gateway.domain.value import copy_fields, value_object
from gateway.sql.index_hints import follow_index
from gateway.sql.statements import PreparedStatement, insert_rows, prepare_sql
from gateway.store.requests import outbox, outbox_queries
from gateway.store.requests.outbox import (
    NOTHING_BY_LIBRARY,
    OutboxPage,
    OutboxRow,
    OutboxStatus,
    choose_by_library,
)
from gateway.store.requests.tables import IS_GATHERED, filed_order, order_file
from gateway.store.requests.tables import outbox as table
from gateway.store.schema import make_exchange_id

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
_SOME = PreparedStatement(
    select(_row_columns.id).where(*_OF_PARTNER).order_by(_row_columns.id).limit(bindparam("limit"))
)
_NEXT = select(_row_columns.id, _row_columns.next_at).where(*_OF_PARTNER).order_by(_row_columns.id).limit(1)
_ALARM = PreparedStatement(_NEXT)
_HELD_ALARM = PreparedStatement(_NEXT.with_for_update())
_READY = PreparedStatement(
    select(_row_columns.id)
    .where(*_OF_PARTNER, _row_columns.ready_at.is_not(None))
    .order_by(_row_columns.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_SET = prepare_sql(
    "UPDATE outbox SET next_at = :next_at, ready_at = :next_at WHERE library = :library AND id = :id", table
)
_SEND_ALL_SINGLY = prepare_sql(
    "UPDATE outbox SET kind = 'partner' WHERE library = :library AND target = :target AND kind = :kind "
    f"AND {IS_GATHERED}",
    table,
)


def schedule_batch(connection: Connection, library: str, target: str, now: datetime, due: datetime, most: int) -> None:
    """An order was added that goes when it is `due`, or as soon as there are `most`."""
    alarm = _HELD_ALARM.fetch_first(connection, _partner_parameters(library, target, GATHER))
    full = _count_waiting_orders(connection, library, target, most) >= most
    when = min(now, due) if full else due
    if alarm is None:
        outbox.add_outbox_row(connection, _new_alarm_row(library, target, now, when))
    elif when < alarm.next_at:
        _SET.execute_many(connection, [{"library": library, "id": alarm.id, "next_at": when}])


def _new_alarm_row(library: str, target: str, now: datetime, when: datetime) -> OutboxRow:
    return OutboxRow(
        library=library,
        id=make_exchange_id(now),
        lane="",
        kind=GATHER,
        target=target,
        payload="{}",
        created=now,
        next_at=when,
    )


def _count_waiting_orders(connection: Connection, library: str, target: str, limit: int) -> int:
    """Orders that wait, or `limit` where there are more."""
    return len(_SOME.fetch_all(connection, {**_partner_parameters(library, target, ORDER), "limit": limit}))


def lock_ready_orders(connection: Connection, library: str, target: str, limit: int) -> tuple[OutboxRow, ...]:
    """Orders whose turn in their lane has come, oldest first; nobody else gets them in this transaction."""
    ids = _READY.fetch_all(connection, {**_partner_parameters(library, target, ORDER), "limit": limit})
    rows = (outbox_queries.get_outbox_row(connection, library, row.id) for row in ids)
    return tuple(row for row in rows if row is not None)


def find_waiting_orders(connection: Connection, library: str, target: str, limit: int) -> tuple[OutboxRow, ...]:
    """The same to look at, and those whose turn has not come yet."""
    ids = _SOME.fetch_all(connection, {**_partner_parameters(library, target, ORDER), "limit": limit})
    rows = (outbox_queries.get_outbox_row(connection, library, row.id) for row in ids)
    return tuple(row for row in rows if row is not None)


def has_waiting_orders(connection: Connection, library: str, target: str) -> bool:
    """Return whether orders wait, also behind another message of their request."""
    return _count_waiting_orders(connection, library, target, 1) > 0


def send_singly(connection: Connection, library: str, target: str) -> None:
    """All orders that wait are messages like others from now on, each for itself."""
    _SEND_ALL_SINGLY.execute_many(connection, [{"library": library, "target": target, "kind": ORDER}])


def send_batch_now(connection: Connection, library: str, target: str, now: datetime) -> int:
    """The orders that wait go at once; how many there are."""
    waiting = _count_waiting_orders(connection, library, target, ALL)
    if waiting:
        schedule_batch(connection, library, target, now, now, 1)
    return waiting


def unsent_orders(connection: Connection, library: str, limit: int, cursor: str = "") -> OutboxPage:
    """Orders that wait for others or are in a file that isn't sent, oldest first."""
    unsent = (OutboxStatus.WAITING.value, OutboxStatus.IN_HAND.value)
    query = (
        select(_row_columns.id)
        .where(_row_columns.status.in_(unsent), _row_columns.library == library, _row_columns.kind == ORDER)
        .where(_row_columns.id > cursor)
        .order_by(_row_columns.id)
        .limit(limit + 1)
    )
    ids = connection.execute(follow_index(query, table, outbox_queries.BY_STATUS)).scalars().all()
    rows = tuple(
        row for id_ in ids[:limit] if (row := outbox_queries.get_outbox_row(connection, library, id_)) is not None
    )
    return OutboxPage(rows, rows[-1].id if len(ids) > limit else "")


def find_batch_due(connection: Connection, library: str, target: str) -> datetime | None:
    """Find when the orders that wait go; None: none wait."""
    alarm = _ALARM.fetch_first(connection, _partner_parameters(library, target, GATHER))
    return None if alarm is None else alarm.next_at


def _partner_parameters(library: str, target: str, kind: str) -> dict[str, str]:
    return {"in_library": library, "of_target": target, "of_kind": kind}


@value_object(kw_only=True)
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
_OF_FILE = PreparedStatement(
    select(filed_order)
    .where(_filed_columns.library == bindparam("in_library"), _filed_columns.file_id == bindparam("of_file"))
    .order_by(_filed_columns.place)
)
_TAKE = prepare_sql(
    "UPDATE outbox SET status = 'in-hand', tries = tries + 1, ready_at = NULL, lease_until = NULL, node = :node "
    "WHERE library = :library AND id = :id AND status = 'waiting'",
    table,
)
_SEND_ONE_SINGLY = prepare_sql(
    "UPDATE outbox SET kind = 'partner', status = 'waiting', next_at = :next_at, ready_at = :next_at, node = '' "
    "WHERE library = :library AND id = :id AND status = 'in-hand' AND node = :node",
    table,
)
_DROP = prepare_sql(
    "DELETE FROM filed_order WHERE library = :library AND file_id = :file_id AND order_id = :order_id", filed_order
)


def add_batch(connection: Connection, file: OutboxRow, orders: Sequence[FiledOrder]) -> None:
    """`file`: the outbox's new row that sends it; `orders` wait, and are in its hands now."""
    outbox.add_outbox_row(connection, file)
    insert_rows(
        connection,
        filed_order,
        [
            (o.library, o.profile, o.number, o.place, o.file_id, o.order_id, o.request_id, o.reference, o.at)
            for o in orders
        ],
    )
    _TAKE.execute_many(
        connection, [{"library": o.library, "id": o.order_id, "node": _node_of_file(o.file_id)} for o in orders]
    )


def list_filed_orders(connection: Connection, library: str, file_id: str) -> tuple[FiledOrder, ...]:
    """List the orders in their order; empty for a row that is no file."""
    rows = _OF_FILE.fetch_all(connection, {"in_library": library, "of_file": file_id})
    return tuple(map(_filed_order_of_row, rows))


def find_filed_orders(
    connection: Connection, library: str, profile: str, numbers: Sequence[str]
) -> tuple[FiledOrder, ...]:
    """Find the orders of the first of the numbers that is one of a file to this partner."""
    for number in numbers:
        rows = connection.execute(
            select(filed_order)
            .where(
                _filed_columns.library == library, _filed_columns.profile == profile, _filed_columns.number == number
            )
            .order_by(_filed_columns.place)
        ).all()
        if rows:
            return tuple(map(_filed_order_of_row, rows))
    return ()


def find_file_with_order(connection: Connection, library: str, order_id: str) -> tuple[FiledOrder, ...]:
    """All orders of the newest file that this order is or was in; empty: it is in none."""
    newest = (
        select(_filed_columns.file_id)
        .where(_filed_columns.library == library, _filed_columns.order_id == order_id)
        .order_by(_filed_columns.file_id.desc())
        .limit(1)
    )
    file_id = connection.execute(follow_index(newest, filed_order, "ix_filed_order_order")).scalar()
    return list_filed_orders(connection, library, file_id) if file_id is not None else ()


def list_orders_in_hand(connection: Connection, library: str, file_id: str) -> tuple[OutboxRow, ...]:
    """The orders as the outbox has them, for as long as the file isn't sent."""
    rows = (
        outbox_queries.get_outbox_row(connection, library, order.order_id)
        for order in list_filed_orders(connection, library, file_id)
    )
    return tuple(row for row in rows if row is not None and file_id_of_order(row) == file_id)


def file_id_of_order(row: OutboxRow) -> str:
    """Id of the file that an order is in and that isn't sent; empty: it is in none."""
    return row.node.removeprefix(HANDS) if row.status is OutboxStatus.IN_HAND and row.node.startswith(HANDS) else ""


def drop_order(connection: Connection, library: str, file_id: str, order_id: str) -> None:
    """It could not be written, so it was not in the file."""
    _DROP.execute_many(connection, [{"library": library, "file_id": file_id, "order_id": order_id}])


def dissolve_batch(connection: Connection, library: str, file_id: str, now: datetime) -> None:
    """Its orders are messages like others from now on, each for itself."""
    for order in list_orders_in_hand(connection, library, file_id):
        _SEND_ONE_SINGLY.execute_many(
            connection, [{"library": library, "id": order.id, "next_at": now, "node": order.node}]
        )
        drop_order(connection, library, file_id, order.id)


def prune_filed_orders(
    connection: Connection, before: datetime, limit: int, by_library: Mapping[str, datetime] = NOTHING_BY_LIBRARY
) -> int:
    """Forgets up to `limit` orders in files that were made before `before`, or before the moment of their library, and
    that the outbox has forgotten."""
    ends = choose_by_library(_filed_columns.library, _filed_columns.at, before, by_library)
    kept = exists().where(table.c.library == _filed_columns.library, table.c.id == _filed_columns.file_id)
    old = connection.execute(
        select(_filed_columns.library, _filed_columns.file_id, _filed_columns.order_id)
        .where(_filed_columns.at < ends, ~kept)
        .order_by(_filed_columns.at, _filed_columns.library)
        .limit(limit)
    ).all()
    for library, file_id, order_id in old:
        drop_order(connection, library, file_id, order_id)
    return len(old)


# --- what a file says ------------------------------------------------------------------------------------

_file_columns = order_file.c
_DOCUMENT = PreparedStatement(
    select(_file_columns.document).where(
        _file_columns.library == bindparam("in_library"), _file_columns.row_id == bindparam("of_row")
    )
)
_FORGET_FILE = prepare_sql(
    "DELETE FROM order_file WHERE library = :library AND row_id = :row_id", order_file, row_key=("library", "row_id")
)


def find_order_file(connection: Connection, library: str, row_id: str) -> str | None:
    """Find what the row's earlier tries sent or tried to send, as the channel wrote it; None: nothing is kept."""
    row = _DOCUMENT.fetch_first(connection, {"in_library": library, "of_row": row_id})
    return None if row is None else str(row.document)


def keep_order_file(connection: Connection, library: str, row_id: str, document: str, at: datetime) -> None:
    """Keep a file in place of what was kept before. `document`: without secrets."""
    forget_order_file(connection, library, row_id)
    insert_rows(connection, order_file, [(library, row_id, at, document)])


def forget_order_file(connection: Connection, library: str, row_id: str) -> None:
    _FORGET_FILE.execute_many(connection, [{"library": library, "row_id": row_id}])


def prune_order_files(connection: Connection, limit: int) -> int:
    """Forgets up to `limit` files that are never tried any more, such as skipped ones; how many there were."""
    unfinished = exists().where(
        table.c.library == _file_columns.library, table.c.id == _file_columns.row_id, table.c.ended.is_(None)
    )
    old = connection.execute(select(_file_columns.library, _file_columns.row_id).where(~unfinished).limit(limit)).all()
    if old:
        keys = [(row.library, row.row_id) for row in old]
        connection.execute(delete(order_file).where(tuple_(_file_columns.library, _file_columns.row_id).in_(keys)))
    return len(old)


def _filed_order_of_row(row: Any) -> FiledOrder:
    return copy_fields(FiledOrder, row)


def _node_of_file(file_id: str) -> str:
    return f"{HANDS}{file_id}"

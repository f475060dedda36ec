"""Batches of paper: which requests were in which, and which requests wait for a kind of paper."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Select,
    Table,
    exists,
    func,
    insert,
    select,
    union_all,
    update,
)

from gateway.domain.requests.print_batches import NEEDS, PaperNeed, PrintBatch, PrintKind
from gateway.domain.value import copy_fields
from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.sql.index_hints import follow_index, follow_key
from gateway.store.postgresql import lock_name_in_transaction
from gateway.store.requests.tables import request, request_task
from gateway.store.requests.timers import next_in_sequence
from gateway.store.schema import metadata

SEQUENCE = "print-batch"

print_batch = Table(
    "print_batch",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.integer_column("number"),
    column_types.text_column("kind"),
    column_types.moment_column("made_at"),
    column_types.text_column("made_by"),
    Column("printed_at", UtcDateTime),
    column_types.text_column("printed_by"),
    PrimaryKeyConstraint("library", "id", name="pk_print_batch"),
    Index("ix_print_batch_number", "library", "number", unique=True),
)
print_item = Table(
    "print_item",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("kind"),
    column_types.id_column("request_id"),
    column_types.id_column("batch_id"),
    column_types.integer_column("position"),
    PrimaryKeyConstraint("library", "kind", "request_id", "batch_id", name="pk_print_item"),
    Index("ix_print_item_batch", "library", "batch_id", "position"),
)
"""`kind` as of its batch, so that what waits for a kind of paper is found by the key."""


def find_waiting_requests(
    connection: Connection,
    library: str,
    kind: PrintKind,
    by_post: Sequence[str],
    now: datetime,
    limit: int,
    among: Sequence[str] = (),
    branches: Collection[str] = (),
) -> tuple[str, ...]:
    """Ids of requests that were in no batch of this kind, those that changed first before all others. `by_post`:
    profiles of partners without a channel; `among`: of these requests alone, `branches`: of these branches alone,
    empty: of all."""
    waiting = union_all(*_select_waiting(library, kind, by_post, now, among, branches)).subquery()
    query = select(waiting.c.id).order_by(waiting.c.changed, waiting.c.id).limit(limit)
    return tuple(connection.scalars(query))


def count_waiting_requests(
    connection: Connection,
    library: str,
    kind: PrintKind,
    by_post: Sequence[str],
    now: datetime,
    most: int,
    branches: Collection[str] = (),
) -> int:
    """`most`: it is not counted further."""
    some = union_all(*_select_waiting(library, kind, by_post, now, branches=branches)).limit(most).subquery()
    return int(connection.scalar(select(func.count()).select_from(some)) or 0)


def lock_batches(connection: Connection, library: str) -> None:
    """Whoever looks what waits for paper, and puts it into a batch, locks the library's batches first: else another
    node may do so as well."""
    lock_name_in_transaction(connection, f"print batches {library}")


def _select_waiting(
    library: str,
    kind: PrintKind,
    by_post: Sequence[str],
    now: datetime,
    among: Sequence[str] = (),
    branches: Collection[str] = (),
) -> Iterator[Select[Any]]:
    """One for each need: no request is in the states of two. Each follows an index of its own: that of states, that of
    the task list, or the key where certain requests are asked for."""
    for need in NEEDS[kind]:
        c, t, item = request.c, request_task.c, print_item.c
        was_printed = exists().where(item.library == library, item.kind == kind.value, item.request_id == c.id)
        query = select(c.changed, c.id).where(c.library == library, *_conditions_of_need(need, by_post, now))
        query = query.where(~was_printed)
        if branches:
            query = query.where(c.branch.in_(sorted(branches)))
        on_list = (t.library == library, t.task == (need.task or need.without_task), t.changed == c.changed)
        if need.without_task:
            query = query.where(~exists().where(*on_list, t.request_id == c.id))
        if among:
            query = query.where(c.id.in_(among))
            if need.task:
                query = query.where(exists().where(*on_list, t.request_id == c.id))
            yield follow_key(query, request)
        elif need.task:
            query = query.join(request_task, (t.library == c.library) & (t.request_id == c.id))
            yield follow_key(query.where(t.task == need.task), request)
        else:
            yield follow_index(query, request, "ix_request_state")


def _conditions_of_need(need: PaperNeed, by_post: Sequence[str], now: datetime) -> list[ColumnElement[bool]]:
    """Build the conditions by the row of the request alone."""
    c = request.c
    conditions = [c.role == need.role.value, c.state.in_([str(state) for state in need.states])]
    if need.days:
        conditions.append(c.changed >= now - timedelta(days=need.days))
    if need.by_post:
        conditions.append(c.partner.in_(by_post))
    return conditions


def insert_batch(connection: Connection, batch: PrintBatch) -> PrintBatch:
    """Insert a batch with the next number of the library."""
    number = next_in_sequence(connection, batch.library, SEQUENCE)
    connection.execute(
        insert(print_batch),
        {
            "library": batch.library,
            "id": batch.id,
            "number": number,
            "kind": batch.kind.value,
            "made_at": batch.made_at,
            "made_by": batch.made_by,
            "printed_at": None,
            "printed_by": "",
        },
    )
    _insert_items(connection, batch, 0, batch.request_ids)
    return _build_batch(connection, batch.library, batch.id)


def extend_batch(connection: Connection, batch: PrintBatch, request_ids: Sequence[str]) -> PrintBatch:
    """These, none of which is in it, come behind those that it has."""
    _insert_items(connection, batch, len(batch.request_ids), request_ids)
    return _build_batch(connection, batch.library, batch.id)


def _insert_items(connection: Connection, batch: PrintBatch, start: int, request_ids: Sequence[str]) -> None:
    items = [
        {
            "library": batch.library,
            "kind": batch.kind.value,
            "request_id": id_,
            "batch_id": batch.id,
            "position": position,
        }
        for position, id_ in enumerate(request_ids, start)
    ]
    connection.execute(insert(print_item), items)


def find_newest_batch(connection: Connection, library: str, kind: PrintKind, request_id: str) -> PrintBatch | None:
    """Find the newest batch of this kind with this request."""
    item, batch = print_item.c, print_batch.c
    with_request = select(item.batch_id).where(
        item.library == library, item.kind == kind.value, item.request_id == request_id
    )
    # the ids first: for the order of numbers SQLite would go through all batches
    ids = connection.scalars(with_request).all()
    query = select(batch.id).where(batch.library == library, batch.id.in_(ids)).order_by(batch.number.desc()).limit(1)
    id_ = connection.scalar(follow_key(query, print_batch))
    return _build_batch(connection, library, id_) if id_ is not None else None


def list_batches_of_request(connection: Connection, library: str, request_id: str) -> tuple[PrintBatch, ...]:
    """The newest of each kind with this request, in the order of PrintKind."""
    batches = (find_newest_batch(connection, library, kind, request_id) for kind in PrintKind)
    return tuple(batch for batch in batches if batch is not None)


def _build_batch(connection: Connection, library: str, id_: str) -> PrintBatch:
    batches = list_batches(connection, library, 1, id_)
    return batches[0]


def find_batch(connection: Connection, library: str, number: int) -> PrintBatch | None:
    c = print_batch.c
    id_ = connection.scalar(select(c.id).where(c.library == library, c.number == number))
    return _build_batch(connection, library, id_) if id_ is not None else None


def list_batches(connection: Connection, library: str, limit: int, id_: str = "") -> tuple[PrintBatch, ...]:
    """Newest first; with an id, that one."""
    c = print_batch.c
    query = select(print_batch).where(c.library == library).order_by(c.number.desc()).limit(limit)
    rows = connection.execute(query.where(c.id == id_) if id_ else query).all()
    item = print_item.c
    wanted = (
        select(item.batch_id, item.request_id)
        .where(item.library == library, item.batch_id.in_([row.id for row in rows]))
        .order_by(item.batch_id, item.position)
    )
    members: dict[str, list[str]] = {}
    for member in connection.execute(wanted):
        members.setdefault(member.batch_id, []).append(member.request_id)
    return tuple(
        copy_fields(PrintBatch, row, kind=PrintKind(row.kind), request_ids=tuple(members.get(row.id, ())))
        for row in rows
    )


def list_items_at(
    connection: Connection, library: str, ids: Sequence[str], branches: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """List by the id of a batch those of its requests, in its order, that are of these branches; batches without any
    are left out."""
    item, c = print_item.c, request.c
    query = (
        select(item.batch_id, item.request_id)
        .join(request, (c.library == item.library) & (c.id == item.request_id))
        .where(item.library == library, item.batch_id.in_(ids), c.branch.in_(sorted(branches)))
        .order_by(item.batch_id, item.position)
    )
    items: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(query):
        items[row.batch_id] = (*items.get(row.batch_id, ()), row.request_id)
    return items


def mark_batch_printed(connection: Connection, library: str, id_: str, by: str, at: datetime) -> None:
    c = print_batch.c
    connection.execute(
        update(print_batch).where(c.library == library, c.id == id_).values(printed_at=at, printed_by=by)
    )

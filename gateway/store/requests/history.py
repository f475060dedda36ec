"""What happened to requests, also what was refused. Rows are only added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from gateway.domain.frozen import frozen
from gateway.domain.requests.events import Event
from gateway.store.bulk import insert_rows
from gateway.store.prepared import Prepared
from gateway.store.requests.documents import dump_event, parse_event
from gateway.store.requests.tables import request_event
from gateway.store.rows import NOTE_LIMIT, clean

MOST = 5_000
"""Rows of one request that are read; nothing that people do comes near."""


@frozen
class EventRow:
    """`id` is made by `gateway.store.ids.exchange_id(now)`. `before` and `after` are states; `denied` says why the
    event did not fit, and is empty when it did. `at` is when the row was made, aware UTC; `event.at` is its own."""

    id: str
    library: str
    request_id: str
    at: datetime
    event: Event
    before: str
    after: str
    denied: str = ""
    note: str = ""


def add(connection: Connection, row: EventRow) -> None:
    """Raises IntegrityError when the id is there already."""
    insert_rows(
        connection,
        request_event,
        [
            (
                row.library,
                row.id,
                row.request_id,
                row.at,
                row.before,
                row.after,
                clean(row.denied, NOTE_LIMIT),
                clean(row.note, NOTE_LIMIT),
                dump_event(row.event),
            )
        ],
    )


_event_columns = request_event.c
_OF_REQUEST = Prepared(
    select(request_event)
    .where(_event_columns.library == bindparam("library"), _event_columns.request_id == bindparam("request_id"))
    .order_by(_event_columns.id)
    .limit(MOST)
)
_AFTER = Prepared(
    select(request_event)
    .where(_event_columns.library == bindparam("library"), _event_columns.id > bindparam("id"))
    .order_by(_event_columns.id)
    .limit(bindparam("limit"))
)


def of_request(connection: Connection, library: str, request_id: str) -> tuple[EventRow, ...]:
    """Oldest first. Raises Unreadable."""
    return _rows(_OF_REQUEST.all(connection, {"library": library, "request_id": request_id}))


def after(connection: Connection, library: str, cursor: str, limit: int) -> tuple[EventRow, ...]:
    """Events of all requests whose id is above `cursor` ('' for all), oldest first. Raises Unreadable.

    On PostgreSQL a transaction that takes long may add a row below one that was seen; who must miss none reads the
    last seconds again.
    """
    return _rows(_AFTER.all(connection, {"library": library, "id": cursor, "limit": limit}))


def _rows(found: Iterable[Any]) -> tuple[EventRow, ...]:
    return tuple(
        EventRow(
            id=row.id,
            library=row.library,
            request_id=row.request_id,
            at=row.at,
            event=parse_event(row.document),
            before=row.before,
            after=row.after,
            denied=row.denied,
            note=row.note,
        )
        for row in found
    )

"""History of requests, partners' messages taken, attachments. Rows of the history are only added; words of people in
them are emptied with the patron's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.domain.requests.events import Event
from gateway.domain.requests.stored_fields import forget_people
from gateway.domain.value import copy_fields, value_object
from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.sql.statements import PreparedStatement, amend_gathered_row, gather_rows, insert_rows
from gateway.store.requests.request_rows import dump_event, parse_event
from gateway.store.requests.tables import partner_message, request_event, request_file

MAX_EVENTS = 5_000
"""Rows of one request that are read; nothing that people do comes near."""

_message_columns = partner_message.c
_SEEN = PreparedStatement(
    select(_message_columns.request_id, _message_columns.refused, _message_columns.reason).where(
        _message_columns.library == bindparam("in_library"),
        _message_columns.profile == bindparam("with_profile"),
        _message_columns.message_id == bindparam("with_id"),
    )
)
_INSERT = PreparedStatement(insert(partner_message), partner_message, ("library", "profile", "message_id"))

_file_columns = request_file.c
_ONE = (_file_columns.library == bindparam("library"), _file_columns.id == bindparam("id"))
_GET = PreparedStatement(select(_file_columns.content).where(*_ONE))


@value_object
class EventRow:
    """`id` is made by `gateway.store.schema.make_exchange_id(now)`. `before` and `after` are states; `denied` says why
    the event did not fit, and is empty when it did. `at` is when the row was made, aware UTC; `event.at` is its own.
    `exchange`: of the journal, whose message the event came from; empty: none, or it isn't known."""

    id: str
    library: str
    request_id: str
    at: datetime
    event: Event
    before: str
    after: str
    denied: str = ""
    note: str = ""
    exchange: str = ""


_NEW_EVENTS = "illgate_new_events"
"""Where a connection keeps ids of events while a message is carried out."""


@contextmanager
def collect_new_events(connection: Connection) -> Iterator[list[str]]:
    """Ids of the events that are added to histories meanwhile."""
    ids: list[str] = []
    info = connection.info  # to be asked now: a connection that is lost has none
    info[_NEW_EVENTS] = ids
    try:
        yield ids
    finally:
        info.pop(_NEW_EVENTS, None)


def link_events(connection: Connection, library: str, event_ids: Iterable[str], exchange: str) -> None:
    """They came from the message that opened this exchange of the journal."""
    rows = [
        {"in_library": library, "with_id": id_, "exchange": exchange}
        for id_ in event_ids
        if not amend_gathered_row(connection, request_event, (library, id_), request_event.c.exchange, exchange)
    ]
    if rows:
        _LINK.execute_many(connection, rows)


def add_history_event(connection: Connection, row: EventRow) -> None:
    """Add an event; raises IntegrityError when the id is there already."""
    if (collected := connection.info.get(_NEW_EVENTS)) is not None:
        collected.append(row.id)
    gather_rows(
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
                clean_text(row.denied, MAX_NOTE_CHARS),
                clean_text(row.note, MAX_NOTE_CHARS),
                dump_event(row.event),
                row.exchange,
            )
        ],
    )


_event_columns = request_event.c
_LINK = PreparedStatement(
    update(request_event)
    .where(_event_columns.library == bindparam("in_library"), _event_columns.id == bindparam("with_id"))
    .values(exchange=bindparam("exchange")),
    request_event,
    ("in_library", "with_id"),
)
_OF_REQUEST = PreparedStatement(
    select(request_event)
    .where(_event_columns.library == bindparam("library"), _event_columns.request_id == bindparam("request_id"))
    .order_by(_event_columns.id)
    .limit(MAX_EVENTS)
)
_AFTER = PreparedStatement(
    select(request_event)
    .where(_event_columns.library == bindparam("library"), _event_columns.id > bindparam("id"))
    .order_by(_event_columns.id)
    .limit(bindparam("limit"))
)


def list_events_of_request(connection: Connection, library: str, request_id: str) -> tuple[EventRow, ...]:
    """Oldest first. Raises UnreadableDocumentError."""
    return _event_rows_of(_OF_REQUEST.fetch_all(connection, {"library": library, "request_id": request_id}))


def list_events_after(connection: Connection, library: str, cursor: str, limit: int) -> tuple[EventRow, ...]:
    """Events of all requests whose id is above `cursor` ('' for all), oldest first. Raises UnreadableDocumentError.

    On PostgreSQL a transaction that takes long may add a row below one that was seen; who must miss none reads the
    last seconds again.
    """
    return _event_rows_of(_AFTER.fetch_all(connection, {"library": library, "id": cursor, "limit": limit}))


def forget_people_in_history(connection: Connection, library: str, request_id: str) -> None:
    """Remove what names people in the history of a request, and what they wrote: notes, messages, answers; the rest
    stays."""
    changed = []
    for row in list_events_of_request(connection, library, request_id):
        event = forget_people(row.event)
        if event is not row.event or row.note:
            changed.append({"in_library": library, "with_id": row.id, "new_document": dump_event(event)})
    if changed:
        _REWRITE.execute_many(connection, changed)


_REWRITE = PreparedStatement(
    update(request_event)
    .where(_event_columns.library == bindparam("in_library"), _event_columns.id == bindparam("with_id"))
    .values(document=bindparam("new_document"), note="")
)


def _event_rows_of(rows: Iterable[Any]) -> tuple[EventRow, ...]:
    return tuple(event_row_of(row) for row in rows)


def event_row_of(row: Any) -> EventRow:
    """`row`: of a query, with the columns of `request_event`. Raises UnreadableDocumentError."""
    return copy_fields(EventRow, row, event=parse_event(row.document))


@value_object
class PartnerMessageResult:
    """The result of a partner's message. `refused` and `reason` are empty where the message was taken."""

    request_id: str
    refused: str = ""
    reason: str = ""


def find_partner_message(
    connection: Connection, library: str, profile: str, message_id: str
) -> PartnerMessageResult | None:
    row = _SEEN.fetch_first(connection, {"in_library": library, "with_profile": profile, "with_id": message_id})
    return PartnerMessageResult(*row) if row is not None else None


def store_partner_message(
    connection: Connection, library: str, profile: str, message_id: str, result: PartnerMessageResult, at: datetime
) -> None:
    """Store a message's result; raises IntegrityError when it is there already."""
    row = {
        "library": library,
        "profile": profile,
        "message_id": message_id,
        "request_id": result.request_id,
        "refused": result.refused,
        "reason": result.reason,
        "at": at,
    }
    _INSERT.execute_many(connection, [row])


def put_file(connection: Connection, library: str, id_: str, content: bytes) -> None:
    """Store a file; raises IntegrityError when the id is taken: a file never changes."""
    insert_rows(connection, request_file, [(library, id_, content)])


def get_file(connection: Connection, library: str, id_: str) -> bytes | None:
    row = _GET.fetch_first(connection, {"library": library, "id": id_})
    return None if row is None else bytes(row.content)

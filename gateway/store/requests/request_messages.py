"""Partners' messages that are for people, and who has read them. Their texts are in the history."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.value import value_object
from gateway.sql.index_hints import follow_index, follow_key
from gateway.sql.statements import PreparedStatement
from gateway.store.requests.history import EventRow, event_row_of
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import IS_UNREAD, request, request_event, request_message

_c = request_message.c
_INSERT = PreparedStatement(insert(request_message), request_message, ("library", "event_id"))


@value_object
class ReadMark:
    """`read_at` None: nobody has read it."""

    event_id: str
    read_at: datetime | None
    read_by: str


@value_object
class UnreadMessage:
    """An unread message with the request that it is about."""

    request: Request
    row: EventRow


@value_object
class UnreadMessagePage:
    """Oldest first; `cursor` is empty when nothing follows."""

    messages: tuple[UnreadMessage, ...]
    cursor: str = ""


@value_object
class UnreadCount:
    """`oldest`: when the oldest of them came; None: there are none."""

    count: int = 0
    oldest: datetime | None = None


def add_message(connection: Connection, role: Role, row: EventRow) -> None:
    """A partner's message that nobody has read. Raises IntegrityError when it is there already."""
    new = {
        "library": row.library,
        "event_id": row.id,
        "request_id": row.request_id,
        "role": role.value,
        "kind": row.event.kind.value,
        "attempt": row.event.attempt,
        "at": row.at,
        "read_at": None,
        "read_by": "",
    }
    _INSERT.execute_many(connection, [new])


def mark_messages_read(
    connection: Connection,
    library: str,
    request_id: str,
    event_ids: Collection[str],
    by: str,
    at: datetime,
) -> None:
    """Those of them that nobody has read; the others keep who read them first."""
    connection.execute(
        update(request_message)
        .where(_c.library == library, _c.request_id == request_id, _c.event_id.in_(sorted(event_ids)), IS_UNREAD)
        .values(read_at=at, read_by=by)
    )


def find_unread_ids(
    connection: Connection,
    library: str,
    request_id: str,
    kinds: Collection[EventKind] | None = None,
    attempt: int | None = None,
) -> frozenset[str]:
    """Find the request's messages that nobody has read, by the ids of their events. `kinds`: of these only; `attempt`:
    of this supplier only; None: whatever they are."""
    query = select(_c.event_id).where(_c.library == library, _c.request_id == request_id, IS_UNREAD)
    if kinds is not None:
        query = query.where(_c.kind.in_(sorted(kind.value for kind in kinds)))
    if attempt is not None:
        query = query.where(_c.attempt == attempt)
    return frozenset(connection.execute(query).scalars())


def list_read_marks(connection: Connection, library: str, request_id: str) -> tuple[ReadMark, ...]:
    """List the marks of all messages of the request that are for people, oldest first."""
    rows = connection.execute(
        select(_c.event_id, _c.read_at, _c.read_by)
        .where(_c.library == library, _c.request_id == request_id)
        .order_by(_c.event_id)
    )
    return tuple(ReadMark(*row) for row in rows)


def list_unread_messages(
    connection: Connection, library: str, roles: Iterable[Role], limit: int, cursor: str = ""
) -> UnreadMessagePage:
    """List the unread messages of all requests with one of these roles, oldest first. Raises
    UnreadableDocumentError."""
    unread = (
        select(_c.event_id)
        .where(_c.library == library, _c.role.in_(sorted(roles)), _c.event_id > cursor, IS_UNREAD)
        .order_by(_c.event_id)
        .limit(limit + 1)
    )
    # the ids first: for the order of the page SQLite would go through the histories of all requests
    ids = connection.execute(follow_index(unread, request_message, "ix_request_message_unread")).scalars().all()
    e, r = request_event.c, request.c
    query = (
        select(request_event, r.document.label("request_document"))
        .join(request, (r.library == e.library) & (r.id == e.request_id))
        .where(e.library == library, e.id.in_(ids))
        .order_by(e.id)
    )
    rows = connection.execute(follow_key(query, request_event)).all()
    messages = tuple(_unread_message_of(row) for row in rows[:limit])
    return UnreadMessagePage(messages, messages[-1].row.id if len(rows) > limit else "")


def _unread_message_of(row: Any) -> UnreadMessage:
    return UnreadMessage(parse_request(row.request_document), event_row_of(row))


def count_unread_messages(connection: Connection) -> dict[tuple[str, Role], UnreadCount]:
    """Count the unread messages of all libraries, by library and role; without those that have none."""
    query = select(_c.library, _c.role, func.count(), func.min(_c.at)).where(IS_UNREAD).group_by(_c.library, _c.role)
    return {(library, Role(role)): UnreadCount(n, oldest) for library, role, n, oldest in connection.execute(query)}

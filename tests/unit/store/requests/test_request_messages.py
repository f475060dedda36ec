"""Partners' messages that are for people, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import Request, Role
from gateway.ports.shared_store import Store
from gateway.store.requests import history, request_messages, requests
from gateway.store.requests.history import EventRow
from gateway.store.requests.request_messages import ReadMark, UnreadCount
from gateway.store.schema import make_exchange_id
from tests.unit.store.requests.samples import AT, LIBRARY, borrowing, lending


async def come(
    store: Store, request: Request, minute: int, kind: EventKind = EventKind.MESSAGE, attempt: int = 0
) -> EventRow:
    """A message of the request's partner, after so many minutes."""
    at = AT + timedelta(minutes=minute)
    event = Event(partner_signal(kind), at, "partner:NL-UT", EventDetails(note=f"сообщение {minute}"), attempt)
    row = EventRow(make_exchange_id(at), request.library, request.id, at, event, "requested", "requested")

    def add_both(connection: Connection) -> None:
        history.add_history_event(connection, row)
        request_messages.add_message(connection, request.role, row)

    await store.write(add_both)
    return row


async def stored(store: Store, request: Request) -> Request:
    await store.write(lambda c: requests.insert_request(c, request))
    return request


async def test_unread_messages_come_oldest_first_with_text_and_request(migrated: Store) -> None:
    loan, lent = await stored(migrated, borrowing()), await stored(migrated, lending())
    rows = [await come(migrated, one, minute) for minute, one in enumerate((loan, lent, loan), start=1)]
    other = await stored(migrated, borrowing(library="OTHER"))
    await come(migrated, other, 1)

    first = await migrated.read(lambda c: request_messages.list_unread_messages(c, LIBRARY, Role, 2))
    rest = await migrated.read(lambda c: request_messages.list_unread_messages(c, LIBRARY, Role, 2, first.cursor))
    lending_only = await migrated.read(lambda c: request_messages.list_unread_messages(c, LIBRARY, [Role.LENDING], 9))

    assert [(one.request, one.row) for one in (*first.messages, *rest.messages)] == list(
        zip((loan, lent, loan), rows, strict=True)
    )
    assert (first.cursor, rest.cursor) == (rows[1].id, "")
    assert [one.row for one in lending_only.messages] == [rows[1]]


async def test_a_message_is_read_once_by_the_first(migrated: Store) -> None:
    loan = await stored(migrated, borrowing())
    rows = [await come(migrated, loan, minute) for minute in range(3)]
    early, late = AT + timedelta(hours=1), AT + timedelta(hours=2)

    await migrated.write(
        lambda c: request_messages.mark_messages_read(c, LIBRARY, loan.id, [rows[0].id], "staff:ana", early)
    )
    await migrated.write(
        lambda c: request_messages.mark_messages_read(
            c, LIBRARY, loan.id, [rows[0].id, rows[1].id], "staff:björn", late
        )
    )

    marks = await migrated.read(lambda c: request_messages.list_read_marks(c, LIBRARY, loan.id))
    assert marks == (
        ReadMark(rows[0].id, early, "staff:ana"),
        ReadMark(rows[1].id, late, "staff:björn"),
        ReadMark(rows[2].id, None, ""),
    )


async def test_unread_ones_by_kind_and_supplier(migrated: Store) -> None:
    loan, other = await stored(migrated, borrowing()), await stored(migrated, borrowing())
    message = await come(migrated, loan, 1, attempt=1)
    condition = await come(migrated, loan, 2, EventKind.CONDITIONAL, attempt=2)
    await come(migrated, other, 3)

    async def ids(*args: object) -> frozenset[str]:
        return await migrated.read(lambda c: request_messages.find_unread_ids(c, LIBRARY, loan.id, *args))  # type: ignore[arg-type]

    assert await ids() == {message.id, condition.id}
    assert await ids({EventKind.CONDITIONAL}) == {condition.id}
    assert await ids(None, 1) == {message.id}
    assert await ids({EventKind.CONDITIONAL}, 1) == set()


async def test_they_are_counted_by_library_and_side_with_the_oldest(migrated: Store) -> None:
    loan, lent = await stored(migrated, borrowing()), await stored(migrated, lending())
    first = await come(migrated, loan, 1)
    second = await come(migrated, loan, 2)
    last = await come(migrated, lent, 3)
    await migrated.write(
        lambda c: request_messages.mark_messages_read(c, LIBRARY, loan.id, [first.id], "staff:ana", AT)
    )

    counts = await migrated.read(request_messages.count_unread_messages)

    assert counts == {
        (LIBRARY, Role.BORROWING): UnreadCount(1, second.at),
        (LIBRARY, Role.LENDING): UnreadCount(1, last.at),
    }

"""Messages between the partner and us about a request: who has read them, which of them nobody has.

A mark belongs to the house: what one of the staff has read is read for all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.request_messages import (
    find_answered_messages,
    is_message_sent,
    is_message_to_read,
    update_unread_flag,
)
from gateway.domain.requests.views import MessageView, NotFound, ResultPage
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.attempts import says_refused
from gateway.services.requests.effects import PARTNER
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import history, outbox_queries, request_messages, requests
from gateway.store.requests.history import EventRow
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_messages import ReadMark
from gateway.store.requests.request_rows import parse_message

MAX_SENDINGS = 200
"""Rows of the outbox of one request among which its messages are looked for, newest first."""


def track_message(
    connection: Transaction, context: LibraryContext, before: Request, request: Request, row: EventRow
) -> Request:
    """The request with its flag as it is after the event: a partner's message is unread, an answer of ours reads what
    it answers. `row`: of the event, in the transaction that stores both; `before`: the request before it; `request`:
    after it, not stored yet; the same where the message doesn't fit, but is to be read even so."""
    event = row.event
    if is_message_to_read(event, before, row.denied):
        request_messages.add_message(connection, request.role, row)
        return update_unread_flag(request, [row.id])
    answered = find_answered_messages(request, event)
    if answered is None:
        return request
    symbol = context.symbol
    read = request_messages.find_unread_ids(connection, symbol, request.id, answered.kinds, answered.attempt)
    if not read:
        return request
    request_messages.mark_messages_read(connection, symbol, request.id, read, event.actor, row.at)
    return update_unread_flag(request, request_messages.find_unread_ids(connection, symbol, request.id))


@value_object
class MessageService:
    """Staff's view of the messages."""

    context: LibraryContext

    async def list_unread(self, role: Role | None, limit: int, cursor: str) -> ResultPage[MessageView]:
        """List the messages of all requests (`role`: of this side only), oldest first."""
        roles = (role,) if role is not None else tuple(Role)
        page = await self.context.store.read(
            lambda c: request_messages.list_unread_messages(c, self.context.symbol, roles, limit, cursor)
        )
        return ResultPage(tuple(_build_received_view(line.request, line.row) for line in page.messages), page.cursor)

    async def list_messages(self, request_id: str) -> Sequence[MessageView]:
        """All of one request, theirs and ours, oldest first. Raises NotFound."""
        return await self.context.store.read(lambda c: load_messages(c, self.context, request_id))

    async def mark_read(self, request_id: str, message_ids: Collection[str], actor: str) -> Sequence[MessageView]:
        """All messages of the request afterwards. `message_ids`: which are read now; what somebody has read before
        stays as it is. The request keeps its version: whoever is at work on it isn't held up.

        Raises NotFound, also for an id that is no message of a partner about this request; then none is marked.
        """

        def write_marks(connection: Transaction) -> Sequence[MessageView]:
            mark_messages_read(connection, self.context, request_id, message_ids, actor)
            return load_messages(connection, self.context, request_id)

        return await self.context.store.write(write_marks)


def mark_messages_read(
    connection: Transaction, context: LibraryContext, request_id: str, message_ids: Collection[str], actor: str
) -> None:
    """Mark messages as read; raises NotFound, as `MessageService.mark_read`."""
    symbol = context.symbol
    request = requests.lock_request(connection, symbol, request_id)
    if request is None:
        raise NotFound("request")
    known = {mark.event_id for mark in request_messages.list_read_marks(connection, symbol, request_id)}
    if not known.issuperset(message_ids):
        raise NotFound("message")
    request_messages.mark_messages_read(connection, symbol, request_id, message_ids, actor, context.now())
    flagged = update_unread_flag(request, request_messages.find_unread_ids(connection, symbol, request_id))
    if flagged is not request:
        requests.amend_request(connection, flagged)


def load_messages(connection: Transaction, context: LibraryContext, request_id: str) -> Sequence[MessageView]:
    """Load the messages; raises NotFound."""
    request = requests.load_request(connection, context.symbol, request_id)
    if request is None:
        raise NotFound("request")
    return build_message_views(
        connection, context, request, history.list_events_of_request(connection, context.symbol, request_id)
    )


def build_message_views(
    connection: Transaction, context: LibraryContext, request: Request, rows: Sequence[EventRow]
) -> tuple[MessageView, ...]:
    """`rows`: the request's history, oldest first."""
    marks = {mark.event_id: mark for mark in request_messages.list_read_marks(connection, context.symbol, request.id)}
    sent = {row.id for row in rows if _is_row_sent(request, row)}
    sendings = _find_sendings(connection, context, request) if sent else {}
    return tuple(
        _build_sent_view(request, row, sendings)
        if row.id in sent
        else _build_received_view(request, row, marks[row.id])
        for row in rows
        if row.id in sent or row.id in marks
    )


def _is_row_sent(request: Request, row: EventRow) -> bool:
    return not row.denied and is_message_sent(request.role, row.before, row.event)


def _build_received_view(request: Request, row: EventRow, mark: ReadMark | None = None) -> MessageView:
    """`mark` None: nobody has read it."""
    return MessageView(
        id=row.id,
        request=request,
        at=row.at,
        event=row.event,
        ours=False,
        denied=row.denied,
        read_at=mark.read_at if mark is not None else None,
        read_by=mark.read_by if mark is not None else "",
    )


SentKey = tuple[EventKind, datetime]
"""Of the event that a partner is told of: a message in the outbox has its kind and moment."""


def _build_sent_view(request: Request, row: EventRow, sendings: Mapping[SentKey, str]) -> MessageView:
    return MessageView(
        id=row.id,
        request=request,
        at=row.at,
        event=row.event,
        ours=True,
        sending=sendings.get((row.event.kind, row.event.at), ""),
    )


def _find_sendings(connection: Transaction, context: LibraryContext, request: Request) -> Mapping[SentKey, str]:
    """Find how far the outbox has come with what partners are told."""
    page = outbox_queries.list_rows_of_kind(connection, context.symbol, PARTNER, request.id, MAX_SENDINGS)
    messages = ((parse_message(row.payload), _find_sending(row)) for row in page.rows)
    return {(message.kind, message.at): sending for message, sending in messages}


def _find_sending(row: OutboxRow) -> str:
    """Find the status of a message; it is refused also where something else has followed from that by itself."""
    return (OutboxStatus.REFUSED if says_refused(row.note) else row.status).value

"""Messages to a partner that its own words have overtaken: they have arrived, so they are not sent again."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.requests.events import Event
from gateway.domain.requests.request import Role
from gateway.domain.requests.request_messages import SAID_ANEW, has_been_answered, may_answer_earlier, proves_arrival
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.requests.effects import PARTNER, add_next_part
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import history, order_batches, outbox_decisions, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message

ANSWERED = "answered by the partner"
"""Note of such a row."""


def list_tried_messages(
    connection: Transaction, context: LibraryContext, request_id: str, profile: str
) -> tuple[OutboxRow, ...]:
    """Those to this partner that have gone out, maybe, and are to go again. One that is in hand ends when it is tried
    next, if it is answered."""
    return tuple(
        row
        for row in outbox_queries.unfinished_of_request(connection, context.symbol, request_id)
        if row.kind == PARTNER
        and row.target == profile
        and row.status is not OutboxStatus.IN_HAND
        and (row.tries or row.error)
    )


def end_answered_messages(
    connection: Transaction, context: LibraryContext, tried: Iterable[OutboxRow], event: Event
) -> None:
    """End messages that are answered, in the transaction of the partner's event. `tried`: before it."""
    for row in tried:
        message = parse_message(row.payload)
        if message.part:  # behind the first: no answer shows that it has arrived
            continue
        if message.at <= event.at and _has_arrived(connection, context, row, message, event):
            done = OutboxStatus.DONE
            if not outbox_decisions.end_row(connection, context.symbol, row.id, done, ANSWERED, context.now()):
                continue  # the event itself has ended it
            order_batches.forget_order_file(connection, context.symbol, row.id)
            add_next_part(connection, context, message)


def _has_arrived(
    connection: Transaction, context: LibraryContext, row: OutboxRow, message: PartnerMessage, event: Event
) -> bool:
    kind, role, attempt = message.kind, message.role, find_attempt_number(message)
    if not proves_arrival(event, kind, role, attempt):
        return False
    if kind not in SAID_ANEW:
        return True
    return not may_answer_earlier(_load_events(connection, context, row), kind, role, attempt, message.at)


def _load_events(connection: Transaction, context: LibraryContext, row: OutboxRow) -> list[Event]:
    return [event_row.event for event_row in history.list_events_of_request(connection, context.symbol, row.request_id)]


def is_answered(connection: Transaction, context: LibraryContext, row: OutboxRow, message: PartnerMessage) -> bool:
    """Return whether the partner has answered a message that is in hand for a further try."""
    if message.part:
        return False
    events = _load_events(connection, context, row)
    return has_been_answered(events, message.kind, message.role, find_attempt_number(message), message.at)


def was_tried_before(row: OutboxRow) -> bool:
    """Return whether a row in hand, whose own try counts, was tried before."""
    return row.tries > 1 or bool(row.error)


def find_attempt_number(message: PartnerMessage) -> int:
    """Find the number of the supplier that it goes to; 0 as a lender."""
    if message.role is not Role.BORROWING:
        return 0
    attempt = message.request.find_attempt_of_transaction(message.transaction)
    return attempt.number if attempt is not None else 0

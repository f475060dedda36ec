"""A request forgets its patron: its history, its rows of the outbox, mails, and the contents of messages about it, in
the transaction of the event that says so.

What still waits to go out is waited for, since a letter needs its reader (`find_forgetting_delay`). What is stuck for
good goes on without people: a message to a partner keeps its event and loses its words, and those of the error; a
letter is not written any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.stored_fields import FIELD_CLASSES, FieldClass, forget_people
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.attempts import replace_report
from gateway.services.outbox.webhooks import KIND as WEBHOOK
from gateway.services.requests.conversations import names_of_request
from gateway.services.requests.deadlines import timer_due
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER
from gateway.services.requests.library_context import DESK, LibraryContext
from gateway.store import journal_queries, library_changes, mailbox
from gateway.store.journal_records import mark_patron
from gateway.store.requests import (
    history,
    order_batches,
    outbox,
    outbox_decisions,
    outbox_queries,
    request_figures,
    timers,
)
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.outbox_payloads import LetterPayload, parse_desk_payload, parse_letter_payload
from gateway.store.requests.request_rows import UnreadableDocumentError, dump_message, parse_message

RETRY = timedelta(minutes=10)
"""After so long it is looked again whether all has gone out."""

MAX_DELAY = timedelta(days=7)
"""So long at most what waits to go out is waited for."""

MAX_ROWS = 1_000
"""Of a request in the outbox."""

FORGOTTEN = write_sentence("The request was anonymised")

MESSAGE_CLASSES: Mapping[type, Mapping[str, FieldClass]] = {
    **FIELD_CLASSES,
    PartnerMessage: {
        "sender": FieldClass.LIBRARY,
        **dict.fromkeys(("id", "transaction", "items_told"), FieldClass.NUMBER),
    },
}
"""With messages to partners, whose sender is our library."""


def find_forgetting_delay(connection: Transaction, context: LibraryContext, request: Request) -> datetime | None:
    """Find when to try again, since something about the request is still to go out; None: it can forget its patron
    now."""
    now, days = context.now(), context.policy().retention.anonymise_days
    if now >= request.changed + timedelta(days=days) + MAX_DELAY:
        return None
    return now + RETRY if outbox_queries.has_rows_to_go(connection, context.symbol, request.id, WEBHOOK) else None


def forget_late_words(connection: Transaction, context: LibraryContext, request: Request, event: Event) -> None:
    """Forget what is said of a closed request that has forgotten already, when as many days are over again."""
    running = {timer.timer for timer in timers.list_timers_of_request(connection, context.symbol, request.id)}
    if event.kind is EventKind.ANONYMISED or TimerKind.ANONYMISE in running:
        return
    at = timer_due(context, TimerKind.ANONYMISE, request, context.now())
    if at is not None:
        timers.start_timer(connection, context.symbol, request.id, TimerKind.ANONYMISE, at)


def forget_patron_in(connection: Transaction, context: LibraryContext, request: Request) -> None:
    """`request`: as it was before it forgot its patron."""
    library = context.symbol
    history.forget_people_in_history(connection, library, request.id)
    request_figures.forget_words_of_reasons(connection, request)
    for row in outbox_queries.unfinished_of_request(connection, library, request.id, MAX_ROWS):
        _forget_row(connection, context, row)
    outbox.forget_ended_rows(connection, library, request.id)
    mailbox.forget_contents_of_request(connection, library, request.id)
    names = names_of_request(request)
    library_changes.forget_changes_of_request(connection, library, names, _list_barcodes(request))
    marks = set(_list_marks((request.patron, request.direct_patron), library))
    if request.role is Role.BORROWING:  # of the same patron, by whatever number a partner knows them
        marks |= journal_queries.list_patron_marks(connection, library, names)
    journal_queries.forget_bodies_about_request(connection, library, names)
    for mark in sorted(marks):  # messages of circulation, which are about no request
        journal_queries.forget_bodies_about_patron(connection, library, mark)


def _list_barcodes(request: Request) -> frozenset[str]:
    volumes = (volume.barcode for volume in request.volumes)
    pieces = (piece for attempt in request.attempts for piece in attempt.pieces)
    return frozenset(filter(None, (request.item_barcode, *volumes, *pieces)))


def _list_marks(patrons: Iterable[PatronLink], library: str) -> Iterator[str]:
    numbers = (number for patron in patrons for number in (patron.identifier, patron.id))
    return filter(None, (mark_patron(library, number) for number in numbers))


def _forget_row(connection: Transaction, context: LibraryContext, row: OutboxRow) -> None:
    if row.kind == LETTER and row.status is not OutboxStatus.IN_HAND:
        outbox_decisions.skip_row(connection, row.library, row.id, FORGOTTEN, "timer", context.now())
        return
    try:
        payload = _forget_people_in_payload(context, row)
    except (UnreadableDocumentError, ValueError, KeyError, TypeError):  # staff have edited it: no handler reads it
        outbox_decisions.skip_row(connection, row.library, row.id, FORGOTTEN, "timer", context.now())
        return
    error = replace_report(row.error, FORGOTTEN)  # a library system's own words may name its patron
    if (payload, error) != (row.payload, row.error):
        outbox.replace_texts(connection, row.library, row.id, payload, error)
    for id_ in (row.id, order_batches.file_id_of_order(row)):
        order_batches.forget_order_file(connection, row.library, id_)


def _forget_people_in_payload(context: LibraryContext, row: OutboxRow) -> str:
    """Forget people in the payload of a row that stays. Raises UnreadableDocumentError, ValueError, KeyError,
    TypeError."""
    if row.kind in (PARTNER, ORDER):
        message = forget_people(parse_message(row.payload), MESSAGE_CLASSES)
        return dump_message(replace(message, receiver=context.add_addresses_of_profile(message.receiver)))
    if row.kind == LETTER:
        letter = parse_letter_payload(row.payload)
        return LetterPayload(forget_people(letter.event), forget_people(letter.request)).to_json()
    if row.kind == LIBRARY and row.target.startswith(f"{DESK}:"):
        desk = parse_desk_payload(row.payload)
        undo = desk.undo and replace(desk.undo, before=forget_people(desk.undo.before))
        return replace(desk, event=forget_people(desk.event), undo=undo).to_json()
    return row.payload

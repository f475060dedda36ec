"""What a delivery to a partner leaves on the request: the partner's number, what was altered, a refusal."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.problems import Refusal
from gateway.domain.requests.event_words import EVENT_WORDS
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.request import (
    Request,
    Role,
)
from gateway.domain.requests.request_updates import replace_attempt
from gateway.domain.sentences import write_sentence
from gateway.ports.partner_channel import (
    DeliveryResult,
    PartnerMessage,
)
from gateway.ports.shared_store import Transaction
from gateway.services.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import history, requests
from gateway.store.requests.history import EventRow
from gateway.store.schema import make_exchange_id

ACTOR = "outbox"


def record_delivery_result(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, delivered: DeliveryResult
) -> None:
    """In the transaction that ends the message. An answer to what became no request has none that it could concern."""
    if not message.request.id:
        return
    if delivered.external:
        _add_external_number(connection, context, message, delivered)
    if delivered.altered:
        _record_alteration(connection, context, message, delivered.altered)
    if delivered.refused is not None:
        _apply_refusal(connection, context, message, delivered.refused)


def _apply_refusal(connection: Transaction, context: LibraryContext, message: PartnerMessage, refused: Refusal) -> None:
    """It comes onto the request; a request that the partner can't take goes to the next."""
    rejected = message.kind is EventKind.REQUEST and message.role is Role.BORROWING
    signal = partner_signal(EventKind.REJECTED) if rejected else local_signal(EventKind.TROUBLE)
    attempt = _attempt_of_message(message) if message.role is Role.BORROWING else 0
    details = EventDetails(reason=refused.reason.value, note=refused.detail)
    event = Event(signal, context.now(), f"partner:{message.receiver.symbol}", details, attempt)
    apply_event_in(connection, context, EventRequest(request_id=message.request.id, event=event))


def _attempt_of_message(message: PartnerMessage) -> int:
    return next((one.number for one in message.request.attempts if one.transaction == message.transaction), 0)


def _add_external_number(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, delivered: DeliveryResult
) -> None:
    """Later messages may be answered with the same number: it is told once. The request keeps its version, so that
    whoever is at work on it isn't held up."""
    number = delivered.external
    request = requests.lock_request(connection, context.symbol, message.request.id)
    if request is None or number in request.external:
        return
    attempt = request.find_attempt(_attempt_of_message(message)) if message.role is Role.BORROWING else None
    if attempt is not None:
        request = replace_attempt(request, replace(attempt, theirs=number))
    requests.amend_request(connection, replace(request, external=(*request.external, number)))
    _add_delivery_note(connection, context, message, request, delivered.note or number)


def _record_alteration(connection: Transaction, context: LibraryContext, message: PartnerMessage, altered: str) -> None:
    """Into the history alone: the request is as it was, whoever is at work on it."""
    request = requests.load_request(connection, context.symbol, message.request.id)
    if request is not None:
        _add_delivery_note(connection, context, message, request, altered)


def _add_delivery_note(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, request: Request, text: str
) -> None:
    now = context.now()
    note = write_sentence(
        "%(event)s to %(partner)s: %(report)s",
        event=EVENT_WORDS[message.kind],
        partner=context.name_of_partner(message.receiver.profile),
        report=text,
    )
    row = EventRow(
        id=make_exchange_id(now),
        library=context.symbol,
        request_id=request.id,
        at=now,
        event=Event(local_signal(EventKind.NOTE), now, ACTOR, EventDetails(note=note)),
        before=request.state.value,
        after=request.state.value,
    )
    history.add_history_event(connection, row)

"""Results of a delivery to a partner: the partner's number, what was altered, a refusal."""

from __future__ import annotations

from gateway.domain.problems import Refusal, RefusalReason
from gateway.domain.requests.attempt_updates import replace_attempt
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventSignal,
    ReasonCodes,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.partner_notes import write_partner_note
from gateway.domain.requests.request import (
    BorrowingState,
    Request,
    Role,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import (
    DeliveryResult,
    PartnerMessage,
    is_limited,
)
from gateway.ports.shared_store import Transaction
from gateway.services.requests.answered_messages import find_attempt_number
from gateway.services.requests.effects import PARTNER, new_outbox_row
from gateway.services.requests.history_rows import add_history_note
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import outbox, requests
from gateway.store.requests.request_rows import dump_message
from gateway.store.schema import make_exchange_id

ACTOR = "outbox"


def record_delivery_result(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, delivered: DeliveryResult
) -> None:
    """Record a result in the transaction that ends the message. An answer to what became no request has none that it
    could concern."""
    if not message.request.id:
        return
    if delivered.external:
        _add_external_number(connection, context, message, delivered)
    if delivered.altered:
        _record_alteration(connection, context, message, delivered.altered)
    if delivered.refused is not None:
        _apply_refusal(connection, context, message, delivered.refused)


def _apply_refusal(connection: Transaction, context: LibraryContext, message: PartnerMessage, refused: Refusal) -> None:
    """It comes onto the request. A request that the partner can't take goes to the next, and so does one whose offer
    can't be declined behind a broker; a renewal that it never grants is refused; what else its system never takes is
    told to its staff in words."""
    details = EventDetails(reason=refused.reason.value, note=refused.detail)
    is_unsupported = refused.reason is RefusalReason.UNSUPPORTED_SERVICE
    is_asked = message.kind is EventKind.REQUEST and message.role is Role.BORROWING
    if is_asked or (is_unsupported and _is_waiting_behind(connection, context, message)):
        _apply_partner_event(connection, context, message, partner_signal(EventKind.REJECTED), details)
    elif is_unsupported and message.kind is EventKind.RENEW:
        _add_refusal_note(connection, context, message, refused)
        details = EventDetails(reason=ReasonCodes.POLICY.value, renewals_allowed=False)
        _apply_partner_event(connection, context, message, partner_signal(EventKind.RENEW_REFUSED), details)
    elif is_unsupported and (words := _write_words(context, message)):
        _add_refusal_note(connection, context, message, refused)
        at = context.now()
        notice = replace(
            message, id=make_exchange_id(at), kind=EventKind.MESSAGE, at=at, details=EventDetails(note=words)
        )
        row = new_outbox_row(message.request, PARTNER, message.receiver.profile, dump_message(notice), at, notice.id)
        outbox.add_outbox_row(connection, row)
    else:
        _apply_partner_event(connection, context, message, local_signal(EventKind.TROUBLE), details)


def is_refusal_for_staff(context: LibraryContext, message: PartnerMessage, refused: Refusal) -> bool:
    """Return whether nothing follows from it by itself."""
    if not message.request.id or (message.kind is EventKind.REQUEST and message.role is Role.BORROWING):
        return False
    is_unsupported = refused.reason is RefusalReason.UNSUPPORTED_SERVICE
    is_followed = message.kind is EventKind.RENEW or _is_said_behind(message) or bool(_write_words(context, message))
    return not (is_unsupported and is_followed)


def _is_said_behind(message: PartnerMessage) -> bool:
    """Return whether it ends the turn of one supplier alone, behind the broker that it goes to."""
    return message.kind is EventKind.CANCEL and message.details.supplier is not None


def _is_waiting_behind(connection: Transaction, context: LibraryContext, message: PartnerMessage) -> bool:
    """Return whether the request still waits for a broker to go on, which it doesn't, since its supplier takes no such
    no."""
    request = (
        requests.load_request(connection, context.symbol, message.request.id) if _is_said_behind(message) else None
    )
    attempt = request.find_attempt(find_attempt_number(message)) if request is not None else None
    if request is None or attempt is None or attempt.number != request.current:
        return False
    return request.state is BorrowingState.REQUESTED and bool(attempt.declined)


def _write_words(context: LibraryContext, message: PartnerMessage) -> str:
    """Empty: it can't be told in words, or the partner takes none."""
    profile = context.profile(message.receiver.profile)
    partner = context.partner(message.receiver.profile)
    if profile is None or partner is None:
        return ""
    channel = context.channels.get(partner.channel)
    if is_limited(channel) and not channel.has_message(EventKind.MESSAGE, message.role, profile):
        return ""
    return write_partner_note(message.kind, message.details, message.request, context.zone)


def _apply_partner_event(
    connection: Transaction,
    context: LibraryContext,
    message: PartnerMessage,
    signal: EventSignal,
    details: EventDetails,
) -> None:
    attempt = find_attempt_number(message)
    event = Event(signal, context.now(), f"partner:{message.receiver.symbol}", details, attempt)
    apply_event_in(connection, context, EventRequest(request_id=message.request.id, event=event))


def _add_refusal_note(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, refused: Refusal
) -> None:
    request = requests.lock_request(connection, context.symbol, message.request.id)
    if request is not None:
        _add_delivery_note(
            connection, context, message, request, write_sentence("refused: %(report)s", report=refused.detail)
        )


def _add_external_number(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, delivered: DeliveryResult
) -> None:
    """Later messages may be answered with the same number: it is told once. The request keeps its version, so that
    whoever is at work on it isn't held up."""
    number = delivered.external
    request = requests.lock_request(connection, context.symbol, message.request.id)
    if request is None or number in request.external:
        return
    attempt = request.find_attempt(find_attempt_number(message)) if message.role is Role.BORROWING else None
    if attempt is not None:
        request = replace_attempt(request, replace(attempt, theirs=number))
    request = replace(request, external=(*request.external, number))
    _add_delivery_note(connection, context, message, request, delivered.note or number)


def _record_alteration(connection: Transaction, context: LibraryContext, message: PartnerMessage, altered: str) -> None:
    request = requests.lock_request(connection, context.symbol, message.request.id)
    if request is not None:
        _add_delivery_note(connection, context, message, request, altered)


def _add_delivery_note(
    connection: Transaction, context: LibraryContext, message: PartnerMessage, request: Request, text: str
) -> None:
    note = write_sentence(
        "%(event)s to %(partner)s: %(report)s",
        event=EVENT_CATALOGUE[message.kind].words,
        partner=context.name_of_partner(message.receiver.profile),
        report=text,
    )
    event = Event(local_signal(EventKind.NOTE), context.now(), ACTOR, EventDetails(note=note))
    add_history_note(connection, context, request, event)

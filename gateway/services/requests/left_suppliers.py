"""Messages that nobody needs any more and that haven't gone out yet. Those to a supplier that isn't asked any more are
dropped with its attempt; what ends something there still goes out, a Cancel above all, unless the supplier can't have
heard of the request. A requester whom we broker for hears the end alone, not before it that nothing is promised now.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.requests.brokered_requests import is_no_for_now
from gateway.domain.requests.events import BROKER, EventKind
from gateway.domain.requests.request import OPEN_ATTEMPT, AttemptStatus, BorrowingState, Request, Role
from gateway.domain.requests.state_machine import Transition
from gateway.domain.requests.supplier_takeover import was_taken_over
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.attempts import can_have_arrived
from gateway.services.requests.effects import PARTNER
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import order_batches, outbox_decisions, outbox_queries
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message

NOT_ASKED = write_sentence("this supplier is no longer asked")
END_TOLD = write_sentence("the partner receives the end of the request instead")
"""Why such a row was skipped."""

_LEFT = frozenset(
    {
        AttemptStatus.UNFILLED,
        AttemptStatus.RETRY,
        AttemptStatus.EXPIRED,
        AttemptStatus.REJECTED,
        AttemptStatus.NO_ANSWER,
        AttemptStatus.CONDITION_REFUSED,
        AttemptStatus.SKIPPED,
        AttemptStatus.CANCELLED,
    }
)
_WANTS = frozenset({EventKind.REQUEST, EventKind.CONDITION_ACCEPTED, EventKind.STATUS_QUERY, EventKind.MESSAGE})
_ENDS = frozenset({EventKind.CANCEL, EventKind.CONDITION_REFUSED})


@value_object
class UnsentMessage:
    row: OutboxRow
    message: PartnerMessage
    why: Sentence = NOT_ASKED

    @property
    def is_unheard_request(self) -> bool:
        can_have_heard = bool(self.row.tries) and can_have_arrived(self.row.tries + 1, self.row.error)
        return self.message.kind is EventKind.REQUEST and not can_have_heard


def find_unsent_messages(
    connection: Transaction, context: LibraryContext, before: Request, transition: Transition
) -> tuple[UnsentMessage, ...]:
    """Find unsent messages to suppliers that this transition has left, or to libraries behind a broker that are out, or
    to a requester to whom the end is told; before its own messages are written."""
    if transition.request.role is Role.LENDING:
        return tuple(_find_words_before_end(connection, context, before, transition))
    meant = dict(_list_left_transactions(before, transition))
    if not meant:
        return ()
    return tuple(
        unsent_message
        for unsent_message in _list_unsent_to_suppliers(connection, context, transition.request)
        if unsent_message.message.kind in meant.get(unsent_message.message.transaction, ())
    )


def drop_unsent_messages(
    connection: Transaction, context: LibraryContext, transition: Transition, messages: tuple[UnsentMessage, ...]
) -> None:
    """`found`: by `find_unsent_messages`; after the transition's own messages are written."""
    unheard = {unsent_message.message.transaction for unsent_message in messages if unsent_message.is_unheard_request}
    if unheard:
        row_ids = {message.row.id for message in messages}
        messages += tuple(
            other
            for other in _list_unsent_to_suppliers(connection, context, transition.request)
            if other.row.id not in row_ids and other.message.transaction in unheard and other.message.kind in _ENDS
        )
    for unsent in messages:
        now, actor = context.now(), transition.event.actor
        outbox_decisions.skip_row(connection, context.symbol, unsent.row.id, unsent.why, actor, now)
        order_batches.forget_order_file(connection, context.symbol, unsent.row.id)


def send_words_of_search(
    connection: Transaction, context: LibraryContext, before: Request, transition: Transition
) -> None:
    """Another supplier is asked, or none is looked for any more: the requester whom we broker for hears it now."""
    leg = before.other_leg
    is_over = before.state is BorrowingState.SOURCING and transition.changes_state and bool(before.attempts)
    if not is_over or leg is None:
        return
    for unsent_message in _list_unsent(connection, context, leg.request_id):
        if is_no_for_now(unsent_message.message.kind, unsent_message.message.details):
            outbox_decisions.put_off_row(connection, context.symbol, unsent_message.row.id, context.now())


def _list_left_transactions(before: Request, transition: Transition) -> Iterator[tuple[str, frozenset[EventKind]]]:
    request = transition.request
    if request.role is not Role.BORROWING:
        return
    for was in before.attempts:
        now = request.find_attempt(was.number)
        if now is not None and was.status in OPEN_ATTEMPT and now.status in _LEFT:
            yield was.transaction, _WANTS
    attempt = request.attempt
    if attempt is not None and attempt.status in OPEN_ATTEMPT and was_taken_over(request, transition.event):
        yield attempt.transaction, frozenset({EventKind.CONDITION_ACCEPTED})


def _find_words_before_end(
    connection: Transaction, context: LibraryContext, before: Request, transition: Transition
) -> Iterator[UnsentMessage]:
    """Those that say that another is asked, where the broker ends the request, unless a supplier's words are in it."""
    if not before.open or transition.request.open or transition.event.actor != BROKER:
        return
    for unsent in _list_unsent(connection, context, transition.request.id):
        if is_no_for_now(unsent.message.kind, unsent.message.details) and not unsent.message.details.written:
            yield replace(unsent, why=END_TOLD)


def _list_unsent_to_suppliers(
    connection: Transaction, context: LibraryContext, request: Request
) -> Iterator[UnsentMessage]:
    return (unsent for unsent in _list_unsent(connection, context, request.id) if unsent.message.role is Role.BORROWING)


def _list_unsent(connection: Transaction, context: LibraryContext, request_id: str) -> Iterator[UnsentMessage]:
    for row in outbox_queries.unfinished_of_request(connection, context.symbol, request_id):
        if row.kind not in (PARTNER, ORDER) or row.status is OutboxStatus.IN_HAND:
            continue
        yield UnsentMessage(row, parse_message(row.payload))

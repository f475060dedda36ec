"""Rows of the outbox that are acts at the desk: the library is asked, and the event follows in the transaction that
ends the row."""

from __future__ import annotations

from collections.abc import Callable

from gateway.domain.problems import OutcomeUnknown
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import Request
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.views import UndoableAct
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.queue import HandlerResult
from gateway.services.request_work.desk_actions import perform_desk_action, undo_desk_action
from gateway.services.request_work.desk_reversals import reverse_desk_action
from gateway.services.request_work.library_calls import NOTHING_DONE
from gateway.services.requests.history_rows import add_history_note
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.services.requests.moot_steps import ACTOR, MOOT
from gateway.services.requests.outbox_row_names import name_outbox_row
from gateway.services.requests.transitions import ComputedEvent, EventRequest, apply_event_in
from gateway.services.requests.undone_acts import put_off_effects, undo_act_in
from gateway.store.requests import requests
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.outbox_payloads import parse_desk_payload


class DeskStep:
    """A row whose work is done now. `computed`: what its event does, where the request is known not to have changed
    since that was computed; `after`: the request after it, as soon as the library has said yes."""

    def __init__(self, context: LibraryContext) -> None:
        self.computed: ComputedEvent | None = None
        self.after: Request | None = None
        self._context = context

    async def handle_row(self, row: OutboxRow) -> HandlerResult:
        """Ask the library; raises Refused (the library's no), Unavailable, OutcomeUnknown, NotFound."""
        context, payload = self._context, parse_desk_payload(row.payload)
        event = payload.event
        if payload.undo is not None:
            return await _undo_act(context, row, event, payload.undo)
        computed = self.computed
        if computed is None:
            request = await require_request(context, row.request_id)
            outcome = compute_transition(request, event, context.workflow(request))
            if isinstance(outcome, Denied):
                if row.tries > 1:
                    await undo_desk_action(context, request, event, row.id)
                return HandlerResult(f"{NOTHING_DONE}{MOOT}", make_moot_note(context, row))
            computed = ComputedEvent(request, outcome)
        change = await perform_desk_action(context, computed, event, row.id)
        decides = event.kind is EventKind.RECEIVED  # of what is in transit its reader hears later
        event_request = EventRequest(
            request_id=row.request_id,
            event=event,
            prepare=change if decides else keep_request,
            complete=keep_request if decides else change,
            hold=payload.hold,
            lists_untold=payload.lists_untold,
            computed=computed,
        )

        def apply_desk_event(connection: Transaction) -> None:
            """Apply the event in the transaction that ends the row. Where another event was quicker and this one
            doesn't fit any more, the next try finds that first: it undoes what the library did, and staff find the
            row among those that failed."""
            outcome = apply_event_in(connection, context, event_request)
            if isinstance(outcome, Denied):
                raise OutcomeUnknown(write_sentence("the request changed while the library system was being called"))
            self.after = outcome.request

        return HandlerResult(event.kind.value, apply_desk_event)


async def _undo_act(context: LibraryContext, row: OutboxRow, event: Event, act: UndoableAct) -> HandlerResult:
    """Undo an act; nothing of it goes out while the library is asked. Raises Refused, Unavailable, OutcomeUnknown."""
    request = await context.store.write(lambda c: put_off_effects(c, context, act))
    leaves = await reverse_desk_action(context, request, act.before, event, row.id)

    def apply_undoing(connection: Transaction) -> None:
        outcome = undo_act_in(connection, context, act, event, leaves)
        assert not isinstance(outcome, Denied), outcome

    return HandlerResult(event.kind.value, apply_undoing)


def make_moot_note(context: LibraryContext, row: OutboxRow) -> Callable[[Transaction], None]:
    """Make the task that says in the history that the row ended without having been done, in the transaction that ends
    it. The request stays as it is, whoever is at work on it; it is locked, so that the note says the state that it is
    in."""

    def add_note(connection: Transaction) -> None:
        request = requests.lock_request(connection, context.symbol, row.request_id)
        if request is None:
            return
        what = name_outbox_row(row.kind, row.target, context)
        note = write_sentence("Not done, because it no longer applies: %(what)s", what=what)
        event = Event(local_signal(EventKind.NOTE), context.now(), ACTOR, EventDetails(note=note))
        add_history_note(connection, context, request, event)

    return add_note

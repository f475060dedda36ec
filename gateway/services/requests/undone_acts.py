"""Acts that staff undo: what would go out of them is taken out of the outbox, and the request is what it was before.

What follows from an act at a desk waits for a while (`hold_of_act`). As long as all of it still waits, nobody knows of
the act, and it can be undone. The library's system is asked first where it has done something for the act
(`desk_reversals.reverse_desk_action`); meanwhile what waits is put off, so that it can't go out in between.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.state_machine import Denied, Transition
from gateway.domain.requests.take_back import restore_request
from gateway.domain.requests.views import NotFound, UndoableAct
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import DESK, LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import history, outbox_decisions, outbox_queries, request_figures, requests
from gateway.store.requests.outbox import OutboxRow, OutboxStatus

PUT_OFF = timedelta(minutes=5)
"""More than a try of the library's system may take."""

MAX_ROWS = 100
"""Of a request's rows in the outbox so many of the newest are looked at."""


class GoneOutError(Refused):
    """Somebody has been told of the act already, or is being told."""

    def __init__(self) -> None:
        super().__init__(
            RefusalReason.NOT_ALLOWED,
            write_sentence("This can no longer be undone, because messages about it have been sent."),
            about=MessagePart.REQUEST,
        )


def hold_of_act(context: LibraryContext, request: Request, kind: EventKind) -> timedelta:
    """Return how long nothing goes out of what follows from an act at a desk. What we broker goes on at once."""
    holds = request.other_leg is None and request.role in EVENT_CATALOGUE[kind].undoable
    return timedelta(seconds=context.policy().desks.undo_seconds if holds else 0)


def put_off_effects(connection: Transaction, context: LibraryContext, act: UndoableAct) -> Request:
    """The request, of which nothing goes out for PUT_OFF. Raises NotFound, Refused as `undo_act_in`."""
    request = _lock_undoable(connection, context, act)
    for row in _list_waiting_effects(connection, context, act):
        outbox_decisions.put_off_row(connection, context.symbol, row.id, context.now() + PUT_OFF)
    return request


def undo_act_in(
    connection: Transaction,
    context: LibraryContext,
    act: UndoableAct,
    event: Event,
    prepare: Callable[[Request], Request] = keep_request,
) -> Transition | Denied:
    """Undo an act inside a transaction. `prepare`: what the library's yes leaves on the request. Raises NotFound,
    Refused (somebody has gone on with it, or something has gone out)."""
    _lock_undoable(connection, context, act)
    for row in _list_waiting_effects(connection, context, act):
        outbox_decisions.skip_row(connection, context.symbol, row.id, "undone", event.actor, context.now())
    outcome = apply_event_in(
        connection,
        context,
        EventRequest(
            request_id=act.before.id,
            event=event,
            expected=act.version,
            prepare=lambda request: prepare(restore_request(request, act.before)),
        ),
    )
    if isinstance(outcome, Transition):
        request_figures.withdraw_supply(connection, outcome.request)
    return outcome


def _lock_undoable(connection: Transaction, context: LibraryContext, act: UndoableAct) -> Request:
    request = requests.lock_request(connection, context.symbol, act.before.id)
    if request is None:
        raise NotFound("request")
    if request.version != act.version:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "This can no longer be undone: the request has changed since.",
            about=MessagePart.REQUEST,
        )
    return request


def _list_waiting_effects(connection: Transaction, context: LibraryContext, act: UndoableAct) -> tuple[OutboxRow, ...]:
    """List what follows from the act outside: rows that were made as it was done. Raises GoneOutError where one of them
    has been tried."""
    effects = list_effect_rows(connection, context, act.before.id, act.kind)
    if any(row.status is not OutboxStatus.WAITING or row.tries for row in effects):
        raise GoneOutError
    return effects


def list_effect_rows(
    connection: Transaction, context: LibraryContext, request_id: str, kind: EventKind
) -> tuple[OutboxRow, ...]:
    """List the rows of the last act of this kind."""
    events = history.list_events_of_request(connection, context.symbol, request_id)
    done = next((row.event for row in reversed(events) if row.event.kind is kind and not row.denied), None)
    rows = outbox_queries.list_rows_of_request(connection, context.symbol, request_id, MAX_ROWS).rows
    return tuple(
        row for row in rows if done is not None and row.created == done.at and not row.target.startswith(f"{DESK}:")
    )

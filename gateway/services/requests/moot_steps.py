"""Steps that have become moot: what they wanted has happened, or can't happen any more. They end by themselves."""

from __future__ import annotations

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.state_table import LibraryAction
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.attempts import says_refused
from gateway.services.requests.effects import LIBRARY
from gateway.services.requests.library_context import DESK, LibraryContext
from gateway.store.requests import outbox_decisions, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.outbox_payloads import parse_desk_payload

MOOT = write_sentence("no longer applies")
"""Note of such a row."""

ACTOR = "outbox"

_FOR_OPEN_REQUESTS = frozenset(
    {
        LibraryAction.PLACE_HOLD.value,
        LibraryAction.SET_DUE_DATE.value,
        LibraryAction.RECALL_PATRON.value,
        LibraryAction.SET_LENDER_DUE.value,
        LibraryAction.RECALL_LOAN.value,
    }
)
"""Calls to the library that nobody needs of a closed request."""


def end_moot_steps(connection: Transaction, context: LibraryContext, request: Request) -> None:
    """End steps of a request that has just closed: those that the library refused, and that have no place in it any
    more. What may have been done all the same is for staff to see."""
    for row in outbox_queries.unfinished_of_request(connection, context.symbol, request.id):
        was_refused = row.status is OutboxStatus.DEAD and says_refused(row.error)
        if row.kind == LIBRARY and was_refused and _is_moot(context, request, row):
            outbox_decisions.skip_row(connection, context.symbol, row.id, MOOT, ACTOR, context.now())


def _is_moot(context: LibraryContext, request: Request, row: OutboxRow) -> bool:
    if not row.target.startswith(f"{DESK}:"):
        return row.target in _FOR_OPEN_REQUESTS
    event = parse_desk_payload(row.payload).event
    if event.kind is EventKind.UNDONE:
        return True
    return isinstance(compute_transition(request, event, context.workflow(request)), Denied)

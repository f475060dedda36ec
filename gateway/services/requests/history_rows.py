"""The one place that makes rows of histories. Each stands behind the request's last one: nodes' clocks agree to a tenth
of a second, and two of them may be at work on a request within less."""

from __future__ import annotations

from gateway.domain.requests.events import Event
from gateway.domain.requests.request import Request
from gateway.domain.value import replace
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import history, requests
from gateway.store.requests.history import EventRow
from gateway.store.schema import make_exchange_id, next_moment_after


def make_history_row(
    context: LibraryContext, event: Event, before: Request, after: Request, denied: str = ""
) -> EventRow:
    """`before` is locked, or new; whoever adds the row saves `after` with it as its `last_event`. Its id says when the
    row was made: the library may say yes long after the event (`event.at`), and who follows the history by id must not
    miss it."""
    at = context.now()
    id_ = make_exchange_id(at)
    if id_ <= before.last_event:
        at = next_moment_after(before.last_event)
        id_ = make_exchange_id(at)
    return EventRow(
        id=id_,
        library=context.symbol,
        request_id=before.id,
        at=at,
        event=event,
        before=before.state.value,
        after=after.state.value,
        denied=denied,
    )


def add_history_note(
    connection: Transaction, context: LibraryContext, request: Request, event: Event, denied: str = ""
) -> None:
    """A row of what leaves the state of the request, which is locked, as it is."""
    amend_with_row(connection, request, make_history_row(context, event, request, request, denied))


def amend_with_row(connection: Transaction, request: Request, row: EventRow) -> None:
    """The request keeps its version, so that whoever is at work on it isn't held up."""
    history.add_history_event(connection, row)
    requests.amend_request(connection, replace(request, last_event=row.id))

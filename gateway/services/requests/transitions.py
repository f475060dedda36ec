"""apply_event: the one way a request changes; expired timers as events.

load → apply (domain) → due date of the patron → save → history → outbox → timers
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.due_dates import local_day
from gateway.domain.problems import MessagePart, Refusal, RefusalReason
from gateway.domain.requests.events import Event, EventDetails, EventKind, EventOrigin
from gateway.domain.requests.request import Request
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.domain.requests.state_table import DenialReason, TimerKind, expired_timer_signal
from gateway.domain.requests.views import EventDenied, HistoryLine, NotFound, VersionConflict
from gateway.domain.value import keyword_value
from gateway.services.requests.deadlines import completed
from gateway.services.requests.effects import follow
from gateway.services.requests.library_context import House, require_request
from gateway.services.webhooks import announce
from gateway.store.requests import history, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.timers import TimerRow
from gateway.store.schema import make_exchange_id


def as_it_is(request: Request) -> Request:
    return request


@keyword_value
class Happening:
    """`expected`: the version that whoever caused this has seen (None: whatever it is). `prepare` adds what goes along
    (the attempt of a request to a supplier)."""

    request_id: str
    event: Event
    expected: int | None = None
    prepare: Callable[[Request], Request] = as_it_is


async def happen(house: House, happening: Happening) -> Transition:
    """Raises NotThere, NotNow, Outdated."""
    transition = must_fit(await house.store.write(lambda c: happen_in(c, house, happening)))
    house.wake_outbox()
    return transition


def must_fit(outcome: Transition | Denied) -> Transition:
    """Raises NotNow."""
    if isinstance(outcome, Denied):
        raise EventDenied(outcome)
    return outcome


def refusal_of(denied: Denied) -> Refusal:
    """A denied event as it is told to a partner."""
    reason = RefusalReason.REQUEST_CLOSED if denied.why is DenialReason.ENDED else RefusalReason.NOT_ALLOWED
    return Refusal(reason, denied.detail, MessagePart.REQUEST)


def happen_in(connection: Connection, house: House, happening: Happening) -> Transition | Denied:
    """Inside a transaction. What is denied changes nothing; a partner's message is kept in the history even so.

    Raises NotThere, Outdated.
    """
    event = happening.event
    request = requests.lock_request(connection, house.symbol, happening.request_id)
    if request is None:
        raise NotFound("request")
    if happening.expected is not None and happening.expected != request.version:
        raise VersionConflict(request.version)
    prepared = happening.prepare(request)
    outcome = compute_transition(prepared, event, house.workflow(prepared))
    if isinstance(outcome, Denied):
        if event.signal.origin is EventOrigin.PARTNER:
            history.add_history_event(connection, _row(house, event, request, request, outcome.detail))
        return outcome
    if event.signal.origin is EventOrigin.TIMER and outcome.kept:  # a timer whose time is over leaves no trace
        return replace(outcome, request=request)
    transition = replace(outcome, request=completed(house, request, outcome.request))
    requests.save_request(connection, transition.request)
    row = _row(house, event, request, transition.request, "")
    history.add_history_event(connection, row)
    announce(connection, house.symbol, line_of(row), event.at)
    follow(connection, house, transition)
    return transition


def kept_denied(connection: Connection, house: House, request: Request, event: Event, why: str) -> None:
    """A partner's message that its protocol doesn't allow now, in the history of the request that it is about."""
    history.add_history_event(connection, _row(house, event, request, request, why))


def _row(house: House, event: Event, before: Request, after: Request, denied: str) -> EventRow:
    """Its id says when the row was made: the library may say yes long after the event (`event.at`), and who follows
    the history by id must not miss it."""
    now = house.now()
    return EventRow(
        id=make_exchange_id(now),
        library=house.symbol,
        request_id=before.id,
        at=now,
        event=event,
        before=before.state.value,
        after=after.state.value,
        denied=denied,
    )


def line_of(row: EventRow) -> HistoryLine:
    return HistoryLine(row.id, row.request_id, row.at, row.event, row.before, row.after, row.denied, row.note)


async def fire(house: House, row: TimerRow) -> None:
    """The event and the end of the timer in one transaction. Raises Unavailable."""
    try:
        request = await require_request(house, row.request_id)
    except NotFound:  # its request is gone: nothing is left to happen
        await house.store.write(lambda c: timers.take_timer(c, row))
        return
    event = _event(house, request, row.timer)

    def apply_timer_event(connection: Connection) -> None:
        # Ended first: the event may set the same timer anew.
        if not timers.take_timer(connection, row):
            return
        outcome = happen_in(connection, house, Happening(request_id=row.request_id, event=event))
        assert not isinstance(outcome, Denied), outcome

    await house.store.write(apply_timer_event)
    house.wake_outbox()


def _event(house: House, request: Request, timer: TimerKind) -> Event:
    workflow = house.workflow(request)
    signal, details = expired_timer_signal(timer, workflow), EventDetails()
    if signal.kind is EventKind.RENEW_ACCEPTED:
        until = local_day(request.terms.lender_due, house.zone) or house.today()
        details = EventDetails(due=until + timedelta(days=workflow.borrowing.renewal_fallback_days))
    return Event(signal, house.now(), "timer", details)

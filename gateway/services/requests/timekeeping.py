"""A timer has run out: what it means is the workflow's to say."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.due_dates import local_day
from gateway.domain.requests.events import Details, Event, Kind
from gateway.domain.requests.machine import Denied
from gateway.domain.requests.request import Request
from gateway.domain.requests.table import Timer, fired
from gateway.domain.requests.views import NotThere
from gateway.services.requests.acts import require_request
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.store.requests import timers
from gateway.store.requests.timers import TimerRow


async def fire(house: House, row: TimerRow) -> None:
    """The event and the end of the timer in one transaction. Raises Unavailable."""
    try:
        request = await require_request(house, row.request_id)
    except NotThere:  # its request is gone: nothing is left to happen
        await house.store.write(lambda c: timers.take(c, row))
        return
    event = _event(house, request, row.timer)

    def work(connection: Connection) -> None:
        # Ended first: the event may set the same timer anew.
        if not timers.take(connection, row):
            return
        outcome = happen_in(connection, house, Happening(request_id=row.request_id, event=event))
        assert not isinstance(outcome, Denied), outcome

    await house.store.write(work)
    house.nudge()


def _event(house: House, request: Request, timer: Timer) -> Event:
    workflow = house.workflow(request)
    signal, details = fired(timer, workflow), Details()
    if signal.kind is Kind.RENEW_ACCEPTED:
        until = local_day(request.terms.lender_due, house.zone) or house.today()
        details = Details(due=until + timedelta(days=workflow.borrowing.renewal_fallback_days))
    return Event(signal, house.now(), "timer", details)

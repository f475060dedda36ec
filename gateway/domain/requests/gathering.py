"""When orders that wait for others are sent, by `partner.mail.gather` of a profile. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from gateway.domain.requests.calendar import Calendar, NeverOpen
from gateway.domain.requests.partner_mail import Gather


def due(rule: Gather, since: datetime, calendar: Calendar) -> datetime:
    """When an order that waits since then goes at the latest, in UTC. `since` is aware."""
    ends = [since + timedelta(minutes=rule.wait_minutes)] if rule.wait_minutes is not None else []
    if rule.at:
        ends.append(_next(rule, since, calendar))
    return min(ends, default=since).astimezone(UTC)


def _next(rule: Gather, since: datetime, calendar: Calendar) -> datetime:
    times = sorted(map(time.fromisoformat, rule.at))
    day = calendar.day(since)
    while True:
        try:
            day = calendar.next_open(day)
        except NeverOpen:  # a calendar with a mistake in it holds up no order
            calendar = Calendar(calendar.zone)
        moments = (datetime.combine(day, one, calendar.zone).astimezone(UTC) for one in times)
        if (found := next((one for one in moments if one > since), None)) is not None:
            return found
        day += timedelta(days=1)

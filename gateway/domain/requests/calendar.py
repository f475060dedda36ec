"""Open days and business days of a library; when an order batch is due. Pure; no clock of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.domain.profile_values import split_duration
from gateway.domain.requests.partner_policy import BatchRule, Closure, TimeLimit
from gateway.domain.requests.policy import CalendarPolicy, Weekday
from gateway.domain.value import value_object

HORIZON_DAYS = 3660
"""A calendar that is closed for ten years has no open day: looking for one ends there."""

_WEEKDAYS = {weekday: number for number, weekday in enumerate(Weekday)}


class NoOpenDayError(Exception):
    """No open day within ten years: the closed ranges of the calendar are wrong."""


@value_object
class Calendar:
    """`weekdays` closed ones, Monday is 0; `yearly` as (month, day). `zone` says when a day begins."""

    zone: tzinfo
    weekdays: frozenset[int] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    holidays: frozenset[date] = frozenset()
    closed: tuple[Closure, ...] = ()

    @staticmethod
    def from_policy(policy: CalendarPolicy, zone: tzinfo) -> Calendar:
        return Calendar(
            zone,
            frozenset(_WEEKDAYS[day] for day in policy.closed_weekdays),
            frozenset((int(text[:2]), int(text[3:])) for text in policy.yearly),
            frozenset(policy.holidays),
            policy.closed,
        )

    def is_open(self, day: date) -> bool:
        return not (
            day.weekday() in self.weekdays
            or (day.month, day.day) in self.yearly
            or day in self.holidays
            or any(closure.includes_day(day) for closure in self.closed)
        )

    def day_of_moment(self, moment: datetime) -> date:
        """The day in the calendar's zone. `moment` is aware."""
        return moment.astimezone(self.zone).date()

    def add_open_days(self, start: datetime, days: int) -> datetime:
        """`days` open days after `start`, at the same time of day in the zone; in UTC. Closed days don't count.

        0: `start` itself, whatever day it is. A time of day that doesn't exist since clocks go forward is the moment
        as far after the change as it says; one that comes twice is the first of the two. Raises NoOpenDayError.
        """
        if days == 0:
            return start.astimezone(UTC)
        local = start.astimezone(self.zone)
        day = self.open_day_after(local.date(), days)
        return _moment_on_day(day, local.time(), self.zone)

    def add_open_hours(self, start: datetime, hours: int) -> datetime:
        """`hours` after `start`, of which only those of open days count; in UTC.

        A day is open from midnight to midnight in the zone: 23 or 25 hours where clocks change. What ends with a day
        ends when the next open day begins. 0: `start` itself, whatever day it is. Raises NoOpenDayError.
        """
        moment, left = start.astimezone(UTC), timedelta(hours=hours)
        if not left:
            return moment
        day = self.first_open_day(self.day_of_moment(start))
        while True:
            moment = max(moment, _moment_on_day(day, time.min, self.zone))
            rest = _moment_on_day(day + timedelta(days=1), time.min, self.zone) - moment
            if left < rest:
                return moment + left
            left -= rest
            day = self.first_open_day(day + timedelta(days=1))

    def add_time_limit(self, start: datetime, limit: TimeLimit) -> datetime:
        """A time limit of a profile after `start`; in UTC. Raises NoOpenDayError."""
        number, unit = split_duration(limit)
        return self.add_open_days(start, number) if unit == "d" else self.add_open_hours(start, number)

    def open_day_after(self, day: date, days: int) -> date:
        """The `days`-th open day after `day`; 0: the day itself. Raises NoOpenDayError."""
        for _ in range(days):
            day = self.first_open_day(day + timedelta(days=1))
        return day

    def first_open_day(self, day: date) -> date:
        """The day itself if it is open, else the first open day after it. Raises NoOpenDayError."""
        return self._find_open_day(day, 1)

    def open_day_on_or_before(self, day: date) -> date:
        """The day itself if it is open, else the last open day before it. Raises NoOpenDayError."""
        return self._find_open_day(day, -1)

    def count_open_days(self, first: date, last: date) -> int:
        """Open days after `first` up to and with `last`; 0 when `last` is not after `first`."""
        return sum(self.is_open(first + timedelta(days=n + 1)) for n in range((last - first).days))

    def _find_open_day(self, day: date, step: int) -> date:
        for n in range(HORIZON_DAYS):
            candidate = day + timedelta(days=step * n)
            if self.is_open(candidate):
                return candidate
        direction = "after" if step > 0 else "before"
        raise NoOpenDayError(f"the calendar has no open day {direction} {day.isoformat()}")


def _moment_on_day(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock.replace(fold=0), zone).astimezone(UTC)


def move_to_day(moment: datetime, day: date, zone: tzinfo) -> datetime:
    """The same time of day in the zone on another day, in UTC."""
    return _moment_on_day(day, moment.astimezone(zone).time(), zone)


def batch_due(rule: BatchRule, since: datetime, calendar: Calendar) -> datetime:
    """Return when an order that waits since then goes at the latest, in UTC. `since` is aware."""
    ends = [since + timedelta(minutes=rule.wait_minutes)] if rule.wait_minutes is not None else []
    if rule.at:
        ends.append(_next_batch_time(rule, since, calendar))
    return min(ends, default=since).astimezone(UTC)


def _next_batch_time(rule: BatchRule, since: datetime, calendar: Calendar) -> datetime:
    times = sorted(map(time.fromisoformat, rule.at))
    day = calendar.day_of_moment(since)
    while True:
        try:
            day = calendar.first_open_day(day)
        except NoOpenDayError:  # a calendar with a mistake in it holds up no order
            calendar = Calendar(calendar.zone)
        moments = (datetime.combine(day, hour, calendar.zone).astimezone(UTC) for hour in times)
        if (moment := next((later for later in moments if later > since), None)) is not None:
            return moment
        day += timedelta(days=1)

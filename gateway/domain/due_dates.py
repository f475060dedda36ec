"""Whose due date counts, and what a day means. Pure rules over `domain.policy.DueDates`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.domain.commands import Due
from gateway.domain.frozen import frozen
from gateway.domain.policy import DueDates, DuePolicy
from gateway.domain.problems import About, Reason, Refused


@frozen
class DueChoice:
    """What to tell the library: a due date to set, one that must not be passed, or nothing (both None)."""

    exact: datetime | None = None
    latest: datetime | None = None

    def overrules(self, due: datetime) -> bool:
        """Whether a due date that the library chose by its own rules has to be brought forward."""
        return self.latest is not None and self.latest < due


def moment(due: Due, rules: DueDates, zone: tzinfo) -> datetime | None:
    """A due date as a moment in UTC; a day ends at `time_of_day` in the zone. One at the end of all days (9999-12-31)
    that UTC doesn't have any more is none."""
    if due is None:
        return None
    at = due if isinstance(due, datetime) else datetime.combine(due, time.fromisoformat(rules.time_of_day), zone)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return None


def patron_due(sent: Due, rules: DueDates, zone: tzinfo, start: datetime, *, days_back: int = 0) -> datetime | None:
    """The last moment of a loan that begins at `start`: the date as sent, less the days for the way back to the
    lender. Raises Refused(INVALID_DATE) when nothing is left: a loan never begins overdue unnoticed."""
    due = moment(sent, rules, zone)
    if due is None:
        return None
    if due <= start:
        raise _invalid("The due date has already passed.", sent)
    due = (due.astimezone(zone) - timedelta(days=days_back)).astimezone(UTC)  # the same time of day in the zone
    if due <= start:
        raise _invalid("The due date leaves no time for the way back.", sent)
    return due


def choose(policy: DuePolicy, due: datetime | None) -> DueChoice:
    if policy is DuePolicy.LENDER:
        return DueChoice(exact=due)
    return DueChoice(latest=due) if policy is DuePolicy.EARLIER else DueChoice()


def local_day(due: Due, zone: tzinfo) -> date | None:
    """The day in the zone on which a moment falls."""
    return due.astimezone(zone).date() if isinstance(due, datetime) else due


def day_to_come(sent: Due, today: date, zone: tzinfo, about: About | None = None) -> date | None:
    """Raises Refused(INVALID_DATE) for a day before today."""
    found = local_day(sent, zone)
    if found is not None and found < today:
        raise _invalid("This date has already passed.", sent, about)
    return found


def _invalid(detail: str, sent: Due, about: About | None = About.DUE_DATE) -> Refused:
    return Refused(Reason.INVALID_DATE, detail, about=about, value=sent.isoformat() if sent is not None else "")

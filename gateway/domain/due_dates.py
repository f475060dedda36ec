"""Choice of the due date that counts, for circulation and for managed requests; what a day means.

Pure rules over `DueDates` of the circulation policy; those for managed requests add the library's calendar. All
moments are aware; results are in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.domain.circulation_policy import DueDates, DuePolicy
from gateway.domain.commands import Due
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.calendar import Calendar, move_to_day
from gateway.domain.requests.policy import LendingRules
from gateway.domain.value import value_object


@value_object
class DueChoice:
    """The due date to set in the library, or one that must not be passed, or nothing (both None)."""

    exact: datetime | None = None
    latest: datetime | None = None

    def is_exceeded_by(self, due: datetime) -> bool:
        """Return whether a due date that the library chose by its own rules has to be brought forward."""
        return self.latest is not None and self.latest < due


def due_moment(due: Due, rules: DueDates, zone: tzinfo) -> datetime | None:
    """A due date as a moment in UTC; a day ends at `time_of_day` in the zone. One at the end of all days (9999-12-31)
    that UTC doesn't have any more is none."""
    if due is None:
        return None
    at = due if isinstance(due, datetime) else datetime.combine(due, time.fromisoformat(rules.time_of_day), zone)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return None


def patron_due(sent: Due, rules: DueDates, zone: tzinfo, start: datetime, *, days_back: int) -> datetime | None:
    """The last moment of a loan that begins at `start`: the date as sent, less the days for the way back to the
    lender. Raises Refused(INVALID_DATE) when nothing is left: a loan never begins overdue unnoticed."""
    due = due_moment(sent, rules, zone)
    if sent is None or due is None:
        return None
    if due <= start:
        raise _invalid_date_refusal("The due date has already passed.", sent)
    due = (due.astimezone(zone) - timedelta(days=days_back)).astimezone(UTC)  # the same time of day in the zone
    if due <= start:
        raise _invalid_date_refusal("The due date leaves no time for the way back.", sent)
    return due


def choose_due_date(policy: DuePolicy, due: datetime | None) -> DueChoice:
    if policy is DuePolicy.LENDER:
        return DueChoice(exact=due)
    return DueChoice(latest=due) if policy is DuePolicy.EARLIER else DueChoice()


def local_day(due: Due, zone: tzinfo) -> date | None:
    """The day in the zone on which a moment falls."""
    return due.astimezone(zone).date() if isinstance(due, datetime) else due


def require_future_day(due: Due, today: date, zone: tzinfo, about: MessagePart | None = None) -> date | None:
    """Return the day that was sent; raises Refused(INVALID_DATE) for a day before today."""
    day = local_day(due, zone)
    if due is not None and day is not None and day < today:
        raise _invalid_date_refusal("This date has already passed.", due, about)
    return day


def _invalid_date_refusal(detail: str, sent: date, about: MessagePart | None = MessagePart.DUE_DATE) -> Refused:
    """`sent`: as the partner said it, a day or a moment."""
    return Refused(RefusalReason.INVALID_DATE, detail, about=about, value=sent.isoformat())


def patron_due_for_request(
    lender_due: Due,
    rules: DueDates,
    calendar: Calendar,
    zone: tzinfo,
    start: datetime,
    local_due: datetime | None = None,
) -> datetime | None:
    """Return when the patron's loan that begins at `start` ends; None: the library's own rule decides, which
    `local_due` is the outcome of where it is known already.

    The lender's date loses `transit_days` for the way back, then goes back to the last day on which the library is
    open, at the same time of day. `local_due` is taken as the library made it. Raises Refused(INVALID_DATE) when
    nothing is left after `start`; a date that is local by rule is not looked at in this way.
    """
    if rules.policy is DuePolicy.LOCAL:
        return local_due
    theirs = due_from_lender(lender_due, rules, calendar, zone, start)
    if theirs is None:
        return local_due
    if rules.policy is DuePolicy.EARLIER and local_due is not None:
        return min(theirs, local_due)
    return theirs


def due_from_lender(
    lender_due: Due, rules: DueDates, calendar: Calendar, zone: tzinfo, start: datetime
) -> datetime | None:
    """The lender's date less the way back, on an open day. Raises Refused(INVALID_DATE)."""
    due = patron_due(lender_due, rules, zone, start, days_back=rules.transit_days)
    if lender_due is None or due is None:
        return None
    day = due.astimezone(zone).date()
    open_day = calendar.open_day_on_or_before(day)
    if open_day != day:
        due = move_to_day(due, open_day, zone)
    if due <= start:
        raise _invalid_date_refusal("The due date leaves no day on which the library is open.", lender_due)
    return due


def count_loan_days(rules: LendingRules, usual: int, item_policy: str = "", category: str = "") -> int:
    """Calendar days of a loan to a library. `usual`: the workflow's; `category`: the partner's. Fewest count."""
    named = (
        rules.loan_days.item_policies.get(item_policy),
        rules.loan_days.categories.get(category),
    )
    loan_days = [days for days in named if days is not None]
    return min(loan_days) if loan_days else usual


def compute_lender_due(shipped: datetime, days: int, calendar: Calendar) -> date:
    """The day at whose end an item that was shipped then is due back: `days` calendar days later, or the next day on
    which we are open to take it back. Raises NoOpenDayError."""
    return calendar.first_open_day(calendar.day_of_moment(shipped) + timedelta(days=days))


def extend_lender_due(current: Due, now: datetime, days: int, calendar: Calendar) -> date:
    """Return the due date after a renewal: `days` calendar days added to it, or to today where that is later. Raises
    NoOpenDayError."""
    today = calendar.day_of_moment(now)
    day = local_day(current, calendar.zone) or today
    return calendar.first_open_day(max(day, today) + timedelta(days=days))


def describe_need_by_problem(need_by: date | None, now: datetime, business_days: int, calendar: Calendar) -> str:
    """Describe why an item that takes so many business days to come can't be here by the day on which it is of use for
    the last time; one plain sentence, empty when it can, or when no such day is said."""
    if need_by is None:
        return ""
    today = calendar.day_of_moment(now)
    if need_by < today:
        return f"It was needed by {need_by.isoformat()}, which is over."
    earliest = calendar.open_day_after(today, business_days)
    if earliest > need_by:
        return f"It is needed by {need_by.isoformat()}, and can't be here before {earliest.isoformat()}."
    return ""

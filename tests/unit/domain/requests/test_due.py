"""Due dates: the patron's from the lender's, a borrower's by our rule, and dates that can't be met."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import due_dates
from gateway.domain.circulation_policy import DueDates, DuePolicy
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.calendar import Calendar
from gateway.domain.requests.policy import CalendarPolicy, LendingRules, LoanDays, Weekday

ZURICH = ZoneInfo("Europe/Zurich")
CALENDAR = Calendar.from_policy(CalendarPolicy(), ZURICH)
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def patron_due(
    lender: date | datetime | None,
    policy: DuePolicy = DuePolicy.LENDER,
    transit: int = 0,
    local: datetime | None = None,
    start: datetime = START,
) -> datetime | None:
    rules = DueDates(policy=policy, transit_days=transit)
    return due_dates.patron_due_for_request(lender, rules, CALENDAR, ZURICH, start, local)


def test_a_day_ends_at_the_rules_time_in_the_zone() -> None:
    found = patron_due(date(2026, 12, 18))
    assert found == datetime(2026, 12, 18, 22, 59, tzinfo=UTC)
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("due", [date(2026, 12, 18), datetime(2026, 12, 18, 23, 59, tzinfo=ZURICH)])
def test_a_moment_is_in_utc_whatever_was_sent(due: date) -> None:
    found = due_dates.due_moment(due, DueDates(), ZURICH)
    assert found == datetime(2026, 12, 18, 22, 59, tzinfo=UTC)
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("zone", [ZURICH, ZoneInfo("America/Vancouver"), ZoneInfo("Asia/Tokyo")])
def test_the_last_day_of_all_is_far_off_or_none(zone: ZoneInfo) -> None:
    """Sent for "whenever"; west of Greenwich it ends after the last moment that there is in UTC."""
    rules = DueDates(policy=DuePolicy.LENDER)
    found = due_dates.patron_due_for_request(date.max, rules, Calendar.from_policy(CalendarPolicy(), zone), zone, START)
    assert found is None or found.year == 9999


def test_a_moment_on_an_open_day_stays_to_the_second() -> None:
    moment = datetime(2026, 12, 18, 13, 5, 7, tzinfo=UTC)

    assert patron_due(moment) == moment


def test_the_way_back_then_back_to_an_open_day() -> None:
    """Tuesday less two days is Sunday, so Friday."""
    assert patron_due(date(2026, 12, 15), transit=2) == datetime(2026, 12, 11, 22, 59, tzinfo=UTC)


def test_days_for_the_way_back_keep_the_time_of_day_over_a_change_of_clocks() -> None:
    start = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)

    assert patron_due(date(2026, 10, 27), transit=4, start=start) == datetime(2026, 10, 23, 21, 59, tzinfo=UTC)


def test_an_open_day_is_one_of_the_zone() -> None:
    """Half past midnight of a Saturday in Zurich, a Friday in UTC: back to the Friday, at the same time of day."""
    assert patron_due(datetime(2026, 12, 11, 23, 30, tzinfo=UTC)) == datetime(2026, 12, 10, 23, 30, tzinfo=UTC)


def test_a_closed_day_is_left_alone_where_no_managed_request_is() -> None:
    moment = datetime(2026, 12, 13, 9, 0, tzinfo=UTC)  # a Sunday

    found = due_dates.patron_due(moment, DueDates(), ZURICH, START, days_back=0)

    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


FRIDAY = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "transit", "start", "detail"),
    [
        (date(2026, 11, 23), 0, START, "The due date has already passed."),
        (START, 0, START, "The due date has already passed."),  # at this very moment
        (date(2026, 11, 26), 3, START, "The due date leaves no time for the way back."),
        (START + timedelta(days=2), 2, START, "The due date leaves no time for the way back."),
        (date(2026, 11, 29), 0, SATURDAY, "The due date leaves no day on which the library is open."),
        (FRIDAY + timedelta(days=2), 0, FRIDAY, "The due date leaves no day on which the library is open."),
    ],
)
def test_a_loan_that_would_begin_overdue_is_refused_with_the_date_as_sent(
    sent: date, transit: int, start: datetime, detail: str
) -> None:
    with pytest.raises(Refused) as refused:
        patron_due(sent, transit=transit, start=start)

    found = refused.value
    assert (found.reason, found.about, found.detail, found.value) == (
        RefusalReason.INVALID_DATE,
        MessagePart.DUE_DATE,
        detail,
        sent.isoformat(),
    )


def test_without_a_date_of_the_lender_ours_counts() -> None:
    local = datetime(2026, 12, 8, 17, 0, tzinfo=UTC)

    assert [patron_due(None, policy, local=local) for policy in DuePolicy] == [local] * 3
    assert patron_due(None) is None


def test_a_local_policy_does_not_look_at_the_lenders_date_at_all() -> None:
    local = datetime(2026, 12, 8, 17, 0, tzinfo=UTC)

    assert patron_due(date(2020, 1, 1), DuePolicy.LOCAL, local=local) == local


@given(st.dates(date(2026, 11, 24), date(2028, 1, 1)), st.integers(0, 30), st.sampled_from(list(DuePolicy)))
def test_a_due_date_is_never_before_the_loan_nor_after_the_lenders(
    lender: date, transit: int, policy: DuePolicy
) -> None:
    try:
        found = patron_due(lender, policy, transit, local=datetime(2027, 6, 1, 17, 0, tzinfo=UTC))
    except Refused:
        left = CALENDAR.count_open_days(START.date(), lender - timedelta(days=transit))
        assert left <= 0 or transit > (lender - START.date()).days
        return
    assert found is not None
    assert found > START
    if policy is not DuePolicy.LOCAL:
        assert found.astimezone(ZURICH).date() <= lender


# --- lending ---------------------------------------------------------------------------------------------

RULES = LendingRules(loan_days=LoanDays(item_policies={"dvd": 7}, categories={"abroad": 42, "campus": 3}))


@pytest.mark.parametrize(
    ("item_policy", "category", "days"),
    [("standard", "", 28), ("dvd", "", 7), ("standard", "abroad", 42), ("dvd", "abroad", 7), ("dvd", "campus", 3)],
)
def test_loan_days_the_fewest_that_are_named(item_policy: str, category: str, days: int) -> None:
    assert due_dates.count_loan_days(RULES, 28, item_policy, category) == days


def test_a_loan_to_a_library_ends_when_we_are_open() -> None:
    assert due_dates.compute_lender_due(START, 4, CALENDAR) == date(2026, 11, 30)  # Saturday, so Monday


def test_the_day_of_shipping_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)

    assert due_dates.compute_lender_due(late, 1, CALENDAR) == date(2026, 11, 26)


def test_a_renewal_adds_to_the_due_date_whatever_form_it_has() -> None:
    evening = datetime(2026, 12, 4, 23, 30, tzinfo=UTC)  # the 5th here

    assert due_dates.extend_lender_due(date(2026, 12, 4), START, 14, CALENDAR) == date(2026, 12, 18)
    assert due_dates.extend_lender_due(evening, START, 13, CALENDAR) == date(2026, 12, 18)
    assert due_dates.extend_lender_due(None, START, 7, CALENDAR) == date(2026, 12, 1)


def test_the_earlier_of_two_dates_counts_only_where_the_rule_says_so() -> None:
    local = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)

    assert patron_due(date(2026, 12, 18), DuePolicy.EARLIER, local=local) == local
    assert patron_due(date(2026, 12, 18), DuePolicy.LENDER, local=local) == datetime(2026, 12, 18, 22, 59, tzinfo=UTC)


def test_a_renewal_of_what_is_overdue_counts_from_today() -> None:
    assert due_dates.extend_lender_due(date(2026, 11, 2), START, 14, CALENDAR) == date(2026, 12, 8)
    assert due_dates.extend_lender_due(START.date(), START, 14, CALENDAR) == date(2026, 12, 8)


# --- need-by ---------------------------------------------------------------------------------------------


def test_needed_today_can_be_met_only_without_waiting() -> None:
    today = date(2026, 11, 24)

    assert due_dates.describe_need_by_problem(today, START, 0, CALENDAR) == ""
    assert due_dates.describe_need_by_problem(today, START, 1, CALENDAR) != ""


def test_no_day_is_no_problem() -> None:
    assert due_dates.describe_need_by_problem(None, START, 300, CALENDAR) == ""


def test_days_that_are_closed_are_not_counted_as_days_left() -> None:
    weekend = Calendar.from_policy(
        CalendarPolicy(closed_weekdays=tuple(day for day in Weekday if day is not Weekday.MONDAY)), ZURICH
    )

    assert "can't be here before 2026-12-07" in due_dates.describe_need_by_problem(date(2026, 12, 6), START, 2, weekend)

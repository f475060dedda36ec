"""Business days: closed days don't count, and the time of day stays what it is on the wall."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests.calendar import Calendar, NoOpenDayError, move_to_day
from gateway.domain.requests.partner_policy import Closure
from gateway.domain.requests.policy import CalendarPolicy, Weekday

ZURICH = ZoneInfo("Europe/Zurich")
WEEKDAYS = Calendar.from_policy(CalendarPolicy(), ZURICH)
FRIDAY = datetime(2026, 11, 27, 16, 0, tzinfo=ZURICH)


def wall(moment: datetime, zone: ZoneInfo = ZURICH) -> str:
    return moment.astimezone(zone).isoformat(timespec="minutes")[:16]


def test_a_weekend_does_not_count() -> None:
    assert wall(WEEKDAYS.add_open_days(FRIDAY, 1)) == "2026-11-30T16:00"
    assert wall(WEEKDAYS.add_open_days(FRIDAY, 6)) == "2026-12-07T16:00"


def test_no_days_is_the_moment_itself_even_on_a_closed_day() -> None:
    saturday = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)

    assert WEEKDAYS.add_open_days(saturday, 0) == saturday


def test_the_day_is_that_of_the_zone() -> None:
    """23:30 UTC on Sunday is Monday here."""
    late = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)

    assert wall(WEEKDAYS.add_open_days(late, 1)) == "2026-12-01T00:30"


def test_holidays_of_each_year_single_ones_and_ranges() -> None:
    calendar = Calendar.from_policy(
        CalendarPolicy(
            closed_weekdays=(Weekday.SUNDAY,),
            yearly=("12-25",),
            holidays=(date(2027, 3, 26),),
            closed=(Closure(first=date(2026, 12, 28), last=date(2026, 12, 31)),),
        ),
        ZURICH,
    )

    assert not calendar.is_open(date(2026, 12, 25))
    assert not calendar.is_open(date(2030, 12, 25))
    assert not calendar.is_open(date(2027, 3, 26))
    assert calendar.is_open(date(2028, 3, 27))
    assert [calendar.is_open(date(2026, 12, day)) for day in (27, 28, 31)] == [False, False, False]
    assert calendar.is_open(date(2026, 12, 26))  # a Saturday
    assert calendar.open_day_on_or_before(date(2026, 12, 31)) == date(2026, 12, 26)
    assert calendar.first_open_day(date(2026, 12, 27)) == date(2027, 1, 1)


def test_a_leap_day_that_is_a_holiday_comes_every_fourth_year() -> None:
    calendar = Calendar.from_policy(CalendarPolicy(closed_weekdays=(), yearly=("02-29",)), ZURICH)

    assert not calendar.is_open(date(2028, 2, 29))
    assert calendar.is_open(date(2027, 3, 1))


def test_clocks_that_go_forward_keep_the_time_of_day() -> None:
    before = datetime(2027, 3, 26, 9, 30, tzinfo=ZURICH)

    after = WEEKDAYS.add_open_days(before, 1)

    assert wall(after) == "2027-03-29T09:30"
    assert after - before.astimezone(UTC) == timedelta(hours=71)


def test_a_time_that_does_not_exist_is_moved_on_by_the_change() -> None:
    every_day = Calendar.from_policy(CalendarPolicy(closed_weekdays=()), ZURICH)

    assert wall(every_day.add_open_days(datetime(2027, 3, 27, 2, 30, tzinfo=ZURICH), 1)) == "2027-03-28T03:30"


def test_a_time_that_comes_twice_is_the_first_of_the_two() -> None:
    every_day = Calendar.from_policy(CalendarPolicy(closed_weekdays=()), ZURICH)

    assert every_day.add_open_days(datetime(2026, 10, 24, 2, 30, tzinfo=ZURICH), 1) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_the_second_of_two_times_is_moved_to_the_first() -> None:
    """At half past two for the second time, and a year later at half past two, which comes twice again."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert move_to_day(second, date(2027, 10, 31), ZURICH) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-27T15:00", 4, "2026-11-27T19:00"),
        ("2026-11-27T15:00", 24, "2026-11-30T15:00"),
        ("2026-11-27T20:00", 4, "2026-11-30T00:00"),
        ("2026-11-28T11:00", 4, "2026-11-30T04:00"),
        ("2026-11-28T11:00", 0, "2026-11-28T11:00"),
    ],
    ids=["same-day", "over-a-weekend", "to-the-end-of-a-day", "from-a-closed-day", "none"],
)
def test_hours_of_closed_days_do_not_count(start: str, hours: int, end: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=ZURICH)

    assert wall(WEEKDAYS.add_open_hours(moment, hours)) == end
    assert WEEKDAYS.add_time_limit(moment, f"{hours}h") == WEEKDAYS.add_open_hours(moment, hours)


def test_a_time_limit_in_days_keeps_the_time_of_day() -> None:
    saturday = datetime(2026, 11, 28, 11, 0, tzinfo=ZURICH)

    assert wall(WEEKDAYS.add_time_limit(saturday, "1d")) == "2026-11-30T11:00"


@pytest.mark.parametrize("days", [0, 1])
def test_deadlines_are_in_utc(days: int) -> None:
    assert WEEKDAYS.add_open_days(datetime(2026, 11, 24, 9, 0, tzinfo=ZURICH), days).tzinfo is UTC


def test_moved_keeps_the_wall_clock() -> None:
    summer = datetime(2026, 7, 1, 23, 59, tzinfo=ZURICH)

    assert wall(move_to_day(summer, date(2026, 12, 23), ZURICH)) == "2026-12-23T23:59"


def test_open_days_between() -> None:
    assert WEEKDAYS.count_open_days(date(2026, 11, 27), date(2026, 12, 1)) == 2
    assert WEEKDAYS.count_open_days(date(2026, 11, 27), date(2026, 11, 27)) == 0
    assert WEEKDAYS.count_open_days(date(2026, 11, 27), date(2026, 11, 20)) == 0


def test_a_library_that_never_opens_is_a_named_error_not_an_endless_search() -> None:
    closed = Calendar.from_policy(
        CalendarPolicy(closed=(Closure(first=date(2000, 1, 1), last=date(2200, 1, 1)),)), ZURICH
    )

    with pytest.raises(NoOpenDayError, match="no open day after 2026-11-30"):
        closed.add_open_days(datetime(2026, 11, 29, 10, 0, tzinfo=ZURICH), 1)
    with pytest.raises(NoOpenDayError, match="no open day after 2026-11-29"):
        closed.add_open_hours(datetime(2026, 11, 29, 10, 0, tzinfo=ZURICH), 1)
    with pytest.raises(NoOpenDayError, match="no open day before 2026-11-29"):
        closed.open_day_on_or_before(date(2026, 11, 29))


zones = st.sampled_from(["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(zones, moments, st.integers(1, 40), st.sets(st.sampled_from(list(Weekday)), max_size=6))
def test_any_deadline_falls_on_an_open_day_later_and_in_order(
    zone_name: str, start: datetime, days: int, closed: set[Weekday]
) -> None:
    zone = ZoneInfo(zone_name)
    calendar = Calendar.from_policy(CalendarPolicy(closed_weekdays=tuple(closed)), zone)

    end = calendar.add_open_days(start, days)

    assert calendar.is_open(calendar.day_of_moment(end))
    assert end > start
    assert calendar.count_open_days(calendar.day_of_moment(start), calendar.day_of_moment(end)) == days
    assert calendar.add_open_days(start, days + 1) > end


changes = st.sampled_from(
    [
        ("Europe/Zurich", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("Europe/Zurich", datetime(2027, 10, 31, 1, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, 0, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 11, 1, 5, 0, tzinfo=UTC)),
        ("America/Havana", datetime(2027, 3, 14, 5, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 12, 31, 18, 15, tzinfo=UTC)),
    ]
)
"""Zones, and moments at which their clocks change; at midnight in Havana, never in Kathmandu."""

QUARTER = timedelta(minutes=15)


@given(
    changes,
    st.integers(-4 * 72, 4 * 24),
    st.integers(1, 40),
    st.sets(st.sampled_from(list(Weekday)), max_size=5),
    st.integers(0, 3),
)
def test_between_now_and_a_time_limit_the_library_is_open_for_so_many_hours(
    change: tuple[str, datetime], quarters: int, hours: int, closed: set[Weekday], closure_days: int
) -> None:
    """Counted by quarters of an hour; a closure begins on the day of the change."""
    zone, start = ZoneInfo(change[0]), change[1] + quarters * QUARTER
    first = change[1].astimezone(zone).date()
    closure = (Closure(first=first, last=first + timedelta(days=closure_days - 1)),) if closure_days else ()
    calendar = Calendar.from_policy(CalendarPolicy(closed_weekdays=tuple(closed), closed=closure), zone)

    end = calendar.add_open_hours(start, hours)

    between = (start + n * QUARTER for n in range((end - start) // QUARTER))
    assert sum(calendar.is_open(calendar.day_of_moment(moment)) for moment in between) == 4 * hours
    assert calendar.is_open(calendar.day_of_moment(end))

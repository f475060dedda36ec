"""The chart of requests by month, in units of its drawing."""

from __future__ import annotations

import pytest

from gateway.services.desks.request_statistics import MonthCounts, OutcomeCounts
from gateway.web.staff.month_chart import BASE, draw_month_chart


def count_month(month: int, filled: int = 0, unfilled: int = 0, still_open: int = 0, cancelled: int = 0) -> MonthCounts:
    asked = filled + unfilled + still_open + cancelled
    return MonthCounts(month, OutcomeCounts(filled, unfilled, cancelled, still_open, asked))


def test_parts_stand_on_each_other_in_proportion_and_cancelled_ones_are_not_drawn() -> None:
    chart = draw_month_chart([count_month(202611, 6, 3, 1, cancelled=90)], [count_month(202511)])

    (bar,) = chart.bars
    assert [part.kind for part in bar.parts] == ["filled", "unfilled", "open"]
    filled, unfilled, still_open = bar.parts
    assert filled.top + filled.height == pytest.approx(BASE)
    assert unfilled.top + unfilled.height == pytest.approx(filled.top)
    assert still_open.top + still_open.height == pytest.approx(unfilled.top)
    assert filled.height == pytest.approx(2 * unfilled.height) == pytest.approx(6 * still_open.height)
    assert bar.before is None, "nothing was requested then"


@pytest.mark.parametrize(
    ("most", "numbers"),
    [
        (0, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (7, [0, 2, 4, 6, 8]),
        (120, [0, 50, 100, 150]),
        (1_001, [0, 500, 1_000, 1_500]),
    ],
)
def test_lines_have_round_numbers_up_to_the_highest_bar(most: int, numbers: list[int]) -> None:
    chart = draw_month_chart([count_month(202611, most)], [count_month(202511)])

    assert [line.number for line in chart.lines] == numbers


def test_a_higher_year_before_has_room_and_its_own_height() -> None:
    chart = draw_month_chart([count_month(202611, 5)], [count_month(202511, 8, 2)])

    (bar,) = chart.bars
    assert chart.lines[-1].number == 10
    assert bar.before == pytest.approx(chart.lines[-1].top)


def test_the_first_month_and_each_january_say_their_year() -> None:
    months = [count_month(month) for month in (202611, 202612, 202701, 202702)]

    assert [bar.has_year for bar in draw_month_chart(months, months).bars] == [True, False, True, False]

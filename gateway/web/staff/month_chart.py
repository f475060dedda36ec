"""A chart of requests by month: places and sizes of its bars and lines, in units of its drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.domain.value import value_object
from gateway.services.desks.request_statistics import MonthCounts, OutcomeCounts

WIDTH, HEIGHT = 760, 220
BASE = 186
"""Where bars stand; below it are the names of months."""

SCALE_WIDTH = 48
"""The room of the numbers at the start, which stay where they are while the months are scrolled."""

_LEFT, _TOP, _RIGHT = SCALE_WIDTH, 10, 754
_BAR_SHARE = 0.68
"""The part of a month's room that its bar takes."""

MAX_LINES = 5
STEPS = (1, 2, 5)


@value_object
class ChartPart:
    """A part of a bar, `kind` filled, unfilled or open."""

    kind: str
    top: float
    height: float


@value_object
class ChartBar:
    """One month. `center`: of its name; `before`: the height of the line for the year before, None: nothing was
    requested then. `has_year`: the name says the year too."""

    month: int
    left: float
    width: float
    parts: tuple[ChartPart, ...]
    before: float | None
    has_year: bool

    @property
    def center(self) -> float:
        return self.left + self.width / 2


@value_object
class ChartLine:
    """A line across the chart, with the number at its start."""

    number: int
    top: float


@value_object
class MonthChart:
    bars: tuple[ChartBar, ...]
    lines: tuple[ChartLine, ...]


def draw_month_chart(months: Sequence[MonthCounts], year_before: Sequence[MonthCounts]) -> MonthChart:
    """Draw what was filled, unfilled and is open in each month, one on top of the other, and beside it how many there
    were a year before. Cancelled requests aren't drawn. Both have the same number of months."""
    most = max((_count_drawn(month.counts) for month in (*months, *year_before)), default=0)
    step = _find_step(most)
    highest = max(step, -(-most // step) * step)
    unit, room = (BASE - _TOP) / highest, (_RIGHT - _LEFT) / len(months)

    def draw_bar(place: int, month: MonthCounts, before: OutcomeCounts) -> ChartBar:
        return ChartBar(
            month.month,
            _LEFT + room * (place + (1 - _BAR_SHARE) / 2),
            room * _BAR_SHARE,
            tuple(_stack_parts(month.counts, unit)),
            BASE - _count_drawn(before) * unit if _count_drawn(before) else None,
            place == 0 or month.month % 100 == 1,
        )

    pairs = zip(months, year_before, strict=True)
    return MonthChart(
        tuple(draw_bar(place, month, before.counts) for place, (month, before) in enumerate(pairs)),
        tuple(ChartLine(number, BASE - number * unit) for number in range(0, highest + 1, step)),
    )


def _count_drawn(counts: OutcomeCounts) -> int:
    return counts.filled + counts.unfilled + counts.open


def _stack_parts(counts: OutcomeCounts, unit: float) -> Iterator[ChartPart]:
    top: float = BASE
    for kind, count in (("filled", counts.filled), ("unfilled", counts.unfilled), ("open", counts.open)):
        if count:
            top -= count * unit
            yield ChartPart(kind, top, count * unit)


def _find_step(most: int) -> int:
    """Find the least round number that needs at most MAX_LINES lines to reach `most`: 1, 2, 5, 10, 20 …"""
    power = 1
    while True:
        for step in STEPS:
            if step * power * MAX_LINES >= most:
                return step * power
        power *= 10

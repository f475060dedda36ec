"""Statistics of a library's requests for some months: how many were filled, how long it took, with whom, why not, and
what it cost. Counted without patrons.

With a branch chosen, counts of what the library borrows are rounded to fives: at a small branch somebody could else be
told from a single request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from gateway.domain.requests.request import Role, ServiceType
from gateway.domain.requests.request_figures import (
    WHOLE_REQUEST,
    CostSum,
    EndingCount,
    FigureCount,
    FigureFilter,
    HoursCount,
    PartnerHours,
    ReasonCount,
    RequestOutcome,
)
from gateway.domain.value import replace, value_object
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import request_figures

MIN_CASES = 5
"""Fewer show no typical time, and no price that isn't somebody's own."""

ROUNDED_TO = 5
MIN_ROUNDED_SHARE_CASES = 20
"""A share of fewer rounded ones says nothing."""

MAX_MONTHS = 24
MONTHS_OF_YEAR = 12


def _name_service(is_copy: bool) -> ServiceType:
    return ServiceType.COPY if is_copy else ServiceType.LOAN


@value_object
class OutcomeCounts:
    """`rounded`: each of them to fives."""

    filled: int = 0
    unfilled: int = 0
    cancelled: int = 0
    open: int = 0
    asked: int = 0
    rounded: bool = False

    @property
    def filled_share(self) -> float | None:
        """The share of those that came to an end, cancelled ones aside; 0 to 1. None: there are too few to say so."""
        ended = self.filled + self.unfilled
        if not ended or (self.rounded and ended < MIN_ROUNDED_SHARE_CASES):
            return None
        return self.filled / ended

    @property
    def open_share(self) -> float | None:
        """The share of requests that have not ended yet, so that their result is not known; 0 to 1. None: there are too
        few to say so."""
        if not self.asked or (self.rounded and self.asked < MIN_ROUNDED_SHARE_CASES):
            return None
        return self.open / self.asked

    @property
    def final_share(self) -> tuple[float, float] | None:
        """The bounds between which the share of those that are filled will be, once all that is open has ended without
        being cancelled. None: nothing is open, or there are too few to say so."""
        if self.filled_share is None or not self.open:
            return None
        known = self.filled + self.unfilled + self.open
        return self.filled / known, (self.filled + self.open) / known


@value_object
class MonthCounts:
    """`month`: 202611."""

    month: int
    counts: OutcomeCounts


@value_object
class FlowStatistics:
    """Loans or copies that are borrowed or lent: by month, and in all."""

    role: Role
    is_copy: bool
    months: tuple[MonthCounts, ...]
    total: OutcomeCounts

    @property
    def service(self) -> ServiceType:
        return _name_service(self.is_copy)


@value_object
class PartnerStatistics:
    """`asked_us` counts requests of this partner, `we_asked` those that went to it, each time that it was asked.
    `days_to_send`: from asking it, on average, as lists of partners and the ranking of suppliers count them; half of
    them took at most `median_days`. None: too few to say so."""

    partner: str
    we_asked: OutcomeCounts
    asked_us: OutcomeCounts
    days_to_send: float | None
    median_days: float | None


@value_object
class TurnaroundTime:
    """The time from the request's making until `step` (asked, sent, came), of `cases` filled requests: half of them
    took at most `median_days`, nine of ten at most `slow_days`. None: too few to say so."""

    role: Role
    is_copy: bool
    step: str
    cases: int
    median_days: float | None
    slow_days: float | None

    @property
    def service(self) -> ServiceType:
        return _name_service(self.is_copy)


@value_object
class PeriodStatistics:
    """What is counted of the period and of the same months of the year before, in the same order."""

    flows: tuple[FlowStatistics, ...]
    times: tuple[TurnaroundTime, ...]


@value_object(kw_only=True)
class RequestStatistics:
    """`at`: when they were read. `is_rounded`: what the library borrows is rounded to fives. `costs`: of what was
    borrowed, what it cost us; of what was lent, what we charged."""

    wanted: FigureFilter
    at: datetime
    flows: tuple[FlowStatistics, ...]
    year_before: PeriodStatistics
    partners: tuple[PartnerStatistics, ...]
    times: tuple[TurnaroundTime, ...]
    reasons: tuple[ReasonCount, ...]
    endings: tuple[EndingCount, ...]
    costs: tuple[CostSum, ...]
    branches: tuple[str, ...]
    is_rounded: bool


@value_object
class StatisticsService:
    context: LibraryContext

    async def read_statistics(self, wanted: FigureFilter) -> RequestStatistics:
        """Read statistics; raises ValueError: no month, or more than MAX_MONTHS."""
        months = list_months(wanted.first, wanted.last)
        if not 1 <= len(months) <= MAX_MONTHS:
            raise ValueError(f"1 to {MAX_MONTHS} months are counted at once")
        figure_filter = replace(wanted, library=self.context.symbol)
        before = replace(
            figure_filter,
            first=shift_month(wanted.first, -MONTHS_OF_YEAR),
            last=shift_month(wanted.last, -MONTHS_OF_YEAR),
        )
        at = self.context.now()
        return _build_statistics(
            figure_filter,
            at,
            await _read_figures(self.context, figure_filter),
            _build_flows_and_times(before, await _read_counts_and_hours(self.context, before)),
        )

    async def count_refusals_of_year(self) -> Mapping[str, int]:
        """Count by reason how often the library could not supply this year."""
        today = self.context.today()
        year = today.year * 100
        figure_filter = FigureFilter(library=self.context.symbol, first=year + 1, last=year + today.month)
        counts = await self.context.store.read(lambda c: request_figures.count_reasons(c, figure_filter))
        return {count.reason: count.count for count in counts if count.role is Role.LENDING}


@value_object
class _CountsAndHours:
    counts: tuple[FigureCount, ...]
    hours: Mapping[str, tuple[HoursCount, ...]]


@value_object
class _Figures(_CountsAndHours):
    reasons: tuple[ReasonCount, ...]
    endings: tuple[EndingCount, ...]
    costs: tuple[CostSum, ...]
    partner_hours: tuple[PartnerHours, ...]
    branches: tuple[str, ...]


async def _read_counts_and_hours(context: LibraryContext, asked: FigureFilter) -> _CountsAndHours:
    """One by one, so that other reads need not wait for all of them."""
    read = context.store.read
    return _CountsAndHours(
        counts=await read(lambda c: request_figures.count_figures(c, asked)),
        hours={
            step: await read(lambda c, step=step: request_figures.count_hours_taken(c, asked, step))  # type: ignore[misc]
            for step in request_figures.HOURS
        },
    )


async def _read_figures(context: LibraryContext, asked: FigureFilter) -> _Figures:
    read = context.store.read
    both = await _read_counts_and_hours(context, asked)
    return _Figures(
        both.counts,
        both.hours,
        reasons=await read(lambda c: request_figures.count_reasons(c, asked)),
        endings=await read(lambda c: request_figures.count_endings(c, asked)),
        costs=await read(lambda c: request_figures.sum_costs(c, asked)),
        partner_hours=await read(lambda c: request_figures.count_partner_hours(c, asked)),
        branches=await read(lambda c: request_figures.list_branches(c, asked)),
    )


def list_months(first: int, last: int) -> tuple[int, ...]:
    """Both included: 202611, 202612, 202701."""
    begin, end = first // 100 * 12 + first % 100 - 1, last // 100 * 12 + last % 100 - 1
    return tuple(month // 12 * 100 + month % 12 + 1 for month in range(begin, end + 1))


def shift_month(month: int, by: int) -> int:
    place = month // 100 * 12 + month % 100 - 1 + by
    return place // 12 * 100 + place % 12 + 1


def _build_statistics(
    wanted: FigureFilter, at: datetime, figures: _Figures, year_before: PeriodStatistics
) -> RequestStatistics:
    rounded = bool(wanted.branch)
    own = _build_flows_and_times(wanted, figures)
    return RequestStatistics(
        wanted=wanted,
        at=at,
        flows=own.flows,
        year_before=year_before,
        partners=_build_partners(figures, rounded),
        times=own.times,
        reasons=tuple(_round_reasons(figures.reasons, rounded)),
        endings=tuple(_round_endings(figures.endings, rounded)),
        costs=tuple(cost for cost in figures.costs if cost.count >= MIN_CASES or not rounded),
        branches=figures.branches,
        is_rounded=rounded,
    )


def _build_flows_and_times(wanted: FigureFilter, figures: _CountsAndHours) -> PeriodStatistics:
    months, rounded = list_months(wanted.first, wanted.last), bool(wanted.branch)
    kinds = [is_copy for is_copy in (False, True) if wanted.service in (None, _name_service(is_copy))]
    return PeriodStatistics(
        tuple(
            _build_flow(role, is_copy, months, figures.counts, rounded and role is Role.BORROWING)
            for role in Role
            for is_copy in kinds
        ),
        tuple(
            _measure_time(role, is_copy, step, hours, rounded and role is Role.BORROWING)
            for role in Role
            for is_copy in kinds
            for step, hours in figures.hours.items()
            if role is Role.BORROWING or step == "sent"
        ),
    )


def _build_flow(
    role: Role, is_copy: bool, months: Sequence[int], counts: Iterable[FigureCount], rounded: bool
) -> FlowStatistics:
    own = [row for row in counts if row.role is role and row.is_copy == is_copy and row.attempt == WHOLE_REQUEST]
    return FlowStatistics(
        role,
        is_copy,
        tuple(
            MonthCounts(month, _sum_outcomes((row for row in own if row.month == month), rounded)) for month in months
        ),
        _sum_outcomes(own, rounded),
    )


def _build_partners(figures: _Figures, rounded: bool) -> tuple[PartnerStatistics, ...]:
    """Those with most to do first."""
    names = {count.partner for count in figures.counts if count.partner}
    hours: dict[str, list[tuple[int, int]]] = {}
    for partner_hours in figures.partner_hours:
        hours.setdefault(partner_hours.partner, []).append((partner_hours.hours, partner_hours.count))
    built = [
        PartnerStatistics(
            name,
            _sum_outcomes(_select_counts(figures.counts, name, lambda row: row.attempt != WHOLE_REQUEST), rounded),
            _sum_outcomes(_select_counts(figures.counts, name, lambda row: row.role is Role.LENDING), rounded=False),
            *_measure_partner(hours.get(name, ())),
        )
        for name in names
    ]
    with_some = [statistics for statistics in built if statistics.we_asked.asked or statistics.asked_us.asked]
    return tuple(sorted(with_some, key=lambda row: (-row.we_asked.asked - row.asked_us.asked, row.partner)))


def _measure_partner(hours: Sequence[tuple[int, int]]) -> tuple[float | None, float | None]:
    """Mean and median in days, both of MIN_CASES or more."""
    median = find_quantile(hours, 0.5)
    if median is None:
        return None, None
    return sum(taken * count for taken, count in hours) / sum(count for _, count in hours) / 24, median / 24


def _select_counts(
    counts: Iterable[FigureCount], partner: str, is_meant: Callable[[FigureCount], bool]
) -> list[FigureCount]:
    return [count for count in counts if count.partner == partner and is_meant(count)]


def _sum_outcomes(counts: Iterable[FigureCount], rounded: bool) -> OutcomeCounts:
    sums = dict.fromkeys(RequestOutcome, 0)
    for figure_count in counts:
        sums[figure_count.outcome] += figure_count.count
    shown = {outcome: round_count(n) if rounded else n for outcome, n in sums.items()}
    asked = sum(sums.values())
    return OutcomeCounts(
        filled=shown[RequestOutcome.FILLED],
        unfilled=shown[RequestOutcome.UNFILLED],
        cancelled=shown[RequestOutcome.CANCELLED],
        open=shown[RequestOutcome.OPEN],
        asked=round_count(asked) if rounded else asked,
        rounded=rounded,
    )


def sum_flows(flows: Iterable[FlowStatistics], role: Role) -> OutcomeCounts:
    """Sum up loans and copies of one side."""
    totals = [flow.total for flow in flows if flow.role is role]
    return OutcomeCounts(
        filled=sum(total.filled for total in totals),
        unfilled=sum(total.unfilled for total in totals),
        cancelled=sum(total.cancelled for total in totals),
        open=sum(total.open for total in totals),
        asked=sum(total.asked for total in totals),
        rounded=any(total.rounded for total in totals),
    )


def round_count(count: int) -> int:
    """Round to the next multiple of five: 2 is 0, 3 is 5."""
    return (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def _round_reasons(reasons: Iterable[ReasonCount], rounded: bool) -> Iterable[ReasonCount]:
    for reason in reasons:
        count = round_count(reason.count) if rounded and reason.role is Role.BORROWING else reason.count
        if count:
            yield replace(reason, count=count)


def _round_endings(endings: Iterable[EndingCount], rounded: bool) -> Iterable[EndingCount]:
    for ending in endings:
        count = round_count(ending.count) if rounded else ending.count
        if count:
            yield replace(ending, count=count)


def _measure_time(role: Role, is_copy: bool, step: str, hours: Iterable[HoursCount], rounded: bool) -> TurnaroundTime:
    own = [(figure.hours, figure.count) for figure in hours if figure.role is role and figure.is_copy == is_copy]
    cases = sum(count for _, count in own)
    half, most = find_quantile(own, 0.5), find_quantile(own, 0.9)
    if half is None or most is None:
        return TurnaroundTime(role, is_copy, step, 0, None, None)
    return TurnaroundTime(role, is_copy, step, round_count(cases) if rounded else cases, half / 24, most / 24)


def find_quantile(counts: Iterable[tuple[int, int]], share: float) -> int | None:
    """`counts`: values and how often each is there. The least value that this share of them doesn't exceed; None for
    fewer than MIN_CASES."""
    ordered = sorted(counts)
    cases = sum(count for _, count in ordered)
    if cases < MIN_CASES:
        return None
    passed = 0
    for value, count in ordered:
        passed += count
        if passed >= share * cases:
            return value
    raise AssertionError("all of them are behind the last")

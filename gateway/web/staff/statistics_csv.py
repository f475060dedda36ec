"""Statistics as a CSV file: one figure to a line, with the same figure of the year before and the rule by which it is
counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from gateway.domain.requests.request import Role
from gateway.domain.requests.request_figures import format_month_value
from gateway.domain.value import value_object
from gateway.services.desks.figure_rules import FIGURE_RULES, FigureKind
from gateway.services.desks.request_statistics import (
    FlowStatistics,
    OutcomeCounts,
    PartnerStatistics,
    RequestStatistics,
    TurnaroundTime,
)
from gateway.services.desks.survey_counts import SurveyCounts
from gateway.web.request_csv import format_csv_cells

CSV_COLUMNS = ("table", "side", "service", "month", "partner", "what", "value", "unit", "year before", "rule")


@value_object(kw_only=True)
class CsvFigure:
    """One line. `month`: 2026-07; empty: the whole period."""

    table: str
    rule: FigureKind
    side: str = ""
    service: str = ""
    month: str = ""
    partner: str = ""
    what: str
    value: str
    unit: str
    year_before: str = ""


def format_statistics_csv(
    statistics: RequestStatistics,
    surveys: Mapping[str, SurveyCounts],
    with_costs: bool,
    translate: Callable[[str], str],
) -> str:
    """Format the file; it begins with the mark by which programs know UTF-8. Rules in the reader's language."""
    figures = [*_list_figures(statistics), *_list_survey_figures(surveys.values(), statistics.wanted.partner)]
    if with_costs:
        figures += _list_cost_figures(statistics)
    rows = [
        (
            figure.table,
            figure.side,
            figure.service,
            figure.month,
            figure.partner,
            figure.what,
            figure.value,
            figure.unit,
            figure.year_before,
            translate(FIGURE_RULES[figure.rule].text),
        )
        for figure in figures
    ]
    return "\ufeff" + "".join(format_csv_cells(row) for row in (CSV_COLUMNS, *rows))


def _list_figures(statistics: RequestStatistics) -> Iterator[CsvFigure]:
    before = statistics.year_before
    for flow, earlier_flow in zip(statistics.flows, before.flows, strict=True):
        yield from _list_flow_figures(flow, earlier_flow)
    for partner in statistics.partners:
        yield from _list_partner_figures(partner)
    for time, earlier_time in zip(statistics.times, before.times, strict=True):
        yield from _list_time_figures(time, earlier_time)
    for reason in statistics.reasons:
        yield CsvFigure(
            table="reasons",
            rule=FigureKind.REASONS,
            side=reason.role.value,
            partner=statistics.wanted.partner,
            what=reason.reason,
            value=str(reason.count),
            unit="requests",
        )
    for ending in statistics.endings:
        yield CsvFigure(
            table="endings",
            rule=FigureKind.ENDINGS,
            side=Role.BORROWING.value,
            partner=statistics.wanted.partner,
            what=ending.ending.value,
            value=str(ending.count),
            unit="requests",
        )


def _list_survey_figures(surveys: Iterable[SurveyCounts], partner: str) -> Iterator[CsvFigure]:
    for counts in surveys:
        for line in counts.lines:
            yield CsvFigure(
                table=f"survey: {counts.survey.title}",
                rule=FigureKind.SURVEYS,
                side=line.line.role.value,
                service=line.line.service or "",
                partner=partner,
                what=line.line.text,
                value=str(line.count),
                unit="requests",
                year_before=str(line.year_before),
            )


def _list_cost_figures(statistics: RequestStatistics) -> Iterator[CsvFigure]:
    for cost in statistics.costs:
        yield CsvFigure(
            table="costs",
            rule=FigureKind.COSTS,
            side=cost.role.value,
            partner=statistics.wanted.partner,
            what="total",
            value=f"{Decimal(cost.total) / 1000:.2f}",
            unit=cost.currency,
        )


def _list_flow_figures(flow: FlowStatistics, earlier: FlowStatistics) -> Iterator[CsvFigure]:
    for month, before in zip(flow.months, earlier.months, strict=True):
        earlier_values = {what: value for _, what, value, _ in _name_counts(before.counts)}
        for rule, what, value, unit in _name_counts(month.counts):
            yield CsvFigure(
                table="months",
                rule=rule,
                side=flow.role.value,
                service=flow.service.value,
                month=format_month_value(month.month),
                what=what,
                value=value,
                unit=unit,
                year_before=earlier_values.get(what, ""),
            )


def _list_partner_figures(partner: PartnerStatistics) -> Iterator[CsvFigure]:
    for side, counts in ((Role.BORROWING, partner.we_asked), (Role.LENDING, partner.asked_us)):
        for rule, what, value, unit in _name_counts(counts):
            yield CsvFigure(
                table="partners",
                rule=FigureKind.PARTNERS if rule is FigureKind.REQUESTS else rule,
                side=side.value,
                partner=partner.partner,
                what=what,
                value=value,
                unit=unit,
            )
    for what, days in (("mean until sent", partner.days_to_send), ("median until sent", partner.median_days)):
        if days is not None:
            yield CsvFigure(
                table="partners",
                rule=FigureKind.DAYS_TO_SUPPLY,
                side=Role.BORROWING.value,
                partner=partner.partner,
                what=what,
                value=f"{days:.2f}",
                unit="days",
            )


def _list_time_figures(time: TurnaroundTime, earlier: TurnaroundTime) -> Iterator[CsvFigure]:
    earlier_values = dict(_name_times(earlier))
    for what, value in _name_times(time):
        yield CsvFigure(
            table="times",
            rule=FigureKind.TURNAROUND,
            side=time.role.value,
            service=time.service.value,
            what=f"{time.step}: {what}",
            value=value,
            unit="requests" if what == "cases" else "days",
            year_before=earlier_values.get(what, ""),
        )


def _name_times(time: TurnaroundTime) -> Iterator[tuple[str, str]]:
    if time.median_days is not None and time.slow_days is not None:
        yield "cases", str(time.cases)
        yield "median", f"{time.median_days:.2f}"
        yield "90 %", f"{time.slow_days:.2f}"


def _name_counts(counts: OutcomeCounts) -> Iterator[tuple[FigureKind, str, str, str]]:
    """Name counts, and shares as far as they can be told, each with its rule, value and unit."""
    for kind, what, count in (
        (FigureKind.REQUESTS, "asked", counts.asked),
        (FigureKind.FILLED, "filled", counts.filled),
        (FigureKind.UNFILLED, "unfilled", counts.unfilled),
        (FigureKind.CANCELLED, "cancelled", counts.cancelled),
        (FigureKind.OPEN, "open", counts.open),
    ):
        yield kind, what, str(count), "requests"
    if counts.open and counts.open_share is not None:
        yield FigureKind.OPEN, "open: share", f"{counts.open_share:.2f}", "share"
    if counts.filled_share is not None:
        yield FigureKind.FILL_RATE, "fill rate", f"{counts.filled_share:.2f}", "share"
    if counts.final_share is not None:
        least, most = counts.final_share
        yield FigureKind.FILL_RATE, "fill rate: at least", f"{least:.2f}", "share"
        yield FigureKind.FILL_RATE, "fill rate: at most", f"{most:.2f}", "share"

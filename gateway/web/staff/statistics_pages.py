"""Statistics of a library's requests for managers, as tables with bars, and the same as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from aiohttp import hdrs, web

from gateway.domain.library import Money
from gateway.domain.requests.reason_words import ENDING_WORDS
from gateway.domain.requests.request import AttemptStatus, Role
from gateway.domain.requests.request_figures import FigureFilter, month_of_moment
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.desks.request_statistics import (
    FlowStatistics,
    OutcomeCounts,
    PartnerStatistics,
    RequestStatistics,
    TurnaroundTime,
    shift_month,
)
from gateway.services.letters.localization import mark_text
from gateway.web.html.assets import HEADERS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.request_csv import format_csv_cells
from gateway.web.staff.coded_words import ATTEMPTS, describe_reason
from gateway.web.staff.partner_pages import format_mean_days
from gateway.web.staff.staff_request import StaffPage, StaffRequest

RECENT_MONTHS = {"12-months": 12, "3-months": 3}
YEARS_BACK = 4
"""Before this one, that are offered."""

FLOWS: Mapping[tuple[Role, bool], str] = {
    (Role.BORROWING, False): mark_text("Borrowing: loans"),
    (Role.BORROWING, True): mark_text("Borrowing: copies"),
    (Role.LENDING, False): mark_text("Lending: loans"),
    (Role.LENDING, True): mark_text("Lending: copies"),
}

STEPS: Mapping[tuple[Role, str], str] = {
    (Role.BORROWING, "asked"): mark_text("to the first supplier request"),
    (Role.BORROWING, "sent"): mark_text("to shipment by the supplier"),
    (Role.BORROWING, "came"): mark_text("to receipt"),
    (Role.LENDING, "sent"): mark_text("to shipment"),
}

REASON_SIDES: Mapping[Role, str] = {
    Role.BORROWING: mark_text("Unfilled reasons (borrowing)"),
    Role.LENDING: mark_text("Unfilled reasons (lending)"),
}

CSV_COLUMNS = ("table", "side", "service", "month", "partner", "what", "value", "unit")


@value_object
class Period:
    """`first` and `last`: months, such as 202601."""

    value: str
    text: str
    first: int
    last: int


@value_object
class ShownCost:
    """The cost in words; `mean` of each, to hundredths."""

    role: Role
    count: int
    total: str
    mean: str


# --- what is asked for ---------------------------------------------------------------------------------------


def _list_periods(request: StaffRequest) -> dict[str, Period]:
    this = month_of_moment(request.parts.clock.now())
    year = this // 100
    recent = [
        Period(
            value,
            request.ngettext("The last %(num)s month", "The last %(num)s months", months),
            shift_month(this, 1 - months),
            this,
        )
        for value, months in RECENT_MONTHS.items()
    ]
    years = [
        Period(str(period_year), str(period_year), period_year * 100 + 1, period_year * 100 + 12)
        for period_year in range(year, year - YEARS_BACK - 1, -1)
    ]
    return {period.value: period for period in (*recent, *years)}


def _read_filter(request: StaffRequest, periods: Mapping[str, Period]) -> tuple[Period, FigureFilter, FormCheck]:
    """Read the filter; what isn't known is a problem of the form, and doesn't narrow."""
    check = FormCheck(request, SubmittedForm(dict(request.http.query)))
    period = periods.get(check.read_choice("period", periods)) or next(iter(periods.values()))
    partners = [profile.name for profile, _ in request.context.partners()]
    partner = check.read_choice("partner", partners)
    figure_filter = FigureFilter(
        library=request.library.symbol,
        first=period.first,
        last=period.last,
        branch=check.read_line("branch"),
        partner=partner if partner in partners else "",
    )
    return period, figure_filter, check


# --- the page ------------------------------------------------------------------------------------------------


async def show_statistics(request: StaffRequest) -> web.Response:
    periods = _list_periods(request)
    period, wanted, asked = _read_filter(request, periods)
    statistics = await request.library.statistics.read_statistics(wanted)
    may_see_costs = request.has_right(Right.COSTS_READ)
    query = {"period": period.value, "branch": wanted.branch, "partner": wanted.partner}
    return request.render(
        "statistics",
        request.gettext("Statistics"),
        status=asked.status,
        help_topic="statistics",
        asked=asked,
        period=period,
        periods=list(periods.values()),
        partners=[(profile.name, partner.name) for profile, partner in request.context.partners()],
        known={profile.name for profile, _ in request.context.partners()},
        wanted=wanted,
        found=statistics,
        flows=[
            (flow, request.gettext(FLOWS[flow.role, flow.is_copy])) for flow in statistics.flows if flow.total.asked
        ],
        most=max((month.counts.asked for flow in statistics.flows for month in flow.months), default=0),
        format_month=lambda month: request.localization.format_month(month // 100, month % 100),
        format_share=lambda counts: _format_share(request, counts),
        format_final_share=lambda counts: _format_final_share(request, counts),
        partner_rows=[
            (row, request.context.name_of_partner(row.partner) or row.partner) for row in statistics.partners
        ],
        times=[
            (time, request.gettext(FLOWS[time.role, time.is_copy]), request.gettext(STEPS[time.role, time.step]))
            for time in statistics.times
            if time.cases
        ],
        reasons=_list_reasons(request, statistics) + _list_endings(request, statistics),
        costs=_list_costs(request, statistics) if may_see_costs else None,
        cost_sides={Role.BORROWING: request.gettext("Charged to us"), Role.LENDING: request.gettext("Charged by us")},
        format_days=lambda days: _format_days(request, days),
        format_number_of_days=lambda days: format_mean_days(request, days),
        csv_path=request.path("statistics.csv", **query),
    )


def _format_share(request: StaffRequest, counts: OutcomeCounts) -> str:
    share = counts.filled_share
    return "" if share is None else request.localization.format_share(Decimal(f"{share:.2f}"))


def _format_final_share(request: StaffRequest, counts: OutcomeCounts) -> str:
    """Format the share where requests are open, which a share of the closed ones does not know."""
    if counts.final_share is None:
        return ""
    least, most = (request.localization.format_share(Decimal(f"{share:.2f}")) for share in counts.final_share)
    return request.gettext("finally %(least)s to %(most)s", least=least, most=most)


def _format_days(request: StaffRequest, days: float | None) -> str:
    if days is None:
        return ""
    tenths = Decimal(f"{days:.1f}")
    number = request.localization.format_number(tenths)
    return request.ngettext("%(days)s day", "%(days)s days", 1 if tenths == 1 else 2, days=number)


def _list_reasons(request: StaffRequest, statistics: RequestStatistics) -> list[tuple[str, list[tuple[str, int]], int]]:
    """List for each side: its heading, reasons with counts, and the largest."""
    reasons = []
    for role, heading in REASON_SIDES.items():
        counts = [
            (_describe_reason(request, count.reason), count.count) for count in statistics.reasons if count.role is role
        ]
        if counts:
            reasons.append((request.gettext(heading), counts, max(count for _, count in counts)))
    return reasons


def _list_endings(request: StaffRequest, statistics: RequestStatistics) -> list[tuple[str, list[tuple[str, int]], int]]:
    """List endings as `_list_reasons` does."""
    counts = [
        (request.localization.translate_sentence(ENDING_WORDS[count.ending]), count.count)
        for count in statistics.endings
    ]
    heading = request.gettext("Closed by staff (borrowing)")
    return [(heading, counts, max(count for _, count in counts))] if counts else []


def _describe_reason(request: StaffRequest, reason: str) -> str:
    if not reason:
        return request.gettext("No reason given")
    if reason in list(AttemptStatus):
        return request.gettext(ATTEMPTS[reason][1])
    return describe_reason(reason, request.localization)


def _list_costs(request: StaffRequest, statistics: RequestStatistics) -> list[ShownCost]:
    def format_thousandths(amount: Decimal, currency: str) -> str:
        return request.localization.format_money(Money(amount / 1000, currency))

    return [
        ShownCost(
            cost.role,
            cost.count,
            format_thousandths(Decimal(cost.total), cost.currency),
            format_thousandths((Decimal(cost.total) / cost.count).quantize(Decimal("1E1")), cost.currency),
        )
        for cost in statistics.costs
    ]


# --- as a file -----------------------------------------------------------------------------------------------


async def send_statistics_csv(request: StaffRequest) -> web.Response:
    """The same figures, one to a line, in plain words; costs for those who may see them."""
    period, wanted, _ = _read_filter(request, _list_periods(request))
    statistics = await request.library.statistics.read_statistics(wanted)
    rows: list[Sequence[str]] = [CSV_COLUMNS]
    for flow in statistics.flows:
        rows += _list_flow_cells(flow)
    for partner in statistics.partners:
        rows += _list_partner_cells(partner)
    for time in statistics.times:
        rows += _list_time_cells(time)
    rows += [
        ("reasons", count.role.value, "", "", wanted.partner, count.reason, str(count.count), "requests")
        for count in statistics.reasons
    ]
    rows += [
        ("endings", Role.BORROWING.value, "", "", wanted.partner, count.ending.value, str(count.count), "requests")
        for count in statistics.endings
    ]
    if request.has_right(Right.COSTS_READ):
        rows += [
            (
                "costs",
                cost.role.value,
                "",
                "",
                wanted.partner,
                "total",
                f"{Decimal(cost.total) / 1000:.2f}",
                cost.currency,
            )
            for cost in statistics.costs
        ]
    text = "\ufeff" + "".join(format_csv_cells(row) for row in rows)
    return web.Response(
        body=text.encode(),
        headers={
            **HEADERS,
            hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="statistics-{period.value}.csv"',
        },
    )


def _list_flow_cells(flow: FlowStatistics) -> Iterator[Sequence[str]]:
    service = "copy" if flow.is_copy else "loan"
    for month in flow.months:
        text = f"{month.month // 100}-{month.month % 100:02}"
        for what, count in _name_counts(month.counts):
            yield "months", flow.role.value, service, text, "", what, str(count), "requests"
        for what, share in _name_shares(month.counts):
            yield "months", flow.role.value, service, text, "", what, share, "share"


def _list_partner_cells(partner: PartnerStatistics) -> Iterator[Sequence[str]]:
    for side, counts in ((Role.BORROWING, partner.we_asked), (Role.LENDING, partner.asked_us)):
        for what, count in _name_counts(counts):
            yield "partners", side.value, "", "", partner.partner, what, str(count), "requests"
        for what, share in _name_shares(counts):
            yield "partners", side.value, "", "", partner.partner, what, share, "share"
    for what, days in (("mean until sent", partner.days_to_send), ("median until sent", partner.median_days)):
        if days is not None:
            yield "partners", Role.BORROWING.value, "", "", partner.partner, what, f"{days:.2f}", "days"


def _name_shares(counts: OutcomeCounts) -> Iterator[tuple[str, str]]:
    """Name the share of the closed ones, and between which bounds it will be when the open ones have ended."""
    if counts.filled_share is not None:
        yield "fill rate", f"{counts.filled_share:.2f}"
    if counts.final_share is not None:
        least, most = counts.final_share
        yield "fill rate: at least", f"{least:.2f}"
        yield "fill rate: at most", f"{most:.2f}"


def _list_time_cells(time: TurnaroundTime) -> Iterator[Sequence[str]]:
    start = "times", time.role.value, "copy" if time.is_copy else "loan", "", ""
    if time.median_days is not None and time.slow_days is not None:
        yield *start, f"{time.step}: cases", str(time.cases), "requests"
        yield *start, f"{time.step}: median", f"{time.median_days:.2f}", "days"
        yield *start, f"{time.step}: 90 %", f"{time.slow_days:.2f}", "days"


def _name_counts(counts: OutcomeCounts) -> tuple[tuple[str, int], ...]:
    return (
        ("asked", counts.asked),
        ("filled", counts.filled),
        ("unfilled", counts.unfilled),
        ("cancelled", counts.cancelled),
        ("open", counts.open),
    )


PAGES = (
    StaffPage("GET", "/statistics", show_statistics, Right.STATISTICS_READ),
    StaffPage("GET", "/statistics.csv", send_statistics_csv, Right.STATISTICS_READ),
)

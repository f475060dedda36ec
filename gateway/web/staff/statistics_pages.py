"""Statistics of a library's requests for managers: figures with their rules, charts and the numbers of surveys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from aiohttp import hdrs, web

from gateway.domain.library import Money
from gateway.domain.requests.policy import SurveyLine
from gateway.domain.requests.reason_words import ENDING_WORDS
from gateway.domain.requests.request import AttemptStatus, Role, ServiceType
from gateway.domain.requests.request_figures import FigureFilter, format_month_value, month_of_moment, parse_month_value
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.desks.figure_rules import FIGURE_RULES, FigureKind
from gateway.services.desks.request_statistics import (
    MAX_MONTHS,
    MIN_CASES,
    MONTHS_OF_YEAR,
    OutcomeCounts,
    RequestStatistics,
    TurnaroundTime,
    list_months,
    shift_month,
    sum_flows,
)
from gateway.services.desks.survey_counts import count_surveys
from gateway.services.letters.localization import mark_text
from gateway.web.html.assets import HEADERS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff import month_chart
from gateway.web.staff.coded_words import ATTEMPTS, describe_reason
from gateway.web.staff.partner_pages import format_mean_days
from gateway.web.staff.staff_request import StaffPage, StaffRequest
from gateway.web.staff.statistics_csv import format_statistics_csv

RECENT_MONTHS = {"12-months": 12, "3-months": 3}
YEARS_BACK = 4
"""Before this one, that are offered."""

FLOWS: Mapping[tuple[Role, bool], str] = {
    (Role.BORROWING, False): mark_text("Borrowing: loans"),
    (Role.BORROWING, True): mark_text("Borrowing: copies"),
    (Role.LENDING, False): mark_text("Lending: loans"),
    (Role.LENDING, True): mark_text("Lending: copies"),
}

SERVICE_WORDS: Mapping[ServiceType, str] = {
    ServiceType.LOAN: mark_text("Loans"),
    ServiceType.COPY: mark_text("Copies"),
}
SERVICES: Mapping[str, ServiceType] = {kind.value: kind for kind in SERVICE_WORDS}

SURVEY_REQUESTS: Mapping[tuple[Role, str | None], str] = {
    (Role.BORROWING, None): mark_text("Borrowing, loans and copies"),
    (Role.BORROWING, "loan"): mark_text("Borrowing, loans"),
    (Role.BORROWING, "copy"): mark_text("Borrowing, copies"),
    (Role.LENDING, None): mark_text("Lending, loans and copies"),
    (Role.LENDING, "loan"): mark_text("Lending, loans"),
    (Role.LENDING, "copy"): mark_text("Lending, copies"),
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


@value_object
class Period:
    """`first` and `last`: months, such as 202601. `value` empty: months of somebody's own choice."""

    value: str
    text: str
    first: int
    last: int

    @property
    def query(self) -> dict[str, str]:
        """The part of an address that means it."""
        if self.value:
            return {"period": self.value}
        return {"first": format_month_value(self.first), "last": format_month_value(self.last)}


@value_object
class HeadFigure:
    """One of the few figures on top; `facts`: what belongs to it, in sentences."""

    name: str
    value: str
    cases: str
    facts: tuple[str, ...]


@value_object
class ReasonTable:
    """`counts`: how often each reason was given, in words; the most frequent first."""

    heading: str
    rule: FigureKind
    counts: list[tuple[str, int]]

    @property
    def most(self) -> int:
        return self.counts[0][1]


@value_object
class ShownCost:
    """The cost in words; `mean` of each, to hundredths."""

    role: Role
    count: int
    total: str
    mean: str


# --- what is asked for ---------------------------------------------------------------------------------------


def _list_periods(request: StaffRequest) -> dict[str, Period]:
    """List the periods that are offered: recent months, and years as the library reports them."""
    this = month_of_moment(request.parts.clock.now())
    begins = request.context.policy().statistics.year_begins
    year = this // 100 if this % 100 >= begins else this // 100 - 1
    recent = [
        Period(
            value,
            request.ngettext("The last %(num)s month", "The last %(num)s months", months),
            shift_month(this, 1 - months),
            this,
        )
        for value, months in RECENT_MONTHS.items()
    ]
    years = [_make_year(period_year * 100 + begins) for period_year in range(year, year - YEARS_BACK - 1, -1)]
    return {period.value: period for period in (*recent, *years)}


def _make_year(first: int) -> Period:
    """A year is called by its number, one that begins within it by both: 2025/26."""
    year = first // 100
    text = str(year) if first % 100 == 1 else f"{year}/{(year + 1) % 100:02}"
    return Period(str(year), text, first, shift_month(first, MONTHS_OF_YEAR - 1))


def _read_filter(request: StaffRequest) -> tuple[Period, FigureFilter, FormCheck]:
    """Read the filter; what isn't known is a problem of the form, and doesn't narrow."""
    periods = _list_periods(request)
    check = FormCheck(request, SubmittedForm(dict(request.http.query)))
    named = periods.get(check.read_choice("period", periods))
    period = _read_own_period(request, check) or named or next(iter(periods.values()))
    partners = [profile.name for profile, _ in request.context.partners()]
    partner = check.read_choice("partner", partners)
    figure_filter = FigureFilter(
        library=request.library.symbol,
        first=period.first,
        last=period.last,
        branch=check.read_line("branch"),
        partner=partner if partner in partners else "",
        service=SERVICES.get(check.read_choice("service", SERVICES)),
    )
    return period, figure_filter, check


def _read_own_period(request: StaffRequest, check: FormCheck) -> Period | None:
    """Read months that somebody has chosen; None: none, or a mistake, which is a problem of the form."""
    if not (check.form["first"] or check.form["last"]):
        return None
    first, last = (_read_month(request, check, name) for name in ("first", "last"))
    if first is None or last is None:
        return None
    if first > last:
        check.add_problem_text("last", request.gettext("The last month is before the first one."))
        return None
    if len(list_months(first, last)) > MAX_MONTHS:
        text = request.ngettext("Choose at most %(num)s month.", "Choose at most %(num)s months.", MAX_MONTHS)
        check.add_problem_text("last", text)
        return None
    return Period("", request.gettext("Own period"), first, last)


def _read_month(request: StaffRequest, check: FormCheck, name: str) -> int | None:
    try:
        return parse_month_value(check.read_line(name))
    except ValueError:
        check.add_problem_text(name, request.gettext("Enter a month as year and month, such as 2026-07."))
        return None


# --- the page ------------------------------------------------------------------------------------------------


async def show_statistics(request: StaffRequest) -> web.Response:
    period, wanted, asked = _read_filter(request)
    statistics = await request.library.statistics.read_statistics(wanted)
    before = statistics.year_before
    surveys = count_surveys(request.context.policy().statistics.surveys, statistics)
    usual = next((counts for counts in surveys.values() if counts.lines), next(iter(surveys.values())))
    survey = surveys.get(asked.read_choice("survey", surveys), usual)
    may_see_costs = request.has_right(Right.COSTS_READ)
    for name, month in (("first", period.first), ("last", period.last)):
        asked.values[name] = asked.values.get(name) or format_month_value(month)
    narrowed = {"branch": wanted.branch, "partner": wanted.partner, "service": wanted.service or ""}
    query = {**period.query, **narrowed}
    return request.render(
        "statistics",
        request.gettext("Statistics"),
        status=asked.status,
        help_topic="statistics",
        asked=asked,
        period=period,
        periods=[
            (other, request.path("statistics", period=other.value, **narrowed))
            for other in _list_periods(request).values()
        ],
        partners=[(profile.name, partner.name) for profile, partner in request.context.partners()],
        known={profile.name for profile, _ in request.context.partners()},
        wanted=wanted,
        services=[(service.value, request.gettext(text)) for service, text in SERVICE_WORDS.items()],
        parts_counted=_list_counted_parts(request, wanted),
        now=request.format_moment(statistics.at),
        found=statistics,
        head_figures=list(_list_head_figures(request, statistics)),
        flows=[
            (flow, earlier, request.gettext(FLOWS[flow.role, flow.is_copy]))
            for flow, earlier in zip(statistics.flows, before.flows, strict=True)
            if flow.total.asked
        ],
        month_chart=month_chart,
        rules={kind.value: rule for kind, rule in FIGURE_RULES.items()},
        surveys=[
            (name, counts.survey.title, request.path("statistics", survey=name, **query))
            for name, counts in surveys.items()
        ],
        survey=survey,
        survey_rule=lambda line: _describe_survey_line(request, line),
        format_month_name=request.localization.format_month_name,
        format_month=lambda month: request.localization.format_month(month // 100, month % 100),
        format_share=lambda counts: _format_share(request, counts.filled_share),
        format_open_share=lambda counts: _format_share(request, counts.open_share) if counts.open else "",
        format_final_share=lambda counts: _format_final_share(request, counts),
        partner_rows=[
            (row, request.context.name_of_partner(row.partner) or row.partner) for row in statistics.partners
        ],
        times=[
            (
                time,
                earlier,
                request.gettext(FLOWS[time.role, time.is_copy]),
                request.gettext(STEPS[time.role, time.step]),
            )
            for time, earlier in zip(statistics.times, before.times, strict=True)
            if time.cases
        ],
        reasons=_list_reasons(request, statistics) + _list_endings(request, statistics),
        costs=_list_costs(request, statistics) if may_see_costs else None,
        cost_sides={Role.BORROWING: request.gettext("Charged to us"), Role.LENDING: request.gettext("Charged by us")},
        format_days=lambda days: _format_days(request, days),
        format_number_of_days=lambda days: format_mean_days(request, days),
        csv_path=request.path("statistics.csv", **query),
    )


def _list_counted_parts(request: StaffRequest, wanted: FigureFilter) -> list[str]:
    """List what alone is counted, in words: the form that says it is not on paper."""
    return [
        *([request.gettext(SERVICE_WORDS[wanted.service])] if wanted.service else []),
        *([request.context.name_of_partner(wanted.partner) or wanted.partner] if wanted.partner else []),
        *([wanted.branch] if wanted.branch else []),
    ]


def _list_head_figures(request: StaffRequest, statistics: RequestStatistics) -> Iterator[HeadFigure]:
    """List the figures that a manager is asked for first; one that can't be told is left out."""
    names = {Role.BORROWING: request.gettext("Borrowing: filled"), Role.LENDING: request.gettext("Lending: filled")}
    totals = {role: sum_flows(statistics.flows, role) for role in Role}
    earlier = {role: sum_flows(statistics.year_before.flows, role) for role in Role}
    for role, name in names.items():
        counts = totals[role]
        if counts.filled_share is not None:
            ended = counts.filled + counts.unfilled
            filled, every = map(request.localization.format_number, (counts.filled, ended))
            is_rate = ended >= MIN_CASES
            yield HeadFigure(
                name,
                _format_share(request, counts.filled_share)
                if is_rate
                else request.gettext("%(done)s of %(total)s", done=filled, total=every),
                request.gettext("of %(count)s filled or unfilled", count=every) if is_rate else "",
                _list_facts(_describe_open(request, counts), _compare_share(request, earlier[role])),
            )
    arrivals = zip(statistics.times, statistics.year_before.times, strict=True)
    for time, before in arrivals:
        if (time.role, time.is_copy, time.step) == (Role.BORROWING, False, "came") and time.median_days is not None:
            yield HeadFigure(
                request.gettext("Loans: until receipt"),
                _format_days(request, time.median_days),
                request.gettext("median"),
                _list_facts(_describe_slow(request, time), _compare_days(request, before)),
            )
    lent, borrowed = totals[Role.LENDING].filled, totals[Role.BORROWING].filled
    if lent and borrowed:
        yield HeadFigure(
            request.gettext("Supplied for each one received"),
            request.localization.format_number(Decimal(f"{lent / borrowed:.2f}")),
            request.gettext(
                "%(lent)s to %(borrowed)s",
                lent=request.localization.format_number(lent),
                borrowed=request.localization.format_number(borrowed),
            ),
            (),
        )


def _list_facts(*facts: str) -> tuple[str, ...]:
    return tuple(filter(None, facts))


def _describe_open(request: StaffRequest, counts: OutcomeCounts) -> str:
    if not counts.open:
        return ""
    number, every = map(request.localization.format_number, (counts.open, counts.asked))
    if counts.final_share is None or counts.filled + counts.unfilled < MIN_CASES:
        return request.gettext("%(open)s of %(every)s are still open", open=number, every=every)
    least, most = (_format_share(request, share) for share in counts.final_share)
    return request.gettext(
        "%(open)s of %(every)s are still open: between %(least)s and %(most)s once all are closed",
        open=number,
        every=every,
        least=least,
        most=most,
    )


def _describe_slow(request: StaffRequest, time: TurnaroundTime) -> str:
    return request.gettext(
        "90th percentile: %(days)s; requests: %(cases)s",
        days=_format_days(request, time.slow_days),
        cases=request.localization.format_number(time.cases),
    )


def _compare_share(request: StaffRequest, earlier: OutcomeCounts) -> str:
    share = _format_share(request, earlier.filled_share)
    return request.gettext("Year before: %(value)s", value=share) if share else ""


def _compare_days(request: StaffRequest, earlier: TurnaroundTime) -> str:
    days = _format_days(request, earlier.median_days)
    return request.gettext("Year before: %(value)s", value=days) if days else ""


def _describe_survey_line(request: StaffRequest, line: SurveyLine) -> str:
    """Describe what a line counts: Lending, loans and copies: filled."""
    return request.gettext(
        "%(requests)s: %(result)s",
        requests=request.gettext(SURVEY_REQUESTS[line.role, line.service]),
        result=request.gettext(FIGURE_RULES[FigureKind(line.count)].name),
    )


def _format_share(request: StaffRequest, share: float | None) -> str:
    return "" if share is None else request.localization.format_share(Decimal(f"{share:.2f}"))


def _format_final_share(request: StaffRequest, counts: OutcomeCounts) -> str:
    """Format the share where requests are open, which a share of the closed ones does not know."""
    if counts.final_share is None:
        return ""
    least, most = (_format_share(request, share) for share in counts.final_share)
    return request.gettext("between %(least)s and %(most)s once all are closed", least=least, most=most)


def _format_days(request: StaffRequest, days: float | None) -> str:
    if days is None:
        return ""
    tenths = Decimal(f"{days:.1f}")
    number = request.localization.format_number(tenths)
    return request.ngettext("%(days)s day", "%(days)s days", 1 if tenths == 1 else 2, days=number)


def _list_reasons(request: StaffRequest, statistics: RequestStatistics) -> list[ReasonTable]:
    """List for each side its reasons."""
    reasons = []
    for role, heading in REASON_SIDES.items():
        counts = [
            (_describe_reason(request, count.reason), count.count) for count in statistics.reasons if count.role is role
        ]
        if counts:
            reasons.append(ReasonTable(request.gettext(heading), FigureKind.REASONS, counts))
    return reasons


def _list_endings(request: StaffRequest, statistics: RequestStatistics) -> list[ReasonTable]:
    """List endings as `_list_reasons` does."""
    counts = [
        (request.localization.translate_sentence(ENDING_WORDS[count.ending]), count.count)
        for count in statistics.endings
    ]
    heading = request.gettext("Closed by staff (borrowing)")
    return [ReasonTable(heading, FigureKind.ENDINGS, counts)] if counts else []


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


async def send_statistics_csv(request: StaffRequest) -> web.Response:
    """The same figures as a file; costs for those who may see them."""
    period, wanted, _ = _read_filter(request)
    statistics = await request.library.statistics.read_statistics(wanted)
    surveys = count_surveys(request.context.policy().statistics.surveys, statistics)
    text = format_statistics_csv(statistics, surveys, request.has_right(Right.COSTS_READ), request.gettext)
    months = f"{format_month_value(period.first)}-{format_month_value(period.last)}"
    return web.Response(
        body=text.encode(),
        headers={
            **HEADERS,
            hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="statistics-{months}.csv"',
        },
    )


PAGES = (
    StaffPage("GET", "/statistics", show_statistics, Right.STATISTICS_READ),
    StaffPage("GET", "/statistics.csv", send_statistics_csv, Right.STATISTICS_READ),
)

"""Statistics of a library's requests: the figures of staff's page, each kind with its rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import Role
from gateway.domain.requests.request_figures import format_month_value
from gateway.services.desks.figure_rules import FIGURE_RULES, FigureKind
from gateway.services.desks.request_statistics import (
    FlowStatistics,
    OutcomeCounts,
    PartnerStatistics,
    RequestStatistics,
    TurnaroundTime,
)
from gateway.services.desks.survey_counts import SurveyCounts
from gateway.web.api.models.bases import OutputModel, ParameterModel
from gateway.web.api.models.inputs import OptionalName
from gateway.web.api.models.values import Line

Month = Annotated[str, StringConstraints(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$")]
"""2026-07."""


class StatisticsQuery(ParameterModel):
    first: Month = Field(description="first month, by the creation of requests in UTC")
    last: Month = Field(description="last month; at most 24 months")
    branch: Line = Field("", description="of ours; what it borrowed is rounded to fives")
    partner: OptionalName = Field("", description="name of a partner's profile")
    service: Literal["", "loan", "copy"] = Field("", description="empty: loans and copies")


class OutcomeCountsOut(OutputModel):
    requests: int
    filled: int
    unfilled: int
    cancelled: int
    open: int
    open_share: float | None = Field(description="of all requests; null: too few")
    fill_rate: float | None = Field(description="of those that are filled or unfilled; null: none, or too few")
    least_final_fill_rate: float | None = Field(description="if all open ones were unfilled; null: none is open")
    most_final_fill_rate: float | None = Field(description="if all open ones were filled; null: none is open")

    @classmethod
    def from_counts(cls, counts: OutcomeCounts) -> OutcomeCountsOut:
        least, most = counts.final_share or (None, None)
        return cls(
            requests=counts.asked,
            filled=counts.filled,
            unfilled=counts.unfilled,
            cancelled=counts.cancelled,
            open=counts.open,
            open_share=counts.open_share,
            fill_rate=counts.filled_share,
            least_final_fill_rate=least,
            most_final_fill_rate=most,
        )


class MonthCountsOut(OutputModel):
    month: str = Field(description="such as 2026-07")
    counts: OutcomeCountsOut
    year_before: OutcomeCountsOut


class FlowOut(OutputModel):
    role: Role
    service: str = Field(description="loan or copy")
    total: OutcomeCountsOut
    year_before: OutcomeCountsOut
    months: tuple[MonthCountsOut, ...]

    @classmethod
    def from_flows(cls, flow: FlowStatistics, before: FlowStatistics) -> FlowOut:
        return cls(
            role=flow.role,
            service=flow.service.value,
            total=OutcomeCountsOut.from_counts(flow.total),
            year_before=OutcomeCountsOut.from_counts(before.total),
            months=tuple(
                MonthCountsOut(
                    month=format_month_value(month.month),
                    counts=OutcomeCountsOut.from_counts(month.counts),
                    year_before=OutcomeCountsOut.from_counts(earlier.counts),
                )
                for month, earlier in zip(flow.months, before.months, strict=True)
            ),
        )


class TurnaroundOut(OutputModel):
    role: Role
    service: str = Field(description="loan or copy")
    step: str = Field(description="until the first supplier was asked, it was sent, or it came: asked, sent, came")
    requests: int
    median_days: float
    slow_days: float = Field(description="90th percentile")
    median_days_year_before: float | None = Field(description="null: fewer than five requests")

    @classmethod
    def from_times(cls, time: TurnaroundTime, before: TurnaroundTime) -> TurnaroundOut | None:
        """None: too few requests."""
        if time.median_days is None or time.slow_days is None:
            return None
        return cls(
            role=time.role,
            service=time.service.value,
            step=time.step,
            requests=time.cases,
            median_days=time.median_days,
            slow_days=time.slow_days,
            median_days_year_before=before.median_days,
        )


class PartnerFiguresOut(OutputModel):
    partner: str = Field(description="name of its profile, or symbol of a library behind a broker")
    requests_to_it: OutcomeCountsOut
    requests_from_it: OutcomeCountsOut
    mean_days_to_supply: float | None = Field(description="null: fewer than five shipments")
    median_days_to_supply: float | None = Field(description="null: fewer than five shipments")

    @classmethod
    def from_partner(cls, partner: PartnerStatistics) -> PartnerFiguresOut:
        return cls(
            partner=partner.partner,
            requests_to_it=OutcomeCountsOut.from_counts(partner.we_asked),
            requests_from_it=OutcomeCountsOut.from_counts(partner.asked_us),
            mean_days_to_supply=partner.days_to_send,
            median_days_to_supply=partner.median_days,
        )


class ReasonCountOut(OutputModel):
    role: Role
    reason: str = Field(description="empty: none was given")
    count: int


class EndingCountOut(OutputModel):
    ending: RequestEnding
    count: int


class CostSumOut(OutputModel):
    role: Role = Field(description="borrowing: charged to us; lending: charged by us")
    currency: str
    requests: int
    total: Decimal


class SurveyLineOut(OutputModel):
    text: str
    count: int
    year_before: int


class SurveyOut(OutputModel):
    name: str
    title: str
    lines: tuple[SurveyLineOut, ...]

    @classmethod
    def from_counts(cls, name: str, counts: SurveyCounts) -> SurveyOut:
        lines = tuple(
            SurveyLineOut(text=line.line.text, count=line.count, year_before=line.year_before) for line in counts.lines
        )
        return cls(name=name, title=counts.survey.title, lines=lines)


class StatisticsOut(OutputModel):
    first: str = Field(description="first month, such as 2026-07")
    last: str
    as_of: datetime = Field(description="when the figures were read")
    is_rounded: bool = Field(description="what was borrowed is rounded to fives, since a branch is chosen")
    flows: tuple[FlowOut, ...]
    turnaround: tuple[TurnaroundOut, ...]
    partners: tuple[PartnerFiguresOut, ...]
    reasons: tuple[ReasonCountOut, ...]
    endings: tuple[EndingCountOut, ...]
    costs: tuple[CostSumOut, ...]
    surveys: tuple[SurveyOut, ...]
    rules: dict[FigureKind, str] = Field(description="how each kind of figure is counted")

    @classmethod
    def from_statistics(cls, statistics: RequestStatistics, surveys: Mapping[str, SurveyCounts]) -> StatisticsOut:
        before = statistics.year_before
        times = map(TurnaroundOut.from_times, statistics.times, before.times)
        return cls(
            first=format_month_value(statistics.wanted.first),
            last=format_month_value(statistics.wanted.last),
            as_of=statistics.at,
            is_rounded=statistics.is_rounded,
            flows=tuple(map(FlowOut.from_flows, statistics.flows, before.flows)),
            turnaround=tuple(time for time in times if time is not None),
            partners=tuple(map(PartnerFiguresOut.from_partner, statistics.partners)),
            reasons=tuple(map(ReasonCountOut.model_validate, statistics.reasons)),
            endings=tuple(map(EndingCountOut.model_validate, statistics.endings)),
            costs=tuple(
                CostSumOut(
                    role=cost.role, currency=cost.currency, requests=cost.count, total=Decimal(cost.total).scaleb(-3)
                )
                for cost in statistics.costs
            ),
            surveys=tuple(SurveyOut.from_counts(name, counts) for name, counts in surveys.items()),
            rules={kind: rule.text for kind, rule in FIGURE_RULES.items()},
        )

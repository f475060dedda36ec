"""The numbers of yearly surveys: IPEDS, ACRL and ARL, and forms of the library's own (`statistics.surveys` in
requests.yml)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Literal

from gateway.domain.requests.policy import Survey, SurveyLine
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.services.desks.request_statistics import FlowStatistics, OutcomeCounts, RequestStatistics
from gateway.services.letters.localization import mark_text


@value_object
class SurveyLineCount:
    """`count` of the period, and of the same months of the year before."""

    line: SurveyLine
    count: int
    year_before: int


@value_object
class SurveyCounts:
    survey: Survey
    lines: tuple[SurveyLineCount, ...]


_NOT_MANAGED_HERE = mark_text(
    "Add what is not managed here, such as documents that staff bought (closed as “obtained elsewhere”)."
)

_SIDES: Mapping[Role, str] = {
    Role.LENDING: "Interlibrary loans and documents provided to other libraries",
    Role.BORROWING: "Interlibrary loans and documents received",
}
_KINDS: Mapping[Literal["loan", "copy"] | None, str] = {None: "total", "loan": "returnable", "copy": "non-returnable"}

SHIPPED_SURVEYS: Mapping[str, Survey] = {
    "ipeds": Survey(
        title="IPEDS",
        note=_NOT_MANAGED_HERE,
        lines=tuple(SurveyLine(text=f"{text}: total", role=role) for role, text in _SIDES.items()),
    ),
    "acrl-arl": Survey(
        title="ACRL / ARL",
        note=_NOT_MANAGED_HERE,
        lines=tuple(
            SurveyLine(text=f"{text}: {kind}", role=role, service=service)
            for (role, text), (service, kind) in product(_SIDES.items(), _KINDS.items())
        ),
    ),
}
"""Lines in the words of the forms, which are English."""


def count_surveys(own: Mapping[str, Survey], statistics: RequestStatistics) -> dict[str, SurveyCounts]:
    """Count the library's own forms, which come first, and those that are shipped; an own one of the same name comes in
    its place. If one service is wanted, only its lines are counted: a total would be of that service alone."""
    before, wanted = statistics.year_before.flows, statistics.wanted.service
    return {
        name: SurveyCounts(
            survey,
            tuple(
                SurveyLineCount(line, _count_line(line, statistics.flows), _count_line(line, before))
                for line in survey.lines
                if wanted is None or line.service == wanted
            ),
        )
        for name, survey in {**own, **{name: form for name, form in SHIPPED_SURVEYS.items() if name not in own}}.items()
    }


def _count_line(line: SurveyLine, flows: Iterable[FlowStatistics]) -> int:
    meant = (flow for flow in flows if flow.role is line.role and line.service in (None, flow.service))
    return sum(_find_count(line, flow.total) for flow in meant)


def _find_count(line: SurveyLine, counts: OutcomeCounts) -> int:
    return counts.asked if line.count == "requests" else int(getattr(counts, line.count))

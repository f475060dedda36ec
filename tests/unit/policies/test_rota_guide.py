"""Every example of docs/rotas.md does what the guide says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.domain import due_dates
from gateway.domain.library import Bib, Money, RecordId
from gateway.domain.requests import citation_matching, intake_rules, rota
from gateway.domain.requests.calendar import Calendar
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.intake_rules import IntakeFacts, LocalAvailability
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.policy import RotaTemplate
from gateway.domain.requests.request import (
    AttemptStatus,
    PatronLink,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    RotaLine,
    RotaLineStatus,
    ServiceType,
)
from tests.support.requests import attempt, borrowing, lending
from tests.unit.policies.guide import GuideExample, examples

ZURICH = ZoneInfo("Europe/Zurich")
EXAMPLES = list(examples("rotas.md"))

Run = Callable[[GuideExample], Mapping[str, Any]]


# --- what an example is made of --------------------------------------------------------------------------


def request_of(said: Mapping[str, Any], base: Request) -> Request:
    citation = Citation(
        type=CitationType(said.get("type", "book")),
        title="The Book of Sand",
        language=said.get("language", ""),
        identifiers=(RecordId("isbn", said["isbn"]),) if "isbn" in said else (),
    )
    amount, _, currency = said.get("maximum", "").partition(" ")
    known = {"type", "service", "format", "language", "isbn", "maximum", "category", "branch"}
    assert set(said) <= known, f"the example's request knows {sorted(known)}"
    return replace(
        base,
        citation=citation,
        service=RequestedService(ServiceType(said.get("service", "loan")), said.get("format", "")),
        costs=RequestCosts(Money(Decimal(amount), currency) if amount else None),
        patron=PatronLink(category=said.get("category", "")),
        branch=said.get("branch", ""),
    )


def day(said: Mapping[str, Any]) -> date:
    return date.fromisoformat(said.get("today", "2026-11-24"))


def partners(example: GuideExample) -> dict[str, PartnerPolicy]:
    return {name: profile.partner for name, profile in example.profiles.items() if profile.partner is not None}


# --- what each kind of example does ----------------------------------------------------------------------


def run_intake(example: GuideExample) -> Mapping[str, Any]:
    given = example.given
    facts = IntakeFacts(
        category=given["category"],
        block=given.get("block", ""),
        open_requests=given.get("open_requests", 0),
        similar=tuple(f"r-{n}" for n in range(given.get("duplicates", 0))),
        owned=LocalAvailability(given.get("owned", "not")),
    )
    found = intake_rules.check_intake(facts, example.policy.intake)
    return {
        "refused": [one.reason.value for one in found.problems],
        "warnings": [one.reason.value for one in found.warnings],
    }


def run_mediation(example: GuideExample) -> Mapping[str, Any]:
    request = request_of(example.given["request"], borrowing())
    return {"mediation": intake_rules.find_mediation(request, example.policy)[0].value}


def run_assignment(example: GuideExample) -> Mapping[str, Any]:
    return {"rota": rota.choose_rota(request_of(example.given["request"], borrowing()), example.policy)}


def run_rota(example: GuideExample) -> Mapping[str, Any]:
    """Every supplier answers that it can't, until nobody is left."""
    given, policy = example.given, example.policy
    request = request_of(given.get("request", {}), borrowing())
    template = policy.rotas[given.get("rota") or rota.choose_rota(request, policy)]
    request = answered(replace(request, rota=rota.build_rota_lines(template, request, partners(example))), given)
    standings = standings_of(example, request)
    asked: list[str] = []
    why: dict[str, str] = {}
    skipped: dict[str, str] = {}
    while (choice := rota.choose_next_line(request, policy, template, standings, day(given), UTC)).line is not None:
        line = choice.line
        why.setdefault(line.partner, line.why)
        skipped |= {one.partner: one.why for one in choice.skipped}
        if owned(example, line, template, request):
            asked.append(line.partner)
        request = marked(request, line)
    skipped |= {one.partner: one.why for one in choice.skipped}
    retry_on = rota.first_retry_day(request, policy, partners(example), day(given), UTC)
    found: dict[str, Any] = {"asked": asked, "skipped": skipped, "retry_on": retry_on and retry_on.isoformat()}
    return found | {"why": {name: why[name] for name in example.expect.get("why", {})}}


def standings_of(example: GuideExample, request: Request) -> dict[str, rota.PartnerStanding]:
    known = example.given.get("standings", {})
    return {
        name: rota.partner_standing(
            partner,
            request,
            example.policy,
            day(example.given),
            open_requests=known.get(name, {}).get("open", 0),
            reported=known.get(name, {}).get("elsewhere", 0),
            mean_days=known.get(name, {}).get("days"),
        )
        for name, partner in partners(example).items()
    }


def owned(example: GuideExample, line: RotaLine, template: RotaTemplate, request: Request) -> bool:
    return rota.can_ask_supplier(template.only_owning, partners(example)[line.partner].owns_work(request.citation))


def marked(request: Request, line: RotaLine) -> Request:
    """Asked, and it said no."""
    lines = tuple(
        replace(one, standing=RotaLineStatus.ASKED) if one.partner == line.partner else one for one in request.rota
    )
    no = attempt(len(request.attempts) + 1, line.partner, status=AttemptStatus.UNFILLED)
    return replace(request, rota=lines, attempts=(*request.attempts, no))


def answered(request: Request, given: Mapping[str, Any]) -> Request:
    for said in given.get("answers", ()):
        request = marked(request, RotaLine(said["partner"]))
        retry = replace(
            request.attempts[-1],
            status=AttemptStatus.RETRY,
            asked=datetime.fromisoformat(said["asked"]).replace(tzinfo=UTC),
            retry_after=date.fromisoformat(said["retry_after"]),
        )
        request = replace(request, attempts=(*request.attempts[:-1], retry))
    return request


def run_too_late(example: GuideExample) -> Mapping[str, Any]:
    given, policy = example.given, example.policy
    now = datetime.combine(day(given), time(10), ZURICH)
    need_by = date.fromisoformat(given["need_by"])
    calendar = Calendar.from_policy(policy.calendar, ZURICH)
    return {"too_late": due_dates.describe_need_by_problem(need_by, now, policy.intake.least_days, calendar)}


def run_lending(example: GuideExample) -> Mapping[str, Any]:
    given, rules = example.given, example.policy.lending
    request = request_of(given["lending"], lending())
    refusal = intake_rules.find_lending_refusal(request, rules, given.get("open_requests", 0), day(given))
    if refusal is None and "item_policy" in given:
        refusal = intake_rules.find_item_refusal(given["item_policy"], request.service.type, rules)
    retry_after = refusal.retry_after if refusal is not None else None
    return {
        "refused": refusal.reason.value if refusal is not None else "",
        "retry_on": retry_after and retry_after.isoformat(),
    }


def run_matching(example: GuideExample) -> Mapping[str, Any]:
    citation = Citation(type=CitationType.BOOK, **described(example.given["citation"]))
    bibs = [Bib(id=said["id"], **described(said)) for said in example.given["records"]]
    taken = citation_matching.choose_candidate(
        citation_matching.rank_candidates(citation, bibs), example.policy.lending.confidence
    )
    return {"taken": taken and taken.bib_id, "confidence": taken and taken.confidence}


def described(said: Mapping[str, Any]) -> dict[str, Any]:
    words = {key: said[key] for key in ("title", "author", "published") if key in said}
    return words | {"identifiers": (RecordId("isbn", said["isbn"]),) if "isbn" in said else ()}


def run_numbers(example: GuideExample) -> Mapping[str, Any]:
    given, rules = example.given, example.policy.numbers
    branch, profile = given.get("branch", ""), given.get("profile", "")
    template = intake_rules.choose_number_template(Role(given["role"]), rules, branch=branch, profile=profile)
    at = datetime.fromisoformat(given["at"]).replace(tzinfo=ZURICH)
    fields = intake_rules.NumberFields(
        at=at, zone=ZURICH, library=given.get("library", ""), branch=branch, partner=given.get("partner", "")
    )
    series = intake_rules.number_series(template, fields, rules.prefix)
    return {"number": series.format_number(given["sequence"]), "counted_as": series.sequence.removeprefix("number ")}


RUNS: Mapping[str, Run] = {
    "Limit who may request": run_intake,
    "Require staff review": run_mediation,
    "Choose a rota": run_assignment,
    "Order the suppliers": run_rota,
    "Ask only suppliers that hold the item": run_rota,
    "Rank by load, speed, cost and reciprocity": run_rota,
    "Overloaded partners": run_rota,
    "Load reported by other libraries": run_rota,
    "Needed-by dates": run_too_late,
    "Retry later": run_rota,
    "Lending rules": run_lending,
    "Match a lending request to an item": run_matching,
    "Request numbers": run_numbers,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_the_guide_is_right(example: GuideExample) -> None:
    found = RUNS[example.heading](example)

    assert {key: found[key] for key in example.expect} == example.expect


def test_every_chapter_has_examples() -> None:
    assert list(dict.fromkeys(example.heading for example in EXAMPLES)) == list(RUNS)

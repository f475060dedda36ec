"""Keys of requests.yml and profiles that no story tries: with another value, a rule decides otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.catalogue_policy import LendingRule, TitleSearch
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import compare_with_hit
from gateway.domain.requests.intake_rules import find_mediation
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.policy import RequestPolicy, RotaTemplate
from gateway.domain.requests.request import PatronLink, Request, RequestCosts, RequestedService, ServiceType
from gateway.domain.requests.rota import PartnerStanding, build_rota_lines, choose_next_line, choose_rota
from tests.support.requests import BOOK, borrowing

DEAR = Money(Decimal("30.00"), "EUR")
CHEAP = Money(Decimal("5.00"), "EUR")
LIMIT = {"amount": "10.00", "currency": "EUR"}


def make_request(**changes: Any) -> Request:
    known = {
        "branch": "SCI",
        "citation": replace(BOOK, language="ja"),
        "patron": PatronLink(id="1", category="staff"),
        "service": RequestedService(ServiceType.COPY, "pdf"),
        "costs": RequestCosts(maximum=CHEAP),
    }
    return replace(borrowing(), **{**known, **changes})


CONDITIONS: tuple[tuple[dict[str, Any], Request, Request], ...] = (
    ({"patron_categories": ["Staff"]}, make_request(), make_request(patron=PatronLink(id="1", category="child"))),
    ({"citation_types": [BOOK.type]}, make_request(), make_request(citation=replace(BOOK, type="article"))),
    ({"services": ["copy"]}, make_request(), make_request(service=RequestedService(ServiceType.LOAN, "pdf"))),
    ({"formats": ["PDF"]}, make_request(), make_request(service=RequestedService(ServiceType.COPY, "printed"))),
    ({"languages": ["ja"]}, make_request(), make_request(citation=replace(BOOK, language="de"))),
    ({"branches": ["sci"]}, make_request(), make_request(branch="LAW")),
    ({"campuses": ["hill"]}, make_request(), make_request(branch="LAW")),
    ({"cost_up_to": LIMIT}, make_request(), make_request(costs=RequestCosts(maximum=DEAR))),
    ({"cost_above": LIMIT}, make_request(costs=RequestCosts(maximum=DEAR)), make_request()),
)


@pytest.mark.parametrize(("condition", "fitting", "other"), CONDITIONS, ids=[next(iter(one[0])) for one in CONDITIONS])
def test_a_condition_of_a_rule_keeps_other_requests_out(
    condition: dict[str, Any], fitting: Request, other: Request
) -> None:
    rotas = {name: {"lines": [{"partner": name}]} for name in ("usual", "special")}
    policy = RequestPolicy.model_validate(
        {
            "campuses": {"hill": ["SCI", "MED"]},
            "rotas": rotas,
            "default_rota": "usual",
            "rules": [{**condition, "rota": "special"}],
            "intake": {"mediation": [{**condition, "then": "straight-through"}]},
        }
    )

    assert [choose_rota(request, policy) for request in (fitting, other)] == ["special", "usual"]
    assert [find_mediation(request, policy)[1] for request in (fitting, other)] == [1, 0]


USUAL = PartnerStanding(open=2, mean_days=4.0)


@pytest.mark.parametrize(
    ("ranking", "warsaw", "kyoto"),
    [
        ({"load": 0}, replace(USUAL, open=9), replace(USUAL, mean_days=5.0)),
        ({"supply_time": 0}, replace(USUAL, mean_days=9.0), replace(USUAL, open=3)),
        ({"unknown_days": 1}, replace(USUAL, mean_days=None), USUAL),
        ({"cost": 0}, replace(USUAL, cost=DEAR), replace(USUAL, open=3)),
        ({"reciprocity": 3}, replace(USUAL, reciprocity=2.0, open=3), replace(USUAL, reciprocity=1.0)),
        ({"near": 3}, replace(USUAL, near=True, open=3), USUAL),
    ],
)
def test_by_its_weights_a_library_asks_another_supplier_first(
    ranking: dict[str, Any], warsaw: PartnerStanding, kyoto: PartnerStanding
) -> None:
    written = {"order": "ranked", "lines": [{"partner": "kyoto"}, {"partner": "warsaw"}]}
    template = RotaTemplate.model_validate(written)
    known = {"warsaw": warsaw, "kyoto": kyoto}
    partner = PartnerPolicy(symbols=("ISIL:X",), channel="loopback")
    request = make_request(costs=RequestCosts())
    request = replace(request, rota=build_rota_lines(template, request, dict.fromkeys(known, partner)))

    def ask(policy: dict[str, Any], rota: dict[str, Any] | None = None) -> str:
        rules = RequestPolicy.model_validate({"ranking": policy})
        weighed = RotaTemplate.model_validate({**written, "ranking": rota})
        line = choose_next_line(request, rules, weighed, known, date(2026, 11, 24), UTC).line
        return line.partner if line is not None else ""

    assert [ask({}), ask(ranking), ask({}, ranking), ask(ranking, {})] == ["kyoto", "warsaw", "warsaw", "kyoto"]


KNIGHT = Citation(title="The knight in the panther's skins", author="Rustaveli, Shota; Wardrop, Marjory; Urushadze")


@pytest.mark.parametrize(
    ("settings", "hit"),
    [
        ({"alike": 100}, Citation(title="The knight in the panthers' skin", author=KNIGHT.author)),
        ({"author_alike": 100}, Citation(title=KNIGHT.title, author="Rustaveli, Shota; Wardrop, Marjory; Coffin")),
    ],
)
def test_a_hit_of_a_catalogue_is_alike_as_far_as_is_set(settings: dict[str, Any], hit: Citation) -> None:
    found = [compare_with_hit(KNIGHT, hit, TitleSearch.model_validate(one)).same for one in ({}, settings)]
    assert found == [True, False]


@dataclass(frozen=True)
class Holding:
    location: str = "MAIN"
    sublocation: str = "Stacks"
    policy: str = ""
    status: str = ""
    available: bool | None = None


def test_a_rule_for_a_sublocation_is_for_no_other() -> None:
    rule = LendingRule.model_validate({"sublocation": "Rare*"})

    assert [rule.matches_holding(Holding(sublocation=name)) for name in ("Rare books", "Stacks")] == [True, False]

"""What is refused, what staff are warned of, what we lend."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.library import Money
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import ReasonCodes
from gateway.domain.requests.intake_rules import (
    IntakeFacts,
    IntakeFinding,
    LendingRefusal,
    LocalAvailability,
    check_intake,
    conditions_match,
    find_item_refusal,
    find_lending_refusal,
    find_mediation,
)
from gateway.domain.requests.partner_policy import Price
from gateway.domain.requests.policy import (
    Duplicates,
    Intake,
    LendingRules,
    Mediation,
    OpenLimits,
    RequestPolicy,
    RuleConditions,
)
from gateway.domain.requests.request import PatronLink, RequestCosts, RequestedService, ServiceType
from tests.support.requests import BOOK, borrowing, lending, money

TODAY = date(2026, 11, 24)


def test_nothing_special_passes() -> None:
    found = check_intake(IntakeFacts(category="graduate", open_requests=300), Intake())

    assert (found.problems, found.warnings) == ((), ())


@pytest.mark.parametrize("rule", ["refuse", "warn", "allow-when-unavailable"])
def test_records_that_are_only_like_it_warn_and_stop_nothing(rule: str) -> None:
    facts = IntakeFacts(owned=LocalAvailability.UNKNOWN, candidates=2)

    found = check_intake(facts, Intake.model_validate({"locally_owned": rule}))

    detail = "The library may already hold it: 2 similar records."
    assert found.problems == ()
    assert found.warnings == (IntakeFinding(RefusalReason.NOT_ALLOWED, detail, MessagePart.ITEM),)
    assert check_intake(replace(facts, candidates=0), Intake.model_validate({"locally_owned": rule})).warnings == ()


def test_a_block_stops_or_warns_by_the_librarys_choice() -> None:
    facts = IntakeFacts(block="overdue items.")

    stopped, warned = check_intake(facts, Intake()), check_intake(facts, Intake(blocks_stop=False))

    assert [one.reason for one in stopped.problems] == [RefusalReason.PATRON_BLOCKED]
    assert stopped.problems[0].detail == "The patron may not make requests: overdue items."
    assert (warned.problems, warned.warnings) == ((), stopped.problems)


@pytest.mark.parametrize(
    ("rule", "on_shelf", "out"),
    [
        ("refuse", "problem", "problem"),
        ("warn", "warning", "warning"),
        ("allow-when-unavailable", "problem", ""),
        ("allow", "", ""),
    ],
)
def test_what_we_have_ourselves(rule: Any, on_shelf: str, out: str) -> None:
    for owned, wanted in (
        (LocalAvailability.AVAILABLE, on_shelf),
        (LocalAvailability.UNAVAILABLE, out),
        (LocalAvailability.NOT, ""),
    ):
        found = check_intake(IntakeFacts(owned=owned), Intake(locally_owned=rule))
        assert bool(found.problems) == (wanted == "problem")
        assert bool(found.warnings) == (wanted == "warning")


@pytest.mark.parametrize(("category", "limit"), [("graduate", 3), ("faculty", 20)])
def test_as_many_requests_may_be_open_as_the_category_allows_and_no_more(category: str, limit: int) -> None:
    intake = Intake(open_requests=OpenLimits(default=3, categories={"faculty": 20}))

    last = check_intake(IntakeFacts(category=category, open_requests=limit - 1), intake)
    refused = check_intake(IntakeFacts(category=category, open_requests=limit), intake)

    assert last.problems == ()
    assert [one.reason for one in refused.problems] == [RefusalReason.LIMIT_REACHED]
    assert refused.problems[0].detail == f"The patron has {limit} open requests; the limit is {limit}."


def test_duplicates_are_not_looked_at_for_zero_days() -> None:
    facts = IntakeFacts(similar=("r-1",))

    assert check_intake(facts, Intake(duplicates=Duplicates(action="refuse"))).problems
    assert check_intake(facts, Intake()).warnings
    assert check_intake(facts, Intake(duplicates=Duplicates(days=0, action="refuse"))).problems == ()


def test_texts_are_compared_without_case_and_the_first_rule_counts() -> None:
    policy = RequestPolicy.model_validate(
        {
            "intake": {
                "mediation": [
                    {"patron_categories": ["Faculty"], "branches": ["sci"], "then": "straight-through"},
                    {"patron_categories": ["faculty"], "then": "review"},
                ],
                "mediation_default": "straight-through",
            }
        }
    )
    request = borrowing(patron=PatronLink(category="FACULTY"), branch="SCI")

    assert find_mediation(request, policy) == (Mediation.STRAIGHT_THROUGH, 1)
    assert find_mediation(replace(request, branch="MAIN"), policy) == (Mediation.REVIEW, 2)
    assert find_mediation(replace(request, patron=PatronLink()), policy) == (Mediation.STRAIGHT_THROUGH, 0)


# --- lending ---------------------------------------------------------------------------------------------


def test_a_closure_is_said_before_the_threshold() -> None:
    rules = LendingRules.model_validate({"max_open": 1, "closed": [{"first": TODAY, "last": "2026-12-01"}]})

    refusal = find_lending_refusal(lending(), rules, 5, TODAY)

    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (ReasonCodes.CLOSED, "We do not lend until 2026-12-01.")


def test_services_that_we_do_not_supply() -> None:
    rules = LendingRules(services=(ServiceType.COPY,))

    answers = {
        service: find_lending_refusal(lending(service=RequestedService(service)), rules, 0, TODAY) is None
        for service in ServiceType
    }

    assert answers == {ServiceType.LOAN: False, ServiceType.COPY: True, ServiceType.COPY_OR_LOAN: True}


@pytest.mark.parametrize(
    ("item_policy", "service", "supplied"),
    [
        ("standard", ServiceType.LOAN, True),
        ("reference", ServiceType.LOAN, False),
        ("reference", ServiceType.COPY, True),
        ("reference", ServiceType.COPY_OR_LOAN, True),
        ("map", ServiceType.LOAN, False),
    ],
)
def test_item_policies(item_policy: str, service: ServiceType, supplied: bool) -> None:
    rules = LendingRules(item_policies=("standard",), never=("reference",))

    assert (find_item_refusal(item_policy, service, rules) is None) is supplied


def test_copies_of_what_is_not_lent_can_be_refused_too() -> None:
    rules = LendingRules(never=("reference",), copies_of_never=False)

    assert find_item_refusal("reference", ServiceType.COPY, rules) is not None


# --- what is said ----------------------------------------------------------------------------------------


def test_every_finding_says_what_it_is_about_in_a_sentence() -> None:
    facts = IntakeFacts(block="Overdue items.", open_requests=1, similar=("r-1",), owned=LocalAvailability.AVAILABLE)
    intake = Intake(
        open_requests=OpenLimits(default=1),
        duplicates=Duplicates(action="refuse"),
        locally_owned="refuse",
    )

    assert check_intake(facts, intake).problems == (
        IntakeFinding(
            RefusalReason.PATRON_BLOCKED, "The patron may not make requests: Overdue items.", MessagePart.PATRON
        ),
        IntakeFinding(
            RefusalReason.LIMIT_REACHED, "The patron has 1 open requests; the limit is 1.", MessagePart.PATRON
        ),
        IntakeFinding(
            RefusalReason.DUPLICATE_REQUEST,
            "The patron already has a request for the same item.",
            MessagePart.REQUEST,
        ),
        IntakeFinding(RefusalReason.NOT_ALLOWED, "The library holds it, and a copy is available.", MessagePart.ITEM),
    )


def test_what_we_have_and_is_out_is_said_so() -> None:
    (found,) = check_intake(IntakeFacts(owned=LocalAvailability.UNAVAILABLE), Intake(locally_owned="warn")).warnings
    assert found.detail == "The library holds it, but no copy is available now."


def test_duplicates_may_be_allowed() -> None:
    found = check_intake(IntakeFacts(similar=("r-1",)), Intake(duplicates=Duplicates(action="allow")))
    assert (found.problems, found.warnings) == ((), ())


def test_as_many_loans_may_be_open_as_we_said_and_no_more() -> None:
    rules = LendingRules(max_open=3)
    assert find_lending_refusal(lending(), rules, 2, TODAY) is None
    assert find_lending_refusal(lending(), rules, 3, TODAY) == LendingRefusal(
        ReasonCodes.OVERLOADED, "We have too many requests at present."
    )
    assert find_lending_refusal(lending(), LendingRules(), 1_000, TODAY) is None


def test_services_and_formats_that_we_do_not_supply_are_named() -> None:
    rules = LendingRules(services=(ServiceType.LOAN,), formats_refused=("Microform",))
    copy = lending(service=RequestedService(ServiceType.COPY))
    microform = lending(service=RequestedService(ServiceType.LOAN, format="MICROFORM"))

    assert find_lending_refusal(copy, rules, 0, TODAY) == LendingRefusal(
        ReasonCodes.POLICY, "We do not offer the service 'copy'."
    )
    assert find_lending_refusal(microform, rules, 0, TODAY) == LendingRefusal(
        ReasonCodes.POLICY, "We do not supply the format 'MICROFORM'."
    )
    assert find_lending_refusal(lending(), rules.model_copy(update={"formats_refused": ("",)}), 0, TODAY) is None
    assert find_item_refusal("map", ServiceType.LOAN, LendingRules(never=("map",))) == LendingRefusal(
        ReasonCodes.NON_CIRCULATING, "Items with the policy 'map' are not lent."
    )


# --- conditions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maximum", "up_to", "above"),
    [
        (money("9.99"), True, False),
        (money("10.00"), True, False),
        (money("10.01"), False, True),
        (money("10.01", "CHF"), False, False),
        (money("1.00", "CHF"), False, False),
        (None, False, True),
    ],
)
def test_a_condition_on_the_cost_holds_up_to_its_limit(maximum: Money | None, up_to: bool, above: bool) -> None:
    request = borrowing(costs=RequestCosts(maximum))
    limit = Price(amount=Decimal(10), currency="EUR")

    assert conditions_match(RuleConditions(cost_up_to=limit), request, RequestPolicy()) is up_to
    assert conditions_match(RuleConditions(cost_above=limit), request, RequestPolicy()) is above


@pytest.mark.parametrize(
    "conditions",
    [
        {"patron_categories": ("Graduate",)},
        {"citation_types": (CitationType.BOOK,)},
        {"services": (ServiceType.LOAN,)},
        {"formats": ("Printed",)},
        {"languages": ("GEO",)},
        {"branches": ("Main",)},
        {"campuses": ("North",)},
    ],
)
def test_each_condition_must_hold(conditions: dict[str, Any]) -> None:
    policy = RequestPolicy(campuses={"north": ("MAIN",)})
    fits = borrowing(
        citation=replace(BOOK, language="geo"),
        service=RequestedService(ServiceType.LOAN, format="printed"),
        branch="MAIN",
    )
    other = replace(
        fits,
        patron=PatronLink(category="faculty"),
        citation=replace(BOOK, language="ger", type=CitationType.SCORE),
        service=RequestedService(ServiceType.COPY, format="pdf"),
        branch="SCI",
    )
    rule = RuleConditions(**conditions)
    assert conditions_match(rule, fits, policy)
    assert not conditions_match(rule, other, policy)
    assert conditions_match(RuleConditions(), other, policy)

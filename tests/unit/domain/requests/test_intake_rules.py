"""What is refused, what staff are warned of, what we lend."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.domain.problems import RefusalReason
from gateway.domain.requests.events import ReasonCodes
from gateway.domain.requests.intake_rules import (
    IntakeFacts,
    LocalAvailability,
    check_intake,
    find_item_refusal,
    find_lending_refusal,
    needs_mediation,
)
from gateway.domain.requests.policy import Duplicates, Intake, LendingRules, Mediation, RequestPolicy
from gateway.domain.requests.request import PatronLink, RequestedService, ServiceType
from tests.support.requests import borrowing, lending

TODAY = date(2026, 11, 24)


def test_nothing_special_passes() -> None:
    found = check_intake(IntakeFacts(category="graduate", open_requests=300), Intake())

    assert (found.problems, found.warnings) == ((), ())


def test_a_block_stops_or_warns_by_the_librarys_choice() -> None:
    facts = IntakeFacts(block="overdue items.")

    stopped, warned = check_intake(facts, Intake()), check_intake(facts, Intake(blocks_stop=False))

    assert [one.reason for one in stopped.problems] == [RefusalReason.PATRON_BLOCKED]
    assert stopped.problems[0].detail == "The patron may not request: overdue items."
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

    assert needs_mediation(request, policy) is Mediation.STRAIGHT_THROUGH
    assert needs_mediation(replace(request, branch="MAIN"), policy) is Mediation.REVIEW
    assert needs_mediation(replace(request, patron=PatronLink()), policy) is Mediation.STRAIGHT_THROUGH


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

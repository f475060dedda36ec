"""Does the library know what its requests.yml names: patron categories, branches, item policies?"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.configuration.problems import Path, Problem
from gateway.policies import LoadedPolicy
from gateway.policies.checks import rules
from gateway.ports.library import LibraryCodes


def check_policy_codes(one: LoadedPolicy, codes: LibraryCodes) -> list[Problem]:
    """What a system can't list isn't looked at."""
    return [
        one.problem(path, f"the library knows no such {what}", value, tuple(sorted(known)))
        for what, known, values in (
            ("patron category", codes.patron_categories, _policy_categories(one)),
            ("branch", codes.branches, _policy_branches(one)),
            ("item policy", codes.item_policies, _policy_item_policies(one)),
        )
        if known is not None
        for path, value in values
        if value not in known
    ]


_Values = Iterator[tuple[Path, str]]


def _policy_categories(one: LoadedPolicy) -> _Values:
    for category in one.policy.intake.open_requests.categories:
        yield ("intake", "open_requests", "categories", category), category
    for path, rule in rules(one):
        for index, category in enumerate(rule.patron_categories):
            yield (*path, "patron_categories", index), category


def _policy_branches(one: LoadedPolicy) -> _Values:
    for branch in one.policy.numbers.branches:
        yield ("numbers", "branches", branch), branch
    for campus, branches in one.policy.campuses.items():
        for index, branch in enumerate(branches):
            yield ("campuses", campus, index), branch
    for path, rule in rules(one):
        for index, branch in enumerate(rule.branches):
            yield (*path, "branches", index), branch


def _policy_item_policies(one: LoadedPolicy) -> _Values:
    lending = one.policy.lending
    for key, codes in (("item_policies", lending.item_policies), ("never", lending.never)):
        for index, code in enumerate(codes):
            yield ("lending", key, index), code
    for code in lending.loan_days.item_policies:
        yield ("lending", "loan_days", "item_policies", code), code

"""The section `partner` of a profile: what it says, and what must fit between partners."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.adapter_registry import load_adapters
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.request import RequestedService, ServiceType
from gateway.profiles import read_profiles
from gateway.settings import Settings
from tests.unit.policies.support import Place


def problems(place: Place) -> list[str]:
    found = read_profiles(place.profiles_folder, load_adapters(), Settings()).problems
    return [str(problem).rpartition(f"{place.profiles_folder}/")[2] for problem in found]


def test_partners_of_all_kinds_are_fine(place: Place) -> None:
    assert problems(place) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "ncip: {}\ncirculation:\n  requests:\n    managed: lending\n",
            "oslo.yml:4: circulation.requests.managed: needs the section `partner`: to whom is lent, found 'lending'",
        ),
        (
            "partner: {symbols: [X], roles: [supplier]}\ncirculation:\n  requests: {managed: lending}\n",
            "oslo.yml:3: circulation.requests.managed: needs the role requester in `partner.roles`, found 'lending'",
        ),
        (
            "partner:\n  name: Oslo\n",
            "oslo.yml:1: partner.symbols: a partner needs a symbol, so that its messages are known as its own",
        ),
        (
            "partner:\n  symbols: [ISIL:NO-1]\n  channel: mial\n",
            "oslo.yml:3: partner.channel: no such channel, found 'mial', allowed: artemail, iso-ill, iso18626, "
            "loopback, mail, openrs, openurl, tagged-mail "
            "(did you mean 'mail'?)",
        ),
        (
            "partner:\n  symbols: [ISIL:NO-1]\n  channel: tagged-mail\n  brokered: transparent\n",
            "oslo.yml:4: partner.brokered: messages of its channel can't name the library on the other side, found "
            "'tagged-mail', allowed: iso18626",
        ),
        (
            "partner:\n  symbols: [ISIL:NO-1]\n  channel: mail\n",
            "oslo.yml:1: partner.email: the channel mail needs an e-mail address",
        ),
        (
            "partner:\n  symbols: [ISIL:NO-1]\n  channel: iso-ill\niso_ill:\n  transport: {by: mail}\n",
            "oslo.yml:1: partner.email: the channel iso-ill needs an e-mail address",
        ),
        (
            "partner:\n  symbols: [ISIL:NO-1]\niso_ill:\n  credentials: {user: 100-1}\n",
            "oslo.yml:4: iso_ill.credentials: user and password go together",
        ),
        (
            "partner:\n  symbols:\n    - ISIL:NO-1\n    - isil:jp-1003457\n",
            "oslo.yml:4: partner.symbols.1: profile 'kyoto' has this symbol too, found 'isil:jp-1003457'",
        ),
        (
            "partner:\n  symbols: [A, a]\n",
            "oslo.yml:2: partner.symbols: stands twice: A, a",
        ),
        (
            "partner:\n  symbols: [A]\n  owns:\n    - isbn:9783161484100\n    - something\n",
            "oslo.yml:5: partner.owns.1: not an identifier such as isbn:9783161484100 or issn:0317-8471",
        ),
        (
            "partner:\n  symbols: [A]\n  workflow:\n    borrowing:\n      answer_dayz: 3\n",
            "oslo.yml:5: partner.workflow.borrowing.answer_dayz: unknown key",
        ),
    ],
)
def test_a_mistake_is_said_with_its_place(place: Place, text: str, problem: str) -> None:
    place.profile("oslo", text)

    assert any(found.startswith(problem) for found in problems(place)), problems(place)


def test_a_family_is_no_partner_itself(place: Place) -> None:
    """An abstract profile says what its partners have in common; each says its own symbol."""
    place.profile("family", "abstract: true\npartner: {channel: loopback, workflow: {lending: {loan_days: 42}}}\n")
    place.profile("oslo", "extends: family\npartner: {symbols: [ISIL:NO-1]}\n")

    loading = read_profiles(place.profiles_folder, load_adapters(), Settings())

    assert loading.problems == ()
    oslo = loading.profiles.find_profile("oslo")
    assert oslo is not None
    assert oslo.partner is not None
    assert (oslo.partner.symbol, oslo.partner.channel) == ("ISIL:NO-1", "loopback")
    assert oslo.partner.workflow.lending.loan_days == 42


@pytest.mark.parametrize(
    ("said", "loan", "copy", "either"),
    [
        ({}, True, True, True),
        ({"services": ["loan"]}, True, False, True),
        ({"services": ["copy"]}, False, True, True),
        ({"services": ["copy-or-loan"]}, True, True, True),
        ({"workflow": {"borrowing": {"digital_only": True}}}, False, True, True),
        ({"services": ["loan"], "workflow": {"borrowing": {"digital_only": True}}}, False, False, False),
    ],
)
def test_what_a_partner_supplies(said: dict[str, Any], loan: bool, copy: bool, either: bool) -> None:
    partner = PartnerPolicy.model_validate(said)

    found = [partner.can_supply(one) for one in (ServiceType.LOAN, ServiceType.COPY, ServiceType.COPY_OR_LOAN)]

    assert found == [loan, copy, either]


def test_what_it_charges() -> None:
    partner = PartnerPolicy.model_validate(
        {"cost": {"amount": "12.50", "currency": "EUR"}, "copy_cost": {"amount": 4, "currency": "EUR"}}
    )

    assert partner.usual_price(RequestedService(ServiceType.LOAN)) == Money(Decimal("12.50"), "EUR")
    assert partner.usual_price(RequestedService(ServiceType.COPY_OR_LOAN)) == Money(Decimal("12.50"), "EUR")
    assert partner.usual_price(RequestedService(ServiceType.COPY)) == Money(Decimal(4), "EUR")
    assert PartnerPolicy().usual_price(RequestedService(ServiceType.LOAN)) is None


@pytest.mark.parametrize(("owns", "has"), [("everything", True), ("nothing", False), ("unknown", None)])
def test_what_it_owns_in_one_word(owns: str, has: bool | None) -> None:
    assert PartnerPolicy.model_validate({"owns": owns}).owns_work(Citation(title="The Book of Sand")) is has


def test_what_it_owns_by_a_list() -> None:
    partner = PartnerPolicy.model_validate({"owns": ["isbn:3-16-148410-X"]})

    def has(*identifiers: RecordId) -> bool | None:
        return partner.owns_work(Citation(identifiers=identifiers))

    assert has(RecordId("isbn", "9783161484100")) is True
    assert has(RecordId("isbn", "9780306406157")) is False
    assert has(RecordId("issn", "0317-8471")) is None


@pytest.mark.parametrize(
    "said",
    [
        {"cost": {"amount": -1, "currency": "EUR"}},
        {"cost": {"amount": 1, "currency": "euro"}},
        {"email": "nobody"},
        {"language": "German"},
        {"closures": [{"first": "2026-12-24", "last": "2026-12-23"}]},
        {"number": "{year}"},
        {"owns": "some"},
    ],
)
def test_what_can_not_be_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PartnerPolicy.model_validate(said)


def test_days_of_a_renewal_are_those_that_it_adds_and_the_limit_for_its_answer_has_its_own_name(place: Place) -> None:
    """A profile of before, which has the limit as `renewal_days`, counts as it did, also where it is extended."""
    write = "partner:\n  symbols: [ISIL:{}]\n  workflow:\n    borrowing: {{{}}}\n"
    place.profile("oslo", write.format("NO-1", "renewal_answer_days: 4"))
    place.profile("bergen", write.format("NO-2", "renewal_days: 5"))
    place.profile("voss", "extends: bergen\npartner:\n  symbols: [ISIL:NO-3]\n  name: Voss\n")
    limits = {}
    for name in ("oslo", "bergen", "voss"):
        profile = place.profiles.find_profile(name)
        assert profile is not None
        assert profile.partner is not None
        limits[name] = profile.partner.workflow.borrowing.renewal_answer_days
        assert profile.partner.workflow.lending.renewal_days == 14
    assert limits == {"oslo": 4, "bergen": 5, "voss": 5}

    place.profile("voss", "extends: oslo\n" + write.format("NO-3", "renewal_days: 6"))
    (problem,) = problems(place)
    assert problem.startswith("voss.yml:5: partner.workflow.borrowing: ")
    assert "renewal_days is the former name of renewal_answer_days" in problem


def test_only_one_setting_of_a_workflow_is_called_renewal_days() -> None:
    sections = PartnerPolicy.model_json_schema()["$defs"]
    named = [
        name for name in ("BorrowingWorkflow", "LendingWorkflow") if "renewal_days" in sections[name]["properties"]
    ]

    assert named == ["LendingWorkflow"]

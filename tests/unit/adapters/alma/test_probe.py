"""`illgate check --live` on an Alma: each mistake is named with its setting, and how it is mended there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.library import alma
from gateway.ports.adapter import LibraryAdapterContext
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.place import alma_place

TRIAL = {"patron": KNOWN.good.value, "item": KNOWN.shelf_item}


async def test_all_is_well_and_nothing_is_changed(context: LibraryAdapterContext) -> None:
    async with alma_place(context, trial=TRIAL, identifier_types={"external": "INST_ID"}) as place:
        before = place.describe_state()
        steps = await place.library.probe()

        assert place.describe_state() == before
    assert [step.problem for step in steps] == [""] * len(steps)
    assert [step.name for step in steps] == [
        "DNS",
        "TCP",
        "secret",
        "area Configuration",
        "library",
        "libraries of desks",
        "desks",
        "temporary_items.location",
        "temporary_items.policy",
        "temporary_items.material_type",
        "not_lent",
        "fee_types",
        "cancel_reason",
        "identifier_types",
        "area Users",
        "area Bibs",
        "patron",
        "item",
    ]
    assert [step.said for step in steps[-2:]] == ["found, not blocked", "found, available, at MAIN"]
    assert "Müller" not in str(steps)


async def test_ten_mistakes_are_all_named(context: LibraryAdapterContext) -> None:
    mistakes = {
        "desks": {"EAST": "DEFAULT_CIRC_DESK"},
        "circulation_desk": "COUNTER",
        "pickup_libraries": ["MAIN", "SOUTH"],
        "temporary_items": {"location": "annex", "policy": "FERNLEIHE", "material_type": "SCROLL"},
        "not_lent": ["NONCIRC"],
        "fee_types": {"ill-fee": "POSTAGE"},
        "cancel_reason": "Over",
        "identifier_types": {"external": "MATRIKEL"},
        "trial": {"patron": "no-such-patron", "item": "no-such-item"},
    }
    async with alma_place(context, **mistakes) as place:
        place.fake.areas.discard("users")
        place.fake.read_only.add("bibs")
        steps = await place.library.probe()

    problems = {(step.name, step.key): step.problem for step in steps if step.problem}
    assert set(problems) == {
        ("libraries of desks", "desks"),
        ("desks", "circulation_desk"),
        ("pickup libraries", "pickup_libraries"),
        ("temporary_items.location", "temporary_items.location"),
        ("temporary_items.policy", "temporary_items.policy"),
        ("temporary_items.material_type", "temporary_items.material_type"),
        ("not_lent", "not_lent"),
        ("fee_types", "fee_types"),
        ("cancel_reason", "cancel_reason"),
        ("identifier_types", "identifier_types"),
        ("area Users", "api_key"),
        ("area Bibs", "api_key"),
        ("patron", ""),
        ("item", "trial.item"),
    }
    assert "no location 'annex' (it has ill, stacks). In Alma: Configuration" in str(problems)
    assert "area Bibs, permission read/write" in problems["area Bibs", "api_key"]


@pytest.mark.parametrize(
    ("settings", "step", "key", "said"),
    [
        ({"url": "http://no-such-host.invalid/almaws/v1"}, "DNS", "url", "no-such-host.invalid"),
        ({"url": "http://127.0.0.1:9/almaws/v1"}, "TCP", "url", "127.0.0.1:9"),
        ({"library": "NOWHERE"}, "library", "library", "no library 'NOWHERE' (it has MAIN, NORTH, RS)"),
        ({"trial": {"patron": "nobody"}}, "patron", "trial.patron", "Patron not found"),
    ],
)
async def test_a_mistake_is_named_with_its_setting(
    context: LibraryAdapterContext, settings: dict[str, Any], step: str, key: str, said: str
) -> None:
    async with alma_place(context) as place:
        await place.restart(**settings)
        (bad,) = (one for one in await place.library.probe() if one.problem)

    assert (bad.name, bad.key) == (step, key)
    assert said in bad.problem


async def test_a_list_that_alma_does_not_show_is_no_mistake(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        place.fake.hidden_tables.add("FineFeeTransactionType")
        (step,) = (one for one in await place.library.probe() if one.name == "fee_types")

    assert step.said == "not checked: Alma does not show the code table FineFeeTransactionType"


def find_questions() -> set[str]:
    """Titles of all that the adapter asks, as its modules name them; {} for each number."""
    known: set[str] = set()
    for module in sorted(Path(alma.__file__).parent.glob("*.py")):
        if module.name != "probe.py":
            known |= set(re.findall(r'"(/(?:users|bibs|items|conf)[^"?]*)"', module.read_text("utf-8")))
    return {re.sub(r"\{[a-z_]+\}", "{}", title) for title in known}


async def test_each_question_of_an_operation_is_asked(context: LibraryAdapterContext) -> None:
    """So that a key, a gateway before Alma or a release that refuses one of them is found before a patron stands
    there."""
    async with alma_place(context) as place:
        await place.library.probe()
        asked = {call.path.removeprefix("/almaws/v1") for call in place.fake.calls if call.method == "GET"}

    known = find_questions() - {"/users"}  # only sent to, for a new user
    assert len(known) > 10
    patterns = {title: re.escape(title).replace(r"\{\}", "[^/]+") for title in known}
    assert not [title for title, pattern in patterns.items() if not any(re.fullmatch(pattern, one) for one in asked)]


async def test_what_a_user_has_is_asked_for_too(context: LibraryAdapterContext) -> None:
    """By the calls that the operations make, of nobody where no patron is kept for this."""
    async with alma_place(context) as place:
        await place.library.probe()
        asked = {call.path.rpartition("/")[2] for call in place.fake.calls if call.method == "GET"}

    assert {"loans", "requests", "fees"} <= asked

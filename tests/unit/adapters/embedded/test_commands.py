"""`illgate library`, as it is typed."""

from __future__ import annotations

import json

import pytest

from gateway.domain.problems import RefusalReason, Refused
from tests.unit.adapters.embedded.installed import Installed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("patrons", "Müll"), "21000000000017"),
        (("patrons", "reader01"), "Müller, Ana"),
        (("patron", "21000000000017"), "reader01@library.example"),
        (("patron", "21000000000265"), "34.50 EUR"),
        (("items", "--status", "on-loan"), "on-loan"),
        (("items", "Three-Body"), "39000000000011"),
        (("item", "39000000000011"), "The Three-Body Problem"),
        (("holds",), "MAIN"),
        (("loans", "--overdue"), "21000000000025"),
        (("loans", "--all"), "due"),
        (("bibs", "толстой", "война"), "Война и мир"),
        (("bibs", "no such title"), "none"),
        (("branches",), "Resource Sharing Library"),
        (("rules",), "28 days"),
    ],
)
def test_looking(sample_library: Installed, words: tuple[str, ...], said: str) -> None:
    shown = sample_library.run(*words)

    assert shown.exit_code == 0, shown.output
    assert said in shown.output


@pytest.mark.parametrize(
    "words",
    [
        ("patrons",),
        ("patron", "21000000000025"),
        ("items", "--limit", "3"),
        ("item", "39000000000011"),
        ("holds",),
        ("loans",),
        ("bibs", "emma"),
        ("branches",),
        ("rules",),
    ],
)
def test_looking_as_json(sample_library: Installed, words: tuple[str, ...]) -> None:
    shown = sample_library.run(*words, "--json")

    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)


def test_lists_name_no_patrons(sample_library: Installed) -> None:
    for words in (("loans",), ("holds",), ("items",)):
        assert "Novotná" not in sample_library.run(*words).output


def test_at_the_desk(installed: Installed) -> None:
    lent = installed.run("check-out", "39000000000011", "21000000000017", "--due", "2026-04-10")
    assert "on loan until 2026-04-10 23:59" in lent.output

    back = installed.run("check-in", "39000000000011", "--at", "NORTH")
    assert "returned, now in-transit" in back.output
    assert "send it to MAIN Central Library" in back.output

    home = installed.run("check-in", "39000000000011", "--at", "MAIN", "--json")
    assert json.loads(home.output)["item"]["status"] == "available"


def test_refusals_reach_the_group_of_all_commands(installed: Installed) -> None:
    refused = installed.run("item", "no-such-item")

    assert isinstance(refused.exception, Refused)
    assert refused.exception.reason is RefusalReason.UNKNOWN_ITEM


def test_every_command_has_help_with_an_example(sample_library: Installed) -> None:
    from adapters.library.embedded.commands import command

    for name, sub in command.commands.items():
        shown = sample_library.run(name, "--help")
        assert shown.exit_code == 0
        assert name == "import" or "Example" in (sub.help or ""), name

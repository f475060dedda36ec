"""`illgate library`, as it is typed."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.domain.library import Bib, Location
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import PatronKey, TemporaryHold, TemporaryItem
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
    ("words", "key"),
    [
        (("patrons",), "barcode"),
        (("items", "--limit", "3"), "barcode"),
        (("holds",), "pickup"),
        (("loans",), "due"),
        (("bibs", "emma"), "title"),
        (("branches",), "code"),
        (("rules",), "policy"),
    ],
)
def test_a_list_as_json_has_one_object_per_line(sample_library: Installed, words: tuple[str, ...], key: str) -> None:
    shown = sample_library.run(*words, "--json")

    assert shown.exit_code == 0, shown.output
    assert all(json.loads(line)[key] for line in shown.output.splitlines())
    assert shown.output


def test_one_patron_and_one_item_as_json(sample_library: Installed) -> None:
    patron = json.loads(sample_library.run("patron", "21000000000025", "--json").output)
    item = json.loads(sample_library.run("item", "39000000000011", "--json").output)

    assert "21000000000025" in {identifier["value"] for identifier in patron["patron"]["identifiers"]}
    assert item["item"]["barcode"] == "39000000000011"


def test_lists_name_no_patrons(sample_library: Installed) -> None:
    for words in (("loans",), ("holds",), ("items",)):
        assert "Novotná" not in sample_library.run(*words).output


def test_at_the_desk(installed: Installed) -> None:
    lent = installed.run("check-out", "39000000000011", "21000000000017", "--due", "2026-04-10")
    assert "on loan until 2026-04-10 23:59" in lent.output

    back = installed.run("check-in", "39000000000011", "--at", "NORTH")
    assert "returned, now in-transit" in back.output
    assert "forward to MAIN Central Library" in back.output

    home = installed.run("check-in", "39000000000011", "--at", "MAIN", "--json")
    assert json.loads(home.output)["item"]["status"] == "available"


# --- partners' items -------------------------------------------------------------------------------------


def bring_partners_items(installed: Installed) -> None:
    """One that is left over, one that somebody waits for, one on loan."""

    async def bring() -> None:
        async with installed.library() as opened:
            system = opened.system
            patron = await system.find_patron(PatronKey("21000000000017"))
            hold = TemporaryHold(patron.id, "MAIN")
            for number, wanted in ((1, None), (2, hold), (3, None)):
                wish = TemporaryItem(
                    f"P-{number}", Bib(title="Мосты"), f"TN-{number}", Location("RS", "ill"), "ill", lender="valm",
                    hold=wanted,
                )  # fmt: skip
                await system.create_temporary_item(wish, f"k{number}")
            await system.check_out("P-3", patron.id, "k4")

    asyncio.run(bring())


def list_barcodes(installed: Installed, *words: str) -> list[str]:
    lines = map(json.loads, installed.run("temporary", "list", "--json", *words).output.splitlines())
    return [line["barcode"] for line in lines if line["lender"] == "valm"]


def test_records_of_partners_items(installed: Installed) -> None:
    bring_partners_items(installed)

    assert list_barcodes(installed) == ["P-1", "P-2", "P-3"]
    assert list_barcodes(installed, "--left-over") == ["P-1"]
    assert list_barcodes(installed, "--left-over", "--days", "1") == []
    shown = installed.run("temporary", "list").output
    assert all(text in shown for text in ("valm", "TN-1", "Мосты", "2026-"))
    assert "Müller" not in shown


def test_records_that_are_left_over_are_deleted(installed: Installed) -> None:
    bring_partners_items(installed)

    assert "0 leftover temporary items" in installed.run("temporary", "delete", "--left-over").output
    asked = installed.run("temporary", "delete", "--left-over", "--days", "0")
    assert "Delete them?" in asked.output
    assert list_barcodes(installed) == ["P-1", "P-2", "P-3"], "nobody has said yes"
    deleted = installed.run("temporary", "delete", "--left-over", "--days", "0", "--yes")
    assert "P-1: deleted" in deleted.output
    assert list_barcodes(installed) == ["P-2", "P-3"]


def test_records_that_somebody_needs_stay(installed: Installed) -> None:
    bring_partners_items(installed)

    kept = installed.run("temporary", "delete", "P-1", "P-2", "P-3", "39000000000011", "P-9")
    assert kept.exit_code == 1
    assert "P-2: it has a hold" in kept.output
    assert "P-3: the item is on loan" in kept.output
    assert "39000000000011: only temporary items can be deleted" in kept.output
    assert "P-9: no item has this barcode" in kept.output
    assert list_barcodes(installed) == ["P-2", "P-3"]

    assert installed.run("temporary", "delete", "P-2", "--cancel-holds").exit_code == 0
    assert list_barcodes(installed) == ["P-3"]
    assert installed.run("temporary", "delete").exit_code == 2
    assert installed.run("temporary", "delete", "P-3", "--left-over").exit_code == 2


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

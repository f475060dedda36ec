"""An installation that an older release made is upgraded, its profiles check, and it shows what it showed. Its
operators have to name one thing: what ILLiad may do with the library's own items."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import run_in_process
from tests.support.paths import ROOT

SAMPLE = ROOT / "tests" / "samples" / "installation-2026-11"
NEW_NAMES = frozenset({"dead-letter", "return_on_hold"})
"""Of flags and fields in lists that had none."""

OFFERED_NO_MORE = {"B2026-00001": "cancel"}
"""That was cancelled already, and waits for its supplier's answer."""

REQUESTS = ("B2026-00001", "B2026-00002", "B2026-00003", "L2026-00001")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("older") / "illgate"
    shutil.copytree(SAMPLE, folder)
    (folder / "data").mkdir()
    (folder / "data" / "illgate.db").write_bytes(gzip.decompress((SAMPLE / "illgate.db.gz").read_bytes()))
    profile = folder / "profiles" / "illiad-alma.yml"
    rights = "circulation:\n  rights: {library_services: [check-out, check-in]}\n"
    profile.write_text(profile.read_text("utf-8").replace("circulation:\n", rights, 1), "utf-8")
    run_illgate(folder, "upgrade")
    return folder


def run_illgate(installation: Path, *words: str) -> str:
    return run_in_process("--config", str(installation / "gateway.yml"), *words).stdout


def read_expected(name: str) -> str:
    return (SAMPLE / "expected" / name).read_text("utf-8")


def test_its_profiles_check_as_before(installation: Path) -> None:
    found = run_illgate(installation, "check")

    assert "no problems; 1 remark; 8 profiles, 20 examples run, 13 of them with their answer" in found
    assert "seeberg.yml:5: partner.channel: can't be reached" in found, "there is no mail server in it"


@pytest.mark.parametrize("number", REQUESTS)
def test_its_requests_are_shown_as_before(installation: Path, number: str) -> None:
    shown = json.loads(run_illgate(installation, "request", "show", number, "--json"))

    expected = json.loads(read_expected(f"request-{number}.json"))
    expected["actions"] = [one for one in expected["actions"] if one["kind"] != OFFERED_NO_MORE.get(number)]
    assert keep_known(shown, expected) == expected


def name_of_entry(entry: Any) -> str:
    """Of an act, a field or a word in a list; the same for all entries of other lists."""
    if isinstance(entry, dict):
        return str(entry.get("kind") or entry.get("name") or "")
    return entry if isinstance(entry, str) else ""


def keep_known(shown: Any, expected: Any) -> Any:
    """`shown` without fields, acts and names that are new since then, and with the help texts of then."""
    if isinstance(shown, dict) and isinstance(expected, dict):
        known = {key: keep_known(value, expected[key]) for key, value in shown.items() if key in expected}
        return known | {"help": expected["help"]} if "help" in known else known
    if isinstance(shown, list) and isinstance(expected, list):
        names = {name_of_entry(one) for one in expected}
        shown = [
            one for one in shown if name_of_entry(one) in names or not (expected or name_of_entry(one) in NEW_NAMES)
        ]
    if isinstance(shown, list) and isinstance(expected, list) and len(shown) == len(expected):
        return [keep_known(one, other) for one, other in zip(shown, expected, strict=True)]
    return shown


def test_its_journal_and_dead_letters_are_there(installation: Path) -> None:
    assert run_illgate(installation, "journal", "list", "--json") == read_expected("journal.json")
    assert run_illgate(installation, "outbox", "list", "--json") == read_expected("dead-letters.json")


def test_a_dead_letter_of_before_is_released(installation: Path, tmp_path: Path) -> None:
    copy = tmp_path / "illgate"
    shutil.copytree(installation, copy)
    letter = json.loads(read_expected("dead-letters.json").splitlines()[0])["id"]

    run_illgate(copy, "outbox", "release", letter)

    waiting = json.loads(run_illgate(copy, "request", "show", "B2026-00001", "--json"))["unfinished"]
    assert [one["status"] for one in waiting if one["id"] == letter] == ["waiting"]

"""A library that brings its own branches and rules."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.ports.library_system import ListsCodes
from tests.unit.adapters.embedded.installed import Installed

SETUP = """\
branches:
  HAUPT: {name: Hauptbücherei, pickup: true, closed_weekdays: [7], closed_dates: [2026-12-25], shelves: {m: Magazin}}
  FL: {name: Fernleihe, resource_sharing: true, shelves: {ill: Fernleihregal}}
categories:
  erw: {name: Erwachsene, loan_limit: 20, fee_limit: 12.50}
policies:
  std: {name: Ausleihe}
  ill: {name: Fernleihe, recallable: false}
loan_rules:
  - {loan_days: 28, renewals: 2, renewal_days: 28, fine_per_day: 0.25}
  - {policy: ill, loan_days: 21}
"""


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_empty_library_is_set_up_and_used(tmp_path: Path) -> None:
    empty = Installed(tmp_path)
    done = empty.run("import", "setup", write(tmp_path / "setup.yml", SETUP))
    assert done.output == "2 branches, 1 categories, 2 item policies, 2 loan rules\n"
    assert "Hauptbücherei" in empty.run("branches").output
    assert "0.25 EUR" in empty.run("rules").output

    people = "barcode,surname,category,home_library\n1,Muster,erw,HAUPT\n"
    assert empty.run("import", "patrons", write(tmp_path / "p.csv", people)).exit_code == 0


def test_what_is_printed_can_be_read_again(installed: Installed, tmp_path: Path) -> None:
    printed = installed.run("setup").output
    done = installed.run("import", "setup", write(tmp_path / "setup.yml", printed))

    assert done.exit_code == 0, done.output
    assert installed.run("setup").output == printed
    assert installed.run("check-out", "39000000000011", "21000000000017").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("closed_weekdays: [7]", "closed_weekdays: [8]", "2: branches.HAUPT.closed_weekdays.0: "),
        ("recallable", "recalable", "8: policies.ill.recalable: "),
        ("policy: ill", "policy: dvd", "1: loan rule 2: there is no policy 'dvd'"),
        ("loan_days: 21", "renewals: 1", "11: loan_rules.1: a rule says either loan_days or loan_hours"),
        ("pickup: true", "resource_sharing: true", "1: only one branch can be the resource-sharing branch"),
        ("{name: Ausleihe}", "{name: Ausleihe", "not YAML"),
        ("policy: ill, ", "", "1: loan rule 2: there is another for * and *"),
    ],
)
def test_errors_name_line_and_key(installed: Installed, tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SETUP
    file = write(tmp_path / "setup.yml", SETUP.replace(old, new))
    done = installed.run("import", "setup", file)

    assert done.exit_code == 1
    assert said in done.output
    assert file in done.output
    assert "HAUPT" not in installed.run("branches").output


@pytest.mark.parametrize(
    ("branches", "sharing"),
    [
        ("HAUPT: {name: Hauptbücherei}, FL: {name: Fernleihe, resource_sharing: true}", "FL"),
        ("HAUPT: {name: Hauptbücherei}, FL: {name: Fernleihe}", ""),
        ("HAUPT: {name: Hauptbücherei}", "HAUPT"),
    ],
)
async def test_the_resource_sharing_branch_is_among_the_codes(tmp_path: Path, branches: str, sharing: str) -> None:
    empty = Installed(tmp_path)
    setup = f"branches: {{{branches}}}\n" + SETUP[SETUP.index("categories:") :]
    await asyncio.to_thread(empty.run, "import", "setup", write(tmp_path / "setup.yml", setup))

    async with empty.library() as opened:
        assert isinstance(opened.system, ListsCodes)
        codes = await opened.system.codes()

    assert codes.sharing_branch == sharing


@pytest.mark.parametrize("last", ["*k, *k", "*l, *l"])
def test_merges_that_ask_for_billions_of_values_are_refused(tmp_path: Path, last: str) -> None:
    bomb = "a: &a {k: 1}\n"
    for below, name in zip("abcdefghij", "bcdefghijk", strict=True):
        bomb += f"{name}: &{name} {{<<: [{', '.join(['*' + below] * 20)}]}}\n"
    done = Installed(tmp_path).run("import", "setup", write(tmp_path / "setup.yml", f"{bomb}l: &l {{<<: [{last}]}}\n"))

    assert done.exit_code == 1
    assert "more than 100,000 values" in done.output

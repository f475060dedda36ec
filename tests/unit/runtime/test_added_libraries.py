"""`illgate library add`: files for new libraries, all of them or none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.daemon import run_in_process

DEFAULTS = "defaults: {currency: USD}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yml").write_text(DEFAULTS)
    return tmp_path


def add(folder: Path, *arguments: str) -> tuple[int, str, str]:
    ran = run_in_process("--config", str(folder / "gateway.yml"), "library", "add", *arguments, check=False)
    return ran.returncode, ran.stdout.replace(f"{folder}/", ""), ran.stderr.replace(f"{folder}/", "")


def add_table(folder: Path, text: str, *options: str) -> tuple[int, str, str]:
    (folder / "members.csv").write_text(text, encoding="utf-8")
    return add(folder, "--csv", str(folder / "members.csv"), *options)


def list_files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.glob("libraries/*/*"))


def test_a_library_is_a_file_and_a_folder_for_its_secrets(folder: Path) -> None:
    assert add(folder, "lib13", "--symbol", "ISIL:US-MMM", "--name", "Maple: Œuvres") == (
        0,
        "1 added; 1 libraries\n",
        "",
    )

    assert (folder / "libraries/lib13/library.yml").read_text("utf-8") == "symbol: ISIL:US-MMM\nname: 'Maple: Œuvres'\n"
    assert (folder / "libraries/lib13/secrets").stat().st_mode & 0o777 == 0o700


def test_what_root_makes_belongs_to_whom_the_settings_belong(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    os.chown(folder / "gateway.yml", 4711, 4712)

    add(folder, "lib13", "--symbol", "ISIL:US-MMM")

    for made in ("", "lib13", "lib13/library.yml", "lib13/secrets"):
        stat = (folder / "libraries" / made).stat()
        assert (stat.st_uid, stat.st_gid) == (4711, 4712), made


def test_columns_are_keys_of_the_library(folder: Path) -> None:
    table = "short,symbol,symbols,postal_address.locality,postal_address.country,email\nlib01,A,X:1 X:2,Köln,DE,\n"

    assert add_table(folder, table)[:2] == (0, "1 added; 1 libraries\n")

    assert (folder / "libraries/lib01/library.yml").read_text("utf-8") == (
        "symbol: A\nsymbols:\n- X:1\n- X:2\npostal_address:\n  locality: Köln\n  country: DE\n"
    )


def test_a_dry_run_shows_the_files(folder: Path) -> None:
    code, said, _ = add_table(folder, "short,symbol\nlib01,A\nlib02,B\n", "--dry-run")

    assert (code, said) == (
        0,
        "--- libraries/lib01/library.yml\nsymbol: A\n--- libraries/lib02/library.yml\nsymbol: B\n"
        "2 added (dry run); 2 libraries\n",
    )
    assert list_files(folder) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("short,name\nlib01,A\n", "members.csv:1: symbol: no such column"),
        ("short,symbol,nmae\nlib01,A,B\n", "members.csv:1: nmae: unknown key, allowed: symbol,"),
        ("short,symbol,system,system.type\nlib01,A,,\n", "members.csv:1: system: stands twice"),
        ("short,symbol\nlib01,A,B\n", "members.csv:2: more values than columns"),
        ("short,symbol\nlib01,A\nlib01,B\n", "libraries/lib01/library.yml: stands twice"),
        ("short,symbol\nlib01,A\nlib02,a\n", "libraries/lib02/library.yml:1: symbol: is listed twice, found 'a'"),
        ("short,symbol\nlib01,A\n../up,B\n", "a short name has small letters"),
        ("short,symbol\nlib01,A\nlib02,\n", "libraries/lib02/library.yml:1: symbol: must name its library"),
        (
            "short,symbol,currency\nlib01,A,EUR\nlib02,B,eur\n",
            "libraries/lib02/library.yml:2: currency: string should match",
        ),
    ],
)
def test_if_one_is_wrong_nothing_is_written(folder: Path, table: str, said: str) -> None:
    code, _, errors = add_table(folder, table)

    assert (code, list_files(folder)) == (3, [])
    assert errors.startswith(said)


def test_a_library_that_is_there_stays_as_it_is(folder: Path) -> None:
    add(folder, "lib01", "--symbol", "A")

    assert add(folder, "lib01", "--symbol", "B")[::2] == (3, "libraries/lib01/library.yml: is there already\n")
    assert (folder / "libraries/lib01/library.yml").read_text() == "symbol: A\n"


def test_lists_and_shows_libraries_with_what_holds_one_back(folder: Path) -> None:
    add_table(folder, "short,symbol,name\nlib01,A,Alder\nlib02,B,Birch\n")
    with (folder / "libraries/lib02/library.yml").open("a") as file:
        file.write("nmae: x\n")
    config = ("--config", str(folder / "gateway.yml"), "library")

    listed = run_in_process(*config, "list").stdout.splitlines()
    shown = run_in_process(*config, "show", "b")

    assert [line.split() for line in listed] == [
        ["SHORT", "SYMBOL", "SYSTEM", "STATE", "NAME"],
        ["lib01", "A", "embedded", "open", "Alder"],
        ["lib02", "B", "embedded", "held", "back", "Birch"],
    ]
    lines = [" ".join(line.replace(f"{folder}/", "").split()) for line in shown.stdout.splitlines()]
    assert "name: Birch # libraries/lib02/library.yml:2" in lines
    assert "currency: USD # gateway.yml:1" in lines
    assert "time_zone: Europe/Zurich # default" in lines
    assert "held back: " in shown.stderr
    assert run_in_process(*config, "show", "lib03", check=False).returncode == 1


# --- illgate library close -------------------------------------------------------------------------------------


def run_library(folder: Path, *arguments: str) -> str:
    ran = run_in_process("--config", str(folder / "gateway.yml"), "library", *arguments, check=False)
    return (ran.stdout + ran.stderr).replace(f"{folder}/", "")


def test_a_library_is_closed_in_two_steps(tmp_path: Path) -> None:
    (tmp_path / "gateway.yml").write_text("libraries: [{symbol: Z}]\n")
    run_in_process("--config", str(tmp_path / "gateway.yml"), "init", "--empty")
    add(tmp_path, "lib13", "--symbol", "M")
    file = tmp_path / "libraries/lib13/library.yml"
    file.write_text("# Maple\nsymbol: M  # for ever\nname: Maple\n")

    assert (
        run_library(tmp_path, "close", "lib13", "--dry-run") == "lib13: open -> closing (dry run); open requests: 0\n"
    )
    assert "state" not in file.read_text()
    assert run_library(tmp_path, "close", "M") == "lib13: open -> closing; open requests: 0\n"
    assert file.read_text() == "# Maple\nsymbol: M  # for ever\nstate: closing\nname: Maple\n"
    assert json.loads(run_library(tmp_path, "close", "lib13", "--json")) == {
        "short": "lib13",
        "symbol": "M",
        "state": "closed",
        "open_requests": 0,
    }
    assert file.read_text() == "# Maple\nsymbol: M  # for ever\nstate: closed\nname: Maple\n"
    assert run_library(tmp_path, "list").splitlines()[-1].split() == ["lib13", "M", "embedded", "closed", "Maple"]
    listed = run_in_process("--config", str(tmp_path / "gateway.yml"), "request", "list", "--library", "lib13")
    assert listed.stdout == "no requests\n"
    assert "set `state: closing` of Z in gateway.yml" in run_library(tmp_path, "close", "Z")

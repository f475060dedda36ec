"""The shipped profiles of partners by ISO ILL: whole, explained, and every example understood as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.iso_ill.dialect import dialect_of
from adapters.iso_ill.messages.codes import ApduType, Wish
from gateway.cli import main
from gateway.domain.profile import AuthKind
from tests.protocol.profiles.test_shipped import BY_ISO_ILL, FOLDER, MODELINE, loaded, unexplained
from tests.support.paths import ROOT
from tests.support.shipped_profiles import copy_shipped_profiles


@pytest.mark.parametrize("name", BY_ISO_ILL)
def test_a_profile_says_who_it_is_for_and_is_to_be_extended(name: str) -> None:
    profile = loaded(name).profile

    assert (FOLDER / f"{name}.yml").read_text().splitlines()[0] == MODELINE
    assert profile.description
    assert "@" not in profile.contact
    assert profile.abstract
    assert profile.partner is not None
    assert profile.partner.channel == "iso-ill"
    assert [entry.kind for entry in profile.auth] == [AuthKind.NETWORK]
    assert loaded(name).document.find_position(("auth", 0, "networks")).file == loaded(name).document.file
    assert len(profile.examples) >= 3


@pytest.mark.parametrize("name", BY_ISO_ILL)
def test_every_habit_says_where_it_was_seen(name: str) -> None:
    lines = (FOLDER / f"{name}.yml").read_text().splitlines()
    begun = [n for n, line in enumerate(lines) if line in ("partner:", "iso_ill:")]
    known = [
        n for n in unexplained(lines, begun[0], lines.index("examples:")) if lines[n].strip() != "channel: iso-ill"
    ]

    assert [f"{name}.yml:{n + 1}: {lines[n].strip()}" for n in known] == []


@pytest.mark.parametrize("name", BY_ISO_ILL)
def test_its_examples_are_understood(name: str) -> None:
    result = CliRunner().invoke(main, ["--config", str(ROOT / "gateway.yml"), "check", name])

    assert f"{len(loaded(name).profile.examples)} examples run" in result.output
    assert "no problems" in result.output, result.output


@pytest.fixture(scope="module")
def fjordby(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that isn't called as the one whose messages the shipped examples are."""
    folder = tmp_path_factory.mktemp("fjordby")
    assert CliRunner().invoke(main, ["init", str(folder), "--empty", "--symbol", "FJORDBY"]).exit_code == 0
    copy_shipped_profiles(folder)
    return folder


@pytest.mark.parametrize("name", BY_ISO_ILL)
def test_its_examples_are_understood_in_a_library_of_another_name(name: str, fjordby: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(fjordby / "gateway.yml"), "check", name])

    assert "no problems" in result.output, result.output


@pytest.mark.parametrize(
    ("addressed_to", "problems"), [("DEMO", "no problems"), ("EBU", "3 problems"), ("", "3 problems")]
)
def test_an_example_is_carried_out_under_the_name_by_which_it_calls_the_library(
    fjordby: Path, addressed_to: str, problems: str
) -> None:
    shipped = (fjordby / "profiles" / "alma-iso.yml").read_text(encoding="utf-8")
    ours = shipped.replace("name: alma-iso", "name: ours").replace(
        "addressed_to: DEMO", f"addressed_to: '{addressed_to}'"
    )
    file = fjordby / "profiles" / "ours.yml"
    file.write_text(ours.replace("    understood:", "    outcome: ok\n    understood:", 1), encoding="utf-8")

    result = CliRunner().invoke(main, ["--config", str(fjordby / "gateway.yml"), "check", "ours"])
    file.unlink()

    assert problems in result.output, result.output
    if addressed_to == "DEMO":
        assert "3 examples run, 1 of them with their answer" in result.output
    else:
        assert "Library not found." in result.output


def test_an_example_that_says_something_else_is_a_problem(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["init", str(tmp_path), "--empty"]).exit_code == 0
    copy_shipped_profiles(tmp_path)
    file = tmp_path / "profiles" / "vdx.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("message.answer: true", "message.answer: false"), encoding="utf-8")

    result = runner.invoke(main, ["--config", str(tmp_path / "gateway.yml"), "check", "vdx"])

    assert "1 problem;" in result.output
    assert "examples.1" in result.output


def test_nothing_is_awaited_that_never_comes() -> None:
    dialect = dialect_of(loaded("oclc-direct").profile)

    assert dialect.wish_for_message(ApduType.SHIPPED) is Wish.NEITHER
    assert dialect_of(loaded("alma-iso").profile).wish_for_message(ApduType.SHIPPED) is Wish.DESIRES
    assert not dialect_of(loaded("alma-iso").profile).is_sent_by_partner(ApduType.RECALL)

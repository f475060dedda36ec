"""Profiles that push: the shipped ones, and what is found wrong when one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.openurl.dialect import OpenUrlDialect
from gateway.cli.installation import Installation
from gateway.domain.problems import ConfigurationError
from gateway.profiles import ProfileSet, load_profiles
from tests.support.paths import ROOT


def loaded(folder: Path) -> ProfileSet:
    installation = Installation(ROOT / "gateway.yml")
    return load_profiles(folder, installation.adapters, installation.settings)


def problems(folder: Path, text: str) -> list[str]:
    (folder / "desk.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder)
    return [str(one) for one in caught.value.problems]


@pytest.mark.parametrize("name", ["illiad-openurl", "relais-openurl"])
def test_a_shipped_profile_is_there_to_be_extended_and_pushes_new_requests(name: str) -> None:
    profile = loaded(ROOT / "profiles").loaded[name].profile

    assert profile.abstract
    assert profile.partner is not None
    assert profile.partner.push_new
    assert profile.partner.channel == "openurl"
    assert isinstance(profile.dialects["openurl"], OpenUrlDialect)


@pytest.mark.parametrize("name", ["illiad-openurl", "relais-openurl"])
def test_every_habit_says_where_it_was_seen(name: str) -> None:
    lines = (ROOT / "profiles" / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    section = lines[lines.index("openurl:") + 1 :]
    bare = [line for line in section if line.startswith("  ") and not line.startswith("   ") and "#" not in line]

    # a key that only opens a list or a group is explained by what stands in it, or by the one next to it
    assert [line.strip() for line in bare if not line.rstrip().endswith(":")] == []


def test_a_channel_that_needs_an_address_is_missed_when_the_profile_is_read(tmp_path: Path) -> None:
    (only,) = problems(tmp_path, "partner: {symbols: [LOCAL:DESK], channel: openurl, push_new: true}\n")

    assert "needs the section `openurl` with url" in only


def test_who_is_told_needs_a_channel(tmp_path: Path) -> None:
    (only,) = problems(tmp_path, "partner: {symbols: [LOCAL:DESK], push_states: [shipped]}\n")

    assert "push_states" in only
    assert "needs a `channel`" in only


def test_a_state_that_there_is_not(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "partner: {symbols: [LOCAL:DESK], channel: mail, email: a@b.example, push_states: [gone]}\n"
    )

    assert any("push_states" in one for one in found)

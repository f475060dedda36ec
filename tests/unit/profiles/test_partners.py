"""partners/NAME.yml: whom it is for, what differs for each library, and which library a message is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.profiles import MessageSender, ProfileLoadResult, ProfileSet, read_profiles
from gateway.settings import LibrarySettings, Settings
from gateway.settings.sections import ProfilesSettings
from tests.unit.profiles.support import ADAPTERS, write

THREE = Settings(
    libraries=(
        LibrarySettings(
            symbol="ISIL:US-AAA", short="lib01", symbols=("OCLC:AAA",), name="Alder", email="ill@alder.example"
        ),
        LibrarySettings(symbol="ISIL:US-BBB", short="lib02", symbols=("OCLC:BBB",), name="Birch"),
        LibrarySettings(symbol="ISIL:US-CCC", name="Cedar"),
    )
)
ALL = ["ISIL:US-AAA", "ISIL:US-BBB", "ISIL:US-CCC"]


def read(folder: Path, settings: Settings = THREE, **partners: str) -> ProfileLoadResult:
    for name in ("profiles", "partners"):
        (folder / name).mkdir(exist_ok=True)
    write(folder / "partners", **partners)
    there = ProfilesSettings(partners=str(folder / "partners"))
    return read_profiles(folder / "profiles", ADAPTERS, settings.model_copy(update={"profiles": there}))


def load(folder: Path, settings: Settings = THREE, **partners: str) -> ProfileSet:
    result = read(folder, settings, **partners)
    assert not result.problems
    return result.profiles


def problems(folder: Path, **partners: str) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in read(folder, **partners).problems]


def libraries_of(profiles: ProfileSet, name: str) -> list[str]:
    return [symbol for symbol in ALL if profiles.of_library(symbol).find_profile(name) is not None]


# --- for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain: {}", ALL),
        ("for: all\nplain: {}", ALL),
        ("for: lib02\nplain: {}", ALL[1:2]),
        ("for: [lib01, us-ccc]\nplain: {}", [ALL[0], ALL[2]]),
        ("for: ['ISIL:US-BBB']\nplain: {}", ALL[1:2]),
        ("library: ISIL:US-CCC\nplain: {}", ALL[2:]),
    ],
)
def test_a_partner_lives_for_the_libraries_that_it_is_for(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert libraries_of(load(tmp_path, state=text), "state") == expected


def test_the_only_library_has_all_partners(tmp_path: Path) -> None:
    profiles = load(tmp_path, Settings(), state="partner: {symbols: [US-STATE], channel: plain}\nplain: {}")
    (profile, partner), *others = profiles.of_library("DEMO").partners
    assert (profile.name, profile.library, partner.symbol, others) == ("state", "DEMO", "US-STATE", [])
    assert profiles.of_library("DEMO").find_by_symbol("us-state") is profile
    assert profiles.of_library("ELSEWHERE").find_by_symbol("us-state") is None


def test_partners_of_a_library_come_by_name(tmp_path: Path) -> None:
    partner = "partner: {{symbols: [{}], channel: plain}}\nplain: {{}}\nfor: {}"
    profiles = load(
        tmp_path, zoo=partner.format("Z", "all"), ash=partner.format("A", "[lib01]"), elm=partner.format("E", "[lib02]")
    )
    assert [profile.name for profile, _ in profiles.of_library("ISIL:US-AAA").partners] == ["ash", "zoo"]
    assert [profile.name for profile, _ in profiles.of_library("ISIL:US-BBB").partners] == ["elm", "zoo"]
    assert profiles.of_library("ISIL:US-AAA").find_by_symbol("E") is None


# --- each, and placeholders ----------------------------------------------------------------------------------


def test_each_says_what_differs_for_a_library(tmp_path: Path) -> None:
    text = """
        plain: {greeting: curt, address: shared.example}
        each:
          lib02: {plain: {address: birch.example}}
        """
    profiles = load(tmp_path, state=text)
    found = [profiles.of_library(symbol).find_profile("state") for symbol in ALL]
    assert [profile.dialects["plain"].model_dump() for profile in found if profile is not None] == [
        {"greeting": "curt", "address": "shared.example"},
        {"greeting": "curt", "address": "birch.example"},
        {"greeting": "curt", "address": "shared.example"},
    ]
    assert found[0] is not None
    assert found[2] is not None
    assert found[0].dialects is found[2].dialects, "what is equal is in memory once"


def test_placeholders_are_filled_in_for_each_library(tmp_path: Path) -> None:
    address = "{library} {LIBRARY} {library.symbol} {library.name} {elsewhere}"
    profiles = load(tmp_path, state=f"plain: {{address: '{address}'}}")
    found = [profiles.of_library(symbol).find_profile("state") for symbol in ALL]
    assert [profile.dialects["plain"].model_dump()["address"] for profile in found if profile is not None] == [
        "lib01 LIB01 ISIL:US-AAA Alder {elsewhere}",
        "lib02 LIB02 ISIL:US-BBB Birch {elsewhere}",
        "us-ccc US_CCC ISIL:US-CCC Cedar {elsewhere}",
    ]


def test_a_placeholder_may_be_the_symbol_of_an_authority(tmp_path: Path) -> None:
    profiles = load(tmp_path, oclc="for: [lib01, lib02]\nplain: {address: '{library.OCLC}'}")
    found = [profiles.of_library(symbol).find_profile("oclc") for symbol in ALL[:2]]
    assert [profile.dialects["plain"].model_dump()["address"] for profile in found if profile] == ["AAA", "BBB"]


def test_a_partners_examples_run_once(tmp_path: Path) -> None:
    profiles = load(tmp_path, state="plain: {}\nexamples: [{name: one, send: LEND 1 2}]")
    assert [len(profile.examples) for profile in profiles] == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "for: [lib01, lib13]\nplain: {}",
            "partners/state.yml:1: for.1: no such library, found 'lib13', allowed: all, lib01, lib02, us-ccc "
            "(did you mean 'lib01'?)",
        ),
        ("for: []\nplain: {}", "partners/state.yml:1: for: names no library; a file for nobody is better taken away"),
        ("for: [lib01]\nlibrary: lib01\nplain: {}", "partners/state.yml:2: library: `for` says it already"),
        (
            "for: [lib01]\nplain: {}\neach:\n  lib02: {plain: {}}",
            "partners/state.yml:4: each.lib02: this partner is not for it, found 'lib02', allowed: lib01 "
            "(did you mean 'lib01'?)",
        ),
        (
            "plain: {}\neach:\n  lib02:\n    match: [{path: other}]",
            "partners/state.yml:4: each.lib02.match: says who the partner is, which is the same for all its libraries",
        ),
        (
            "plain: {}\neach:\n  lib02:\n    partner: {symbols: [X]}",
            "partners/state.yml:4: each.lib02.partner.symbols: says who the partner is, which is the same for all its "
            "libraries",
        ),
        ("plain: {}\neach: {lib02: {plian: {}}}", "partners/state.yml:2: plian: unknown key, allowed: "),
        (
            "plain:\n  address: '{library.email}'",
            "partners/state.yml:2: plain.address: library ISIL:US-BBB has no such value in its settings, found "
            "'{library.email}'",
        ),
        (
            "abstract: true\nplain: {}",
            "partners/state.yml:1: abstract: a partner lives; what is only extended is a profile",
        ),
        (
            "plain: {}\nmatch:\n- {path: lib02}",
            "partners/state.yml:3: match.0.path: library ISIL:US-BBB is called so, and addresses name libraries",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert [line for line in problems(tmp_path, state=text) if line.startswith(expected)], problems(tmp_path)


def test_a_partner_is_not_called_as_a_library(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, us_ccc="plain: {}")
    assert "library ISIL:US-CCC is called so" in problem


# --- what is extended ----------------------------------------------------------------------------------------


def test_a_partner_extends_an_own_profile_of_its_name_and_lives_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    write(tmp_path / "profiles", state="library: ISIL:US-AAA\nplain: {greeting: curt}\nmatch: [{from_agency: OLD}]")
    profiles = load(tmp_path, state="extends: state\nfor: [lib02]\nplain: {address: state.example}")
    assert libraries_of(profiles, "state") == ["ISIL:US-BBB"]
    assert profiles.loaded["state"].profile.dialects["plain"].model_dump() == {
        "greeting": "curt",
        "address": "state.example",
    }
    assert not profiles.find_candidates(MessageSender("plain", from_agency="OLD"))


def test_keys_of_partners_are_unknown_in_profiles(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    write(tmp_path / "profiles", state="library: ISIL:US-AAA\nfor: all\nplain: {}")
    (problem,) = problems(tmp_path)
    assert problem.startswith("profiles/state.yml:2: for: unknown key")


# --- which library a message is for ----------------------------------------------------------------------------


@pytest.fixture
def profiles(tmp_path: Path) -> ProfileSet:
    return load(
        tmp_path,
        state="partner: {symbols: ['ISIL:US-STATE'], channel: plain}\nplain: {}\nmatch: [{from_agency: STATE}]",
        alone="for: [lib02]\nplain: {}\nmatch: [{from_agency: ALONE}]",
    )


def find(profiles: ProfileSet, sender: MessageSender) -> list[tuple[str, str, bool]]:
    found = profiles.find_candidates(sender)
    return [(candidate.profile.name, candidate.profile.library, candidate.is_ambiguous) for candidate in found]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (MessageSender("plain", "state", "ISIL:US-BBB"), [("state", "ISIL:US-BBB", False)]),
        (MessageSender("plain", "state", "ISIL:US-BBB", to_agency="OCLC:AAA"), [("state", "ISIL:US-BBB", False)]),
        (MessageSender("plain", "alone", "ISIL:US-BBB"), [("alone", "ISIL:US-BBB", False)]),
        (MessageSender("plain", "alone", "ISIL:US-AAA"), []),
        (MessageSender("plain", "alone"), [("alone", "ISIL:US-BBB", False)]),
        (MessageSender("plain", library="ISIL:US-AAA", from_agency="ALONE"), []),
        (MessageSender("plain", from_agency="ALONE"), [("alone", "ISIL:US-BBB", False)]),
        (MessageSender("plain", "state", to_agency="isil:us-ccc"), [("state", "ISIL:US-CCC", False)]),
        (MessageSender("plain", "state", to_agency="US-CCC"), [("state", "ISIL:US-CCC", False)]),
        (MessageSender("plain", "state", to_agency="OCLC:AAA"), [("state", "ISIL:US-AAA", False)]),
        (MessageSender("plain", "state", to_agency="XX:NOBODY"), [("state", "ISIL:US-AAA", True)]),
        (MessageSender("plain", "state"), [("state", "ISIL:US-AAA", True)]),
        (MessageSender("plain", from_agency="STATE", to_agency="BBB"), [("state", "ISIL:US-BBB", False)]),
        (MessageSender("plain", symbols=("ISIL:US-STATE",), to_agency="US-BBB"), [("state", "ISIL:US-BBB", False)]),
        (MessageSender("plain", symbols=("ISIL:US-STATE",)), [("state", "ISIL:US-AAA", True)]),
    ],
)
def test_the_library_is_that_of_the_path_or_of_the_receiver(
    profiles: ProfileSet, sender: MessageSender, expected: list[tuple[str, str, bool]]
) -> None:
    assert find(profiles, sender) == expected


def test_an_address_may_mean_all_libraries_of_a_partner(profiles: ProfileSet) -> None:
    assert profiles.list_libraries_at("state") == frozenset(ALL)
    assert profiles.list_libraries_at("alone") == frozenset(ALL[1:2])
    assert not profiles.has_address("lib01")

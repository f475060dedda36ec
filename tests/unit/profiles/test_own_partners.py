"""libraries/SHORT/partners/NAME.yml: a partner of that library alone, or what it changes of a shared one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.cli.check_command import _narrow_loading
from gateway.profiles import MessageSender, ProfileSet, ProfileStore, load_profiles, read_profiles_with_fallback
from gateway.profiles.effective import source_of
from gateway.profiles.loader import read_profiles
from gateway.settings import Settings, load_settings
from tests.unit.profiles.support import ADAPTERS, write
from tests.unit.profiles.test_store import eventually

AAA, BBB = "ISIL:US-AAA", "ISIL:US-BBB"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """lib01 and lib02 have folders; `state` is a shared partner."""
    (tmp_path / "gateway.yml").write_text("http: {port: 0}\n")
    for short, symbol in (("lib01", AAA), ("lib02", BBB)):
        (tmp_path / "libraries" / short / "partners").mkdir(parents=True)
        (tmp_path / "libraries" / short / "library.yml").write_text(f"symbol: {symbol}\n")
    for name in ("profiles", "partners"):
        (tmp_path / name).mkdir()
    write(tmp_path / "partners", state="plain: {greeting: curt, address: shared.example}\nmatch: [{from_agency: S}]")
    return load_settings(tmp_path / "gateway.yml", ADAPTERS)


def write_own(settings: Settings, short: str, **partners: str) -> None:
    write(settings.folder / "libraries" / short / "partners", **partners)


def load(settings: Settings) -> ProfileSet:
    return load_profiles(settings.profiles_folder, ADAPTERS, settings)


def problems(settings: Settings) -> list[str]:
    found = read_profiles(settings.profiles_folder, ADAPTERS, settings).problems
    return [str(problem).replace(f"{settings.folder}/", "") for problem in found]


def find(profiles: ProfileSet, sender: MessageSender) -> list[tuple[str, str]]:
    return [(candidate.profile.name, candidate.profile.library) for candidate in profiles.find_candidates(sender)]


def test_a_new_name_is_a_partner_of_that_library_alone(settings: Settings) -> None:
    write_own(settings, "lib01", illiad="plain: {address: one.example}\nauth: [{kind: none}]")
    write_own(settings, "lib02", illiad="plain: {address: two.example}\nauth: [{kind: none}]")
    profiles = load(settings)

    addresses = {
        symbol: profile.dialects["plain"].model_dump()["address"]
        for symbol in (AAA, BBB)
        if (profile := profiles.of_library(symbol).find_profile("illiad")) is not None
    }
    assert addresses == {AAA: "one.example", BBB: "two.example"}
    assert sorted(profiles.loaded) == ["lib01/illiad", "lib02/illiad", "state"]
    assert {profiles.find_key(profile) for profile in profiles} == set(profiles.loaded), "each admits for itself"
    own = [(symbol, name) for symbol in (AAA, BBB) for name in ("illiad", "state")]
    assert [profiles.has_own_partner(*pair) for pair in own] == [True, False, True, False]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (MessageSender("plain", "illiad", AAA), [("illiad", AAA)]),
        (MessageSender("plain", "illiad", BBB), []),
        (MessageSender("plain", "illiad"), []),
        (MessageSender("plain", from_agency="S", to_agency="US-AAA"), [("illiad", AAA), ("state", AAA)]),
        (MessageSender("plain", from_agency="S", to_agency="US-BBB"), [("state", BBB)]),
        (MessageSender("plain", network="192.0.2.1", to_agency="US-BBB"), []),
    ],
)
def test_its_rules_get_what_names_its_library(
    settings: Settings, sender: MessageSender, expected: list[tuple[str, str]]
) -> None:
    """So nobody's file takes messages of other libraries, whatever its rules say."""
    write_own(settings, "lib01", illiad="plain: {}\nmatch: [{from_agency: S}, {network: 0.0.0.0/0}]")
    assert find(load(settings), sender) == expected


def test_the_name_of_a_shared_partner_says_what_differs_there(settings: Settings) -> None:
    write_own(settings, "lib02", state="plain:\n  address: birch.example\n")
    profiles = load(settings)

    values = {symbol: profiles.of_library(symbol).find_profile("state") for symbol in (AAA, BBB)}
    assert {symbol: profile and profile.dialects["plain"].model_dump() for symbol, profile in values.items()} == {
        AAA: {"greeting": "curt", "address": "shared.example"},
        BBB: {"greeting": "curt", "address": "birch.example"},
    }
    version = profiles.loaded["state"].for_library(BBB)
    assert version is not None
    sources = [source_of(version.document, ("plain", key)) for key in ("greeting", "address")]
    assert [source.replace(f"{settings.folder}/", "") for source in sources] == [
        "partners/state.yml:1",
        "libraries/lib02/partners/state.yml:2",
    ]
    assert find(profiles, MessageSender("plain", "state", BBB)) == [("state", BBB)]


IDENTITY = (
    "belongs to partners/state.yml; a library may set all but auth, match, for, max_bytes, "
    "peer_authentication.theirs, partner.symbols"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain: {}\nauth: [{kind: none}]", f"2: auth: {IDENTITY}"),
        ("match: [{path: s}]", f"1: match: {IDENTITY}"),
        ("for: lib01", f"1: for: {IDENTITY}"),
        ("max_bytes: 9999", f"1: max_bytes: {IDENTITY}"),
        ("peer_authentication: {theirs: {issuer: x}}", f"1: peer_authentication.theirs: {IDENTITY}"),
        ("partner:\n  symbols: [X]", f"2: partner.symbols: {IDENTITY}"),
        ("plain: {greeting: rude}", "1: plain.greeting: found 'rude', allowed: curt, kind"),
        ("plain:", ""),
    ],
)
def test_identity_is_not_a_librarys_to_change(settings: Settings, text: str, expected: str) -> None:
    write_own(settings, "lib01", state=text)
    assert problems(settings) == ([f"libraries/lib01/partners/state.yml:{expected}"] if expected else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for: all\nplain: {}", "own.yml:1: for: has no use here: the folder says whose partner it is"),
        ("plain: {}\nauth: [{kind: bearer, secret: 'env:LIB01_KEY'}]", ""),
        ("plain: {}\nauth: [{kind: bearer, secret: 'file:libraries/lib01/secrets/key'}]", ""),
        (
            "plain: {}\nauth: [{kind: bearer, secret: 'env:LIB02_KEY'}]",
            f"own.yml:2: auth.0.secret: belongs to library {BBB}, by its folder or its `secrets`, "
            "found 'env:LIB02_KEY'",
        ),
        (
            "plain: {}\nauth: [{kind: bearer, secret: 'env:OFFICE_KEY'}]",
            f"own.yml:2: auth.0.secret: is not among the `secrets` of library {AAA} in gateway.yml, "
            "found 'env:OFFICE_KEY'",
        ),
        (
            "plain: {}\nmatch:\n- {path: state}",
            f"own.yml:3: match.0.path: this path is that of profile 'state' of library {AAA} and {BBB}, found 'state'",
        ),
    ],
)
def test_an_own_partner_names_what_is_its_librarys(settings: Settings, text: str, expected: str) -> None:
    write_own(settings, "lib01", own=text)
    assert problems(settings) == ([f"libraries/lib01/partners/{expected}"] if expected else [])


def test_a_partner_of_other_libraries_cannot_be_changed(settings: Settings) -> None:
    write(settings.partners_folder, alone="for: lib02\nplain: {}")
    write_own(settings, "lib01", alone="plain: {}")
    (problem,) = problems(settings)
    assert problem.startswith("libraries/lib01/partners/alone.yml: partners/alone.yml is called so, and is not for")


def test_a_check_of_one_library_says_nothing_of_files_of_another(settings: Settings) -> None:
    write_own(settings, "lib01", own="plain: {greeting: rude}")
    loading = read_profiles(settings.profiles_folder, ADAPTERS, settings)
    found = [len(_narrow_loading(loading, settings, library).problems) for library in settings.libraries]
    assert found == [1, 0]


# --- while the daemon runs -----------------------------------------------------------------------------------


def open_store(settings: Settings) -> ProfileStore:
    folders = [folder for library in settings.libraries if (folder := settings.find_own_partners(library))]
    return ProfileStore(
        settings.profiles_folder,
        lambda: load(settings),
        lambda before: read_profiles_with_fallback(settings.profiles_folder, ADAPTERS, settings, before).profiles,
        settings.partners_folder,
        list_own=lambda: tuple(folders),
        is_apart=lambda file: settings.find_owner_of_file(file) is not None,
    )


async def test_a_wrong_file_of_a_library_keeps_nothing_else_from_being_taken(settings: Settings) -> None:
    write_own(settings, "lib02", state="plain: {address: birch.example}")
    store = open_store(settings)
    write_own(settings, "lib01", own="plain: {greeting: curt}", other="plain: {greeting: rude}")
    write(settings.partners_folder, state="for: lib01\nplain: {greeting: kind}")

    assert not await store.reload()

    assert sorted(store.current.loaded) == ["lib01/own", "state"]
    assert [Path(problem.file).name for problem in store.problems] == ["other.yml", "state.yml"]
    assert store.current.of_library(BBB).find_profile("state") is None, "it is not for lib02 any more"


async def test_a_folder_that_is_made_while_the_daemon_runs_is_watched(settings: Settings) -> None:
    folder = settings.folder / "libraries" / "lib01" / "partners"
    folder.rmdir()
    store, stop = open_store(settings), asyncio.Event()
    watching = asyncio.create_task(store.watch_folders(stop))
    await asyncio.sleep(0.3)  # until the watch is set up

    folder.mkdir()
    await eventually(lambda: folder in store.folders)
    write_own(settings, "lib01", own="plain: {}")
    await eventually(lambda: "lib01/own" in store.current.loaded)

    stop.set()
    await asyncio.wait_for(watching, 10)


async def test_at_the_start_a_wrong_file_of_a_library_is_left_out(settings: Settings) -> None:
    write_own(settings, "lib01", own="plain: {greeting: rude}")
    store = open_store(settings)
    assert sorted(store.current.loaded) == ["state"]
    (problem,) = store.problems
    owner = settings.find_owner_of_file(problem.file)
    assert owner is not None
    assert owner.symbol == AAA

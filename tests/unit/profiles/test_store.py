"""Live reload: everything is checked first; a profile with a bad edit stays in use as it was, which is remembered."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain.problems import ConfigurationError
from gateway.profiles import ProfileStore, load_profiles, read_profiles_with_fallback
from tests.unit.profiles.support import ADAPTERS, SETTINGS, write


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    write(tmp_path, nordviken="plain: {greeting: curt}\n", other="plain: {}\n")
    return open_profiles(tmp_path)


def open_profiles(folder: Path) -> ProfileStore:
    return ProfileStore(
        folder,
        lambda: load_profiles(folder, ADAPTERS, SETTINGS),
        lambda before: read_profiles_with_fallback(folder, ADAPTERS, SETTINGS, before).profiles,
    )


def greeting(store: ProfileStore, name: str = "nordviken") -> object:
    profile = store.current.find_profile(name)
    assert profile is not None
    return profile.dialects["plain"].model_dump()["greeting"]


async def eventually(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110  nothing else tells
            await asyncio.sleep(0.02)


async def test_a_good_edit_is_taken_over(store: ProfileStore) -> None:
    write(store.folder, nordviken="plain: {greeting: kind}\n")

    assert await store.reload() is True
    assert greeting(store) == "kind"
    assert (store.reloads, store.failures, store.problems) == (1, 0, ())


async def test_a_bad_edit_changes_nothing_and_those_of_other_profiles_are_taken(store: ProfileStore) -> None:
    write(store.folder, nordviken="plain: {greeting: rude}\n", other="plain: {greeting: curt}\n", new="plain: [\n")

    with capture_logs() as logs:
        assert await store.reload() is False

    assert (greeting(store), greeting(store, "other")) == ("curt", "curt")
    assert store.current.find_profile("new") is None
    assert [problem.key for problem in store.problems] == ["", "plain.greeting"]
    assert (store.reloads, store.failures) == (0, 1)
    assert logs[0]["log_level"] == "error"
    assert "nordviken.yml:1: plain.greeting: found 'rude'" in logs[0]["problems"][1]

    write(store.folder, other="plain: {greeting: kind}\n")
    await store.reload()
    assert (greeting(store), greeting(store, "other")) == ("curt", "kind")


async def test_a_profile_keeps_what_a_broken_one_that_it_extends_said_before(tmp_path: Path) -> None:
    write(tmp_path, root="abstract: true\nplain: {greeting: curt}\n", child="extends: root\n")
    store = open_profiles(tmp_path)
    write(tmp_path, root="abstract: true\nplain: {greeting: rude}\n", child="extends: root\ndescription: мир\n")

    await store.reload()

    child = store.current.loaded["child"].profile
    assert (greeting(store, "child"), child.description) == ("curt", "мир")


async def test_what_does_not_fit_with_the_profile_as_it_was_waits_with_it(tmp_path: Path) -> None:
    """A path goes from one profile to the other, and the edit of the first is bad."""
    write(tmp_path, one="plain: {}\nmatch: [{path: ill}]\n", two="plain: {greeting: curt}\n")
    store = open_profiles(tmp_path)
    write(tmp_path, one="plain: [\n", two="plain: {greeting: kind}\nmatch: [{path: ill}]\n")

    await store.reload()

    assert greeting(store, "two") == "curt"
    assert [Path(problem.file).name for problem in store.problems] == ["one.yml"]


async def test_where_nothing_fits_all_stays(store: ProfileStore) -> None:
    before = store.current
    (store.folder / "another.yaml").write_text("plain: {}\n", encoding="utf-8")
    write(store.folder, other="plain: {greeting: kind}\n")

    assert await store.reload() is False
    assert store.current is before


async def test_mending_it_ends_the_problem(store: ProfileStore) -> None:
    write(store.folder, nordviken="plain: [\n")
    await store.reload()
    write(store.folder, nordviken="plain: {greeting: kind}\n")

    assert await store.reload() is True
    assert store.problems == ()
    assert greeting(store) == "kind"


async def test_changed_files_are_noticed(store: ProfileStore) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(store.watch_folders(stop))
    await asyncio.sleep(0.3)  # until the watch is set up

    write(store.folder, nordviken="plain: {greeting: rude}\n")
    await eventually(lambda: bool(store.problems))
    assert greeting(store) == "curt"

    write(store.folder, nordviken="plain: {greeting: kind}\n")
    await eventually(lambda: greeting(store) == "kind")
    assert store.problems == ()

    stop.set()
    await asyncio.wait_for(watching, 10)


def test_it_does_not_start_with_bad_profiles(tmp_path: Path) -> None:
    write(tmp_path, nordviken="plain: {greeting: rude}\n")

    with pytest.raises(ConfigurationError):
        open_profiles(tmp_path)

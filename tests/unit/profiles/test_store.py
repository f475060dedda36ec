"""Live reload: everything is checked first; a bad edit leaves the last good set in use and is remembered."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain.problems import ConfigurationError
from gateway.profiles import ProfileStore, load_profiles
from tests.unit.profiles.support import ADAPTERS, SETTINGS, write


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    write(tmp_path, nordviken="plain: {greeting: curt}\n", other="plain: {}\n")
    return ProfileStore(tmp_path, lambda: load_profiles(tmp_path, ADAPTERS, SETTINGS))


def greeting(store: ProfileStore) -> object:
    profile = store.current.find_profile("nordviken")
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


async def test_a_bad_edit_changes_nothing_not_even_in_other_profiles(store: ProfileStore) -> None:
    before = store.current
    write(store.folder, nordviken="plain: {greeting: rude}\n", other="plain: {greeting: curt}\n")

    with capture_logs() as logs:
        assert await store.reload() is False

    assert store.current is before
    assert [problem.key for problem in store.problems] == ["plain.greeting"]
    assert store.failures == 1
    assert logs[0]["log_level"] == "error"
    assert "nordviken.yml:1: plain.greeting: found 'rude'" in logs[0]["problems"][0]


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
        ProfileStore(tmp_path, lambda: load_profiles(tmp_path, ADAPTERS, SETTINGS))

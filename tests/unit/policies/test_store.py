"""Live reload of requests.yml: a bad edit leaves the last good rules in use and is remembered."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.policies import PolicyStore
from tests.unit.policies.support import Place

GOOD = "retention: {anonymise_days: 7}\n"
BETTER = "retention: {anonymise_days: 8}\n"
BAD = "retention: {anonymise_days: soon}\n"


@pytest.fixture
def store(place: Place) -> PolicyStore:
    place.requests(GOOD)
    return PolicyStore(place.settings, lambda: place.profiles)


def days(store: PolicyStore) -> int:
    return store.current.for_library("DEMO").retention.anonymise_days


async def eventually(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110  nothing else tells
            await asyncio.sleep(0.02)


async def test_a_good_edit_is_taken_over(place: Place, store: PolicyStore) -> None:
    place.requests(BETTER)

    assert await store.reload() is True
    assert (days(store), store.problems) == (8, ())


async def test_a_bad_edit_changes_nothing_until_it_is_mended(place: Place, store: PolicyStore) -> None:
    place.requests(BAD)

    assert await store.reload() is False
    assert days(store) == 7
    assert [problem.key for problem in store.problems] == ["retention.anonymise_days"]

    place.requests(BETTER)
    assert await store.reload() is True
    assert (days(store), store.problems) == (8, ())


async def test_a_partner_that_goes_while_a_rota_names_it_is_a_bad_edit(place: Place, store: PolicyStore) -> None:
    place.requests("rotas: {quick: {lines: [{partner: kyoto}]}}\n")
    assert await store.reload() is True

    (place.profiles_folder / "kyoto.yml").unlink()

    assert await store.reload() is False
    assert "quick" in store.current.for_library("DEMO").rotas


async def test_the_first_time_it_must_be_right(place: Place) -> None:
    place.requests(BAD)

    with pytest.raises(ConfigurationError):
        PolicyStore(place.settings, lambda: place.profiles)


async def test_changed_files_are_noticed_others_are_not(place: Place, store: PolicyStore) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(store.watch_folders(stop))
    await asyncio.sleep(0.3)  # until the watch is set up

    place.requests("who: knows\n", "other.yml")
    place.requests(BAD)
    await eventually(lambda: bool(store.problems))
    place.requests(BETTER)
    await eventually(lambda: days(store) == 8)

    place.requests("who: knows more\n", "other.yml")
    await asyncio.sleep(1)
    assert (store.reloads, store.failures) == (1, 1)

    stop.set()
    await asyncio.wait_for(watching, 10)

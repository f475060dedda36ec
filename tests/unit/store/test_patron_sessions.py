"""Sessions of readers, and their journeys to an identity provider, end at their time and count no more from then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.ports.shared_store import Store
from gateway.store import patron_sessions
from gateway.store.engine import open_store
from gateway.store.patron_sessions import JourneyRow, SessionRow

STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = STARTED + timedelta(minutes=30)
MOMENT = timedelta(microseconds=1)

SESSION = SessionRow(
    library="NORTH",
    id="s-1",
    patron_id="p-1",
    identifier="21000000000017",
    category="adult",
    branch="MAIN",
    name="Anna",
    method="password",
    proof="",
    started=STARTED,
    expires=END,
)
JOURNEY = JourneyRow(library="NORTH", id="j-1", visit="v", nonce="n", verifier="w", back_to="/", expires=END)


@pytest.fixture
async def migrated(migrated_store_url: str) -> AsyncIterator[Store]:
    store = open_store(migrated_store_url)
    await store.write(lambda c: patron_sessions.add_session(c, SESSION))
    await store.write(lambda c: patron_sessions.add_journey(c, JOURNEY))
    yield store
    await store.close()


ENDS = pytest.mark.parametrize(("now", "is_good"), [(END - MOMENT, True), (END, False), (END + MOMENT, False)])


@ENDS
async def test_a_session_ends(migrated: Store, now: datetime, is_good: bool) -> None:
    found = await migrated.read(lambda c: patron_sessions.find_session(c, "NORTH", "s-1", now))

    assert found == (SESSION if is_good else None)


@ENDS
async def test_a_journey_ends(migrated: Store, now: datetime, is_good: bool) -> None:
    taken = await migrated.write(lambda c: patron_sessions.take_journey(c, "NORTH", "j-1", now))

    assert taken == (JOURNEY if is_good else None)


@ENDS
async def test_what_is_over_is_removed(migrated: Store, now: datetime, is_good: bool) -> None:
    gone = await migrated.write(
        lambda c: (
            patron_sessions.prune_sessions(c, "NORTH", now),
            patron_sessions.prune_journeys(c, "NORTH", now),
        )
    )

    assert gone == ((0, 0) if is_good else (1, 1))


async def test_a_session_is_of_one_library(migrated: Store) -> None:
    assert await migrated.read(lambda c: patron_sessions.find_session(c, "SOUTH", "s-1", STARTED)) is None


async def test_a_journey_is_taken_once(migrated: Store) -> None:
    taken = [await migrated.write(lambda c: patron_sessions.take_journey(c, "NORTH", "j-1", STARTED)) for _ in range(2)]

    assert taken == [JOURNEY, None]

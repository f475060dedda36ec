"""Second factors of staff in the store, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.ports.shared_store import Store
from gateway.store.second_factors import (
    begin_second_factor,
    confirm_second_factor,
    find_second_factor,
    take_code_step,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


async def test_two_who_begin_at_once_both_begin_and_the_last_secret_counts(store: Store) -> None:
    """A button that is pressed twice, on two nodes."""
    secrets = [f"secret {number}".encode() for number in range(8)]

    begun = await asyncio.gather(
        *(store.write(lambda c, one=one: begin_second_factor(c, "DEMO", "u-1", one, "k")) for one in secrets)  # type: ignore[misc]
    )

    assert begun == [True] * 8
    row = await store.read(lambda c: find_second_factor(c, "DEMO", "u-1"))
    assert row is not None
    assert row.secret in secrets
    assert (row.confirmed, row.last_step) == (None, 0)


async def test_one_that_counts_is_not_begun_anew_and_each_code_is_good_once(store: Store) -> None:
    await store.write(lambda c: begin_second_factor(c, "DEMO", "u-1", b"first", "k"))
    row = await store.read(lambda c: find_second_factor(c, "DEMO", "u-1"))
    assert row is not None
    assert await store.write(lambda c: confirm_second_factor(c, row, 7, NOW))

    assert not await store.write(lambda c: begin_second_factor(c, "DEMO", "u-1", b"second", "k"))
    kept = await store.read(lambda c: find_second_factor(c, "DEMO", "u-1"))
    assert kept is not None
    assert (kept.secret, kept.confirmed, kept.last_step) == (b"first", NOW, 7)

    assert await store.write(lambda c: take_code_step(c, kept, 8, b"first", "k"))
    assert not await store.write(lambda c: take_code_step(c, kept, 8, b"first", "k")), "it was good elsewhere just now"

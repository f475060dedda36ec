"""What /readyz asks of the store."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.domain.problems import Unavailable
from gateway.store.engine import Store
from gateway.store.health import ping
from gateway.store.migrate import OWN, migrate


async def test_a_migrated_database_answers(store: Store) -> None:
    await migrate(store, OWN)

    await ping(store)


async def test_a_database_without_our_tables_is_not_ready(store: Store) -> None:
    with pytest.raises(Unavailable, match="does not have the gateway's tables"):
        await ping(store)


async def test_a_database_that_does_not_answer_in_time_is_not_ready(store: Store) -> None:
    if store.url.get_backend_name() != "sqlite":
        pytest.skip("work that blocks would block the test itself")
    await migrate(store, OWN)
    begun, release = threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(store.read(lambda _connection: (begun.set(), release.wait(10))))
    await asyncio.to_thread(begun.wait)
    try:
        with pytest.raises(Unavailable, match=r"has not answered within 0\.1 s"):
            await ping(store, seconds=0.1)
    finally:
        release.set()
        await waiting

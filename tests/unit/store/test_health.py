"""What /readyz asks of the store."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import text

from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, free_disk_bytes, migrate_store, ping_store, require_writable


async def test_a_migrated_database_answers(store: Store) -> None:
    await migrate_store(store, OWN)

    await ping_store(store)


async def test_a_database_without_our_tables_is_not_ready(store: Store) -> None:
    with pytest.raises(Unavailable, match="does not have the gateway's tables"):
        await ping_store(store)


async def test_a_database_that_does_not_answer_in_time_is_not_ready(store: Store) -> None:
    if store.url.get_backend_name() != "sqlite":
        pytest.skip("work that blocks would block the test itself")
    await migrate_store(store, OWN)
    begun, release = threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(store.read(lambda _connection: (begun.set(), release.wait(10))))
    await asyncio.to_thread(begun.wait)
    try:
        with pytest.raises(Unavailable, match=r"has not answered within 0\.1 s"):
            await ping_store(store, seconds=0.1)
    finally:
        release.set()
        await waiting


async def test_a_database_that_takes_writes(store: Store) -> None:
    await migrate_store(store, OWN)

    await require_writable(store)


async def test_a_database_that_can_only_be_read(store: Store) -> None:
    """As on a standby, or on a disk that was mounted anew after an error."""
    await migrate_store(store, OWN)
    if store.url.get_backend_name() == "sqlite":
        await store.write(lambda connection: connection.execute(text("PRAGMA query_only = ON")))
        reopened = store
    else:
        setting = f'ALTER DATABASE "{store.url.database}" SET default_transaction_read_only = on'
        await store.write(lambda connection: connection.execute(text(setting)))
        reopened = open_store(store.url.render_as_string(hide_password=False))

    with pytest.raises(Unavailable, match=r"can only be read|readonly database"):
        await require_writable(reopened)
    await ping_store(reopened)  # to read is possible, so this does not notice
    await reopened.close()


def test_space_is_told_of_files_only(store: Store) -> None:
    free = free_disk_bytes(store)
    assert free is None if store.url.get_backend_name() == "postgresql" else free

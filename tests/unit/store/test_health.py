"""What /readyz asks of the store."""

from __future__ import annotations

import asyncio
import resource
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store
from gateway.store import migration
from gateway.store.engine import open_store
from gateway.store.migration import (
    OWN,
    free_disk_bytes,
    largest_write_bytes,
    migrate_store,
    ping_store,
    require_writable,
)


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

    with pytest.raises(Unavailable, match=r"database is read-only|readonly database"):
        await require_writable(reopened)
    await ping_store(reopened)  # to read is possible, so this does not notice
    await reopened.close()


@pytest.mark.parametrize(("free", "fits"), [(200_000, 0), (2_200_000, 1_000_000), (100_000_000, 48_000_000)])
def test_a_value_is_written_twice_and_needs_some_space_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, fits: int
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    monkeypatch.setattr(migration, "free_disk_bytes", lambda _: free)
    found = largest_write_bytes(store)
    assert found is not None
    assert fits <= found <= free // 2


def test_how_large_a_file_may_be_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    (tmp_path / "illgate.db").write_bytes(bytes(3_000_000))
    (tmp_path / "illgate.db-wal").write_bytes(bytes(4_000_000))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5_000_000, resource.RLIM_INFINITY))
    found = largest_write_bytes(store)
    assert found is not None
    assert 900_000 <= found <= 1_000_000
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4_000_100, resource.RLIM_INFINITY))
    assert largest_write_bytes(store) == 0


async def test_it_does_fit_when_it_is_said_to(tmp_path: Path) -> None:
    """With a file that may grow by so much and no more."""
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    await store.write(lambda c: c.execute(text("CREATE TABLE letter (content BLOB)")))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 1_200_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        room = largest_write_bytes(store)
        assert room is not None
        assert room > 1_000_000
        await store.write(lambda c: c.execute(text("INSERT INTO letter VALUES (:content)"), {"content": bytes(room)}))
        with pytest.raises(Unavailable):
            await store.write(
                lambda c: c.execute(text("INSERT INTO letter VALUES (:content)"), {"content": bytes(room)})
            )
        assert largest_write_bytes(store) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await store.close()


def test_space_is_told_of_files_only(store: Store) -> None:
    free = free_disk_bytes(store)
    assert (largest_write_bytes(store) is None) is (store.url.get_backend_name() == "postgresql")
    assert free is None if store.url.get_backend_name() == "postgresql" else free

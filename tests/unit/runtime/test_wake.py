"""Who waits for work is woken, in this process and on other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from gateway.ports.shared_store import Store
from gateway.runtime import background as module
from gateway.runtime.background import WorkNotifier
from gateway.store.engine import open_store


@asynccontextmanager
async def at_work(wake: WorkNotifier) -> AsyncIterator[asyncio.Event]:
    """Listening; gives the event that it wakes, clear."""
    woken = asyncio.Event()
    wake.subscribe(woken.set)
    running = asyncio.create_task(wake.run())
    async with asyncio.timeout(10):
        await wake.listening.wait()
    woken.clear()
    yield woken
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not wake.listening.is_set()


async def is_woken(woken: asyncio.Event, seconds: float = 5) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True


@pytest.fixture
async def shared(fresh_postgresql_url: str) -> AsyncIterator[Store]:
    store = open_store(fresh_postgresql_url)
    yield store
    await store.close()


async def test_on_one_node_a_nudge_wakes_all_at_once_and_there_is_nothing_to_run(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    wake, worker, timers = WorkNotifier(store, "here/1"), asyncio.Event(), asyncio.Event()
    wake.subscribe(worker.set)
    wake.subscribe(timers.set)

    wake.notify()
    assert worker.is_set()
    assert timers.is_set()
    async with asyncio.timeout(1):
        await wake.run()
    await store.close()


async def test_a_nudge_for_a_library_wakes_its_streams_alone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    wake, worker, streams = WorkNotifier(store, "here/1"), asyncio.Event(), list[str]()
    wake.subscribe(worker.set)
    wake.subscribe_streams(streams.append)

    wake.notify("EX")
    assert worker.is_set()
    wake.notify()
    assert streams == ["EX", ""]
    await store.close()


@pytest.mark.postgresql
async def test_a_nudge_wakes_other_nodes_but_does_not_come_back(shared: Store) -> None:
    here, there = WorkNotifier(shared, "here/1"), WorkNotifier(shared, "there/1")
    async with at_work(here) as woken_here, at_work(there) as woken_there:
        woken_here.clear()
        here.notify()
        assert woken_here.is_set()
        woken_here.clear()

        assert await is_woken(woken_there)
        assert not await is_woken(woken_here, 0.1)


@pytest.mark.postgresql
async def test_a_lost_connection_is_opened_again_and_all_are_woken(
    shared: Store, fresh_postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_RETRY_SECONDS", 0.05)
    here, there = WorkNotifier(shared, "here/1"), WorkNotifier(shared, "there/1")
    own = await asyncpg.connect(fresh_postgresql_url)
    async with at_work(here) as woken_here, at_work(there) as woken_there:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        await own.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        assert await is_woken(woken_here), "there may have been something while nobody heard"
        assert await is_woken(woken_there)
        woken_there.clear()

        here.notify()
        assert await is_woken(woken_there)
    await own.close()


@pytest.mark.postgresql
async def test_what_is_told_before_the_connection_is_there_is_told_then(shared: Store) -> None:
    here, there = WorkNotifier(shared, "here/1"), WorkNotifier(shared, "there/1")
    async with at_work(there) as woken_there:
        here.notify()
        async with at_work(here):
            assert await is_woken(woken_there)

"""One node at a time; needs PostgreSQL, since on SQLite there is only one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.postgresql import AdvisoryLock, SoleLeader, lock_key_of, make_task_leader
from tests.support.postgresql import QUICK, Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """One of one's own, to be halted."""
    server = Server(QUICK)
    yield server
    server.stop()


@pytest.fixture
async def shared(fresh_postgresql_url: str) -> AsyncIterator[Store]:
    store = open_store(fresh_postgresql_url)
    yield store
    await store.close()


async def test_on_sqlite_the_only_node_leads(tmp_path) -> None:  # type: ignore[no-untyped-def]
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    one = make_task_leader(store, "timers")
    assert isinstance(one, SoleLeader)
    assert await one.is_leader()
    await one.give_up_lead()
    await store.close()


@pytest.mark.postgresql
async def test_one_leads_until_it_gives_the_place_up(shared: Store) -> None:
    first, second = make_task_leader(shared, "timers"), make_task_leader(shared, "timers")
    assert isinstance(first, AdvisoryLock)

    assert [await first.is_leader(), await second.is_leader(), await first.is_leader()] == [True, False, True]
    await first.give_up_lead()
    assert [await second.is_leader(), await first.is_leader()] == [True, False]
    await second.give_up_lead()
    await first.give_up_lead()


@pytest.mark.postgresql
async def test_each_task_has_its_own_place(shared: Store) -> None:
    timers, mailbox = make_task_leader(shared, "timers"), make_task_leader(shared, "mailbox")
    assert lock_key_of("timers") != lock_key_of("mailbox")

    assert await timers.is_leader()
    assert await mailbox.is_leader()
    await timers.give_up_lead()
    await mailbox.give_up_lead()


@pytest.mark.postgresql
async def test_when_its_session_ends_it_is_said_and_another_may_lead(shared: Store, fresh_postgresql_url: str) -> None:
    first, second = make_task_leader(shared, "timers"), make_task_leader(shared, "timers")
    assert await first.is_leader()
    own = await asyncpg.connect(fresh_postgresql_url)
    await own.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    async with asyncio.timeout(10):
        while await own.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)  # the server ends a session in its own time

    with pytest.raises(Unavailable):
        await first.is_leader()
    assert await second.is_leader()
    assert not await first.is_leader()
    await own.close()
    await first.give_up_lead()
    await second.give_up_lead()


@pytest.mark.postgresql
async def test_without_a_server_nobody_leads_and_then_somebody_does(server: Server) -> None:
    store = open_store(server.url())
    one = make_task_leader(store, "timers")
    assert await one.is_leader()
    server.halt()

    for _ in range(2):
        with pytest.raises(Unavailable):
            await one.is_leader()

    server.start()
    assert await one.is_leader()  # a new session: the old one's lock went with the server
    await one.give_up_lead()
    await store.close()

"""A node that finds a database of another release, as it starts or later: it is red, begins nothing and answers 503."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway.ports.shared_store import Store, Transaction
from gateway.runtime import monitoring
from gateway.runtime.daemon import Daemon
from gateway.services.operation import network_load
from gateway.services.operation import nodes as beats
from gateway.services.operation.network_load import NetworkLoads
from gateway.store.engine import open_store
from gateway.store.nodes import Node
from gateway.store.requests import outbox, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.support.databases import list_revisions, make_newer_history, migrate_database
from tests.unit.runtime.house import SETTINGS, House
from tests.unit.runtime.test_compose import ask
from tests.unit.services.outbox.support import NOON, a_row


@pytest.fixture
def house(tmp_path: Path, migrated_store_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(beats, "BEAT_SECONDS", 0.05)
    made = House(tmp_path)
    made.build(SETTINGS.replace("sqlite:///data/illgate.db", migrated_store_url))
    return made


@pytest.fixture
async def beside(migrated_store_url: str) -> AsyncIterator[Store]:
    """What another node sees."""
    store = open_store(migrated_store_url)
    yield store
    await store.close()


async def add_row(store: Store) -> OutboxRow:
    row = a_row(library="CLK")
    await store.write(lambda c: outbox.add_outbox_row(c, row))
    return row


async def read_row(store: Store, row: OutboxRow) -> OutboxRow:
    found = await store.read(lambda c: outbox_queries.get_outbox_row(c, row.library, row.id))
    assert found is not None
    return found


async def say_by_tcp(gateway: Daemon) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.tcp_ports[0])
    writer.write(b"x\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_it_is_red_answers_503_and_takes_nothing_up(
    house: House, beside: Store, migrated_store_url: str, tmp_path: Path
) -> None:
    async with house.running() as gateway:
        gateway.start_workers()
        await migrate_database(migrated_store_url, make_newer_history(tmp_path / "newer"))
        with capture_logs() as logs:
            status, page = await ask(gateway, "/readyz")
            await ask(gateway, "/readyz")
        assert (status, "the database is at revision 9999, which this release does not know" in page) == (503, True)
        assert [one["event"] for one in logs].count("node.outdated") <= 1

        for path in ("/plain", "/plain/anyone", "/api/v1/requests", "/", "/staff"):
            assert await ask(gateway, path, b"x") == (503, "The gateway is being upgraded; please try again shortly.\n")
        assert (await ask(gateway, "/healthz"))[0] == 200
        assert 'illgate_up{library="",part="store"}' in (await ask(gateway, "/metrics"))[1]
        assert await say_by_tcp(gateway) == b"", "without an answer, so that it is sent again"
        row = await add_row(beside)
        assert await gateway.managed.worker.drain() == 0
        await asyncio.sleep(0.2)
        assert (await read_row(beside, row)).status is OutboxStatus.WAITING
        assert not await gateway.managed.node.make_leader("timers").is_leader()

        await beside.write(
            lambda c: c.execute(text(f"UPDATE gateway_schema SET version_num = '{list_revisions()[-1]}'"))
        )
        assert (await ask(gateway, "/readyz"))[0] == 200, "where a backup was restored it goes on"
        assert await ask(gateway, "/plain", b"x") == (200, "hello")
        await gateway.managed.worker.drain()
        assert (await read_row(beside, row)).tries > 0


async def add_ended_row(store: Store) -> OutboxRow:
    """Its time is over for long."""
    row = await add_row(store)

    def end_row(c: Transaction) -> None:
        claimed = outbox.claim_single_row(c, row.library, row.id, NOON, timedelta(minutes=1), "before")
        assert claimed is not None
        outbox.mark_done(c, claimed, "", NOON)

    await store.write(end_row)
    return row


async def set_revision(store: Store, revision: str) -> None:
    await store.write(lambda c: c.execute(text(f"UPDATE gateway_schema SET version_num = '{revision}'")))


async def wait_for_round(gateway: Daemon, job: str) -> None:
    """Until a background job has begun once."""
    async with asyncio.timeout(10):
        while all(one.began is None for one in gateway._tasks.list_jobs(datetime.now(UTC)) if one.name == job):
            await ask(gateway, "/healthz")
    await asyncio.sleep(0.05)


async def test_one_that_starts_on_a_newer_schema_waits_until_it_is_gone(
    house: House, beside: Store, migrated_store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when one of several nodes is put back to the release before: to end would be to be started again and again."""
    await migrate_database(migrated_store_url, make_newer_history(tmp_path / "newer"))
    row, old = await add_row(beside), await add_ended_row(beside)
    asked = asyncio.Event()

    async def ask_members(_loads: NetworkLoads, _contexts: object) -> None:
        asked.set()

    monkeypatch.setattr(network_load, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(NetworkLoads, "ask_due_libraries", ask_members)
    async with house.running() as gateway:
        gateway.start_workers()
        status, page = await ask(gateway, "/readyz")
        assert (status, "the database is at revision 9999, which this release does not know" in page) == (503, True)
        assert await ask(gateway, "/plain", b"x") == (503, "The gateway is being upgraded; please try again shortly.\n")
        assert (await ask(gateway, "/healthz"))[0] == 200
        await wait_for_round(gateway, "outbox: retention")
        await wait_for_round(gateway, "journal: retention")
        assert (await read_row(beside, row)).tries == 0
        assert (await read_row(beside, old)).ended == NOON, "retention is the newer release's"
        assert await beside.read(lambda c: c.execute(text("SELECT count(*) FROM task_leader")).scalar_one()) == 0
        assert not asked.is_set()

        await set_revision(beside, list_revisions()[-1])
        assert (await ask(gateway, "/readyz"))[0] == 200
        await gateway.managed.worker.drain()
        assert (await read_row(beside, row)).tries > 0
        async with asyncio.timeout(5):
            await asked.wait()


async def test_on_an_older_schema_it_begins_nothing_either(house: House, beside: Store) -> None:
    """Where a backup of an older release is put back under a node that lives."""
    async with house.running() as gateway:
        await set_revision(beside, list_revisions()[-2])
        status, page = await ask(gateway, "/readyz")
        row = await add_row(beside)
        assert await gateway.managed.worker.drain() == 0
        assert (status, "run `illgate upgrade`" in page) == (503, True)
        assert (await read_row(beside, row)).tries == 0
        await set_revision(beside, list_revisions()[-1])
        assert (await ask(gateway, "/readyz"))[0] == 200


@pytest.mark.postgresql
@pytest.mark.parametrize("migrated_store_url", ["postgresql"], indirect=True)
async def test_a_node_of_the_newer_release_leads_instead(
    house: House, beside: Store, migrated_store_url: str, tmp_path: Path
) -> None:
    newer = Node(beside, "newer")
    async with house.running() as gateway:
        gateway.start_workers()
        await newer.tell_alive()
        leader = newer.make_leader("timers")
        async with asyncio.timeout(5):
            while await leader.is_leader():  # until the first has taken its place
                await leader.give_up_lead()
                await asyncio.sleep(0.05)
        await migrate_database(migrated_store_url, make_newer_history(tmp_path / "newer"))
        gateway.managed.timekeeper.wake()
        async with asyncio.timeout(5):
            while not await leader.is_leader():
                gateway.managed.timekeeper.wake()
                await newer.tell_alive()
                await asyncio.sleep(0.05)
    await newer.leave()

"""The store through PgBouncer: what works in transaction mode, and what is refused by name."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from gateway.domain.problems import Unavailable
from gateway.runtime.background import WorkNotifier
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from gateway.store.postgresql import UNPREPARED, lock_name_in_transaction, require_fit_pooler
from tests.support.pgbouncer import pooled

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

NAMED = "PgBouncer in transaction mode loses prepared statements: add \\?prepared_statement_cache_size=0 to store.url"


async def work_together(url: str, seed: int = 34) -> None:
    """Two nodes' stores at once, on fewer connections than they would have; each transaction sees its own numbers."""
    chance = random.Random(seed)
    stores = [open_store(url), open_store(url)]

    def add(connection: Connection, number: int) -> list[int]:
        lock_name_in_transaction(connection, f"n {number % 3}")
        connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": number})
        connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), [{"n": number}, {"n": number}])
        query = text(f"SELECT n FROM numbers WHERE n = :n AND {chance.randrange(5)} = 0")
        connection.execute(query, {"n": number})
        return list(connection.execute(text("SELECT n FROM numbers WHERE n = :n"), {"n": number}).scalars())

    try:
        await stores[0].write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER)")) and None)
        work = (stores[number % 2].write(lambda c, number=number: add(c, number)) for number in range(200))
        assert await asyncio.gather(*work) == [[number] * 3 for number in range(200)]
    finally:
        for store in stores:
            await store.close()


async def test_without_prepared_statements_two_nodes_work_side_by_side(fresh_postgresql_url: str) -> None:
    with pooled(fresh_postgresql_url) as url:
        await require_fit_pooler(make_url(f"{url}?{UNPREPARED}"))
        await work_together(f"{url}?{UNPREPARED}")


async def test_a_pooler_that_knows_of_prepared_statements_needs_nothing(fresh_postgresql_url: str) -> None:
    with pooled(fresh_postgresql_url, prepared=200) as url:
        await require_fit_pooler(make_url(url))
        await work_together(url)


@pytest.mark.parametrize("size", [1, 3])
async def test_one_that_knows_none_is_refused_by_name(fresh_postgresql_url: str, size: int) -> None:
    with pooled(fresh_postgresql_url, size=size) as url, pytest.raises(Unavailable, match=NAMED):
        await require_fit_pooler(make_url(url))


async def test_statements_that_get_lost_later_are_told_by_name(fresh_postgresql_url: str) -> None:
    with pooled(fresh_postgresql_url) as url, pytest.raises(Unavailable, match=NAMED):
        await work_together(url)


async def test_a_pooler_of_statements_is_refused_in_its_own_words(fresh_postgresql_url: str) -> None:
    words = "transaction blocks not allowed in statement pooling mode"
    with pooled(fresh_postgresql_url, mode="statement") as url, pytest.raises(Unavailable, match=words):
        await require_fit_pooler(make_url(f"{url}?{UNPREPARED}"))


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_sessions_of_the_notifier_are_served(fresh_postgresql_url: str, mode: str) -> None:
    """Whether others are heard is the pooler's; without it they are found by looking."""
    with pooled(fresh_postgresql_url, mode=mode) as url:
        store = open_store(f"{url}?{UNPREPARED}")
        here, there = WorkNotifier(store, "here"), WorkNotifier(store, "it's there")
        running = [asyncio.create_task(one.run()) for one in (here, there)]
        async with asyncio.timeout(10):
            await here.listening.wait()
            await there.listening.wait()
        there.notify()
        await asyncio.sleep(0.2)
        assert here.listening.is_set()
        assert there.listening.is_set(), "its statement was taken"
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await store.close()


async def test_without_a_pooler_nothing_is_refused(fresh_postgresql_url: str) -> None:
    await require_fit_pooler(make_url(fresh_postgresql_url))


async def test_tables_are_made_through_it(fresh_postgresql_url: str) -> None:
    with pooled(fresh_postgresql_url) as url:
        store = open_store(f"{url}?{UNPREPARED}")
        assert await migrate_store(store, OWN)
        assert await migrate_store(store, OWN) == []
        await store.close()

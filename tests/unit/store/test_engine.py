"""Transactions, on both engines: all or nothing, groups, durability, closing, trouble."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.shared_store import Store
from gateway.store.engine import OLDEST_SQLITE, SqliteTooOld, open_store
from gateway.store.postgresql import PostgresqlSession
from tests.support.daemon import free_port
from tests.support.paths import ROOT
from tests.support.postgresql import DURABLE, Server


def add(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": number})
        return number

    return work


def numbers(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT n FROM numbers ORDER BY position")).scalars())


@pytest.fixture
async def counted(store: Store) -> Store:
    """A store with a table of distinct numbers, kept in the order in which they were added."""
    await store.write(lambda connection: create(connection))
    return store


def create(connection: Connection) -> None:
    kind = "INTEGER PRIMARY KEY" if connection.dialect.name == "sqlite" else "SERIAL PRIMARY KEY"
    connection.execute(text(f"CREATE TABLE numbers (position {kind}, n INTEGER NOT NULL UNIQUE)"))


async def test_a_write_returns_what_the_work_returns_and_is_seen_by_reads(counted: Store) -> None:
    assert await counted.write(add(7)) == 7
    assert await counted.read(numbers) == [7]


async def test_work_that_raises_leaves_nothing(counted: Store) -> None:
    def work(connection: Connection) -> None:
        add(1)(connection)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await counted.write(work)

    assert await counted.read(numbers) == []


@pytest.mark.parametrize(
    "failure", [LookupError("after writing"), Refused(RefusalReason.DUPLICATE_ITEM, "It is here already.")], ids=type
)
async def test_a_failing_one_harms_none_of_those_it_was_grouped_with(counted: Store, failure: Exception) -> None:
    def failing(connection: Connection) -> None:
        connection.execute(text("INSERT INTO numbers (n) VALUES (1000)"))
        raise failure

    works = [failing if n % 10 == 5 else add(n) for n in range(100)]
    results = await asyncio.gather(*(counted.write(work) for work in works), return_exceptions=True)

    assert results == [failure if n % 10 == 5 else n for n in range(100)]
    assert sorted(await counted.read(numbers)) == [n for n in range(100) if n % 10 != 5]


async def test_a_broken_rule_of_the_database_is_told_to_the_one_who_broke_it(counted: Store) -> None:
    results = await asyncio.gather(*(counted.write(add(n)) for n in (1, 2, 2, 3)), return_exceptions=True)

    assert [type(result) for result in results].count(IntegrityError) == 1
    assert sorted(await counted.read(numbers)) == [1, 2, 3]


async def test_a_wrong_statement_is_a_defect_and_no_trouble_of_the_database(counted: Store) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await counted.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")).all())


async def test_reads_and_writes_go_on_together(counted: Store) -> None:
    async def write_then_read(n: int) -> bool:
        await counted.write(add(n))
        return n in await counted.read(numbers)

    assert all(await asyncio.gather(*(write_then_read(n) for n in range(40))))


async def test_close_finishes_what_is_in_hand_and_refuses_more(store_url: str) -> None:
    store = open_store(store_url)
    await store.write(create)
    writes = [asyncio.create_task(store.write(add(n))) for n in range(30)]
    await asyncio.sleep(0)  # all have been handed over

    await store.close()

    assert await asyncio.gather(*writes) == list(range(30))
    for call in (store.write, store.read):
        with pytest.raises(RuntimeError, match="closed"):
            await call(numbers)
    await store.close()


async def test_a_caller_that_went_away_leaves_the_store_whole(counted: Store) -> None:
    impatient = [asyncio.create_task(counted.write(add(n))) for n in range(10)]
    await asyncio.sleep(0)
    for task in impatient[::2]:
        task.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)

    assert await counted.write(add(100)) == 100
    kept = set(await counted.read(numbers))
    assert {1, 3, 5, 7, 9, 100} <= kept <= {*range(10), 100}


WRITER = """
import asyncio, os, signal, sys
from sqlalchemy import text
from gateway.store.engine import OLDEST_SQLITE, SqliteTooOld, open_store

async def main():
    store = open_store(sys.argv[1])
    await asyncio.gather(*(
        store.write(lambda c, n=n: c.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": n}) and None)
        for n in range(20)
    ))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_what_was_awaited_outlives_a_kill(counted: Store) -> None:
    url = counted.url.render_as_string(hide_password=False)
    process = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", WRITER, url], env=os.environ | {"PYTHONPATH": str(ROOT)}
    )

    assert process.returncode == -signal.SIGKILL
    assert sorted(await counted.read(numbers)) == list(range(20))


# --- SQLite ----------------------------------------------------------------------------------------------


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'illgate.db'}")
    await store.write(create)
    yield store
    await store.close()


async def test_those_who_wait_together_are_committed_together_in_order(sqlite: Store) -> None:
    begun = threading.Event()

    def slow(connection: Connection) -> None:
        begun.wait(5)

    def count(connection: Connection) -> int:
        """SQLite's data version changes with each commit of another connection."""
        version: int = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return version

    holding = asyncio.create_task(sqlite.write(slow))
    waiting = [asyncio.create_task(sqlite.write(add(n))) for n in range(50)]
    await asyncio.sleep(0)
    before = await sqlite.read(count)
    begun.set()
    await asyncio.gather(holding, *waiting)
    commits = await sqlite.read(count) - before

    assert commits <= 2  # that of the slow one and that of all the rest
    assert await sqlite.read(numbers) == list(range(50))


async def test_a_refusal_that_wrote_nothing_makes_nobody_repeat(sqlite: Store) -> None:
    runs: list[int] = []
    begun = threading.Event()

    def counted_add(n: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            runs.append(n)
            return add(n)(connection)

        return work

    def refuse(connection: Connection) -> None:
        numbers(connection)
        raise Refused(RefusalReason.UNKNOWN_ITEM, "There is no such item.")

    def slow(connection: Connection) -> None:
        begun.wait(5)

    works = [slow, counted_add(1), refuse, counted_add(2)]
    tasks = [asyncio.create_task(sqlite.write(work)) for work in works]
    await asyncio.sleep(0)
    begun.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(results[2], Refused)
    assert runs == [1, 2]
    assert await sqlite.read(numbers) == [1, 2]


async def test_a_full_disk_is_unavailable_until_there_is_room(sqlite: Store) -> None:
    def fill(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE filler (b BLOB)"))
        connection.execute(text("INSERT INTO filler VALUES (zeroblob(10000000))"))

    def limit(pages: int) -> Callable[[Connection], None]:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").close()

    await sqlite.write(limit(100))
    with pytest.raises(Unavailable, match="full"):
        await sqlite.write(fill)
    assert await sqlite.write(add(1)) == 1

    await sqlite.write(limit(1_000_000))
    await sqlite.write(fill)
    assert await sqlite.read(numbers) == [1]


async def test_a_missing_folder_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="unable to open"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'illgate.db'}")


def test_a_file_that_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "illgate.db").write_bytes(b"a letter, saved under the wrong name\n" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'illgate.db'}")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a file"):
        open_store(url)


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="must be sqlite or postgresql, not mysql"):
        open_store("mysql://localhost/illgate")


def test_an_sqlite_older_than_those_that_are_tried_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 5))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.39.5")
    with pytest.raises(
        SqliteTooOld, match=r"^SQLite 3\.39\.5 of this Python is too old: .* needs SQLite 3\.40\.0 or newer$"
    ):
        open_store(f"sqlite:///{tmp_path / 'illgate.db'}")
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_sqlite_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", OLDEST_SQLITE)
    store = open_store(f"sqlite:///{tmp_path / 'illgate.db'}")
    asyncio.run(store.close())


# --- PostgreSQL ------------------------------------------------------------------------------------------


@pytest.mark.postgresql
async def test_a_server_that_stops_is_unavailable_until_it_is_back(postgresql_server: Server) -> None:
    server = Server(DURABLE)
    store = open_store(server.url())
    try:
        await store.write(create)
        server.halt()
        for _ in range(3):
            with pytest.raises(Unavailable):
                await store.write(add(1))
            with pytest.raises(Unavailable):
                await store.read(numbers)
        server.start()
        assert await store.write(add(2)) == 2
        assert await store.read(numbers) == [2]
    finally:
        await store.close()
        server.stop()


@pytest.mark.postgresql
async def test_a_server_that_stops_in_the_middle_is_unavailable(postgresql_server: Server) -> None:
    server = Server()
    store = open_store(server.url())
    try:
        sleeping = asyncio.create_task(store.read(lambda connection: connection.execute(text("SELECT pg_sleep(30)"))))
        await asyncio.sleep(0.5)
        server.halt()
        with pytest.raises(Unavailable):
            await sleeping
    finally:
        await store.close()
        server.stop()


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"database": "nowhere"}, 'rejected the sign-in: database "nowhere" does not exist'),
        ({"username": "nobody"}, 'rejected the sign-in: role "nobody" does not exist'),
    ],
)
async def test_a_server_that_does_not_let_us_in_says_why(
    postgresql_url: str, wrong: dict[str, str], words: str
) -> None:
    url = make_url(postgresql_url)
    url = url.set(database=wrong.get("database", url.database), username=wrong.get("username", url.username))
    store = open_store(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(Unavailable, match=words):
            await store.read(numbers)
    finally:
        await store.close()
    with pytest.raises(Unavailable, match=words):
        await PostgresqlSession.open(store.url)


@pytest.mark.postgresql
async def test_where_nobody_answers_is_said() -> None:
    port = free_port()
    store = open_store(f"postgresql://illgate@127.0.0.1:{port}/illgate")
    try:
        with pytest.raises(Unavailable, match=rf"Connection refused \(127\.0\.0\.1, port {port}\)"):
            await store.read(numbers)
    finally:
        await store.close()


@pytest.mark.postgresql
async def test_transactions_that_deadlock_are_tried_again(fresh_postgresql_url: str) -> None:
    store = open_store(fresh_postgresql_url)

    def lock(first: int, second: int) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            connection.execute(text("UPDATE numbers SET n = n + 10 WHERE position = :p"), {"p": first})
            connection.execute(text("SELECT pg_sleep(0.2)"))
            connection.execute(text("UPDATE numbers SET n = n + 100 WHERE position = :p"), {"p": second})

        return work

    try:
        await store.write(create)
        await store.write(lambda connection: [add(n)(connection) for n in (1, 2)])
        await asyncio.gather(store.write(lock(1, 2)), store.write(lock(2, 1)))
        assert await store.read(numbers) == [111, 112]
    finally:
        await store.close()

"""What the ways to drive SQLite cost, in one run: `python -m tests.bench.store_choice`.

The figures stand in docs/decisions/0002-one-writer-thread.md. aiosqlite is no dependency; where it isn't
installed, its rows are left out.
"""

from __future__ import annotations

import asyncio
import importlib
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store
from gateway.store.engine import create_sqlite_engine, open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening, JournalOptions
from gateway.store.journal_writer import JournalRowMaker
from gateway.store.migration import OWN, migrate_store, upgrade_schema
from gateway.store.schema import make_exchange_id, message

CALLERS = 16
EACH = 100
ROUNDS = 3

CREATE = "CREATE TABLE IF NOT EXISTS loans (id INTEGER PRIMARY KEY, barcode TEXT NOT NULL, due TEXT NOT NULL)"
SELECT = "SELECT id, barcode, due FROM loans WHERE id = :id"
INSERT = "INSERT INTO loans (barcode, due) VALUES (:barcode, :due)"
ROW = {"barcode": "31822000123456", "due": "2026-04-01"}

QUESTION = b"<NCIPMessage>" + b"q" * 900
ANSWER = b"<NCIPMessage>" + b"a" * 1500


def work(connection: Connection) -> None:
    connection.execute(_select, {"id": 1}).one_or_none()
    connection.execute(_insert, ROW)


def look(connection: Connection) -> None:
    connection.execute(_select, {"id": 1}).one_or_none()


_select, _insert = text(SELECT), text(INSERT)


async def all_callers(call: Callable[[], Awaitable[object]]) -> int:
    async def caller() -> None:
        for _ in range(EACH):
            await call()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return CALLERS * EACH


def report(name: str, wall: float, cpu: float) -> None:
    print(f"{name:<66}{wall * 1e6:>10,.0f}{cpu * 1e6:>10,.0f}")


async def measure(name: str, run: Callable[[], Awaitable[int]]) -> None:
    """The best of some rounds: what disturbs a measurement only ever adds."""
    results = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        count = await run()
        results.append(((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count))
    report(name, min(wall for wall, _ in results), min(cpu for _, cpu in results))


async def bench_aiosqlite(folder: Path) -> None:
    try:
        aiosqlite: Any = importlib.import_module("aiosqlite")
    except ImportError:
        print("aiosqlite is not installed: its rows are left out")
        return
    lock = asyncio.Lock()
    async with aiosqlite.connect(folder / "aiosqlite.db", isolation_level=None) as db:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", CREATE):
            await db.execute(statement)

        async def transaction() -> None:
            async with lock:
                await db.execute("BEGIN IMMEDIATE")
                await (await db.execute(SELECT, {"id": 1})).fetchone()
                await db.execute(INSERT, ROW)
                await db.execute("COMMIT")

        async def select() -> None:
            await (await db.execute(SELECT, {"id": 1})).fetchone()

        await measure("aiosqlite alone: transaction (select + insert)", lambda: all_callers(transaction))
        await measure("aiosqlite alone: select", lambda: all_callers(select))


async def bench_async_engine(folder: Path) -> None:
    """SQLAlchemy's asyncio engine on aiosqlite, one transaction at a time (SQLite has one writer)."""
    try:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'async.db'}", poolclass=StaticPool)
    except ImportError:
        return
    lock = asyncio.Lock()
    async with engine.connect() as connection:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", CREATE):
            await connection.execute(text(statement))
        await connection.commit()

        async def transaction() -> None:
            async with lock, connection.begin():
                (await connection.execute(_select, {"id": 1})).one_or_none()
                await connection.execute(_insert, ROW)

        async def select() -> None:
            async with lock, connection.begin():
                (await connection.execute(_select, {"id": 1})).one_or_none()

        await measure("SQLAlchemy on aiosqlite: transaction (select + insert)", lambda: all_callers(transaction))
        await measure("SQLAlchemy on aiosqlite: select", lambda: all_callers(select))
    await engine.dispose()


async def bench_store(store: Store) -> None:
    await store.write(lambda connection: connection.execute(text(CREATE)).close())
    await measure(
        "store.write: transaction (select + insert), group commit", lambda: all_callers(lambda: store.write(work))
    )
    await measure("store.read: select", lambda: all_callers(lambda: store.read(look)))


async def bench_bare(folder: Path) -> None:
    engine = create_sqlite_engine(make_url(f"sqlite:///{folder / 'bare.db'}"))
    with engine.connect() as connection:
        with connection.begin():
            connection.execute(text(CREATE))

        async def commits() -> int:
            for _ in range(CALLERS * EACH):
                with connection.begin():
                    work(connection)
            return CALLERS * EACH

        async def selects() -> int:
            with connection.begin():
                for _ in range(CALLERS * EACH):
                    look(connection)
            return CALLERS * EACH

        await measure("Core in this thread: transaction (select + insert), a commit each", commits)
        await measure("Core in this thread: select, no commit", selects)


def exchange() -> tuple[JournalOpening, JournalEnding]:
    now = datetime.now(UTC)
    kind = "application/xml; charset=utf-8"
    opening = JournalOpening(
        "EX", now, QUESTION, "ncip", "http", profile="illiad-alma", service="LookupUser", version="2.02",
        peer="192.0.2.7", from_agency="ILL", to_agency="EX", content_type=kind,
    )  # fmt: skip
    return opening, JournalEnding(now, OutcomeClass.OK, ANSWER, kind, 200, duration_ms=1.2)


async def bench_journal(store: Store, folder: Path) -> None:
    await migrate_store(store, OWN)
    journal = Journal(store, JournalOptions())
    await measure("journal.record_exchange", lambda: all_callers(lambda: journal.record_exchange(*exchange())))
    await journal.close()
    await measure("the same rows by sqlite3 alone, a commit per 16 exchanges", _raw_rows(folder))


def _raw_rows(folder: Path) -> Callable[[], Awaitable[int]]:
    database = open_raw(folder / "raw.db")
    marks = ", ".join("?" * len(message.columns))
    maker = JournalRowMaker(JournalOptions())

    def rows() -> list[tuple[Any, ...]]:
        opening, ending = exchange()
        identifier = make_exchange_id(opening.at)
        made = (
            maker.make_finished_row(identifier, opening, ending),
            maker.make_answer_row(identifier, opening, ending),
        )
        return [tuple(str(value) if isinstance(value, datetime) else value for value in row) for row in made]

    batches = [[row for _ in range(CALLERS) for row in rows()] for _ in range(EACH * ROUNDS)]

    async def run() -> int:
        for _ in range(EACH):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT INTO message VALUES ({marks})", batches.pop())
            database.execute("COMMIT")
        return CALLERS * EACH

    return run


def open_raw(path: Path) -> sqlite3.Connection:
    engine = create_sqlite_engine(make_url(f"sqlite:///{path}"))
    with engine.connect() as connection, connection.begin():
        upgrade_schema(connection, OWN)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous=FULL")
    return database


async def main() -> None:
    print(f"{f'{CALLERS} callers at once; best of {ROUNDS} rounds; µs each':<66}{'wall':>10}{'CPU':>10}")
    with tempfile.TemporaryDirectory(prefix="illgate-bench-") as name:
        folder = Path(name)
        await bench_aiosqlite(folder)
        await bench_async_engine(folder)
        await bench_bare(folder)
        store = open_store(f"sqlite:///{folder / 'store.db'}")
        await bench_store(store)
        await bench_journal(store, folder)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())

"""The store: transactions on SQLite (one node) or PostgreSQL (several), with the same SQLAlchemy statements.

Work is a plain function over a SQLAlchemy `Connection`; it must change nothing but the database, since it may run
twice. On SQLite one thread runs it and commits the work of all who wait together (group commit): one
synchronous write serves many messages. docs/decisions/0002-one-writer-thread.md has the figures.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.shared_store import SavepointsNeeded, Store, Work
from gateway.sql.index_hints import IndexHintCompiler
from gateway.sql.statements import wrap_driver_error

T = TypeVar("T")
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
)

OLDEST_SQLITE = (3, 40, 0)
"""The oldest version that statements are tried on, that of Debian 12."""

BATCH = 64
"""So many pieces of work in one commit are enough: bounds what a failing one makes the others repeat."""


class SqliteTooOld(Exception):
    """Python's SQLite is older than those that statements are tried on."""


def open_store(url: str) -> Store:
    """`sqlite:///path/to/file.db` or `postgresql://user@host:port/name`.

    Raises ValueError for any other URL, SqliteTooOld, Unavailable when the file can't be used or the extra that
    PostgreSQL needs is not installed; a server is not asked yet.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("the store needs a file: sqlite:///path/to/file.db")
        _require_current_sqlite()
        return SqliteStore(parsed)
    if parsed.get_backend_name() == "postgresql":
        from gateway.store.postgresql import PostgresqlStore

        return PostgresqlStore(parsed)
    raise ValueError(f"the store must be sqlite or postgresql, not {parsed.get_backend_name()}")


def _require_current_sqlite() -> None:
    """Require an SQLite that is new enough; raises SqliteTooOld."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise SqliteTooOld(
            f"SQLite {sqlite3.sqlite_version} of this Python is too old: the database needs SQLite {oldest} or newer"
        )


def create_sqlite_engine(url: URL) -> Engine:
    """An engine whose connections are durable (WAL, synchronous=FULL) and begin a transaction when they are told to."""
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        connect_args={"timeout": 30},
        hide_parameters=True,  # an error's text must not name patrons
    )

    engine.dialect.statement_compiler = IndexHintCompiler

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin too late and commit too early
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        driver = _sqlite_driver(connection)
        if not driver.in_transaction:
            driver.execute("BEGIN IMMEDIATE")

    return engine


def _sqlite_driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection  # `driver_connection` asks three objects more for the same
    assert isinstance(driver, sqlite3.Connection)
    return driver


@dataclass(slots=True)
class _StoreJob:
    work: Work[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class _TransactionWorker:
    """A thread with a connection of its own that takes all waiting jobs at once."""

    def __init__(self, engine: Engine, name: str, begin: str) -> None:
        self._engine = engine
        self._begin = begin
        self._queue: queue.SimpleQueue[list[_StoreJob] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_StoreJob]] = {}
        """Jobs of one turn of an event loop: they are handed over together."""
        self._closed = False
        self._thread = threading.Thread(target=self._run_thread, name=name, daemon=True)
        self._thread.start()

    async def run_work(self, work: Work[T]) -> T:
        if self._closed:
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        gathered = self._gathered.get(loop)
        if gathered is None:
            # Waking the thread costs more than a look-up, so it is woken once for all that ask in this turn.
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over_jobs, loop)
        gathered.append(_StoreJob(work, future, loop))
        return await future

    def _hand_over_jobs(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop, None)
        if gathered is not None:
            self._queue.put(gathered)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._hand_over_jobs(asyncio.get_running_loop())
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run_thread(self) -> None:
        while jobs := self._next_jobs():
            try:
                connection = self._engine.connect()
            except Exception as error:  # noqa: BLE001 - handed to those who wait; the next job tries again
                self._post_results(jobs, [_failure_of_error(error)] * len(jobs))
                continue
            with connection:
                while jobs:
                    self._commit_jobs(connection, jobs)
                    jobs = self._next_jobs()
            return

    def _next_jobs(self) -> list[_StoreJob]:
        """Wait for at least one job, and take all that wait until there are enough; empty when closing."""
        jobs = self._queue.get()
        if jobs is None:
            return []
        while len(jobs) < BATCH:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._queue.put(None)  # serve these, then stop
                break
            jobs += more
        return jobs

    def _commit_jobs(self, connection: Connection, jobs: list[_StoreJob]) -> None:
        """All in one transaction; if any fails, each in its own, so that only the failing one fails."""
        try:
            results = self._run_transaction(connection, jobs)
        except BaseException as error:  # noqa: BLE001 - handed to those who wait
            if len(jobs) == 1:
                self._post_results(jobs, [_failure_of_error(error)])
                return
            for job in jobs:
                self._commit_jobs(connection, [job])
            return
        self._post_results(jobs, results)

    def _run_transaction(self, connection: Connection, jobs: list[_StoreJob]) -> list[Any]:
        """Run a transaction by the driver, since SQLAlchemy takes as long again as an empty one. Where a job has
        statements for Core, Core has one of its own within it; both end together."""
        driver = _sqlite_driver(connection)
        try:
            driver.execute(self._begin)
            results = [_run_job(job.work, connection) for job in jobs]
            connection.commit()
            driver.commit()
        except BaseException as error:
            connection.rollback()
            driver.rollback()
            if isinstance(error, sqlite3.Error):
                raise wrap_driver_error(self._begin, error) from error
            raise
        return results

    @staticmethod
    def _post_results(jobs: list[_StoreJob], results: list[Any]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for job, result in zip(jobs, results, strict=True):
            by_loop.setdefault(job.loop, []).append((job.future, result))
        for loop, outcomes in by_loop.items():
            try:
                loop.call_soon_threadsafe(_settle_futures, outcomes)
            except RuntimeError:  # the loop has ended; nobody waits any more
                continue


@value_object
class _JobFailure:
    error: BaseException


def _run_job(work: Work[Any], connection: Connection) -> Any:
    """Work that has written nothing and doesn't go on concerns no other work in the transaction, so that does."""
    driver = _sqlite_driver(connection)
    before = driver.total_changes
    try:
        return work(connection)
    except (Refused, SavepointsNeeded) as refusal:
        if driver.total_changes != before:
            raise
        return _JobFailure(refusal)


TROUBLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
"""Results of SQLite that speak of the machine, not of the statement."""

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Those of them that say that the file is not what was written."""


def _failure_of_error(error: BaseException) -> _JobFailure:
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if isinstance(original, sqlite3.Error) and code in TROUBLE:
        unavailable = Unavailable(
            write_sentence("the database file is damaged: %(report)s. Please restore a backup", report=original)
            if code in DAMAGE
            else write_sentence("the database is not available: %(report)s", report=original)
        )
        unavailable.__cause__ = error
        return _JobFailure(unavailable)
    return _JobFailure(error)


def _settle_futures(outcomes: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # the caller has gone; the work is done all the same
            continue
        if isinstance(outcome, _JobFailure):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)


class SqliteStore:
    """One writer, which commits in groups, and one reader beside it (WAL lets both go on together)."""

    def __init__(self, url: URL) -> None:
        self.url = url
        engine = create_sqlite_engine(url)
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))  # creates the file, finds a bad path at once
        except DBAPIError as error:
            raise _failure_of_error(error).error from error
        self._writer = _TransactionWorker(engine, "store-writer", "BEGIN IMMEDIATE")
        self._reader = _TransactionWorker(engine, "store-reader", "BEGIN DEFERRED")

    async def read(self, work: Work[T]) -> T:
        return await self._reader.run_work(work)

    async def write(self, work: Work[T]) -> T:
        return await self._writer.run_work(work)

    async def write_statement(self, work: Work[T]) -> T:
        return await self._writer.run_work(work)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()

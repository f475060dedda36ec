"""PostgreSQL engine, sessions, advisory locks. Needs the extra `postgresql`.

A session is opened as the store opens its own, so that the same URL reaches the same server in the same way.

Behind PgBouncer in transaction mode each transaction may have another connection to the server. So no lock outlives
its transaction here, sessions send plain statements only, and statements that were prepared are kept only where the
pooler knows of them: one of before 1.21 (or with `max_prepared_statements = 0`) needs UNPREPARED in `store.url`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util import greenlet_spawn

from gateway.domain.database_urls import CACHE_SIZE, OF_LIBPQ, check_url_keys
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Work
from gateway.ports.system_errors import describe_system_error
from gateway.sql.gathered_writes import gather_writes, gathered_of
from gateway.sql.postgresql_driver import driver_errors, execute_plain, load_driver
from gateway.sql.silent_servers import STATEMENT_SECONDS, begin_statement, keep_alive, limit_statements

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"

ATTEMPTS = 5
"""How often a transaction is tried that PostgreSQL ended for a deadlock or serialisation conflict."""

LOST_ATTEMPTS = 2
"""How often it is tried where the connection turns out to be lost before the commit: the first time tells the pool,
which then gives none of those that it had."""

CONFLICTS = {"40001", "40P01"}

NOT_LET_IN = ("28", "3D", "08P01")
"""Beginnings of SQLSTATEs that say that there is no such user or database, or that the password is another; 08P01 is
what PgBouncer says of all that it doesn't let in, also of transactions where it pools statements."""

TROUBLE = ("08", "53", "57P", "58", "25006")
"""Beginnings of SQLSTATEs that speak of the server, not of the statement: connection, disk or memory full,
shutting down or starting, system error, and a replica that can't be written to."""

CONNECT_SECONDS = 10

SESSION_CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
"""Longest wait for an answer to one statement."""

CLOSE_SECONDS = 2.0

KEPT_STATEMENTS = 300
"""Of each connection: writes that gather have a text for each company that they go in."""

UNPREPARED = f"{CACHE_SIZE}=0"
"""In a URL: no statement is prepared for longer than its transaction."""

LOST_STATEMENTS = {"26000", "42P05"}
"""SQLSTATEs of a prepared statement that isn't there, or is there already."""

OF_SQLALCHEMY = frozenset({CACHE_SIZE, "prepared_statement_name_func", "async_fallback"})
"""Keys of a URL that are not for the driver."""

Heard = Callable[[str], None]
"""Takes the payload of a notification."""


def require_postgresql_extra() -> None:
    """Require the extra `postgresql`; raises Unavailable without it."""
    # asyncpg and greenlet come with the extra: without PostgreSQL nothing here may ask for them
    try:
        import asyncpg  # noqa: F401
        import greenlet  # noqa: F401
        import sqlalchemy.ext.asyncio  # noqa: F401
    except ImportError as error:
        raise Unavailable(
            f"store.url is a PostgreSQL database, but {error.name} is not installed: pip install 'illgate[postgresql]'"
        ) from error


class PostgresqlStore:
    def __init__(self, url: URL, pool_size: int = 10, statement_seconds: float = STATEMENT_SECONDS) -> None:
        """`statement_seconds`: so long a statement may take. Raises ValueError for keys of the URL that the driver
        doesn't know, Unavailable without the extra `postgresql`."""
        check_url_keys(url.query)
        require_postgresql_extra()
        from sqlalchemy.ext.asyncio import create_async_engine

        self.url = url
        self._async_engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg").difference_update_query(OF_LIBPQ),
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,  # few that are warm, as long as few are needed
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended here
            hide_parameters=True,  # an error's text must not name patrons
            connect_args={"timeout": CONNECT_SECONDS, **_libpq_arguments(url), **_preparing_arguments(url)},
        )
        self._engine = self._async_engine.sync_engine
        _flush_before_statements(self._engine)
        event.listen(self._engine, "connect", lambda adapted, _record: keep_alive(adapted.driver_connection))
        self._statement_seconds = statement_seconds
        self._closed = False
        self._in_hand = 0
        self._idle = asyncio.Event()

    async def read(self, work: Work[T]) -> T:
        """Each statement sees what was committed when it began, as within a transaction of PostgreSQL, so it needs
        none."""
        return await self._run_work(lambda: self._run_statements(work))

    async def write(self, work: Work[T]) -> T:
        return await self._run_work(lambda: self._run_transaction(lambda c: _do_gathering(c, work)))

    async def write_statement(self, work: Work[T]) -> T:
        """Run a statement; if its connection is lost it may have been carried out, so it is not done again."""

        def run() -> T:
            try:
                return self._run_statements(work)
            except _ConnectionLost as lost:
                if _was_closed_before(lost.error):
                    raise
                raise lost.error from lost.error.__cause__

        return await self._run_work(run)

    async def close(self) -> None:
        self._closed = True
        if self._in_hand:
            await self._idle.wait()
        await self._async_engine.dispose()

    async def _run_work(self, run: Callable[[], T]) -> T:
        if self._closed:
            raise RuntimeError("the store is closed")
        self._in_hand += 1
        try:
            return await _run_with_retries(run, self._statement_seconds)
        except (OSError, PoolTimeout) as error:
            raise _not_reached(error) from error
        except DBAPIError as error:
            if _sqlstate_of(error).startswith(NOT_LET_IN):
                raise _not_let_in(error.orig) from error
            if _sqlstate_of(error) in LOST_STATEMENTS:
                raise _statements_lost() from error
            if error.connection_invalidated or _sqlstate_of(error).startswith(TROUBLE):
                raise Unavailable(
                    write_sentence(
                        "the database is not available: %(report)s",
                        report=_sqlstate_of(error) or write_sentence("connection lost"),
                    )
                ) from error
            raise
        finally:
            self._in_hand -= 1
            if self._closed and not self._in_hand:
                self._idle.set()

    def _run_statements(self, work: Work[T]) -> T:
        """Run statements without a transaction, but where what is prepared must be in the transaction of what is
        carried out. Raises _ConnectionLost."""
        if _keeps_nothing(self.url):
            return self._run_transaction(work)
        with self._engine.connect() as connection, _telling_loss():
            return work(connection)

    def _run_transaction(self, work: Work[T]) -> T:
        """Run a transaction; raises _ConnectionLost where that is known before the commit was sent."""
        with self._engine.connect() as connection, _rolling_back(connection):
            with _telling_loss():
                execute_plain(connection, BEGIN)
                result = work(connection)
            execute_plain(connection, "COMMIT")
            return result


@contextmanager
def _telling_loss() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _ConnectionLost(error) from error
        raise


@contextmanager
def _rolling_back(connection: Connection) -> Iterator[None]:
    """Roll back whatever ends otherwise than well."""
    has_ended = False
    try:
        yield
        has_ended = True
    finally:
        if not has_ended and not connection.invalidated:
            _roll_back(connection)


def _roll_back(connection: Connection) -> None:
    """A connection that may still be in its transaction is given up."""
    is_done = False
    try:
        with suppress(DBAPIError):
            execute_plain(connection, "ROLLBACK")
            is_done = True
    finally:
        if not is_done and not connection.invalidated:
            connection.invalidate()


async def _run_with_retries(run: Callable[[], T], statement_seconds: float) -> T:
    """Work changes nothing but the database, so what was not committed is done again. Not where the server is silent:
    whoever asks has waited long enough. Raises Unavailable then."""
    conflicts, losses = 0, 0
    while True:
        try:
            return await _run_within(run, statement_seconds)
        except _ConnectionLost as lost:
            losses += 1
            if losses == LOST_ATTEMPTS:
                raise lost.error from lost.error.__cause__
        except DBAPIError as error:
            conflicts += 1
            if _sqlstate_of(error) not in CONFLICTS or conflicts == ATTEMPTS:
                raise
            await asyncio.sleep(0.01 * conflicts)


async def _run_within(run: Callable[[], T], statement_seconds: float) -> T:
    try:
        async with limit_statements(statement_seconds) as timeout:
            return await greenlet_spawn(run)
    except TimeoutError as error:
        if not timeout.expired():  # of the connecting, which has its own
            raise
        raise Unavailable(write_sentence("the database did not respond")) from error


class _ConnectionLost(Exception):
    def __init__(self, error: DBAPIError) -> None:
        super().__init__("the connection was lost before the commit")
        self.error = error


def _was_closed_before(error: DBAPIError) -> bool:
    """Return whether the driver knew that the connection is closed, and so has sent nothing."""
    return isinstance(getattr(error.orig, "__cause__", None), load_driver().InterfaceError)


def _do_gathering(connection: Connection, work: Work[T]) -> T:
    with gather_writes(connection):
        return work(connection)


def _flush_before_statements(engine: Engine) -> None:
    """Flush gathered writes, so that what depends on them finds them written."""

    @event.listens_for(engine, "before_cursor_execute")
    def flush_named(connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
        begin_statement()
        gathered = gathered_of(connection)
        if gathered is not None:
            gathered.flush_named(connection, statement)

    @event.listens_for(engine, "savepoint")
    def flush_all(connection: Connection, *_more: object) -> None:
        gathered = gathered_of(connection)
        if gathered is not None:
            gathered.flush(connection)

    @event.listens_for(engine, "rollback_savepoint")
    def forget_reads(connection: Connection, *_more: object) -> None:
        if connection.invalidated:  # it is lost, and what it had gathered with it
            return
        gathered = gathered_of(connection)
        if gathered is not None:
            gathered.memory.clear()


def _sqlstate_of(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _not_let_in(error: BaseException | None) -> Unavailable:
    """Make the error with the server's words, which name the user or the database."""
    words = str(error).partition("\n")[0]
    return Unavailable(write_sentence("the database rejected the sign-in: %(words)s", words=words))


def _statements_lost() -> Unavailable:
    return Unavailable(
        write_sentence(
            "PgBouncer in transaction mode loses prepared statements: add ?%(option)s to store.url, or set "
            "max_prepared_statements of PgBouncer (1.21 or newer)",
            option=UNPREPARED,
        )
    )


def _preparing_arguments(url: URL) -> dict[str, Any]:
    """Statements without a name, which the next one replaces, where none is to be kept. Core keeps its own, the driver
    those that come to it directly, for as long as the connection lasts and however long they are."""
    if _keeps_nothing(url):
        return {"statement_cache_size": 0, "prepared_statement_name_func": str}
    size = int(str(url.query.get(CACHE_SIZE, KEPT_STATEMENTS)))
    forever = {"max_cached_statement_lifetime": 0, "max_cacheable_statement_size": 0}
    return {CACHE_SIZE: size, "statement_cache_size": size, **forever}


def _libpq_arguments(url: URL) -> dict[str, Any]:
    """The driver reads libpq's words in a URL of its own only."""
    options = {name: str(value) for name, value in url.query.items() if name in OF_LIBPQ}
    return {"dsn": f"postgresql:///?{urlencode(options)}"} if options else {}


def _keeps_nothing(url: URL) -> bool:
    return url.query.get(CACHE_SIZE) == "0"


def _not_reached(error: Exception) -> Unavailable:
    report = describe_system_error(error)
    return Unavailable(write_sentence("the database cannot be reached: %(report)s", report=report))


class PostgresqlSession:
    """`execute` one at a time. After Unavailable it is of no use any more: close it and open another."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    @classmethod
    async def open(cls, url: URL) -> PostgresqlSession:
        """Open a session; raises Unavailable."""
        asyncpg = load_driver()
        dialect = url.set(drivername="postgresql+asyncpg").get_dialect()()
        _, wanted = dialect.create_connect_args(url)
        wanted = {key: value for key, value in wanted.items() if key not in OF_SQLALCHEMY | OF_LIBPQ}
        wanted |= _libpq_arguments(url)
        if _keeps_nothing(url):
            wanted["statement_cache_size"] = 0
        try:
            driver = await asyncpg.connect(**wanted, timeout=SESSION_CONNECT_SECONDS)
        except asyncpg.PostgresError as error:
            raise (
                _not_let_in(error) if (error.sqlstate or "").startswith(NOT_LET_IN) else _not_reached(error)
            ) from error
        except _connection_errors() as error:
            raise _not_reached(error) from error
        keep_alive(driver)
        return cls(driver)

    async def execute(self, statement: str) -> None:
        """Execute a statement as it is, without preparing it. Raises Unavailable when the connection is lost."""
        answer = asyncio.ensure_future(self._driver.execute(statement, timeout=ANSWER_SECONDS))
        try:
            await asyncio.shield(answer)
        except asyncio.CancelledError:
            # A driver that is interrupted within a statement opens a second connection to say so.
            await asyncio.wait([answer], timeout=ANSWER_SECONDS)
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # looked at, or asyncio complains of it
            raise
        except _connection_errors() as error:
            raise Unavailable(write_sentence("the connection to the database was lost")) from error

    async def notify(self, channel: str, payload: str) -> None:
        """Notify the channel; raises Unavailable."""
        quoted = payload.replace("'", "''")
        await self.execute(f"NOTIFY {channel}, '{quoted}'")

    async def listen(self, channel: str, heard: Heard) -> None:
        """`heard` is called in the event loop for each notification. Raises Unavailable."""

        def forward_payload(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            heard(str(payload))

        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._driver.transaction():
                await self._driver.add_listener(channel, forward_payload)
        except _connection_errors() as error:
            raise Unavailable(write_sentence("the connection to the database was lost")) from error

    def notify_when_lost(self, tell: Callable[[], None]) -> None:
        """`tell` is called once, in the event loop, when the connection ends."""
        self._driver.add_termination_listener(lambda _connection: tell())

    async def prepare_in_transaction(self, name: str) -> None:
        """A statement of this name. Raises Unavailable."""
        asyncpg = load_driver()
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._driver.transaction():
                await self._driver.prepare("SELECT 1", name=name)
        except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
            raise _statements_lost() from error
        except asyncpg.PostgresError as error:
            raise _not_let_in(error) from error
        except _connection_errors() as error:
            raise _not_reached(error) from error

    async def close(self) -> None:
        """Ends the session, and with it its listeners."""
        try:
            await self._driver.close(timeout=CLOSE_SECONDS)
        except _connection_errors():
            # It is lost already, or does not answer: then it ends without a word.
            self._driver.terminate()


async def require_fit_pooler(url: URL) -> None:
    """Raise Unavailable where a pooler has no transactions, or loses prepared statements: a daemon that began would see
    that when it is busy. Two connections that can't have the same name for a statement share one to the server."""
    name = f"illgate_{secrets.token_hex(8)}"
    sessions: list[PostgresqlSession] = []
    try:
        for _ in range(2):
            sessions.append(await PostgresqlSession.open(url))
            await sessions[-1].prepare_in_transaction("" if _keeps_nothing(url) else name)
    finally:
        for session in sessions:
            await session.close()


def _connection_errors() -> tuple[type[Exception], ...]:
    """Return the errors that say that the connection is of no use any more."""
    return (OSError, TimeoutError, *driver_errors())


def lock_key_of(name: str) -> int:
    """A number of 64 bits, the same on all nodes."""
    return int.from_bytes(hashlib.sha256(f"illgate {name}".encode()).digest()[:8], "big", signed=True)


def lock_in_transaction(connection: Connection, key: int) -> None:
    """Lock a key until the end of the transaction: others that lock it wait; what is read from here on is what they
    have left. On SQLite a transaction that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        execute_plain(connection, f"SELECT pg_advisory_xact_lock({key})")


def lock_name_in_transaction(connection: Connection, name: str) -> None:
    """The same for what has a name. On SQLite no key is made of it."""
    if connection.dialect.name == "postgresql":
        lock_in_transaction(connection, lock_key_of(name))

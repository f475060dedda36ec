"""PostgreSQL's driver below SQLAlchemy: for statements whose text is known and whose values need no conversion.

Core takes the processor more than twice as long for a statement as the driver does itself. Both share a connection, and
so its transaction. Errors are SQLAlchemy's, whichever way a statement goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.sql.silent_servers import begin_statement

T = TypeVar("T")

Rows = Sequence[Sequence[Any]]

_INTEGRITY = "23"
"""Beginning of the SQLSTATEs of a row that breaks a rule of its table."""


def fetch_rows(connection: Connection, sql: str, values: Sequence[Any]) -> Rows:
    """The rows of a statement, which the driver prepares once."""
    rows: Rows = _call_driver(connection, sql, lambda driver: driver.fetch(sql, *values))
    return rows


def execute_for_rows(connection: Connection, sql: str, rows: Rows) -> None:
    """A statement without an answer, once for each row of values."""
    if len(rows) == 1:
        fetch_rows(connection, sql, rows[0])
    elif rows:
        _call_driver(connection, sql, lambda driver: driver.executemany(sql, rows))


def execute_plain(connection: Connection, sql: str) -> None:
    """Statements without values, sent as they are."""
    _call_driver(connection, sql, lambda driver: driver.execute(sql))


def _call_driver(connection: Connection, sql: str, call: Callable[[Any], Awaitable[T]]) -> T:
    adapted: Any = connection.connection.dbapi_connection
    begin_statement()
    try:
        result: T = adapted.run_async(call)
    except asyncio.CancelledError:
        connection.invalidate()  # as Core does: whoever has it next would wait for a server that may be silent
        raise
    except driver_errors() as error:
        raise _wrap_error(connection, sql, error, adapted.driver_connection.is_closed()) from error
    return result


def load_driver() -> Any:
    """Load asyncpg, which is imported where PostgreSQL is used only."""
    import asyncpg

    return asyncpg


def driver_errors() -> tuple[type[Exception], ...]:
    """Return the driver's errors; the last says that the server ended the session while a statement was on its way."""
    asyncpg = load_driver()
    return (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def _wrap_error(connection: Connection, sql: str, error: Exception, is_lost: bool) -> Exception:
    """The driver's error as SQLAlchemy's, without the values, which PostgreSQL names in the detail of its message."""
    dbapi: Any = connection.dialect.dbapi
    sqlstate = getattr(error, "sqlstate", None)
    is_refused = (sqlstate or "").startswith(_INTEGRITY)
    original = (dbapi.IntegrityError if is_refused else dbapi.Error)(error.args[0] if error.args else "", error)
    original.sqlstate = sqlstate  # which an error of SQLAlchemy 2.0 doesn't take from the driver's
    original.__cause__ = error
    if is_lost:
        with suppress(DBAPIError):  # so the pool learns of it, and gives no connection that is as old as this one
            connection.exec_driver_sql("SELECT 1")
    wrapped: Exception = DBAPIError.instance(
        sql, None, original, dbapi.Error, hide_parameters=True, connection_invalidated=is_lost
    )
    return wrapped

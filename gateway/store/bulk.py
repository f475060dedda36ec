"""Many rows into one table with less ceremony: SQLAlchemy writes the statement once, the driver takes the rows.

An `execute` of Core handles a dictionary of parameters per row; for a wide table that costs as much as SQLite's own
work. The statement, its placeholders and the conversion of values still come from SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from gateway.store.prepared import Conversions, conversions_of, converted, driver_error, driver_of

Rows = Sequence[tuple[Any, ...]]
"""Each row has a value for every column, in the table's order."""


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """A row whose key is there already is an IntegrityError."""
    _run(connection, _plain(table, connection.dialect), rows)


def insert_missing_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """A row whose key is there already stays as it is."""
    _run(connection, _missing(table, connection.dialect), rows)


def _run(connection: Connection, prepared: tuple[str, Conversions], rows: Rows) -> None:
    statement, conversions = prepared
    values = [converted(row, conversions) for row in rows]
    driver = driver_of(connection)
    if driver is None:
        connection.exec_driver_sql(statement, [tuple(row) for row in values])
        return
    try:
        driver.executemany(statement, values)
    except sqlite3.Error as error:
        raise driver_error(statement, error) from error


@lru_cache(maxsize=64)
def _plain(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    return _prepared(insert(table), table, dialect)


@lru_cache(maxsize=64)
def _missing(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    return _prepared(_INSERT[dialect.name](table).on_conflict_do_nothing(), table, dialect)


_INSERT: dict[str, type[sqlite.Insert] | type[postgresql.Insert]] = {
    "sqlite": sqlite.Insert,
    "postgresql": postgresql.Insert,
}


def _prepared(statement: Insert, table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    compiled = statement.compile(dialect=dialect)
    names = [column.name for column in table.columns]
    assert compiled.positiontup == names, "an INSERT of all columns by position"
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
    return str(compiled), conversions_of(processors)

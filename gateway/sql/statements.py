"""Hot statements prepared once, bulk inserts, SQL that both databases read.

SQLAlchemy writes the statement and knows the types; on SQLite the driver then runs it directly, since an `execute` of
Core costs several times what SQLite itself does for a look-up by key (docs/decisions/0002-one-writer-thread.md). On
PostgreSQL, where the network costs more than either, Core runs it as always.

An `execute` of Core handles a dictionary of parameters per row; for a wide table that costs as much as SQLite's own
work. The statement, its placeholders and the conversion of values still come from SQLAlchemy.
"""

from __future__ import annotations

import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, Executable, Insert, Table, bindparam, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from gateway.domain.value import value_object

Convert = Callable[[Any], Any]
Conversions = tuple[tuple[int, Convert], ...]
"""Places in a row, and what makes the other side's value of the one there."""

Rows = Sequence[tuple[Any, ...]]
"""Each row has a value for every column, in the table's order."""

_NAME = re.compile(r"(?<!:):(\w+)")


def sqlite_driver_of(connection: Connection) -> sqlite3.Connection | None:
    """None on PostgreSQL."""
    driver = connection.connection.dbapi_connection  # `driver_connection` asks three objects more for the same
    return driver if isinstance(driver, sqlite3.Connection) else None


def wrap_driver_error(statement: str, error: sqlite3.Error) -> Exception:
    """The driver's error as SQLAlchemy's, without the values."""
    told: Exception = DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True)
    return told


def convert_row(row: Sequence[Any], conversions: Conversions) -> Sequence[Any]:
    """None is NULL in every column."""
    if not conversions:
        return row
    values = list(row)
    for place, convert in conversions:
        value = values[place]
        if value is not None:
            values[place] = convert(value)
    return values


def conversions_of(processors: Sequence[Convert | None]) -> Conversions:
    return tuple((place, convert) for place, convert in enumerate(processors) if convert is not None)


@value_object
class _SqlitePlan:
    """The statement in SQLite's words; parameters by position, with the values that stand in the statement.
    `pick_values`: of parameters by name those that the statement has, in its order."""

    sql: str
    pick_values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    given: Mapping[str, Any]
    bind: Conversions
    result: Conversions
    row: Callable[[Sequence[Any]], Any]

    def bind_values(self, parameters: Mapping[str, Any]) -> Sequence[Any]:
        return convert_row(self.pick_values({**self.given, **parameters}), self.bind)


class PreparedStatement:
    """`statement`: a select, insert, update or text with typed columns; no expanding parameters (IN of a list)."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._plan: _SqlitePlan | None = None

    def fetch_all(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Rows, with their columns by name and by position."""
        driver = sqlite_driver_of(connection)
        if driver is None:
            return connection.execute(self._statement, dict(parameters)).all()
        plan = self._plan or self._make_plan(connection.dialect)
        try:
            found = driver.execute(plan.sql, plan.bind_values(parameters)).fetchall()
        except sqlite3.Error as error:
            raise wrap_driver_error(plan.sql, error) from error
        return [plan.row(convert_row(row, plan.result)) for row in found]

    def fetch_first(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """None when there is no row."""
        found = self.fetch_all(connection, parameters)
        return found[0] if found else None

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each row of parameters."""
        driver = sqlite_driver_of(connection)
        if driver is None:
            connection.execute(self._statement, [dict(row) for row in rows])
            return
        plan = self._plan or self._make_plan(connection.dialect)
        values = [plan.bind_values(row) for row in rows]
        try:
            driver.executemany(plan.sql, values)
        except sqlite3.Error as error:
            raise wrap_driver_error(plan.sql, error) from error

    def _make_plan(self, dialect: Dialect) -> _SqlitePlan:
        compiled: Any = self._statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        names = tuple(compiled.positiontup)
        binds = [compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
        columns = list(getattr(self._statement, "selected_columns", ()))
        results = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        row = namedtuple("row", [column.name for column in columns], rename=True)  # type: ignore[misc]
        self._plan = _SqlitePlan(
            str(compiled),
            _make_picker(names),
            compiled.params,
            conversions_of(binds),
            conversions_of(results),
            row._make,
        )
        return self._plan


def _make_picker(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)  # in C, where a comprehension takes twice as long
    return lambda parameters: tuple(parameters[name] for name in names)


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """A row whose key is there already is an IntegrityError."""
    _execute_insert(connection, _plain_insert(table, connection.dialect), rows)


def insert_missing_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """A row whose key is there already stays as it is."""
    _execute_insert(connection, _insert_or_ignore(table, connection.dialect), rows)


def _execute_insert(connection: Connection, prepared: tuple[str, Conversions], rows: Rows) -> None:
    statement, conversions = prepared
    values = [convert_row(row, conversions) for row in rows]
    driver = sqlite_driver_of(connection)
    if driver is None:
        connection.exec_driver_sql(statement, [tuple(row) for row in values])
        return
    try:
        driver.executemany(statement, values)
    except sqlite3.Error as error:
        raise wrap_driver_error(statement, error) from error


@lru_cache(maxsize=64)
def _plain_insert(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    return _compile_insert(insert(table), table, dialect)


@lru_cache(maxsize=64)
def _insert_or_ignore(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    return _compile_insert(_INSERT[dialect.name](table).on_conflict_do_nothing(), table, dialect)


_INSERT: dict[str, type[sqlite.Insert] | type[postgresql.Insert]] = {
    "sqlite": sqlite.Insert,
    "postgresql": postgresql.Insert,
}


def _compile_insert(statement: Insert, table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    compiled = statement.compile(dialect=dialect)
    names = [column.name for column in table.columns]
    assert compiled.positiontup == names, "an INSERT of all columns by position"
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
    return str(compiled), conversions_of(processors)


def prepare_sql(sql: str, table: Table, *returned: Column[object]) -> PreparedStatement:
    """`:name` is of the type of the table's column `name`; `returned` are the columns after RETURNING."""
    clause = text(sql).bindparams(*(bindparam(name, type_=table.c[name].type) for name in set(_NAME.findall(sql))))
    return PreparedStatement(clause.columns(*returned) if returned else clause)

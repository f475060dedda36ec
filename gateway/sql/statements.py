"""Hot statements prepared once, bulk inserts, SQL that both databases read.

SQLAlchemy writes the statement and knows the types; on SQLite the driver then runs it directly, since an `execute` of
Core costs several times what SQLite itself does for a look-up by key (docs/decisions/0002-one-writer-thread.md). On
PostgreSQL, where a round trip costs more than either, the driver gets the same statement as SQLAlchemy compiled it,
and what gives no answer gathers (`gathered_writes`).

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

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Executable,
    Insert,
    LargeBinary,
    Table,
    bindparam,
    insert,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from gateway.domain.value import value_object
from gateway.sql.gathered_writes import Check, SetStatement, gathered_of
from gateway.sql.postgresql_driver import execute_for_rows, fetch_rows

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
    exception: Exception = DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True)
    return exception


def convert_row(row: Sequence[Any], conversions: Conversions) -> Sequence[Any]:
    """None is NULL in every column."""
    values = list(row)
    for place, convert in conversions:
        value = values[place]
        if value is not None:
            values[place] = convert(value)
    return values


def conversions_of(processors: Sequence[Convert | None]) -> Conversions:
    return tuple((place, convert) for place, convert in enumerate(processors) if convert is not None)


@value_object
class _StatementPlan:
    """The statement in the words of a database; parameters by position, with the values that stand in the statement.
    `pick_values`: of parameters by name those that the statement has, in its order."""

    sql: str
    names: tuple[str, ...]
    pick_values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    given: Mapping[str, Any]
    bind: Conversions
    result: Conversions
    row: Callable[[Sequence[Any]], Any]

    def bind_values(self, parameters: Mapping[str, Any]) -> Sequence[Any]:
        values = self.pick_values({**self.given, **parameters} if self.given else parameters)
        return convert_row(values, self.bind) if self.bind else values

    def make_rows(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        if not self.result:
            return [self.row(row) for row in rows]
        return [self.row(convert_row(row, self.result)) for row in rows]


class PreparedStatement:
    """`statement`: a select, insert, update or text with typed columns; no expanding parameters (IN of a list).

    `table` and `row_key`: the one table that it reads or writes, and the parameters that tell its row, in the order of
    the table's key. Where they are said, on PostgreSQL what it writes gathers, and what it reads needn't wait for other
    rows that have (`gateway.sql.gathered_writes`).
    """

    def __init__(self, statement: Executable, table: Table | None = None, row_key: Sequence[str] = ()) -> None:
        self._statement = statement
        self._table = table
        self._row_key = tuple(row_key)
        self._sqlite_plan: _StatementPlan | None = None
        self._postgresql_plan: _StatementPlan | None = None
        self._set_statement: SetStatement | None = None

    def fetch_all(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Rows, with their columns by name and by position."""
        driver = sqlite_driver_of(connection)
        if driver is None:
            return self._fetch_from_postgresql(connection, parameters)
        plan = self._sqlite_plan or self._make_sqlite_plan(connection.dialect)
        try:
            rows = driver.execute(plan.sql, plan.bind_values(parameters)).fetchall()
        except sqlite3.Error as error:
            raise wrap_driver_error(plan.sql, error) from error
        return plan.make_rows(rows)

    def fetch_first(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """None when there is no row."""
        rows = self.fetch_all(connection, parameters)
        return rows[0] if rows else None

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute once for each row of parameters."""
        driver = sqlite_driver_of(connection)
        if driver is None:
            self._execute_on_postgresql(connection, rows)
            return
        plan = self._sqlite_plan or self._make_sqlite_plan(connection.dialect)
        values = [plan.bind_values(row) for row in rows]
        try:
            driver.executemany(plan.sql, values)
        except sqlite3.Error as error:
            raise wrap_driver_error(plan.sql, error) from error

    def execute_counted(self, connection: Connection, parameters: Mapping[str, Any], check: Check) -> None:
        """A statement with RETURNING; `check` is told how many rows there were, at the latest when the transaction is
        to end well."""
        gathered = gathered_of(connection)
        if gathered is None or not self._row_key:
            check(len(self.fetch_all(connection, parameters)))
            return
        plan = self._postgresql_plan or self._make_postgresql_plan(connection.dialect)
        gathered.add(connection, self._require_set_statement(plan), [plan.bind_values(parameters)], check)

    # --- on PostgreSQL -----------------------------------------------------------------------------------

    def _fetch_from_postgresql(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        plan = self._postgresql_plan or self._make_postgresql_plan(connection.dialect)
        gathered = gathered_of(connection)
        if gathered is not None and self._table is not None and self._row_key:
            gathered.flush_row(connection, self._table.name, tuple(parameters[name] for name in self._row_key))
        elif gathered is not None:
            gathered.flush_named(connection, plan.sql)
        return plan.make_rows(fetch_rows(connection, plan.sql, plan.bind_values(parameters)))

    def _execute_on_postgresql(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        plan = self._postgresql_plan or self._make_postgresql_plan(connection.dialect)
        values = [plan.bind_values(row) for row in rows]
        gathered = gathered_of(connection)
        if gathered is not None and self._row_key:
            gathered.add(connection, self._require_set_statement(plan), values)
        else:
            _execute_at_once(connection, plan.sql, values)

    def _require_set_statement(self, plan: _StatementPlan) -> SetStatement:
        if self._set_statement is None:
            assert self._table is not None, "a row key is one of a table"
            key = [plan.names.index(name) for name in self._row_key]
            self._set_statement = SetStatement.of_single_row(plan.sql, self._table.name, key)
        return self._set_statement

    # --- plans -------------------------------------------------------------------------------------------

    def _make_sqlite_plan(self, dialect: Dialect) -> _StatementPlan:
        self._sqlite_plan = self._make_plan(dialect)
        return self._sqlite_plan

    def _make_postgresql_plan(self, dialect: Dialect) -> _StatementPlan:
        self._postgresql_plan = self._make_plan(dialect)
        return self._postgresql_plan

    def _make_plan(self, dialect: Dialect) -> _StatementPlan:
        compiled: Any = self._statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        names = tuple(compiled.positiontup)
        binds = [_choose_bind_processor(compiled.binds[name].type, dialect) for name in names]
        returned = getattr(self._statement, "exported_columns", ())  # of RETURNING
        columns = list(getattr(self._statement, "selected_columns", returned))
        results = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        row = namedtuple("row", [column.name for column in columns], rename=True)  # type: ignore[misc]
        return _StatementPlan(
            str(compiled),
            names,
            _make_picker(names),
            compiled.params,
            conversions_of(binds),
            conversions_of(results),
            row._make,
        )


def _choose_bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """Choose what makes the driver's value; None: it takes the value as it is. That of SQLite takes booleans and
    octets, which SQLAlchemy checks and wraps once more."""
    if dialect.name == "sqlite" and isinstance(kind, Boolean | LargeBinary):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


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


def gather_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert as `insert_rows` does, but on PostgreSQL nobody waits for it; the error is one of the transaction's end
    there."""
    _gather_insert(connection, _plain_insert(table, connection.dialect), table, rows)


def gather_missing_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert as `insert_missing_rows` does, but on PostgreSQL nobody waits for it."""
    _gather_insert(connection, _insert_or_ignore(table, connection.dialect), table, rows)


def amend_gathered_row(
    connection: Connection, table: Table, key: tuple[str, ...], column: Column[Any], value: object
) -> bool:
    """Give a row of `gather_rows` this value if it wasn't written yet; return whether it wasn't."""
    gathered = gathered_of(connection)
    if gathered is None:
        return False
    statement, _ = _plain_insert(table, connection.dialect)
    return gathered.amend_row(_set_insert(statement, table), key, _find_place(table, column.name), value)


def _gather_insert(connection: Connection, prepared: tuple[str, Conversions], table: Table, rows: Rows) -> None:
    gathered = gathered_of(connection)
    if gathered is None:
        _execute_insert(connection, prepared, rows)
    elif rows:
        statement, conversions = prepared
        gathered.add(connection, _set_insert(statement, table), [convert_row(row, conversions) for row in rows])


@lru_cache(maxsize=64)
def _find_place(table: Table, name: str) -> int:
    return [column.name for column in table.columns].index(name)


@lru_cache(maxsize=64)
def _set_insert(statement: str, table: Table) -> SetStatement:
    names = [column.name for column in table.columns]
    key = [names.index(column.name) for column in table.primary_key.columns]
    return SetStatement.of_single_row(statement, table.name, key)


def _execute_insert(connection: Connection, prepared: tuple[str, Conversions], rows: Rows) -> None:
    statement, conversions = prepared
    values = [convert_row(row, conversions) for row in rows]
    driver = sqlite_driver_of(connection)
    if driver is None:
        _execute_at_once(connection, statement, values)
        return
    try:
        driver.executemany(statement, values)
    except sqlite3.Error as error:
        raise wrap_driver_error(statement, error) from error


def _execute_at_once(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    gathered = gathered_of(connection)
    if gathered is not None:
        gathered.flush_named(connection, sql)
    execute_for_rows(connection, sql, rows)


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
    processors = [_choose_bind_processor(column.type, dialect) for column in table.columns]
    return str(compiled), conversions_of(processors)


def prepare_sql(sql: str, table: Table, *returned: Column[object], row_key: Sequence[str] = ()) -> PreparedStatement:
    """`:name` is of the type of the table's column `name`; `returned` are the columns after RETURNING; `row_key` as of
    `PreparedStatement`."""
    clause = text(sql).bindparams(*(bindparam(name, type_=table.c[name].type) for name in set(_NAME.findall(sql))))
    return PreparedStatement(clause.columns(*returned) if returned else clause, table, row_key)

"""Many rows into one table with less ceremony: SQLAlchemy writes the statement once, the driver takes the rows.

An `execute` of Core handles a dictionary of parameters per row; for a wide table that costs as much as SQLite's own
work. The statement, its placeholders and the conversion of values still come from SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect

from gateway.store.prepared import Conversions, conversions_of, converted, driver_errors, driver_of


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Each row has a value for every column, in the table's order."""
    statement, conversions = _prepared(table, connection.dialect)
    values = [converted(row, conversions) for row in rows]
    driver = driver_of(connection)
    if driver is None:
        connection.exec_driver_sql(statement, [tuple(row) for row in values])
        return
    with driver_errors(statement):
        driver.executemany(statement, values)


@lru_cache(maxsize=64)
def _prepared(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    compiled = insert(table).compile(dialect=dialect)
    names = [column.name for column in table.columns]
    assert compiled.positiontup == names, "an INSERT of all columns by position"
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
    return str(compiled), conversions_of(processors)

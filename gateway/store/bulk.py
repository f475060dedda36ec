"""Many rows into one table with less ceremony: SQLAlchemy writes the statement once, the driver takes the rows.

An `execute` of Core handles a dictionary of parameters per row; for a wide table that costs as much as SQLite's own
work. The statement, its placeholders and the conversion of values still come from SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Each row has a value for every column, in the table's order."""
    statement, conversions = _prepared(table, connection.dialect)
    connection.exec_driver_sql(statement, [_converted(row, conversions) for row in rows])


Conversions = tuple[tuple[int, Callable[[Any], Any]], ...]
"""Places in a row, and what makes the driver's value of ours there."""


def _converted(row: tuple[Any, ...], conversions: Conversions) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in conversions:
        values[place] = convert(values[place])
    return tuple(values)


@lru_cache(maxsize=16)
def _prepared(table: Table, dialect: Dialect) -> tuple[str, Conversions]:
    compiled = insert(table).compile(dialect=dialect)
    names = [column.name for column in table.columns]
    assert compiled.positiontup == names, "an INSERT of all columns by position"
    processors = (column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns)
    return str(compiled), tuple((place, convert) for place, convert in enumerate(processors) if convert is not None)

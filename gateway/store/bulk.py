"""Many rows into one table with less ceremony: SQLAlchemy writes the statement once, the driver takes the rows.

An `execute` of Core builds a dictionary of parameters per row; for a wide table that costs as much as SQLite's own
work (tests/bench/store_choice.py shows it). The statement, its placeholders and the conversion of values still
come from SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.engine import Dialect


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Every row must have every column of the table."""
    prepared = _prepared(table, connection.dialect)
    connection.exec_driver_sql(prepared.statement, [prepared.values(row) for row in rows])


class _Prepared:
    def __init__(self, statement: Insert, table: Table, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        names = list(compiled.positiontup or ())
        assert len(names) == len(table.columns), "an INSERT of all columns by position"
        self.statement = str(compiled)
        self._take: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*names)
        self._converted = [
            (place, convert)
            for place, name in enumerate(names)
            if (convert := table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]

    def values(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        taken = list(self._take(row))
        for place, convert in self._converted:
            taken[place] = convert(taken[place])
        return tuple(taken)


@lru_cache(maxsize=16)
def _prepared(table: Table, dialect: Dialect) -> _Prepared:
    return _Prepared(insert(table), table, dialect)

"""New rows by column name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from gateway.store.bulk import insert_rows


def add_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Columns that are left out get their default, else nothing."""
    add_rows(connection, table, (row,))


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = _defaults(table)
    insert_rows(connection, table, [tuple([row.get(name, value) for name, value in columns]) for row in rows])


@cache
def _defaults(table: Table) -> tuple[tuple[str, Any], ...]:
    """In the table's order."""
    return tuple((column.name, getattr(column.default, "arg", None)) for column in table.columns)

"""The index that SQLite is to follow.

Without statistics, which nobody makes for us, its planner takes the rows of any index for about as few as those of any
other. So it may follow one that has the columns or the order that are wanted, and go through all rows of a library,
before the one that leads to a few; which one differs between versions. PostgreSQL knows its tables and isn't told.

A statement whose index is missing is an error of SQLite, not a slow answer.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import FromClause, Select, Table
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

S = TypeVar("S", bound=Select[Any])


class IndexHintCompiler(SQLiteCompiler):
    """Writes what `follow_index` says; SQLAlchemy leaves hints out on SQLite."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def follow_index(query: S, table: Table, name: str) -> S:
    """The rows of `table` are found by the index `name`."""
    if name not in {index.name for index in table.indexes}:
        raise ValueError(f"{table.name} has no index {name}")
    return query.with_hint(table, f"INDEXED BY {name}", "sqlite")


def follow_key(query: S, table: Table) -> S:
    """The rows of `table` are found by its primary key."""
    return query.with_hint(table, f"INDEXED BY sqlite_autoindex_{table.name}_1", "sqlite")

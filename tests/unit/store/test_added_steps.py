"""Migrations only add (decision 32): a node of the release before goes on beside one of this release, so all that its
statements name is still there after each step and takes what they write.

A release before this one is played by its schema: whatever its code does, it names tables and columns of that. Each of
them takes rows with values in all columns, reads, updates and deletes in the schema that the step leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, Float, Integer, LargeBinary, MetaData, Table, delete, insert, select, update
from sqlalchemy.types import BigInteger, Date, DateTime, TypeEngine

from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store
from tests.support.databases import list_revisions, make_older_history

pytestmark = pytest.mark.usefixtures("migrations_by_alembic")


def value_of_type(kind: TypeEngine[Any], number: int) -> object:
    match kind:
        case Boolean():
            return number % 2 == 0
        case Float() | Integer() | BigInteger():
            return number
        case LargeBinary():
            return f"{number}".encode()
        case DateTime():
            return datetime(2026, 3, number + 1, tzinfo=UTC)
        case Date():
            return datetime(2026, 3, number + 1, tzinfo=UTC).date()
    return str(number)


def rows_of_table(table: Table) -> list[Mapping[str, object]]:
    """Two that differ in their key alone: what must be unique in future is so already, or a statement of before would
    fail."""
    key = {column.name for column in table.primary_key}
    unique = {column.name for index in table.indexes if index.unique for column in index.columns}
    return [
        {
            column.name: value_of_type(column.type, number if column.name in key | unique else 1)
            for column in table.columns
        }
        for number in (1, 2)
    ]


def read_tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != OWN.table]


def use_as_before(connection: Connection, tables: list[Table]) -> None:
    for table in tables:
        rows = rows_of_table(table)
        connection.execute(insert(table), rows)
        assert len(connection.execute(select(*table.columns)).all()) == len(rows), table.name
        changed = {column.name: rows[0][column.name] for column in table.columns if not column.primary_key}
        if changed:
            connection.execute(update(table).where(*(c == rows[0][c.name] for c in table.primary_key)).values(changed))
    for table in reversed(tables):
        connection.execute(delete(table))


async def test_the_release_before_a_step_goes_on_after_it(store: Store, tmp_path: Path) -> None:
    first, *steps = list_revisions()
    await migrate_store(store, make_older_history(tmp_path / first, first))
    for revision in steps:
        tables = await store.read(read_tables)

        await migrate_store(store, make_older_history(tmp_path / revision, revision))

        await store.write(partial(use_as_before, tables=tables))

"""The quick way to a test's tables leads to the same as the migrations themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, select, table, text

from adapters.library.embedded import migrations
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from tests.support.migration_replay import migrate_by_alembic, replay_migrations
from tests.support.postgresql import Server

Row = tuple[Any, ...]


def describe_database(connection: Connection) -> tuple[list[Row], dict[str, list[Row]]]:
    """All definitions, and all rows."""
    found = MetaData()
    found.reflect(connection)
    rows = {one.name: [tuple(row) for row in connection.execute(select(one))] for one in found.sorted_tables}
    if connection.dialect.name == "sqlite":
        query = select(text("type, name, sql")).select_from(table("sqlite_master")).order_by(text("type, name"))
        return [tuple(row) for row in connection.execute(query)], rows
    columns = text(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    indexes = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
    return [tuple(row) for query in (columns, indexes) for row in connection.execute(query)], rows


pytestmark = pytest.mark.usefixtures("migrations_by_alembic")


async def compare_ways(by_alembic: Store, first: Store, later: Store) -> None:
    try:
        migrate_by_alembic()
        steps = await migrate_store(by_alembic, OWN, migrations)
        wanted = await by_alembic.read(describe_database)
        replay_migrations()
        for store in (first, later):
            assert await migrate_store(store, OWN, migrations) == steps
            assert await store.read(describe_database) == wanted
            assert await migrate_store(store, OWN, migrations) == []
        assert len(wanted[1]) > 30
    finally:
        for store in (by_alembic, first, later):
            await store.close()


async def test_tables_are_the_same_on_sqlite(tmp_path: Path) -> None:
    by_alembic, first, later = (open_store(f"sqlite:///{tmp_path / name}.db") for name in "abc")
    await compare_ways(by_alembic, first, later)


@pytest.mark.postgresql
async def test_tables_are_the_same_on_postgresql(postgresql_server: Server) -> None:
    names = [postgresql_server.create_database() for _ in range(3)]
    by_alembic, first, later = (open_store(postgresql_server.url(name)) for name in names)
    try:
        await compare_ways(by_alembic, first, later)
    finally:
        for name in names:
            postgresql_server.drop_database(name)

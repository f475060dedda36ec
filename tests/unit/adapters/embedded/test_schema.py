"""Migrations and `tables.py` are written independently and must say the same."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, inspect, text

from adapters.library.embedded import migrations
from adapters.library.embedded.tables import metadata
from gateway.ports.shared_store import Store
from gateway.store.migration import migrate_store

pytestmark = pytest.mark.usefixtures("migrations_by_alembic")

STEPS = ["0002: tables of the embedded library"]


def _sqlite(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name LIKE '%embedded_%' AND sql <> ''"))
    return {row.name: " ".join(row.sql.split()) for row in rows if row.name != "embedded_schema"}


def _postgresql(connection: Connection) -> dict[str, object]:
    found: dict[str, object] = {}
    inspector = inspect(connection)
    for table in inspector.get_table_names():
        if not table.startswith("embedded_") or table == "embedded_schema":
            continue
        found[table] = [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)]
        found[f"{table} key"] = inspector.get_pk_constraint(table)
        found[f"{table} foreign"] = sorted(map(str, inspector.get_foreign_keys(table)))
    indexes = text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'embedded_%'")
    found |= {row.indexname: row.indexdef for row in connection.execute(indexes) if "schema" not in row.indexname}
    return found


def _schema(connection: Connection) -> dict[str, object]:
    return dict(_sqlite(connection) if connection.dialect.name == "sqlite" else _postgresql(connection))


async def test_migrated_schema_is_that_of_the_tables(store: Store) -> None:
    await migrate_store(store, migrations)
    migrated = await store.read(_schema)
    await store.write(lambda c: c.execute(text("DROP TABLE embedded_schema")) and None)
    await store.write(metadata.drop_all)
    await store.write(metadata.create_all)
    declared = await store.read(_schema)

    assert len(migrated) > 30
    assert migrated == declared


async def test_migrating_again_does_nothing(store: Store) -> None:
    assert await migrate_store(store, migrations) == STEPS
    assert await migrate_store(store, migrations) == []

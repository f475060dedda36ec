"""Schema migrations, on both engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

import gateway.store.api_access
import gateway.store.audit
import gateway.store.library_changes
import gateway.store.mailbox
import gateway.store.nodes
import gateway.store.partner_closures
import gateway.store.partner_things
import gateway.store.patron_sessions
import gateway.store.patron_settings
import gateway.store.profile_versions
import gateway.store.replay_jobs
import gateway.store.requests.print_batches
import gateway.store.requests.tables
import gateway.store.saved_filters
import gateway.store.users  # noqa: F401 - its tables join the metadata
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, SchemaTooNew, SchemaTooOld, find_other_schema, migrate_store
from gateway.store.schema import metadata

pytestmark = pytest.mark.usefixtures("migrations_by_alembic")

STEPS = [
    "0037: The gateway's own tables",
    "0038: Mails that staff have dismissed, and can put back",
    "0039: Rows of the outbox and timers by library, so that libraries take turns",
    "0040: What patrons have set for themselves",
    "0041: Roles that groups of an identity provider give",
    "0042: The search whose messages a replay job replays",
]

STEP = '''"""{doc}"""

from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    op.execute("{statement}")
'''


def history(folder: Path, *statements: str) -> SchemaMigrations:
    """A history with one step per statement: revisions 1, 2, …"""
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for number, statement in enumerate(statements, start=1):
        down = repr(str(number - 1)) if number > 1 else "None"
        step = STEP.format(doc=f"Step {number}", revision=number, down=down, statement=statement)
        (versions / f"{number}_step.py").write_text(step, encoding="utf-8")
    return SchemaMigrations("sample", folder, "sample_schema")


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_a_fresh_database_gets_every_step_described(store: Store) -> None:
    assert await migrate_store(store, OWN) == STEPS


async def test_repeating_changes_nothing(store: Store) -> None:
    await migrate_store(store, OWN)

    assert await migrate_store(store, OWN) == []


async def test_the_migrated_schema_is_the_one_in_tables(store: Store) -> None:
    await migrate_store(store, OWN)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": OWN.table, "compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await store.read(differences) == []


async def test_partial_indexes_have_the_conditions_in_tables(store: Store) -> None:
    """Alembic compares no conditions, so the database's own words are compared, made both ways."""
    await migrate_store(store, OWN)

    def conditions(connection: Connection) -> dict[str, str]:
        if connection.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        else:
            query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        return {name: sql.partition(" WHERE ")[2] for name, sql in connection.execute(text(query)) if "WHERE" in sql}

    migrated = await store.read(conditions)
    await store.write(lambda connection: metadata.drop_all(connection))
    await store.write(lambda connection: metadata.create_all(connection))

    assert {"ix_message_request", "ix_message_item", "ix_message_pending", "ix_request_open"} <= set(migrated)
    assert await store.read(conditions) == migrated


async def test_an_older_revision_is_upgraded_from_where_it_is(store: Store, tmp_path: Path) -> None:
    old = history(tmp_path / "old", "CREATE TABLE a (x INTEGER)")
    new = history(
        tmp_path / "new", "CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)", "ALTER TABLE b ADD y TEXT"
    )
    await migrate_store(store, old)

    assert await migrate_store(store, new) == ["2: Step 2", "3: Step 3"]
    assert {"a", "b"} <= await store.read(tables)
    assert await migrate_store(store, new) == []


async def test_a_schema_of_a_newer_release_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    new = history(tmp_path / "new", "CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)")
    old = history(tmp_path / "old", "CREATE TABLE a (x INTEGER)")
    await migrate_store(store, new)

    with pytest.raises(SchemaTooNew, match="at revision 2, which this release does not know \\(its newest is 1\\)"):
        await migrate_store(store, OWN, old)

    assert "message" not in await store.read(tables)


async def test_a_database_from_before_the_first_release_is_refused_and_left_alone(store: Store) -> None:
    await migrate_store(store, OWN)
    await store.write(lambda c: c.execute(text(f"UPDATE {OWN.table} SET version_num = '0031'")) and None)
    before = await store.read(tables)

    with pytest.raises(SchemaTooOld, match=r"at revision 0031, from before the first release, .* goes on from 0037"):
        await migrate_store(store, OWN)

    assert await store.read(tables) == before
    assert "from before the first release" in await find_other_schema(store, OWN)


async def test_a_failing_step_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    bad = history(tmp_path, "CREATE TABLE a (x INTEGER)", "INSERT INTO nowhere VALUES (1)")

    with pytest.raises(Exception, match="nowhere"):
        await migrate_store(store, bad)

    assert not {"a", "sample_schema"} & await store.read(tables)


async def test_histories_stand_side_by_side(store: Store, tmp_path: Path) -> None:
    other = history(tmp_path, "CREATE TABLE a (x INTEGER)")

    assert await migrate_store(store, OWN, other) == [*STEPS, "1: Step 1"]
    assert {OWN.table, "sample_schema"} <= await store.read(tables)


async def test_nodes_that_start_together_migrate_once(store_url: str) -> None:
    nodes = [open_store(store_url) for _ in range(4)]
    try:
        taken = await asyncio.gather(*(migrate_store(node, OWN) for node in nodes))
    finally:
        for node in nodes:
            await node.close()

    assert sorted(map(len, taken)) == [0, 0, 0, len(STEPS)]


def test_metadata_gives_every_table_a_library() -> None:
    assert isinstance(metadata, MetaData)
    of_the_installation = {"node", "task_leader"}
    for table in metadata.tables.values():
        if table.name in of_the_installation:
            continue
        assert next(iter(table.primary_key.columns)).name == "library"

"""Tables for a test's new database, without Alembic's 0.2 seconds for each.

The first migration in a process is listened to; the others are its statements over again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, inspect

from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.store.migration import upgrade_schema

Statement = tuple[str, Any]
"""As the driver gets it, with its parameters."""

_STATEMENTS: dict[tuple[str, SchemaMigrations], list[Statement]] = {}


async def migrate_new_store(store: Store, *histories: SchemaMigrations) -> None:
    """What `migrate_store` does to a database that has nothing of these histories yet; does nothing to one that has."""

    def create_tables(connection: Connection) -> None:
        for history in histories:
            if not inspect(connection).has_table(history.table):
                _create_tables_of(connection, history)

    await store.write(create_tables)


def _create_tables_of(connection: Connection, history: SchemaMigrations) -> None:
    key = connection.dialect.name, history
    known = _STATEMENTS.get(key)
    if known is None:
        _STATEMENTS[key] = _migrate_and_listen(connection, history)
        return
    for statement, parameters in known:
        connection.exec_driver_sql(statement, parameters or None)


def _migrate_and_listen(connection: Connection, history: SchemaMigrations) -> list[Statement]:
    """Without questions: they change nothing, and what follows from their answers is the same for an empty database."""
    heard: list[Statement] = []

    def note_statement(
        _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            heard.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note_statement)
    try:
        upgrade_schema(connection, history)
    finally:
        event.remove(connection, "before_cursor_execute", note_statement)
    return heard

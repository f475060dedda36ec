"""Tables for a test's new database, without Alembic's 0.2 to 0.3 seconds for each.

The first migration in a process is listened to; the others are its statements over again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, inspect

from gateway.ports.shared_store import SchemaMigrations
from gateway.store import migration
from gateway.store.migration import upgrade_schema
from gateway.store.postgresql import lock_in_transaction

Statement = tuple[str, Any]
"""As the driver gets it, with its parameters."""


@dataclass(frozen=True)
class HeardMigration:
    statements: list[Statement]
    steps: list[str]
    """As `upgrade_schema` tells them."""


_HEARD: dict[tuple[str, SchemaMigrations], HeardMigration] = {}


def replay_migrations() -> None:
    """From now on `migrate_store` takes the quick way in this process."""
    migration.upgrade_schema = replay_schema


def migrate_by_alembic() -> None:
    """From now on `migrate_store` does in this process what it does in life."""
    migration.upgrade_schema = upgrade_schema


def replay_schema(connection: Connection, history: SchemaMigrations) -> list[str]:
    """What `upgrade_schema` does, which still does it where the database has something of this history."""
    lock_in_transaction(connection, migration.LOCK)
    if inspect(connection).has_table(history.table):
        return upgrade_schema(connection, history)
    key = connection.dialect.name, history
    heard = _HEARD.get(key)
    if heard is None:
        heard = _HEARD[key] = _migrate_and_listen(connection, history)
    else:
        _repeat_statements(connection, heard.statements)
    return list(heard.steps)


def _repeat_statements(connection: Connection, statements: list[Statement]) -> None:
    if connection.dialect.name == "sqlite":  # to hand them to the driver itself is quicker
        cursor = connection.connection.cursor()
        for statement, parameters in statements:
            cursor.execute(statement, parameters or ())
        cursor.close()
        return
    for statement, parameters in statements:
        connection.exec_driver_sql(statement, parameters or None)


def _migrate_and_listen(connection: Connection, history: SchemaMigrations) -> HeardMigration:
    """Without questions: they change nothing, and what follows from their answers is the same for an empty database."""
    statements: list[Statement] = []

    def note_statement(
        _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            statements.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note_statement)
    try:
        steps = upgrade_schema(connection, history)
    finally:
        event.remove(connection, "before_cursor_execute", note_statement)
    return HeardMigration(statements, steps)

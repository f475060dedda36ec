"""Copies of an SQLite database, made while others write to it, and what a copy holds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain.problems import Unavailable
from gateway.domain.value import value_object

PAGES = 2_000
"""Copied at a time; writers go on in between."""

COUNTED = {
    "borrowing requests": "SELECT count(*) FROM request WHERE role = 'borrowing'",
    "lending requests": "SELECT count(*) FROM request WHERE role = 'lending'",
    "messages": "SELECT count(*) FROM message",
    "rows in the outbox": "SELECT count(*) FROM outbox",
    "staff accounts": "SELECT count(*) FROM staff_user",
}


@value_object
class DatabaseContents:
    """The contents of a copy. `revision`: of the gateway's tables; empty: it has none. `counts`: rows by what they are;
    `libraries`: symbols of those with messages or requests; `newest`: when its last message came or went; None: it has
    none."""

    revision: str
    bytes: int
    libraries: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    newest: datetime | None = None


def copy_database(source: Path, target: Path) -> DatabaseContents:
    """Copy whole or not at all, for nobody else's eyes, and check the copy. Raises Unavailable."""
    unfinished = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as original,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            original.backup(copy, pages=PAGES, sleep=0.01)
            copy.execute("PRAGMA journal_mode=DELETE")
            if (verdict := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
            contents = _read_contents(copy, unfinished.stat().st_size)
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            unfinished.unlink()
        raise Unavailable(f"{source} could not be copied: {error}") from error
    return contents


def empty_log(database: Path) -> None:
    """Carry over what a killed process left in the log, so that the file is whole without it. A file that can't be read
    stays as it is: it is to be replaced."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _read_contents(connection: sqlite3.Connection, size: int) -> DatabaseContents:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'gateway_schema'").fetchone():
        return DatabaseContents("", size)
    ((revision,),) = connection.execute("SELECT version_num FROM gateway_schema").fetchall()
    libraries = connection.execute(
        "SELECT library FROM request UNION SELECT library FROM message ORDER BY 1"
    ).fetchall()
    ((newest,),) = connection.execute("SELECT max(at) FROM message").fetchall()
    return DatabaseContents(
        revision,
        size,
        tuple(symbol for (symbol,) in libraries if symbol),
        {name: connection.execute(statement).fetchone()[0] for name, statement in COUNTED.items()},
        datetime.fromisoformat(newest).replace(tzinfo=UTC) if newest else None,
    )

"""Backups of an SQLite file, and what is put back of them. A server's database is backed up by its own tools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from gateway.domain.problems import ConfigurationError
from gateway.domain.value import value_object
from gateway.ports.shared_store import SchemaMigrations
from gateway.runtime.assembly import Assembly
from gateway.runtime.database_setup import require_database_file
from gateway.store.database_copy import DatabaseContents, copy_database, empty_log
from gateway.store.engine import open_store
from gateway.store.migration import SchemaStanding, SchemaTooOld, read_schema_states

COMPANIONS = ("", "-wal", "-shm")
"""Ends of the names of the files that SQLite keeps for one database."""


@value_object
class PreparedRestore:
    """A verified copy of a backup beside the database. `is_older`: of an older release, so that `illgate upgrade` must
    follow."""

    file: Path
    contents: DatabaseContents
    is_older: bool


def require_sqlite_file(parts: Assembly) -> Path:
    """Return the file; raises ConfigurationError where the database is on a server."""
    if parts.database is None:
        how = "back it up with `pg_dump --format=custom`, and restore it with `pg_restore --clean`"
        raise ConfigurationError([parts.settings.make_problem(("store", "url"), f"the database is on a server: {how}")])
    return parts.database


def back_up_database(database: Path, folder: Path, keep: int, now: datetime) -> tuple[Path, DatabaseContents]:
    """Make a copy, `illgate-20260301T120000Z.db`, and remove all copies of this database but the newest `keep`. Raises
    ConfigurationError (it is not there, or damaged), Unavailable; then those of before are untouched."""
    require_database_file(database)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{database.stem}-{now:%Y%m%dT%H%M%SZ}{database.suffix}"
    contents = copy_database(database, target)
    for old in sorted(folder.glob(f"{database.stem}-????????T??????Z{database.suffix}"))[:-keep]:
        old.unlink()
    return target, contents


@asynccontextmanager
async def prepare_restore(parts: Assembly, backup: Path) -> AsyncIterator[PreparedRestore]:
    """Copy a backup beside the database, and see whether this release can use it. No daemon can start meanwhile; the
    copy is removed at the end unless `complete_restore` has put it in place. Raises ConfigurationError, SchemaTooNew,
    SchemaTooOld, Unavailable (also when a daemon is running)."""
    database = require_sqlite_file(parts)
    require_database_file(backup)
    lock = parts.database_lock
    assert lock is not None, "an SQLite file has one"
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock.acquire()
    file = database.with_name(f"{database.name}.restoring")
    try:
        contents = await asyncio.to_thread(copy_database, backup, file)
        yield PreparedRestore(file, contents, await _is_older(file, parts.migration_histories))
    finally:
        for companion in COMPANIONS:
            file.with_name(file.name + companion).unlink(missing_ok=True)
        lock.release()


async def _is_older(file: Path, histories: tuple[SchemaMigrations, ...]) -> bool:
    """Return whether tables of an older release are in the file; raises SchemaTooNew, SchemaTooOld (it has none, or no
    step leads from them)."""
    store = open_store(f"sqlite:///{file}")
    try:
        states = await store.read(lambda connection: read_schema_states(connection, *histories))
    finally:
        await store.close()
    if states[0].standing is SchemaStanding.MISSING:
        raise SchemaTooOld(f"{file.name}: not a database of illgate")
    return any(state.standing is not SchemaStanding.CURRENT for state in states)


def complete_restore(database: Path, prepared: PreparedRestore, now: datetime) -> Path | None:
    """Put the prepared copy in the place of the database. Returns where the former one is kept, with its log; None:
    there was none. Raises OSError."""
    former = database.with_name(f"{database.stem}-before-restore-{now:%Y%m%dT%H%M%SZ}{database.suffix}")
    kept = database.exists()
    if kept:
        empty_log(database)
    for companion in reversed(COMPANIONS):  # the log first: without its database it is nothing
        file = database.with_name(database.name + companion)
        if file.exists():
            file.rename(former.with_name(former.name + companion))
    prepared.file.rename(database)
    return former if kept else None

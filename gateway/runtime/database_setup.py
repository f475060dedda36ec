"""Making of the database, and changes of its tables.

`illgate init` makes it. `illgate serve` and `illgate upgrade` bring the tables of an older release to this one; all
other commands take the database as it is or not at all. So a file that is missing, since a disk is not mounted or a
path is misspelt, is never replaced by an empty one without a word. docs/decisions/0032-steps-that-add.md has the
reasons.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.configuration.yaml_document import display_path
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store
from gateway.runtime.assembly import Assembly
from gateway.store.database_copy import copy_database
from gateway.store.migration import SchemaStanding, SchemaTooOld, migrate_store, read_schema_states

MAGIC = b"SQLite format 3\x00"
HEADER_BYTES = 100


@value_object
class DatabaseUpgrade:
    """The changes made to the tables: `steps` as 'revision: description'. `copy`: the file as it was before."""

    steps: tuple[str, ...] = ()
    copy: Path | None = None


async def create_database(parts: Assembly) -> bool:
    """The file with its folder, for nobody else's eyes since it names patrons, and all tables. On a server the database
    is there already. False: there were tables, and nothing was changed. Raises SchemaTooNew, Unavailable."""
    file = parts.database
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        if file.stat().st_size:
            require_database_file(file)
    store = parts.open_store()
    try:
        own, *_ = await store.read(lambda c: read_schema_states(c, *parts.migration_histories))
        if own.standing is not SchemaStanding.MISSING:
            return False
        await migrate_store(store, *parts.migration_histories)
        return True
    finally:
        await store.close()


async def upgrade_database(store: Store, parts: Assembly) -> DatabaseUpgrade:
    """An SQLite file is copied before. Raises SchemaTooNew, SchemaTooOld (no tables), Unavailable."""
    states = await store.read(lambda c: read_schema_states(c, *parts.migration_histories))
    own = states[0]
    if own.standing is SchemaStanding.MISSING:
        raise SchemaTooOld(own.describe_older())
    if all(state.standing is SchemaStanding.CURRENT for state in states):
        return DatabaseUpgrade()
    file, copy = parts.database, None
    if file is not None:
        copy = file.with_name(f"{file.stem}-before-upgrade-from-{own.revision}{file.suffix}")
        try:
            await asyncio.to_thread(copy_database, file, copy)
        except Unavailable as error:
            raise Unavailable(f"nothing was upgraded: {error}") from error
    return DatabaseUpgrade(tuple(await migrate_store(store, *parts.migration_histories)), copy)


def require_database_file(file: Path) -> None:
    """Require our database; raises ConfigurationError where the file can't be it, in a sentence; OSError when it can't
    be read."""
    if hint := _describe_unusable(file):
        raise ConfigurationError([ConfigurationProblem(display_path(file), 0, (), hint)])


def _describe_unusable(file: Path) -> str:
    if not file.exists():
        return "no database yet; `illgate init` creates one. If there was one, put it back where store.url expects it"
    if not file.is_file():
        return "is not a file"
    size = file.stat().st_size
    if not size:
        return "the file is empty. Restore a backup; for a new database, delete it and run `illgate init`"
    with file.open("rb") as opened:
        header = opened.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return "the file is damaged or not an SQLite database. Restore a backup"
    expected = _read_expected_bytes(header)
    real = file.resolve()
    log = real.with_name(f"{real.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0  # with pages that may not be in the file yet
    if size < expected and not has_log:
        return f"the file is damaged: {expected - size} of {expected} bytes are missing at its end. Restore a backup"
    return ""


def _read_expected_bytes(header: bytes) -> int:
    """Bytes of all pages together (sqlite.org/fileformat2.html, 1.3); 0 where the header doesn't say it."""
    size = int.from_bytes(header[16:18])
    page_bytes = 65536 if size == 1 else size
    is_valid = header[24:28] == header[92:96]
    return page_bytes * int.from_bytes(header[28:32]) if is_valid else 0

"""Schema migrations and the store's health.

The gateway's own tables and each adapter's tables have a history of their own, told apart by version table. Alembic is
only loaded where there is something to do: it would make a tenth of the start of a daemon.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Connection, column, inspect, literal, select, table, text, union_all
from sqlalchemy.exc import DBAPIError

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.sql.silent_servers import lift_statement_limit
from gateway.store.postgresql import lock_in_transaction

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, MigrationStep
    from alembic.script import Script, ScriptDirectory


LOCK = 0x696C6C67617465
"""PostgreSQL advisory lock under which a schema is changed: 'illgate' in ASCII."""

SECONDS = 5.0
"""Longest wait for an answer."""


class SchemaTooNew(Exception):
    """The database was written by a later release of this program."""


class SchemaTooOld(Exception):
    """The database has no tables, or lacks those of this release."""


class SchemaStanding(Enum):
    """The state of a database's schema as seen by this release."""

    MISSING = "missing"  # it has none of the tables
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    UNRELEASED = "unreleased"  # from before the first release, and no step leads from there


@value_object
class SchemaState:
    """`revision`: the newest step that has run there; empty: none."""

    history: SchemaMigrations
    standing: SchemaStanding
    revision: str = ""

    def describe_newer(self) -> str:
        report = write_sentence(
            "the database is at revision %(revision)s, which this release does not know (its newest is %(newest)s); "
            "run the newer release, or restore a backup",
            revision=self.revision,
            newest=_list_revisions(self.history)[-1],
        )
        return write_about(self.history.name, report)

    def describe_unreleased(self) -> str:
        first = _list_revisions(self.history)[0]
        return (
            f"{self.history.name}: the database is at revision {self.revision}, from before the first release, and "
            f"this release goes on from {first}: bring it there with a program of that time, or make a new one"
        )

    def describe_older(self) -> str:
        """The same for a database without tables."""
        if self.standing is SchemaStanding.MISSING and self.history == OWN:
            return "the database has no tables: `illgate init` creates them in a new database; else restore a backup"
        report = write_sentence(
            "the database is at revision %(revision)s, and this release needs %(newest)s: run `illgate upgrade`",
            revision=self.revision or "0",
            newest=_list_revisions(self.history)[-1],
        )
        return write_about(self.history.name, report)


def upgrade_schema(connection: Connection, history: SchemaMigrations) -> list[str]:
    """Bring one schema up to date inside the caller's transaction; returns the steps taken, described.

    Nodes that start together wait for each other, so that only one of them takes the steps. Raises SchemaTooNew when
    the database holds a revision that this release doesn't know, SchemaTooOld when no step leads from it.
    """
    from alembic.runtime.migration import RevisionStep
    from alembic.script import ScriptDirectory

    lock_in_transaction(connection, LOCK)
    (state,) = read_schema_states(connection, history)
    if state.standing is SchemaStanding.CURRENT:
        return []
    scripts = ScriptDirectory(history.folder)
    taken: list[str] = []

    def list_steps(revisions: tuple[str, ...], _context: MigrationContext) -> list[MigrationStep]:
        todo: list[MigrationStep] = []
        for script in _list_missing_scripts(scripts, revisions):
            todo.append(RevisionStep(scripts.revision_map, script, is_upgrade=True))
            taken.append(f"{script.revision}: {script.doc}")
        return todo

    _run_migrations(connection, scripts, list_steps, history.table)
    return taken


def read_schema_state(connection: Connection, history: SchemaMigrations) -> SchemaState:
    """Read the state by the names of the steps alone: Alembic takes its time."""
    if not inspect(connection).has_table(history.table):
        return SchemaState(history, SchemaStanding.MISSING)
    revision: str = connection.scalar(select(column("version_num")).select_from(table(history.table))) or ""
    return SchemaState(history, _compare_revision(revision, history), revision)


def _compare_revision(revision: str, history: SchemaMigrations) -> SchemaStanding:
    revisions = _list_revisions(history)
    if revision == revisions[-1]:
        return SchemaStanding.CURRENT
    if not revision or revision in revisions:
        return SchemaStanding.OLDER
    return SchemaStanding.NEWER if revision > revisions[0] else SchemaStanding.UNRELEASED


def _list_revisions(history: SchemaMigrations) -> list[str]:
    """Oldest first."""
    files = sorted(path.name for path in (history.folder / "versions").glob("[0-9]*.py"))
    return [name.partition("_")[0] for name in files]


def _list_missing_scripts(scripts: ScriptDirectory, revisions: tuple[str, ...]) -> list[Script]:
    """Scripts not yet run, oldest first."""
    newest_first = list(scripts.walk_revisions())
    known = [script.revision for script in newest_first]
    done = known.index(revisions[0]) if revisions else len(known)
    return newest_first[:done][::-1]


OWN = SchemaMigrations("gateway", Path(__file__).parent / "migrations", "gateway_schema")
"""The gateway's own tables (gateway.store.schema)."""


async def migrate_store(store: Store, *histories: SchemaMigrations) -> list[str]:
    """All histories in one transaction: each step taken as 'revision: description'. Raises SchemaTooNew, SchemaTooOld
    (no step leads from where the database is)."""

    def upgrade_schemas(connection: Connection) -> list[str]:
        lift_statement_limit()
        return [step for history in histories for step in upgrade_schema(connection, history)]

    return await store.write(upgrade_schemas)


def read_schema_states(connection: Connection, *histories: SchemaMigrations) -> tuple[SchemaState, ...]:
    """Read the states; raises SchemaTooNew, SchemaTooOld (no step leads from where the database is)."""
    states = tuple(read_schema_state(connection, history) for history in histories)
    for state in states:
        if state.standing is SchemaStanding.NEWER:
            raise SchemaTooNew(state.describe_newer())
        if state.standing is SchemaStanding.UNRELEASED:
            raise SchemaTooOld(state.describe_unreleased())
    return states


def require_current_schema(connection: Connection, *histories: SchemaMigrations) -> None:
    """Require the current schema; raises SchemaTooNew, SchemaTooOld."""
    for state in read_schema_states(connection, *histories):
        if state.standing is not SchemaStanding.CURRENT:
            raise SchemaTooOld(state.describe_older())


def _run_migrations(connection: Connection, scripts: ScriptDirectory, steps: Callable[..., Any], versions: str) -> None:
    """Run the steps, which `env.py` does in other projects; here each history runs in the transaction that is given."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table=versions)
        environment.run_migrations()


async def ping_store(store: Store, seconds: float = SECONDS) -> None:
    """Raise Unavailable unless the database answers in time and has our tables."""
    try:
        async with asyncio.timeout(seconds):
            await store.read(_read_revision)
    except TimeoutError as error:
        late = write_sentence("the database has not answered within %(seconds)s s", seconds=seconds)
        raise Unavailable(late) from error
    except DBAPIError as error:
        raise Unavailable(write_sentence("the database does not have the gateway's tables")) from error


async def find_other_schema(store: Store, *histories: SchemaMigrations) -> str:
    """Find out that tables which were there are another release's now, in a sentence: a newer one has upgraded them, or
    a backup of an older one was put back. Empty: they are this release's. One statement, since it is asked every few
    seconds. Raises Unavailable."""
    named = {history.name: history for history in histories}
    revisions: CompoundSelect[Any] = union_all(
        *(
            select(literal(name).label("name"), column("version_num")).select_from(table(history.table))
            for name, history in named.items()
        )
    )
    try:
        rows = await store.read(lambda connection: connection.execute(revisions).all())
    except DBAPIError as error:
        raise Unavailable(write_sentence("the database does not have the gateway's tables")) from error
    for name, revision in rows:
        state = SchemaState(named[name], _compare_revision(revision, named[name]), revision)
        match state.standing:
            case SchemaStanding.NEWER:
                return state.describe_newer()
            case SchemaStanding.OLDER:
                return state.describe_older()
            case SchemaStanding.UNRELEASED:
                return state.describe_unreleased()
    return ""


CONTENT_SHARE = 0.97
"""Of pages that hold one large value; the rest is their headers, in the database and in the write-ahead log."""

ROW_BYTES = 50_000
"""What a message changes beside its own content, generously."""


async def require_writable(store: Store) -> None:
    """Raise Unavailable unless the database takes writes. It waits as long as any other write would."""
    if await store.write(_is_read_only):
        raise Unavailable(write_sentence("the database is read-only (a standby server, or set to read-only)"))


SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


async def measure_database_bytes(store: Store) -> int:
    """Bytes of the database: all pages of an SQLite file, or what a server says. Raises Unavailable."""
    statement = text(SIZES[store.url.get_backend_name()])
    return int(await store.read(lambda connection: connection.execute(statement).scalar_one()))


def free_disk_bytes(store: Store) -> int | None:
    """Bytes left for us on the disk of an SQLite file; None where a server sees to that. Raises OSError."""
    if store.url.get_backend_name() != "sqlite":
        return None
    return shutil.disk_usage(Path(store.url.database or "").parent).free


def largest_write_bytes(store: Store) -> int | None:
    """Bytes that one more row may hold in an SQLite file, at most; None where a server sees to that. Raises OSError.

    They go into the write-ahead log first and then into the database, with some space for pages and indexes. The
    disk counts, and how large a file of this process may be (RLIMIT_FSIZE).
    """
    free = free_disk_bytes(store)
    if free is None:
        return None
    room = free // 2
    largest_file, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if largest_file != resource.RLIM_INFINITY:
        database = Path(store.url.database or "")
        for file in (database, database.with_name(f"{database.name}-wal")):
            room = min(room, largest_file - (file.stat().st_size if file.exists() else 0))
    return max(0, int(room * CONTENT_SHARE) - ROW_BYTES)


def _read_revision(connection: Connection) -> str:
    revision: str = connection.execute(text(f"SELECT version_num FROM {OWN.table}")).scalar_one()
    return revision


def _is_read_only(connection: Connection) -> bool:
    """Return whether nothing can be written; on SQLite one page is written: only a commit shows that there is space.
    Nothing else uses this number, and to write the same once more is a write, which for a row of a table it wouldn't
    be."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA user_version = 0"))
        return False
    return bool(connection.execute(text("SELECT current_setting('transaction_read_only')")).scalar_one() == "on")

"""What the store asks of journal, requests and outbox reads no more than its indexes give, whichever SQLite plans it:
the oldest that we hold to, later ones and the newest, with few rows and with many, and with statistics of them."""

from __future__ import annotations

import fcntl
import os
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from gateway.domain.value import value_object
from gateway.store.engine import create_sqlite_engine
from tests.support import measured_statements
from tests.support.measured_statements import CHANGED, STOPPED
from tests.support.sqlite_versions import DRIVER, RELEASES, SqliteRelease, require_sqlite
from tests.unit.store.filled_database import fill_database
from tests.unit.store.store_queries import list_store_calls, list_store_functions

pytestmark = pytest.mark.slow  # each version is a program of its own

BY_DAY_AND_LONG = (RELEASES[0], *(pytest.param(release, marks=pytest.mark.long) for release in RELEASES[1:]))
"""By day the oldest that we hold to, whose planner knows least."""

MANY = 100_000
FILLED = {"no rows": 0, "1,000 rows": 1_000, "100,000 rows": MANY}
ANALYZED = "100,000 rows, analyzed"
DATABASES = (*FILLED, ANALYZED)

STEPS = 2_000
"""Of the virtual machine, for the look into indexes that each statement begins with. To read 100,000 rows takes 300,000
at least."""

STEPS_OF_ROW = 100
"""For each row that is given or changed."""

MOST_STEPS = 1_000_000
"""Then a statement is stopped."""

MEANT_SCANS = {
    "SCAN order_file": "files that are not sent yet are few",
    "SCAN message USING INDEX ix_message_pending": "messages in work are few",
    "SCAN interrupted": "messages that were interrupted are few",
    "SCAN request_message USING INDEX ix_request_message_unread": "what is unread is counted for all libraries",
    "SCAN request_count": "a few counts of each library, gone through once at the start",
    "SCAN request_supply": "the sums of a hundred days are all there are here",
    r"SCAN (\d.*)?(CONSTANT ROW|VALUES CLAUSE)": "no table",
    r"SCAN (busy|turn)\b": "libraries with work",
    r"SCAN (anon_|\(subquery-)": "a subquery, whose own reads are in the plan",
}
MEANT_SEARCHES = {
    "interrupted": "messages that were interrupted are few",
    "retention": "one row for each library",
    "network_report": "one row for each member",
    "request USING INDEX ix_request_changed": "the list of all requests, in its order and with a limit",
    "request USING COVERING INDEX ix_request_changed": "the end of a look through all requests",
    "print_batch USING INDEX ix_print_batch_number": "the list of batches, in its order and with a limit",
}
"""Those that look through all rows of a library."""


@value_object
class StoreStatement:
    """As the driver got it, and the function that asked."""

    function: str
    sql: str
    values: tuple[Any, ...]
    more_steps: int

    def count_allowed_steps(self, rows: Sequence[tuple[Any, ...]]) -> int:
        count = rows[0][1] if rows and rows[0][0] == CHANGED else len(rows)
        return STEPS + STEPS_OF_ROW * count + self.more_steps


@value_object
class Measured:
    plan: Sequence[str]
    steps: int
    rows: Sequence[tuple[Any, ...]]


Results = dict[str, list[Measured]]
"""By database, in the order of the statements."""


@value_object
class FilledDatabases:
    """`own`: the results on Python's SQLite."""

    folder: Path
    called: frozenset[str]
    statements: Sequence[StoreStatement]
    own: Results


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> FilledDatabases:
    """Made once for all processes that run tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "filled-databases"
    folder.mkdir(exist_ok=True)
    made = folder / "made.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(make_databases(folder, migrated_database)))
    found: FilledDatabases = pickle.loads(made.read_bytes())
    return found


def make_databases(folder: Path, migrated: Path) -> FilledDatabases:
    for name, count in FILLED.items():
        shutil.copy(migrated, folder / name)
        if count:
            fill_database(folder / name, count)
    called, statements = record_statements(folder / f"{MANY:,} rows")
    own = measure_statements("sqlite3", folder, folder, statements)
    return FilledDatabases(folder, called, statements, own)


# --- what the store asks ---------------------------------------------------------------------------------

Asked = list[tuple[str, tuple[Any, ...]]]


def record_statements(file: Path) -> tuple[frozenset[str], list[StoreStatement]]:
    """All functions that were called, and what they asked; each change is taken back."""
    asked: Asked = []
    engine = create_sqlite_engine(make_url(f"sqlite:///{file}"))
    event.listen(engine, "do_connect", lambda _d, _r, _a, options: options.update(factory=recording_connection(asked)))
    found: dict[tuple[str, tuple[Any, ...]], StoreStatement] = {}
    called = set()
    with engine.connect() as connection:
        with connection.begin():
            calls = list_store_calls(connection)
        for one in calls:
            asked.clear()
            with connection.begin() as transaction:
                one.call(connection)
                transaction.rollback()
            called.add(one.name)
            for sql, values in asked:
                if not sql.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
                    continue  # what is inserted is looked for by its whole key
                new = StoreStatement(one.name, sql, values, one.more_steps)
                same = found.setdefault((sql, values), new)
                if one.more_steps < same.more_steps:
                    found[sql, values] = new
    engine.dispose()
    return frozenset(called), list(found.values())


def recording_connection(asked: Asked) -> type[sqlite3.Connection]:
    """Of many rows of parameters the first is enough."""

    def record(sql: str, values: Iterable[Any]) -> None:
        asked.append((sql, tuple(make_plain(value) for value in values)))

    class RecordingCursor(sqlite3.Cursor):
        def execute(self, sql: str, values: Any = ()) -> Any:
            record(sql, values)
            return super().execute(sql, values)

    class RecordingConnection(sqlite3.Connection):
        def cursor(self, _factory: Any = None) -> Any:
            return super().cursor(RecordingCursor)

        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            record(sql, values)
            return super().execute(sql, values)

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            rows = list(rows)
            record(sql, rows[0])
            return super().executemany(sql, rows)

    return RecordingConnection


def make_plain(value: Any) -> Any:
    """As the driver takes it, without types of ours."""
    if isinstance(value, memoryview):
        return bytes(value)
    return str(value) if isinstance(value, str) else value


def test_every_function_is_tried(filled: FilledDatabases) -> None:
    """Of the modules that ask journal, requests and outbox: whoever adds one adds a call to `store_queries`."""
    assert list_store_functions() - filled.called == set()


# --- on each SQLite --------------------------------------------------------------------------------------


def measure_statements(
    driver: str, folder: Path, work: Path, statements: Sequence[StoreStatement], path: Path | None = None
) -> Results:
    """On copies in `work`; `path`: from where the driver is imported."""
    found: Results = {}
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    for name in DATABASES:
        copy = work / "copy"
        if name in FILLED:  # the analyzed one is the one before it
            shutil.copy(folder / name, copy)
        asked = [(one.sql, one.values, MOST_STEPS) for one in statements]
        ran = subprocess.run(
            [sys.executable, str(measured_statements.__file__), driver],
            input=pickle.dumps([str(copy), name == ANALYZED, asked]),
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        found[name] = [Measured(*one) for one in pickle.loads(ran.stdout)]
    copy.unlink()
    return found


def describe_excess(statements: Sequence[StoreStatement], results: Results) -> list[str]:
    """Statements that read more than they may, or all of a table or library."""
    found = []
    for name, measured in results.items():
        for statement, one in zip(statements, measured, strict=True):
            allowed = statement.count_allowed_steps(one.rows)
            whole = [step for step in one.plan if is_whole_read(step)]
            if one.steps > allowed or STOPPED in one.rows or whole:
                found.append(
                    f"{statement.function}, {name}: {one.steps:,} steps where {allowed:,} are allowed, "
                    f"{one.plan}: {' '.join(statement.sql.split())} {statement.values}"[:2_000]
                )
    return found


def is_whole_read(step: str) -> bool:
    """All rows of a table, or of a library."""
    if step.startswith("SCAN"):
        return not any(re.match(pattern, step) for pattern in MEANT_SCANS)
    is_of_library = step.endswith("(library=?)") or "(ANY(" in step
    return is_of_library and not step.removeprefix("SEARCH ").startswith(tuple(MEANT_SEARCHES))


def test_statements_read_no_more_than_their_indexes_give(filled: FilledDatabases) -> None:
    assert len(filled.statements) > 800
    assert describe_excess(filled.statements, filled.own) == []


@pytest.mark.parametrize("release", BY_DAY_AND_LONG, ids=lambda release: release.version)
def test_they_read_and_give_the_same_on_other_versions(
    filled: FilledDatabases, release: SqliteRelease, tmp_path: Path
) -> None:
    path = require_sqlite(release)
    results = measure_statements(DRIVER, filled.folder, tmp_path, filled.statements, path)

    assert describe_excess(filled.statements, results) == []
    different = [
        (statement.function, name, statement.sql)
        for name in DATABASES
        for statement, one, own in zip(filled.statements, results[name], filled.own[name], strict=True)
        if sorted(map(repr, one.rows)) != sorted(map(repr, own.rows))
    ]
    assert different == []


@pytest.mark.parametrize("release", BY_DAY_AND_LONG, ids=lambda release: release.version)
def test_the_package_carries_that_version(release: SqliteRelease) -> None:
    command = [sys.executable, "-c", f"import {DRIVER}; print({DRIVER}.sqlite_version)"]
    environment = {**os.environ, "PYTHONPATH": str(require_sqlite(release))}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == release.version


def test_a_statement_that_reads_too_much_is_found(filled: FilledDatabases, tmp_path: Path) -> None:
    """For this, all requests are read in an index that has numbers and ids."""
    sql = "SELECT id FROM request WHERE library = ? AND number IN (?, ?)"
    statement = StoreStatement("find_ids_by_number", sql, ("EX", "N-2026-00", "N-2026-01"), 0)
    results = measure_statements("sqlite3", filled.folder, tmp_path, [statement])
    assert any(line.startswith("find_ids_by_number, 100,000 rows: ") for line in describe_excess([statement], results))

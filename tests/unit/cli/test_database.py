"""Who makes the database, who upgrades it, and what is said where it can't be used."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters.library import embedded
from gateway.adapter_registry import load_adapters
from gateway.domain.problems import ConfigurationError, Unavailable
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import require_database_file
from gateway.settings import load_settings
from gateway.store.migration import SchemaTooOld
from tests.support.daemon import Installation, run_in_process
from tests.support.databases import list_revisions, make_newer_history, make_older_history, migrate_database
from tests.support.postgresql import Server

NEWEST = list_revisions()[-1]
BEFORE = list_revisions()[-2]


def make_daemon(installation: Installation) -> Daemon:
    adapters = load_adapters()
    return Daemon(load_settings(installation.config, adapters), adapters)


def read_revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM gateway_schema").fetchone()[0])


def sqlite_url(installation: Installation) -> str:
    return f"sqlite:///{installation.database}"


@pytest.fixture
async def older(installation: Installation, tmp_path: Path) -> Installation:
    """With the database of the release before."""
    for file in installation.database.parent.glob("illgate.db*"):
        file.unlink()
    history = make_older_history(tmp_path / "older", BEFORE)
    await migrate_database(sqlite_url(installation), history, embedded.migrations)
    return installation


# --- nothing there, or nothing of use ------------------------------------------------------------------------


def remove_file(file: Path) -> None:
    file.unlink()


def empty_file(file: Path) -> None:
    file.write_bytes(b"")


def overwrite_beginning(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"rubbish from a disk")


def cut_end(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # all pages are in the file
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


DAMAGES: dict[Callable[[Path], None], str] = {
    remove_file: "no database yet; `illgate init` creates one",
    empty_file: "the file is empty. Restore a backup",
    overwrite_beginning: "the file is damaged or not an SQLite database. Restore a backup",
    cut_end: "bytes are missing at its end. Restore a backup",
}
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)


@each_damage
async def test_a_file_that_cannot_be_the_database_is_refused_and_left(
    installation: Installation, damage: Callable[[Path], None]
) -> None:
    damage(installation.database)
    before = installation.database.read_bytes() if installation.database.exists() else None

    with pytest.raises(ConfigurationError) as refused:
        await make_daemon(installation).start()
    listed = installation.run("request", "list", check=False)
    upgraded = installation.run("upgrade", check=False)

    assert DAMAGES[damage] in str(refused.value)
    for ran in (listed, upgraded):
        assert ran.returncode == 3
        assert DAMAGES[damage] in ran.stderr
        assert ran.stderr.count("\n") == 1
    assert (installation.database.read_bytes() if installation.database.exists() else None) == before


async def test_a_file_without_tables_is_refused(installation: Installation) -> None:
    installation.database.unlink()
    with closing(sqlite3.connect(installation.database)) as connection:
        connection.execute("CREATE TABLE other (x)")

    with pytest.raises(SchemaTooOld, match="the database has no tables: `illgate init` creates them"):
        await make_daemon(installation).start()

    for command in ("upgrade", "request list"):
        ran = installation.run(*command.split(), check=False)
        assert (ran.returncode, "the database has no tables" in ran.stderr) == (3, True)
    checked = installation.run("check", check=False)
    assert "library DEMO was not looked at: the database has no tables" in checked.stdout


def test_damage_within_the_file_is_said_in_a_sentence(installation: Installation) -> None:
    with closing(sqlite3.connect(installation.database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with installation.database.open("r+b") as opened:
        opened.seek(100)
        opened.write(bytes(3000))

    ran = installation.run("request", "list", check=False)

    assert ran.returncode == 4
    assert ran.stderr == "the database file is damaged: database disk image is malformed. Please restore a backup\n"


def test_pages_that_are_in_the_log_only_are_not_missing(installation: Installation) -> None:
    """The file is shorter than its header says while SQLite has pages of it in the write-ahead log."""
    log = installation.database.with_name("illgate.db-wal")
    cut_end(installation.database)
    log.write_bytes(b"pages")

    require_database_file(installation.database)


# --- an older release's --------------------------------------------------------------------------------------


def test_commands_refuse_an_older_database_and_say_what_to_do(older: Installation) -> None:
    for command in ("request list", "journal list", "library patron 21000000000017", "outbox list"):
        ran = older.run(*command.split(), check=False)
        assert (ran.returncode, ran.stderr) == (
            3,
            f"gateway: the database is at revision {BEFORE}, and this release needs {NEWEST}: run `illgate upgrade`\n",
        )
    checked = older.run("check", check=False)
    assert f"was not looked at: gateway: the database is at revision {BEFORE}" in checked.stdout
    kept = run_in_process("--config", str(older.config), "init", "--empty", check=False)
    assert (kept.returncode, "run `illgate upgrade`" in kept.stderr) == (3, True)
    assert read_revision(older.database) == BEFORE


def test_upgrade_copies_the_file_first_and_says_so(older: Installation) -> None:
    copy = older.database.with_name(f"illgate-before-upgrade-from-{BEFORE}.db")

    ran = older.run("upgrade")
    again = older.run("upgrade")

    first, *steps, last = ran.stdout.splitlines()
    assert first.endswith(f"{copy.name}: the database as it was before")
    assert [step.partition(":")[0] for step in steps] == [NEWEST]
    assert last == "The database is up to date."
    assert again.stdout == "Nothing to do: the database is up to date.\n"
    assert (read_revision(copy), read_revision(older.database)) == (BEFORE, NEWEST)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(copy.parent.glob("*.part"))
    older.run("request", "list")


async def test_serve_copies_and_upgrades(older: Installation) -> None:
    older.change(http={"port": 0}, tcp=[])
    daemon = make_daemon(older)
    await daemon.start()
    await daemon.stop()

    copy = older.database.with_name(f"illgate-before-upgrade-from-{BEFORE}.db")
    assert (read_revision(copy), read_revision(older.database)) == (BEFORE, NEWEST)


def test_nothing_is_upgraded_where_it_cannot_be_copied(older: Installation) -> None:
    older.database.with_name(f"illgate-before-upgrade-from-{BEFORE}.db.part").mkdir()

    ran = older.run("upgrade", check=False)

    assert ran.returncode == 4
    assert ran.stderr.startswith("nothing was upgraded: ")
    assert read_revision(older.database) == BEFORE


async def test_a_database_in_use_is_not_upgraded(older: Installation, tmp_path: Path) -> None:
    older.change(http={"port": 0}, tcp=[])
    daemon = make_daemon(older)
    await daemon.start()
    try:
        ran = older.run("upgrade", check=False)
        with pytest.raises(Unavailable, match="is in use by another illgate"):
            await make_daemon(older).start()
    finally:
        await daemon.stop()
    assert ran.returncode == 4
    assert "is in use by another illgate" in ran.stderr


async def test_a_newer_database_is_refused_by_all(installation: Installation, tmp_path: Path) -> None:
    await migrate_database(sqlite_url(installation), make_newer_history(tmp_path / "newer"))

    for command in ("request list", "upgrade", "outbox run"):
        ran = installation.run(*command.split(), check=False)
        assert (ran.returncode, "at revision 9999, which this release does not know" in ran.stderr) == (3, True)
    assert not list(installation.database.parent.glob("*upgrade*"))


# --- init ----------------------------------------------------------------------------------------------------


def test_init_without_a_folder_makes_the_database_alone(installation: Installation) -> None:
    settings = installation.config.read_bytes()
    for file in installation.database.parent.glob("illgate.db*"):
        file.unlink()

    made = installation.run("init")
    kept = installation.run("init")

    assert made.stdout.splitlines()[0].endswith("illgate.db: created")
    assert "creating sample data" in made.stdout
    assert kept.stdout.splitlines() == [made.stdout.splitlines()[0].replace("created", "kept")]
    assert installation.config.read_bytes() == settings
    assert stat.S_IMODE(installation.database.stat().st_mode) == 0o600
    installation.run("library", "patron", "21000000000017")


def test_init_without_a_folder_takes_no_settings(installation: Installation) -> None:
    refused = installation.run("init", "--name", "Fjordby bibliotek", check=False)
    assert (refused.returncode, "gateway.yml defines the rest" in refused.stderr) == (2, True)


def test_init_adds_sample_requests_to_sample_data_alone(installation: Installation) -> None:
    refused = installation.run("init", "--empty", "--sample-requests", check=False)
    kept = installation.run("init", "--sample-requests")

    assert (refused.returncode, "exclude each other" in refused.stderr) == (2, True)
    assert kept.stdout.splitlines()[-1].endswith("illgate.db: kept"), "there may be work in it"


def test_init_takes_an_empty_file_for_none(installation: Installation) -> None:
    """As one that was made for it, with the rights that it shall have."""
    empty_file(installation.database)
    for file in installation.database.parent.glob("illgate.db-*"):
        file.unlink()
    assert "created" in installation.run("init", "--empty").stdout


def test_init_does_not_write_over_a_damaged_file(installation: Installation) -> None:
    overwrite_beginning(installation.database)
    refused = installation.run("init", "--empty", check=False)
    assert (refused.returncode, "damaged or not an SQLite database" in refused.stderr) == (3, True)


# --- PostgreSQL ----------------------------------------------------------------------------------------------


@pytest.mark.postgresql
async def test_an_empty_database_on_a_server_is_made_by_init_alone(
    installation: Installation, fresh_postgresql_url: str, postgresql_server: Server
) -> None:
    installation.change(store={"url": fresh_postgresql_url}, http={"port": 0}, tcp=[])

    with pytest.raises(SchemaTooOld, match="the database has no tables: `illgate init` creates them"):
        await make_daemon(installation).start()
    checked = installation.run("check", check=False)
    upgraded = installation.run("upgrade", check=False)
    made = installation.run("init", "--empty")
    kept = installation.run("init", "--empty")
    again = installation.run("check", check=False)

    assert "library DEMO was not looked at: the database has no tables" in checked.stdout
    assert "Traceback" not in checked.stdout + checked.stderr
    assert (upgraded.returncode, "the database has no tables" in upgraded.stderr) == (3, True)
    assert made.stdout == f"{fresh_postgresql_url}: created\n"
    assert kept.stdout == f"{fresh_postgresql_url}: kept\n"
    assert "was not looked at" not in again.stdout
    daemon = make_daemon(installation)
    await daemon.start()
    await daemon.stop()

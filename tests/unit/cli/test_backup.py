"""`illgate backup` and `restore`: what a copy holds is told and proven, and an upgrade can be taken back."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daemon import Installation
from tests.support.databases import NEWER, list_revisions
from tests.support.paths import ROOT
from tests.unit.cli.conftest import document, number_of, typed

ANA = "21000000000025"
NEWEST = list_revisions()[-1]


@pytest.fixture
def kept(own: Installation) -> Installation:
    """With a request."""
    number_of(typed(own)("request", "create", "--patron", ANA, "--title", "Peer Gynt"))
    return own


def list_titles(installation: Installation) -> list[str]:
    return re.findall("Peer Gynt|Brand", typed(installation)("request", "list").stdout)


def back_up(installation: Installation, *options: str) -> Path:
    done = typed(installation)("backup", str(installation.folder / "copies"), "--json", *options)
    return Path(document(done)["file"])


def read_revision(file: Path) -> str:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return str(connection.execute("SELECT version_num FROM gateway_schema").fetchone()[0])


def hash_files(folder: Path) -> dict[str, str]:
    """Of all files below that hold something, but SQLite's index of its log, and the lock."""
    named = (file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-shm", ".lock")))
    files = (file for file in named if file.stat().st_size)
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_backup_tells_what_it_holds(kept: Installation) -> None:
    done = typed(kept)("backup", str(kept.folder / "copies"))

    name, *facts = done.stdout.splitlines()
    contents = dict(re.findall(r"^  ([a-z ]+): +(.*)$", "\n".join(facts), re.MULTILINE))
    (copy,) = (kept.folder / "copies").iterdir()
    assert name.endswith(copy.name)
    assert (contents["revision"], contents["libraries"]) == (NEWEST, "DEMO")
    assert (contents["borrowing requests"], contents["lending requests"], contents["newest message"]) == (
        "1",
        "0",
        "none",
    )
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_the_newest_backups_are_kept_and_other_files_stay(kept: Installation) -> None:
    folder = kept.folder / "copies"
    folder.mkdir()
    for name in ("illgate-20260301T021500Z.db", "illgate-20260302T021500Z.db", "other.db"):
        (folder / name).touch()

    made = back_up(kept, "--keep", "2")

    assert sorted(file.name for file in folder.iterdir()) == sorted(
        ["illgate-20260302T021500Z.db", "other.db", made.name]
    )


def test_the_folder_of_the_settings_is_used(kept: Installation) -> None:
    assert typed(kept)("backup").exit_code == 2

    kept.change(store={"backups": "nightly"})
    typed(kept)("backup")

    assert len(list((kept.folder / "nightly").glob("illgate-*.db"))) == 1


def test_what_is_restored_is_what_was_backed_up(kept: Installation) -> None:
    copy = back_up(kept)
    typed(kept)("request", "create", "--patron", ANA, "--title", "Brand")

    looked = typed(kept)("restore", str(copy), "--dry-run")
    assert looked.exit_code == 0
    assert "borrowing requests: 1" in looked.stdout
    assert sorted(list_titles(kept)) == ["Brand", "Peer Gynt"], "nothing was changed"
    assert typed(kept)("restore", str(copy), input="n\n").exit_code == 1
    assert len(list_titles(kept)) == 2

    done = typed(kept)("restore", str(copy), "--yes")

    assert done.exit_code == 0, done.output
    assert list_titles(kept) == ["Peer Gynt"]
    assert len(list(kept.database.parent.glob("illgate-before-restore-*.db"))) == 1
    assert not list(kept.database.parent.glob("*.restoring*"))
    assert stat.S_IMODE(kept.database.stat().st_mode) == 0o600


def test_the_former_database_is_whole_without_the_log_of_a_killed_process(kept: Installation, tmp_path: Path) -> None:
    copy = back_up(kept)
    with closing(sqlite3.connect(kept.database)) as living:
        living.execute("PRAGMA journal_mode=WAL")
        living.execute("UPDATE request SET document = replace(document, 'Peer Gynt', 'Brand')")
        living.commit()
        for file in kept.database.parent.glob(f"{kept.database.name}*"):  # as a kill leaves them
            shutil.copy(file, tmp_path)
    for file in tmp_path.glob(f"{kept.database.name}*"):
        shutil.copy(file, kept.database.parent)
    assert (tmp_path / f"{kept.database.name}-wal").stat().st_size > 0

    typed(kept)("restore", str(copy), "--yes")

    (former,) = kept.database.parent.glob("illgate-before-restore-*.db")
    alone = shutil.copy(former, tmp_path / "alone.db")
    with closing(sqlite3.connect(alone)) as looked:
        ((document,),) = looked.execute("SELECT document FROM request").fetchall()
    assert "Brand" in document


def test_a_damaged_backup_is_refused_and_changes_nothing(kept: Installation) -> None:
    copy = back_up(kept)
    with copy.open("r+b") as opened:
        opened.seek(copy.stat().st_size - 20 * 4096)  # in tables that nobody counts
        opened.write(b"rubbish from a disk" * 2_000)
    before = hash_files(kept.database.parent)

    done = typed(kept)("restore", str(copy), "--yes")

    assert done.exit_code == 4, done.output
    assert f"{copy} could not be copied: " in done.stderr
    assert hash_files(kept.database.parent) == before


def test_nothing_is_restored_below_a_running_daemon(kept: Installation, tmp_path: Path) -> None:
    copy = back_up(kept)
    served = kept.copy(tmp_path / "served")
    with served.serve():
        done = typed(served)("restore", str(copy), "--yes")

    assert done.exit_code == 4
    assert "is in use by another illgate" in done.stderr


# --- an upgrade and the way back ---------------------------------------------------------------------------------


READING = (("request", "list"), ("journal", "list"))
"""Commands that read the store."""


class NewerBuild:
    """This release's code with one more step of its tables, as a program of its own."""

    def __init__(self, folder: Path) -> None:
        for package in ("gateway", "adapters", "rehearsal", "profiles"):
            shutil.copytree(ROOT / package, folder / package)
        for file in ("gateway.yml", "requests.yml"):
            shutil.copy(ROOT / file, folder / file)
        step = folder / "gateway" / "store" / "migrations" / "versions" / "9999_later.py"
        step.write_text(NEWER.format(newest=NEWEST))
        self._folder = folder

    def run(self, installation: Installation, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["-c", "from gateway.cli import main; main()", "--config", str(installation.config), *words]
        environment = {**os.environ, "PYTHONPATH": str(self._folder)}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self._folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


def test_an_upgrade_is_taken_back_by_its_backup(kept: Installation, tmp_path: Path) -> None:
    newer = NewerBuild(tmp_path / "newer")
    copy = back_up(kept)

    def read_with_newer_build(code: int) -> str:
        """What its commands that read print; they change no byte of the installation."""
        before = hash_files(kept.folder)
        done = [newer.run(kept, *words) for words in READING]
        assert [one.returncode for one in done] == [code] * len(READING), done
        assert hash_files(kept.folder) == before
        return "".join(one.stdout + one.stderr for one in done)

    refusal = "this release needs 9999: run `illgate upgrade`"
    assert refusal in read_with_newer_build(3)

    upgraded = newer.run(kept, "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    assert "Peer Gynt" in read_with_newer_build(0)
    refused = typed(kept)("request", "list")
    assert (refused.exit_code, read_revision(kept.database)) == (3, "9999")

    restored = typed(kept)("restore", str(copy), "--yes")

    assert restored.exit_code == 0, restored.output
    assert (list_titles(kept), read_revision(kept.database)) == (["Peer Gynt"], NEWEST)
    assert refusal in read_with_newer_build(3)
    (former,) = kept.database.parent.glob("illgate-before-restore-*.db")
    assert read_revision(former) == "9999"
    back = typed(kept)("restore", str(former), "--yes")
    assert (back.exit_code, "at revision 9999, which this release does not know" in back.stderr) == (3, True)
    assert read_revision(kept.database) == NEWEST

    again = newer.run(kept, "restore", str(copy), "--yes")
    assert "It is of an older release: run `illgate upgrade`." in again.stdout

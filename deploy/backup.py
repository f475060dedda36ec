#!/usr/bin/env python3
"""Copy illgate's SQLite database while the daemon runs, check the copy, and keep the newest few.

    backup.py /var/lib/illgate/illgate.db /var/backups/illgate --keep 14

Needs nothing but Python. The copy is a whole database: to restore, stop illgate, put the copy in the place of the
database, remove the files beside it that end in -wal and -shm, start illgate. Keep gateway.yml, profiles/ and the
files of secrets as well. It names patrons: keep it as safe as the original.

On PostgreSQL: pg_dump --format=custom illgate > illgate.dump, and pg_restore --clean --dbname=illgate illgate.dump.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

PAGES = 2_000
"""Pages copied at a time; writers go on in between."""


class BackupFailed(Exception):
    """There is no new copy; those of before are untouched."""


def back_up(database: Path, folder: Path, now: datetime) -> Path:
    """Returns the new copy, `illgate-20260301T120000Z.db`. Raises BackupFailed."""
    if not database.is_file():
        raise BackupFailed(f"{database}: no such database")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{database.stem}-{now:%Y%m%dT%H%M%SZ}.db"
    unfinished = target.with_suffix(".part")
    os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        _copy(database, unfinished)
    except sqlite3.Error as error:
        unfinished.unlink()
        raise BackupFailed(f"{database}: {error}") from error
    unfinished.replace(target)
    return target


def _copy(database: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, pages=PAGES, sleep=0.01)
        copy.execute("PRAGMA journal_mode=DELETE")
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {found}")


def forget_old(database: Path, folder: Path, keep: int) -> list[Path]:
    """Remove all copies of this database but the newest; returns those removed."""
    old = sorted(folder.glob(f"{database.stem}-????????T??????Z.db"))[:-keep]
    for copy in old:
        copy.unlink()
    return old


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", type=Path, help="the file that store.url in gateway.yml names")
    parser.add_argument("folder", type=Path, help="where the copies go")
    parser.add_argument("--keep", type=int, default=14, metavar="N", help="keep the newest N copies (14)")
    given = parser.parse_args()
    if given.keep < 1:
        parser.error("--keep must be 1 or more")
    try:
        copy = back_up(given.database, given.folder, datetime.now(UTC))
    except (BackupFailed, OSError) as error:
        sys.stderr.write(f"no backup: {error}\n")
        return 1
    sys.stdout.write(f"{copy}\n")
    forget_old(given.database, given.folder, given.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())

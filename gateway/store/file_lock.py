"""One daemon for one SQLite file.

Two on one file would each fire the timers, send the outbox and poll the mailboxes, and neither would hear of the
other: who shares a database among nodes takes PostgreSQL. Commands work beside the daemon, as SQLite lets them.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.domain.problems import Unavailable

SUFFIX = ".lock"


class DatabaseFileLock:
    """A lock that is held as long as the process lives, however it ends, or until it is released. The lock is on a file
    of its own beside the database: one on the database itself would be in the way of SQLite's. The file stays when the
    lock goes: between a look and its removal another daemon might have taken it."""

    def __init__(self, database: Path) -> None:
        """`database` may be a link: what counts is the file itself."""
        self._database = database
        real = database.resolve()
        self._file = real.with_name(real.name + SUFFIX)
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Lock the file; raises Unavailable when another daemon has it, OSError naming the file when it can't be
        made."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_process_number(descriptor)
        except BlockingIOError as taken:
            holder = _read_process_number(descriptor)
            os.close(descriptor)
            raise Unavailable(
                f"{self._database} is in use by another illgate{holder}. Only one daemon can use a SQLite file. "
                "Stop the other daemon, or configure a separate database (store.url). To run several nodes, use "
                "PostgreSQL"
            ) from taken
        except OSError as error:  # its own words name no file
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, str(self._file)) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; does nothing where it isn't held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _write_process_number(descriptor: int) -> None:
        """Write our process number, for whoever comes second."""
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _read_process_number(descriptor: int) -> str:
    """Ready to print; empty where the file doesn't say it yet."""
    number = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f" (process {number})" if number.isdigit() else ""

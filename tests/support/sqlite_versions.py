"""Other SQLites than Python's own: the versions that the store's statements are tried on, from the packages that carry
them. Each is installed once into a folder of its own, which is kept in the environment that the tests run in."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.domain.value import value_object

PACKAGE = "pysqlite3-binary"
DRIVER = "pysqlite3"
KEPT = Path(sys.prefix) / "share" / "illgate-tests"
SECONDS = 300


@value_object
class SqliteRelease:
    """A version of SQLite. `package`: the version of the package that carries it; `newest_python`: the last that the
    package was made for."""

    version: str
    package: str
    newest_python: tuple[int, int]


OLDEST = SqliteRelease("3.40.0", "0.5.0", (3, 11))
RELEASES = (OLDEST, SqliteRelease("3.45.0", "0.5.2.post3", (3, 12)), SqliteRelease("3.51.1", "0.5.4.post2", (3, 14)))


def require_sqlite(release: SqliteRelease) -> Path:
    """The folder from which `DRIVER` is imported. Skips where it can't be installed; where CI is set, that is a failure
    if the package was made for this Python."""
    if sys.version_info[:2] > release.newest_python:
        pytest.skip(f"{PACKAGE} {release.package} was not made for Python {sys.version_info[0]}.{sys.version_info[1]}")
    folder = KEPT / f"{PACKAGE}-{release.package}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes may want it at once
        if not folder.is_dir():
            _install_package(release, folder)
    return folder


def _install_package(release: SqliteRelease, folder: Path) -> None:
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-compile"]
    command = [*pip, "--only-binary", ":all:", "--target", made, f"{PACKAGE}=={release.package}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        made.replace(folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{PACKAGE} {release.package} could not be installed: {type(error).__name__}")
    finally:
        shutil.rmtree(made, ignore_errors=True)

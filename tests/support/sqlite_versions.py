"""Other SQLites than Python's own: the versions that the store's statements are tried on, from the packages that carry
them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.value import value_object
from tests.support.kept_folders import require_folder

PACKAGE = "pysqlite3-binary"
DRIVER = "pysqlite3"
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

    def install_package(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-compile"]
        command = [*pip, "--only-binary", ":all:", "--target", folder, f"{PACKAGE}=={release.package}"]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)

    return require_folder(f"{PACKAGE}-{release.package}", install_package)

"""The oldest versions that we hold to are the same wherever they stand."""

from __future__ import annotations

import tomllib
from typing import Any

from gateway.store.engine import OLDEST_SQLITE
from tests.support.paths import ROOT
from tests.support.sqlite_versions import OLDEST, RELEASES

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSIONS: dict[str, str] = PROJECT["tool"]["illgate"]["oldest"]


def shorten(version: str) -> str:
    return ".".join(version.split(".")[:2])


def test_the_oldest_sqlite_is_the_one_that_the_code_refuses_below_and_that_statements_are_tried_on() -> None:
    assert VERSIONS["sqlite"] == ".".join(map(str, OLDEST_SQLITE)) == OLDEST.version
    assert RELEASES[0] == OLDEST


def test_readme_names_them() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    python = PROJECT["project"]["requires-python"].removeprefix(">=")
    for name, version in (("Python", python), ("SQLite", shorten(VERSIONS["sqlite"]))):
        assert f"{name} {version}" in readme
    assert f"PostgreSQL {VERSIONS['postgresql']}" in readme
    assert f"Dovecot {VERSIONS['dovecot']}" in readme
    oldest, *others, newest = (shorten(release.version) for release in RELEASES)
    assert f"SQLite {', '.join((oldest, *others))} and {newest}" in readme


def test_operations_name_the_oldest_sqlite_and_postgresql() -> None:
    operations = " ".join((ROOT / "docs" / "operations.md").read_text(encoding="utf-8").split())
    assert f"before {shorten(VERSIONS['sqlite'])}" in operations
    assert f"PostgreSQL is {VERSIONS['postgresql']} or newer" in operations

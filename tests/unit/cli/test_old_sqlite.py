"""A Python whose SQLite is older than those that the store is tried on."""

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.support.daemon import Installation


@pytest.mark.parametrize("command", [("serve",), ("check",), ("journal", "list")], ids=" ".join)
def test_it_is_refused_in_one_sentence(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.37.2")

    refused = CliRunner().invoke(main, ["--config", str(installation.config), *command], catch_exceptions=False)

    assert refused.stderr == ("SQLite 3.37.2 of this Python is too old: the database needs SQLite 3.40.0 or newer\n")
    assert refused.stdout == ""
    assert refused.exit_code == 3

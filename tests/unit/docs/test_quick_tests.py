"""`make test-quick` leaves out what needs a server, starts a program, or takes long."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support.forked_processes import ForkedProcess
from tests.support.paths import ROOT
from tests.support.quick_tests import FOLDERS, SLOW_FILES, is_quick, refuse_programs

SERVER_FIXTURES = {"postgresql_server", "postgresql_url", "fresh_postgresql_url", "copied_postgresql_url"}


def test_no_quick_test_asks_for_a_server(request: pytest.FixtureRequest) -> None:
    quick = [item for item in request.session.items if is_quick(item)]

    assert request.node in quick
    assert [item.nodeid for item in quick if not SERVER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))] == []


def test_a_quick_test_can_start_no_program(tmp_path: Path) -> None:
    with refuse_programs(), pytest.raises(pytest.fail.Exception, match="must be marked slow"):
        subprocess.run([sys.executable, "--version"], check=True)
    with refuse_programs(), pytest.raises(pytest.fail.Exception, match="must be marked slow"):
        ForkedProcess(print, (), tmp_path / "log")


@pytest.mark.parametrize("pattern", SLOW_FILES)
def test_slow_files_are_there(pattern: str) -> None:
    files = [str(file.relative_to(ROOT)) for folder in FOLDERS for file in (ROOT / folder).rglob("test_*.py")]

    assert [file for file in files if fnmatch(file, pattern)] != []

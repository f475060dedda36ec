"""What a red run tells: whose fault it is, what failed, what was skipped and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.run_summary import describe_run, describe_skips, read_results

ROOT = Path(__file__).resolve().parents[3]

LEFT_OPEN = """
import gc, socket

def test_fails_before_it_closes():
    opened = socket.socket()
    assert opened is None

def test_after_a_failure():
    pass

def test_never_closes():
    circle = []
    circle += [circle, socket.socket()]

def test_later():
    gc.collect()
"""

CONFTEST = """
from tests.support.open_resources import OpenResources

def pytest_configure(config):
    config.pluginmanager.register(OpenResources())
"""


@pytest.mark.slow
def test_a_socket_that_was_left_open_is_told_with_where_it_was_opened(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_left.py").write_text(LEFT_OPEN)
    warnings = ("-W", "error::ResourceWarning", "-W", "error::pytest.PytestUnraisableExceptionWarning")
    output = run_pytest(tmp_path, *warnings, "-p", "no:randomly")

    failures, _, summary = output.partition("short test summary info")
    assert "FAILED test_left.py::test_fails_before_it_closes - " in summary
    assert "FAILED test_left.py::test_later - " in summary, "a defect of the test before it"
    assert "2 failed, 2 passed in" in summary, output
    below_first, below_second = failures.split("_ test_later _")
    assert "left open by the failed test" in below_first
    assert "opened in test_left.py::test_fails_before_it_closes, " in below_first
    assert "opened in test_left.py::test_never_closes, " in below_second
    assert "test_left.py:13" in below_second


RESULTS = """
import pytest, unittest

@pytest.mark.parametrize("size", [1, 2])
def test_fits(size):
    assert size == 1

@pytest.mark.parametrize("size", [1, 2, 3])
def test_needs_a_server(size):
    pytest.skip("no Dovecot (apt-get install dovecot-imapd)")

@pytest.mark.skip(reason="takes an hour")
def test_long():
    pass

@pytest.fixture
def broken():
    raise OSError("no such file")

def test_without_its_fixture(broken):
    pass

class TestMachine(unittest.TestCase):
    def test_steps(self):
        self.fail("after 3 steps")
"""


@pytest.mark.slow
def test_a_run_ends_with_what_failed_and_why_others_were_skipped(tmp_path: Path) -> None:
    (tmp_path / "test_parts.py").write_text(RESULTS)
    run_pytest(tmp_path, "-o", "junit_family=xunit1", f"--junitxml={tmp_path / '1.xml'}", "-p", "no:randomly")
    summary = read_results(tmp_path)

    assert describe_skips(summary) == [
        "    3 skipped: no Dovecot (apt-get install dovecot-imapd)",
        "    1 skipped: takes an hour",
    ]
    assert describe_run(summary, "7") == (
        "1 passed, 3 failed (test_parts.py::test_fits[2], test_parts.py::test_without_its_fixture, "
        "test_parts.py::TestMachine::test_steps), 4 skipped (reasons above); "
        "one alone: .venv/bin/pytest -rs 'test_parts.py::test_fits[2]'; "
        "all in this order: python3 bootstrap.py test --seed 7"
    )
    output = run_pytest(tmp_path, *list(summary.failures))
    assert "2 failed, 1 error in" in output, "by these names pytest finds them"


def run_pytest(folder: Path, *arguments: str) -> str:
    """What pytest prints of the tests of this folder, with nothing of ours."""
    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "--rootdir", str(folder), "-c", "/dev/null"]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr

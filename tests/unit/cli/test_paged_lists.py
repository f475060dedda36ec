"""A list that is longer than the terminal goes through a pager."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress

import pytest

from tests.support.daemon import ILLGATE

pytestmark = pytest.mark.slow  # starts a program

LIST = (ILLGATE, "key", "scopes")


def run_on_terminal(rows: int) -> str:
    """Run a command that prints a dozen lines, with a pager that numbers the lines; what the terminal shows."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"PAGER": "cat -n", "LINES": str(rows), "COLUMNS": "200", "TERM": "xterm"}
    shown = b""
    with subprocess.Popen(LIST, stdin=terminal, stdout=terminal, stderr=terminal, env=environment):
        os.close(terminal)
        with suppress(OSError):  # Linux says so where nobody has the other end open any more
            while chunk := os.read(controller, 65536):
                shown += chunk
    os.close(controller)
    return shown.decode().replace("\r\n", "\n")


def test_long_list_goes_through_the_pager() -> None:
    first, second, *_rest = run_on_terminal(rows=10).splitlines()
    assert (first.split()[:2], second.split()[0]) == (["1", "SCOPE"], "2")


def test_list_with_room_is_printed_as_it_is() -> None:
    assert run_on_terminal(rows=500).startswith("SCOPE ")

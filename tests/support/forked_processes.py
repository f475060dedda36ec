"""Processes that begin as copies of one that has loaded the gateway, by multiprocessing's fork server: to load it takes
two seconds of a processor, and tests start two hundred daemons. Memory, files, signals and end are each one's own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tests.support.loaded_gateway"])


class ForkedProcess:
    """What tests use of `subprocess.Popen`, for a function of a module instead of a program. What it prints is in
    `log`."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[object], log: Path) -> None:
        given = (function, tuple(arguments), str(log), dict(os.environ))
        self._process = _CONTEXT.Process(target=call_with_log, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def call_with_log(
    function: Callable[..., Any], arguments: Sequence[object], log: str, environment: Mapping[str, str]
) -> None:
    """In the new process, whose environment is that of the one it was copied from."""
    os.environ.clear()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    function(*arguments)


def run_illgate(*arguments: str) -> None:
    """As the command does; ends by SystemExit."""
    from gateway.cli import main

    main(arguments, prog_name="illgate")

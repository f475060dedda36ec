"""mutmut, with a time limit that hits its own workers only: `python tests/mutation/bounded_mutmut.py run …`.

mutmut 3.8 ends a worker that takes too long by the number of its process, and does so for workers that ended long ago
too. Where numbers come round within that time, as on a busy machine with 32,768 of them, the signal ends whatever
process has the number by then. Here a worker is held by a descriptor, which never stands for another process (Linux).

A worker that can't find the tests it is given ends with TESTS_NOT_FOUND here; mutmut would take the error for a test
that fails, and the mutant for noticed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from threading import Timer

from mutmut.__main__ import cli
from mutmut.runners.harness import BadTestExecutionCommandsException, PytestRunner
from mutmut.workers import isolation

TESTS_NOT_FOUND = 4
"""Also in tests/mutation/functions.py, which can't import this file: it would import mutmut."""

_run_tests = PytestRunner.run_tests


def run_known_tests(runner: PytestRunner, *, mutant_name: str | None, tests: Iterable[str]) -> int:
    """As mutmut's: pytest's exit code. Without a mutant it raises BadTestExecutionCommandsException."""
    try:
        return int(_run_tests(runner, mutant_name=mutant_name, tests=tests))
    except BadTestExecutionCommandsException:
        if mutant_name is None:
            raise
        return TESTS_NOT_FOUND


def register_timeout(pid: int, timeout_s: float) -> None:
    """As mutmut's: end the worker after so many seconds."""
    timer = Timer(timeout_s, _end_worker, [os.pidfd_open(pid)])
    timer.daemon = True
    timer.start()


def _end_worker(descriptor: int) -> None:
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGXCPU)
    except ProcessLookupError:
        return  # it ended in time
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    isolation.register_timeout = register_timeout
    PytestRunner.run_tests = run_known_tests
    cli()

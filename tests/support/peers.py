"""Servers that behave as real ones do, octet for octet, as processes of their own.

Their folder isn't part of the repository: ILLGATE_PEERS, else ../shared/peers. `tests/interop/test_peers.py` compares
each with what was recorded of the real one.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.running_servers import stop_process

VERIFY_SECONDS = 300.0
GREETING = "listening on 127.0.0.1:"


class RealisticPeer:
    """A running peer, a child of this process, on a free port or `port`. `stop` ends it.

    `name`: its folder, such as `sip2-evergreen`; `options`: as its README lists them. `logs` gets what was received and
    answered.
    """

    def __init__(self, peers: Path, name: str, logs: Path, *options: str, port: int = 0) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        command = ["sh", str(peers / name / "start"), str(port), str(logs), *options]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        greeting = self._output.readline()
        if not greeting.startswith(GREETING):
            self.stop()
            raise RuntimeError(f"{name} did not start: {greeting!r}")
        self.port = int(greeting.removeprefix(GREETING))
        # what it prints later is read, so that it never waits for a reader
        threading.Thread(target=self._output.read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        stop_process(self._process)
        self._output.close()


def compare_with_recordings(peers: Path, name: str, *arguments: str) -> str:
    """What `verify.py` of this peer says, with these arguments. Raises AssertionError with it, if an answer differs."""
    command = [sys.executable, str(peers / name / "verify.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output

"""Servers that behave as real ones do, octet for octet, as processes of their own.

Their folder isn't part of the repository: ILLGATE_PEERS, else ../shared/peers. `tests/interop/test_peers.py` compares
each with what was recorded of the real one.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.running_servers import STOP_SECONDS

VERIFY_SECONDS = 300.0
LOADER = Path(__file__).with_name("peer_loader.py")
GREETING = "listening on 127.0.0.1:"


class LoadedPeer:
    """A process that has loaded a peer's program, and from which each peer is forked (`peer_loader`)."""

    def __init__(self, path: Path) -> None:
        self._asked, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with given:
            command = [sys.executable, LOADER, path, str(given.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[given.fileno()])
        atexit.register(self._stop)

    def fork(self, arguments: Sequence[str], output: int) -> int:
        """Fork a peer whose standard output is the descriptor `output`; its process id."""
        socket.send_fds(self._asked, [json.dumps(arguments).encode()], [output])
        return int(self._asked.recv(64))

    def _stop(self) -> None:
        self._asked.close()
        self._process.wait(STOP_SECONDS)


load_peer = functools.cache(LoadedPeer)


class RealisticPeer:
    """A running peer on a free port or `port`. `stop` ends it.

    `name`: its folder, such as `sip2-evergreen`; `options`: as its README lists them. `logs` gets what was received and
    answered.
    """

    def __init__(self, peers: Path, name: str, logs: Path, *options: str, port: int = 0) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        reading, writing = os.pipe()
        self._output = os.fdopen(reading, encoding="utf-8")
        try:
            self._process = load_peer(peers / name / "peer.py").fork([str(port), str(logs), *options], writing)
        finally:
            os.close(writing)
        greeting = self._output.readline()
        self._reader = threading.Thread(target=self._output.read, daemon=True)
        self._reader.start()  # what it prints later is read, so that it never waits for a reader
        if not greeting.startswith(GREETING):
            self.stop()
            raise RuntimeError(f"{name} did not start: {greeting!r}")
        self.port = int(greeting.removeprefix(GREETING))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and kill it if it doesn't: its output ends with it."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, sign)
            self._reader.join(STOP_SECONDS)
            if not self._reader.is_alive():
                break
        self._output.close()


def compare_with_recordings(peers: Path, name: str, *arguments: str) -> str:
    """What `verify.py` of this peer says, with these arguments. Raises AssertionError with it, if an answer differs."""
    command = [sys.executable, str(peers / name / "verify.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output

"""YAZ's own programs as peers in tests: yaz-client, to compare with, and yaz-ztest, a target with fixed records."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import free_port
from tests.support.running_servers import stop_process
from tests.support.zebra import START_SECONDS, binary

CLIENT_SECONDS = 60.0


def client(address: str, *commands: str, database: str = "Default") -> str:
    """What yaz-client prints for these commands, in one session."""
    said = subprocess.run(
        [binary("yaz-client"), f"{address}/{database}"],
        input="\n".join((*commands, "quit", "")).encode(),
        capture_output=True,
        timeout=CLIENT_SECONDS,
        check=True,
    )
    return said.stdout.decode("utf-8", "replace")


def counts(address: str, queries: Sequence[str], database: str = "Default") -> list[int]:
    """Hits of each query (PQF). In UTF-8, as it is given."""
    said = client(address, "querytype prefix", *(f"find {query}" for query in queries), database=database)
    return [int(number) for number in re.findall(r"^Number of hits: (\d+)", said, re.MULTILINE)]


@contextmanager
def ztest(*arguments: str) -> Iterator[int]:
    """A running yaz-ztest; its port."""
    port = free_port()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [binary("yaz-ztest"), "-T", *arguments, f"tcp:127.0.0.1:{port}"],
            cwd=Path(tempfile.gettempdir()),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(port, process)
            yield port
        finally:
            stop_process(process)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("yaz-ztest did not start")

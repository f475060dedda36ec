"""PgBouncer in transaction mode before a test's server: Debian's program, loopback, a free port, a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support.daemon import free_port
from tests.support.postgresql import find_owner

START_SECONDS = 20.0

KNOWS_PREPARED = (1, 21)
"""Since then PgBouncer knows of prepared statements."""


def require_pgbouncer() -> str:
    """The program. Where CI is set, a missing one is a failure."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing = "no PgBouncer on this machine (apt-get install pgbouncer)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return program


def read_version(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, told.split()[1].split(".")))


@contextmanager
def pooled(url: str, *, prepared: int = 0, mode: str = "transaction", size: int = 3) -> Iterator[str]:
    """Run one before the server of this URL; gives the URL by which clients reach it. `prepared`: so many prepared
    statements it knows of; `size`: connections to the server."""
    program = require_pgbouncer()
    knows_prepared = read_version(program) >= KNOWS_PREPARED
    if prepared and not knows_prepared:
        pytest.skip("this PgBouncer knows of no prepared statements")
    folder = Path(tempfile.mkdtemp(prefix="illgate-pgbouncer-"))
    server, port = make_url(url), free_port()
    config, log = folder / "pgbouncer.ini", folder / "log"
    config.write_text(
        f"""[databases]
* = host=127.0.0.1 port={server.port} user={server.username}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
{f"max_prepared_statements = {prepared}" if knows_prepared else ""}
""",
        encoding="utf-8",
    )
    user = find_owner(folder)  # it refuses to run as root, as the server does
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, str(config)], cwd=folder, user=user, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_up(process, log)
        yield server.set(port=port).render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if b"process up" in log.read_bytes():
            return
        time.sleep(0.02)
    raise RuntimeError(f"PgBouncer did not start:\n{log.read_text(errors='replace')}")

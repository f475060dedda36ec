"""invenio-sip2 as a peer: a SIP2 server that isn't ours, with its Redis, each a process of its own.

It needs many packages, and other versions of some than the gateway does, so it lives in an environment of its own, made
once and kept beside that of the tests; `ILLGATE_INVENIO_SIP2` names one that is there already.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

from tests.support.daemon import free_port
from tests.support.installed import NotInstalled
from tests.support.invenio_app import PASSWORD, USER
from tests.support.paths import ROOT

__all__ = ["PASSWORD", "USER", "InvenioServer"]

REQUIREMENTS = Path(__file__).with_name("invenio_sip2_requirements.txt")
KEPT = Path(sys.prefix) / "share" / "illgate-tests" / "invenio-sip2-1.0.0"
INSTALL_SECONDS = 600
START_SECONDS = 180.0
APP = ROOT / "tests" / "support" / "invenio_app.py"
LIBRARY = ROOT / "tests" / "fakes" / "desk_library.py"


class InvenioServer:
    """A child of this process, with patrons P1 and P2 (PIN 1234) and items I1 and I2."""

    def __init__(self, folder: Path) -> None:
        """Raises NotInstalled."""
        redis, python = _find_redis(), _find_python()
        self.port = free_port()
        redis_port = free_port()
        self._history = folder / "history.json"
        self._log = folder / "invenio.log"
        with self._log.open("ab") as log:
            command = [redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
            self._redis = subprocess.Popen(command, stdout=log, stderr=log)
            command = [str(python), str(APP), str(self.port), str(redis_port), str(LIBRARY), str(self._history)]
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": ""})
        try:
            _wait_for_port(redis_port, self._redis, self._log)
            _wait_for_port(self.port, self._server, self._log)
        except RuntimeError:
            self.stop()
            raise

    @property
    def history(self) -> list[list[str]]:
        """What was carried out: verb, patron, barcode."""
        found: list[list[str]] = json.loads(self._history.read_text("utf-8")) if self._history.exists() else []
        return found

    @property
    def is_running(self) -> bool:
        return self._server.poll() is None

    def stop(self) -> None:
        for process in (self._server, self._redis):
            process.kill()
            process.wait()


def _find_redis() -> str:
    found = shutil.which("redis-server")
    if found is None:
        raise NotInstalled("redis-server is not installed")
    return found


def _find_python() -> Path:
    if named := os.environ.get("ILLGATE_INVENIO_SIP2"):
        python = Path(named) / "bin" / "python"
        if not python.exists():
            raise NotInstalled(f"there is no environment in {named}")
        return python
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes may want it at once
        if not (KEPT / "ready").exists():
            _install(KEPT)
    return KEPT / "bin" / "python"


def _install(folder: Path) -> None:
    """Without the bytecode of what nothing imports, which would take as long again."""
    venv.create(folder, clear=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    command = [*pip, "install", "-q", "--no-compile", "--no-deps", "-r", str(REQUIREMENTS)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"invenio-sip2 could not be installed: {type(error).__name__}") from error
    (folder / "ready").touch()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"it does not start:\n{log.read_text(errors='replace')[-3000:]}")

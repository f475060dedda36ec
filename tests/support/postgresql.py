"""A PostgreSQL server of one's own for tests: Debian's binaries, loopback, a free port, a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

START_SECONDS = 30
START_ATTEMPTS = 3
"""A port that was free when we looked may be taken by the time the server wants it."""

STOP_SECONDS = 20

DURABLE = ("unix_socket_directories=", "timezone=UTC")
"""As PostgreSQL comes, but without a socket file, whose path could be too long."""

QUICK = (*DURABLE, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests in which nothing must outlive the server."""


class NotInstalled(Exception):
    """There are no server binaries on this machine."""


def binaries() -> Path:
    """The folder of the newest server installed. Raises NotInstalled."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NotInstalled("no PostgreSQL server in /usr/lib/postgresql/*/bin (apt-get install postgresql)")
    return found[-1].parent


class Server:
    """A running server, a child of this process. `stop` ends it and removes its folder."""

    def __init__(self, settings: tuple[str, ...] = QUICK) -> None:
        self._binaries = binaries()
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="illgate-postgresql-"))
        self._user = _owner(self._folder)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it (again: on the same port). Raises RuntimeError with the server's log if it doesn't come up."""
        attempts = 1 if self.port else START_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self.port or _free_port()
            if self._started_on(port):
                self.port = port
                return
            if attempt == attempts:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')}")

    def halt(self) -> None:
        """Stop at once, as in a power cut, and keep the data: `start` recovers it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def stop(self) -> None:
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, template: str = "template0") -> str:
        """A new database, empty or a copy of one that nobody is connected with; returns its name."""
        name = f"test_{uuid.uuid4().hex}"
        self._client("createdb", f"--template={template}", name)
        return name

    def drop_database(self, name: str) -> None:
        """Whoever is still connected is thrown out."""
        self._client("dropdb", "--force", "--if-exists", name)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _initialise(self) -> None:
        options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self._run("initdb", f"--pgdata={self._data}", *options)

    def _started_on(self, port: int) -> bool:
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(port), "-h", "127.0.0.1"]
        for setting in self._settings:
            command += ["-c", setting]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, user=self._user, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if self._is_ready():
                return True
            time.sleep(0.02)
        self.halt()
        return False

    def _is_ready(self) -> bool:
        """The last line of the server's pid file says so; a stale file has another process id."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self._process is not None
        return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def _client(self, program: str, *arguments: str) -> None:
        self._run(program, "--host=127.0.0.1", f"--port={self.port}", "--username=postgres", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


def _owner(folder: Path) -> str | None:
    """The server refuses to run as root: then it runs as Debian's user postgres, who must own its folder."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

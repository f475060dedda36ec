"""A PostgreSQL server of one's own for tests: Debian's binaries, loopback, a free port, a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from tests.support.daemon import free_port
from tests.support.installed import NotInstalled

START_SECONDS = 30
START_ATTEMPTS = 3
"""A port that was free when we looked may be taken by the time the server wants it."""

STOP_SECONDS = 20

DURABLE = ("unix_socket_directories=", "timezone=UTC")
"""As PostgreSQL comes, but without a socket file, whose path could be too long."""

QUICK = (*DURABLE, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests in which nothing must outlive the server."""


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
        self._user = find_owner(self._folder)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of the process that has all others of the server as children."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def start(self) -> None:
        """Start it (again: on the same port). Raises RuntimeError with the server's log if it doesn't come up."""
        attempts = 1 if self.port else START_ATTEMPTS
        for attempt in range(1, attempts + 1):
            port = self.port or free_port()
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

    def read_log(self) -> str:
        """What it has written so far."""
        return self._log.read_text("utf-8", errors="replace")

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
        self._run("initdb", f"--pgdata={self._data}", *options, user=self._user)

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

    def query(self, database: str, *statements: str) -> str:
        """What psql prints of them: a line for each row, values apart by a stroke."""
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        commands = [f"--command={statement}" for statement in statements]
        return self._client("psql", f"--dbname={database}", *options, *commands)

    def _client(self, program: str, *arguments: str) -> str:
        return self._run(program, "--host=127.0.0.1", f"--port={self.port}", "--username=postgres", *arguments)

    def _run(self, program: str, *arguments: str, user: str | None = None) -> str:
        """As somebody else it takes longer to start: then all memory of this process is copied for it."""
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self._folder,
            user=user,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
        return done.stdout


class DatabaseCopies:
    """Copies of a database, of which the same one serves one test after the other: to empty it takes a tenth of what
    it takes to make and to drop one."""

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._kept = self._list_filled_tables()
        """Tables that have rows in the template: the revisions of the schema."""
        self._shape = self._describe_shape(template)

    def take_copy(self) -> str:
        """Its name."""
        return self._free.pop() if self._free else self._server.create_database(self._template)

    def give_back(self, name: str) -> None:
        """Whoever is still connected is thrown out. A copy whose tables aren't as they were is dropped."""
        kept = ", ".join(f"'{table}'" for table in self._kept)
        if self._describe_shape(name, _END_OTHER_SESSIONS, _EMPTY_TABLES.replace("KEPT", kept)) == self._shape:
            self._free.append(name)
        else:
            self._server.drop_database(name)

    def _list_filled_tables(self) -> list[str]:
        tables = self._server.query(self._template, _LIST_TABLES).split()
        parts = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables]
        return self._server.query(self._template, " UNION ALL ".join(parts)).split()

    def _describe_shape(self, name: str, *before: str) -> str:
        kept = [f'SELECT * FROM "{table}" ORDER BY 1' for table in self._kept]
        return self._server.query(name, *before, _DESCRIBE_SHAPE, *kept)


_LIST_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"

_END_OTHER_SESSIONS = """
DO $$
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid();
END
$$
"""

_EMPTY_TABLES = """
DO $$
DECLARE
  name text;
  has_rows boolean;
  filled text[] := '{}';
BEGIN
  FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN (KEPT) LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO has_rows;
    IF has_rows THEN
      filled := filled || name;
    END IF;
  END LOOP;
  IF cardinality(filled) > 0 THEN
    EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' CASCADE';
  END IF;
  FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' AND last_value > 0 LOOP
    EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
  END LOOP;
END
$$
"""

_DESCRIBE_SHAPE = """
SELECT md5(string_agg(part, ';' ORDER BY part)) FROM (
  SELECT concat_ws(' ', relname, relkind, attname, atttypid, atttypmod, attnotnull, atthasdef) AS part
  FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
  WHERE relnamespace = 'public'::regnamespace AND attnum > 0
  UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT rulename FROM pg_rules WHERE schemaname = 'public'
  UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
) AS parts
"""


def find_owner(folder: Path) -> str | None:
    """The server refuses to run as root: then it runs as Debian's user postgres, who must own its folder."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name

"""What an installation shows of itself: by the same commands that an operator has, and straight from its database."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.daemon import Installation

MANY = ("--limit", "10000")


class Nothing(Exception):
    """The command refused; its message says why."""


def look(installation: Installation, *words: str) -> str:
    """What `illgate` prints. Raises Nothing."""
    done = installation.run(*words, check=False)
    if done.returncode:
        raise Nothing(done.stdout + done.stderr)
    return done.stdout


def library(installation: Installation, *words: str) -> Any:
    """`illgate library … --json`: a list, or one patron or item."""
    shown = look(installation, "library", *words, "--json")
    return json.loads(shown) if words[0] in ("patron", "item") else [json.loads(line) for line in shown.splitlines()]


def journal(installation: Installation, *filters: str) -> list[dict[str, Any]]:
    """`illgate journal list … --json`: newest first."""
    shown = look(installation, "journal", "list", "--json", *MANY, *filters)
    return [json.loads(line) for line in shown.splitlines()]


def exported(installation: Installation, file: Path, *filters: str) -> list[tuple[dict[str, Any], bytes]]:
    """Messages with their bytes, newest first."""
    look(installation, "journal", "export", "--to", str(file), *filters)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [(row, base64.b64decode(row["body_base64"])) for row in rows]


@dataclass(frozen=True)
class Database:
    """An SQLite store, read by nobody's help but SQLite's own."""

    file: Path

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as connection:
            return connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: object) -> Any:
        ((found,),) = self.rows(statement, *values)
        return found

    def column(self, statement: str, *values: object) -> list[Any]:
        return [row[0] for row in self.rows(statement, *values)]

    @property
    def tables(self) -> list[str]:
        return self.column("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")

    def content(self, *without: str) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables but these."""
        wanted = [name for name in self.tables if name not in without]
        with closing(self._connect()) as connection:  # one for all: each reads the schema first
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in wanted}

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)


def count_defects(installation: Installation) -> int:
    """Those that the daemon has met since its start, as its metrics count them: also where it can write no log."""
    with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/metrics", timeout=30) as page:
        counts = re.findall(rb"^illgate_defects_total\S* (\S+)$", page.read(), re.MULTILINE)
    return int(sum(map(float, counts)))


TRACEBACK = re.compile(r"Traceback|\.py:\d+ in |exchange\.defect")
"""Python's own, and what gateway.runtime.logs makes of one."""


def tracebacks(installation: Installation) -> list[str]:
    """Lines of the daemon's log that tell of a defect."""
    return find_tracebacks(installation.log)


def find_tracebacks(log: Path) -> list[str]:
    """Lines of a gateway's log that tell of a defect (tests/faults/test_defects.py). An empty log proves nothing: what
    the gateway had to say went elsewhere."""
    lines = log.read_text(errors="replace").splitlines()
    assert lines, f"{log} is empty"
    return [line for line in lines if TRACEBACK.search(line)]

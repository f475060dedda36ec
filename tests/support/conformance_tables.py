"""What `illgate conformance` says of a system, as lines that can be compared; and what a trial must leave as it was."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.daemon import run_in_process

Line = dict[str, Any]


def try_system(config: Path, file: Path, profile: str, *options: str) -> tuple[list[Line], dict[str, Any]]:
    """By the command, with a report in `file` (.json): its findings, and the whole of it."""
    ran = run_in_process("--config", str(config), "conformance", profile, *options, "--report", str(file), check=False)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    report = json.loads(file.read_text("utf-8"))
    assert report["passed"] is (ran.returncode == 0)
    return list_lines(report), report


def list_lines(report: Mapping[str, Any]) -> list[Line]:
    """Each finding once, with all places where it was found, in the order of the first ones."""
    places: dict[tuple[str, ...], list[str]] = {}
    for place, found in _list_findings(report):
        places.setdefault(found, []).append(place)
    return [
        {"found": found[0], "clause": found[1], "at": at} if len(found) > 1 else {"untried": found[0], "at": at}
        for found, at in places.items()
    ]


def _list_findings(report: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for conversation in report["conversations"]:
        for exchange in conversation["exchanges"]:
            place = f"{conversation['name']}: {exchange['title']}"
            if exchange["untried"]:
                yield place, (exchange["untried"],)
            for one in exchange["findings"]:
                yield place, (f"{one['check']} ({one['weight']}): {one['words']}", one["clause"])


PROCESSES = frozenset({"server_secret", "node", "task_leader"})
"""Tables of the gateway's processes: keys that it makes for itself, who lives and who leads."""


def dump_store(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that people have any part in."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(opened.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in names
            if name not in PROCESSES
        }

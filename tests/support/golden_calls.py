"""What each operation says to a library's system, call by call with query and body, beside tests/golden/calls-….txt.

A fake takes much that the real system would take as well and do something else with: a day in the wrong field, a patron
who is written to. What is sent is compared whole. `python -m tests.unit.golden` writes the files again, by running the
tests that name them with `ILLGATE_GOLDEN=write`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping

from rehearsal.fakes.fake_server import FakeCall
from tests.support.paths import ROOT

GOLDEN = ROOT / "tests" / "golden"
WRITES = "ILLGATE_GOLDEN"

_DRAWN_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")

TESTS = (
    "tests/unit/adapters/alma/test_calls.py",
    "tests/unit/adapters/folio/test_calls.py",
    "tests/unit/adapters/koha/test_calls.py",
)


def find_changed_calls(system: str, operations: Mapping[str, Iterable[FakeCall]]) -> list[str]:
    """Those of these operations whose calls aren't those of the golden file; two at the same time come in any order."""
    file = GOLDEN / f"calls-{system}.txt"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    known = dict(part.split("\n", 1) for part in text.split("=== ")[1:])
    sections = {name: _number_drawn_ids("".join(map(_format_call, calls))) for name, calls in operations.items()}
    if os.environ.get(WRITES) == "write":
        known |= sections
        file.write_text("".join(f"=== {name}\n{calls}" for name, calls in known.items()), encoding="utf-8")
    return [
        f"{name}:\n{calls}where before:\n{known.get(name, '')}"
        for name, calls in sections.items()
        if sorted(calls.splitlines()) != sorted(known.get(name, "").splitlines())
    ]


def write_golden_calls() -> None:
    """All anew, so that what is no more goes."""
    for file in GOLDEN.glob("calls-*.txt"):
        file.unlink()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", "of_the_page", *TESTS]
    subprocess.run(command, cwd=ROOT, env={**os.environ, WRITES: "write"}, check=True)


def _format_call(call: FakeCall) -> str:
    query = "&".join(f"{name}={value}" for name, values in sorted(call.query.items()) for value in values)
    path = f"{call.path}?{query}" if query else call.path
    return " ".join(filter(None, (call.method, path, _format_body(call.body)))) + "\n"


def _number_drawn_ids(text: str) -> str:
    """UUIDs of version 4 are drawn by chance."""
    drawn: dict[str, str] = {}
    return _DRAWN_ID.sub(lambda match: drawn.setdefault(match[0], f"uuid-{len(drawn)}"), text)


def _format_body(body: str) -> str:
    """JSON with its keys in order; all else as it is, in one line."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, sort_keys=True) if body else ""
    except ValueError:
        return body.replace("\n", "\\n")

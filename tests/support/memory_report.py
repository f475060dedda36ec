"""What each process of tests had in memory at most, and the files that made it grow; a plugin of pytest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

GOAL_MB = 600
"""What a worker should stay under."""

MIN_GROWTH_MB = 15
"""Files during which it grew less aren't named."""

MAX_FILES = 12

_STATUS = Path("/proc/self/status")
_KEY = "illgate_memory"
"""Under which a worker of pytest-xdist tells the process that started it."""


def read_memory_mb() -> tuple[int, int]:
    """Now, and at most so far; 0 where the system doesn't tell."""
    try:
        lines = _STATUS.read_text("ascii").splitlines()
    except OSError:
        return 0, 0
    fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
    now, most = (int(fields.get(name, "0").split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


class MemoryReport:
    def __init__(self) -> None:
        self._kept: Counter[str] = Counter()
        self._raised: Counter[str] = Counter()
        self._told: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        before = read_memory_mb()
        try:
            return (yield)
        finally:
            after = read_memory_mb()
            self._kept[item.location[0]] += after[0] - before[0]
            self._raised[item.location[0]] += after[1] - before[1]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self._kept:
            return
        most = dict.fromkeys(
            name for name, _ in (*self._raised.most_common(MAX_FILES), *self._kept.most_common(MAX_FILES))
        )
        found = {"peak": read_memory_mb()[1], "files": {name: (self._raised[name], self._kept[name]) for name in most}}
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_KEY] = found
        else:
            self._told["tests"] = found

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Of pytest-xdist. A worker that crashed has told nothing."""
        output = getattr(node, "workeroutput", {})
        if _KEY in output:
            self._told[node.gateway.id] = output[_KEY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line of all processes, and of those above the goal what made them grow."""
        peaks = ", ".join(f"{name} {told['peak']}" for name, told in sorted(self._told.items()))
        terminalreporter.write_line(f"MB in memory at most: {peaks or 'unknown'}")
        for name, told in sorted(self._told.items()):
            if told["peak"] <= GOAL_MB:
                continue
            terminalreporter.write_sep("-", f"{name} had {told['peak']} MB at most; the goal is {GOAL_MB}")
            for file, (raised, kept) in told["files"].items():
                if max(raised, kept) >= MIN_GROWTH_MB:
                    terminalreporter.write_line(f"{raised:5} MB more at most, {kept:5} MB kept: {file}")

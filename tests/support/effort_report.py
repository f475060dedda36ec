"""Counts of presses and scans that works of staff and patrons cost, noted by tests of a browser; a plugin of pytest."""

from __future__ import annotations

from typing import Any

import pytest

_PROPERTY = "effort"

_noted: list[str] = []


def note_effort(work: str, effort: str, goal: str) -> None:
    """Note what a work has cost, to be printed at the end of all tests; the test itself holds the goal."""
    _noted.append(f"{work}: {effort} (goal: {goal})")


class EffortReport:
    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        """The report of a test carries it from a worker of pytest-xdist to the process that prints."""
        if call.when == "call":
            item.user_properties.extend((_PROPERTY, line) for line in _noted)
            _noted.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._lines.update((str(line), None) for name, line in report.user_properties if name == _PROPERTY)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines:
            terminalreporter.write_sep("-", "presses and scans")
        for line in sorted(self._lines):
            terminalreporter.write_line(line)

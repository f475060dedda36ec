"""What a test leaves open is told with where it was opened, and as that test's; a plugin of pytest.

A socket, transport, file or process that nobody closed warns when it is collected as garbage, which may be in any later
test, and warnings are errors. So the warning says which test opened the socket, and where. What a failed test has left
open isn't another fault (its frames are kept until its failure is told): it is collected at the end of that test, and
listed below its failure.
"""

from __future__ import annotations

import gc
import socket
import sys
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = f"{Path(__file__).resolve().parent.parent.parent}/"
NOT_OURS = (sys.prefix, sys.base_prefix, __file__, "<")
"""Where code of others begins: Python, what is installed, and what has no file."""
MAX_REMEMBERED = 5_000
MAX_FRAMES = 4
SECTION = "left open by the failed test, seen at teardown"
"""pytest prints sections of a teardown below the failure, if they have this word in their name."""


class OpenResources:
    def __init__(self) -> None:
        self._test = "no test"
        self._opened: OrderedDict[int, str] = OrderedDict()
        """Where the last sockets were opened, by `id`; by then a weak reference would be dead."""
        self._failed = False
        self._left_open: list[str] | None = None
        """Warnings of the moment, while what a failed test left open is collected."""

    def pytest_sessionstart(self) -> None:
        """By then pytest has its own hook for what a finalizer can't raise, which ours calls."""
        make_socket, report = socket.socket.__init__, sys.unraisablehook

        def remember_socket(opened: socket.socket, *arguments: Any, **named: Any) -> None:
            self._opened.pop(id(opened), None)
            self._opened[id(opened)] = f"in {self._test}, {describe_frames(sys._getframe(1))}"
            if len(self._opened) > MAX_REMEMBERED:
                self._opened.popitem(last=False)
            make_socket(opened, *arguments, **named)

        def report_with_place(unraisable: sys.UnraisableHookArgs, /) -> None:
            place = self._find_place(unraisable)
            if self._left_open is not None and isinstance(unraisable.exc_value, ResourceWarning):
                self._left_open.append(f"{unraisable.exc_value}{place}")
                return
            if place and unraisable.exc_value is not None:
                unraisable.exc_value.add_note(place.strip())
            report(unraisable)

        socket.socket.__init__ = remember_socket  # type: ignore[method-assign]
        sys.unraisablehook = report_with_place

    def _find_place(self, unraisable: sys.UnraisableHookArgs) -> str:
        """Return where the socket was opened, or the one of a transport of asyncio whose finalizer failed."""
        found = unraisable.object
        traceback = unraisable.exc_traceback
        while traceback is not None and not isinstance(found, socket.socket):
            found = getattr(traceback.tb_frame.f_locals.get("self"), "_sock", None)
            traceback = traceback.tb_next
        place = self._opened.get(id(found)) if isinstance(found, socket.socket) else None
        return f"\nopened {place}" if place else ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._test, self._failed = item.nodeid, False
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self._failed = self._failed or report.failed
        if call.when == "teardown" and self._failed:
            call.excinfo = None
            report.sections.extend((SECTION, text) for text in self._collect_left_open())
        return report

    def _collect_left_open(self) -> list[str]:
        for name in ("last_value", "last_traceback", "last_exc"):
            if hasattr(sys, name):
                delattr(sys, name)  # pytest keeps the failure there, for debuggers
        self._left_open = []
        gc.collect()
        left_open, self._left_open = self._left_open, None
        return left_open


def describe_frames(frame: FrameType | None) -> str:
    """The innermost places in code of ours, the nearest first."""
    places: list[str] = []
    while frame is not None and len(places) < MAX_FRAMES:
        file = frame.f_code.co_filename
        if not file.startswith(NOT_OURS):
            places.append(f"{file.removeprefix(ROOT)}:{frame.f_lineno}")
        frame = frame.f_back
    return " from ".join(places) or "outside our code"

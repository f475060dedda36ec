"""Calls to a fake as they came, and whether the real system would take them: by `check_calls.py` of ../shared/specs,
which knows FOLIO's own schemas and module descriptors."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import web

from rehearsal.fakes.folio import FakeFolio

CallRow = Mapping[str, Any]


class RecordingFolio(FakeFolio):
    """`recorded`: every call with what was answered, as `check_calls.py` reads them."""

    recorded: list[CallRow]

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.recorded = []

    async def _answer(self, request: web.Request) -> web.Response:
        response = await super()._answer(request)
        query = {name: request.query.getall(name) for name in request.query}
        self.recorded.append(
            {
                "method": request.method,
                "path": request.path,
                "query": query,
                "headers": dict(request.headers),
                "body": (await request.read()).decode(),
                "status": response.status,
                "response": response.text or "",
            }
        )
        return response


def list_refusals(specs: Path, document: str, calls: Iterable[CallRow]) -> list[str]:
    """Why the real system would refuse a call; `document`: such as `folio/folio.json`."""
    checks = load_call_checks(specs)
    checker = _make_checker(specs, document)
    found: list[str] = []

    class Report(checks.Report):  # type: ignore[name-defined,misc]
        def add(self, refused: bool, kind: str, operation: str, what: str, _call: object) -> None:
            if refused:
                found.append(f"{operation}: {kind} {what}".strip())

    report = Report()
    for number, row in enumerate(calls, 1):
        checker.check(checks.Call(row, str(number)), report, False)
    return found


@functools.cache
def _make_checker(specs: Path, document: str) -> Any:
    return load_call_checks(specs).Folio(json.loads((specs / document).read_text("utf-8")), "")


@functools.cache
def load_call_checks(specs: Path) -> ModuleType:
    """`check_calls.py` of the folder of specifications."""
    spec = importlib.util.spec_from_file_location("check_calls", specs / "check_calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

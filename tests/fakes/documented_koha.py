"""A fake Koha that serves the OpenAPI document of a real one, and refuses what that document refuses.

The documents and `check_calls.py`, which judges calls by them, are no part of the repository (ILLGATE_SPECS): nothing
of how they are read is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from rehearsal.fakes.fake_server import FakeCall, record_call
from rehearsal.fakes.koha import API, FakeKoha, KohaAccess
from rehearsal.fakes.koha_schema import KohaError, Row
from rehearsal.fakes.koha_state import KohaState
from tests.support.recorded_calls import load_call_checks

DOCUMENTS = ("community-older", "production-23.11", "fork-near-main-2026")


@cache
def load_document(specs: Path, name: str) -> Any:
    return json.loads((specs / "koha" / f"{name}.json").read_bytes())


@cache
def make_checker(specs: Path, name: str) -> Any:
    return load_call_checks(specs).Koha(load_document(specs, name), API)


_UNTOLD_PERMISSIONS = {"/patrons/{patron_id}/account/debits": {"updatecharges": "remaining_permissions"}}
"""Of paths whose file isn't in the documents, by the list beside them (`operations.md`)."""

Granted = Mapping[str, frozenset[str]]
"""Groups of permissions, and those of each that are given; none: all of it."""


def is_permitted(asked: Any, granted: Granted) -> bool:
    """As Koha judges `x-koha-authorization` (C4::Auth::haspermission, Koha/REST/V1/Auth.pm): entries of a list are
    alternatives, keys of an object are all needed; "*" is anything of a group, "1" all of it."""
    if isinstance(asked, list):
        return any(is_permitted(one, granted) for one in asked)
    return all(
        group in granted and (not granted[group] or wanted == "*" or wanted in granted[group])
        for group, wanted in asked.items()
    )


class DocumentedKoha(FakeKoha):
    """`refused`: what the real Koha would not have taken; `asked`: the permissions that the calls took. Of a document
    that knows some paths alone, or no permissions, the others are the fake's own."""

    def __init__(self, state: KohaState, access: KohaAccess, specs: Path, name: str, granted: Granted) -> None:
        super().__init__(state, access)
        self.document = name
        self.granted = granted
        self.asked: list[Any] = []
        self._checks = load_call_checks(specs)
        self._checker = make_checker(specs, name)
        self._told = load_document(specs, name)["paths"]
        self._document = self._merge_documents(load_document(specs, name))
        self.refused: list[str] = []
        calls = {f"{method.upper()} {path}" for path, methods in self._document["paths"].items() for method in methods}
        access.lacks = frozenset(route.call for route in self._list_routes()) - calls

    def _merge_documents(self, document: Any) -> Any:
        """With what the fake has and the document doesn't speak of."""
        own = super().describe_api()
        paths = dict(document["paths"])
        for path, methods in own["paths"].items():
            if not self._checker.covers(path):
                paths[path] = {**methods, **paths.get(path, {})}
        return {**document, "paths": paths, "parameters": own["parameters"]}

    def describe_api(self) -> Row:
        described: Row = self._document
        return described

    def _check_permission(self, route: Any) -> None:
        told = self._told.get(route.path, {}).get(route.method.lower(), {}).get("x-koha-authorization", {})
        by_group = {route.permission: "*"} if route.permission else {}
        asked = told.get("permissions") or _UNTOLD_PERMISSIONS.get(route.path, by_group)
        self.asked.append(asked)
        if not is_permitted(asked, self.granted):
            self.refused.append(f"{route.call}: lacks {asked}")
            raise KohaError(403, "Authorization failure. Missing required permission(s).")

    async def check_call(self, route: Any, request: web.Request) -> None:
        self._check_permission(route)
        if route.method.lower() not in self._told.get(route.path, {}):
            await super().check_call(route, request)
        elif faults := self.find_faults(await record_call(request)):
            self.refused += faults
            raise KohaError(400, "; ".join(faults))

    def find_faults(self, call: FakeCall) -> list[str]:
        report = self._checks.Report()
        self._checker.check(self._checks.Call(asdict(call), ""), report, False)
        return [f"{kind}: {operation}: {what}" for is_refused, kind, operation, what in report.rows if is_refused]

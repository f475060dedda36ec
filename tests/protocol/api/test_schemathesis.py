"""Requests made up from the OpenAPI document, good and bad, against a real gateway: no 5xx, no answer that the
document doesn't declare, nothing accepted that it forbids.

Where a request, a message or a webhook is named, it is often one that is there, so that acts really happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import requests

from gateway.services.people.api_keys import KeyScope
from gateway.web.api.operations import ALL
from tests.protocol.api.support import PATRON, CasePart, Running, Target, in_a_thread
from tests.support.daemon import Installation

ENDLESS = "streamEvents"
"""Tested by itself, since a client that waits for its end waits for ever."""

SHORT, WHOLE = CasePart(examples=3, one_in=12), CasePart(examples=12, one_in=1)
"""A request for a loan has 588 values at a bound, of 20 ms each."""


@pytest.fixture(scope="module")
def target(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    installation = fresh_installation.copy(tmp_path_factory.mktemp("schemathesis") / "illgate")
    with in_a_thread(installation) as (gateway, loop):

        def wait_for(work: Coroutine[Any, Any, Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result(30)

        key = wait_for(gateway.key(*KeyScope))
        made = Target(f"{gateway.url}/api/v1", key, {})
        _seed(made, gateway, wait_for)
        yield made


def _seed(target: Target, gateway: Running, wait_for: Any) -> None:
    """Requests in several states, a message that could not be sent, webhooks."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {target.key}"

        def post(path: str, body: dict[str, Any], version: str = "*") -> Any:
            answer = session.post(f"{target.url}{path}", json=body, headers={"If-Match": version}, timeout=30)
            assert answer.ok, answer.text
            return answer.json()

        book = {"type": "book", "title": "Naiv. Super", "author": "Loe, Erlend"}
        titles = ("Døden på Oslo S", "Голод", "三体", "Ο Ζορμπάς")
        drafts = [{"citation": {**book, "title": title}, "patron": {"identifier": PATRON}} for title in titles]
        borrowing = [post("/requests", draft)["id"] for draft in drafts]
        asked = {"citation": book, "requester": {"symbol": "ISIL:NO-02030", "profile": "bergen"}}
        services = ({"type": "loan"}, {"type": "copy"}, {"type": "copy"})
        lending = [
            post("/lending-requests", {**asked, "transaction": f"LT-{number}", "service": service})["id"]
            for number, service in enumerate(services)
        ]
        for request in borrowing[:2]:
            post(f"/requests/{request}/actions/assign", {"partner": "bergen"})
            post(f"/requests/{request}/actions/approve", {})
        wait_for(gateway.managed.drain_due_work())
        hooks = [post("/webhooks", {"name": "portal", "url": "https://portal.example/hook"})["id"] for _ in range(4)]
        letters = session.get(f"{target.url}/dead-letters", timeout=30).json()["items"]
        target.known["/requests"] = borrowing + lending
        target.known["/patron"] = borrowing
        target.known["/webhooks"] = hooks
        target.known["/dead-letters"] = [one["id"] for one in letters]


@pytest.mark.parametrize("part", [SHORT, pytest.param(WHOLE, marks=pytest.mark.long)], ids=["short", "whole"])
@pytest.mark.parametrize("label", [f"{one.method} {one.path}" for one in ALL if one.id != ENDLESS])
def test_the_document_holds(label: str, part: CasePart, target: Target) -> None:
    from tests.protocol.api.schema_cases import check_operation  # here, since every worker collects this file

    check_operation(label, target, part)

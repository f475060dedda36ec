"""Requests made up from the OpenAPI document, good and bad, against a real gateway: no 5xx, no answer that the
document doesn't declare, nothing accepted that it forbids.

Where a request, a message or a webhook is named, it is often one that is there, so that acts really happen.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import (
    CheckFunction,
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from gateway.domain.requests.attachments import FileType
from gateway.services.api_keys import KeyScope
from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL
from tests.protocol.api.support import PATRON, Running, in_a_thread
from tests.support.daemon import Installation

BEGINNINGS = {
    FileType.PDF.value: b"%PDF-1.7\n",
    FileType.TIFF.value: b"II*\x00",
    FileType.PNG.value: b"\x89PNG\r\n\x1a\n",
    FileType.JPEG.value: b"\xff\xd8\xff",
    FileType.GIF.value: b"GIF89a",
}
"""How files of some types begin."""

ENDLESS = "streamEvents"
"""Tested by itself, since a client that waits for its end waits for ever."""

LINKS = ("/openurl/resolve",)
"""Any key may stand in the address of these: a link has its own."""

EXAMPLES = 8

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    negative_data_rejection,
    ignored_auth,
]


@dataclass
class Target:
    """`known`: ids by the beginning of the path that takes them."""

    url: str
    key: str
    known: dict[str, list[str]]


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


REJECTED = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428]

config = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}})
document = build_openapi(ALL, version("illgate"))
"""What the gateway serves (test_documents compares the two)."""

del document["components"]["schemas"]["EditLetter"]["properties"]["payload"]["maxLength"]
# To make texts of just 100,000 characters by a pattern costs 460 MB, which Hypothesis keeps.

schema = schemathesis.openapi.from_dict(document, config=config)


for media_type, beginning in BEGINNINGS.items():
    schemathesis.openapi.media_type(media_type, st.binary(max_size=300).map(beginning.__add__))


def _really(case: Any, known: dict[str, list[str]], chance: random.Random) -> None:
    """Names something that is there, in three of four cases that may."""
    if case.meta is None or case.meta.generation.mode is GenerationMode.NEGATIVE:
        return  # what is wrong with it stays as it is
    for beginning, ids in known.items():
        named = case.operation.path.startswith(f"{beginning}/{{id}}") or "requests/{id}" in case.operation.path
        if named and ids and chance.random() < 0.75 and isinstance(case.path_parameters, dict):
            case.path_parameters["id"] = chance.choice(ids)
            break


OPERATIONS = {
    found.label: found for found in (one.ok() for one in schema.exclude(operation_id=ENDLESS).get_all_operations())
}


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_document_holds(label: str, target: Target) -> None:
    """The cases of an operation are made when its test runs: schemathesis' own decorator makes those of all while tests
    are collected, 400 MB in each worker."""

    operation = OPERATIONS[label]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    def check_case(case: Any) -> None:
        _really(case, target.known, random.Random(repr(case.body)))
        case.call_and_validate(
            base_url=target.url,
            headers={"Authorization": f"Bearer {target.key}"},
            checks=CHECKS,
            excluded_checks=[negative_data_rejection] if operation.path in LINKS else [],
            timeout=30,
        )

    check_operation = create_test(
        operation=operation,
        test_func=check_case,
        config=HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode)),
    )
    check_operation()

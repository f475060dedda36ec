"""Cases that schemathesis makes up from the OpenAPI document. To load it takes a second and 60 MB."""

from __future__ import annotations

import random
from functools import cache
from importlib.metadata import version
from itertools import count
from typing import Any

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
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from demo.world import COPY
from gateway.domain.requests.attachments import FileType
from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL
from tests.protocol.api.support import CasePart, Target

BEGINNINGS = {
    FileType.PDF.value: COPY,
    FileType.TIFF.value: b"II*\x00",
    FileType.PNG.value: b"\x89PNG\r\n\x1a\n",
    FileType.JPEG.value: b"\xff\xd8\xff",
    FileType.GIF.value: b"GIF89a",
}
"""How files of some types begin."""

LINKS = ("/openurl/resolve",)
"""Any key may stand in the address of these: a link has its own."""

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


REJECTED = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428]

config = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}})
document = build_openapi(ALL, version("illgate"))
"""What the gateway serves (test_documents compares the two)."""

del document["components"]["schemas"]["EditLetter"]["properties"]["payload"]["maxLength"]
# To make texts of just 100,000 characters by a pattern costs 460 MB, which Hypothesis keeps.

schema = schemathesis.openapi.from_dict(document, config=config)


for media_type, beginning in BEGINNINGS.items():
    schemathesis.openapi.media_type(media_type, st.binary(max_size=300).map(beginning.__add__))


def name_what_is_there(case: Any, known: dict[str, list[str]], chance: random.Random) -> None:
    """Names something that is there, in three of four cases that may."""
    if case.meta is None or case.meta.generation.mode is GenerationMode.NEGATIVE:
        return  # what is wrong with it stays as it is
    for beginning, ids in known.items():
        named = case.operation.path.startswith(f"{beginning}/{{id}}") or "requests/{id}" in case.operation.path
        if named and ids and chance.random() < 0.75 and isinstance(case.path_parameters, dict):
            case.path_parameters["id"] = chance.choice(ids)
            break


@cache
def index_operations() -> dict[str, Any]:
    """By label: method and path."""
    return {found.label: found for found in (one.ok() for one in schema.get_all_operations())}


def check_operation(label: str, target: Target, part: CasePart) -> None:
    """The cases of an operation are made when its test runs: schemathesis' own decorator makes those of all while tests
    are collected, 400 MB in each worker. Which part of those with a value at a bound is tried depends on the order of
    tests: each day another."""
    operation = index_operations()[label]
    numbers = count(random.randrange(part.one_in))

    @settings(
        max_examples=part.examples,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    def check_case(case: Any) -> None:
        if case.meta and case.meta.phase.name is TestPhase.COVERAGE and next(numbers) % part.one_in:
            return
        name_what_is_there(case, target.known, random.Random(repr(case.body)))
        case.call_and_validate(
            base_url=target.url,
            headers={"Authorization": f"Bearer {target.key}"},
            checks=CHECKS,
            excluded_checks=[negative_data_rejection] if operation.path in LINKS else [],
            timeout=30,
        )

    run_cases = create_test(
        operation=operation,
        test_func=check_case,
        config=HypothesisTestConfig(project=schema.config, modes=list(HypothesisTestMode)),
    )
    run_cases()

"""The OpenAPI document and the page made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from lxml import html

from gateway.services.people.api_keys import SCOPES, KeyScope
from gateway.web.api.openapi import build_openapi, render_docs_page
from gateway.web.api.operation import AnyOperation
from gateway.web.api.operations import ALL
from gateway.web.api.problems import ProblemType
from tests.protocol.api.support import Client

DOCUMENT = build_openapi(ALL, version("illgate"))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


async def test_the_gateway_serves_it(client: Client) -> None:
    answered = await client.with_key("")("GET", "openapi.json")
    assert answered.json == DOCUMENT
    assert answered.headers["Content-Type"].startswith("application/json")


def test_all_references_lead_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 20
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """All that stand under `schema`, or among the components, and those within them."""
    if isinstance(value, list):
        for item in value:
            yield from schemas(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _with_inner(inner) if key == "schema" else schemas(inner)


def _with_inner(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in inner:
        yield from _with_inner(each)


KEYWORDS = frozenset(
    re.findall(
        r"\S+",
        "$ref type format pattern minLength maxLength minimum maximum minItems maxItems items const enum anyOf oneOf "
        "discriminator properties required additionalProperties propertyNames default examples title description",
    )
)
"""Those of JSON Schema that are needed. Validators of OpenAPI 3.1 allow any other; makers of clients do not."""


def test_schemas_have_the_keywords_of_json_schema_alone() -> None:
    components = [schema for each in DOCUMENT["components"]["schemas"].values() for schema in _with_inner(each)]
    found = [*schemas(DOCUMENT["paths"]), *components]
    assert len(found) > 1_000
    assert [schema for schema in found if not schema.keys() <= KEYWORDS] == []


@pytest.mark.parametrize("operation", ALL, ids=lambda one: one.id)
def test_each_operation_is_described_whole(operation: AnyOperation) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    in_path = {one["name"] for one in described["parameters"] if one["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", operation.path)) == set(operation.path_model.model_fields)
    assert {one["apiKey"][0] for one in described["security"]} == set(operation.scopes)
    assert described["summary"]
    assert not described["summary"].endswith(".")
    statuses = set(described["responses"])
    assert {str(one.status) for one in operation.answers} <= statuses
    assert {"401", "403", "422", "500", "503"} <= statuses


def test_operations_have_names_of_their_own() -> None:
    assert len({one.id for one in ALL}) == len(ALL)
    assert len({(one.method, one.path) for one in ALL}) == len(ALL)


def test_every_scope_is_explained_and_opens_something() -> None:
    assert set(SCOPES) == set(KeyScope) == {scope for one in ALL for scope in one.scopes}
    every_key = next(one for one in ALL if one.id == "showKey")
    others = {scope for one in ALL if one is not every_key for scope in one.scopes}
    assert others == set(KeyScope)


# --- the page --------------------------------------------------------------------------------------------


async def test_the_page_loads_nothing_and_runs_its_own_script_alone(client: Client) -> None:
    answered = await client.with_key("")("GET", "docs")
    assert answered.headers["Content-Type"].startswith("text/html")
    policy = dict(each.split(" ", 1) for each in answered.headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["connect-src"], policy["form-action"]) == ("'none'", "'self'", "'none'")
    assert all(re.fullmatch(r"'sha256-[\w+/]+='", policy[f"{kind}-src"]) for kind in ("style", "script"))
    tree = html.document_fromstring(answered.body.decode())
    assert not tree.xpath("//link | //img | //iframe | //@onclick | //@src | //@style")
    assert len(tree.xpath("//script")) == 1
    assert all(href.startswith("#") or href == "openapi.json" for href in tree.xpath("//@href"))


def test_the_page_shows_every_operation_model_and_problem_and_its_links_lead_somewhere() -> None:
    tree = html.document_fromstring(render_docs_page(DOCUMENT))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {one.id for one in ALL} <= set(ids)
    assert {f"problem-{one.slug}" for one in ProblemType} <= set(ids)
    assert {href[1:] for href in tree.xpath("//@href") if href.startswith("#")} <= set(ids)
    assert len(tree.xpath("//details[starts-with(@id, 'model-')]")) == len(DOCUMENT["components"]["schemas"])


def test_texts_are_escaped() -> None:
    hostile = {**DOCUMENT, "info": {"title": "<b>", "version": "1", "description": "<script>x</script>"}}
    assert "<script>" not in render_docs_page(hostile)

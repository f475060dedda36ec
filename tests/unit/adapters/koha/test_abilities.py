"""What is read of a release's own OpenAPI document."""

from __future__ import annotations

from pathlib import Path

from adapters.library.koha.abilities import read_abilities
from tests.unit.adapters.koha.place import koha_place

PAGE = {"name": "_page", "in": "query", "type": "integer"}


def test_references_are_followed_and_lead_nowhere_without_harm() -> None:
    listed = [{"$ref": "#/parameters/page"}, {"$ref": "#/parameters/gone"}, {"name": "hold_id", "in": "path"}]
    body = {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/a~1hold"}}
    document = {
        "paths": {"/holds": {"get": {"parameters": listed}, "patch": {"parameters": [body]}}},
        "parameters": {"page": {"$ref": "#/parameters/same"}, "same": PAGE},
        "definitions": {"a/hold": {"properties": {"priority": {}}}},
    }
    known = read_abilities(document)

    assert known is not None
    assert known.parameters["GET /holds"] == {"_page"}
    assert known.body_keys["PATCH /holds"] == {"priority"}


def test_openapi_3_has_schemas_and_bodies_elsewhere() -> None:
    embeds = {"name": "x-koha-embed", "in": "header", "schema": {"type": "array", "items": {"enum": ["item"]}}}
    body = {"content": {"application/json": {"schema": {"properties": {"priority": {}}}}}}
    known = read_abilities({"paths": {"/holds": {"get": {"parameters": [embeds]}, "patch": {"requestBody": body}}}})

    assert known is not None
    assert known.select_embeds("GET /holds", ("patron", "item")) == ("item",)
    assert known.may_send("PATCH /holds", "priority")


def test_a_circle_of_references_ends() -> None:
    known = read_abilities({"paths": {"/holds": {"get": {"parameters": [{"$ref": "#/a"}]}}}, "a": {"$ref": "#/a"}})

    assert known is not None
    assert known.parameters["GET /holds"] == frozenset()


async def test_a_list_without_paging_is_asked_without(tmp_path: Path) -> None:
    """Older releases take no parameters at all for patron categories, and refuse each (400)."""
    async with koha_place(tmp_path) as place:
        document = place.fake.describe_api()
        document["paths"]["/patron_categories"]["get"]["parameters"] = []
        known = read_abilities(document)
        assert known is not None
        place.library._client._known = known
        place.fake.clear_calls()

        assert (await place.library.codes()).patron_categories == {"ADULT", "VISITOR"}
        assert [call.query for call in place.fake.calls if "categories" in call.path] == [{}]

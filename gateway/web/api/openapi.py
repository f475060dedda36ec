"""The OpenAPI 3.1 document of a set of operations. It is made from the objects that serve them, so it can't differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.services.api_keys import SCOPES
from gateway.web.api.operation import Answer, AnyOperation, Parameters, Precondition, Raw, Repeats
from gateway.web.api.problem import CONTENT_TYPE, ProblemBody, ProblemType
from gateway.web.api.reading import JSON

Json = dict[str, Any]

REF = "#/components/schemas/{model}"
ROOT = "/api/v1"
SECURITY = "apiKey"

INTRODUCTION = """\
Requests that the gateway manages, for programs.

Send an API key as `Authorization: Bearer ilg_…` (`illgate key create` makes one). Errors are problem details
(RFC 9457). A change of a request needs `If-Match` with the ETag that came with it. A POST with an `Idempotency-Key`
can be sent again without being done again. Lists are paged: follow the `Link` header with `rel="next"`.
"""


class Schemas:
    """JSON Schemas of all models of all operations, as components."""

    def __init__(self, operations: Sequence[AnyOperation]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemBody, "serialization"): None}
        for one in operations:
            if one.body is not None and not isinstance(one.body, Raw):
                wanted[one.body, "validation"] = None
            for answer in one.answers:
                if answer.schema is not None:
                    wanted[answer.schema, "serialization"] = None
        self._refs, whole = models_json_schema(list(wanted), ref_template=REF)
        self.components: Json = whole["$defs"]

    def body(self, model: type[BaseModel]) -> Json:
        return self._refs[model, "validation"]

    def answer(self, model: type[BaseModel]) -> Json:
        return self._refs[model, "serialization"]


def document(operations: Sequence[AnyOperation], version: str) -> Json:
    schemas = Schemas(operations)
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation_object(one, schemas)
    scopes = "\n".join(f"- `{scope.value}`: {says}" for scope, says in SCOPES.items())
    return {
        "openapi": "3.1.0",
        "info": {"title": "illgate", "version": version, "description": INTRODUCTION},
        "servers": [{"url": ROOT}],
        "tags": [{"name": name} for name in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                SECURITY: {"type": "http", "scheme": "bearer", "description": f"An API key with scopes:\n{scopes}"}
            },
        },
    }


def _operation_object(one: AnyOperation, schemas: Schemas) -> Json:
    found: Json = {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [
            *_parameters(one.path_model, "path"),
            *_parameters(one.query_model, "query"),
            *_headers(one),
        ],
        "responses": {**_answers(one.answers, schemas), **_problem_responses(one.all_problems)},
        "security": [{SECURITY: [scope.value]} for scope in one.scopes],
    }
    if one.description:
        found["description"] = one.description
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": _content(one.body, schemas)}
    return found


def _content(body: type[BaseModel] | Raw, schemas: Schemas) -> Json:
    if isinstance(body, Raw):
        return {media_type: {"schema": {}} for media_type in body.media_types}
    return {JSON: {"schema": schemas.body(body)}}


def _parameters(model: type[Parameters], where: str) -> list[Json]:
    """A parameter model is flat, so its schemas stand where they are used; enumerations are written out."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    found = []
    for name, inner in schema.get("properties", {}).items():
        resolved = _written_out(inner, definitions)
        parameter: Json = {"name": name, "in": where, "required": where == "path" or name in required}
        if says := resolved.pop("description", ""):
            parameter["description"] = says
        resolved.pop("title", None)
        found.append({**parameter, "schema": resolved})
    return found


def _written_out(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_written_out(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_written_out(definitions[schema["$ref"].rpartition("/")[2]], definitions), **rest}
    if "anyOf" in schema:  # a query string can't say null: an optional parameter is left out
        choices = [one for one in schema["anyOf"] if one != {"type": "null"}]
        if len(choices) == 1:
            rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
            return {**_written_out(choices[0], definitions), **rest}
    return {name: _written_out(value, definitions) for name, value in schema.items()}


def _headers(one: AnyOperation) -> Iterable[Json]:
    if one.precondition is Precondition.VERSION:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "ETag of the request as it was read, or * for whatever it is now.",
            "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$', "examples": ['"7"']},
        }
    if one.repeats is Repeats.BY_KEY:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A key that is new for each request; sent again with it, a request is not done again.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        }


def _answers(answers: Sequence[Answer], schemas: Schemas) -> Json:
    found: Json = {}
    for answer in answers:
        says: Json = {"description": answer.description}
        if answer.schema is not None:
            says["content"] = {JSON: {"schema": schemas.answer(answer.schema)}}
        elif answer.media_types:
            says["content"] = {media_type: {"schema": {"type": "string"}} for media_type in answer.media_types}
        if answer.headers:
            says["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
            }
        found[str(answer.status)] = says
    return found


def _problem_responses(types: Sequence[ProblemType]) -> Json:
    by_status: dict[int, list[ProblemType]] = {}
    for one in types:
        by_status.setdefault(one.status, []).append(one)
    return {
        str(status): {
            "description": "; ".join(f"{one.title} ({one.slug})" for one in by_status[status]),
            "content": {CONTENT_TYPE: {"schema": {"$ref": REF.format(model=ProblemBody.__name__)}}},
        }
        for status in sorted(by_status)
    }

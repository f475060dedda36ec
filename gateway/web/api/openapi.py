"""The OpenAPI document, as JSON and as a page, made from the objects that serve the operations, so it can't differ. The
page can be read without scripts; its script adds forms that send the operations."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.services.people.api_keys import SCOPES
from gateway.web.api.models.bases import ParameterModel
from gateway.web.api.operation import AnswerDescription, AnyOperation, Precondition, RawBodyType, RepeatPolicy
from gateway.web.api.problems import CONTENT_TYPE, ProblemBody, ProblemType
from gateway.web.api.request_handler import JSON

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

JsonMapping = Mapping[str, Any]

STYLE = """
:root{color-scheme:light dark;--line:#8886;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem 1.25rem}
h1{margin:.2em 0}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}
code,pre{font:.9em/1.45 ui-monospace,monospace}
@media(max-width:40rem){code,td{overflow-wrap:anywhere}}
pre{background:var(--soft);padding:.7rem;overflow:auto;border-radius:4px}
details{border:1px solid var(--line);border-radius:4px;margin:.6rem 0;padding:0 .8rem}
summary{cursor:pointer;padding:.5rem 0}
summary b{display:inline-block;min-width:4.2rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;vertical-align:top;border-top:1px solid var(--line);padding:.3rem .8rem .3rem 0}
nav ul{columns:3 14rem;padding-left:1.1rem}
label{display:block;margin:.3rem 0}
input,select,textarea{display:block;box-sizing:border-box;width:100%;font:.9em ui-monospace,monospace}
[role=status]{white-space:pre-line;overflow-wrap:anywhere}
"""
SCRIPT = Path(__file__).with_name("try_operations.js").read_text(encoding="utf-8")


def _hash_source(text: str) -> str:
    """Name a style or script of the page for its policy, which allows no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_hash_source(STYLE)}; script-src {_hash_source(SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ComponentSchemas:
    """JSON Schemas of all models of all operations, as components."""

    def __init__(self, operations: Sequence[AnyOperation]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemBody, "serialization"): None}
        for operation in operations:
            if operation.body is not None and not isinstance(operation.body, RawBodyType):
                wanted[operation.body, "validation"] = None
            for answer in operation.answers:
                if answer.schema is not None:
                    wanted[answer.schema, "serialization"] = None
        self._refs, whole = models_json_schema(list(wanted), ref_template=REF)
        self.components: Json = whole["$defs"]

    def body_schema(self, model: type[BaseModel]) -> Json:
        return self._refs[model, "validation"]

    def answer_schema(self, model: type[BaseModel]) -> Json:
        return self._refs[model, "serialization"]


def build_openapi(operations: Sequence[AnyOperation], version: str) -> Json:
    schemas = ComponentSchemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation_object(operation, schemas)
    scopes = "\n".join(f"- `{scope.value}`: {says}" for scope, says in SCOPES.items())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "illgate",
            "version": version,
            "description": INTRODUCTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                SECURITY: {"type": "http", "scheme": "bearer", "description": f"An API key with scopes:\n{scopes}"}
            },
        },
    }


def _operation_object(operation: AnyOperation, schemas: ComponentSchemas) -> Json:
    result: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *_parameter_objects(operation.path_model, "path"),
            *_parameter_objects(operation.query_model, "query"),
            *_header_parameters(operation),
        ],
        "responses": {**_answer_responses(operation.answers, schemas), **_problem_responses(operation.all_problems)},
        "security": [{SECURITY: [scope.value]} for scope in operation.scopes],
    }
    if operation.description:
        result["description"] = operation.description
    if operation.body is not None:
        result["requestBody"] = {"required": True, "content": _body_content(operation.body, schemas)}
    return result


def _body_content(body: type[BaseModel] | RawBodyType, schemas: ComponentSchemas) -> Json:
    if isinstance(body, RawBodyType):
        return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in body.media_types}
    return {JSON: {"schema": schemas.body_schema(body)}}


def _parameter_objects(model: type[ParameterModel], where: str) -> list[Json]:
    """A parameter model is flat, so its schemas stand where they are used; enumerations are written out."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    parameters = []
    for name, inner in schema.get("properties", {}).items():
        resolved = _inline_references(inner, definitions)
        parameter: Json = {"name": name, "in": where, "required": where == "path" or name in required}
        if says := resolved.pop("description", ""):
            parameter["description"] = says
        resolved.pop("title", None)
        parameters.append({**parameter, "schema": resolved})
    return parameters


def _inline_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline_references(inner, definitions) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_inline_references(definitions[schema["$ref"].rpartition("/")[2]], definitions), **rest}
    if "anyOf" in schema:  # a query string can't say null: an optional parameter is left out
        choices = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
        if len(choices) == 1:
            rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
            return {**_inline_references(choices[0], definitions), **rest}
    return {name: _inline_references(value, definitions) for name, value in schema.items()}


def _header_parameters(operation: AnyOperation) -> Iterable[Json]:
    if operation.precondition is Precondition.VERSION:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "ETag of the request as it was read, or * for whatever it is now.",
            "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$', "examples": ['"7"']},
        }
    if operation.repeats is RepeatPolicy.BY_KEY:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A key that is new for each request; sent again with it, a request is not done again.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        }


def _answer_responses(answers: Sequence[AnswerDescription], schemas: ComponentSchemas) -> Json:
    responses: Json = {}
    for answer in answers:
        says: Json = {"description": answer.description}
        if answer.schema is not None:
            says["content"] = {JSON: {"schema": schemas.answer_schema(answer.schema)}}
        elif answer.media_types:
            says["content"] = {media_type: {"schema": {"type": "string"}} for media_type in answer.media_types}
        if answer.headers:
            says["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
            }
        responses[str(answer.status)] = says
    return responses


def _problem_responses(types: Sequence[ProblemType]) -> Json:
    by_status: dict[int, list[ProblemType]] = {}
    for problem in types:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        str(status): {
            "description": "; ".join(f"{problem.title} ({problem.slug})" for problem in by_status[status]),
            "content": {CONTENT_TYPE: {"schema": {"$ref": REF.format(model=ProblemBody.__name__)}}},
        }
        for status in sorted(by_status)
    }


def render_docs_page(document: JsonMapping) -> str:
    info = document["info"]
    return "".join(
        (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>",
            *_render_paragraphs(info["description"]),
            '<p>The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>',
            *_scope_section(document),
            *_contents_section(document),
            *_operation_sections(document),
            *_problem_table(),
            *_model_sections(document),
            f'<script type="module">{SCRIPT}</script></body></html>\n',
        )
    )


def _render_paragraphs(text: str) -> Iterable[str]:
    return (f"<p>{_mark_code(escape(part))}</p>" for part in text.strip().split("\n\n"))


def _mark_code(text: str) -> str:
    """Backquotes as code."""
    parts = text.split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _scope_section(document: JsonMapping) -> Iterable[str]:
    says = document["components"]["securitySchemes"]["apiKey"]["description"]
    yield '<h2 id="scopes">Scopes of keys</h2><ul>'
    for line in says.split("\n")[1:]:
        yield f"<li>{_mark_code(escape(line.removeprefix('- ')))}</li>"
    yield "</ul>"


def _iter_operations(document: JsonMapping) -> Iterable[tuple[str, str, JsonMapping]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _contents_section(document: JsonMapping) -> Iterable[str]:
    yield "<h2>Contents</h2><nav><ul>"
    for tag in document["tags"]:
        yield f'<li><a href="#tag-{_make_anchor(tag["name"])}">{escape(tag["name"])}</a></li>'
    yield '<li><a href="#problems">Problems</a></li><li><a href="#models">Models</a></li></ul></nav>'


def _operation_sections(document: JsonMapping) -> Iterable[str]:
    root = document["servers"][0]["url"]
    for tag in document["tags"]:
        yield f'<h2 id="tag-{_make_anchor(tag["name"])}">{escape(tag["name"])}</h2>'
        for method, path, operation in _iter_operations(document):
            if tag["name"] in operation["tags"]:
                yield from _operation_section(method, root + path, operation)


def _operation_section(method: str, path: str, operation: JsonMapping) -> Iterable[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary><b>{method}</b> <code>{escape(path)}</code> '
    yield f"{escape(operation['summary'])}</summary>"
    yield from _render_paragraphs(operation.get("description", ""))
    scopes = [scope for requirement in operation["security"] for scope in requirement["apiKey"]]
    if scopes:
        yield f"<p>Scope: {' or '.join(f'<code>{escape(scope)}</code>' for scope in scopes)}</p>"
    if operation["parameters"]:
        yield "<table><tbody><tr><th>Parameter</th><th>in</th><th>type</th><th></th></tr>"
        for field in operation["parameters"]:
            needed = " (needed)" if field["required"] else ""
            yield f"<tr><td><code>{escape(field['name'])}</code>{needed}</td><td>{field['in']}</td>"
            yield f"<td>{_format_schema_type(field['schema'])}</td><td>{escape(field.get('description', ''))}</td></tr>"
        yield "</tbody></table>"
    if "requestBody" in operation:
        yield f"<p>Body: {_format_bodies(operation['requestBody']['content'])}</p>"
    yield "<table><tbody><tr><th>Answer</th><th></th><th>content</th></tr>"
    for status, response in operation["responses"].items():
        yield f"<tr><td>{status}</td><td>{escape(response['description'])}</td>"
        yield f"<td>{_format_bodies(response.get('content', {}))}</td></tr>"
    yield "</tbody></table></details>"


def _format_bodies(content: JsonMapping) -> str:
    return ", ".join(
        f"<code>{escape(media_type)}</code> {_format_schema_type(entry['schema']) if entry['schema'] else ''}"
        for media_type, entry in content.items()
    )


def _problem_table() -> Iterable[str]:
    yield '<h2 id="problems">Problems</h2><table><tbody><tr><th>type</th><th>status</th><th>title</th></tr>'
    for problem in ProblemType:
        yield f'<tr id="problem-{problem.slug}"><td><code>{problem.slug}</code></td><td>{problem.status}</td>'
        yield f"<td>{escape(problem.title)}</td></tr>"
    yield "</tbody></table>"


def _model_sections(document: JsonMapping) -> Iterable[str]:
    yield '<h2 id="models">Models</h2>'
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="model-{_make_anchor(name)}"><summary><code>{escape(name)}</code></summary>'
        yield from _render_paragraphs(schema.get("description", ""))
        if "enum" in schema:
            yield f"<p>One of {', '.join(f'<code>{escape(str(value))}</code>' for value in schema['enum'])}</p>"
        yield from _field_table(schema)
        whole = escape(json.dumps(schema, ensure_ascii=False, indent=1))
        yield f"<details><summary>JSON Schema</summary><pre>{whole}</pre></details></details>"


def _field_table(schema: JsonMapping) -> Iterable[str]:
    if not schema.get("properties"):
        return
    needed = set(schema.get("required", ()))
    yield "<table><tbody><tr><th>Field</th><th>type</th><th></th></tr>"
    for name, inner in schema["properties"].items():
        mark = " (needed)" if name in needed else ""
        yield f"<tr><td><code>{escape(name)}</code>{mark}</td><td>{_format_schema_type(inner)}</td>"
        yield f"<td>{escape(inner.get('description', ''))}</td></tr>"
    yield "</tbody></table>"


def _format_schema_type(schema: JsonMapping) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#model-{_make_anchor(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_format_schema_type(inner) for inner in schema["anyOf"])
    if "allOf" in schema:
        return " and ".join(_format_schema_type(inner) for inner in schema["allOf"])
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    if "const" in schema:
        return escape(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {_format_schema_type(schema.get('items', {}))}"
    return escape(" ".join(part for part in (str(schema.get("type", "any")), schema.get("format", "")) if part))


def _make_anchor(name: str) -> str:
    return escape("".join(char if char.isalnum() else "-" for char in name))

"""JSON schemas as lists of keys: of a file of settings, each with its place, type and default."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """A key of a file. `path` has `[]` for the places of a list and `*` for the names of a table."""

    path: tuple[str, ...]
    schema: Schema
    is_required: bool

    @property
    def name(self) -> str:
        return ".".join(self.path).replace(".[]", "[]").replace("*", "NAME")


def list_keys(document: Schema) -> Iterator[Key]:
    """All keys of a JSON schema, those of inner sections included, each place once."""
    seen: set[tuple[str, ...]] = set()
    for key in walk_schema(document, document.get("$defs", {}), (), ()):
        if key.path not in seen:
            seen.add(key.path)
            yield key


def walk_schema(
    schema: Schema, models: Mapping[str, Schema], path: tuple[str, ...], above: tuple[str, ...]
) -> Iterator[Key]:
    schema, names = resolve_schema(schema, models)
    if set(names) & set(above):  # a model within itself
        return
    above = (*above, *names)
    for option in schema.get("anyOf", schema.get("oneOf", ())):
        yield from walk_schema(option, models, path, above)
    for name, inner in schema.get("properties", {}).items():
        place = (*path, name)
        yield Key(place, resolve_schema(inner, models)[0], name in schema.get("required", ()))
        yield from walk_schema(inner, models, place, above)
    if isinstance(schema.get("items"), Mapping):
        yield from walk_schema(schema["items"], models, (*path, "[]"), above)
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from walk_schema(schema["additionalProperties"], models, (*path, "*"), above)


def resolve_schema(schema: Schema, models: Mapping[str, Schema]) -> tuple[Schema, list[str]]:
    """The schema with that which it refers to, and the names of these models."""
    names = []
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        names.append(name)
        schema = {**models[name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema, names


def describe_type(schema: Schema, models: Mapping[str, Schema]) -> str:
    schema, _ = resolve_schema(schema, models)
    options = [option for option in schema.get("anyOf", schema.get("oneOf", ())) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(describe_type(option, models) for option in options))
    if "enum" in schema:
        return "one of " + ", ".join(code(str(choice)) for choice in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    match schema.get("type"):
        case "array":
            return f"list of {describe_type(schema['items'], models)}" if "items" in schema else "list"
        case "object":
            inner = schema.get("additionalProperties")
            if not isinstance(inner, Mapping):
                return "section"
            name = describe_type(schema["propertyNames"], models) if "propertyNames" in schema else "name"
            return f"table: {'name' if name == 'string' else name} to {describe_type(inner, models)}"
        case "integer" | "number" as kind:
            low, high = schema.get("minimum"), schema.get("maximum")
            if "exclusiveMinimum" in schema:
                low = f"more than {schema['exclusiveMinimum']}"
            span = "" if low is None else f", from {low}" if high is None else f", {low} to {high}"
            return f"{kind}{span}"
        case kind:
            return str(kind or "any value")


def code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"

"""An example for each key: from the files and pages that are shipped, which tests hold, else from its description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from docsite.json_schema import Key, Schema, resolve_schema
from gateway.configuration.yaml_document import parse_yaml

ROOT = Path(__file__).resolve().parents[1]
COMMENTED = re.compile(r"^(?P<blank> +)#(?=-| +[A-Za-z_-]+:(?: |$)| +- )")
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
NOTHING: Sequence[object] = (None, "", [], {})
SUCH_AS = re.compile(r"such as (\[[\w, -]+\]|[^\s;,\[]+)")


def take_comments_in(text: str) -> str:
    """A shipped file with its commented examples: their # goes, and so does the `[]` or `{}` above them."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        is_example = COMMENTED.match(line) is not None
        if is_example and not inside and lines:
            lines[-1] = re.sub(r"(\[\]|\{\}) *(#.*)?$", "", lines[-1])
        lines.append(line.replace("#", " ", 1) if is_example else line)
        inside = is_example
    return "\n".join(lines)


def read_values(documents: list[str]) -> dict[tuple[str, ...], list[Any]]:
    """All values by the place of their key. Names of a table and places in a list are left to the reader of them."""
    found: dict[tuple[str, ...], list[Any]] = {}
    for text in documents:
        for path, value in list_values(parse_yaml(text, "example").data, ()):
            found.setdefault(path, []).append(value)
    return found


def list_values(data: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if path:
        yield path, data
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from list_values(value, (*path, str(key)))
    elif isinstance(data, list):
        for value in data:
            yield from list_values(value, (*path, "[]"))


def read_blocks(*pages: str) -> list[str]:
    """The blocks of YAML of these pages of docs/."""
    return [block for page in pages for block in BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8"))]


def write_value(value: object) -> str:
    """As it is written in a file, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def read_value(text: str) -> object:
    return parse_yaml(f"key: {text}", "example").data["key"]


class KeyExamples:
    def __init__(self, documents: list[str]) -> None:
        self._values = read_values(documents)
        self._written = yaml.safe_load((ROOT / "docsite" / "examples.yml").read_text("utf-8"))

    def find_example(self, key: Key, models: Mapping[str, Schema]) -> str:
        """Written as YAML: the first that the schema allows; empty where there is none."""
        has_models = "#/$defs/" in json.dumps(key.schema)
        schema = {**({"$defs": models} if has_models else {}), **key.schema}  # they take time to read
        for example in self._list_candidates(key, models):
            value = json.loads(json.dumps(read_value(example), default=str))  # dates as they are written
            if value not in NOTHING and jsonschema_rs.is_valid(schema, value):
                return example
        return ""

    def _list_candidates(self, key: Key, models: Mapping[str, Schema]) -> Iterator[str]:
        default = key.schema.get("default")
        values = [value for found, values in self._values.items() if is_same_place(found, key.path) for value in values]
        values = [*key.schema.get("examples", ()), *(value for value in values if value not in (default, *NOTHING))]
        yield from sorted((write_value(value) for value in values), key=len)
        if match := SUCH_AS.search(key.schema.get("description", "")):
            text = match[1].strip("`:")
            yield text if text.startswith("[") else write_value([text] if key.schema.get("type") == "array" else text)
        parts = key.name.split(".")
        for name in (".".join(parts[first:]) for first in range(len(parts))):
            if name in self._written:
                yield write_value(self._written[name])
        yield write_choice(key.schema, models)
        yield json.dumps(not default) if key.schema.get("type") == "boolean" else write_value(default)


def write_choice(schema: Schema, models: Mapping[str, Schema]) -> str:
    """The first choice of an enum, alone, in a list or for a name of a table; empty for everything else."""
    schema, _ = resolve_schema(schema, models)
    for option in schema.get("anyOf", ()):
        if choice := write_choice(option, models):
            return choice
    inner = schema.get("items") or schema.get("additionalProperties")
    if isinstance(inner, Mapping) and (choice := write_choice(inner, models)):
        return f"[{choice}]" if schema.get("type") == "array" else f"{{NAME: {choice}}}"
    choices = [choice for choice in schema.get("enum", ()) if choice != schema.get("default")]
    return write_value(choices[0]) if choices else ""


def is_same_place(found: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(found) == len(path) and all(mine in ("*", theirs) for theirs, mine in zip(found, path, strict=True))

"""The pages of the reference, written from the code: what the settings, commands, API, metrics and log events are."""

from __future__ import annotations

import html
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from docsite.json_schema import Key, Schema, code, describe_type, list_keys, resolve_schema
from docsite.key_examples import KeyExamples, read_blocks, take_comments_in, write_value
from gateway.adapter_registry import load_adapters
from gateway.cli import main
from gateway.settings import Settings
from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL

ROOT = Path(__file__).resolve().parents[1]


def prose(text: str) -> str:
    """With `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False)).replace("\n", " ")


def write_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The cells are HTML."""
    lines = ["<table>", "<thead><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr></thead>", "<tbody>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</tbody>", "</table>", ""])


# --- keys of files ---------------------------------------------------------------------------------------


def write_keys(document: Schema, examples: KeyExamples) -> str:
    """A section for each key at the top that has keys of its own; the others come first."""
    models = document.get("$defs", {})
    sections: dict[str, list[Key]] = {}
    for key in list_keys(document):
        sections.setdefault(key.path[0], []).append(key)
    single = [keys[0] for keys in sections.values() if len(keys) == 1]
    parts = [write_key_table(single, models, examples)] if single else []
    for name, keys in sections.items():
        if len(keys) > 1:
            parts += [f"## {name}\n", write_key_table(keys, models, examples)]
    return "\n".join(parts)


def write_key_table(keys: Sequence[Key], models: Mapping[str, Schema], examples: KeyExamples) -> str:
    rows = []
    for key in keys:
        kind = describe_type(key.schema, models)
        is_section = kind.endswith("section")  # its keys have rows of their own
        default = "" if is_section else "required" if key.is_required else write_default(key.schema)
        example = "" if is_section else examples.find_example(key, models)
        meaning = key.schema.get("description", "").split(" (facts/")[0]
        rows.append([code(key.name), kind, default, example and code(example), prose(meaning)])
    return write_table(["key", "type", "default", "example", "meaning"], rows)


def write_default(schema: Schema) -> str:
    default = schema.get("default")
    return "none" if default is None else "empty" if default in ("", [], {}) else code(write_value(default))


def list_profile_examples() -> KeyExamples:
    blocks = read_blocks("profiles", "iso-18626", "iso-ill", "openrs", "openurl", "catalogues")
    files = [file.read_text("utf-8") for file in sorted((ROOT / "profiles").glob("*.yml"))]
    return KeyExamples([*files, *blocks])


def write_settings() -> str:
    examples = KeyExamples([take_comments_in((ROOT / "gateway.yml").read_text("utf-8"))])
    return f"""# gateway.yml

The settings of an installation. `illgate check` validates the file; the shipped one has each key with its default.

{write_keys(Settings.model_json_schema(), examples)}"""


def write_library_systems() -> str:
    names = sorted(page.stem for page in (ROOT / "docs/library-systems").glob("*.md"))
    blocks = read_blocks(*(f"library-systems/{name}" for name in names))
    parts = [
        "# Settings of library systems\n",
        "The keys under `libraries[].system` in gateway.yml, by the `type` of the system.\n",
    ]
    for name, adapter in sorted(load_adapters().libraries.items()):
        document = adapter.options.model_json_schema()
        examples = KeyExamples([block for block in blocks if f"type: {name}" in block])
        keys = [Key(("system", *key.path), key.schema, key.is_required) for key in list_keys(document)]
        rows = (
            write_key_table(keys, document.get("$defs", {}), examples)
            if keys
            else "This type has no keys of its own.\n"
        )
        parts += [f"## {name}\n", rows]
    return "\n".join(parts)


def write_schema_page(title: str, text: str, file: str, examples: KeyExamples) -> str:
    return f"# {title}\n\n{text}\n\n{write_keys(json.loads((ROOT / file).read_text('utf-8')), examples)}"


def write_profile_keys() -> str:
    text = (
        "The keys of a profile (`profiles/NAME.yml`) and of a partner (`partners/NAME.yml`), which also has `for` and "
        "`each`. `illgate profile show NAME --sources` prints the effective values of one and where each is set."
    )
    return write_schema_page("Profiles and partners", text, "profiles/schema.json", list_profile_examples())


def write_request_rules() -> str:
    blocks = read_blocks("rotas", "due-dates", "brokering", "requests", "openurl", "catalogues")
    examples = KeyExamples([take_comments_in((ROOT / "requests.yml").read_text("utf-8")), *blocks])
    text = "The rules for managed requests, one file for each library. Without the file the defaults apply."
    return write_schema_page("requests.yml", text, "profiles/requests.schema.json", examples)


# --- commands --------------------------------------------------------------------------------------------


def write_commands() -> str:
    parts = [
        "# Commands\n",
        "Run commands as `illgate --config FOLDER/gateway.yml COMMAND`. Without `--config`, the file is `gateway.yml` "
        "in the current folder.\n",
    ]
    context = click.Context(main, info_name="illgate")
    context.params["config"] = ROOT / "gateway.yml"
    for command, inner in list_commands(main, context):
        parts += [f"{'#' * min(2 + inner.command_path.count(' '), 4)} {inner.command_path}\n", write_help(command)]
        rows = [
            [code(record[0]), prose(record[1])]
            for parameter in command.get_params(inner)
            if (record := parameter.get_help_record(inner)) is not None
        ]
        usage = " ".join([inner.command_path, *command.collect_usage_pieces(inner)])
        parts += [f"```text\n{usage}\n```\n", write_table(["option", "meaning"], rows)]
    return "\n".join(parts)


def list_commands(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, context
    if isinstance(command, click.Group) and not any(isinstance(one, click.Argument) for one in command.params):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from list_commands(inner, click.Context(inner, context, info_name=name))


def write_help(command: click.Command) -> str:
    r"""Paragraphs, and what begins with `\b` as it is written."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        if paragraph.startswith("\b"):
            parts.append(f"```text\n{paragraph.removeprefix(chr(8)).strip(chr(10))}\n```\n")
        else:
            parts.append(f"<p>{prose(paragraph)}</p>\n")
    return "\n".join(parts)


# --- API, metrics, log events ----------------------------------------------------------------------------


def write_api() -> str:
    document = build_openapi(ALL, "")
    models = document["components"]["schemas"]
    parts = [
        "# JSON API\n",
        "Paths are below `/api/v1`. A running gateway has the same at `/api/v1/docs` and, as OpenAPI 3.1, at "
        "`/api/v1/openapi.json`.\n",
    ]
    for tag in document["tags"]:
        parts.append(f"## {tag['name']}\n")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation.get("tags", ()):
                    parts += [f"### {method.upper()} {path}\n", write_operation(operation, models)]
    parts.append("## Values\n")
    for name, model in sorted(models.items()):
        if "properties" in model:
            rows = [
                [
                    code(key),
                    describe_value(value, models),
                    prose(resolve_schema(value, models)[0].get("description", "")),
                ]
                for key, value in model["properties"].items()
            ]
            parts += [f"### {name}\n", write_table(["field", "type", "meaning"], rows)]
    return "\n".join(parts)


def write_operation(operation: Schema, models: Mapping[str, Schema]) -> str:
    text = f"{operation['summary']}. {operation.get('description', '')}"
    rows = [
        [code(one["name"]), one["in"], describe_value(one["schema"], models), prose(one.get("description", ""))]
        for one in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {})
    rows += [
        ["", "body", describe_value(content["schema"], models), kind]
        for kind, content in body.items()
        if "schema" in content
    ]
    answers = [[code(status), prose(answer["description"])] for status, answer in operation["responses"].items()]
    table = write_table(["parameter", "in", "type", "meaning"], rows) if rows else ""
    return f"<p>{prose(text)}</p>\n\n{table}\n{write_table(['status', 'answer'], answers)}"


def describe_value(schema: Schema, models: Mapping[str, Schema]) -> str:
    """The name of its model where it has one."""
    if "$ref" in schema and "properties" in models[schema["$ref"].rpartition("/")[2]]:
        return code(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {describe_value(schema['items'], models)}"
    return describe_type(schema, models)


def read_golden(name: str) -> list[str]:
    """What tests/unit/golden holds to the code."""
    return (ROOT / "tests" / "golden" / name).read_text("utf-8").splitlines()


def write_metrics() -> str:
    rows = []
    for line in read_golden("metrics.txt"):
        head, _, meaning = line.partition(": ") if ": " in line else (line.removesuffix(":"), "", "")
        name, kind, labels = head.split(" ", 2)
        name = f"{name}_total" if kind == "counter" else f"{name}_info" if kind == "info" else name
        rows.append([code(name), kind, code(labels.strip("()")) if labels != "()" else "", prose(meaning)])
    return f"""# Metrics

`/metrics` has them in the format of Prometheus; [Monitor the gateway](../monitoring.md) explains what to
watch.

{write_table(["metric", "type", "labels", "meaning"], rows)}"""


def write_log_events() -> str:
    areas: dict[str, list[list[str]]] = {}
    for line in read_golden("log-events.txt"):
        level, event, *facts = line.split()
        level = {"helper": "", "exception": "error"}.get(level, level)
        facts = [fact for fact in facts if fact not in ("…", "exc_info")]
        areas.setdefault(event.partition(".")[0], []).append([code(event), level, " ".join(map(code, facts))])
    parts = ["# Log events\n", "Each line of the log has an event `area.what_happened`, a level and facts.\n"]
    for area, rows in areas.items():
        parts += [f"## {area}\n", write_table(["event", "level", "facts"], rows)]
    return "\n".join(parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "reference/commands.md": write_commands,
    "reference/gateway-yml.md": write_settings,
    "reference/library-systems.md": write_library_systems,
    "reference/profiles.md": write_profile_keys,
    "reference/requests-yml.md": write_request_rules,
    "reference/api.md": write_api,
    "reference/metrics.md": write_metrics,
    "reference/log-events.md": write_log_events,
}
"""By their place in the site."""

"""The reference in the documentation site has every key, command, operation, metric and log event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache

import click
import jsonschema_rs
import pytest
import yaml
from lxml import html

from docsite.json_schema import Key, list_keys
from docsite.key_examples import read_value, take_comments_in
from docsite.reference import PAGES
from gateway.adapter_registry import load_adapters
from gateway.cli import main
from gateway.settings import Settings
from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL
from tests.support.paths import ROOT
from tests.unit.settings.test_gateway_yml import keys_of_model
from tests.unit.settings.test_gateway_yml import with_examples as read_shipped_settings

PROFILES, RULES = (
    json.loads((ROOT / "profiles" / name).read_text("utf-8")) for name in ("schema.json", "requests.schema.json")
)
FILES: Mapping[str, dict] = {"gateway-yml": Settings.model_json_schema(), "profiles": PROFILES, "requests-yml": RULES}
"""By their page: the schemas of files that people write."""


@cache
def read_page(name: str) -> str:
    return PAGES[f"reference/{name}.md"]()


def read_rows(name: str) -> Iterator[list[str]]:
    for row in html.fromstring(read_page(name)).xpath("//tbody/tr"):
        yield [cell.text_content() for cell in row]


@pytest.mark.parametrize("name", FILES)
def test_every_key_has_a_row_with_type_default_and_example(name: str) -> None:
    rows = {row[0]: row[1:] for row in read_rows(name)}

    assert {key.name for key in list_keys(FILES[name])} == rows.keys()
    bare = [
        key for key, (kind, default, example, _) in rows.items() if "section" not in kind and not (default and example)
    ]
    assert [key for key in bare if rows[key][0] != "any value"] == []


def test_the_keys_of_gateway_yml_are_those_of_the_shipped_file() -> None:
    """Found by another way: from the models, as the test of the file itself does."""
    written = {row[0] for row in read_rows("gateway-yml")}

    assert keys_of_model(Settings) <= written
    assert yaml.safe_load(read_shipped_settings()) == yaml.safe_load(
        take_comments_in((ROOT / "gateway.yml").read_text())
    )


@pytest.mark.parametrize("name", FILES)
def test_every_example_is_allowed(name: str) -> None:
    schema = FILES[name]
    examples = {row[0]: row[3] for row in read_rows(name)}
    refused = [
        f"{key.name}: {examples[key.name]}"
        for key in list_keys(schema)
        if examples[key.name] and not is_allowed(examples[key.name], key, schema)
    ]
    assert refused == []


def is_allowed(example: str, key: Key, schema: Mapping) -> bool:
    value = json.loads(json.dumps(read_value(example), default=str))  # dates as they are written
    return jsonschema_rs.is_valid({"$defs": schema.get("$defs", {}), **key.schema}, value)


def test_every_key_of_every_library_system_has_a_row() -> None:
    sections = re.split(r"^## ", read_page("library-systems"), flags=re.MULTILINE)[1:]
    written = {section.split("\n", 1)[0]: section for section in sections}

    assert written.keys() == load_adapters().libraries.keys()
    for name, adapter in load_adapters().libraries.items():
        for key in list_keys(adapter.options.model_json_schema()):
            assert f"<code>system.{key.name}</code>" in written[name]


def test_every_command_and_option_stands_in_it() -> None:
    headings = set(re.findall(r"^#+ (illgate.*)$", read_page("commands"), flags=re.MULTILINE))
    shown = [row[0] for row in read_rows("commands")]
    found = (ROOT / "tests" / "golden" / "commands.txt").read_text("utf-8")

    assert headings == set(re.findall(r"^=== (illgate.*)$", found, flags=re.MULTILINE))
    context = click.Context(main)
    context.params["config"] = ROOT / "gateway.yml"
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or any(parameter.opts[0] in row for row in shown), name


def test_every_operation_of_the_api_stands_in_it() -> None:
    document = build_openapi(ALL, "")
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}

    assert set(re.findall(r"^### ([A-Z]+ /.*)$", read_page("api"), flags=re.MULTILINE)) == operations


@pytest.mark.parametrize(("name", "golden", "column"), [("metrics", "metrics", 0), ("log-events", "log-events", 1)])
def test_every_metric_and_log_event_stands_in_it(name: str, golden: str, column: int) -> None:
    lines = (ROOT / "tests" / "golden" / f"{golden}.txt").read_text("utf-8").splitlines()
    names = {re.sub(r"_(total|info)$", "", row[0]) for row in read_rows(name)}

    assert names == {line.split()[column] for line in lines}
    assert all(row[-1] for row in read_rows("metrics"))

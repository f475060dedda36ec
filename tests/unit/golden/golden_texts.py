"""Texts that the golden files hold: of commands, settings, tables, states, metrics, log events and the API.

A text that people read is kept whole. One that is too long for that is kept as a line for each of its parts with a
digest: the line that differs names the part, and `python -m tests.unit.golden --whole FOLDER` writes it out.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import click
from click.testing import CliRunner
from prometheus_client.metrics import MetricWrapperBase
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

import gateway.store
from adapters.library.embedded import tables as embedded_tables
from gateway.adapter_registry import load_adapters
from gateway.cli import main
from gateway.runtime import monitoring
from gateway.settings import Settings
from gateway.store import schema
from gateway.web.api.openapi import build_openapi
from gateway.web.api.operations import ALL
from tests.support.paths import ROOT

GOLDEN = ROOT / "tests" / "golden"
SETTINGS = ROOT / "gateway.yml"
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_MAYBE_EVENT = re.compile(r"""\(\s*"[a-z0-9_-]+\.[a-z_]+"|[=,] *"[a-z0-9-]+\.[a-z]+_[a-z_]+\"""")


def make_digest(text: str | bytes) -> str:
    """The first 16 digits of its SHA-256: enough to see that it differs."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def join_lines(lines: Iterator[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines)


# --- commands --------------------------------------------------------------------------------------------


def format_help() -> str:
    """`--help` of every command, with those that adapters bring. In a process of its own: click keeps the help option
    of a command as its first caller has asked for it, which may be a test of the command alone."""
    code = "from tests.unit.golden.golden_texts import print_help; print_help()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    return done.stdout.decode()


def print_help() -> None:
    sys.stdout.buffer.write(join_lines(_iter_help()).encode())


def _iter_help() -> Iterator[str]:
    runner = CliRunner(env={"COLUMNS": "80"})
    for path in _iter_commands(main, ()):
        arguments = ["--config", str(SETTINGS), *path, "--help"]
        result = runner.invoke(main, arguments, prog_name="illgate", catch_exceptions=False)
        assert result.exit_code == 0, f"{path}: {result.output}"
        yield f"=== {' '.join(('illgate', *path))}"
        yield from result.output.splitlines()


def _iter_commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    has_arguments = any(isinstance(parameter, click.Argument) for parameter in command.params)
    if isinstance(command, click.Group) and not has_arguments:  # else its own help says all: `request act NUMBER ACT`
        context = click.Context(command, info_name="illgate")
        context.params["config"] = SETTINGS
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from _iter_commands(inner, (*path, name))


def format_states() -> str:
    """`illgate states` of both sides, without the blanks that align its columns."""
    printed = CliRunner().invoke(main, ["states"], catch_exceptions=False)
    assert printed.exit_code == 0
    return join_lines(re.sub(r" {2,}", " | ", line.rstrip()) for line in printed.output.splitlines())


# --- settings and API --------------------------------------------------------------------------------------


def format_settings() -> str:
    """Each key of gateway.yml, and of the sections of all library systems, with its type, default and description."""
    return join_lines(_iter_settings())


def _iter_settings() -> Iterator[str]:
    yield "=== gateway.yml"
    yield from _iter_keys(Settings.model_json_schema())
    for name, adapter in sorted(load_adapters().libraries.items()):
        yield f"=== libraries[].system of type {name}"
        yield from _iter_keys(adapter.options.model_json_schema())


def _iter_keys(document: Mapping[str, Any]) -> Iterator[str]:
    models = {"": document, **{f"{name}.": model for name, model in sorted(document.get("$defs", {}).items())}}
    for prefix, model in models.items():
        if "properties" not in model:
            yield f"{prefix} {json.dumps(model, ensure_ascii=False, sort_keys=True)}"
        for key, value in model.get("properties", {}).items():
            required = " required" if key in model.get("required", ()) else ""
            yield f"{prefix}{key}{required} {json.dumps(value, ensure_ascii=False, sort_keys=True)}"


@cache
def find_api_parts() -> Mapping[str, str]:
    """The OpenAPI document, part by part, without its version."""
    document = build_openapi(ALL, "")
    parts = {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    parts |= {
        f"components {kind} {name}": part
        for kind, named in document["components"].items()
        for name, part in named.items()
    }
    parts |= {key: value for key, value in document.items() if key not in ("paths", "components")}
    return {name: json.dumps(part, ensure_ascii=False, indent=1) for name, part in parts.items()}


def format_api() -> str:
    return join_lines(f"{make_digest(part)} {name}" for name, part in find_api_parts().items())


def write_whole_api() -> str:
    return join_lines(f"=== {name}\n{part}" for name, part in find_api_parts().items())


# --- the database --------------------------------------------------------------------------------------------


def format_database() -> str:
    """The statements that make all tables and indexes, of the gateway and of the embedded library, on both stores."""
    for module in pkgutil.walk_packages(gateway.store.__path__, "gateway.store."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)  # each may have tables
    return join_lines(_iter_statements())


def _iter_statements() -> Iterator[str]:
    known: dict[str, str] = {}
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        for metadata in (schema.metadata, embedded_tables.metadata):
            for name, statement in _iter_ddl(metadata, dialect):
                if known.setdefault(name, statement) != statement:
                    yield f"=== {name}, where PostgreSQL differs"
                    yield statement
                elif dialect.name == "sqlite":
                    yield f"=== {name}"
                    yield statement


def _iter_ddl(metadata: MetaData, dialect: Dialect) -> Iterator[tuple[str, str]]:
    for table in sorted(metadata.tables.values(), key=lambda each: each.name):
        lines = str(CreateTable(table).compile(dialect=dialect)).strip().splitlines()
        yield table.name, "\n".join(line.strip() for line in lines if line.strip())
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            yield str(index.name), str(CreateIndex(index).compile(dialect=dialect)).strip()


# --- metrics and log events ------------------------------------------------------------------------------------


def format_metrics() -> str:
    """Each metric of the daemon by name, with its kind, labels and what it says of itself."""
    tree = ast.parse(_read_source(monitoring.__file__ or ""))
    metrics = monitoring.GatewayMetrics()
    made = {
        family.name: (family.type, getattr(source, "_labelnames", ()), family.documentation)
        for source in set(metrics.registry._names_to_collectors.values())
        if isinstance(source, MetricWrapperBase)
        for family in source.describe()
    }
    later = {
        name: ("gauge", (), text)
        for name, text in _iter_named_texts(tree)
        if not any(name in (known, f"{known}_total") for known in made)
    }
    lines = ({**made, **later}).items()
    return join_lines(f"{name} {kind} ({', '.join(labels)}): {text}" for name, (kind, labels, text) in sorted(lines))


def _iter_named_texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Pairs of a metric's name and the literal after it; the text is empty where it isn't one."""
    for node in ast.walk(tree):
        values = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else ()
        for name, text in zip(values, list(values)[1:], strict=False):
            if isinstance(name, ast.Constant) and str(name.value).startswith("illgate_"):
                yield name.value, text.value if isinstance(text, ast.Constant) else ""


def format_log_events() -> str:
    """Each event that the code logs, with its level and the names of its facts; `…` where others are passed on.

    An event that is handed to a helper stands with the level `helper`.
    """
    events: set[str] = set()
    areas: set[str] = set()
    passed: set[str] = set()
    for file in sorted(
        file for folder in ("gateway", "adapters", "rehearsal") for file in (ROOT / folder).rglob("*.py")
    ):
        source = _read_source(str(file))
        for node in ast.walk(ast.parse(source)) if _MAYBE_EVENT.search(source) else ():
            if not isinstance(node, ast.Call):
                continue
            event = _find_event(node)
            if event:
                events.add(event)
                areas.add(event.split(" ")[1].partition(".")[0])
            else:
                passed |= {value for value in _iter_texts(node) if re.fullmatch(r"[a-z0-9_-]+\.[a-z_]+", value)}
    helped = {f"helper {value}" for value in passed if value.partition(".")[0] in areas and "_" in value}
    return join_lines(iter(sorted(events | helped, key=lambda line: line.split(" ")[1:])))


def _find_event(call: ast.Call) -> str:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS or not call.args:
        return ""
    first = call.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or "." not in first.value:
        return ""
    facts = sorted(keyword.arg or "…" for keyword in call.keywords)
    return " ".join((function.attr, first.value, *facts))


def _iter_texts(call: ast.Call) -> Iterator[str]:
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


@cache
def _read_source(file: str) -> str:
    with open(file, encoding="utf-8") as stream:
        return stream.read()


GOLDEN_TEXTS: Mapping[str, Callable[[], str]] = {
    "api.txt": format_api,
    "commands.txt": format_help,
    "database.sql": format_database,
    "log-events.txt": format_log_events,
    "metrics.txt": format_metrics,
    "settings.txt": format_settings,
    "states.txt": format_states,
}
"""By file in tests/golden. `corpora` has those of the answers."""

WHOLE_TEXTS: Mapping[str, Callable[[], str]] = {"api.txt": write_whole_api}
"""Texts of which only digests are kept, as `--whole` writes them."""

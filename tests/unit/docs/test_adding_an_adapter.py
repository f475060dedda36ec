"""The guide for writers of adapters shows the sample as it is, and the sample keeps to what the guide promises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from gateway.ports.adapter import Adapter
from tests.support.paths import ROOT

GUIDE = (ROOT / "docs" / "adding-an-adapter.md").read_text("utf-8")
SAMPLE = ROOT / "tests" / "packages" / "parcel"
SOURCES = sorted((SAMPLE / "src").rglob("*.py"))

NAMED = re.compile(r"^`(?P<file>[\w./-]+)`:\n\n```\w+\n(?P<code>.*?)\n```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(?P<language>\w+)$", re.MULTILINE)
PATH = re.compile(r"`(?P<path>(?:adapters|demo|gateway|tests)/[\w./]+)`")
ALLOWED = ("gateway.domain.", "gateway.ports.", "illgate_parcel.")


def test_every_block_but_commands_names_its_file() -> None:
    code = [match["language"] for match in BLOCK.finditer(GUIDE) if match["language"] != "sh"]

    assert len(code) == len(NAMED.findall(GUIDE)) >= 10


@pytest.mark.parametrize("block", list(NAMED.finditer(GUIDE)), ids=lambda block: str(block["file"]))
def test_a_block_stands_so_in_its_file(block: re.Match[str]) -> None:
    file = SAMPLE / block["file"]

    assert f"\n{block['code']}\n" in f"\n{file.read_text('utf-8')}"


def test_all_modules_are_shown() -> None:
    shown = {SAMPLE / block["file"] for block in NAMED.finditer(GUIDE)}

    assert {SAMPLE / "pyproject.toml", *SOURCES} <= shown


def test_all_kinds_of_adapters_are_listed() -> None:
    assert [kind.__name__ for kind in get_args(Adapter) if f"`{kind.__name__}`" not in GUIDE] == []


def test_paths_lead_somewhere() -> None:
    found = {match["path"] for match in PATH.finditer(GUIDE)}

    assert [path for path in sorted(found) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.stem))
def test_the_sample_imports_only_domain_and_ports(file: Path) -> None:
    own = [name for name in imported_modules(file) if name.startswith(("gateway", "adapters", "illgate"))]

    assert [name for name in own if not name.startswith(ALLOWED)] == []


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""

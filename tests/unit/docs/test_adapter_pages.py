"""The README.md of an adapter names modules that are there, and classes and functions that some module has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = sorted(page for folder in ("adapters", "rehearsal") for page in (ROOT / folder).rglob("README.md"))

MODULE = re.compile(r"`([\w/*]+\.py)`")
ROW_NAMES = re.compile(r"`((?:[A-Z][a-z0-9]+){2,}|[a-z]+(?:_[a-z]+)+)`")
"""Names of classes and functions; a table of modules has no other words like these."""


def find_missing_modules(page: Path) -> list[str]:
    """A path is meant from the adapter's folder, or else from the root."""
    names = MODULE.findall(page.read_text("utf-8"))
    return [name for name in names if not any(page.parent.rglob(name)) and not (ROOT / name).exists()]


@cache
def list_defined_names() -> frozenset[str]:
    sources = [
        path.read_text("utf-8")
        for folder in ("gateway", "adapters", "rehearsal")
        for path in (ROOT / folder).rglob("*.py")
    ]
    found = (re.findall(r"^\s*(?:async )?(?:class|def) (\w+)", source, flags=re.MULTILINE) for source in sources)
    return frozenset(name for names in found for name in names)


def list_named_in_rows(page: Path) -> list[str]:
    """Names in rows of tables that begin with a module or a folder of modules."""
    rows = re.findall(r"^\| `[\w/*]+(?:\.py|/)`.*$", page.read_text("utf-8"), flags=re.MULTILINE)
    return [name for row in rows for name in ROW_NAMES.findall(row)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_name_modules_that_are_there(page: Path) -> None:
    assert find_missing_modules(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_name_classes_and_functions_that_are_there(page: Path) -> None:
    sections = {"iso_ill", "tagged_mail"}  # of profiles
    assert [name for name in list_named_in_rows(page) if name not in list_defined_names() | sections] == []


def test_read_the_rows_that_are_there() -> None:
    """A pattern that finds nothing would let everything pass."""
    assert len([name for page in PAGES for name in list_named_in_rows(page)]) > 20

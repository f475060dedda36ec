"""Mutants that may survive, and why: the tables of docs/mutation-tests.md, which are read from there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutation-tests.md"

_FUNCTION = re.compile(r"\| `([\w.]+)` \| (\d+) \| (.+) \|")
_TABLE = re.compile(r"\| `(\w+_table: [^`]+)` \| (.+) \|")


@dataclass(frozen=True)
class ExplainedSurvivors:
    """`function` below `gateway.domain`; so many mutants of it may survive, for this reason."""

    function: str
    count: int
    reason: str


def read_explained_functions() -> dict[str, ExplainedSurvivors]:
    """By function."""
    found = (ExplainedSurvivors(name, int(count), why) for name, count, why in _find_rows(_FUNCTION))
    return {one.function: one for one in found}


def read_explained_table_mutations() -> dict[str, str]:
    """`TableMutation.key` -> why it may survive."""
    return {row[0]: row[1] for row in _find_rows(_TABLE)}


def _find_rows(pattern: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := pattern.fullmatch(line):
            yield found.groups()

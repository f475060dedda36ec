"""The code keeps below the ceilings of tests/shape.py, and its figures count what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import shape
from tests.shape import BOUNDS, TRACED_BOUNDS, ModuleShape, find_circles, measure, read_shape
from tests.support.touched_files import measure_events

RAISE = "raise the ceiling in tests/shape.py in the same commit and say why: "


@pytest.mark.slow  # parses all of the code
def test_no_figure_is_above_its_ceiling() -> None:
    figures = measure()

    assert figures.keys() == {bound.figure for bound in BOUNDS}
    assert [RAISE + bound.figure for bound in BOUNDS if figures[bound.figure] > bound.ceiling] == []


@pytest.mark.long  # three gateways, traced
def test_no_event_runs_through_more_than_its_ceiling() -> None:
    figures = measure_events()

    assert figures.keys() == {bound.figure for bound in TRACED_BOUNDS}
    assert [RAISE + bound.figure for bound in TRACED_BOUNDS if figures[bound.figure] > bound.ceiling] == []


def test_ceilings_are_above_goals() -> None:
    assert [bound.figure for bound in (*BOUNDS, *TRACED_BOUNDS) if bound.ceiling < bound.goal] == []


SOURCE = '''"""Of a module."""
# a comment

import asyncio  # with a comment


class Row:
    """A row."""

    size: int
    """What it weighs."""

    def load(self, library: str) -> None:
        """Raises KeyError."""
        import json

        async def inner(library: str, key: str) -> None:
            if key:
                from gateway.services.requests import rows


def find(found: str, library: str) -> object:
    one = [told for said, told in found]
    return ClientSession(EventKind.AT_PICKUP)
'''


def test_lines_without_prose_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "ROOT", tmp_path)
    file = tmp_path / "gateway" / "services" / "rows.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, encoding="utf-8")

    counted = read_shape(file)

    assert counted.code_lines == 11
    assert (counted.docstrings, counted.bare_docstrings, counted.bare_names) == (3, 2, 3)
    assert (counted.by_library, counted.inner_imports) == (2, 2)
    assert (counted.makes_client, counted.names_kind) == (True, True)
    assert (counted.classes, counted.room) == (["Row"], "rows")


def test_rooms_that_need_each_other_are_a_circle() -> None:
    def room(name: str, *needed: str) -> ModuleShape:
        return ModuleShape(f"gateway.services.{name}.main", imports={f"gateway.services.{each}" for each in needed})

    modules = [room("a", "b.rows"), room("b", "c"), room("c", "a"), room("d", "a", "d"), room("e")]

    assert find_circles(modules) == [frozenset("abc")]

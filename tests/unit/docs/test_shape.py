"""The code keeps below the ceilings of tests/shape.py, whose figures count what they say; and behind an adapter nothing
sees XML, BER or the headers of a mail (design rule 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import shape
from tests.shape import (
    BOUNDS,
    TRACED_BOUNDS,
    ModuleShape,
    find_circles,
    measure,
    read_shape,
    read_shapes,
)
from tests.support.touched_files import measure_events

RAISE = "raise the ceiling in tests/shape.py in the same commit and say why: "


@pytest.mark.slow  # parses all of the code
def test_no_figure_is_above_its_ceiling() -> None:
    figures = measure()

    assert figures.keys() == {bound.figure for bound in BOUNDS}
    assert [RAISE + bound.figure for bound in BOUNDS if not bound.holds(figures[bound.figure])] == []


@pytest.mark.long  # three gateways, traced
def test_no_event_runs_through_more_than_its_ceiling() -> None:
    figures = measure_events()

    assert figures.keys() == {bound.figure for bound in TRACED_BOUNDS}
    assert [RAISE + bound.figure for bound in TRACED_BOUNDS if not bound.holds(figures[bound.figure])] == []


CORE = ("gateway.domain", "gateway.services", "gateway.store")
WIRE = {"lxml", "xml", "email", "imapclient", "imaplib", "smtplib", "asn1tools", "pymarc"}
FORMATS = {"ncip", "iso_ill", "artemail", "tagged_mail", "apdu", "xml", "marc", "z3950", "sru"}

EXEMPT_IMPORTS = {
    # `illgate check` compares the answers of profiles' examples by the names of their XML elements (`answer_paths`).
    "gateway.services.operation.check.examples": {"lxml"},
    # An example made of a message: its values are replaced in the XML that a person reads before it is saved.
    "gateway.services.exchange.message_example": {"lxml"},
}


@pytest.mark.slow  # as above
def test_the_core_knows_no_wire_format() -> None:
    core = [module for module in read_shapes("gateway") if f"{module.name}.".startswith(tuple(f"{e}." for e in CORE))]

    found = {module.name: words for module in core if (words := find_wire_words(module))}
    assert found == EXEMPT_IMPORTS
    assert len(core) > 200


def find_wire_words(module: ModuleShape) -> set[str]:
    """Find what a module imports, and which of its names are of a format."""
    names = {*module.functions, *module.classes, module.name.rpartition(".")[2]}
    of_formats = {name for name in names if set(name.strip("_").split("_")) & FORMATS}
    return {name.partition(".")[0] for name in module.imports} & WIRE | of_formats


def test_ceilings_are_above_goals() -> None:
    assert [bound.figure for bound in (*BOUNDS, *TRACED_BOUNDS) if bound.ceiling < bound.goal] == []


SOURCE = '''"""Of a module."""
# a comment

import asyncio  # with a comment

MOST_ROWS = 9


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

    assert (counted.code_lines, counted.lines, counted.is_ordinary) == (12, len(SOURCE.splitlines()), True)
    assert (counted.docstrings, counted.bare_docstrings, counted.bare_names) == (3, 2, 3)
    assert (counted.by_library, counted.inner_imports) == (2, 2)
    assert (counted.makes_client, counted.names_kind) == (True, True)
    assert (counted.classes, counted.functions) == (["Row"], ["load", "inner", "find"])
    assert (counted.constants, counted.room) == (["MOST_ROWS"], "rows")


def test_rooms_that_need_each_other_are_a_circle() -> None:
    def room(name: str, *needed: str) -> ModuleShape:
        return ModuleShape(f"gateway.services.{name}.main", imports={f"gateway.services.{each}" for each in needed})

    modules = [room("a", "b.rows"), room("b", "c"), room("c", "a"), room("d", "a", "d"), room("e")]

    assert find_circles(modules) == [frozenset("abc")]

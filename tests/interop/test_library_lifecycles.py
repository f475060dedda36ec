"""Managed requests on each library system: what docs/library-systems/README.md says of a cell is what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.requests.request import Role
from tests.support.library_matrix import CELLS, HEAD, MatrixCell, read_table
from tests.support.paths import ROOT

PAGE = read_table((ROOT / "docs/library-systems/README.md").read_text(encoding="utf-8"), HEAD)
QUICK = frozenset(
    {
        MatrixCell("koha", Role.LENDING, "loan"),
        MatrixCell("sip2", Role.BORROWING, "loan"),
        MatrixCell("sip2", Role.LENDING, "crossing"),
        MatrixCell("ncip", Role.BORROWING, "crossing"),
        MatrixCell("ncip", Role.LENDING, "loan"),
        MatrixCell("koha + sip2", Role.BORROWING, "loan"),
    }
)
"""Each system's own way, once."""


def _mark_cell(cell: MatrixCell) -> object:
    marks = () if cell in QUICK else (pytest.mark.long,)
    return pytest.param(cell, id=f"{cell.backend}-{cell.role.value}-{cell.story}", marks=marks)


@pytest.mark.parametrize("cell", [_mark_cell(cell) for cell in CELLS])
async def test_a_lifecycle(tmp_path: Path, cell: MatrixCell) -> None:
    assert await cell.play_story(tmp_path) == PAGE[cell.row, cell.backend]


@pytest.mark.long
@pytest.mark.postgresql
async def test_a_lifecycle_on_postgresql(tmp_path: Path, fresh_postgresql_url: str) -> None:
    """What is remembered of a library system's changes is the same there."""
    cell = MatrixCell("folio", Role.BORROWING, "loan")

    assert await cell.play_story(tmp_path, fresh_postgresql_url) == PAGE[cell.row, cell.backend]


def test_the_page_has_all_lifecycles() -> None:
    assert set(PAGE) == {(cell.row, cell.backend) for cell in CELLS}

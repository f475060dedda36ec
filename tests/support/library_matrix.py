"""A table of lifecycles: managed requests played on each library system, as docs/library-systems/README.md has it.

`python -m tests.support.library_matrix` plays all of them and prints the table; it ends with 1 where a cell says
`fails`. tests/interop/test_library_lifecycles.py plays each cell and compares it with the page.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from demo.two import copy, crossing, invariants, loan
from gateway.domain.library import Bib
from gateway.domain.problems import Refused
from gateway.domain.requests.request import Role
from gateway.domain.requests.views import EventDenied
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability
from tests.support.library_towns import BACKENDS, EMBEDDED, DeskStory, LibraryTowns

MAX_STORY_SECONDS = 120
STORIES: Mapping[str, Callable[[DeskStory, Bib], Awaitable[None]]] = {"loan": loan, "crossing": crossing, "copy": copy}


@value_object
class MatrixCell:
    """A story (`loan`, `crossing`, `copy`) with this system (`koha`, `koha + sip2` …) on one side, and the embedded
    one on the other."""

    backend: str
    role: Role
    story: str

    @property
    def row(self) -> str:
        return f"{self.role.value}: {self.story}"

    async def play_story(self, folder: Path, store_url: str = "") -> str:
        """What the cell says. `store_url`: of the borrower's database; empty: SQLite. Raises AssertionError,
        EventDenied, Refused."""
        borrowing, lending = [
            BACKENDS[self.backend] if self.role is one else EMBEDDED for one in (Role.BORROWING, Role.LENDING)
        ]
        async with LibraryTowns(folder, borrowing, lending, store_url) as towns:
            played = DeskStory(towns)
            await STORIES[self.story](played, await towns.find_book())
            await invariants(towns)
        return f"yes; manually: {_list_names(played.by_hand)}" if played.by_hand else "yes"


def _list_names(capabilities: Iterable[Capability]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(one.value for one in capabilities))


CELLS = tuple(
    MatrixCell(backend, role, story)
    for role in (Role.BORROWING, Role.LENDING)
    for story in STORIES
    for backend in BACKENDS
)
HEAD = ("lifecycle", *(f"`{name}`" for name in BACKENDS))


async def describe_cell(cell: MatrixCell) -> str:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            async with asyncio.timeout(MAX_STORY_SECONDS):
                return await cell.play_story(Path(folder))
        except (AssertionError, EventDenied, Refused, TimeoutError) as error:
            sys.stderr.write(f"{cell.backend}, {cell.row}: {type(error).__name__}: {error}\n")
            return "fails"


async def render_matrix() -> str:
    said = {cell: await describe_cell(cell) for cell in CELLS}
    rows: dict[str, list[str]] = {}
    for cell in CELLS:
        rows.setdefault(cell.row, []).append(said[cell])
    return render_table(HEAD, rows)


def render_table(head: tuple[str, ...], rows: Mapping[str, Iterable[str]]) -> str:
    """Under this heading, by what stands first in each row."""
    lines = [head, ("---",) * len(head), *((row, *cells) for row, cells in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def read_table(page: str, head: tuple[str, ...]) -> Mapping[tuple[str, str], str]:
    """What the page says in the table with this heading, by row and system."""
    lines = page.splitlines()
    first = lines.index(f"| {' | '.join(head)} |") + 2  # below the heading and its rule
    rows = itertools.takewhile(lambda line: line.startswith("| "), lines[first:])
    return {
        (cells[0], backend): said
        for cells in (row.strip("| ").split(" | ") for row in rows)
        for backend, said in zip(BACKENDS, cells[1:], strict=True)
    }


if __name__ == "__main__":
    table = asyncio.run(render_matrix())
    sys.stdout.write(table)
    sys.exit("| fails " in table)

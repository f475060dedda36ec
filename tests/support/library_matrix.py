"""A table of lifecycles: managed requests played on each library system.

`python -m tests.support.library_matrix` prints it, and ends with 1 where a cell says `fails`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from demo.two import copy, crossing, invariants, loan
from gateway.domain.library import Bib
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.request import Role
from gateway.domain.requests.views import EventDenied
from gateway.ports.library_system import Capability
from tests.support.library_towns import BACKENDS, EMBEDDED, DeskStory, LibraryTowns

MAX_STORY_SECONDS = 120
STORIES: Mapping[str, Callable[[DeskStory, Bib], Awaitable[None]]] = {"loan": loan, "crossing": crossing, "copy": copy}
NEEDS: Mapping[tuple[Role, str], frozenset[Capability]] = {
    (Role.BORROWING, "loan"): frozenset({Capability.TEMPORARY_ITEM, Capability.CHECK_OUT, Capability.CHECK_IN}),
    (Role.BORROWING, "crossing"): frozenset({Capability.TEMPORARY_ITEM}),
    (Role.LENDING, "loan"): frozenset({Capability.HOLD_ITEM, Capability.CHECK_OUT, Capability.CHECK_IN}),
    (Role.LENDING, "crossing"): frozenset({Capability.HOLD_ITEM, Capability.CHECK_OUT, Capability.CHECK_IN}),
}
"""Without these a story can't be played; a refusal that none of them explains is a failure."""


async def play_story(folder: Path, backend: str, role: Role, story: str) -> str:
    """What the cell says. The other library has the embedded system. Raises AssertionError, Refused."""
    systems = [BACKENDS[backend] if role is one else EMBEDDED for one in (Role.BORROWING, Role.LENDING)]
    async with LibraryTowns(folder, *systems) as towns:
        played = DeskStory(towns)
        town = towns.borrower if role is Role.BORROWING else towns.lender
        missing = NEEDS.get((role, story), frozenset()) - town.context.system.capabilities
        try:
            await STORIES[story](played, await towns.find_book())
        except Refused as refused:
            if refused.reason is not RefusalReason.UNSUPPORTED_SERVICE or not missing:
                raise
            return f"no {_list_names(missing)}"
        await invariants(towns)
    return f"yes, without {_list_names(played.by_hand)}" if played.by_hand else "yes"


def _list_names(capabilities: Iterable[Capability]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(one.value for one in capabilities))


async def _describe_cell(backend: str, role: Role, story: str) -> str:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            async with asyncio.timeout(MAX_STORY_SECONDS):
                return await play_story(Path(folder), backend, role, story)
        except (AssertionError, EventDenied, Refused, TimeoutError) as error:
            sys.stderr.write(f"{backend}, {role.value}, {story}: {type(error).__name__}: {error}\n")
            return "fails"


async def render_matrix() -> str:
    rows = [("lifecycle", *(f"`{name}`" for name in BACKENDS)), ("---",) * (len(BACKENDS) + 1)]
    for role in (Role.BORROWING, Role.LENDING):
        for story in STORIES:
            cells = [await _describe_cell(backend, role, story) for backend in BACKENDS]
            rows.append((f"{role.value}: {story}", *cells))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    table = asyncio.run(render_matrix())
    sys.stdout.write(table)
    sys.exit("| fails " in table)

"""How many calls each operation takes, and what our key must be allowed for them, as docs/library-systems/alma.md
lists it."""

from __future__ import annotations

from gateway.ports.adapter import LibraryAdapterContext
from rehearsal.fakes.fake_server import FakeCall
from tests.library_contract.alma_world import PATHS_OF_AREAS, read_guide_areas
from tests.support.golden_calls import find_changed_calls
from tests.support.paths import ROOT
from tests.unit.adapters.alma.operations import OPERATIONS
from tests.unit.adapters.alma.place import alma_place

PAGE = (ROOT / "docs" / "library-systems" / "alma.md").read_text("utf-8")


async def test_the_calls_of_each_operation_are_those_of_the_page(context: LibraryAdapterContext) -> None:
    """Lists of codes are kept for an hour; their calls aren't counted."""
    wrong = []
    calls_of: dict[str, list[FakeCall]] = {}
    for number, operation in enumerate(OPERATIONS):
        async with alma_place(context, f"LIB{number}") as place:
            if operation.arrange is not None:
                await operation.arrange(place)
            place.fake.clear_calls()
            await operation.act(place)
            calls = [one for one in place.fake.calls if "/conf/" not in one.path]
        calls_of[operation.name] = calls
        if f"| `{operation.name}` | {len(calls)} |" not in PAGE:
            wrong.append(f"{operation.name} takes {len(calls)}: {[f'{one.method} {one.path}' for one in calls]}")

    assert wrong == []
    assert find_changed_calls("alma", calls_of) == []


async def test_the_areas_of_the_key_are_those_that_the_calls_need(context: LibraryAdapterContext) -> None:
    """No more and no less: each fake's key has them alone."""
    used: dict[str, set[bool]] = {}
    for number, operation in enumerate(OPERATIONS):
        async with alma_place(context, f"KEY{number}") as place:
            if operation.arrange is not None:
                await operation.arrange(place)
            await operation.act(place)
            await place.library.codes()
            for call in place.fake.calls:
                path = call.path.split("/")[3]
                (area,) = (name for name, paths in PATHS_OF_AREAS.items() if path in paths)
                used.setdefault(area, set()).add(call.method != "GET")

    assert {area: "read/write" if any(changes) else "read-only" for area, changes in used.items()} == read_guide_areas()

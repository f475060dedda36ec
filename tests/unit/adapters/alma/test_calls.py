"""How many calls each operation takes, as docs/library-systems/alma.md lists them."""

from __future__ import annotations

from gateway.ports.adapter import LibraryAdapterContext
from tests.support.paths import ROOT
from tests.unit.adapters.alma.operations import OPERATIONS
from tests.unit.adapters.alma.place import alma_place

PAGE = (ROOT / "docs" / "library-systems" / "alma.md").read_text("utf-8")


async def test_the_calls_of_each_operation_are_those_of_the_page(context: LibraryAdapterContext) -> None:
    """Lists of codes are kept for an hour; their calls aren't counted."""
    wrong = []
    for number, operation in enumerate(OPERATIONS):
        async with alma_place(context, f"LIB{number}") as place:
            if operation.arrange is not None:
                await operation.arrange(place)
            place.fake.clear_calls()
            await operation.act(place)
            calls = [one for one in place.fake.calls if "/conf/" not in one.path]
        if f"| `{operation.name}` | {len(calls)} |" not in PAGE:
            wrong.append(f"{operation.name} takes {len(calls)}: {[f'{one.method} {one.path}' for one in calls]}")

    assert wrong == []

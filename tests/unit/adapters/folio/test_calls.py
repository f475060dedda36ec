"""How many calls each operation takes, as docs/library-systems/folio.md lists them."""

from __future__ import annotations

import pytest

from adapters.library.folio.probe import FEE_PERMISSIONS, PERMISSIONS, TEMPORARY_PERMISSIONS
from gateway.ports.adapter import LibraryAdapterContext
from tests.support.paths import ROOT
from tests.unit.adapters.folio.operations import OPERATIONS, FolioOperation, open_scene

PAGE = (ROOT / "docs" / "library-systems" / "folio.md").read_text("utf-8")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name.replace(" ", "-"))
async def test_the_calls_of_an_operation_are_those_of_the_page(
    context: LibraryAdapterContext, operation: FolioOperation
) -> None:
    """Codes are known already: a first time has read them."""
    scene = await open_scene(context, "WARM", title_requests=False)
    if operation.arrange is not None:
        await operation.arrange(scene)
    scene.fake.clear_calls()
    await operation.act(scene)
    calls = len(scene.fake.calls)
    await scene.close()

    assert f"| {operation.name} | {calls} |" in PAGE, f"{operation.name} takes {calls}: {scene.fake.calls}"


def test_the_permissions_are_those_of_the_page() -> None:
    for needed in (*PERMISSIONS, *TEMPORARY_PERMISSIONS, *FEE_PERMISSIONS):
        assert f"| `{needed.name}` | {needed.for_what} |" in PAGE

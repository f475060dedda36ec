"""How many calls each operation takes, as docs/library-systems/folio.md lists them."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import pytest

from adapters.library.folio.probe import list_needed_permissions
from gateway.domain.library import ItemStatus
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from rehearsal.fakes.fake_server import FaultKind
from tests.library_contract.embedded_world import KNOWN
from tests.library_contract.folio_world import make_options, read_guide_permissions
from tests.support.golden_calls import find_changed_calls
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
    calls = list(scene.fake.calls)
    await scene.close()

    assert f"| {operation.name} | {len(calls)} |" in PAGE, f"{operation.name} takes {len(calls)}: {calls}"
    assert find_changed_calls("folio", {operation.name: calls}) == []


def test_the_permissions_are_those_of_the_page() -> None:
    needed = list_needed_permissions(make_options("http://folio.library.example"))
    for one in needed:
        assert f"| `{one.name}` | {one.for_what} |" in PAGE
    assert read_guide_permissions() == {one.name for one in needed}


async def test_the_permissions_of_the_page_are_those_that_the_calls_need(context: LibraryAdapterContext) -> None:
    """No more and no less, over everything that the gateway does in FOLIO, the answers to its first two changes lost.
    Each fake has them alone."""
    used: set[str] = set()
    for number, operation in enumerate(OPERATIONS):
        scene = await open_scene(context, f"P{number}", title_requests=False)
        try:
            if operation.arrange is not None:
                await operation.arrange(scene)
            scene.fake.add_fault(FaultKind.LOSE_REPLY, method="POST", times=2)
            for _ in range(2):
                with contextlib.suppress(OutcomeUnknown, Unavailable):
                    await operation.act(scene)
            await operation.act(scene)
        finally:
            await scene.close()
        used |= scene.fake.used
    scene = await open_scene(context, "LOOK-UPS")
    try:
        item = await scene.library.item_by_barcode(KNOWN.shelf_item)
        await scene.library.holdings((await scene.library.get_bib(item.bib_id)).id)
        for status in (ItemStatus.IN_PROCESS, ItemStatus.NOT_AVAILABLE):
            await scene.library.set_item_status(item.barcode, status, status.value)
    finally:
        await scene.close()
    used |= scene.fake.used

    assert used == read_guide_permissions()


def test_folio_asks_for_these_permissions(specs_folder: Path) -> None:
    """By the descriptors of its modules; those of blocks and of the search aren't there."""
    handlers = json.loads((specs_folder / "folio" / "folio.json").read_text("utf-8"))["handlers"]
    asked = {
        (one["method"], re.sub(r"\{\w+\}", "{id}", one["path"].rstrip("*"))): one["permissions"] for one in handlers
    }
    for needed in list_needed_permissions(make_options("http://folio.library.example")):
        if not needed.path.startswith(("/automated-patron-blocks", "/search/")):
            assert asked[needed.method, needed.path] == [needed.name]

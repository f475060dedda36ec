"""A proxy sends a call again whose answer it missed: what Alma refuses the second time was done the first time."""

from __future__ import annotations

import pytest

from adapters.library.fakes.fake_server import FaultKind
from gateway.domain.library import Bib
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.place import ITEM, USER, Place, alma_place


async def lend(place: Place) -> None:
    await place.library.check_out(ITEM, USER, "loan")


async def reserve(place: Place) -> None:
    await place.library.place_hold(HoldWish(USER, "NORTH", "REQ-1", item_barcode=ITEM), "hold")


async def accept(place: Place) -> None:
    hold = TemporaryHold(USER, "NORTH")
    wish = TemporaryItem("ILL-1", Bib(title="Über Brücken"), "REQ-1", KNOWN.ill, "ILL", hold=hold)
    await place.library.create_temporary_item(wish, "accept")


@pytest.mark.parametrize("path", ["/loans", "/requests", "/items"])
async def test_what_is_sent_twice_is_done_once(context: LibraryAdapterContext, path: str) -> None:
    act = {"/loans": lend, "/requests": reserve, "/items": accept}[path]
    async with alma_place(context) as place:
        await act(place)
        wanted = place.describe_state()
    async with alma_place(context, "OTHER") as place:
        place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path=path)
        await act(place)
        await act(place)

        assert place.describe_state() == wanted

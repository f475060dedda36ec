"""Scans say what they mean, and passwords go over whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.library import ItemStatus
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import HoldWish
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.place import ITEM, USER, alma_place


async def test_a_return_at_the_desk_puts_the_item_on_the_shelf_and_counts_no_use(
    context: LibraryAdapterContext,
) -> None:
    async with alma_place(context) as place:
        await place.library.place_hold(HoldWish(USER, "MAIN", item_barcode=ITEM), "hold")
        done = await place.library.check_in(ITEM, "in", at="MAIN")

        assert done.item.status is ItemStatus.ON_HOLD_SHELF
        assert place.fake.state.in_house_uses == 0
        scan = next(call for call in place.fake.calls if call.query.get("op") == ["scan"])
        assert scan.query["confirm"] == ["true"]


async def test_what_the_page_of_a_desk_does_not_show_is_not_sent(context: LibraryAdapterContext) -> None:
    boxes = {"register_in_house_use": None, "place_on_hold_shelf": None, "confirm": None}
    async with alma_place(context, scan=boxes) as place:
        await place.library.place_hold(HoldWish(USER, "MAIN", item_barcode=ITEM), "hold")
        await place.library.check_in(ITEM, "in", at="MAIN")

        scan = next(call for call in place.fake.calls if call.query.get("op") == ["scan"])
        assert set(scan.query) == {"op", "library", "circ_desk"}
        assert place.fake.state.in_house_uses == 1


@pytest.mark.parametrize("password", ["50%25+é &", "пароль"])
async def test_a_password_goes_over_as_it_is(context: LibraryAdapterContext, password: str) -> None:
    async with alma_place(context) as place:
        place.fake.state.passwords[USER] = password

        assert (await place.library.authenticate(replace(KNOWN.good), password)).id == USER


async def test_lists_without_pages_are_asked_for_without(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        await place.library.item_by_barcode(ITEM)

        lists = [call for call in place.fake.calls if call.path.endswith("/requests")]
        assert [call.query for call in lists] == [{}, {}]

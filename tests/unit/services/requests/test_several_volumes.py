"""A request of several volumes at the desk: each volume is an item of its own, lent and taken back by itself."""

from __future__ import annotations

import pytest

from gateway.domain.library import Item, ItemStatus
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request, VolumeState
from tests.unit.services.requests.support import SOUTH, NcipTown
from tests.unit.services.requests.test_own_desk import illgate

PROFILES = {
    "south": SOUTH,
    "hill": {
        "partner": {"symbols": ["HILL"], "name": "Hill Library", "channel": "mail", "email": "ill@hill.example"},
        "circulation": {"patrons": {"create_library": "MAIN"}},
    },
}


async def free_items(north: NcipTown, count: int) -> tuple[Item, ...]:
    """Items of ours on their shelves, of records of their own."""
    system, found = north.town.context.system, list[Item]()
    for bib in await system.search_bibs("a", 60):
        items = (await system.holdings(bib.id)).items
        found += [one for one in items if one.status is ItemStatus.AVAILABLE and one.circulates and not one.hold_count][
            :1
        ]
    assert len(found) >= count
    return tuple(found[:count])


async def lend_to_hill(north: NcipTown, volumes: tuple[str, ...] = ("Bd. 1", "Bd. 2")) -> Request:
    draft = LendingDraft(
        citation=Citation(title="Der Mann ohne Eigenschaften", author="Musil, Robert"),
        requester=LibraryParty(profile="hill"),
        volumes=volumes,
    )
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    return await north.see(made)


def standing(request: Request) -> list[tuple[str, str]]:
    return [(one.state.value, one.barcode) for one in request.volumes]


async def is_out(north: NcipTown, barcode: str) -> bool:
    item = await north.town.context.system.item_by_barcode(barcode)
    return await north.town.context.system.item_loan(item.id) is not None


# --- lending ---------------------------------------------------------------------------------------------


async def test_each_volume_is_shipped_and_taken_back_by_itself(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    first, second = (one.barcode for one in await free_items(north, 2))

    request = await north.act(request, K.SHIPPED, barcode=first, volumes=("1",))
    assert standing(request) == [("shipped", first), ("expected", "")]
    request = await north.act(request, K.SHIPPED, barcode=second, volumes=("2",))
    assert standing(request) == [("shipped", first), ("shipped", second)]
    assert await is_out(north, first), "the second is no correction of the first"
    assert await is_out(north, second)

    request = await north.act(request, K.CHECKED_IN, volumes=("1",))
    assert (request.state, await is_out(north, first), await is_out(north, second)) == (
        LendingState.SHIPPED,
        False,
        True,
    )
    request = await north.act(request, K.CHECKED_IN, volumes=("2",))
    assert (request.state, await is_out(north, second)) == (LendingState.COMPLETED, False)


async def test_the_volume_that_is_left_needs_no_name(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    first, second = (one.barcode for one in await free_items(north, 2))

    with pytest.raises(Refused) as asked:
        await north.act(request, K.SHIPPED, barcode=first)
    assert asked.value.reason is RefusalReason.AMBIGUOUS_ITEM
    assert asked.value.detail == f"Which volume is {first}? Name the volume (volumes): 1 (Bd. 1), 2 (Bd. 2)."

    await north.act(request, K.SHIPPED, barcode=first, item_description="BD. 1")
    request = await north.act(request, K.SHIPPED, barcode=second)
    assert standing(request) == [("shipped", first), ("shipped", second)]


async def test_volumes_are_not_shipped_without_their_barcodes(north: NcipTown) -> None:
    request = await lend_to_hill(north)

    with pytest.raises(Refused) as refused:
        await north.act(request, K.SHIPPED)

    assert refused.value.reason is RefusalReason.DATA_MISSING
    assert "volume 1 (Bd. 1) and volume 2 (Bd. 2)" in refused.value.detail
    assert (await north.see(request)).state is LendingState.NEW


async def test_one_barcode_is_that_of_one_volume(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    (item,) = await free_items(north, 1)

    with pytest.raises(Refused, match="one volume only; 2 were named"):
        await north.act(request, K.SHIPPED, barcode=item.barcode, volumes=("1", "2"))


async def test_the_item_of_one_volume_does_not_go_out_as_another(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    first, second = (one.barcode for one in await free_items(north, 2))
    for number, barcode in enumerate((first, second), 1):
        await north.act(request, K.SHIPPED, barcode=barcode, volumes=(str(number),))

    with pytest.raises(Refused, match=f"{second} is another volume of this request: Bd. 2"):
        await north.act(request, K.SHIPPED, barcode=second, volumes=("1",))

    assert (await is_out(north, first), await is_out(north, second)) == (True, True)
    assert standing(await north.see(request)) == [("shipped", first), ("shipped", second)]


async def test_a_new_due_date_holds_for_all_volumes(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    barcodes = [one.barcode for one in await free_items(north, 2)]
    for number, barcode in enumerate(barcodes, 1):
        await north.act(request, K.SHIPPED, barcode=barcode, volumes=(str(number),))
    due = (await north.see(request)).terms.lender_due
    assert due is not None

    await north.act(request, K.DUE_DATE_CHANGED, due=due.replace(year=due.year + 1))
    await north.quiet()

    system = north.town.context.system
    for barcode in barcodes:
        loan = await system.item_loan((await system.item_by_barcode(barcode)).id)
        assert loan is not None
        assert loan.due.year == due.year + 1


async def test_volumes_scanned_at_our_own_desk_are_checked_in_one_by_one(north: NcipTown) -> None:
    request = await lend_to_hill(north)
    barcodes = [one.barcode for one in await free_items(north, 2)]
    for number, barcode in enumerate(barcodes, 1):
        await north.act(request, K.SHIPPED, barcode=barcode, volumes=(str(number),))

    seen = []
    for barcode in barcodes:
        assert (await illgate(north, "check-in", barcode)).exit_code == 0
        seen.append((await north.see(request)).state)

    assert seen == [LendingState.SHIPPED, LendingState.COMPLETED]


# --- a second barcode ------------------------------------------------------------------------------------


async def test_a_second_barcode_asks_and_can_be_what_went_out_instead(north: NcipTown) -> None:
    request = await lend_to_hill(north, ())
    first, second = (one.barcode for one in await free_items(north, 2))
    await north.act(request, K.SHIPPED, barcode=first)

    with pytest.raises(Refused) as asked:
        await north.act(request, K.SHIPPED, barcode=second)
    assert asked.value.reason is RefusalReason.AMBIGUOUS_ITEM
    assert f"already has an item ({first}). If {second} was shipped instead" in asked.value.detail
    assert await is_out(north, first), "nothing is done before the answer"
    assert not await is_out(north, second)

    request = await north.act(request, K.SHIPPED, barcode=second, volumes=("1",))
    assert (request.item_barcode, standing(request)) == (second, [("shipped", second)])
    assert (await is_out(north, first), await is_out(north, second)) == (False, True)


async def test_a_second_barcode_can_be_a_further_volume(north: NcipTown) -> None:
    request = await lend_to_hill(north, ())
    first, second = (one.barcode for one in await free_items(north, 2))
    await north.act(request, K.SHIPPED, barcode=first)

    await north.act(request, K.EDIT, further_volume="Registerband")
    request = await north.act(request, K.SHIPPED, barcode=second)

    assert [(one.id, one.label, one.barcode) for one in request.volumes] == [
        ("1", "", first),
        ("2", "Registerband", second),
    ]
    assert await is_out(north, first)


async def test_a_second_barcode_that_comes_asks_too(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, K.RECEIVED, barcode="S-4711")

    with pytest.raises(Refused) as asked:
        await north.act(request, K.RECEIVED, barcode="S-4712")
    assert asked.value.reason is RefusalReason.AMBIGUOUS_ITEM
    assert asked.value.detail == (
        "Every volume of this request already has an item (S-4711). If S-4712 is an additional volume, add that first "
        "(edit: further_volume). Otherwise it belongs to another request."
    )

    await north.act(request, K.EDIT, further_volume="Παράρτημα")
    request = await north.act(request, K.RECEIVED, barcode="S-4712")
    assert (request.state, standing(request)) == (
        BorrowingState.RECEIVED,
        [("received", "S-4711"), ("received", "S-4712")],
    )
    record = await north.town.context.system.item_by_barcode("S-4712")
    assert record.temporary


async def test_nothing_else_is_edited_once_a_supplier_is_asked(north: NcipTown) -> None:
    request = await north.asked()
    with pytest.raises(Exception, match="possible only if the only change is an additional volume"):
        await north.act(request, K.EDIT, further_volume="II", pickup="EAST")


# --- borrowing -------------------------------------------------------------------------------------------


async def test_volumes_come_with_their_own_barcodes(north: NcipTown) -> None:
    request = await north.asked(volumes=("τόμος Α", "τόμος Β"))

    with pytest.raises(
        Refused, match=r"Which volume is S-1\? Name the volume \(volumes\): 1 \(τόμος Α\), 2 \(τόμος Β\)"
    ):
        await north.act(request, K.RECEIVED, barcode="S-1")
    request = await north.act(request, K.RECEIVED, barcode="S-1", volumes=("2",))
    assert (request.state, standing(request)) == (BorrowingState.SHIPPED, [("expected", ""), ("received", "S-1")])
    request = await north.act(request, K.RECEIVED, barcode="S-2")
    assert (request.state, [one.state for one in request.volumes]) == (
        BorrowingState.RECEIVED,
        [VolumeState.RECEIVED] * 2,
    )
    assert [one.barcode for one in request.volumes] == ["S-2", "S-1"]

"""A library behind NCIP keeps the contract, as far as NCIP can; its peer is our own responder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.ports.library_system import Capability, HoldWish
from gateway.ports.shared_store import Store
from gateway.services.request_work import desk_actions, desk_loans
from tests.library_contract.abilities import CIRCULATION, HOLDS, PATRONS, PinnedAbilities
from tests.library_contract.embedded_world import KNOWN
from tests.library_contract.ncip_world import ALL_SERVICES, NcipWorld, ncip_world
from tests.library_contract.suite import LibraryContract, OnSqliteAlone, key, refused


class TestNcip(OnSqliteAlone, PinnedAbilities, LibraryContract):
    abilities = PATRONS.union(
        CIRCULATION,
        HOLDS,
        {
            Capability.BIB_FIND,
            Capability.ITEM_AVAILABILITY,
            Capability.HOLD_TITLE,
            Capability.HOLD_SHELF,
            Capability.RECALL,
            Capability.TEMPORARY_ITEM,
            Capability.ITEM_BY_REQUEST,
            Capability.OVERRIDE,
            Capability.DUE_DATE_GIVEN,
            Capability.FEES_READ,
            Capability.POST_FEE,
            Capability.PICKUP_LIST,
        },
    )

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[NcipWorld]:
        async with ncip_world(store) as world:
            yield world

    async def test_a_refused_hold_leaves_no_question_under_way(self, world: NcipWorld) -> None:
        """Else it is asked of a system whose connections are closed meanwhile."""
        wish = HoldWish("no-such-patron", world.known.desk, item_barcode=world.known.shelf_item)

        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.place_hold(wish, key())

        under_way = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
        assert not [name for name in under_way if "Desk" in name]


# --- a system that can be neither told of a return nor asked about an item ----------------------------------

BLIND = sorted({*ALL_SERVICES} - {"CheckInItem", "LookupItem", "LookupItemSet"})


def make_action(world: NcipWorld, kind: EventKind, barcode: str) -> Any:
    """What an act of staff has of its request and its library."""

    async def find_item(barcode: str) -> Any:
        return await world.library.item_by_barcode(barcode)

    context = SimpleNamespace(system=world.library, find_item=find_item)
    request = SimpleNamespace(volumes=("only",), item_barcode=barcode, is_loss_settled=False)
    return SimpleNamespace(
        context=context, request=request, event=Event(local_signal(kind), world.now(), "ada"), key=f"{kind.value}-1"
    )


@pytest.mark.parametrize("lists", [["loans"], []])
async def test_a_return_is_what_the_patrons_list_or_else_staff_say(store: Store, lists: list[str]) -> None:
    more = {"services": BLIND, "patrons": {"lists": lists}}
    async with ncip_world(store, more) as world:
        library, barcode = world.library, KNOWN.shelf_item
        loan = await library.check_out(barcode, KNOWN.good.value, "lent")
        action = make_action(world, EventKind.CHECKED_IN, barcode)

        if lists:
            with pytest.raises(Refused, match=f"Check in {barcode} in the library system"):
                await desk_actions._check_in_own_item(action)
            assert await library.item_loan(loan.item_id) is not None
            await world.peer.library.check_in(barcode, "at the desk")
        await desk_actions._check_in_own_item(action)

        assert await library.item_loan(loan.item_id) is None
        await desk_actions._check_in_own_item(action)
        if not lists:
            await world.peer.library.check_in(barcode, "at the desk, later")
        assert (await library.check_out(barcode, KNOWN.good.value, "lent anew")).id != loan.id


async def test_a_loan_that_is_undone_is_not_over_for_that(store: Store) -> None:
    """Nobody has said that the item is back."""
    async with ncip_world(store, {"services": BLIND, "patrons": {"lists": []}}) as world:
        loan = await world.library.check_out(KNOWN.shelf_item, KNOWN.good.value, "lent")

        with pytest.raises(Refused, match="has no interface for this return"):
            await desk_loans.check_in_item(
                make_action(world, EventKind.SHIPPED, KNOWN.shelf_item), KNOWN.shelf_item, "undone"
            )

        assert await world.library.item_loan(loan.item_id) is not None

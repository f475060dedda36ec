"""A library behind NCIP keeps the contract, as far as NCIP can; its peer is our own responder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import HoldWish
from gateway.ports.shared_store import Store
from tests.library_contract.ncip_world import NcipWorld, ncip_world
from tests.library_contract.suite import LibraryContract, OnSqliteAlone, key, refused


class TestNcip(OnSqliteAlone, LibraryContract):
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

"""A library behind Alma keeps the contract, as far as it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import CIRCULATION, HOLDS, PARTNERS_ITEMS, PATRONS, PinnedAbilities
from tests.library_contract.alma_world import AlmaWorld, alma_world, make_fake_alma
from tests.library_contract.embedded_world import START
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.support.running_servers import running


class TestAlma(OnSqliteAlone, PinnedAbilities, LibraryContract):
    """With the areas of the guide alone."""

    abilities = PATRONS.union(
        CIRCULATION,
        HOLDS,
        PARTNERS_ITEMS,
        {
            Capability.BIB_FIND,
            Capability.ITEM_AVAILABILITY,
            Capability.HOLD_TITLE,
            Capability.HOLD_SHELF,
            Capability.SHELF_CHOICE,
            Capability.DUE_DATE_GIVEN,
            Capability.DUE_DATE_CHANGE,
            Capability.MOVE_LOCATION,
            Capability.PATRON_CREATE,
            Capability.PATRON_UPDATE,
            Capability.PATRON_EXPIRE,
            Capability.FEES_READ,
            Capability.POST_FEE,
            Capability.PICKUP_LIST,
        },
    )

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[AlmaWorld]:
        clock = FixedClock(START)
        async with running(make_fake_alma(clock)) as fake:
            world = await alma_world(store, fake, clock)
            yield world
            await world.library.close_connections()

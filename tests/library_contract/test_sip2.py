"""A library behind SIP2 keeps the contract, as far as SIP2 can."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import CIRCULATION, HOLDS, PATRONS, PinnedAbilities
from tests.library_contract.embedded_world import START
from tests.library_contract.sip2_world import Sip2World, sip2_world, started_server, stock_library
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.support.running_servers import running


class TestSip2(OnSqliteAlone, PinnedAbilities, LibraryContract):
    abilities = (
        PATRONS | CIRCULATION | HOLDS | {Capability.OVERRIDE, Capability.ITEM_BY_REQUEST, Capability.PICKUP_LIST}
    )

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[Sip2World]:
        clock = FixedClock(START)
        async with running(started_server(stock_library(clock))) as server:
            world = await sip2_world(store, server, clock)
            yield world
            await world.library.close_connections()

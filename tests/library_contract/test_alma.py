"""A library behind Alma keeps the contract, as far as it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from tests.library_contract.alma_world import AlmaWorld, alma_world, make_fake_alma
from tests.library_contract.embedded_world import START
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.support.running_servers import running


class TestAlma(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[AlmaWorld]:
        clock = FixedClock(START)
        async with running(make_fake_alma(clock)) as fake:
            world = await alma_world(store, fake, clock)
            yield world
            await world.library.close_connections()

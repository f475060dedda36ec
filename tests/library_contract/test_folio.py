"""A library behind FOLIO keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import START
from tests.library_contract.folio_world import FolioWorld, folio_world, make_fake
from tests.library_contract.suite import LibraryContract, OnSqliteAlone


class TestFolio(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[FolioWorld]:
        clock = FixedClock(START)
        fake = make_fake(clock)
        await fake.start()
        world = await folio_world(store, fake, clock)
        yield world
        await world.library.close_connections()
        await fake.stop()

"""A library behind Koha keeps the contract, as far as Koha's API can."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import START
from tests.library_contract.koha_world import KohaWorld, koha_world, make_fake_koha
from tests.library_contract.suite import LibraryContract, OnSqliteAlone


class TestKoha(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[KohaWorld]:
        clock = FixedClock(START)
        fake = make_fake_koha(clock)
        await fake.start()
        world = await koha_world(store, fake, clock)
        yield world
        await world.library.close_connections()
        await fake.stop()

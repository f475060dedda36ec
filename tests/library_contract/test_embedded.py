"""The embedded library keeps the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import EmbeddedWorld, embedded_world
from tests.library_contract.suite import LibraryContract, key, lend


class TestEmbedded(LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> EmbeddedWorld:
        return await embedded_world(store)

    async def test_the_latest_loan_of_an_item_is_kept(self, world: EmbeddedWorld) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        assert await world.library.last_loan(loan.item_id) == loan

        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        assert await world.library.last_loan(loan.item_id) == back.loan

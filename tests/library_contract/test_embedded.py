"""The embedded library keeps the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import Capability, HoldWish
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import PinnedAbilities
from tests.library_contract.embedded_world import EmbeddedWorld, embedded_world
from tests.library_contract.suite import LibraryContract, key, lend, refused


class TestEmbedded(PinnedAbilities, LibraryContract):
    abilities = frozenset(Capability)

    @pytest.fixture
    def store_url(self, migrated_store_url: str) -> str:
        return migrated_store_url

    @pytest.fixture
    async def world(self, store: Store) -> EmbeddedWorld:
        return await embedded_world(store)

    async def test_the_latest_loan_of_an_item_is_kept(self, world: EmbeddedWorld) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        assert await world.library.last_loan(loan.item_id) == loan

        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        assert await world.library.last_loan(loan.item_id) == back.loan

    async def test_a_title_hold_keeps_back_one_copy_of_two(self, world: EmbeddedWorld) -> None:
        item = await world.library.item_by_barcode(world.known.copies[0])
        good = await world.library.find_patron(world.known.good)
        await world.library.place_hold(HoldWish(good.id, world.known.desk, bib_id=item.bib_id), key())

        await lend(world, world.known.copies[0], world.known.other)
        with refused(RefusalReason.REQUESTED_BY_OTHER):
            await lend(world, world.known.copies[1], world.known.third)

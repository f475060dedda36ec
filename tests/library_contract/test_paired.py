"""Pairs of systems keep the contract, as far as the two together can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.library import IdentifierType
from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import CIRCULATION, HOLDS, PARTNERS_ITEMS, PATRONS, PinnedAbilities
from tests.library_contract.paired_world import (
    SHARED_BY_NCIP,
    PairedWorld,
    embedded_and_ncip,
    embedded_pair_apart,
    koha_and_sip2,
    sip2_and_embedded,
)
from tests.library_contract.suite import LibraryContract, OnSqliteAlone, accept, key, patron_id, refused

APART = "ILL-880001"
APART_ABILITIES = PATRONS.union(
    CIRCULATION, HOLDS, PARTNERS_ITEMS, {Capability.HOLD_SHELF, Capability.SHELF_CHOICE, Capability.PICKUP_LIST}
)
KOHA_ABILITIES = PATRONS.union(
    CIRCULATION,
    HOLDS,
    PARTNERS_ITEMS,
    {
        Capability.BIB_FIND,
        Capability.ITEM_AVAILABILITY,
        Capability.HOLD_TITLE,
        Capability.MOVE_LOCATION,
        Capability.PATRON_CREATE,
        Capability.PATRON_UPDATE,
        Capability.PATRON_EXPIRE,
        Capability.FEES_READ,
        Capability.POST_FEE,
        Capability.PICKUP_LIST,
    },
)


class ApartContract(LibraryContract):
    """Besides: what is special where partners' items are kept apart."""

    async def test_the_second_system_knows_a_patron_only_while_something_is_there(self, world: PairedWorld) -> None:
        second = world.library._systems.second
        with refused(RefusalReason.UNKNOWN_PATRON):
            await second.find_patron(world.known.good.value)
        await accept(world, world.known.ill.library)
        copy = await second.find_patron(world.known.good.value)
        original = await world.library.find_patron(world.known.good)

        assert copy.id != original.id
        assert copy.name == original.name
        assert not copy.contacts
        loan = await world.library.check_out(APART, original.id, key())
        assert loan.patron_id == original.id
        await world.library.check_in(APART, key(), at=world.known.ill.library)
        await world.library.delete_temporary_item(APART, key())
        with refused(RefusalReason.UNKNOWN_PATRON):
            await second.find_patron(world.known.good.value)

    async def test_a_block_of_the_main_system_counts_for_partners_items(self, world: PairedWorld) -> None:
        await accept(world, world.known.ill.library)
        blocked = await patron_id(world, world.known.blocked)
        with refused(RefusalReason.PATRON_BLOCKED):
            await world.library.check_out(APART, blocked, key())

    async def test_what_a_patron_has_in_both_is_listed(self, world: PairedWorld) -> None:
        who = await patron_id(world, world.known.good)
        await accept(world, world.known.ill.library)
        theirs = await world.library.check_out(APART, who, key())
        ours = await world.library.check_out(world.known.shelf_item, who, key())

        assert {loan.id for loan in await world.library.patron_loans(who)} == {theirs.id, ours.id}
        assert (await world.library.find_patron(world.known.good)).loan_count == 2

    async def test_a_partners_item_gets_a_due_date_of_the_partner(self, world: PairedWorld) -> None:
        """Though the main system may set its dates alone."""
        who = await patron_id(world, world.known.good)
        await accept(world, world.known.ill.library)
        loan = await world.library.check_out(APART, who, key())
        able = world.library.capabilities_of_item(APART, loan.id)

        assert Capability.DUE_DATE_CHANGE in able
        due = loan.due + timedelta(days=2)
        assert await world.library.set_due_date(loan.id, due, key()) == replace(loan, due=due)

    async def test_a_partner_cant_take_the_barcode_of_an_own_item(self, world: PairedWorld) -> None:
        await accept(world, world.known.ill.library)
        with refused(RefusalReason.DUPLICATE_ITEM):
            await world.library.change_barcode(APART, world.known.shelf_item, key())


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_patron_without_the_number_that_both_go_by_is_unknown(store: Store) -> None:
    world = await embedded_pair_apart(store, patron_number="username")

    with refused(RefusalReason.UNKNOWN_PATRON):
        await world.library.find_patron(world.known.good)


@pytest.mark.long
class TestEmbeddedApart(OnSqliteAlone, PinnedAbilities, ApartContract):
    abilities = frozenset(Capability)

    @pytest.fixture
    async def world(self, store: Store) -> PairedWorld:
        return await embedded_pair_apart(store)


class TestSip2AndEmbedded(OnSqliteAlone, PinnedAbilities, ApartContract):
    abilities = APART_ABILITIES | {Capability.OVERRIDE}

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[PairedWorld]:
        async with sip2_and_embedded(store) as world:
            yield world


@pytest.mark.long
class TestEmbeddedAndNcip(OnSqliteAlone, PinnedAbilities, LibraryContract):
    abilities = frozenset(Capability) - {Capability.DUE_DATE_CHANGE, Capability.LEAVE_HOLDS}

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[PairedWorld]:
        async with embedded_and_ncip(store, SHARED_BY_NCIP) as world:
            yield world

    async def test_each_has_numbers_of_its_own(self, world: PairedWorld) -> None:
        """The barcode is what both know."""
        main, second = world.library._systems.both_sides
        number = world.known.good.value
        assert (await main.find_patron(number)).id != (await second.find_patron(number)).id
        item = await world.library.item_by_barcode(world.known.shelf_item)
        assert await main.item_number(item.id) != await second.item_number(item.id)
        loan = await world.library.check_out(world.known.shelf_item, await patron_id(world, world.known.good), key())
        assert await world.library.find_patron(PatronKey(loan.patron_id, (IdentifierType.INTERNAL,)))


class TestKohaAndSip2(OnSqliteAlone, PinnedAbilities, LibraryContract):
    abilities = KOHA_ABILITIES

    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[PairedWorld]:
        async with koha_and_sip2(store, ["check-in"]) as world:
            yield world

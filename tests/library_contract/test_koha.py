"""A library behind Koha keeps the contract, as far as Koha's API can: on the fake's own rules, and on the OpenAPI
documents of real Kohas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from rehearsal.fakes.fake_server import FakeCall
from tests.fakes.documented_koha import DOCUMENTS, DocumentedKoha
from tests.library_contract.embedded_world import START
from tests.library_contract.koha_world import KohaWorld, koha_world, make_documented_koha, make_fake_koha
from tests.library_contract.suite import LibraryContract, OnSqliteAlone, hold_item, key, needs, refused
from tests.library_contract.world import World
from tests.support.running_servers import running

ALL = frozenset(
    [
        Capability.PATRON_LOOKUP,
        Capability.BLOCKS_DETAILED,
        Capability.CONTACT,
        Capability.AUTHENTICATE,
        Capability.FEES_READ,
        Capability.PATRON_CREATE,
        Capability.PATRON_UPDATE,
        Capability.PATRON_EXPIRE,
        Capability.BIB_FIND,
        Capability.ITEM_AVAILABILITY,
        Capability.HOLD_ITEM,
        Capability.HOLD_TITLE,
        Capability.HOLD_PICKUP,
        Capability.HOLD_CANCEL,
        Capability.HOLD_UPDATE,
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.SUPPRESS,
        Capability.CHECK_OUT,
        Capability.RENEW,
        Capability.MOVE_LOCATION,
        Capability.CHANGE_BARCODE,
        Capability.POST_FEE,
        Capability.PICKUP_LIST,
        Capability.ITEM_BY_REQUEST,
    ]
)
OLDER_LACKS = frozenset(
    [
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.MOVE_LOCATION,
        Capability.CHANGE_BARCODE,
        Capability.POST_FEE,
        Capability.FEES_READ,
    ]
)
"""Without POST and PUT of items and without debits."""


class TestKoha(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[KohaWorld]:
        clock = FixedClock(START)
        async with running(make_fake_koha(clock, is_near_main=True)) as fake:
            world = await koha_world(store, fake, clock)
            yield world
            await world.library.close_connections()

    def test_it_can_all_that_kohas_api_can(self, world: KohaWorld) -> None:
        assert world.library.capabilities == ALL


@pytest.mark.parametrize("document", DOCUMENTS)
class TestKohaOfDocument(OnSqliteAlone, LibraryContract):
    """Each call is judged by the document as the real Koha judges it: one that it would refuse fails the test."""

    @pytest.fixture
    async def world(self, store: Store, document: str, specs_folder: Path) -> AsyncIterator[KohaWorld]:
        clock = FixedClock(START)
        async with running(make_documented_koha(clock, specs_folder, document)) as fake:
            world = await koha_world(store, fake, clock)
            yield world
            await world.library.close_connections()
            assert fake.refused == []

    def test_it_can_what_the_document_offers(self, world: KohaWorld, document: str) -> None:
        lacking = OLDER_LACKS if document == "community-older" else frozenset()

        assert world.library.capabilities == ALL - lacking

    async def test_a_hold_can_be_picked_up_elsewhere(self, world: World) -> None:
        """The day on which it ends, near main alone."""
        assert isinstance(world, KohaWorld)
        assert isinstance(world.fake, DocumentedKoha)
        if world.fake.document == "fork-near-main-2026":
            await super().test_a_hold_can_be_picked_up_elsewhere(world)
            return
        needs(world, Capability.HOLD_UPDATE)
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        day = world.now().date() + timedelta(days=30)

        with refused(RefusalReason.UNSUPPORTED_SERVICE):
            await world.library.update_hold(hold.id, key(), expires=day)
        changed = await world.library.update_hold(hold.id, key(), pickup=world.known.other_desk)
        assert changed.pickup == world.known.other_desk
        with refused(RefusalReason.BAD_PICKUP_LOCATION):
            await world.library.update_hold(hold.id, key(), pickup="no-such-place")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_refuse_what_they_do_not_list(document: str, specs_folder: Path) -> None:
    """Else the tests above would show nothing."""
    fake = make_documented_koha(FixedClock(START), specs_folder, document)

    def make_call(path: str, query: dict[str, list[str]], embeds: str) -> FakeCall:
        return FakeCall("GET", f"/api/v1{path}", 0, query, {"x-koha-embed": embeds})

    assert fake.find_faults(make_call("/patrons/7", {}, "account_balance,checkouts+count"))
    assert fake.find_faults(make_call("/patrons", {"number": ["7"]}, ""))
    assert not fake.find_faults(make_call("/patrons", {"patron_id": ["7"]}, "account_balance,checkouts+count"))

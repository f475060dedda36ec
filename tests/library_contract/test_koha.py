"""A library behind Koha keeps the contract, as far as Koha's API can, on the OpenAPI documents of real Kohas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from rehearsal.fakes.fake_server import FakeCall
from tests.fakes.documented_koha import DOCUMENTS
from tests.library_contract.abilities import PinnedAbilities
from tests.library_contract.embedded_world import START
from tests.library_contract.koha_world import KohaWorld, koha_world, make_documented_koha
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


class DocumentContract(OnSqliteAlone, PinnedAbilities, LibraryContract):
    """Each call is judged by the document as the real Koha judges it: one that it would refuse fails the test."""

    document: ClassVar[str]

    @pytest.fixture
    async def world(self, store: Store, specs_folder: Path) -> AsyncIterator[KohaWorld]:
        clock = FixedClock(START)
        async with running(make_documented_koha(clock, specs_folder, self.document)) as fake:
            world = await koha_world(store, fake, clock)
            yield world
            await world.library.close_connections()
            assert fake.refused == []


class TestKohaNearMain(DocumentContract):
    document = "fork-near-main-2026"
    abilities = ALL


class ReleasedContract(DocumentContract):
    @needs(Capability.HOLD_UPDATE)
    async def test_a_hold_can_be_picked_up_elsewhere(self, world: World) -> None:
        """The day on which it ends is for Kohas near main alone."""
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        day = world.now().date() + timedelta(days=30)

        with refused(RefusalReason.UNSUPPORTED_SERVICE):
            await world.library.update_hold(hold.id, key(), expires=day)
        changed = await world.library.update_hold(hold.id, key(), pickup=world.known.other_desk)
        assert changed.pickup == world.known.other_desk
        with refused(RefusalReason.BAD_PICKUP_LOCATION):
            await world.library.update_hold(hold.id, key(), pickup="no-such-place")


class TestKohaInProduction(ReleasedContract):
    document = "production-23.11"
    abilities = ALL


class TestOlderKoha(ReleasedContract):
    document = "community-older"
    abilities = ALL - OLDER_LACKS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_refuse_what_they_do_not_list(document: str, specs_folder: Path) -> None:
    """Else the tests above would show nothing."""
    fake = make_documented_koha(FixedClock(START), specs_folder, document)

    def make_call(path: str, query: dict[str, list[str]], embeds: str) -> FakeCall:
        return FakeCall("GET", f"/api/v1{path}", 0, query, {"x-koha-embed": embeds})

    assert fake.find_faults(make_call("/patrons/7", {}, "account_balance,checkouts+count"))
    assert fake.find_faults(make_call("/patrons", {"number": ["7"]}, ""))
    assert not fake.find_faults(make_call("/patrons", {"patron_id": ["7"]}, "account_balance,checkouts+count"))

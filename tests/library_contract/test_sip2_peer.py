"""A library behind SIP2 as it is recorded of Evergreen keeps the contract, and with the habits of other systems too."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.library import ItemStatus
from gateway.domain.problems import RefusalReason
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import CIRCULATION, HOLDS, PATRONS, PinnedAbilities
from tests.library_contract.sip2_peer_world import (
    ACCENTED_ITEM,
    DATES,
    EVERGREEN,
    FOLIO,
    ITEM,
    KOHA,
    OTHER_READER,
    POLICY,
    READER,
    STATUS_FIRST,
    UNICODE,
    UNREADABLE,
    RecordedHolds,
    Sip2Dialect,
    Sip2PeerWorld,
    sip2_peer_world,
)
from tests.library_contract.suite import (
    CatalogueContract,
    LibraryContract,
    LoanContract,
    OnSqliteAlone,
    PatronContract,
    ReturnContract,
    hold_item,
    key,
    lend,
    refused,
)

OWN_ABILITIES = frozenset({Capability.ITEM_BY_REQUEST})
WITH_HOLDS = PATRONS | CIRCULATION | HOLDS | OWN_ABILITIES | {Capability.PICKUP_LIST}


class PeerContract(OnSqliteAlone, PinnedAbilities):
    dialect: Sip2Dialect = EVERGREEN
    abilities = WITH_HOLDS

    @pytest.fixture
    async def world(self, store: Store, peers_folder: Path, tmp_path: Path) -> AsyncIterator[Sip2PeerWorld]:
        async with sip2_peer_world(store, peers_folder, tmp_path / "peer", self.dialect) as world:
            yield world


class TestEvergreen(PeerContract, RecordedHolds, LibraryContract):
    async def test_no_message_has_an_empty_pin(self, world: Sip2PeerWorld) -> None:
        hold = await hold_item(world, ITEM, world.known.good)
        await world.library.cancel_hold(hold.id, key())
        await lend(world, ITEM, world.known.good)
        await world.library.renew_loan(ITEM, key(), patron_id=READER)
        await world.library.check_in(ITEM, key())

        heard = [line for line in world.list_messages() if line.startswith("> ")]
        assert {line[2:4] for line in heard} >= {"63", "17", "15", "11", "29", "09"}
        assert not [line for line in heard if "|AD|" in line]

    async def test_a_renewal_that_is_granted_with_the_same_date_is_granted(self, world: Sip2PeerWorld) -> None:
        loan = await lend(world, ITEM, world.known.good)
        under = key()
        renewed = await world.library.renew_loan(ITEM, under, patron_id=READER)

        assert renewed.renewals == 1
        assert renewed.known_due >= loan.known_due
        assert await world.library.renew_loan(ITEM, under, patron_id=READER) == renewed
        assert len([line for line in world.list_messages() if line.startswith("> 29")]) == 1

    async def test_another_patrons_loan_is_not_renewed(self, world: Sip2PeerWorld) -> None:
        await lend(world, ITEM, world.known.good)
        with refused(RefusalReason.NOT_CHECKED_OUT):
            await world.library.renew_loan(ITEM, key(), patron_id=OTHER_READER)


class TestKoha(PeerContract, PatronContract):
    """By SIP2 it makes holds on titles, and cancels none."""

    dialect = KOHA
    abilities = WITH_HOLDS - HOLDS - {Capability.PICKUP_LIST}


class TestFolio(PeerContract, PatronContract, CatalogueContract):
    """It answers otherwise for an unknown item, and takes an empty PIN."""

    dialect = FOLIO


class TestAccentsApart(PeerContract, PatronContract):
    dialect = UNICODE

    async def test_a_title_is_put_together(self, world: Sip2PeerWorld) -> None:
        item = await world.library.item_by_barcode(ACCENTED_ITEM)
        title = (await world.library.get_bib(item.bib_id)).title

        assert "cáliz" in title
        assert unicodedata.is_normalized("NFC", title)


class LendingContract(PeerContract, RecordedHolds, LoanContract, ReturnContract):
    """What 98 and the login have to do with."""


class TestStatusSaysNo(LendingContract):
    dialect = POLICY


@pytest.mark.long
class TestStatusFirst(LendingContract):
    dialect = STATUS_FIRST


@pytest.mark.parametrize("form", DATES, ids=[one.name for one in DATES])
class TestDates(OnSqliteAlone):
    @pytest.fixture
    async def world(
        self, store: Store, peers_folder: Path, tmp_path: Path, form: Sip2Dialect
    ) -> AsyncIterator[Sip2PeerWorld]:
        async with sip2_peer_world(store, peers_folder, tmp_path / "peer", form) as world:
            yield world

    async def test_the_day_is_read(self, world: Sip2PeerWorld) -> None:
        loan = await lend(world, ITEM, world.known.good)
        days = (loan.known_due - world.now()).total_seconds() / 86_400

        assert 12.9 < days < 15.1
        assert (await world.library.patron_loans(READER)) == (loan,)


class TestUnreadableDates(OnSqliteAlone):
    @pytest.fixture
    async def world(self, store: Store, peers_folder: Path, tmp_path: Path) -> AsyncIterator[Sip2PeerWorld]:
        async with sip2_peer_world(store, peers_folder, tmp_path / "peer", UNREADABLE) as world:
            yield world

    async def test_nothing_stops_for_it(self, world: Sip2PeerWorld) -> None:
        under = key()
        loan = await lend(world, ITEM, world.known.good, under)

        assert loan.due is None
        assert await lend(world, ITEM, world.known.good, under) == loan
        assert await world.library.item_loan(ITEM) == loan
        assert await world.library.patron_loans(READER) == (loan,)
        assert (await world.library.renew_loan(ITEM, key(), patron_id=READER)).renewals == 1
        back = await world.library.check_in(ITEM, key())
        assert back.loan is not None
        assert back.loan.id == loan.id
        assert back.item.status is ItemStatus.AVAILABLE

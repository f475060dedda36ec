"""The whole life of an own item, and of a partner's, where a SIP2 system is the library's or one of its two.

Each change is asked for under one key until its outcome is known, and once more; the reply to one of them is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.domain.library import Charge, Hold, HoldStatus, Item, ItemStatus, Loan, Money
from gateway.domain.problems import OutcomeUnknown
from gateway.ports.library_system import (
    Capability,
    CheckedIn,
    DiffersByItem,
    HoldWish,
    TemporaryHold,
    TemporaryItemResult,
)
from gateway.ports.shared_store import Store
from rehearsal.fakes.fake_server import FaultKind
from tests.library_contract.paired_world import PairedWorld, koha_and_sip2, sip2_peer_and_embedded
from tests.library_contract.sip2_peer_world import Sip2PeerWorld, sip2_peer_world
from tests.library_contract.suite import OnSqliteAlone, key, partners_item, patron_id
from tests.support.sip2_proxy import Loss

T = TypeVar("T", Hold, Loan, CheckedIn, TemporaryItemResult, Item, Charge)

PARTNERS_ITEM = "ILL-880001"
BY_SIP2 = {"hold": b"15", "cancellation": b"15", "check-out": b"11", "renewal": b"29", "check-in": b"09"}
BY_REST = {
    "receipt": ("POST", "/items"),
    "hold": ("POST", "/holds"),
    "cancellation": ("DELETE", "/holds"),
    "check-out": ("POST", "/checkouts"),
    "renewal": ("POST", "/renewal"),
    "fee": ("POST", "/account/debits"),
    "deletion": ("DELETE", "/items"),
}


def _name_outcome(outcome: T) -> str:
    """What must be the same the second time: statuses and counts go on."""
    match outcome:
        case CheckedIn():
            return outcome.loan.id if outcome.loan is not None else outcome.item.id
        case TemporaryItemResult():
            return outcome.item.id
        case _:
            return outcome.id


@dataclass
class Life:
    """`lost`: the change whose reply is lost; empty: none."""

    world: Sip2PeerWorld | PairedWorld
    lost: str = ""

    async def change(self, name: str, act: Callable[[str], Awaitable[T]]) -> T:
        under = key()
        if name == self.lost:
            self._lose_reply(name)
        try:
            outcome = await act(under)
        except OutcomeUnknown:
            outcome = await act(under)
        if name == self.lost:
            assert self._is_reply_lost()
        assert _name_outcome(await act(under)) == _name_outcome(outcome)
        return outcome

    def _lose_reply(self, name: str) -> None:
        """Koha's REST API does all but the check-in."""
        if isinstance(self.world, PairedWorld) and self.world.koha is not None and name in BY_REST:
            method, path = BY_REST[name]
            self.world.koha.add_fault(FaultKind.LOSE_REPLY, method=method, path=path)
            return
        assert self.world.proxy is not None
        self.world.proxy.lose(BY_SIP2[name], Loss.ANSWER)

    def _is_reply_lost(self) -> bool:
        koha = self.world.koha if isinstance(self.world, PairedWorld) else None
        faults = koha._faults if koha is not None else []
        return all(one.done for one in faults) and not (self.world.proxy is not None and self.world.proxy._losses)

    async def live_with_own_item(self) -> None:
        """Reserved, no longer, lent, renewed, and back."""
        library, known = self.world.library, self.world.known
        who, barcode = await patron_id(self.world, known.good), known.shelf_item
        wish = HoldWish(who, known.desk, "REQ-7", item_barcode=barcode)
        hold = await self.change("hold", lambda under: library.place_hold(wish, under))
        ended = await self.change("cancellation", lambda under: library.cancel_hold(hold.id, under))
        assert ended.status is HoldStatus.CANCELLED
        assert await library.patron_holds(who) == ()

        loan = await self._lend_and_return(barcode, who, known.desk)
        assert loan.patron_id == who

    async def live_with_partners_item(self) -> None:
        """Received, lent, renewed, back, and deleted; and the patron pays for it."""
        library, known = self.world.library, self.world.known
        who = await patron_id(self.world, known.good)
        item = partners_item(self.world, PARTNERS_ITEM, hold=TemporaryHold(who, known.ill.library, True))
        await self.change("receipt", lambda under: library.create_temporary_item(item, under))
        loan = await self._lend_and_return(PARTNERS_ITEM, who, known.ill.library)
        assert loan.request_id == "REQ-1"
        await self.change("deletion", lambda under: library.delete_temporary_item(PARTNERS_ITEM, under))
        assert await library.patron_holds(who) == ()
        if Capability.POST_FEE in library.capabilities:
            fee = Money(Decimal("3.50"), known.currency)
            await self.change("fee", lambda under: library.post_fee(who, fee, "ill-fee", under))
            assert [one.amount for one in await library.patron_charges(who)] == [fee]

    async def _lend_and_return(self, barcode: str, who: str, place: str) -> Loan:
        library = self.world.library
        loan = await self.change("check-out", lambda under: library.check_out(barcode, who, under))
        # the embedded library, beside SIP2, would renew to the same day
        has_given_date = isinstance(library, DiffersByItem) and Capability.DUE_DATE_GIVEN in (
            library.capabilities_of_item(barcode, loan.id)
        )
        due = loan.known_due + timedelta(days=7) if has_given_date else None
        renewed = await self.change("renewal", lambda under: library.renew_loan(barcode, under, patron_id=who, due=due))
        assert (renewed.id, renewed.renewals) == (loan.id, 1)
        assert [one.id for one in await library.patron_loans(who)] == [loan.id]
        back = await self.change("check-in", lambda under: library.check_in(barcode, under, at=place))
        assert back.loan is not None
        assert back.loan.id == loan.id
        assert (await library.item_by_barcode(barcode)).status is ItemStatus.AVAILABLE
        assert await library.patron_loans(who) == ()
        return loan


class TestSip2Alone(OnSqliteAlone):
    @pytest.mark.parametrize("lost", BY_SIP2)
    async def test_an_own_item(self, store: Store, peers_folder: Path, tmp_path: Path, lost: str) -> None:
        async with sip2_peer_world(store, peers_folder, tmp_path / "peer") as world:
            await Life(world, lost).live_with_own_item()
            heard = [line[2:4] for line in world.list_messages() if line.startswith("> ")]

        assert heard.count("15") == 2, "one reservation, one cancellation"
        assert heard.count("11") == heard.count("09") == 1
        # whether a renewal that leaves the date as it was has been done, nobody can ask: then it is sent again
        assert heard.count("29") in ((1, 2) if lost == "renewal" else (1,))


class TestSip2WithPartnersItemsApart(OnSqliteAlone):
    @pytest.mark.parametrize("lost", BY_SIP2)
    async def test_both_ways(self, store: Store, peers_folder: Path, tmp_path: Path, lost: str) -> None:
        async with sip2_peer_and_embedded(store, peers_folder, tmp_path / "peer") as world:
            await Life(world).live_with_partners_item()
            await Life(world, lost).live_with_own_item()


class TestKohaWithSip2(OnSqliteAlone):
    @pytest.mark.parametrize("lost", ["hold", "cancellation", "check-out", "renewal", "check-in"])
    async def test_an_own_item(self, store: Store, lost: str) -> None:
        async with koha_and_sip2(store, ["check-in"]) as world:
            await Life(world, lost).live_with_own_item()

    @pytest.mark.parametrize("lost", ["receipt", "check-out", "renewal", "check-in", "deletion", "fee"])
    async def test_a_partners_item(self, store: Store, lost: str) -> None:
        async with koha_and_sip2(store, ["check-in"]) as world:
            await Life(world, lost).live_with_partners_item()

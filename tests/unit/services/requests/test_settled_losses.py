"""What was lost ends by an act: no loan and no temporary record stays, and the fee is there if the profile says so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.library.embedded.system import EmbeddedLibrary
from gateway.domain.library import ItemStatus, Loan, Money
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request
from gateway.domain.requests.scan_rules import ScanOutcome, ScanReason, ScanWork
from gateway.domain.requests.views import LossSettlement
from gateway.ports.library_system import Capability, PatronKey
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown, ncip
from tests.unit.services.requests.test_scans import scan

FEES = {"borrowing": {"loss_fee": True}, "lending": {"loss_fee": True}}
PROFILES = {
    "south": SOUTH,
    "hill": {"partner": {**SOUTH["partner"], "symbols": ["HILL"], "name": "Hill Library", "workflow": FEES}},
    "desk": ncip(),
}
COST = Money(Decimal("45.00"), "EUR")


async def lose_at_patron(north: NcipTown, partner: str) -> Request:
    request = await north.asked(partner=partner)
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.act(request, EventKind.LOST)
    await north.quiet()
    lost = await north.see(request)
    assert lost.state is BorrowingState.LOST
    return lost


async def lose_at_partner(north: NcipTown, partner: str) -> Request:
    item = await north.free_item()
    draft = LendingDraft(citation=Citation(title="Λιμάνια του Βορρά"), requester=LibraryParty(profile=partner))
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    await north.act(request, EventKind.LOCATED, barcode=item.barcode)
    await north.act(request, EventKind.SHIPPED)
    await north.act(request, EventKind.LOST)
    await north.quiet()
    return await north.see(request)


async def fees_of(north: NcipTown, patron_id: str, number: str) -> list[Money]:
    charges = await north.town.context.system.patron_charges(patron_id)
    return [one.amount for one in charges if one.request_id == number]


async def test_the_patrons_loan_and_the_temporary_record_end(north: NcipTown) -> None:
    lost = await lose_at_patron(north, "south")
    patron = await north.patron(PATRON)
    assert lost.volumes[0].barcode in [loan.item_barcode for loan in await open_loans(north, patron.id)]

    await north.act(lost, EventKind.SETTLED, note="Ersatzexemplar angenommen")
    await north.quiet()

    settled = await north.see(lost)
    assert settled.state is BorrowingState.COMPLETED
    assert lost.volumes[0].barcode not in [loan.item_barcode for loan in await open_loans(north, patron.id)]
    assert await north.town.context.find_item(lost.volumes[0].barcode) is None
    assert await fees_of(north, patron.id, lost.number) == []


async def open_loans(north: NcipTown, patron_id: str) -> tuple[Loan, ...]:
    return await north.town.context.system.patron_loans(patron_id)


async def test_the_fee_is_posted_where_the_profile_says_so(north: NcipTown) -> None:
    lost = await lose_at_patron(north, "hill")
    with pytest.raises(Refused) as unsaid:
        await north.act(lost, EventKind.SETTLED)
    assert unsaid.value.reason is RefusalReason.DATA_MISSING
    assert (await north.see(lost)).state is BorrowingState.LOST

    await north.act(lost, EventKind.SETTLED, cost=COST)
    await north.quiet()

    assert (await north.see(lost)).state is BorrowingState.COMPLETED
    assert await fees_of(north, (await north.patron(PATRON)).id, lost.number) == [COST]


async def test_a_partners_loan_ends_and_our_item_stays_lost(north: NcipTown) -> None:
    lost = await lose_at_partner(north, "hill")
    assert lost.state is LendingState.LOST
    barcode = lost.item_barcode

    await north.act(lost, EventKind.SETTLED, cost=COST)
    await north.quiet()

    item = await north.town.context.find_item(barcode)
    assert item is not None
    assert item.status is ItemStatus.LOST
    assert await north.town.context.system.item_loan(item.id) is None
    assert (await north.see(lost)).state is LendingState.COMPLETED
    assert await fees_of(north, lost.borrower_id, lost.number) == [COST]
    assert (await north.town.context.system.find_patron(PatronKey(PATRON))).id != lost.borrower_id


async def test_what_the_patron_brings_after_that_goes_back_to_its_lender(north: NcipTown) -> None:
    lost = await lose_at_patron(north, "south")
    await north.act(lost, EventKind.SETTLED)
    await north.quiet()

    found = await scan(north, ScanWork.TAKE_BACK, lost.volumes[0].barcode)
    again = await scan(north, ScanWork.TAKE_BACK, lost.volumes[0].barcode)
    await north.act(lost, EventKind.RETURNED)

    assert (found.outcome, found.reason) == (ScanOutcome.LOOK, ScanReason.SETTLED)
    assert found.request is not None
    assert found.request.state is BorrowingState.BACK
    assert again.reason is ScanReason.ALREADY
    assert (await north.see(lost)).state is BorrowingState.RETURNED


async def test_our_own_item_that_comes_in_after_that_goes_home(north: NcipTown) -> None:
    lost = await lose_at_partner(north, "hill")
    settled_at = north.clock.now()
    await north.act(lost, EventKind.SETTLED, cost=COST)
    await north.quiet()

    found = await scan(north, ScanWork.CHECK_IN, lost.item_barcode)
    again = await scan(north, ScanWork.CHECK_IN, lost.item_barcode)
    await north.quiet()

    assert (found.outcome, found.reason) == (ScanOutcome.LOOK, ScanReason.SETTLED)
    assert found.settlement == LossSettlement(settled_at, COST)
    assert again.reason is ScanReason.ALREADY
    item = await north.town.context.find_item(lost.item_barcode)
    assert item is not None
    assert item.status is ItemStatus.IN_TRANSIT, "on its way to its own branch"
    assert await fees_of(north, lost.borrower_id, lost.number) == [COST], "nothing is given back by itself"
    assert (await north.kinds(lost)).count("checked-in") == 1


async def test_a_system_that_takes_no_status_hinders_neither_settling_nor_coming_back(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = north.town.context.system.capabilities - {Capability.STATUS_UPDATE}
    monkeypatch.setattr(EmbeddedLibrary, "capabilities", able)
    lost = await lose_at_partner(north, "hill")

    await north.act(lost, EventKind.SETTLED, cost=COST)
    settled = await north.see(lost)
    found = await scan(north, ScanWork.CHECK_IN, lost.item_barcode)

    assert settled.state is LendingState.COMPLETED
    assert found.reason is ScanReason.SETTLED


async def test_a_desk_that_speaks_ncip_takes_back_what_was_lost(north: NcipTown) -> None:
    lost = await lose_at_patron(north, "south")

    await north.send("desk", "CheckInItem", item=lost.volumes[0].barcode)

    assert (await north.see(lost)).state is BorrowingState.BACK


async def test_a_desk_that_speaks_ncip_checks_in_what_turns_up_after_its_loss_was_settled(north: NcipTown) -> None:
    lost = await lose_at_partner(north, "hill")
    await north.act(lost, EventKind.SETTLED, cost=COST)
    await north.quiet()

    for _ in range(2):
        await north.send("desk", "CheckInItem", item=lost.item_barcode)
    await north.quiet()

    found = await north.see(lost)
    assert (found.state, found.is_loss_settled) == (LendingState.COMPLETED, False)
    item = await north.town.context.find_item(lost.item_barcode)
    assert item is not None
    assert item.status is not ItemStatus.LOST
    assert (await north.kinds(lost)).count("checked-in") == 1

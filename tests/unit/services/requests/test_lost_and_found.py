"""A partner's item is lost, the request is reopened and another supplier asked; then the first item turns up."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from adapters.library.embedded.tables import holds, items
from gateway.domain.library import ItemStatus
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, RequestFlag
from gateway.domain.requests.scan_rules import ScanReason, ScanWork
from gateway.domain.requests.views import ActionRequest
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import SOUTH, STAFF, NcipTown, ncip
from tests.unit.services.requests.test_own_desk import illgate
from tests.unit.services.requests.test_scans import scan

PROFILES = {
    "broker": ncip(circulation={"check_in": {"delete_item": "temporary"}}),
    "south": SOUTH,
    "east": {"partner": {"symbols": ["EAST"], "name": "East", "channel": "mail", "email": "ill@east.example"}},
}


async def on_record(north: NcipTown, request: Request) -> tuple[list[str], int]:
    """Barcodes of its temporary items, and how many of its holds are open."""
    here = select(items.c.barcode).where(
        items.c.temporary, items.c.deleted.is_(None), items.c.request_id == request.number
    )
    held = select(holds.c.id).where(holds.c.closed.is_(None), holds.c.request_id == request.number)
    read = north.town.context.store.read
    barcodes = await read(lambda c: sorted(c.execute(here).scalars()))
    return barcodes, await read(lambda c: len(c.execute(held).all()))


async def lost(north: NcipTown, *, lent: bool) -> tuple[Request, str]:
    """The request, reopened, and the barcode of the record that is left."""
    request = await north.asked()
    request = await north.act(request, EventKind.RECEIVED)
    (volume,) = request.volumes
    if lent:
        request = await north.act(request, EventKind.LOANED_TO_PATRON)
    request = await north.act(request, EventKind.LOST)
    await north.quiet()
    request = await north.act(request, EventKind.REOPEN)
    assert (await on_record(north, request))[0] == [volume.barcode], "lost, so it may still be found"
    return request, volume.barcode


async def asked_of_east(north: NcipTown, request: Request) -> Request:
    await north.act(request, EventKind.ASSIGN, partner="east")
    await north.act(request, EventKind.APPROVE)
    await north.quiet()
    request = await north.see(request)
    assert (request.state, request.current, request.partner.profile) == (BorrowingState.REQUESTED, 2, "east")
    return request


async def returned(north: NcipTown, request: Request, attempt: int) -> None:
    act = ActionRequest(kind=EventKind.RETURNED, details=EventDetails(), actor=STAFF, version=None, attempt=attempt)
    await north.town.act(request, act)
    await north.quiet()


async def lender_has_it(north: NcipTown, request: Request) -> None:
    event = Event(partner_signal(EventKind.CHECKED_IN), north.clock.now(), "south", EventDetails(), 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))
    await north.quiet()


@pytest.mark.parametrize("lent", [False, True])
async def test_found_while_the_second_supplier_s_item_is_here(north: NcipTown, lent: bool) -> None:
    request, first = await lost(north, lent=lent)
    request = await asked_of_east(north, request)
    request = await north.act(request, EventKind.RECEIVED)
    second = request.volumes[0].barcode
    assert second != first

    sent = await scan(north, ScanWork.RETURN, first)
    await north.quiet()

    assert (sent.reason, sent.volume) == (ScanReason.DONE, "")
    assert await on_record(north, request) == ([second], 1), "the second item stays, with its hold"
    request = await north.see(request)
    assert (request.state, request.attempts[0].status) == (BorrowingState.RECEIVED, AttemptStatus.EXTRA_RETURNED)

    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.act(request, EventKind.RETURNED)
    await north.quiet()
    assert await on_record(north, request) == ([], 0)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (ScanWork.RECEIVE, ScanReason.ALREADY),
        (ScanWork.SHELVE, ScanReason.NOT_NOW),
        (ScanWork.LEND, ScanReason.NOT_NOW),
    ],
)
async def test_who_scans_the_first_item_does_nothing_to_the_second(
    north: NcipTown, work: ScanWork, reason: ScanReason
) -> None:
    request, first = await lost(north, lent=False)
    request = await asked_of_east(north, request)
    request = await north.act(request, EventKind.RECEIVED)

    result = await scan(north, work, first)

    assert result.reason is reason
    seen = await north.see(request)
    assert (seen.version, seen.state, seen.volumes) == (request.version, BorrowingState.RECEIVED, request.volumes)


@pytest.mark.parametrize("lent", [False, True])
@pytest.mark.parametrize("asked_again", [False, True])
async def test_its_old_barcode_is_scanned_at_the_desk(north: NcipTown, lent: bool, asked_again: bool) -> None:
    """The desk hears where it belongs, staff see that it is to be sent back, and when it has gone its record goes."""
    request, first = await lost(north, lent=lent)
    if asked_again:
        request = await asked_of_east(north, request)
        request = await north.act(request, EventKind.RECEIVED)
    state = (await north.see(request)).state

    for _ in range(2):
        shown = await illgate(north, "check-in", first)

    assert "Goes back to its owner: SOUTH" in shown.stdout, shown.output
    seen = await north.see(request)
    assert (seen.state, seen.attempts[0].status) == (state, AttemptStatus.EXTRA)
    assert RequestFlag.EXTRA in seen.flags
    assert (await north.kinds(request)).count("received") == (3 if asked_again else 2)

    await returned(north, request, 1)
    seen = await north.see(request)
    assert (seen.state, seen.attempts[0].status) == (state, AttemptStatus.EXTRA_RETURNED)
    assert RequestFlag.EXTRA not in seen.flags
    barcodes, holds = await on_record(north, request)
    assert (first not in barcodes, holds) == (True, 1 if asked_again else 0)


async def test_its_old_barcode_is_checked_in_by_a_broker(north: NcipTown) -> None:
    """Whose profile removes records at check-in."""
    request, first = await lost(north, lent=True)
    request = await asked_of_east(north, request)

    answer = await north.send("broker", "check-in-item", item=first)

    assert answer.problem == ""
    await north.quiet()
    seen = await north.see(request)
    assert (seen.state, seen.attempts[0].status) == (BorrowingState.REQUESTED, AttemptStatus.EXTRA_RETURNED)
    assert await on_record(north, request) == ([], 0)


@pytest.mark.parametrize("lent", [False, True])
async def test_found_before_another_is_asked(north: NcipTown, lent: bool) -> None:
    request, _ = await lost(north, lent=lent)

    await returned(north, request, 1)

    assert await on_record(north, request) == ([], 0)
    assert (await north.see(request)).state is BorrowingState.REVIEW


async def test_found_after_the_second_item_has_gone_back(north: NcipTown) -> None:
    request, first = await lost(north, lent=True)
    request = await asked_of_east(north, request)
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.RETURNED)
    await north.quiet()
    assert await on_record(north, request) == ([first], 0)

    await returned(north, request, 1)

    assert await on_record(north, request) == ([], 0)


@pytest.mark.parametrize("lent", [False, True])
async def test_the_same_barcode_comes_again_while_the_lost_record_is_there(north: NcipTown, lent: bool) -> None:
    request, first = await lost(north, lent=lent)
    request = await asked_of_east(north, request)
    old = await north.town.context.system.item_by_barcode(first)

    request = await north.act(request, EventKind.RECEIVED, barcode=first)

    assert (request.state, [one.barcode for one in request.volumes]) == (BorrowingState.RECEIVED, [first])
    new = await north.town.context.system.item_by_barcode(first)
    assert (new.id != old.id, new.status) == (True, ItemStatus.IN_TRANSIT)
    assert await on_record(north, request) == ([first], 1)
    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.act(request, EventKind.RETURNED)
    await north.quiet()
    assert await on_record(north, request) == ([], 0)


@pytest.mark.parametrize("asked_again", [False, True])
async def test_the_lender_has_found_it(north: NcipTown, asked_again: bool) -> None:
    request, _ = await lost(north, lent=False)
    if asked_again:
        request = await asked_of_east(north, request)
    state = (await north.see(request)).state

    await lender_has_it(north, request)

    assert await on_record(north, request) == ([], 0)
    seen = await north.see(request)
    assert (seen.state, seen.attempts[0].status) == (state, AttemptStatus.COMPLETED)


async def test_the_library_was_away_when_it_came_back(north: NcipTown) -> None:
    """The first record is deleted by the row that was meant for it, though another supplier has been asked since."""
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.RETURNED)  # its record is not deleted yet
    event = Event(partner_signal(EventKind.LOST), north.clock.now(), "south", EventDetails(), 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))
    request = await north.act(request, EventKind.REOPEN)

    request = await asked_of_east(north, request)

    assert await on_record(north, request) == ([], 0)


async def test_a_patron_who_never_had_it_does_not_read_its_lender_s_bill(north: NcipTown) -> None:
    request = await north.act(await north.asked(), EventKind.RECEIVED)
    bill = EventDetails(note="cost: 45.00 EUR; please pay within 30 days")
    said = Event(partner_signal(EventKind.LOST), north.clock.now(), "partner:SOUTH", bill, 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=said))
    await north.quiet()

    body = north.mail.mails[-1].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "was lost before you could have it" in text
    assert "pay" not in text

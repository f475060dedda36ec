"""Codes scanned at a desk: any number of the request does its act once; whatever else it is, the answer says what."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import count

import pytest

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LibraryParty,
    Request,
    VolumeState,
)
from gateway.domain.requests.scan_rules import ScanOutcome, ScanReason, ScanWork
from gateway.services.desks.scans import ScanOrder, ScanResult
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store import api_records
from tests.unit.services.requests.support import PATRON, SOUTH, STAFF, NcipTown

PROFILES = {
    "south": SOUTH,
    "hill": {"partner": {**SOUTH["partner"], "symbols": ["HILL"], "name": "Hill Library"}},
}
KEYS = count()


async def scan(north: NcipTown, work: ScanWork, code: str, **more: object) -> ScanResult:
    order = ScanOrder(**{"work": work, "code": code, "key": f"scan-{next(KEYS)}", "actor": STAFF, **more})  # type: ignore[arg-type]
    return await north.town.gateway.managed.libraries["NORTH"].scans.scan(order)


async def tell(north: NcipTown, request: Request, kind: EventKind, **details: object) -> None:
    event = Event(partner_signal(kind), north.clock.now(), "partner:test", EventDetails(**details), request.current)  # type: ignore[arg-type]
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))


async def shipped_to_us(north: NcipTown, **details: object) -> Request:
    request = await north.asked(external="TN-4711")
    await tell(north, request, EventKind.SHIPPED, **details)
    return await north.see(request)


async def asked_of_us(north: NcipTown, transaction: str = "HILL-2026-9") -> Request:
    draft = LendingDraft(
        citation=Citation(title="Λιμάνια του Βορρά"), requester=LibraryParty(profile="hill"), transaction=transaction
    )
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    return await north.see(made)


async def test_a_yes_to_a_question_is_another_scan_than_the_one_that_asked(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.AT_PICKUP)
    await tell(north, request, EventKind.RECALL)
    asked = await scan(north, ScanWork.LEND, request.number, key="asks")
    with pytest.raises(Refused, match="Another scan"):
        await scan(north, ScanWork.LEND, request.number, key="asks", confirmed=True)
    lent = await scan(north, ScanWork.LEND, request.number, confirmed=True)

    assert (asked.reason, asked.volume) == (ScanReason.RECALLED, "")
    assert asked.request is not None
    assert asked.request.id == request.id
    assert lent.request is not None
    assert lent.request.state is BorrowingState.LENT


@pytest.mark.parametrize("code", ["number", "lower", "elsewhere", "link", "blanks"])
async def test_any_number_of_the_request_receives_it_once(north: NcipTown, code: str) -> None:
    request = await shipped_to_us(north)
    scanned = {
        "number": request.number,
        "lower": request.number.lower(),
        "elsewhere": "TN-4711",
        "link": f"https://ill.example/staff/requests/{request.number}",
        "blanks": f"  {request.number} ",
    }[code]

    first = await scan(north, ScanWork.RECEIVE, scanned)
    again = await scan(north, ScanWork.RECEIVE, scanned)

    assert (first.outcome, first.reason) == (ScanOutcome.DONE, ScanReason.ELSEWHERE), "it is collected at a branch"
    assert first.request is not None
    assert first.request.state is BorrowingState.RECEIVED
    assert (again.outcome, again.reason, again.volume) == (ScanOutcome.DONE, ScanReason.ALREADY, "")
    assert again.request is not None
    assert again.request.id == request.id
    assert (await north.kinds(request)).count("received") == 1


async def test_a_scan_that_is_sent_again_is_answered_in_the_same_way(north: NcipTown) -> None:
    request = await shipped_to_us(north)

    first = await scan(north, ScanWork.RECEIVE, request.number, key="one")
    again = await scan(north, ScanWork.RECEIVE, request.number, key="one")

    assert (first.reason, again.reason) == (ScanReason.ELSEWHERE, ScanReason.ELSEWHERE)
    assert (await north.kinds(request)).count("received") == 1
    with pytest.raises(Refused, match="Another scan"):
        await scan(north, ScanWork.RECEIVE, "B2026-09999", key="one")


async def test_a_scan_whose_node_died_before_its_answer_is_judged_anew_when_it_comes_again(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        raise ConnectionAbortedError("the process ended")

    request = await shipped_to_us(north)
    with monkeypatch.context() as patched:
        patched.setattr(api_records, "store_answer", die)
        with pytest.raises(ConnectionAbortedError):
            await scan(north, ScanWork.RECEIVE, request.number, key="one")

    again = await scan(north, ScanWork.RECEIVE, request.number, key="one")

    assert (again.outcome, again.reason) == (ScanOutcome.DONE, ScanReason.ALREADY)
    assert (await north.kinds(request)).count("received") == 1


async def test_the_same_scan_at_once_is_one(north: NcipTown) -> None:
    request = await shipped_to_us(north)

    scans = [scan(north, ScanWork.RECEIVE, request.number, key="one") for _ in range(5)]
    results = await asyncio.gather(*scans, return_exceptions=True)

    assert any(isinstance(one, ScanResult) and one.outcome is ScanOutcome.DONE for one in results)
    assert all(isinstance(one, ScanResult | Unavailable) for one in results)
    assert (await north.kinds(request)).count("received") == 1


async def test_the_item_is_lent_taken_back_and_sent_back_by_its_barcode(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    received = await scan(north, ScanWork.RECEIVE, request.number)
    assert received.request is not None
    barcode = received.request.volumes[0].barcode

    unpacked = await scan(north, ScanWork.UNPACK, barcode)
    unpacked_again = await scan(north, ScanWork.UNPACK, barcode)
    arrived = await scan(north, ScanWork.SHELVE, barcode)
    arrived_again = await scan(north, ScanWork.SHELVE, barcode)
    lent = await scan(north, ScanWork.LEND, barcode)
    back = await scan(north, ScanWork.TAKE_BACK, barcode)
    back_again = await scan(north, ScanWork.TAKE_BACK, barcode)
    sent = await scan(north, ScanWork.RETURN, barcode)

    assert [one.reason for one in (unpacked, arrived, lent, back, sent)] == [ScanReason.DONE] * 5
    repeats = (unpacked_again, arrived_again, back_again)
    assert [(one.reason, one.volume) for one in repeats] == [(ScanReason.ALREADY, "")] * 3, "there is but one volume"
    assert (await north.see(request)).state is BorrowingState.RETURNED


async def test_a_condition_of_the_lender_is_done_and_to_be_looked_at(north: NcipTown) -> None:
    request = await shipped_to_us(north, conditions=(LoanCondition.LIBRARY_USE_ONLY,))

    received = await scan(north, ScanWork.RECEIVE, request.number)

    assert (received.outcome, received.reason) == (ScanOutcome.LOOK, ScanReason.LIBRARY_USE)
    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_the_wrong_kind_of_code_says_what_it_is(north: NcipTown) -> None:
    lending, item = await asked_of_us(north), await north.free_item()
    codes = [PATRON, lending.number, "9780306406157", item.barcode, "no such code"]

    results = [await scan(north, ScanWork.RECEIVE, code) for code in codes]

    assert [one.reason for one in results] == [
        ScanReason.PATRON_CARD,
        ScanReason.OTHER_WORK,
        ScanReason.UNKNOWN,
        ScanReason.OWN_ITEM,
        ScanReason.UNKNOWN,
    ]
    assert {one.outcome for one in results} == {ScanOutcome.FAILED}


async def test_a_request_that_is_not_that_far_is_said_so(north: NcipTown) -> None:
    request = await shipped_to_us(north)

    too_early = await scan(north, ScanWork.LEND, request.number)

    assert (too_early.outcome, too_early.reason) == (ScanOutcome.LOOK, ScanReason.NOT_NOW)
    assert "shipped" in too_early.detail


async def test_an_item_is_pulled_shipped_and_checked_in(north: NcipTown) -> None:
    request, item = await asked_of_us(north), await north.free_item()

    nameless = await scan(north, ScanWork.LOCATE, request.number)
    located = await scan(north, ScanWork.LOCATE, request.number, item=item.barcode)
    pulled = await scan(north, ScanWork.LOCATE, item.barcode)
    shipped = await scan(north, ScanWork.SHIP, item.barcode, due=date(2026, 6, 30))
    await north.quiet()
    home = await scan(north, ScanWork.CHECK_IN, item.barcode)
    await north.quiet()

    assert (nameless.reason, nameless.volume) == (ScanReason.ITEM_MISSING, "")
    assert [one.reason for one in (located, pulled, shipped, home)] == [ScanReason.DONE] * 4
    assert shipped.request is not None
    assert shipped.request.terms.lender_due == date(2026, 6, 30)
    assert (await north.see(request)).state is LendingState.COMPLETED


async def test_an_item_is_scanned_behind_the_number_that_it_belongs_to(north: NcipTown) -> None:
    """Also one that has been lent before. Whatever else comes behind the number has nothing to do with it."""
    item = await north.free_item()
    for transaction in ("HILL-2026-21", "HILL-2026-22"):
        request = await asked_of_us(north, transaction)
        nameless = await scan(north, ScanWork.SHIP, request.number)
        card = await scan(north, ScanWork.SHIP, PATRON, after=request.id)
        unknown = await scan(north, ScanWork.SHIP, "X-001", after=request.id)
        shipped = await scan(north, ScanWork.SHIP, item.barcode, after=request.id)
        await north.quiet()
        home = await scan(north, ScanWork.CHECK_IN, item.barcode)
        await north.quiet()

        assert [one.reason for one in (nameless, card, unknown)] == [
            ScanReason.ITEM_MISSING,
            ScanReason.PATRON_CARD,
            ScanReason.UNKNOWN,
        ]
        assert [one.reason for one in (shipped, home)] == [ScanReason.DONE] * 2
        assert shipped.request is not None
        assert (shipped.request.id, shipped.request.item_barcode) == (request.id, item.barcode)


async def test_another_requests_item_stays_with_its_request(north: NcipTown) -> None:
    first, second = await asked_of_us(north), await asked_of_us(north, "HILL-2026-10")
    item = await north.free_item()
    await scan(north, ScanWork.LOCATE, first.number, item=item.barcode)

    shipped = await scan(north, ScanWork.SHIP, item.barcode, after=second.id)

    assert shipped.request is not None
    assert (shipped.reason, shipped.request.id) == (ScanReason.DONE, first.id)


async def test_the_item_that_was_found_for_several_volumes_is_one_of_them(north: NcipTown) -> None:
    draft = LendingDraft(
        citation=Citation(title="Λιμάνια του Βορρά"),
        requester=LibraryParty(profile="hill"),
        transaction="HILL-2026-11",
        volumes=("Α", "Β"),
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    item = await north.free_item()
    await scan(north, ScanWork.LOCATE, request.number, item=item.barcode)

    shipped = await scan(north, ScanWork.SHIP, item.barcode)
    again = await scan(north, ScanWork.SHIP, item.barcode)
    other = await scan(north, ScanWork.SHIP, request.number)

    assert [one.reason for one in (shipped, again, other)] == [
        ScanReason.DONE,
        ScanReason.ALREADY,
        ScanReason.ITEM_MISSING,
    ]
    assert other.volume == "2"
    assert [one.barcode for one in (await north.see(request)).volumes] == [item.barcode, ""]


async def test_of_several_requests_with_a_code_one_is_chosen(north: NcipTown) -> None:
    first, second = await north.asked(external="TN-1"), await north.asked(external="TN-1")
    for one in (first, second):
        await tell(north, one, EventKind.SHIPPED)

    unclear = await scan(north, ScanWork.RECEIVE, "TN-1")
    chosen = await scan(north, ScanWork.RECEIVE, "TN-1", request_id=second.id)
    left = await scan(north, ScanWork.RECEIVE, "TN-1")

    assert {one.id for one in unclear.choices} == {first.id, second.id}
    assert (unclear.outcome, chosen.outcome, left.outcome) == (ScanOutcome.LOOK, ScanOutcome.DONE, ScanOutcome.DONE)
    assert left.request is not None
    assert left.request.id == first.id


async def test_a_branch_has_to_do_with_its_own_requests_alone(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await scan(north, ScanWork.RECEIVE, request.number)

    elsewhere = await scan(north, ScanWork.LEND, request.number, branches=frozenset({"NOWHERE"}))
    here = await scan(north, ScanWork.LEND, request.number, branches=frozenset({request.patron.pickup}))

    assert (elsewhere.reason, here.reason) == (ScanReason.OTHER_BRANCH, ScanReason.DONE)
    assert elsewhere.request is not None, "the desk reads whose it is"
    assert elsewhere.request.id == request.id


async def test_while_the_library_is_away_the_scan_is_kept(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await shipped_to_us(north)

    async def stay_away(*_arguments: object, **_named: object) -> None:
        raise Unavailable("down for the night")

    with monkeypatch.context() as night:
        night.setattr(north.town.context.system, "create_temporary_item", stay_away)
        kept = await scan(north, ScanWork.RECEIVE, request.number)

    assert (kept.outcome, kept.reason) == (ScanOutcome.LOOK, ScanReason.KEPT)


async def test_each_scan_of_a_set_is_one_volume(north: NcipTown) -> None:
    request = await north.asked(volumes=("Bd. 1", "Bd. 2"))
    await tell(north, request, EventKind.SHIPPED)

    received = [await scan(north, ScanWork.RECEIVE, request.number) for _ in range(3)]
    now = await north.see(request)
    second = now.volumes[1].barcode
    arrived = [await scan(north, ScanWork.SHELVE, volume.barcode) for volume in now.volumes]
    await tell(north, request, EventKind.RECALL)
    asked = await scan(north, ScanWork.LEND, second)
    lent = [await scan(north, ScanWork.LEND, code, confirmed=True) for code in (second, second, request.number)]

    assert [(one.outcome, one.volume) for one in received[:2]] == [(ScanOutcome.DONE, "1"), (ScanOutcome.DONE, "2")]
    assert received[2].reason is ScanReason.ALREADY
    assert [one.volume for one in arrived] == ["1", "2"]
    assert (asked.reason, asked.volume) == (ScanReason.RECALLED, "2")
    assert [(one.reason, one.volume) for one in lent] == [
        (ScanReason.DONE, "2"),
        (ScanReason.ALREADY, "2"),
        (ScanReason.DONE, "1"),
    ]
    assert {one.state for one in (await north.see(request)).volumes} == {VolumeState.LENT}

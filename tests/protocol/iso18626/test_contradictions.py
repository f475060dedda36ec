"""A supplier says what can't be so: nothing of it is done, its system hears why, and staff read it."""

from __future__ import annotations

from datetime import date

import aiohttp
import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, RequestFlag, VolumeState
from gateway.domain.requests.task_lists import list_task_names
from tests.protocol.iso18626.far_side import (
    FarTown,
    number_of,
    write_loan_request,
    write_ram,
    write_sam,
)

DUE = "<dueDate>2026-04-01T23:59:59Z</dueDate>"


async def say_wrongly(oak: FarTown, octets: str) -> str:
    """The far side's message, and the error that it gets."""
    url = f"http://127.0.0.1:{oak.town.gateway.http_port}/iso18626/broker"
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, data=octets.encode(), headers={"Content-Type": "application/xml"}) as answer,
    ):
        text = await answer.text()
    assert ">ERROR<" in text, text
    assert ">UnrecognisedDataValue<" in text, text
    await oak.quiet()
    return text


def write_loaned(number: str, barcode: str, at: str) -> str:
    item = f"<deliveryInfo><dateSent>2026-03-02T08:00:00Z</dateSent><itemId>{barcode}</itemId></deliveryInfo>"
    octets = write_sam(number, "Loaned", more=DUE).replace("</statusInfo>", f"</statusInfo>{item}")
    return octets.replace("<timestamp>2026-03-02T08:00:00Z", f"<timestamp>{at}")


def is_for_staff(request: Request) -> bool:
    return "unread-borrowing" in list_task_names(request)


async def test_the_end_of_a_loan_that_never_began_ends_nothing(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "WillSupply"))

    error = await say_wrongly(oak, write_sam(number_of(request), "LoanCompleted"))

    assert "status LoanCompleted: " in error
    assert "nothing has been shipped" in error
    after = await oak.see(request)
    assert (after.state, after.attempts[0].status) == (BorrowingState.WILL_SUPPLY, AttemptStatus.WILL_SUPPLY)
    assert is_for_staff(after)


async def test_a_second_item_for_one_volume_changes_nothing(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_loaned(number_of(request), "A-17", "2026-03-02T08:00:01Z"))
    await oak.say(write_loaned(number_of(request), "A-17", "2026-03-02T08:00:02Z"))
    assert not is_for_staff(await oak.see(request)), "said twice is no contradiction"

    error = await say_wrongly(oak, write_loaned(number_of(request), "B-18", "2026-03-02T08:00:03Z"))

    assert "it has shipped another item (A-17)" in error
    after = await oak.see(request)
    assert [(one.state, one.theirs) for one in after.volumes] == [(VolumeState.SHIPPED, "A-17")]
    assert is_for_staff(after)


@pytest.mark.parametrize("status", ["WillSupply", "ExpectToSupply"])
async def test_a_promise_after_a_no_changes_nothing(oak: FarTown, status: str) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Unfilled"))
    await oak.quiet()
    before = await oak.see(request)

    error = await say_wrongly(oak, write_sam(number_of(request), status))

    assert "the request to this supplier has ended as 'unfilled'" in error
    after = await oak.see(request)
    assert (after.state, after.attempts) == (before.state, before.attempts)
    assert is_for_staff(after)


async def test_a_promise_after_a_cancellation_that_was_accepted_changes_nothing(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.act(request, EventKind.CANCEL)
    await oak.say(write_sam(number_of(request), "Cancelled", "CancelResponse", "<answerYesNo>Y</answerYesNo>"))

    await say_wrongly(oak, write_sam(number_of(request), "WillSupply"))

    after = await oak.see(request)
    assert after.state is BorrowingState.CANCELLED
    assert is_for_staff(after)


async def test_a_promise_that_crosses_our_cancellation_is_no_contradiction(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.act(request, EventKind.CANCEL)

    await oak.say(write_sam(number_of(request), "WillSupply"))

    after = await oak.see(request)
    assert (after.state, is_for_staff(after)) == (BorrowingState.CANCEL_PENDING, False)


async def test_an_item_that_comes_after_a_no_is_taken_and_read(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Unfilled"))
    await oak.quiet()

    await oak.say(write_loaned(number_of(request), "A-17", "2026-03-02T08:00:01Z"))
    await oak.quiet()

    after = await oak.see(request)
    assert (after.state, is_for_staff(after)) == (BorrowingState.SHIPPED, True)
    assert oak.far.said("Notification") == [], "it is wanted"


async def test_an_item_that_nobody_waits_for_is_read_and_its_supplier_hears_so(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.act(request, EventKind.CANCEL)
    await oak.say(write_sam(number_of(request), "Cancelled", "CancelResponse", "<answerYesNo>Y</answerYesNo>"))

    await oak.say(write_loaned(number_of(request), "A-17", "2026-03-02T08:00:01Z"))
    await oak.quiet()

    after = await oak.see(request)
    assert set(list_task_names(after)) >= {"unread-borrowing", "unwanted"}
    (told,) = oak.far.said("Notification")
    assert "<note>We no longer need this item and will return it.</note>" in told


@pytest.mark.parametrize("action", ["Received", "ShippedReturn"])
async def test_what_a_requester_does_with_an_item_that_was_never_shipped_is_read(oak: FarTown, action: str) -> None:
    await oak.say(write_loan_request("CLB-9"))
    await oak.quiet()
    before = await oak.lending()

    await oak.say(write_ram("CLB-9", action))
    await oak.quiet()

    after = await oak.lending()
    assert (after.state, after.volumes) == (before.state, before.volumes)
    assert "unread-lending" in list_task_names(after)


async def test_a_return_that_names_no_volume_is_that_of_those_that_were_sent(oak: FarTown) -> None:
    await oak.say(write_loan_request("CLB-9"))
    await oak.quiet()
    request = await oak.act(await oak.lending(), EventKind.EDIT, further_volume="Bd. 2")
    barcode = await oak.find_free_barcode()
    await oak.act(request, EventKind.SHIPPED, volumes=("1",), barcode=barcode, due=date(2026, 3, 30))

    await oak.say(write_ram("CLB-9", "Received"))
    await oak.say(write_ram("CLB-9", "ShippedReturn"))
    await oak.quiet()

    states = [one.state for one in (await oak.see(request)).volumes]
    assert states == [VolumeState.RETURNED, VolumeState.EXPECTED]


async def test_a_renewal_without_a_day_is_for_staff(oak: FarTown) -> None:
    request = await oak.lent()
    await oak.say(write_sam(number_of(request), "Overdue"))
    await oak.act(request, EventKind.RENEW)
    before = await oak.see(request)
    mails = len(oak.mail.mails)

    await oak.say(write_sam(number_of(request), "Loaned", "RenewResponse", "<answerYesNo>Y</answerYesNo>"))
    await oak.quiet()

    after = await oak.see(request)
    assert after.terms.lender_due == before.terms.lender_due
    assert after.terms.patron_due == before.terms.patron_due
    assert after.flags == {RequestFlag.OVERDUE, RequestFlag.UNREAD}
    assert is_for_staff(after)
    assert len(oak.mail.mails) == mails, "the patron hears of no new date"

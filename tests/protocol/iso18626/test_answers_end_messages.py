"""The partner's answer to a message proves that it has arrived, before its confirmation or instead of it; what a broker
brings twice with another timestamp is done once."""

from __future__ import annotations

import re
from datetime import date

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, RequestFlag
from gateway.services.requests.answered_messages import ANSWERED
from gateway.store.requests.outbox import OutboxStatus
from tests.protocol.iso18626.far_side import (
    NOT_NOW,
    FarTown,
    number_of,
    write_ram,
    write_sam,
)

GRANTED = "<answerYesNo>Y</answerYesNo>"
MAY_DAY = "<dueDate>2026-05-01T23:59:59Z</dueDate>"


@pytest.mark.parametrize("answer", [500, NOT_NOW])
async def test_an_answer_ends_the_message_that_waits(oak: FarTown, answer: int | tuple[str, str]) -> None:
    request = await oak.lent()
    oak.far.judge = lambda octets: answer
    await oak.act(request, EventKind.RENEW)
    assert (await oak.rows(request))[-1].status is OutboxStatus.WAITING
    sent = len(oak.far.said("Renew"))

    await oak.say(write_sam(number_of(request), "Loaned", "RenewResponse", GRANTED, MAY_DAY))

    row = (await oak.rows(request))[-1]
    assert (row.status, row.note) == (OutboxStatus.DONE, ANSWERED)
    await oak.later(hours=5)
    assert len(oak.far.said("Renew")) == sent, "no second Renew"
    after = await oak.see(request)
    assert after.terms.renewals == 1
    assert RequestFlag.RENEWAL_PENDING not in after.flags


async def test_an_answer_that_comes_before_the_confirmation_is_lost_counts_as_well(oak: FarTown) -> None:
    request = await oak.lent()

    async def answer_first(octets: str) -> None:
        if ">Renew<" in octets:
            await oak.say(write_sam(number_of(request), "Loaned", "RenewResponse", GRANTED, MAY_DAY))

    oak.far.before_answer = answer_first
    oak.far.judge = lambda octets: 502
    await oak.act(request, EventKind.RENEW)
    await oak.later(hours=5)

    row = (await oak.rows(request))[-1]
    assert (row.status, row.note) == (OutboxStatus.DONE, ANSWERED)
    assert len(oak.far.said("Renew")) == 1
    assert (await oak.see(request)).terms.renewals == 1


async def test_a_request_whose_confirmation_is_lost_has_arrived_when_its_supplier_speaks(oak: FarTown) -> None:
    oak.far.judge = lambda octets: 504
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "WillSupply", "RequestResponse"))
    await oak.later(hours=1)

    assert len(oak.far.octets) == 1
    (row,) = await oak.rows(request)
    assert (row.status, row.note) == (OutboxStatus.DONE, ANSWERED)
    assert (await oak.see(request)).state is BorrowingState.WILL_SUPPLY


async def test_other_words_of_the_partner_end_nothing(oak: FarTown) -> None:
    request = await oak.lent()
    oak.far.judge = lambda octets: 500
    await oak.act(request, EventKind.RENEW)

    await oak.say(write_sam(number_of(request), "Loaned", "Notification", "<note>Hei</note>"))
    await oak.later(minutes=5)

    assert (await oak.rows(request))[-1].status is OutboxStatus.WAITING
    assert len(oak.far.said("Renew")) > 1


def read_answers(oak: FarTown) -> list[tuple[str, str]]:
    """Answer and due date of each RenewResponse."""
    return [
        (match[1], match[2][:10])
        for one in oak.far.said("RenewResponse")
        if (match := re.search("<answerYesNo>(.)<.*<dueDate>(.*?)<", one, re.DOTALL)) is not None
    ]


async def test_a_second_renewal_with_nothing_new_gets_the_same_answer(oak: FarTown) -> None:
    request = await oak.shipped()

    for second in range(3):
        await oak.say(write_ram("CLB-9", "Renew", at=f"2026-03-02T08:00:0{second}Z"))
        await oak.later(minutes=20)

    first, *others = read_answers(oak)
    assert first[0] == "Y"
    assert others == [first, first]
    after = await oak.see(request)
    assert after.terms.renewals == 1
    assert RequestFlag.RENEWAL_PENDING not in after.flags


async def test_a_second_renewal_is_one_once_something_has_happened_or_time_has_passed(oak: FarTown) -> None:
    request = await oak.shipped()
    await oak.say(write_ram("CLB-9", "Renew"))
    await oak.quiet()
    await oak.later(days=2)

    await oak.say(write_ram("CLB-9", "Renew", at="2026-03-04T08:00:00Z"))
    await oak.later(minutes=1)
    assert (await oak.see(request)).terms.renewals == 2
    await oak.say(write_ram("CLB-9", "Received", at="2026-03-04T08:00:01Z"))
    await oak.say(write_ram("CLB-9", "Renew", at="2026-03-04T08:00:02Z"))
    await oak.later(minutes=1)

    assert [answer for answer, _ in read_answers(oak)] == ["Y", "Y", "N"], "no third by rule"


async def test_a_refused_renewal_that_comes_again_is_refused_again(oak: FarTown) -> None:
    request = await oak.shipped()
    for day in ("2026-03-02", "2026-03-04", "2026-03-06"):
        await oak.say(write_ram("CLB-9", "Renew", at=f"{day}T08:00:00Z"))
        await oak.quiet()
        await oak.later(days=2)
    await oak.say(write_ram("CLB-9", "Renew", at="2026-03-08T08:00:00Z"))
    await oak.later(minutes=5)
    await oak.say(write_ram("CLB-9", "Renew", at="2026-03-08T08:00:10Z"))
    await oak.later(minutes=5)

    assert [answer for answer, _ in read_answers(oak)] == ["Y", "Y", "N", "N", "N"]
    assert RequestFlag.RENEWAL_PENDING not in (await oak.see(request)).flags


async def test_an_answer_to_what_was_said_before_ends_no_other_message(oak: FarTown) -> None:
    """The day of return is corrected while the far side is away, and it receives what it was told of before."""
    request = await oak.shipped()
    oak.far.judge = lambda octets: 500
    await oak.act(request, EventKind.SHIPPED, due=date(2026, 4, 20))
    assert (await oak.rows(request))[-1].status is OutboxStatus.WAITING

    await oak.say(write_ram("CLB-9", "Received"))
    assert (await oak.rows(request))[-1].status is OutboxStatus.WAITING
    oak.far.judge = lambda octets: None
    await oak.later(hours=5)

    assert (await oak.rows(request))[-1].status is OutboxStatus.DONE
    assert "<dueDate>2026-04-20" in oak.far.said("Loaned")[-1]

"""A far side that is down costs no message, and one that refuses some messages holds up no other."""

from __future__ import annotations

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, RequestFlag
from gateway.store.requests.outbox import OutboxStatus
from tests.protocol.iso18626.far_side import NOT_NOW, FarTown, number_of, write_sam


async def test_what_a_broker_cannot_pass_on_now_goes_again_with_the_same_octets(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Loaned"))
    away = True
    oak.far.judge = lambda octets: NOT_NOW if away and "<action>" in octets else None
    await oak.act(request, EventKind.RECEIVED, barcode="30100000000001")
    await oak.later(minutes=1)
    assert len(oak.far.said("Received")) >= 2
    (waiting,) = [row for row in await oak.rows(request) if row.status is OutboxStatus.WAITING]
    assert waiting.error.startswith("unavailable (")
    assert NOT_NOW[1] in waiting.error

    away = False
    await oak.later(minutes=1)

    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}
    assert len(set(oak.far.said("Received"))) == 1, "the same octets"
    after = await oak.see(request)
    assert after.state is BorrowingState.RECEIVED
    assert RequestFlag.TROUBLE not in after.flags


async def test_seven_requests_that_are_answered_by_http_500_hold_up_nothing_else(oak: FarTown) -> None:
    titles = [f"Sult {n}" for n in range(7)]
    oak.far.judge = lambda octets: 500 if any(f">{title}<" in octets for title in titles) else None
    bad = [await oak.asked(title) for title in titles]

    for n in range(12):
        good = await oak.asked(f"Markens grøde {n}")
        assert [row.status for row in await oak.rows(good)] == [OutboxStatus.DONE]
        await oak.say(write_sam(number_of(good), "WillSupply", "RequestResponse"))
        await oak.act(good, EventKind.MESSAGE, note="Takk")
        assert [row.status for row in await oak.rows(good)] == [OutboxStatus.DONE] * 2
        await oak.later(seconds=10)

    tries = [[row.tries for row in await oak.rows(request)] for request in bad]
    assert all(count >= 3 for (count,) in tries), "they are tried again, each for itself"

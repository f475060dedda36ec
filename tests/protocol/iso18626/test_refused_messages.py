"""What the partner refused is sent again by staff, from the request's page, by command and by API; words that fail hold
up nothing; and what waits says for what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.request_views import format_request_lines
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import RequestFlag
from gateway.domain.requests.views import NotFound
from gateway.store.requests.outbox import OutboxStatus
from tests.protocol.iso18626.far_side import STAFF, FarTown, make_far_template, number_of, partner_profile, write_sam

WRONG_STATE = ("UnrecognisedDataValue", "the item is not here")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), {"broker": partner_profile()}))


@pytest.fixture
async def oak(template: Path, tmp_path: Path) -> AsyncIterator[FarTown]:
    async with FarTown(template, tmp_path) as town:
        yield town


async def test_a_refused_message_is_sent_again_by_staff(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Loaned"))
    oak.far.judge = lambda octets: WRONG_STATE if ">Received<" in octets else None
    await oak.act(request, EventKind.RECEIVED, barcode="30109999000001")
    await oak.later(hours=2)
    view = await oak.view(request)
    assert RequestFlag.TROUBLE in view.request.flags
    (refused,) = view.refused
    assert (refused.event, refused.status) == (EventKind.RECEIVED, "refused")
    assert WRONG_STATE[1] in refused.error
    assert len(oak.far.said("Received")) == 1, "never by itself"
    assert any(refused.id in line for line in format_request_lines(view, oak.town.context.zone))

    await oak.town.gateway.managed.desk.release("OAK", refused.id, STAFF)
    await oak.quiet()
    assert len(oak.far.said("Received")) == 2
    assert [one.id for one in (await oak.view(request)).refused] == [refused.id], "refused as before"
    assert RequestFlag.TROUBLE in (await oak.see(request)).flags

    oak.far.judge = lambda octets: None
    await oak.town.gateway.managed.desk.release("OAK", refused.id, STAFF)
    await oak.quiet()
    view = await oak.view(request)
    assert view.refused == ()
    assert RequestFlag.TROUBLE not in view.request.flags
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}
    assert len(set(oak.far.said("Received"))) == 1
    with pytest.raises(NotFound):
        await oak.town.gateway.managed.desk.release("OAK", refused.id, STAFF)


async def test_a_request_that_was_refused_goes_to_others_and_not_again(oak: FarTown) -> None:
    oak.far.judge = lambda octets: ("UnrecognisedDataValue", "requestType: unsupported value")
    request = await oak.asked()

    assert (await oak.view(request)).refused == ()
    (row,) = await oak.rows(request)
    with pytest.raises(NotFound):
        await oak.town.gateway.managed.desk.release("OAK", row.id, STAFF)


@pytest.mark.parametrize("answer", [500, 400])
async def test_words_that_fail_hold_up_nothing_that_moves_the_item(oak: FarTown, answer: int) -> None:
    request = await oak.lent()
    oak.far.judge = lambda octets: answer if ">Notification<" in octets else None
    await oak.act(request, EventKind.MESSAGE, note="It comes tomorrow.")
    await oak.act(request, EventKind.RETURNED_BY_PATRON)
    await oak.act(request, EventKind.RETURNED)

    assert len(oak.far.said("ShippedReturn")) == 1
    by_status = {row.status for row in await oak.rows(request)}
    assert by_status == {OutboxStatus.DONE, OutboxStatus.WAITING if answer == 500 else OutboxStatus.DEAD}

    oak.far.judge = lambda octets: None
    (left,) = [row for row in await oak.rows(request) if row.status is not OutboxStatus.DONE]
    if left.status is OutboxStatus.DEAD:
        await oak.town.gateway.managed.desk.release("OAK", left.id, STAFF)
    await oak.later(hours=1)
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}


async def test_what_moves_the_item_stays_in_order_behind_what_failed(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Loaned"))
    oak.far.judge = lambda octets: 500 if ">Received<" in octets else None
    await oak.act(request, EventKind.RECEIVED, barcode="30109999000001")
    await oak.act(request, EventKind.LOANED_TO_PATRON)
    await oak.act(request, EventKind.RETURNED_BY_PATRON)
    await oak.act(request, EventKind.RETURNED)
    await oak.later(seconds=6)

    assert oak.far.said("ShippedReturn") == []
    waits = [one for one in (await oak.view(request)).unfinished if one.status == "waiting"]
    assert [one.error.split(" (")[0] for one in waits] == ["outcome unknown", "waits for an earlier message"]


async def test_what_waits_for_a_partner_that_is_away_says_so(oak: FarTown) -> None:
    requests = [await oak.asked(f"Sult {n}") for n in range(7)]
    for request in requests:
        await oak.say(write_sam(number_of(request), "Loaned"))
    await oak.far.server.close()  # nobody is there any more
    for n, request in enumerate(requests):
        await oak.act(request, EventKind.RECEIVED, barcode=f"3010999900000{n}")
    await oak.later(seconds=7)

    whys = [step.error for one in requests for step in (await oak.view(one)).unfinished if step.kind == "partner"]
    blocked = [why for why in whys if why.startswith("waits, because other messages to the partner could not be")]
    assert len(whys) == 7
    assert blocked, "the way is left alone after five"
    assert all("not reached" in why for why in whys)
    (silent,) = await oak.town.gateway.managed.desk.list_silent_partners("OAK", least_tries=1)
    assert (silent.profile, silent.waiting) == ("broker", 7)
    assert "not reached" in silent.error

"""Steps that waited until they no longer applied end by themselves: no dead letter, and nothing that isn't so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, Request
from gateway.domain.requests.staff_views import NoticeStatus
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {"south": SOUTH}


def raise_error(error: Exception) -> Callable[..., Any]:
    async def fail(*_arguments: object, **_named: object) -> None:
        raise error

    return fail


async def hear(north: NcipTown, request: Request, kind: EventKind) -> None:
    context = north.town.context
    event = Event(partner_signal(kind), context.now(), "partner:SOUTH", attempt=1)
    await apply_event(context, EventRequest(request_id=request.id, event=event))
    await north.quiet()


async def bring_to_shelf(north: NcipTown) -> Request:
    request = await north.asked()
    await hear(north, request, EventKind.SHIPPED)
    return await north.act(request, EventKind.RECEIVED, pickup="RS")


async def wait_a_day(north: NcipTown) -> None:
    north.clock.advance(timedelta(days=1))
    await north.quiet()


async def tell_notes(north: NcipTown, request: Request) -> list[str]:
    return [str(one.event.details.note) for one in await north.history(request) if one.event.kind is EventKind.NOTE]


async def test_a_loan_that_waited_for_the_library_until_the_item_was_back_ends_by_itself(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bring_to_shelf(north)
    with monkeypatch.context() as fault:
        fault.setattr(north.town.context.system, "check_out", raise_error(Unavailable("down for a moment")))
        with pytest.raises(Unavailable):
            await north.act(request, EventKind.LOANED_TO_PATRON)
        await hear(north, request, EventKind.CHECKED_IN)
    await wait_a_day(north)

    managed = north.town.gateway.managed
    view = await managed.libraries["NORTH"].requests.load_view(request.id)
    assert view.request.state is BorrowingState.COMPLETED
    assert await managed.libraries["NORTH"].desk.dead_letter_causes() == ()
    assert "desk:loaned-to-patron" not in [step.target for step in view.library_steps]
    assert await tell_notes(north, request) == [
        "Not done, because it no longer applies: Check the item out to the patron in the library system"
    ]


async def test_what_the_library_refused_is_no_dead_letter_of_a_closed_request(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bring_to_shelf(north)
    managed = north.town.gateway.managed
    with monkeypatch.context() as fault:
        fault.setattr(north.town.context.system, "check_out", raise_error(Unavailable("down for a moment")))
        with pytest.raises(Unavailable):
            await north.act(request, EventKind.LOANED_TO_PATRON)
        fault.setattr(
            north.town.context.system, "check_out", raise_error(Refused(RefusalReason.PATRON_BLOCKED, "Blocked."))
        )
        await wait_a_day(north)
    assert [one.target for one in await managed.libraries["NORTH"].desk.dead_letter_causes()] == [
        "desk:loaned-to-patron"
    ]

    await hear(north, request, EventKind.CHECKED_IN)

    assert await managed.libraries["NORTH"].desk.dead_letter_causes() == ()


async def test_a_renewal_is_not_asked_for_when_the_item_has_gone_back_meanwhile(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await bring_to_shelf(north)
    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.quiet()
    sent: list[EventKind] = []

    async def send(_channel: object, message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        sent.append(message.kind)
        return DeliveryResult("taken")

    channel = type(north.town.context.channels["mail"])
    with monkeypatch.context() as fault:
        fault.setattr(channel, "send", raise_error(Unavailable("no connection")))
        await north.act(request, EventKind.RENEW)
        await north.quiet()
        await north.act(request, EventKind.RETURNED_BY_PATRON)
        await north.act(request, EventKind.RETURNED)
        await north.quiet()
    monkeypatch.setattr(channel, "send", send)
    await wait_a_day(north)

    assert sent == [EventKind.RETURNED]
    assert "Not done, because it no longer applies" in (await tell_notes(north, request))[-1]


async def test_nobody_is_told_to_collect_what_they_have(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await north.asked()
    await hear(north, request, EventKind.SHIPPED)

    async def refuse_for_now(*_arguments: object) -> str:
        return "451 try again later"

    with monkeypatch.context() as fault:
        fault.setattr(type(north.mail), "handle_DATA", refuse_for_now)
        await north.act(request, EventKind.RECEIVED, pickup="RS")
        await north.quiet()
        await north.act(request, EventKind.LOANED_TO_PATRON)
        await north.quiet()
    await wait_a_day(north)

    page = await north.town.gateway.managed.libraries["NORTH"].notices.list_notices(request.id, 10, "")
    assert {one.letter: one.status for one in page.items}["available"] is NoticeStatus.SKIPPED

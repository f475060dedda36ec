"""A history stands in the order in which a request was changed, although the clocks of two nodes are a little apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refusal, RefusalReason
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import EventDenied
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.services.requests.delivery_results import record_delivery_result
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {"south": SOUTH}
APART = timedelta(milliseconds=90)


async def note(context: LibraryContext, request: Request) -> None:
    event = Event(local_signal(EventKind.NOTE), context.now(), "staff:ana", EventDetails(note="seen"))
    await apply_event(context, EventRequest(request_id=request.id, event=event))


async def hear_what_does_not_fit(context: LibraryContext, request: Request) -> None:
    event = Event(partner_signal(EventKind.CHECKED_IN), context.now(), "partner:SOUTH", attempt=request.current)
    with pytest.raises(EventDenied):
        await apply_event(context, EventRequest(request_id=request.id, event=event))


def deliver(kind: EventKind, delivered: DeliveryResult) -> Callable[[LibraryContext, Request], Awaitable[None]]:
    async def deliver_message(context: LibraryContext, request: Request) -> None:
        message = PartnerMessage(
            id="sent",
            kind=kind,
            at=context.now(),
            sender=context.party,
            receiver=request.partner,
            role=Role.BORROWING,
            transaction=request.number,
            details=EventDetails(),
            request=request,
        )
        external = (
            replace(delivered, external=f"{delivered.external} {context.now():%f}")
            if delivered.external
            else (delivered)
        )
        await context.store.write(lambda c: record_delivery_result(c, context, message, external))

    return deliver_message


WRITERS = {
    "event": note,
    "denied": hear_what_does_not_fit,
    "number": deliver(EventKind.REQUEST, DeliveryResult(external="S-7")),
    "altered": deliver(EventKind.MESSAGE, DeliveryResult(altered="shortened")),
    "refused": deliver(
        EventKind.RENEW, DeliveryResult(refused=Refusal(RefusalReason.UNSUPPORTED_SERVICE, "no renewals"))
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_row_stands_behind_those_of_a_node_whose_clock_is_ahead(writer: str, north: NcipTown) -> None:
    request, early = await north.asked(), north.town.context
    late = replace(early, clock=FixedClock(early.now() + APART))
    length = len(await north.history(request))
    rows = []

    for node, write in ((late, note), (early, WRITERS[writer]), (late, WRITERS[writer]), (early, note), (late, note)):
        known = {line.id for line in await north.history(request)}
        await write(node, request)
        rows.append([line.id for line in await north.history(request) if line.id not in known])

    assert all(rows)
    history = await north.history(request)
    assert [line.id for line in history[length:]] == [id_ for added in rows for id_ in added]
    assert [line.at for line in history] == sorted(line.at for line in history)


async def test_rows_of_one_moment_are_all_of_that_moment(north: NcipTown) -> None:
    request, context = await north.asked(), north.town.context

    for _ in range(3):
        await note(context, request)

    assert {line.at for line in (await north.history(request))[-3:]} == {context.now()}

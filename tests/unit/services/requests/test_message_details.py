"""What a message says that follows from another event than its own: nobody has typed it."""

from __future__ import annotations

from datetime import date

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind, ReasonCodes
from gateway.domain.requests.request import LendingState, LibraryParty, Request, RequestedService, Role, ServiceType
from gateway.ports.partner_channel import PartnerMessage
from tests.unit.services.requests.support import SOUTH, KeptChannel, NcipTown
from tests.unit.services.requests.test_messages_of_others import hear

PUSHED = {"push_states": ["shipped", "received"], "symbols": ["DESK"], "name": "Desk", "channel": "mail"}
CLEARED = {**SOUTH["partner"], "workflow": {"lending": {"clearance": "required"}}}
PROFILES = {"south": {"partner": CLEARED}, "desk": {"partner": {**PUSHED, "email": "desk@north.example"}}}
DUE = date(2026, 5, 4)


def find_messages(channel: KeptChannel, kind: EventKind) -> list[PartnerMessage]:
    return [message for message in channel.sent if message.kind is kind]


async def lend_volumes(north: NcipTown, *volumes: str, service: ServiceType = ServiceType.LOAN) -> Request:
    draft = LendingDraft(
        citation=Citation(title="Sult"),
        requester=LibraryParty(profile="south"),
        transaction="S-1",
        volumes=volumes,
        service=RequestedService(service),
    )
    return await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)


async def test_a_status_report_has_the_state_its_due_date_and_the_event_that_led_there(
    north: NcipTown, channel: KeptChannel
) -> None:
    request = await north.asked()
    number = request.attempts[-1].transaction
    await hear(north, "south", EventKind.SHIPPED, Role.BORROWING, number, "on its way", due=DUE)
    await north.act(request, EventKind.RECEIVED)
    await north.quiet()

    reports = find_messages(channel, EventKind.STATUS_REPORT)

    assert [(one.receiver.profile, one.details) for one in reports] == [
        ("desk", EventDetails(status="shipped", due=DUE)),
        ("desk", EventDetails(status="received", due=DUE, reported=EventKind.RECEIVED)),
    ]


async def test_a_supplier_of_what_nobody_needs_any_more_hears_so(north: NcipTown, channel: KeptChannel) -> None:
    request = await north.asked()
    number = request.attempts[-1].transaction
    await north.act(request, EventKind.CANCEL)
    await hear(north, "south", EventKind.CANCEL_ACCEPTED, Role.BORROWING, number, "fine")
    await hear(north, "south", EventKind.SHIPPED, Role.BORROWING, number, "on its way", note="Gute Reise", due=DUE)
    await north.quiet()

    (message,) = find_messages(channel, EventKind.MESSAGE)
    assert message.details == EventDetails(note="We no longer need this item and will return it.")


async def test_of_volumes_that_did_not_come_back_the_borrower_hears_which(
    north: NcipTown, channel: KeptChannel
) -> None:
    request = await lend_volumes(north, "Bd. 1", "Bd. 2")
    for volume in ("1", "2"):
        await north.act(request, EventKind.SHIPPED, barcode=(await north.free_item()).barcode, volumes=(volume,))
    await north.act(request, EventKind.CHECKED_IN, missing=("2",), note="Bitte suchen")
    await north.quiet()

    (message,) = find_messages(channel, EventKind.MESSAGE)
    assert message.details == EventDetails(missing=("2",), note="Bitte suchen")


async def test_who_asks_twice_for_a_renewal_hears_the_date_twice(north: NcipTown, channel: KeptChannel) -> None:
    request = await lend_volumes(north)
    await north.act(request, EventKind.SHIPPED, barcode=(await north.free_item()).barcode, due=DUE)
    for body in ("please", "please, again"):
        await hear(north, "south", EventKind.RENEW, Role.LENDING, "S-1", body)
        await north.quiet()

    first, second = find_messages(channel, EventKind.RENEW_ACCEPTED)
    assert first.details.due == (await north.see(request)).terms.lender_due != DUE
    assert second.details == EventDetails(due=first.details.due)


async def test_a_copy_that_the_law_forbids_is_unfilled_for_that_reason(north: NcipTown, channel: KeptChannel) -> None:
    request = await lend_volumes(north, service=ServiceType.COPY)
    await north.act(request, EventKind.DIGITISED)
    assert (await north.see(request)).state is LendingState.CLEARANCE
    await north.act(request, EventKind.CLEARANCE_REFUSED, reason="zu viele Seiten")
    await north.quiet()

    (message,) = find_messages(channel, EventKind.UNFILLED)
    assert message.details == EventDetails(reason=ReasonCodes.COPYRIGHT.value, note="zu viele Seiten")

"""A broker in front of us: its RequestItem becomes a request that the gateway manages, lending or borrowing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import ANOTHER, PATRON, SOUTH, NcipTown, make_template, ncip

PROFILES = {
    "navigator": ncip(
        circulation={"requests": {"managed": "lending"}},
        partner={"symbols": ["NAV"], "name": "Consortium", "roles": ["requester"]},
    ),
    "relais": ncip(circulation={"requests": {"managed": "borrowing"}}),
    "south": SOUTH,
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    requests = {
        "intake": {"mediation_default": "straight-through", "locally_owned": "allow"},
        "rotas": {"usual": {"lines": [{"partner": "south"}]}},
        "default_rota": "usual",
    }
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), PROFILES, requests))


async def the_only(north: NcipTown, role: Role) -> Request:
    await north.quiet()
    (found,) = await north.all(role)
    return found


# --- lending ---------------------------------------------------------------------------------------------


async def test_an_item_on_hold_for_a_broker_is_lent_and_comes_home(north: NcipTown) -> None:
    item = await north.free_item()
    institution = await north.send("navigator", "create-user", patron="NAV-7", organisation="Bibliothèque de Brume")
    assert institution.problem == ""

    answer = await north.send("navigator", "request-item", request="WCNav1", item=item.barcode, patron="NAV-7")

    assert answer.problem == ""
    assert answer.text("RequestIdentifierValue") == "WCNav1"
    request = await the_only(north, Role.LENDING)
    assert (request.state, request.transaction, request.item_barcode) == (LendingState.LOCATED, "WCNav1", item.barcode)
    assert request.partner.name == "Bibliothèque de Brume"
    held = await north.town.context.system.item_holds(item.id)
    assert [hold.request_id for hold in held] == ["WCNav1"], "no second hold"

    await north.act(request, EventKind.SHIPPED)
    await north.quiet()
    assert (await north.town.context.system.item_loan(item.id)) is not None
    assert (await north.see(request)).state is LendingState.SHIPPED

    await north.send("navigator", "check-in-item", item=item.barcode)
    assert (await north.see(request)).state is LendingState.COMPLETED


async def test_the_request_again_is_the_same_request(north: NcipTown) -> None:
    item = await north.free_item()
    for _ in range(2):
        answer = await north.send("navigator", "request-item", request="WCNav2", item=item.barcode, patron=PATRON)
        assert answer.problem == ""

    assert (await the_only(north, Role.LENDING)).transaction == "WCNav2"


async def test_a_broker_cancels_what_it_asked_for(north: NcipTown) -> None:
    item = await north.free_item()
    await north.send("navigator", "request-item", request="WCNav3", item=item.barcode, patron=PATRON)

    answer = await north.send("navigator", "cancel-request-item", request="WCNav3", patron=PATRON)

    assert answer.problem == ""
    assert (await the_only(north, Role.LENDING)).state is LendingState.CANCELLED


async def test_what_staff_can_not_supply_leaves_no_hold(north: NcipTown) -> None:
    item = await north.free_item()
    await north.send("navigator", "request-item", request="WCNav4", item=item.barcode, patron=PATRON)
    request = await the_only(north, Role.LENDING)

    await north.act(request, EventKind.UNFILLED, reason="not-on-shelf")
    await north.quiet()

    assert await north.town.context.system.item_holds(item.id) == ()


# --- borrowing -------------------------------------------------------------------------------------------


async def ask(north: NcipTown, number: str = "RD-1", **more: str) -> Request:
    said = {"record": "isbn:9783161484100", "title": "Λιμάνια", "pickup": "NORTH"} | more
    answer = await north.send("relais", "request-item", request=number, patron=PATRON, **said)
    assert answer.problem == ""
    assert answer.text("RequestIdentifierValue") == number
    found = [one for one in await north.all(Role.BORROWING) if number in one.external]
    return max(found, key=lambda one: one.id)


async def test_a_wish_of_our_patron_goes_to_the_rota(north: NcipTown) -> None:
    request = await ask(north, need_by="2026-06-01")
    await north.quiet()

    seen = await north.see(request)
    assert seen.state is BorrowingState.REQUESTED
    assert seen.citation.title == "Λιμάνια"
    assert seen.citation.identifier("isbn") == "9783161484100"
    assert (seen.patron.id, seen.patron.pickup) == ((await north.patron(PATRON)).id, "NORTH")
    assert seen.dates.need_by is not None
    assert seen.dates.need_by.isoformat() == "2026-06-01"
    assert len(north.mail.subjects("ill@south.example")) == 1


async def test_the_wish_again_is_the_same_wish(north: NcipTown) -> None:
    first = await ask(north)

    assert (await ask(north)).id == first.id

    assert len(await north.all(Role.BORROWING)) == 1


async def test_a_number_of_another_patron_s_wish_is_refused(north: NcipTown) -> None:
    await ask(north)

    answer = await north.send(
        "relais", "request-item", request="RD-1", patron=ANOTHER, title="Λιμάνια", record="isbn:9783161484100"
    )

    assert answer.problem == "Duplicate Request"
    assert len(await north.all(Role.BORROWING)) == 1


async def test_a_wish_that_failed_may_come_again(north: NcipTown) -> None:
    first = await ask(north)
    await north.send("relais", "cancel-request-item", request="RD-1", patron=PATRON)
    assert (await north.see(first)).state is BorrowingState.CANCELLED

    second = await ask(north)

    assert second.id != first.id
    assert second.state is BorrowingState.REVIEW, "the duplicate guard warns"
    assert (await ask(north)).id == second.id
    again = await north.send("relais", "lookup-request", request="RD-1")
    assert again.text("RequestStatusType") == "In Process", "the newest is meant"


async def test_the_broker_sees_how_it_stands(north: NcipTown) -> None:
    request = await ask(north)
    await north.quiet()

    waiting = await north.send("relais", "lookup-request", request="RD-1")
    assert waiting.problem == ""
    accepted = await north.send(
        "relais", "accept-item", request="RD-1", item="SOUTH-1", patron=PATRON, title="Λιμάνια", pickup="NORTH"
    )
    assert accepted.problem == ""
    ready = await north.send("relais", "lookup-request", request="RD-1")

    assert (await north.see(request)).state is BorrowingState.RECEIVED
    assert (waiting.text("RequestStatusType"), ready.text("RequestStatusType")) == (
        "In Process",
        "Available For Pickup",
    )


async def test_another_pickup_place_before_a_supplier_is_asked(north: NcipTown) -> None:
    request = await ask(north)

    answer = await north.send("relais", "update-request-item", request="RD-1", patron=PATRON, pickup="MAIN")

    assert answer.problem == ""
    assert (await north.see(request)).patron.pickup == "MAIN"


async def test_nobody_else_may_cancel_it(north: NcipTown) -> None:
    request = await ask(north)

    answer = await north.send("relais", "cancel-request-item", request="RD-1", patron=ANOTHER)

    assert answer.problem == "Unknown Request"
    assert (await north.see(request)).open


async def test_an_unknown_patron_asks_for_nothing(north: NcipTown) -> None:
    answer = await north.send(
        "relais", "request-item", request="RD-9", patron="nobody", record="isbn:9783161484100", title="x"
    )

    assert answer.problem == "Unknown User"
    assert await north.all(Role.BORROWING) == ()


async def test_a_description_alone_will_do(north: NcipTown) -> None:
    """NCIP 2 lets RequestItem name no record only where the profile manages the request."""
    body = north.message(
        "relais", "request-item", request="RD-2", patron=PATRON, record="isbn:9783161484100", title="見えない都市"
    )
    start, end = (
        body.index(b"<ns1:BibliographicId>"),
        body.index(b"</ns1:BibliographicId>") + len(b"</ns1:BibliographicId>"),
    )

    answer = await north.post("relais", body[:start] + body[end:])

    assert answer.problem == ""
    assert (await the_only(north, Role.BORROWING)).citation.title == "見えない都市"


async def test_a_number_of_our_own_catalogue_will_do(north: NcipTown) -> None:
    item = await north.free_item()
    bib = await north.town.context.system.get_bib(item.bib_id)

    answer = await north.send("relais", "request-item", request="RD-3", patron=PATRON, item=item.barcode)

    assert answer.problem == ""
    (request,) = await north.all(Role.BORROWING)
    assert request.citation.title == bib.title
    assert await north.town.context.system.item_holds(item.id) == ()


async def test_what_never_reached_the_patron_is_no_filled_hold(north: NcipTown) -> None:
    request = await ask(north)
    await north.quiet()
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.CANCEL)
    await north.act(request, EventKind.RETURNED)

    gone = await north.send("relais", "lookup-request", request="RD-1")

    assert (await north.see(request)).state is BorrowingState.RETURNED
    assert gone.text("RequestStatusType") == "Expired"


async def test_a_broker_cancels_what_is_on_its_way(north: NcipTown) -> None:
    request = await ask(north)
    await north.quiet()
    event = Event(partner_signal(EventKind.SHIPPED), north.clock.now(), "partner:SOUTH", attempt=1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))

    answer = await north.send("relais", "cancel-request-item", request="RD-1", patron=PATRON)

    assert answer.problem == ""
    seen = await north.see(request)
    assert (seen.state, RequestFlag.UNWANTED in seen.flags) == (BorrowingState.SHIPPED, True)
    looked = await north.send("relais", "lookup-request", request="RD-1")
    assert looked.text("RequestStatusType") == "Cannot Fulfill Request"


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (("shipped", "us received", "us cancel"), "Cannot Fulfill Request"),
        (("shipped", "recall"), "In Process"),
        (("shipped", "recall", "us received"), "In Process"),
        (("shipped", "us received", "recall", "us cancel", "us returned"), "Expired"),
        (("shipped", "us lost"), "Expired"),
    ],
)
async def test_a_broker_hears_what_becomes_of_what_the_patron_has_not_had(
    north: NcipTown, steps: tuple[str, ...], status: str
) -> None:
    request = await ask(north)
    await north.quiet()
    for step in steps:
        if step.startswith("us "):
            await north.act(request, EventKind(step.removeprefix("us ")))
        else:
            event = Event(partner_signal(EventKind(step)), north.clock.now(), "partner:SOUTH", attempt=1)
            await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))

    looked = await north.send("relais", "lookup-request", request="RD-1")

    assert looked.text("RequestStatusType") == status

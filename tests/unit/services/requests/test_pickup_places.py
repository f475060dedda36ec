"""'Ready for you' is said when the item is where the patron fetches it, whichever desk says so."""

from __future__ import annotations

import asyncio

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.patron_status import PatronStatus, status_of_request
from gateway.domain.requests.patron_views import PatronAction
from gateway.domain.requests.request import BorrowingState, Request, RequestFlag
from gateway.domain.requests.state_table import TimerKind
from tests.unit.services.requests.support import SOUTH, NcipTown, ncip

PROFILES = {"south": SOUTH, "desk": ncip(circulation={"check_in": {"branch": "EAST"}})}


async def illgate(north: NcipTown, *words: str) -> Result:
    config = str(north.town.settings.folder / "gateway.yml")
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["--config", config, "library", *words], catch_exceptions=False
    )


async def receive_elsewhere(north: NcipTown) -> Request:
    """At the resource-sharing library; its patron fetches it in the east."""
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED, barcode="S-4711", pickup="EAST")
    await north.quiet()
    return await north.see(request)


async def list_letters(north: NcipTown, request: Request) -> list[str]:
    return [
        one.letter
        for one in await north.town.gateway.managed.libraries["NORTH"].notices.list_notices(request.id, 50, "")
    ]


async def list_timers(north: NcipTown, request: Request) -> set[str]:
    return {
        one.timer for one in (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)).timers
    }


async def test_what_is_on_its_way_to_the_pickup_place_is_not_ready(north: NcipTown) -> None:
    request = await receive_elsewhere(north)

    assert (request.state, request.patron.pickup) == (BorrowingState.RECEIVED, "EAST")
    assert RequestFlag.IN_TRANSIT in request.flags
    assert "available" not in await list_letters(north, request)
    assert TimerKind.SHELF.value not in await list_timers(north, request)
    assert status_of_request(request).status is PatronStatus.UNDERWAY
    counts = {one.name: one.count for one in await north.town.gateway.managed.libraries["NORTH"].desk.tasks()}
    assert counts["in-transit"] == 1


async def test_its_patron_may_ask_for_more_time_once_it_is_there(north: NcipTown) -> None:
    request = await receive_elsewhere(north)
    patrons = north.town.gateway.managed.libraries["NORTH"].patrons
    on_the_way = await patrons.load_view(request.id, request.patron.id, "en")

    await illgate(north, "check-in", request.volumes[0].barcode, "--at", "EAST")
    await north.quiet()

    assert PatronAction.RENEW not in on_the_way.actions
    assert PatronAction.RENEW in (await patrons.load_view(request.id, request.patron.id, "en")).actions


async def test_the_desk_of_the_pickup_place_makes_it_ready(north: NcipTown) -> None:
    request = await receive_elsewhere(north)
    barcode = request.volumes[0].barcode

    scanned = await illgate(north, "check-in", barcode, "--at", "EAST")
    await north.quiet()

    assert scanned.exit_code == 0, scanned.output
    ready = await north.see(request)
    assert RequestFlag.IN_TRANSIT not in ready.flags
    assert (await list_letters(north, request))[0] == "available"
    assert TimerKind.SHELF.value in await list_timers(north, request)
    assert status_of_request(ready).status is PatronStatus.READY
    await illgate(north, "check-in", barcode, "--at", "EAST")
    assert (await list_letters(north, request)).count("available") == 1


async def test_another_desk_on_the_way_does_not_make_it_ready(north: NcipTown) -> None:
    request = await receive_elsewhere(north)

    await illgate(north, "check-in", request.volumes[0].barcode, "--at", "SCI")

    assert RequestFlag.IN_TRANSIT in (await north.see(request)).flags
    assert "available" not in await list_letters(north, request)


async def test_an_ncip_check_in_at_the_pickup_place_makes_it_ready(north: NcipTown) -> None:
    request = await receive_elsewhere(north)

    answer = await north.send("desk", "CheckInItem", item=request.volumes[0].barcode)

    assert answer.problem == ""
    assert (await list_letters(north, request))[0] == "available"
    assert RequestFlag.IN_TRANSIT not in (await north.see(request)).flags


async def test_staff_say_that_it_has_arrived_where_nothing_is_scanned(north: NcipTown) -> None:
    request = await receive_elsewhere(north)

    await north.act(request, EventKind.AT_PICKUP)

    assert (await list_letters(north, request))[0] == "available"
    allowed = (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)).allowed
    assert EventKind.AT_PICKUP not in allowed


async def test_what_comes_where_it_is_fetched_is_ready_at_once(north: NcipTown) -> None:
    request = await north.asked()

    await north.act(request, EventKind.RECEIVED, barcode="S-4711", pickup="RS")

    assert RequestFlag.IN_TRANSIT not in (await north.see(request)).flags
    assert (await list_letters(north, request))[0] == "available"
    assert TimerKind.SHELF.value in await list_timers(north, request)

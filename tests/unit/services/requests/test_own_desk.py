"""`illgate library check-in` and `check-out`: what is scanned at the library's own desk may be a managed request's."""

from __future__ import annotations

import asyncio
import json

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, Request
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

PROFILES = {"south": SOUTH}


async def illgate(north: NcipTown, *words: str) -> Result:
    """Beside the daemon, in a process of its own as far as it knows."""
    config = str(north.town.settings.folder / "gateway.yml")
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["--config", config, "library", *words], catch_exceptions=False
    )


async def lent(north: NcipTown) -> Request:
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED, barcode="S-4711")
    await north.act(request, EventKind.LOANED_TO_PATRON)
    return await north.see(request)


async def test_a_returned_item_goes_back_to_its_owner_with_a_slip(north: NcipTown) -> None:
    request = await lent(north)
    barcode = request.volumes[0].barcode

    shown = await illgate(north, "check-in", barcode)

    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert f"Goes back to its owner: Southern Library, request {request.number}" in lines
    assert "RETURN TO: Southern Library" in shown.stdout
    assert barcode in shown.stdout.partition("RETURN TO")[2]
    seen = await north.see(request)
    assert seen.state is BorrowingState.BACK
    assert (await north.history(request))[-1].event.actor == "desk"


async def test_a_record_that_is_deleted_by_hand_has_gone_back(north: NcipTown) -> None:
    request = await lent(north)
    barcode = request.volumes[0].barcode
    assert (await illgate(north, "temporary", "delete", barcode)).exit_code == 1, "on loan"
    await illgate(north, "check-in", barcode)

    shown = await illgate(north, "temporary", "delete", barcode)

    assert (shown.exit_code, shown.stdout) == (0, f"{barcode}: deleted\n")
    assert (await north.see(request)).state is BorrowingState.RETURNED


async def test_a_scan_that_was_cut_short_is_made_good_by_the_next(north: NcipTown) -> None:
    request = await lent(north)
    barcode = request.volumes[0].barcode
    await north.town.context.system.check_in(barcode, "desk:killed", fill_hold=False)

    shown = await illgate(north, "check-in", barcode)

    assert shown.exit_code == 0
    assert "Goes back to its owner" in shown.stdout
    assert (await north.see(request)).state is BorrowingState.BACK


async def test_what_waits_for_its_patron_gets_a_slip_for_the_shelf(north: NcipTown) -> None:
    request = await north.asked()
    received = await north.act(request, EventKind.RECEIVED, barcode="S-4712")
    barcode = received.volumes[0].barcode

    shown = await illgate(north, "check-in", barcode, "--json")

    assert shown.exit_code == 0
    said = json.loads(shown.stdout)
    assert said["popup"] == ""
    assert (await north.patron(PATRON)).name.inverted in said["slip"]
    assert said["item"]["barcode"] == barcode
    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_a_loan_at_the_desk_is_the_request_s(north: NcipTown) -> None:
    request = await north.asked()
    received = await north.act(request, EventKind.RECEIVED, barcode="S-4713")

    shown = await illgate(north, "check-out", received.volumes[0].barcode, PATRON)

    assert shown.exit_code == 0
    assert (await north.see(request)).state is BorrowingState.LENT


async def test_our_own_items_need_no_slip(north: NcipTown) -> None:
    item = await north.free_item()
    await illgate(north, "check-out", item.barcode, PATRON)

    shown = await illgate(north, "check-in", item.barcode, "--json")

    said = json.loads(shown.stdout)
    assert (said["popup"], said["slip"]) == ("", "")
    assert said["loan"]["item_barcode"] == item.barcode

"""What staff scanned by mistake is undone while nobody has been told of it, in the library's system too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from gateway.domain.library import Loan
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, Request, Role, VolumeState
from gateway.domain.requests.request_figures import FigureFilter
from gateway.domain.requests.scan_rules import ScanWork
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.views import ActionRequest, UndoableAct, VersionConflict
from gateway.services.desks.scans import ScanResult
from gateway.services.requests.undone_acts import GoneOutError, hold_of_act, list_effect_rows
from gateway.store.requests import request_figures
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.tables import outbox
from tests.unit.services.requests.support import STAFF, NcipTown
from tests.unit.services.requests.test_scans import PROFILES, asked_of_us, scan, shipped_to_us

__all__ = ["PROFILES"]

HELD_SECONDS = 30
"""As `desks.undo_seconds` has it."""


async def undo(north: NcipTown, scanned: ScanResult) -> Request:
    assert scanned.done is not None
    return await north.town.gateway.managed.libraries["NORTH"].requests.undo_act(scanned.done, STAFF)


async def let_time_pass(north: NcipTown, seconds: float = HELD_SECONDS + 1) -> None:
    north.clock.advance(timedelta(seconds=seconds))
    await north.quiet()


async def find_loan(north: NcipTown, barcode: str) -> Loan | None:
    item = await north.town.context.find_item(barcode)
    assert item is not None
    return await north.town.context.system.item_loan(item.id)


async def timers_of(north: NcipTown, request: Request) -> set[str]:
    return {
        one.timer for one in (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)).timers
    }


async def holds_on(north: NcipTown, barcode: str) -> tuple[str, ...]:
    item = await north.town.context.find_item(barcode)
    assert item is not None
    return tuple(one.id for one in await north.town.context.system.item_holds(item.id))


async def refuse(north: NcipTown, request: Request) -> UndoableAct:
    """As staff do on a page."""
    action = ActionRequest(
        kind=EventKind.UNFILLED,
        details=EventDetails(reason="on-loan"),
        actor=STAFF,
        version=request.version,
        hold=hold_of_act(north.town.context, request, EventKind.UNFILLED),
    )
    refused = await north.town.gateway.managed.libraries["NORTH"].requests.apply_action(request.id, action)
    return UndoableAct(before=request, version=refused.version, kind=EventKind.UNFILLED)


async def count_refusals(north: NcipTown) -> dict[str, int]:
    wanted = FigureFilter(library="NORTH", first=200001, last=210012)
    counted = await north.town.context.store.read(lambda c: request_figures.count_reasons(c, wanted))
    return {one.reason: one.count for one in counted if one.role is Role.LENDING}


async def test_a_parcel_that_was_received_by_mistake_is_on_its_way_again(north: NcipTown) -> None:
    request = await shipped_to_us(north, due=date(2026, 6, 30))
    waited = await timers_of(north, request)
    await let_time_pass(north, 1)
    received = await scan(north, ScanWork.RECEIVE, request.number)
    assert received.request is not None
    barcode = received.request.volumes[0].barcode

    undone = await undo(north, received)
    await let_time_pass(north)

    assert undone.state is BorrowingState.SHIPPED
    assert (undone.volumes, undone.terms, undone.flags) == (request.volumes, request.terms, request.flags)
    assert undone.attempt is not None
    assert undone.attempt.status is AttemptStatus.SHIPPED
    assert await timers_of(north, request) == waited
    assert await north.town.context.find_item(barcode) is None, "its record is gone"
    assert (await north.kinds(request))[-2:] == ["received", "undone"]
    assert len(north.mail.subjects("ill@south.example")) == 1, "the order, and no word of its coming"

    await scan(north, ScanWork.RECEIVE, request.number)
    await let_time_pass(north)

    assert (await north.see(request)).state is BorrowingState.RECEIVED
    assert len(north.mail.subjects("ill@south.example")) == 2


async def test_what_somebody_has_been_told_of_is_not_undone(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await let_time_pass(north, 1)
    received = await scan(north, ScanWork.RECEIVE, request.number)
    await let_time_pass(north)

    with pytest.raises(GoneOutError):
        await undo(north, received)

    now = await north.see(request)
    assert now.state is BorrowingState.RECEIVED
    assert await north.town.context.find_item(now.volumes[0].barcode) is not None


async def test_what_was_tried_and_waits_again_is_not_undone(north: NcipTown) -> None:
    """The answer may be what got lost: then the partner knows."""
    request = await asked_of_us(north)
    await let_time_pass(north, 1)
    act = await refuse(north, request)
    rows = await north.town.context.store.read(
        lambda c: list_effect_rows(c, north.town.context, request.id, EventKind.UNFILLED)
    )
    assert {row.status for row in rows} == {OutboxStatus.WAITING}
    tried = update(outbox).where(outbox.c.id == rows[0].id).values(tries=1)
    await north.town.context.store.write(lambda c: c.execute(tried))

    with pytest.raises(GoneOutError):
        await north.town.gateway.managed.libraries["NORTH"].requests.undo_act(act, STAFF)

    assert (await north.see(request)).state is LendingState.UNFILLED


async def test_what_somebody_has_gone_on_with_is_not_undone(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await let_time_pass(north, 1)
    received = await scan(north, ScanWork.RECEIVE, request.number)
    await north.act(request, EventKind.NOTE, note="Umschlag beschädigt")

    with pytest.raises(VersionConflict):
        await undo(north, received)


async def test_a_reader_is_not_told_of_what_was_shelved_by_mistake(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await scan(north, ScanWork.RECEIVE, request.number)
    await let_time_pass(north)
    told = len(north.mail.mails)
    arrived = await scan(north, ScanWork.SHELVE, request.number)

    undone = await undo(north, arrived)
    await let_time_pass(north)

    assert undone.volumes[0].in_transit
    assert len(north.mail.mails) == told
    assert TimerKind.SHELF.value not in await timers_of(north, request)


async def test_a_loan_to_another_library_ends_and_begins_anew(north: NcipTown) -> None:
    request, item = await asked_of_us(north), await north.free_item()
    await scan(north, ScanWork.LOCATE, request.number, item=item.barcode)
    await let_time_pass(north)
    pulled = await scan(north, ScanWork.LOCATE, item.barcode)
    assert (await undo(north, pulled)).state is LendingState.LOCATED
    await let_time_pass(north)
    assert north.mail.mails == []

    await scan(north, ScanWork.LOCATE, item.barcode)
    await let_time_pass(north)
    promised = await north.see(request)
    shipped = await scan(north, ScanWork.SHIP, item.barcode, due=date(2026, 6, 30))
    unsent = await undo(north, shipped)
    await let_time_pass(north)
    assert (unsent.state, unsent.terms, unsent.loan_id) == (LendingState.WILL_SUPPLY, promised.terms, "")
    assert await find_loan(north, item.barcode) is None
    assert len(north.mail.mails) == 1, "the promise"

    shipped = await scan(north, ScanWork.SHIP, item.barcode, due=date(2026, 6, 30))
    await let_time_pass(north)
    first = await find_loan(north, item.barcode)
    home = await scan(north, ScanWork.CHECK_IN, item.barcode)
    out = await undo(north, home)
    await let_time_pass(north)
    assert first is not None
    second = await find_loan(north, item.barcode)
    assert second is not None
    assert (second.patron_id, second.due, second.id) == (first.patron_id, first.due, out.loan_id)
    assert out.state is LendingState.SHIPPED
    assert len(north.mail.mails) == 2, "and that it was sent"


async def test_of_a_set_the_last_volume_alone_is_undone(north: NcipTown) -> None:
    request = await north.asked(volumes=("Bd. 1", "Bd. 2"))
    await north.act(request, EventKind.RECEIVED, volumes=("1",))
    await let_time_pass(north)
    second = await scan(north, ScanWork.RECEIVE, request.number)

    undone = await undo(north, second)

    assert [one.state for one in undone.volumes] == [VolumeState.RECEIVED, VolumeState.EXPECTED]
    assert undone.state is BorrowingState.SHIPPED


async def test_while_the_library_is_away_nothing_of_it_goes_out(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the undoing is done as soon as it can be."""
    request = await shipped_to_us(north)
    await let_time_pass(north, 1)
    received = await scan(north, ScanWork.RECEIVE, request.number)

    async def stay_away(*_arguments: object, **_named: object) -> None:
        raise Unavailable("down for a moment")

    with monkeypatch.context() as moment:
        moment.setattr(north.town.context.system, "delete_temporary_item", stay_away)
        with pytest.raises(Unavailable):
            await undo(north, received)
        assert (await north.see(request)).state is BorrowingState.RECEIVED
    await let_time_pass(north, 60)

    assert (await north.see(request)).state is BorrowingState.SHIPPED
    assert len(north.mail.subjects("ill@south.example")) == 1, "the order alone"


@pytest.mark.parametrize("state", ["new", "located", "will-supply", "conditional"])
async def test_a_refusal_by_mistake_is_undone_and_the_requester_hears_nothing(north: NcipTown, state: str) -> None:
    request, item = await asked_of_us(north), await north.free_item()
    if state == "conditional":
        await north.act(request, EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    elif state != "new":
        await scan(north, ScanWork.LOCATE, request.number, item=item.barcode)
    if state == "will-supply":
        await let_time_pass(north)
        await scan(north, ScanWork.LOCATE, item.barcode)
    await let_time_pass(north)
    before, waited, told = await north.see(request), await timers_of(north, request), len(north.mail.mails)
    holds = await holds_on(north, item.barcode)
    assert (before.state.value, bool(holds)) == (state, state not in ("new", "conditional"))

    refused = await refuse(north, before)
    await let_time_pass(north, 1)
    undone = await north.town.gateway.managed.libraries["NORTH"].requests.undo_act(refused, STAFF)
    await let_time_pass(north)

    assert (undone.state, undone.terms, undone.volumes) == (before.state, before.terms, before.volumes)
    assert await timers_of(north, request) == waited
    assert await holds_on(north, item.barcode) == holds
    assert len(north.mail.mails) == told
    assert await count_refusals(north) == {}

    refused = await refuse(north, undone)
    await let_time_pass(north)
    assert len(north.mail.mails) == told + 1
    assert await holds_on(north, item.barcode) == ()
    assert await count_refusals(north) == {"on-loan": 1}
    with pytest.raises(GoneOutError):
        await north.town.gateway.managed.libraries["NORTH"].requests.undo_act(refused, STAFF)


@pytest.mark.parametrize("failure", [Refused(RefusalReason.NOT_ALLOWED, "no holds here"), Unavailable("down")])
async def test_a_hold_that_was_moot_after_a_refusal_is_placed_when_that_is_undone(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Whether the library has refused it before, or is asked for it while the request is closed."""
    request, item = await asked_of_us(north), await north.free_item()

    async def fail(*_arguments: object, **_named: object) -> None:
        raise failure

    with monkeypatch.context() as moment:
        moment.setattr(north.town.context.system, "place_hold", fail)
        await scan(north, ScanWork.LOCATE, request.number, item=item.barcode)
        await let_time_pass(north)
    before = await north.see(request)
    assert (before.state, await holds_on(north, item.barcode)) == (LendingState.LOCATED, ())

    refused = await refuse(north, before)
    await let_time_pass(north, HELD_SECONDS - 1)
    assert await holds_on(north, item.barcode) == ()
    undone = await north.town.gateway.managed.libraries["NORTH"].requests.undo_act(refused, STAFF)
    await let_time_pass(north)

    assert undone.state is LendingState.LOCATED
    assert len(await holds_on(north, item.barcode)) == 1

"""What a partner's channel has no message for is never queued: it goes in a note, or staff write or telephone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import UNTOLD, Event, EventDetails, partner_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import LibraryParty, Request, RequestFlag
from gateway.domain.requests.scan_rules import ScanReason, ScanWork
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import ActionRequest
from gateway.services.desks.scans import ScanOrder
from gateway.services.people.api_keys import KeyHolder
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import outbox_queries
from gateway.store.requests.request_rows import parse_message
from tests.unit.services.requests.support import NcipTown


def iso_ill(symbol: str, *withheld: str) -> dict[str, Any]:
    return {
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "partner": {
            "symbols": [symbol],
            "name": symbol.title(),
            "channel": "iso-ill",
            "workflow": {"lending": {"overdue_notices": True}},
        },
        "iso_ill": {"transport": {"mode": "same-connection"}, "withheld": list(withheld)},
    }


PROFILES = {
    "fjord": iso_ill("FJORD", "overdue", "damaged", "cancel"),
    "dale": iso_ill("DALE", "overdue", "damaged", "cancel", "received", "message"),
    "isle": iso_ill("ISLE", "returned", "message"),
}


PROGRAM = KeyHolder("NORTH", "abcd", "portal", frozenset())
"""Histories name it as they name staff."""


async def lend(north: NcipTown, partner: str, transaction: str = "") -> Request:
    draft = LendingDraft(
        citation=Citation(title="Sult", author="Hamsun, Knut"),
        requester=LibraryParty(profile=partner),
        transaction=transaction or f"T/{partner}",
    )
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    return await north.act(made, K.SHIPPED, barcode=(await north.free_item()).barcode)


async def list_messages(north: NcipTown, request: Request) -> list[tuple[K, str]]:
    """Kind and note of those to the partner."""
    rows = await north.town.context.store.read(
        lambda c: outbox_queries.list_rows_of_request(c, "NORTH", request.id, 100)
    )
    messages = [parse_message(row.payload) for row in rows.rows if row.kind == "partner"]
    return [(one.kind, str(one.details.note)) for one in messages]


async def list_reports(north: NcipTown, request: Request) -> list[str]:
    lines = await north.history(request)
    return [
        str(line.event.details.note)
        for line in lines
        if line.event.kind is K.TROUBLE and line.event.details.reason == UNTOLD
    ]


async def test_what_a_timer_says_goes_in_a_note_where_there_is_no_message_of_its_kind(north: NcipTown) -> None:
    lent = await lend(north, "fjord")
    north.clock.advance(timedelta(days=90))
    await north.quiet()

    late = await north.see(lent)
    assert RequestFlag.OVERDUE in late.flags
    kinds = [kind for kind, _ in await list_messages(north, lent)]
    assert (K.OVERDUE in kinds, K.MESSAGE in kinds) == (False, True)
    assert any(note.startswith("overdue") for _, note in await list_messages(north, lent))
    assert RequestFlag.UNTOLD not in late.flags


async def test_what_no_message_can_say_for_a_timer_is_for_staff_to_tell(north: NcipTown) -> None:
    lent = await lend(north, "dale")
    before = await list_messages(north, lent)
    north.clock.advance(timedelta(days=90))
    await north.quiet()

    late = await north.see(lent)
    assert {RequestFlag.OVERDUE, RequestFlag.UNTOLD} <= late.flags
    assert "untold" in list_task_names(late)
    assert await list_messages(north, lent) == before
    assert await list_reports(north, lent) == ["there is no message to tell Dale: overdue"]

    assert await north.town.gateway.managed.libraries["NORTH"].desk.settle_rejection(lent.id, "telephoned", "staff:ana")
    assert RequestFlag.UNTOLD not in (await north.see(lent)).flags
    assert "Settled another way: telephoned" in [str(one.event.details.note) for one in await north.history(lent)]


@pytest.mark.parametrize(
    ("actor", "is_program", "is_listed"),
    [("staff:ana", False, False), ("patron", False, True), ("ncip:illiad", False, True), (PROGRAM.actor, True, True)],
    ids=["staff", "patron", "broker", "program"],
)
async def test_who_cancels_at_a_page_of_ours_is_told_there(
    north: NcipTown, actor: str, is_program: bool, is_listed: bool
) -> None:
    asked = await north.asked(partner="dale")
    before = await list_messages(north, asked)
    act = ActionRequest(kind=K.CANCEL, details=EventDetails(), actor=actor, version=None, lists_untold=is_program)
    await north.town.act(asked, act)

    after = await north.see(asked)
    assert after.state.value == "cancel-pending"
    assert await list_messages(north, asked) == before, "no message of ours can say it"
    assert (RequestFlag.UNTOLD in after.flags) is is_listed


async def test_what_a_scan_can_not_tell_is_for_staff_to_tell(north: NcipTown) -> None:
    """Whoever scans a pile of parcels has read nothing beforehand of any of them."""
    asked = await north.asked(partner="isle")
    shipped = Event(partner_signal(K.SHIPPED), north.clock.now(), "partner:isle", EventDetails(), asked.current)
    await apply_event(north.town.context, EventRequest(request_id=asked.id, event=shipped))
    for kind in (K.RECEIVED, K.AT_PICKUP, K.LOANED_TO_PATRON, K.RETURNED_BY_PATRON):
        await north.act(asked, kind)

    order = ScanOrder(work=ScanWork.RETURN, code=asked.number, key="pile", actor="staff:ana")
    done = await north.town.gateway.managed.libraries["NORTH"].scans.scan(order)

    after = await north.see(asked)
    assert (done.reason, after.state.value) == (ScanReason.DONE, "returned")
    assert K.RETURNED not in [kind for kind, _ in await list_messages(north, asked)]
    assert RequestFlag.UNTOLD in after.flags
    assert await list_reports(north, asked) == ["there is no message to tell Isle: returned"]


async def test_staff_need_not_telephone_that_an_item_has_come(north: NcipTown) -> None:
    asked = await north.asked(partner="dale")
    before = await list_messages(north, asked)
    act = ActionRequest(kind=K.RECEIVED, details=EventDetails(), actor="ncip:illiad", version=None)
    await north.town.act(asked, act)

    after = await north.see(asked)
    assert after.state.value == "received"
    assert RequestFlag.UNTOLD not in after.flags
    assert await list_messages(north, asked) == before


async def test_an_order_that_cannot_be_carried_is_queued_and_refused(north: NcipTown) -> None:
    """Another supplier is asked then."""
    asked = await north.asked(partner="dale")
    assert [kind for kind, _ in await list_messages(north, asked)] == [K.REQUEST]


async def test_of_a_request_that_came_by_telephone_nothing_is_said_by_iso_ill(north: NcipTown) -> None:
    """Its messages name a request as the requester's own message named it."""
    lent = await lend(north, "fjord", "as they said on the telephone")
    assert await list_messages(north, lent) == []
    view = await north.town.gateway.managed.libraries["NORTH"].requests.load_view(lent.id)
    assert str(view.hints[K.RECALL]) == (
        "Fjord was not told because 'recall' cannot be sent by iso-ill. Please write or phone."
    )
    north.clock.advance(timedelta(days=90))
    await north.quiet()
    assert RequestFlag.UNTOLD in (await north.see(lent)).flags
    assert await list_messages(north, lent) == []

"""Keys of a partner's workflow that no story tries: with another value than the default, an outcome is another one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request, Role
from gateway.services.request_work.actions import patron_actions
from tests.unit.services.requests.support import SOUTH, KeptChannel, NcipTown
from tests.unit.services.requests.test_messages_of_others import hear


def with_workflow(symbol: str, **workflow: Any) -> dict[str, Any]:
    return {"partner": {**SOUTH["partner"], "symbols": [symbol], "name": symbol, "workflow": workflow}}


PROFILES = {
    "south": SOUTH,
    "strict": with_workflow("STRICT", borrowing={"patron_may_cancel": False, "patron_may_renew": False}),
    "quiet": with_workflow(
        "QUIET", borrowing={"tell_returned": False}, lending={"will_supply": False, "tell_checked_in": False}
    ),
    "hasty": with_workflow(
        "HASTY", borrowing={"condition_days": 1}, lending={"renewal_repeat_hours": 0, "condition_days": 1}
    ),
}


async def lend(north: NcipTown, partner: str) -> Request:
    draft = LendingDraft(
        citation=Citation(title="Sult"), requester=LibraryParty(profile=partner), transaction=f"T-{partner}"
    )
    return await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)


@pytest.mark.parametrize(
    ("partner", "actions"), [("south", {EventKind.CANCEL, EventKind.RENEW}), ("strict", set[EventKind]())]
)
async def test_what_a_patron_may_do(north: NcipTown, partner: str, actions: set[EventKind]) -> None:
    request = await north.asked(partner=partner)

    allowed = patron_actions(north.town.context, request)

    assert allowed == actions | {EventKind.PATRON_ANSWERED, EventKind.NOTE}


@pytest.mark.parametrize(("partner", "told"), [("south", True), ("quiet", False)])
async def test_what_a_partner_is_told(north: NcipTown, channel: KeptChannel, partner: str, told: bool) -> None:
    request = await north.asked(partner=partner)
    for kind in (EventKind.RECEIVED, EventKind.RETURNED):
        await north.act(request, kind)
    lent = await lend(north, partner)
    await north.act(lent, EventKind.WILL_SUPPLY)
    await north.act(lent, EventKind.SHIPPED, barcode=(await north.free_item()).barcode)
    await north.act(lent, EventKind.CHECKED_IN)
    north.clock.advance(timedelta(minutes=5))
    await north.quiet()

    kinds = {message.kind for message in channel.sent}
    courtesies = {EventKind.RETURNED, EventKind.WILL_SUPPLY, EventKind.CHECKED_IN}
    assert kinds & courtesies == (courtesies if told else set())
    assert {EventKind.RECEIVED, EventKind.SHIPPED} <= kinds


@pytest.mark.parametrize(("partner", "open_after_two_days"), [("south", True), ("hasty", False)])
async def test_how_long_a_condition_waits_for_its_answer(
    north: NcipTown, partner: str, open_after_two_days: bool
) -> None:
    request = await north.asked(partner=partner)
    number = request.attempts[-1].transaction
    only_here = (LoanCondition.LIBRARY_USE_ONLY,)
    await hear(north, partner, EventKind.CONDITIONAL, Role.BORROWING, number, "if", conditions=only_here)
    lent = await lend(north, partner)
    await north.act(lent, EventKind.CONDITIONAL, conditions=only_here)

    for _ in range(4):
        north.clock.advance(timedelta(hours=12))
        await north.quiet()

    assert ((await north.see(request)).state is BorrowingState.CONDITIONAL) is open_after_two_days
    assert ((await north.see(lent)).state is LendingState.CONDITIONAL) is open_after_two_days


@pytest.mark.parametrize(("partner", "renewals"), [("south", 1), ("hasty", 2)])
async def test_how_long_a_second_wish_to_renew_is_the_same(north: NcipTown, partner: str, renewals: int) -> None:
    lent = await lend(north, partner)
    await north.act(lent, EventKind.SHIPPED, barcode=(await north.free_item()).barcode, due=date(2026, 5, 4))

    dates = set()
    for body in ("please", "please, again"):
        await hear(north, partner, EventKind.RENEW, Role.LENDING, f"T-{partner}", body)
        await north.quiet()
        dates.add((await north.see(lent)).terms.lender_due)

    assert len(dates) == renewals

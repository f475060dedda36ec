"""Whether the patron still wants it is another question than whether the supplier's condition is taken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import STILL_WANTED, BorrowingState, Request, Role
from gateway.ports.partner_channel import IncomingPartnerMessage
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {"south": {"partner": {**SOUTH["partner"], "workflow": {"patron": {"query_days": 1}}}}}
"""The question is over before the time for the condition is."""


async def ask_whether_wanted(north: NcipTown) -> Request:
    """While the supplier's condition waits for an answer."""
    request = await north.asked()
    profile, _ = north.town.context.require_partner("south")
    said = IncomingPartnerMessage(
        id="m-1",
        kind=EventKind.CONDITIONAL,
        role=Role.BORROWING,
        sender="SOUTH",
        receiver="NORTH",
        transaction=request.attempts[-1].transaction,
        details=EventDetails(conditions=(LoanCondition.LIBRARY_USE_ONLY,)),
    )
    await north.town.gateway.managed.partner_inbox.receive_message(said, profile)
    await north.quiet()
    request = await north.see(request)
    assert request.state is BorrowingState.CONDITIONAL
    north.clock.advance(timedelta(minutes=1))
    return await north.act(request, EventKind.PATRON_ASKED, reason=STILL_WANTED, note="Do you still want it?")


@pytest.mark.parametrize(
    ("answer", "state"), [("yes", BorrowingState.CONDITIONAL), ("no", BorrowingState.CANCEL_PENDING)]
)
async def test_an_answer_says_nothing_of_the_condition(north: NcipTown, answer: str, state: BorrowingState) -> None:
    request = await ask_whether_wanted(north)
    await north.act(request, EventKind.PATRON_ANSWERED, answer=answer)
    await north.quiet()
    assert (await north.see(request)).state is state


async def test_silence_says_nothing_at_all(north: NcipTown) -> None:
    request = await ask_whether_wanted(north)
    query = request.query
    assert query is not None
    assert query.answer_by is not None
    north.clock.advance(query.answer_by - north.clock.now() + timedelta(minutes=1))
    await north.quiet()
    request = await north.see(request)
    assert request.query is not None
    assert (request.state, request.query.answer) == (BorrowingState.CONDITIONAL, "no")

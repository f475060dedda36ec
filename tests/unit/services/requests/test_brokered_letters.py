"""A broker between partners that read letters, and one whose protocol has no answer of a supplier (NCIP): what one
side says by letter goes on to the other, and what can't be said is for staff to tell."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, LoanCondition
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import MESSAGE_TROUBLES, LibraryParty, Request, RequestFlag, Role
from gateway.ports.partner_channel import IncomingPartnerMessage
from tests.unit.services.requests.support import EASY, SOUTH, NcipTown, make_template

WEST = {"partner": {"symbols": ["WEST"], "name": "Вестерн", "channel": "mail", "email": "ill@west.example"}}
CENTRAL = {"extends": "ncip2", "partner": {"symbols": ["CENTRAL"], "name": "Zentrale"}}
BROKER = {
    **EASY,
    "rotas": {"others": {"lines": [{"partner": "south"}], "only_owning": "no"}},
    "brokering": {"rota": "others", "what": "everything", "due_days": 3},
}
DUE = date(2026, 5, 4)

Step = tuple[str, K, Mapping[str, Any]]
SHIPPED: tuple[Step, ...] = (("south", K.SHIPPED, {"due": DUE}), ("west", K.RECEIVED, {}))
CASES: Mapping[str, tuple[tuple[Step, ...], tuple[str, str], str]] = {
    "loan": (
        (("south", K.WILL_SUPPLY, {}), *SHIPPED, ("west", K.RETURNED, {}), ("south", K.CHECKED_IN, {})),
        ("completed", "completed"),
        "west",
    ),
    "unfilled": ((("south", K.UNFILLED, {"reason": "not-held"}),), ("unfilled", "unfilled"), "west"),
    "condition": (
        (
            ("south", K.CONDITIONAL, {"conditions": (LoanCondition.LIBRARY_USE_ONLY,)}),
            ("west", K.CONDITION_ACCEPTED, {}),
        ),
        ("will-supply", "will-supply"),
        "south",
    ),
    "cancellation": ((("west", K.CANCEL, {}), ("south", K.CANCEL_ACCEPTED, {})), ("cancelled", "cancelled"), "west"),
    "cancellation refused": ((("west", K.CANCEL, {}), ("south", K.CANCEL_REFUSED, {})), ("new", "requested"), "west"),
    "crossing cancellation": (
        (("west", K.CANCEL, {}), ("south", K.SHIPPED, {"due": DUE})),
        ("shipped", "shipped"),
        "west",
    ),
    "renewal": (
        (*SHIPPED, ("west", K.RENEW, {}), ("south", K.RENEW_ACCEPTED, {"due": DUE + timedelta(days=28)})),
        ("shipped", "received"),
        "west",
    ),
    "renewal refused": (
        (*SHIPPED, ("west", K.RENEW, {}), ("south", K.RENEW_REFUSED, {})),
        ("shipped", "received"),
        "west",
    ),
    "overdue": ((*SHIPPED, ("south", K.OVERDUE, {})), ("shipped", "received"), "west"),
    "recall": ((*SHIPPED, ("south", K.RECALL, {"due": DUE})), ("shipped", "received"), "west"),
    "lost": ((*SHIPPED, ("west", K.LOST, {})), ("lost", "lost"), "south"),
    "message": ((("west", K.MESSAGE, {"note": "Тільки перше видання"}),), ("new", "requested"), "south"),
}
"""What each side's letter says; the states of the legs that face west and south; who has a letter of the last."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    profiles = {"south": SOUTH, "west": WEST, "central": CENTRAL}
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), profiles, BROKER))


async def ask(north: NcipTown, requester: str) -> Request:
    number = next(_numbers)
    draft = LendingDraft(
        citation=Citation(title=f"Казки {number}"),
        requester=LibraryParty(profile=requester),
        transaction=f"W-{number}",
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    return await north.see(request)


async def read_letter(north: NcipTown, lending: Request, side: str, kind: K, details: Mapping[str, Any]) -> None:
    """What a partner has written, as whoever read the letter entered it."""
    north.clock.advance(timedelta(minutes=1))
    leg = lending if side == "west" else await find_other_leg(north, lending)
    profile = north.town.context.profile(side)
    message = IncomingPartnerMessage(
        id=f"letter-{next(_numbers)}",
        kind=kind,
        role=leg.role,
        sender=side.upper(),
        receiver="NORTH",
        transaction=leg.attempts[-1].transaction if leg.role is Role.BORROWING else leg.transaction,
        details=EventDetails(**details),
    )
    result = await north.town.gateway.managed.partner_inbox.receive_message(message, profile)
    assert result.refused is None, (kind, result.refused)
    await north.quiet()


async def find_other_leg(north: NcipTown, lending: Request) -> Request:
    leg = (await north.see(lending)).other_leg
    assert leg is not None
    return (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(leg.request_id)).request


async def test_what_one_side_writes_is_written_to_the_other(north: NcipTown) -> None:
    found = {}
    for name, (steps, _, _) in CASES.items():
        lending = await ask(north, "west")
        for side, kind, details in steps:
            before = len(north.mail.mails)
            await read_letter(north, lending, side, kind, details)
        near, far = await north.see(lending), await find_other_leg(north, lending)
        assert not MESSAGE_TROUBLES & (near.flags | far.flags), name
        receivers = {str(one["To"]).partition("@")[2].partition(".")[0] for one in north.mail.mails[before:]}
        found[name] = ((near.state.value, far.state.value), receivers)

    assert found == {name: (states, {told}) for name, (_, states, told) in CASES.items()}


async def test_what_can_not_be_said_to_a_requester_by_ncip_is_for_staff_to_tell(north: NcipTown) -> None:
    lending = await ask(north, "central")
    await read_letter(north, lending, "south", K.SHIPPED, {"due": DUE})

    near = await north.see(lending)
    assert (near.state.value, near.flags & MESSAGE_TROUBLES) == ("shipped", {RequestFlag.UNTOLD})
    shown = await north.town.gateway.managed.libraries["NORTH"].requests.load_view(near.id)
    assert any("there is no message to tell Zentrale: shipped" in line.event.details.note for line in shown.history)

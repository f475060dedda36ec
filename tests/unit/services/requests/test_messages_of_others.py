"""Partner × requests of another partner × kind of message; and numbers that two installations have both given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.problems import RefusalReason
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import STRANGER, EventKind
from gateway.domain.requests.request import LibraryParty, Request, RequestFlag, Role
from gateway.ports.partner_channel import ChannelMessage, InboxResult, IncomingPartnerMessage
from gateway.services.patrons.patron_data import PatronNumber
from gateway.store.journal_records import JournalFilter
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

WEST = {"partner": {"symbols": ["WEST"], "name": "Western Library", "channel": "mail", "email": "ill@west.example"}}
PROFILES = {"south": SOUTH, "west": WEST}


async def hear(north: NcipTown, partner: str, kind: EventKind, role: Role, transaction: str, body: str) -> InboxResult:
    """A message of the partner, as its protocol brings it."""
    profile, _ = north.town.context.require_partner(partner)
    message = IncomingPartnerMessage(
        id=f"{partner}-{kind.value}-{role.value}-{body}",
        kind=kind,
        role=role,
        sender=partner.upper(),
        receiver="NORTH",
        transaction=transaction,
    )
    carried = ChannelMessage(protocol="iso18626", transport="http", body=body.encode())
    taken: InboxResult = await north.town.gateway.managed.partner_inbox.receive_message(message, profile, carried)
    return taken


async def lend(north: NcipTown, partner: str, transaction: str) -> Request:
    draft = LendingDraft(
        citation=Citation(title="Лодки и люди"), requester=LibraryParty(profile=partner), transaction=transaction
    )
    request: Request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    return request


@pytest.mark.parametrize("role", list(Role))
async def test_a_partner_says_nothing_about_another_partners_request(north: NcipTown, role: Role) -> None:
    """Whatever it says and by whichever number, it hears that there is no such request. Staff hear of it, once."""
    request = await (north.asked(external="TN-100") if role is Role.BORROWING else lend(north, "south", "S-100"))
    numbers = {request.number, request.id, request.transaction, "TN-100"}
    numbers |= {attempt.transaction for attempt in request.attempts}
    before, history = await north.see(request), await north.history(request)

    for kind in EventKind:
        for number in numbers - {""}:
            if kind is EventKind.REQUEST:
                continue  # a request of its own, whose number may be any
            taken = await hear(north, "west", kind, role, number, number)
            assert taken.refused is not None, (kind, number)
            assert taken.refused.reason is RefusalReason.UNKNOWN_REQUEST, (kind, number)

    after, more = await north.see(request), (await north.history(request))[len(history) :]
    assert [(line.event.kind, line.event.details.reason) for line in more] == [(EventKind.TROUBLE, STRANGER)]
    assert after.flags - before.flags == {RequestFlag.STRANGER}
    assert (after.state, after.attempts, after.volumes) == (before.state, before.attempts, before.volumes)


async def read_bodies(north: NcipTown, request: Request) -> list[str]:
    """Of the messages that are shown as those of the request."""
    journaled = north.town.gateway.managed.libraries["NORTH"].journaled
    listed = await journaled.list_messages(request)
    return sorted([(await journaled.find_message(request, one.id)).text for one in listed])


async def test_our_number_at_a_partner_that_has_one_like_it_is_two_requests(north: NcipTown) -> None:
    """Both libraries number alike: what the partner calls 2026-1 is its request, and ours is another."""
    ours = await north.asked()
    theirs = await lend(north, "south", ours.number)
    stranger = await lend(north, "west", ours.number)
    number, attempt = ours.number, ours.attempts[-1].transaction
    await hear(north, "south", EventKind.MESSAGE, Role.BORROWING, attempt, "about ours")
    await hear(north, "south", EventKind.MESSAGE, Role.LENDING, number, "about theirs")
    await hear(north, "west", EventKind.MESSAGE, Role.LENDING, number, "about a third")

    said = await read_bodies(north, ours)
    assert "about ours" in said
    assert not {"about theirs", "about a third"} & set(said)
    assert await read_bodies(north, theirs) == ["about theirs"]
    assert await read_bodies(north, stranger) == ["about a third"]
    exported = await north.town.gateway.managed.libraries["NORTH"].patron_data.export_data(PatronNumber(PATRON))
    (only,) = exported["requests"]  # type: ignore[misc]
    assert len(only["messages"]) == len(said)


async def test_to_forget_a_reader_leaves_others_requests_with_the_same_number_whole(north: NcipTown) -> None:
    ours = await north.asked()
    theirs = await lend(north, "south", ours.number)
    stranger = await lend(north, "west", ours.number)
    for partner, body in (("south", "about theirs"), ("west", "about a third")):
        await hear(north, partner, EventKind.MESSAGE, Role.LENDING, ours.number, body)
    await hear(north, "south", EventKind.UNFILLED, Role.BORROWING, ours.attempts[-1].transaction, "about ours")
    await north.quiet()
    ended = await north.see(ours)
    ended = await north.act(ended, EventKind.CANCEL) if ended.open else ended
    await north.quiet()

    done = await north.town.gateway.managed.libraries["NORTH"].patron_data.forget_patron(
        PatronNumber(PATRON), "staff:test"
    )

    assert done.requests == (ours.number,)
    journal = north.town.gateway.managed.libraries["NORTH"].journaled.journal
    kept = [one async for one in journal.export_messages(JournalFilter("NORTH"))]
    bodies = {(one.body or b"").decode() for one in kept if one.message.protocol == "iso18626"}
    assert {"about theirs", "about a third"} <= bodies
    assert "about ours" not in bodies
    assert await read_bodies(north, replace(theirs)) == ["about theirs"]
    assert await read_bodies(north, stranger) == ["about a third"]

"""Partner × requests of another partner × kind of message; and numbers that two installations have both given."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.domain.problems import RefusalReason
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import STRANGER, EventDetails, EventKind
from gateway.domain.requests.request import AttemptStatus, LibraryParty, Request, RequestFlag, Role
from gateway.ports.partner_channel import ChannelMessage, InboxResult, IncomingPartnerMessage
from gateway.ports.responder import OutcomeClass
from gateway.services.patrons.patron_data import PatronNumber
from gateway.store.journal_records import JournalFilter
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

WEST = {"partner": {"symbols": ["WEST"], "name": "Western Library", "channel": "mail", "email": "ill@west.example"}}
PROFILES = {"south": SOUTH, "west": WEST}


async def hear(
    north: NcipTown, partner: str, kind: EventKind, role: Role, transaction: str, body: str, /, **details: object
) -> InboxResult:
    """A message of the partner, as its protocol brings it."""
    profile, _ = north.town.context.require_partner(partner)
    message = IncomingPartnerMessage(
        id=f"{partner}-{kind.value}-{role.value}-{body}",
        kind=kind,
        role=role,
        sender=partner.upper(),
        receiver="NORTH",
        transaction=transaction,
        details=EventDetails(**details),  # type: ignore[arg-type]
    )
    carried = ChannelMessage(
        protocol="iso18626", transport="http", body=body.encode(), content_type="text/xml", peer="192.0.2.7"
    )
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


async def test_the_journal_has_who_said_what_of_which_request_and_what_became_of_it(north: NcipTown) -> None:
    request = await north.asked()
    number = request.attempts[-1].transaction
    begun = north.clock.now()
    for partner in ("south", "south", "west"):
        north.clock.advance(timedelta(minutes=1))
        await hear(north, partner, EventKind.SHIPPED, Role.BORROWING, number, "on its way", barcode="S-7")

    journal = north.town.gateway.managed.libraries["NORTH"].journaled.journal
    heard = [one async for one in journal.export_messages(JournalFilter("NORTH")) if one.body == b"on its way"]

    first, repeat, stranger = sorted((one.message for one in heard), key=lambda message: message.at)
    assert (first.library, first.profile, first.service, first.protocol) == ("NORTH", "south", "shipped", "iso18626")
    assert (first.transport, first.peer, first.content_type) == ("http", "192.0.2.7", "text/xml")
    assert (first.from_agency, first.to_agency, first.request_id, first.item_id) == ("SOUTH", "NORTH", number, "S-7")
    assert (first.at, first.outcome, first.reason, first.note) == (
        begun + timedelta(minutes=1),
        OutcomeClass.OK,
        "",
        "",
    )
    assert (repeat.outcome, repeat.note) == (OutcomeClass.OK, "a repeat: it was here before")
    assert (stranger.profile, stranger.outcome) == ("west", OutcomeClass.REFUSED)
    assert (stranger.reason, stranger.note) == ("unknown-request", "There is no request with this number.")


async def test_a_supplier_that_has_forwarded_the_request_is_replaced_by_the_one_that_it_names(north: NcipTown) -> None:
    """Both may use the number from then on."""
    request = await north.asked()
    number = request.attempts[-1].transaction

    await hear(north, "south", EventKind.FORWARDED, Role.BORROWING, number, "to West", partner="WEST")

    seen = await north.see(request)
    assert (seen.partner.profile, seen.partner.symbol) == ("west", "WEST")
    (attempt,) = seen.attempts
    assert (attempt.partner, attempt.symbol, attempt.channel) == ("west", "WEST", "mail")
    shipped = await hear(north, "west", EventKind.SHIPPED, Role.BORROWING, number, "on its way")
    assert (shipped.refused, (await north.see(request)).attempts[0].status) == (None, AttemptStatus.SHIPPED)
    late = await hear(north, "south", EventKind.MESSAGE, Role.BORROWING, number, "good luck")
    assert late.refused is None


@pytest.mark.parametrize("name", ["SOUTH", "NOWHERE", ""])
async def test_a_supplier_that_forwards_to_itself_or_to_a_stranger_stays(north: NcipTown, name: str) -> None:
    request = await north.asked()

    await hear(
        north, "south", EventKind.FORWARDED, Role.BORROWING, request.attempts[-1].transaction, "on", partner=name
    )

    seen = await north.see(request)
    assert (seen.partner.profile, seen.attempts[0].partner) == ("south", "south")


async def test_a_due_date_that_the_lender_changes_is_that_of_the_patrons_loan_as_well(north: NcipTown) -> None:
    request = await north.act(await north.asked(), EventKind.RECEIVED)
    request = await north.act(request, EventKind.LOANED_TO_PATRON)
    item = await north.town.context.system.item_by_barcode(request.volumes[0].barcode)
    other = await north.act(await north.asked(), EventKind.RECEIVED)
    await north.act(other, EventKind.LOANED_TO_PATRON)
    another = await north.town.context.system.item_by_barcode(other.volumes[0].barcode)
    untouched = await north.town.context.system.item_loan(another.id)

    number = request.attempts[-1].transaction
    await hear(north, "south", EventKind.DUE_DATE_CHANGED, Role.BORROWING, number, "longer", due=date(2026, 7, 1))
    await north.quiet()

    loan, due = await north.town.context.system.item_loan(item.id), (await north.see(request)).terms.patron_due
    assert due is not None
    assert loan is not None
    assert loan.due == due
    assert await north.town.context.system.item_loan(another.id) == untouched


async def test_a_word_of_another_supplier_in_a_message_is_no_forwarding(north: NcipTown) -> None:
    """Nor is it one where the partner is the borrower."""
    asked = await north.asked()
    number = asked.attempts[-1].transaction
    lent = await lend(north, "south", "S-1")

    await hear(north, "south", EventKind.WILL_SUPPLY, Role.BORROWING, number, "we have it", partner="WEST")
    await hear(north, "south", EventKind.FORWARDED, Role.LENDING, "S-1", "on", partner="WEST")

    assert (await north.see(asked)).partner.profile == "south"
    assert (await north.see(lent)).partner.profile == "south"
    other = await hear(north, "west", EventKind.MESSAGE, Role.BORROWING, number, "and we?")
    assert other.refused is not None


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

"""Two gateways lend to each other by mail alone, through a real Dovecot: by ARTEmail, by tagged mail, and by letters
whose links people answer. After every step both sides say the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from demo.world import COPY
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LibraryParty, Request, RequestFlag, ServiceType
from gateway.domain.requests.views import FileUpload
from tests.support import reader
from tests.support.dovecot import Dovecot
from tests.support.mail_pair import MailPair, Profile, Side, chapter_of, cited
from tests.support.mail_profiles import PEER, TAGGED

PDF = COPY

LETTERS: dict[str, Any] = {"extends": "email-partner", "partner": {"language": "en"}}

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one pair for all its stories

AUTOMATIC: dict[str, Profile] = {"artemail": PEER, "tagged-mail": TAGGED}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=AUTOMATIC)
async def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot
) -> AsyncIterator[MailPair]:
    profile = AUTOMATIC[request.param]
    async with MailPair(tmp_path_factory.mktemp("pair"), dovecot, request.param, (profile, profile)) as pair:
        yield pair


async def states(pair: MailPair, ours: Request) -> tuple[str, str]:
    left = await pair.north.see(ours)
    right = await pair.theirs(ours)
    return left.state.value, right.state.value


async def dues(pair: MailPair, ours: Request) -> tuple[object, object]:
    left = await pair.north.see(ours)
    right = await pair.theirs(ours)
    return _day(left.terms.lender_due), _day(right.terms.lender_due)


def _day(due: date | datetime | None) -> date | None:
    return due.date() if isinstance(due, datetime) else due


async def south_does(pair: MailPair, ours: Request, kind: EventKind, **details: Any) -> None:
    await pair.south.act(await pair.theirs(ours), kind, **details)
    await pair.quiet()


async def north_does(pair: MailPair, ours: Request, kind: EventKind) -> None:
    await pair.north.act(ours, kind)
    await pair.quiet()


# --- formats that programs read --------------------------------------------------------------------------


async def test_a_loan_with_a_renewal(pair: MailPair) -> None:
    book = (await pair.books())[0]

    ours = await pair.asks(cited(book))
    assert await states(pair, ours) == ("requested", "located")
    await south_does(pair, ours, EventKind.WILL_SUPPLY)
    assert await states(pair, ours) == ("will-supply", "will-supply")

    await south_does(pair, ours, EventKind.SHIPPED)
    assert await states(pair, ours) == ("shipped", "shipped")
    first, theirs = await dues(pair, ours)
    assert first == theirs
    assert isinstance(first, date)

    await north_does(pair, ours, EventKind.RECEIVED)
    await north_does(pair, ours, EventKind.LOANED_TO_PATRON)
    assert await states(pair, ours) == ("lent", "shipped")

    await north_does(pair, ours, EventKind.RENEW)
    later, theirs = await dues(pair, ours)
    assert later == theirs
    assert isinstance(later, date)
    assert later > first
    assert RequestFlag.RENEWAL_PENDING not in (await pair.north.see(ours)).flags

    pair.clock.advance(timedelta(days=20))  # the same words on the same day would be a repeat
    await north_does(pair, ours, EventKind.RENEW)
    assert await dues(pair, ours) == (later, later), "one renewal is allowed"
    assert RequestFlag.RENEWAL_PENDING not in (await pair.north.see(ours)).flags

    await north_does(pair, ours, EventKind.RETURNED_BY_PATRON)
    await north_does(pair, ours, EventKind.RETURNED)
    assert await states(pair, ours) == ("returned", "returned")
    await south_does(pair, ours, EventKind.CHECKED_IN)
    assert await states(pair, ours) == ("completed", "completed")
    assert await nothing_left(pair, ours)


async def test_a_copy_arrives_byte_by_byte_and_its_patron_is_told(pair: MailPair) -> None:
    book = (await pair.books())[0]
    ours = await pair.asks(chapter_of(book), ServiceType.COPY)
    assert await states(pair, ours) == ("requested", "digitising")

    await delivered(pair, ours)

    assert await states(pair, ours) == ("completed", "completed")
    assert await copy_at_north(pair, ours) == PDF
    await patron_is_told(pair, ours)
    assert await nothing_left(pair, ours)


async def test_a_cancellation(pair: MailPair) -> None:
    book = (await pair.books())[0]
    ours = await pair.asks(cited(book))
    await south_does(pair, ours, EventKind.WILL_SUPPLY)

    await north_does(pair, ours, EventKind.CANCEL)

    assert await states(pair, ours) == ("cancelled", "cancelled")
    assert await nothing_left(pair, ours)


async def test_a_cancellation_that_comes_too_late(pair: MailPair) -> None:
    book = (await pair.books())[0]
    ours = await pair.asks(cited(book))
    await south_does(pair, ours, EventKind.SHIPPED)

    await pair.north.act(ours, EventKind.CANCEL)

    assert await states(pair, ours) == ("shipped", "shipped")
    assert RequestFlag.UNWANTED in (await pair.north.see(ours)).flags, "it goes back when it comes"
    assert (await pair.theirs(ours)).flags == frozenset(), "and the lender is told nothing"


async def test_a_mail_that_is_delivered_twice_changes_nothing(pair: MailPair) -> None:
    book = (await pair.books())[0]
    ours = await pair.asks(cited(book))
    asked = await pair.theirs(ours)
    await pair.twice(pair.south)
    assert await pair.theirs(ours) == asked, "and there is only one"
    await south_does(pair, ours, EventKind.SHIPPED)
    before = await pair.north.see(ours), await pair.theirs(ours)

    await pair.twice(pair.north)
    await pair.twice(pair.south)

    assert (await pair.north.see(ours), await pair.theirs(ours)) == before
    assert await nothing_left(pair, ours)


async def delivered(pair: MailPair, ours: Request) -> None:
    """South's staff scan it, have it cleared and deliver it."""
    theirs = await pair.theirs(ours)
    upload = FileUpload(name="prologue.pdf", media_type="application/pdf", content=PDF)
    front = pair.south.town.gateway.managed.libraries["SOUTH"].requests
    _, kept = await front.attach(theirs.id, upload, "staff:ben", theirs.version)
    await south_does(pair, ours, EventKind.DIGITISED, attachment=kept.id)
    await south_does(pair, ours, EventKind.CLEARED, reason="UK-FairDealing")
    await south_does(pair, ours, EventKind.COPY_DELIVERED, attachment=kept.id)


async def copy_at_north(pair: MailPair, ours: Request) -> bytes:
    (attachment,) = (await pair.north.see(ours)).attachments
    found = await pair.north.town.gateway.managed.libraries["NORTH"].requests.load_attachment(ours.id, attachment.id)
    assert found.attachment.media_type == "application/pdf"
    return found.content


async def patron_is_told(pair: MailPair, ours: Request) -> None:
    """Once, with a link to the copy."""
    (told,) = [one for one in pair.patrons_mails() if "Copy ready" in one["Subject"] and ours.number in one["Subject"]]
    assert "/d/" in str(told.get_body(("plain",)))


async def nothing_left(pair: MailPair, ours: Request) -> bool:
    """Every mail was understood, and every message of this request could be told."""
    theirs = await pair.theirs(ours)
    for side in (pair.north, pair.south):
        assert [row.reason for row in await side.unmatched()] == []
        dead = await side.town.gateway.managed.libraries[side.town.symbol].desk.dead_letters(100, "")
        assert [one.error for one in dead if one.request_id in (ours.id, theirs.id)] == []
    return True


# --- letters that people read ----------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> AsyncIterator[MailPair]:
    async with MailPair(tmp_path_factory.mktemp("people"), dovecot, "people", (LETTERS, LETTERS)) as pair:
        yield pair


async def enters(pair: MailPair, ours: Request, service: ServiceType = ServiceType.LOAN) -> None:
    """South's staff read the letter on their list, enter what it asks for, and put it there."""
    attempt = (await pair.north.see(ours)).attempt
    assert attempt is not None
    (waiting,) = [row for row in await pair.south.unmatched() if attempt.transaction in row.subject]
    draft = LendingDraft(
        citation=ours.citation,
        requester=LibraryParty(profile="north"),
        transaction=attempt.transaction,
        service=ours.service,
        volumes=tuple(one.label for one in ours.volumes if one.label),
        actor="staff:ben",
    )
    theirs = await pair.south.town.gateway.managed.libraries["SOUTH"].requests.create_lending(draft)
    await pair.south.town.gateway.managed.libraries["SOUTH"].mails.assign_mail(waiting.id, theirs.number, "staff:ben")
    await pair.quiet()


async def clicks(pair: MailPair, side: Side, subject: str, says: str, **fields: str) -> None:
    """Who reads a side's mail answers its newest letter of this subject by a link, and means it."""
    letter = side.letter(subject)
    page = await reader.answers(letter, says, **fields)
    assert (page.status, page.title) == (200, "Thank you"), page.text
    await pair.quiet()


async def test_a_loan_with_a_renewal_by_links(people: MailPair) -> None:
    pair, book = people, (await people.books())[0]
    ours = await pair.asks(cited(book))
    await enters(pair, ours)
    assert await states(pair, ours) == ("requested", "located")

    await clicks(pair, pair.south, "Interlibrary loan request", "We will supply it")
    await south_does(pair, ours, EventKind.WILL_SUPPLY)
    assert await states(pair, ours) == ("will-supply", "will-supply")

    await south_does(pair, ours, EventKind.SHIPPED)
    _, due = await dues(pair, ours)
    assert await states(pair, ours) == ("will-supply", "shipped"), "a letter in words is no event"
    await clicks(pair, pair.south, "Interlibrary loan request", "We have shipped it", due=str(due))
    assert await states(pair, ours) == ("shipped", "shipped")
    assert await dues(pair, ours) == (due, due)

    await north_does(pair, ours, EventKind.RECEIVED)
    await clicks(pair, pair.north, "shipped", "It has arrived")
    await north_does(pair, ours, EventKind.LOANED_TO_PATRON)
    assert await states(pair, ours) == ("lent", "shipped")
    assert "received" in [line.event.kind for line in (await pair.south.show(await pair.theirs(ours))).history]

    await north_does(pair, ours, EventKind.RENEW)
    assert RequestFlag.RENEWAL_PENDING in (await pair.north.see(ours)).flags
    await clicks(pair, pair.north, "shipped", "Please renew the loan")
    _, later = await dues(pair, ours)
    assert later != due
    await clicks(pair, pair.south, "please renew", "Yes, the loan has been renewed", due=str(later))
    assert await dues(pair, ours) == (later, later)
    assert RequestFlag.RENEWAL_PENDING not in (await pair.north.see(ours)).flags
    assert (await pair.north.see(ours)).terms.renewals == (await pair.theirs(ours)).terms.renewals == 1

    await north_does(pair, ours, EventKind.RETURNED_BY_PATRON)
    await north_does(pair, ours, EventKind.RETURNED)
    await clicks(pair, pair.north, "shipped", "We have returned it")
    assert await states(pair, ours) == ("completed", "returned")
    await south_does(pair, ours, EventKind.CHECKED_IN)
    assert await states(pair, ours) == ("completed", "completed")
    assert await nothing_left(pair, ours)


async def test_two_volumes_by_letter(people: MailPair) -> None:
    """The letter names each; people send and receive them one by one, and a link answers for the whole parcel."""
    pair = people
    books = await pair.books()
    ours = await pair.asks(cited(books[0]), volumes=("Bd. 1", "Bd. 2"))
    letter = pair.south.letter("Interlibrary loan request").get_body(("plain",))
    assert letter is not None
    assert "Bd. 1" in letter.get_content()
    assert "Bd. 2" in letter.get_content()
    await enters(pair, ours)

    for volume, book in zip(("1", "2"), books, strict=False):
        items = (await pair.south.town.context.system.holdings(book.id)).items
        free = next(one.barcode for one in items if one.status.value == "available" and one.circulates)
        await south_does(pair, ours, EventKind.SHIPPED, volumes=(volume,), barcode=free)
    _, due = await dues(pair, ours)
    await clicks(pair, pair.south, "Interlibrary loan request", "We have shipped it", due=str(due))
    assert await volume_states(pair, ours) == (["shipped", "shipped"], ["shipped", "shipped"])

    for volume in ("1", "2"):
        await pair.north.act(ours, EventKind.RECEIVED, volumes=(volume,))
    await clicks(pair, pair.north, "shipped", "It has arrived")
    assert await volume_states(pair, ours) == (["received", "received"], ["received", "received"])
    for volume in ("1", "2"):
        await pair.north.act(ours, EventKind.RETURNED, volumes=(volume,))
    await clicks(pair, pair.north, "shipped", "We have returned it")
    await south_does(pair, ours, EventKind.CHECKED_IN)
    assert await volume_states(pair, ours) == (["returned", "returned"], ["checked-in", "checked-in"])
    assert await states(pair, ours) == ("completed", "completed")
    assert await nothing_left(pair, ours)


async def volume_states(pair: MailPair, ours: Request) -> tuple[list[str], list[str]]:
    left, right = await pair.north.see(ours), await pair.theirs(ours)
    return [one.state.value for one in left.volumes], [one.state.value for one in right.volumes]


async def test_a_copy_by_letter_comes_as_its_pdf(people: MailPair) -> None:
    pair, book = people, (await people.books())[0]
    ours = await pair.asks(chapter_of(book), ServiceType.COPY)
    await enters(pair, ours)
    page = await reader.opens(reader.links(pair.south.letter("Interlibrary loan request"))["We have shipped it"])
    assert set(page.fields) == {"note"}, "a copy is not due back"

    await delivered(pair, ours)

    assert await states(pair, ours) == ("completed", "completed")
    assert await copy_at_north(pair, ours) == PDF
    await patron_is_told(pair, ours)
    assert await nothing_left(pair, ours)


async def test_a_cancellation_by_links(people: MailPair) -> None:
    pair, book = people, (await people.books())[0]
    ours = await pair.asks(cited(book))
    await enters(pair, ours)
    await south_does(pair, ours, EventKind.WILL_SUPPLY)
    await clicks(pair, pair.south, "Interlibrary loan request", "We will supply it")

    await north_does(pair, ours, EventKind.CANCEL)
    await clicks(pair, pair.north, "will supply", "Please cancel the request")
    assert await states(pair, ours) == ("cancel-pending", "cancel-pending")
    await south_does(pair, ours, EventKind.CANCEL_ACCEPTED)
    await clicks(pair, pair.south, "please cancel", "Yes, it has been cancelled")

    assert await states(pair, ours) == ("cancelled", "cancelled")
    assert await nothing_left(pair, ours)


async def test_who_writes_back_instead_of_clicking_is_understood(people: MailPair, dovecot: Dovecot) -> None:
    """A code at the start of a line, words, then the copy itself."""
    pair, book = people, (await people.books())[0]
    ours = await pair.asks(chapter_of(book), ServiceType.COPY)
    asked = pair.south.letter("Interlibrary loan request")
    await enters(pair, ours)

    dovecot.deliver(pair.north.user, reader.write_reply(asked, pair.south.address, "TBS next week"))
    await pair.quiet()
    assert (await pair.north.see(ours)).state is BorrowingState.WILL_SUPPLY

    dovecot.deliver(pair.north.user, reader.write_reply(asked, pair.south.address, "Is the second edition meant?"))
    await pair.quiet()
    assert [note.text for note in (await pair.north.see(ours)).notes] == ["Is the second edition meant?"]

    dovecot.deliver(pair.north.user, reader.write_reply(asked, pair.south.address, "Here it is.", PDF))
    await pair.quiet()
    assert (await pair.north.see(ours)).state is BorrowingState.COMPLETED
    assert await copy_at_north(pair, ours) == PDF
    await patron_is_told(pair, ours)

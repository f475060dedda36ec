"""A patron without e-mail: the notice says that it wasn't sent, and staff tell the patron in person."""

from __future__ import annotations

import asyncio
import json

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.domain.library import Contact, ContactKind, PatronDraft, PostalAddress
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.patron_settings import NoticeChoice, PatronSettings
from gateway.domain.requests.request import Request, RequestFlag
from gateway.domain.requests.staff_views import NoticeStatus, NoticeView
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

PROFILES = {"south": SOUTH}

HOME = PostalAddress("Οδός Ερμού 12", "", "Αθήνα", "", "105 63", "Ελλάδα")


async def take_away_email(north: NcipTown) -> None:
    """Her contacts are her postal address alone."""
    patron = await north.patron(PATRON)
    contacts = (Contact(ContactKind.POSTAL, "home", postal=HOME),)
    await north.town.context.system.update_patron(patron.id, PatronDraft(contacts=contacts), "test:contacts")


async def list_notices(north: NcipTown, request: Request) -> dict[str, NoticeView]:
    page = await north.town.gateway.managed.libraries["NORTH"].notices.list_notices(request.id, 50, "")
    return {one.letter: one for one in page}


async def count_to_tell(north: NcipTown) -> int:
    return next(
        one.count for one in await north.town.gateway.managed.libraries["NORTH"].desk.tasks() if one.name == "to-tell"
    )


async def receive_for_patron_without_email(north: NcipTown) -> Request:
    await take_away_email(north)
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED, barcode="S-4711", pickup="RS")
    await north.quiet()
    return await north.see(request)


async def illgate(north: NcipTown, *words: str) -> Result:
    config = str(north.town.settings.folder / "gateway.yml")
    return await asyncio.to_thread(CliRunner().invoke, main, ["--config", config, *words], catch_exceptions=False)


async def test_a_notice_to_nobody_s_address_is_not_sent_and_says_why(north: NcipTown) -> None:
    request = await receive_for_patron_without_email(north)

    available = (await list_notices(north, request))["available"]

    assert (available.status, available.error) == (NoticeStatus.NOT_SENT, "the patron has no email address")
    assert available.sent is None
    assert [mail["To"] for mail in north.mail.mails if "south" not in mail["To"]] == []


async def test_what_was_not_sent_is_told_in_person(north: NcipTown) -> None:
    request = await receive_for_patron_without_email(north)
    assert RequestFlag.TO_TELL in request.flags
    assert await count_to_tell(north) == 1

    await north.act(request, EventKind.PATRON_TOLD, note="by telephone")

    assert RequestFlag.TO_TELL not in (await north.see(request)).flags
    assert await count_to_tell(north) == 0
    untold, told = (await north.history(request))[-2:]
    assert (untold.event.kind, untold.event.details.reason) == (EventKind.PATRON_NOT_TOLD, "available")
    assert (told.event.kind, told.event.actor) == (EventKind.PATRON_TOLD, "staff:ana")
    allowed = (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)).allowed
    assert EventKind.PATRON_TOLD not in allowed, "there is nothing to tell"


async def test_whoever_stands_at_the_desk_knows(north: NcipTown) -> None:
    request = await receive_for_patron_without_email(north)

    await north.act(request, EventKind.LOANED_TO_PATRON)

    assert await count_to_tell(north) == 0


async def test_nobody_is_telephoned_about_what_is_only_nice_to_know(north: NcipTown) -> None:
    await take_away_email(north)

    request = await north.asked()

    assert (await list_notices(north, request))["placed"].status is NoticeStatus.NOT_SENT
    assert await count_to_tell(north) == 0


async def test_a_patron_with_email_is_on_no_list(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED, barcode="S-4711", pickup="RS")
    await north.quiet()

    assert (await list_notices(north, request))["available"].status is NoticeStatus.SENT
    assert await count_to_tell(north) == 0


async def test_the_letter_is_printed_with_name_and_address(north: NcipTown) -> None:
    request = await receive_for_patron_without_email(north)
    patron = await north.patron(PATRON)

    listed = await illgate(north, "request", "notices", request.number)
    unsent = (await list_notices(north, request))["available"]
    printed = await illgate(north, "request", "notices", request.number, unsent.id)
    page = await illgate(north, "request", "notices", request.number, unsent.id, "--html")

    assert "not-sent" in listed.stdout
    assert "the patron has no email address" in listed.stdout
    assert printed.stdout.startswith(f"{patron.name.direct}\nΟδός Ερμού 12\n105 63 Αθήνα\nΕλλάδα\n")
    assert "Λιμάνια" in printed.stdout
    assert page.stdout.startswith("<!DOCTYPE html>")
    assert await count_to_tell(north) == 1, "printing is not telling"


async def test_any_notice_is_printed_by_its_id(north: NcipTown) -> None:
    request = await receive_for_patron_without_email(north)
    placed = (await list_notices(north, request))["placed"]

    printed = await illgate(north, "request", "notices", request.number, placed.id, "--json")
    unknown = await illgate(north, "request", "notices", request.number, "0006430d0c7a1b0000a1b2c3")

    assert json.loads(printed.stdout)["notice"]["letter"] == "placed"
    assert unknown.exit_code == 2
    assert "has no notice" in unknown.stderr


async def list_mails(north: NcipTown) -> list[str]:
    """Texts of the mails to patrons."""
    mails = (mail for mail in north.mail.mails if "south" not in mail["To"])
    return [mail.get_body(("plain",)).get_content().replace("\r\n", "\n") for mail in mails]


async def test_a_letter_of_staff_goes_out_as_they_wrote_it_with_greeting_and_work_around_it(north: NcipTown) -> None:
    request = await north.asked()
    await north.quiet()
    before = len(await list_mails(north))

    text = "Band 2 fehlt dort.\nReicht Ihnen Band 1? <b>"
    await north.act(request, EventKind.PATRON_MESSAGE, reason="Welcher Band?", note=text)
    await north.quiet()

    (letter,) = (await list_mails(north))[before:]
    assert "Band 2 fehlt dort.\n\nReicht Ihnen Band 1? <b>\n" in letter
    assert request.citation.title in letter
    assert north.mail.mails[-1]["Subject"] == f"Welcher Band? ({request.number})"
    assert (await list_notices(north, request))[STAFF_LETTER].status is NoticeStatus.SENT
    event = (await north.history(request))[-1].event
    assert (event.kind, event.details.note, event.actor) == (EventKind.PATRON_MESSAGE, text, "staff:ana")
    assert not (await north.see(request)).notes, "partners are told the notes of a request"


async def test_a_letter_of_staff_that_cant_be_sent_is_to_be_told_in_person(north: NcipTown) -> None:
    await take_away_email(north)
    request = await north.asked()

    await north.act(request, EventKind.PATRON_MESSAGE, reason="Rückruf", note="Bitte melden Sie sich.")
    await north.quiet()

    assert (await list_notices(north, request))[STAFF_LETTER].status is NoticeStatus.NOT_SENT
    assert await count_to_tell(north) == 1


async def choose(north: NcipTown, notices: NoticeChoice, language: str = "") -> None:
    patron = await north.patron(PATRON)
    patrons = north.town.gateway.managed.libraries["NORTH"].patrons
    await patrons.save_settings(patron.id, PatronSettings(notices, language))


async def test_who_wants_no_notices_gets_those_alone_that_have_to_be(north: NcipTown) -> None:
    await choose(north, NoticeChoice.NONE)
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED, barcode="S-4711", pickup="RS")
    await north.act(request, EventKind.PATRON_ASKED, reason="other", note="Noch nötig?")
    await north.quiet()

    notices = await list_notices(north, request)
    assert (notices["available"].status, notices["available"].error) == (
        NoticeStatus.SKIPPED,
        "the patron wants no notices",
    )
    assert notices["query"].status is NoticeStatus.SENT
    assert await count_to_tell(north) == 0
    assert len(await list_mails(north)) == 1


async def test_letters_are_in_the_language_that_the_patron_has_set(north: NcipTown) -> None:
    await choose(north, NoticeChoice.EMAIL, "de")
    request = await north.asked()
    await north.act(request, EventKind.PATRON_MESSAGE, reason="Band 2", note="—")
    await north.quiet()

    assert "Mit freundlichen Grüßen" in (await list_mails(north))[-1]

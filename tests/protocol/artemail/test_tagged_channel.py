"""The channel `tagged-mail`: what leaves the house and how it arrives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.tagged_mail import channel_adapter, mail_format_adapter
from adapters.tagged_mail.dialect import TaggedMailDialect
from adapters.tagged_mail.mail_format import TaggedMailFormat
from gateway.adapter_registry import load_adapters
from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Attachment, Role
from tests.protocol.artemail.support import House
from tests.unit.adapters.tagged_mail.support import NOW, NUMBER, gsm, message, of_the_other_side, tailored

PDF = b"%PDF-1.7 a made-up page"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(channel_adapter, tmp_path, {"file-1": PDF})


def test_channel_and_format_are_found_by_their_entry_points() -> None:
    adapters = load_adapters()

    assert adapters.channels["tagged-mail"] == channel_adapter
    assert adapters.mail_formats["tagged_mail"] == mail_format_adapter
    assert adapters.sections["tagged_mail"] is TaggedMailDialect


async def test_a_request_arrives_at_the_other_side(house: House) -> None:
    delivered = await house.send(message(EventKind.REQUEST), gsm())

    assert delivered.note == "250 2.0.0 Ok: queued as 7F3A"
    assert house.mail["To"] == "ill@relais.example"
    assert house.mail["Subject"] == f"ILL REQUEST/DEMANDE PEB {NUMBER}"
    assert house.mail.get_content_type() == "text/plain"
    (event,) = TaggedMailFormat().decode(house.arrived, of_the_other_side()).events
    assert (event.kind, event.role, event.transaction) == (EventKind.REQUEST, Role.LENDING, NUMBER)
    assert event.request is not None
    assert event.request.citation.component_title == "Über die Flößerei auf der Weichsel"


async def test_every_try_is_the_same_mail(house: House) -> None:
    await house.send(message(EventKind.RENEW), gsm())
    await house.send(message(EventKind.RENEW), gsm())

    first, second = house.kept.mails
    assert first.as_bytes() == second.as_bytes()


async def test_a_partner_with_an_old_character_set_reads_romanised_letters(house: House) -> None:
    """What it can read stays as it is; in another character set its program would read none of it."""
    profile = tailored(encoding="iso-8859-1", address="peb@quay.example", our_symbol="QTAF")

    await house.send(message(EventKind.MESSAGE, Role.BORROWING, note="Très bien"), profile)
    await house.send(message(EventKind.MESSAGE, Role.BORROWING, note="Żegluga śródlądowa à Łódź; Война и мир"), profile)

    latin, wider = house.kept.mails
    assert latin["To"] == "peb@quay.example"
    assert (latin.get_content_charset(), wider.get_content_charset()) == ("iso-8859-1", "iso-8859-1")
    assert "LSB: QTAF" in latin.get_content()
    assert "Très bien" in latin.get_content()
    assert "Zegluga sródladowa à Lódz; Voyna i mir" in wider.get_content()


async def test_a_copy_goes_along(house: House) -> None:
    said = message(EventKind.COPY_DELIVERED, attachment="file-1")
    file = Attachment(id="file-1", name="copie.pdf", media_type="application/pdf", size=len(PDF), at=NOW)

    await house.send(replace(said, request=replace(said.request, attachments=(file,))), gsm())

    (event,) = TaggedMailFormat().decode(house.arrived, of_the_other_side()).events
    assert (event.kind, event.role) == (EventKind.COPY_DELIVERED, Role.BORROWING)
    assert house.arrived.attachments[event.files[0]].content == PDF


async def test_a_copy_that_is_gone_is_refused(house: House) -> None:
    with pytest.raises(Refused, match="no longer exists"):
        await house.send(message(EventKind.COPY_DELIVERED, attachment="file-2"), gsm())

"""A request letter arrives in a real mailbox: our mailer, an SMTP server, a Maildir that Dovecot serves, IMAP."""

from __future__ import annotations

import imaplib
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from adapters.letters import adapter
from adapters.smtp.transport import SmtpMailer
from gateway.domain.clock import FixedClock
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.outgoing_mail import LetterSender, MailSecurity, MailServer
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.smtp_sink import Sink, running

USER = "fernleihe"

ISOLATES = dict.fromkeys((0x2068, 0x2069))


def context(port: int) -> ChannelContext:
    async def no_file(library: str, id_: str) -> bytes:
        raise KeyError(id_)

    async def nobody(said: IncomingPartnerMessage, profile: Profile) -> InboxResult:
        raise AssertionError("a letter brings nothing back")

    server = MailServer(host="127.0.0.1", port=port, security=MailSecurity.NONE)
    return ChannelContext(
        libraries={"NO-01": ChannelLibrary(sample.LIBRARY, ZoneInfo("Europe/Zurich"), "EUR")},
        clock=FixedClock(sample.NOW),
        secrets=lambda reference: reference,
        folder=Path(),
        mailer=SmtpMailer(server, lambda reference: reference),
        sender=LetterSender("ill@northfield.example", "Fernleihe – Nørthfield 北野"),
        letters=LetterRenderer(LetterPlace((), "en")),
        read_file=no_file,
        receive=nobody,
    )


def fetched(port: int, message_id: str) -> EmailMessage:
    """Found as a mail program would: by signing in and looking for it."""
    with imaplib.IMAP4("127.0.0.1", port) as imap:
        imap.login(USER, PASSWORD)
        imap.select("INBOX")
        _, (numbers,) = imap.search(None, "HEADER", "Message-ID", message_id)
        assert len(numbers.split()) == 1
        _, parts = imap.fetch(numbers.decode(), "(BODY[])")
        assert isinstance(parts[0], tuple)
        found = message_from_bytes(parts[0][1], policy=default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("script", sample.CITATIONS)
@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_request_letter_arrives_readable_in_text_and_html(dovecot: Dovecot, script: str, language: str) -> None:
    unique = f"{script}-{language}"
    message = replace(sample.sample_message(EventKind.REQUEST, script), id=unique)
    profile = Profile(name="seeberg", partner=PartnerPolicy(language=language))
    citation = sample.CITATIONS[script]

    async with running(Sink(deliver=dovecot.deliver)) as sink:
        channel = adapter.make(context(sink.port))
        delivered = await channel.send(message, profile)

    assert delivered.refused is None
    mail = fetched(dovecot.port, f"<{unique}@northfield.example>")
    assert citation.short in str(mail["Subject"])
    assert message.transaction in str(mail["Subject"])
    assert str(mail["From"]) == "Fernleihe – Nørthfield 北野 <ill@northfield.example>"
    assert str(mail["Reply-To"]) == sample.LIBRARY.email
    assert mail["Auto-Submitted"] is None
    assert mail["Content-Language"] == language

    text_part, html_part = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text_part is not None
    assert html_part is not None
    text = text_part.get_content().translate(ISOLATES)
    page = html.document_fromstring(html_part.get_content())
    cells = [cell.text_content() for cell in page.iter("td")]  # type: ignore[attr-defined]
    assert page.get("lang") == language
    for value in (citation.title, citation.author, citation.component_title, citation.component_author):
        assert value in text
        assert any(value in cell for cell in cells)
    for number in (message.transaction, *(one.value for one in citation.identifiers)):
        assert number in text
        assert number in cells
    assert [value.get("dir") for value in page.xpath("//tr[th]/td/*")] == ["auto"] * len(page.xpath("//tr[th]"))

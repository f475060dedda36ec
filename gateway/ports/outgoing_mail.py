"""Port Mailer; a letter as an RFC 5322 mail; letters to partners, rendered.

A Mailer keeps nothing: who calls it keeps what is to be sent (the outbox). Making a mail is pure; a channel and the
patron notices both need it, so it stands with the port.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import field
from datetime import datetime, tzinfo
from email.headerregistry import Address, AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.secret_reference import SecretReference
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerMessage

LINE_END = "\r\n"

ENCODED_BYTES = 39
"""Of text in one encoded word: with the field's name it stays below 76 columns."""


@value_object
class RenderedLetter:
    """A letter in plain text and HTML, rendered. `message_id` without angle brackets; the same at every try; without
    `@` the sender's domain is added. `at`: when it was written (Date), aware. `automatic`: no person wrote it and
    nobody is expected to answer it (Auto-Submitted, RFC 3834). `charset`: used where all of the letter fits into it,
    else UTF-8."""

    to: str
    subject: str
    text: str
    html: str = ""
    message_id: str = ""
    reply_to: str = ""
    in_reply_to: str = ""
    language: str = "en"
    attachments: tuple[tuple[str, str, bytes], ...] = field(default=(), repr=False)  # name, media type, content
    at: datetime | None = None
    automatic: bool = False
    charset: str = "utf-8"


@value_object
class LetterSender:
    """The sender of letters. What a library has of its own counts first; its name and email address last."""

    address: str
    name: str = ""
    reply_to: str = ""

    def fill_from_library(self, library: LibraryInfo) -> LetterSender:
        return LetterSender(
            library.sender or self.address,
            library.sender_name or self.name or library.name,
            library.reply_to or self.reply_to or library.email,
        )


class Mailer(Protocol):
    async def send(self, message: EmailMessage) -> str:
        """Returns the server's reply line. Raises Unavailable (not sent: the server is away or says 4xx),
        OutcomeUnknown (the connection broke after the content was sent), Refused (5xx: address or content)."""
        ...


class MailSecurity(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"  # from the first byte on
    NONE = "none"


@value_object(kw_only=True)
class MailServer:
    """The server at which mail is handed in. `password` by reference; `ca`: PEM file of the authorities to trust, None:
    the system's; `seconds`: longest wait for each answer of the server."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    password: SecretReference = ""
    ca: Path | None = None
    seconds: float = 30.0


class MailPolicy(EmailPolicy):
    """Texts and names with letters beyond ASCII are folded here: when `EmailPolicy` breaks a long one into several
    encoded words (RFC 2047), it loses blanks between them (seen in Python 3.11)."""

    def fold(self, name: str, value: str) -> str:
        return _fold_header(name, value) or str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        return _fold_header(name, value).encode("ascii") or super().fold_binary(name, value)


POLICY = MailPolicy(linesep=LINE_END, cte_type="7bit")
"""Not every server on the way takes 8-bit content, so it is coded."""

_ADDRESS = re.compile(r"""[^\s@<>()\[\],;:\\"]+@[^\s@<>()\[\],;:\\"]+""")
_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")


def build_mail(letter: RenderedLetter, sender: LetterSender) -> EmailMessage:
    """Build a mail; raises Refused when there is no address to send to, or one that is none; whose, it doesn't say."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _parse_mail_address(
        sender.address, sender.name, write_sentence("the sender's address (mail.sender)")
    )
    mail["To"] = _parse_mail_address(letter.to, "", write_sentence("the recipient's address"))
    reply_to = letter.reply_to or sender.reply_to
    if reply_to:
        mail["Reply-To"] = _parse_mail_address(reply_to, "", write_sentence("the reply address"))
    mail["Subject"] = _flatten_line(letter.subject)
    if letter.at is not None:
        mail["Date"] = format_datetime(letter.at)
    if letter.message_id:
        mail["Message-ID"] = _format_message_id(letter.message_id, sender)
    if letter.in_reply_to:
        mail["In-Reply-To"] = mail["References"] = _format_message_id(letter.in_reply_to, sender)
    if letter.automatic:
        mail["Auto-Submitted"] = "auto-generated"
    _fill_mail(mail, letter)
    if letter.language:
        mail["Content-Language"] = letter.language  # last: while parts are added, Content-… goes down into the first
    return mail


def _fill_mail(mail: EmailMessage, letter: RenderedLetter) -> None:
    charset = letter.charset if _can_encode_letter(letter) else "utf-8"
    mail.set_content(letter.text, charset=charset)
    if letter.html:
        mail.add_alternative(letter.html, subtype="html", charset=charset)
    for name, media_type, content in letter.attachments:
        main, _, sub = media_type.partition("/")
        if main in ("text", "message", "multipart") or not sub:  # their bytes are not ours to code anew
            main, sub = "application", "octet-stream"
        mail.add_attachment(content, maintype=main, subtype=sub, filename=_flatten_line(name))


def _fold_header(name: str, value: str) -> str:
    """Empty for a field that the library folds well."""
    if str(value).isascii():
        return ""
    if isinstance(value, UnstructuredHeader):
        return f"{name}: {_encode_words(str(value))}{LINE_END}"
    if isinstance(value, AddressHeader):
        return f"{name}: {f',{LINE_END} '.join(map(_encode_mailbox, value.addresses))}{LINE_END}"
    return ""


def _encode_mailbox(address: Address) -> str:
    """Encode the name of a mailbox alone."""
    if address.display_name.isascii():
        return str(address)
    return f"{_encode_words(address.display_name)}{LINE_END} <{address.addr_spec}>"


def _encode_words(text: str) -> str:
    """Encoded words, one a line. They end at blanks where they can, since some readers show a gap between two."""
    words = [f"=?utf-8?b?{base64.b64encode(piece.encode()).decode('ascii')}?=" for piece in _split_for_encoding(text)]
    return f"{LINE_END} ".join(words)


def _split_for_encoding(text: str) -> Iterator[str]:
    while text:
        piece = text.encode()[:ENCODED_BYTES].decode(errors="ignore")
        if len(piece) < len(text) and " " in piece:
            piece = piece[: piece.rindex(" ") + 1]
        yield piece
        text = text[len(piece) :]


def _can_encode_letter(letter: RenderedLetter) -> bool:
    try:
        f"{letter.text}{letter.html}".encode(letter.charset)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _parse_mail_address(address: str, name: str, what: Sentence) -> Address:
    if not address:
        raise Refused(
            RefusalReason.DATA_MISSING, write_sentence("An email cannot be sent without %(missing)s.", missing=what)
        )
    wrong = Refused(
        RefusalReason.INVALID_VALUE,
        write_sentence("An email cannot be sent: %(what)s is not an email address.", what=what),
        value=address,
    )
    if not _ADDRESS.fullmatch(address) or not address.rpartition("@")[0].isascii():  # no SMTPUTF8
        raise wrong
    user, _, domain = address.rpartition("@")
    try:
        return Address(_flatten_line(name), user, domain.encode("idna").decode("ascii"))
    except (UnicodeError, ValueError):
        raise wrong from None


def _format_message_id(id_: str, sender: LetterSender) -> str:
    domain = sender.address.rpartition("@")[2]
    return f"<{_flatten_line(id_)}>" if "@" in id_ else f"<{_flatten_line(id_)}@{domain}>"


def _flatten_line(text: str) -> str:
    """Put a text on one line, so that no text of a letter can begin a header of its own."""
    return _BREAKS.sub(" ", text).strip()


@value_object
class LetterStyle:
    """The style of one partner's letters. `language` empty: the installation's. `subject`: with {reference}, {number},
    {kind}, {title}, {symbol}, {subject} (as the letter itself has it); empty: the letter's own. `folder`: templates
    that come before all others."""

    language: str = ""
    subject: str = ""
    folder: Path | None = None


PLAIN = LetterStyle()


@value_object
class AnswerLink:
    """An address that answers a letter. `answer`: a name of `domain.requests.partner_answers`."""

    answer: str
    address: str


AnswerLinks = Callable[[PartnerMessage, int], Awaitable[tuple[AnswerLink, ...]]]
"""Those of a message, good for so many days from when it was said; the same whenever it is sent. None where nobody can
reach the gateway from outside. Raises Unavailable."""


async def offer_no_answers(_message: PartnerMessage, _days: int) -> tuple[AnswerLink, ...]:
    """Letters without links."""
    return ()


class PartnerLetters(Protocol):
    def for_partner(
        self,
        message: PartnerMessage,
        profile: Profile,
        library: LibraryInfo,
        zone: tzinfo,
        style: LetterStyle = PLAIN,
        answers: Sequence[AnswerLink] = (),
    ) -> RenderedLetter:
        """Write a letter; raises Refused (there is no letter for this kind), ConfigurationError (a template, with file
        and line)."""
        ...

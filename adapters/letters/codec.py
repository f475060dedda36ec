"""A partner's letter as a mail, in its profile's manner. Pure."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

from adapters.letters.dialect import LettersDialect
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail

File = tuple[str, str, bytes]
"""Name, media type, content."""


def encode(
    letter: RenderedLetter, dialect: LettersDialect, sender: LetterSender, files: tuple[File, ...] = ()
) -> EmailMessage:
    """Encode a letter; raises Refused for an address that is missing or none."""
    ours = LetterSender(
        dialect.sender or sender.address, dialect.sender_name or sender.name, dialect.reply_to or sender.reply_to
    )
    tailored = replace(
        letter,
        html=letter.html if dialect.parts == "text-and-html" else "",
        charset=dialect.encoding,
        attachments=(*letter.attachments, *files),
    )
    return build_mail(tailored, ours)

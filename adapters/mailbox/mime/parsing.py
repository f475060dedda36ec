"""A mail taken apart (RFC 5322, MIME): the port `ParseMail`. Pure.

Everything of facts/artemail.md section 5 is survived.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import datetime
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value

from adapters.mailbox.mime.authentication import sender_checks
from adapters.mailbox.mime.header import Header
from adapters.mailbox.mime.parts import MOST_TEXT, Parts
from adapters.mailbox.mime.reports import Whole, automatic, bounce_of
from gateway.domain.problems import Fault, MalformedMessage
from gateway.ports.mail_format import IncomingMail
from gateway.ports.mail_reading import Automatic, ParsedMail

_BLANK = re.compile(r"\s+")


def parse_mail(content: bytes, received: datetime) -> ParsedMail:
    """Raises MalformedMessage: no header, or too deep or too many parts."""
    try:
        message = BytesParser(policy=compat32).parsebytes(content)
        return _parsed(message, content, received)
    except RecursionError as error:
        raise MalformedMessage("", "parts stand too deep in each other", Fault.PROTOCOL) from error
    except (MessageError, ValueError, LookupError, AttributeError, TypeError) as error:
        # The standard library's parser raises all of these for one broken mail or another.
        raise MalformedMessage("", f"the mail can't be taken apart ({type(error).__name__})") from error


def _parsed(message: Message, content: bytes, received: datetime) -> ParsedMail:
    header = Header.of(message)
    if not header.fields:
        raise MalformedMessage("header", "there is no header", Fault.SYNTAX)
    parts = Parts()
    parts.take(message)
    mail = IncomingMail(
        id=header.id or hashlib.sha256(content).hexdigest(),
        sender=header.sender,
        to=tuple(address for address in header.addresses("to", "cc") if address),
        subject=header.first("subject"),
        text=parts.text[:MOST_TEXT],
        received=received,
        references=header.references,
        attachments=tuple(parts.files),
    )
    whole = Whole(header, mail, _report_type(message), tuple(parts.report))
    kind = automatic(whole)
    return ParsedMail(
        mail=replace(mail, automatic=kind is not Automatic.NO),
        bounce=bounce_of(whole),
        automatic=kind,
        checks=sender_checks(header),
        dated=header.date,
        repaired=tuple(dict.fromkeys(parts.repaired)),
        digest=_digest(mail, parts.text),
    )


def _report_type(message: Message) -> str:
    if message.get_content_type() != "multipart/report":
        return ""
    return str(collapse_rfc2231_value(message.get_param("report-type", "") or "")).lower()


def _digest(mail: IncomingMail, text: str) -> str:
    """The same for the same content."""
    parts = [mail.sender, mail.subject, _BLANK.sub(" ", text).strip()]
    parts += [hashlib.sha256(file.content).hexdigest() for file in mail.attachments]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()

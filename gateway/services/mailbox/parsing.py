"""A mail taken apart (RFC 5322, MIME): bytes to `ParsedMail`. Pure.

Everything of facts/artemail.md section 5 is survived: what a sender's program did wrong is repaired where that can be
done without guessing, and noted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, getaddresses

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.problems import Fault, MalformedMessage
from gateway.ports.mail_format import IncomingMail, MailPart
from gateway.services.mailbox.decoding import flowed, header_text, html_text, one_line, text_of

MOST_PARTS = 300
MOST_REFERENCES = 50
MOST_TEXT = 500_000
"""Characters of text that are looked at."""

_ID = re.compile(r"<\s*([^<>]+?)\s*>")
_BLANK = re.compile(r"\s+")

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, values unfolded and in Unicode, in the order of the mail."""


@frozen
class ReportPart:
    """A part of a delivery report (RFC 3464): its media type and what stands in it."""

    media_type: str
    content: bytes = field(repr=False)


@frozen_by_name
class ParsedMail:
    """`mail` is what formats are shown; the rest is for recognising what the mail is. `repaired`: what was wrong with
    it; without personal data. `digest`: the same for the same content, whatever its headers say."""

    mail: IncomingMail
    headers: Headers
    report_type: str = ""
    report: tuple[ReportPart, ...] = ()
    repaired: tuple[str, ...] = ()
    digest: str

    def header(self, name: str) -> str:
        """The first of this name; empty: there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        """Topmost first."""
        return tuple(value for key, value in self.headers if key == name)


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
    headers = _headers(message)
    if not headers:
        raise MalformedMessage("header", "there is no header", Fault.SYNTAX)
    taker = _Parts()
    taker.take(message)
    text = taker.text
    subject = _of(headers, "subject")
    sender = _sender(headers)
    references = _references(headers)
    digest = _digest(sender, subject, text, taker.files)
    mail = IncomingMail(
        id=_id_of(headers) or hashlib.sha256(content).hexdigest(),
        sender=sender,
        to=tuple(address for address in _addresses(headers, "to", "cc") if address),
        subject=subject,
        text=text[:MOST_TEXT],
        received=received,
        references=references,
        attachments=tuple(taker.files),
    )
    return ParsedMail(
        mail=mail,
        headers=headers,
        report_type=_report_type(message),
        report=tuple(taker.report),
        repaired=tuple(dict.fromkeys(taker.repaired)),
        digest=digest,
    )


# --- the header ------------------------------------------------------------------------------------------


def _headers(message: Message) -> Headers:
    return tuple((str(name).lower(), header_text(str(value))) for name, value in message.raw_items())


def _of(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key == name), "")


def _sender(headers: Headers) -> str:
    """From; where it lacks, Sender."""
    return next((address for address in _addresses(headers, "from", "sender") if "@" in address), "")


def _addresses(headers: Headers, *names: str) -> Iterator[str]:
    for name in names:
        values = [value for key, value in headers if key == name]
        for _, address in getaddresses(values):
            yield one_line(address).lower()


def _id_of(headers: Headers) -> str:
    value = _of(headers, "message-id")
    found = _ID.search(value)
    return found[1] if found else one_line(value).strip("<>")


def _references(headers: Headers) -> tuple[str, ...]:
    """In-Reply-To, then References from the last to the first."""
    replied = _ID.findall(_of(headers, "in-reply-to"))
    others = [one for value in (v for k, v in headers if k == "references") for one in _ID.findall(value)]
    return tuple(dict.fromkeys((*replied, *reversed(others))))[:MOST_REFERENCES]


def _report_type(message: Message) -> str:
    if message.get_content_type() != "multipart/report":
        return ""
    return str(collapse_rfc2231_value(message.get_param("report-type", "") or "")).lower()


# --- parts -----------------------------------------------------------------------------------------------


class _Parts:
    """Texts for reading, files, and parts of reports, in the order of the mail."""

    def __init__(self) -> None:
        self._plain: list[str] = []
        self._html: list[str] = []
        self.files: list[MailPart] = []
        self.report: list[ReportPart] = []
        self.repaired: list[str] = []

    @property
    def text(self) -> str:
        """From plain text or, if there is none, from HTML."""
        plain = "\n\n".join(text for text in self._plain if text.strip())
        return plain or "\n\n".join(html_text(page) for page in self._html).strip()

    def take(self, message: Message) -> None:
        waiting, seen = [message], 0
        while waiting:
            part = waiting.pop()
            seen += 1
            if seen > MOST_PARTS:
                raise MalformedMessage("", f"more than {MOST_PARTS} parts", Fault.TOO_LARGE)
            self.repaired += [f"{type(defect).__name__}" for defect in part.defects]
            kind = part.get_content_type()
            inner = part.get_payload()
            if kind == "message/rfc822" or kind.startswith("message/global"):
                self._forwarded(part)
            elif part.is_multipart() and isinstance(inner, list) and kind.startswith("multipart/"):
                waiting += [one for one in reversed(inner) if isinstance(one, Message)]
            else:
                self._leaf(part, kind)

    def _forwarded(self, part: Message) -> None:
        """A mail in the mail: of a report, or a file."""
        inner = part.get_payload()
        whole = (
            b"\n".join(one.as_bytes() for one in inner if isinstance(one, Message))
            if isinstance(inner, list)
            else _body(part, self.repaired)
        )
        self.report.append(ReportPart("message/rfc822", whole))
        self.files.append(MailPart(_name(part) or "message.eml", "message/rfc822", whole))

    def _leaf(self, part: Message, kind: str) -> None:
        if kind in ("message/delivery-status", "text/rfc822-headers", "message/disposition-notification"):
            inner = part.get_payload()
            whole = (
                b"\n".join(one.as_bytes() for one in inner if isinstance(one, Message))
                if isinstance(inner, list)
                else _body(part, self.repaired)
            )
            self.report.append(ReportPart(kind, whole))
            return
        body = _body(part, self.repaired)
        name = _name(part)
        attached = part.get_content_disposition() == "attachment" or (name and not kind.startswith("text/"))
        if kind in ("text/plain", "text/html") and not attached:
            self._readable(part, kind, body)
        elif body or name:
            self.files.append(MailPart(name or "file", _sniffed(kind, body), body))

    def _readable(self, part: Message, kind: str, body: bytes) -> None:
        declared = part.get_param("charset", "")
        text, complaint = text_of(body, str(collapse_rfc2231_value(declared or "")))
        if complaint:
            self.repaired.append(complaint)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if kind == "text/html":
            self._html.append(text)
            return
        if str(part.get_param("format", "")).lower() == "flowed":
            text = flowed(text, str(part.get_param("delsp", "")).lower() == "yes")
        self._plain.append(text[:MOST_TEXT])


def _body(part: Message, repaired: list[str]) -> bytes:
    """Decoded here, since the library gives up on what a little care still reads."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return b""
    raw = payload.encode("utf-8", "surrogateescape")
    coding = one_line(str(part.get("content-transfer-encoding", ""))).lower()
    if coding == "quoted-printable":
        return quopri.decodestring(raw)
    if coding == "base64":
        return _unbased(raw, repaired)
    return raw


def _unbased(raw: bytes, repaired: list[str]) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.split(b"=", 1)[0] if raw.rstrip().endswith(b"=") else raw)
    if (over := len(kept) % 4) == 1:
        kept = kept[:-1]
        repaired.append("base64 breaks off")
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        repaired.append(f"base64 can't be read ({over})")
        return b""


def _name(part: Message) -> str:
    """Of a file, without any folder."""
    try:
        found = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        return ""
    return re.split(r"[\\/]", header_text(str(found)))[-1][:200]


def _sniffed(kind: str, body: bytes) -> str:
    """Many programs send PDFs as application/octet-stream."""
    return "application/pdf" if body[:1024].lstrip().startswith(b"%PDF-") else kind


# --- the same content ------------------------------------------------------------------------------------


def _digest(sender: str, subject: str, text: str, files: list[MailPart]) -> str:
    parts = [sender, subject, _BLANK.sub(" ", text).strip()]
    parts += [hashlib.sha256(file.content).hexdigest() for file in files]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()

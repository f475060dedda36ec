"""Header and parts of a mail. Pure.

What a sender's program did wrong is repaired where that can be done without guessing, and noted.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime

from adapters.mailbox.mime_limits import ParseBudget
from adapters.mailbox.mime_text import (
    MAX_HTML_CHARS,
    decode_header_text,
    decode_text,
    single_line,
    text_of_html,
    unwrap_flowed_text,
)
from gateway.domain.requests.attachments import clean_file_name
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import MailPart

MAX_REFERENCES = 50

_ID = re.compile(r"<\s*([^<>]+?)\s*>")

MAX_TEXT_CHARS = 500_000
"""Characters of text that are looked at."""

MAX_CHARACTER_BYTES = 4
"""In any character set: what comes behind so many for each character that is looked at is not decoded."""


@value_object
class MailHeader:
    """Names in lower case, values unfolded and in Unicode, in the order of the mail."""

    fields: tuple[tuple[str, str], ...]

    @classmethod
    def from_message(cls, message: Message) -> MailHeader:
        return cls(tuple((str(name).lower(), decode_header_text(str(value))) for name, value in message.raw_items()))

    def first_value(self, name: str) -> str:
        """Empty: there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def all_values(self, name: str) -> tuple[str, ...]:
        """Topmost first."""
        return tuple(value for key, value in self.fields if key == name)

    @property
    def sender(self) -> str:
        """The address in From; where it lacks, Sender."""
        return next((address for address in self.iter_addresses("from", "sender") if "@" in address), "")

    def iter_addresses(self, *names: str) -> Iterator[str]:
        for name in names:
            for _, address in getaddresses(list(self.all_values(name))):
                yield single_line(address).lower()

    @property
    def id(self) -> str:
        value = self.first_value("message-id")
        match = _ID.search(value)
        return match[1] if match else single_line(value).strip("<>")

    @property
    def references(self) -> tuple[str, ...]:
        """The ids in In-Reply-To, then References from the last to the first."""
        replied = _ID.findall(self.first_value("in-reply-to"))
        others = [reference for value in self.all_values("references") for reference in _ID.findall(value)]
        return tuple(dict.fromkeys((*replied, *reversed(others))))[:MAX_REFERENCES]

    @property
    def date(self) -> datetime | None:
        """None: there is none, or none that can be read."""
        try:
            date = parsedate_to_datetime(self.first_value("date"))
        except (ValueError, TypeError, OverflowError):
            return None
        return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


@value_object
class ReportPart:
    """A part of a delivery report (RFC 3464): its media type and what stands in it."""

    media_type: str
    content: bytes = field(repr=False)


class PartCollector:
    """Texts for reading, files, and parts of reports, in the order of the mail."""

    def __init__(self, budget: ParseBudget) -> None:
        self._budget = budget
        self._plain: list[str] = []
        self._html: list[str] = []
        self.files: list[MailPart] = []
        self.report: list[ReportPart] = []
        self.repaired: list[str] = []

    @property
    def text(self) -> str:
        """The text from plain text or, if there is none, from HTML. At most MAX_TEXT_CHARS."""
        plain = "\n\n".join(text for text in self._plain if text.strip())
        return (plain or self._read_pages())[:MAX_TEXT_CHARS]

    def _read_pages(self) -> str:
        texts: list[str] = []
        for page in self._html:
            self._budget.check_time()
            texts.append(text_of_html(page))
            if sum(map(len, texts)) > MAX_TEXT_CHARS:
                break
        return "\n\n".join(texts).strip()

    def collect_parts(self, message: Message) -> None:
        waiting = [message]
        while waiting:
            part = waiting.pop()
            self._budget.check_time()
            self.repaired += [f"{type(defect).__name__}" for defect in part.defects]
            kind = part.get_content_type()
            inner = part.get_payload()
            if kind == "message/rfc822" or kind.startswith("message/global"):
                self._add_forwarded_mail(part)
            elif part.is_multipart() and isinstance(inner, list) and kind.startswith("multipart/"):
                waiting += [child for child in reversed(inner) if isinstance(child, Message)]
            else:
                self._add_leaf(part, kind)

    def _add_forwarded_mail(self, part: Message) -> None:
        """A mail in the mail: of a report, or a file."""
        whole = self._message_bytes(part)
        self.report.append(ReportPart("message/rfc822", whole))
        self.files.append(MailPart(_file_name(part) or "message.eml", "message/rfc822", whole))

    def _message_bytes(self, part: Message) -> bytes:
        inner = part.get_payload()
        if isinstance(inner, list):
            return b"\n".join(child.as_bytes() for child in inner if isinstance(child, Message))
        return _decode_body(part, self.repaired)

    def _add_leaf(self, part: Message, kind: str) -> None:
        if kind in ("message/delivery-status", "text/rfc822-headers", "message/disposition-notification"):
            self.report.append(ReportPart(kind, self._message_bytes(part)))
            return
        body = _decode_body(part, self.repaired)
        name = _file_name(part)
        attached = part.get_content_disposition() == "attachment" or (name and not kind.startswith("text/"))
        if kind in ("text/plain", "text/html") and not attached:
            self._add_readable_text(part, kind, body)
        elif body or name:
            self.files.append(MailPart(name or "file", _sniff_media_type(kind, body), body))

    def _add_readable_text(self, part: Message, kind: str, body: bytes) -> None:
        declared = part.get_param("charset", "")
        room = MAX_CHARACTER_BYTES * (MAX_HTML_CHARS if kind == "text/html" else MAX_TEXT_CHARS)
        text, complaint = decode_text(body, str(collapse_rfc2231_value(declared or "")), room)
        if complaint:
            self.repaired.append(complaint)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if kind == "text/html":
            self._html.append(text)
            return
        if str(part.get_param("format", "")).lower() == "flowed":
            text = unwrap_flowed_text(text[:MAX_TEXT_CHARS], str(part.get_param("delsp", "")).lower() == "yes")
        self._plain.append(text[:MAX_TEXT_CHARS])


def _decode_body(part: Message, repaired: list[str]) -> bytes:
    """Decoded here, since the library gives up on what a little care still reads."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return b""
    raw = payload.encode("utf-8", "surrogateescape")
    coding = single_line(str(part.get("content-transfer-encoding", ""))).lower()
    if coding == "quoted-printable":
        return quopri.decodestring(raw)
    if coding == "base64":
        return _decode_base64(raw, repaired)
    return raw


def _decode_base64(raw: bytes, repaired: list[str]) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.split(b"=", 1)[0] if raw.rstrip().endswith(b"=") else raw)
    if (over := len(kept) % 4) == 1:
        kept = kept[:-1]
        repaired.append("base64 breaks off")
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        repaired.append(f"base64 can't be read ({over})")
        return b""


def _file_name(part: Message) -> str:
    """Return the name of a file, as it can be shown; its extension is the sender's. Empty: it has none."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        return ""
    header_text = decode_header_text(str(name))
    return clean_file_name(header_text) if header_text else ""


def _sniff_media_type(kind: str, body: bytes) -> str:
    """Many programs send PDFs as application/octet-stream."""
    return "application/pdf" if body[:1024].lstrip().startswith(b"%PDF-") else kind

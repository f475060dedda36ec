"""SIP2 messages: values <-> bytes. No I/O. Source: facts/ils-backends.md 1.5.

A message is a code of two digits, fixed fields one after another, then variable fields `XXvalue|`, then, where errors
are detected, `AY` with a sequence number and `AZ` with a checksum; a carriage return ends it. There is no escaping, so
a value with `|` or a line end can't be sent at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object

END = b"\r"
MAX_VALUE_BYTES = 255
STAMP_LENGTH = 18
CHECKSUM_LENGTH = 6  # AZ and four digits
SEQUENCE_LENGTH = 3  # AY and one digit


class ReplyCode(StrEnum):
    """The codes of what a library system says."""

    PATRON_STATUS = "24"
    CHECK_OUT = "12"
    CHECK_IN = "10"
    STATUS = "98"
    LOGIN = "94"
    PATRON_INFORMATION = "64"
    END_SESSION = "36"
    ITEM_INFORMATION = "18"
    HOLD = "16"
    RENEW = "30"
    SEND_AGAIN = "96"


FIXED_FIELDS: Mapping[ReplyCode, tuple[tuple[str, int], ...]] = MappingProxyType(
    {
        ReplyCode.PATRON_STATUS: (("status", 14), ("language", 3), ("date", 18)),
        ReplyCode.CHECK_OUT: (("ok", 1), ("renewal_ok", 1), ("magnetic", 1), ("desensitize", 1), ("date", 18)),
        ReplyCode.CHECK_IN: (("ok", 1), ("resensitize", 1), ("magnetic", 1), ("alert", 1), ("date", 18)),
        ReplyCode.STATUS: (
            ("online", 1),
            ("check_in_ok", 1),
            ("check_out_ok", 1),
            ("renewal_ok", 1),
            ("status_update_ok", 1),
            ("offline_ok", 1),
            ("timeout", 3),
            ("retries", 3),
            ("date", 18),
            ("version", 4),
        ),
        ReplyCode.LOGIN: (("ok", 1),),
        ReplyCode.PATRON_INFORMATION: (
            ("status", 14),
            ("language", 3),
            ("date", 18),
            ("hold_count", 4),
            ("overdue_count", 4),
            ("charged_count", 4),
            ("fine_count", 4),
            ("recall_count", 4),
            ("unavailable_hold_count", 4),
        ),
        ReplyCode.END_SESSION: (("end_session", 1), ("date", 18)),
        ReplyCode.ITEM_INFORMATION: (("circulation", 2), ("security", 2), ("fee_type", 2), ("date", 18)),
        ReplyCode.HOLD: (("ok", 1), ("available", 1), ("date", 18)),
        ReplyCode.RENEW: (("ok", 1), ("renewal_ok", 1), ("magnetic", 1), ("desensitize", 1), ("date", 18)),
        ReplyCode.SEND_AGAIN: (),
    }
)


class UnsendableValueError(ValueError):
    """A value that SIP2 has no way to send: it would be taken for other fields, or the other side can't read it."""


@value_object
class Query:
    """A message of ours. `fixed`: the fixed fields as they stand, all in ASCII."""

    code: str
    fixed: str
    fields: tuple[tuple[str, str], ...]
    reply: ReplyCode  # that must come


@value_object
class Sip2Reply:
    """A message of the library system. `fixed` by the names in FIXED_FIELDS; `fields` in their order, also those that
    nobody here knows. `sequence` is empty where it has none."""

    code: ReplyCode
    fixed: Mapping[str, str]
    fields: tuple[tuple[str, str], ...]
    sequence: str = ""

    def first(self, name: str) -> str:
        """The first field of this name, without blanks around it; empty where there is none."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def values_of(self, name: str) -> tuple[str, ...]:
        """Return the values of a field that may stand several times: those that aren't empty."""
        return tuple(value.strip() for key, value in self.fields if key == name and value.strip())

    @property
    def screen_message(self) -> str:
        """The text that the system shows to whoever stands at the machine (AF), in one line."""
        return " ".join(self.values_of("AF"))


def encode_query(query: Query, charset: str, sequence: int | None) -> bytes:
    """Encode a query without the end of the message. `sequence` 0 to 9; None: without error detection.

    Raises UnsendableValueError.
    """
    body = f"{query.code}{query.fixed}".encode("ascii")
    for name, value in query.fields:
        body += name.encode("ascii") + _encode_value(name, value, charset) + b"|"
    return body if sequence is None else add_checksum(body + b"AY%dAZ" % sequence)


def add_checksum(message: bytes) -> bytes:
    """`message` up to and with AZ."""
    return message + b"%04X" % (-sum(message) & 0xFFFF)


def _encode_value(name: str, value: str, charset: str) -> bytes:
    if any(sign in "|" or ord(sign) < 0x20 for sign in value):
        raise UnsendableValueError(f"field {name}: SIP2 can't send a value with | or control characters")
    try:
        sent = value.encode(charset)
    except UnicodeEncodeError:
        raise UnsendableValueError(f"field {name}: the value can't be written in {charset}") from None
    if len(sent) > MAX_VALUE_BYTES:
        raise UnsendableValueError(f"field {name}: SIP2 can't send more than {MAX_VALUE_BYTES} bytes")
    return sent


def decode_reply(message: bytes, charset: str, *, is_checked: bool) -> Sip2Reply:
    """`message` without its end. Characters that the charset hasn't are shown as such (U+FFFD); accents are put
    together with their letters (NFC), since some servers send them apart. `is_checked`: error
    detection is in use; then a checksum must be there and right, otherwise one that is there is checked all the same.

    Raises MalformedMessage."""
    code = message[:2]
    try:
        kind = ReplyCode(code.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        raise MalformedMessage("", f"no message that SIP2 has: it begins with {code!r}") from None
    body, sequence = _split_trailer(message, kind, is_checked=is_checked)
    text = unicodedata.normalize("NFC", body[2:].decode(charset, errors="replace"))
    fixed: dict[str, str] = {}
    for name, length in FIXED_FIELDS[kind]:
        fixed[name], text = text[:length], text[length:]
        if len(fixed[name]) < length:
            raise MalformedMessage(name, f"message {kind} ends before its fixed fields do")
    return Sip2Reply(kind, MappingProxyType(fixed), tuple(_read_fields(text)), sequence)


def _split_trailer(message: bytes, kind: ReplyCode, *, is_checked: bool) -> tuple[bytes, str]:
    """The message without sequence number and checksum, and the number. 96 has no number."""
    start = len(message) - CHECKSUM_LENGTH
    if start < 2 or message[start : start + 2] != b"AZ":
        if is_checked:
            raise MalformedMessage("AZ", "error detection is on, and there is no checksum")
        return message, ""
    if add_checksum(message[: start + 2]) != message[: start + 2] + message[start + 2 :].upper():
        raise MalformedMessage("AZ", "the checksum is wrong")
    body = message[:start]
    if body[-SEQUENCE_LENGTH:-1] == b"AY":
        return body[:-SEQUENCE_LENGTH], body[-1:].decode("ascii", errors="replace")
    if is_checked and kind is not ReplyCode.SEND_AGAIN:
        raise MalformedMessage("AY", "error detection is on, and there is no sequence number")
    return body, ""


def _read_fields(text: str) -> Iterable[tuple[str, str]]:
    """A stray `|` makes an empty field, which says nothing; a last field may lack its `|`."""
    for part in text.split("|"):
        if len(part) >= 2:
            yield part[:2], part[2:]


def format_stamp(moment: datetime, zone: tzinfo) -> str:
    """18 characters: day, four blanks for "local time", time."""
    return moment.astimezone(zone).strftime("%Y%m%d    %H%M%S")


def parse_stamp(text: str, zone: tzinfo) -> datetime | None:
    """A moment of 18 characters in UTC: zone `Z` is UTC, all else the library's. None: it isn't one."""
    if len(text) != STAMP_LENGTH:
        return None
    try:
        moment = datetime.strptime(f"{text[:8]}{text[12:]}+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC if text[8:12].strip() == "Z" else zone).astimezone(UTC)

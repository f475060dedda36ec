"""Lines of PARCEL to values and back. No I/O, no clock, no settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

_ESCAPED = re.compile(r"[%|\x00-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


@value_object(kw_only=True)
class ParcelMessage:
    """What all four have. `number` is the borrower's number of the request."""

    sender: str
    receiver: str
    number: str


@value_object(kw_only=True)
class AskMessage(ParcelMessage):
    isbn: str = ""
    title: str = ""
    author: str = ""
    need_by: date | None = None


@value_object(kw_only=True)
class SentMessage(ParcelMessage):
    due: date | None = None


@value_object(kw_only=True)
class BackMessage(ParcelMessage):
    pass


@value_object(kw_only=True)
class NoMessage(ParcelMessage):
    reason: str = ""


@value_object(kw_only=True)
class OkAnswer:
    number: str


@value_object(kw_only=True)
class LaterAnswer:
    number: str


@value_object(kw_only=True)
class ErrorAnswer:
    """`number` is empty where the message that it answers could not be read."""

    number: str
    reason: str


ParcelAnswer = OkAnswer | LaterAnswer | ErrorAnswer
ParcelLine = ParcelMessage | ParcelAnswer


# --- values to bytes -------------------------------------------------------------------------------------


def encode_line(line: ParcelLine) -> bytes:
    """Without the line's end."""
    return "|".join([word_of_line(line), *map(_escape_field, _list_fields(line))]).encode("utf-8", "replace")


def word_of_line(line: ParcelLine) -> str:
    return _WORDS[type(line)]


def _list_fields(line: ParcelLine) -> tuple[str, ...]:
    match line:
        case AskMessage():
            return *_list_parties(line), line.isbn, line.title, line.author, _format_day(line.need_by)
        case SentMessage():
            return *_list_parties(line), _format_day(line.due)
        case NoMessage():
            return *_list_parties(line), line.reason
        case ParcelMessage():
            return _list_parties(line)
        case ErrorAnswer():
            return line.number, line.reason
        case _:
            return (line.number,)


def _list_parties(message: ParcelMessage) -> tuple[str, str, str]:
    return message.sender, message.receiver, message.number


def _escape_field(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _format_day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


# --- bytes to values -------------------------------------------------------------------------------------


def peek_word(raw: bytes) -> str:
    """Which line it would be, if it can be read; empty: none that there is."""
    word = raw.partition(b"|")[0].decode("ascii", "replace").rstrip()
    return word if word in _READERS else ""


def decode_line(raw: bytes) -> ParcelLine:
    """With or without the line's end. Raises MalformedMessage."""
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise MalformedMessage(f"byte {error.start + 1}", "it is not UTF-8") from error
    word, *fields = text.split("|")
    read_line = _READERS.get(word)
    if read_line is None:
        known = ", ".join(_READERS)
        raise MalformedMessage("field 1", f"a line begins with one of {known}", MalformationKind.UNKNOWN_SERVICE)
    reader = _FieldReader(word, fields)
    line = read_line(reader)
    reader.require_end()
    return line


class _FieldReader:
    """The fields of a line, taken one after the other. Raises MalformedMessage that names the field."""

    def __init__(self, word: str, fields: list[str]) -> None:
        self._word = word
        self._fields = fields
        self._taken = 0

    def take_text(self, name: str) -> str:
        if self._taken == len(self._fields):
            raise MalformedMessage(f"{self._word}: {name}", "the line ends before it", MalformationKind.DATA_MISSING)
        field = self._fields[self._taken]
        self._taken += 1
        if _ESCAPED.search(_ESCAPE.sub("", field)):
            raise self._make_error(name, "it has a control character", MalformationKind.INVALID_VALUE)
        return _ESCAPE.sub(lambda found: self._unescape(found, name), field)

    def take_required(self, name: str) -> str:
        text = self.take_text(name)
        if not text.strip():
            raise self._make_error(name, "it is empty", MalformationKind.DATA_MISSING)
        return text

    def take_day(self, name: str) -> date | None:
        text = self.take_text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError as error:
            raise self._make_error(name, "no day such as 2026-11-23", MalformationKind.INVALID_DATE) from error

    def take_parties(self) -> dict[str, str]:
        return {name: self.take_required(name) for name in ("sender", "receiver", "number")}

    def require_end(self) -> None:
        if self._taken < len(self._fields):
            raise MalformedMessage(f"{self._word}: field {self._taken + 2}", "the line goes on where it should end")

    def _unescape(self, found: re.Match[str], name: str) -> str:
        if found[1] is None:
            raise self._make_error(
                name, "behind % there must be two hexadecimal digits", MalformationKind.INVALID_VALUE
            )
        return chr(int(found[1], 16))

    def _make_error(self, name: str, reason: str, kind: MalformationKind) -> MalformedMessage:
        return MalformedMessage(f"{self._word}: field {self._taken + 1} ({name})", reason, kind)


def _read_ask(reader: _FieldReader) -> AskMessage:
    ask = AskMessage(
        **reader.take_parties(),
        isbn=reader.take_text("ISBN"),
        title=reader.take_text("title"),
        author=reader.take_text("author"),
        need_by=reader.take_day("need-by"),
    )
    if not ask.isbn and not ask.title:
        raise MalformedMessage("ASK", "it has neither an ISBN nor a title", MalformationKind.DATA_MISSING)
    return ask


def _read_sent(reader: _FieldReader) -> SentMessage:
    return SentMessage(**reader.take_parties(), due=reader.take_day("due"))


def _read_back(reader: _FieldReader) -> BackMessage:
    return BackMessage(**reader.take_parties())


def _read_no(reader: _FieldReader) -> NoMessage:
    return NoMessage(**reader.take_parties(), reason=reader.take_text("reason"))


def _read_ok(reader: _FieldReader) -> OkAnswer:
    return OkAnswer(number=reader.take_text("number"))


def _read_later(reader: _FieldReader) -> LaterAnswer:
    return LaterAnswer(number=reader.take_text("number"))


def _read_error(reader: _FieldReader) -> ErrorAnswer:
    return ErrorAnswer(number=reader.take_text("number"), reason=reader.take_text("reason"))


_READERS: Mapping[str, Callable[[_FieldReader], ParcelLine]] = {
    "ASK": _read_ask,
    "SENT": _read_sent,
    "BACK": _read_back,
    "NO": _read_no,
    "OK": _read_ok,
    "LATER": _read_later,
    "ERR": _read_error,
}
_WORDS: Mapping[type[ParcelLine], str] = {
    AskMessage: "ASK",
    SentMessage: "SENT",
    BackMessage: "BACK",
    NoMessage: "NO",
    OkAnswer: "OK",
    LaterAnswer: "LATER",
    ErrorAnswer: "ERR",
}
LINE_WORDS = frozenset(_WORDS.values())

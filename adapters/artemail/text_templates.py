"""Line templates, dates and amounts, ASCII transliteration. Pure.

One template serves both ways: it is filled in to be written, and it is the pattern by which a line is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.domain.library import Money
from gateway.domain.patterns import fits_pattern
from gateway.domain.romanisation import romanise_character
from gateway.domain.value import value_object

ANYTHING = r".+?"

_TOKEN = re.compile(r"\{(?P<field>[a-z_]+)\}|(?P<open>\[)|(?P<close>\])|(?P<stray>[{}])|(?P<text>[^\[\]{}]+)")

_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}\.?[ -]\d{2,4}"

PATTERNS: Mapping[str, str] = {
    "weeks": r"\d{1,3}(?:\s*(?:[Ww]ee?ks?|WEE?KS?|[Ww][Kk]s?)\b)?",
    "amount": r"(?:[A-Z]{3}\s?|[£€$]\s?)?\d{1,9}(?:[.,]\d{1,2})?(?:\s?[A-Z]{3}\b|\s?[£€$])?",
    "place": r"\d{1,5}",
    "date": _DATE,
    "due": _DATE,
    "expected": _DATE,
    "retry": _DATE,
    "link": r"https?://[^\s<>\"]+",
    "text": r"\S.{0,300}",
}
"""How fields of a code look."""

MAX_WEEKS = 520

MAX_DATE_LENGTH = 40
"""Characters of a date that is written out."""

MAX_SHOWN_CHARS = 24
"""Characters in a summary."""


@value_object
class TemplateText:
    text: str


@value_object
class TemplateField:
    field: str


@value_object
class OptionalPart:
    """The part that stands in brackets."""

    pieces: tuple[TemplateText | TemplateField, ...]


Piece = TemplateText | TemplateField | OptionalPart


@value_object
class LineTemplate:
    pieces: tuple[Piece, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(piece.field for piece in _flatten_pieces(self.pieces) if isinstance(piece, TemplateField))

    @property
    def required(self) -> tuple[str, ...]:
        """Fields outside of brackets."""
        return tuple(piece.field for piece in self.pieces if isinstance(piece, TemplateField))

    @property
    def literal(self) -> str:
        """The text that always stands there."""
        return "".join(piece.text for piece in self.pieces if isinstance(piece, TemplateText))

    def fill(self, values: Mapping[str, str]) -> str:
        """A field that is not known is empty; blanks are tidied up."""
        return " ".join("".join(_fill_pieces(self.pieces, values)).split())

    def build_pattern(self, fields: Mapping[str, str], *, loose: bool) -> str:
        """A regular expression with a group for each field; `fields`: its pattern, else anything. Blanks may be
        missing or more than one, also around `*`. `loose`: fields outside of brackets may be missing as well."""
        return r"\s*".join(filter(None, (_piece_pattern(piece, fields, loose) for piece in self.pieces)))


@lru_cache(maxsize=2_048)
def parse_template(text: str) -> LineTemplate:
    """Parse a template; kept, since the templates of a profile are asked for with each line. Raises ValueError: what is
    wrong, as a plain sentence."""
    pieces: list[Piece] = []
    inner: list[TemplateText | TemplateField] | None = None
    for token in _TOKEN.finditer(text):
        kind, target = token.lastgroup, pieces if inner is None else inner
        match kind:
            case "field":
                target.append(TemplateField(token["field"]))
            case "text":
                target.append(TemplateText(token["text"]))
            case "open" if inner is None:
                inner = []
            case "close" if inner is not None:
                pieces.append(OptionalPart(tuple(inner)))
                inner = None
            case _:
                raise ValueError(f"'{token[0]}' at {token.start() + 1} has no counterpart, or stands in another")
    if inner is not None:
        raise ValueError("'[' is not closed")
    template = LineTemplate(tuple(pieces))
    twice = {field for field in template.fields if template.fields.count(field) > 1}
    if twice:
        raise ValueError(f"{{{min(twice)}}} stands twice")
    return template


def check_template(text: str, fields: tuple[str, ...]) -> LineTemplate:
    """Parse a template; raises ValueError, also for a field that there isn't."""
    template = parse_template(text)
    unknown = [field for field in template.fields if field not in fields]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in fields)
        raise ValueError(f"there is no {{{unknown[0]}}}; it may contain {known}")
    return template


def _flatten_pieces(pieces: tuple[Piece, ...]) -> Iterator[TemplateText | TemplateField]:
    for piece in pieces:
        if isinstance(piece, OptionalPart):
            yield from piece.pieces
        else:
            yield piece


def _fill_pieces(pieces: tuple[Piece, ...], values: Mapping[str, str]) -> Iterator[str]:
    for piece in pieces:
        match piece:
            case TemplateText(text):
                yield text
            case TemplateField(field):
                yield values.get(field, "")
            case OptionalPart(inner):
                if any(values.get(value.field) for value in inner if isinstance(value, TemplateField)):
                    yield from _fill_pieces(inner, values)


def _piece_pattern(piece: Piece, fields: Mapping[str, str], loose: bool) -> str:
    match piece:
        case TemplateText(text):
            return _literal_pattern(text)
        case TemplateField(field):
            group = f"(?P<{field}>{fields.get(field, ANYTHING)})"
            return f"(?:{group})?" if loose else group
        case OptionalPart(inner):
            return "(?:" + r"\s*".join(filter(None, (_piece_pattern(part, fields, False) for part in inner))) + ")?"
    raise AssertionError(piece)


def _literal_pattern(text: str) -> str:
    words = re.split(r"\s+|(\*)", text)
    return r"\s*".join(re.escape(word) for word in words if word)


def parse_formatted_date(text: str, forms: Iterable[str]) -> date | None:
    """Parse a date by the first form that fits; None: by none."""
    day = text.strip()
    # Each line of a reply is asked: what can't be a date is told from one without trying all forms, 50 µs each.
    if len(day) > MAX_DATE_LENGTH or not any(map(str.isdigit, day)):
        return None
    for form in forms:
        try:
            return datetime.strptime(day, form).date()  # noqa: DTZ007 - a day, without a time
        except ValueError:
            continue
    return None


def find_first_number(text: str) -> int:
    match = re.search(r"\d{1,9}", text)
    return int(match[0]) if match else 0


def add_weeks(day: date, text: str) -> date | None:
    weeks = find_first_number(text)
    return day + timedelta(weeks=weeks) if 0 < weeks <= MAX_WEEKS else None


def count_weeks_until(day: date, later: date) -> str:
    """Whole weeks, at least one."""
    return str(max(1, -((day - later).days // 7)))


def format_amount(money: Money) -> str:
    return f"{money.amount:.2f} {money.currency}"


@value_object
class CharacterChange:
    """`written` is empty for a character that was left out."""

    character: str
    written: str
    count: int

    def __str__(self) -> str:
        name = self.character if self.character.isprintable() else f"U+{ord(self.character):04X}"
        times = f" ({self.count}×)" if self.count > 1 else ""
        return f"{name} → {self.written}{times}" if self.written else f"{name} left out{times}"


class AsciiTranscriber:
    """Writes the texts of one message and counts what it changed. `allowed`: pattern of one allowed character; `own`:
    what a profile wants a character to become; `instead`: for what can't be written otherwise."""

    def __init__(self, allowed: str, own: Mapping[str, str], instead: str) -> None:
        self._allowed = _list_allowed_characters(allowed)
        self._own = {unicodedata.normalize("NFC", key): value for key, value in own.items()}
        self._instead = instead
        self._changes: Counter[tuple[str, str]] = Counter()

    def transcribe(self, text: str) -> str:
        """Transcribe a text to one line."""
        composed = unicodedata.normalize("NFC", " ".join(text.split()))
        return " ".join("".join(map(self._transcribe_character, composed)).split())

    @property
    def changes(self) -> tuple[CharacterChange, ...]:
        """The changes in the order in which they came first."""
        return tuple(
            CharacterChange(character, written, count) for (character, written), count in self._changes.items()
        )

    def summarise_changes(self) -> str:
        """One line; empty: nothing was changed."""
        changes = self.changes
        if not changes:
            return ""
        more = len(changes) - MAX_SHOWN_CHARS
        shown = ", ".join(map(str, changes[:MAX_SHOWN_CHARS]))
        return f"written in ASCII: {shown}" + (f" and {more} more" if more > 0 else "")

    def _transcribe_character(self, character: str) -> str:
        if character not in self._own and self._is_allowed(character):
            return character
        written = self._own[character] if character in self._own else romanise_character(character, self._instead)
        fitting = "".join(letter if self._is_allowed(letter) else self._instead for letter in written)
        if fitting != character:
            self._changes[character, fitting] += 1
        return fitting

    def _is_allowed(self, character: str) -> bool:
        return character in self._allowed


@lru_cache(maxsize=64)
def _list_allowed_characters(pattern: str) -> frozenset[str]:
    return frozenset(character for character in map(chr, range(128)) if fits_pattern(pattern, character))

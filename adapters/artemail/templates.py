"""Lines as a profile writes them: text, {fields}, and [parts that go when none of their fields is known]. Pure.

One template serves both ways: it is filled in to be written, and it is the pattern by which a line is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.domain.frozen import frozen

ANYTHING = r".+?"

_TOKEN = re.compile(r"\{(?P<field>[a-z_]+)\}|(?P<open>\[)|(?P<close>\])|(?P<stray>[{}])|(?P<text>[^\[\]{}]+)")


@frozen
class Text:
    text: str


@frozen
class Value:
    field: str


@frozen
class Part:
    """What stands in brackets."""

    pieces: tuple[Text | Value, ...]


Piece = Text | Value | Part


@frozen
class Template:
    pieces: tuple[Piece, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(one.field for one in _flat(self.pieces) if isinstance(one, Value))

    @property
    def required(self) -> tuple[str, ...]:
        """Fields outside of brackets."""
        return tuple(one.field for one in self.pieces if isinstance(one, Value))

    @property
    def literal(self) -> str:
        """The text that always stands there."""
        return "".join(one.text for one in self.pieces if isinstance(one, Text))

    def fill(self, values: Mapping[str, str]) -> str:
        """A field that is not known is empty; blanks are tidied up."""
        return " ".join("".join(_filled(self.pieces, values)).split())

    def pattern(self, fields: Mapping[str, str], *, loose: bool) -> str:
        """A regular expression with a group for each field; `fields`: its pattern, else anything. Blanks may be
        missing or more than one, also around `*`. `loose`: fields outside of brackets may be missing as well."""
        return r"\s*".join(filter(None, (_pattern(one, fields, loose) for one in self.pieces)))


def parse(text: str) -> Template:
    """Raises ValueError: what is wrong, as a plain sentence."""
    pieces: list[Piece] = []
    inner: list[Text | Value] | None = None
    for token in _TOKEN.finditer(text):
        kind, target = token.lastgroup, pieces if inner is None else inner
        match kind:
            case "field":
                target.append(Value(token["field"]))
            case "text":
                target.append(Text(token["text"]))
            case "open" if inner is None:
                inner = []
            case "close" if inner is not None:
                pieces.append(Part(tuple(inner)))
                inner = None
            case _:
                raise ValueError(f"'{token[0]}' at {token.start() + 1} has no counterpart, or stands in another")
    if inner is not None:
        raise ValueError("'[' is not closed")
    found = Template(tuple(pieces))
    twice = {one for one in found.fields if found.fields.count(one) > 1}
    if twice:
        raise ValueError(f"{{{min(twice)}}} stands twice")
    return found


def checked(text: str, fields: tuple[str, ...]) -> Template:
    """Raises ValueError, also for a field that there isn't."""
    found = parse(text)
    unknown = [one for one in found.fields if one not in fields]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in fields)
        raise ValueError(f"there is no {{{unknown[0]}}}; it may contain {known}")
    return found


def _flat(pieces: tuple[Piece, ...]) -> Iterator[Text | Value]:
    for one in pieces:
        if isinstance(one, Part):
            yield from one.pieces
        else:
            yield one


def _filled(pieces: tuple[Piece, ...], values: Mapping[str, str]) -> Iterator[str]:
    for one in pieces:
        match one:
            case Text(text):
                yield text
            case Value(field):
                yield values.get(field, "")
            case Part(inner):
                if any(values.get(value.field) for value in inner if isinstance(value, Value)):
                    yield from _filled(inner, values)


def _pattern(piece: Piece, fields: Mapping[str, str], loose: bool) -> str:
    match piece:
        case Text(text):
            return _literal(text)
        case Value(field):
            group = f"(?P<{field}>{fields.get(field, ANYTHING)})"
            return f"(?:{group})?" if loose else group
        case Part(inner):
            return "(?:" + r"\s*".join(filter(None, (_pattern(one, fields, False) for one in inner))) + ")?"
    raise AssertionError(piece)


def _literal(text: str) -> str:
    words = re.split(r"\s+|(\*)", text)
    return r"\s*".join(re.escape(word) for word in words if word)

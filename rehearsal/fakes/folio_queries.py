"""CQL, as far as FOLIO's modules take it: for the FOLIO that plays one.

`==` compares a whole field, without case and accents, with `*` and `?` for any signs unless a backslash stands before
them; `=` and `all` look for words. Source: facts/ils-backends.md 1.3 and the README of folio-org/raml-module-builder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FolioRecord = dict[str, Any]
ReadField = Callable[[FolioRecord, str], Iterable[Any]]
"""The values of a record at a path such as `personal.lastName`."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<quoted>"(?:\\.|[^"\\])*") | (?P<sign>[()]) | (?P<relation>==|<>|>=|<=|=|>|<)
    | (?P<modifier>/[@\w.]+(?:\s*(?:==?)\s*(?:"(?:\\.|[^"\\])*"|[\w.-]+))?) | (?P<word>[^\s()"=<>/]+) )""",
    re.VERBOSE,
)
_RELATION_WORDS = frozenset({"all", "any", "adj"})
_BOOLEANS = frozenset({"and", "or", "not"})


class QueryError(Exception):
    """Not CQL, or not of the kind that FOLIO takes."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    fits: Callable[[FolioRecord], bool]
    sort: tuple[tuple[str, bool], ...]  # (field, descending)


def parse_query(text: str, read_field: ReadField) -> ParsedQuery:
    """Parse a query; raises QueryError."""
    return _QueryParser(text, read_field).parse_whole()


def run_query(text: str, records: Iterable[FolioRecord], read_field: ReadField) -> list[FolioRecord]:
    """Run a query; raises QueryError."""
    parsed = parse_query(text, read_field) if text else ParsedQuery(lambda _record: True, ())
    fitting = [record for record in records if parsed.fits(record)]
    for name, is_descending in reversed(parsed.sort):
        fitting.sort(key=lambda record: _sort_key(read_field(record, name)), reverse=is_descending)
    return fitting


def read_plain_field(record: FolioRecord, path: str) -> Iterable[Any]:
    """Read a field through objects and lists."""
    values: list[Any] = [record]
    for name in path.split("."):
        inner: list[Any] = []
        for value in values:
            entries = value if isinstance(value, list) else [value]
            inner += [entry[name] for entry in entries if isinstance(entry, Mapping) and name in entry]
        values = inner
    for value in values:
        yield from value if isinstance(value, list) else [value]


def fold_text(text: str) -> str:
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return bare.casefold()


class _QueryParser:
    def __init__(self, text: str, read_field: ReadField) -> None:
        self._tokens = _split_tokens(text)
        self._place = 0
        self._read_field = read_field

    def parse_whole(self) -> ParsedQuery:
        fits = self._parse_or()
        sort: list[tuple[str, bool]] = []
        if self._next_word() == "sortby":
            self._take()
            while (token := self._peek()) is not None and token.kind == "word":
                self._take()
                modifiers = self._take_modifiers()
                sort.append((token.text, any("descending" in modifier for modifier in modifiers)))
        if self._peek() is not None:
            raise QueryError(f"unexpected '{self._tokens[self._place].text}'")
        return ParsedQuery(fits, tuple(sort))

    def _parse_or(self) -> Callable[[FolioRecord], bool]:
        """CQL has no precedence: from left to right."""
        left = self._parse_term()
        while (word := self._next_word()) in _BOOLEANS:
            self._take()
            left = _combine(word, left, self._parse_term())
        return left

    def _parse_term(self) -> Callable[[FolioRecord], bool]:
        token = self._take()
        if token.text == "(" and token.kind == "sign":
            inner = self._parse_or()
            self._expect(")")
            return inner
        if token.kind != "word":
            raise QueryError(f"'{token.text}' where an index was due")
        relation, modifiers = self._take_relation()
        return self._parse_values(token.text, relation, modifiers)

    def _parse_values(self, index: str, relation: str, modifiers: list[str]) -> Callable[[FolioRecord], bool]:
        """`index==("a" or "b")` too."""
        token = self._take()
        if token.text == "(" and token.kind == "sign":
            fits = self._parse_values(index, relation, modifiers)
            while (word := self._next_word()) in _BOOLEANS:
                self._take()
                fits = _combine(word, fits, self._parse_values(index, relation, modifiers))
            self._expect(")")
            return fits
        if token.kind not in ("quoted", "word"):
            raise QueryError(f"'{token.text}' where a value was due")
        value = token.text[1:-1] if token.kind == "quoted" else token.text
        if index == "cql.allRecords":
            return lambda _record: value == "1"
        return self._make_comparison(index, relation, modifiers, value)

    def _make_comparison(
        self, index: str, relation: str, modifiers: list[str], value: str
    ) -> Callable[[FolioRecord], bool]:
        conditions = [re.fullmatch(r'/@(\w+)\s*==?\s*"?([^"]*)"?', modifier) for modifier in modifiers]
        wanted = {condition.group(1): condition.group(2) for condition in conditions if condition}
        inner = next((modifier[2:] for modifier in modifiers if re.fullmatch(r"/@\w+", modifier)), "")

        def fits(record: FolioRecord) -> bool:
            values: list[Any] = []
            for entry in self._read_field(record, index):
                if isinstance(entry, Mapping) and inner:
                    if all(str(entry.get(name, "")) == text for name, text in wanted.items()):
                        values.append(entry.get(inner, ""))
                else:
                    values.append(entry)
            return _compare(values, relation, value)

        return fits

    # --- tokens ------------------------------------------------------------------------------------------

    def _peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _next_word(self) -> str:
        token = self._peek()
        return token.text.casefold() if token is not None and token.kind == "word" else ""

    def _take(self) -> _Token:
        token = self._peek()
        if token is None:
            raise QueryError("the query ends too soon")
        self._place += 1
        return token

    def _expect(self, text: str) -> None:
        if self._take().text != text:
            raise QueryError(f"'{text}' is missing")

    def _take_relation(self) -> tuple[str, list[str]]:
        token = self._take()
        if token.kind != "relation" and token.text not in _RELATION_WORDS:
            raise QueryError(f"'{token.text}' where a relation was due")
        return token.text, self._take_modifiers()

    def _take_modifiers(self) -> list[str]:
        modifiers: list[str] = []
        while (token := self._peek()) is not None and token.kind == "modifier":
            modifiers.append(self._take().text)
        return modifiers


def _split_tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise QueryError(f"'{text[place : place + 20].strip()}' is no CQL")
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return tokens


def _combine(
    word: str, left: Callable[[FolioRecord], bool], right: Callable[[FolioRecord], bool]
) -> Callable[[FolioRecord], bool]:
    if word == "or":
        return lambda record: left(record) or right(record)
    if word == "and":
        return lambda record: left(record) and right(record)
    return lambda record: left(record) and not right(record)


def _compare(values: list[Any], relation: str, wanted: str) -> bool:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values if value is not None]
    if relation == "==":
        pattern = re.compile(_write_pattern(wanted), re.DOTALL)
        return any(pattern.fullmatch(fold_text(text)) for text in texts)
    if relation == "<>":
        return not _compare(values, "==", wanted)
    if relation in ("=", "all", "adj", "any"):
        words = [re.compile(_write_pattern(word)) for word in wanted.split()]
        parts = [part for text in texts for part in re.findall(r"[\w-]+", fold_text(text))]
        hits = [any(word.fullmatch(part) for part in parts) for word in words]
        return any(hits) if relation == "any" else all(hits)
    orders: Mapping[str, Callable[[str], bool]] = {
        ">": lambda text: text > wanted,
        "<": lambda text: text < wanted,
        ">=": lambda text: text >= wanted,
        "<=": lambda text: text <= wanted,
    }
    return any(orders[relation](text) for text in texts)


def _write_pattern(value: str) -> str:
    """Write the pattern of a regular expression: `*` and `?` are any signs, a backslash takes their meaning away."""
    written: list[str] = []
    is_escaped = False
    for sign in value:
        if is_escaped:
            written.append(re.escape(fold_text(sign)))
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif sign == "*":
            written.append(".*")
        elif sign == "?":
            written.append(".")
        elif sign != "^":
            written.append(re.escape(fold_text(sign)))
    return "".join(written)


def _sort_key(values: Iterable[Any]) -> tuple[int, float, str]:
    for value in values:
        return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, fold_text(str(value)))
    return (2, 0.0, "")

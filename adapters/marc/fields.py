"""A MARC record, asked for texts; its fields by tag, since a citation asks for many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from adapters.marc import citing
from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId


class Field:
    """As in ISO 2709: of a control field what stands in it, else two indicators, and subfields that each begin with 1F
    and their code. Octets are made into text, and text taken apart, when somebody asks: most fields are never looked
    at."""

    __slots__ = ("_decode", "_raw", "_subfields", "tag")

    def __init__(self, tag: str, raw: bytes | str, decode: Callable[[bytes], str] | None = None) -> None:
        """`decode` for octets; it never raises."""
        self.tag = tag
        self._raw = raw
        self._decode = decode
        self._subfields: list[tuple[str, str]] | None = None

    @property
    def text(self) -> str:
        raw = self._raw
        if isinstance(raw, bytes):
            assert self._decode is not None, "octets come with their character set"
            raw = self._raw = self._decode(raw.rstrip(b"\x1e\x1d"))
        return raw

    @property
    def indicators(self) -> str:
        return self.text.partition("\x1f")[0].ljust(2)[:2]

    @property
    def subfields(self) -> list[tuple[str, str]]:
        """Codes and values in their order, these as `citing.plain` has them. None of a control field."""
        found = self._subfields
        if found is None:
            found = [(one[0], citing.plain(one[1:])) for one in self.text.split("\x1f")[1:] if one]
            self._subfields = found
        return found


@frozen
class Marc:
    """`fields` in their order, and by tag."""

    leader: str
    fields: tuple[Field, ...]
    by_tag: Mapping[str, list[Field]]

    @classmethod
    def of(cls, leader: str, fields: Iterable[Field]) -> Marc:
        """A leader that is too short is filled up with blanks."""
        listed = tuple(fields)
        by_tag: dict[str, list[Field]] = {}
        for field in listed:
            by_tag.setdefault(field.tag, []).append(field)
        return cls(leader.ljust(24), listed, by_tag)

    def all(self, tag: str) -> Sequence[Field]:
        return self.by_tag.get(tag, ())


def control(record: Marc, tag: str) -> str:
    found = record.all(tag)
    return found[0].text if found else ""


def first(record: Marc, *tags: str) -> Field | None:
    """Of the first tag that there is."""
    for tag in tags:
        if tag in record.by_tag:
            return record.by_tag[tag][0]
    return None


def joined(field: Field | None, codes: str) -> str:
    """These subfields in their order, blanks between; blanks folded."""
    if field is None:
        return ""
    return " ".join([value for code, value in field.subfields if value and code in codes])


def said(field: Field | None, alternatives: Iterable[str]) -> str:
    """Of several sets of codes the first under which something stands."""
    for codes in alternatives:
        if text := joined(field, codes):
            return text
    return ""


def each(record: Marc, tag: str, codes: str) -> Iterator[str]:
    """Each of these subfields of every such field."""
    for field in record.all(tag):
        yield from values(field, codes)


def values(field: Field, codes: str) -> list[str]:
    """Of these subfields, each by itself."""
    return [value for code, value in field.subfields if value and code in codes]


def local_number(record: Marc, where: str) -> Iterable[RecordId]:
    """The target's own number; `where`: none, 001, or tag and code."""
    if where == "none":
        return []
    value = control(record, where).strip() if len(where) == 3 else joined(first(record, where[:3]), where[3])
    return [RecordId("local", value)] if value else []


def part(text: str) -> tuple[str, str, str]:
    """Volume, issue and pages in words such as `Vol. 12, no. 3 (May 1998), p. 45-61`."""
    found = {name: match[1] for name, pattern in _PART.items() if (match := pattern.search(text))}
    return found.get("volume", ""), found.get("issue", ""), found.get("pages", "")


_PART = {
    "volume": re.compile(r"\b(?:v|vol|bd|band|t|tome|jg|jahrgang)\b\.?\s*(\d+)", re.IGNORECASE),
    "issue": re.compile(r"\b(?:no|nr|n°|issue|h|heft|num)\b\.?\s*(\d+(?:[-/]\d+)?)", re.IGNORECASE),
    "pages": re.compile(r"\b(?:pp?|s|seiten?|pages?)\b\.?\s*(\d+(?:\s*[-–]\s*\d+)?)", re.IGNORECASE),
}

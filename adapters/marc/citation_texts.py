"""Texts of records made fit for citations; number spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from stdnum import isbn
from stdnum.exceptions import ValidationError

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import format_issn
from gateway.ports.catalogue import SearchIndex

_SORTING = re.compile("[\x88\x89\x98\x9c¬]")
"""Around words that aren't sorted by: ISO 6630 (C1 controls), and its old stand-in in German records."""

_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d)(?!\d)")
_ISBN = re.compile(r"97[89](?:[ -]?\d){10}|\d(?:[ -]?\d){8}[ -]?[\dXx]")
_ISSN = re.compile(r"\d{4}[-‐–]?\d{3}[\dXx]")
_OCLC = re.compile(r"^\(OCoLC\)(?:oc[mn]|on)?\s*0*(\d+)", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")


def plain_text(text: str) -> str:
    """Blanks folded, no signs for sorting. The other functions here take texts that are so."""
    return " ".join((text if text.isascii() else _SORTING.sub("", text)).split())


def trim_punctuation(text: str) -> str:
    """Return a text without ISBD punctuation at its end; an initial keeps its full stop."""
    text = text.rstrip(" /:;,=")
    if not text.endswith(".") or text.endswith(".."):
        return text
    last = text[:-1].rsplit(" ", 1)[-1]
    return text[:-1] if len(last) > 2 else text


def clean_title(text: str) -> str:
    """Clean a title, also of ` / ` and who is responsible."""
    return trim_punctuation(text.partition(" / ")[0])


def find_year(text: str) -> str:
    """The first that stands in it; empty: none."""
    match = _YEAR.search(text)
    return match[0] if match is not None else ""


def publication_date(text: str) -> str:
    """The year, or what there is: `c1962.` -> 1962, `[18--?]` as it stands."""
    return find_year(text) or trim_punctuation(text)


def find_isbns(text: str) -> Iterable[RecordId]:
    match = _ISBN.search(text)
    return [RecordId("isbn", re.sub(r"[ -]", "", match[0]).upper())] if match is not None else []


def find_issns(text: str, type_: str = "issn") -> Iterable[RecordId]:
    match = _ISSN.search(text)
    digits = re.sub(r"[^0-9X]", "", match[0].upper()) if match is not None else ""
    return [RecordId(type_, f"{digits[:4]}-{digits[4:]}")] if digits else []


def find_oclc_numbers(text: str) -> Iterable[RecordId]:
    """Find the number in a system number such as `(OCoLC)ocm01234567`."""
    match = _OCLC.match(text.strip())
    return [RecordId("oclc", match[1])] if match is not None else []


def find_lccns(text: str) -> Iterable[RecordId]:
    value = "".join(text.split()).partition("/")[0]
    return [RecordId("lccn", value)] if value else []


def find_dois(text: str) -> Iterable[RecordId]:
    match = _DOI.search(text)
    return [RecordId("doi", match[0].rstrip(".,;"))] if match is not None else []


def distinct_identifiers(identifiers: Iterable[RecordId]) -> tuple[RecordId, ...]:
    return tuple(dict.fromkeys(identifiers))


class NumberForm(StrEnum):
    COMPACT = "compact"  # 9780395683293, 03178471
    HYPHENS = "hyphens"  # 978-0-395-68329-3, 0317-8471
    AS_IS = "as-is"


def format_term_value(index: SearchIndex, value: str, form: NumberForm) -> str:
    """Unchanged where it is no such number."""
    if form is NumberForm.AS_IS or index not in (SearchIndex.ISBN, SearchIndex.ISSN):
        return value.strip()
    if index is SearchIndex.ISSN:
        written = format_issn(value) or value.strip()
        return written if form is NumberForm.HYPHENS else re.sub(r"[\s-]", "", written)
    compact = str(isbn.compact(value))
    if form is NumberForm.COMPACT:
        return compact
    try:
        return str(isbn.format(isbn.validate(compact)))
    except ValidationError:
        return value.strip()

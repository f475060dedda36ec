"""The work that is asked for, and its standard numbers in one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import unquote

from stdnum import isbn, issn
from stdnum.exceptions import ValidationError

from gateway.domain.library import RecordId
from gateway.domain.value import value_object

_SAME = {"eissn": "issn", "issn-l": "issn", "lissn": "issn", "oclcnum": "oclc"}
"""Other names of a type. Print, electronic and linking ISSN name the same serial."""

_TYPED = re.compile(r"([a-z][a-z0-9-]*):(.+)", re.IGNORECASE)
_ISBN = re.compile(r"\d{13}|\d{9}[\dX]")
_ISSN = re.compile(r"\d{7}[\dX]")
_DOI = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)


class CitationType(StrEnum):
    BOOK = "book"
    CHAPTER = "chapter"
    JOURNAL = "journal"  # a whole volume or issue
    ARTICLE = "article"
    THESIS = "thesis"
    CONFERENCE_PAPER = "conference-paper"
    SCORE = "score"
    MAP = "map"
    VIDEO = "video"
    AUDIO = "audio"
    REPORT = "report"
    PATENT = "patent"
    NEWSPAPER = "newspaper"
    ARCHIVE = "archive"
    OTHER = "other"


BIBLIOGRAPHIC_NUMBERS = frozenset(
    (
        *("isbn", "issn", "ismn", "doi", "pmid", "pmcid", "oclc", "lccn"),
        *("arxiv", "hdl", "bibcode", "coden", "eric", "nbn", "patent"),
    )
)
"""Types of identifiers by which people find a work. Others are numbers of systems, or addresses."""

BIBLIOGRAPHIC_EXTRAS = frozenset(
    (
        *("stitle", "part", "chron", "ssn", "quarter", "artnum", "tpages", "contributor"),
        *("advisor", "degree", "co", "cc"),
        *("kind", "number", "applcc", "applnumber", "applyear", "appldate", "pubdate", "prioritydate", "assignee"),
    )
)
"""Extras of links that say something of the work (ANSI/NISO Z39.88-2004), by their keys there."""

RETRY = "retry"
"""Extra of a request: `true`, it was made before and couldn't be met."""

PREVIOUS_REQUEST = "previous-request"
"""Extra of a request: the number under which its requester made it before."""

POSSIBLE_SUPPLIER = "possible-supplier"
"""Extra of a request: the symbol of a library that has it, as its requester thinks."""

WANTED_ITEM = "wanted-item"
"""Extra of a request: the barcode of the supplier's copy that the requester has chosen."""

REQUESTER_PATRON = "requester-patron"
"""Extra of a request: the number by which the broker that made it knows the patron. It is forgotten with the patron."""

DECLARATION = "copyright-declaration"
"""Extra of a request: the words that its patron declared."""

SUPPLIER_RECORD = "supplier-record"
"""Type of a number: the record as the supplier that is asked has it in its catalogue. Nobody else is told it."""

_ORIGINAL_SCRIPT = " in original script"


@value_object
class CitationExtra:
    """A field that the gateway has no place for: kept, shown and passed on, never dropped (facts/users-want.md 12).

    `kind` says how `value` is to be read: text, number, date (ISO 8601) or boolean (true, false).
    """

    name: str
    value: str
    kind: str = "text"

    @property
    def is_bibliographic(self) -> bool:
        """True if it says something of the work, and not of the systems that passed the citation on."""
        return self.name in BIBLIOGRAPHIC_EXTRAS or self.name.endswith(_ORIGINAL_SCRIPT)


@value_object(kw_only=True)
class Citation:
    """A part (chapter, article) has its own title and author in `component_…`; title and author are those of the
    book or journal that holds it. `original` is what came in, untouched."""

    type: CitationType = CitationType.OTHER
    title: str = ""
    subtitle: str = ""
    author: str = ""
    component_title: str = ""
    component_author: str = ""
    series: str = ""
    edition: str = ""
    publisher: str = ""
    place: str = ""
    published: str = ""  # as cited: '1987', '2014-03'
    volume: str = ""
    issue: str = ""
    pages: str = ""  # pages requested
    language: str = ""
    call_number: str = ""
    identifiers: tuple[RecordId, ...] = ()  # isbn, issn, ismn, doi, pmid, oclc, lccn, local and other words
    source: str = ""  # where the citation was found
    note: str = ""
    extras: tuple[CitationExtra, ...] = ()
    original: str = ""

    @property
    def is_part(self) -> bool:
        return self.type in (CitationType.CHAPTER, CitationType.ARTICLE, CitationType.CONFERENCE_PAPER)

    @property
    def is_empty(self) -> bool:
        """True if it names nothing that could be looked for."""
        return not (self.title or self.component_title or self.identifiers)

    @property
    def short(self) -> str:
        """One line for lists: the part's title where there is one, and who wrote it."""
        title = self.component_title or self.title or "(no title)"
        author = self.component_author or self.author
        return f"{title} / {author}" if author else title

    def identifier(self, type_: str) -> str:
        return next((record_id.value for record_id in self.identifiers if record_id.type == type_), "")


def comparison_key(text: str) -> str:
    """`isbn:3-16-148410-0` -> `isbn:9783161484100`; empty when there is no type or no value."""
    match = _TYPED.fullmatch(text.strip())
    return normalize_number(match[1].lower(), match[2]) if match else ""


def canonical_type(type_: str) -> str:
    """Return the name of a type that we use."""
    plain = type_.strip().lower()
    return _SAME.get(plain, plain)


def normalize_number(type_: str, value: str) -> str:
    """`type:value` in a spelling that is equal for equal numbers; empty when nothing is left of the value.

    An ISBN of ten digits becomes the one of thirteen that it is part of; no check digit is looked at, since wrong
    ones are printed in books. Print, electronic and linking ISSN are all of type issn. LCCN: as the Library of
    Congress normalises them (lccn.loc.gov/lccnperm-faq.html).
    """
    type_ = canonical_type(type_)
    value = value.strip()
    match type_:
        case "isbn":
            value = _normalize_isbn(value)
        case "issn":
            value = re.sub(r"[^0-9X]", "", value.upper())
        case "oclc":
            value = re.sub(r"\D", "", value).lstrip("0")
        case "lccn":
            value = _normalize_lccn(value)
        case "doi":
            value = _DOI.sub("", value).casefold()
        case _:
            value = re.sub(r"\s", "", value).casefold()
    return f"{type_}:{value}" if value else ""


def _normalize_isbn(value: str) -> str:
    """Return an ISBN without what stands behind it, such as `(pbk.)`."""
    match = _ISBN.match(str(isbn.compact(value)))
    return str(isbn.to_isbn13(match[0])) if match is not None else ""


def _normalize_lccn(value: str) -> str:
    """`n 78-890351 //r86` -> `n78890351`."""
    plain = re.sub(r"\s", "", value).partition("/")[0].casefold()
    prefix, hyphen, serial = plain.partition("-")
    return f"{prefix}{serial:0>6}" if hyphen else plain


def list_isbn_forms(value: str) -> tuple[str, ...]:
    """List the forms that catalogues may have: thirteen digits, then ten where there is such a form. Empty: not an
    ISBN."""
    thirteen = _normalize_isbn(value)
    if not thirteen:
        return ()
    try:
        return (thirteen, str(isbn.to_isbn10(thirteen)))
    except ValidationError:  # not of 978, or its check digit is wrong
        return (thirteen,)


def format_issn(value: str) -> str:
    """`1344-8668`; empty: not an ISSN."""
    match = _ISSN.match(normalize_number("issn", value).removeprefix("issn:"))
    return str(issn.format(match[0])) if match is not None else ""


def normalize_numbers(identifiers: Iterable[RecordId]) -> frozenset[str]:
    return frozenset(filter(None, (normalize_number(identifier.type, identifier.value) for identifier in identifiers)))


def is_listed_work(identifiers: Iterable[RecordId], listed: Iterable[str]) -> bool | None:
    """Return whether one of the identifiers is in a list of `type:value`; None when the list has none of their types,
    so that it says nothing about them."""
    wanted, there = normalize_numbers(identifiers), frozenset(map(comparison_key, listed))
    if wanted & there:
        return True
    types = {number.partition(":")[0] for number in there}
    return False if any(number.partition(":")[0] in types for number in wanted) else None


# --- as people paste them --------------------------------------------------------------------------------

_DOI_LINK = re.compile(r"https?://(?:dx\.)?doi\.org/(.+)", re.IGNORECASE)
_WRITTEN_DOI = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}(?:\.\d+)*/\S+)", re.IGNORECASE)
_PUBMED_LINK = re.compile(
    r"https?://(?:pubmed\.ncbi\.nlm\.nih\.gov|(?:www\.)?ncbi\.nlm\.nih\.gov/pubmed)/(\d{1,9})/?(?:[?#]\S*)?",
    re.IGNORECASE,
)
_BARE_PMID = re.compile(r"\d{5,8}")
"""Of eight digits one that has the check digit of an ISSN is taken for that."""

_WRITTEN_NUMBERS = (
    (_WRITTEN_DOI, "doi"),
    (_PUBMED_LINK, "pmid"),
    (re.compile(r"issn[:\s]*(\d{4}-?\d{3}[\dX])|(\d{4}-\d{3}[\dX])|(\d{7}X)", re.IGNORECASE), "issn"),
    (re.compile(r"(?:isbn(?:-1[03])?[:\s]*)?((?:97[89][-\s]?)?(?:\d[-\s]?){9}[\dX])", re.IGNORECASE), "isbn"),
    (re.compile(r"(?:pmid|pubmed(?: id)?)[:\s]*(\d{1,9})", re.IGNORECASE), "pmid"),
    (re.compile(r"(?:oclc[:\s#]*|\(ocolc\)\s*|oc[mn]|on)(\d{1,12})", re.IGNORECASE), "oclc"),
)


def parse_standard_number(text: str) -> RecordId | None:
    """`10.1000/182`, `https://doi.org/10.1000/182`, `ISSN 1234-5679`, `978-3-16-148410-0`, `PMID 12345678`,
    `12345678`, `OCLC 12345`: by its form, with or without its name."""
    plain = text.strip()
    if (link := _DOI_LINK.fullmatch(plain)) is not None:
        plain = unquote(link[1]).strip()
    for pattern, type_ in _WRITTEN_NUMBERS:
        match = pattern.fullmatch(plain)
        if match is not None:
            return _make_number(type_, next(filter(None, match.groups())))
    if _BARE_PMID.fullmatch(plain):
        return RecordId("issn" if issn.is_valid(plain) else "pmid", plain)
    return None


def _make_number(type_: str, value: str) -> RecordId | None:
    """A full stop or comma behind a DOI belongs to the sentence that it was copied from."""
    value = value.rstrip(".,;")
    return RecordId(type_, value) if normalize_number(type_, value) else None

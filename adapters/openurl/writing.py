"""A citation as keys of OpenURL 1.0, without prefix: what both versions and all templates are made of."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.openurl.authors import halves, names_of
from adapters.openurl.genres import STANDARD
from adapters.openurl.keys import BOOK, DISSERTATION, JOURNAL, PATENT
from adapters.openurl.parts import range_of
from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import Citation, CitationType

Pair = tuple[str, str]

_FORMATS = {
    CitationType.ARTICLE: "journal",
    CitationType.JOURNAL: "journal",
    CitationType.NEWSPAPER: "journal",
    CitationType.THESIS: "dissertation",
    CitationType.PATENT: "patent",
}
"""All others are written as books: dc is read by few."""

_GENRES = {
    CitationType.ARTICLE: "article",
    CitationType.JOURNAL: "journal",
    CitationType.BOOK: "book",
    CitationType.CHAPTER: "bookitem",
    CitationType.REPORT: "report",
    CitationType.CONFERENCE_PAPER: "proceeding",
    CitationType.THESIS: "dissertation",
    CitationType.PATENT: "patent",
    CitationType.OTHER: "unknown",
}
"""Nothing that has no genre of its own is more than a document. dissertation and patent are no genres of the standard,
but resolvers go by them (facts/openurl.md section 2)."""

_KNOWN = {"journal": JOURNAL, "book": BOOK, "dissertation": DISSERTATION, "patent": PATENT}
_ISSNS = ("issn", "eissn")
_URIS = {"doi": "info:doi/", "pmid": "info:pmid/", "oclc": "info:oclcnum/", "lccn": "info:lccn/", "hdl": "info:hdl/"}


@frozen
class Written:
    """`pairs`: keys of the referent's metadata; `ids`: URIs of the referent."""

    format: str
    genre: str
    pairs: tuple[Pair, ...]
    ids: tuple[str, ...]


def write(citation: Citation) -> Written:
    format_ = format_of(citation)
    pairs = tuple((key, value) for key, value in _pairs(citation, format_) if value)
    numbers, ids = _numbers(citation)
    return Written(format_, _genre(citation), pairs + numbers, ids)


def format_of(citation: Citation) -> str:
    if citation.type is CitationType.CONFERENCE_PAPER:
        return "journal" if citation.identifier("issn") and not citation.identifier("isbn") else "book"
    return _FORMATS.get(citation.type, "book")


def _genre(citation: Citation) -> str:
    """The word that came in says more than the type."""
    kept = next((one.value for one in citation.extras if one.name == "genre"), "")
    if citation.type is CitationType.NEWSPAPER and not kept:
        return "article" if citation.component_title else "journal"
    return kept if kept in STANDARD else _GENRES.get(citation.type, "document")


def _pairs(citation: Citation, format_: str) -> Iterator[Pair]:
    yield "atitle", citation.component_title
    whole = {"journal": "jtitle", "book": "btitle"}.get(format_, "title")
    yield whole, full_title(citation)
    yield from _authors(citation)
    yield "date", citation.published
    yield "volume", citation.volume
    yield "issue", citation.issue
    first, last = range_of(citation.pages)
    yield "spage", first
    yield "epage", last
    yield "pages", citation.pages
    yield "inst" if format_ == "dissertation" else "pub", citation.publisher
    yield "place", citation.place
    yield "edition", citation.edition
    yield "series", citation.series
    yield "language", citation.language
    yield "callnumber", citation.call_number
    for extra in citation.extras:
        if extra.name in _KNOWN[format_] - {"genre", "title"}:
            yield extra.name, extra.value


def full_title(citation: Citation) -> str:
    return f"{citation.title} : {citation.subtitle}" if citation.subtitle else citation.title


def _authors(citation: Citation) -> Iterator[Pair]:
    """The first name in two halves as well: 0.1 and many forms know nothing else."""
    names = names_of(citation.component_author if citation.is_part else citation.author)
    if names:
        last, first = halves(names[0])
        yield "aulast", last
        yield "aufirst", first
    for name in names:
        yield "au", name


def _numbers(citation: Citation) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    pairs: list[Pair] = []
    ids: list[str] = []
    taken: set[str] = set()
    for one in citation.identifiers:
        key = _key(one.type, taken)
        if key:
            taken.add(key)
            pairs.append((key, one.value))
        elif one.type == "url":
            ids.append(one.value)
        else:
            ids.append(f"{_URIS.get(one.type, f'urn:{one.type.upper()}:')}{one.value}")
    return tuple(pairs), tuple(ids)


def _key(type_: str, taken: set[str]) -> str:
    """A key for a number; the second ISBN has none, since keys of KEV stand once."""
    if type_ in ("issn", "eissn"):
        return next((key for key in _ISSNS if key not in taken), "")
    key = {"isbn": "isbn", "coden": "coden", "sici": "sici", "bici": "bici", "patent": "number"}.get(type_, "")
    return "" if key in taken else key

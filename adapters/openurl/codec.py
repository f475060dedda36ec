"""OpenURL <-> citation; keys of 1.0 and 0.1 written.

Pure: nothing is fetched.

`decode`: version 0.1 and 1.0, by GET, POST or both, KEV or an XML context object by value.
`encode`: 1.0 KEV as the standard has it. What its formats have no place for goes into `rft_dat` under our own key, so
that decode(encode(x)) is x; templates for partners are `adapters.openurl.channel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

from adapters.openurl.citation_reader import FIELDS, read_citation
from adapters.openurl.keys import BOOK, DISSERTATION, JOURNAL, PATENT, STANDARD
from adapters.openurl.link_parser import parse_link
from adapters.openurl.value_parsers import dump_private_data, split_authors, split_name, split_page_range
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.request import ServiceType
from gateway.domain.value import value_object
from gateway.ports.catalogue import LinkCitation, ReceivedLink

MATRIX = "info:ofi/fmt:kev:mtx:"

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

_NAMES = {"jtitle": "title", "btitle": "title"}
_IDS = {"info:doi/": "doi:", "info:pmid/": "pmid:", "info:oclcnum/": "oclcnum:"}
"""facts/openurl.md section 1; other identifiers have no form in 0.1."""


def decode(link: ReceivedLink) -> LinkCitation:
    """Decode a link; raises MalformedMessage where nothing at all can be read."""
    return read_citation(parse_link(link))


def encode(citation: Citation, service: ServiceType) -> str:
    """A query string, percent-encoded UTF-8."""
    pairs = tuple(context_pairs(citation))
    lost = tuple(_find_lost_fields(citation, service, pairs))
    return encode_query((*pairs, ("rft_dat", dump_private_data(lost))) if lost else pairs)


def context_pairs(citation: Citation, prefix: str = "rft.", genre: str = "", charset: str = "utf-8") -> Iterator[Pair]:
    """The keys of a 1.0 context object. `genre`: instead of the one that the citation's type has."""
    item = write_citation(citation)
    yield "url_ver", "Z39.88-2004"
    yield "url_ctx_fmt", f"{MATRIX}ctx"
    yield "ctx_ver", "Z39.88-2004"
    yield "ctx_enc", f"info:ofi/enc:{charset.upper()}"
    if citation.source:
        yield "rfr_id", f"info:sid/{citation.source}"
    yield "rft_val_fmt", f"{MATRIX}{item.format}"
    yield f"{prefix}genre", genre or item.genre
    for key, value in item.pairs:
        yield f"{prefix}{key}", value
    for uri in item.ids:
        yield "rft_id", uri
    if citation.note:
        yield f"{prefix}notes", citation.note


def encode_query(pairs: tuple[Pair, ...], charset: str = "utf-8") -> str:
    """Encode a query; what the character set lacks becomes `&#8211;`, as in the forms of browsers."""
    return "&".join(
        f"{quote_plus(key)}={quote_plus(value.encode(charset, 'xmlcharrefreplace'))}" for key, value in pairs
    )


def _find_lost_fields(citation: Citation, service: ServiceType, pairs: tuple[Pair, ...]) -> Iterator[tuple[str, Any]]:
    """Fields that would be read back as something else."""
    read = decode(ReceivedLink(encode_query(pairs).encode()))
    for name in FIELDS:
        value = getattr(citation, name)
        if getattr(read.citation, name) != value:
            yield name, value
    if read.service is not service:
        yield "service", service


class OpenUrlFormat:
    """The port `LinkFormat`."""

    name = "openurl"

    def decode(self, link: ReceivedLink) -> LinkCitation:
        return decode(link)

    def encode(self, citation: Citation, service: ServiceType) -> str:
        return encode(citation, service)


@value_object
class WrittenCitation:
    """`pairs`: keys of the referent's metadata; `ids`: URIs of the referent."""

    format: str
    genre: str
    pairs: tuple[Pair, ...]
    ids: tuple[str, ...]


def write_citation(citation: Citation) -> WrittenCitation:
    format_ = choose_metadata_format(citation)
    pairs = tuple((key, value) for key, value in _metadata_pairs(citation, format_) if value)
    numbers, ids = _number_pairs(citation)
    return WrittenCitation(format_, _choose_genre(citation), pairs + numbers, ids)


def choose_metadata_format(citation: Citation) -> str:
    if citation.type is CitationType.CONFERENCE_PAPER:
        return "journal" if citation.identifier("issn") and not citation.identifier("isbn") else "book"
    return _FORMATS.get(citation.type, "book")


def _choose_genre(citation: Citation) -> str:
    """The word that came in says more than the type."""
    kept = next((extra.value for extra in citation.extras if extra.name == "genre"), "")
    if citation.type is CitationType.NEWSPAPER and not kept:
        return "article" if citation.component_title else "journal"
    return kept if kept in STANDARD else _GENRES.get(citation.type, "document")


def _metadata_pairs(citation: Citation, format_: str) -> Iterator[Pair]:
    yield "atitle", citation.component_title
    whole = {"journal": "jtitle", "book": "btitle"}.get(format_, "title")
    yield whole, full_title(citation)
    yield from _author_pairs(citation)
    yield "date", citation.published
    yield "volume", citation.volume
    yield "issue", citation.issue
    first, last = split_page_range(citation.pages)
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


def _author_pairs(citation: Citation) -> Iterator[Pair]:
    """The first name in two halves as well: 0.1 and many forms know nothing else."""
    names = split_authors(citation.component_author if citation.is_part else citation.author)
    if names:
        last, first = split_name(names[0])
        yield "aulast", last
        yield "aufirst", first
    for name in names:
        yield "au", name


def _number_pairs(citation: Citation) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    pairs: list[Pair] = []
    ids: list[str] = []
    taken: set[str] = set()
    for identifier in citation.identifiers:
        key = _choose_number_key(identifier.type, taken)
        if key:
            taken.add(key)
            pairs.append((key, identifier.value))
        elif identifier.type == "url":
            ids.append(identifier.value)
        else:
            ids.append(f"{_URIS.get(identifier.type, f'urn:{identifier.type.upper()}:')}{identifier.value}")
    return tuple(pairs), tuple(ids)


def _choose_number_key(type_: str, taken: set[str]) -> str:
    """A key for a number; the second ISBN has none, since keys of KEV stand once."""
    if type_ in ("issn", "eissn"):
        return next((key for key in _ISSNS if key not in taken), "")
    key = {"isbn": "isbn", "coden": "coden", "sici": "sici", "bici": "bici", "patent": "number"}.get(type_, "")
    return "" if key in taken else key


def old_version_pairs(citation: Citation, genre: str = "") -> Iterator[Pair]:
    """`au` is not of this version, so it comes only where there are several authors."""
    item = write_citation(citation)
    several = sum(key == "au" for key, _ in item.pairs) > 1
    if citation.source:
        yield "sid", citation.source
    yield "genre", genre or item.genre
    for key, value in item.pairs:
        if key != "au" or several:
            yield _NAMES.get(key, key), value
    for uri in item.ids:
        prefix = next((prefix for prefix in _IDS if uri.startswith(prefix)), "")
        if prefix:
            yield "id", _IDS[prefix] + uri.removeprefix(prefix)
    if citation.note:
        yield "notes", citation.note

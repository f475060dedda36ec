"""Crossref's description of a work (`GET /works/DOI`) -> Citation. Source: facts/article-services.md 1."""

from __future__ import annotations

from adapters.articles.json_values import (
    JsonObject,
    iter_objects,
    parse_object,
    read_list,
    read_object,
    read_text,
    read_texts,
)
from adapters.articles.names import join_authors, join_name
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.value import replace

SOURCE = "Crossref"

_TYPES = {
    "journal-article": CitationType.ARTICLE,
    "posted-content": CitationType.ARTICLE,
    "peer-review": CitationType.ARTICLE,
    "book": CitationType.BOOK,
    "monograph": CitationType.BOOK,
    "edited-book": CitationType.BOOK,
    "reference-book": CitationType.BOOK,
    "book-set": CitationType.BOOK,
    "proceedings": CitationType.BOOK,
    "book-chapter": CitationType.CHAPTER,
    "book-section": CitationType.CHAPTER,
    "book-part": CitationType.CHAPTER,
    "book-track": CitationType.CHAPTER,
    "reference-entry": CitationType.CHAPTER,
    "proceedings-article": CitationType.CONFERENCE_PAPER,
    "dissertation": CitationType.THESIS,
    "report": CitationType.REPORT,
    "report-component": CitationType.REPORT,
    "journal": CitationType.JOURNAL,
    "journal-volume": CitationType.JOURNAL,
    "journal-issue": CitationType.JOURNAL,
}

_DATES = ("published-print", "issued", "published", "published-online", "posted")
"""The first that is there counts: a volume has the year in which it was printed."""


def read_crossref_work(body: bytes) -> Citation:
    """Read a work; raises MalformedMessage."""
    answer = parse_object(body)
    work = read_object(answer, "message")
    if read_text(answer, "message-type") != "work" or not work:
        raise MalformedMessage("message", "no description of a work")
    common = Citation(
        type=_TYPES.get(read_text(work, "type"), CitationType.OTHER),
        edition=read_text(work, "edition-number"),
        publisher=read_text(work, "publisher"),
        place=read_text(work, "publisher-location"),
        published=_read_date(work),
        volume=read_text(work, "volume"),
        issue=read_text(work, "issue"),
        pages=read_text(work, "page") or read_text(work, "article-number"),
        language=read_text(work, "language"),
        identifiers=tuple(_read_identifiers(work)),
        source=SOURCE,
    )
    title, subtitle = read_text(work, "title"), read_text(work, "subtitle")
    authors = _read_people(work, "author")
    if not common.is_part:
        return replace(common, title=title, subtitle=subtitle, author=authors or _read_people(work, "editor"))
    return replace(
        common,
        component_title=": ".join(filter(None, (title, subtitle))),
        component_author=authors,
        title=read_text(work, "container-title"),
        author=_read_people(work, "editor"),
    )


def _read_people(work: JsonObject, role: str) -> str:
    return join_authors(
        join_name(read_text(person, "family"), read_text(person, "given")) or read_text(person, "name")
        for person in iter_objects(work, role)
    )


def _read_date(work: JsonObject) -> str:
    """`date-parts` is [[year, month, day]], as far as they are known; a year that isn't is null."""
    for name in _DATES:
        outer = read_list(read_object(work, name), "date-parts")
        parts = outer[0] if outer and isinstance(outer[0], list) else []
        known = [part for part in parts[:3] if isinstance(part, int) and not isinstance(part, bool)]
        if known and len(known) == len(parts[:3]):
            return "-".join([f"{known[0]:04}", *(f"{part:02}" for part in known[1:])])
    return ""


def _read_identifiers(work: JsonObject) -> list[RecordId]:
    identifiers = [RecordId("doi", doi)] if (doi := read_text(work, "DOI")) else []
    identifiers += [RecordId("issn", text) for text in read_texts(work, "ISSN")]
    # Older deposits have `http://id.crossref.org/isbn/9783161484100`.
    identifiers += [RecordId("isbn", text.rpartition("/")[2]) for text in read_texts(work, "ISBN")]
    return identifiers

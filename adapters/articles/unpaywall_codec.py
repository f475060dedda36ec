"""Unpaywall's answer about a DOI (`GET /v2/DOI`) -> where it can be read. Source: facts/article-services.md 3."""

from __future__ import annotations

from adapters.articles.json_values import (
    JsonObject,
    is_web_address,
    iter_objects,
    parse_object,
    read_object,
    read_text,
)
from adapters.articles.names import join_authors, join_name
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.value import replace
from gateway.ports.article_lookup import FoundArticle, FreeVersion

SOURCE = "Unpaywall"

_TYPES = {
    "journal-article": CitationType.ARTICLE,
    "posted-content": CitationType.ARTICLE,
    "book": CitationType.BOOK,
    "monograph": CitationType.BOOK,
    "book-chapter": CitationType.CHAPTER,
    "book-section": CitationType.CHAPTER,
    "book-part": CitationType.CHAPTER,
    "reference-entry": CitationType.CHAPTER,
    "proceedings-article": CitationType.CONFERENCE_PAPER,
    "dissertation": CitationType.THESIS,
    "report": CitationType.REPORT,
}


def read_unpaywall_answer(body: bytes) -> FoundArticle:
    """Read an answer; raises MalformedMessage."""
    answer = parse_object(body)
    if not read_text(answer, "doi"):
        raise MalformedMessage("doi", "no answer about a DOI")
    return FoundArticle(citation=_read_citation(answer), free=_read_free_version(answer))


def _read_free_version(answer: JsonObject) -> FreeVersion | None:
    best = read_object(answer, "best_oa_location")
    places = [read_text(best, name) for name in ("url_for_pdf", "url_for_landing_page", "url")]
    url = next(filter(is_web_address, places), "")
    if not url:
        return None
    return FreeVersion(
        url=url,
        version=read_text(best, "version"),
        host=read_text(best, "host_type"),
        license=read_text(best, "license"),
    )


def _read_citation(answer: JsonObject) -> Citation | None:
    title = read_text(answer, "title")
    if not title:
        return None
    authors = join_authors(
        read_text(author, "raw_author_name") or join_name(read_text(author, "family"), read_text(author, "given"))
        for author in iter_objects(answer, "z_authors")
    )
    issns = [part.strip() for part in read_text(answer, "journal_issns").split(",") if part.strip()]
    common = Citation(
        type=_TYPES.get(read_text(answer, "genre"), CitationType.OTHER),
        publisher=read_text(answer, "publisher"),
        published=read_text(answer, "year"),
        identifiers=(RecordId("doi", read_text(answer, "doi")), *(RecordId("issn", issn) for issn in issns)),
        source=SOURCE,
    )
    if not common.is_part:
        return replace(common, title=title, author=authors)
    return replace(common, component_title=title, component_author=authors, title=read_text(answer, "journal_name"))

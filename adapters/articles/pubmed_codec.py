"""PubMed's summary of an article (`esummary.fcgi`, JSON) -> Citation. Source: facts/article-services.md 2."""

from __future__ import annotations

import re

from adapters.articles.json_values import JsonObject, iter_objects, parse_object, read_object, read_text, read_texts
from adapters.articles.names import join_authors
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.value import replace
from gateway.ports.article_lookup import FoundArticle, FreeVersion

SOURCE = "PubMed"
REPOSITORY = "https://pmc.ncbi.nlm.nih.gov/articles/{number}/"
"""PubMed Central: all that is there can be read by everybody, once its embargo is over."""

_NUMBER_TYPES = {"pubmed": "pmid", "doi": "doi", "pmc": "pmcid"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"(\d{4})(?: ([A-Z][a-z]{2})(?: (\d{1,2}))?)?(?!\S)")
_SHORT_RANGE = re.compile(r"(\d+)-(\d+)")


def read_pubmed_summary(body: bytes, number: str) -> FoundArticle | None:
    """`number`: the PubMed ID that was asked for. None: there is none such. Raises MalformedMessage."""
    answer = parse_object(body)
    if text := read_text(answer, "error"):
        raise MalformedMessage("error", text)
    summary = read_object(read_object(answer, "result"), number)
    if not summary:
        raise MalformedMessage(f"result.{number}", "no summary of what was asked for")
    if read_text(summary, "error"):  # `cannot get document summary`
        return None
    identifiers = tuple(_read_identifiers(summary))
    return FoundArticle(citation=_read_summary_citation(summary, identifiers), free=_read_free_version(summary))


def _read_summary_citation(summary: JsonObject, identifiers: tuple[RecordId, ...]) -> Citation:
    authors = join_authors(read_text(author, "name") for author in iter_objects(summary, "authors"))
    title, book = _trim_title(read_text(summary, "title")), _trim_title(read_text(summary, "booktitle"))
    common = Citation(
        type=CitationType.ARTICLE,
        edition=read_text(summary, "edition"),
        publisher=read_text(summary, "publishername"),
        place=read_text(summary, "publisherlocation"),
        published=_format_date(read_text(summary, "pubdate") or read_text(summary, "epubdate")),
        volume=read_text(summary, "volume"),
        issue=read_text(summary, "issue"),
        pages=_expand_pages(read_text(summary, "pages")),
        language=next(iter(read_texts(summary, "lang")), ""),
        identifiers=identifiers,
        source=SOURCE,
    )
    if book and not title:
        return replace(common, type=CitationType.BOOK, title=book, author=authors)
    return replace(
        common,
        type=CitationType.CHAPTER if book else CitationType.ARTICLE,
        component_title=title,
        component_author=authors,
        title=book or read_text(summary, "fulljournalname") or read_text(summary, "source"),
    )


def _trim_title(title: str) -> str:
    """`[A title put into English].` -> `A title put into English`."""
    plain = title.removesuffix(".").strip()
    return plain[1:-1].removesuffix(".") if plain.startswith("[") and plain.endswith("]") else plain


def _format_date(text: str) -> str:
    """`2014 Jun 9` -> `2014-06-09`; of `2015 Mar-Apr` and `2003 Spring` the year."""
    match = _DATE.match(text)
    if match is None:
        year = re.match(r"\d{4}", text)
        return year[0] if year else text
    if match[2] not in _MONTHS:
        return match[1]
    return f"{match[1]}-{_MONTHS.index(match[2]) + 1:02}" + (f"-{int(match[3]):02}" if match[3] else "")


def _expand_pages(text: str) -> str:
    """`1244-9` -> `1244-1249`."""
    match = _SHORT_RANGE.fullmatch(text)
    if match is None or len(match[2]) >= len(match[1]):
        return text
    return f"{match[1]}-{match[1][: -len(match[2])]}{match[2]}"


def _read_identifiers(summary: JsonObject) -> list[RecordId]:
    ids = [
        RecordId(type_, value)
        for id_ in iter_objects(summary, "articleids")
        if (type_ := _NUMBER_TYPES.get(read_text(id_, "idtype"))) and (value := read_text(id_, "value"))
    ]
    return ids + [RecordId("issn", value) for name in ("issn", "essn") if (value := read_text(summary, name))]


def _read_free_version(summary: JsonObject) -> FreeVersion | None:
    """`pmcid` says `pmc-id: PMC1234567;`, and `embargo-date: 2027/01/01;` behind it as long as nobody may read it."""
    values = {read_text(id_, "idtype"): read_text(id_, "value") for id_ in iter_objects(summary, "articleids")}
    number = values.get("pmc", "")
    if not re.fullmatch(r"PMC\d+", number) or "embargo-date" in values.get("pmcid", ""):
        return None
    return FreeVersion(url=REPOSITORY.format(number=number), host="repository")

"""What a link carries -> Citation, service and report. The rules are facts/openurl.md section 1's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace

from adapters.openurl.authors import SEPARATOR, author_of
from adapters.openurl.carrying import Carried
from adapters.openurl.genres import Evidence, Kind, kind_of
from adapters.openurl.numbers import Found, of_uri, typed
from adapters.openurl.parts import date_of, is_extent, pages_of, sici_of
from adapters.openurl.referent import Referent
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.fingerprint import fold_for_search
from gateway.ports.citing import Cited

_NUMBERS = (
    ("isbn", "isbn"),
    ("issn", "issn"),
    ("eissn", "eissn"),
    ("doi", "doi"),
    ("pmid", "pmid"),
    ("oclcnum", "oclc"),
    ("oclc", "oclc"),
    ("lccn", "lccn"),
    ("coden", "coden"),
    ("sici", "sici"),
    ("bici", "bici"),
)
"""Keys, and the types of their numbers."""

_EXTRAS = (
    *("part", "chron", "ssn", "quarter", "artnum", "tpages", "advisor", "degree", "co", "cc"),
    *("kind", "applcc", "applnumber", "applyear", "appldate", "pubdate", "prioritydate", "assignee"),
    *("subject", "description", "contributor", "format", "coverage", "relation", "rights", "source"),
)
"""What a citation has no place for: kept by the name of its key."""

_SERIALS = frozenset({CitationType.ARTICLE, CitationType.JOURNAL, CitationType.NEWSPAPER})
_RESPONSIBILITY = re.compile(r"(?P<title>.*\S) / (?P<author>[^/]*[^/\s])\.\Z", re.DOTALL)
_TRAILING = " /:;=,"
_SID = re.compile(r"info:sid/", re.IGNORECASE)


def cited(carried: Carried) -> Cited:
    said = Referent(carried)
    return _Reading(said).cited(carried.original)


class _Reading:
    def __init__(self, said: Referent) -> None:
        self.said = said
        self.sici = sici_of(said.one("sici", "bici"))
        self.identifiers = self._identifiers()
        self.pages = self._pages()
        self.kind = self._kind()

    def cited(self, original: str) -> Cited:
        said = self.said
        citation = self._citation()
        said.keep("genre", self.kind.genre)
        said.keep_values(_EXTRAS)
        said.report_contradictions()
        referrer = _SID.sub("", said.admin("rfr_id", "sid"))
        citation = replace(citation, extras=tuple(said.extras), source=referrer, original=original)
        own = dict(said.private.own or {})
        service = own.pop("service", self.kind.service)
        return Cited(
            citation=replace(citation, **own),
            service=service,
            requester=said.admin("req_id", "req_dat"),
            referrer=referrer,
            unknown=tuple(said.lines),
        )

    # --- numbers -----------------------------------------------------------------------------------------

    def _identifiers(self) -> tuple[RecordId, ...]:
        return tuple(dict.fromkeys(self._all_numbers()))

    def _all_numbers(self) -> Iterator[RecordId]:
        """Print and electronic ISSN both name the serial: they are of one type, print first."""
        for key, type_ in _NUMBERS:
            for value in self.said.all(key):
                yield from self._kept(key, value, typed(type_, value))
        for key in ("rft_id", "id"):
            for value in self.said.admins(key):
                yield from self._kept(key, value, of_uri(value))
        for value in self.said.all("identifier"):
            yield from self._kept("identifier", value, of_uri(value))
        if self.said.format == "patent" or self.said.has("cc", "kind", "applcc", "assignee"):
            yield from (RecordId("patent", value) for value in self.said.all("number"))
        else:
            self.said.keep_values(["number"])
        if self.sici.number:
            yield from typed("isbn", self.sici.number).ids

    def _kept(self, key: str, value: str, found: Found) -> tuple[RecordId, ...]:
        if found.wrong:
            self.said.report(key, value, found.wrong)
        if not found.ids:
            self.said.keep(key, value)
        return tuple(RecordId("issn", one.value) if one.type == "eissn" else one for one in found.ids)

    def _number(self, type_: str) -> bool:
        return any(one.type == type_ for one in self.identifiers)

    # --- what kind of thing ------------------------------------------------------------------------------

    def _kind(self) -> Kind:
        said = self.said
        genre = said.one("genre")
        evidence = Evidence(
            format=said.format,
            types=said.all("type"),
            part=self._names_a_part(),
            pages=bool(self.pages),
            isbn=self._number("isbn"),
            serial=self._number("issn") or self._number("coden") or said.has("jtitle", "stitle", "volume", "issue"),
            book=said.has("btitle", "edition", "bici", "pub", "publisher", "place"),
            article_number=self._number("doi") or self._number("pmid"),
            thesis=said.has("degree", "advisor", "inst"),
        )
        kind = kind_of(genre, evidence)
        if not kind.known:
            said.keep("genre", genre)
            said.report("genre", genre, "is not known")
        return kind

    def _names_a_part(self) -> bool:
        """Some links repeat the title of the whole in `atitle`, or have a thesis' title there alone."""
        title, whole = self.said.one("atitle"), self.said.one("btitle", "jtitle", "title")
        return (
            bool(title) and fold_for_search(title) != fold_for_search(whole) and not (self._is_thesis() and not whole)
        )

    def _is_thesis(self) -> bool:
        return self.said.format == "dissertation" or kind_of(self.said.one("genre"), Evidence()).type is (
            CitationType.THESIS
        )

    # --- the citation ------------------------------------------------------------------------------------

    def _citation(self) -> Citation:
        said, type_ = self.said, self.kind.type
        title, component = self._titles()
        author = author_of(said.one, said.all) or SEPARATOR.join(said.all("creator") or self._inventors())
        if type_ not in _SERIALS:
            title, author = _without_responsibility(title, author)
        is_part = type_ in (CitationType.CHAPTER, CitationType.ARTICLE, CitationType.CONFERENCE_PAPER)
        return Citation(
            type=type_,
            title=title.rstrip(_TRAILING),
            subtitle=said.one("subtitle"),
            author="" if is_part else author,
            component_title=component.rstrip(_TRAILING),
            component_author=author if is_part else "",
            series=said.one("series"),
            edition=said.one("edition"),
            publisher=said.one("pub", "publisher", "inst"),
            place=said.one("place"),
            published=self._date(),
            volume=said.one("volume") or self.sici.volume,
            issue=said.one("issue") or self.sici.issue,
            pages=self.pages,
            language=said.one("language"),
            call_number=said.one("callnumber"),
            identifiers=self.identifiers,
            note="\n".join(dict.fromkeys((*said.all("notes"), *said.all("note")))),
        )

    def _titles(self) -> tuple[str, str]:
        """Of the whole and of the part. In an article's link `title` is the journal's, but where `jtitle` is there too
        some have the article's own in it."""
        said = self.said
        whole = said.one("jtitle", "btitle") if self.kind.type in _SERIALS else said.one("btitle", "jtitle")
        title, part = said.one("title"), said.one("atitle")
        short = said.one("stitle")
        if not whole:
            whole, title = title, ""
        if not whole:
            whole, short = short, ""
        if title and fold_for_search(title) != fold_for_search(whole):
            if not part and self._could_be_part():
                part = title
            else:
                said.keep("title", title)
                said.report("title", title, "is another title, not taken")
        said.keep("stitle", short)
        if not whole and not self._could_be_part():
            whole, part = part, ""
        return whole, "" if fold_for_search(part) == fold_for_search(whole) and not self._could_be_part() else part

    def _could_be_part(self) -> bool:
        return self.kind.type in (
            CitationType.ARTICLE,
            CitationType.CHAPTER,
            CitationType.CONFERENCE_PAPER,
            CitationType.NEWSPAPER,
        )

    def _inventors(self) -> tuple[str, ...]:
        last, first = self.said.one("invlast"), self.said.one("invfirst", "invinit")
        whole = f"{last}, {first}" if last and first else last
        return self.said.all("inv") or ((whole,) if whole else ())

    # --- date and pages ----------------------------------------------------------------------------------

    def _date(self) -> str:
        """`chron` is a date in words; the season and quarter alone stay what they are."""
        said = self.said.one("date") or self.sici.date or self.said.one("chron", "pubdate")
        found, is_one = date_of(said)
        if not is_one:
            self.said.report("date", said, "is no day")
        return found

    def _pages(self) -> str:
        said = self.said
        pages = said.one("pages")
        if pages and is_extent(pages) and not said.has("spage", "atitle"):
            said.keep("tpages", pages)
            pages = ""
        found, contradicted = pages_of(pages, said.one("spage"), said.one("epage"))
        if contradicted:
            said.report("spage", said.one("spage"), f"is not in the pages {pages}")
        return found or self.sici.spage


def _without_responsibility(title: str, author: str) -> tuple[str, str]:
    """`Title / Author.` from MARC 245: what stands behind the stroke is the author where no other is said."""
    match = _RESPONSIBILITY.fullmatch(title)
    if match is None:
        return title, author
    return match["title"], author or match["author"]


FIELDS = tuple(one.name for one in fields(Citation) if one.name != "original")

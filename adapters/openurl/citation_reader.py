"""Keys -> citation, service and report.

The rules are facts/openurl.md section 1's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace

from adapters.openurl.keys import (
    BY_REFERENCE,
    CHARSET_HABIT,
    ENTITY,
    FORMAT,
    ITEM_FORMATS,
    PLAIN,
    REFERENT,
    REQUESTER,
    Evidence,
    Kind,
    kind_of,
)
from adapters.openurl.link_parser import Carried
from adapters.openurl.value_parsers import (
    SEPARATOR,
    Found,
    Private,
    author_of,
    date_of,
    is_extent,
    of_uri,
    pages_of,
    private_of,
    sici_of,
    typed,
)
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType, Extra
from gateway.domain.text_folding import fold_for_search
from gateway.ports.catalogue import Cited

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

LONGEST = 200
"""Characters of a value that are shown in the report."""

MOST = 100
"""Lines of the report."""

_PRIVATE_NAMES = frozenset({"oclcnum", "oclc", "isbn", "issn", "eissn", "doi", "pmid", "lccn"})
_REPEATABLE = frozenset({"au", "aucorp", "creator", "inv", "subject", "identifier", "type", "isbn", "issn", "eissn"})


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


class Referent:
    """Values by key; `report` collects what was not understood, one line each."""

    def __init__(self, carried: Carried) -> None:
        self._values: dict[str, list[str]] = {}
        self._admin: dict[str, list[str]] = {}
        self.extras: list[Extra] = []
        self.lines: list[str] = list(carried.notes)
        self.private = Private()
        for key, value in sorted(carried.pairs, key=lambda pair: not pair[0].startswith("rft.")):
            self._sort_in(key, value)

    def _sort_in(self, key: str, value: str) -> None:
        name = key.removeprefix("rft.")
        if name in (REFERENT if key != name else PLAIN):
            self._add(self._values, name, value)
        elif key != name:
            self.keep(name, value)
            self.report(key, value, "is not known")
        elif key in BY_REFERENCE:
            shown = "" if REQUESTER.match(key) else value
            self.report(key, shown, "is elsewhere, which is not fetched")
        elif key in ("rft_dat", "pid"):
            self._take_private(key, value)
        elif key in ("sid", "id", CHARSET_HABIT) or ENTITY.match(key):
            self._add(self._admin, key, value)
        else:
            self.report(key, "", "is no key of OpenURL")  # without its value: it may be about a person

    @staticmethod
    def _add(to: dict[str, list[str]], key: str, value: str) -> None:
        values = to.setdefault(key, [])
        if value.casefold() not in (one.casefold() for one in values):
            values.append(value)

    def _take_private(self, key: str, value: str) -> None:
        found = private_of(value)
        if found.own is not None:
            self.private = found
        for name, text in found.pairs:
            if name in _PRIVATE_NAMES:
                self._add(self._values, name, text)
            else:
                self.keep(name, text)
        if not found.known:
            self.keep(key, value)
            self.report(key, value, "is not understood")

    # --- what is said ------------------------------------------------------------------------------------

    def one(self, *names: str) -> str:
        """The value of the first of these keys that has one."""
        return next((values[0] for name in names if (values := self._values.get(name))), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def admin(self, *keys: str) -> str:
        return next((values[0] for key in keys if (values := self._admin.get(key))), "")

    def admins(self, key: str) -> tuple[str, ...]:
        return tuple(self._admin.get(key, ()))

    def has(self, *names: str) -> bool:
        return any(name in self._values for name in names)

    @property
    def format(self) -> str:
        """journal, book, dissertation, patent, dc, by the first `rft_val_fmt` that says one of them."""
        for said in self.admins("rft_val_fmt"):
            found = FORMAT.fullmatch(said)
            if found is not None and found[1].lower() in ITEM_FORMATS:
                return found[1].lower().removeprefix("oai_")
            self.report("rft_val_fmt", said, "is not known")
        return ""

    # --- what is not understood --------------------------------------------------------------------------

    def keep(self, name: str, value: str) -> None:
        """What has no place in a citation."""
        extra = Extra(name, value)
        if value and extra not in self.extras:
            self.extras.append(extra)

    def keep_values(self, names: Iterable[str]) -> None:
        for name in names:
            for value in self.all(name):
                self.keep(name, value)

    def report(self, key: str, value: str, what: str) -> None:
        shown = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
        line = f"{key} {what}: {shown}" if shown else f"{key} {what}"
        if line not in self.lines and len(self.lines) < MOST:
            self.lines.append(line)

    def report_contradictions(self) -> None:
        """A second value of a key that can have only one: the first was taken."""
        for name, value in self._second_values():
            self.report(name, value, "was said twice, not taken")

    def _second_values(self) -> Iterator[tuple[str, str]]:
        for name, values in self._values.items():
            if name in _REPEATABLE:
                continue
            for value in values[1:]:
                if fold_for_search(value) != fold_for_search(values[0]):
                    yield name, value

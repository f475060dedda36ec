"""Keys -> citation, service and report.

The rules are facts/openurl.md section 1's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields

from adapters.openurl.keys import (
    BY_REFERENCE,
    CHARSET_HABIT,
    ENTITY,
    FORMAT,
    ITEM_FORMATS,
    PLAIN,
    REFERENT,
    REQUESTER,
    UNKNOWN,
    CitedKind,
    GenreEvidence,
    infer_kind,
    is_noise_key,
    report_key,
)
from adapters.openurl.link_parser import LinkKeys
from adapters.openurl.value_parsers import (
    SEPARATOR,
    UNKNOWN_IDENTIFIER,
    PrivateData,
    StandardNumber,
    combine_pages,
    find_article_numbers,
    is_extent,
    is_same_title,
    is_system_code,
    normalise_date,
    number_of_uri,
    parse_private_data,
    parse_sici,
    read_author,
    typed_number,
)
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType
from gateway.domain.sentences import write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace
from gateway.ports.catalogue import LinkCitation

_NUMBERS = (
    ("isbn", "isbn"),
    ("issn", "issn"),
    ("eissn", "eissn"),
    ("eisbn", "isbn"),
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

MAX_KEY_CHARS = 200
"""Characters of a value that are shown in the report."""

MAX_REFERENT_KEYS = 100
"""Lines of the report."""

_PRIVATE_NAMES = frozenset({"oclcnum", "oclc", "isbn", "eisbn", "issn", "eissn", "doi", "pmid", "lccn"})
_REPEATABLE = frozenset(
    {"au", "aucorp", "creator", "inv", "subject", "identifier", "type", "isbn", "eisbn", "issn", "eissn"}
)


def read_citation(carried: LinkKeys) -> LinkCitation:
    referent = Referent(carried)
    return _CitationBuilder(referent).build_link_citation(carried.original)


class _CitationBuilder:
    def __init__(self, referent: Referent) -> None:
        self.referent = referent
        self.sici = parse_sici(referent.first_value("sici", "bici"))
        self.identifiers = self._distinct_identifiers()
        self.pages = self._read_pages()
        self.kind = self._infer_kind()

    def build_link_citation(self, original: str) -> LinkCitation:
        referent = self.referent
        citation = self._build_citation()
        referent.keep_extra("genre", self.kind.genre)
        referent.keep_extras(_EXTRAS)
        referent.report_contradictions()
        referrer = _SID.sub("", referent.first_admin_value("rfr_id", "sid"))
        citation = replace(citation, extras=tuple(referent.extras), source=referrer, original=original)
        own = dict(referent.private.own or {})
        service = own.pop("service", self.kind.service)
        return LinkCitation(
            citation=replace(citation, **own),
            service=service,
            requester=referent.first_admin_value("req_id", "req_dat"),
            referrer=referrer,
            unknown=tuple(referent.lines),
            noise=frozenset(referent.noise),
        )

    # --- numbers -----------------------------------------------------------------------------------------

    def _distinct_identifiers(self) -> tuple[RecordId, ...]:
        return tuple(dict.fromkeys(self._iter_numbers()))

    def _iter_numbers(self) -> Iterator[RecordId]:
        """Print and electronic ISSN both name the serial: they are of one type, print first."""
        for key, type_ in _NUMBERS:
            for value in self.referent.all_values(key):
                yield from self._keep_number(key, value, typed_number(type_, value))
        for key in ("rft_id", "id"):
            for value in self.referent.admin_values(key):
                yield from self._keep_number(key, value, number_of_uri(value))
        for value in self.referent.all_values("identifier"):
            yield from self._keep_number("identifier", value, number_of_uri(value))
        if self.referent.format == "patent" or self.referent.has_any_key("cc", "kind", "applcc", "assignee"):
            yield from (RecordId("patent", value) for value in self.referent.all_values("number"))
        else:
            self.referent.keep_extras(["number"])
        if self.sici.number:
            yield from typed_number("isbn", self.sici.number).ids

    def _keep_number(self, key: str, value: str, number: StandardNumber) -> tuple[RecordId, ...]:
        if number.wrong == UNKNOWN_IDENTIFIER or is_system_code(value, number):  # some system's own number
            self.referent.report_noise(key, value, number.wrong)
        elif number.wrong:
            self.referent.report_problem(key, value, number.wrong)
        if not number.ids:
            self.referent.keep_extra(key, value)
        return tuple(RecordId("issn", id_.value) if id_.type == "eissn" else id_ for id_ in number.ids)

    def _has_number(self, type_: str) -> bool:
        return any(identifier.type == type_ for identifier in self.identifiers)

    # --- what kind of thing ------------------------------------------------------------------------------

    def _infer_kind(self) -> CitedKind:
        referent = self.referent
        genre = referent.first_value("genre")
        evidence = GenreEvidence(
            format=referent.format,
            types=referent.all_values("type"),
            part=self._has_part_title(),
            pages=bool(self.pages),
            isbn=self._has_number("isbn"),
            serial=self._has_number("issn")
            or self._has_number("coden")
            or referent.has_any_key("jtitle", "stitle", "volume", "issue"),
            book=referent.has_any_key("btitle", "edition", "bici", "pub", "publisher", "place"),
            article_number=self._has_number("doi") or self._has_number("pmid"),
            thesis=referent.has_any_key("degree", "advisor", "inst"),
        )
        kind = infer_kind(genre, evidence)
        if not kind.known:  # the page has what was made of it
            referent.keep_extra("genre", genre)
            referent.report_noise("genre", genre, UNKNOWN)
        return kind

    def _has_part_title(self) -> bool:
        """Some links repeat the title of the whole in `atitle`, or have a thesis' title there alone."""
        title, whole = self.referent.first_value("atitle"), self.referent.first_value("btitle", "jtitle", "title")
        return bool(title) and fold_text(title) != fold_text(whole) and not (self._is_thesis() and not whole)

    def _is_thesis(self) -> bool:
        return self.referent.format == "dissertation" or infer_kind(
            self.referent.first_value("genre"), GenreEvidence()
        ).type is (CitationType.THESIS)

    # --- the citation ------------------------------------------------------------------------------------

    def _build_citation(self) -> Citation:
        referent, type_ = self.referent, self.kind.type
        title, component = self._choose_titles()
        author = read_author(referent.first_value, referent.all_values) or SEPARATOR.join(
            referent.all_values("creator") or self._read_inventors()
        )
        if type_ not in _SERIALS:
            title, author = _split_responsibility(title, author)
        is_part = type_ in (CitationType.CHAPTER, CitationType.ARTICLE, CitationType.CONFERENCE_PAPER)
        return Citation(
            type=type_,
            title=title.rstrip(_TRAILING),
            subtitle=referent.first_value("subtitle"),
            author="" if is_part else author,
            component_title=component.rstrip(_TRAILING),
            component_author=author if is_part else "",
            series=referent.first_value("series"),
            edition=referent.first_value("edition"),
            publisher=referent.first_value("pub", "publisher", "inst"),
            place=referent.first_value("place"),
            published=self._read_date(),
            volume=referent.first_value("volume") or self.sici.volume,
            issue=referent.first_value("issue") or self.sici.issue,
            pages=self.pages,
            language=referent.first_value("language"),
            call_number=referent.first_value("callnumber"),
            identifiers=self.identifiers,
            note="\n".join(dict.fromkeys((*referent.all_values("notes"), *referent.all_values("note")))),
        )

    def _choose_titles(self) -> tuple[str, str]:
        """Choose the titles of the whole and of the part. In an article's link `title` is the journal's, but where
        `jtitle` is there too some have the article's own in it."""
        referent = self.referent
        names = ("jtitle", "btitle") if self.kind.type in _SERIALS else ("btitle", "jtitle")
        whole = referent.first_value(*names)
        title, part = referent.first_value("title"), referent.first_value("atitle")
        short = referent.first_value("stitle")
        if not whole:
            whole, title = title, ""
        if not whole:
            whole, short = short, ""
        if title and fold_text(title) != fold_text(whole):
            if not part and self._can_be_part():
                part = title
            else:
                referent.keep_extra("title", title)
                report = referent.report_noise if is_same_title(title, whole) else referent.report_problem
                report("title", title, write_sentence("another title, which is ignored"))
        referent.keep_extra("stitle", short)
        if not whole and not self._can_be_part():
            whole, part = part, ""
        return whole, "" if fold_text(part) == fold_text(whole) and not self._can_be_part() else part

    def _can_be_part(self) -> bool:
        return self.kind.type in (
            CitationType.ARTICLE,
            CitationType.CHAPTER,
            CitationType.CONFERENCE_PAPER,
            CitationType.NEWSPAPER,
        )

    def _read_inventors(self) -> tuple[str, ...]:
        last, first = self.referent.first_value("invlast"), self.referent.first_value("invfirst", "invinit")
        whole = f"{last}, {first}" if last and first else last
        return self.referent.all_values("inv") or ((whole,) if whole else ())

    # --- date and pages ----------------------------------------------------------------------------------

    def _read_date(self) -> str:
        """`chron` is a date in words; the season and quarter alone stay what they are. Databases write a year as the
        first of January; newspapers come out on that day."""
        text = self.referent.first_value("date") or self.sici.date or self.referent.first_value("chron", "pubdate")
        day, is_one = normalise_date(text)
        if day.endswith("-01-01") and self.kind.type is not CitationType.NEWSPAPER:
            day = day.removesuffix("-01-01")
        if not is_one:
            self.referent.report_problem("date", text, write_sentence("not a date"))
        return day

    def _read_pages(self) -> str:
        referent = self.referent
        pages = referent.first_value("pages")
        if pages and is_extent(pages) and not referent.has_any_key("spage", "atitle"):
            referent.keep_extra("tpages", pages)
            pages = ""
        read, contradicted = combine_pages(pages, referent.first_value("spage"), referent.first_value("epage"))
        if contradicted:
            reason = write_sentence("not within the pages %(pages)s", pages=pages)
            referent.report_problem("spage", referent.first_value("spage"), reason)
        return read or self.sici.spage


def _split_responsibility(title: str, author: str) -> tuple[str, str]:
    """`Title / Author.` from MARC 245: what stands behind the stroke is the author where no other is said."""
    match = _RESPONSIBILITY.fullmatch(title)
    if match is None:
        return title, author
    return match["title"], author or match["author"]


FIELDS = tuple(field.name for field in fields(Citation) if field.name != "original")


class Referent:
    """Values by key; `report_problem` collects what was not understood, one line each."""

    def __init__(self, carried: LinkKeys) -> None:
        self._values: dict[str, list[str]] = {}
        self._admin: dict[str, list[str]] = {}
        self.extras: list[CitationExtra] = []
        self.lines: list[str] = list(carried.notes)
        self.noise: set[str] = set(carried.mended)
        self.private = PrivateData()
        for key, value in sorted(carried.pairs, key=lambda pair: not pair[0].startswith("rft.")):
            self._add_pair(key, value)

    def _add_pair(self, key: str, value: str) -> None:
        name = key.removeprefix("rft.")
        if name == "id":  # `rft.id` is in no format; many write it for `rft_id`
            self._add_value(self._admin, "rft_id" if key != name else "id", value)
        elif name in (REFERENT if key != name else PLAIN):
            self._add_value(self._values, name, value)
        elif key != name:
            self.keep_extra(name, value)
            report = self.report_noise if is_noise_key(name) else self.report_problem
            report(key, value, UNKNOWN)
        elif key in BY_REFERENCE:
            shown = "" if REQUESTER.match(key) else value
            self.report_problem(key, shown, write_sentence("refers to another address, which is not opened"))
        elif key in ("rft_dat", "pid"):
            self._add_private_data(key, value)
        elif key in ("sid", "id", CHARSET_HABIT) or ENTITY.match(key):
            self._add_value(self._admin, key, value)
        else:
            report = self.report_noise if is_noise_key(key) else self.report_problem
            report(key, "", write_sentence("not an OpenURL key"))  # without its value: it may be about a person

    @staticmethod
    def _add_value(to: dict[str, list[str]], key: str, value: str) -> None:
        values = to.setdefault(key, [])
        if value.casefold() not in (known.casefold() for known in values):
            values.append(value)

    def _add_private_data(self, key: str, value: str) -> None:
        private_data = parse_private_data(value)
        if private_data.own is not None:
            self.private = private_data
        for name, text in private_data.pairs:
            if name in _PRIVATE_NAMES:
                self._add_value(self._values, name, text)
            else:
                self.keep_extra(name, text)
        if not private_data.known:
            for number in find_article_numbers(value):
                self._add_value(self._values, number.type, number.value)
            self.keep_extra(key, value)
            self.report_noise(key, value, write_sentence("could not be interpreted"))

    # --- what is said ------------------------------------------------------------------------------------

    def first_value(self, *names: str) -> str:
        """The value of the first of these keys that has one."""
        return next((values[0] for name in names if (values := self._values.get(name))), "")

    def all_values(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def first_admin_value(self, *keys: str) -> str:
        return next((values[0] for key in keys if (values := self._admin.get(key))), "")

    def admin_values(self, key: str) -> tuple[str, ...]:
        return tuple(self._admin.get(key, ()))

    def has_any_key(self, *names: str) -> bool:
        return any(name in self._values for name in names)

    @property
    def format(self) -> str:
        """journal, book, dissertation, patent, dc, by the first `rft_val_fmt` that says one of them."""
        for format_name in self.admin_values("rft_val_fmt"):
            match = FORMAT.fullmatch(format_name)
            if match is not None and match[1].lower() in ITEM_FORMATS:
                return match[1].lower().removeprefix("oai_")
            self.report_noise("rft_val_fmt", format_name, UNKNOWN)
        return ""

    # --- what is not understood --------------------------------------------------------------------------

    def keep_extra(self, name: str, value: str) -> None:
        """Keep what has no place in a citation."""
        extra = CitationExtra(name, value)
        if value and extra not in self.extras:
            self.extras.append(extra)

    def keep_extras(self, names: Iterable[str]) -> None:
        for name in names:
            for value in self.all_values(name):
                self.keep_extra(name, value)

    def report_noise(self, key: str, value: str, reason: str) -> None:
        """Report what says nothing about the work: for staff and programs."""
        self.noise.add(self.report_problem(key, value, reason))

    def report_problem(self, key: str, value: str, reason: str) -> str:
        """The line that was added."""
        shown = value if len(value) <= MAX_KEY_CHARS else value[: MAX_KEY_CHARS - 1] + "…"
        line = report_key(key, reason, shown)
        if line not in self.lines and len(self.lines) < MAX_REFERENT_KEYS:
            self.lines.append(line)
        return line

    def report_contradictions(self) -> None:
        """A second value of a key that can have only one: the first was taken."""
        for name, value in self._iter_second_values():
            self.report_problem(name, value, write_sentence("a second value, which is ignored"))

    def _iter_second_values(self) -> Iterator[tuple[str, str]]:
        for name, values in self._values.items():
            if name in _REPEATABLE:
                continue
            for value in values[1:]:
                if fold_text(value) != fold_text(values[0]):
                    yield name, value

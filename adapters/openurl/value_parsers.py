"""Authors, dates, pages, standard numbers, private data.

isbn: thirteen digits; issn: 0317-8471; ismn: as stdnum formats it; doi: 10.…; pmid, oclc: digits; lccn: normalised.
A number whose check digit is wrong is kept as it stands, and reported: wrong ones are printed in books.

Under our own key the encoder puts what KEV has no place for, so that a link of ours is read back without loss.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError
from stdnum import isbn, ismn, issn

from adapters.openurl.link_parser import strip_controls, tidy_text
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import CitationExtra, CitationType, normalize_number
from gateway.domain.requests.request import ServiceType
from gateway.domain.sentences import join_sentences, write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object

FirstValue = Callable[[str], str]
AllValues = Callable[[str], tuple[str, ...]]

SEPARATOR = "; "

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:T.*)?")
_RANGE = re.compile(r"\s*([^\s,;-]+)\s*[-\u2010-\u2015]\s*([^\s,;-]+)\s*")
_EXTENT = re.compile(r"(?i)\b(?:p|pp|pages?|S|Seiten|leaves)\.?\s*\Z")
_SICI = re.compile(r"(?P<number>[\dXx -]{8,17})\((?P<date>[^)]{0,20})\)(?P<number2>[^<]{0,40})<(?P<place>[^:>]{0,20})")

OWN = "illgate"

MAX_VALUE_CHARS = 4000
"""Characters of private data that isn't JSON; longer is not looked into."""

_BRACED = re.compile(
    r"\{?\s*[\"']?([A-Za-z_][\w.-]{0,40})[\"']?\s*[:=]\s*[\"']?([^,;&\"'{}<>]{1,400})[\"']?\s*(?:[,;&]|\}|\Z)"
)
_TAGGED = re.compile(r"<([A-Za-z_][\w.-]{0,40})>([^<]{0,400})</\1>")


def read_author(first_value: FirstValue, all_: AllValues) -> str:
    """Read the author from its keys: `au` may come several times, and often repeats what the other keys say. These
    count before it, since they say which part of a name is which."""
    last, given = first_value("aulast"), first_value("aufirst")
    first = _invert_name(last, given, _read_initials(first_value), first_value("ausuffix"))
    names: list[str] = []
    for name in all_("au"):
        if fold_text(name) not in map(fold_text, names):
            names.append(name)
    if last and given:
        names = _put_parts_first(first, last, f"{given} {first_value('ausuffix')}", names)
    elif first and not any(_is_same_name(first, last, name) for name in names):
        names.insert(0, first)
    names += [name for name in all_("aucorp") if fold_text(name) not in map(fold_text, names)]
    return SEPARATOR.join(names)


def _read_initials(first_value: FirstValue) -> str:
    return first_value("auinit") or " ".join(filter(None, (first_value("auinit1"), first_value("auinitm"))))


def _invert_name(last: str, first: str, initials: str, suffix: str) -> str:
    """'Lindqvist, Åsa M., Jr.'; initials only where no first name is given."""
    given = first or initials
    text = f"{last}, {given}" if last and given else last or given
    return f"{text}, {suffix}" if text and suffix else text


def _is_same_name(whole: str, last: str, name: str) -> bool:
    """`au` is usually the whole name in either order."""
    words = set(fold_text(name).split())
    return bool(words) and (set(fold_text(last or whole).split()) <= words)


def _put_parts_first(whole: str, last: str, given: str, names: list[str]) -> list[str]:
    """`whole` in place of the names that say no more than it. One with more words may be a list of authors or a fuller
    name: then that is taken."""
    more, others = False, []
    for name in names:
        rest = _other_words(last, name)
        known = [_is_given_name(word, given) for word in rest or ()]
        if rest is None or (known and not any(known)):
            others.append(name)  # somebody else
        elif not all(known):
            more = True
            others.append(name)
    return others if more else [whole, *others]


def _other_words(last: str, name: str) -> list[str] | None:
    """Words of a name besides the last name; None: it isn't in there."""
    words, surname = fold_text(name).split(), fold_text(last).split()
    return [word for word in words if word not in surname] if set(surname) <= set(words) else None


def _is_given_name(word: str, given: str) -> bool:
    """Return whether a word is one of the given names, shortened, or their initials run together (`Tremblay MA`)."""
    known = fold_text(given).split()
    initials = "".join(part[0] for part in known)
    return word in initials or any(part.startswith(word) for part in known)


def split_authors(author: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in author.split(SEPARATOR.strip()))))


def split_name(name: str) -> tuple[str, str]:
    """Last and first name of 'Last, First'; a name without a comma is all last name: a body, or one that is not
    inverted."""
    last, _, first = name.partition(",")
    return last.strip(), first.strip()


def is_same_title(title: str, other: str) -> bool:
    """Return whether they are one title, of which one may say less: `Harbour & Place`, `Harbour and Place : HP`."""
    first, second = ([word for word in fold_text(text).split() if word != "and"] for text in (title, other))
    shared = min(len(first), len(second))
    return shared > 0 and first[:shared] == second[:shared]


def normalise_date(text: str) -> tuple[str, bool]:
    """`20040501` -> 2004-05-01, `2004/5/1` likewise; whatever else is said stays as it is. False: no such day."""
    match = _COMPACT.fullmatch(text) or _SLASHED.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        return text, True
    year, month, day = match[1], int(match[2]), int(match[3] or 0)
    if month == 0 and day == 0:  # `20040000`, `2004-00-00`
        return year, True
    try:
        date(int(year), month, day or 1)
    except ValueError:
        return text, _is_year_span(text)
    return f"{year}-{month:02d}" + (f"-{day:02d}" if day else ""), True


def _is_year_span(text: str) -> bool:
    """`200405` is May 2004, `198788` are two years."""
    return len(text) == 6 and text.isdigit()


def combine_pages(pages: str, spage: str, epage: str) -> tuple[str, bool]:
    """The pages as cited, and whether `pages` and `spage` contradict each other. A range may stand in `spage`."""
    start = _RANGE.fullmatch(spage)
    if start is not None:
        spage, epage = start[1], epage or start[2]
    whole = f"{spage}-{epage}" if spage and epage and spage != epage else spage or epage
    if not pages:
        return whole, False
    return pages, bool(spage) and spage.lstrip("0").casefold() not in re.split(r"[^\w]+", _strip_zeros(pages))


def _strip_zeros(pages: str) -> str:
    return re.sub(r"\b0+(?=\d)", "", pages.casefold())


def is_extent(pages: str) -> bool:
    """`xii, 340 p.` is how long a book is, not what is asked for."""
    return _EXTENT.search(pages) is not None


def split_page_range(pages: str) -> tuple[str, str]:
    """First and last page; the last empty for a single one or a list."""
    match = _RANGE.fullmatch(pages)
    if match is not None:
        return match[1], match[2]
    first = re.match(r"\s*([^\s,;]+)", pages)
    return (_RANGE.fullmatch(first[1]) or first)[1] if first is not None else "", ""


@value_object
class Sici:
    """The volume and place in a SICI (ANSI/NISO Z39.56) or BICI."""

    number: str = ""  # ISSN or ISBN
    date: str = ""
    volume: str = ""
    issue: str = ""
    spage: str = ""


def parse_sici(text: str) -> Sici:
    """`0317-8471(20040501)12:3<45:LPDLN>2.0.TX;2-R`; empty where it isn't one."""
    match = _SICI.match(text.strip())
    if match is None:
        return Sici()
    volume, _, issue = match["number2"].strip().partition(":")
    return Sici(match["number"].strip(), match["date"], volume, issue, match["place"].strip())


@value_object
class StandardNumber:
    """`ids` may be empty: then `wrong` says why, a sentence. Something can be wrong with a number that is kept."""

    ids: tuple[RecordId, ...] = ()
    wrong: str = ""


_NO_NUMBER = write_sentence("contains no number")
_EMPTY = write_sentence("empty")
_SYSTEM_CODE = re.compile(r"[A-Za-z][\w.@-]*", re.ASCII)
_NUMBER = re.compile(r"(?<![\dA-Za-z])(?:\d[\d\u2010-\u2014 -]{6,20}[\dXx]|M[\d -]{8,13}\d)(?![\dA-Za-z])")
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
_NAMED_DOI = re.compile(rf"\bdoi\W{{0,3}}(?P<doi>{_DOI.pattern})", re.IGNORECASE)
_NAMED_PMID = re.compile(r"\b(?:pmid|pubmed)\W{0,3}(?P<pmid>\d{1,9})\b", re.IGNORECASE)
_PMCID = re.compile(r"(?:pmcid\W{0,3})?(?P<pmcid>PMC\d{1,10})", re.IGNORECASE)


def find_standard_numbers(text: str) -> StandardNumber:
    """ISBNs, ISSNs and ISMNs in a text, whatever stands around them: `ISBN 0-14-020652-3 (pbk.)`, `9780140206523`."""
    ids, wrong = [], []
    for match in _NUMBER.finditer(text):
        for number in _split_numbers(match[0]):
            id_, is_valid = _read_standard_number(number)
            if id_ is not None and id_ not in ids:
                ids.append(id_)
                if not is_valid:
                    wrong.append(write_sentence("the check digit of %(number)s is incorrect", number=id_.value))
    return StandardNumber(tuple(ids), join_sentences("; ", wrong) if ids else _NO_NUMBER)


def _split_numbers(text: str) -> Iterator[str]:
    """Several numbers may be separated by blanks alone, and one may have blanks for hyphens."""
    if _read_standard_number(text)[0] is not None:
        yield text
        return
    yield from text.split()


def _read_standard_number(text: str) -> tuple[RecordId | None, bool]:
    digits = re.sub(r"[^0-9XM]", "", text.upper())
    match len(digits):
        case 8 if "M" not in digits:
            return RecordId("issn", issn.format(digits)), issn.is_valid(digits)
        case 9 if digits.isdigit() and isbn.is_valid(f"0{digits}"):  # an SBN of before 1970
            return RecordId("isbn", isbn.to_isbn13(f"0{digits}")), True
        case 10 | 13 if ismn.is_valid(digits):
            return RecordId("ismn", ismn.to_ismn13(digits)), True
        case 10 if re.fullmatch(r"\d{9}[\dX]", digits):
            valid = isbn.is_valid(digits)
            return RecordId("isbn", isbn.to_isbn13(digits) if valid else digits), valid
        case 13 if digits.isdigit():
            return RecordId("isbn", digits), isbn.is_valid(digits)
    return None, False


def typed_number(type_: str, text: str) -> StandardNumber:
    """A number of which the link says what it is."""
    text = text.strip()
    match type_:
        case "isbn" | "issn" | "eissn" | "ismn":
            return find_standard_numbers(text)
        case "doi":
            match = _DOI.search(text)
            doi = match[0].rstrip(".,;") if match is not None else ""
            return _number_or_reason("doi", doi, write_sentence("not a DOI"))
        case "pmid" if (pmcid := _PMCID.fullmatch(text)) is not None:
            return _number_or_reason("pmcid", pmcid["pmcid"].upper(), _EMPTY)
        case "pmid" | "oclc":
            number = normalize_number("oclc", text).removeprefix("oclc:")
            return _number_or_reason(type_, number, _NO_NUMBER)
        case "lccn":
            return _number_or_reason("lccn", normalize_number("lccn", text).removeprefix("lccn:"), _EMPTY)
    return _number_or_reason(type_, text, _EMPTY)


def is_system_code(text: str, number: StandardNumber) -> bool:
    """Return whether a text is a database's code where a standard number should stand: EBSCO writes
    `issn=edsamd.475`."""
    return number.wrong == _NO_NUMBER and _SYSTEM_CODE.fullmatch(text) is not None


def _number_or_reason(type_: str, value: str, wrong: str) -> StandardNumber:
    return StandardNumber((RecordId(type_, value),)) if value else StandardNumber(wrong=wrong)


UNKNOWN_IDENTIFIER = write_sentence("not a known identifier")

_SCHEMES = {
    "doi": "doi",
    "pmid": "pmid",
    "pubmed": "pmid",
    "oclcnum": "oclc",
    "oclc": "oclc",
    "lccn": "lccn",
    "isbn": "isbn",
    "issn": "issn",
    "eissn": "eissn",
    "ismn": "ismn",
    "hdl": "hdl",
    "bibcode": "bibcode",
    "sici": "sici",
    "arxiv": "arxiv",
    "eric": "eric",
    "oai": "oai",
    "nbn": "nbn",
    "pmcid": "pmcid",
    "pmc": "pmcid",
}
_INFO = re.compile(
    r"(?:info:(?P<namespace>[a-z0-9.+-]+)/|urn:(?P<urn>[a-z0-9-]+):|(?P<plain>[a-z]+):)(?P<value>.+)", re.I
)
_HOSTS = (
    (re.compile(r"(?:dx\.|www\.)?doi\.org|(?:dx-)?doi-org\..+|(?:dx\.)?doi\.org\..+"), re.compile(r"/(.+)"), "doi"),
    (re.compile(r"(?:www\.)?worldcat\.org|[a-z0-9-]+\.worldcat\.org"), re.compile(r"/(?:[a-z]+/)*oclc/(\d+)"), "oclc"),
    (re.compile(r"pubmed\.ncbi\.nlm\.nih\.gov"), re.compile(r"/(\d+)/?"), "pmid"),
    (re.compile(r"(?:www\.)?ncbi\.nlm\.nih\.gov"), re.compile(r"/pubmed/(\d+)/?"), "pmid"),
    (re.compile(r"lccn\.loc\.gov"), re.compile(r"/(.+)"), "lccn"),
    (re.compile(r"hdl\.handle\.net"), re.compile(r"/(.+)"), "hdl"),
)


def number_of_uri(text: str) -> StandardNumber:
    """`rft_id`, `id`, `identifier`: `info:doi/10.…`, `urn:ISBN:…`, `doi:10.…`, `https://doi.org/10.…`, other URLs, a
    bare DOI, ISBN or ISSN."""
    text = text.strip()
    if re.match(r"https?://", text, re.IGNORECASE):
        return _number_of_url(text)
    if _DOI.match(text):
        return typed_number("doi", text)
    match = _INFO.fullmatch(text)
    if match is not None and (match["plain"] or "").lower() in ("info", "urn", "uri"):  # `info:doi:10.…`
        return number_of_uri(match["value"])
    if match is not None:
        type_ = _SCHEMES.get((match["namespace"] or match["urn"] or match["plain"]).lower())
        if type_ is not None:
            return typed_number(type_, match["value"])
    if named := find_article_numbers(text):
        return StandardNumber(named)
    bare = find_standard_numbers(text) if re.fullmatch(r"[\dXx -]+", text) else StandardNumber()
    if bare.ids and not bare.wrong:
        return bare
    return StandardNumber(wrong=UNKNOWN_IDENTIFIER)


def find_article_numbers(text: str) -> tuple[RecordId, ...]:
    """DOIs and PMIDs that a text names as such, whatever stands around them: `DOI 10.1000/182`, `PMID=123`."""
    dois = (typed_number("doi", match["doi"]).ids for match in _NAMED_DOI.finditer(text))
    pmids = (typed_number("pmid", match["pmid"]).ids for match in _NAMED_PMID.finditer(text))
    return tuple(dict.fromkeys(record_id for ids in (*dois, *pmids) for record_id in ids))


def _number_of_url(text: str) -> StandardNumber:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return StandardNumber(wrong=write_sentence("not a URL"))
    for hosts, paths, type_ in _HOSTS:
        match = paths.fullmatch(unquote(parts.path)) if hosts.fullmatch(host) else None
        if match is not None:
            return typed_number(type_, match[1])
    return StandardNumber((RecordId("url", text),)) if host else StandardNumber(wrong=write_sentence("not a URL"))


@value_object
class PrivateData:
    """Keys with their texts; `own` is what our encoder put there."""

    pairs: tuple[tuple[str, str], ...] = ()
    own: Mapping[str, Any] | None = None
    known: bool = True


_TEXTS = (
    *("title", "subtitle", "author", "component_title", "component_author", "series", "edition", "publisher", "place"),
    *("published", "volume", "issue", "pages", "language", "call_number", "source", "note"),
)
_TYPES: dict[str, TypeAdapter[Any]] = {
    **dict.fromkeys(_TEXTS, TypeAdapter(str)),
    "type": TypeAdapter(CitationType),
    "service": TypeAdapter(ServiceType),
    "identifiers": TypeAdapter(tuple[RecordId, ...]),
    "extras": TypeAdapter(tuple[CitationExtra, ...]),
}


def parse_private_data(text: str) -> PrivateData:
    text = text.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return _private_data_of_json(document)
    for pattern in (_TAGGED, _BRACED) if len(text) <= MAX_VALUE_CHARS else ():
        pairs = pattern.findall(text)
        if pairs and not pattern.sub("", text).strip("{} ,;\n\t"):
            return PrivateData(tuple((key.lower(), tidy_text(value)) for key, value in pairs if tidy_text(value)))
    return PrivateData(known=False)


def _private_data_of_json(document: dict[str, Any]) -> PrivateData:
    own = document.pop(OWN, None)
    pairs = tuple(
        (key.lower(), tidy_text(str(value)))
        for key, value in document.items()
        if isinstance(value, str | int | float) and tidy_text(str(value))
    )
    read = _validate_own_data(own) if isinstance(own, dict) else None
    return PrivateData(pairs, read, known=len(pairs) == len(document) and (own is None or read is not None))


def _validate_own_data(document: dict[str, Any]) -> Mapping[str, Any] | None:
    """Checked, since anybody can write it. None: it is not ours after all."""
    try:
        return {key: _clean_field(_TYPES[key].validate_python(value)) for key, value in document.items()}
    except (KeyError, ValidationError):
        return None


def _clean_field(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, CitationType | ServiceType):
        return strip_controls(value)
    if isinstance(value, tuple):
        return tuple(_clean_value(inner) for inner in value)
    return value


def _clean_value(field: RecordId | CitationExtra) -> RecordId | CitationExtra:
    if isinstance(field, RecordId):
        return RecordId(strip_controls(field.type), strip_controls(field.value))
    return CitationExtra(strip_controls(field.name), strip_controls(field.value), strip_controls(field.kind))


def dump_private_data(lost: Iterable[tuple[str, Any]]) -> str:
    """ASCII; the value of `rft_dat`."""
    document = {key: _TYPES[key].dump_python(value, mode="json") for key, value in lost}
    return json.dumps({OWN: document}, separators=(",", ":"))

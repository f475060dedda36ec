"""Dublin Core, MODS and SUTRS to citations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from adapters.marc import citation_texts
from adapters.marc.marc_records import parse_part_statement
from adapters.marc.xml_elements import (
    child_elements,
    child_text,
    element_namespace,
    element_text,
    find_child,
    local_name,
)
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.catalogue import HeldItem

NAMESPACES = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/")

_ISBN = re.compile(r"isbn", re.IGNORECASE)
_ISSN = re.compile(r"issn", re.IGNORECASE)
_OCLC = re.compile(r"(?:oclc(?:num)?[:/ ]*|\(OCoLC\))(\d+)", re.IGNORECASE)
_DC_TYPES = (
    ("article", CitationType.ARTICLE),
    ("thesis", CitationType.THESIS),
    ("dissertation", CitationType.THESIS),
    ("newspaper", CitationType.NEWSPAPER),
    ("journal", CitationType.JOURNAL),
    ("periodical", CitationType.JOURNAL),
    ("map", CitationType.MAP),
    ("cartographic", CitationType.MAP),
    ("score", CitationType.SCORE),
    ("notated", CitationType.SCORE),
    ("sound", CitationType.AUDIO),
    ("moving", CitationType.VIDEO),
    ("video", CitationType.VIDEO),
    ("book", CitationType.BOOK),
    ("text", CitationType.BOOK),
)
"""Words in dc:type, the telling ones first."""

_MODS_TYPES = {
    "notated music": CitationType.SCORE,
    "cartographic": CitationType.MAP,
    "moving image": CitationType.VIDEO,
    "sound recording": CitationType.AUDIO,
    "sound recording-musical": CitationType.AUDIO,
    "sound recording-nonmusical": CitationType.AUDIO,
    "mixed material": CitationType.ARCHIVE,
}
_CREATORS = ("creator", "cre", "author", "aut")

_LINE = re.compile(r"^\s*([A-Za-z][A-Za-z ./-]{1,24}?)\s*[:=]\s+(\S.*)$")
_LABELS = {
    "title": ("title", "main title", "ti", "titel", "titre"),
    "author": ("author", "main author", "personal name", "creator", "au", "autor", "auteur"),
    "edition": ("edition", "ed"),
    "publisher": ("publisher", "pub", "published", "imprint", "verlag"),
    "place": ("place", "place of publication"),
    "published": ("date", "year", "publication date", "jahr"),
    "series": ("series",),
    "language": ("language",),
    "call_number": ("call number", "call no.", "call no", "shelfmark"),
    "isbn": ("isbn",),
    "issn": ("issn",),
    "lccn": ("lccn",),
    "oclc": ("oclc", "oclc number"),
    "local": ("record number", "control number", "local number"),
}
_KNOWN = {label: field for field, labels in _LABELS.items() for label in labels}


def dc_citation(record: etree._Element, source: str) -> Citation:
    values: dict[str, list[str]] = {}
    for element in record.iter():
        if element_namespace(element) in NAMESPACES and (value := element_text(element)):
            values.setdefault(local_name(element), []).append(value)
    titles = [citation_texts.clean_title(title) for title in values.get("title", ())]
    creators = values.get("creator") or values.get("contributor") or [""]
    return Citation(
        type=_dc_type(values.get("type", [])),
        title=titles[0] if titles else "",
        author=citation_texts.trim_punctuation(creators[0]),
        publisher=citation_texts.trim_punctuation(_first_text(values, "publisher")),
        published=citation_texts.publication_date(_first_text(values, "date") or _first_text(values, "issued")),
        language=_first_text(values, "language"),
        identifiers=citation_texts.distinct_identifiers(
            record_id for value in values.get("identifier", ()) for record_id in _read_dc_identifier(value)
        ),
        source=source,
    )


def _first_text(values: dict[str, list[str]], key: str) -> str:
    return next(iter(values.get(key, ())), "")


def _read_dc_identifier(value: str) -> Iterator[RecordId]:
    """Read an identifier by the word in it, such as urn:ISBN:; a bare number by its form."""
    oclc = _OCLC.search(value)
    if _ISBN.search(value) or re.fullmatch(r"97[89][\d-]{10,14}|[\d-]{9,12}[\dXx]", value):
        yield from citation_texts.find_isbns(value)
    elif _ISSN.search(value) or re.fullmatch(r"\d{4}-\d{3}[\dXx]", value):
        yield from citation_texts.find_issns(value)
    elif oclc is not None:
        yield RecordId("oclc", oclc[1])
    elif (ids := tuple(citation_texts.find_dois(value))) and "://" not in value.replace("doi.org", ""):
        yield from ids
    elif "doi.org" in value:
        yield from citation_texts.find_dois(value)


def _dc_type(words: list[str]) -> CitationType:
    text = " ".join(words).casefold()
    return next((type_ for word, type_ in _DC_TYPES if word in text), CitationType.OTHER)


def mods_citation(mods: etree._Element, source: str) -> Citation:
    host = next((element for element in child_elements(mods, "relatedItem") if element.get("type") == "host"), None)
    origin = _first_element_with(child_elements(mods, "originInfo"), "publisher", "dateIssued")
    title, subtitle = _read_mods_title(mods)
    author = _read_mods_author(mods)
    type_ = _mods_type(mods, host)
    volume, issue, pages = _read_host_part(host)
    is_part = type_ in (CitationType.ARTICLE, CitationType.CHAPTER)
    return Citation(
        type=type_,
        title=_read_mods_title(host)[0] if is_part else title,
        subtitle="" if is_part else subtitle,
        component_title=": ".join(filter(None, (title, subtitle))) if is_part else "",
        author="" if is_part else author,
        component_author=author if is_part else "",
        series=_read_series(mods),
        edition=citation_texts.trim_punctuation(child_text(origin, "edition")),
        publisher=citation_texts.trim_punctuation(child_text(origin, "publisher")),
        place=citation_texts.trim_punctuation(_read_place(origin)),
        published=citation_texts.publication_date(
            child_text(origin, "dateIssued") or child_text(origin, "copyrightDate")
        ),
        volume=volume,
        issue=issue,
        pages=pages,
        language=_read_language(mods),
        identifiers=citation_texts.distinct_identifiers(
            (*_read_mods_identifiers(mods), *(_read_mods_identifiers(host) if host is not None else ()))
        ),
        source=source,
    )


def mods_holdings(mods: etree._Element) -> tuple[HeldItem, ...] | None:
    """`location` with its copies. None: it has none."""
    elements = child_elements(mods, "location")
    locations = [element for element in elements if find_child(element, "physicalLocation") is not None]
    if not locations:
        return None
    return tuple(item for location in locations for item in _read_location_items(location))


def _read_location_items(location: etree._Element) -> Iterator[HeldItem]:
    copies = child_elements(find_child(location, "holdingSimple"), "copyInformation") or [location]
    for copy in copies:
        yield HeldItem(
            location=child_text(location, "physicalLocation"),
            sublocation=child_text(copy, "subLocation"),
            call_number=child_text(copy, "shelfLocator"),
            barcode=child_text(copy, "itemIdentifier"),
            volumes=child_text(copy, "enumerationAndChronology"),
            note=child_text(copy, "note"),
        )


def _read_mods_title(element: etree._Element | None) -> tuple[str, str]:
    """Read a title without those that are abbreviated, translated or uniform, unless there is no other."""
    titles = child_elements(element, "titleInfo")
    if not titles:
        return "", ""
    title = next((title for title in titles if not title.get("type")), titles[0])
    parts = [child_text(title, name) for name in ("nonSort", "title", "partNumber", "partName")]
    return citation_texts.clean_title(" ".join(filter(None, parts))), citation_texts.clean_title(
        child_text(title, "subTitle")
    )


def _read_mods_author(mods: etree._Element) -> str:
    names = child_elements(mods, "name")
    first = next((name for name in names if name.get("usage") == "primary"), None)
    if first is None:
        first = next((name for name in names if set(_read_roles(name)) & set(_CREATORS)), names[0] if names else None)
    parts = [element for element in child_elements(first, "namePart") if element.get("type") != "date"]
    families = [part for part in parts if part.get("type") == "family"]
    if families:
        elements = [part for part in parts if part.get("type") == "given"]
        return ", ".join(filter(None, (" ".join(map(element_text, families)), " ".join(map(element_text, elements)))))
    return citation_texts.trim_punctuation(" ".join(map(element_text, parts)))


def _read_roles(name: etree._Element) -> list[str]:
    return [
        element_text(term).casefold()
        for role in child_elements(name, "role")
        for term in child_elements(role, "roleTerm")
    ]


def _read_place(origin: etree._Element | None) -> str:
    terms = [term for place in child_elements(origin, "place") for term in child_elements(place, "placeTerm")]
    return next((element_text(term) for term in terms if term.get("type") != "code"), "")


def _read_language(mods: etree._Element) -> str:
    terms = [term for language in child_elements(mods, "language") for term in child_elements(language, "languageTerm")]
    coded = [term for term in terms if term.get("type") == "code"]
    return next((element_text(term) for term in coded or terms), "")


def _read_series(mods: etree._Element) -> str:
    element = next((item for item in child_elements(mods, "relatedItem") if item.get("type") == "series"), None)
    return _read_mods_title(element)[0]


def _read_mods_identifiers(element: etree._Element) -> Iterator[RecordId]:
    for identifier in child_elements(element, "identifier"):
        value, type_ = element_text(identifier), identifier.get("type", "").casefold()
        if identifier.get("invalid") == "yes" or not value:
            continue
        match type_:
            case "isbn":
                yield from citation_texts.find_isbns(value)
            case "issn" | "issn-l":
                yield from citation_texts.find_issns(value, type_)
            case "oclc":
                yield from citation_texts.find_oclc_numbers(f"(OCoLC){value}")
            case "lccn":
                yield from citation_texts.find_lccns(value)
            case "doi":
                yield from citation_texts.find_dois(value)
    for info in child_elements(element, "recordInfo"):
        for identifier in child_elements(info, "recordIdentifier"):
            yield RecordId("local", element_text(identifier))


def _mods_type(mods: etree._Element, host: etree._Element | None) -> CitationType:
    genres = " ".join(element_text(element) for element in child_elements(mods, "genre")).casefold()
    kind = child_text(mods, "typeOfResource").casefold()
    if kind in _MODS_TYPES:
        return _MODS_TYPES[kind]
    if "thesis" in genres or "dissertation" in genres:
        return CitationType.THESIS
    if host is not None:
        serial = any(identifier.type == "issn" for identifier in _read_mods_identifiers(host)) or "article" in genres
        return CitationType.ARTICLE if serial else CitationType.CHAPTER
    issuance = {child_text(element, "issuance").casefold() for element in child_elements(mods, "originInfo")}
    if issuance & {"continuing", "serial"}:
        return CitationType.NEWSPAPER if "newspaper" in genres else CitationType.JOURNAL
    return CitationType.BOOK if kind in ("text", "") else CitationType.OTHER


def _read_host_part(host: etree._Element | None) -> tuple[str, str, str]:
    described = find_child(host, "part")
    if described is None:
        return "", "", ""
    numbers = {detail.get("type", ""): child_text(detail, "number") for detail in child_elements(described, "detail")}
    extent = next(
        (node for node in child_elements(described, "extent") if node.get("unit") in (None, "page", "pages")), None
    )
    pages = "-".join(filter(None, (child_text(extent, "start"), child_text(extent, "end")))) or child_text(
        extent, "list"
    )
    volume, issue, more = parse_part_statement(child_text(described, "text"))
    return numbers.get("volume", volume), numbers.get("issue", issue), pages or more


def _first_element_with(elements: list[etree._Element], *names: str) -> etree._Element | None:
    """The first that has one of these; MODS records may have an element for each kind of origin."""
    fitting = (element for element in elements if any(child_text(element, name) for name in names))
    return next(fitting, next(iter(elements), None))


def sutrs_citation(text: str, source: str) -> Citation:
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            last = fields.setdefault(_KNOWN.get(match[1].casefold(), ""), [])
            last.append(match[2].strip())
        elif last and line[:1].isspace() and line.strip():  # a long value goes on in the next line
            last[-1] += f" {line.strip()}"
    first = {field: citation_texts.plain_text(values[0]) for field, values in fields.items()}
    other_type = CitationType.BOOK if "title" in fields else CitationType.OTHER
    identifiers = [
        *(isbn for value in fields.get("isbn", ()) for isbn in citation_texts.find_isbns(value)),
        *(issn for value in fields.get("issn", ()) for issn in citation_texts.find_issns(value)),
        *(lccn for value in fields.get("lccn", ()) for lccn in citation_texts.find_lccns(value)),
        *(number for value in fields.get("oclc", ()) for number in citation_texts.find_oclc_numbers(f"(OCoLC){value}")),
        *(RecordId("local", value) for value in fields.get("local", ())),
    ]
    return Citation(
        type=CitationType.JOURNAL if "issn" in fields else other_type,
        title=citation_texts.clean_title(first.get("title", "")),
        author=citation_texts.trim_punctuation(first.get("author", "")),
        edition=citation_texts.trim_punctuation(first.get("edition", "")),
        publisher=citation_texts.trim_punctuation(first.get("publisher", "")),
        place=citation_texts.trim_punctuation(first.get("place", "")),
        published=citation_texts.publication_date(first.get("published", "") or first.get("publisher", "")),
        series=citation_texts.trim_punctuation(first.get("series", "")),
        language=first.get("language", ""),
        call_number=first.get("call_number", ""),
        identifiers=citation_texts.distinct_identifiers(identifiers),
        source=source,
        note=text.strip(),
    )

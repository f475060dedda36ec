"""MODS 3 (Library of Congress) to a citation and its holdings."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from adapters.marc import citing
from adapters.marc.fields import part
from adapters.marc.markup import child, children, said, text
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.search import HeldItem

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


def mods_citation(mods: etree._Element, source: str) -> Citation:
    host = next((one for one in children(mods, "relatedItem") if one.get("type") == "host"), None)
    origin = _first_with(children(mods, "originInfo"), "publisher", "dateIssued")
    title, subtitle = _title(mods)
    author = _author(mods)
    type_ = _mods_type(mods, host)
    volume, issue, pages = _part(host)
    is_part = type_ in (CitationType.ARTICLE, CitationType.CHAPTER)
    return Citation(
        type=type_,
        title=_title(host)[0] if is_part else title,
        subtitle="" if is_part else subtitle,
        component_title=": ".join(filter(None, (title, subtitle))) if is_part else "",
        author="" if is_part else author,
        component_author=author if is_part else "",
        series=_series(mods),
        edition=citing.trimmed(said(origin, "edition")),
        publisher=citing.trimmed(said(origin, "publisher")),
        place=citing.trimmed(_place(origin)),
        published=citing.published(said(origin, "dateIssued") or said(origin, "copyrightDate")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=_language(mods),
        identifiers=citing.distinct((*_identifiers(mods), *(_identifiers(host) if host is not None else ()))),
        source=source,
    )


def held(mods: etree._Element) -> tuple[HeldItem, ...] | None:
    """`location` with its copies. None: it has none."""
    locations = [one for one in children(mods, "location") if child(one, "physicalLocation") is not None]
    if not locations:
        return None
    return tuple(item for location in locations for item in _held(location))


def _held(location: etree._Element) -> Iterator[HeldItem]:
    copies = children(child(location, "holdingSimple"), "copyInformation") or [location]
    for copy in copies:
        yield HeldItem(
            location=said(location, "physicalLocation"),
            sublocation=said(copy, "subLocation"),
            call_number=said(copy, "shelfLocator"),
            barcode=said(copy, "itemIdentifier"),
            volumes=said(copy, "enumerationAndChronology"),
            note=said(copy, "note"),
        )


def _title(element: etree._Element | None) -> tuple[str, str]:
    """Without those that are abbreviated, translated or uniform, unless there is no other."""
    titles = children(element, "titleInfo")
    if not titles:
        return "", ""
    chosen = next((one for one in titles if not one.get("type")), titles[0])
    parts = [said(chosen, name) for name in ("nonSort", "title", "partNumber", "partName")]
    return citing.title(" ".join(filter(None, parts))), citing.title(said(chosen, "subTitle"))


def _author(mods: etree._Element) -> str:
    names = children(mods, "name")
    first = next((one for one in names if one.get("usage") == "primary"), None)
    if first is None:
        first = next((one for one in names if set(_roles(one)) & set(_CREATORS)), names[0] if names else None)
    parts = [one for one in children(first, "namePart") if one.get("type") != "date"]
    families = [one for one in parts if one.get("type") == "family"]
    if families:
        given = [one for one in parts if one.get("type") == "given"]
        return ", ".join(filter(None, (" ".join(map(text, families)), " ".join(map(text, given)))))
    return citing.trimmed(" ".join(map(text, parts)))


def _roles(name: etree._Element) -> list[str]:
    return [text(term).casefold() for role in children(name, "role") for term in children(role, "roleTerm")]


def _place(origin: etree._Element | None) -> str:
    terms = [term for place in children(origin, "place") for term in children(place, "placeTerm")]
    return next((text(term) for term in terms if term.get("type") != "code"), "")


def _language(mods: etree._Element) -> str:
    terms = [term for language in children(mods, "language") for term in children(language, "languageTerm")]
    coded = [term for term in terms if term.get("type") == "code"]
    return next((text(term) for term in coded or terms), "")


def _series(mods: etree._Element) -> str:
    found = next((one for one in children(mods, "relatedItem") if one.get("type") == "series"), None)
    return _title(found)[0]


def _identifiers(element: etree._Element) -> Iterator[RecordId]:
    for one in children(element, "identifier"):
        value, type_ = text(one), one.get("type", "").casefold()
        if one.get("invalid") == "yes" or not value:
            continue
        match type_:
            case "isbn":
                yield from citing.isbns(value)
            case "issn" | "issn-l":
                yield from citing.issns(value, type_)
            case "oclc":
                yield from citing.oclcs(f"(OCoLC){value}")
            case "lccn":
                yield from citing.lccns(value)
            case "doi":
                yield from citing.dois(value)
    for info in children(element, "recordInfo"):
        for one in children(info, "recordIdentifier"):
            yield RecordId("local", text(one))


def _mods_type(mods: etree._Element, host: etree._Element | None) -> CitationType:
    genres = " ".join(text(one) for one in children(mods, "genre")).casefold()
    kind = said(mods, "typeOfResource").casefold()
    if kind in _MODS_TYPES:
        return _MODS_TYPES[kind]
    if "thesis" in genres or "dissertation" in genres:
        return CitationType.THESIS
    if host is not None:
        serial = any(one.type == "issn" for one in _identifiers(host)) or "article" in genres
        return CitationType.ARTICLE if serial else CitationType.CHAPTER
    issuance = {said(one, "issuance").casefold() for one in children(mods, "originInfo")}
    if issuance & {"continuing", "serial"}:
        return CitationType.NEWSPAPER if "newspaper" in genres else CitationType.JOURNAL
    return CitationType.BOOK if kind in ("text", "") else CitationType.OTHER


def _part(host: etree._Element | None) -> tuple[str, str, str]:
    described = child(host, "part")
    if described is None:
        return "", "", ""
    numbers = {one.get("type", ""): said(one, "number") for one in children(described, "detail")}
    extent = next((one for one in children(described, "extent") if one.get("unit") in (None, "page", "pages")), None)
    pages = "-".join(filter(None, (said(extent, "start"), said(extent, "end")))) or said(extent, "list")
    volume, issue, more = part(said(described, "text"))
    return numbers.get("volume", volume), numbers.get("issue", issue), pages or more


def _first_with(elements: list[etree._Element], *names: str) -> etree._Element | None:
    """The first that has one of these; MODS records may have an element for each kind of origin."""
    return next((one for one in elements if any(said(one, name) for name in names)), next(iter(elements), None))

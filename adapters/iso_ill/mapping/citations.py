"""Item-Id <-> Citation, record numbers in EXTERNALs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters import ber
from adapters.iso_ill.messages.codes import ItemType, MediumType, ServiceType, SupplyMedium
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.structures import ItemId, SupplyMediumInfo
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType

SERIALS = frozenset({CitationType.ARTICLE, CitationType.JOURNAL, CitationType.NEWSPAPER})
BOOKS = frozenset(
    {CitationType.BOOK, CitationType.CHAPTER, CitationType.THESIS, CitationType.CONFERENCE_PAPER, CitationType.REPORT}
)
HELD_MEDIA = {CitationType.VIDEO: MediumType.FILM_OR_VIDEO_RECORDING, CitationType.AUDIO: MediumType.AUDIO_RECORDING}
TYPES_OF_MEDIA = {medium: type_ for type_, medium in HELD_MEDIA.items()}
FORMATS_IN = {
    SupplyMedium.PRINTED: "printed",
    SupplyMedium.PHOTOCOPY: "paper-copy",
    SupplyMedium.MICROFORM: "microform",
    SupplyMedium.FILM_OR_VIDEO_RECORDING: "dvd",
    SupplyMedium.AUDIO_RECORDING: "cd",
    SupplyMedium.MACHINE_READABLE: "pdf",
}
"""The likeliest word of ISO 18626; the characteristics, where they are said, are kept beside it."""
FORMATS_OUT = {
    "printed": SupplyMedium.PRINTED,
    "large-print": SupplyMedium.PRINTED,
    "paper-copy": SupplyMedium.PHOTOCOPY,
    "microform": SupplyMedium.MICROFORM,
    "dvd": SupplyMedium.FILM_OR_VIDEO_RECORDING,
    "vhs": SupplyMedium.FILM_OR_VIDEO_RECORDING,
    "blu-ray": SupplyMedium.FILM_OR_VIDEO_RECORDING,
    "cd": SupplyMedium.AUDIO_RECORDING,
    "lp": SupplyMedium.AUDIO_RECORDING,
    "mp3": SupplyMedium.AUDIO_RECORDING,
    "cassette-tape": SupplyMedium.AUDIO_RECORDING,
    "pdf": SupplyMedium.MACHINE_READABLE,
    "cd-rom": SupplyMedium.MACHINE_READABLE,
    "epub": SupplyMedium.MACHINE_READABLE,
}

_VOLUME_ISSUE = re.compile(r"(?:v(?:ol)?\.?\s*)?(\w+)\s*[(,/:]\s*(?:no\.?\s*|iss(?:ue)?\.?\s*)?(\w+)\)?", re.IGNORECASE)

IPIG_SYSTEM_NUMBER = "1.0.10161.6.1"
CANADIAN_SYSTEM_NUMBER = "1.2.124.10161.2"

_WELL_KNOWN = {1: "lccn", 2: "bnb", 3: "canadiana", 4: "oclc", 5: "dialog", 6: "rlin", 7: "wln", 8: "carl"}
_CANADIAN = {1: "dobis", 2: "candoc", 3: "oclc", 4: "rlin", 5: "utlas", 6: "local"}


def citation_of_item_id(item: ItemId, service_types: tuple[ServiceType | int, ...], note: str = "") -> Citation:
    """Make a citation; what has no place in it is in its extras."""
    volume, issue = _split_volume_issue(item.volume_issue)
    is_part = bool(item.title_of_article or item.author_of_article)
    return Citation(
        type=_choose_citation_type(item, is_part, service_types),
        title=item.title,
        subtitle=item.sub_title,
        author=item.author,
        component_title=item.title_of_article,
        component_author=item.author_of_article,
        series=item.series_title_number,
        edition=item.edition,
        publisher=item.publisher,
        place=item.place_of_publication,
        published=item.publication_date_of_component or item.publication_date,
        volume=volume,
        issue=issue,
        pages=item.pagination,
        call_number=item.call_number,
        identifiers=tuple(_iter_record_ids(item)),
        source=item.verification_reference_source,
        note=note,
        extras=tuple(_iter_citation_extras(item)),
    )


def _choose_citation_type(item: ItemId, is_part: bool, service_types: tuple[ServiceType | int, ...]) -> CitationType:
    if isinstance(item.held_medium_type, MediumType) and item.held_medium_type in TYPES_OF_MEDIA:
        return TYPES_OF_MEDIA[item.held_medium_type]
    if item.item_type is ItemType.SERIAL or (item.item_type is None and item.issn):
        return CitationType.ARTICLE if is_part else CitationType.JOURNAL
    if item.item_type is ItemType.OTHER:
        return CitationType.OTHER
    return CitationType.CHAPTER if is_part else CitationType.BOOK


def _split_volume_issue(text: str) -> tuple[str, str]:
    """`12(3)`, `vol. 12, no. 3` and the like are split; anything else is the volume as it is."""
    match = _VOLUME_ISSUE.fullmatch(text)
    return (match[1], match[2]) if match is not None else (text, "")


def _iter_record_ids(item: ItemId) -> Iterator[RecordId]:
    if item.isbn:
        yield RecordId("isbn", item.isbn)
    if item.issn:
        yield RecordId("issn", item.issn)
    for external in (item.system_no, item.national_bibliography_no):
        if external is not None:
            yield from numbers_of_external(external)


def _iter_citation_extras(item: ItemId) -> Iterator[CitationExtra]:
    texts = (
        ("sponsoring-body", item.sponsoring_body),
        ("additional-no-letters", item.additional_no_letters),
        ("publication-date", item.publication_date if item.publication_date_of_component else ""),
    )
    for name, text in texts:
        if text:
            yield CitationExtra(name, text)
    if item.held_medium_type is not None and item.held_medium_type not in TYPES_OF_MEDIA:
        yield CitationExtra("held-medium-type", str(int(item.held_medium_type)), "number")
    for name, external in (("national-bibliography-no", item.national_bibliography_no), ("system-no", item.system_no)):
        if external is not None and not numbers_of_external(external):
            yield CitationExtra(name, _format_external(external))


def _format_external(external: External) -> str:
    return f"{external.direct_reference} {external.value.hex()}".strip()


def item_id_of_citation(citation: Citation) -> ItemId:
    is_part = citation.is_part or bool(citation.component_title)
    extras = {extra.name: extra.value for extra in citation.extras}
    return ItemId(
        item_type=_item_type(citation.type),
        held_medium_type=HELD_MEDIA.get(citation.type) or _parse_held_medium(extras.get("held-medium-type", "")),
        call_number=citation.call_number,
        author=citation.author,
        title=citation.title,
        sub_title=citation.subtitle,
        sponsoring_body=extras.get("sponsoring-body", ""),
        place_of_publication=citation.place,
        publisher=citation.publisher,
        series_title_number=citation.series,
        volume_issue=_join_volume_issue(citation.volume, citation.issue),
        edition=citation.edition,
        publication_date=extras.get("publication-date", "") if is_part else citation.published,
        publication_date_of_component=citation.published if is_part else "",
        author_of_article=citation.component_author,
        title_of_article=citation.component_title,
        pagination=citation.pages,
        isbn=citation.identifier("isbn"),
        issn=citation.identifier("issn"),
        additional_no_letters=extras.get("additional-no-letters", "") or _format_other_identifiers(citation),
        verification_reference_source=citation.source,
    )


def _item_type(type_: CitationType) -> ItemType:
    if type_ in SERIALS:
        return ItemType.SERIAL
    return ItemType.MONOGRAPH if type_ in BOOKS else ItemType.OTHER


def _parse_held_medium(number: str) -> MediumType | None:
    return next((medium for medium in MediumType if str(int(medium)) == number), None)


def _join_volume_issue(volume: str, issue: str) -> str:
    return f"{volume}({issue})" if volume and issue else volume or issue


def _format_other_identifiers(citation: Citation) -> str:
    """Identifiers that have no field of their own."""
    return "; ".join(f"{id_.type}:{id_.value}" for id_ in citation.identifiers if id_.type not in ("isbn", "issn"))


def media_of_format(format_: str) -> tuple[SupplyMediumInfo, ...]:
    """Return the media by the word of ISO 18626; one that has no code goes as characteristics of `other`."""
    if not format_:
        return ()
    medium = FORMATS_OUT.get(format_)
    if medium is None:
        return (SupplyMediumInfo(type=SupplyMedium.OTHER, characteristics=format_),)
    plain = FORMATS_IN.get(medium) == format_
    return (SupplyMediumInfo(type=medium, characteristics="" if plain else format_),)


def format_of_media(media: tuple[SupplyMediumInfo, ...]) -> str:
    """Return the format of the first in the order of preference."""
    if not media:
        return ""
    first = media[0]
    word = first.characteristics.casefold().replace(" ", "-")
    if word in FORMATS_OUT:
        return word
    known = FORMATS_IN.get(first.type) if isinstance(first.type, SupplyMedium) else None
    return known or word


def numbers_of_external(external: External) -> tuple[RecordId, ...]:
    """Empty for a syntax that isn't known, or isn't kept to."""
    if external.encoding is not Encoding.SINGLE_ASN1_TYPE:
        return ()
    try:
        if external.direct_reference == IPIG_SYSTEM_NUMBER:
            return tuple(_read_ipig_numbers(external.value))
        if external.direct_reference == CANADIAN_SYSTEM_NUMBER:
            return tuple(_read_canadian_numbers(external.value))
    except MalformedMessage:
        return ()  # the caller keeps the octets
    return ()


def _iter_list_entries(source: ber.BerSource) -> Iterator[tuple[int, int]]:
    """The contents of each SEQUENCE of the list."""
    _, _, at, end, _ = source.read_header(0, len(source.data))
    while at < end:
        _, _, start, stop, at = source.read_header(at, end)
        yield start, stop


def _read_ipig_numbers(value: bytes) -> Iterator[RecordId]:
    source = ber.BerSource(value)
    for at, end in _iter_list_entries(source):
        system, number = "local", ""
        while at < end:
            tag, _, start, stop, at = source.read_header(at, end)
            if tag == ber.CONTEXT | 1:
                system = _WELL_KNOWN.get(int.from_bytes(_innermost_octets(source, start, stop)[:4], "big"), "local")
            elif tag == ber.CONTEXT | 4:
                number = _innermost_octets(source, start, stop).decode("utf-8", "replace").strip()
        if number:
            yield RecordId(system, number)


def _read_canadian_numbers(value: bytes) -> Iterator[RecordId]:
    source = ber.BerSource(value)
    for at, end in _iter_list_entries(source):
        system, number = "local", ""
        while at < end:
            tag, _, start, stop, at = source.read_header(at, end)
            if tag == ber.ENUMERATED:
                system = _CANADIAN.get(int.from_bytes(source.data[start:stop][:4], "big"), "local")
            elif tag in ber.STRINGS:
                number = source.data[start:stop].decode("utf-8", "replace").strip()
        if number:
            yield RecordId(system, number)


def _innermost_octets(source: ber.BerSource, start: int, stop: int) -> bytes:
    """A primitive value, with its own tag inside or not: explicit and implicit tagging are both seen."""
    data = source.data
    if stop - start >= 2 and data[start] in (ber.ENUMERATED, ber.GENERAL_STRING, ber.VISIBLE_STRING):
        _, _, begin, end, following = source.read_header(start, stop)
        if following == stop:
            return data[begin:end]
    return data[start:stop]

"""bibliographicInfo and publicationInfo <-> Citation."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.iso18626.mapping.codes import (
    ITEM_NUMBERS,
    PUBLICATION_TYPE_IN,
    PUBLICATION_TYPE_OUT,
    RECORD_NUMBERS,
    read_number_type,
)
from adapters.iso18626.messages.declaration import OpenCode
from adapters.iso18626.messages.structures import BibliographicInfo, ItemIdentifier, PublicationInfo, RecordIdentifier
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import SUPPLIER_RECORD, Citation, CitationExtra, CitationType


def read_citation(info: BibliographicInfo, publication: PublicationInfo | None, note: str) -> Citation:
    """Read a citation; what has no place in it is in its extras."""
    published = publication or PublicationInfo()
    return Citation(
        type=_read_type(info, published),
        title=info.title or "",
        subtitle=info.subtitle or "",
        author=info.author or "",
        component_title=info.title_of_component or "",
        component_author=info.author_of_component or "",
        series=info.series_title or "",
        edition=info.edition or "",
        publisher=published.publisher or "",
        place=published.place or "",
        published=published.date or "",
        volume=", ".join(info.volumes),
        issue=info.issue or "",
        pages=info.pages_requested or "",
        identifiers=tuple(_iterate_numbers(info)),
        source=info.information_source or "",
        note=note,
        extras=tuple(_iterate_extras(info, published)),
    )


def _read_type(info: BibliographicInfo, published: PublicationInfo) -> CitationType:
    type_ = PUBLICATION_TYPE_IN.get(published.type.value.casefold()) if published.type is not None else None
    if type_ is not None:
        return type_
    types = {read_number_type(item_id.code.value) for item_id in info.item_ids if item_id.code is not None}
    is_part = bool(info.title_of_component)
    if "issn" in types:
        return CitationType.ARTICLE if is_part else CitationType.JOURNAL
    if "isbn" in types:
        return CitationType.CHAPTER if is_part else CitationType.BOOK
    return CitationType.OTHER


def _iterate_numbers(info: BibliographicInfo) -> Iterator[RecordId]:
    if info.supplier_unique_record_id:
        yield RecordId(SUPPLIER_RECORD, info.supplier_unique_record_id)
    for item in info.item_ids:
        yield from _read_number(item.code, item.value)
    for record in info.record_ids:
        yield from _read_number(record.code, record.value)


def _read_number(code: OpenCode | None, value: str | None) -> Iterator[RecordId]:
    if value:
        yield RecordId(read_number_type(code.value) if code is not None else "local", value)


def _iterate_extras(info: BibliographicInfo, published: PublicationInfo) -> Iterator[CitationExtra]:
    texts = (
        ("author-id", info.author_id),
        ("estimated-pages", info.estimated_pages),
        ("sponsor", info.sponsor),
        ("publisher-id", published.publisher_id),
    )
    for name, text in texts:
        if text:
            yield CitationExtra(name, text)
    if published.type is not None and published.type.value.casefold() not in PUBLICATION_TYPE_IN:
        yield CitationExtra("publication-type", published.type.value)


def write_bibliographic_info(citation: Citation, record: str = "", *, listed_only: bool = False) -> BibliographicInfo:
    """`record`: the number that the receiver has for it. `listed_only`: without numbers whose code the standard's lists
    don't have."""
    extras = {extra.name: extra.value for extra in citation.extras}
    return BibliographicInfo(
        supplier_unique_record_id=record or None,
        title=citation.title or None,
        author=citation.author or None,
        author_id=extras.get("author-id"),
        subtitle=citation.subtitle or None,
        series_title=citation.series or None,
        edition=citation.edition or None,
        title_of_component=citation.component_title or None,
        author_of_component=citation.component_author or None,
        volumes=(citation.volume,) if citation.volume else (),
        issue=citation.issue or None,
        pages_requested=citation.pages or None,
        estimated_pages=extras.get("estimated-pages"),
        item_ids=tuple(
            ItemIdentifier(code=OpenCode(ITEM_NUMBERS[identifier.type]), value=identifier.value)
            for identifier in citation.identifiers
            if identifier.type in ITEM_NUMBERS
        ),
        sponsor=extras.get("sponsor"),
        information_source=citation.source or None,
        record_ids=tuple(
            RecordIdentifier(
                code=OpenCode(RECORD_NUMBERS.get(identifier.type, identifier.type)), value=identifier.value
            )
            for identifier in citation.identifiers
            if identifier.type not in ITEM_NUMBERS
            and identifier.type != SUPPLIER_RECORD
            and (identifier.type in RECORD_NUMBERS or not listed_only)
        ),
    )


def write_publication_info(citation: Citation) -> PublicationInfo:
    extras = {extra.name: extra.value for extra in citation.extras}
    word = PUBLICATION_TYPE_OUT.get(citation.type, extras.get("publication-type", ""))
    return PublicationInfo(
        publisher=citation.publisher or None,
        publisher_id=extras.get("publisher-id"),
        type=OpenCode(word) if word else None,
        date=citation.published or None,
        place=citation.place or None,
    )

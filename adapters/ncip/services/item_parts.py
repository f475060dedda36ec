"""Items and records in answers."""

from __future__ import annotations

from adapters.ncip.dialect import ItemElement
from adapters.ncip.messages import (
    BibliographicDescription,
    BibliographicId,
    BibliographicItemId,
    BibliographicRecordId,
    Code,
    ItemDescription,
    ItemOptionalFields,
    Location,
    LocationName,
    LocationNameInstance,
)
from adapters.ncip.services import wording
from adapters.ncip.services.wording import Writer
from adapters.ncip.values import CirculationState
from gateway.domain.library import (
    Bib,
    Item,
    ItemStatus,
    RecordId,
)

_ITEM_ELEMENTS = {element.value.lower(): element for element in ItemElement}

STATUSES = {
    ItemStatus.AVAILABLE: CirculationState.AVAILABLE_ON_SHELF,
    ItemStatus.ON_HOLD_SHELF: CirculationState.AVAILABLE_FOR_PICKUP,
    ItemStatus.ON_LOAN: CirculationState.ON_LOAN,
    ItemStatus.IN_TRANSIT: CirculationState.IN_TRANSIT,
    ItemStatus.IN_PROCESS: CirculationState.IN_PROCESS,
    ItemStatus.LOST: CirculationState.LOST,
    ItemStatus.MISSING: CirculationState.MISSING,
    ItemStatus.CLAIMED_RETURNED: CirculationState.CLAIMED_RETURNED,
    ItemStatus.NOT_AVAILABLE: CirculationState.NOT_AVAILABLE,
    ItemStatus.RECALLED: CirculationState.RECALLED,
}


def circulation_status(status: ItemStatus, writer: Writer) -> Code:
    return Code(writer.dialect.items.statuses.get(status) or STATUSES[status])


def item_elements(asked: tuple[Code, ...], writer: Writer) -> frozenset[ItemElement]:
    rules = writer.dialect.items
    words = (one.value.strip().lower() for one in asked)
    wanted = {_ITEM_ELEMENTS[word] for word in words if word in _ITEM_ELEMENTS}
    if not asked:
        wanted = set(rules.default_elements)
    return frozenset((wanted | set(rules.always_elements)) - set(rules.never_elements))


def item_fields(
    item: Item, bib: Bib | None, wanted: frozenset[ItemElement], writer: Writer
) -> ItemOptionalFields | None:
    """None when nothing is wanted."""
    if not wanted:
        return None
    restricted = ItemElement.RESTRICTION in wanted and not item.circulates
    described = ItemElement.BIBLIOGRAPHIC in wanted and bib is not None and writer.dialect.answers.echo_titles
    return ItemOptionalFields(
        bibliographic_description=description(bib, writer) if described and bib is not None else None,
        item_use_restriction_types=(Code(writer.dialect.items.restriction_library_use),) if restricted else (),
        circulation_status=circulation_status(item.status, writer) if ItemElement.STATUS in wanted else None,
        hold_queue_length=item.hold_count if ItemElement.QUEUE in wanted else None,
        item_description=_item_description(item) if ItemElement.DESCRIPTION in wanted else None,
        locations=(location(item, writer),) if ItemElement.LOCATION in wanted else (),
        date_due=item.due if ItemElement.STATUS in wanted else None,
    )


def _item_description(item: Item) -> ItemDescription:
    return ItemDescription(
        call_number=item.call_number or None,
        copy_number=item.copy_number or None,
        number_of_pieces=item.pieces if item.pieces > 1 else None,
    )


def location(item: Item, writer: Writer) -> Location:
    values = {
        "library": writer.our_agency,
        "branch": item.home.library,
        "shelf": item.home.shelf,
        "name": item.home.name,
    }
    levels = writer.dialect.items.location_levels
    instances = tuple(
        LocationNameInstance(level=number, value=values[level])
        for number, level in enumerate(levels, start=1)
        if values[level]
    )
    return Location(location_type=Code(writer.dialect.items.location_type), name=LocationName(instances=instances))


def description(bib: Bib, writer: Writer) -> BibliographicDescription:
    records = [_record_id(RecordId("local", bib.id), writer)] if bib.id else []
    records += [_record_id(one, writer) for one in bib.identifiers if one.type in ("oclc", "lccn", "local")]
    standard = next((one for one in bib.identifiers if one.type in ("isbn", "issn")), None)
    return BibliographicDescription(
        author=bib.author or None,
        author_of_component=bib.component_author or None,
        bibliographic_item_ids=(_bib_item_id(standard, writer),) if standard is not None else (),
        bibliographic_record_ids=tuple(dict.fromkeys(records)),
        edition=bib.edition or None,
        pagination=bib.pages or None,
        place_of_publication=bib.place or None,
        publication_date=bib.published or None,
        publisher=bib.publisher or None,
        series_title_number=bib.series or None,
        title=bib.title or None,
        title_of_component=bib.component_title or None,
        bibliographic_level=wording.code(bib.level),
        language=wording.code(bib.language),
        medium_type=wording.code(bib.medium),
    )


def _record_id(record: RecordId, writer: Writer) -> BibliographicRecordId:
    word = writer.dialect.items.record_codes.get(record.type, record.type)
    return BibliographicRecordId(identifier=record.value, identifier_code=Code(word))


def _bib_item_id(record: RecordId, writer: Writer) -> BibliographicItemId:
    word = writer.dialect.items.record_codes.get(record.type, record.type)
    return BibliographicItemId(identifier=record.value, identifier_code=Code(word))


def bibliographic_id(record: RecordId, writer: Writer) -> BibliographicId:
    if record.type in ("isbn", "issn"):
        return BibliographicId(bibliographic_item_id=_bib_item_id(record, writer))
    return BibliographicId(bibliographic_record_id=_record_id(record, writer))

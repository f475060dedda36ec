"""LookupItemSet (2.02): the copies of several records, in slices."""

from __future__ import annotations

from adapters.ncip.messages import (
    BibInformation,
    Code,
    HoldingsSet,
    ItemInformation,
    LookupItemSet,
    LookupItemSetResponse,
    Problem,
)
from adapters.ncip.services import item_parts, wording
from adapters.ncip.services.reading import Reader, named, record_ids
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import ItemSetEntry, ItemSetFound, LookUpItemSet
from gateway.domain.library import Item, RecordId
from gateway.domain.problems import About, Reason, Refused


def read_lookup_item_set(message: LookupItemSet, reader: Reader) -> LookUpItemSet:
    # Our holdings sets are not named apart from their record, so their ids are record numbers.
    records = record_ids(message.bibliographic_ids, reader)
    records += tuple(RecordId("local", value) for value in message.holdings_set_ids if value)
    items = tuple(one for one in map(named, message.item_ids) if one is not None)
    if not records and not items:
        raise Refused(Reason.DATA_MISSING, "No BibliographicId, HoldingsSetId or ItemId is given.", about=About.RECORD)
    return LookUpItemSet(records, items, limit=message.maximum_items_count, cursor=message.next_item_token or "")


def write_lookup_item_set_response(
    found: ItemSetFound, message: LookupItemSet, writer: Writer
) -> LookupItemSetResponse:
    return LookupItemSetResponse(
        bibs=tuple(_bib(entry, message, writer) for entry in found.entries), next_item_token=found.cursor or None
    )


def _bib(entry: ItemSetEntry, message: LookupItemSet, writer: Writer) -> BibInformation:
    identifier = item_parts.bibliographic_id(entry.record, writer)
    if entry.bib is None or not entry.items:
        problem = Problem(
            type=Code("Unknown Item"), detail=entry.missing or "There are no items.", element="BibliographicId"
        )
        return BibInformation(bibliographic_id=identifier, problems=(problem,))
    echo = writer.dialect.answers.echo_titles
    return BibInformation(
        bibliographic_id=identifier,
        bibliographic_description=item_parts.description(entry.bib, writer) if echo else None,
        title_hold_queue_length=entry.hold_count,
        holdings_sets=(
            HoldingsSet(
                holdings_set_id=entry.bib.id or None,
                items=tuple(_item(item, message, writer) for item in entry.items),
            ),
        ),
    )


def _item(item: Item, message: LookupItemSet, writer: Writer) -> ItemInformation:
    wanted = item_parts.item_elements(message.item_element_types, writer)
    return ItemInformation(
        item_id=wording.item_id(item.barcode, None, writer),
        date_due=item.due,
        item_optional_fields=item_parts.item_fields(item, None, wanted, writer),
    )

"""Services about items."""

from __future__ import annotations

from adapters.ncip.code_lists import make_problem_type
from adapters.ncip.messages import (
    BibInformation,
    BibliographicId,
    Code,
    CreateItem,
    CreateItemResponse,
    DeleteItem,
    DeleteItemResponse,
    HoldingsSet,
    ItemInformation,
    ItemTransaction,
    LookupItem,
    LookupItemResponse,
    LookupItemSet,
    LookupItemSetResponse,
    Problem,
    UpdateCirculationStatus,
    UpdateCirculationStatusResponse,
)
from adapters.ncip.services import result_writer
from adapters.ncip.services.command_reader import (
    CommandReader,
    read_bib,
    read_item_reference,
    read_item_status,
    read_locations,
    read_record_ids,
    require_value,
    text_of_code,
)
from adapters.ncip.services.result_writer import ResultWriter
from gateway.domain.commands import CreateItem as Create
from gateway.domain.commands import DeleteItem as Delete
from gateway.domain.commands import (
    ItemChanged,
    ItemFound,
    ItemSetEntry,
    ItemSetFound,
    LookUpItem,
    LookUpItemSet,
    UpdateStatus,
)
from gateway.domain.library import Item, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused


def read_create_item(message: CreateItem, reader: CommandReader) -> Create:
    description = read_bib(message.bibliographic_description, reader)
    if not description.title:
        raise Refused(RefusalReason.DATA_MISSING, "Title is missing or empty.", about=MessagePart.RECORD)
    locations = read_locations(message.locations)
    return Create(
        item=read_item_reference(message.item_id),
        bib=description,
        request=read_item_reference(message.request_id),
        call_number=(message.item_description.call_number or "") if message.item_description is not None else "",
        location=locations[0] if locations else "",
        status=read_item_status(message.circulation_status, reader),
    )


def write_create_item_response(created: ItemChanged, message: CreateItem, writer: ResultWriter) -> CreateItemResponse:
    return CreateItemResponse(
        item_id=result_writer.write_item_id(result_writer.barcode_of(created.item), message.item_id, writer)
    )


def read_delete_item(message: DeleteItem, _reader: CommandReader) -> Delete:
    return Delete(item=require_value(message.item_id, MessagePart.ITEM, "ItemId"))


def write_delete_item_response(deleted: ItemChanged, message: DeleteItem, writer: ResultWriter) -> DeleteItemResponse:
    return DeleteItemResponse(
        item_id=result_writer.write_item_id(result_writer.barcode_of(deleted.item), message.item_id, writer)
    )


def read_lookup_item(message: LookupItem, _reader: CommandReader) -> LookUpItem:
    item, request = read_item_reference(message.item_id), read_item_reference(message.request_id)
    if item is None and request is None:
        raise Refused(
            RefusalReason.DATA_MISSING, "ItemId or RequestId is required to identify the item.", about=MessagePart.ITEM
        )
    return LookUpItem(
        item, request, borrower=message.current_borrower_desired, requesters=message.current_requesters_desired
    )


def write_lookup_item_response(result: ItemFound, message: LookupItem, writer: ResultWriter) -> LookupItemResponse:
    item_elements = result_writer.select_item_elements(message.item_element_types, writer)
    transaction = None
    if result.borrower is not None or result.requesters:
        transaction = ItemTransaction(
            current_borrower=result_writer.write_user_id(result.borrower, None, writer)
            if result.borrower is not None
            else None,
            current_requesters=tuple(result_writer.write_user_id(patron, None, writer) for patron in result.requesters),
        )
    by_request = message.request_id is not None and message.item_id is None
    return LookupItemResponse(
        request_id=result_writer.write_request_id("", message.request_id, writer) if by_request else None,
        item_id=result_writer.write_item_id(result.item.barcode, message.item_id, writer),
        date_recalled=result.loan.recalled if result.loan is not None else None,
        item_transaction=transaction,
        item_optional_fields=result_writer.write_item_fields(result.item, result.bib, item_elements, writer),
    )


def read_lookup_item_set(message: LookupItemSet, reader: CommandReader) -> LookUpItemSet:
    # Our holdings sets are not named apart from their record, so their ids are record numbers.
    records = read_record_ids(message.bibliographic_ids, reader)
    records += tuple(RecordId("local", value) for value in message.holdings_set_ids if value)
    items = tuple(item for item in map(read_item_reference, message.item_ids) if item is not None)
    if not records and not items:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "BibliographicId, HoldingsSetId or ItemId is required.",
            about=MessagePart.RECORD,
        )
    return LookUpItemSet(records, items, limit=message.maximum_items_count, cursor=message.next_item_token or "")


def write_lookup_item_set_response(
    result: ItemSetFound, message: LookupItemSet, writer: ResultWriter
) -> LookupItemSetResponse:
    return LookupItemSetResponse(
        bibs=tuple(_write_bib_information(entry, message, writer) for entry in result.entries),
        next_item_token=result.cursor or None,
    )


def _write_bib_information(entry: ItemSetEntry, message: LookupItemSet, writer: ResultWriter) -> BibInformation:
    identifier = _find_sent_id(entry.record, message, writer) or result_writer.write_bibliographic_id(
        entry.record, writer
    )
    if entry.bib is None or not entry.items:
        type_ = (
            make_problem_type("Unknown Item", writer.service) if writer.dialect.xml.schemes else Code("Unknown Item")
        )
        problem = Problem(type=type_, detail=entry.missing or "There are no items.", element="BibliographicId")
        return BibInformation(bibliographic_id=identifier, problems=(problem,))
    echo = writer.dialect.answers.echo_titles
    return BibInformation(
        bibliographic_id=identifier,
        bibliographic_description=result_writer.write_description(entry.bib, writer) if echo else None,
        title_hold_queue_length=entry.hold_count,
        holdings_sets=(
            HoldingsSet(
                holdings_set_id=entry.bib.id or None,
                items=tuple(_write_item_information(item, message, writer) for item in entry.items),
            ),
        ),
    )


def _find_sent_id(record: RecordId, message: LookupItemSet, writer: ResultWriter) -> BibliographicId | None:
    """A record's number as it was sent, by which the client knows its record again (VF); None where there is none that
    an answer may hold."""
    types = writer.exchange_context.profile.circulation.records.types
    for bibliographic_id in message.bibliographic_ids:
        sent_id = bibliographic_id.bibliographic_record_id or bibliographic_id.bibliographic_item_id
        if sent_id is None or sent_id.identifier != record.value:
            continue
        word = text_of_code(sent_id.identifier_code).strip().lower()
        if types.get(word, word) == record.type and (
            bibliographic_id.bibliographic_item_id is sent_id or bool(word) != _has_agency(bibliographic_id)
        ):
            return bibliographic_id
    return None


def _has_agency(sent: BibliographicId) -> bool:
    return sent.bibliographic_record_id is not None and bool(text_of_code(sent.bibliographic_record_id.agency_id))


def _write_item_information(item: Item, message: LookupItemSet, writer: ResultWriter) -> ItemInformation:
    item_elements = result_writer.select_item_elements(message.item_element_types, writer)
    return ItemInformation(
        item_id=result_writer.write_item_id(item.barcode, None, writer),
        date_due=item.due,
        item_optional_fields=result_writer.write_item_fields(item, None, item_elements, writer),
    )


def read_update_circulation_status(message: UpdateCirculationStatus, reader: CommandReader) -> UpdateStatus:
    status = read_item_status(message.circulation_status, reader)
    if status is None:
        raise Refused(RefusalReason.DATA_MISSING, "CirculationStatus is missing or empty.", about=MessagePart.STATUS)
    item = require_value(message.item_id, MessagePart.ITEM, "ItemId")
    return UpdateStatus(item, status, text_of_code(message.circulation_status))


def write_update_circulation_status_response(
    changed: ItemChanged, message: UpdateCirculationStatus, writer: ResultWriter
) -> UpdateCirculationStatusResponse:
    return UpdateCirculationStatusResponse(
        item_id=result_writer.write_item_id(result_writer.barcode_of(changed.item), message.item_id, writer)
    )

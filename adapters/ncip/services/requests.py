"""Services about requests."""

from __future__ import annotations

from adapters.ncip.messages import (
    CancelRequestItem,
    CancelRequestItemResponse,
    Code,
    LookupRequest,
    LookupRequestResponse,
    RequestFields,
    RequestItem,
    RequestItemResponse,
    UpdateRequestItem,
    UpdateRequestItemResponse,
)
from adapters.ncip.services import patron_writer, result_writer
from adapters.ncip.services.command_reader import (
    CommandReader,
    description_of_fields,
    read_bib,
    read_item_reference,
    read_locations,
    read_patron_reference,
    read_record_ids,
    read_request_kind,
    read_request_scope,
    require_patron,
    text_of_code,
)
from adapters.ncip.services.result_writer import ResultWriter
from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.commands import (
    CancelRequest,
    LookUpRequest,
    PatronRef,
    PlaceRequest,
    RequestCancelled,
    RequestFound,
    RequestPlaced,
    UpdateRequest,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused


def read_request_item(message: RequestItem, reader: CommandReader) -> PlaceRequest:
    items = tuple(item for item in map(read_item_reference, message.item_ids) if item is not None)
    records = read_record_ids(message.bibliographic_ids, reader)
    fields = message.item_optional_fields
    citation = read_bib(description_of_fields(fields), reader)
    described = reader.policy.requests.managed is ManagedRole.BORROWING and (citation.title or citation.component_title)
    if not items and not records and not described:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "ItemId or BibliographicId is required.",
            about=MessagePart.ITEM,
        )
    return PlaceRequest(
        patron=require_patron(message.user_id, message.authentication_inputs),
        items=items,
        records=records,
        request=read_item_reference(message.request_id),
        kind=read_request_kind(message.request_type, reader),
        scope=read_request_scope(message.request_scope_type, reader),
        pickup=text_of_code(message.pickup_location),
        need_by=message.need_before_date,
        expires=message.pickup_expiry_date,
        citation=citation,
        receiver=reader.receiver,
        locations=read_locations(fields.locations) if fields is not None else (),
    )


def write_request_item_response(
    placed: RequestPlaced, message: RequestItem, writer: ResultWriter
) -> RequestItemResponse:
    hold = placed.hold
    sent_item = message.item_ids[0] if message.item_ids else None
    barcode = placed.item.barcode if placed.item is not None else hold.item_barcode
    item = (
        result_writer.write_item_id(barcode, sent_item, writer)
        if barcode and (sent_item or writer.is_part_wanted("item-id"))
        else None
    )
    request = result_writer.write_request_id(hold.request_id or hold.id, message.request_id, writer)
    items, users = result_writer.list_wanted_elements(message)
    fields = None
    if placed.item is not None:
        fields = result_writer.write_item_fields(
            placed.item, placed.bib, result_writer.select_item_elements(items, writer), writer
        )
    return RequestItemResponse(
        request_id=request if item is None or writer.is_part_wanted("request-id") else None,
        item_id=item,
        user_id=result_writer.write_user_id(placed.patron, message.user_id, writer),
        request_type=result_writer.write_request_type(message.request_type, hold, writer),
        request_scope_type=result_writer.write_request_scope(message.request_scope_type, hold, writer),
        hold_pickup_date=hold.ready_until,
        item_optional_fields=fields,
        user_optional_fields=patron_writer.write_user_fields_if_asked(placed.patron, users, writer),
    )


def read_cancel_request_item(message: CancelRequestItem, reader: CommandReader) -> CancelRequest:
    request, item = read_item_reference(message.request_id), read_item_reference(message.item_id)
    patron = read_patron_reference(message.user_id, message.authentication_inputs)
    if request is None and item is None:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "RequestId or ItemId is required to identify the request.",
            about=MessagePart.REQUEST,
        )
    if patron is None and request is None:
        raise Refused(
            RefusalReason.DATA_MISSING, "A request identified by its item also needs UserId.", about=MessagePart.PATRON
        )
    # Several partners leave RequestType out or empty (facts/ncip.md 1.5); then any kind is meant.
    kind = read_request_kind(message.request_type, reader) if text_of_code(message.request_type) else ""
    return CancelRequest(patron or PatronRef(), request, item, kind)


def write_cancel_request_item_response(
    cancelled: RequestCancelled, message: CancelRequestItem, writer: ResultWriter
) -> CancelRequestItemResponse:
    hold = cancelled.hold
    barcode = cancelled.item.barcode if cancelled.item is not None else hold.item_barcode
    named_by_item = message.item_id is not None and bool(message.item_id.value)
    request = result_writer.write_request_id(hold.request_id or hold.id, message.request_id, writer)
    keep_item = barcode and (named_by_item or writer.is_part_wanted("item-id"))
    return CancelRequestItemResponse(
        request_id=request if not keep_item or writer.is_part_wanted("request-id") else None,
        item_id=result_writer.write_item_id(barcode, message.item_id, writer) if keep_item else None,
        user_id=result_writer.write_user_id(cancelled.patron, message.user_id, writer),
    )


def read_update_request_item(message: UpdateRequestItem, reader: CommandReader) -> UpdateRequest:
    request, item = read_item_reference(message.request_id), read_item_reference(message.item_id)
    patron = read_patron_reference(message.user_id, message.authentication_inputs)
    if request is None and (patron is None or item is None):
        raise Refused(
            RefusalReason.DATA_MISSING,
            "RequestId, or UserId together with ItemId, is required.",
            about=MessagePart.REQUEST,
        )
    change = message.add_request_fields or RequestFields()
    kind = read_request_kind(message.request_type, reader) if text_of_code(message.request_type) else ""
    return UpdateRequest(
        patron,
        request,
        item,
        pickup=text_of_code(change.pickup_location),
        need_by=change.need_before_date,
        expires=change.pickup_expiry_date,
        kind=kind,
    )


def write_update_request_item_response(
    updated: RequestPlaced, message: UpdateRequestItem, writer: ResultWriter
) -> UpdateRequestItemResponse:
    hold = updated.hold
    barcode = updated.item.barcode if updated.item is not None else hold.item_barcode
    # The schema wants an ItemId even for a title request that no item fills yet; its number stands in then.
    return UpdateRequestItemResponse(
        item_id=result_writer.write_item_id(barcode or hold.request_id or hold.id, message.item_id, writer),
        user_id=result_writer.write_user_id(updated.patron, message.user_id, writer),
        request_type=result_writer.write_request_type(message.request_type, hold, writer),
        request_scope_type=result_writer.write_request_scope(_get_sent_scope(message), hold, writer),
    )


def _get_sent_scope(message: UpdateRequestItem) -> Code | None:
    fields = message.add_request_fields
    return fields.request_scope_type if fields is not None else None


def read_lookup_request(message: LookupRequest, reader: CommandReader) -> LookUpRequest:
    request = read_item_reference(message.request_id)
    patron = read_patron_reference(message.user_id, message.authentication_inputs)
    item = read_item_reference(message.item_id)
    if request is None and (patron is None or item is None):
        raise Refused(
            RefusalReason.DATA_MISSING,
            "RequestId, or UserId together with ItemId, is required.",
            about=MessagePart.REQUEST,
        )
    kind = read_request_kind(message.request_type, reader) if message.request_type is not None else ""
    return LookUpRequest(request, patron, item, kind)


def write_lookup_request_response(
    result: RequestFound, message: LookupRequest, writer: ResultWriter
) -> LookupRequestResponse:
    hold = result.hold
    user_wanted = patron_writer.select_user_elements(message.user_element_types, writer)
    item_wanted = result_writer.select_item_elements(message.item_element_types, writer)
    barcode = result.item.barcode if result.item is not None else hold.item_barcode
    return LookupRequestResponse(
        request_id=result_writer.write_request_id(hold.request_id or hold.id, message.request_id, writer),
        item_id=result_writer.write_item_id(barcode, message.item_id, writer) if barcode else None,
        user_id=result_writer.write_user_id(result.patron, message.user_id, writer),
        request_type=result_writer.write_request_type(message.request_type, hold, writer),
        request_scope_type=result_writer.write_request_scope(None, hold, writer),
        request_status_type=result_writer.write_request_status(hold.status, writer),
        hold_queue_position=hold.position or None,
        need_before_date=hold.need_by,
        pickup_location=result_writer.write_pickup_location(hold.pickup, writer),
        pickup_expiry_date=hold.ready_until or hold.expires,
        date_of_user_request=hold.placed,
        item_optional_fields=(
            result_writer.write_item_fields(result.item, result.bib, item_wanted, writer)
            if result.item is not None
            else None
        ),
        user_optional_fields=patron_writer.write_user_fields(result.patron, user_wanted, writer),
    )

"""RequestItem: place a hold, page or recall for a patron."""

from __future__ import annotations

from adapters.ncip.messages import RequestItem, RequestItemResponse
from adapters.ncip.services import item_parts, patron_parts, wording
from adapters.ncip.services.reading import (
    Reader,
    bib,
    description_of,
    must_patron,
    named,
    record_ids,
    request_kind,
    request_scope,
)
from adapters.ncip.services.reading import (
    word as text_of,
)
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import PlaceRequest, RequestPlaced
from gateway.domain.policy import Manages
from gateway.domain.problems import About, Reason, Refused


def read_request_item(message: RequestItem, reader: Reader) -> PlaceRequest:
    items = tuple(one for one in map(named, message.item_ids) if one is not None)
    records = record_ids(message.bibliographic_ids, reader)
    citation = bib(description_of(message.item_optional_fields), reader)
    described = reader.policy.requests.managed is Manages.BORROWING and (citation.title or citation.component_title)
    if not items and not records and not described:
        raise Refused(Reason.DATA_MISSING, "Neither ItemId nor BibliographicId says what is wanted.", about=About.ITEM)
    return PlaceRequest(
        patron=must_patron(message.user_id, message.authentication_inputs),
        items=items,
        records=records,
        request=named(message.request_id),
        kind=request_kind(message.request_type, reader),
        scope=request_scope(message.request_scope_type, reader),
        pickup=text_of(message.pickup_location),
        need_by=message.need_before_date,
        expires=message.pickup_expiry_date,
        citation=citation,
        receiver=reader.receiver,
    )


def write_request_item_response(placed: RequestPlaced, message: RequestItem, writer: Writer) -> RequestItemResponse:
    hold = placed.hold
    sent_item = message.item_ids[0] if message.item_ids else None
    barcode = placed.item.barcode if placed.item is not None else hold.item_barcode
    item = wording.item_id(barcode, sent_item, writer) if barcode and (sent_item or writer.wants("item-id")) else None
    request = wording.request_id(hold.request_id or hold.id, message.request_id, writer)
    items, users = wording.sent_elements(message)
    fields = None
    if placed.item is not None:
        fields = item_parts.item_fields(placed.item, placed.bib, item_parts.item_elements(items, writer), writer)
    return RequestItemResponse(
        request_id=request if item is None or writer.wants("request-id") else None,
        item_id=item,
        user_id=wording.user_id(placed.patron, message.user_id, writer),
        request_type=wording.request_type(message.request_type, hold, writer),
        request_scope_type=wording.request_scope(message.request_scope_type, hold, writer),
        hold_pickup_date=hold.ready_until,
        item_optional_fields=fields,
        user_optional_fields=patron_parts.user_fields_if_asked(placed.patron, users, writer),
    )

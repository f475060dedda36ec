"""UpdateRequestItem: another pickup place or date for a request."""

from __future__ import annotations

from adapters.ncip.messages import Code, RequestFields, UpdateRequestItem, UpdateRequestItemResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, named, patron_ref, request_kind
from adapters.ncip.services.reading import word as text_of
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import RequestPlaced, UpdateRequest
from gateway.domain.problems import About, Reason, Refused


def read_update_request_item(message: UpdateRequestItem, reader: Reader) -> UpdateRequest:
    request, item = named(message.request_id), named(message.item_id)
    patron = patron_ref(message.user_id, message.authentication_inputs)
    if request is None and (patron is None or item is None):
        raise Refused(
            Reason.DATA_MISSING, "RequestId is missing, or else UserId together with ItemId.", about=About.REQUEST
        )
    change = message.add_request_fields or RequestFields()
    kind = request_kind(message.request_type, reader) if text_of(message.request_type) else ""
    return UpdateRequest(
        patron,
        request,
        item,
        pickup=text_of(change.pickup_location),
        need_by=change.need_before_date,
        expires=change.pickup_expiry_date,
        kind=kind,
    )


def write_update_request_item_response(
    updated: RequestPlaced, message: UpdateRequestItem, writer: Writer
) -> UpdateRequestItemResponse:
    hold = updated.hold
    barcode = updated.item.barcode if updated.item is not None else hold.item_barcode
    # The schema wants an ItemId even for a title request that no item fills yet; its number stands in then.
    return UpdateRequestItemResponse(
        item_id=wording.item_id(barcode or hold.request_id or hold.id, message.item_id, writer),
        user_id=wording.user_id(updated.patron, message.user_id, writer),
        request_type=wording.request_type(message.request_type, hold, writer),
        request_scope_type=wording.request_scope(_scope(message), hold, writer),
    )


def _scope(message: UpdateRequestItem) -> Code | None:
    fields = message.add_request_fields
    return fields.request_scope_type if fields is not None else None

"""CancelRequestItem: take a request back."""

from __future__ import annotations

from adapters.ncip.messages import CancelRequestItem, CancelRequestItemResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, named, patron_ref, request_kind
from adapters.ncip.services.reading import word as text_of
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import CancelRequest, PatronRef, RequestCancelled
from gateway.domain.problems import About, Reason, Refused


def read_cancel_request_item(message: CancelRequestItem, reader: Reader) -> CancelRequest:
    request, item = named(message.request_id), named(message.item_id)
    patron = patron_ref(message.user_id, message.authentication_inputs)
    if request is None and item is None:
        raise Refused(Reason.DATA_MISSING, "Neither RequestId nor ItemId says which request.", about=About.REQUEST)
    if patron is None and request is None:
        raise Refused(Reason.DATA_MISSING, "A request named by its item needs UserId too.", about=About.PATRON)
    # Several partners leave RequestType out or empty (facts/ncip.md 1.5); then any kind is meant.
    kind = request_kind(message.request_type, reader) if text_of(message.request_type) else ""
    return CancelRequest(patron or PatronRef(), request, item, kind)


def write_cancel_request_item_response(
    cancelled: RequestCancelled, message: CancelRequestItem, writer: Writer
) -> CancelRequestItemResponse:
    hold = cancelled.hold
    barcode = cancelled.item.barcode if cancelled.item is not None else hold.item_barcode
    named_by_item = message.item_id is not None and bool(message.item_id.value)
    request = wording.request_id(hold.request_id or hold.id, message.request_id, writer)
    keep_item = barcode and (named_by_item or writer.wants("item-id"))
    return CancelRequestItemResponse(
        request_id=request if not keep_item or writer.wants("request-id") else None,
        item_id=wording.item_id(barcode, message.item_id, writer) if keep_item else None,
        user_id=wording.user_id(cancelled.patron, message.user_id, writer),
    )

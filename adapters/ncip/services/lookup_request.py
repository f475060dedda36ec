"""LookupRequest: how does this request stand?"""

from __future__ import annotations

from adapters.ncip.messages import LookupRequest, LookupRequestResponse
from adapters.ncip.services import item_parts, patron_parts, wording
from adapters.ncip.services.reading import Reader, named, patron_ref, request_kind
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import LookUpRequest, RequestFound
from gateway.domain.problems import About, Reason, Refused


def read_lookup_request(message: LookupRequest, reader: Reader) -> LookUpRequest:
    request = named(message.request_id)
    patron = patron_ref(message.user_id, message.authentication_inputs)
    item = named(message.item_id)
    if request is None and (patron is None or item is None):
        raise Refused(
            Reason.DATA_MISSING, "RequestId is missing, or else UserId together with ItemId.", about=About.REQUEST
        )
    kind = request_kind(message.request_type, reader) if message.request_type is not None else ""
    return LookUpRequest(request, patron, item, kind)


def write_lookup_request_response(found: RequestFound, message: LookupRequest, writer: Writer) -> LookupRequestResponse:
    hold = found.hold
    user_wanted = patron_parts.user_elements(message.user_element_types, writer)
    item_wanted = item_parts.item_elements(message.item_element_types, writer)
    barcode = found.item.barcode if found.item is not None else hold.item_barcode
    return LookupRequestResponse(
        request_id=wording.request_id(hold.request_id or hold.id, message.request_id, writer),
        item_id=wording.item_id(barcode, message.item_id, writer) if barcode else None,
        user_id=wording.user_id(found.patron, message.user_id, writer),
        request_type=wording.request_type(message.request_type, hold, writer),
        request_scope_type=wording.request_scope(None, hold, writer),
        request_status_type=wording.request_status(hold.status, writer),
        hold_queue_position=hold.position or None,
        need_before_date=hold.need_by,
        pickup_location=wording.pickup_location(hold.pickup, writer),
        pickup_expiry_date=hold.ready_until or hold.expires,
        date_of_user_request=hold.placed,
        item_optional_fields=(
            item_parts.item_fields(found.item, found.bib, item_wanted, writer) if found.item is not None else None
        ),
        user_optional_fields=patron_parts.user_fields(found.patron, user_wanted, writer),
    )

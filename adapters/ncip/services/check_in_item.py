"""CheckInItem: an item has come back."""

from __future__ import annotations

from adapters.ncip.messages import (
    CheckInItem,
    CheckInItemResponse,
    Code,
    Destination,
    Location,
    LocationName,
    LocationNameInstance,
    RoutingInformation,
    UserOptionalFields,
)
from adapters.ncip.services import item_parts, patron_parts, wording
from adapters.ncip.services.check_out_item import mandated
from adapters.ncip.services.reading import Reader, named, patron_ref
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import CheckIn, ItemReturned
from gateway.domain.problems import About, Reason, Refused


def read_check_in_item(message: CheckInItem, reader: Reader) -> CheckIn:
    item, request = named(message.item_id), named(message.request_id)
    if item is None and request is None:
        raise Refused(Reason.DATA_MISSING, "ItemId is missing or empty.", about=About.ITEM)
    return CheckIn(item, request, patron_ref(message.user_id, ()), mandated(message, reader))


def write_check_in_item_response(returned: ItemReturned, message: CheckInItem, writer: Writer) -> CheckInItemResponse:
    items, users = wording.sent_elements(message)
    patron, item = returned.patron, returned.item
    fields = patron_parts.user_fields_if_asked(patron, users, writer) if patron is not None else None
    if fields is None and writer.wants("user-fields"):
        fields = UserOptionalFields()
    return CheckInItemResponse(
        item_id=wording.item_id(wording.barcode_of(item), message.item_id, writer),
        user_id=wording.user_id(patron, message.user_id, writer)
        if patron is not None and writer.wants("user-id")
        else None,
        routing_information=_routing(returned, writer),
        item_optional_fields=item_parts.item_fields(item, returned.bib, item_parts.item_elements(items, writer), writer)
        if item is not None
        else None,
        user_optional_fields=fields,
    )


def _routing(returned: ItemReturned, writer: Writer) -> RoutingInformation | None:
    """What goes back to its owner is sent nowhere else."""
    place, back = returned.route_to, returned.goes_back
    if not writer.wants("routing"):
        return None
    if back is not None:
        return _send_to(back.owner, back.advice)
    return _send_to(place.library, f"Send to {place.name or place.library}") if place is not None else None


def _send_to(place: str, text: str) -> RoutingInformation:
    instance = LocationNameInstance(level=1, value=place)
    where = Location(location_type=Code("Temporary Location"), name=LocationName(instances=(instance,)))
    return RoutingInformation(routing_instructions=text, destination=Destination(location=where))

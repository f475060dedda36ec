"""Notifications, made of values: what has happened at the sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.ncip.client.circulation import (
    request_fields,
    request_scope,
    request_type,
    type_unless_numbered,
    without_records,
)
from adapters.ncip.client.speaking import CannotSay, Speaker, bibliographic_id, code
from adapters.ncip.client.values import Values
from adapters.ncip.messages import (
    CirculationStatusUpdated,
    ItemCheckedIn,
    ItemCheckedOut,
    ItemDescription,
    ItemOptionalFields,
    ItemRecalled,
    ItemReceived,
    ItemRenewed,
    ItemRequestCancelled,
    ItemRequested,
    ItemRequestUpdated,
    ItemShipped,
    PhysicalAddress,
    ShippingInformation,
    StructuredAddress,
    UnstructuredAddress,
    VisibleItemId,
)

ADDRESS_TYPE = "Newline-Delimited Text"


def item_requested(v: Values, s: Speaker) -> ItemRequested:
    record = v.records[0] if v.records and not v.item else None
    return ItemRequested(
        initiation_header=s.header(v),
        user_id=s.user(v),
        item_id=s.item(v),
        bibliographic_id=bibliographic_id(record) if record is not None else None,
        request_id=s.request(v),
        request_type=request_type(v),
        request_scope_type=request_scope(v),
        need_before_date=v.need_by,
        pickup_location=s.pickup(v),
        item_optional_fields=s.item_fields(v if record is None else without_records(v)),
    )


def item_request_updated(v: Values, s: Speaker) -> ItemRequestUpdated:
    return ItemRequestUpdated(
        initiation_header=s.header(v),
        user_id=s.user(v),
        item_id=s.item(v),
        request_type=type_unless_numbered(v),
        request_id=s.request(v),
        add_request_fields=request_fields(v, s),
    )


def item_request_cancelled(v: Values, s: Speaker) -> ItemRequestCancelled:
    return ItemRequestCancelled(
        initiation_header=s.header(v),
        user_id=s.user(v),
        request_id=s.request(v),
        item_id=s.item(v),
        request_type=request_type(v),
    )


def item_shipped(v: Values, s: Speaker) -> ItemShipped:
    """The pickup place is part of the address, as INN-Reach has it (facts/ncip.md 2.9)."""
    return ItemShipped(
        initiation_header=s.header(replace(v, pickup="")),
        request_id=s.request(v),
        item_id=s.item(v),
        user_id=s.user(v),
        date_shipped=_when(v, s),
        shipping_information=ShippingInformation(physical_address=_ship_to(v, s)),
        item_optional_fields=_fields(v, s),
    )


def _ship_to(v: Values, s: Speaker) -> PhysicalAddress:
    """The schema wants an address; only an unstructured one is taken for a pickup place."""
    kind = code("Ship To")
    if not v.pickup:
        line = v.to_agency or s.parties.to_agency
        return PhysicalAddress(structured=StructuredAddress(line1=line), address_type=kind)
    lines = UnstructuredAddress(address_type=code(ADDRESS_TYPE), data=v.pickup)
    return PhysicalAddress(unstructured=lines, address_type=kind)


def _fields(v: Values, s: Speaker) -> ItemOptionalFields | None:
    """With the barcode that is on the piece; raises CannotSay where version 2 has no place for it."""
    fields = s.item_fields(v)
    if not v.barcode:
        return fields
    if not s.version1:
        raise CannotSay("barcode", "only version 1 has an element for it (VisibleItemId)")
    visible = VisibleItemId(identifier_type=code("Barcode"), value=v.barcode)
    description = ItemDescription(visible_item_id=visible, call_number=v.call_number or None)
    return replace(fields or ItemOptionalFields(), item_description=description)


def item_received(v: Values, s: Speaker) -> ItemReceived:
    return ItemReceived(
        initiation_header=s.header(v),
        item_id=s.item(v),
        user_id=s.user(v),
        request_id=s.request(v),
        date_received=_when(v, s),
    )


def item_checked_out(v: Values, s: Speaker) -> ItemCheckedOut:
    return ItemCheckedOut(
        initiation_header=s.header(v),
        user_id=s.user(v),
        item_id=s.item(v),
        request_id=s.request(v),
        date_due=v.due,
    )


def item_checked_in(v: Values, s: Speaker) -> ItemCheckedIn:
    return ItemCheckedIn(initiation_header=s.header(v), user_id=s.user(v), item_id=s.item(v))


def item_renewed(v: Values, s: Speaker) -> ItemRenewed:
    return ItemRenewed(initiation_header=s.header(v), user_id=s.user(v), item_id=s.item(v), date_due=v.due)


def item_recalled(v: Values, s: Speaker) -> ItemRecalled:
    return ItemRecalled(initiation_header=s.header(v), user_id=s.user(v), item_id=s.item(v), date_due=v.due)


def circulation_status_updated(v: Values, s: Speaker) -> CirculationStatusUpdated:
    return CirculationStatusUpdated(initiation_header=s.header(v), item_id=s.item(v), circulation_status=code(v.status))


def _when(v: Values, s: Speaker) -> datetime:
    return v.happened or s.now

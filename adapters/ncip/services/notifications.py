"""Notifications: what has happened at the partner. All answers are alike: only a header (facts/ncip.md 3.2)."""

from __future__ import annotations

from datetime import datetime, time

from adapters.ncip.messages import (
    CirculationStatusUpdated,
    ItemCheckedIn,
    ItemCheckedOut,
    ItemOptionalFields,
    ItemRecalled,
    ItemReceived,
    ItemRenewed,
    ItemRequestCancelled,
    ItemRequested,
    ItemRequestUpdated,
    ItemShipped,
    ShippingInformation,
    When,
)
from adapters.ncip.services.command_reader import (
    CommandReader,
    description_of_fields,
    read_bib,
    read_call_number,
    read_item_reference,
    read_item_status,
    read_named_patron,
    read_piece_barcode,
    text_of_code,
)
from gateway.domain.commands import Notice, NoticeKind

Notification = (
    CirculationStatusUpdated
    | ItemCheckedIn
    | ItemCheckedOut
    | ItemReceived
    | ItemRecalled
    | ItemRenewed
    | ItemRequestCancelled
    | ItemRequested
    | ItemRequestUpdated
    | ItemShipped
)

KINDS: dict[type[Notification], NoticeKind] = {
    CirculationStatusUpdated: NoticeKind.STATUS_UPDATED,
    ItemCheckedIn: NoticeKind.CHECKED_IN,
    ItemCheckedOut: NoticeKind.CHECKED_OUT,
    ItemReceived: NoticeKind.RECEIVED,
    ItemRecalled: NoticeKind.RECALLED,
    ItemRenewed: NoticeKind.RENEWED,
    ItemRequestCancelled: NoticeKind.REQUEST_CANCELLED,
    ItemRequested: NoticeKind.REQUESTED,
    ItemRequestUpdated: NoticeKind.REQUEST_UPDATED,
    ItemShipped: NoticeKind.SHIPPED,
}


def read_notification(message: Notification, reader: CommandReader) -> Notice:
    fields: ItemOptionalFields | None = getattr(message, "item_optional_fields", None)
    changes = message.add_request_fields if isinstance(message, ItemRequestUpdated) else None
    pickup = text_of_code(changes.pickup_location) if changes is not None else _read_pickup_place(message)
    return Notice(
        kind=KINDS[type(message)],
        item=read_item_reference(getattr(message, "item_id", None)),
        new_barcode=read_piece_barcode(fields),
        request=read_item_reference(getattr(message, "request_id", None)),
        patron=read_named_patron(getattr(message, "user_id", None), getattr(message, "user_optional_fields", None)),
        due=getattr(message, "date_due", None),
        at=_read_notice_moment(message, reader),
        pickup=pickup,
        status=read_item_status(message.circulation_status, reader)
        if isinstance(message, CirculationStatusUpdated)
        else None,
        citation=read_bib(description_of_fields(fields), reader),
        call_number=read_call_number(fields),
        sender=reader.sender,
        receiver=reader.receiver,
    )


def _read_pickup_place(message: Notification) -> str:
    """PickupLocation, or where INN-Reach says it: the unstructured address of ShippingInformation (INC)."""
    pickup_place = text_of_code(getattr(message, "pickup_location", None))
    shipping: ShippingInformation | None = getattr(message, "shipping_information", None)
    if pickup_place or shipping is None or shipping.physical_address is None:
        return pickup_place
    unstructured = shipping.physical_address.unstructured
    return unstructured.data.strip() if unstructured is not None else ""


def _read_notice_moment(message: Notification, reader: CommandReader) -> datetime | None:
    when: When | None = getattr(message, "date_shipped", None) or getattr(message, "date_received", None)
    if when is None or isinstance(when, datetime):
        return when
    return datetime.combine(when, time.min, tzinfo=reader.exchange_context.zone)

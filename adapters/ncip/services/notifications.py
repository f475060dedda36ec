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
    Reader,
    bib,
    call_number,
    description_of,
    item_status,
    named,
    patron_ref,
    word,
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


def read_notification(message: Notification, reader: Reader) -> Notice:
    fields: ItemOptionalFields | None = getattr(message, "item_optional_fields", None)
    changes = message.add_request_fields if isinstance(message, ItemRequestUpdated) else None
    pickup = word(changes.pickup_location) if changes is not None else _pickup(message)
    return Notice(
        kind=KINDS[type(message)],
        item=named(getattr(message, "item_id", None)),
        new_barcode=_visible_barcode(fields),
        request=named(getattr(message, "request_id", None)),
        patron=patron_ref(getattr(message, "user_id", None), ()),
        due=getattr(message, "date_due", None),
        at=_moment(message, reader),
        pickup=pickup,
        status=item_status(message.circulation_status, reader)
        if isinstance(message, CirculationStatusUpdated)
        else None,
        citation=bib(description_of(fields), reader),
        call_number=call_number(fields),
        sender=reader.sender,
        receiver=reader.receiver,
    )


def _visible_barcode(fields: ItemOptionalFields | None) -> str:
    """The barcode on the piece: VisibleItemId of version 1 (INN-Reach)."""
    description = fields.item_description if fields is not None else None
    visible = description.visible_item_id if description is not None else None
    return visible.value if visible is not None else ""


def _pickup(message: Notification) -> str:
    """PickupLocation, or where INN-Reach says it: the unstructured address of ShippingInformation (INC)."""
    sent = word(getattr(message, "pickup_location", None))
    shipping: ShippingInformation | None = getattr(message, "shipping_information", None)
    if sent or shipping is None or shipping.physical_address is None:
        return sent
    unstructured = shipping.physical_address.unstructured
    return unstructured.data.strip() if unstructured is not None else ""


def _moment(message: Notification, reader: Reader) -> datetime | None:
    when: When | None = getattr(message, "date_shipped", None) or getattr(message, "date_received", None)
    if when is None or isinstance(when, datetime):
        return when
    return datetime.combine(when, time.min, tzinfo=reader.talk.zone)

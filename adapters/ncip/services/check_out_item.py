"""CheckOutItem: lend an item to a patron or to another institution."""

from __future__ import annotations

from datetime import datetime, time

from adapters.ncip.messages import CheckOutItem, CheckOutItemResponse, MandatableInitiation, When
from adapters.ncip.services import item_parts, patron_parts, wording
from adapters.ncip.services.reading import Reader, must, must_patron, named
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import CheckOut, ItemLent
from gateway.domain.problems import About


def mandated(message: MandatableInitiation, reader: Reader) -> datetime | None:
    """When it happened, of a message that says that it has happened already."""
    if message.mandated_action is None:
        return None
    when = message.mandated_action.date_event_occurred
    if when is None:
        return reader.talk.now
    return when if isinstance(when, datetime) else datetime.combine(when, time.min, tzinfo=reader.talk.zone)


def due_of(message: CheckOutItem, reader: Reader) -> When | None:
    match reader.dialect.requests.due_from:
        case "desired-date-due":
            return message.desired_date_due
        case "date-due":
            return message.date_due
        case "either":
            return message.desired_date_due or message.date_due


def read_check_out_item(message: CheckOutItem, reader: Reader) -> CheckOut:
    return CheckOut(
        patron=must_patron(message.user_id, message.authentication_inputs),
        item=must(message.item_id, About.ITEM, "ItemId"),
        request=named(message.request_id),
        due=due_of(message, reader),
        mandated=mandated(message, reader),
        sender=reader.sender,
    )


def write_check_out_item_response(lent: ItemLent, message: CheckOutItem, writer: Writer) -> CheckOutItemResponse:
    items, users = wording.sent_elements(message)
    return CheckOutItemResponse(
        item_id=wording.item_id(lent.item.barcode, message.item_id, writer),
        user_id=wording.user_id(lent.patron, message.user_id, writer),
        date_due=lent.loan.due,
        renewal_count=lent.loan.renewals if writer.wants("renewal-count") else None,
        item_optional_fields=item_parts.item_fields(
            lent.item, lent.bib, item_parts.item_elements(items, writer), writer
        ),
        user_optional_fields=patron_parts.user_fields_if_asked(lent.patron, users, writer),
    )

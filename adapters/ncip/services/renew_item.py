"""RenewItem: a longer loan."""

from __future__ import annotations

from adapters.ncip.messages import RenewItem, RenewItemResponse
from adapters.ncip.services import item_parts, patron_parts, wording
from adapters.ncip.services.reading import Reader, must, patron_ref
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import ItemRenewed, Renew
from gateway.domain.problems import About


def read_renew_item(message: RenewItem, _reader: Reader) -> Renew:
    return Renew(
        item=must(message.item_id, About.ITEM, "ItemId"),
        patron=patron_ref(message.user_id, message.authentication_inputs),
        due=message.desired_date_due,
    )


def write_renew_item_response(renewed: ItemRenewed, message: RenewItem, writer: Writer) -> RenewItemResponse:
    items, users = wording.sent_elements(message)
    return RenewItemResponse(
        item_id=wording.item_id(renewed.item.barcode, message.item_id, writer),
        user_id=wording.user_id(renewed.patron, message.user_id, writer) if writer.wants("user-id") else None,
        date_due=renewed.loan.due if writer.wants("due-date") else None,
        renewal_count=renewed.loan.renewals if writer.wants("renewal-count") else None,
        item_optional_fields=item_parts.item_fields(
            renewed.item, renewed.bib, item_parts.item_elements(items, writer), writer
        ),
        user_optional_fields=patron_parts.user_fields_if_asked(renewed.patron, users, writer),
    )

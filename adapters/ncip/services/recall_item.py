"""RecallItem: the item is needed back."""

from __future__ import annotations

from adapters.ncip.messages import RecallItem, RecallItemResponse
from adapters.ncip.services import item_parts, wording
from adapters.ncip.services.reading import Reader, must
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import ItemRecalled, Recall
from gateway.domain.problems import About


def read_recall_item(message: RecallItem, _reader: Reader) -> Recall:
    return Recall(item=must(message.item_id, About.ITEM, "ItemId"), due=message.desired_date_due)


def write_recall_item_response(recalled: ItemRecalled, message: RecallItem, writer: Writer) -> RecallItemResponse:
    items, _users = wording.sent_elements(message)
    return RecallItemResponse(
        item_id=wording.item_id(recalled.item.barcode, message.item_id, writer),
        date_due=recalled.loan.due if writer.wants("due-date") else None,
        item_optional_fields=item_parts.item_fields(
            recalled.item, recalled.bib, item_parts.item_elements(items, writer), writer
        ),
    )

"""DeleteItem: a temporary item is gone for good."""

from __future__ import annotations

from adapters.ncip.messages import DeleteItem, DeleteItemResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, must
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import DeleteItem as Delete
from gateway.domain.commands import ItemChanged
from gateway.domain.problems import About


def read_delete_item(message: DeleteItem, _reader: Reader) -> Delete:
    return Delete(item=must(message.item_id, About.ITEM, "ItemId"))


def write_delete_item_response(deleted: ItemChanged, message: DeleteItem, writer: Writer) -> DeleteItemResponse:
    return DeleteItemResponse(item_id=wording.item_id(wording.barcode_of(deleted.item), message.item_id, writer))

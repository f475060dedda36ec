"""CreateItem: a new item in the library's own stock."""

from __future__ import annotations

from adapters.ncip.messages import CreateItem, CreateItemResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, bib, item_status, named
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import CreateItem as Create
from gateway.domain.commands import ItemChanged
from gateway.domain.problems import About, Reason, Refused


def read_create_item(message: CreateItem, reader: Reader) -> Create:
    description = bib(message.bibliographic_description, reader)
    if not description.title:
        raise Refused(Reason.DATA_MISSING, "Title is missing or empty.", about=About.RECORD)
    where = message.locations[0].name if message.locations else None
    return Create(
        item=named(message.item_id),
        bib=description,
        request=named(message.request_id),
        call_number=(message.item_description.call_number or "") if message.item_description is not None else "",
        location=where.instances[-1].value if where is not None and where.instances else "",
        status=item_status(message.circulation_status, reader),
    )


def write_create_item_response(created: ItemChanged, message: CreateItem, writer: Writer) -> CreateItemResponse:
    return CreateItemResponse(item_id=wording.item_id(wording.barcode_of(created.item), message.item_id, writer))

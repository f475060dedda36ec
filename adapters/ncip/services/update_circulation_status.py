"""UpdateCirculationStatus: set an item's status."""

from __future__ import annotations

from adapters.ncip.messages import UpdateCirculationStatus, UpdateCirculationStatusResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, item_status, must
from adapters.ncip.services.reading import word as text_of
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import ItemChanged, UpdateStatus
from gateway.domain.problems import About, Reason, Refused


def read_update_circulation_status(message: UpdateCirculationStatus, reader: Reader) -> UpdateStatus:
    status = item_status(message.circulation_status, reader)
    if status is None:
        raise Refused(Reason.DATA_MISSING, "CirculationStatus is missing or empty.", about=About.STATUS)
    item = must(message.item_id, About.ITEM, "ItemId")
    return UpdateStatus(item, status, text_of(message.circulation_status))


def write_update_circulation_status_response(
    changed: ItemChanged, message: UpdateCirculationStatus, writer: Writer
) -> UpdateCirculationStatusResponse:
    return UpdateCirculationStatusResponse(
        item_id=wording.item_id(wording.barcode_of(changed.item), message.item_id, writer)
    )

"""CreateItem: a lasting item, made by a partner."""

from __future__ import annotations

from gateway.domain.commands import CreateItem, ItemChanged
from gateway.domain.identifiers import request_number, temporary_barcode
from gateway.domain.library import Location
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability, TemporaryItem
from gateway.services.circulation import temporary
from gateway.services.circulation.desk import Desk, doing, need


async def create_item(command: CreateItem, desk: Desk, key: str) -> ItemChanged:
    """Its barcode is the id as `items.rewrite` makes it, or one by the rules for temporary items where none is
    sent. Raises Refused(DATA_MISSING | DUPLICATE_ITEM | INVALID_VALUE)."""
    need(desk, Capability.TEMPORARY_ITEM)
    if command.status is not None:
        need(desk, Capability.STATUS_UPDATE)
    if not command.bib.title.strip():
        raise Refused(Reason.DATA_MISSING, "The title of the new item is missing.", about=About.RECORD)
    with doing(About.ITEM, command.item.value if command.item is not None else ""):
        received = await desk.library.create_item(_described(command, desk, key), key)
        item = received.item
        if command.status is not None and command.status is not item.status and not received.repeated:
            item = await desk.library.set_status(item.barcode, command.status, f"{key}:status")
    return ItemChanged(item)


def _described(command: CreateItem, desk: Desk, key: str) -> TemporaryItem:
    rules = desk.policy.accept
    number = request_number(command.request, desk.policy)
    if command.item is not None:
        barcode = desk.policy.items.rewrite.apply(command.item.value)
    else:
        barcode = temporary_barcode(None, number, command.request, desk.sender, key, desk.policy)
    usual = temporary.place(desk)
    return TemporaryItem(
        barcode=barcode,
        bib=temporary.entitled(command.bib, rules),
        request_id=number.value,
        location=Location(usual.library, command.location or usual.shelf),
        policy=rules.policies.get(command.bib.medium.strip().lower(), rules.policy),
        suppressed=rules.suppressed,
        call_number=command.call_number or rules.call_number.format(request=number.value, agency=desk.sender),
        note=rules.note.format(request=number.value, agency=desk.sender),
        lender=desk.sender,
    )

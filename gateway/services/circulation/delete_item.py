"""DeleteItem: a partner's item has gone back."""

from __future__ import annotations

from gateway.domain.commands import DeleteItem, ItemChanged, Named
from gateway.domain.identifiers import item_barcodes
from gateway.domain.library import Item
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import cancel_request, items
from gateway.services.circulation.desk import Desk, doing, is_success, need


async def delete_item(command: DeleteItem, desk: Desk, key: str) -> ItemChanged:
    """By policy `delete.action`. Raises Refused(UNKNOWN_ITEM | IN_USE | NOT_ALLOWED)."""
    try:
        return ItemChanged(await _carry_out(command, desk, key))
    except Refused as refused:
        if is_success(refused, "delete-item", desk):
            return ItemChanged(None)
        raise


async def _carry_out(command: DeleteItem, desk: Desk, key: str) -> Item:
    action = desk.policy.delete.action
    try:
        item = await items.resolve_item(command.item, desk)
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_ITEM and action == "delete":
            return await deleted_before(command.item, desk, key, refused)
        raise
    if action == "keep":
        return item
    if action == "cancel-request":
        need(desk, Capability.HOLD_CANCEL)
        for hold in await desk.library.item_holds(item.id):
            if hold.item_id == item.id:
                await cancel_request.cancel(hold, desk, key)
        return item
    with doing(About.ITEM, command.item.value):
        return await remove(item, desk, key)


async def remove(item: Item, desk: Desk, key: str) -> Item:
    """Delete a temporary item. Raises Refused(IN_USE | NOT_ALLOWED)."""
    need(desk, Capability.TEMPORARY_ITEM)
    return await desk.library.delete_temporary_item(item.barcode, f"{key}:delete")


async def deleted_before(sent: Named, desk: Desk, key: str, refused: Refused) -> Item:
    """The item that the same message has deleted, when the message comes again; else `refused` is raised."""
    for barcode in item_barcodes(sent, desk.sender, desk.policy):
        try:
            return await desk.library.delete_temporary_item(barcode, f"{key}:delete")
        except Refused as unknown:
            if unknown.reason is not Reason.UNKNOWN_ITEM:
                raise
    raise refused

"""UpdateStatus: a partner says what has become of an item."""

from __future__ import annotations

from gateway.domain.commands import ItemChanged, UpdateStatus
from gateway.domain.problems import About
from gateway.ports.library import Capability
from gateway.services.circulation import items
from gateway.services.circulation.desk import Desk, doing, need


async def update_status(command: UpdateStatus, desk: Desk, key: str) -> ItemChanged:
    """A status is absolute: repeating it changes nothing. The key tells the time, for an item may be missing, found,
    and missing again. Raises Refused(UNKNOWN_ITEM | NOT_ALLOWED)."""
    need(desk, Capability.STATUS_UPDATE)
    item = await items.resolve_item(command.item, desk)
    if item.status is command.status:
        return ItemChanged(item)
    with doing(About.STATUS, command.word or command.status.value):
        return ItemChanged(
            await desk.library.set_status(item.barcode, command.status, f"{key}:{desk.now().isoformat()}")
        )

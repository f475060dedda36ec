"""CancelRequest: a patron no longer wants something."""

from __future__ import annotations

from gateway.domain.commands import CancelRequest, RequestCancelled
from gateway.domain.library import Hold
from gateway.domain.problems import About, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import holds, items, patrons
from gateway.services.circulation.desk import Desk, doing, is_success, need


async def cancel_request(command: CancelRequest, desk: Desk, key: str) -> RequestCancelled:
    """Raises Refused(DATA_MISSING | UNKNOWN_REQUEST | AMBIGUOUS_REQUEST | REQUEST_CLOSED | UNKNOWN_PATRON)."""
    need(desk, Capability.HOLD_CANCEL)
    patron = await patrons.resolve(command.patron, desk)
    found = await holds.resolve_hold(command.request, command.item, patron, desk, kind=command.kind)
    with doing(About.REQUEST, command.request.value if command.request is not None else ""):
        hold = await cancel(found, desk, key)
    item = await items.of_hold(hold, desk)
    return RequestCancelled(hold, patron, item)


async def cancel(hold: Hold, desk: Desk, key: str) -> Hold:
    """Two holds may come and go under one request number, so the key names the hold too."""
    try:
        return await desk.library.cancel_hold(hold.id, f"{key}:{hold.id}")
    except Refused as refused:
        if is_success(refused, "cancel-request", desk):
            return hold
        raise

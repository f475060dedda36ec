"""LookUpRequest: how a request stands."""

from __future__ import annotations

from gateway.domain.commands import LookUpRequest, RequestFound
from gateway.services.circulation import holds, items, patrons
from gateway.services.circulation.desk import Desk


async def lookup_request(command: LookUpRequest, desk: Desk, _key: str) -> RequestFound:
    """By request number, or by patron and item. With both, they must agree."""
    asked_by = await patrons.resolve(command.patron, desk) if command.patron is not None else None
    hold = await holds.resolve_hold(command.request, command.item, asked_by, desk, kind=command.kind)
    return RequestFound(
        hold,
        asked_by or await patrons.by_internal_id(hold.patron_id, desk),
        await desk.library.bib(hold.bib_id),
        await items.of_hold(hold, desk),
    )

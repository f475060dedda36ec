"""UpdateRequest: another pickup place, another date."""

from __future__ import annotations

from gateway.domain.commands import RequestPlaced, UpdateRequest
from gateway.domain.due_dates import day_to_come
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import holds, items, patrons, pickup
from gateway.services.circulation.desk import Desk, doing, need


async def update_request(command: UpdateRequest, desk: Desk, key: str) -> RequestPlaced:
    """What isn't said stays as it is. The values are absolute, so a repeat does no harm; the key tells the time,
    since a place may be changed there and back again.

    Raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED | BAD_PICKUP_LOCATION | INVALID_DATE …).
    """
    need(desk, Capability.HOLD_UPDATE)
    asked_by = await patrons.resolve(command.patron, desk) if command.patron is not None else None
    hold = await holds.resolve_hold(command.request, command.item, asked_by, desk, kind=command.kind)
    sent = command.request.value if command.request is not None else ""
    if not hold.status.is_open:
        raise Refused(Reason.REQUEST_CLOSED, "This request is closed.", about=About.REQUEST, value=sent)
    patron = asked_by or await patrons.by_internal_id(hold.patron_id, desk)
    place = await pickup.resolve_pickup(command.pickup, "", patron, desk) if command.pickup.strip() else None
    need_by = day_to_come(command.need_by, desk.today(), desk.zone, About.NEED_BY)
    expires = day_to_come(command.expires, desk.today(), desk.zone)
    if place or need_by or expires:
        with doing(About.REQUEST, sent):
            hold = await desk.library.update_hold(
                hold.id,
                f"{key}:{desk.now().isoformat()}",
                pickup=place.code if place is not None else None,
                need_by=need_by,
                expires=expires,
            )
    item = await items.of_hold(hold, desk)
    return RequestPlaced(hold, patron, await desk.library.bib(hold.bib_id), item, place)

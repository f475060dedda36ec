"""Which hold is meant: by request number, or by patron and item."""

from __future__ import annotations

from gateway.domain.commands import Named
from gateway.domain.identifiers import request_number
from gateway.domain.library import Hold, Item, Patron
from gateway.domain.problems import About, Reason, Refused
from gateway.services.circulation import items
from gateway.services.circulation.desk import Desk, naming


async def resolve_hold(
    request: Named | None, item: Named | None, patron: Patron | None, desk: Desk, *, kind: str = ""
) -> Hold:
    """Another patron's hold is refused in the same words as one that isn't there.

    Raises Refused(DATA_MISSING | UNKNOWN_REQUEST | AMBIGUOUS_REQUEST | UNKNOWN_ITEM).
    """
    if request is not None and request.value.strip():
        with naming(About.REQUEST, request.value):
            return await _by_number(request, item, patron, desk)
    if item is None or patron is None:
        raise Refused(
            Reason.DATA_MISSING, "A request number, or a patron and an item, must be given.", about=About.REQUEST
        )
    found = await _of_patron(patron, await items.resolve_item(item, desk), desk)
    of_kind = [hold for hold in found if hold.kind == kind] or found
    with naming(About.ITEM, item.value):
        return _only(of_kind)


async def _by_number(request: Named, item: Named | None, patron: Patron | None, desk: Desk) -> Hold:
    number = request_number(request, desk.policy).value
    try:
        hold = await desk.library.find_hold(number)
    except Refused as refused:
        if refused.reason is not Reason.AMBIGUOUS_REQUEST or item is None or patron is None:
            raise
        # several pieces came under one number (ULS `TN-1OF2`, facts/ncip.md 2.1): the item tells them apart
        pieces = await _of_patron(patron, await items.resolve_item(item, desk), desk)
        return _only([piece for piece in pieces if piece.request_id == number])
    if patron is not None and hold.patron_id != patron.id:
        raise _unknown()
    return hold


async def _of_patron(patron: Patron, item: Item, desk: Desk) -> list[Hold]:
    found = await desk.library.patron_holds(patron.id)
    return [hold for hold in found if hold.item_id == item.id or (not hold.item_id and hold.bib_id == item.bib_id)]


def _only(found: list[Hold]) -> Hold:
    if not found:
        raise _unknown()
    if len(found) > 1:
        raise Refused(Reason.AMBIGUOUS_REQUEST, "Several requests fit.")
    return found[0]


def _unknown() -> Refused:
    return Refused(Reason.UNKNOWN_REQUEST, "There is no such request.")

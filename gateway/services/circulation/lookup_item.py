"""LookUpItem: where an item is; on request also who has it and who waits for it."""

from __future__ import annotations

from gateway.domain.commands import ItemFound, LookUpItem
from gateway.domain.identifiers import request_number
from gateway.domain.library import Hold, Item, Patron
from gateway.domain.problems import Reason, Refused
from gateway.services.circulation import items, patrons
from gateway.services.circulation.desk import Desk


async def lookup_item(command: LookUpItem, desk: Desk, _key: str) -> ItemFound:
    """By item id, or by the number of the request that it fills."""
    item = await items.resolve_item(command.item, desk, request=command.request)
    loan = await desk.library.item_loan(item.id) if command.borrower else None
    return ItemFound(
        item,
        await desk.library.bib(item.bib_id),
        await _hold(command, item, desk),
        loan,
        await patrons.by_internal_id(loan.patron_id, desk) if loan is not None else None,
        await _requesters(item, desk) if command.requesters else (),
    )


async def _hold(command: LookUpItem, item: Item, desk: Desk) -> Hold | None:
    """The hold of the request that was named; a request may have led to a loan without one."""
    if command.request is None:
        return None
    try:
        hold = await desk.library.find_hold(request_number(command.request, desk.policy).value)
    except Refused as refused:
        if refused.reason in (Reason.UNKNOWN_REQUEST, Reason.AMBIGUOUS_REQUEST):
            return None
        raise
    return hold if hold.item_id in ("", item.id) else None


async def _requesters(item: Item, desk: Desk) -> tuple[Patron, ...]:
    waiting = dict.fromkeys(hold.patron_id for hold in await desk.library.item_holds(item.id))
    return tuple([await patrons.by_internal_id(patron_id, desk) for patron_id in waiting])

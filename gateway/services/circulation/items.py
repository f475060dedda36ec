"""Which item is meant: by barcode, by the id that AcceptItem gave, or by the number of its request."""

from __future__ import annotations

from gateway.domain.commands import Named
from gateway.domain.identifiers import item_barcodes, means_request, request_number
from gateway.domain.library import Hold, Item
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation.desk import Desk, naming


async def resolve_item(sent: Named | None, desk: Desk, *, request: Named | None = None) -> Item:
    """Raises Refused(DATA_MISSING | UNKNOWN_ITEM | AMBIGUOUS_ITEM).

    With policy `items.find_by_request`, an id that is no barcode is tried as a request number, and then the
    message's own request number.
    """
    if sent is None or not sent.value.strip():
        if request is None or not request.value.strip():
            raise Refused(Reason.DATA_MISSING, "The message doesn't say which item is meant.", about=About.ITEM)
        with naming(About.REQUEST, request.value):
            return await by_request(request, desk)
    with naming(About.ITEM, sent.value):
        if means_request(sent, desk.policy):
            return await by_request(sent, desk)
        for barcode in item_barcodes(sent, desk.sender, desk.policy):
            if found := await _known(barcode, desk):
                return found
        if desk.policy.items.find_by_request:
            return await _by_requests(sent, request, desk)
        raise Refused(Reason.UNKNOWN_ITEM, "There is no item with this id.")


async def _known(barcode: str, desk: Desk) -> Item | None:
    try:
        return await desk.library.item_by_barcode(barcode)
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_ITEM:
            return None
        raise


async def _by_requests(sent: Named, request: Named | None, desk: Desk) -> Item:
    try:
        return await by_request(sent, desk)
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_ITEM or request is None:
            raise
        return await by_request(request, desk)


async def by_request(sent: Named, desk: Desk) -> Item:
    """Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM)."""
    number = request_number(sent, desk.policy).value
    if desk.can(Capability.ITEM_BY_REQUEST):
        return await desk.library.item_by_request(number)
    try:
        hold = await desk.library.find_hold(number)
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_REQUEST:
            raise Refused(Reason.UNKNOWN_ITEM, "There is no item under this request number.") from refused
        raise
    if not hold.item_barcode:
        raise Refused(Reason.UNKNOWN_ITEM, "No item fills this request yet.")
    return await desk.library.item_by_barcode(hold.item_barcode)


async def of_hold(hold: Hold, desk: Desk) -> Item | None:
    """The item of a hold; None when no item fills it yet or the item is gone."""
    return await _known(hold.item_barcode, desk) if hold.item_barcode else None

"""A partner's item that was announced: its record is here before the piece is.

INN-Reach announces by ItemRequested, tells the barcode on the piece by ItemShipped and brings it by AcceptItem; each
may name the piece by its id, by the barcode on it or by a request number (facts/ncip.md 2.9).
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.circulation_policy import LibraryService
from gateway.domain.commands import AcceptItem, NoticeKind
from gateway.domain.library import Hold, Item
from gateway.domain.partner_identifiers import append_agency_code, list_item_barcodes
from gateway.ports.library_system import Capability, HoldWish, TemporaryHold, TemporaryItemResult
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation import items
from gateway.services.circulation.context import CirculationContext, require_capability
from gateway.services.circulation.ownership import require_item_right


def make_piece_barcode(sent: str, context: CirculationContext) -> str:
    """The barcode that is on the piece (VisibleItemId), as a temporary record has it; empty where none was sent."""
    if not sent.strip():
        return ""
    barcode = context.policy.accept.barcode.rewrite_identifier(sent)
    return append_agency_code(barcode, context.sender, context.policy)


async def find_announced_item(command: AcceptItem, context: CirculationContext) -> Item | None:
    """The record that the partner's ItemRequested has made; None where there is none, or the partner announces none."""
    rules = context.policy.notifications
    if rules.own_item_pattern is None or rules.mode == "notes" or NoticeKind.REQUESTED in rules.ignore:
        return None
    for barcode in _list_barcodes(command, context):
        item = await items.find_visible_item(barcode, context)
        if item is not None and item.temporary:
            return item
    # A partner that sends no request number with ItemRequested has its item's id as the number of the record.
    for number in (command.item, command.request):
        if item := await items.find_temporary_item_by_request(number, context):
            return item
    return None


def _list_barcodes(command: AcceptItem, context: CirculationContext) -> Iterator[str]:
    if barcode := make_piece_barcode(command.piece_barcode, context):
        yield barcode
    if command.item is not None and command.item.value.strip():
        yield from list_item_barcodes(command.item, context.sender, context.policy)


async def is_for_another(item: Item, patron_id: str, context: CirculationContext) -> bool:
    """Return whether somebody else has the item or is to have it."""
    loan = await context.library.item_loan(item.id)
    hold = await find_hold_on_item(item, context)
    return any(claim is not None and claim.patron_id != patron_id for claim in (loan, hold))


async def find_hold_on_item(item: Item, context: CirculationContext) -> Hold | None:
    """The open hold that waits for this very item."""
    waiting = await context.library.item_holds(item.id)
    return next((hold for hold in waiting if hold.item_id == item.id), None)


async def receive_announced_item(
    item: Item, wish: TemporaryHold | None, command: AcceptItem, context: CirculationContext, key: str
) -> TemporaryItemResult:
    """The piece is here: its record gets the barcode on it, and its hold the piece. A `wish` that has no hold any more
    gets one; a piece that its patron has already stays with the patron.

    Raises Refused(DUPLICATE_ITEM | BAD_PICKUP_LOCATION | PATRON_… …).
    """
    barcode = make_piece_barcode(command.piece_barcode, context)
    if barcode and barcode != item.barcode:
        item = await change_barcode(item, barcode, context, key)
    bib = await context.library.get_bib(item.bib_id)
    if wish is None or await context.library.item_loan(item.id) is not None:
        return TemporaryItemResult(item, bib, await find_hold_on_item(item, context), repeated=True)
    hold = await _prepare_hold(item, wish, command, context, key)
    if not wish.on_shelf:
        return TemporaryItemResult(item, bib, hold, repeated=True)
    require_capability(context, Capability.CHECK_IN)
    caught = await context.library.check_in(item.barcode, f"{key}:arrived", at=context.policy.check_in.branch)
    return TemporaryItemResult(caught.item, bib, caught.next_hold or hold, repeated=True)


async def change_barcode(item: Item, barcode: str, context: CirculationContext, key: str) -> Item:
    """Change a barcode; raises Refused(DUPLICATE_ITEM | NOT_ALLOWED | UNAUTHORIZED_SERVICE (no partner made it))."""
    await require_item_right(item, LibraryService.UPDATE_REQUEST, context)
    require_capability(context, Capability.CHANGE_BARCODE)
    changed = await context.library.change_barcode(item.barcode, barcode, f"{key}:{item.id}")
    await context.things.change_barcode(changed.id, barcode)
    return changed


async def _prepare_hold(
    item: Item, wish: TemporaryHold, command: AcceptItem, context: CirculationContext, key: str
) -> Hold:
    """The place that ItemShipped has told stands, unless this message says another."""
    hold = await find_hold_on_item(item, context)
    if hold is None:
        require_capability(context, Capability.HOLD_ITEM)
        hold_wish = HoldWish(
            wish.patron_id, wish.pickup, command.request.value, item_barcode=item.barcode, expires=wish.expires
        )
        hold = await context.library.place_hold(hold_wish, f"{key}:hold")
        context.things.add_thing(ThingKind.HOLD, hold.id, request_id=hold_wish.request_id, barcode=item.barcode)
        return hold
    pickup = wish.pickup if command.pickup.strip() and wish.pickup != hold.pickup else None
    if pickup is None and wish.expires in (None, hold.expires):
        return hold
    require_capability(context, Capability.HOLD_UPDATE)
    return await context.library.update_hold(hold.id, f"{key}:{hold.id}", pickup=pickup, expires=wish.expires)

"""Notices of a partner, carried out as what they amount to here.

By profile a notice is kept, or carried out. The set is that of NCIP 1 as INN-Reach uses it (facts/ncip.md 2.9). A
partner's item (we are the borrowing side) has a temporary record here; our own item is lent to the partner on the
account of an institutional patron.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.domain.circulation_policy import AcceptItemRules, BarcodeSource, LibraryService, PatronRules
from gateway.domain.commands import (
    AcceptItem,
    Action,
    CancelRequest,
    CheckIn,
    CheckOut,
    Due,
    ItemRenewed,
    ItemReturned,
    Named,
    Noted,
    Notice,
    NoticeKind,
    PatronRef,
    PlaceRequest,
    Recall,
    Renew,
    UpdateRequest,
    UpdateStatus,
)
from gateway.domain.library import Bib, Item, ItemStatus
from gateway.domain.partner_identifiers import read_request_number
from gateway.domain.patterns import has_match
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace
from gateway.ports.library_system import Capability
from gateway.services.circulation import holds, items, loans, patrons
from gateway.services.circulation.accept_item import register_item
from gateway.services.circulation.announced_items import change_barcode, find_hold_on_item, make_piece_barcode
from gateway.services.circulation.context import CirculationContext, is_answered_as_success, require_capability
from gateway.services.circulation.due_date_changes import can_move_due_date, move_due_date
from gateway.services.circulation.holds import cancel_request, place_request, update_request
from gateway.services.circulation.items import set_status
from gateway.services.circulation.loans import check_in, check_out, recall_item, renew_item
from gateway.services.circulation.ownership import has_hold_right, require_item_right, require_loan_right


async def carry_out_notice(command: Notice, context: CirculationContext, key: str) -> Noted:
    """`Noted.carried_out` says what was done. Raises Refused as the command does that it amounts to."""
    rules = context.policy.notifications
    if rules.mode == "notes" or command.kind in rules.ignore:
        return Noted(command.kind)
    try:
        return await _MEANING[command.kind](command, context, key)
    except Refused as refused:
        if is_answered_as_success(refused, "notice", context):
            return Noted(command.kind)
        raise


# --- requested, shipped, received ------------------------------------------------------------------------


async def _handle_requested(command: Notice, context: CirculationContext, key: str) -> Noted:
    item = require_named_item(command)
    if is_partner_item(item, context):
        announced = _make_accept_item(command, item)
        accepted = await register_item(announced, _context_before_arrival(context), key)
        return Noted(command.kind, "accept-item", accepted.item, (announced, accepted))
    patron, ours = choose_account(command, context)
    wish = PlaceRequest(patron, items=(item,), request=command.request, pickup=command.pickup, kind="", scope="item")
    return Noted(command.kind, "place-request", meant=(wish, await place_request(wish, ours, key)))


def _make_accept_item(command: Notice, item: Named) -> AcceptItem:
    return AcceptItem(
        request=command.request or item,
        action=Action.HOLD,
        patron=command.patron,
        item=item,
        due=command.due,
        citation=command.citation or Bib(),
        call_number=command.call_number,
        format=command.citation.medium if command.citation is not None else "",
        pickup=command.pickup,
        receiver=command.receiver,
    )


def _context_before_arrival(context: CirculationContext) -> CirculationContext:
    """The record is made when the item is requested: nothing can stand on the hold shelf yet, and its barcode is
    that of the partner's item until the piece is shipped."""
    changes: dict[str, object] = {"trap_hold": "at-check-in", "barcode_from": BarcodeSource.ITEM_ID, "actions": {}}
    accept: AcceptItemRules = context.policy.accept.model_copy(update=changes)
    return replace(context, policy=context.policy.model_copy(update={"accept": accept}))


async def _handle_shipped(command: Notice, context: CirculationContext, key: str) -> Noted:
    """The piece has another barcode than its id, and is to be fetched where the message says."""
    item = await _find_shipped_item(command, context)
    if not item.temporary:
        return Noted(command.kind, item=item)
    done = []
    barcode = make_piece_barcode(command.new_barcode, context)
    if barcode and barcode != item.barcode:
        item = await change_barcode(item, barcode, context, key)
        done.append("change-barcode")
    if command.pickup.strip() and await _change_pickup(command, item, context, key):
        done.append("update-request")
    return Noted(command.kind, ", ".join(done), item)


async def _find_shipped_item(command: Notice, context: CirculationContext) -> Item:
    """Find the item; where the library's system has no records of partners' items, that is the reason why there is
    none."""
    try:
        return await find_noticed_item(command, context)
    except Refused as refused:
        named = command.item if refused.reason is RefusalReason.UNKNOWN_ITEM else None
        if named is not None and is_partner_item(named, context):
            require_capability(context, Capability.TEMPORARY_ITEM)
        raise


async def _change_pickup(command: Notice, item: Item, context: CirculationContext, key: str) -> bool:
    hold = await find_hold_on_item(item, context)
    if hold is None:
        return False
    patron = await patrons.find_patron_by_id(hold.patron_id, context)
    place = await holds.resolve_pickup(command.pickup, command.receiver, patron, context)
    if place.code == hold.pickup or not await has_hold_right(hold, LibraryService.UPDATE_REQUEST, context):
        return False
    require_capability(context, Capability.HOLD_UPDATE)
    await context.library.update_hold(hold.id, f"{key}:{hold.id}", pickup=place.code)
    return True


async def _handle_received(command: Notice, context: CirculationContext, key: str) -> Noted:
    """A partner's item is at home again: its record goes, whichever of its barcodes the message has. Our own has
    arrived at the partner: nothing to do."""
    try:
        item = await find_noticed_item(command, context)
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_ITEM or command.item is None:
            raise
        if is_partner_item(command.item, context) is False and not command.new_barcode:
            return Noted(command.kind)
        gone = await loans.find_deleted_item(command.item, context, key, refused)
        return Noted(command.kind, "delete-item", gone)
    if not item.temporary:
        return Noted(command.kind, item=item)
    await require_item_right(item, LibraryService.DELETE_ITEM, context)
    if await context.library.item_loan(item.id) is not None:
        require_capability(context, Capability.CHECK_IN)
        await context.library.check_in(item.barcode, f"{key}:return", at=_check_in_branch(context), fill_hold=False)
    return Noted(command.kind, "delete-item", await loans.delete_temporary_item(item, context, key))


def _check_in_branch(context: CirculationContext) -> str:
    return context.policy.check_in.branch


# --- lent, returned, renewed, recalled -------------------------------------------------------------------


async def _handle_checked_out(command: Notice, context: CirculationContext, key: str) -> Noted:
    """Arrives twice in the wild: the second time the same loan is there already."""
    item = await find_noticed_item(command, context)
    patron, scope = (require_named_patron(command), context) if item.temporary else choose_account(command, context)
    loan = CheckOut(patron, name_by_barcode(item), command.request, command.due, mandated=command.at or context.now())
    lent = await check_out(loan, context_without_rewrite(scope), key)
    return Noted(command.kind, "check-out", lent.item, (loan, lent))


async def _handle_checked_in(command: Notice, context: CirculationContext, key: str) -> Noted:
    """Our own item is back. A partner's item was returned by its patron and is on the way home."""
    item = await find_noticed_item(command, context)
    done = []
    returned = CheckIn(name_by_barcode(item), command.request)
    result = ItemReturned(item)
    if await context.library.item_loan(item.id) is not None:
        keep = context.policy.check_in.model_copy(update={"delete_item": "never"})
        scope = replace(context, policy=context.policy.model_copy(update={"check_in": keep}))
        result = await check_in(returned, context_without_rewrite(scope), key)
        done.append("check-in")
    if item.temporary:
        await set_status(
            UpdateStatus(name_by_barcode(item), ItemStatus.IN_TRANSIT), context_without_rewrite(context), f"{key}:home"
        )
        done.append("update-status")
    return Noted(command.kind, ", ".join(done), item, (returned, result))


async def _handle_renewed(command: Notice, context: CirculationContext, key: str) -> Noted:
    """It has been granted already, so no limit stops it: the loan gets the new date. Without one, our rules say
    how far."""
    item = await find_noticed_item(command, context)
    renew = Renew(name_by_barcode(item))
    if command.due is None:
        renewed = await renew_item(renew, context_without_rewrite(context), key)
        return Noted(command.kind, "renew", renewed.item, (renew, renewed))
    loan = await loans.require_open_loan(item, None, command.item.value if command.item is not None else "", context)
    await require_loan_right(loan, LibraryService.RENEW, context)
    choice = loans.choose_loan_due(command.due, context.policy.due_dates.mandated, item, context.now(), context)
    is_later = loan.due is None or choice.is_exceeded_by(loan.due)
    due = choice.exact or (choice.latest if is_later else None)
    if due is None:
        return Noted(command.kind, item=item)
    if not can_move_due_date(context.library, loan, due):
        require_capability(context, Capability.DUE_DATE_CHANGE)
    loan = await move_due_date(context.library, loan, due, f"{key}:{_format_due(command.due)}")
    patron = await patrons.find_patron_by_id(loan.patron_id, context)
    renewed = ItemRenewed(loan, item, await context.library.get_bib(item.bib_id), patron)
    return Noted(command.kind, "set-due-date", item, (renew, renewed))


def _format_due(due: Due) -> str:
    return due.isoformat() if due is not None else ""


async def _handle_recalled(command: Notice, context: CirculationContext, key: str) -> Noted:
    item = await find_noticed_item(command, context)
    back = Recall(name_by_barcode(item), command.due)
    return Noted(command.kind, "recall", item, (back, await recall_item(back, context_without_rewrite(context), key)))


# --- requests and statuses -------------------------------------------------------------------------------


async def _handle_cancelled(command: Notice, context: CirculationContext, key: str) -> Noted:
    """The hold goes; for a partner's item that will not come, its record as well."""
    if command.item is None or is_partner_item(command.item, context) is False:
        patron, ours = choose_account(command, context)
        off = CancelRequest(patron, command.request, command.item)
        return Noted(command.kind, "cancel-request", meant=(off, await cancel_request(off, ours, key)))
    item = await find_noticed_item(command, context)
    if item.temporary:
        await require_item_right(item, LibraryService.DELETE_ITEM, context)
        return Noted(command.kind, "delete-item", await loans.delete_temporary_item(item, context, key))
    patron, ours = choose_account(command, context)
    off = CancelRequest(patron, command.request, name_by_barcode(item))
    return Noted(
        command.kind, "cancel-request", item, (off, await cancel_request(off, context_without_rewrite(ours), key))
    )


async def _handle_updated(command: Notice, context: CirculationContext, key: str) -> Noted:
    number = read_request_number(command.request, context.policy).value
    change = UpdateRequest(
        command.patron, command.request if number else None, command.item, command.pickup, need_by=command.due
    )
    return Noted(command.kind, "update-request", meant=(change, await update_request(change, context, key)))


async def _handle_status(command: Notice, context: CirculationContext, key: str) -> Noted:
    """Set a status; it is only kept where the partner may not give items this one."""
    if command.status is None or command.status not in context.policy.items.settable_statuses:
        return Noted(command.kind)
    item = await find_noticed_item(command, context)
    change = UpdateStatus(name_by_barcode(item), command.status)
    return Noted(
        command.kind,
        "update-status",
        item,
        (change, await set_status(change, context_without_rewrite(context), key)),
    )


_MEANING: dict[NoticeKind, Callable[[Notice, CirculationContext, str], Awaitable[Noted]]] = {
    NoticeKind.REQUESTED: _handle_requested,
    NoticeKind.SHIPPED: _handle_shipped,
    NoticeKind.RECEIVED: _handle_received,
    NoticeKind.CHECKED_OUT: _handle_checked_out,
    NoticeKind.CHECKED_IN: _handle_checked_in,
    NoticeKind.RENEWED: _handle_renewed,
    NoticeKind.RECALLED: _handle_recalled,
    NoticeKind.REQUEST_CANCELLED: _handle_cancelled,
    NoticeKind.REQUEST_UPDATED: _handle_updated,
    NoticeKind.STATUS_UPDATED: _handle_status,
}
"""What a notification amounts to; each returns what it did."""


def is_partner_item(item: Named, context: CirculationContext) -> bool | None:
    """Tell a partner's item by the profile's pattern; None where it has none, then the record tells
    (`Item.temporary`)."""
    pattern = context.policy.notifications.own_item_pattern
    return None if pattern is None else has_match(pattern, item.value)


async def find_noticed_item(command: Notice, context: CirculationContext) -> Item:
    """Find an item by its id, or by the barcode on the piece. The request number is the way to a partner's piece whose
    temporary barcode has changed since; where a partner sends none, the temporary record has its item id as the number.
    Our own items keep their barcodes."""
    try:
        return await items.resolve_item(command.item, context, request=command.request)
    except Refused as refused:
        if refused.reason not in (RefusalReason.UNKNOWN_ITEM, RefusalReason.DATA_MISSING):
            raise
        if item := await _find_item_otherwise(command, context):
            return item
        raise


async def _find_item_otherwise(command: Notice, context: CirculationContext) -> Item | None:
    """An item of a shipment has no record under the barcode on the piece yet, or another item has."""
    barcode = "" if command.kind is NoticeKind.SHIPPED else make_piece_barcode(command.new_barcode, context)
    if barcode and (visible_item := await items.find_visible_item(barcode, context)):
        return visible_item
    if visible_item := await items.find_temporary_item_by_request(command.request, context):
        return visible_item
    return await items.find_item_by_known_number(command.item, context) if command.item is not None else None


def name_by_barcode(item: Item) -> Named:
    """Name an item as a command does, in a `context_without_rewrite`."""
    return Named(item.barcode)


def context_without_rewrite(context: CirculationContext) -> CirculationContext:
    """The same context for commands that name an item by the barcode it has here, which is rewritten no more."""
    plain = context.policy.items.model_copy(update={"rewrite": type(context.policy.items.rewrite)(trim=False)})
    return replace(context, policy=context.policy.model_copy(update={"items": plain}))


def choose_account(command: Notice, context: CirculationContext) -> tuple[PatronRef, CirculationContext]:
    """Choose the institutional patron for our own item, named in our own terms. Without one, whom the message names."""
    account = context.policy.notifications.institutional_patron
    if not account:
        return require_named_patron(command), context
    plain = PatronRules(lookup_by=context.policy.patrons.lookup_by, blocks_stop=context.policy.patrons.blocks_stop)
    policy = context.policy.model_copy(update={"patrons": plain})
    return PatronRef(Named(account)), replace(context, policy=policy)


def require_named_patron(command: Notice) -> PatronRef:
    if command.patron is None:
        raise Refused(RefusalReason.DATA_MISSING, "The message does not identify a patron.", about=MessagePart.PATRON)
    return command.patron


def require_named_item(command: Notice) -> Named:
    if command.item is None:
        raise Refused(RefusalReason.DATA_MISSING, "The message does not identify an item.", about=MessagePart.ITEM)
    return command.item

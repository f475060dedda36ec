"""AcceptItem: a partner's item has arrived. A temporary record is made, with a hold for its patron, unless the partner
has announced the item and the record is here already."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.domain.circulation_policy import BarcodeSource
from gateway.domain.commands import AcceptItem, Action, ItemAccepted
from gateway.domain.due_dates import local_day, patron_due
from gateway.domain.library import BlockScope, Item, ItemStatus, Loan, Money, Patron
from gateway.domain.partner_identifiers import RequestNumber, generate_barcode, read_request_number
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import Capability, TemporaryHold, TemporaryItem, TemporaryItemResult
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation import fees, holds, items, loans, patrons
from gateway.services.circulation.announced_items import (
    find_announced_item,
    is_for_another,
    receive_announced_item,
)
from gateway.services.circulation.context import (
    CirculationContext,
    change_refusals_about,
    is_answered_as_success,
    require_capability,
)
from gateway.services.circulation.own_things import Maker

_LEND = (Action.CIRCULATE, Action.CIRCULATE_AND_NOTIFY)
_GENERATED_TRIES = 20

_ASTRAY = (ItemStatus.LOST, ItemStatus.MISSING, ItemStatus.CLAIMED_RETURNED)
"""Statuses of a partner's item that is on record and was not here."""

_KEEPS_THE_HOLD = (
    RefusalReason.LIMIT_REACHED,
    RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    RefusalReason.ITEM_NOT_AVAILABLE,
    RefusalReason.NOT_ALLOWED,
    RefusalReason.PATRON_BLOCKED,
    RefusalReason.PATRON_EXPIRED,
)
"""Refusals of a loan after which the item waits for its patron on the hold shelf."""


@value_object
class _AcceptancePlan:
    """The plan of what is to be done, decided before anything is changed."""

    number: RequestNumber
    patron: Patron | None
    item: TemporaryItem
    lend: bool
    fee: Money | None = None  # what the patron owes for it


@value_object
class _DatedArrival:
    """The command without the dates that can't be kept, and what is to be told of those."""

    command: AcceptItem
    notes: tuple[str, ...] = ()


async def accept_item(command: AcceptItem, context: CirculationContext, key: str) -> ItemAccepted:
    """Accept an item as `register_item` does; one that was announced by ItemRequested keeps its record, and its hold
    gets the piece.

    Raises Refused as `register_item` does; DUPLICATE_ITEM also where the item was announced for another patron.
    """
    return await _accept_arrival(command, context, key, await find_announced_item(command, context))


async def register_item(command: AcceptItem, context: CirculationContext, key: str) -> ItemAccepted:
    """Record, item and hold are made together or not at all.

    Where it is lent at once and the library refuses the loan (a limit is reached), the item is here all
    the same: it stays, on hold, and staff at the desk see why it can't be lent. The answer shows the hold then.

    Dates that have passed are no reason to refuse what lies on the table: they are left out, which the record's note
    and `ItemAccepted.notes` say, and the library's own rules set the dates.

    Raises Refused(DATA_MISSING | UNKNOWN_PATRON | PATRON_BLOCKED | BAD_PICKUP_LOCATION | DUPLICATE_ITEM …).
    """
    return await _accept_arrival(command, context, key, None)


async def _accept_arrival(
    command: AcceptItem, context: CirculationContext, key: str, announced: Item | None
) -> ItemAccepted:
    require_capability(context, Capability.TEMPORARY_ITEM)
    dated = _drop_past_dates(command, context)
    command = dated.command
    plan = await _plan_acceptance(dated, context, key)
    if plan.lend:
        require_capability(context, Capability.CHECK_OUT)
    if plan.fee is not None:
        require_capability(context, Capability.POST_FEE)
    if announced is not None:
        received = await _receive_on_record(announced, plan, command, context, key)
    else:
        received = await _create_record(plan, command, context, key)
    item, hold = received.item, received.hold
    loan = None
    if plan.lend and plan.patron is not None:
        loan = await _lend_accepted_item(command, plan, item, context, key)
    if loan is not None:
        item, hold = await context.library.item_by_barcode(item.barcode), None
    if plan.fee is not None:
        await _post_item_fee(command, plan, plan.fee, item, context, key)
    return ItemAccepted(item, received.bib, plan.patron, hold, loan, command.due, dated.notes)


def _drop_past_dates(command: AcceptItem, context: CirculationContext) -> _DatedArrival:
    rules, notes = context.policy.due_dates, []
    try:
        patron_due(command.due, rules, context.zone, context.now(), days_back=rules.transit_days)
    except Refused as late:
        if late.reason is not RefusalReason.INVALID_DATE:
            raise
        day = local_day(command.due, context.zone)
        notes.append(f"due date of the lender {day} ignored: {late.detail}")
        command = replace(command, due=None)
    last_day = local_day(command.pickup_expires, context.zone)
    if last_day is not None and last_day < context.today():
        notes.append(f"last day on the hold shelf {last_day} ignored: This date has already passed.")
        command = replace(command, pickup_expires=None)
    return _DatedArrival(command, tuple(notes))


async def _plan_acceptance(dated: _DatedArrival, context: CirculationContext, key: str) -> _AcceptancePlan:
    command = dated.command
    number = read_request_number(command.request, context.policy)
    if not number.value:
        raise Refused(RefusalReason.DATA_MISSING, "The request number is missing.", about=MessagePart.REQUEST)
    action = _choose_action(command, context)
    patron = await _resolve_named_patron(command, context)
    item = items.describe_temporary_item(command, number, context, key)
    if dated.notes:
        item = replace(item, note="; ".join(note for note in (item.note, *dated.notes) if note))
    fee = fees.choose_item_fee(command, context) if patron is not None else None
    if patron is None or action is Action.RECORD_ONLY:
        return _AcceptancePlan(number, patron, item, lend=False, fee=fee)
    stopped = context.policy.accept.blocks_stop
    if stopped:
        patrons.refuse_if_blocked(patron, BlockScope.REQUEST, context)
    if holds.is_hold_unwanted(command.pickup, command.receiver, context):
        return _AcceptancePlan(number, patron, item, lend=False, fee=fee)
    lend = action in _LEND and context.policy.accept.circulate_as == "check-out" and command.is_returnable
    if lend and stopped:
        patrons.refuse_if_blocked(patron, BlockScope.BORROW, context)
    elif lend:
        lend = patrons.find_stopping_block(patron, BlockScope.BORROW, context) is None
    return _AcceptancePlan(number, patron, replace(item, hold=await _plan_hold(command, patron, context)), lend, fee)


def _choose_action(command: AcceptItem, context: CirculationContext) -> Action:
    """The profile's word for it outweighs the standard's meaning. Whether somebody is notified is decided by the
    library's own notices: they go out when the hold is ready."""
    own = context.policy.accept.actions.get(command.action_word.strip().lower())
    return Action(own) if own is not None else command.action


async def _resolve_named_patron(command: AcceptItem, context: CirculationContext) -> Patron | None:
    required = context.policy.accept.patron_required
    if command.patron is None and not required:
        return None
    try:
        return await patrons.resolve_patron(command.patron, context)
    except Refused as refused:
        if required or refused.reason is not RefusalReason.UNKNOWN_PATRON:
            raise
        return None


async def _plan_hold(command: AcceptItem, patron: Patron, context: CirculationContext) -> TemporaryHold:
    place = await holds.resolve_pickup(command.pickup, command.receiver, patron, context)
    at_once = context.policy.accept.trap_hold == "at-accept"
    return TemporaryHold(patron.id, place.code, on_shelf=at_once, expires=_compute_shelf_expiry(command, context))


def _compute_shelf_expiry(command: AcceptItem, context: CirculationContext) -> date | None:
    if command.pickup_expires is not None:
        return local_day(command.pickup_expires, context.zone)
    days = context.policy.accept.pickup_days
    return context.today() + timedelta(days=days) if days else None


# --- the record ------------------------------------------------------------------------------------------


async def _receive_on_record(
    announced: Item, plan: _AcceptancePlan, command: AcceptItem, context: CirculationContext, key: str
) -> TemporaryItemResult:
    if plan.patron is not None and await is_for_another(announced, plan.patron.id, context):
        raise _duplicate_refusal(command)
    with change_refusals_about(MessagePart.ITEM, command.item.value if command.item is not None else ""):
        return await receive_announced_item(announced, plan.item.hold, command, context, key)


async def _create_record(
    plan: _AcceptancePlan, command: AcceptItem, context: CirculationContext, key: str
) -> TemporaryItemResult:
    about = command.item.value if command.item is not None else command.request.value
    with change_refusals_about(MessagePart.ITEM, about):
        received = await _create_with_free_barcode(plan.item, context, key)
    if isinstance(received, Refused):
        lost = await _find_lost_record(plan.item.barcode, context)
        if lost is not None:
            return await _replace_lost_record(lost, plan, context, key)
        return await _accept_duplicate(plan.item.barcode, command, context, received)
    if not received.repeated:
        return received
    if received.item.status in _ASTRAY:
        return await _replace_lost_record(received.item, plan, context, key)
    if context.policy.accept.duplicate == "refuse":
        raise _duplicate_refusal(command)
    return received


async def _find_lost_record(barcode: str, context: CirculationContext) -> Item | None:
    """The record of this partner's item that was lost here."""
    item = await items.find_item_by_barcode(barcode, context)
    if item is None or not item.temporary or item.status not in _ASTRAY:
        return None
    return item if await context.things.find_maker(ThingKind.ITEM, item.id) is Maker.THIS_PARTNER else None


async def _replace_lost_record(
    lost: Item, plan: _AcceptancePlan, context: CirculationContext, key: str
) -> TemporaryItemResult:
    """Replace the record of what was lost and lies on the table: its loan ends, and the record gives way to one for
    what is wanted now."""
    if await context.library.item_loan(lost.id) is not None:
        require_capability(context, Capability.CHECK_IN)
        at = context.policy.check_in.branch
        await context.library.check_in(lost.barcode, f"{key}:found:{lost.id}", at=at, fill_hold=False)
    await context.library.delete_temporary_item(lost.barcode, f"{key}:lost:{lost.id}")
    received = await _create_with_free_barcode(plan.item, context, key)
    if isinstance(received, Refused):
        raise received
    return received


async def _create_with_free_barcode(
    item: TemporaryItem, context: CirculationContext, key: str
) -> TemporaryItemResult | Refused:
    """Create the record, or return why not where its barcode is taken. A generated barcode that happens to be taken is
    replaced by another; the key finds the record again."""
    is_generated = context.policy.accept.barcode_from is BarcodeSource.GENERATED
    for attempt in range(1, _GENERATED_TRIES if is_generated else 1):
        created = await _create_item(item, context, key)
        if not isinstance(created, Refused):
            return created
        item = replace(item, barcode=generate_barcode(context.policy.accept, item.request_id, f"{key}:{attempt}"))
    return await _create_item(item, context, key)


async def _create_item(item: TemporaryItem, context: CirculationContext, key: str) -> TemporaryItemResult | Refused:
    try:
        created = await context.library.create_temporary_item(item, key)
    except Refused as refused:
        if refused.reason is not RefusalReason.DUPLICATE_ITEM:
            raise
        return refused
    numbers = {"request_id": item.request_id, "barcode": created.item.barcode}
    context.things.add_thing(ThingKind.ITEM, created.item.id, **numbers)
    if created.hold is not None:
        context.things.add_thing(ThingKind.HOLD, created.hold.id, **numbers)
    return created


async def _accept_duplicate(
    barcode: str, command: AcceptItem, context: CirculationContext, refused: Refused
) -> TemporaryItemResult:
    """Another request for a barcode that is here. Only an item of this partner may be taken for the one that is meant:
    the library's own with the same barcode, or another partner's, is another thing."""
    accepted = context.policy.accept.duplicate == "success" or is_answered_as_success(refused, "accept-item", context)
    if accepted:
        item = await items.find_visible_item(barcode, context)
        if item is not None and item.temporary:
            return TemporaryItemResult(item, await context.library.get_bib(item.bib_id), None, repeated=True)
    raise _duplicate_refusal(command, refused.internal) from refused


def _duplicate_refusal(command: AcceptItem, internal: str = "") -> Refused:
    value = command.item.value if command.item is not None else command.request.value
    return Refused(
        RefusalReason.DUPLICATE_ITEM,
        "An item with this ID already exists. Send another ID, or check in and delete the other item first.",
        about=MessagePart.ITEM,
        value=value,
        internal=internal,
    )


# --- loan and fee ----------------------------------------------------------------------------------------


async def _lend_accepted_item(
    command: AcceptItem, plan: _AcceptancePlan, item: Item, context: CirculationContext, key: str
) -> Loan | None:
    """None when the library refuses: the hold stands."""
    if plan.patron is None:
        return None
    due = loans.choose_loan_due(command.due, context.policy.due_dates.policy, item, context.now(), context)
    wish = loans.LoanWish(item, plan.patron, due, plan.number.value)
    try:
        return await loans.lend_item(wish, context, f"{key}:loan")
    except Refused as refused:
        if refused.reason not in _KEEPS_THE_HOLD:
            raise
        return None


async def _post_item_fee(
    command: AcceptItem, plan: _AcceptancePlan, fee: Money, item: Item, context: CirculationContext, key: str
) -> None:
    """Post what the patron owes for the item, as AcceptItem says."""
    if plan.patron is None:
        return
    await context.library.post_fee(
        plan.patron.id,
        fee,
        fees.choose_fee_type(command.fee_type, command.fee_action, context),
        f"{key}:fee",
        item_barcode=item.barcode,
        request_id=plan.number.value,
    )

"""Actions at the desk that need the library's yes before they count: an item comes in, is lent, comes back, is shipped.

Each is one outbox row that carries the event which follows from the yes: a crash between the two is repaired by doing
the row again, under the same key, and the library does nothing twice (design rule 6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from gateway.domain.due_dates import due_moment
from gateway.domain.library import ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import (
    LendingState,
    Request,
    Role,
    ServiceType,
    Volume,
    VolumeState,
)
from gateway.domain.requests.request_updates import RequestChange, keep_request
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_system import Capability
from gateway.services.request_work.desk_loans import DeskAction, check_in_item, check_out_item, find_own_loan, mark_item
from gateway.services.request_work.desk_receipts import delete_temporary_items, is_for_hold_shelf, receive_items
from gateway.services.requests.deadlines import complete_request
from gateway.services.requests.lending import borrower_account
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import ComputedEvent


def is_desk_action(request: Request, kind: EventKind, attempt: int) -> bool:
    """Return whether this event needs the library first. A copy is nothing that circulates, and what we broker is no
    item of the library's, unless one of ours is shipped after all; of a past supplier's items, only those are known to
    the library that came and were lost."""
    ships_own = (request.role, kind) == (Role.LENDING, EventKind.SHIPPED) and request.can_ship_own_item
    if request.is_brokered and not ships_own:
        return False
    in_hand = attempt in (0, request.current)
    if kind is EventKind.RECEIVED and not in_hand:  # a lost one that has turned up; its record is there
        return False
    if request.service.type is ServiceType.COPY or not (in_hand or _lost_barcodes(request, attempt)):
        return False
    return (request.role, kind) in _ACTS


def describe_work_elsewhere(context: LibraryContext, request: Request, kind: EventKind) -> str:
    """Describe what staff do in the library's own system, since it can't be told to. Empty: nothing."""
    if not is_desk_action(request, kind, request.current):
        return ""
    able = context.system.capabilities
    if (request.role, kind) in _RETURNS and Capability.CHECK_IN not in able:
        return write_sentence("First check in the item in the library system.")
    if request.role is not Role.BORROWING or Capability.TEMPORARY_ITEM in able:
        return ""
    if kind is EventKind.RECEIVED and is_for_hold_shelf(request):
        return write_sentence("First create a record for the item in the library system and enter its barcode here.")
    barcodes = ", ".join(volume.barcode for volume in request.volumes if volume.barcode)
    if kind is EventKind.RETURNED and barcodes:
        return write_sentence("Then delete the record of %(words)s in the library system.", words=barcodes)
    return ""


_RETURNS = frozenset({(Role.BORROWING, EventKind.RETURNED_BY_PATRON), (Role.LENDING, EventKind.CHECKED_IN)})


def _lost_barcodes(request: Request, attempt: int) -> tuple[str, ...]:
    """Barcodes of a past supplier's items."""
    past = request.find_attempt(attempt)
    return past.pieces if past is not None else ()


async def perform_desk_action(
    context: LibraryContext, computed: ComputedEvent, event: Event, key: str
) -> RequestChange:
    """Perform an act at the library; raises Refused (the library's no), Unavailable, OutcomeUnknown."""
    request = computed.request
    terms = complete_request(context, request, computed.transition.request).terms
    return await _ACTS[request.role, event.kind](DeskAction(context, request, event, key, terms))


async def undo_desk_action(context: LibraryContext, request: Request, event: Event, key: str) -> None:
    """The library may have said yes at an earlier try, but the request has gone on without the event. What has no
    meaning without it is taken back; what has happened in any case (an item came back) stays.

    Raises Refused, Unavailable, OutcomeUnknown.
    """
    undoing = _UNDOING.get((request.role, event.kind))
    if undoing is not None:
        await undoing(DeskAction(context, request, event, key, request.terms))


# --- borrowing -------------------------------------------------------------------------------------------


async def _lend_to_patron(action: DeskAction) -> RequestChange:
    _require_patron(action.request)
    for volume in action.select_volumes(VolumeState.RECEIVED, VolumeState.BACK):
        await check_out_item(
            action,
            volume.barcode,
            action.request.patron.id,
            f"{action.key}:{volume.id}",
            action.terms.patron_due,
            override=False,
        )
    return keep_request


async def _end_loans(action: DeskAction) -> None:
    """Loans of volumes that this very action has made, and the request knows nothing of."""
    for volume in action.select_volumes(*(state for state in VolumeState if state is not VolumeState.LENT)):
        loan = await find_own_loan(action, volume.barcode) if volume.barcode else None
        if loan is not None and loan.key == f"{action.key}:{volume.id}":
            await check_in_item(action, volume.barcode, f"{volume.id}:undone")


async def _take_back_from_patron(action: DeskAction) -> RequestChange:
    """The patron returns it: at any desk the answer says that it goes back to its owner. A lost one may never have
    come."""
    for volume in action.select_volumes(VolumeState.LENT, VolumeState.LOST):
        if volume.barcode:
            await check_in_item(action, volume.barcode, volume.id)
    return keep_request


async def _send_back_to_supplier(action: DeskAction) -> RequestChange:
    """Send items back; what is still on loan comes in first, also what was lost and is found: no loan is left without
    its item."""
    if action.event.attempt not in (0, action.request.current):
        for barcode in _lost_barcodes(action.request, action.event.attempt):
            await check_in_item(action, barcode, barcode)
        return keep_request
    for volume in action.select_volumes(VolumeState.LENT, VolumeState.LOST):
        if volume.barcode:  # a lost one may never have come
            await check_in_item(action, volume.barcode, volume.id)
    return keep_request


async def _settle_borrowed_loss(action: DeskAction) -> RequestChange:
    """The patron's loan ends, with the fee that the profile asks for; the record of the item ends with the event."""
    barcodes = [volume.barcode for volume in action.request.volumes if volume.barcode]
    if action.context.workflow(action.request).borrowing.loss_fee:
        _require_patron(action.request)
        await _post_loss_fee(action, action.request.patron.id, barcodes)
    for barcode in barcodes:
        await check_in_item(action, barcode, barcode)
    return keep_request


async def _settle_lent_loss(action: DeskAction) -> RequestChange:
    """The other library's loan ends; our item stays lost."""
    barcodes = action.request.lent_barcodes
    if action.context.workflow(action.request).lending.loss_fee:
        if not action.request.borrower_id:
            raise Refused(
                RefusalReason.UNKNOWN_PATRON, "It was not checked out to any account.", about=MessagePart.PATRON
            )
        await _post_loss_fee(action, action.request.borrower_id, barcodes)
    for barcode in barcodes:
        await check_in_item(action, barcode, barcode)
        await mark_item(action, barcode, ItemStatus.LOST, f"{action.key}:{barcode}:lost")
    return keep_request


async def _post_loss_fee(action: DeskAction, patron_id: str, barcodes: Sequence[str]) -> None:
    """Post the fee once for the request. Raises Refused(DATA_MISSING) where nobody said how much."""
    cost = action.event.details.cost
    if cost is None:
        raise Refused(RefusalReason.DATA_MISSING, "Enter the amount to be paid, or 0 for none.")
    if not cost.amount:
        return
    await action.context.system.post_fee(
        patron_id,
        cost,
        action.policy.fees.default_type,
        f"{action.key}:fee",
        description=f"lost: {action.request.citation.short}",
        item_barcode=barcodes[0] if barcodes else "",
        request_id=action.request.number,
    )


def _require_patron(request: Request) -> None:
    if not request.patron.id:
        raise Refused(
            RefusalReason.UNKNOWN_PATRON, "The patron has been removed from this request.", about=MessagePart.PATRON
        )


# --- lending ---------------------------------------------------------------------------------------------


async def _ship_item(action: DeskAction) -> RequestChange:
    """Lent to the library that asked, until the date that it is told."""
    if len(action.request.volumes) > 1:
        return await _ship_volumes(action)
    barcode = action.event.details.barcode or action.request.item_barcode
    if not barcode:
        raise Refused(RefusalReason.DATA_MISSING, "The barcode of the shipped item is missing.", about=MessagePart.ITEM)
    due = due_moment(action.event.details.due, action.policy.due_dates, action.context.zone)
    if action.request.state is LendingState.SHIPPED and action.request.item_barcode:
        if barcode == action.request.item_barcode and action.request.loan_id:
            await _correct_due_date(action, due)
            return keep_request
        await check_in_item(action, action.request.item_barcode, "not this one")
    patron = await borrower_account(action.context, action.request, action.key, due)
    call_number = await _find_call_number(action, barcode)
    loan = await check_out_item(action, barcode, patron.id, action.key, due, override=True)
    return lambda request: replace(
        request,
        item_barcode=barcode,
        loan_id=loan.id,
        borrower_id=patron.id,
        volumes=tuple(replace(volume, call_number=call_number) for volume in request.volumes),
    )


async def _find_call_number(action: DeskAction, barcode: str) -> str:
    """Find the call number as its system said when the item was looked for, else as it says now. Empty where it can't
    be asked."""
    candidate = action.request.find_candidate(barcode)
    if candidate is not None:
        return candidate.call_number
    try:
        item = await action.context.find_item(barcode)
    except Refused:  # whether it can be lent at all is found out with the loan
        return ""
    return item.call_number if item is not None else ""


async def _ship_volumes(action: DeskAction) -> RequestChange:
    """Each volume is a loan of its own. What is out already gets the new date, and its other item where it was another
    one that went out."""
    scanned = action.event.details.barcode
    volumes = action.select_volumes(*(state for state in VolumeState if state not in _IN_AGAIN))
    nameless = [volume for volume in volumes if not (scanned or volume.barcode)]
    if nameless or not volumes:
        which = " and ".join(_describe_volume(volume) for volume in nameless) or "none of the volumes is to be shipped"
        raise Refused(
            RefusalReason.DATA_MISSING,
            write_sentence(
                "The barcode of a shipped volume is missing: %(which)s. Each volume has its own barcode.",
                which=which,
            ),
            about=MessagePart.ITEM,
        )
    shipped = {volume.id for volume in volumes}
    others = [volume for volume in action.request.volumes if volume.id not in shipped and volume.state not in _IN_AGAIN]
    if (taken := next((volume for volume in others if scanned and volume.barcode == scanned), None)) is not None:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            write_sentence(
                "%(barcode)s is another volume of this request: %(volume)s.",
                barcode=scanned,
                volume=taken.label or taken.id,
            ),
            about=MessagePart.ITEM,
        )
    due = due_moment(action.event.details.due, action.policy.due_dates, action.context.zone)
    patron = await borrower_account(action.context, action.request, action.key, due)
    loan: Loan | None = None
    call_numbers: dict[str, str] = {}
    for volume in volumes:
        barcode = scanned or volume.barcode
        if volume.barcode and volume.barcode != barcode:
            await check_in_item(action, volume.barcode, f"{volume.id}:not this one")
        call_numbers[volume.id] = await _find_call_number(action, barcode)
        loan = await check_out_item(action, barcode, patron.id, f"{action.key}:{volume.id}", due, override=True)
    assert loan is not None
    last = loan
    return lambda request: replace(
        request,
        loan_id=last.id,
        borrower_id=patron.id,
        volumes=tuple(replace(v, call_number=call_numbers.get(v.id, v.call_number)) for v in request.volumes),
    )


_IN_AGAIN = (VolumeState.CHECKED_IN, VolumeState.RETURNED, VolumeState.LOST)


def _describe_volume(volume: Volume) -> str:
    return f"volume {volume.id} ({volume.label})" if volume.label else f"volume {volume.id}"


async def _undo_shipping(action: DeskAction) -> None:
    """The parcel doesn't go out after all: a loan that the request knows nothing of ends."""
    barcode = action.event.details.barcode or action.request.item_barcode
    loan = await find_own_loan(action, barcode) if barcode else None
    several = len(action.request.volumes) > 1
    is_out = several and any(
        volume.barcode == barcode and volume.state is VolumeState.SHIPPED for volume in action.request.volumes
    )
    if loan is not None and loan.id != action.request.loan_id and not is_out:
        await check_in_item(action, barcode, "undone")


async def _correct_due_date(action: DeskAction, due: datetime | None) -> None:
    """It is out already: only the date is new. A system that sets its dates itself keeps its own; the request has the
    new one in any case."""
    system = action.context.system
    if due is not None and Capability.DUE_DATE_CHANGE in system.capabilities:
        await system.set_due_date(action.request.loan_id, due, action.key)


async def _check_in_own_item(action: DeskAction) -> RequestChange:
    """Check in our item; what was lost, and turns up after that was settled, isn't marked as lost any more."""
    if len(action.request.volumes) == 1:
        if action.request.item_barcode:
            await check_in_item(action, action.request.item_barcode, "in")
            await _mark_found(action, action.request.item_barcode)
        return keep_request
    for volume in action.select_volumes(
        VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.RETURNED, VolumeState.LOST
    ):
        if volume.barcode:
            await check_in_item(action, volume.barcode, f"{volume.id}:in")
            await _mark_found(action, volume.barcode)
    return keep_request


async def _mark_found(action: DeskAction, barcode: str) -> None:
    """Mark an item as found: where its loan ended before, a check-in may leave the mark of a loss."""
    item = await action.context.find_item(barcode) if action.request.is_loss_settled else None
    if item is not None and item.status is ItemStatus.LOST:
        await mark_item(action, barcode, ItemStatus.AVAILABLE, f"{action.key}:{barcode}:found")


_ACTS: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[RequestChange]]] = {
    (Role.BORROWING, EventKind.RECEIVED): receive_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _lend_to_patron,
    (Role.BORROWING, EventKind.RETURNED_BY_PATRON): _take_back_from_patron,
    (Role.BORROWING, EventKind.RETURNED): _send_back_to_supplier,
    (Role.BORROWING, EventKind.SETTLED): _settle_borrowed_loss,
    (Role.LENDING, EventKind.SHIPPED): _ship_item,
    (Role.LENDING, EventKind.CHECKED_IN): _check_in_own_item,
    (Role.LENDING, EventKind.SETTLED): _settle_lent_loss,
}

_UNDOING: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[None]]] = {
    (Role.BORROWING, EventKind.RECEIVED): delete_temporary_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _end_loans,
    (Role.LENDING, EventKind.SHIPPED): _undo_shipping,
}

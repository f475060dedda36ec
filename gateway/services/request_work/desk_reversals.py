"""Reversal of what the library did for an act at the desk, because staff undo the act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.domain.due_dates import due_moment
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import Request, Role, Volume
from gateway.domain.requests.request_updates import RequestChange, keep_request
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import Capability
from gateway.services.request_work.desk_actions import is_desk_action
from gateway.services.request_work.desk_loans import DeskAction, check_in_item, check_out_item
from gateway.services.requests.library_context import LibraryContext


@value_object
class DeskReversal:
    """`action`: with the request as the act has left it; `before`: as it was."""

    action: DeskAction
    before: Request

    @property
    def moved_volumes(self) -> tuple[Volume, ...]:
        """Those to which the act has happened."""
        states = {volume.id: volume.state for volume in self.before.volumes}
        return tuple(volume for volume in self.action.request.volumes if states.get(volume.id) is not volume.state)


def must_be_reversed(before: Request, kind: EventKind) -> bool:
    """Return whether the library has done something for the act."""
    return (before.role, kind) in _REVERSALS and is_desk_action(before, kind, before.current)


async def reverse_desk_action(
    context: LibraryContext, request: Request, before: Request, event: Event, key: str
) -> RequestChange:
    """Take back what the library did for an act; `event` is the undoing. Raises Refused (it can't be), Unavailable,
    OutcomeUnknown."""
    reversal = DeskReversal(DeskAction(context, request, event, key, request.terms), before)
    return await _REVERSALS[before.role, EventKind(event.details.reason)](reversal)


async def _delete_received_items(reversal: DeskReversal) -> RequestChange:
    """The records that were made as it came. What was announced has been put on the hold shelf, from where nothing
    brings it back to where it was."""
    action = reversal.action
    announced = {volume.id for volume in reversal.before.volumes if volume.barcode}
    if any(volume.id in announced for volume in reversal.moved_volumes):
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "The library system already had a record of the item, which is now on its hold shelf.",
            about=MessagePart.ITEM,
        )
    if Capability.TEMPORARY_ITEM not in action.context.system.capabilities:
        return keep_request
    for volume in reversal.moved_volumes:
        if not volume.barcode:
            continue
        try:
            await action.context.system.delete_temporary_item(volume.barcode, f"{action.key}:{volume.id}")
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
    return keep_request


async def _end_shipped_loans(reversal: DeskReversal) -> RequestChange:
    for barcode in _barcodes_of_moved(reversal):
        await check_in_item(reversal.action, barcode, barcode)
    return keep_request


async def _lend_checked_in_items(reversal: DeskReversal) -> RequestChange:
    """Lend items on the same account, until the same date."""
    action, account = reversal.action, reversal.before.borrower_id
    if not account:
        raise Refused(RefusalReason.UNKNOWN_PATRON, "It was not checked out to any account.", about=MessagePart.PATRON)
    due = due_moment(reversal.before.terms.lender_due, action.policy.due_dates, action.context.zone)
    loan_id = reversal.before.loan_id
    for barcode in _barcodes_of_moved(reversal):
        loan = await check_out_item(action, barcode, account, f"{action.key}:{barcode}", due, override=True)
        loan_id = loan.id
    return lambda request: replace(request, loan_id=loan_id)


def _barcodes_of_moved(reversal: DeskReversal) -> tuple[str, ...]:
    """Return the barcodes of our items."""
    request = reversal.action.request
    if len(request.volumes) < 2:
        return (request.item_barcode,) if request.item_barcode else ()
    return tuple(volume.barcode for volume in reversal.moved_volumes if volume.barcode)


_REVERSALS: dict[tuple[Role, EventKind], Callable[[DeskReversal], Awaitable[RequestChange]]] = {
    (Role.BORROWING, EventKind.RECEIVED): _delete_received_items,
    (Role.LENDING, EventKind.SHIPPED): _end_shipped_loans,
    (Role.LENDING, EventKind.CHECKED_IN): _lend_checked_in_items,
}

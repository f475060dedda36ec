"""What the library's system is asked to do after an event: each call idempotent by the id of its outbox row.

A call that finds its work done (the hold is gone already) is done too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from gateway.domain.due_dates import due_moment
from gateway.domain.library import Hold, Item, ItemStatus, Loan
from gateway.domain.problems import RefusalReason, Refused, UnfinishedWork
from gateway.domain.requests.request import LendingState, Request
from gateway.domain.requests.state_table import LibraryAction
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, HoldWish
from gateway.services.requests.item_conflicts import wait_for_copy
from gateway.services.requests.lending import borrower_account, expire_requester
from gateway.services.requests.library_context import LibraryContext, require_request

GONE = frozenset(
    {
        RefusalReason.UNKNOWN_ITEM,
        RefusalReason.UNKNOWN_REQUEST,
        RefusalReason.REQUEST_CLOSED,
        RefusalReason.NOT_CHECKED_OUT,
    }
)
"""Refusals after which nothing is left to be done."""

OUT = (LendingState.SHIPPED, LendingState.RETURNED)
"""States of a lending request in which the item is not on the shelf."""


@value_object
class LibraryCall:
    house: LibraryContext
    request: Request
    key: str  # id of the outbox row
    attempt: int  # whose item it is about (borrowing); 0: the one in hand

    @property
    def barcodes(self) -> tuple[str, ...]:
        """Of the temporary items in hand (borrowing)."""
        return tuple(volume.barcode for volume in self.request.volumes if volume.barcode)

    @property
    def pieces(self) -> tuple[str, ...]:
        """Of the temporary items that this is about, also where another supplier has been asked since. What the same
        supplier has sent once more is in hand again."""
        if self.attempt in (0, self.request.current):
            return self.barcodes
        past = self.request.find_attempt(self.attempt)
        return tuple(code for code in past.pieces if code not in self.barcodes) if past is not None else ()


async def call_library(context: LibraryContext, act: LibraryAction, request: Request, key: str, attempt: int) -> str:
    """A line for the outbox. Raises Refused (staff look), Unavailable, OutcomeUnknown."""
    return await _CALLS[act](LibraryCall(context, request, key, attempt))


# --- borrowing -------------------------------------------------------------------------------------------


async def _delete_temporary_items(it: LibraryCall) -> str:
    """Held while a loan hangs on it: then it is tried again later."""
    deleted = 0
    for barcode in it.pieces:
        try:
            await it.house.system.delete_temporary_item(barcode, f"{it.key}:{barcode}")
        except Refused as refused:
            if refused.reason is RefusalReason.IN_USE:
                raise UnfinishedWork("the temporary item is still on loan") from refused
            if refused.reason not in GONE:
                raise
        else:
            deleted += 1
    return f"{deleted} temporary items deleted"


async def _set_due_date(it: LibraryCall) -> str:
    due = it.request.terms.patron_due
    if due is None:
        return "no due date"
    return await _set_loans_due(it, await _find_loans(it, it.barcodes), due)


async def _set_loans_due(it: LibraryCall, loans: Iterable[Loan], due: datetime) -> str:
    changed = 0
    for loan in loans:
        try:
            await it.house.system.set_due_date(loan.id, due, f"{it.key}:{loan.id}")
        except Refused as refused:
            if refused.reason not in GONE:
                raise
        else:
            changed += 1
    return f"{changed} loans have the new due date"


async def _recall_from_patron(it: LibraryCall) -> str:
    due = it.request.terms.patron_due
    recalled = 0
    for loan in await _find_loans(it, it.barcodes):
        try:
            if Capability.RECALL in it.house.system.capabilities:
                await it.house.system.recall_loan(loan.item_barcode, f"{it.key}:{loan.id}", due=due)
            elif due is not None:
                await it.house.system.set_due_date(loan.id, due, f"{it.key}:{loan.id}")
        except Refused as refused:
            if refused.reason not in (*GONE, RefusalReason.CANNOT_BE_RECALLED):
                raise
        else:
            recalled += 1
    return f"{recalled} loans recalled"


async def _mark_lost(it: LibraryCall) -> str:
    barcodes = it.pieces or ((it.request.item_barcode,) if it.request.item_barcode else ())
    for barcode in barcodes:
        try:
            await it.house.system.set_item_status(barcode, ItemStatus.LOST, f"{it.key}:{barcode}")
        except Refused as refused:
            if refused.reason not in GONE:
                raise
    return "marked as lost"


async def _find_loans(it: LibraryCall, barcodes: Iterable[str]) -> tuple[Loan, ...]:
    found = []
    for barcode in barcodes:
        item = await _find_item(it, barcode)
        loan = await it.house.system.item_loan(item.id) if item is not None else None
        if loan is not None:
            found.append(loan)
    return tuple(found)


async def _find_item(it: LibraryCall, barcode: str) -> Item | None:
    try:
        return await it.house.system.item_by_barcode(barcode)
    except Refused:
        return None


# --- lending ---------------------------------------------------------------------------------------------


async def _place_hold(it: LibraryCall) -> str:
    """Keeps the item for the request, on the account of the library that asks for it; not the one chosen before."""
    if not it.request.item_barcode:
        return "no item"
    if _is_hold_obsolete(it.request):
        return "it has not to be kept any more"
    held = await _find_open_hold(it)
    if held is not None and held.item_barcode == it.request.item_barcode:
        return f"hold {held.id} is there already"
    if held is not None:
        await it.house.system.cancel_hold(held.id, it.key)
    patron = await borrower_account(it.house, it.request, it.key)
    places = await it.house.system.pickup_locations()
    wish = HoldWish(
        patron_id=patron.id,
        pickup=it.request.direct_patron.pickup or (places[0].code if places else ""),
        request_id=it.request.number,
        item_barcode=it.request.item_barcode,
        kind="page",
        note=f"interlibrary loan {it.request.number}",
    )
    try:
        hold = await it.house.system.place_hold(wish, it.key)
    except Refused as refused:
        if refused.reason is RefusalReason.ON_LOAN_SAME_PATRON and await _is_shipped(it):
            return "it was shipped meanwhile"
        await wait_for_copy(it.house, it.request, it.request.item_barcode, refused)
        raise
    return f"hold {hold.id}"


def _is_hold_obsolete(request: Request) -> bool:
    return not request.open or request.state in OUT


async def _is_shipped(it: LibraryCall) -> bool:
    """Since the request was read: the loan comes before the event, and ends after it."""
    if any(loan.request_id == it.request.number for loan in await _find_loans(it, (it.request.item_barcode,))):
        return True
    return _is_hold_obsolete(await require_request(it.house, it.request.id))


async def _find_open_hold(it: LibraryCall) -> Hold | None:
    """A hold that a broker's message placed is under the broker's number, as long as it is open."""
    numbers = (it.request.transaction, it.request.number) if it.request.hold_id else (it.request.number,)
    for number in numbers:
        try:
            hold = await it.house.system.find_hold(number)
        except Refused as refused:
            if refused.reason not in GONE:
                raise
            continue
        if hold.status.is_open:
            return hold
    return None


async def _release_hold(it: LibraryCall) -> str:
    done = await _cancel_open_hold(it)
    await expire_requester(it.house, it.request, it.key)
    return done


async def _cancel_open_hold(it: LibraryCall) -> str:
    hold = await _find_open_hold(it)
    if hold is None:
        return "no hold"
    try:
        await it.house.system.cancel_hold(hold.id, it.key)
    except Refused as refused:
        if refused.reason in GONE:
            return "no hold"
        raise
    return f"hold {hold.id} cancelled"


async def _set_lender_due(it: LibraryCall) -> str:
    due = due_moment(it.request.terms.lender_due, it.house.due_dates(it.request), it.house.zone)
    loans = await _find_loans(it, (it.request.item_barcode,)) if it.request.item_barcode else ()
    return await _set_loans_due(it, loans, due) if due is not None else "no due date"


async def _recall_loan(it: LibraryCall) -> str:
    due = due_moment(it.request.terms.lender_due, it.house.due_dates(it.request), it.house.zone)
    try:
        await it.house.system.recall_loan(it.request.item_barcode, it.key, due=due)
    except Refused as refused:
        if refused.reason in (*GONE, RefusalReason.CANNOT_BE_RECALLED):
            return "not on loan, or recalled already"
        raise
    return "recalled"


async def _return_home(it: LibraryCall) -> str:
    done = await _move_item_home(it)
    await expire_requester(it.house, it.request, it.key)
    return done


async def _move_item_home(it: LibraryCall) -> str:
    if not it.request.item_barcode or Capability.MOVE_LOCATION not in it.house.system.capabilities:
        return "nothing to move"
    try:
        await it.house.system.return_home(it.request.item_barcode, it.key)
    except Refused as refused:
        if refused.reason in GONE:
            return "it is not here any more"
        raise
    return "back in its own place"


_CALLS: dict[LibraryAction, Callable[[LibraryCall], Awaitable[str]]] = {
    LibraryAction.DELETE_TEMPORARY: _delete_temporary_items,
    LibraryAction.SET_DUE_DATE: _set_due_date,
    LibraryAction.RECALL_PATRON: _recall_from_patron,
    LibraryAction.MARK_LOST: _mark_lost,
    LibraryAction.PLACE_HOLD: _place_hold,
    LibraryAction.RELEASE_HOLD: _release_hold,
    LibraryAction.SET_LENDER_DUE: _set_lender_due,
    LibraryAction.RECALL_LOAN: _recall_loan,
    LibraryAction.RETURN_HOME: _return_home,
}

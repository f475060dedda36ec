"""Calls of the library's system after an event: each idempotent by the id of its outbox row.

A call that finds its work done (the hold is gone already) is done too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from gateway.domain.due_dates import due_moment
from gateway.domain.library import Hold, ItemStatus, Loan
from gateway.domain.problems import RefusalReason, Refused, UnfinishedWork
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.note_terms import write_recall_note
from gateway.domain.requests.request import LendingState, Request
from gateway.domain.requests.state_machine import Transition
from gateway.domain.requests.state_table import LibraryAction, TimerKind
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import Capability, HoldWish
from gateway.ports.shared_store import Transaction
from gateway.services.circulation.due_date_changes import can_move_due_date, move_due_date
from gateway.services.outbox.queue import HandlerResult
from gateway.services.request_work.item_conflicts import wait_for_copy
from gateway.services.requests.lending import borrower_account, expire_requester
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import timers
from gateway.store.requests.outbox_payloads import parse_library_payload

GONE = frozenset(
    {
        RefusalReason.UNKNOWN_ITEM,
        RefusalReason.UNKNOWN_REQUEST,
        RefusalReason.REQUEST_CLOSED,
        RefusalReason.NOT_CHECKED_OUT,
    }
)
"""Refusals after which nothing is left to be done."""

NOTHING_DONE = "nothing done: "
"""How the note of a row begins whose work there was none of in the library's system: staff aren't told that it did."""

OUT = (LendingState.SHIPPED, LendingState.RETURNED)
"""States of a lending request in which the item is not on the shelf."""


@value_object
class LibraryCall:
    context: LibraryContext
    request: Request
    key: str  # id of the outbox row
    attempt: int  # whose item it is about (borrowing); 0: the one in hand
    dated: bool = True  # whether the event said until when

    @property
    def barcodes(self) -> tuple[str, ...]:
        """The barcodes of the temporary items in hand (borrowing)."""
        return tuple(volume.barcode for volume in self.request.volumes if volume.barcode)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The barcodes of the temporary items that this is about, also where another supplier has been asked since.
        What the same supplier has sent once more is in hand again."""
        if self.attempt in (0, self.request.current):
            return self.barcodes
        past = self.request.find_attempt(self.attempt)
        return tuple(code for code in past.pieces if code not in self.barcodes) if past is not None else ()


async def call_library(
    context: LibraryContext, act: LibraryAction, request: Request, key: str, payload: str
) -> HandlerResult:
    """`payload` of the row, as `effects` writes it. With a line for the outbox. Raises Refused (staff look),
    Unavailable, OutcomeUnknown."""
    about = parse_library_payload(payload)
    call = LibraryCall(context, request, key, about.attempt, about.dated)
    if act is LibraryAction.RECALL_PATRON:
        return await _recall_from_patron(call)
    return HandlerResult(await _CALLS[act](call))


# --- borrowing -------------------------------------------------------------------------------------------


async def _delete_temporary_items(call: LibraryCall) -> str:
    """Delete the records; held while a loan hangs on one: then it is tried again later. A record that staff have made,
    they delete."""
    if Capability.TEMPORARY_ITEM not in call.context.system.capabilities:
        left = f"staff delete the record of {', '.join(call.pieces)}" if call.pieces else "no record"
        return f"{NOTHING_DONE}{left}"
    deleted = 0
    for barcode in call.pieces:
        try:
            await call.context.system.delete_temporary_item(barcode, f"{call.key}:{barcode}")
        except Refused as refused:
            if refused.reason is RefusalReason.IN_USE:
                raise UnfinishedWork(write_sentence("the temporary item is still on loan")) from refused
            if refused.reason not in GONE:
                raise
        else:
            deleted += 1
    return f"{deleted} temporary items deleted" if deleted else f"{NOTHING_DONE}no record"


async def _set_due_date(call: LibraryCall) -> str:
    due = call.request.terms.patron_due
    if due is None:
        return f"{NOTHING_DONE}no due date"
    return await _set_loans_due(call, await _find_loans(call, call.barcodes), due)


async def _set_loans_due(call: LibraryCall, loans: Iterable[Loan], due: datetime) -> str:
    movable = [loan for loan in loans if can_move_due_date(call.context.system, loan, due)]
    if not movable:
        return f"{NOTHING_DONE}the library's system keeps its own due date"
    changed = 0
    for loan in movable:
        try:
            await move_due_date(call.context.system, loan, due, f"{call.key}:{loan.id}")
        except Refused as refused:
            if refused.reason not in GONE:
                raise
        else:
            changed += 1
    return f"{changed} loans have the new due date" if changed else f"{NOTHING_DONE}no loan"


async def _recall_from_patron(call: LibraryCall) -> HandlerResult:
    """The library has rules of its own for what is recalled: the date that it gives the loan is the patron's."""
    patron_due = call.request.terms.patron_due
    due = patron_due if call.dated else None
    recalled: list[Loan] = []
    for loan in await _find_loans(call, call.barcodes):
        try:
            if Capability.RECALL in call.context.system.capabilities:
                loan = await call.context.system.recall_loan(loan.item_barcode, f"{call.key}:{loan.id}", due=due)
            elif due is not None:
                loan = await move_due_date(call.context.system, loan, due, f"{call.key}:{loan.id}")
        except Refused as refused:
            if refused.reason not in (*GONE, RefusalReason.CANNOT_BE_RECALLED):
                raise
        else:
            recalled.append(loan)
    dates = [loan.due for loan in recalled if loan.due is not None]
    note = f"{len(recalled)} loans recalled" if recalled else f"{NOTHING_DONE}no loan to recall"
    if not dates or min(dates) == patron_due:
        return HandlerResult(note)
    return HandlerResult(note, lambda connection: _keep_recalled_due(connection, call, min(dates)))


def _keep_recalled_due(connection: Transaction, call: LibraryCall, due: datetime) -> None:
    def set_patron_due(request: Request) -> Request:
        return replace(request, terms=replace(request.terms, patron_due=due))

    words = write_recall_note(due, call.context.zone)
    event = Event(local_signal(EventKind.NOTE), call.context.now(), "rule", EventDetails(note=words))
    outcome = apply_event_in(
        connection, call.context, EventRequest(request_id=call.request.id, event=event, prepare=set_patron_due)
    )
    if isinstance(outcome, Transition):
        timers.start_timer(connection, call.context.symbol, call.request.id, TimerKind.PATRON_DUE, due)


async def _mark_lost(call: LibraryCall) -> str:
    if Capability.STATUS_UPDATE not in call.context.system.capabilities:
        return f"{NOTHING_DONE}the library's system takes no status"
    marked = 0
    for barcode in call.pieces or call.request.lent_barcodes:
        try:
            await call.context.system.set_item_status(barcode, ItemStatus.LOST, f"{call.key}:{barcode}")
        except Refused as refused:
            if refused.reason not in GONE:
                raise
        else:
            marked += 1
    return "marked as lost" if marked else f"{NOTHING_DONE}it is not here any more"


async def _end_lost_loans(call: LibraryCall) -> str:
    """The patron's, of what its lender asks nothing more for: its record can go then."""
    ended = 0
    for barcode in call.pieces:
        try:
            await call.context.system.check_in(barcode, f"{call.key}:{barcode}", fill_hold=False)
        except Refused as refused:
            if refused.reason not in (*GONE, RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNSUPPORTED_SERVICE):
                raise
        else:
            ended += 1
    return f"{ended} loans ended" if ended else f"{NOTHING_DONE}no loan"


async def _find_loans(call: LibraryCall, barcodes: Iterable[str]) -> tuple[Loan, ...]:
    loans = []
    for barcode in barcodes:
        item = await call.context.find_item(barcode)
        loan = await call.context.system.item_loan(item.id) if item is not None else None
        if loan is not None:
            loans.append(loan)
    return tuple(loans)


# --- lending ---------------------------------------------------------------------------------------------


async def _place_hold(call: LibraryCall) -> str:
    """Keeps the item for the request, on the account of the library that asks for it; not the one chosen before. It is
    brought to the resource-sharing branch, from where it is sent, unless the other library's patron collects it."""
    if not call.request.item_barcode:
        return f"{NOTHING_DONE}no item"
    if _is_hold_obsolete(call.request):
        return f"{NOTHING_DONE}it has not to be kept any more"
    open_hold = await _find_open_hold(call)
    if open_hold is not None and open_hold.item_barcode == call.request.item_barcode:
        return f"{NOTHING_DONE}hold {open_hold.id} is there already"
    if open_hold is not None:
        await call.context.system.cancel_hold(open_hold.id, call.key)
    patron = await borrower_account(call.context, call.request, call.key)
    wish = HoldWish(
        patron_id=patron.id,
        pickup=call.request.direct_patron.pickup,
        request_id=call.request.number,
        item_barcode=call.request.item_barcode,
        kind="page",
        note=f"interlibrary loan {call.request.number}",
    )
    try:
        hold = await call.context.system.place_hold(wish, call.key)
    except Refused as refused:
        if refused.reason is RefusalReason.ON_LOAN_SAME_PATRON and await _is_shipped(call):
            return f"{NOTHING_DONE}it was shipped meanwhile"
        await wait_for_copy(call.context, call.request, call.request.item_barcode, refused)
        raise
    return f"hold {hold.id}"


def _is_hold_obsolete(request: Request) -> bool:
    return not request.open or request.state in OUT


async def _is_shipped(call: LibraryCall) -> bool:
    """Return whether it was shipped since the request was read: the loan comes before the event, and ends after it."""
    if any(loan.request_id == call.request.number for loan in await _find_loans(call, (call.request.item_barcode,))):
        return True
    return _is_hold_obsolete(await require_request(call.context, call.request.id))


async def _find_open_hold(call: LibraryCall) -> Hold | None:
    """A hold that a broker's message placed is under the broker's number, as long as it is open."""
    numbers = (call.request.transaction, call.request.number) if call.request.hold_id else (call.request.number,)
    for number in numbers:
        try:
            hold = await call.context.system.find_hold(number)
        except Refused as refused:
            if refused.reason not in GONE:
                raise
            continue
        if hold.status.is_open:
            return hold
    return None


async def _release_hold(call: LibraryCall) -> str:
    done = await _cancel_open_hold(call)
    await expire_requester(call.context, call.request, call.key)
    return done


async def _cancel_open_hold(call: LibraryCall) -> str:
    hold = await _find_open_hold(call)
    if hold is None:
        return f"{NOTHING_DONE}no hold"
    try:
        await call.context.system.cancel_hold(hold.id, call.key)
    except Refused as refused:
        if refused.reason in GONE:
            return f"{NOTHING_DONE}no hold"
        raise
    return f"hold {hold.id} cancelled"


async def _set_lender_due(call: LibraryCall) -> str:
    due = due_moment(call.request.terms.lender_due, call.context.due_dates(call.request), call.context.zone)
    loans = await _find_loans(call, call.request.lent_barcodes)
    return await _set_loans_due(call, loans, due) if due is not None else f"{NOTHING_DONE}no due date"


async def _recall_loan(call: LibraryCall) -> str:
    """Recall a loan; where the library's system knows no recalls, it gets the date that the partner was told. A date
    that has passed is none to bring the item back by: then the library's rules set one."""
    if Capability.RECALL not in call.context.system.capabilities:
        return await _set_lender_due(call)
    due = due_moment(call.request.terms.lender_due, call.context.due_dates(call.request), call.context.zone)
    if due is not None and due <= call.context.now():
        due = None
    recalled = 0
    for barcode in call.request.lent_barcodes:
        try:
            await call.context.system.recall_loan(barcode, _key_of_item(call, barcode), due=due)
        except Refused as refused:
            if refused.reason not in (*GONE, RefusalReason.CANNOT_BE_RECALLED):
                raise
        else:
            recalled += 1
    return "recalled" if recalled else f"{NOTHING_DONE}not on loan, or recalled already"


def _key_of_item(call: LibraryCall, barcode: str) -> str:
    """Make the key of a call that is made for each item of a request."""
    return call.key if len(call.request.lent_barcodes) == 1 else f"{call.key}:{barcode}"


async def _return_home(call: LibraryCall) -> str:
    done = await _move_item_home(call)
    await expire_requester(call.context, call.request, call.key)
    return done


async def _move_item_home(call: LibraryCall) -> str:
    barcodes = call.request.lent_barcodes
    if not barcodes or Capability.MOVE_LOCATION not in call.context.system.capabilities:
        return f"{NOTHING_DONE}nothing to move"
    moved = 0
    for barcode in barcodes:
        try:
            await call.context.system.return_home(barcode, _key_of_item(call, barcode))
        except Refused as refused:
            if refused.reason not in GONE:
                raise
        else:
            moved += 1
    return "back in its own place" if moved else f"{NOTHING_DONE}it is not here any more"


_CALLS: dict[LibraryAction, Callable[[LibraryCall], Awaitable[str]]] = {
    LibraryAction.DELETE_TEMPORARY: _delete_temporary_items,
    LibraryAction.SET_DUE_DATE: _set_due_date,
    LibraryAction.MARK_LOST: _mark_lost,
    LibraryAction.END_LOST_LOANS: _end_lost_loans,
    LibraryAction.PLACE_HOLD: _place_hold,
    LibraryAction.RELEASE_HOLD: _release_hold,
    LibraryAction.SET_LENDER_DUE: _set_lender_due,
    LibraryAction.RECALL_LOAN: _recall_loan,
    LibraryAction.RETURN_HOME: _return_home,
}

"""Sending of a change to a library system outside the gateway, at most once, and what is remembered of it.

It is written down (`LibraryChanges`), sent, and ended or dropped. Where the answer is lost, the system is asked at once
whether it was done. If it was not, or nobody can tell, the outcome stays unknown: the system may be slow and do it yet.
The next call under the same key asks again before it sends (facts/ils-backends.md section 5).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import TypeAdapter

from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge, Hold, Item, Loan
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_system import CheckedIn

log = structlog.get_logger(component="library")

LOAN_JSON: TypeAdapter[Loan] = TypeAdapter(Loan)
HOLD_JSON: TypeAdapter[Hold] = TypeAdapter(Hold)
ITEM_JSON: TypeAdapter[Item] = TypeAdapter(Item)
CHARGE_JSON: TypeAdapter[Charge] = TypeAdapter(Charge)
CHECKED_IN_JSON: TypeAdapter[CheckedIn] = TypeAdapter(CheckedIn)

A = TypeVar("A")
T = TypeVar("T")


async def send_change(
    changes: LibraryChanges,
    change: LibraryChange,
    send: Callable[[], Awaitable[A]],
    find_it_done: Callable[[], Awaitable[T | None]],
    *,
    before: LibraryChange | None,
    is_refused_twice: bool = False,
) -> A | T:
    """The system's answer or, where it was lost, what was found to be done. Whoever calls ends the change, or drops it
    where the answer is a refusal; a refusal that `send` raises drops it here. `before`: what is known under this key
    already; it comes back where nothing was sent now. `is_refused_twice`: the system refuses the same once more, so a
    refusal may be that of a call which something on the way has sent again.

    Raises Unavailable (nothing was sent), Refused, OutcomeUnknown.
    """
    await changes.begin_change(change)
    try:
        return await send()
    except Refused:
        if is_refused_twice and (repeated := await _find_repeated(find_it_done)) is not None:
            return repeated
        await _restore_change(changes, change, before)
        raise
    except Unavailable:
        await _restore_change(changes, change, before)
        raise
    except OutcomeUnknown as unknown:
        log.info("library.answer_lost", change=change.kind.value, reason=str(unknown))
        try:
            repeated = await find_it_done()
        except (Unavailable, Refused) as failure:
            raise unknown from failure
        if repeated is None:
            raise
        return repeated


async def _find_repeated(find_it_done: Callable[[], Awaitable[T | None]]) -> T | None:
    """Find a repeated change; what stays hidden now is found under the same key later: the refusal counts."""
    try:
        return await find_it_done()
    except (Unavailable, Refused):
        return None


def report_done_twice(kind: ChangeKind, records: Sequence[str]) -> None:
    """Report to operators what was done twice, since something on the way has sent a call again. It isn't taken back:
    the call for that may be repeated too."""
    log.warning("library.done_twice", change=kind.value, records=list(records))


async def report_doubles(kind: ChangeKind, list_made: Callable[[], Awaitable[Sequence[str]]]) -> None:
    """`list_made`: numbers of all that carry the mark of one change."""
    try:
        made = await list_made()
    except (Unavailable, Refused):
        return
    if len(made) > 1:
        report_done_twice(kind, made)


async def send_part(
    send: Callable[[], Awaitable[T]],
    find_it_done: Callable[[], Awaitable[T | None]],
    *,
    is_refused_twice: bool = False,
) -> T:
    """One call of several that make a change together: where its answer is lost, what it did is looked for.
    `is_refused_twice`: as for `send_change`. Raises what `send` raises."""
    try:
        return await send()
    except Refused:
        if is_refused_twice and (repeated := await _find_repeated(find_it_done)) is not None:
            return repeated
        raise
    except OutcomeUnknown as unknown:
        try:
            repeated = await find_it_done()
        except Unavailable as down:
            raise unknown from down
        if repeated is None:
            raise
        return repeated


async def _restore_change(changes: LibraryChanges, change: LibraryChange, before: LibraryChange | None) -> None:
    if before is not None:
        await changes.begin_change(before)
    else:
        await changes.drop_change(change.kind, change.key)


def find_open_change(made: ChangeKind, ended: ChangeKind, changes: tuple[LibraryChange, ...]) -> LibraryChange | None:
    """The newest change that made a record which no other change has ended since. `changes`: newest first."""
    over = {change.record_id for change in changes if change.kind is ended and change.ended is not None}
    return next((change for change in changes if change.kind is made and change.record_id not in over), None)


async def find_item_of_request(changes: LibraryChanges, request_id: str) -> str:
    """The barcode of what the gateway has lent, reserved or made under one request number. What is open comes before
    what has ended. Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM)."""
    barcodes = _list_barcodes(await changes.changes_of_request(request_id) if request_id else ()) - {""}
    if len(barcodes) > 1:
        raise make_refusal(RefusalReason.AMBIGUOUS_ITEM)
    if not barcodes:
        raise make_refusal(RefusalReason.UNKNOWN_ITEM)
    return next(iter(barcodes))


def _list_barcodes(changes: tuple[LibraryChange, ...]) -> frozenset[str]:
    """List the barcodes of what is open; else of all. A hold on a title has none."""
    over = {change.record_id for change in changes if change.kind in _ENDINGS and change.ended is not None}
    made = [change for change in changes if change.kind in _BEGINNINGS]
    open_ones = frozenset(one.barcode for one in made if one.record_id not in over)
    return open_ones or frozenset(one.barcode for one in made)


_BEGINNINGS = frozenset({ChangeKind.CHECK_OUT, ChangeKind.HOLD, ChangeKind.TEMPORARY_ITEM})
_ENDINGS = frozenset({ChangeKind.CHECK_IN, ChangeKind.HOLD_CANCELLATION, ChangeKind.TEMPORARY_ITEM_DELETION})


def make_loan_change(kind: ChangeKind, loan: Loan, barcode: str, key: str, begun: datetime) -> LibraryChange:
    """Make the change of a loan that is open: it is kept as it was before."""
    return LibraryChange(
        kind=kind,
        key=key,
        barcode=barcode,
        patron_id=loan.patron_id,
        begun=begun,
        request_id=loan.request_id,
        record_id=loan.id,
        value=LOAN_JSON.dump_json(loan).decode(),
    )


def make_hold_change(kind: ChangeKind, hold: Hold, key: str, begun: datetime) -> LibraryChange:
    """Make the change of a hold that is there, as `hold` has it afterwards."""
    return LibraryChange(
        kind=kind,
        key=key,
        barcode=hold.item_barcode,
        patron_id=hold.patron_id,
        begun=begun,
        request_id=hold.request_id,
        record_id=hold.id,
        value=HOLD_JSON.dump_json(hold).decode(),
    )


def write_checked_in(done: CheckedIn) -> str:
    """Write a check-in without the patron: the number of whom is enough, and names are not kept."""
    return CHECKED_IN_JSON.dump_json(replace(done, patron=None)).decode()

"""Sending of a change to a library system outside the gateway, at most once, and what is remembered of it.

It is written down (`LibraryChanges`), sent, and ended or dropped. Where the answer is lost, the system is asked at once
whether it was done. If it was not, or nobody can tell, the outcome stays unknown: the system may be slow and do it yet.
The next call under the same key asks again before it sends (facts/ils-backends.md section 5).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter

from adapters.library.refusals import make_refusal
from gateway.domain.clock import Clock
from gateway.domain.library import Charge, Hold, Item, Loan
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_system import CheckedIn

log = structlog.get_logger(component="library")

LOAN_JSON: TypeAdapter[Loan] = TypeAdapter(Loan)
HOLD_JSON: TypeAdapter[Hold] = TypeAdapter(Hold)
ITEM_JSON: TypeAdapter[Item] = TypeAdapter(Item)
CHARGE_JSON: TypeAdapter[Charge] = TypeAdapter(Charge)
CHECKED_IN_JSON: TypeAdapter[CheckedIn] = TypeAdapter(CheckedIn)
RESULT_JSON: Mapping[type[Any], TypeAdapter[Any]] = {Loan: LOAN_JSON, Hold: HOLD_JSON, Charge: CHARGE_JSON}

KeptT = TypeVar("KeptT", Loan, Hold, Charge)
A = TypeVar("A")
T = TypeVar("T")


class ChangeDesk:
    """The parts of a remote system's adapter share one: it sends each change at most once and remembers its result."""

    __slots__ = ()
    changes: LibraryChanges
    clock: Clock

    def now(self) -> datetime:
        """Return the moment in whole seconds, as most systems have it."""
        return self.clock.now().replace(microsecond=0)

    async def send_explained(self, send: Callable[[], Awaitable[A]]) -> A:
        """Send, and put a refusal in the system's own words into those of all. Raises what `send` raises."""
        return await send()

    async def send_change(
        self,
        change: LibraryChange,
        send: Callable[[], Awaitable[A]],
        find_it_done: Callable[[], Awaitable[T | None]],
        *,
        before: LibraryChange | None,
        is_refused_twice: bool = False,
    ) -> A | T:
        """The system's answer or, where it was lost, what was found to be done. Whoever calls ends the change, or drops
        it where the answer is a refusal; a refusal that `send` raises drops it here. `before`: what is known under this
        key already; it comes back where nothing was sent now. `is_refused_twice`: the system refuses the same once
        more, so a refusal may be that of a call which something on the way has sent again.

        Raises Unavailable (nothing was sent), Refused, OutcomeUnknown.
        """
        await self.changes.begin_change(change)
        try:
            return await self.send_explained(send)
        except Refused:
            if is_refused_twice and (repeated := await _find_repeated(find_it_done)) is not None:
                return repeated
            await self._restore_change(change, before)
            raise
        except Unavailable:
            await self._restore_change(change, before)
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

    async def _restore_change(self, change: LibraryChange, before: LibraryChange | None) -> None:
        if before is not None:
            await self.changes.begin_change(before)
        else:
            await self.changes.drop_change(change.kind, change.key)

    async def send_part(
        self,
        send: Callable[[], Awaitable[T]],
        find_it_done: Callable[[], Awaitable[T | None]],
        *,
        is_refused_twice: bool = False,
    ) -> T:
        """One call of several that make a change together: where its answer is lost, what it did is looked for.
        `is_refused_twice`: as for `send_change`. Raises what `send` raises."""
        try:
            return await self.send_explained(send)
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

    async def end_change(self, change: LibraryChange, result: KeptT) -> KeptT:
        """Keep what came of it for a repeat, and return it."""
        value = RESULT_JSON[type(result)].dump_json(result).decode()
        record_id = change.record_id or result.id
        await self.changes.end_change(
            replace(change, record_id=record_id, ended=change.ended or self.now(), value=value)
        )
        return result


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


def find_open_change(kind: ChangeKind, ended: ChangeKind, changes: tuple[LibraryChange, ...]) -> LibraryChange | None:
    """The newest change that made a record which no other change has ended since. `changes`: newest first."""
    over = {change.record_id for change in changes if change.kind is ended and change.ended is not None}
    return next((change for change in changes if change.kind is kind and change.record_id not in over), None)


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
    open_ones = frozenset(library_change.barcode for library_change in made if library_change.record_id not in over)
    return open_ones or frozenset(library_change.barcode for library_change in made)


_BEGINNINGS = frozenset({ChangeKind.CHECK_OUT, ChangeKind.HOLD, ChangeKind.TEMPORARY_ITEM})
_ENDINGS = frozenset({ChangeKind.CHECK_IN, ChangeKind.HOLD_CANCELLATION, ChangeKind.TEMPORARY_ITEM_DELETION})


def make_check_in_change(item: Item, loan: Loan | None, key: str, begun: datetime, value: str = "") -> LibraryChange:
    """Make the change of an item that comes back. `value`: what is kept, else item and loan as they were before."""
    return LibraryChange(
        kind=ChangeKind.CHECK_IN,
        key=key,
        barcode=item.barcode,
        patron_id=loan.patron_id if loan is not None else "",
        begun=begun,
        request_id=loan.request_id if loan is not None else "",
        record_id=loan.id if loan is not None else "",
        value=value or write_checked_in(CheckedIn(item, loan)),
    )


def make_item_change(kind: ChangeKind, item: Item, key: str, begun: datetime) -> LibraryChange:
    """Make the change of an item, which is kept as it was before."""
    value = ITEM_JSON.dump_json(item).decode()
    return LibraryChange(kind, key, item.barcode, "", begun, record_id=item.id, value=value)


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

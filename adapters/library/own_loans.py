"""Loans that we made in a library system outside the gateway: what a repeat, a return and a renewal need to know."""

from __future__ import annotations

from datetime import datetime
from typing import Never

from adapters.library.change_sending import ChangeDesk, find_open_change
from adapters.library.refusals import make_refusal
from gateway.domain.library import Item, ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_operations import Renewal


def refuse_trapping() -> Never:
    """Raise Refused(UNSUPPORTED_SERVICE), where an item that comes back can't be kept from who waits for it."""
    detail = write_sentence("The library system always traps a returned item for the next hold.")
    raise make_refusal(RefusalReason.UNSUPPORTED_SERVICE, about=MessagePart.SERVICE, detail=detail)


def refuse_where_lent_since(before: LibraryChange, latest: LibraryChange | None) -> None:
    """Refuse a repeat that did not end the item's latest loan; raises Refused(NOT_CHECKED_OUT). `before`: the return;
    `latest`: the latest loan of ours."""
    if latest is not None and latest.record_id != before.record_id and latest.begun >= before.begun:
        raise make_refusal(RefusalReason.NOT_CHECKED_OUT)


def refuse_where_in_place(item: Item, place: str, *, fill_hold: bool) -> None:
    """Refuse an item that is where it is checked in, and for which nobody waits; raises Refused(NOT_CHECKED_OUT). Some
    systems would take the message for a repeat of the last."""
    is_wanted = fill_hold and item.hold_count > 0
    if item.status is ItemStatus.AVAILABLE and place in ("", item.current.library) and not is_wanted:
        raise make_refusal(RefusalReason.NOT_CHECKED_OUT)


def name_borrower(loan: Loan, patron_id: str) -> Loan:
    """Name the patron for whom a loan is renewed; for one that we didn't make, the caller has to say it. Raises
    Refused(NOT_CHECKED_OUT | DATA_MISSING)."""
    if patron_id and loan.patron_id not in ("", patron_id):
        raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
    if not patron_id and not loan.patron_id:
        detail = write_sentence("The library system does not state who has the item; a renewal must name the patron.")
        raise make_refusal(RefusalReason.DATA_MISSING, about=MessagePart.PATRON, detail=detail)
    return replace(loan, patron_id=loan.patron_id or patron_id)


def make_loan(change: LibraryChange, item: Item, due: datetime | None, title: str) -> Loan:
    """Make the loan of a check-out, under the number that we have given it."""
    return Loan(
        id=change.record_id,
        key=change.key,
        request_id=change.request_id,
        item_id=item.id,
        item_barcode=item.barcode,
        bib_id=item.bib_id,
        patron_id=change.patron_id,
        lent=change.begun,
        due=due,
        title=title,
    )


async def end_loan_change(
    desk: ChangeDesk, change: LibraryChange, loan: Loan, known: tuple[LibraryChange, ...]
) -> Loan:
    """End the change of an open loan. The loan's own record follows, where it is ours."""
    lending = next((made for made in known if made.kind is ChangeKind.CHECK_OUT and made.record_id == loan.id), None)
    if lending is not None:
        await desk.end_change(lending, loan)
    return await desk.end_change(change, loan)


def find_latest_loan(known: tuple[LibraryChange, ...]) -> LibraryChange | None:
    return next((change for change in known if change.kind is ChangeKind.CHECK_OUT), None)


def choose_renewed_due(wish: Renewal, granted: datetime) -> datetime | None:
    """The date that is to be set after a renewal; None: that which the system's own rules have given."""
    if wish.due is None and wish.latest is not None and granted > wish.latest:
        return wish.latest
    return wish.due


async def find_request_of_item(changes: LibraryChanges, item: Item) -> str:
    """The number of the request for which a partner's item is here; empty for one of the library's own."""
    if not item.temporary:
        return ""
    known = await changes.changes_of_item(item.barcode)
    made = find_open_change(ChangeKind.TEMPORARY_ITEM, ChangeKind.TEMPORARY_ITEM_DELETION, known)
    return made.request_id if made is not None else ""

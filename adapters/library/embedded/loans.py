"""Lending: check-out, due dates, renewal, recall. Check-in is in `check_in`."""

from __future__ import annotations

from datetime import datetime

from adapters.library.embedded import circulation_rows, item_rows, library_session, patron_rows
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.library_session import LibrarySession, add_row, lock_loan, new_id
from adapters.library.embedded.loan_rules import (
    compute_first_due,
    compute_recalled_due,
    compute_renewed_due,
    get_branch,
    get_loan_rule,
    is_promised,
)
from adapters.library.embedded.patron_rows import PatronAccount
from adapters.library.embedded.patrons import check_patron_allowed
from adapters.library.embedded.tables import loans
from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.library import BlockScope, Hold, HoldStatus, ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.ports.library_operations import DueDateChange, LoanCheckOut, LoanRecall, Renewal

LENDABLE = (ItemStatus.AVAILABLE, ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT)


def check_out(session: LibrarySession, wish: LoanCheckOut, key: str) -> Loan:
    """Check out an item; raises Refused as `LibrarySystem.check_out` says. Repeated means: out to this patron under
    this key."""
    barcode, patron_id = wish.barcode, wish.patron_id
    piece = item_rows.get_locked_item(session, barcode)
    out = circulation_rows.find_open_loan(session, piece.item.id)
    if out is not None:
        if out.patron_id == patron_id and out.key == key:
            return out
        raise _on_loan_refusal(out, patron_id, barcode)
    borrower = patron_rows.get_locked_account(session, patron_id)
    circulation_rows.expire_holds(session, piece.item.bib_id)
    piece = item_rows.get_item_by_barcode(session, barcode)
    waiting = circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id)
    if not wish.override:
        _check_patron(session, borrower)
        _check_item(piece)
        _check_holds(session, piece, waiting, patron_id)
    due = wish.due or _choose_first_due(session, borrower, piece)
    loan_id = _insert_loan(session, piece, borrower, key, wish, due)
    _settle_holds(session, piece, waiting, patron_id)
    return circulation_rows.get_loan(session, loan_id)


def _on_loan_refusal(out: Loan, patron_id: str, barcode: str) -> Refused:
    if out.patron_id == patron_id:
        return Refused(
            RefusalReason.ON_LOAN_SAME_PATRON, "the patron has this item on loan", about=MessagePart.ITEM, value=barcode
        )
    return Refused(
        RefusalReason.ITEM_ON_LOAN, "the item is on loan to another patron", about=MessagePart.ITEM, value=barcode
    )


def _check_patron(session: LibrarySession, borrower: PatronAccount) -> None:
    check_patron_allowed(borrower.patron, BlockScope.BORROW, session.today)
    limit = borrower.category.loan_limit
    if limit is not None and borrower.patron.loan_count >= limit:
        raise Refused(
            RefusalReason.LIMIT_REACHED,
            write_sentence("the patron has reached the limit of %(limit)s loans", limit=limit),
            about=MessagePart.PATRON,
        )


def _check_item(piece: ItemRecord) -> None:
    item = piece.item
    if not item.circulates:
        raise Refused(
            RefusalReason.ITEM_DOES_NOT_CIRCULATE,
            "the item is for library use only",
            about=MessagePart.ITEM,
            value=item.barcode,
        )
    if item.status not in LENDABLE:
        raise Refused(
            RefusalReason.ITEM_NOT_AVAILABLE,
            write_sentence("the item is %(status)s", status=item.status.value),
            about=MessagePart.ITEM,
            value=item.barcode,
        )


def _check_holds(session: LibrarySession, piece: ItemRecord, waiting: tuple[Hold, ...], patron_id: str) -> None:
    """Raise Refused(REQUESTED_BY_OTHER) where others come first."""
    item = piece.item
    caught = next(
        (hold for hold in waiting if hold.item_id == item.id and hold.status not in circulation_rows.QUEUED), None
    )
    if caught is not None:
        if caught.patron_id == patron_id:
            return
        raise _requested_refusal(item.barcode)
    ahead = []
    for hold in waiting:
        if hold.patron_id == patron_id:
            break
        ahead.append(hold.item_id)
    if not ahead:
        return
    copies = item_rows.items_of_bib(session, item.bib_id)
    free = sum(1 for copy in copies if copy.item.status is ItemStatus.AVAILABLE and copy.policy.holdable)
    if is_promised(ahead, item.id, free):
        raise _requested_refusal(item.barcode)


def _requested_refusal(barcode: str) -> Refused:
    return Refused(
        RefusalReason.REQUESTED_BY_OTHER,
        "the item is on hold for another patron",
        about=MessagePart.ITEM,
        value=barcode,
    )


def _choose_first_due(session: LibrarySession, borrower: PatronAccount, piece: ItemRecord) -> datetime:
    """The lender's date for a partner's item, as long as it is to come; else by the loan rules. See
    `TemporaryItem.due_policy`."""
    lenders = piece.lender_due if piece.lender_due is not None and piece.lender_due > session.now else None
    if lenders is not None and piece.due_policy != DuePolicy.EARLIER:
        return lenders
    rule = get_loan_rule(session, borrower.patron.category, piece.item.policy)
    desk = get_branch(session, piece.item.current.library)
    ours = compute_first_due(rule, session.now, session.zone, desk.closures)
    return ours if lenders is None else min(ours, lenders)


def _insert_loan(
    session: LibrarySession,
    piece: ItemRecord,
    borrower: PatronAccount,
    key: str,
    wish: LoanCheckOut,
    due: datetime,
) -> str:
    loan_id = new_id(session.now)
    row = {
        "library": session.library,
        "id": loan_id,
        "key": key,
        "request_id": wish.request_id or piece.request_id,
        "item_id": piece.item.id,
        "bib_id": piece.item.bib_id,
        "patron_id": borrower.patron.id,
        "lent": session.now,
        "due": due,
        "renewals": 0,
        "renewals_allowed": piece.renewals_allowed and piece.policy.renewable,
    }
    add_row(session.connection, loans, row)
    item_rows.update_item_row(session, piece.item.id, status=ItemStatus.ON_LOAN.value, transit_to="")
    return loan_id


def _settle_holds(session: LibrarySession, piece: ItemRecord, waiting: tuple[Hold, ...], patron_id: str) -> None:
    """The borrower's hold is filled; another's that had caught the item waits again."""
    own = [hold for hold in waiting if hold.patron_id == patron_id]
    if own:
        filled = next((hold for hold in own if hold.item_id == piece.item.id), own[0])
        circulation_rows.close_hold(session, filled.id, HoldStatus.FILLED, item_id=piece.item.id)
    for hold in waiting:
        if hold.patron_id != patron_id and hold.status not in circulation_rows.QUEUED:
            circulation_rows.requeue_hold(session, hold, circulation_rows.get_hold_level(session, hold.id))


# --- due dates -------------------------------------------------------------------------------------------


def set_due_date(session: LibrarySession, wish: DueDateChange, key: str) -> Loan:
    """Set a due date; raises Refused(NOT_CHECKED_OUT) for a loan that is unknown or has ended."""
    loan_id = wish.loan_id
    lock_loan(session, loan_id)
    loan = circulation_rows.get_loan(session, loan_id)
    if library_session.is_operation_done(session, "set-due-date", key, loan_id):
        return loan
    if loan.returned is not None:
        raise Refused(
            RefusalReason.NOT_CHECKED_OUT, "the loan has ended", about=MessagePart.ITEM, value=loan.item_barcode
        )
    circulation_rows.update_loan_row(session, loan_id, due=wish.due)
    library_session.mark_operation_done(session, "set-due-date", key, loan_id)
    return circulation_rows.get_loan(session, loan_id)


def renew_loan(session: LibrarySession, wish: Renewal, key: str) -> Loan:
    """Renew a loan; raises Refused(NOT_CHECKED_OUT | NOT_RENEWABLE | RENEWAL_LIMIT_REACHED | RENEWAL_HAS_REQUESTS |
    PATRON_…)."""
    barcode = wish.barcode
    piece, loan = _get_item_on_loan(session, barcode)
    if library_session.is_operation_done(session, "renew", key, loan.id):
        return loan
    if wish.patron_id and loan.patron_id != wish.patron_id:
        raise Refused(
            RefusalReason.NOT_CHECKED_OUT,
            "the item is not on loan to this patron",
            about=MessagePart.ITEM,
            value=barcode,
        )
    borrower = patron_rows.get_account(session, loan.patron_id)
    check_patron_allowed(borrower.patron, BlockScope.RENEW, session.today)
    _check_renewable(session, piece, loan)
    rule = get_loan_rule(session, borrower.patron.category, piece.item.policy)
    if loan.renewals >= rule.renewals:
        raise Refused(
            RefusalReason.RENEWAL_LIMIT_REACHED,
            write_sentence("the loan has been renewed %(count)s times, which is the limit", count=loan.renewals)
            if rule.renewals
            else write_sentence("loans of this kind cannot be renewed"),
            about=MessagePart.ITEM,
            value=barcode,
        )
    due = wish.due
    if due is None:
        desk = get_branch(session, piece.item.current.library)
        due = limit_to_lender_due(
            piece, loan, compute_renewed_due(rule, loan.known_due, session.now, session.zone, desk.closures)
        )
        due = due if wish.latest is None else min(due, wish.latest)
    if due <= loan.known_due:
        raise Refused(
            RefusalReason.NOT_RENEWABLE,
            "the renewal would not change the due date",
            about=MessagePart.ITEM,
            value=barcode,
        )
    circulation_rows.update_loan_row(session, loan.id, due=due, renewals=loan.renewals + 1)
    library_session.mark_operation_done(session, "renew", key, loan.id)
    return circulation_rows.get_loan(session, loan.id)


def limit_to_lender_due(piece: ItemRecord, loan: Loan, due: datetime) -> datetime:
    """A partner's item isn't renewed past the lender's date: only the lender can move that."""
    if piece.lender_due is None or due <= piece.lender_due:
        return due
    if piece.lender_due <= loan.known_due:
        raise Refused(
            RefusalReason.NOT_RENEWABLE,
            "the lender's due date does not allow a renewal",
            about=MessagePart.ITEM,
            value=piece.item.barcode,
        )
    return piece.lender_due


def _check_renewable(session: LibrarySession, piece: ItemRecord, loan: Loan) -> None:
    barcode = piece.item.barcode
    if loan.recalled is not None:
        raise Refused(RefusalReason.NOT_RENEWABLE, "the item has been recalled", about=MessagePart.ITEM, value=barcode)
    if not loan.renewals_allowed:
        raise Refused(RefusalReason.NOT_RENEWABLE, "this loan cannot be renewed", about=MessagePart.ITEM, value=barcode)
    others = circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id)
    ahead = [hold.item_id for hold in others if hold.patron_id != loan.patron_id]
    copies = item_rows.items_of_bib(session, piece.item.bib_id) if ahead else ()
    free = sum(1 for copy in copies if copy.item.status is ItemStatus.AVAILABLE and copy.policy.holdable)
    if piece.item.id in ahead or sum(1 for held in ahead if not held) > free:
        raise Refused(
            RefusalReason.RENEWAL_HAS_REQUESTS,
            "other patrons have holds on the item",
            about=MessagePart.ITEM,
            value=barcode,
        )


def recall_loan(session: LibrarySession, wish: LoanRecall, key: str) -> Loan:
    """Recall an item; raises Refused(NOT_CHECKED_OUT | CANNOT_BE_RECALLED)."""
    barcode = wish.barcode
    piece, loan = _get_item_on_loan(session, barcode)
    if library_session.is_operation_done(session, "recall", key, loan.id):
        return loan
    if not piece.policy.recallable:
        raise Refused(
            RefusalReason.CANNOT_BE_RECALLED, "this loan cannot be recalled", about=MessagePart.ITEM, value=barcode
        )
    if loan.recalled is not None:
        raise Refused(
            RefusalReason.CANNOT_BE_RECALLED,
            "the loan has already been recalled",
            about=MessagePart.ITEM,
            value=barcode,
        )
    library_session.mark_operation_done(session, "recall", key, loan.id)
    return shorten_loan(session, piece, loan, wish.due)


def shorten_loan(session: LibrarySession, piece: ItemRecord, loan: Loan, due: datetime | None) -> Loan:
    """Shorten it: to the given moment, else by the library's rule."""
    if due is None:
        borrower = patron_rows.get_account(session, loan.patron_id)
        rule = get_loan_rule(session, borrower.patron.category, piece.item.policy)
        desk = get_branch(session, piece.item.current.library)
        due = compute_recalled_due(rule, loan.known_due, session.now, session.zone, desk.closures)
    circulation_rows.update_loan_row(session, loan.id, due=due, recalled=session.now)
    item_rows.update_item_row(session, piece.item.id, status=ItemStatus.RECALLED.value)
    return circulation_rows.get_loan(session, loan.id)


def _get_item_on_loan(session: LibrarySession, barcode: str) -> tuple[ItemRecord, Loan]:
    piece = item_rows.get_locked_item(session, barcode)
    loan = circulation_rows.find_open_loan(session, piece.item.id)
    if loan is None:
        raise Refused(RefusalReason.NOT_CHECKED_OUT, "the item is not on loan", about=MessagePart.ITEM, value=barcode)
    return piece, loan

"""Check-in; status and place of items."""

from __future__ import annotations

from sqlalchemy import select

from adapters.library.embedded import circulation_rows, item_rows, library_session, loan_rules, patron_rows, patrons
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.library_session import LibrarySession, lock_item
from adapters.library.embedded.loan_rules import BranchClosures, LibraryBranch, compute_overdue_fine
from adapters.library.embedded.tables import shelves
from gateway.domain.library import Charge, Hold, HoldStatus, Item, ItemStatus, Loan, Location, Money, Patron
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.ports.library_operations import LoanCheckIn, MoveToIll, ReturnHome, StatusChange
from gateway.ports.library_system import CheckedIn

FINE = "overdue-fine"
ASTRAY = (
    ItemStatus.IN_TRANSIT,
    ItemStatus.IN_PROCESS,
    ItemStatus.LOST,
    ItemStatus.MISSING,
    ItemStatus.CLAIMED_RETURNED,
    ItemStatus.NOT_AVAILABLE,
    ItemStatus.ON_LOAN,
    ItemStatus.RECALLED,
)
"""Not in its place, and not on loan: turning up at a desk puts it there."""

BY_RULES_ONLY = {
    ItemStatus.ON_LOAN: write_sentence("check the item out instead"),
    ItemStatus.RECALLED: write_sentence("recall the loan instead"),
    ItemStatus.ON_HOLD_SHELF: write_sentence("check the item in at the pickup location of its hold instead"),
}
"""Statuses that follow from a loan or a hold: set by hand they would say what isn't so."""

WITH_A_LOAN = (ItemStatus.LOST, ItemStatus.CLAIMED_RETURNED, ItemStatus.MISSING)
"""Statuses that an item may take while its loan goes on."""


def check_in(session: LibrarySession, wish: LoanCheckIn, key: str) -> CheckedIn:
    """An item that is not on loan is put in its place.

    Raises Refused(UNKNOWN_ITEM | NOT_CHECKED_OUT | INVALID_VALUE (no such branch)).
    """
    barcode = wish.barcode
    lock_item(session, barcode)
    piece = item_rows.live_item(session, barcode)
    if piece is None:
        return _repeat_for_deleted(session, barcode, key)
    loan = circulation_rows.find_open_loan(session, piece.item.id)
    if loan is None:
        again = _repeat_check_in(session, piece, key)
        return again or _put_in_place(session, piece, key, wish)
    desk = _choose_desk(session, piece, wish.at)
    circulation_rows.update_loan_row(session, loan.id, returned=session.now, returned_key=key)
    _charge_fine(session, piece, loan, desk.closures)
    _route_item(session, piece, desk, wish)
    return _build_check_in_result(session, piece.item.id, circulation_rows.get_loan(session, loan.id))


def _repeat_for_deleted(session: LibrarySession, barcode: str, key: str) -> CheckedIn:
    gone = item_rows.find_latest_deleted(session, barcode)
    again = _repeat_check_in(session, gone, key) if gone is not None else None
    if again is None:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "no item has this barcode", about=MessagePart.ITEM, value=barcode)
    return again


def _repeat_check_in(session: LibrarySession, piece: ItemRecord, key: str) -> CheckedIn | None:
    """The result once more, if this key ended the item's latest loan or put it in its place."""
    loan = circulation_rows.find_loan_returned_under(session, piece.item.id, key)
    if loan is None and not library_session.is_operation_done(session, "check-in", key, piece.item.id):
        return None
    return _build_check_in_result(session, piece.item.id, loan, repeated=True)


def _put_in_place(session: LibrarySession, piece: ItemRecord, key: str, wish: LoanCheckIn) -> CheckedIn:
    item = piece.item
    desk = _choose_desk(session, piece, wish.at)
    circulation_rows.expire_holds(session, item.bib_id)
    piece = item_rows.get_item(session, item.id)
    waiting = circulation_rows.holds_of_item(session, item.bib_id, item.id)
    caught = next(
        (hold for hold in waiting if hold.item_id == item.id and hold.status not in circulation_rows.QUEUED), None
    )
    if caught is not None and caught.status is HoldStatus.IN_TRANSIT and caught.pickup == desk.code:
        _assign_at_desk(session, caught, piece, desk)
    elif caught is not None:
        if not _is_just_received(session, piece) and caught.status is not HoldStatus.IN_TRANSIT:
            raise _not_on_loan_refusal(item.barcode)
    elif _choose_hold(waiting, wish) is not None or piece.item.status in ASTRAY:
        _route_item(session, piece, desk, wish)
    elif not _is_just_received(session, piece):
        raise _not_on_loan_refusal(item.barcode)
    library_session.mark_operation_done(session, "check-in", key, item.id)
    return _build_check_in_result(session, item.id, None)


def _is_just_received(session: LibrarySession, piece: ItemRecord) -> bool:
    """A partner's item that has only just come: some say so by a check-in."""
    return piece.item.temporary and circulation_rows.find_latest_loan(session, piece.item.id) is None


def _choose_hold(waiting: tuple[Hold, ...], wish: LoanCheckIn) -> Hold | None:
    """The one that the item is caught for there."""
    return next((hold for hold in waiting if wish.fill_hold and hold.status in circulation_rows.QUEUED), None)


def _not_on_loan_refusal(barcode: str) -> Refused:
    return Refused(RefusalReason.NOT_CHECKED_OUT, "the item is not on loan", about=MessagePart.ITEM, value=barcode)


def _choose_desk(session: LibrarySession, piece: ItemRecord, at: str) -> LibraryBranch:
    if at:
        return loan_rules.get_branch(session, at)
    sharing = loan_rules.find_resource_sharing_branch(session)
    return sharing or loan_rules.get_branch(session, piece.item.current.library)


def _charge_fine(session: LibrarySession, piece: ItemRecord, loan: Loan, closures: BranchClosures) -> None:
    if loan.known_due >= session.now:
        return
    borrower = patron_rows.get_account(session, loan.patron_id)
    rule = loan_rules.find_loan_rule(session, borrower.patron.category, piece.item.policy)
    fine = compute_overdue_fine(rule, loan.known_due, session.now, session.zone, closures) if rule is not None else None
    if fine:
        charge = Charge(
            id="",
            key=f"{FINE}:{loan.id}",
            patron_id=loan.patron_id,
            type=FINE,
            amount=Money(fine, session.currency),
            posted=session.now,
            description=f"due {loan.known_due.astimezone(session.zone).date()}",
            item_barcode=loan.item_barcode,
            request_id=loan.request_id,
        )
        patrons.add_charge(session, charge)


def _route_item(session: LibrarySession, piece: ItemRecord, desk: LibraryBranch, wish: LoanCheckIn) -> None:
    """Caught for the next hold; else on its shelf, or on its way there."""
    item = piece.item
    circulation_rows.expire_holds(session, item.bib_id)
    waiting = circulation_rows.holds_of_item(session, item.bib_id, item.id)
    next_hold = _choose_hold(waiting, wish)
    if next_hold is not None and piece.policy.holdable:
        _assign_at_desk(session, next_hold, piece, desk)
        return
    at_home = desk.code == item.home.library
    item_rows.update_item_row(
        session,
        item.id,
        status=(ItemStatus.AVAILABLE if at_home else ItemStatus.IN_TRANSIT).value,
        transit_to="" if at_home else item.home.library,
        current_branch=desk.code,
        current_shelf=item.home.shelf if at_home else "",
    )


def _assign_at_desk(session: LibrarySession, hold: Hold, piece: ItemRecord, desk: LibraryBranch) -> None:
    patron = patron_rows.get_account(session, hold.patron_id).patron
    rule = loan_rules.find_loan_rule(session, patron.category, piece.item.policy)
    days = rule.shelf_days if rule is not None else loan_rules.SHELF_DAYS
    circulation_rows.assign_item_to_hold(session, hold, piece, desk.code, days, desk.closures)


def _build_check_in_result(
    session: LibrarySession, item_id: str, loan: Loan | None, *, repeated: bool = False
) -> CheckedIn:
    piece = item_rows.get_item(session, item_id)
    route = loan_rules.get_branch(session, piece.transit_to) if piece.transit_to else None
    return CheckedIn(
        item=piece.item,
        loan=loan,
        patron=_load_borrower(session, loan),
        next_hold=_find_assigned_hold(session, piece),
        route_to=Location(route.code, "", route.name) if route is not None else None,
        repeated=repeated,
    )


def _load_borrower(session: LibrarySession, loan: Loan | None) -> Patron | None:
    return None if loan is None else patron_rows.get_account(session, loan.patron_id).patron


def _find_assigned_hold(session: LibrarySession, piece: ItemRecord) -> Hold | None:
    if piece.item.status not in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT):
        return None
    waiting = circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id)
    return next(
        (hold for hold in waiting if hold.item_id == piece.item.id and hold.status not in circulation_rows.QUEUED), None
    )


def set_item_status(session: LibrarySession, wish: StatusChange, key: str) -> Item:
    """Set a status; raises Refused(UNKNOWN_ITEM | NOT_ALLOWED | IN_USE (on loan))."""
    barcode, status = wish.barcode, wish.status
    piece = item_rows.get_locked_item(session, barcode)
    if library_session.is_operation_done(session, "set-status", key, piece.item.id) or piece.item.status is status:
        return piece.item
    if status in BY_RULES_ONLY:
        raise Refused(RefusalReason.NOT_ALLOWED, BY_RULES_ONLY[status], about=MessagePart.STATUS, value=status.value)
    on_loan = circulation_rows.find_open_loan(session, piece.item.id) is not None
    if on_loan and status not in WITH_A_LOAN:
        raise Refused(RefusalReason.IN_USE, "the item is on loan", about=MessagePart.ITEM, value=barcode)
    _release_from_hold(session, piece)
    transit_to = piece.item.home.library if status is ItemStatus.IN_TRANSIT else ""
    item_rows.update_item_row(session, piece.item.id, status=status.value, transit_to=transit_to)
    library_session.mark_operation_done(session, "set-status", key, piece.item.id)
    return item_rows.get_item(session, piece.item.id).item


def move_to_ill(session: LibrarySession, wish: MoveToIll, key: str) -> Item:
    """Move an item; raises Refused(UNKNOWN_ITEM | IN_USE | INVALID_VALUE). A hold that had caught the item keeps it
    only if the item stays in the branch."""
    piece = item_rows.get_locked_item(session, wish.barcode)
    if library_session.is_operation_done(session, "move-to-ill", key, piece.item.id):
        return piece.item
    code = check_location(session, wish.location)
    _check_not_on_loan(session, piece)
    return _move_item(session, piece, Location(code, wish.location.shelf), "move-to-ill", key)


def return_home(session: LibrarySession, wish: ReturnHome, key: str) -> Item:
    """Return an item home; raises Refused(UNKNOWN_ITEM | IN_USE)."""
    piece = item_rows.get_locked_item(session, wish.barcode)
    if library_session.is_operation_done(session, "return-home", key, piece.item.id):
        return piece.item
    _check_not_on_loan(session, piece)
    return _move_item(session, piece, piece.item.home, "return-home", key)


def check_location(session: LibrarySession, location: Location) -> str:
    """Code of the branch; an empty one means the resource-sharing branch. Raises Refused(INVALID_VALUE)."""
    if location.library:
        code = loan_rules.get_branch(session, location.library).code
    else:
        sharing = loan_rules.find_resource_sharing_branch(session)
        if sharing is None:
            raise Refused(RefusalReason.INVALID_VALUE, "the library has no resource-sharing branch")
        code = sharing.code
    query = select(shelves.c.code).where(
        shelves.c.library == session.library, shelves.c.branch == code, shelves.c.code == location.shelf
    )
    if location.shelf and session.connection.scalar(query) is None:
        raise unknown_shelf_refusal(code, location.shelf)
    return code


def unknown_shelf_refusal(branch: str, shelf: str) -> Refused:
    return Refused(
        RefusalReason.INVALID_VALUE,
        write_sentence("branch %(branch)s has no shelving location %(shelf)s", branch=branch, shelf=shelf),
        value=shelf,
    )


def _check_not_on_loan(session: LibrarySession, piece: ItemRecord) -> None:
    if circulation_rows.find_open_loan(session, piece.item.id) is not None:
        raise Refused(RefusalReason.IN_USE, "the item is on loan", about=MessagePart.ITEM, value=piece.item.barcode)


def _move_item(session: LibrarySession, piece: ItemRecord, to: Location, kind: str, key: str) -> Item:
    item = piece.item
    columns = {"current_branch": to.library, "current_shelf": to.shelf}
    stays = item.status is ItemStatus.ON_HOLD_SHELF and item.current.library == to.library
    if item.status in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT, ItemStatus.IN_PROCESS) and not stays:
        _release_from_hold(session, piece)
        columns |= {"status": ItemStatus.AVAILABLE.value, "transit_to": ""}
    item_rows.update_item_row(session, item.id, **columns)
    library_session.mark_operation_done(session, kind, key, item.id)
    return item_rows.get_item(session, item.id).item


def _release_from_hold(session: LibrarySession, piece: ItemRecord) -> None:
    """The hold that had caught the item waits for it again."""
    for hold in circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id):
        if hold.item_id == piece.item.id and hold.status not in circulation_rows.QUEUED:
            circulation_rows.requeue_hold(session, hold, circulation_rows.get_hold_level(session, hold.id))

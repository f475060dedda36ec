"""Check-in; status and place of items."""

from __future__ import annotations

from sqlalchemy import Connection, select

from adapters.library.embedded import circulation_rows, item_rows, loan_rules, patron_rows, patrons, work_context
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.loan_rules import BranchClosures, LibraryBranch, compute_overdue_fine
from adapters.library.embedded.tables import shelves
from adapters.library.embedded.work_context import WorkContext, lock_item
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


def check_in(connection: Connection, here: WorkContext, wish: LoanCheckIn, key: str) -> CheckedIn:
    """An item that is not on loan is put in its place.

    Raises Refused(UNKNOWN_ITEM | NOT_CHECKED_OUT | INVALID_VALUE (no such branch)).
    """
    barcode = wish.barcode
    lock_item(connection, here, barcode)
    piece = item_rows.live_item(connection, here, barcode)
    if piece is None:
        return _repeat_for_deleted(connection, here, barcode, key)
    loan = circulation_rows.find_open_loan(connection, here, piece.item.id)
    if loan is None:
        again = _repeat_check_in(connection, here, piece, key)
        return again or _put_in_place(connection, here, piece, key, wish)
    desk = _choose_desk(connection, here, piece, wish.at)
    circulation_rows.update_loan_row(connection, here, loan.id, returned=here.now, returned_key=key)
    _charge_fine(connection, here, piece, loan, desk.closures)
    _route_item(connection, here, piece, desk, wish)
    return _build_check_in_result(connection, here, piece.item.id, circulation_rows.get_loan(connection, here, loan.id))


def _repeat_for_deleted(connection: Connection, here: WorkContext, barcode: str, key: str) -> CheckedIn:
    gone = item_rows.find_latest_deleted(connection, here, barcode)
    again = _repeat_check_in(connection, here, gone, key) if gone is not None else None
    if again is None:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "no item has this barcode", about=MessagePart.ITEM, value=barcode)
    return again


def _repeat_check_in(connection: Connection, here: WorkContext, piece: ItemRecord, key: str) -> CheckedIn | None:
    """The result once more, if this key ended the item's latest loan or put it in its place."""
    loan = circulation_rows.find_loan_returned_under(connection, here, piece.item.id, key)
    if loan is None and not work_context.is_operation_done(connection, here, "check-in", key, piece.item.id):
        return None
    return _build_check_in_result(connection, here, piece.item.id, loan, repeated=True)


def _put_in_place(
    connection: Connection, here: WorkContext, piece: ItemRecord, key: str, wish: LoanCheckIn
) -> CheckedIn:
    item = piece.item
    desk = _choose_desk(connection, here, piece, wish.at)
    circulation_rows.expire_holds(connection, here, item.bib_id)
    piece = item_rows.get_item(connection, here, item.id)
    waiting = circulation_rows.holds_of_item(connection, here, item.bib_id, item.id)
    caught = next(
        (hold for hold in waiting if hold.item_id == item.id and hold.status not in circulation_rows.QUEUED), None
    )
    if caught is not None and caught.status is HoldStatus.IN_TRANSIT and caught.pickup == desk.code:
        _assign_at_desk(connection, here, caught, piece, desk)
    elif caught is not None:
        if not _is_just_received(connection, here, piece) and caught.status is not HoldStatus.IN_TRANSIT:
            raise _not_on_loan_refusal(item.barcode)
    elif _choose_hold(waiting, wish) is not None or piece.item.status in ASTRAY:
        _route_item(connection, here, piece, desk, wish)
    elif not _is_just_received(connection, here, piece):
        raise _not_on_loan_refusal(item.barcode)
    work_context.mark_operation_done(connection, here, "check-in", key, item.id)
    return _build_check_in_result(connection, here, item.id, None)


def _is_just_received(connection: Connection, here: WorkContext, piece: ItemRecord) -> bool:
    """A partner's item that has only just come: some say so by a check-in."""
    return piece.item.temporary and circulation_rows.find_latest_loan(connection, here, piece.item.id) is None


def _choose_hold(waiting: tuple[Hold, ...], wish: LoanCheckIn) -> Hold | None:
    """The one that the item is caught for there."""
    return next((hold for hold in waiting if wish.fill_hold and hold.status in circulation_rows.QUEUED), None)


def _not_on_loan_refusal(barcode: str) -> Refused:
    return Refused(RefusalReason.NOT_CHECKED_OUT, "the item is not on loan", about=MessagePart.ITEM, value=barcode)


def _choose_desk(connection: Connection, here: WorkContext, piece: ItemRecord, at: str) -> LibraryBranch:
    if at:
        return loan_rules.get_branch(connection, here, at)
    sharing = loan_rules.find_resource_sharing_branch(connection, here)
    return sharing or loan_rules.get_branch(connection, here, piece.item.current.library)


def _charge_fine(
    connection: Connection, here: WorkContext, piece: ItemRecord, loan: Loan, closures: BranchClosures
) -> None:
    if loan.known_due >= here.now:
        return
    borrower = patron_rows.get_account(connection, here, loan.patron_id)
    rule = loan_rules.find_loan_rule(connection, here, borrower.patron.category, piece.item.policy)
    fine = compute_overdue_fine(rule, loan.known_due, here.now, here.zone, closures) if rule is not None else None
    if fine:
        charge = Charge(
            id="",
            key=f"{FINE}:{loan.id}",
            patron_id=loan.patron_id,
            type=FINE,
            amount=Money(fine, here.currency),
            posted=here.now,
            description=f"due {loan.known_due.astimezone(here.zone).date()}",
            item_barcode=loan.item_barcode,
            request_id=loan.request_id,
        )
        patrons.add_charge(connection, here, charge)


def _route_item(
    connection: Connection, here: WorkContext, piece: ItemRecord, desk: LibraryBranch, wish: LoanCheckIn
) -> None:
    """Caught for the next hold; else on its shelf, or on its way there."""
    item = piece.item
    circulation_rows.expire_holds(connection, here, item.bib_id)
    waiting = circulation_rows.holds_of_item(connection, here, item.bib_id, item.id)
    next_hold = _choose_hold(waiting, wish)
    if next_hold is not None and piece.policy.holdable:
        _assign_at_desk(connection, here, next_hold, piece, desk)
        return
    at_home = desk.code == item.home.library
    item_rows.update_item_row(
        connection,
        here,
        item.id,
        status=(ItemStatus.AVAILABLE if at_home else ItemStatus.IN_TRANSIT).value,
        transit_to="" if at_home else item.home.library,
        current_branch=desk.code,
        current_shelf=item.home.shelf if at_home else "",
    )


def _assign_at_desk(
    connection: Connection, here: WorkContext, hold: Hold, piece: ItemRecord, desk: LibraryBranch
) -> None:
    patron = patron_rows.get_account(connection, here, hold.patron_id).patron
    rule = loan_rules.find_loan_rule(connection, here, patron.category, piece.item.policy)
    days = rule.shelf_days if rule is not None else loan_rules.SHELF_DAYS
    circulation_rows.assign_item_to_hold(connection, here, hold, piece, desk.code, days, desk.closures)


def _build_check_in_result(
    connection: Connection, here: WorkContext, item_id: str, loan: Loan | None, *, repeated: bool = False
) -> CheckedIn:
    piece = item_rows.get_item(connection, here, item_id)
    route = loan_rules.get_branch(connection, here, piece.transit_to) if piece.transit_to else None
    return CheckedIn(
        item=piece.item,
        loan=loan,
        patron=_load_borrower(connection, here, loan),
        next_hold=_find_assigned_hold(connection, here, piece),
        route_to=Location(route.code, "", route.name) if route is not None else None,
        repeated=repeated,
    )


def _load_borrower(connection: Connection, here: WorkContext, loan: Loan | None) -> Patron | None:
    return None if loan is None else patron_rows.get_account(connection, here, loan.patron_id).patron


def _find_assigned_hold(connection: Connection, here: WorkContext, piece: ItemRecord) -> Hold | None:
    if piece.item.status not in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT):
        return None
    waiting = circulation_rows.holds_of_item(connection, here, piece.item.bib_id, piece.item.id)
    return next(
        (hold for hold in waiting if hold.item_id == piece.item.id and hold.status not in circulation_rows.QUEUED), None
    )


def set_item_status(connection: Connection, here: WorkContext, wish: StatusChange, key: str) -> Item:
    """Set a status; raises Refused(UNKNOWN_ITEM | NOT_ALLOWED | IN_USE (on loan))."""
    barcode, status = wish.barcode, wish.status
    piece = item_rows.get_locked_item(connection, here, barcode)
    if (
        work_context.is_operation_done(connection, here, "set-status", key, piece.item.id)
        or piece.item.status is status
    ):
        return piece.item
    if status in BY_RULES_ONLY:
        raise Refused(RefusalReason.NOT_ALLOWED, BY_RULES_ONLY[status], about=MessagePart.STATUS, value=status.value)
    on_loan = circulation_rows.find_open_loan(connection, here, piece.item.id) is not None
    if on_loan and status not in WITH_A_LOAN:
        raise Refused(RefusalReason.IN_USE, "the item is on loan", about=MessagePart.ITEM, value=barcode)
    _release_from_hold(connection, here, piece)
    transit_to = piece.item.home.library if status is ItemStatus.IN_TRANSIT else ""
    item_rows.update_item_row(connection, here, piece.item.id, status=status.value, transit_to=transit_to)
    work_context.mark_operation_done(connection, here, "set-status", key, piece.item.id)
    return item_rows.get_item(connection, here, piece.item.id).item


def move_to_ill(connection: Connection, here: WorkContext, wish: MoveToIll, key: str) -> Item:
    """Move an item; raises Refused(UNKNOWN_ITEM | IN_USE | INVALID_VALUE). A hold that had caught the item keeps it
    only if the item stays in the branch."""
    piece = item_rows.get_locked_item(connection, here, wish.barcode)
    if work_context.is_operation_done(connection, here, "move-to-ill", key, piece.item.id):
        return piece.item
    code = check_location(connection, here, wish.location)
    _check_not_on_loan(connection, here, piece)
    return _move_item(connection, here, piece, Location(code, wish.location.shelf), "move-to-ill", key)


def return_home(connection: Connection, here: WorkContext, wish: ReturnHome, key: str) -> Item:
    """Return an item home; raises Refused(UNKNOWN_ITEM | IN_USE)."""
    piece = item_rows.get_locked_item(connection, here, wish.barcode)
    if work_context.is_operation_done(connection, here, "return-home", key, piece.item.id):
        return piece.item
    _check_not_on_loan(connection, here, piece)
    return _move_item(connection, here, piece, piece.item.home, "return-home", key)


def check_location(connection: Connection, here: WorkContext, location: Location) -> str:
    """Code of the branch; an empty one means the resource-sharing branch. Raises Refused(INVALID_VALUE)."""
    if location.library:
        code = loan_rules.get_branch(connection, here, location.library).code
    else:
        sharing = loan_rules.find_resource_sharing_branch(connection, here)
        if sharing is None:
            raise Refused(RefusalReason.INVALID_VALUE, "the library has no resource-sharing branch")
        code = sharing.code
    known = select(shelves.c.code).where(
        shelves.c.library == here.library, shelves.c.branch == code, shelves.c.code == location.shelf
    )
    if location.shelf and connection.scalar(known) is None:
        raise unknown_shelf_refusal(code, location.shelf)
    return code


def unknown_shelf_refusal(branch: str, shelf: str) -> Refused:
    return Refused(
        RefusalReason.INVALID_VALUE,
        write_sentence("branch %(branch)s has no shelving location %(shelf)s", branch=branch, shelf=shelf),
        value=shelf,
    )


def _check_not_on_loan(connection: Connection, here: WorkContext, piece: ItemRecord) -> None:
    if circulation_rows.find_open_loan(connection, here, piece.item.id) is not None:
        raise Refused(RefusalReason.IN_USE, "the item is on loan", about=MessagePart.ITEM, value=piece.item.barcode)


def _move_item(connection: Connection, here: WorkContext, piece: ItemRecord, to: Location, kind: str, key: str) -> Item:
    item = piece.item
    columns = {"current_branch": to.library, "current_shelf": to.shelf}
    stays = item.status is ItemStatus.ON_HOLD_SHELF and item.current.library == to.library
    if item.status in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT, ItemStatus.IN_PROCESS) and not stays:
        _release_from_hold(connection, here, piece)
        columns |= {"status": ItemStatus.AVAILABLE.value, "transit_to": ""}
    item_rows.update_item_row(connection, here, item.id, **columns)
    work_context.mark_operation_done(connection, here, kind, key, item.id)
    return item_rows.get_item(connection, here, item.id).item


def _release_from_hold(connection: Connection, here: WorkContext, piece: ItemRecord) -> None:
    """The hold that had caught the item waits for it again."""
    for hold in circulation_rows.holds_of_item(connection, here, piece.item.bib_id, piece.item.id):
        if hold.item_id == piece.item.id and hold.status not in circulation_rows.QUEUED:
            circulation_rows.requeue_hold(
                connection, here, hold, circulation_rows.get_hold_level(connection, here, hold.id)
            )

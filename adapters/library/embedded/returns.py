"""Check-in: ending a loan, or putting an item in its place."""

from __future__ import annotations

from sqlalchemy import Connection

from adapters.library.embedded import configured, hold_rows, item_rows, loan_rows, money, operations, patron_rows
from adapters.library.embedded.configured import Branch
from adapters.library.embedded.here import Here
from adapters.library.embedded.item_rows import Piece
from adapters.library.embedded.locks import lock_item
from adapters.library.embedded.rules import Closures, overdue_fine
from gateway.domain.frozen import frozen
from gateway.domain.library import Charge, Hold, HoldStatus, ItemStatus, Loan, Location, Money, Patron
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import CheckedIn

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


@frozen
class Scan:
    """Where an item is scanned (branch code; empty: the resource-sharing branch, else where the item is), and
    which holds it may be caught for there."""

    at: str = ""
    catches: frozenset[HoldStatus] = frozenset(hold_rows.QUEUED)


LEAVE_HOLDS: frozenset[HoldStatus] = frozenset()
"""For `Scan.catches`: holds that wait go on waiting."""


def check_in(connection: Connection, here: Here, barcode: str, key: str, scan: Scan) -> CheckedIn:
    """An item that is not on loan is put in its place.

    Raises Refused(UNKNOWN_ITEM | NOT_CHECKED_OUT | INVALID_VALUE (no such branch)).
    """
    lock_item(connection, here, barcode)
    piece = item_rows.live(connection, here, barcode)
    if piece is None:
        return _of_deleted(connection, here, barcode, key)
    loan = loan_rows.open_of_item(connection, here, piece.item.id)
    if loan is None:
        again = _repeated(connection, here, piece, key)
        return again or _put_in_place(connection, here, piece, key, scan)
    desk = _desk(connection, here, piece, scan.at)
    loan_rows.update_loan_row(connection, here, loan.id, returned=here.now, returned_key=key)
    _charge_fine(connection, here, piece, loan, desk.closures)
    _settle(connection, here, piece, desk, scan)
    return _result(connection, here, piece.item.id, loan_rows.get_loan(connection, here, loan.id))


def _of_deleted(connection: Connection, here: Here, barcode: str, key: str) -> CheckedIn:
    gone = item_rows.latest_deleted(connection, here, barcode)
    again = _repeated(connection, here, gone, key) if gone is not None else None
    if again is None:
        raise Refused(Reason.UNKNOWN_ITEM, "no item has this barcode", about=About.ITEM, value=barcode)
    return again


def _repeated(connection: Connection, here: Here, piece: Piece, key: str) -> CheckedIn | None:
    """The result once more, if this key ended the item's latest loan or put it in its place."""
    loan = loan_rows.returned_under(connection, here, piece.item.id, key)
    if loan is None and not operations.done(connection, here, "check-in", key, piece.item.id):
        return None
    return _result(connection, here, piece.item.id, loan, repeated=True)


def _put_in_place(connection: Connection, here: Here, piece: Piece, key: str, scan: Scan) -> CheckedIn:
    item = piece.item
    desk = _desk(connection, here, piece, scan.at)
    hold_rows.lapse(connection, here, item.bib_id)
    piece = item_rows.by_id(connection, here, item.id)
    waiting = hold_rows.of_item(connection, here, item.bib_id, item.id)
    caught = next((hold for hold in waiting if hold.item_id == item.id and hold.status not in hold_rows.QUEUED), None)
    if caught is not None and caught.status is HoldStatus.IN_TRANSIT and caught.pickup == desk.code:
        _catch(connection, here, caught, piece, desk)
    elif caught is not None:
        if not _fresh(connection, here, piece) and caught.status is not HoldStatus.IN_TRANSIT:
            raise _not_out(item.barcode)
    elif _to_be_caught(waiting, scan) is not None or piece.item.status in ASTRAY:
        _settle(connection, here, piece, desk, scan)
    elif not _fresh(connection, here, piece):
        raise _not_out(item.barcode)
    operations.remember(connection, here, "check-in", key, item.id)
    return _result(connection, here, item.id, None)


def _fresh(connection: Connection, here: Here, piece: Piece) -> bool:
    """A partner's item that has only just come: some say so by a check-in."""
    return piece.item.temporary and loan_rows.latest_of_item(connection, here, piece.item.id) is None


def _to_be_caught(waiting: tuple[Hold, ...], scan: Scan) -> Hold | None:
    return next((hold for hold in waiting if hold.status in scan.catches), None)


def _not_out(barcode: str) -> Refused:
    return Refused(Reason.NOT_CHECKED_OUT, "the item is not on loan", about=About.ITEM, value=barcode)


def _desk(connection: Connection, here: Here, piece: Piece, at: str) -> Branch:
    if at:
        return configured.branch(connection, here, at)
    sharing = configured.resource_sharing(connection, here)
    return sharing or configured.branch(connection, here, piece.item.current.library)


def _charge_fine(connection: Connection, here: Here, piece: Piece, loan: Loan, closures: Closures) -> None:
    if loan.due >= here.now:
        return
    borrower = patron_rows.account(connection, here, loan.patron_id)
    rule = configured.find_loan_rule(connection, here, borrower.patron.category, piece.item.policy)
    fine = overdue_fine(rule, loan.due, here.now, here.zone, closures) if rule is not None else None
    if fine:
        charge = Charge(
            id="",
            key=f"{FINE}:{loan.id}",
            patron_id=loan.patron_id,
            type=FINE,
            amount=Money(fine, here.currency),
            posted=here.now,
            description=f"due {loan.due.astimezone(here.zone).date()}",
            item_barcode=loan.item_barcode,
            request_id=loan.request_id,
        )
        money.add(connection, here, charge)


def _settle(connection: Connection, here: Here, piece: Piece, desk: Branch, scan: Scan) -> None:
    """Caught for the next hold; else on its shelf, or on its way there."""
    item = piece.item
    hold_rows.lapse(connection, here, item.bib_id)
    waiting = hold_rows.of_item(connection, here, item.bib_id, item.id)
    next_hold = _to_be_caught(waiting, scan)
    if next_hold is not None and piece.policy.holdable:
        _catch(connection, here, next_hold, piece, desk)
        return
    at_home = desk.code == item.home.library
    item_rows.change(
        connection,
        here,
        item.id,
        status=(ItemStatus.AVAILABLE if at_home else ItemStatus.IN_TRANSIT).value,
        transit_to="" if at_home else item.home.library,
        current_branch=desk.code,
        current_shelf=item.home.shelf if at_home else "",
    )


def _catch(connection: Connection, here: Here, hold: Hold, piece: Piece, desk: Branch) -> None:
    patron = patron_rows.account(connection, here, hold.patron_id).patron
    rule = configured.find_loan_rule(connection, here, patron.category, piece.item.policy)
    days = rule.shelf_days if rule is not None else configured.SHELF_DAYS
    hold_rows.catch(connection, here, hold, piece, desk.code, days, desk.closures)


def _result(
    connection: Connection, here: Here, item_id: str, loan: Loan | None, *, repeated: bool = False
) -> CheckedIn:
    piece = item_rows.by_id(connection, here, item_id)
    route = configured.branch(connection, here, piece.transit_to) if piece.transit_to else None
    return CheckedIn(
        item=piece.item,
        loan=loan,
        patron=_borrower(connection, here, loan),
        next_hold=_caught_by(connection, here, piece),
        route_to=Location(route.code, "", route.name) if route is not None else None,
        repeated=repeated,
    )


def _borrower(connection: Connection, here: Here, loan: Loan | None) -> Patron | None:
    return None if loan is None else patron_rows.account(connection, here, loan.patron_id).patron


def _caught_by(connection: Connection, here: Here, piece: Piece) -> Hold | None:
    if piece.item.status not in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT):
        return None
    waiting = hold_rows.of_item(connection, here, piece.item.bib_id, piece.item.id)
    return next(
        (hold for hold in waiting if hold.item_id == piece.item.id and hold.status not in hold_rows.QUEUED), None
    )

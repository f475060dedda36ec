"""Setting an item's status, and moving it between its place and the resource-sharing desk."""

from __future__ import annotations

from sqlalchemy import Connection, select

from adapters.library.embedded import configured, hold_rows, item_rows, loan_rows, operations
from adapters.library.embedded.here import Here
from adapters.library.embedded.item_rows import Piece
from adapters.library.embedded.tables import shelves
from gateway.domain.library import Item, ItemStatus, Location
from gateway.domain.problems import About, Reason, Refused

BY_RULES_ONLY = {
    ItemStatus.ON_LOAN: "lend the item instead",
    ItemStatus.RECALLED: "recall the loan instead",
    ItemStatus.ON_HOLD_SHELF: "check the item in where its hold is picked up instead",
}
"""Statuses that follow from a loan or a hold: set by hand they would say what isn't so."""

WITH_A_LOAN = (ItemStatus.LOST, ItemStatus.CLAIMED_RETURNED, ItemStatus.MISSING)
"""Statuses that an item may take while its loan goes on."""


def set_status(connection: Connection, here: Here, barcode: str, status: ItemStatus, key: str) -> Item:
    """Raises Refused(UNKNOWN_ITEM | NOT_ALLOWED | IN_USE (on loan))."""
    piece = item_rows.locked(connection, here, barcode)
    if operations.done(connection, here, "set-status", key, piece.item.id) or piece.item.status is status:
        return piece.item
    if status in BY_RULES_ONLY:
        raise Refused(Reason.NOT_ALLOWED, BY_RULES_ONLY[status], about=About.STATUS, value=status.value)
    on_loan = loan_rows.open_of_item(connection, here, piece.item.id) is not None
    if on_loan and status not in WITH_A_LOAN:
        raise Refused(Reason.IN_USE, "the item is on loan", about=About.ITEM, value=barcode)
    _lose_hold(connection, here, piece)
    transit_to = piece.item.home.library if status is ItemStatus.IN_TRANSIT else ""
    item_rows.change(connection, here, piece.item.id, status=status.value, transit_to=transit_to)
    operations.remember(connection, here, "set-status", key, piece.item.id)
    return item_rows.by_id(connection, here, piece.item.id).item


def move_to_ill(connection: Connection, here: Here, barcode: str, location: Location, key: str) -> Item:
    """Raises Refused(UNKNOWN_ITEM | IN_USE | INVALID_VALUE). A hold that had caught the item keeps it only if
    the item stays in the branch."""
    piece = item_rows.locked(connection, here, barcode)
    if operations.done(connection, here, "move-to-ill", key, piece.item.id):
        return piece.item
    code = check_location(connection, here, location)
    _must_be_in(connection, here, piece)
    return _move(connection, here, piece, Location(code, location.shelf), "move-to-ill", key)


def return_home(connection: Connection, here: Here, barcode: str, key: str) -> Item:
    """Raises Refused(UNKNOWN_ITEM | IN_USE)."""
    piece = item_rows.locked(connection, here, barcode)
    if operations.done(connection, here, "return-home", key, piece.item.id):
        return piece.item
    _must_be_in(connection, here, piece)
    return _move(connection, here, piece, piece.item.home, "return-home", key)


def check_location(connection: Connection, here: Here, location: Location) -> str:
    """Code of the branch; an empty one means the resource-sharing branch. Raises Refused(INVALID_VALUE)."""
    if location.library:
        code = configured.branch(connection, here, location.library).code
    else:
        sharing = configured.resource_sharing(connection, here)
        if sharing is None:
            raise Refused(Reason.INVALID_VALUE, "the library has no resource-sharing branch")
        code = sharing.code
    known = select(shelves.c.code).where(
        shelves.c.library == here.library, shelves.c.branch == code, shelves.c.code == location.shelf
    )
    if location.shelf and connection.scalar(known) is None:
        raise no_shelf(code, location.shelf)
    return code


def no_shelf(branch: str, shelf: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, f"branch {branch} has no shelving location {shelf}", value=shelf)


def _must_be_in(connection: Connection, here: Here, piece: Piece) -> None:
    if loan_rows.open_of_item(connection, here, piece.item.id) is not None:
        raise Refused(Reason.IN_USE, "the item is on loan", about=About.ITEM, value=piece.item.barcode)


def _move(connection: Connection, here: Here, piece: Piece, to: Location, kind: str, key: str) -> Item:
    item = piece.item
    columns = {"current_branch": to.library, "current_shelf": to.shelf}
    stays = item.status is ItemStatus.ON_HOLD_SHELF and item.current.library == to.library
    if item.status in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT, ItemStatus.IN_PROCESS) and not stays:
        _lose_hold(connection, here, piece)
        columns |= {"status": ItemStatus.AVAILABLE.value, "transit_to": ""}
    item_rows.change(connection, here, item.id, **columns)
    operations.remember(connection, here, kind, key, item.id)
    return item_rows.by_id(connection, here, item.id).item


def _lose_hold(connection: Connection, here: Here, piece: Piece) -> None:
    """The hold that had caught the item waits for it again."""
    for hold in hold_rows.of_item(connection, here, piece.item.bib_id, piece.item.id):
        if hold.item_id == piece.item.id and hold.status not in hold_rows.QUEUED:
            hold_rows.put_back(connection, here, hold, hold_rows.level(connection, here, hold.id))

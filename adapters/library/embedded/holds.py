"""Placing, cancelling and changing holds."""

from __future__ import annotations

from datetime import date

from adapters.library.embedded import circulation_rows, item_rows, library_session, patron_rows
from adapters.library.embedded.catalogue import get_bib, list_pickup_locations
from adapters.library.embedded.circulation_rows import ITEM, TITLE
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.library_session import LibrarySession, add_row, lock_bib, lock_hold, new_id
from adapters.library.embedded.loan_rules import (
    bad_pickup_refusal,
    find_resource_sharing_branch,
    get_pickup_branch,
)
from adapters.library.embedded.loans import shorten_loan
from adapters.library.embedded.patrons import check_patron_allowed
from adapters.library.embedded.tables import holds
from gateway.domain.library import BlockScope, Hold, HoldStatus, ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_operations import HoldCancellation, HoldUpdate
from gateway.ports.library_system import HoldWish

RECALL = "recall"


def place_hold(session: LibrarySession, wish: HoldWish, key: str) -> Hold:
    """Place a hold; raises Refused as `LibrarySystem.place_hold` says. A repeated key returns the hold, open or
    closed."""
    hold = circulation_rows.find_hold_by_key(session, key)
    if hold is not None:
        return hold
    if bool(wish.item_barcode) == bool(wish.bib_id):
        raise Refused(RefusalReason.DATA_MISSING, "a hold needs either an item or a record", about=MessagePart.ITEM)
    level, bib_id, pieces = _resolve_wish(session, wish)
    patron = patron_rows.get_locked_account(session, wish.patron_id)
    check_patron_allowed(patron.patron, BlockScope.REQUEST, session.today)
    _check_dates(session, wish.need_by, wish.expires)
    wish = replace(wish, pickup=_choose_pickup_code(session, wish))
    circulation_rows.expire_holds(session, bib_id)
    _check_duplicate(session, wish, bib_id, pieces)
    limit = patron.category.hold_limit
    if limit is not None and patron.patron.hold_count >= limit:
        raise Refused(
            RefusalReason.LIMIT_REACHED,
            write_sentence("the patron has reached the limit of %(limit)s holds", limit=limit),
            about=MessagePart.PATRON,
        )
    if wish.kind == RECALL:
        _recall_copy(session, pieces)
    return _insert_hold(session, wish, key, level, bib_id, pieces)


def _resolve_wish(session: LibrarySession, wish: HoldWish) -> tuple[str, str, tuple[ItemRecord, ...]]:
    """Level, record and the pieces that may fill the hold. Raises Refused."""
    if wish.item_barcode:
        piece = item_rows.get_locked_item(session, wish.item_barcode)
        if not piece.policy.holdable:
            raise Refused(
                RefusalReason.NOT_ALLOWED,
                "no hold can be placed on this item",
                about=MessagePart.ITEM,
                value=wish.item_barcode,
            )
        return ITEM, piece.item.bib_id, (piece,)
    lock_bib(session, wish.bib_id)
    get_bib(session, wish.bib_id)
    pieces = item_rows.items_of_bib(session, wish.bib_id)
    holdable = tuple(piece for piece in pieces if piece.policy.holdable)
    if not holdable:
        detail = write_sentence("the library has no copy of this title")
        if pieces:
            detail = write_sentence("no hold can be placed on a copy of this title")
        raise Refused(
            RefusalReason.NOT_ALLOWED if pieces else RefusalReason.ITEM_NOT_AVAILABLE,
            detail,
            about=MessagePart.RECORD,
            value=wish.bib_id,
        )
    return TITLE, wish.bib_id, holdable


def _choose_pickup_code(session: LibrarySession, wish: HoldWish) -> str:
    """Choose the pickup branch; raises Refused(BAD_PICKUP_LOCATION)."""
    if wish.pickup:
        return get_pickup_branch(session, wish.pickup).code
    sharing = find_resource_sharing_branch(session)
    if sharing is not None:
        return sharing.code
    places = list_pickup_locations(session)
    if not places:
        raise bad_pickup_refusal("")
    return places[0].code


def _check_dates(session: LibrarySession, need_by: date | None, expires: date | None) -> None:
    for day, passed, about in (
        (need_by, write_sentence("the needed-by date of the hold is in the past"), MessagePart.NEED_BY),
        (expires, write_sentence("the expiry date of the hold is in the past"), None),
    ):
        if day is not None and day < session.today:
            raise Refused(
                RefusalReason.INVALID_DATE,
                passed,
                about=about,
                value=str(day),
            )


def _check_duplicate(session: LibrarySession, wish: HoldWish, bib_id: str, pieces: tuple[ItemRecord, ...]) -> None:
    """An item that the patron waits for, or has, can't be requested again; another copy of the title can."""
    may_fill = {piece.item.id for piece in pieces}
    for hold in circulation_rows.holds_of_patron(session, wish.patron_id):
        if hold.bib_id == bib_id and (not hold.item_id or not wish.item_barcode or hold.item_id in may_fill):
            raise Refused(
                RefusalReason.DUPLICATE_REQUEST, "the patron already has a hold on this", about=MessagePart.ITEM
            )
    on_loan = {loan.item_id for loan in circulation_rows.loans_of_patron(session, wish.patron_id)}
    if may_fill & on_loan:
        raise Refused(RefusalReason.ON_LOAN_SAME_PATRON, "the patron has this on loan", about=MessagePart.ITEM)


def _recall_copy(session: LibrarySession, pieces: tuple[ItemRecord, ...]) -> Loan | None:
    """Recall, of several copies, the one that is due first; none where a copy is in."""
    if any(piece.item.status is ItemStatus.AVAILABLE for piece in pieces):
        return None
    lent = [piece for piece in pieces if piece.item.due is not None]
    recallable = [piece for piece in lent if piece.policy.recallable]
    if not recallable:
        if lent:
            raise Refused(RefusalReason.CANNOT_BE_RECALLED, "this loan cannot be recalled", about=MessagePart.ITEM)
        return None
    first = min(recallable, key=lambda piece: (piece.item.due is None, piece.item.due))
    loan = circulation_rows.find_open_loan(session, first.item.id)
    if loan is None or loan.recalled is not None:
        return loan
    return shorten_loan(session, first, loan, None)


def _insert_hold(
    session: LibrarySession,
    wish: HoldWish,
    key: str,
    level: str,
    bib_id: str,
    pieces: tuple[ItemRecord, ...],
) -> Hold:
    """Staff are asked to fetch a copy that is in; else the hold waits."""
    is_in = any(piece.item.status is ItemStatus.AVAILABLE for piece in pieces)
    hold_id = new_id(session.now)
    row = {
        "library": session.library,
        "id": hold_id,
        "key": key,
        "request_id": wish.request_id,
        "level": level,
        "patron_id": wish.patron_id,
        "bib_id": bib_id,
        "item_id": pieces[0].item.id if level == ITEM else None,
        "pickup": wish.pickup,
        "status": (HoldStatus.PAGED if is_in else HoldStatus.WAITING).value,
        "kind": wish.kind,
        "placed": session.now,
        "need_by": wish.need_by,
        "expires": wish.expires,
        "note": wish.note,
    }
    add_row(session.connection, holds, row)
    return circulation_rows.get_hold(session, hold_id)


def find_hold(session: LibrarySession, request_id: str) -> Hold:
    """The open one, else the latest. Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST)."""
    holds = circulation_rows.holds_of_request(session, request_id)
    if not holds:
        raise Refused(
            RefusalReason.UNKNOWN_REQUEST,
            "no hold belongs to this request",
            about=MessagePart.REQUEST,
            value=request_id,
        )
    still_open = [hold for hold in holds if hold.status.is_open]
    if len(still_open) > 1:
        raise Refused(
            RefusalReason.AMBIGUOUS_REQUEST,
            "several holds belong to this request",
            about=MessagePart.REQUEST,
            value=request_id,
        )
    return still_open[0] if still_open else holds[-1]


def cancel_hold(session: LibrarySession, wish: HoldCancellation, key: str) -> Hold:
    """Cancel a hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED)."""
    hold_id = wish.hold_id
    lock_hold(session, hold_id)
    hold = circulation_rows.get_hold(session, hold_id)
    if library_session.is_operation_done(session, "cancel-hold", key, hold_id):
        return hold
    if not hold.status.is_open:
        raise Refused(
            RefusalReason.REQUEST_CLOSED,
            write_sentence("the hold is already %(status)s", status=hold.status.value),
            about=MessagePart.REQUEST,
        )
    withdraw_hold(session, hold)
    library_session.mark_operation_done(session, "cancel-hold", key, hold_id)
    return circulation_rows.get_hold(session, hold_id)


def withdraw_hold(session: LibrarySession, hold: Hold) -> None:
    """Close it as cancelled; the item that was kept for it is free."""
    circulation_rows.close_hold(session, hold.id, HoldStatus.CANCELLED)
    if hold.item_id and hold.status not in circulation_rows.QUEUED:
        circulation_rows.free_item(session, item_rows.get_item(session, hold.item_id))


def update_hold(session: LibrarySession, change: HoldUpdate, key: str) -> Hold:
    """Update a hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED | BAD_PICKUP_LOCATION | INVALID_DATE)."""
    hold_id = change.hold_id
    lock_hold(session, hold_id)
    hold = circulation_rows.get_hold(session, hold_id)
    if library_session.is_operation_done(session, "update-hold", key, hold_id):
        return hold
    if not hold.status.is_open:
        raise Refused(
            RefusalReason.REQUEST_CLOSED,
            write_sentence("the hold is already %(status)s", status=hold.status.value),
            about=MessagePart.REQUEST,
        )
    _check_dates(session, change.need_by, change.expires)
    wanted = {"pickup": change.pickup, "need_by": change.need_by, "expires": change.expires}
    columns = {name: value for name, value in wanted.items() if value is not None}
    if columns:
        circulation_rows.update_hold_row(session, hold_id, **columns)
    if change.pickup is not None and change.pickup != hold.pickup:
        get_pickup_branch(session, change.pickup)
        _send_to_pickup(session, hold, change.pickup)
    library_session.mark_operation_done(session, "update-hold", key, hold_id)
    return circulation_rows.get_hold(session, hold_id)


def _send_to_pickup(session: LibrarySession, hold: Hold, pickup: str) -> None:
    """An item that is kept for the hold goes to the new place."""
    if hold.status in circulation_rows.QUEUED:
        return
    circulation_rows.update_hold_row(session, hold.id, status=HoldStatus.IN_TRANSIT.value, ready_until=None)
    item_rows.update_item_row(session, hold.item_id, status=ItemStatus.IN_TRANSIT.value, transit_to=pickup)

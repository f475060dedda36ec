"""A partner's item while it is here: suppressed record, holding, item and hold, made and removed together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Integer, Row, String, column, select, text, update

from adapters.library.embedded import circulation_rows, item_rows, library_session, loan_rules
from adapters.library.embedded.catalogue import add_bib, add_holding, get_bib_or_removed
from adapters.library.embedded.check_in import unknown_shelf_refusal
from adapters.library.embedded.holds import withdraw_hold
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.library_session import LibrarySession, add_row, lock_item, new_id
from adapters.library.embedded.loan_rules import compute_shelf_end
from adapters.library.embedded.patron_rows import unknown_patron_refusal
from adapters.library.embedded.tables import JsonColumn, bibs, holdings, holds, items
from gateway.domain.library import Hold, HoldStatus, Item, ItemStatus, Location
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_operations import BarcodeChange, ItemCreation, TemporaryItemCreation, TemporaryItemDeletion
from gateway.ports.library_system import TemporaryItem, TemporaryItemResult
from gateway.sql.statements import PreparedStatement

# All that has to be known before anything is written, in one statement: this is what a partner's AcceptItem costs.
_BEFORE = PreparedStatement(
    text("""SELECT
  (SELECT i.id FROM embedded_items i WHERE i.library = :library AND i.key = :key) AS known,
  (SELECT i.id FROM embedded_items i
    WHERE i.library = :library AND i.barcode = :barcode AND i.deleted IS NULL) AS live,
  b.code AS branch, b.name AS branch_name, s.code AS shelf, s.name AS shelf_name, p.circulates,
  (SELECT t.id FROM embedded_patrons t WHERE t.library = :library AND t.id = :patron) AS patron,
  u.code AS pickup, u.closed_weekdays, u.closed_dates,
  (SELECT r.shelf_days FROM embedded_loan_rules r
    WHERE r.library = :library AND r.policy IN ('*', :policy) AND r.category IN ('*',
      (SELECT t.category FROM embedded_patrons t WHERE t.library = :library AND t.id = :patron))
    ORDER BY CASE r.category WHEN '*' THEN 1 ELSE 0 END, CASE r.policy WHEN '*' THEN 1 ELSE 0 END
    LIMIT 1) AS shelf_days
FROM (SELECT 1 AS one) one_row
LEFT JOIN embedded_branches b ON b.library = :library AND b.code = (
  SELECT x.code FROM embedded_branches x
  WHERE x.library = :library AND (x.code = :branch OR (:branch = '' AND (x.resource_sharing
    OR (SELECT COUNT(*) FROM embedded_branches y WHERE y.library = :library) = 1))) ORDER BY x.code LIMIT 1)
LEFT JOIN embedded_shelves s ON s.library = :library AND s.branch = b.code AND s.code = :shelf
LEFT JOIN embedded_policies p ON p.library = :library AND p.code = :policy
LEFT JOIN embedded_branches u ON u.library = :library AND u.code = :pickup AND u.pickup""").columns(
        *(column(name, String) for name in ("known", "live", "branch", "branch_name", "shelf", "shelf_name")),
        column("circulates", Boolean),
        *(column(name, String) for name in ("patron", "pickup")),
        column("closed_weekdays", JsonColumn),
        column("closed_dates", JsonColumn),
        column("shelf_days", Integer),
    )
)


@value_object
class _NewItemIds:
    bib: str
    item: str


def create_item(
    session: LibrarySession, creation: TemporaryItemCreation | ItemCreation, key: str
) -> TemporaryItemResult:
    """Create an item; raises Refused(DUPLICATE_ITEM | UNKNOWN_PATRON | BAD_PICKUP_LOCATION | INVALID_VALUE |
    DATA_MISSING)."""
    wish, temporary = creation.item, isinstance(creation, TemporaryItemCreation)
    if wish.hold is not None and not temporary:
        raise Refused(
            RefusalReason.NOT_ALLOWED, "a permanent item cannot be created with a hold", about=MessagePart.ITEM
        )
    if not wish.barcode:
        raise Refused(RefusalReason.DATA_MISSING, "an item needs a barcode", about=MessagePart.ITEM)
    before = _BEFORE.fetch_first(session.connection, _lookup_parameters(session, wish, key))
    if before.known is not None:
        item = _repeat_creation(session, before.known, key)
        if item is not None:
            return item
    _check_wish(wish, before)
    record = replace(wish.bib, id=new_id(session.now), suppressed=wish.suppressed)
    add_bib(session, record)
    holding_id = add_holding(session, record.id, before.branch, wish.location.shelf, wish.call_number)
    ids = _NewItemIds(record.id, new_id(session.now))
    status, transit_to = _choose_first_status(wish, before.branch)
    row = _item_row(session, wish, key, before.branch, ids, holding_id, status, transit_to, temporary)
    add_row(session.connection, items, row)
    return TemporaryItemResult(
        item=_build_new_item(wish, before, ids, status, temporary),
        bib=record,
        hold=_add_hold(session, wish, key, before, ids, status),
    )


def _lookup_parameters(session: LibrarySession, wish: TemporaryItem, key: str) -> dict[str, str]:
    return {
        "library": session.library,
        "key": key,
        "barcode": wish.barcode,
        "branch": wish.location.library,
        "shelf": wish.location.shelf,
        "policy": wish.policy,
        "patron": wish.hold.patron_id if wish.hold else "",
        "pickup": wish.hold.pickup if wish.hold else "",
    }


def _repeat_creation(session: LibrarySession, item_id: str, key: str) -> TemporaryItemResult | None:
    """Return what this key made before. Once that is deleted the same request may bring the item anew, so the key is
    free again."""
    piece = item_rows.get_item(session, item_id)
    if piece.deleted is None:
        record = get_bib_or_removed(session, piece.item.bib_id)
        return TemporaryItemResult(piece.item, record, circulation_rows.find_hold_by_key(session, key), repeated=True)
    session.connection.execute(
        update(items).where(items.c.library == session.library, items.c.id == item_id).values(key=None)
    )
    of_key = (holds.c.library == session.library, holds.c.key == key)
    session.connection.execute(update(holds).where(*of_key).values(key=holds.c.key + "/" + holds.c.id))
    return None


def _check_wish(wish: TemporaryItem, before: Row[Any]) -> None:
    if before.live is not None:
        raise Refused(
            RefusalReason.DUPLICATE_ITEM,
            "an item with this barcode already exists",
            about=MessagePart.ITEM,
            value=wish.barcode,
        )
    if before.branch is None:
        named = wish.location.library
        detail = write_sentence("the library has no resource-sharing branch")
        if named:
            detail = write_sentence("the library has no branch %(code)s", code=named)
        raise Refused(RefusalReason.INVALID_VALUE, detail, value=named)
    if wish.location.shelf and before.shelf is None:
        raise unknown_shelf_refusal(before.branch, wish.location.shelf)
    if before.circulates is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("the library has no item policy %(policy)s", policy=wish.policy),
            value=wish.policy,
        )
    if wish.hold is None:
        return
    if before.patron is None:
        raise unknown_patron_refusal(wish.hold.patron_id)
    if before.pickup is None:
        raise loan_rules.bad_pickup_refusal(wish.hold.pickup)


def _choose_first_status(wish: TemporaryItem, branch: str) -> tuple[ItemStatus, str]:
    """Status, and where it is in transit to."""
    if wish.hold is None or not wish.hold.on_shelf:
        return ItemStatus.AVAILABLE, ""
    if wish.hold.pickup == branch:
        return ItemStatus.ON_HOLD_SHELF, ""
    return ItemStatus.IN_TRANSIT, wish.hold.pickup


def _item_row(
    session: LibrarySession,
    wish: TemporaryItem,
    key: str,
    branch: str,
    ids: _NewItemIds,
    holding_id: str,
    status: ItemStatus,
    transit_to: str,
    temporary: bool,
) -> dict[str, Any]:
    return {
        "library": session.library,
        "id": ids.item,
        "barcode": wish.barcode,
        "bib_id": ids.bib,
        "holding_id": holding_id,
        "status": status.value,
        "policy": wish.policy,
        "home_branch": branch,
        "home_shelf": wish.location.shelf,
        "current_branch": branch,
        "current_shelf": wish.location.shelf,
        "transit_to": transit_to,
        "call_number": wish.call_number,
        "pieces": wish.pieces,
        "temporary": temporary,
        "library_use_only": wish.library_use_only,
        "renewals_allowed": wish.renewals_allowed,
        "request_id": wish.request_id,
        "lender": wish.lender,
        "lender_due": wish.lender_due,
        "due_policy": wish.due_policy.value,
        "note": wish.note,
        "key": key,
        "created": session.now,
    }


def _build_new_item(
    wish: TemporaryItem, before: Row[Any], ids: _NewItemIds, status: ItemStatus, temporary: bool
) -> Item:
    """Build an item as reading it back would give it."""
    place = Location(before.branch, wish.location.shelf, before.shelf_name or before.branch_name)
    return Item(
        id=ids.item,
        barcode=wish.barcode,
        bib_id=ids.bib,
        status=status,
        policy=wish.policy,
        home=place,
        current=place,
        call_number=wish.call_number,
        pieces=wish.pieces,
        hold_count=1 if wish.hold else 0,
        temporary=temporary,
        circulates=before.circulates and not wish.library_use_only,
    )


def _add_hold(
    session: LibrarySession,
    wish: TemporaryItem,
    key: str,
    before: Row[Any],
    ids: _NewItemIds,
    item_status: ItemStatus,
) -> Hold | None:
    hold = wish.hold
    if hold is None:
        return None
    status = {ItemStatus.ON_HOLD_SHELF: HoldStatus.READY, ItemStatus.IN_TRANSIT: HoldStatus.IN_TRANSIT}.get(
        item_status, HoldStatus.WAITING
    )
    days = before.shelf_days if before.shelf_days is not None else loan_rules.SHELF_DAYS
    closures = loan_rules.build_closures(before.closed_weekdays, before.closed_dates)
    until = hold.expires or compute_shelf_end(days, session.today, closures)
    hold_id = new_id(session.now)
    row = {
        "library": session.library,
        "id": hold_id,
        "key": key,
        "request_id": wish.request_id,
        "level": circulation_rows.ITEM,
        "patron_id": hold.patron_id,
        "bib_id": ids.bib,
        "item_id": ids.item,
        "pickup": hold.pickup,
        "status": status.value,
        "kind": "hold",
        "placed": session.now,
        "expires": hold.expires,
        "ready_until": until if status is HoldStatus.READY else None,
    }
    add_row(session.connection, holds, row)
    return Hold(
        id=hold_id,
        key=key,
        request_id=wish.request_id,
        patron_id=hold.patron_id,
        bib_id=ids.bib,
        item_id=ids.item,
        pickup=hold.pickup,
        status=status,
        placed=session.now,
        position=1 if status is HoldStatus.WAITING else 0,
        expires=hold.expires,
        ready_until=until if status is HoldStatus.READY else None,
        item_barcode=wish.barcode,
        title=wish.bib.title,
    )


# --- deletion --------------------------------------------------------------------------------------------


def delete_item(session: LibrarySession, wish: TemporaryItemDeletion, key: str) -> Item:
    """Delete an item; raises Refused(UNKNOWN_ITEM | IN_USE | NOT_ALLOWED). Repeated: the item that was deleted, once
    more."""
    barcode = wish.barcode
    lock_item(session, barcode)
    piece = item_rows.live_item(session, barcode)
    if piece is None:
        return _get_item_deleted_under(session, barcode, key)
    if not piece.item.temporary:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "only temporary items can be deleted",
            about=MessagePart.ITEM,
            value=barcode,
        )
    if circulation_rows.find_open_loan(session, piece.item.id) is not None:
        raise Refused(RefusalReason.IN_USE, "the item is on loan", about=MessagePart.ITEM, value=barcode)
    is_last = len(item_rows.items_of_bib(session, piece.item.bib_id)) == 1
    _cancel_holds(session, piece, is_last)
    item_rows.update_item_row(
        session,
        piece.item.id,
        status=ItemStatus.NOT_AVAILABLE.value,
        transit_to="",
        deleted=session.now,
        deleted_key=key,
    )
    if is_last:
        _remove_bib(session, piece)
    return item_rows.get_item(session, piece.item.id).item


def _get_item_deleted_under(session: LibrarySession, barcode: str, key: str) -> Item:
    gone = item_rows.find_latest_deleted(session, barcode)
    if gone is None or gone.deleted_key != key:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "no item has this barcode", about=MessagePart.ITEM, value=barcode)
    return gone.item


def _cancel_holds(session: LibrarySession, piece: ItemRecord, is_last: bool) -> None:
    """Those on the item, and with the last item those on the title. A title hold that had caught it waits for
    another copy."""
    for hold in circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id):
        level = circulation_rows.get_hold_level(session, hold.id)
        if is_last or level == circulation_rows.ITEM:
            withdraw_hold(session, hold)
        elif hold.item_id:
            circulation_rows.requeue_hold(session, hold, level)
    rest = select(holds.c.id).where(
        holds.c.library == session.library, holds.c.bib_id == piece.item.bib_id, holds.c.closed.is_(None)
    )
    if is_last:  # those past their expiry, which nobody has closed yet
        for hold_id in session.connection.scalars(rest).all():
            circulation_rows.close_hold(session, hold_id, HoldStatus.EXPIRED)


def _remove_bib(session: LibrarySession, piece: ItemRecord) -> None:
    for table, key_column in ((bibs, bibs.c.id), (holdings, holdings.c.bib_id)):
        session.connection.execute(
            update(table)
            .where(table.c.library == session.library, key_column == piece.item.bib_id)
            .values(deleted=session.now)
        )


# --- the barcode on the piece ----------------------------------------------------------------------------


def change_barcode(session: LibrarySession, wish: BarcodeChange, key: str) -> Item:
    """Change a barcode; raises Refused(UNKNOWN_ITEM | DUPLICATE_ITEM | NOT_ALLOWED | DATA_MISSING)."""
    barcode, new = wish.barcode, wish.new
    if not new:
        raise Refused(RefusalReason.DATA_MISSING, "an item needs a barcode", about=MessagePart.ITEM)
    lock_item(session, barcode)
    other = item_rows.live_item(session, new)
    if other is not None and library_session.is_operation_done(session, "change-barcode", key, other.item.id):
        return other.item
    piece = item_rows.get_item_by_barcode(session, barcode)
    if not piece.item.temporary:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "only a temporary item can change its barcode",
            about=MessagePart.ITEM,
            value=barcode,
        )
    if other is not None and other.item.id != piece.item.id:
        raise Refused(
            RefusalReason.DUPLICATE_ITEM, "another item already has the new barcode", about=MessagePart.ITEM, value=new
        )
    item_rows.update_item_row(session, piece.item.id, barcode=new)
    library_session.mark_operation_done(session, "change-barcode", key, piece.item.id)
    return item_rows.get_item(session, piece.item.id).item

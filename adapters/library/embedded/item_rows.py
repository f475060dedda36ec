"""Items between table and value: one statement brings an item with its policy, its loan's due date and its holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnClause, Date, Integer, Row, String, bindparam, column, text, update

from adapters.library.embedded.library_session import LibrarySession, lock_item
from adapters.library.embedded.loan_rules import ItemPolicy
from adapters.library.embedded.tables import items
from gateway.domain.library import Item, ItemStatus, Location
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import copy_fields, value_object
from gateway.sql.column_types import UtcDateTime

_SELECT = """SELECT
  i.id, i.barcode, i.bib_id, i.status, i.policy, i.home_branch, i.home_shelf, i.current_branch, i.current_shelf,
  i.call_number, i.copy_number, i.description, i.pieces, i.temporary, i.library_use_only, i.renewals_allowed,
  i.request_id, i.transit_to, i.lender, i.lender_due, i.due_policy, i.note, i.holding_id, i.deleted,
  i.deleted_key,
  COALESCE(hs.name, hb.name, '') AS home_name, COALESCE(cs.name, cb.name, '') AS current_name,
  p.circulates, p.holdable, p.renewable, p.recallable, l.due,
  (SELECT count(*) FROM embedded_holds h
    WHERE h.library = i.library AND h.bib_id = i.bib_id AND h.closed IS NULL
    AND (h.item_id IS NULL OR h.item_id = i.id)
    AND (h.expires IS NULL OR h.expires >= :today OR h.status IN ('ready', 'in-transit'))) AS hold_count
FROM embedded_items i
LEFT JOIN embedded_policies p ON p.library = i.library AND p.code = i.policy
LEFT JOIN embedded_branches hb ON hb.library = i.library AND hb.code = i.home_branch
LEFT JOIN embedded_branches cb ON cb.library = i.library AND cb.code = i.current_branch
LEFT JOIN embedded_shelves hs ON hs.library = i.library AND hs.branch = i.home_branch AND hs.code = i.home_shelf
LEFT JOIN embedded_shelves cs ON cs.library = i.library AND cs.branch = i.current_branch AND cs.code = i.current_shelf
LEFT JOIN embedded_loans l ON l.library = i.library AND l.item_id = i.id AND l.returned IS NULL
WHERE i.library = :library AND """

_TYPES: tuple[ColumnClause[Any], ...] = (
    *(column(name, String) for name in ("id", "barcode", "bib_id", "status", "policy", "home_branch", "home_shelf")),
    *(column(name, String) for name in ("current_branch", "current_shelf", "call_number", "copy_number")),
    column("description", String),
    column("pieces", Integer),
    *(column(name, Boolean) for name in ("temporary", "library_use_only", "renewals_allowed")),
    *(column(name, String) for name in ("request_id", "transit_to", "lender")),
    column("lender_due", UtcDateTime),
    *(column(name, String) for name in ("due_policy", "note", "holding_id")),
    column("deleted", UtcDateTime),
    *(column(name, String) for name in ("deleted_key", "home_name", "current_name")),
    *(column(name, Boolean) for name in ("circulates", "holdable", "renewable", "recallable")),
    column("due", UtcDateTime),
    column("hold_count", Integer),
)


def _item_statement(condition: str) -> Any:
    return text(_SELECT + condition).bindparams(bindparam("today", type_=Date())).columns(*_TYPES)


_LIVE = _item_statement("i.barcode = :value AND i.deleted IS NULL")
_GONE = _item_statement("i.barcode = :value AND i.deleted IS NOT NULL ORDER BY i.deleted DESC, i.id DESC LIMIT 1")
_BY_ID = _item_statement("i.id = :value")
_OF_BIB = _item_statement("i.bib_id = :value AND i.deleted IS NULL ORDER BY i.id")
# What is here or out now (1) comes before what has ended (0).
_BY_REQUEST = text("""SELECT i.id, 1 AS present FROM embedded_items i
  WHERE i.library = :library AND i.request_id = :value AND i.request_id <> '' AND i.deleted IS NULL
UNION SELECT l.item_id, CASE WHEN l.returned IS NULL THEN 1 ELSE 0 END FROM embedded_loans l
  JOIN embedded_items i ON i.library = l.library AND i.id = l.item_id AND i.deleted IS NULL
  WHERE l.library = :library AND l.request_id = :value AND l.request_id <> ''
UNION SELECT h.item_id, CASE WHEN h.closed IS NULL THEN 1 ELSE 0 END FROM embedded_holds h
  JOIN embedded_items i ON i.library = h.library AND i.id = h.item_id AND i.deleted IS NULL
  WHERE h.library = :library AND h.request_id = :value AND h.request_id <> ''""")


@value_object
class ItemRecord:
    """An item with what the library knows of it beyond the port's value."""

    item: Item
    policy: ItemPolicy
    holding_id: str
    transit_to: str
    library_use_only: bool
    renewals_allowed: bool
    request_id: str
    lender: str
    lender_due: datetime | None
    due_policy: str  # of DuePolicy; empty: there is no lender
    note: str
    deleted: datetime | None
    deleted_key: str | None


def live_item(session: LibrarySession, barcode: str) -> ItemRecord | None:
    row = session.connection.execute(_LIVE, _item_parameters(session, barcode)).one_or_none()
    return None if row is None else item_record_of_row(row)


def get_item_by_barcode(session: LibrarySession, barcode: str) -> ItemRecord:
    """Load an item; raises Refused(UNKNOWN_ITEM)."""
    piece = live_item(session, barcode)
    if piece is None:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "no item has this barcode", about=MessagePart.ITEM, value=barcode)
    return piece


def get_locked_item(session: LibrarySession, barcode: str) -> ItemRecord:
    """`get_item_by_barcode`, and nobody else changes the item before we are done. Raises Refused(UNKNOWN_ITEM)."""
    lock_item(session, barcode)
    return get_item_by_barcode(session, barcode)


def find_latest_deleted(session: LibrarySession, barcode: str) -> ItemRecord | None:
    row = session.connection.execute(_GONE, _item_parameters(session, barcode)).one_or_none()
    return None if row is None else item_record_of_row(row)


def get_item(session: LibrarySession, item_id: str) -> ItemRecord:
    """Load an item, also a deleted one. Raises Refused(UNKNOWN_ITEM)."""
    row = session.connection.execute(_BY_ID, _item_parameters(session, item_id)).one_or_none()
    if row is None:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "no item has this id", about=MessagePart.ITEM, value=item_id)
    return item_record_of_row(row)


def get_item_by_request(session: LibrarySession, request_id: str) -> ItemRecord:
    """Load an item; raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM)."""
    rows = session.connection.execute(_BY_REQUEST, {"library": session.library, "value": request_id}).all()
    ids = {row.id for row in rows if row.present} or {row.id for row in rows}
    if not ids:
        raise Refused(
            RefusalReason.UNKNOWN_ITEM, "no item belongs to this request", about=MessagePart.ITEM, value=request_id
        )
    if len(ids) > 1:
        raise Refused(
            RefusalReason.AMBIGUOUS_ITEM,
            "several items belong to this request",
            about=MessagePart.ITEM,
            value=request_id,
        )
    return get_item(session, ids.pop())


def items_of_bib(session: LibrarySession, bib_id: str) -> tuple[ItemRecord, ...]:
    return tuple(
        item_record_of_row(row) for row in session.connection.execute(_OF_BIB, _item_parameters(session, bib_id))
    )


def update_item_row(session: LibrarySession, item_id: str, **columns: Any) -> None:
    session.connection.execute(
        update(items).where(items.c.library == session.library, items.c.id == item_id).values(**columns)
    )


def _item_parameters(session: LibrarySession, value: str) -> dict[str, object]:
    return {"library": session.library, "value": value, "today": session.today}


def item_record_of_row(row: Row[Any]) -> ItemRecord:
    return copy_fields(
        ItemRecord,
        row,
        item=copy_fields(
            Item,
            row,
            status=ItemStatus(row.status),
            home=Location(row.home_branch, row.home_shelf, row.home_name),
            current=Location(row.current_branch, row.current_shelf, row.current_name),
            circulates=bool(row.circulates) and not row.library_use_only,
        ),
        # A policy that was taken off the list since allows nothing.
        policy=ItemPolicy(
            row.policy, bool(row.circulates), bool(row.holdable), bool(row.renewable), bool(row.recallable)
        ),
    )

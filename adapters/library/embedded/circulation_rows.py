"""Holds and loans as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnClause, Date, Integer, Row, String, bindparam, column, text, update

from adapters.library.embedded import item_rows
from adapters.library.embedded.item_rows import ItemRecord
from adapters.library.embedded.library_session import LibrarySession
from adapters.library.embedded.loan_rules import BranchClosures, compute_shelf_end
from adapters.library.embedded.tables import holds, loans
from gateway.domain.library import Hold, HoldStatus, ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import copy_fields
from gateway.sql.column_types import UtcDateTime

QUEUED = (HoldStatus.WAITING, HoldStatus.PAGED)
ITEM, TITLE = "item", "title"

_SELECT_HOLDS = """SELECT
  h.id, h.key, h.request_id, h.patron_id, h.bib_id, h.item_id, h.pickup, h.status, h.placed, h.kind, h.need_by,
  h.expires, h.ready_until, h.level, i.barcode, b.title,
  CASE WHEN h.closed IS NOT NULL OR h.status NOT IN ('waiting', 'paged') THEN 0 ELSE 1 + (
    SELECT count(*) FROM embedded_holds o
    WHERE o.library = h.library AND o.bib_id = h.bib_id AND o.closed IS NULL AND o.status IN ('waiting', 'paged')
    AND (o.placed < h.placed OR (o.placed = h.placed AND o.id < h.id))
    AND (o.item_id IS NULL OR h.item_id IS NULL OR o.item_id = h.item_id)
    AND (o.expires IS NULL OR o.expires >= :today)) END AS place
FROM embedded_holds h
JOIN embedded_bibs b ON b.library = h.library AND b.id = h.bib_id
LEFT JOIN embedded_items i ON i.library = h.library AND i.id = h.item_id
WHERE h.library = :library AND """

_HOLD_COLUMNS: tuple[ColumnClause[Any], ...] = (
    *(column(name, String) for name in ("id", "key", "request_id", "patron_id", "bib_id", "item_id", "pickup")),
    column("status", String),
    column("placed", UtcDateTime),
    column("kind", String),
    column("need_by", Date),
    column("expires", Date),
    column("ready_until", Date),
    *(column(name, String) for name in ("level", "barcode", "title")),
)

_SELECT_LOANS = """SELECT
  l.id, l.key, l.request_id, l.item_id, i.barcode, l.bib_id, l.patron_id, l.lent, l.due, l.returned, l.renewals,
  l.renewals_allowed, l.recalled, b.title, l.returned_key
FROM embedded_loans l
JOIN embedded_items i ON i.library = l.library AND i.id = l.item_id
JOIN embedded_bibs b ON b.library = l.library AND b.id = l.bib_id
WHERE l.library = :library AND """

_LOAN_COLUMNS: tuple[ColumnClause[Any], ...] = (
    *(column(name, String) for name in ("id", "key", "request_id", "item_id", "barcode", "bib_id", "patron_id")),
    *(column(name, UtcDateTime) for name in ("lent", "due", "returned")),
    column("renewals", Integer),
    column("renewals_allowed", Boolean),
    column("recalled", UtcDateTime),
    column("title", String),
    column("returned_key", String),
)


def _hold_statement(condition: str) -> Any:
    clause = text(_SELECT_HOLDS + condition + " ORDER BY h.placed, h.id")
    return clause.bindparams(bindparam("today", type_=Date())).columns(*_HOLD_COLUMNS)


_STANDING = "h.closed IS NULL AND (h.expires IS NULL OR h.expires >= :today OR h.status IN ('ready', 'in-transit'))"
_HOLD_BY_ID = _hold_statement("h.id = :value")
_BY_KEY = _hold_statement("h.key = :value")
_BY_REQUEST = _hold_statement("h.request_id = :value AND h.request_id <> ''")
_HOLDS_OF_PATRON = _hold_statement(f"h.patron_id = :value AND {_STANDING}")
_OF_ITEM = _hold_statement(f"h.bib_id = :value AND (h.item_id IS NULL OR h.item_id = :item) AND {_STANDING}")
_LAPSED = _hold_statement(
    "h.bib_id = :value AND h.closed IS NULL AND ((h.status IN ('waiting', 'paged') AND h.expires < :today)"
    " OR (h.status = 'ready' AND h.ready_until < :today))"
)


def get_hold(session: LibrarySession, hold_id: str) -> Hold:
    """Load a hold; raises Refused(UNKNOWN_REQUEST)."""
    row = session.connection.execute(_HOLD_BY_ID, _hold_parameters(session, hold_id)).one_or_none()
    if row is None:
        raise Refused(RefusalReason.UNKNOWN_REQUEST, "no hold has this id", about=MessagePart.REQUEST, value=hold_id)
    return hold_of_row(row, session)


def find_hold_by_key(session: LibrarySession, key: str) -> Hold | None:
    row = session.connection.execute(_BY_KEY, _hold_parameters(session, key)).one_or_none()
    return None if row is None else hold_of_row(row, session)


def holds_of_request(session: LibrarySession, request_id: str) -> tuple[Hold, ...]:
    """All of this request number, also closed ones."""
    return _load_holds(session, _BY_REQUEST, _hold_parameters(session, request_id))


def holds_of_patron(session: LibrarySession, patron_id: str) -> tuple[Hold, ...]:
    return _load_holds(session, _HOLDS_OF_PATRON, _hold_parameters(session, patron_id))


def holds_of_item(session: LibrarySession, bib_id: str, item_id: str) -> tuple[Hold, ...]:
    """Open holds that the item may fill or is kept for, in order."""
    return _load_holds(session, _OF_ITEM, _hold_parameters(session, bib_id) | {"item": item_id})


def _load_holds(session: LibrarySession, statement: Any, values: dict[str, object]) -> tuple[Hold, ...]:
    return tuple(hold_of_row(row, session) for row in session.connection.execute(statement, values))


def _hold_parameters(session: LibrarySession, value: str) -> dict[str, object]:
    return {"library": session.library, "value": value, "today": session.today}


def hold_of_row(row: Row[Any], session: LibrarySession) -> Hold:
    status = HoldStatus(row.status)
    if status in QUEUED and row.expires is not None and row.expires < session.today:
        status = HoldStatus.EXPIRED  # the row is closed when somebody next works on the record
    return copy_fields(
        Hold,
        row,
        item_id=row.item_id or "",
        status=status,
        position=row.place if status.is_open else 0,
        item_barcode=row.barcode or "",
    )


# --- changes ---------------------------------------------------------------------------------------------


def update_hold_row(session: LibrarySession, hold_id: str, **columns: Any) -> None:
    session.connection.execute(
        update(holds).where(holds.c.library == session.library, holds.c.id == hold_id).values(**columns)
    )


def close_hold(session: LibrarySession, hold_id: str, status: HoldStatus, **columns: Any) -> None:
    update_hold_row(session, hold_id, status=status.value, closed=session.now, **columns)


def assign_item_to_hold(
    session: LibrarySession,
    hold: Hold,
    piece: ItemRecord,
    desk: str,
    shelf_days: int,
    closures: BranchClosures,
) -> None:
    """The item is kept for this hold: on the shelf where the desk is the pickup branch, else on its way there."""
    item_id = piece.item.id
    if hold.pickup == desk:
        until = compute_shelf_end(shelf_days, session.today, closures)
        update_hold_row(session, hold.id, status=HoldStatus.READY.value, item_id=item_id, ready_until=until)
        place = {"status": ItemStatus.ON_HOLD_SHELF.value, "transit_to": ""}
    else:
        update_hold_row(session, hold.id, status=HoldStatus.IN_TRANSIT.value, item_id=item_id, ready_until=None)
        place = {"status": ItemStatus.IN_TRANSIT.value, "transit_to": hold.pickup}
    shelf = piece.item.home.shelf if desk == piece.item.home.library else ""
    item_rows.update_item_row(session, item_id, current_branch=desk, current_shelf=shelf, **place)


def requeue_hold(session: LibrarySession, hold: Hold, level: str) -> None:
    """The hold loses its item and stands in the queue again, at its old place."""
    item_id = hold.item_id if level == ITEM else None
    update_hold_row(session, hold.id, status=HoldStatus.WAITING.value, item_id=item_id, ready_until=None)


def get_hold_level(session: LibrarySession, hold_id: str) -> str:
    """item or title."""
    hold_level: str = session.connection.execute(_HOLD_BY_ID, _hold_parameters(session, hold_id)).one().level
    return hold_level


def free_item(session: LibrarySession, piece: ItemRecord) -> None:
    """An item that was kept for a hold is so no more: free where it belongs, else on its way there. Whoever waits
    next gets it when it is scanned at a desk."""
    item = piece.item
    if item.status not in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT):
        return
    if item.status is ItemStatus.ON_HOLD_SHELF and item.current.library == item.home.library:
        place = {"status": ItemStatus.AVAILABLE.value, "transit_to": "", "current_shelf": item.home.shelf}
    else:
        place = {"status": ItemStatus.IN_TRANSIT.value, "transit_to": item.home.library}
    item_rows.update_item_row(session, item.id, **place)


def expire_holds(session: LibrarySession, bib_id: str) -> None:
    """Close the holds on a record that nobody wants any more: queued past their expiry, or not fetched."""
    for row in session.connection.execute(_LAPSED, _hold_parameters(session, bib_id)).all():
        close_hold(session, row.id, HoldStatus.EXPIRED)
        if row.status == HoldStatus.READY and row.item_id:
            free_item(session, item_rows.get_item(session, row.item_id))


def _loan_statement(condition: str) -> Any:
    return text(_SELECT_LOANS + condition).columns(*_LOAN_COLUMNS)


_LOAN_BY_ID = _loan_statement("l.id = :value")
_OPEN = _loan_statement("l.item_id = :value AND l.returned IS NULL")
_LATEST = _loan_statement("l.item_id = :value ORDER BY l.id DESC LIMIT 1")
_LOANS_OF_PATRON = _loan_statement("l.patron_id = :value AND l.returned IS NULL ORDER BY l.due, l.id")


def get_loan(session: LibrarySession, loan_id: str) -> Loan:
    """Load a loan; raises Refused(NOT_CHECKED_OUT)."""
    row = _load_loan_row(session, _LOAN_BY_ID, loan_id)
    if row is None:
        raise Refused(RefusalReason.NOT_CHECKED_OUT, "no loan has this id", value=loan_id)
    return loan_of_row(row)


def find_open_loan(session: LibrarySession, item_id: str) -> Loan | None:
    row = _load_loan_row(session, _OPEN, item_id)
    return None if row is None else loan_of_row(row)


def find_latest_loan(session: LibrarySession, item_id: str) -> Loan | None:
    """Open or ended."""
    row = _load_loan_row(session, _LATEST, item_id)
    return None if row is None else loan_of_row(row)


def find_loan_returned_under(session: LibrarySession, item_id: str, key: str) -> Loan | None:
    """The item's latest loan, if it was ended under this key."""
    row = _load_loan_row(session, _LATEST, item_id)
    return loan_of_row(row) if row is not None and row.returned is not None and row.returned_key == key else None


def loans_of_patron(session: LibrarySession, patron_id: str) -> tuple[Loan, ...]:
    """Open loans, soonest due first."""
    rows = session.connection.execute(_LOANS_OF_PATRON, {"library": session.library, "value": patron_id})
    return tuple(loan_of_row(row) for row in rows)


def update_loan_row(session: LibrarySession, loan_id: str, **columns: Any) -> None:
    session.connection.execute(
        update(loans).where(loans.c.library == session.library, loans.c.id == loan_id).values(**columns)
    )


def _load_loan_row(session: LibrarySession, statement: Any, value: str) -> Row[Any] | None:
    row: Row[Any] | None = session.connection.execute(
        statement, {"library": session.library, "value": value}
    ).one_or_none()
    return row


def loan_of_row(row: Row[Any]) -> Loan:
    return copy_fields(Loan, row, item_barcode=row.barcode)

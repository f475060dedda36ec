"""Loans between table and value."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnClause, Connection, Integer, Row, String, column, text, update

from adapters.library.embedded.here import Here
from adapters.library.embedded.tables import loans
from gateway.domain.library import Loan
from gateway.domain.problems import Reason, Refused
from gateway.store.types import UtcDateTime

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


def _loan_statement(condition: str) -> Any:
    return text(_SELECT_LOANS + condition).columns(*_LOAN_COLUMNS)


_LOAN_BY_ID = _loan_statement("l.id = :value")
_OPEN = _loan_statement("l.item_id = :value AND l.returned IS NULL")
_LATEST = _loan_statement("l.item_id = :value ORDER BY l.id DESC LIMIT 1")
_LOANS_OF_PATRON = _loan_statement("l.patron_id = :value AND l.returned IS NULL ORDER BY l.due, l.id")


def get_loan(connection: Connection, here: Here, loan_id: str) -> Loan:
    """Raises Refused(NOT_CHECKED_OUT)."""
    row = _one(connection, here, _LOAN_BY_ID, loan_id)
    if row is None:
        raise Refused(Reason.NOT_CHECKED_OUT, "no loan has this id", value=loan_id)
    return to_loan(row)


def open_of_item(connection: Connection, here: Here, item_id: str) -> Loan | None:
    row = _one(connection, here, _OPEN, item_id)
    return None if row is None else to_loan(row)


def latest_of_item(connection: Connection, here: Here, item_id: str) -> Loan | None:
    """Open or ended."""
    row = _one(connection, here, _LATEST, item_id)
    return None if row is None else to_loan(row)


def returned_under(connection: Connection, here: Here, item_id: str, key: str) -> Loan | None:
    """The item's latest loan, if it was ended under this key."""
    row = _one(connection, here, _LATEST, item_id)
    return to_loan(row) if row is not None and row.returned is not None and row.returned_key == key else None


def loans_of_patron(connection: Connection, here: Here, patron_id: str) -> tuple[Loan, ...]:
    """Open loans, soonest due first."""
    rows = connection.execute(_LOANS_OF_PATRON, {"library": here.library, "value": patron_id})
    return tuple(to_loan(row) for row in rows)


def update_loan_row(connection: Connection, here: Here, loan_id: str, **columns: Any) -> None:
    connection.execute(update(loans).where(loans.c.library == here.library, loans.c.id == loan_id).values(**columns))


def _one(connection: Connection, here: Here, statement: Any, value: str) -> Row[Any] | None:
    row: Row[Any] | None = connection.execute(statement, {"library": here.library, "value": value}).one_or_none()
    return row


def to_loan(row: Row[Any]) -> Loan:
    return Loan(
        id=row.id,
        key=row.key,
        request_id=row.request_id,
        item_id=row.item_id,
        item_barcode=row.barcode,
        bib_id=row.bib_id,
        patron_id=row.patron_id,
        lent=row.lent,
        due=row.due,
        returned=row.returned,
        renewals=row.renewals,
        renewals_allowed=row.renewals_allowed,
        recalled=row.recalled,
        title=row.title,
    )

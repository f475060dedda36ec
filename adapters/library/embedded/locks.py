"""Who has to wait for whom on PostgreSQL. SQLite has one writer, so there nobody does.

Locks are taken in this order: the key, the record, the patron. Under READ COMMITTED each statement after a lock sees
what the one before us has done.
"""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text

from adapters.library.embedded.here import Here

_KEY = text("SELECT pg_advisory_xact_lock(hashtextextended(:library || '/' || :value, 0))")

# NO KEY: others may go on adding rows that point here.
_BIB = text("SELECT 1 FROM embedded_bibs WHERE library = :library AND id = :value FOR NO KEY UPDATE")
_BIB_OF_ITEM = text(
    """SELECT 1 FROM embedded_bibs b JOIN embedded_items i ON i.library = b.library AND i.bib_id = b.id
    WHERE i.library = :library AND i.barcode = :value AND i.deleted IS NULL FOR NO KEY UPDATE OF b"""
)
_BIB_OF_HOLD = text(
    """SELECT 1 FROM embedded_bibs b JOIN embedded_holds h ON h.library = b.library AND h.bib_id = b.id
    WHERE h.library = :library AND h.id = :value FOR NO KEY UPDATE OF b"""
)
_BIB_OF_LOAN = text(
    """SELECT 1 FROM embedded_bibs b JOIN embedded_loans l ON l.library = b.library AND l.bib_id = b.id
    WHERE l.library = :library AND l.id = :value FOR NO KEY UPDATE OF b"""
)
_PATRON = text("SELECT 1 FROM embedded_patrons WHERE library = :library AND id = :value FOR NO KEY UPDATE")


def lock_key(connection: Connection, here: Here, key: str) -> None:
    """The same message, repeated before its first answer, waits for that."""
    _lock(connection, here, _KEY, key)


def lock_bib(connection: Connection, here: Here, bib_id: str) -> None:
    """A record with its items, holds and loans: whatever changes one of them may change the others."""
    _lock(connection, here, _BIB, bib_id)


def lock_item(connection: Connection, here: Here, barcode: str) -> None:
    """`lock_bib` for the item's record."""
    _lock(connection, here, _BIB_OF_ITEM, barcode)


def lock_hold(connection: Connection, here: Here, hold_id: str) -> None:
    """`lock_bib` for the hold's record."""
    _lock(connection, here, _BIB_OF_HOLD, hold_id)


def lock_loan(connection: Connection, here: Here, loan_id: str) -> None:
    """`lock_bib` for the loan's record."""
    _lock(connection, here, _BIB_OF_LOAN, loan_id)


def lock_patron(connection: Connection, here: Here, patron_id: str) -> None:
    """So that limits can't be passed by two loans or holds at the same time."""
    _lock(connection, here, _PATRON, patron_id)


def _lock(connection: Connection, here: Here, statement: TextClause, value: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(statement, {"library": here.library, "value": value})

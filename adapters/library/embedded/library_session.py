"""Connection, library and clock of one piece of work; locks, ids, keyed operations.

Locks are taken in this order: the key, the record, the patron. Under READ COMMITTED each statement after a lock sees
what the one before us has done. SQLite has one writer, so there nobody locks.

An operation whose key is known changes nothing; the present state of its subject is its result.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Table, TextClause, bindparam, select, text

from adapters.library.embedded.tables import operations
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapterContext
from gateway.sql.statements import insert_rows

RANDOM_BITS = 72

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


@value_object
class LibrarySession:
    """A transaction in one library, at one moment. `is_shared`: the gateway's own, so that nothing between it and us
    gives things other ids."""

    connection: Connection
    library: str
    now: datetime  # aware UTC
    zone: tzinfo
    currency: str
    is_shared: bool = False

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


def plan_session(context: LibraryAdapterContext, *, is_shared: bool = False) -> Callable[[Connection], LibrarySession]:
    """Read clock and settings before the work starts: work may run twice and has no clock of its own."""
    return partial(
        LibrarySession,
        library=context.library,
        now=context.clock.now(),
        zone=context.zone,
        currency=context.currency,
        is_shared=is_shared,
    )


class _IdSequence:
    """Numbers that grow: 48 bits of milliseconds and 72 of chance, one more than the last within a millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next_number(self, now: datetime) -> int:
        number = int(now.timestamp() * 1000) << RANDOM_BITS | random.getrandbits(RANDOM_BITS)
        with self._lock:
            if number >> RANDOM_BITS <= self._last >> RANDOM_BITS:
                number = self._last + 1
            self._last = number
            return number


_sequence = _IdSequence()


def new_id(now: datetime) -> str:
    """30 hexadecimal digits that sort by time: new rows land at the end of every index."""
    return f"{_sequence.next_number(now):030x}"


def lock_key(session: LibrarySession, key: str) -> None:
    """The same message, repeated before its first answer, waits for that."""
    _lock_row(session, _KEY, key)


def lock_bib(session: LibrarySession, bib_id: str) -> None:
    """A record with its items, holds and loans: whatever changes one of them may change the others."""
    _lock_row(session, _BIB, bib_id)


def lock_item(session: LibrarySession, barcode: str) -> None:
    """`lock_bib` for the item's record."""
    _lock_row(session, _BIB_OF_ITEM, barcode)


def lock_hold(session: LibrarySession, hold_id: str) -> None:
    """`lock_bib` for the hold's record."""
    _lock_row(session, _BIB_OF_HOLD, hold_id)


def lock_loan(session: LibrarySession, loan_id: str) -> None:
    """`lock_bib` for the loan's record."""
    _lock_row(session, _BIB_OF_LOAN, loan_id)


def lock_patron(session: LibrarySession, patron_id: str) -> None:
    """Lock a patron, so that limits can't be passed by two loans or holds at the same time."""
    _lock_row(session, _PATRON, patron_id)


def _lock_row(session: LibrarySession, statement: TextClause, value: str) -> None:
    if session.connection.dialect.name == "postgresql":
        session.connection.execute(statement, {"library": session.library, "value": value})


def add_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Columns that are left out get their default, else nothing."""
    add_rows(connection, table, (row,))


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    defaults = _column_defaults(table)
    insert_rows(connection, table, [tuple({**defaults, **row}.values()) for row in rows])


@cache
def _column_defaults(table: Table) -> dict[str, Any]:
    """Return the defaults in the table's order."""
    return {column.name: getattr(column.default, "arg", None) for column in table.columns}


_FIND = select(operations.c.done).where(
    operations.c.library == bindparam("library"),
    operations.c.key == bindparam("key"),
    operations.c.kind == bindparam("kind"),
    operations.c.subject == bindparam("subject"),
)


def is_operation_done(session: LibrarySession, kind: str, key: str, subject: str) -> bool:
    """Return whether this was done to the subject (an id) under this key."""
    values = {"library": session.library, "key": key, "kind": kind, "subject": subject}
    return session.connection.scalar(_FIND, values) is not None


def mark_operation_done(session: LibrarySession, kind: str, key: str, subject: str) -> None:
    row = {"library": session.library, "key": key, "kind": kind, "subject": subject, "done": session.now}
    add_row(session.connection, operations, row)

"""Looking up records and items."""

from __future__ import annotations

from sqlalchemy import Connection, FromClause, and_, bindparam, or_, select

from adapters.library.embedded import item_rows
from adapters.library.embedded.here import Here
from adapters.library.embedded.records import COLUMNS, bib, to_bib, unknown_record
from adapters.library.embedded.tables import bib_identifiers, bib_words, bibs, branches, holds
from adapters.library.embedded.words import lookup_value, query_words
from gateway.domain.library import Bib, HoldStatus, PickupLocation, RecordId
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import BibHoldings
from gateway.store.prepared import Prepared

LOCAL = "local"
"""Record id type of our own record number; the control number of an imported record will do as well."""


def find_bib(connection: Connection, here: Here, record: RecordId) -> Bib:
    """Raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM)."""
    in_library = (bibs.c.library == here.library, bibs.c.deleted.is_(None))
    if record.type == LOCAL:
        number = or_(bibs.c.id == record.value, bibs.c.control_number == record.value)
        found = connection.execute(select(*COLUMNS).where(*in_library, number).limit(2)).all()
        found = [row for row in found if row.id == record.value] or found
    else:
        matching = (
            select(*COLUMNS)
            .join(
                bib_identifiers,
                (bib_identifiers.c.library == bibs.c.library) & (bib_identifiers.c.bib_id == bibs.c.id),
            )
            .where(
                *in_library,
                bib_identifiers.c.library == here.library,
                bib_identifiers.c.type == record.type,
                bib_identifiers.c.value == lookup_value(record.type, record.value),
            )
        )
        found = connection.execute(matching.limit(2)).all()
    if not found:
        raise unknown_record(record.value)
    if len(found) > 1:
        raise Refused(
            Reason.AMBIGUOUS_ITEM, "several records have this identifier", about=About.RECORD, value=record.value
        )
    return to_bib(found[0])


def search(connection: Connection, here: Here, query: str, limit: int) -> tuple[Bib, ...]:
    """Words that all occur, in any order; newest records first."""
    wanted = query_words(query)
    if not wanted:
        return ()
    # Ordered by the first word's index, so that a rare word isn't looked for in all records from the newest on.
    first, *others = (bib_words.alias() for _ in wanted)
    source: FromClause = first
    for other in others:
        source = source.join(other, and_(other.c.library == first.c.library, other.c.bib_id == first.c.bib_id))
    source = source.join(bibs, and_(bibs.c.library == first.c.library, bibs.c.id == first.c.bib_id))
    occurs = [
        and_(table.c.library == here.library, table.c.word == word)
        for table, word in zip((first, *others), wanted, strict=True)
    ]
    statement = select(*COLUMNS).select_from(source).where(bibs.c.deleted.is_(None), *occurs)
    rows = connection.execute(statement.order_by(first.c.bib_id.desc()).limit(limit))
    return tuple(to_bib(row) for row in rows)


def holdings(connection: Connection, here: Here, bib_id: str) -> BibHoldings:
    """Raises Refused(UNKNOWN_RECORD)."""
    record = bib(connection, here, bib_id)
    pieces = item_rows.of_bib(connection, here, bib_id)
    open_holds = connection.execute(
        select(holds.c.status, holds.c.expires).where(
            holds.c.library == here.library, holds.c.bib_id == bib_id, holds.c.closed.is_(None)
        )
    ).all()
    bound = (HoldStatus.READY, HoldStatus.IN_TRANSIT)
    count = sum(1 for hold in open_holds if hold.status in bound or not hold.expires or hold.expires >= here.today)
    return BibHoldings(record, tuple(piece.item for piece in pieces), count)


def pickup_locations(connection: Connection, here: Here) -> tuple[PickupLocation, ...]:
    """Branches that keep a hold shelf, by code."""
    return tuple(PickupLocation(code, name, code) for code, name in _PICKUP.all(connection, {"library": here.library}))


_PICKUP = Prepared(
    select(branches.c.code, branches.c.name)
    .where(branches.c.library == bindparam("library"), branches.c.pickup)
    .order_by(branches.c.code)
)

"""Days on which partners are closed, as staff have written them; those of profiles are in their files."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Column, Connection, Date, Index, PrimaryKeyConstraint, Table, bindparam, delete, insert, select

from gateway.domain.value import value_object
from gateway.sql import column_types
from gateway.sql.statements import PreparedStatement
from gateway.store.schema import metadata

partner_closure = Table(
    "partner_closure",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("partner"),  # name of the profile
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    column_types.text_column("note"),
    column_types.moment_column("made_at"),
    column_types.text_column("made_by"),
    PrimaryKeyConstraint("library", "id", name="pk_partner_closure"),
    Index("ix_partner_closure_last", "library", "last"),
)

_c = partner_closure.c


@value_object(kw_only=True)
class PartnerClosureRow:
    """A closure from the first day to the last, both included. `made_by`: as histories name people."""

    library: str
    id: str
    partner: str
    first: date
    last: date
    note: str
    made_at: datetime
    made_by: str


_SINCE = PreparedStatement(
    select(partner_closure)
    .where(_c.library == bindparam("in_library"), _c.last >= bindparam("since", type_=_c.last.type))
    .order_by(_c.first, _c.last, _c.id)
)


def list_partner_closures(connection: Connection, library: str, since: date) -> tuple[PartnerClosureRow, ...]:
    """List the closures of all partners that last until `since` or longer, by their first day."""
    rows = _SINCE.fetch_all(connection, {"in_library": library, "since": since})
    return tuple(PartnerClosureRow(**row._asdict()) for row in rows)


def insert_partner_closure(connection: Connection, new: PartnerClosureRow) -> None:
    connection.execute(insert(partner_closure).values({column.name: getattr(new, column.name) for column in _c}))


def delete_partner_closure(connection: Connection, library: str, partner: str, id_: str) -> bool:
    """Delete a closure, and return whether there was one."""
    wanted = (_c.library == library, _c.partner == partner, _c.id == id_)
    return connection.execute(delete(partner_closure).where(*wanted)).rowcount > 0

"""Filters of lists that staff have named, for themselves or for the house."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
)

from gateway.domain.value import value_object
from gateway.sql import column_types
from gateway.store.schema import metadata

saved_filter = Table(
    "saved_filter",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("owner"),  # name of the user
    column_types.text_column("place"),  # which list: borrowing, lending, copies
    column_types.text_column("name"),
    column_types.text_column("query"),  # of the list's address
    Column("shared", Boolean, nullable=False),
    column_types.moment_column("created"),
    PrimaryKeyConstraint("library", "id", name="pk_saved_filter"),
    Index("ix_saved_filter_place", "library", "place", "owner"),
)

_c = saved_filter.c


@value_object(kw_only=True)
class SavedFilter:
    """`query` is what stands behind the question mark of the list's address; `shared`: the house sees it."""

    library: str
    id: str
    owner: str
    place: str
    name: str
    query: str
    shared: bool
    created: datetime


def list_saved_filters(connection: Connection, library: str, place: str, owner: str) -> tuple[SavedFilter, ...]:
    """The owner's and those that are shared, by name."""
    query = (
        select(saved_filter)
        .where(_c.library == library, _c.place == place, or_(_c.owner == owner, _c.shared))
        .order_by(_c.name, _c.id)
    )
    return tuple(SavedFilter(**row._mapping) for row in connection.execute(query))


def count_saved_filters(connection: Connection, library: str, owner: str) -> int:
    query = select(func.count()).select_from(saved_filter).where(_c.library == library, _c.owner == owner)
    count: int = connection.execute(query).scalar_one()
    return count


def insert_saved_filter(connection: Connection, new: SavedFilter) -> None:
    """Insert a filter in place of one of the same owner, list and name."""
    same = (_c.library == new.library, _c.place == new.place, _c.owner == new.owner, _c.name == new.name)
    connection.execute(delete(saved_filter).where(*same))
    connection.execute(insert(saved_filter).values({column.name: getattr(new, column.name) for column in _c}))


def delete_saved_filter(connection: Connection, library: str, id_: str, owner: str) -> bool:
    """Delete a filter, and return whether there was one of this owner."""
    mine = (_c.library == library, _c.id == id_, _c.owner == owner)
    return connection.execute(delete(saved_filter).where(*mine)).rowcount > 0

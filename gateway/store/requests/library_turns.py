"""Rows that are due, of all libraries in turn: one of each, then a second of each, and so on.

So a library with ten thousand rows holds up nobody else. It costs a few looks into an index for each library with work,
whatever the number of its rows: the next library is found from the end of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array

from gateway.sql.index_hints import follow_index

_HELD, _LAST = bindparam("held", type_=Text()), bindparam("last", type_=Text())
_LIMIT = bindparam("limit", type_=Integer())
_END = "\n"


def turn_parameters(held: Iterable[str], last: str, limit: int) -> Mapping[str, object]:
    """Give the parameters of `select_in_turn`. `held`: the libraries that have rows in hand now, as often as they
    have; `last`: the one whose turn was the last."""
    # Those in hand go as one text, in which the statement counts a library's name between ends of lines: a list of
    # values would be another statement for each length, and SQLite has no arrays.
    return {"held": "".join(f"{_END}{library}{_END}" for library in held), "last": last, "limit": limit}


def select_in_turn(
    dialect: str,
    table: Table,
    index: str,
    moment: Column[Any],
    is_due: Sequence[ColumnElement[bool]],
    locking: bool = False,
) -> Select[Any]:
    """Select rows that are due, those of libraries with the fewest in hand first, then of those behind the last one; of
    each library the oldest by `moment`. On PostgreSQL only the key is given, with `moment`; `locking`: the rows are
    locked there, without those that others have locked.

    `index`: of library, moment and the rest of the key, of all rows with a moment. The column `turn_number` counts the
    rows of a library from those in hand on."""
    library, key = table.c.library, [column for column in table.primary_key.columns if column.name != "library"]

    def find_first(column: Column[Any], *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
        """Find the first row in the index: by this order PostgreSQL takes no other one, whatever its statistics say."""
        query = select(column).where(*conditions).order_by(library, moment).limit(1)
        return follow_index(query, table, index).scalar_subquery()

    def is_of(name: ColumnElement[str]) -> ColumnElement[bool]:
        return library == (any_(array([name])) if dialect == "postgresql" else name)  # or that order would be dropped

    def find_next(before: ColumnElement[str]) -> ScalarSelect[Any]:
        return find_first(library, moment.is_not(None), library > before)

    busy = select(find_next(literal("")).label("library")).cte("busy", recursive=True)
    busy = busy.union_all(select(find_next(busy.c.library)).where(busy.c.library.is_not(None)))

    name = literal(_END) + busy.c.library + literal(_END)
    in_hand = func.length(func.replace(_HELD, name, name + literal(_END))) - func.length(_HELD)  # one more for each
    due = find_first(moment, is_of(busy.c.library), *is_due)
    libraries = select(busy.c.library, in_hand.label("in_hand")).where(due.is_not(None))
    turn = (
        libraries.order_by(literal_column("in_hand"), busy.c.library <= _LAST, busy.c.library).limit(_LIMIT).cte("turn")
    )

    in_order = (library, moment, *key)
    ready = [is_of(turn.c.library), *is_due]
    rows: Any
    if dialect == "postgresql":
        own = select(*in_order).where(*ready).order_by(*in_order).limit(_LIMIT)
        rows = (own.with_for_update(skip_locked=True) if locking else own).lateral("ready")
        together = turn.join(rows, true())
    else:
        rows = table.alias("ready")
        own = select(literal_column(f"{table.name}.rowid")).select_from(table)
        own = own.where(*ready).order_by(*in_order).limit(_LIMIT)
        together = turn.join(rows, literal_column("ready.rowid").in_(follow_index(own, table, index)))
    order = [rows.c[column.name] for column in (moment, *key)]
    number = func.row_number().over(partition_by=turn.c.library, order_by=order) + turn.c.in_hand
    in_turn = select(*rows.c, number.label("turn_number")).select_from(together)
    return in_turn.order_by(literal_column("turn_number"), turn.c.library <= _LAST, turn.c.library).limit(_LIMIT)

"""Timers and number sequences.

A timer is one row for each request and kind; starting it sets it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.domain.requests.state_table import TimerKind
from gateway.domain.value import value_object
from gateway.sql.index_hints import follow_index
from gateway.sql.statements import PreparedStatement, prepare_sql
from gateway.store.requests.library_turns import select_in_turn, turn_parameters
from gateway.store.requests.tables import request_timer, sequence

_FOLLOWING = prepare_sql(
    "INSERT INTO sequence (library, name, value) VALUES (:library, :name, 1) "
    "ON CONFLICT (library, name) DO UPDATE SET value = sequence.value + 1 RETURNING value",
    sequence,
    sequence.c.value,
)


@value_object
class TimerRow:
    """`at`: aware UTC."""

    library: str
    request_id: str
    timer: TimerKind
    at: datetime


_c = request_timer.c
_TIMER_KEY = ("library", "request_id", "timer")
_START = prepare_sql(
    "INSERT INTO request_timer (library, request_id, timer, at) VALUES (:library, :request_id, :timer, :at) "
    "ON CONFLICT (library, request_id, timer) DO UPDATE SET at = excluded.at",
    request_timer,
    row_key=_TIMER_KEY,
)
_OF_REQUEST_IT_IS = (_c.library == bindparam("library"), _c.request_id == bindparam("request_id"))
_STOP = PreparedStatement(
    delete(request_timer).where(*_OF_REQUEST_IT_IS, _c.timer == bindparam("timer")), request_timer, _TIMER_KEY
)
_TAKE = prepare_sql(
    "DELETE FROM request_timer WHERE library = :library AND request_id = :request_id AND timer = :timer AND at = :at "
    "RETURNING request_id",
    request_timer,
    _c.request_id,
)
_OF_REQUEST = PreparedStatement(select(request_timer).where(*_OF_REQUEST_IT_IS).order_by(_c.timer))


def start_timer(connection: Connection, library: str, request_id: str, timer: TimerKind, at: datetime) -> None:
    _START.execute_many(connection, [{"library": library, "request_id": request_id, "timer": timer.value, "at": at}])


def stop_timer(connection: Connection, library: str, request_id: str, timer: TimerKind) -> None:
    """One that does not run stays so."""
    _STOP.execute_many(connection, [{"library": library, "request_id": request_id, "timer": timer.value}])


def due_timers(connection: Connection, now: datetime, limit: int, last: str = "") -> tuple[TimerRow, ...]:
    """Timers whose time is `now` or earlier: libraries take turns, `last` had the last one; of each the oldest come
    first. They stay until they are taken."""
    parameters = {"now": now, **turn_parameters((), last, limit)}
    return _timer_rows_of(_due_statement(connection.dialect.name).fetch_all(connection, parameters))


@cache
def _due_statement(dialect: str) -> PreparedStatement:
    is_due = _c.at <= bindparam("now", type_=_c.at.type)
    return PreparedStatement(select_in_turn(dialect, request_timer, "ix_request_timer_library_at", _c.at, [is_due]))


def measure_timers(connection: Connection, library: str, now: datetime) -> tuple[int, datetime | None]:
    """Count the timers of the library that are due, and find when the next of the others is (None: there is none)."""
    own, column = request_timer.c.library == library, request_timer.c.at
    count = follow_index(select(func.count()).where(own, column <= now), request_timer, "ix_request_timer_library_at")
    due: int = connection.execute(count).scalar_one()
    next_at = select(column).where(own, column > now).order_by(column).limit(1)
    return due, connection.execute(follow_index(next_at, request_timer, "ix_request_timer_library_at")).scalar()


def take_timer(connection: Connection, row: TimerRow) -> bool:
    """Ends the timer in the transaction that does what it is for. False: it was stopped, set anew or taken by
    another node meanwhile, and there is nothing to do."""
    values = {"library": row.library, "request_id": row.request_id, "timer": row.timer.value, "at": row.at}
    return _TAKE.fetch_first(connection, values) is not None


def list_timers_of_request(connection: Connection, library: str, request_id: str) -> tuple[TimerRow, ...]:
    return _timer_rows_of(_OF_REQUEST.fetch_all(connection, {"library": library, "request_id": request_id}))


def _timer_rows_of(rows: Iterable[Any]) -> tuple[TimerRow, ...]:
    return tuple(TimerRow(row.library, row.request_id, TimerKind(row.timer), row.at) for row in rows)


def next_in_sequence(connection: Connection, library: str, name: str) -> int:
    """1, 2, … On PostgreSQL others who want the same sequence wait until this transaction ends."""
    value: int = _FOLLOWING.fetch_first(connection, {"library": library, "name": name}).value
    return value


_LAST = PreparedStatement(
    select(sequence.c.value).where(sequence.c.library == bindparam("library"), sequence.c.name == bindparam("name"))
)


def peek_sequence(connection: Connection, library: str, name: str) -> int:
    """Return what `next_in_sequence` would give now."""
    last = _LAST.fetch_first(connection, {"library": library, "name": name})
    return 1 if last is None else int(last.value) + 1

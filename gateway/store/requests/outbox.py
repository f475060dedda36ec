"""Outbox rows added, claimed, ended.

Rows of a lane (`outbox_lanes`) are done one after the other; a row that is dead holds up those behind it until staff
decide (`outbox_decisions`), but for calls to the library and letters to patrons.

Only the first unfinished row of a lane can be claimed, so it alone has `ready_at`: a claim finds what it may take in
one stretch of an index, however much waits behind dead rows or partners that are down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, literal, not_, or_, select, update

from gateway.domain.sentences import dump_sentence, load_sentence
from gateway.domain.value import copy_fields, value_object
from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.sql.gathered_writes import SetStatement, gathered_of
from gateway.sql.statements import PreparedStatement, insert_rows, prepare_sql
from gateway.store.requests.library_turns import select_in_turn, turn_parameters
from gateway.store.requests.outbox_lanes import (
    INDEPENDENT,
    enter_lane,
    leave_lane,
    leave_lane_as_first,
    step_aside,
    tells_words_alone,
)
from gateway.store.requests.tables import HAS_ENDED, outbox

NOTHING_BY_LIBRARY: Mapping[str, datetime] = MappingProxyType({})


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    IN_HAND = "in-hand"
    DEAD = "dead"  # given up: staff release, edit or skip it
    DONE = "done"
    SKIPPED = "skipped"  # by staff
    REFUSED = "refused"  # ended, and whoever asked for it was told


UNFINISHED = (OutboxStatus.WAITING, OutboxStatus.IN_HAND, OutboxStatus.DEAD)


@value_object(kw_only=True)
class OutboxRow:
    """`id` is made by `gateway.store.schema.make_exchange_id(now)`; `kind` is partner, letter, library, work, reply or
    webhook, or one of `gateway.store.requests.order_batches`; `target` says to whom, `payload` what, in words of the
    kind. All moments are aware UTC. `tries` counts claims. Personal data is in `payload` only: `error` and `note` are
    shown and logged. `error` is a Sentence where the program wrote it."""

    library: str
    id: str
    lane: str
    kind: str
    target: str = ""
    request_id: str = ""
    payload: str
    status: OutboxStatus = OutboxStatus.WAITING
    tries: int = 0
    created: datetime
    next_at: datetime  # not before
    lease_until: datetime | None = None
    node: str = ""
    ended: datetime | None = None
    error: str = ""
    note: str = ""


@value_object
class OutboxPage:
    """`cursor` is empty when nothing follows."""

    rows: tuple[OutboxRow, ...]
    cursor: str = ""


class LeaseLost(Exception):
    """The row is not in this claim's hands any more: the lease was over and another took it, or it has ended. What
    the claim did meanwhile must not be recorded."""


def add_outbox_row(connection: Connection, row: OutboxRow) -> None:
    """A new row, waiting. Raises IntegrityError when the id is there already."""
    if (gathered := gathered_of(connection)) is not None:
        values = (
            *(row.library, row.id, row.lane, row.kind, row.target, row.request_id, row.payload),
            *(row.created, row.next_at, clean_text(row.note, MAX_NOTE_CHARS)),
        )
        gathered.add(connection, _ADD_IN_LANE, [values])
        return
    turn = enter_lane(connection, row.library, row.lane, row.id)
    insert_rows(
        connection,
        outbox,
        [
            (
                row.library,
                row.id,
                row.lane,
                turn.place,
                row.kind,
                row.target,
                row.request_id,
                row.payload,
                OutboxStatus.WAITING.value,
                0,
                row.created,
                row.next_at,
                row.next_at if turn.now else None,
                None,
                "",
                None,
                "",
                clean_text(row.note, MAX_NOTE_CHARS),
                "",
            )
        ],
    )


_ADD_IN_LANE = SetStatement(
    "INSERT INTO outbox (library, id, lane, kind, target, request_id, payload, created, next_at, note, place, status, "
    "tries, ready_at, node, error, error_sentence) "
    "SELECT given.*, COALESCE(turn.last, 0), 'waiting', 0, "
    "CASE WHEN turn.head IS NULL OR turn.head = given.p2 THEN given.p9 END, '', '', '' "
    "FROM {given} LEFT JOIN {before} AS turn ON turn.library = given.p1 AND turn.lane = given.p3",
    [*["VARCHAR"] * 7, *["TIMESTAMP WITH TIME ZONE"] * 2, "VARCHAR"],
    {"outbox": (0, 1), "outbox_lane": (0, 2)},
    "INSERT INTO outbox_lane (library, lane, head, last) "
    "SELECT given.p1, given.p3, given.p2, 1 FROM {given} WHERE given.p3 <> '' "
    "ON CONFLICT (library, lane) DO UPDATE SET last = outbox_lane.last + 1 RETURNING library, lane, head, last",
)
"""What `enter_lane` and the row itself do, in one statement of PostgreSQL."""


# --- claiming --------------------------------------------------------------------------------------------

COLUMNS = outbox.c


@value_object
class Route:
    """Rows of one kind, of any library and target where these are None."""

    kind: str
    library: str | None = None
    target: str | None = None

    def to_sql_condition(self) -> ColumnElement[bool]:
        conditions = [COLUMNS.kind == self.kind]
        if self.library is not None:
            conditions.append(COLUMNS.library == self.library)
        if self.target is not None:
            conditions.append(COLUMNS.target == self.target)
        return and_(*conditions)


_NOW = bindparam("now", type_=COLUMNS.next_at.type)
ONE_ROW = (COLUMNS.library == bindparam("in_library"), COLUMNS.id == bindparam("with_id"))

_CLAIMABLE_ONE = PreparedStatement(
    select(outbox).where(*ONE_ROW, COLUMNS.ready_at <= _NOW).with_for_update(skip_locked=True)
)
_CLAIMED = {
    "status": OutboxStatus.IN_HAND.value,
    "tries": COLUMNS.tries + 1,
    "lease_until": bindparam("until", type_=COLUMNS.lease_until.type),
    "ready_at": bindparam("until", type_=COLUMNS.ready_at.type),
    "node": bindparam("by_node"),
}
_CLAIM = PreparedStatement(update(outbox).where(*ONE_ROW).values(_CLAIMED))


def claim_rows(
    connection: Connection,
    now: datetime,
    limit: int,
    lease: timedelta,
    node: str,
    kinds: Collection[str] | None = None,
    besides: Collection[Route] = (),
    held: Iterable[str] = (),
    last: str = "",
) -> tuple[OutboxRow, ...]:
    """Claim up to `limit` rows, now in the hands of `node` until the lease is over. Their turn has come, they are
    waiting and due, or were in hand under a lease that is over. No other claim gets them before that.

    Libraries take turns (`library_turns`); of each those come first that are due longest. `held`: libraries of the rows
    that are in hand here, one for each row; `last`: the one that had the last turn. `kinds`: only these; `besides`:
    without those that go by these routes."""
    statement = _claim_statement(
        connection.dialect.name, None if kinds is None else tuple(sorted(kinds)), frozenset(besides)
    )
    parameters = {"now": now, **turn_parameters(held, last, limit)}
    if connection.dialect.name == "postgresql":
        rows = statement.fetch_all(connection, {**parameters, "until": now + lease, "by_node": node})
        in_turn = sorted(rows, key=lambda row: (row.turn_number, row.library <= last, row.library))
        return tuple(map(outbox_row_of, in_turn))
    return _mark_claimed(connection, statement.fetch_all(connection, parameters), now + lease, node)


@lru_cache(maxsize=64)
def _claim_statement(dialect: str, kinds: tuple[str, ...] | None, besides: frozenset[Route]) -> PreparedStatement:
    """A statement is a round trip on PostgreSQL, so that one finds rows and claims them. SQLite might look through the
    whole outbox for it."""
    conditions: list[ColumnElement[bool]] = [COLUMNS.ready_at <= _NOW]
    if kinds is not None:
        conditions.append(or_(*(COLUMNS.kind == kind for kind in kinds)))
    if besides:
        conditions.append(not_(or_(*(way.to_sql_condition() for way in besides))))
    ready = select_in_turn(dialect, outbox, "ix_outbox_library_ready", COLUMNS.ready_at, conditions, locking=True)
    if dialect != "postgresql":
        return PreparedStatement(ready)
    due = ready.cte("due")
    claim = update(outbox).where(COLUMNS.library == due.c.library, COLUMNS.id == due.c.id).values(_CLAIMED)
    return PreparedStatement(claim.returning(outbox, due.c.turn_number))


def claim_single_row(
    connection: Connection, library: str, id_: str, now: datetime, lease: timedelta, node: str
) -> OutboxRow | None:
    """The same for one row, whose caller waits for it. None: it is not its turn, or it is in hand or has ended."""
    rows = _CLAIMABLE_ONE.fetch_all(connection, {"in_library": library, "with_id": id_, "now": now})
    return next(iter(_mark_claimed(connection, rows, now + lease, node)), None)


def _mark_claimed(connection: Connection, rows: Sequence[Any], until: datetime, node: str) -> tuple[OutboxRow, ...]:
    if not rows:
        return ()
    _CLAIM.execute_many(
        connection,
        [{"in_library": row.library, "with_id": row.id, "until": until, "by_node": node} for row in rows],
    )
    return tuple(
        outbox_row_of(row, status=OutboxStatus.IN_HAND, tries=row.tries + 1, lease_until=until, node=node)
        for row in rows
    )


# --- what became of a row in hand ------------------------------------------------------------------------

_HELD = "WHERE library = :library AND id = :id AND status = 'in-hand' AND node = :node AND tries = :tries RETURNING id"
_AGAIN = prepare_sql(
    "UPDATE outbox SET status = 'waiting', next_at = :next_at, ready_at = :next_at, lease_until = NULL, node = '', "
    f"error = :error, error_sentence = :error_sentence {_HELD}",
    outbox,
    COLUMNS.id,
)
_DEAD = prepare_sql(
    "UPDATE outbox SET status = 'dead', next_at = :next_at, ready_at = NULL, lease_until = NULL, node = '', "
    f"error = :error, error_sentence = :error_sentence {_HELD}",
    outbox,
    COLUMNS.id,
)
_END_MINE = prepare_sql(
    "UPDATE outbox SET status = :status, ended = :ended, ready_at = NULL, lease_until = NULL, error = :error, "
    f"error_sentence = :error_sentence, note = :note {_HELD}",
    outbox,
    COLUMNS.id,
    row_key=("library", "id"),
)


def mark_done(connection: Connection, row: OutboxRow, note: str, at: datetime) -> None:
    """`row` as it was claimed. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.DONE, at, row.error, note)


def mark_refused(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """It ends without effect, and whoever asked for it is told; those behind it go on. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.REFUSED, at, error, row.note)


def leave_unsent(connection: Connection, row: OutboxRow, reason: str, by: str, at: datetime) -> None:
    """A row in hand is never done, by decision of staff; those behind it go on. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.SKIPPED, at, row.error, format_skip_note(reason, by))


def format_skip_note(reason: str, by: str) -> str:
    return f"skipped by {by}: {reason}"


def schedule_retry(connection: Connection, row: OutboxRow, next_at: datetime, error: str) -> None:
    """Put a row off, to be tried again not before `next_at`. Raises LeaseLost."""
    _raise_if_lost(
        _AGAIN.fetch_first(connection, _claim_parameters(row, next_at=next_at, **error_parameters(error))),
        row,
    )
    if tells_words_alone(row.kind, row.payload):
        step_aside(connection, row.library, row.lane, row.id)


def mark_dead(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """Give up a row until staff decide; those behind it wait, but for calls to the library and letters. Raises
    LeaseLost."""
    _raise_if_lost(_DEAD.fetch_first(connection, _claim_parameters(row, next_at=at, **error_parameters(error))), row)
    if row.kind in INDEPENDENT:
        leave_lane(connection, row.library, row.lane)
    elif tells_words_alone(row.kind, row.payload):
        step_aside(connection, row.library, row.lane, row.id)


def error_parameters(error: str) -> dict[str, str]:
    return {"error": clean_text(error, MAX_NOTE_CHARS), "error_sentence": dump_sentence(error)}


def _end_claimed_row(
    connection: Connection, row: OutboxRow, status: OutboxStatus, at: datetime, error: str, note: str
) -> None:
    ended = _claim_parameters(
        row,
        status=status.value,
        ended=at,
        note=clean_text(note, MAX_NOTE_CHARS),
        **error_parameters(error),
    )
    _END_MINE.execute_counted(connection, ended, lambda count: _raise_if_lost(count or None, row))
    leave_lane_as_first(connection, row.library, row.lane, row.id)


def _claim_parameters(row: OutboxRow, **more: Any) -> Mapping[str, Any]:
    return {"library": row.library, "id": row.id, "node": row.node, "tries": row.tries, **more}


def _raise_if_lost(claimed: Any, row: OutboxRow) -> None:
    if claimed is None:
        raise LeaseLost(f"outbox row {row.id} of {row.library} is not in the hands of {row.node} any more")


# --- rows that have ended --------------------------------------------------------------------------------


def forget_ended_rows(connection: Connection, library: str, request_id: str) -> None:
    """Forget ended rows of a request, before their time."""
    mine = (outbox.c.library == library, outbox.c.request_id == request_id, HAS_ENDED)
    connection.execute(delete(outbox).where(*mine))


def replace_texts(connection: Connection, library: str, id_: str, payload: str, error: str) -> None:
    """Replace the texts of a row that has not ended, and goes on as it was."""
    texts = {"payload": payload, **error_parameters(error)}
    _REPLACE_TEXTS.execute_many(connection, [{"library": library, "id": id_, **texts}])


_REPLACE_TEXTS = prepare_sql(
    "UPDATE outbox SET payload = :payload, error = :error, error_sentence = :error_sentence "
    "WHERE library = :library AND id = :id AND ended IS NULL",
    outbox,
)


def prune_ended_rows(
    connection: Connection, before: datetime, limit: int, by_library: Mapping[str, datetime] = NOTHING_BY_LIBRARY
) -> int:
    """Deletes up to `limit` rows that ended before `before`, or before the moment of their library; how many there
    were."""
    ends = choose_by_library(COLUMNS.library, COLUMNS.ended, before, by_library)
    old = (
        select(COLUMNS.library, COLUMNS.id)
        .where(HAS_ENDED, COLUMNS.ended < max((before, *by_library.values())), COLUMNS.ended < ends)
        .order_by(COLUMNS.ended, COLUMNS.library, COLUMNS.id)
        .limit(limit)
    )
    rows = connection.execute(old).all()
    if rows:
        _DELETE.execute_many(connection, [{"library": library, "id": id_} for library, id_ in rows])
    return len(rows)


def choose_by_library(
    library: ColumnElement[str],
    column: ColumnElement[datetime],
    otherwise: datetime,
    by_library: Mapping[str, datetime],
) -> ColumnElement[datetime]:
    """Choose the moment of a row's library, or `otherwise`, to be compared with `column`."""
    own = {symbol: literal(at, column.type) for symbol, at in by_library.items() if at != otherwise}
    default = literal(otherwise, column.type)
    return case(own, value=library, else_=default) if own else default


_DELETE = prepare_sql("DELETE FROM outbox WHERE library = :library AND id = :id", outbox)


def outbox_row_of(
    row: Any,
    *,
    status: OutboxStatus | None = None,
    tries: int | None = None,
    lease_until: datetime | None = None,
    node: str | None = None,
) -> OutboxRow:
    return copy_fields(
        OutboxRow,
        row,
        status=OutboxStatus(row.status) if status is None else status,
        tries=row.tries if tries is None else tries,
        lease_until=row.lease_until if lease_until is None else lease_until,
        node=row.node if node is None else node,
        error=load_sentence(row.error, row.error_sentence),
    )


_IN_HAND_OF_NODE = (
    COLUMNS.library == bindparam("in_library"),
    COLUMNS.id == bindparam("with_id"),
    COLUMNS.status == OutboxStatus.IN_HAND.value,
    COLUMNS.node == bindparam("by_node"),
    COLUMNS.tries == bindparam("at_try"),
)
_PUT_BACK = PreparedStatement(
    update(outbox)
    .where(*_IN_HAND_OF_NODE)
    .values(
        status=OutboxStatus.WAITING.value, tries=COLUMNS.tries - 1, ready_at=COLUMNS.next_at, lease_until=None, node=""
    )
)


def put_back_rows(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Rows as they were claimed: they wait as before, and this try doesn't count. Those that are not in the claim's
    hands any more are left as they are."""
    mine = [{"in_library": r.library, "with_id": r.id, "by_node": r.node, "at_try": r.tries} for r in rows]
    _PUT_BACK.execute_many(connection, mine)


def list_nodes_in_hand(connection: Connection) -> frozenset[str]:
    """Names of all that have rows in hand: nodes, commands, and files that orders are in."""
    query = select(COLUMNS.node).where(COLUMNS.status == OutboxStatus.IN_HAND.value).distinct()
    return frozenset(connection.execute(query).scalars())


def expire_node_leases(connection: Connection, node: str, now: datetime) -> int:
    """Ends the leases of rows in the hands of a node that is gone, so that they can be claimed at once; how many there
    were."""
    held = update(outbox).where(COLUMNS.status == OutboxStatus.IN_HAND.value, COLUMNS.node == node)
    return connection.execute(held.values(lease_until=now, ready_at=now)).rowcount

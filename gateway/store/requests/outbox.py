"""Outbox rows added, claimed, ended; lanes.

Rows of a lane (a name that the caller chooses: one for each request, say) are done one after the other, in the order
in which they were added; a row that is dead holds up those behind it until staff decide, but for calls to the library
and letters to patrons.
Rows of the empty lane wait for nobody.

Only the first unfinished row of a lane can be claimed, so it alone has `ready_at`: a claim finds what it may take in
one stretch of an index, however much waits behind dead rows or partners that are down. Whoever joins or leaves a
lane locks the lane's row first; so a row that comes while the last one ends is never left without its turn.

A dead row holds up those behind it, which may depend on it: a partner must not hear of the second event before the
first. A dead call to the library does not: each call asks for what the request needs at that moment, whatever the one
before it was to do, and some of them end what must not stay. Nor does a dead letter to a patron, as each says a thing
of its own. They have left their lane, and join it again when staff release them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, not_, or_, select, update

from gateway.domain.sentences import dump_sentence, load_sentence
from gateway.domain.value import value_object
from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.sql.statements import PreparedStatement, insert_rows, prepare_sql
from gateway.store.requests.tables import HAS_ENDED, IN_LANE, outbox, outbox_lane

INDEPENDENT = ("library", "letter")
"""Kinds of the rows that hold up nothing when they are dead: each letter to a patron says a thing of its own."""


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


# --- claiming --------------------------------------------------------------------------------------------

COLUMNS = outbox.c
_NOW = bindparam("now", type_=COLUMNS.next_at.type)
ONE_ROW = (COLUMNS.library == bindparam("in_library"), COLUMNS.id == bindparam("with_id"))
_MINE = (
    *ONE_ROW,
    COLUMNS.status == OutboxStatus.IN_HAND.value,
    COLUMNS.node == bindparam("by_node"),
    COLUMNS.tries == bindparam("at_try"),
)

_READY = (
    select(outbox)
    .where(COLUMNS.ready_at <= _NOW)
    .order_by(COLUMNS.ready_at, COLUMNS.library, COLUMNS.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIMABLE = PreparedStatement(_READY)
_CLAIMABLE_ONE = PreparedStatement(
    select(outbox).where(*ONE_ROW, COLUMNS.ready_at <= _NOW).with_for_update(skip_locked=True)
)
_CLAIM = PreparedStatement(
    update(outbox)
    .where(*ONE_ROW)
    .values(
        status=OutboxStatus.IN_HAND.value,
        tries=COLUMNS.tries + 1,
        lease_until=bindparam("until", type_=COLUMNS.lease_until.type),
        ready_at=bindparam("until", type_=COLUMNS.ready_at.type),
        node=bindparam("by_node"),
    )
)


def claim_rows(
    connection: Connection,
    now: datetime,
    limit: int,
    lease: timedelta,
    node: str,
    kinds: Collection[str] | None = None,
) -> tuple[OutboxRow, ...]:
    """Up to `limit` rows of all libraries, those due longest first, now in the hands of `node` until the lease is
    over. Their turn has come, they are waiting and due, or were in hand under a lease that is over. No other claim
    gets them before that. `kinds`: only these."""
    if kinds is None:
        found: Sequence[Any] = _CLAIMABLE.fetch_all(connection, {"now": now, "limit": limit})
    else:
        found = connection.execute(_READY.where(COLUMNS.kind.in_(sorted(kinds))), {"now": now, "limit": limit}).all()
    return _mark_claimed(connection, found, now + lease, node)


def claim_single_row(
    connection: Connection, library: str, id_: str, now: datetime, lease: timedelta, node: str
) -> OutboxRow | None:
    """The same for one row, whose caller waits for it. None: it is not its turn, or it is in hand or has ended."""
    found = _CLAIMABLE_ONE.fetch_all(connection, {"in_library": library, "with_id": id_, "now": now})
    return next(iter(_mark_claimed(connection, found, now + lease, node)), None)


def _mark_claimed(connection: Connection, found: Sequence[Any], until: datetime, node: str) -> tuple[OutboxRow, ...]:
    if not found:
        return ()
    _CLAIM.execute_many(
        connection,
        [{"in_library": row.library, "with_id": row.id, "until": until, "by_node": node} for row in found],
    )
    return tuple(
        outbox_row_of(row, status=OutboxStatus.IN_HAND, tries=row.tries + 1, lease_until=until, node=node)
        for row in found
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
)


def mark_done(connection: Connection, row: OutboxRow, note: str, at: datetime) -> None:
    """`row` as it was claimed. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.DONE, at, row.error, note)


def mark_refused(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """It ends without effect, and whoever asked for it is told; those behind it go on. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.REFUSED, at, error, row.note)


def leave_unsent(connection: Connection, row: OutboxRow, reason: str, by: str, at: datetime) -> None:
    """A row in hand is never done, by decision of staff; those behind it go on. Raises LeaseLost."""
    _end_claimed_row(connection, row, OutboxStatus.SKIPPED, at, row.error, _format_skip_note(reason, by))


def schedule_retry(connection: Connection, row: OutboxRow, next_at: datetime, error: str) -> None:
    """To be tried again, not before `next_at`. Raises LeaseLost."""
    _raise_if_lost(
        _AGAIN.fetch_first(connection, _claim_parameters(row, next_at=next_at, **_error_parameters(error))),
        row,
    )


def mark_dead(connection: Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """Given up until staff decide; those behind it wait, but for calls to the library and letters. Raises LeaseLost."""
    _raise_if_lost(_DEAD.fetch_first(connection, _claim_parameters(row, next_at=at, **_error_parameters(error))), row)
    if row.kind in INDEPENDENT:
        leave_lane(connection, row.library, row.lane)


def _error_parameters(error: str) -> dict[str, str]:
    return {"error": clean_text(error, MAX_NOTE_CHARS), "error_sentence": dump_sentence(error)}


def _end_claimed_row(
    connection: Connection, row: OutboxRow, status: OutboxStatus, at: datetime, error: str, note: str
) -> None:
    ended = _claim_parameters(
        row,
        status=status.value,
        ended=at,
        note=clean_text(note, MAX_NOTE_CHARS),
        **_error_parameters(error),
    )
    _raise_if_lost(_END_MINE.fetch_first(connection, ended), row)
    leave_lane(connection, row.library, row.lane)


def _claim_parameters(row: OutboxRow, **more: Any) -> Mapping[str, Any]:
    return {"library": row.library, "id": row.id, "node": row.node, "tries": row.tries, **more}


def _raise_if_lost(found: Any, row: OutboxRow) -> None:
    if found is None:
        raise LeaseLost(f"outbox row {row.id} of {row.library} is not in the hands of {row.node} any more")


# --- staff -----------------------------------------------------------------------------------------------

_STUCK = "WHERE library = :library AND id = :id AND status IN ('waiting', 'dead') RETURNING lane"
_ALONE = "kind = CASE WHEN kind = 'order' THEN 'partner' ELSE kind END"
_TURN = "ready_at = CASE WHEN status = 'dead' OR ready_at IS NOT NULL THEN :next_at END"
_RELEASE = prepare_sql(
    f"UPDATE outbox SET status = 'waiting', tries = 0, next_at = :next_at, {_TURN}, {_ALONE} {_STUCK}",
    outbox,
    COLUMNS.lane,
)
_EDIT = prepare_sql(
    f"UPDATE outbox SET status = 'waiting', tries = 0, payload = :payload, next_at = :next_at, {_TURN}, {_ALONE} "
    f"{_STUCK}",
    outbox,
    COLUMNS.lane,
)
_TRIED = prepare_sql(
    "UPDATE outbox SET tries = 1, error = :error, error_sentence = :error_sentence "
    "WHERE library = :library AND id = :id AND status = 'waiting'",
    outbox,
)
_IS_INDEPENDENT = or_(*(COLUMNS.kind == kind for kind in INDEPENDENT))
_DEAD_CALL = PreparedStatement(
    select(COLUMNS.lane).where(*ONE_ROW, COLUMNS.status == OutboxStatus.DEAD.value, _IS_INDEPENDENT)
)
_REJOIN = prepare_sql(
    "UPDATE outbox SET place = :place, status = :status WHERE library = :library AND id = :id", outbox
)
_PUT_OFF = prepare_sql(
    "UPDATE outbox SET next_at = :next_at, ready_at = CASE WHEN ready_at IS NOT NULL THEN :next_at END "
    "WHERE library = :library AND id = :id AND status = 'waiting'",
    outbox,
)
_SKIP = prepare_sql(
    f"UPDATE outbox SET status = 'skipped', ended = :ended, ready_at = NULL, note = :note {_STUCK}",
    outbox,
    COLUMNS.lane,
)


def release_row(connection: Connection, library: str, id_: str, now: datetime) -> bool:
    """A dead or waiting row is tried now, with its tries counted anew; an order that waited for others goes alone.
    False: there is no such row."""
    _rejoin_lane(connection, library, id_)
    return _RELEASE.fetch_first(connection, {"library": library, "id": id_, "next_at": now}) is not None


def edit_row(connection: Connection, library: str, id_: str, payload: str, now: datetime) -> bool:
    """The same with another payload."""
    _rejoin_lane(connection, library, id_)
    changed = {"library": library, "id": id_, "payload": payload, "next_at": now}
    return _EDIT.fetch_first(connection, changed) is not None


def mark_as_tried(connection: Connection, library: str, id_: str, error: str) -> None:
    """A row that waits has one try behind it, as the one that was released may have arrived."""
    _TRIED.execute_many(connection, [{"library": library, "id": id_, **_error_parameters(error)}])


def _rejoin_lane(connection: Connection, library: str, id_: str) -> None:
    """A dead call to the library, or letter, has left its lane: it is tried now where nothing waits there, else as the
    last."""
    dead_call = _DEAD_CALL.fetch_first(connection, {"in_library": library, "with_id": id_})
    if dead_call is None:
        return
    turn = enter_lane(connection, library, dead_call.lane, id_)
    status = OutboxStatus.DEAD if turn.now else OutboxStatus.WAITING
    _REJOIN.execute_many(connection, [{"library": library, "id": id_, "place": turn.place, "status": status.value}])


def skip_row(connection: Connection, library: str, id_: str, reason: str, by: str, now: datetime) -> bool:
    """A dead or waiting row is never done; those behind it go on. False: there is no such row, or it is in hand."""
    note = clean_text(_format_skip_note(reason, by), MAX_NOTE_CHARS)
    row = _SKIP.fetch_first(connection, {"library": library, "id": id_, "ended": now, "note": note})
    if row is None:
        return False
    leave_lane(connection, library, row.lane)
    return True


def put_off_row(connection: Connection, library: str, id_: str, next_at: datetime) -> None:
    """A row that waits is not tried before `next_at`; those behind it wait with it."""
    _PUT_OFF.execute_many(connection, [{"library": library, "id": id_, "next_at": next_at}])


def _format_skip_note(reason: str, by: str) -> str:
    return f"skipped by {by}: {reason}"


def forget_ended_rows(connection: Connection, library: str, request_id: str) -> None:
    """Of a request, before their time."""
    mine = (outbox.c.library == library, outbox.c.request_id == request_id, HAS_ENDED)
    connection.execute(delete(outbox).where(*mine))


def prune_ended_rows(connection: Connection, before: datetime, limit: int) -> int:
    """Deletes up to `limit` rows of all libraries that ended before `before`; how many there were."""
    old = (
        select(COLUMNS.library, COLUMNS.id)
        .where(HAS_ENDED, COLUMNS.ended < before)
        .order_by(COLUMNS.ended, COLUMNS.library, COLUMNS.id)
        .limit(limit)
    )
    found = connection.execute(old).all()
    if found:
        _DELETE.execute_many(connection, [{"library": library, "id": id_} for library, id_ in found])
    return len(found)


_DELETE = prepare_sql("DELETE FROM outbox WHERE library = :library AND id = :id", outbox)


def outbox_row_of(
    row: Any,
    *,
    status: OutboxStatus | None = None,
    tries: int | None = None,
    lease_until: datetime | None = None,
    node: str | None = None,
) -> OutboxRow:
    return OutboxRow(
        library=row.library,
        id=row.id,
        lane=row.lane,
        kind=row.kind,
        target=row.target,
        request_id=row.request_id,
        payload=row.payload,
        status=OutboxStatus(row.status) if status is None else status,
        tries=row.tries if tries is None else tries,
        created=row.created,
        next_at=row.next_at,
        lease_until=row.lease_until if lease_until is None else lease_until,
        node=row.node if node is None else node,
        ended=row.ended,
        error=load_sentence(row.error, row.error_sentence),
        note=row.note,
    )


@value_object
class LaneTurn:
    place: int
    now: bool


_lane = outbox_lane.c
_JOIN = prepare_sql(
    "INSERT INTO outbox_lane (library, lane, head, last) VALUES (:library, :lane, :head, 1) "
    "ON CONFLICT (library, lane) DO UPDATE SET last = outbox_lane.last + 1 RETURNING head, last",
    outbox_lane,
    _lane.head,
    _lane.last,
)
_IT = (_lane.library == bindparam("library"), _lane.lane == bindparam("lane"))
_LOCK = PreparedStatement(select(_lane.head).where(*_IT).with_for_update())
_END = PreparedStatement(delete(outbox_lane).where(*_IT))
_NEXT = PreparedStatement(
    select(outbox.c.id)
    .where(outbox.c.library == bindparam("library"), outbox.c.lane == bindparam("lane"), IN_LANE)
    .where(or_(outbox.c.status != "dead", and_(*(outbox.c.kind != kind for kind in INDEPENDENT))))
    .order_by(outbox.c.place)
    .limit(1)
)
_MOVE = prepare_sql("UPDATE outbox_lane SET head = :head WHERE library = :library AND lane = :lane", outbox_lane)
_MAKE_READY = prepare_sql(
    "UPDATE outbox SET ready_at = next_at WHERE library = :library AND id = :id AND status = 'waiting'", outbox
)


def enter_lane(connection: Connection, library: str, lane: str, id_: str) -> LaneTurn:
    """The place of a new row in its lane."""
    if not lane:
        return LaneTurn(0, now=True)
    row = _JOIN.fetch_first(connection, {"library": library, "lane": lane, "head": id_})
    return LaneTurn(row.last, now=row.head == id_)


def leave_lane(connection: Connection, library: str, lane: str) -> None:
    """A row of the lane has just ended or left it: the first of those that stay gets its turn, if it hasn't had it."""
    if not lane:
        return
    it = {"library": library, "lane": lane}
    locked = _LOCK.fetch_first(connection, it)
    if locked is None:  # the last one was a dead call to the library or letter, which had left it before
        return
    following = _NEXT.fetch_first(connection, it)
    if following is None:
        _END.execute_many(connection, [it])
    elif following.id != locked.head:
        _MOVE.execute_many(connection, [{**it, "head": following.id}])
        _MAKE_READY.execute_many(connection, [{"library": library, "id": following.id}])


@value_object
class Route:
    """Rows of one kind, of any library and target where these are None."""

    kind: str
    library: str | None = None
    target: str | None = None

    def to_sql_condition(self) -> ColumnElement[bool]:
        said = [COLUMNS.kind == self.kind]
        if self.library is not None:
            said.append(COLUMNS.library == self.library)
        if self.target is not None:
            said.append(COLUMNS.target == self.target)
        return and_(*said)


def claim_except(
    connection: Connection,
    now: datetime,
    limit: int,
    lease: timedelta,
    node: str,
    kinds: Collection[str],
    besides: Collection[Route],
) -> tuple[OutboxRow, ...]:
    """As `claim_rows`, without the rows of `besides`."""
    ready = select(COLUMNS.library, COLUMNS.id).where(COLUMNS.ready_at <= now, COLUMNS.kind.in_(sorted(kinds)))
    if besides:
        ready = ready.where(not_(or_(*(way.to_sql_condition() for way in besides))))
    ready = ready.order_by(COLUMNS.ready_at, COLUMNS.library, COLUMNS.id).limit(limit).with_for_update(skip_locked=True)
    found = connection.execute(ready).all()
    claimed = (claim_single_row(connection, library, id_, now, lease, node) for library, id_ in found)
    return tuple(row for row in claimed if row is not None)


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


def expire_node_leases(connection: Connection, nodes: str, now: datetime, besides: Collection[str]) -> int:
    """Ends the leases of rows in the hands of nodes whose names begin with `nodes`, but for the ids `besides`, so
    that they can be claimed at once; how many there were."""
    held = update(outbox).where(
        COLUMNS.status == OutboxStatus.IN_HAND.value, COLUMNS.node.startswith(nodes, autoescape=True)
    )
    if besides:
        held = held.where(COLUMNS.id.not_in(sorted(besides)))
    return connection.execute(held.values(lease_until=now, ready_at=now)).rowcount

"""What is to be done outside the database: told to partners, written to patrons, asked of the library.

Rows of a lane (a name that the caller chooses: one for each request, say) are done one after the other, in the order
in which they were added; a row that is dead holds up those behind it until staff decide, but for calls to the library.
Rows of the empty lane wait for nobody. The rules for rows whose turn has come are in `lanes`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.store.bulk import insert_rows
from gateway.store.ids import AFTER_ALL
from gateway.store.prepared import Prepared
from gateway.store.requests import lanes
from gateway.store.requests.statements import written
from gateway.store.requests.tables import HAS_ENDED, outbox
from gateway.store.rows import NOTE_LIMIT, clean


class Status(StrEnum):
    WAITING = "waiting"
    IN_HAND = "in-hand"
    DEAD = "dead"  # given up: staff release, edit or skip it
    DONE = "done"
    SKIPPED = "skipped"  # by staff
    REFUSED = "refused"  # ended, and whoever asked for it was told


UNFINISHED = (Status.WAITING, Status.IN_HAND, Status.DEAD)


@frozen_by_name
class Row:
    """`id` is made by `gateway.store.ids.exchange_id(now)`; `kind` is partner, letter, library, work or webhook, or
    one of `gateway.store.requests.gathering`; `target` says to whom, `payload` what, in words of the kind. All moments
    are aware UTC. `tries` counts claims. Personal data is in `payload` only: `error` and `note` are shown and
    logged."""

    library: str
    id: str
    lane: str
    kind: str
    target: str = ""
    request_id: str = ""
    payload: str
    status: Status = Status.WAITING
    tries: int = 0
    created: datetime
    next_at: datetime  # not before
    lease_until: datetime | None = None
    node: str = ""
    ended: datetime | None = None
    error: str = ""
    note: str = ""


@frozen
class Page:
    """`cursor` is empty when nothing follows."""

    rows: tuple[Row, ...]
    cursor: str = ""


class LeaseLost(Exception):
    """The row is not in this claim's hands any more: the lease was over and another took it, or it has ended. What
    the claim did meanwhile must not be recorded."""


def add(connection: Connection, row: Row) -> None:
    """A new row, waiting. Raises IntegrityError when the id is there already."""
    turn = lanes.join(connection, row.library, row.lane, row.id)
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
                Status.WAITING.value,
                0,
                row.created,
                row.next_at,
                row.next_at if turn.now else None,
                None,
                "",
                None,
                "",
                clean(row.note, NOTE_LIMIT),
            )
        ],
    )


# --- claiming --------------------------------------------------------------------------------------------

_c = outbox.c
_NOW = bindparam("now", type_=_c.next_at.type)
_ONE = (_c.library == bindparam("in_library"), _c.id == bindparam("with_id"))
_MINE = (*_ONE, _c.status == Status.IN_HAND.value, _c.node == bindparam("by_node"), _c.tries == bindparam("at_try"))

_READY = (
    select(outbox)
    .where(_c.ready_at <= _NOW)
    .order_by(_c.ready_at, _c.library, _c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIMABLE = Prepared(_READY)
_CLAIMABLE_ONE = Prepared(select(outbox).where(*_ONE, _c.ready_at <= _NOW).with_for_update(skip_locked=True))
_CLAIM = Prepared(
    update(outbox)
    .where(*_ONE)
    .values(
        status=Status.IN_HAND.value,
        tries=_c.tries + 1,
        lease_until=bindparam("until", type_=_c.lease_until.type),
        ready_at=bindparam("until", type_=_c.ready_at.type),
        node=bindparam("by_node"),
    )
)


def claim(
    connection: Connection,
    now: datetime,
    limit: int,
    lease: timedelta,
    node: str,
    kinds: Collection[str] | None = None,
) -> tuple[Row, ...]:
    """Up to `limit` rows of all libraries, those due longest first, now in the hands of `node` until the lease is
    over. Their turn has come, they are waiting and due, or were in hand under a lease that is over. No other claim
    gets them before that. `kinds`: only these."""
    if kinds is None:
        found: Sequence[Any] = _CLAIMABLE.all(connection, {"now": now, "limit": limit})
    else:
        found = connection.execute(_READY.where(_c.kind.in_(sorted(kinds))), {"now": now, "limit": limit}).all()
    return _claimed(connection, found, now + lease, node)


def claim_one(connection: Connection, library: str, id_: str, now: datetime, lease: timedelta, node: str) -> Row | None:
    """The same for one row, whose caller waits for it. None: it is not its turn, or it is in hand or has ended."""
    found = _CLAIMABLE_ONE.all(connection, {"in_library": library, "with_id": id_, "now": now})
    return next(iter(_claimed(connection, found, now + lease, node)), None)


def _claimed(connection: Connection, found: Sequence[Any], until: datetime, node: str) -> tuple[Row, ...]:
    if not found:
        return ()
    _CLAIM.run(
        connection,
        [{"in_library": row.library, "with_id": row.id, "until": until, "by_node": node} for row in found],
    )
    return tuple(_row(row, status=Status.IN_HAND, tries=row.tries + 1, lease_until=until, node=node) for row in found)


# --- what became of a row in hand ------------------------------------------------------------------------

_HELD = "WHERE library = :library AND id = :id AND status = 'in-hand' AND node = :node AND tries = :tries RETURNING id"
_AGAIN = written(
    "UPDATE outbox SET status = 'waiting', next_at = :next_at, ready_at = :next_at, lease_until = NULL, node = '', "
    f"error = :error {_HELD}",
    outbox,
    _c.id,
)
_DEAD = written(
    "UPDATE outbox SET status = 'dead', next_at = :next_at, ready_at = NULL, lease_until = NULL, node = '', "
    f"error = :error {_HELD}",
    outbox,
    _c.id,
)
_END_MINE = written(
    "UPDATE outbox SET status = :status, ended = :ended, ready_at = NULL, lease_until = NULL, error = :error, "
    f"note = :note {_HELD}",
    outbox,
    _c.id,
)


def done(connection: Connection, row: Row, note: str, at: datetime) -> None:
    """`row` as it was claimed. Raises LeaseLost."""
    _end(connection, row, Status.DONE, at, row.error, note)


def refused(connection: Connection, row: Row, error: str, at: datetime) -> None:
    """It ends without effect, and whoever asked for it is told; those behind it go on. Raises LeaseLost."""
    _end(connection, row, Status.REFUSED, at, error, row.note)


def let_be(connection: Connection, row: Row, reason: str, by: str, at: datetime) -> None:
    """A row in hand is never done, by decision of staff; those behind it go on. Raises LeaseLost."""
    _end(connection, row, Status.SKIPPED, at, row.error, _skipped(reason, by))


def again(connection: Connection, row: Row, next_at: datetime, error: str) -> None:
    """To be tried again, not before `next_at`. Raises LeaseLost."""
    _held(_AGAIN.first(connection, _mine(row, next_at=next_at, error=clean(error, NOTE_LIMIT))), row)


def dead(connection: Connection, row: Row, error: str, at: datetime) -> None:
    """Given up until staff decide; those behind it wait, but for calls to the library. Raises LeaseLost."""
    _held(_DEAD.first(connection, _mine(row, next_at=at, error=clean(error, NOTE_LIMIT))), row)
    if row.kind == lanes.INDEPENDENT:
        lanes.leave(connection, row.library, row.lane)


def _end(connection: Connection, row: Row, status: Status, at: datetime, error: str, note: str) -> None:
    ended = _mine(row, status=status.value, ended=at, error=clean(error, NOTE_LIMIT), note=clean(note, NOTE_LIMIT))
    _held(_END_MINE.first(connection, ended), row)
    lanes.leave(connection, row.library, row.lane)


def _mine(row: Row, **more: Any) -> Mapping[str, Any]:
    return {"library": row.library, "id": row.id, "node": row.node, "tries": row.tries, **more}


def _held(found: Any, row: Row) -> None:
    if found is None:
        raise LeaseLost(f"outbox row {row.id} of {row.library} is not in the hands of {row.node} any more")


# --- staff -----------------------------------------------------------------------------------------------

_STUCK = "WHERE library = :library AND id = :id AND status IN ('waiting', 'dead') RETURNING lane"
_ALONE = "kind = CASE WHEN kind = 'order' THEN 'partner' ELSE kind END"
_TURN = "ready_at = CASE WHEN status = 'dead' OR ready_at IS NOT NULL THEN :next_at END"
_RELEASE = written(
    f"UPDATE outbox SET status = 'waiting', tries = 0, next_at = :next_at, {_TURN}, {_ALONE} {_STUCK}", outbox, _c.lane
)
_EDIT = written(
    f"UPDATE outbox SET status = 'waiting', tries = 0, payload = :payload, next_at = :next_at, {_TURN}, {_ALONE} "
    f"{_STUCK}",
    outbox,
    _c.lane,
)
_REJOIN = written("UPDATE outbox SET place = :place, status = :status WHERE library = :library AND id = :id", outbox)
_SKIP = written(
    f"UPDATE outbox SET status = 'skipped', ended = :ended, ready_at = NULL, note = :note {_STUCK}", outbox, _c.lane
)


def release(connection: Connection, library: str, id_: str, now: datetime) -> bool:
    """A dead or waiting row is tried now, with its tries counted anew; an order that waited for others goes alone.
    False: there is no such row."""
    _rejoin_lane(connection, library, id_)
    return _RELEASE.first(connection, {"library": library, "id": id_, "next_at": now}) is not None


def edit(connection: Connection, library: str, id_: str, payload: str, now: datetime) -> bool:
    """The same with another payload."""
    _rejoin_lane(connection, library, id_)
    changed = {"library": library, "id": id_, "payload": payload, "next_at": now}
    return _EDIT.first(connection, changed) is not None


def _rejoin_lane(connection: Connection, library: str, id_: str) -> None:
    """A dead call to the library has left its lane: it is tried now where nothing waits there, else as the last."""
    row = get(connection, library, id_)
    if row is None or row.status is not Status.DEAD or row.kind != lanes.INDEPENDENT:
        return
    turn = lanes.join(connection, library, row.lane, id_)
    status = Status.DEAD if turn.now else Status.WAITING
    _REJOIN.run(connection, [{"library": library, "id": id_, "place": turn.place, "status": status.value}])


def skip(connection: Connection, library: str, id_: str, reason: str, by: str, now: datetime) -> bool:
    """A dead or waiting row is never done; those behind it go on. False: there is no such row, or it is in hand."""
    note = clean(_skipped(reason, by), NOTE_LIMIT)
    row = _SKIP.first(connection, {"library": library, "id": id_, "ended": now, "note": note})
    if row is None:
        return False
    lanes.leave(connection, library, row.lane)
    return True


def _skipped(reason: str, by: str) -> str:
    return f"skipped by {by}: {reason}"


# --- looking ---------------------------------------------------------------------------------------------

_GET = Prepared(select(outbox).where(*_ONE))
_LISTING = Prepared(
    select(outbox)
    .where(_c.status == bindparam("of_status"), _c.library == bindparam("in_library"), _c.id < bindparam("below"))
    .order_by(_c.id.desc())
    .limit(bindparam("limit"))
)
_OLDEST_FIRST = Prepared(
    select(outbox)
    .where(_c.status == bindparam("of_status"), _c.library == bindparam("in_library"), _c.id > bindparam("above"))
    .order_by(_c.id)
    .limit(bindparam("limit"))
)
_OF_REQUEST = Prepared(
    select(outbox)
    .where(_c.library == bindparam("in_library"), _c.request_id == bindparam("of_request"), _c.id < bindparam("below"))
    .order_by(_c.id.desc())
    .limit(bindparam("limit"))
)

_UNFINISHED = Prepared(
    select(outbox)
    .where(_c.library == bindparam("in_library"), _c.request_id == bindparam("of_request"), _c.ended.is_(None))
    .order_by(_c.id)
    .limit(bindparam("limit"))
)
_OF_KIND = Prepared(
    select(outbox)
    .where(_c.library == bindparam("in_library"), _c.kind == bindparam("of_kind"), _c.id < bindparam("below"))
    .order_by(_c.id.desc())
    .limit(bindparam("limit"))
)
_OF_KIND_AND_REQUEST = Prepared(
    select(outbox)
    .where(
        _c.library == bindparam("in_library"),
        _c.request_id == bindparam("of_request"),
        _c.kind == bindparam("of_kind"),
        _c.id < bindparam("below"),
    )
    .order_by(_c.id.desc())
    .limit(bindparam("limit"))
)


def get(connection: Connection, library: str, id_: str) -> Row | None:
    row = _GET.first(connection, {"in_library": library, "with_id": id_})
    return None if row is None else _row(row)


def listing(connection: Connection, library: str, status: Status, limit: int, cursor: str = "") -> Page:
    """Rows of one status, newest first."""
    found = {"of_status": status.value, "in_library": library, "below": cursor or AFTER_ALL, "limit": limit + 1}
    return _page(_LISTING.all(connection, found), limit)


def oldest_first(connection: Connection, library: str, status: Status, limit: int, cursor: str = "") -> Page:
    """The same, oldest first."""
    found = {"of_status": status.value, "in_library": library, "above": cursor, "limit": limit + 1}
    return _page(_OLDEST_FIRST.all(connection, found), limit)


def of_request(connection: Connection, library: str, request_id: str, limit: int, cursor: str = "") -> Page:
    """Rows of one request in every status, newest first, until they are pruned."""
    found = {"in_library": library, "of_request": request_id, "below": cursor or AFTER_ALL, "limit": limit + 1}
    return _page(_OF_REQUEST.all(connection, found), limit)


def unfinished_of_request(connection: Connection, library: str, request_id: str, limit: int = 100) -> tuple[Row, ...]:
    """Rows of one request that wait, are in hand or are dead, oldest first."""
    found = {"in_library": library, "of_request": request_id, "limit": limit}
    return tuple(_row(row) for row in _UNFINISHED.all(connection, found))


def requests_with_unfinished(connection: Connection, library: str, kind: str, target: str) -> tuple[str, ...]:
    """Ids of the requests for which this is still to be done, those that wait longest first."""
    query = (
        select(_c.request_id)
        .where(_c.status.in_([status.value for status in UNFINISHED]))
        .where(_c.library == library, _c.kind == kind, _c.target == target)
        .order_by(_c.id)
    )
    return tuple(dict.fromkeys(connection.execute(query).scalars()))


def of_kind(connection: Connection, library: str, kind: str, request_id: str, limit: int, cursor: str = "") -> Page:
    """Rows of one kind in every status, newest first, until they are pruned; `request_id` empty: of all requests."""
    found = {"in_library": library, "of_kind": kind, "below": cursor or AFTER_ALL, "limit": limit + 1}
    if request_id:
        return _page(_OF_KIND_AND_REQUEST.all(connection, {**found, "of_request": request_id}), limit)
    return _page(_OF_KIND.all(connection, found), limit)


def counts(connection: Connection) -> Mapping[tuple[str, Status], int]:
    """How many rows are unfinished, by library and status."""
    query = (
        select(_c.library, _c.status, func.count())
        .where(_c.status.in_([status.value for status in UNFINISHED]))
        .group_by(_c.library, _c.status)
    )
    return {(library, Status(status)): n for library, status, n in connection.execute(query)}


def oldest_waiting(connection: Connection) -> datetime | None:
    """When the oldest of the waiting rows of all libraries was added."""
    firsts = (
        select(_c.library, func.min(_c.id).label("id"))
        .where(_c.status == Status.WAITING.value)
        .group_by(_c.library)
        .subquery()
    )
    joined = outbox.join(firsts, (_c.library == firsts.c.library) & (_c.id == firsts.c.id))
    oldest: datetime | None = connection.execute(select(func.min(_c.created)).select_from(joined)).scalar()
    return oldest


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Deletes up to `limit` rows of all libraries that ended before `before`; how many there were."""
    old = (
        select(_c.library, _c.id).where(HAS_ENDED, _c.ended < before).order_by(_c.ended, _c.library, _c.id).limit(limit)
    )
    found = connection.execute(old).all()
    if found:
        _DELETE.run(connection, [{"library": library, "id": id_} for library, id_ in found])
    return len(found)


_DELETE = written("DELETE FROM outbox WHERE library = :library AND id = :id", outbox)


def _page(found: Sequence[Any], limit: int) -> Page:
    rows = tuple(_row(row) for row in found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else "")


def _row(
    row: Any,
    *,
    status: Status | None = None,
    tries: int | None = None,
    lease_until: datetime | None = None,
    node: str | None = None,
) -> Row:
    return Row(
        library=row.library,
        id=row.id,
        lane=row.lane,
        kind=row.kind,
        target=row.target,
        request_id=row.request_id,
        payload=row.payload,
        status=Status(row.status) if status is None else status,
        tries=row.tries if tries is None else tries,
        created=row.created,
        next_at=row.next_at,
        lease_until=row.lease_until if lease_until is None else lease_until,
        node=row.node if node is None else node,
        ended=row.ended,
        error=row.error,
        note=row.note,
    )

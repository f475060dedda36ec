"""Whose turn it is in a lane of the outbox.

Only the first unfinished row of a lane can be claimed, so it alone has `ready_at`: a claim finds what it may take in
one stretch of an index, however much waits behind dead rows or partners that are down. Whoever joins or leaves a
lane locks the lane's row first; so a row that comes while the last one ends is never left without its turn.

A dead row holds up those behind it, which may depend on it: a partner must not hear of the second event before the
first. A dead call to the library does not: each call asks for what the request needs at that moment, whatever the one
before it was to do, and some of them end what must not stay. It has left its lane, and joins it again when staff
release it.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, or_, select

from gateway.domain.frozen import frozen
from gateway.store.prepared import Prepared
from gateway.store.requests.statements import written
from gateway.store.requests.tables import IN_LANE, outbox, outbox_lane

INDEPENDENT = "library"
"""Kind of the rows that hold up nothing when they are dead."""


@frozen
class Turn:
    place: int
    now: bool


_lane = outbox_lane.c
_JOIN = written(
    "INSERT INTO outbox_lane (library, lane, head, last) VALUES (:library, :lane, :head, 1) "
    "ON CONFLICT (library, lane) DO UPDATE SET last = outbox_lane.last + 1 RETURNING head, last",
    outbox_lane,
    _lane.head,
    _lane.last,
)
_IT = (_lane.library == bindparam("library"), _lane.lane == bindparam("lane"))
_LOCK = Prepared(select(_lane.head).where(*_IT).with_for_update())
_END = Prepared(delete(outbox_lane).where(*_IT))
_NEXT = Prepared(
    select(outbox.c.id)
    .where(outbox.c.library == bindparam("library"), outbox.c.lane == bindparam("lane"), IN_LANE)
    .where(or_(outbox.c.status != "dead", outbox.c.kind != INDEPENDENT))
    .order_by(outbox.c.place)
    .limit(1)
)
_MOVE = written("UPDATE outbox_lane SET head = :head WHERE library = :library AND lane = :lane", outbox_lane)
_MAKE_READY = written(
    "UPDATE outbox SET ready_at = next_at WHERE library = :library AND id = :id AND status = 'waiting'", outbox
)


def join(connection: Connection, library: str, lane: str, id_: str) -> Turn:
    """The place of a new row in its lane."""
    if not lane:
        return Turn(0, now=True)
    row = _JOIN.first(connection, {"library": library, "lane": lane, "head": id_})
    return Turn(row.last, now=row.head == id_)


def leave(connection: Connection, library: str, lane: str) -> None:
    """A row of the lane has just ended or left it: the first of those that stay gets its turn, if it hasn't had it."""
    if not lane:
        return
    it = {"library": library, "lane": lane}
    locked = _LOCK.first(connection, it)
    if locked is None:  # the last one was a dead call to the library, which had left it before
        return
    following = _NEXT.first(connection, it)
    if following is None:
        _END.run(connection, [it])
    elif following.id != locked.head:
        _MOVE.run(connection, [{**it, "head": following.id}])
        _MAKE_READY.run(connection, [{"library": library, "id": following.id}])

"""Lanes of the outbox: their rows are done one after the other, in the order in which they were added.

The caller chooses a lane's name: one for each request, say. Rows of the empty lane wait for nobody. Whoever joins or
leaves a lane locks the lane's row first; so a row that comes while the last one ends is never left without its turn.

A dead row holds up those behind it, which may depend on it: a partner must not hear of the second event before the
first. A dead call to the library does not: each call asks for what the request needs at that moment, whatever the one
before it was to do, and some of them end what must not stay. Nor does a dead letter to a patron, as each says a thing
of its own. They have left their lane, and join it again when staff release them.

A message to a partner that is nothing but words or a question waits for those before it and holds up none of those
behind it: when it fails, it leaves its lane for good.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from gateway.domain.value import value_object
from gateway.sql.statements import PreparedStatement, prepare_sql
from gateway.store.requests.tables import IN_LANE, outbox, outbox_lane

INDEPENDENT = ("library", "letter")
"""Kinds of the rows that hold up nothing when they are dead: each letter to a patron says a thing of its own."""


_WORDS_ALONE = frozenset({"message", "damaged", "status-query", "status-report"})
"""Kinds of messages to a partner on which nothing that follows depends."""


def tells_words_alone(kind: str, payload: str) -> bool:
    """Return whether a row of this kind tells words alone."""
    return kind == "partner" and read_message_kind(payload) in _WORDS_ALONE


def read_message_kind(payload: str) -> str:
    """Read which event a message to a partner tells; empty where the payload can't be read."""
    try:
        message = json.loads(payload)
    except ValueError:  # damaged, or edited: the handler says so
        return ""
    return str(message.get("kind", "")) if isinstance(message, dict) else ""


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


_earlier = outbox.alias("earlier")
_PLACE_OF_EARLIER = select(_earlier.c.place).where(
    _earlier.c.library == bindparam("in_library"), _earlier.c.id == bindparam("earlier_id")
)
_TAKE_PLACE = PreparedStatement(
    update(outbox)
    .where(outbox.c.library == bindparam("in_library"), outbox.c.id == bindparam("with_id"))
    .values(place=func.coalesce(_PLACE_OF_EARLIER.scalar_subquery(), outbox.c.place))
)


def take_place(connection: Connection, library: str, id_: str, earlier: str) -> None:
    """A new row goes on with what the row `earlier` of its lane, which ends in this transaction, has begun: it stands
    before those behind that one."""
    _TAKE_PLACE.execute_many(connection, [{"in_library": library, "with_id": id_, "earlier_id": earlier}])


_LEAVE_EMPTY = prepare_sql(
    "DELETE FROM outbox_lane WHERE library = :library AND lane = :lane AND head = :head AND last = "
    "(SELECT ended.place FROM outbox AS ended WHERE ended.library = :library AND ended.id = :head) RETURNING head",
    outbox_lane,
    _lane.head,
    row_key=("library", "lane"),
)


def leave_lane_as_first(connection: Connection, library: str, lane: str, id_: str) -> None:
    """Leave a lane as `leave_lane` does, for a row that has just ended, which as often as not was the only one."""
    if not lane:
        return

    def give_turn(count: int) -> None:
        if not count:
            leave_lane(connection, library, lane)

    _LEAVE_EMPTY.execute_counted(connection, {"library": library, "lane": lane, "head": id_}, give_turn)


_STEP_ASIDE = prepare_sql("UPDATE outbox SET lane = '' WHERE library = :library AND id = :id", outbox)


def step_aside(connection: Connection, library: str, lane: str, id_: str) -> None:
    """A row waits for nobody any more, and nobody for it."""
    if lane:
        _STEP_ASIDE.execute_many(connection, [{"library": library, "id": id_}])
        leave_lane(connection, library, lane)


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

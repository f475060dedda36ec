"""Decisions of staff about outbox rows that wait or are dead: released, changed, skipped, put off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, or_, select

from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.sql.statements import PreparedStatement, prepare_sql
from gateway.store.requests.outbox import COLUMNS, ONE_ROW, OutboxStatus, error_parameters, format_skip_note
from gateway.store.requests.outbox_lanes import INDEPENDENT, enter_lane, leave_lane
from gateway.store.requests.tables import outbox

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
_LOCK = PreparedStatement(select(COLUMNS.id).where(*ONE_ROW).with_for_update())
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
_REFUSED = PreparedStatement(select(COLUMNS.lane).where(*ONE_ROW, COLUMNS.status == OutboxStatus.REFUSED.value))
_RESEND = prepare_sql(
    "UPDATE outbox SET status = 'waiting', tries = 0, place = :place, next_at = :next_at, ready_at = :ready_at, "
    "ended = NULL, error = '', error_sentence = '', note = '' WHERE library = :library AND id = :id",
    outbox,
)
_SKIP_REFUSED = prepare_sql(
    "UPDATE outbox SET status = 'skipped', note = :note WHERE library = :library AND id = :id AND status = 'refused'",
    outbox,
)
_END = prepare_sql(
    f"UPDATE outbox SET status = :status, ended = :ended, ready_at = NULL, note = :note {_STUCK}",
    outbox,
    COLUMNS.lane,
)


def lock_row(connection: Connection, library: str, id_: str) -> None:
    """Lock a row until the end of the transaction: others who decide about it wait, and no worker claims it."""
    _LOCK.fetch_first(connection, {"in_library": library, "with_id": id_})


def release_row(connection: Connection, library: str, id_: str, now: datetime) -> bool:
    """A dead or waiting row is tried now, with its tries counted anew; an order that waited for others goes alone.
    False: there is no such row."""
    _rejoin_lane(connection, library, id_)
    return _RELEASE.fetch_first(connection, {"library": library, "id": id_, "next_at": now}) is not None


def resend_row(connection: Connection, library: str, id_: str, now: datetime) -> bool:
    """A row that has ended as refused is tried anew, behind all that wait in its lane. False: there is no such row."""
    refused = _REFUSED.fetch_first(connection, {"in_library": library, "with_id": id_})
    if refused is None:
        return False
    turn = enter_lane(connection, library, refused.lane, id_)
    ready = {"place": turn.place, "next_at": now, "ready_at": now if turn.now else None}
    _RESEND.execute_many(connection, [{"library": library, "id": id_, **ready}])
    return True


def edit_row(connection: Connection, library: str, id_: str, payload: str, now: datetime) -> bool:
    """The same with another payload."""
    _rejoin_lane(connection, library, id_)
    changed = {"library": library, "id": id_, "payload": payload, "next_at": now}
    return _EDIT.fetch_first(connection, changed) is not None


def mark_as_tried(connection: Connection, library: str, id_: str, error: str) -> None:
    """A row that waits has one try behind it, as the one that was released may have arrived."""
    _TRIED.execute_many(connection, [{"library": library, "id": id_, **error_parameters(error)}])


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
    return end_row(connection, library, id_, OutboxStatus.SKIPPED, format_skip_note(reason, by), now)


def skip_refused_row(connection: Connection, library: str, id_: str, reason: str, by: str) -> None:
    """A message that its partner has refused, and that doesn't go again."""
    note = clean_text(format_skip_note(reason, by), MAX_NOTE_CHARS)
    _SKIP_REFUSED.execute_many(connection, [{"library": library, "id": id_, "note": note}])


def end_row(connection: Connection, library: str, id_: str, status: OutboxStatus, note: str, now: datetime) -> bool:
    """A dead or waiting row ends without a further try. False as `skip_row`."""
    ended = {"status": status.value, "ended": now, "note": clean_text(note, MAX_NOTE_CHARS)}
    row = _END.fetch_first(connection, {"library": library, "id": id_, **ended})
    if row is None:
        return False
    leave_lane(connection, library, row.lane)
    return True


def put_off_row(connection: Connection, library: str, id_: str, next_at: datetime) -> None:
    """A row that waits is not tried before `next_at`; those behind it wait with it."""
    _PUT_OFF.execute_many(connection, [{"library": library, "id": id_, "next_at": next_at}])

"""Replays of many messages, as jobs: which messages, in what order, and what became of each. A job outlives the process
that begins it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    RowMapping,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.domain.sentences import dump_sentence, load_sentence
from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.sql import column_types
from gateway.store.journal_queries import MAX_IDS_OF_STATEMENT
from gateway.store.schema import IS_REPLAY, message, metadata

SLICE = 200
"""Rows that one statement writes."""


class JobStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  # for good; what waits is not replayed
    FINISHED = "finished"


class ReplayStatus(StrEnum):
    """Of a message in a job."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    LEFT_OUT = "left-out"  # it can't be replayed


replay_job = Table(
    "replay_job",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("status"),
    column_types.text_column("reason"),  # why it has paused by itself
    column_types.moment_column("begun"),
    column_types.text_column("begun_by"),
    Column("ended", column_types.UtcDateTime),
    Column("search", Text, nullable=False, server_default=""),  # JSON; empty: pages can't make it
    PrimaryKeyConstraint("library", "id", name="pk_replay_job"),
    Index("ix_replay_job_status", "status", "id"),
)

replay_message = Table(
    "replay_message",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("job"),
    column_types.integer_column("position"),
    column_types.id_column("message"),
    column_types.text_column("status"),
    column_types.text_column("reason"),  # a code of the journal, or a sentence
    column_types.text_column("reason_sentence"),  # what a sentence was made of, by `dump_sentence`
    column_types.id_column("replay"),  # newest of the message that the job knows of
    Column("ended", column_types.UtcDateTime),
    PrimaryKeyConstraint("library", "job", "position", name="pk_replay_message"),
    Index("ix_replay_message_status", "library", "job", "status", "position"),
)

_j, _m = replay_job.c, replay_message.c


@value_object
class ReplayJob:
    library: str
    id: str
    status: JobStatus
    reason: str
    begun: datetime
    begun_by: str
    ended: datetime | None
    search: str = ""


@value_object
class ReplayItem:
    """A message of a job. `replay`: id of its newest replay that the job knows of; empty: it knows of none."""

    library: str
    job: str
    position: int
    message: str
    status: ReplayStatus
    reason: str
    replay: str
    ended: datetime | None


@value_object
class ListedReplay:
    """`at`, `profile` … as the journal has them of the message; None and empty where it has forgotten it."""

    item: ReplayItem
    at: datetime | None
    profile: str
    service: str
    request_id: str
    item_id: str
    outcome: OutcomeClass | None
    reason: str


def insert_job(connection: Connection, job: ReplayJob, messages: Sequence[str]) -> None:
    """`messages`: ids, in the order in which they are to be replayed."""
    connection.execute(insert(replay_job).values({column.name: getattr(job, column.name) for column in _j}))
    for start in range(0, len(messages), SLICE):
        ids = messages[start : start + SLICE]
        newest = _find_newest_replays(connection, job.library, ids)
        rows = [
            {
                "library": job.library,
                "job": job.id,
                "position": position,
                "message": message,
                "status": ReplayStatus.WAITING,
                "reason": "",
                "reason_sentence": "",
                "replay": newest.get(message, ""),
                "ended": None,
            }
            for position, message in enumerate(ids, start)
        ]
        connection.execute(insert(replay_message), rows)


def _find_newest_replays(connection: Connection, library: str, messages: Sequence[str]) -> Mapping[str, str]:
    """Find the newest replays among those that have ended: one without an end is new to the job, which waits for it. At
    most `MAX_IDS_OF_STATEMENT` messages."""
    assert len(messages) <= MAX_IDS_OF_STATEMENT
    c = message.c
    query = (
        select(c.replay_of, func.max(c.id).label("newest"))
        .where(c.library == library, c.replay_of.in_(messages), IS_REPLAY, c.outcome != OutcomeClass.PENDING)
        .group_by(c.replay_of)
    )
    return {row.replay_of: row.newest for row in connection.execute(query)}


def find_job(connection: Connection, library: str, job: str) -> ReplayJob | None:
    row = connection.execute(select(replay_job).where(_j.library == library, _j.id == job)).one_or_none()
    return _make_job(row._mapping) if row is not None else None


def list_jobs(connection: Connection, library: str, limit: int) -> tuple[ReplayJob, ...]:
    """Newest first."""
    query = select(replay_job).where(_j.library == library).order_by(_j.id.desc()).limit(limit)
    return tuple(_make_job(row._mapping) for row in connection.execute(query))


def list_running_jobs(connection: Connection) -> tuple[ReplayJob, ...]:
    """List the running jobs of all libraries, oldest first."""
    query = select(replay_job).where(_j.status == JobStatus.RUNNING).order_by(_j.id)
    return tuple(_make_job(row._mapping) for row in connection.execute(query))


def count_items(connection: Connection, library: str, job: str) -> Mapping[ReplayStatus, int]:
    query = select(_m.status, func.count()).where(_m.library == library, _m.job == job).group_by(_m.status)
    return {ReplayStatus(status): count for status, count in connection.execute(query)}


def find_next_item(connection: Connection, library: str, job: str) -> ReplayItem | None:
    """The first that waits."""
    waits = (_m.library == library, _m.job == job, _m.status == ReplayStatus.WAITING)
    row = connection.execute(select(replay_message).where(*waits).order_by(_m.position).limit(1)).one_or_none()
    return _make_item(row._mapping) if row is not None else None


def list_items(
    connection: Connection, library: str, job: str, status: ReplayStatus | None, after: int, limit: int
) -> tuple[ListedReplay, ...]:
    """List the items in order, behind the position `after`."""
    known = message.c.library == _m.library, message.c.id == _m.message
    journal = (message.c[name] for name in ("at", "profile", "service", "request_id", "item_id", "outcome", "reason"))
    query = (
        select(replay_message, *(column.label(f"j_{column.name}") for column in journal))
        .select_from(replay_message.outerjoin(message, known[0] & known[1]))
        .where(_m.library == library, _m.job == job, _m.position > after)
        .order_by(_m.position)
        .limit(limit)
    )
    if status is not None:
        query = query.where(_m.status == status)
    return tuple(
        ListedReplay(
            _make_item(row),
            row["j_at"],
            row["j_profile"] or "",
            row["j_service"] or "",
            row["j_request_id"] or "",
            row["j_item_id"] or "",
            OutcomeClass(row["j_outcome"]) if row["j_outcome"] else None,
            row["j_reason"] or "",
        )
        for row in connection.execute(query).mappings()
    )


def record_result(
    connection: Connection, item: ReplayItem, status: ReplayStatus, reason: str, replay: str, at: datetime
) -> None:
    """Record the result of a message that waited."""
    key = (_m.library == item.library, _m.job == item.job, _m.position == item.position)
    connection.execute(
        update(replay_message)
        .where(*key, _m.status == ReplayStatus.WAITING)
        .values(
            status=status,
            reason=reason,
            reason_sentence=dump_sentence(reason),
            replay=replay or item.replay,
            ended=at,
        )
    )


def change_status(connection: Connection, job: ReplayJob, status: JobStatus, at: datetime, reason: str = "") -> bool:
    """False: the job's status is another one by now."""
    ended = at if status in (JobStatus.STOPPED, JobStatus.FINISHED) else None
    key = (_j.library == job.library, _j.id == job.id, _j.status == job.status)
    changed = connection.execute(update(replay_job).where(*key).values(status=status, reason=reason, ended=ended))
    return changed.rowcount > 0


def release_failed_items(connection: Connection, library: str, job: str) -> None:
    """Those that failed wait again."""
    failed = (_m.library == library, _m.job == job, _m.status == ReplayStatus.FAILED)
    values = {"status": ReplayStatus.WAITING, "reason": "", "reason_sentence": "", "ended": None}
    connection.execute(update(replay_message).where(*failed).values(values))


def forget_jobs(connection: Connection, library: str, before: datetime) -> int:
    """Those that ended before."""
    over = (_j.library == library, _j.ended < before)
    ids = connection.execute(select(_j.id).where(*over).limit(SLICE)).scalars().all()
    for job in ids:
        connection.execute(delete(replay_message).where(_m.library == library, _m.job == job))
        connection.execute(delete(replay_job).where(_j.library == library, _j.id == job))
    return len(ids)


def _make_job(row: RowMapping) -> ReplayJob:
    return ReplayJob(**{**row, "status": JobStatus(row["status"])})


def _make_item(row: RowMapping) -> ReplayItem:
    """Make an item of a row with the columns of the table, and maybe more."""
    return ReplayItem(
        row["library"],
        row["job"],
        row["position"],
        row["message"],
        ReplayStatus(row["status"]),
        load_sentence(row["reason"], row["reason_sentence"]),
        row["replay"],
        row["ended"],
    )

"""Outbox rows listed and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, or_, select

from gateway.domain.requests.staff_views import DeadLetterCause
from gateway.domain.sentences import load_sentence
from gateway.sql.index_hints import follow_index
from gateway.sql.statements import PreparedStatement
from gateway.store.requests.outbox import (
    COLUMNS,
    ONE_ROW,
    UNFINISHED,
    OutboxPage,
    OutboxRow,
    OutboxStatus,
    outbox_row_of,
)
from gateway.store.requests.tables import IS_READY, outbox
from gateway.store.schema import AFTER_ALL

BY_STATUS, BY_REQUEST, BY_READINESS = "ix_outbox_status", "ix_outbox_request", "ix_outbox_library_ready"
"""Indexes that lead to few rows, whichever others SQLite takes for as good: that of kinds leads to all that was ever
sent."""

# --- looking ---------------------------------------------------------------------------------------------

_GET = PreparedStatement(select(outbox).where(*ONE_ROW))
_OLDEST_FIRST = PreparedStatement(
    select(outbox)
    .where(
        COLUMNS.status == bindparam("of_status"),
        COLUMNS.library == bindparam("in_library"),
        COLUMNS.id > bindparam("above"),
    )
    .order_by(COLUMNS.id)
    .limit(bindparam("limit"))
)
_OF_REQUEST = PreparedStatement(
    select(outbox)
    .where(
        COLUMNS.library == bindparam("in_library"),
        COLUMNS.request_id == bindparam("of_request"),
        COLUMNS.id < bindparam("below"),
    )
    .order_by(COLUMNS.id.desc())
    .limit(bindparam("limit"))
)

_UNFINISHED = PreparedStatement(
    select(outbox)
    .where(
        COLUMNS.library == bindparam("in_library"),
        COLUMNS.request_id == bindparam("of_request"),
        COLUMNS.ended.is_(None),
    )
    .order_by(COLUMNS.id)
    .limit(bindparam("limit"))
)
_OF_KIND = PreparedStatement(
    select(outbox)
    .where(
        COLUMNS.library == bindparam("in_library"),
        COLUMNS.kind == bindparam("of_kind"),
        COLUMNS.id < bindparam("below"),
    )
    .order_by(COLUMNS.id.desc())
    .limit(bindparam("limit"))
)
_OF_KIND_AND_REQUEST = PreparedStatement(
    follow_index(
        select(outbox)
        .where(
            COLUMNS.library == bindparam("in_library"),
            COLUMNS.request_id == bindparam("of_request"),
            COLUMNS.kind == bindparam("of_kind"),
            COLUMNS.id < bindparam("below"),
        )
        .order_by(COLUMNS.id.desc())
        .limit(bindparam("limit")),
        outbox,
        BY_REQUEST,
    )
)


def get_outbox_row(connection: Connection, library: str, id_: str) -> OutboxRow | None:
    row = _GET.fetch_first(connection, {"in_library": library, "with_id": id_})
    return None if row is None else outbox_row_of(row)


def list_oldest_by_status(
    connection: Connection, library: str, status: OutboxStatus, limit: int, cursor: str = ""
) -> OutboxPage:
    """Rows of one status, oldest first."""
    values = {"of_status": status.value, "in_library": library, "above": cursor, "limit": limit + 1}
    return _page_of_rows(_OLDEST_FIRST.fetch_all(connection, values), limit)


def list_rows_of_request(
    connection: Connection, library: str, request_id: str, limit: int, cursor: str = ""
) -> OutboxPage:
    """Rows of one request in every status, newest first, until they are pruned."""
    values = {"in_library": library, "of_request": request_id, "below": cursor or AFTER_ALL, "limit": limit + 1}
    return _page_of_rows(_OF_REQUEST.fetch_all(connection, values), limit)


def unfinished_of_request(
    connection: Connection, library: str, request_id: str, limit: int = 100
) -> tuple[OutboxRow, ...]:
    """Rows of one request that wait, are in hand or are dead, oldest first."""
    values = {"in_library": library, "of_request": request_id, "limit": limit}
    return tuple(outbox_row_of(row) for row in _UNFINISHED.fetch_all(connection, values))


def has_rows_to_go(connection: Connection, library: str, request_id: str, besides: str) -> bool:
    """Return whether something of a request is in hand, or will be tried when its time comes; what is dead is not, nor
    what waits behind it. `besides`: a kind that doesn't count."""
    values = {"in_library": library, "of_request": request_id, "besides": besides}
    return _TO_GO.fetch_first(connection, values) is not None


_TO_GO = PreparedStatement(
    select(COLUMNS.id)
    .where(
        COLUMNS.library == bindparam("in_library"),
        COLUMNS.request_id == bindparam("of_request"),
        COLUMNS.ended.is_(None),
        COLUMNS.kind != bindparam("besides"),
        or_(COLUMNS.ready_at.is_not(None), COLUMNS.status == OutboxStatus.IN_HAND.value),
    )
    .limit(1)
)


def requests_with_dead_letters(connection: Connection, library: str, request_ids: Sequence[str]) -> frozenset[str]:
    """Those of these requests for which something was given up, and staff haven't decided yet."""
    query = select(COLUMNS.request_id).where(
        COLUMNS.library == library,
        COLUMNS.request_id.in_(request_ids),
        COLUMNS.ended.is_(None),
        COLUMNS.status == OutboxStatus.DEAD.value,
    )
    return frozenset(connection.execute(query).scalars())


def requests_with_unfinished(connection: Connection, library: str, kind: str, target: str) -> tuple[str, ...]:
    """Ids of the requests for which this is still to be done, those that wait longest first."""
    query = (
        select(COLUMNS.request_id)
        .where(COLUMNS.status.in_([status.value for status in UNFINISHED]))
        .where(COLUMNS.library == library, COLUMNS.kind == kind, COLUMNS.target == target)
        .order_by(COLUMNS.id)
    )
    return tuple(dict.fromkeys(connection.execute(follow_index(query, outbox, BY_STATUS)).scalars()))


def list_rows_of_kind(
    connection: Connection, library: str, kind: str, request_id: str, limit: int, cursor: str = ""
) -> OutboxPage:
    """Rows of one kind in every status, newest first, until they are pruned; `request_id` empty: of all requests."""
    values = {"in_library": library, "of_kind": kind, "below": cursor or AFTER_ALL, "limit": limit + 1}
    if request_id:
        return _page_of_rows(_OF_KIND_AND_REQUEST.fetch_all(connection, {**values, "of_request": request_id}), limit)
    return _page_of_rows(_OF_KIND.fetch_all(connection, values), limit)


def list_rows_of_requests(
    connection: Connection, library: str, kind: str, request_ids: Sequence[str], limit: int
) -> tuple[OutboxRow, ...]:
    """Rows of one kind and of any of these requests, newest first, until they are pruned."""
    query = (
        select(outbox)
        .where(COLUMNS.library == library, COLUMNS.request_id.in_(request_ids), COLUMNS.kind == kind)
        .order_by(COLUMNS.id.desc())
        .limit(limit)
    )
    return tuple(outbox_row_of(row) for row in connection.execute(follow_index(query, outbox, BY_REQUEST)))


def list_refused_of_request(
    connection: Connection, library: str, kind: str, request_id: str, limit: int = 100
) -> tuple[OutboxRow, ...]:
    """Rows of one kind and request that were refused, oldest first, until they are pruned."""
    rows = list_rows_of_kind(connection, library, kind, request_id, limit).rows
    return tuple(row for row in reversed(rows) if row.status is OutboxStatus.REFUSED)


def count_unfinished_rows(connection: Connection) -> Mapping[tuple[str, OutboxStatus], int]:
    """Count unfinished rows, by library and status."""
    query = (
        select(COLUMNS.library, COLUMNS.status, func.count())
        .where(COLUMNS.status.in_([status.value for status in UNFINISHED]))
        .group_by(COLUMNS.library, COLUMNS.status)
    )
    return {(library, OutboxStatus(status)): n for library, status, n in connection.execute(query)}


def count_waiting_by_target(connection: Connection, kind: str) -> Mapping[str, int]:
    """Count waiting rows of this kind, by target, of all libraries."""
    query = (
        select(COLUMNS.target, func.count())
        .where(COLUMNS.status == OutboxStatus.WAITING.value, COLUMNS.kind == kind)
        .group_by(COLUMNS.target)
        .order_by(COLUMNS.target)
    )
    return {target: int(count) for target, count in connection.execute(query)}


def group_dead_rows(connection: Connection, library: str) -> tuple[DeadLetterCause, ...]:
    """Group dead rows by kind, target and error, the group with the oldest first."""
    group = (COLUMNS.kind, COLUMNS.target, COLUMNS.error)
    oldest = func.min(COLUMNS.created)
    query = (
        select(
            *group,
            func.count(),
            oldest,
            func.max(COLUMNS.created),
            func.max(COLUMNS.tries),
            func.max(COLUMNS.error_sentence),
        )
        .where(COLUMNS.library == library, COLUMNS.status == OutboxStatus.DEAD.value)
        .group_by(*group)
        .order_by(oldest, *group)
    )
    return tuple(
        DeadLetterCause(kind, target, load_sentence(error, sentence), *counted)
        for kind, target, error, *counted, sentence in connection.execute(follow_index(query, outbox, BY_STATUS))
    )


def list_dead_of_cause(
    connection: Connection, library: str, kind: str, target: str, error: str, limit: int
) -> tuple[OutboxRow, ...]:
    """Dead rows of one group, oldest first."""
    query = (
        select(outbox)
        .where(COLUMNS.library == library, COLUMNS.status == OutboxStatus.DEAD.value)
        .where(COLUMNS.kind == kind, COLUMNS.target == target, COLUMNS.error == error)
        .order_by(COLUMNS.id)
        .limit(limit)
    )
    return tuple(outbox_row_of(row) for row in connection.execute(follow_index(query, outbox, BY_STATUS)))


def find_oldest_waiting(connection: Connection) -> datetime | None:
    """Find when the oldest of the waiting rows of all libraries was added."""
    firsts = (
        select(COLUMNS.library, func.min(COLUMNS.id).label("id"))
        .where(COLUMNS.status == OutboxStatus.WAITING.value)
        .group_by(COLUMNS.library)
        .subquery()
    )
    joined = outbox.join(firsts, (COLUMNS.library == firsts.c.library) & (COLUMNS.id == firsts.c.id))
    oldest: datetime | None = connection.execute(select(func.min(COLUMNS.created)).select_from(joined)).scalar()
    return oldest


def find_oldest_due(connection: Connection, library: str, now: datetime) -> datetime | None:
    """Find since when the row has been due that nothing holds up and that waits longest."""
    query = (
        select(COLUMNS.ready_at)
        .where(IS_READY, COLUMNS.library == library, COLUMNS.ready_at <= now)
        .order_by(COLUMNS.ready_at, COLUMNS.id)
        .limit(1)
    )
    oldest: datetime | None = connection.execute(follow_index(query, outbox, BY_READINESS)).scalar()
    return oldest


def _page_of_rows(listed: Sequence[Any], limit: int) -> OutboxPage:
    rows = tuple(outbox_row_of(row) for row in listed[:limit])
    return OutboxPage(rows, rows[-1].id if len(listed) > limit else "")


def list_retried_targets(
    connection: Connection, library: str, kind: str, least_tries: int
) -> Sequence[tuple[str, int, datetime, str]]:
    """Targets for which a waiting row of this kind has been tried so often in vain: target, how many rows wait for it,
    when the oldest that was tried was made (UTC), why one of them failed; the oldest first."""
    tried = case((COLUMNS.tries >= least_tries, COLUMNS.created))
    query = (
        select(COLUMNS.target, func.count(), func.min(tried), func.max(COLUMNS.error), func.max(COLUMNS.error_sentence))
        .where(COLUMNS.status == OutboxStatus.WAITING.value, COLUMNS.library == library, COLUMNS.kind == kind)
        .group_by(COLUMNS.target)
        .having(func.max(COLUMNS.tries) >= least_tries)
        .order_by(func.min(tried))
    )
    rows = connection.execute(follow_index(query, outbox, BY_STATUS))
    return [(target, int(n), since, load_sentence(error, sentence)) for target, n, since, error, sentence in rows]

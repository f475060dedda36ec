"""Counts kept with every change, supply times, loads reported by the network."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from zlib import crc32

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.domain.requests.network_load import LoadReport
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.task_lists import DEAD_LETTERS, TASKS
from gateway.domain.value import value_object
from gateway.sql.statements import PreparedStatement, prepare_sql
from gateway.store.requests.tables import network_report, outbox, request, request_count, request_supply, request_task

SLOTS = 8

TASK = "task"

Counted = tuple[str, str]
"""Kind and name of a count."""

_COUNT = prepare_sql(
    "INSERT INTO request_count (library, kind, name, slot, n) VALUES (:library, :kind, :name, :slot, :n) "
    "ON CONFLICT (library, kind, name, slot) DO UPDATE SET n = request_count.n + excluded.n",
    request_count,
    row_key=("library", "kind", "name", "slot"),
)
_SUPPLY = prepare_sql(
    "INSERT INTO request_supply (library, day, partner, n, seconds) VALUES (:library, :day, :partner, 1, :seconds) "
    "ON CONFLICT (library, day, partner) DO UPDATE "
    "SET n = request_supply.n + 1, seconds = request_supply.seconds + excluded.seconds",
    request_supply,
    row_key=("library", "day", "partner"),
)
_supply_columns = request_supply.c
_SUPPLIED = PreparedStatement(
    select(
        _supply_columns.partner,
        func.sum(_supply_columns.n).label("n"),
        func.sum(_supply_columns.seconds).label("seconds"),
    )
    .where(
        _supply_columns.library == bindparam("library"),
        _supply_columns.day >= bindparam("since", type_=_supply_columns.day.type),
    )
    .group_by(_supply_columns.partner)
)
_count_columns = request_count.c
_COUNTS = PreparedStatement(
    select(_count_columns.name, func.sum(_count_columns.n).label("n"))
    .where(_count_columns.library == bindparam("library"), _count_columns.kind == bindparam("kind"))
    .group_by(_count_columns.name)
)
_DEAD = PreparedStatement(
    select(func.count().label("n"))
    .select_from(outbox)
    .where(outbox.c.status == "dead", outbox.c.library == bindparam("library"))
)

_OLDEST = PreparedStatement(
    select(request_task.c.since)
    .where(request_task.c.library == bindparam("library"), request_task.c.task == bindparam("task"))
    .order_by(request_task.c.since)
    .limit(1)
)
_OLDEST_DEAD = PreparedStatement(
    select(outbox.c.created.label("since"))
    .where(outbox.c.status == "dead", outbox.c.library == bindparam("library"))
    .order_by(outbox.c.id)
    .limit(1)
)

_report_columns = network_report.c
_KEEP = prepare_sql(
    "INSERT INTO network_report (library, member, said_library, open, at) "
    "VALUES (:library, :member, :said_library, :open, :at) "
    "ON CONFLICT (library, member) DO UPDATE "
    "SET said_library = excluded.said_library, open = excluded.open, at = excluded.at "
    "WHERE network_report.at <= excluded.at",
    network_report,
)


@value_object
class SupplyTime:
    """The number of times that a partner shipped, and the days it took on average from asking to shipping."""

    count: int
    mean_days: float


def count_change(
    connection: Connection, library: str, request_id: str, left: Iterable[Counted], joined: Iterable[Counted]
) -> None:
    """A request counts no more in some, and counts in others now. In one order, so that nodes don't lock each other
    out."""
    gone, come = set(left), set(joined)
    slot = crc32(request_id.encode()) % SLOTS
    changes = sorted([(*key, -1) for key in gone - come] + [(*key, 1) for key in come - gone])
    if changes:
        rows = [{"library": library, "kind": kind, "name": name, "slot": slot, "n": n} for kind, name, n in changes]
        _COUNT.execute_many(connection, rows)


def count_supply(connection: Connection, request: Request, attempt_number: int) -> None:
    """The attempt's item was shipped (or its copy delivered) when the request changed last."""
    attempt = request.find_attempt(attempt_number)
    assert attempt is not None, "an attempt of this request"
    seconds = max(0, int((request.changed - attempt.asked).total_seconds()))
    day = request.changed.date()
    _SUPPLY.execute_many(
        connection, [{"library": request.library, "day": day, "partner": attempt.partner, "seconds": seconds}]
    )


def list_libraries(connection: Connection) -> frozenset[str]:
    """List the symbols of all libraries that have ever had a request."""
    return frozenset(connection.scalars(select(_count_columns.library).distinct()))


def read_task_counts(connection: Connection, library: str) -> Mapping[str, int]:
    """Count the requests on each task list, and the dead letters; all names, in order."""
    totals = read_counts(connection, library, TASK)
    counts = {task.name: totals.get(task.name, 0) for task in TASKS}
    counts[DEAD_LETTERS] = _DEAD.fetch_first(connection, {"library": library}).n
    return counts


def read_oldest_of_tasks(connection: Connection, library: str) -> Mapping[str, datetime]:
    """Read since when the request that has waited longest stands on each task list, and the oldest dead letter since it
    was made; empty lists are left out."""
    parameters = {"library": library}
    oldest = {task.name: _OLDEST.fetch_first(connection, parameters | {"task": task.name}) for task in TASKS}
    oldest[DEAD_LETTERS] = _OLDEST_DEAD.fetch_first(connection, parameters)
    return {name: row.since for name, row in oldest.items() if row is not None}


@value_object
class TaskFigure:
    """The number on a task list, and since when the oldest is there."""

    count: int
    oldest: datetime


def read_task_figures(
    connection: Connection, library: str, tasks: Collection[str], branches: Collection[str] = ()
) -> Mapping[tuple[str, Role], TaskFigure]:
    """Count the requests of each side that are on these task lists; `branches`: only of those, empty: of all. It costs
    with what is on the lists, so it is for short ones, or for the work of a branch."""
    listed, c = request_task.c, request.c
    query = (
        select(listed.task, c.role, func.count(), func.min(listed.since))
        .join(request, (c.library == listed.library) & (c.id == listed.request_id))
        .where(listed.library == library, listed.task.in_(sorted(tasks)))
        .group_by(listed.task, c.role)
    )
    if branches:
        query = query.where(c.branch.in_(sorted(branches)))
    return {(task, Role(role)): TaskFigure(count, oldest) for task, role, count, oldest in connection.execute(query)}


def read_partner_loads(connection: Connection, library: str, role: Role) -> Mapping[str, int]:
    """Open requests by the profile of the partner: the supplier that has the request or whose item it is
    (borrowing), the requester (lending). Partners without any are left out."""
    return {name: n for name, n in read_counts(connection, library, role.value).items() if n}


def read_supply_times(connection: Connection, library: str, since: datetime) -> Mapping[str, SupplyTime]:
    """Read the times by the profile of the supplier, of what was shipped on the day of `since` (UTC) or later. Counted
    by days, so the cost grows with days and partners, not with requests."""
    rows = _SUPPLIED.fetch_all(connection, {"library": library, "since": since.date()})
    return {partner: SupplyTime(int(n), float(seconds) / int(n) / 86_400) for partner, n, seconds in rows}


def read_counts(connection: Connection, library: str, kind: str) -> dict[str, int]:
    """Read counts by name; what nothing has is left out."""
    rows = _COUNTS.fetch_all(connection, {"library": library, "kind": kind})
    return {row.name: int(row.n) for row in rows if row.n}


def read_counts_of_libraries(
    connection: Connection, libraries: Collection[str], kind: str
) -> dict[str, dict[str, int]]:
    """Read the counts of one kind by library and name; what nothing has is left out. One query for all."""
    query = (
        select(_count_columns.library, _count_columns.name, func.sum(_count_columns.n))
        .where(_count_columns.library.in_(sorted(libraries)), _count_columns.kind == kind)
        .group_by(_count_columns.library, _count_columns.name)
    )
    counts: dict[str, dict[str, int]] = {}
    for library, name, n in connection.execute(query):
        if n:
            counts.setdefault(library, {})[name] = int(n)
    return counts


def store_report(connection: Connection, library: str, reports: Iterable[LoadReport]) -> None:
    """Store a report in place of what these members said before; another node may have heard a later word already."""
    rows = [
        {
            "library": library,
            "member": load_report.member,
            "said_library": load_report.library,
            "open": json.dumps(dict(load_report.open), ensure_ascii=False),
            "at": load_report.at,
        }
        for load_report in sorted(reports, key=lambda report: report.member)  # so that two nodes don't wait crosswise
    ]
    if rows:
        _KEEP.execute_many(connection, rows)


def list_reports(connection: Connection, library: str) -> tuple[LoadReport, ...]:
    rows = connection.execute(
        select(network_report).where(_report_columns.library == library).order_by(_report_columns.member)
    )
    return tuple(
        LoadReport(member=row.member, library=row.said_library, at=row.at, open=json.loads(row.open)) for row in rows
    )


def forget_former_members(connection: Connection, library: str, members: Collection[str]) -> None:
    """Forget the reports of who is no member any more."""
    connection.execute(
        delete(network_report).where(_report_columns.library == library, _report_columns.member.not_in(sorted(members)))
    )

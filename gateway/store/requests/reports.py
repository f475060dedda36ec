"""What the members of a library's network said last about the load of suppliers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, select

from gateway.domain.requests.network import Report
from gateway.store.requests.statements import written
from gateway.store.requests.tables import network_report

_report_columns = network_report.c
_KEEP = written(
    "INSERT INTO network_report (library, member, said_library, open, at) "
    "VALUES (:library, :member, :said_library, :open, :at) "
    "ON CONFLICT (library, member) DO UPDATE "
    "SET said_library = excluded.said_library, open = excluded.open, at = excluded.at "
    "WHERE network_report.at <= excluded.at",
    network_report,
)


def keep(connection: Connection, library: str, reports: Iterable[Report]) -> None:
    """In place of what these members said before; another node may have heard a later word already."""
    rows = [
        {
            "library": library,
            "member": one.member,
            "said_library": one.library,
            "open": json.dumps(dict(one.open), ensure_ascii=False),
            "at": one.at,
        }
        for one in sorted(reports, key=lambda report: report.member)  # so that two nodes don't wait crosswise
    ]
    if rows:
        _KEEP.run(connection, rows)


def of_library(connection: Connection, library: str) -> tuple[Report, ...]:
    found = connection.execute(
        select(network_report).where(_report_columns.library == library).order_by(_report_columns.member)
    )
    return tuple(
        Report(member=row.member, library=row.said_library, at=row.at, open=json.loads(row.open)) for row in found
    )


def forget_others(connection: Connection, library: str, members: Collection[str]) -> None:
    """Of who is no member any more."""
    connection.execute(
        delete(network_report).where(_report_columns.library == library, _report_columns.member.not_in(sorted(members)))
    )

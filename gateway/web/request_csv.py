"""Requests as lines of a CSV file, the same for staff's lists and the API: plain words, moments in UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime, tzinfo

from gateway.domain.due_dates import local_day
from gateway.domain.requests.request import Request, Role

CSV_COLUMNS = (
    *("number", "their_number", "role", "state", "flags", "title", "author", "partner", "partner_name", "service"),
    *("branch", "assignee", "labels", "need_by", "due", "waiting_since", "created", "changed", "patron"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would carry out."""


def format_csv_header() -> str:
    return format_csv_cells(CSV_COLUMNS)


def format_csv_row(one: Request, since: datetime, zone: tzinfo, *, with_patron: bool) -> str:
    """`since`: since when it waits; `zone`: of the library."""
    due = find_due_day(one, zone)
    citation, patron = one.citation, one.patron if one.role is Role.BORROWING else one.direct_patron
    return format_csv_cells(
        (
            one.number,
            one.transaction if one.role is Role.LENDING else "",
            one.role.value,
            one.state.value,
            " ".join(sorted(flag.value for flag in one.flags)),
            citation.component_title or citation.title,
            citation.component_author or citation.author,
            one.partner.profile,
            one.partner.name,
            one.service.type.value,
            one.desk,
            one.assignee,
            "; ".join(one.labels),
            one.dates.need_by.isoformat() if one.dates.need_by is not None else "",
            due.isoformat() if due is not None and due != one.dates.need_by else "",
            since.isoformat(timespec="seconds"),
            one.created.isoformat(timespec="seconds"),
            one.changed.isoformat(timespec="seconds"),
            patron.identifier if with_patron else "",
        )
    )


def find_due_day(one: Request, zone: tzinfo) -> date | None:
    """Find when it must be back, once it is lent; until then the day of need."""
    due = one.terms.patron_due or one.terms.lender_due
    return local_day(due, zone) if due is not None else one.dates.need_by


def format_csv_cells(cells: Iterable[str]) -> str:
    """A line, with nothing in it that a spreadsheet would carry out."""
    file = io.StringIO()
    csv.writer(file).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return file.getvalue()

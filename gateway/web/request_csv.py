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


def format_csv_row(request: Request, since: datetime, zone: tzinfo, *, with_patron: bool) -> str:
    """`since`: since when it waits; `zone`: of the library."""
    due = find_due_day(request, zone)
    citation, patron = request.citation, request.patron if request.role is Role.BORROWING else request.direct_patron
    return format_csv_cells(
        (
            request.number,
            request.transaction if request.role is Role.LENDING else "",
            request.role.value,
            request.state.value,
            " ".join(sorted(flag.value for flag in request.flags)),
            citation.component_title or citation.title,
            citation.component_author or citation.author,
            request.partner.profile,
            request.partner.name,
            request.service.type.value,
            request.desk,
            request.assignee,
            "; ".join(request.labels),
            request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
            due.isoformat() if due is not None and due != request.dates.need_by else "",
            since.isoformat(timespec="seconds"),
            request.created.isoformat(timespec="seconds"),
            request.changed.isoformat(timespec="seconds"),
            patron.identifier if with_patron else "",
        )
    )


def find_due_day(request: Request, zone: tzinfo) -> date | None:
    """Find when it must be back, once it is lent; until then the day of need."""
    due = request.terms.patron_due or request.terms.lender_due
    return local_day(due, zone) if due is not None else request.dates.need_by


def format_csv_cells(cells: Iterable[str]) -> str:
    """A line, with nothing in it that a spreadsheet would carry out."""
    file = io.StringIO()
    csv.writer(file).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return file.getvalue()

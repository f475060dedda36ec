"""Branches, categories, item policies and loan rules of the sample library."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from adapters.library.embedded import tables
from adapters.library.embedded.here import Here
from adapters.library.embedded.rows import add_rows
from adapters.library.embedded.rules import ANY

SUNDAY, MONDAY = 7, 1

BRANCHES: tuple[tuple[str, str, bool, bool, list[int]], ...] = (
    # code, name, hold shelf, resource sharing, closed weekdays
    ("MAIN", "Central Library", True, False, [SUNDAY]),
    ("NORTH", "North Branch", True, False, [SUNDAY]),
    ("EAST", "East Branch and Children's Library", True, False, [MONDAY, SUNDAY]),
    ("SCI", "Science Library", True, False, []),
    ("RS", "Resource Sharing Library", True, True, [SUNDAY]),
)

SHELVES = {
    "MAIN": (("stacks", "Stacks"), ("reference", "Reading room"), ("media", "Media")),
    "NORTH": (("stacks", "Open shelves"),),
    "EAST": (("stacks", "Open shelves"), ("children", "Children's corner")),
    "SCI": (("stacks", "Level 2"), ("reserve", "Course reserves")),
    "RS": (("ill", "Interlibrary loan shelf"), ("lending", "Lending desk")),
}

CATEGORIES = (
    # code, name, loans, holds, fees before a block, overdue items before a block
    ("adult", "Adults", 30, 10, Decimal(20), 5),
    ("student", "Students", 50, 20, Decimal(20), 5),
    ("child", "Children", 15, 5, None, 10),
    ("staff", "Staff", 100, 50, None, None),
    ("visitor", "Visitors", 5, 3, Decimal(10), 1),
    ("institution", "Partner libraries", 500, 500, None, None),
)

POLICIES = (
    # code, name, circulates, can be put on hold, renewed, recalled
    ("standard", "Standard loan", True, True, True, True),
    ("short", "Short loan", True, True, False, False),
    ("media", "Films and music", True, True, True, False),
    ("reserve", "Course reserve, by the hour", True, False, False, False),
    ("reference", "For use in the library", False, False, False, False),
    ("ill", "Interlibrary loan", True, True, True, True),
    ("ill-library-use", "Interlibrary loan, for use in the library", True, True, False, True),
)

RULES = (
    # category, policy, days, hours, renewals, days per renewal, fine per day, days on the hold shelf, recall days
    (ANY, ANY, 28, None, 2, 28, Decimal("0.20"), 7, 7),
    (ANY, "short", 7, None, 0, 0, Decimal("0.50"), 3, 3),
    (ANY, "media", 14, None, 1, 7, Decimal("0.50"), 7, 7),
    (ANY, "reserve", None, 4, 0, 0, Decimal("1.00"), 1, 1),
    (ANY, "ill", 21, None, 1, 14, Decimal("0.50"), 10, 7),
    (ANY, "ill-library-use", 7, None, 0, 0, Decimal("0.50"), 10, 3),
    ("child", ANY, 28, None, 2, 28, Decimal(0), 7, 7),
    ("staff", ANY, 84, None, 4, 84, Decimal(0), 7, 14),
    ("institution", ANY, 56, None, 2, 28, Decimal(0), 14, 14),
)


def write(connection: Connection, here: Here) -> None:
    library = {"library": here.library}
    holidays = [date(here.today.year + n, month, day).isoformat() for n in (0, 1) for month, day in ((1, 1), (12, 25))]
    names = ("code", "name", "pickup", "resource_sharing", "closed_weekdays")
    branches = [dict(zip(names, row, strict=True)) | library | {"closed_dates": holidays} for row in BRANCHES]
    add_rows(connection, tables.branches, branches)
    shelves = [
        library | {"branch": branch, "code": code, "name": name}
        for branch, places in SHELVES.items()
        for code, name in places
    ]
    add_rows(connection, tables.shelves, shelves)
    _insert(connection, here, tables.categories, CATEGORIES)
    _insert(connection, here, tables.policies, POLICIES)
    _insert(connection, here, tables.loan_rules, RULES)


def _insert(connection: Connection, here: Here, table: Any, rows: tuple[tuple[Any, ...], ...]) -> None:
    names = [column.name for column in table.columns if column.name != "library"]
    add_rows(connection, table, [{"library": here.library} | dict(zip(names, row, strict=True)) for row in rows])

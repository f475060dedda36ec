"""Times, tables and flags as text for people, and how they are printed."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta, tzinfo

import click

from gateway.domain.requests.request import Request, RequestFlag

_AGO = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def format_local_time(moment: datetime, zone: tzinfo) -> str:
    """Format a time with the offset, since an hour may come twice."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S%z}"


def parse_moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """`today`, a day (its begin), a day with a time, or how long ago: 30m, 2h, 3d, 1w. Without offset: in `zone`.

    Raises click.BadParameter.
    """
    today = now.astimezone(zone).date()
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if text in ("today", "yesterday"):
        return datetime.combine(today - timedelta(days=text == "yesterday"), time(), zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text}: not a time such as today, 2026-03-01, 2026-03-01T18:00, or 2h or 3d (ago)"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def format_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as they need; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines; those that a terminal has no room for through the pager, `PAGER` or `less`, which leaves them on the
    screen."""
    listed = list(lines)
    if sys.stdin.isatty() and sys.stdout.isatty() and len(listed) >= shutil.get_terminal_size().lines:
        os.environ.setdefault("LESS", "-FRX")
        click.echo_via_pager(f"{line}\n" for line in listed)
        return
    for line in listed:
        click.echo(line)


def format_flags(request: Request) -> str:
    return ", ".join(flag.value for flag in RequestFlag if flag in request.flags)

"""ISO-Date (YYYYMMDD) and ISO-Time (HHMMSS), and what else is sent in their place."""

from __future__ import annotations

import re
from datetime import date, datetime, time

_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)|(\d{4})(\d{2})(\d{2})(?=\d{6}$)", re.ASCII)
_CLOCK = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2}))?(?:\D.*)?", re.ASCII | re.DOTALL)


def day_of(text: str, formats: tuple[str, ...]) -> date | None:
    """None for what is no date. Hyphens are read, and a time of day behind the date is overlooked."""
    if len(text) == 8 and text.isascii() and text.isdigit():
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            return None
    match = _DAY.match(text)
    if match is not None:
        year, month, day = (int(one) for one in match.groups() if one is not None)
        try:
            return date(year, month, day)
        except ValueError:
            return None
    for one in formats:
        try:
            return datetime.strptime(text, one).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def clock_of(text: str) -> time | None:
    """None for what is no time of day. Without seconds, with colons or fractions too."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    try:
        return time(int(match[1]), int(match[2]), int(match[3] or 0))
    except ValueError:
        return None

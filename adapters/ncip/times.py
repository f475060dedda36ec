"""xs:dateTime as partners write it, and as we write it for them (facts/ncip.md 1.5, section 5 `date.*`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from adapters.ncip.dialect.xml import DateIn, DateOut, DateStyle, DayReading, DayStyle, Fraction
from adapters.ncip.messages.base import When

END_OF_DAY = time(23, 59)
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_MIDNIGHT_24 = re.compile(r"(\d{4}-\d\d-\d\d)T24:00:00(?:\.0+)?(.*)")


def reader(dialect: DateIn, fallback: tzinfo) -> Callable[[str], When]:
    """How this partner's dates are read: aware UTC, or a date. The function raises ValueError for nonsense."""
    zone = ZoneInfo(dialect.zone) if dialect.zone else fallback
    keep_days = dialect.day is DayReading.KEEP

    def read(text: str) -> When:
        value = _parse(text, dialect.formats)
        if isinstance(value, datetime):
            return _utc(value, zone)
        return value if keep_days else _utc(datetime.combine(value, END_OF_DAY), zone)

    return read


def _parse(text: str, formats: tuple[str, ...]) -> When:
    day = _DAY.fullmatch(text)
    if day:
        return date.fromisoformat(day[1])
    if "T24:00:00" in text and (late := _MIDNIGHT_24.fullmatch(text)):
        return datetime.fromisoformat(f"{late[1]}T00:00:00{late[2]}") + timedelta(days=1)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _by_formats(text, formats)


def _by_formats(text: str, formats: tuple[str, ...]) -> When:
    for pattern in formats:
        try:
            value = datetime.strptime(text, pattern)  # noqa: DTZ007 (the caller adds the zone)
        except ValueError:
            continue
        return value if "%H" in pattern or "%I" in pattern or "%X" in pattern else value.date()
    raise ValueError("not a date or time")


def _utc(value: datetime, zone: tzinfo) -> datetime:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
    try:
        return aware.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


def writer(dialect: DateOut, fallback: tzinfo) -> Callable[[When], str]:
    """How moments and days are written for this partner. Naive datetimes raise ValueError."""
    zone = ZoneInfo(dialect.zone) if dialect.zone else fallback
    timespec = "milliseconds" if dialect.fraction is Fraction.MILLISECONDS else "seconds"
    day_time = time(0) if dialect.day is DayStyle.START_OF_DAY else END_OF_DAY

    short_utc = dialect.style is DateStyle.UTC and timespec == "seconds"

    def write(value: When) -> str:
        if short_utc and isinstance(value, datetime) and value.tzinfo is UTC:
            return f"{value.isoformat(timespec='seconds')[:-6]}Z"
        if not isinstance(value, datetime):
            if dialect.day is DayStyle.DATE_ONLY:
                return value.isoformat()
            value = datetime.combine(value, day_time, zone)
        elif value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return _styled(value, dialect.style, zone, timespec)

    return write


def day_writer(dialect: DateOut) -> Callable[[date], str]:
    """For elements that mean a day (DateOfBirth): the day itself, never moved by a time zone."""
    if dialect.day is DayStyle.DATE_ONLY:
        return date.isoformat
    suffix = "T00:00:00Z" if dialect.style is DateStyle.UTC else "T00:00:00"
    return lambda value: value.isoformat() + suffix


def _styled(value: datetime, style: DateStyle, zone: tzinfo, timespec: str) -> str:
    try:
        moved = value.astimezone(UTC if style is DateStyle.UTC else zone)
    except OverflowError:
        moved = value  # the ends of the calendar can't be moved
    if style is DateStyle.UTC:
        return moved.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
    return (moved if style is DateStyle.OFFSET else moved.replace(tzinfo=None)).isoformat(timespec=timespec)

"""Messages, values, times and tables as text for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum

import click

from gateway.domain.requests.request import Request, RequestFlag

INDENT = "  "
HIDDEN = "[hidden]"

_AGO = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def decode_body(body: bytes) -> str:
    """UTF-8, else one character for each byte, so that nothing is lost to the eye."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def pretty_print(body: bytes) -> str:
    """XML indented, JSON too; octets that no terminal shows as hexadecimal digits, anything else as it is."""
    if any(octet < 0x20 and octet not in b"\t\r\n" for octet in body[:64]):
        return body.hex(" ", 2)
    stripped = body.strip()
    if stripped.startswith(b"<"):
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
        try:
            root = etree.fromstring(stripped, parser)
        except (etree.XMLSyntaxError, ValueError):
            return decode_body(body)
        return str(etree.tostring(root, pretty_print=True, encoding="unicode")).rstrip()
    if stripped.startswith(b"{"):
        try:
            return json.dumps(json.loads(stripped), ensure_ascii=False, indent=2)
        except ValueError:
            return decode_body(body)
    return decode_body(body)


def format_value_lines(value: object, depth: int = 0) -> Iterator[str]:
    """A dataclass as indented lines; what is empty is left out, what must not be shown (PINs) is hidden."""
    if not is_dataclass(value) or isinstance(value, type):
        yield f"{INDENT * depth}{_format_plain_value(value)}"
        return
    for field in fields(value):
        inner = getattr(value, field.name)
        if inner in (None, "", (), False):
            continue
        start = f"{INDENT * depth}{field.name}"
        if not field.repr:
            yield f"{start}: {HIDDEN}"
        elif isinstance(inner, tuple):
            for one in inner:
                yield from _format_named_value(start, one, depth)
        else:
            yield from _format_named_value(start, inner, depth)


def _format_named_value(start: str, value: object, depth: int) -> Iterator[str]:
    if is_dataclass(value):
        yield start
        yield from format_value_lines(value, depth + 1)
    else:
        yield f"{start}: {_format_plain_value(value)}"


def _format_plain_value(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, date) else str(value)


def format_local_time(moment: datetime, zone: tzinfo) -> str:
    """With the offset, since an hour may come twice."""
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


def format_flags(request: Request) -> str:
    return ", ".join(flag.value for flag in RequestFlag if flag in request.flags)

"""Fields of an answer in JSON whose type differs between releases: read loosely where there is no doubt, and never
silently as "no". Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence

Row = Mapping[str, Any]

_YES = frozenset({"true", "1", "yes", "y"})
_NO = frozenset({"false", "0", "no", "n", ""})


def read_flag(row: Row, key: str) -> bool:
    """`true`, 1, "1" and the like; no where it isn't there. Raises Unavailable."""
    text = "" if row.get(key) is None else str(row[key]).strip().casefold()
    if text not in _YES | _NO:
        raise _refuse_type(key)
    return text in _YES


def read_integer(row: Row, key: str) -> int:
    """Read a number or a text; 0 where it isn't there. Raises Unavailable."""
    value = row.get(key)
    if value is None or value == "":
        return 0
    try:
        number = Decimal(str(int(value) if isinstance(value, bool) else value).strip())
    except InvalidOperation as error:
        raise _refuse_type(key) from error
    if not number.is_finite() or number != number.to_integral_value():
        raise _refuse_type(key)
    return int(number)


def read_money(row: Row, key: str) -> Decimal | None:
    """Sums have two places; a float's others are no money. None: it isn't there. Raises Unavailable."""
    value = row.get(key)
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise _refuse_type(key) from error


def read_last_day(row: Row, key: str) -> date | None:
    """Read a day as ISO 8601 has it, with a time or zone perhaps. None: there is none. Raises Unavailable: what can't
    be read is no day that never comes."""
    text = "" if row.get(key) is None else str(row[key]).strip()
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError as error:
        raise _refuse_type(key) from error


def _refuse_type(key: str) -> Unavailable:
    return Unavailable(write_sentence("the library system's answer cannot be read: %(name)s", name=key))

"""Ids of exchanges and messages: text that sorts by time, so that one index serves id, time and order.

An exchange's id is 24 hexadecimal digits: 14 for its moment in microseconds since 1970, 4 that count (so that
order holds within a microsecond), 6 by chance (so that nodes don't meet). UUIDv7 would do as well, but keeps
milliseconds only and needs 36 characters. Its messages are numbered: `…-1` asks, `…-2` answers.
"""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

QUESTION = "-1"
ANSWER = "-2"

AFTER_ALL = "g"
"""Sorts behind every id."""

_count = itertools.count()


def exchange_id(at: datetime) -> str:
    """A new id for an exchange that begins at `at` (aware)."""
    return f"{_microseconds(at):014x}{next(_count) & 0xFFFF:04x}{random.getrandbits(24):06x}"


def first_id(at: datetime) -> str:
    """Sorts before all ids that were made at `at` or later, and behind all earlier ones."""
    return f"{_microseconds(at):014x}"


def exchange_of(identifier: str) -> str:
    """The exchange that a message belongs to; an exchange's own id is returned as it is."""
    return identifier.partition("-")[0]


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND

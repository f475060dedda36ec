"""Identifiers made without asking the database."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)


class _Sequence:
    """Numbers that grow: 48 bits of milliseconds and 80 of chance, one more than the last within a millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, now: datetime) -> int:
        number = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
        with self._lock:
            if number >> 80 <= self._last >> 80:
                number = self._last + 1
            self._last = number
            return number


_sequence = _Sequence()


def new_id(now: datetime) -> str:
    """26 characters that sort by time (as a ULID does): new rows land at the end of every index."""
    number = _sequence.next(now)
    return "".join(_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10))

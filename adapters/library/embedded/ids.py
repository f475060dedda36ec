"""Identifiers made without asking the database."""

from __future__ import annotations

import random
import threading
from datetime import datetime

RANDOM_BITS = 72


class _Sequence:
    """Numbers that grow: 48 bits of milliseconds and 72 of chance, one more than the last within a millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, now: datetime) -> int:
        number = int(now.timestamp() * 1000) << RANDOM_BITS | random.getrandbits(RANDOM_BITS)
        with self._lock:
            if number >> RANDOM_BITS <= self._last >> RANDOM_BITS:
                number = self._last + 1
            self._last = number
            return number


_sequence = _Sequence()


def new_id(now: datetime) -> str:
    """30 hexadecimal digits that sort by time: new rows land at the end of every index."""
    return f"{_sequence.next(now):030x}"

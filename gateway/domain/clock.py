"""The source of time, so that tests and replays can say what time it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

MIN_CORRECTION = timedelta(seconds=0.1)
"""A clock that is off by less stays as it is, so that it doesn't move at each look."""

MAX_LOOK = timedelta(seconds=1)
"""A look at the other clock that took longer says too little."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def count_seconds() -> float:
    """Count the seconds since some moment, whatever becomes of the machine's clock. On Linux also while the machine
    sleeps, which its monotonic clock leaves out."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class StoreClock:
    """The time of the database where several nodes share one: they wait for the same moments only if they agree what
    time it is. From one look at it to the next the seconds are counted, as the machine's clock may be set meanwhile: by
    a leap of hours all that others have in hand would be free. Until it is set it is the machine's."""

    def __init__(self, local: Clock | None = None, count: Callable[[], float] = count_seconds) -> None:
        self._local = local or SystemClock()
        self._count = count
        self._set: tuple[datetime, float] | None = None
        """What the database's clock said, and the count of seconds then."""
        self.offset = timedelta()
        """So much the database's clock is ahead of the machine's."""

    def now(self) -> datetime:
        return self._local.now() if self._set is None else self._count_on(*self._set)

    def _count_on(self, at: datetime, counted: float) -> datetime:
        return at + timedelta(seconds=self._count() - counted)

    def local_now(self) -> datetime:
        return self._local.now()

    def set_by(self, before: datetime, at: datetime, after: datetime) -> None:
        """The other clock said `at` between two looks at the machine's own, the second of which was just now."""
        took = after - before
        if not timedelta() <= took <= MAX_LOOK:
            return
        offset = at - (before + took / 2)
        if abs(offset - self.offset) > MIN_CORRECTION:
            self.offset = offset
        now = at + took / 2
        # A slow look says nothing against what lies between its two ends: else nodes on busy machines would differ by
        # as much as their looks take.
        if self._set is None or abs(now - self._count_on(*self._set)) > MIN_CORRECTION + took / 2:
            self._set = now, self._count()

"""Where time comes from, so that tests and replays can say what time it is."""

from __future__ import annotations

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


class StoreClock:
    """This machine's clock, set by that of the database where several nodes share one: they wait for the same moments
    only if they agree what time it is. Until it is set it is the machine's."""

    def __init__(self, local: Clock | None = None) -> None:
        self._local = local or SystemClock()
        self.offset = timedelta()
        """So much the database's clock is ahead of the machine's."""

    def now(self) -> datetime:
        return self._local.now() + self.offset

    def local_now(self) -> datetime:
        return self._local.now()

    def set_by(self, before: datetime, at: datetime, after: datetime) -> None:
        """The other clock said `at` between two looks at the machine's own."""
        took = after - before
        if not timedelta() <= took <= MAX_LOOK:
            return
        offset = at - (before + took / 2)
        if abs(offset - self.offset) > MIN_CORRECTION:
            self.offset = offset

"""Log lines that somebody else could cause by the thousand."""

from __future__ import annotations

import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

SECONDS = 10.0


class Seldom:
    """At most one line in `SECONDS`; `more` says how many were left out before it."""

    def __init__(self, log: FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._next = clock()
        self._left_out = 0

    def warning(self, event: str, **facts: object) -> None:
        now = self._clock()
        if now < self._next:
            self._left_out += 1
            return
        if self._left_out:
            facts["more"] = self._left_out
        self._next, self._left_out = now + SECONDS, 0
        self._log.warning(event, **facts)

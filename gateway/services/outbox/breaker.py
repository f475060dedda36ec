"""Circuit breakers: a way out that fails again and again is left alone for a while, then tried with one row.

Kept in memory, one set a node. A way without failures costs nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.domain.frozen import frozen
from gateway.store.requests.claims import Way


@frozen
class _State:
    failures: int
    since: datetime | None = None
    """When it opened, or when the last probe was let through; None while it is closed."""


class Breakers:
    """Closed: all pass. After `failures` failures in a row it opens for `seconds`; then one row passes as a probe,
    and one more each `seconds` for as long as none has come back well."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._pause = timedelta(seconds=seconds)
        self._states: dict[Way, _State] = {}

    def closed(self, way: Way) -> bool:
        state = self._states.get(way)
        return state is None or state.since is None

    def shut(self, now: datetime) -> frozenset[Way]:
        """Those that nothing may pass to at this moment."""
        return frozenset(way for way, state in self._states.items() if self._waits(state, now))

    def passes(self, way: Way, now: datetime) -> bool:
        """Whether a row may go to `way` now; where that is the probe, the next one has to wait for it."""
        state = self._states.get(way)
        if state is None or state.since is None:
            return True
        if self._waits(state, now):
            return False
        self._states[way] = _State(state.failures, now)
        return True

    def well(self, way: Way) -> None:
        """There was an answer, with yes or with no."""
        self._states.pop(way, None)

    def failed(self, way: Way, now: datetime) -> bool:
        """True when this failure has opened it."""
        before = self._states.get(way, _State(0))
        failures = before.failures + 1
        opens = failures >= self._limit
        self._states[way] = _State(failures, now if opens else None)
        return opens and before.since is None

    @property
    def open(self) -> int:
        """How many are open now."""
        return sum(state.since is not None for state in self._states.values())

    def _waits(self, state: _State, now: datetime) -> bool:
        """A clock that was set back must not keep it open for longer than its time."""
        return state.since is not None and timedelta(0) <= now - state.since < self._pause

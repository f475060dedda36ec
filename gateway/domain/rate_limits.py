"""Limits of events of a kind in a period: for one key, such as an address, and for all together.

What comes from strangers has no end of its own: whatever is kept or said of it is counted here first.
"""

from __future__ import annotations

from threading import Lock

from gateway.domain.value import value_object


@value_object
class RateLimit:
    """The limit of so many at once (`burst`), and from then on one more every `seconds`."""

    burst: int
    seconds: float


class EventRateLimiter:
    """Lets events through as `each` allows for one key and `in_all` for all keys together; counts what it leaves out.

    Of each key it remembers one moment: from when on nothing of its limit is used up. Threads may share it. Times are
    in seconds on any clock; one that is set back makes nobody wait longer than the limit itself.
    """

    def __init__(self, each: RateLimit, in_all: RateLimit) -> None:
        self._each = each
        self._in_all = in_all
        self._free_at: dict[str, float] = {}
        self._all_free_at: float | None = None
        self._left_out = 0
        self._lock = Lock()

    def admit_event(self, key: str, now: float) -> bool:
        """Return whether this event passes. An event that doesn't is counted, and uses up nothing."""
        with self._lock:
            mine = _next_free_at(self._each, self._free_at.get(key), now)
            ours = _next_free_at(self._in_all, self._all_free_at, now)
            if mine is None or ours is None:
                self._left_out += 1
                return False
            self._free_at[key] = mine
            self._all_free_at = ours
            if len(self._free_at) > 2 * self._in_all.burst:
                self._forget_free_keys(now)
            return True

    def take_left_out(self) -> int:
        """Return the number of events left out since the last call."""
        with self._lock:
            left_out, self._left_out = self._left_out, 0
            return left_out

    @property
    def key_count(self) -> int:
        """The number of keys that are remembered."""
        return len(self._free_at)

    def _forget_free_keys(self, now: float) -> None:
        self._free_at = {key: at for key, at in self._free_at.items() if at > now}


def _next_free_at(limit: RateLimit, free_at: float | None, now: float) -> float | None:
    """Return when the limit would be all free again after one more event now; None: there is no room for one."""
    whole = limit.burst * limit.seconds
    used_until = now if free_at is None or not now < free_at <= now + whole + limit.seconds else free_at
    after = used_until + limit.seconds
    rounding = limit.seconds / 1000  # moments of the day in floating point aren't exact
    return after if after <= now + whole + rounding else None

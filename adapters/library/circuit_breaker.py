"""A library system that doesn't answer is left alone for a while, so that nobody waits for time-outs."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from pydantic import Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence


class BreakerOptions(ProfileSection):
    failures: int = Field(5, ge=1, le=1000, description="failed calls in a row after which it is left alone")
    seconds: float = Field(30.0, gt=0, le=3600, description="then one call is tried in each of these times")


class CircuitBreaker:
    """Closed: all calls pass. After `failures` failures in a row it is open: calls fail at once, but one in each
    `seconds` is tried. The first that is answered, with yes or with no, closes it. `read_time`: seconds that only grow.
    """

    def __init__(self, name: str, options: BreakerOptions, read_time: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._options = options
        self._read_time = read_time
        self._failures = 0
        self._next_trial: float | None = None

    @property
    def is_open(self) -> bool:
        return self._next_trial is not None

    def admit_call(self) -> None:
        """Admit a call; raises Unavailable while it is open. Whoever is let through tells how it went."""
        if self._next_trial is None:
            return
        now = self._read_time()
        if now < self._next_trial:
            raise Unavailable(
                write_sentence(
                    "%(name)s failed to respond %(count)s times in a row; next attempt in %(seconds)s s",
                    name=self._name,
                    count=self._failures,
                    seconds=round(self._next_trial - now),
                )
            )
        self._next_trial = now + self._options.seconds

    def record_answer(self) -> None:
        self._failures = 0
        self._next_trial = None

    def record_failure(self) -> None:
        self._failures += 1
        if self._failures >= self._options.failures:
            self._next_trial = self._read_time() + self._options.seconds

"""How long a call keeps the processor, to compare one with another: never with a number of seconds.

A bound in seconds fails on a machine that is slow today and says nothing on one that is fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def measure_processor_seconds(call: Callable[[], object], times: int = 3) -> float:
    """This thread's, the best of some: what else runs on the machine doesn't count."""

    def measure_once() -> float:
        before = time.thread_time()
        call()
        return time.thread_time() - before

    return min(measure_once() for _ in range(times))


TIMES_LARGER = 8
"""What is compared by `require_linear`."""

MEASUREMENTS = 5


def require_linear(read: Callable[[T], object], small: T, large: T) -> None:
    """`large`: eight times as much, which takes eight times as long, and 64 times in quadratic time. That is so each
    time it is measured; caches that others have emptied make a difference now and then.

    Raises AssertionError."""
    growths = []
    for _ in range(MEASUREMENTS):
        of_large = measure_processor_seconds(lambda: read(large), times=1)
        growths.append(of_large / measure_processor_seconds(lambda: read(small)))
        if growths[-1] < TIMES_LARGER * 4:
            return
    raise AssertionError(f"{TIMES_LARGER} times as much takes {min(growths):.0f} times as long")

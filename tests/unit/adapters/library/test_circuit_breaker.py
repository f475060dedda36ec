"""When a system that doesn't answer is left alone, and when it is tried."""

from __future__ import annotations

import pytest

from adapters.library.circuit_breaker import BreakerOptions, CircuitBreaker
from gateway.domain.problems import Unavailable


class Time:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_only_failures_in_a_row_open_it() -> None:
    breaker = CircuitBreaker("sip.library.example", BreakerOptions(failures=2), Time())
    for record in (breaker.record_failure, breaker.record_answer, breaker.record_failure):
        record()
        breaker.admit_call()
    breaker.record_failure()
    assert breaker.is_open
    with pytest.raises(Unavailable, match=r"sip\.library\.example failed to respond 2 times in a row"):
        breaker.admit_call()


def test_one_call_at_a_time_tries_it() -> None:
    time = Time()
    breaker = CircuitBreaker("koha.example", BreakerOptions(failures=1, seconds=5), time)
    breaker.record_failure()
    time.seconds += 6
    breaker.admit_call()
    with pytest.raises(Unavailable):
        breaker.admit_call()
    breaker.record_answer()
    breaker.admit_call()

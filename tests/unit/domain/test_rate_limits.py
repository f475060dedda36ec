"""What strangers send is counted before anything is kept or said of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from gateway.domain.rate_limits import EventRateLimiter, RateLimit

MANY = RateLimit(burst=1_000_000, seconds=0.000001)


def count_admitted(limiter: EventRateLimiter, key: str, times: int, now: float) -> int:
    return sum(limiter.admit_event(key, now) for _ in range(times))


def test_so_many_at_once_then_one_in_a_while() -> None:
    limiter = EventRateLimiter(RateLimit(burst=20, seconds=36), MANY)
    assert count_admitted(limiter, "192.0.2.7", 2_400, now=1000.0) == 20
    assert count_admitted(limiter, "192.0.2.7", 100, now=1035.9) == 0
    assert count_admitted(limiter, "192.0.2.7", 100, now=1036.0) == 1
    assert count_admitted(limiter, "192.0.2.7", 100, now=1036.0 + 36 * 19) == 19
    assert count_admitted(limiter, "192.0.2.7", 100, now=9000.0) == 20  # never more than that saved up


def test_moments_of_today_are_not_too_coarse_for_it() -> None:
    limiter = EventRateLimiter(RateLimit(burst=100, seconds=7.2), RateLimit(burst=100, seconds=7.2))
    now = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC).timestamp()
    assert count_admitted(limiter, "192.0.2.7", 400, now) == 100


def test_what_is_left_out_is_counted_once() -> None:
    limiter = EventRateLimiter(RateLimit(burst=20, seconds=36), MANY)
    count_admitted(limiter, "192.0.2.7", 50, now=0.0)
    assert limiter.take_left_out() == 30
    assert limiter.take_left_out() == 0


def test_another_key_has_a_limit_of_its_own_until_all_together_are_too_many() -> None:
    limiter = EventRateLimiter(RateLimit(burst=20, seconds=36), RateLimit(burst=50, seconds=7))
    assert [count_admitted(limiter, f"192.0.2.{n}", 100, now=5.0) for n in range(4)] == [20, 20, 10, 0]
    assert count_admitted(limiter, "192.0.2.3", 1, now=12.0) == 1


def test_what_is_left_out_by_one_limit_uses_up_nothing_of_the_other() -> None:
    limiter = EventRateLimiter(RateLimit(burst=1, seconds=60), RateLimit(burst=2, seconds=60))
    count_admitted(limiter, "192.0.2.1", 1_000, now=0.0)
    assert limiter.admit_event("192.0.2.2", 0.0)


def test_keys_are_forgotten_when_they_are_free_again() -> None:
    limiter = EventRateLimiter(RateLimit(burst=2, seconds=1), RateLimit(burst=10, seconds=0.1))
    for number in range(10_000):
        limiter.admit_event(f"2001:db8::{number:x}", number * 0.2)
    assert limiter.key_count <= 21


def test_a_clock_that_is_set_back_makes_nobody_wait_for_it() -> None:
    limiter = EventRateLimiter(RateLimit(burst=3, seconds=10), RateLimit(burst=5, seconds=10))
    count_admitted(limiter, "192.0.2.1", 9, now=100_000.0)
    assert count_admitted(limiter, "192.0.2.1", 9, now=96_400.0) == 3


def test_threads_share_it() -> None:
    limiter = EventRateLimiter(RateLimit(burst=20, seconds=3600), MANY)
    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(lambda _: count_admitted(limiter, "192.0.2.1", 1_000, 0.0), range(8)))
    assert admitted == 20
    assert limiter.take_left_out() == 8_000 - 20

"""How the outbox works; the section `outbox` of gateway.yml."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.frozen import frozen_by_name
from gateway.settings.model import OutboxSettings


@frozen_by_name
class Options:
    """Times in seconds.

    A row in hand is nobody else's for `lease`, which is longer than a handler may take, so it needs no renewal.
    """

    max_tries: int = 50
    first_seconds: float = 10.0
    longest_seconds: float = 3600.0
    breaker_failures: int = 5
    breaker_seconds: float = 60.0
    concurrency: int = 16
    per_target: int = 4
    handler_seconds: float = 60.0
    poll_seconds: float = 2.0

    @property
    def lease(self) -> timedelta:
        """The handler's time, and as much again (a minute at least) for the store to take what came of it."""
        return timedelta(seconds=self.handler_seconds + max(60.0, self.handler_seconds))

    @classmethod
    def of(cls, settings: OutboxSettings) -> Options:
        return cls(
            max_tries=settings.max_tries,
            first_seconds=settings.first_seconds,
            longest_seconds=settings.longest_seconds,
            breaker_failures=settings.breaker_failures,
            breaker_seconds=settings.breaker_seconds,
            concurrency=settings.concurrency,
            per_target=settings.per_target,
            handler_seconds=settings.handler_seconds,
        )

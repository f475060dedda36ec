"""Jobs that the gateway does in the background, as operators see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.domain.value import value_object


@value_object(kw_only=True)
class BackgroundJob:
    """`name` as in the log. `every_seconds` 0: it goes on all the time. `began`: its last round, None: not yet;
    `failure`: why that round ended early, in a few words."""

    name: str
    every_seconds: float
    began: datetime | None
    failure: str = ""

    @property
    def next_round(self) -> datetime | None:
        """About when."""
        if self.began is None or not self.every_seconds:
            return None
        return self.began + timedelta(seconds=self.every_seconds)


ListJobs = Callable[[datetime], Sequence[BackgroundJob]]
"""As of now."""

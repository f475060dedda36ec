"""For which library, when and where a piece of work is done."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from gateway.domain.frozen import frozen


@frozen
class Here:
    """Read from clock and settings before the work starts: work may run twice and has no clock of its own."""

    library: str
    now: datetime  # aware UTC
    zone: tzinfo
    currency: str

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

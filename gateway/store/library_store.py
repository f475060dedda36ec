"""LibraryStore: where the rows of one library are, and the clock by which they are written."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store


@value_object(kw_only=True)
class LibraryStore:
    symbol: str
    store: Store
    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

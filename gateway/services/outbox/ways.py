"""Which rows go the same way out, and so share places and a circuit breaker."""

from __future__ import annotations

from gateway.store.requests.claims import Way
from gateway.store.requests.outbox import Row

MAIL = frozenset({"letter"})
"""All of them go to one mail server, whatever their target is."""

HOUSE = frozenset({"library", "work"})
"""Each library has a system of its own; the target says only what is asked of it."""


def way_of(row: Row) -> Way:
    """A partner or the receiver of a webhook is its target, for all libraries alike."""
    if row.kind in MAIL:
        return Way(row.kind)
    if row.kind in HOUSE:
        return Way(row.kind, library=row.library)
    return Way(row.kind, target=row.target)

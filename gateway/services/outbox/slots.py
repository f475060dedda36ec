"""How many rows are in hand, in all and for each way out."""

from __future__ import annotations

from collections import Counter

from gateway.store.requests.claims import Way


class Slots:
    """A slow way out takes `per_way` places and no more, so the others go on."""

    def __init__(self, total: int, per_way: int) -> None:
        self._total = total
        self._per_way = per_way
        self._taken: Counter[Way] = Counter()

    @property
    def free(self) -> int:
        return max(0, self._total - self._taken.total())

    @property
    def full(self) -> frozenset[Way]:
        """Those that have all their places taken."""
        return frozenset(way for way, taken in self._taken.items() if taken >= self._per_way)

    def has_room(self, way: Way) -> bool:
        return self._taken[way] < self._per_way and self.free > 0

    def take(self, way: Way) -> None:
        """One place, free or not: a row that a person waits for takes one beyond the limit."""
        self._taken[way] += 1

    def give(self, way: Way) -> None:
        """One place back."""
        self._taken[way] -= 1
        if not self._taken[way]:
            del self._taken[way]

"""Outbox rows as the worker sees them: claims, results, routes and slots."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction, Work
from gateway.settings.sections import OutboxSettings
from gateway.store.requests import outbox, outbox_queries
from gateway.store.requests.outbox import OutboxRow, Route

T = TypeVar("T")

WRITE_SECONDS = 10.0
"""Longest wait of who is cancelled."""

DESK_GRACE = timedelta(seconds=30)
"""A row that its caller will run at once (`OutboxWorker.run_row`) is due this much later, so that no worker takes it
first; if the caller dies, a worker does it then."""

MAIL = frozenset({"letter", "reply"})
"""All of them go to one mail server, whatever their target is."""

HOUSE = frozenset({"library", "work"})
"""Each library has a system of its own; the target says only what is asked of it."""

CompletionWork = Callable[[Transaction], None]
"""Nothing but database work, since it may run twice (gateway.store.engine)."""


@value_object
class Claim:
    """The rows that a worker can take now: so many, and none by the routes `besides`. `held`: the libraries of those
    that it has in hand, as often as it has; `last`: the library whose turn was the last."""

    at: datetime
    limit: int
    besides: Collection[Route] = frozenset()
    held: Sequence[str] = ()
    last: str = ""


@value_object
class OutboxQueue:
    """`lease` is longer than a try may take by more than DESK_GRACE. All methods raise Unavailable when the store
    can't be used; those about a row in hand raise LeaseLost when it isn't any more."""

    store: Store
    node: str
    kinds: tuple[str, ...]
    lease: timedelta

    async def claim_rows(self, claim: Claim) -> tuple[OutboxRow, ...]:
        return await self._shield(self.store.write_statement(lambda c: self._claim_in(c, claim)))

    def _claim_in(self, connection: Transaction, claim: Claim) -> tuple[OutboxRow, ...]:
        return outbox.claim_rows(
            connection,
            claim.at,
            claim.limit,
            self.lease,
            self.node,
            self.kinds,
            claim.besides,
            claim.held,
            claim.last,
        )

    async def claim_row(self, row: OutboxRow, now: datetime) -> OutboxRow | None:
        """Claim a row, also one that is due within DESK_GRACE."""
        soon, lease = now + DESK_GRACE, self.lease - DESK_GRACE
        return await self._write_shielded(
            lambda c: outbox.claim_single_row(c, row.library, row.id, soon, lease, self.node)
        )

    async def put_back_rows(self, rows: Sequence[OutboxRow]) -> None:
        await self._write_shielded(lambda c: outbox.put_back_rows(c, rows))

    async def mark_done(
        self, row: OutboxRow, handled: HandlerResult, at: datetime, following: Claim | None = None
    ) -> tuple[OutboxRow, ...]:
        """`following`: what is taken in the same transaction, as what has just been done often makes something due.
        Raises what `then` raises; nothing is kept then."""

        def complete_row(connection: Transaction) -> tuple[OutboxRow, ...]:
            if handled.then is not None:  # first, since what changes a request locks it before the lane
                handled.then(connection)
            if handled.refused:
                outbox.mark_refused(connection, row, handled.refused, at)
            else:
                outbox.mark_done(connection, row, handled.note, at)
            return self._claim_in(connection, following) if following is not None else ()

        return await self._write_shielded(complete_row)

    async def retry_later(self, row: OutboxRow, next_at: datetime, error: str) -> None:
        await self._write_shielded(lambda c: outbox.schedule_retry(c, row, next_at, error))

    async def mark_dead(self, row: OutboxRow, error: str, at: datetime) -> None:
        await self._write_shielded(lambda c: outbox.mark_dead(c, row, error, at))

    async def mark_refused(self, row: OutboxRow, error: str, at: datetime) -> None:
        await self._write_shielded(lambda c: outbox.mark_refused(c, row, error, at))

    async def _write_shielded(self, work: Work[T]) -> T:
        return await self._shield(self.store.write(work))

    @staticmethod
    async def _shield(work: Coroutine[Any, Any, T]) -> T:
        """Shield a write: who is cancelled meanwhile leaves when it is written, as a transaction that is broken off
        helps nobody."""
        writing = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing], timeout=WRITE_SECONDS)
            if not writing.cancel() and not writing.cancelled():
                writing.exception()  # looked at, or asyncio complains of it
            raise

    async def reload_row(self, row: OutboxRow) -> OutboxRow:
        """Return a row as it is now; as it was where it has been forgotten since."""
        return await self.store.read(lambda c: outbox_queries.get_outbox_row(c, row.library, row.id)) or row


@value_object(kw_only=True)
class OutboxOptions:
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
    def from_settings(cls, settings: OutboxSettings) -> OutboxOptions:
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


class RouteSlots:
    """A slow way out takes `per_way` places and no more, so the others go on."""

    def __init__(self, total: int, per_way: int) -> None:
        self._total = total
        self._per_way = per_way
        self._taken: Counter[Route] = Counter()

    @property
    def free_slots(self) -> int:
        return max(0, self._total - self._taken.total())

    @property
    def full_routes(self) -> frozenset[Route]:
        """Those that have all their places taken."""
        return frozenset(way for way, taken in self._taken.items() if taken >= self._per_way)

    def full_routes_without(self, way: Route) -> frozenset[Route]:
        """Those that have all their places taken once one of `way` is given back."""
        return frozenset(route for route, taken in self._taken.items() if taken - (route == way) >= self._per_way)

    def has_room(self, way: Route) -> bool:
        return self._taken[way] < self._per_way and self.free_slots > 0

    def take_slot(self, way: Route) -> None:
        """One place, free or not: a row that a person waits for takes one beyond the limit."""
        self._taken[way] += 1

    def release_slot(self, way: Route) -> None:
        """One place back."""
        self._taken[way] -= 1
        if not self._taken[way]:
            del self._taken[way]


HasOwnPartner = Callable[[str, str], bool]
"""Whether a library, by its symbol, has a partner of this name in its folder, which is no other's."""


def has_no_own_partner(_library: str, _name: str) -> bool:
    """All partners are shared."""
    return False


def route_of(row: OutboxRow, has_own: HasOwnPartner = has_no_own_partner) -> Route:
    """A partner or the receiver of a webhook is its target, for all libraries alike; a library's own partner is its
    target for that library."""
    if row.kind in MAIL:
        return Route(row.kind)
    if row.kind in HOUSE:
        return Route(row.kind, library=row.library)
    return Route(row.kind, row.library if has_own(row.library, row.target) else None, row.target)


@value_object
class HandlerResult:
    """The row's work is done. `note` is one line for staff: who took it, under which id. `then` is database work
    that is part of it: it runs in the transaction that marks the row done, so both are there or neither is. `refused`:
    why the other side refused what it got, where staff are to decide whether it goes again."""

    note: str = ""
    then: CompletionWork | None = None
    refused: str = ""


Handler = Callable[[OutboxRow], Awaitable[HandlerResult]]
"""Does what a row asks for. It may be called again for the same row, so what it does outside carries the row's id.

Raises Unavailable (nothing was done: again later), OutcomeUnknown (again, with the same id) or Refused (never
again). Anything else counts as a defect of ours.
"""


class AttemptOutcome(StrEnum):
    """The outcome of one try of a row, for the figures."""

    DONE = "done"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    DEFECT = "defect"
    REFUSED = "refused"
    DEAD = "dead"  # tries are over; counted beside the outcome of the last one


Observe = Callable[[OutboxRow, AttemptOutcome], None]
"""Told a row and the outcome of each try."""


def observe_nothing(_row: OutboxRow, _outcome: AttemptOutcome) -> None:
    """Observes nothing."""

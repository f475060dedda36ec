"""Rows, handlers and a worker for tests of the outbox."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from gateway.services.outbox import AttemptOutcome, Handler, HandlerResult, OutboxOptions, OutboxWorker
from gateway.services.outbox.queue import HasOwnPartner, has_no_own_partner
from gateway.store.requests import outbox, outbox_queries
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIBRARY = "CLK"

OPTIONS = OutboxOptions(
    max_tries=6,
    first_seconds=10,
    longest_seconds=600,
    breaker_failures=3,
    breaker_seconds=60,
    concurrency=8,
    per_target=2,
    handler_seconds=5,
    poll_seconds=0.02,
)

_place = itertools.count()


def a_row(
    target: str = "zentral", *, kind: str = "partner", lane: str = "", library: str = LIBRARY, at: datetime = NOON
) -> OutboxRow:
    return OutboxRow(
        library=library,
        id=make_exchange_id(at),
        lane=lane,
        kind=kind,
        target=target,
        request_id="r1",
        payload=f"Nr. {next(_place)}",
        created=at,
        next_at=at,
    )


@dataclass
class House:
    """A store with a clock that stands still, and a worker at it."""

    store: Store
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    outcomes: Counter[tuple[str, AttemptOutcome]] = field(default_factory=Counter)

    def worker(
        self,
        handlers: Mapping[str, Handler] | Handler,
        options: OutboxOptions = OPTIONS,
        node: str = "here/1",
        has_own: HasOwnPartner = has_no_own_partner,
    ) -> OutboxWorker:
        by_kind = handlers if isinstance(handlers, Mapping) else {"partner": handlers}
        return OutboxWorker(self.store, self.clock, by_kind, options, node, self.observe, has_own=has_own)

    def observe(self, row: OutboxRow, outcome: AttemptOutcome) -> None:
        self.outcomes[row.kind, outcome] += 1

    async def add(self, *rows: OutboxRow) -> tuple[OutboxRow, ...]:
        def work(connection: Connection) -> None:
            for row in rows:
                outbox.add_outbox_row(connection, row)

        await self.store.write(work)
        return rows

    async def row(self, row: OutboxRow) -> OutboxRow:
        found = await self.store.read(lambda c: outbox_queries.get_outbox_row(c, row.library, row.id))
        assert found is not None
        return found

    def later(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@dataclass
class Sent:
    """A handler that keeps what it was given, and fails as told: `failures` by payload, one after the other."""

    rows: list[OutboxRow] = field(default_factory=list)
    failing: Callable[[OutboxRow], Exception | None] = lambda row: None

    async def __call__(self, row: OutboxRow) -> HandlerResult:
        self.rows.append(row)
        failure = self.failing(row)
        if failure is not None:
            raise failure
        return HandlerResult(f"taken: {row.payload}")

    @property
    def ids(self) -> list[str]:
        return [row.id for row in self.rows]

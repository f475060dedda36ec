"""One gateway without its background loops: its outbox is worked off row by row, and it can be killed at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from adapters.library.embedded.tables import holds, items, loans
from adapters.loopback.channel import HUB
from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import ActionRequest, RequestView
from gateway.ports.adapter import MailerAdapter
from gateway.runtime.daemon import Daemon
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import load_settings
from gateway.store.requests.outbox import UNFINISHED, OutboxRow
from gateway.store.requests.outbox_queries import get_outbox_row
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import outbox, request, request_event, request_timer


class Mailbox:
    """Letters are kept, nobody reads them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> str:
        self.mails.append(message)
        return "250 kept"


@dataclass(frozen=True)
class Line:
    """A row of the history."""

    id: str
    request_id: str
    before: str
    after: str
    denied: str
    document: str


@dataclass(frozen=True)
class Left:
    """What managed requests have in the library: open loans and holds by number of the request, barcodes of
    temporary items with theirs."""

    loans: tuple[str, ...]
    holds: tuple[str, ...]
    temporary: tuple[tuple[str, str], ...]


class Town:
    def __init__(self, symbol: str, config: Path, clock: FixedClock, mailbox: Mailbox | None = None) -> None:
        self.symbol = symbol
        self.mailbox = mailbox or Mailbox()
        self._clock = clock
        self._adapters = _with_mailbox(load_adapters(), self.mailbox)
        self._settings = load_settings(config, self._adapters)

    @property
    def front(self) -> RequestService:
        return self.gateway.managed.libraries[self.symbol].requests

    @property
    def context(self) -> LibraryContext:
        return self.gateway.managed.contexts[self.symbol]

    # --- life and death ----------------------------------------------------------------------------------

    async def start(self) -> None:
        self.gateway = Daemon(self._settings, self._adapters, self._clock)
        await self.gateway.start()

    async def crash(self) -> None:
        """Nothing is finished but what the store has begun to write."""
        channel = self.gateway.managed.channels["loopback"]
        HUB.remove_member(self.symbol, channel.accept_message)  # type: ignore[attr-defined]
        await self.gateway.managed.worker.stop(0)
        await self.gateway.stop()

    # --- work --------------------------------------------------------------------------------------------

    async def step(self, choice: int) -> bool:
        """One of the rows whose turn has come, whichever. False: there is none."""
        now = self._clock.now()
        ready = select(outbox.c.id).where(outbox.c.ready_at <= now).order_by(outbox.c.id)
        ids: Sequence[str] = await self.context.store.read(lambda c: c.execute(ready).scalars().all())
        if not ids:
            return False
        await self.do(ids[choice % len(ids)])
        return True

    async def do(self, row_id: str) -> None:
        """This row, as the worker's loop does it: what is refused is dead."""
        worker = self.gateway.managed.worker
        known = await self.context.store.read(lambda c: get_outbox_row(c, self.symbol, row_id))
        row = await worker._book.claim_row(known, self._clock.now()) if known is not None else None
        if row is not None:
            await worker.attempts.run_attempt(row, self._clock.now, worker._book.mark_dead)

    async def drain(self) -> int:
        return await self.gateway.managed.worker.drain()

    async def fire_timers(self) -> int:
        return await self.gateway.managed.timekeeper.drain()

    # --- people ------------------------------------------------------------------------------------------

    async def show(self, request_id: str) -> RequestView:
        return await self.front.load_view(request_id)

    async def act(self, request_id: str, act: ActionRequest) -> Request:
        return await self.front.apply_action(request_id, act)

    # --- what is in the store ----------------------------------------------------------------------------

    async def requests(self) -> dict[str, Request]:
        query = select(request.c.document).where(request.c.library == self.symbol).order_by(request.c.id)
        found = await self.context.store.read(lambda c: c.execute(query).scalars().all())
        return {one.id: one for one in map(parse_request, found)}

    async def history(self) -> tuple[Line, ...]:
        """Of all requests, in the order of the ids."""
        c = request_event.c
        query = select(c.id, c.request_id, c.before, c.after, c.denied, c.document).order_by(c.id)
        found = await self.context.store.read(lambda connection: connection.execute(query).all())
        return tuple(Line(*row) for row in found)

    async def unfinished(self) -> tuple[OutboxRow, ...]:
        wanted = [status.value for status in UNFINISHED]
        query = select(outbox.c.id).where(outbox.c.status.in_(wanted)).order_by(outbox.c.id)

        def work(connection: Connection) -> tuple[OutboxRow, ...]:
            found = (get_outbox_row(connection, self.symbol, id_) for id_ in connection.execute(query).scalars().all())
            return tuple(row for row in found if row is not None)

        return await self.context.store.read(work)

    async def timers(self) -> tuple[tuple[str, str, Any], ...]:
        c = request_timer.c
        query = select(c.request_id, c.timer, c.at).order_by(c.at, c.request_id, c.timer)
        found = await self.context.store.read(lambda connection: connection.execute(query).all())
        return tuple((row.request_id, row.timer, row.at) for row in found)

    async def all_of(self, request_id: str) -> tuple[object, ...]:
        """What a refused act must not change: the request, its rows and timers, its things in the library."""
        documents = await self.requests()
        rows = [(row.id, row.status) for row in await self.unfinished() if row.request_id == request_id]
        timers = [timer for timer in await self.timers() if timer[0] == request_id]
        return documents[request_id], rows, timers, await self.left()

    async def left(self) -> Left:
        def work(connection: Connection) -> Left:
            out = select(loans.c.request_id).where(loans.c.returned.is_(None), loans.c.request_id != "")
            held = select(holds.c.request_id).where(holds.c.closed.is_(None), holds.c.request_id != "")
            here = select(items.c.barcode, items.c.request_id).where(items.c.temporary, items.c.deleted.is_(None))
            return Left(
                tuple(sorted(connection.execute(out).scalars().all())),
                tuple(sorted(connection.execute(held).scalars().all())),
                tuple(sorted((row.barcode, row.request_id) for row in connection.execute(here))),
            )

        return await self.context.store.read(work)


def _with_mailbox(adapters: AdapterRegistry, mailbox: Mailbox) -> AdapterRegistry:
    return replace(adapters, mailers={"smtp": MailerAdapter("smtp", lambda *_: mailbox)})

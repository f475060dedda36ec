"""Subscriptions: made, listed, removed by whoever holds a key for it; and the outbox rows that an event makes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.events import Kind
from gateway.domain.requests.views import HistoryLine, NotThere
from gateway.services.webhooks.addresses import Addresses
from gateway.services.webhooks.payload import happened
from gateway.store.api import webhooks
from gateway.store.api.webhooks import Subscription
from gateway.store.engine import Store
from gateway.store.ids import exchange_id
from gateway.store.requests import outbox
from gateway.store.requests.outbox import Row

KIND = "webhook"
MOST = 50
"""Subscriptions of one library: each makes a row of every event."""


def announce(c: Connection, library: str, line: HistoryLine, now: datetime) -> int:
    """Outbox rows for all who want to know, in the transaction of the event itself; returns how many. One lane each,
    so that a receiver gets events in order and a dead one is not knocked at by every event."""
    wanted = [one for one in webhooks.of_library(c, library) if one.wants(line.event.kind)]
    payload = json.dumps(happened(line), ensure_ascii=False, separators=(",", ":")) if wanted else ""
    for one in wanted:
        row = Row(
            library=library,
            id=exchange_id(now),
            lane=f"{KIND}:{one.id}",
            kind=KIND,
            target=one.id,
            request_id=line.request_id,
            payload=payload,
            created=now,
            next_at=now,
        )
        outbox.add(c, row)
    return len(wanted)


class Webhooks:
    def __init__(self, store: Store, clock: Clock, addresses: Addresses) -> None:
        self._store = store
        self._clock = clock
        self._addresses = addresses

    async def create(self, library: str, name: str, url: str, kinds: Iterable[Kind]) -> Subscription:
        """Raises Refused for a URL that leads into a network that isn't public, or when there are too many."""
        self._addresses.check_url(url)
        now = self._clock.now()
        made = Subscription(
            library=library,
            id=exchange_id(now),
            name=name,
            url=url,
            secret=f"whsec_{secrets.token_urlsafe(32)}",
            kinds=tuple(dict.fromkeys(kinds)),
            created=now,
        )

        def work(c: Connection) -> None:
            if len(webhooks.of_library(c, library)) >= MOST:
                raise Refused(Reason.LIMIT_REACHED, f"There are {MOST} webhooks already.")
            webhooks.add(c, made)

        await self._store.write(work)
        return made

    async def of_library(self, library: str) -> tuple[Subscription, ...]:
        return await self._store.read(lambda c: webhooks.of_library(c, library))

    async def get(self, library: str, id_: str) -> Subscription:
        """Raises NotThere."""
        found = await self._store.read(lambda c: webhooks.get(c, library, id_))
        if found is None:
            raise NotThere("webhook")
        return found

    async def remove(self, library: str, id_: str) -> None:
        """Raises NotThere. What waits for it in the outbox is ended there when its turn comes."""
        if not await self._store.write(lambda c: webhooks.remove(c, library, id_)):
            raise NotThere("webhook")

    async def enable(self, library: str, id_: str) -> Subscription:
        """Again, after it was disabled. Raises NotThere."""
        if not await self._store.write(lambda c: webhooks.enable(c, library, id_)):
            raise NotThere("webhook")
        return await self.get(library, id_)

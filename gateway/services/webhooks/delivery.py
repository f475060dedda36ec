"""Bringing an event to a subscriber: the outbox's handler for rows of kind `webhook`.

The outbox tries again (design rule 5); here it is only noted since when a subscriber fails. After long failure it is
disabled, and what waits for it is ended without being sent.
"""

from __future__ import annotations

import json
from dataclasses import field
from datetime import datetime, timedelta

import aiohttp
import structlog
from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen_by_name
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.services.outbox.handled import Handled, Then
from gateway.services.webhooks.addresses import Addresses, GuardedResolver, NotAllowed
from gateway.services.webhooks.signature import HEADER, signature
from gateway.store.api import webhooks
from gateway.store.api.webhooks import Subscription
from gateway.store.engine import Store
from gateway.store.requests.outbox import Row

log = structlog.get_logger(component="webhooks")

AGENT = "illgate-webhook/1"
GONE = 410


@frozen_by_name
class WebhookOptions:
    """`seconds`: for one delivery. `disable_after`: how long a subscriber may fail."""

    addresses: Addresses = field(default_factory=Addresses)
    seconds: float = 10.0
    disable_after: timedelta = timedelta(days=3)


class WebhookHandler:
    """`await handler(row)`; `close` at the end."""

    def __init__(self, store: Store, clock: Clock, options: WebhookOptions) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, row: Row) -> Handled:
        """Raises Unavailable, OutcomeUnknown."""
        one = await self._store.read(lambda c: webhooks.get(c, row.library, row.target))
        if one is None:
            return Handled("not sent: the subscription is gone")
        if not one.enabled:
            return Handled("not sent: the subscription is disabled")
        try:
            status = await self._send(one, row)
        except (Unavailable, OutcomeUnknown):
            if await self._failed(one):
                return Handled("not sent: disabled after long failure")
            raise
        if status == GONE:
            return Handled("the receiver says that it is gone: disabled", _disabling(one, "it answered 410 Gone"))
        return Handled(f"delivered: {status}", _well(one) if one.failing_since else None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, one: Subscription, row: Row) -> int:
        """The status: 2xx or 410. Raises Unavailable, OutcomeUnknown."""
        try:
            url = self._options.addresses.check_url(one.url)
        except Refused as refused:
            raise Unavailable(refused.detail) from refused
        body = row.payload.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "Illgate-Delivery": row.id,
            "Illgate-Event": str(json.loads(row.payload)["event"]),
            HEADER: signature(one.secret, self._clock.now(), body),
        }
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except TimeoutError as error:
            raise OutcomeUnknown("no answer in time") from error
        except aiohttp.InvalidURL as error:
            raise Unavailable("can't be reached: not a host that exists") from error
        except aiohttp.ClientConnectorError as error:
            why = error.os_error
            said = str(why) if isinstance(why, NotAllowed) else type(error).__name__
            raise Unavailable(f"can't be reached: {said}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise OutcomeUnknown(f"the connection broke: {type(error).__name__}") from error
        if not 200 <= status < 300 and status != GONE:
            raise Unavailable(f"answered with status {status}")
        return status

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._options.addresses), use_dns_cache=False, limit=20, force_close=True
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._options.seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # the answer's body is never read
            )
        return self._session

    async def _failed(self, one: Subscription) -> bool:
        """True: it is disabled now."""
        now = self._clock.now()
        if one.failing_since is None:
            await self._store.write(lambda c: webhooks.failing(c, one.library, one.id, now))
            return False
        if now - one.failing_since < self._options.disable_after:
            return False
        why = f"no delivery has succeeded since {_day(one.failing_since)}"
        await self._store.write(lambda c: webhooks.disable(c, one.library, one.id, why))
        log.warning("webhook disabled", library=one.library, webhook=one.id, reason=why)
        return True


def _disabling(one: Subscription, why: str) -> Then:
    def then(c: Connection) -> None:
        webhooks.disable(c, one.library, one.id, why)

    return then


def _well(one: Subscription) -> Then:
    def then(c: Connection) -> None:
        webhooks.failing(c, one.library, one.id, None)

    return then


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"

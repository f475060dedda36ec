"""Webhook subscriptions, signatures, and the outbox handler that delivers.

Details, notes and links are left out: whoever may see them asks for the request.

A delivery is signed as Standard Webhooks has it: `v1` is HMAC-SHA-256 over id, timestamp and body. A receiver computes
it anew, compares, and refuses what is older than a few minutes.

The outbox tries again (design rule 5); here it is only noted since when a subscriber fails. After long failure it is
disabled, and what waits for it is ended without being sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.views import HistoryLine, NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.outgoing_http import HttpClient, HttpFailure, HttpLimits, HttpOptions, HttpRequest
from gateway.ports.shared_store import Store, Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.outbox.queue import CompletionWork, HandlerResult
from gateway.store import api_records
from gateway.store.api_records import WebhookSubscription
from gateway.store.library_store import LibraryStore
from gateway.store.requests import outbox
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id

log = structlog.get_logger(component="webhooks")

KIND = "webhook"
MAX_SUBSCRIPTIONS = 50
"""Subscriptions of one library: each makes a row of every event."""

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32

AGENT = "illgate-webhook/1"
GONE = 410


def announce_event(c: Transaction, library: str, line: HistoryLine, now: datetime) -> int:
    """Outbox rows for all who want to know, in the transaction of the event itself; returns how many. One lane each,
    so that a receiver gets events in order and a dead one is not knocked at by every event."""
    subscriptions = [
        hook for hook in api_records.list_subscriptions_once(c, library) if hook.is_for_kind(line.event.kind)
    ]
    payload = json.dumps(event_payload(line), ensure_ascii=False, separators=(",", ":")) if subscriptions else ""
    for webhook_subscription in subscriptions:
        row = OutboxRow(
            library=library,
            id=make_exchange_id(now),
            lane=f"{KIND}:{webhook_subscription.id}",
            kind=KIND,
            target=webhook_subscription.id,
            request_id=line.request_id,
            payload=payload,
            created=now,
            next_at=now,
        )
        outbox.add_outbox_row(c, row)
    return len(subscriptions)


class WebhookService:
    def __init__(self, library: LibraryStore, addresses: AllowedAddresses) -> None:
        self._library = library
        self._addresses = addresses

    async def create_subscription(self, name: str, url: str, kinds: Iterable[EventKind]) -> WebhookSubscription:
        """Create a subscription; raises Refused for a URL that leads into a network that isn't public, or when there
        are too many."""
        self._addresses.check_url(url)
        now = self._library.now()
        subscription = WebhookSubscription(
            library=self._library.symbol,
            id=make_exchange_id(now),
            name=name,
            url=url,
            secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
            kinds=tuple(dict.fromkeys(kinds)),
            created=now,
        )

        def insert_subscription(c: Transaction) -> None:
            if len(api_records.list_subscriptions(c, self._library.symbol)) >= MAX_SUBSCRIPTIONS:
                raise Refused(
                    RefusalReason.LIMIT_REACHED,
                    write_sentence("There are already %(most)s webhooks.", most=MAX_SUBSCRIPTIONS),
                )
            api_records.add_subscription(c, subscription)

        await write_once(self._library.store, insert_subscription, lambda _: subscription.id)
        return subscription

    async def list_subscriptions(self) -> tuple[WebhookSubscription, ...]:
        return await self._library.store.read(lambda c: api_records.list_subscriptions(c, self._library.symbol))

    async def get(self, id_: str) -> WebhookSubscription:
        """Load a subscription; raises NotFound."""
        subscription = await self._library.store.read(
            lambda c: api_records.get_subscription(c, self._library.symbol, id_)
        )
        if subscription is None:
            raise NotFound("webhook")
        return subscription

    async def remove_subscription(self, id_: str) -> None:
        """Remove a subscription; raises NotFound. What waits for it in the outbox is ended there when its turn
        comes."""
        if not await self._library.store.write(lambda c: api_records.remove_subscription(c, self._library.symbol, id_)):
            raise NotFound("webhook")

    async def enable_subscription(self, id_: str) -> WebhookSubscription:
        """Again, after it was disabled. Raises NotFound."""
        if not await self._library.store.write(lambda c: api_records.enable_subscription(c, self._library.symbol, id_)):
            raise NotFound("webhook")
        return await self.get(id_)


def event_payload(line: HistoryLine) -> Mapping[str, str]:
    """`denied` is there when the event did not fit and so changed nothing."""
    payload = {
        "id": line.id,
        "at": line.at.isoformat().replace("+00:00", "Z"),
        "request": line.request_id,
        "event": line.event.kind.value,
        "origin": line.event.signal.origin.value,
        "before": line.before,
        "after": line.after,
    }
    return {**payload, "denied": line.denied} if line.denied else payload


def sign_payload(secret: str, delivery: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Make the headers of Standard Webhooks. `secret`: whsec_ and base64, in secrets of before 0.1.0 that of URLs."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX).translate(str.maketrans("-_", "+/")) + "==")
    moment = str(int(at.timestamp()))
    signed = hmac.digest(key, f"{delivery}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": delivery,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


@value_object(kw_only=True)
class WebhookOptions:
    """`seconds`: for one delivery. `disable_after`: how long a subscriber may fail."""

    addresses: AllowedAddresses = field(default_factory=AllowedAddresses)
    seconds: float = 10.0
    disable_after: timedelta = timedelta(days=3)


class WebhookHandler:
    """`await handler(row)`; `close` at the end."""

    def __init__(self, store: Store, clock: Clock, options: WebhookOptions) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._client = HttpClient(HttpOptions(addresses=options.addresses))

    async def __call__(self, row: OutboxRow) -> HandlerResult:
        """Send to a webhook; raises Unavailable, OutcomeUnknown."""
        hook = await self._store.read(lambda c: api_records.get_subscription(c, row.library, row.target))
        if hook is None:
            return HandlerResult("not sent: the subscription is gone")
        if not hook.enabled:
            return HandlerResult("not sent: the subscription is disabled")
        try:
            status = await self._send_event(hook, row)
        except (Unavailable, OutcomeUnknown):
            if await self._record_failure(hook):
                return HandlerResult("not sent: disabled after long failure")
            raise
        if status == GONE:
            return HandlerResult(
                "the receiver says that it is gone: disabled", _make_disable_work(hook, "it answered 410 Gone")
            )
        return HandlerResult(f"delivered: {status}", _make_success_work(hook) if hook.failing_since else None)

    async def close(self) -> None:
        await self._client.close()

    async def _send_event(self, subscription: WebhookSubscription, row: OutboxRow) -> int:
        """The status: 2xx or 410. Raises Unavailable, OutcomeUnknown."""
        try:
            url = self._options.addresses.check_url(subscription.url)
        except Refused as refused:
            raise Unavailable(refused.detail) from refused
        body = row.payload.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "Illgate-Event": str(json.loads(row.payload)["event"]),
            **sign_payload(subscription.secret, row.id, self._clock.now(), body),
        }
        try:
            reply = await self._client.exchange(
                HttpRequest("POST", url, body, headers), HttpLimits(None, self._options.seconds, max_bytes=0)
            )
        except HttpFailure as failure:
            raise failure.make_problem() from failure
        status = reply.status
        if not 200 <= status < 300 and status != GONE:
            raise Unavailable(write_sentence("returned status %(status)s", status=status))
        return status

    async def _record_failure(self, hook: WebhookSubscription) -> bool:
        """True: it is disabled now."""
        now = self._clock.now()
        if hook.failing_since is None:
            await self._store.write(lambda c: api_records.mark_subscription_failing(c, hook.library, hook.id, now))
            return False
        if now - hook.failing_since < self._options.disable_after:
            return False
        why = f"no delivery has succeeded since {_format_day(hook.failing_since)}"
        await self._store.write(lambda c: api_records.disable_subscription(c, hook.library, hook.id, why))
        log.warning("webhook.disabled", library=hook.library, webhook=hook.id, reason=why)
        return True


def _make_disable_work(subscription: WebhookSubscription, why: str) -> CompletionWork:
    def disable_subscription(c: Transaction) -> None:
        api_records.disable_subscription(c, subscription.library, subscription.id, why)

    return disable_subscription


def _make_success_work(subscription: WebhookSubscription) -> CompletionWork:
    def clear_failure(c: Transaction) -> None:
        api_records.mark_subscription_failing(c, subscription.library, subscription.id, None)

    return clear_failure


def _format_day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"

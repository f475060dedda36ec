"""Webhooks: signed, retried, never into our own network, given up after long failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.domain.clock import FixedClock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.views import HistoryLine
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.shared_store import Store
from gateway.services.outbox.webhooks import (
    WebhookHandler,
    WebhookOptions,
    WebhookService,
    announce_event,
    sign_payload,
)
from gateway.store import api_records
from gateway.store.library_store import LibraryStore
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.protocol.api.support import Client

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
LOOPBACK = AllowedAddresses(["127.0.0.0/8"])
WEBHOOK_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass
class Receiver:
    """A subscriber; answers with `status`, after `seconds`."""

    status: int = 200
    seconds: float = 0.0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        await asyncio.sleep(self.seconds)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def kept(store: Store) -> Store:
    return store


@dataclass
class Desk:
    store: Store
    clock: FixedClock
    hooks: WebhookService
    handler: WebhookHandler

    async def row(self, kind: EventKind = EventKind.SHIPPED) -> OutboxRow:
        """The outbox row of one event."""
        event = Event(local_signal(kind), self.clock.now(), "staff:Åse")
        line = HistoryLine("0661", "r-1", self.clock.now(), event, "will-supply", "shipped")
        assert await self.store.write(lambda c: announce_event(c, "DEMO", line, self.clock.now())) == 1
        page = await self.store.read(
            lambda c: outbox_queries.list_oldest_by_status(c, "DEMO", OutboxStatus.WAITING, 10)
        )
        return page.rows[0]


@pytest.fixture
async def desk(kept: Store) -> AsyncIterator[Desk]:
    clock = FixedClock(NOW)
    handler = WebhookHandler(kept, clock, WebhookOptions(addresses=LOOPBACK, seconds=0.5))
    yield Desk(kept, clock, WebhookService(LibraryStore(symbol="DEMO", store=kept, clock=clock), LOOPBACK), handler)
    await handler.close()


async def test_an_event_is_delivered_signed(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [EventKind.SHIPPED])
    row = await desk.row()
    assert (row.kind, row.target, row.lane, row.request_id) == ("webhook", made.id, f"webhook:{made.id}", "r-1")

    assert (await desk.handler(row)).note == "delivered: 200"

    ((headers, body),) = receiver.got
    assert json.loads(body) == {
        "id": "0661",
        "at": "2026-03-01T10:15:00Z",
        "request": "r-1",
        "event": "shipped",
        "origin": "us",
        "before": "will-supply",
        "after": "shipped",
    }
    assert headers["Illgate-Event"] == "shipped"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (row.id, str(int(NOW.timestamp())))
    assert {name: headers[name] for name in WEBHOOK_HEADERS} == sign_payload(made.secret, row.id, NOW, body)


def test_the_signature_is_that_of_the_published_example() -> None:
    """standard-webhooks, libraries/*/tests: `whsec_MfKQ…`, `msg_p5jX…`, 1614265330."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signed = sign_payload(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body)
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def verify_delivery(stored: str, receivers: str) -> None:
    """By the library of Standard Webhooks, which looks at the real clock."""
    body, now = b'{"event":"shipped"}', datetime.now(UTC)
    headers = dict(sign_payload(stored, "0661", now, body))
    assert Webhook(receivers).verify(body, headers) == {"event": "shipped"}
    with pytest.raises(WebhookVerificationError):
        Webhook(receivers).verify(b'{"event":"received"}', headers)


async def test_receivers_verify_with_their_library(desk: Desk) -> None:
    secret = (await desk.hooks.create_subscription("portal", "http://127.0.0.1/", [])).secret
    verify_delivery(secret, secret)


def test_a_secret_of_before_is_taken_in_the_alphabet_of_base64() -> None:
    rest = "8xMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1NjcODkw"
    verify_delivery(f"whsec_-_{rest}", f"whsec_+/{rest}")


async def test_only_the_events_that_are_wanted(desk: Desk, receiver: Receiver) -> None:
    await desk.hooks.create_subscription("portal", receiver.url, [EventKind.RECEIVED])
    elsewhere = LibraryStore(symbol="ELSEWHERE", store=desk.store, clock=desk.clock)
    await WebhookService(elsewhere, LOOPBACK).create_subscription("other library", receiver.url, [])
    line = HistoryLine("1", "r-1", NOW, Event(local_signal(EventKind.SHIPPED), NOW), "a", "b")
    assert await desk.store.write(lambda c: announce_event(c, "DEMO", line, NOW)) == 0


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
async def test_what_is_not_taken_is_tried_again(desk: Desk, receiver: Receiver, status: int) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [])
    receiver.status = status
    with pytest.raises(Unavailable, match=str(status)):
        await desk.handler(await desk.row())
    assert len(receiver.got) == 1, "redirections are not followed"
    failing = (await desk.hooks.get(made.id)).failing_since
    assert failing == NOW


async def test_a_slow_receiver_may_have_it(desk: Desk, receiver: Receiver) -> None:
    await desk.hooks.create_subscription("portal", receiver.url, [])
    receiver.seconds = 2
    with pytest.raises(OutcomeUnknown):
        await desk.handler(await desk.row())


async def test_after_long_failure_it_is_disabled_until_staff_enable_it(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [])
    row = await desk.row()
    receiver.status = 500
    with pytest.raises(Unavailable):
        await desk.handler(row)
    desk.clock.advance(timedelta(days=2))
    with pytest.raises(Unavailable):
        await desk.handler(row)
    desk.clock.advance(timedelta(days=2))
    assert "disabled" in (await desk.handler(row)).note
    disabled = await desk.hooks.get(made.id)
    assert (disabled.enabled, disabled.disabled_why) == (False, "no delivery has succeeded since 2026-03-01")
    receiver.status = 200
    assert "disabled" in (await desk.handler(row)).note
    assert len(receiver.got) == 3, "not knocked at any more"

    await desk.hooks.enable_subscription(made.id)
    assert (await desk.handler(row)).note == "delivered: 200"


async def test_a_success_ends_a_failure(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [])
    row = await desk.row()
    receiver.status = 500
    with pytest.raises(Unavailable):
        await desk.handler(row)
    receiver.status = 204
    handled = await desk.handler(row)
    assert handled.then is not None
    await desk.store.write(handled.then)
    assert (await desk.hooks.get(made.id)).failing_since is None


async def test_gone_is_gone(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [])
    receiver.status = 410
    handled = await desk.handler(await desk.row())
    assert handled.then is not None
    await desk.store.write(handled.then)
    assert not (await desk.hooks.get(made.id)).enabled


async def test_a_subscription_that_was_removed_is_not_told(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.create_subscription("portal", receiver.url, [])
    row = await desk.row()
    await desk.hooks.remove_subscription(made.id)
    assert "gone" in (await desk.handler(row)).note
    assert receiver.got == []


# --- where it may not lead -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[2002:7f00:1::]",
        "[64:ff9b::7f00:1]",
    ],
)
async def test_addresses_that_are_not_public_are_refused(kept: Store, host: str) -> None:
    hooks = WebhookService(LibraryStore(symbol="DEMO", store=kept, clock=FixedClock(NOW)), AllowedAddresses())
    with pytest.raises(Refused):
        await hooks.create_subscription("portal", f"http://{host}:8080/", [])


@pytest.mark.parametrize(
    "url", ["https://ole:hemmelig@portal.example/", "file:///etc/passwd", "https:///x", "gopher://x/"]
)
async def test_urls_that_are_no_addresses_of_services(kept: Store, url: str) -> None:
    with pytest.raises(Refused):
        await WebhookService(
            LibraryStore(symbol="DEMO", store=kept, clock=FixedClock(NOW)), AllowedAddresses()
        ).create_subscription("portal", url, [])


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
async def test_names_that_lead_to_us_are_seen_when_they_are_resolved(
    kept: Store, receiver: Receiver, host: str
) -> None:
    clock = FixedClock(NOW)
    port = receiver.url.rpartition(":")[2]
    handler = WebhookHandler(kept, clock, WebhookOptions(addresses=AllowedAddresses(), seconds=2))
    desk = Desk(
        kept, clock, WebhookService(LibraryStore(symbol="DEMO", store=kept, clock=clock), AllowedAddresses()), handler
    )
    await desk.hooks.create_subscription("portal", f"http://{host}:{port}", [])
    row = await desk.row()
    with pytest.raises(Unavailable, match=r"no public address|URL is not valid"):
        await handler(row)
    assert receiver.got == []
    await handler.close()


async def test_allowed_networks_are_reached_and_public_ones_always() -> None:
    assert AllowedAddresses(["10.0.0.0/8"]).can_reach("10.1.2.3")
    assert not AllowedAddresses(["10.0.0.0/8"]).can_reach("192.168.0.1")
    assert AllowedAddresses().can_reach("193.156.1.1")
    assert AllowedAddresses().can_reach("2001:700::1")


# --- through the API -------------------------------------------------------------------------------------


async def test_made_listed_enabled_and_removed(client: Client) -> None:
    body = {"name": "Ünïversum", "url": "https://portal.example/hook", "events": ["shipped"]}
    made = await client("POST", "webhooks", body)
    assert made.status == 201
    assert made.json["secret"].startswith("whsec_")
    shown = (await client("GET", made.headers["Location"])).json
    assert "secret" not in shown
    assert (await client("GET", "webhooks")).json["items"] == [shown]
    assert (await client("POST", f"webhooks/{shown['id']}/enable")).json == shown
    assert (await client("DELETE", f"webhooks/{shown['id']}")).status == 204
    assert (await client("DELETE", f"webhooks/{shown['id']}")).problem == "not-found"


async def test_so_many_and_no_more(client: Client) -> None:
    body = {"name": "portal", "url": "https://portal.example/hook"}
    made = [(await client("POST", "webhooks", body)).status for _ in range(51)]
    assert made == [201] * 50 + [422]


async def test_the_secret_is_not_shown_in_texts(kept: Store) -> None:
    made = await WebhookService(
        LibraryStore(symbol="DEMO", store=kept, clock=FixedClock(NOW)), AllowedAddresses()
    ).create_subscription("p", "https://p.example/", [])
    assert made.secret not in repr(made)
    assert await kept.read(lambda c: api_records.get_subscription(c, "DEMO", made.id)) == made

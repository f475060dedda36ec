"""What happens, as a stream and as pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gateway.services.people.api_keys import KeyScope
from gateway.web.api import event_stream
from gateway.web.api.event_stream import StreamTiming
from tests.protocol.api.support import Client, Running
from tests.protocol.api.test_requests import act, borrow


@asynccontextmanager
async def stream(client: Client, query: str = "", **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    sent = {"Authorization": f"Bearer {client.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    async with client.session.get(f"{client.root}/api/v1/events{query}", headers=sent) as answer:
        yield answer


async def take(answer: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    """So many events; comments and other fields are passed over."""
    found = []
    async with asyncio.timeout(20):
        while len(found) < count:
            block = (await answer.content.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.strip().split("\n") if not line.startswith(":"))
            if "data" in fields:
                data = json.loads(fields["data"])
                assert (fields["id"], fields["event"]) == (data["id"], data["event"])
                found.append(data)
    return found


async def test_events_come_as_they_happen(gateway: Running, client: Client) -> None:
    async with stream(client) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        request = await borrow(client)
        gateway.api.wake_streams("DEMO")
        (first,) = await take(answer, 1)
        assert (first["request"], first["event"], first["after"]) == (request["id"], "submit", "review")
        await act(client, request, "note", note="hemmelig")
        gateway.api.wake_streams("DEMO")
        (second,) = await take(answer, 1)
        assert second["event"] == "note"
        assert "hemmelig" not in json.dumps(second), "details are for those who may see the request"


async def test_a_client_that_comes_again_misses_nothing(client: Client) -> None:
    request = await borrow(client)
    for number in range(3):
        await act(client, request, "note", note=str(number))
    async with stream(client, "?after=0") as answer:
        seen = await take(answer, 2)
    async with stream(client, Last_Event_ID=seen[-1]["id"]) as answer:
        rest = await take(answer, 2)
    pages = (await client("GET", "history")).json["items"]
    assert [one["id"] for one in seen + rest] == [one["id"] for one in pages]


async def test_pages_go_on_from_the_last(client: Client) -> None:
    request = await borrow(client)
    await act(client, request, "note", note="x")
    first = (await client("GET", "history?limit=1")).json
    second = (await client("GET", f"history?limit=1&after={first['last']}")).json
    third = (await client("GET", f"history?limit=1&after={second['last']}")).json
    assert [one["event"] for one in first["items"] + second["items"]] == ["submit", "note"]
    assert third == {"items": [], "last": second["last"]}


async def test_more_events_than_a_page_holds(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "PAGE", 2)
    request = await borrow(client)
    for number in range(5):
        await act(client, request, "note", note=str(number))
    async with stream(client, "?after=0") as answer:
        found = await take(answer, 6)
    assert len({one["id"] for one in found}) == 6
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)


async def test_a_quiet_stream_says_that_it_lives_and_ends_when_the_gateway_stops(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = gateway.api.streams
    monkeypatch.setattr(streams, "_pace", StreamTiming(look=0.1, heartbeat=0.1))
    async with stream(client) as answer:
        async with asyncio.timeout(10):
            await answer.content.readuntil(b": alive\n\n")
        assert streams.open_count == 1
        gateway.api.end_streams()
        async with asyncio.timeout(10):
            await answer.content.read()
    assert streams.open_count == 0
    assert (await client("GET", "events")).problem == "unavailable"


async def test_a_client_may_go_at_any_time(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gateway.api.streams, "_pace", StreamTiming(look=0.05, heartbeat=0.05))
    async with stream(client) as answer:
        await answer.content.readuntil(b": alive\n\n")
    async with asyncio.timeout(10):
        while gateway.api.streams.open_count:  # noqa: ASYNC110  streams tell nobody
            await asyncio.sleep(0.05)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_stream_ends_with_its_key(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(gateway.api.streams, "_pace", StreamTiming(look=0.05, heartbeat=0.05))
    made = await gateway.keys.create_key("Dashboard", [KeyScope.EVENTS_READ], timedelta(days=1))
    async with stream(client.with_key(made.key)) as answer:
        async with asyncio.timeout(10):
            await answer.content.readuntil(b": alive\n\n")
        if end == "revoked":
            await gateway.keys.revoke_key(made.row.prefix)
        else:
            monkeypatch.setattr(gateway.clock, "now", lambda: made.row.created + timedelta(days=1))
        async with asyncio.timeout(10):
            await answer.content.read()
    assert gateway.api.streams.open_count == 0


async def test_so_many_streams_and_no_more(gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.api.streams, "_pace", StreamTiming(most=1))
    async with stream(client) as answer:
        await answer.content.readuntil(b"\n\n")
        refused = await client("GET", "events")
        assert refused.problem == "unavailable"
        assert refused.headers["Retry-After"]


@pytest.mark.parametrize("said", ["../x", "a b", "é", "x" * 101])
async def test_a_last_event_id_is_an_id(client: Client, said: str) -> None:
    answered = await client("GET", "events", Last_Event_ID=said)
    assert answered.problem == "invalid"

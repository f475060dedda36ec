"""The switches of a fake, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.adapters.library.test_rest_client import Things


@pytest.fixture
async def things() -> AsyncIterator[Things]:
    server = Things()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session(things: Things) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(things.url) as session:
        yield session


async def test_faults_are_set_and_calls_are_listed(session: aiohttp.ClientSession) -> None:
    fault = {"kind": "error-500", "after": 1, "method": "GET", "path": "/things"}
    assert (await session.post("/fake/faults", json=fault)).status == 204

    wanted = {"params": {"a": "1"}, "headers": {"Authorization": "Basic c2VjcmV0"}}
    statuses = [(await session.get("/api/things/1", **wanted)).status for _ in range(3)]

    assert statuses == [200, 500, 200]
    calls = await (await session.get("/fake/calls")).json()
    headers = calls[1].pop("headers")
    assert calls[1] == {"method": "GET", "path": "/api/things/1", "status": 500, "query": {"a": ["1"]}, "body": ""}
    assert headers["authorization"] == "..."
    assert (await session.delete("/fake/calls")).status == 204
    assert await (await session.get("/fake/calls")).json() == []


async def test_faults_end_when_they_are_taken_back(session: aiohttp.ClientSession) -> None:
    await session.post("/fake/faults", json={"kind": "maintenance", "times": 0})
    assert [(await session.get("/api/things/1")).status for _ in range(3)] == [503, 503, 503]
    await session.delete("/fake/faults")
    assert (await session.get("/api/things/1")).status == 200


async def test_wrong_switches_are_refused(session: aiohttp.ClientSession) -> None:
    answer = await session.post("/fake/faults", json={"kind": "explode"})
    assert answer.status == 422
    assert "kind" in (await answer.json())["problems"][0]
    assert (await session.post("/fake/damages/unknown", data="x")).status == 404


async def test_damage_is_done_to_what_is_named(session: aiohttp.ClientSession, things: Things) -> None:
    things.made.append("Čaj")
    answer = await session.post("/fake/damages/vanish", data="Čaj")
    assert (await answer.text()) == "gone\n"
    assert things.made == []

"""Replays of many messages over the JSON API: the jobs of staff's pages and commands, for keys that may."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.services.people.api_keys import ApiKeyService, KeyScope
from gateway.store.library_store import LibraryStore
from tests.protocol.api.support import Client
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.support import colleague
from tests.protocol.staff.test_replay_jobs import accept_items, list_replays, refuse_check_outs, work_off
from tests.support.daemon import Installation

REFUSED = {"profile": "ncip2", "outcome": "refused", "reason": "unknown-item"}


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES) as one:
        yield one


async def make_key(gateway: Running, *scopes: KeyScope) -> str:
    keys = ApiKeyService(
        LibraryStore(symbol="DEMO", store=library_context(gateway).store, clock=library_context(gateway).clock)
    )
    return (await keys.create_key("Olga's script", scopes)).key


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Client(session, gateway.url, await make_key(gateway, KeyScope.REPLAYS))


async def agree(client: Client) -> dict[str, object]:
    """What begins a job, as the preview says."""
    preview = await client("POST", "replay-selections", REFUSED)
    assert preview.status == 200
    return {**REFUSED, "until": preview.json["until"], "agreed": preview.json["count"]}


async def test_a_job_is_begun_carried_out_and_looked_at(gateway: Running, client: Client) -> None:
    refused = await refuse_check_outs(gateway, 3)
    await accept_items(gateway, 2)

    wanted = await agree(client)
    assert (wanted["agreed"], await list_replays(gateway)) == (3, []), "nothing is done yet"
    begun = await client("POST", "replay-jobs", wanted)
    assert (begun.status, begun.json["status"], begun.json["counts"]["waiting"]) == (201, "running", 3)
    assert begun.json["begun_by"] == "staff:Olga's script"
    await work_off(gateway)

    job = f"replay-jobs/{begun.json['id']}"
    ended = (await client("GET", job)).json
    assert (ended["status"], ended["total"]) == ("finished", 3)
    assert ended["counts"] == {"waiting": 0, "done": 2, "refused": 1, "failed": 0, "left_out": 0}
    assert (await client("GET", "replay-jobs")).json["items"] == [ended]
    first = (await client("GET", f"{job}/messages?limit=2")).json
    rest = (await client("GET", f"{job}/messages?limit=2&after={first['next']}")).json
    assert [one["message"] for one in (*first["items"], *rest["items"])] == [one.id for one in refused]
    assert (rest["next"], rest["items"][0]["reason"]) == (None, "unknown-item")
    assert len((await client("GET", f"{job}/messages?status=done")).json["items"]) == 2
    async with colleague(gateway, "o.brandt", "operator") as olga:
        assert "finished" in (await olga.get(f"/operation/replays/{begun.json['id']}")).text, "one job for all"


async def test_a_job_is_paused_resumed_and_stopped(gateway: Running, client: Client) -> None:
    await refuse_check_outs(gateway, 3)
    job = f"replay-jobs/{(await client('POST', 'replay-jobs', await agree(client))).json['id']}"
    assert await work_off(gateway, 1) == 1

    for _ in range(2):  # a repeat does no harm
        paused = await client("POST", f"{job}/pause")
        assert (paused.status, paused.json["status"]) == (200, "paused")
    assert await work_off(gateway) == 0
    assert (await client("POST", f"{job}/resume")).json["status"] == "running"
    assert await work_off(gateway, 1) == 1
    assert (await client("POST", f"{job}/stop")).json["status"] == "stopped"
    late = await client("POST", f"{job}/resume")
    assert (late.status, late.problem) == (409, "not-now")
    assert await work_off(gateway) == 0
    assert len(await list_replays(gateway)) == 2


async def test_a_job_begins_once_with_what_was_agreed_to(gateway: Running, client: Client) -> None:
    await refuse_check_outs(gateway, 2)
    wanted = await agree(client)

    other = await client("POST", "replay-jobs", {**wanted, "agreed": 3})
    assert (other.status, other.problem) == (409, "not-now")
    first, again = [await client("POST", "replay-jobs", wanted, Idempotency_Key="begin-1") for _ in range(2)]
    assert (first.status, again.status, again.json["id"]) == (201, 201, first.json["id"])
    assert len((await client("GET", "replay-jobs")).json["items"]) == 1


@pytest.mark.parametrize("body", [{}, {"outcome": "pending"}, {"service": "x", "since": "2026-01-01T00:00:00"}])
async def test_what_says_nothing_or_is_in_progress_is_not_replayed(client: Client, body: dict[str, str]) -> None:
    assert (await client("POST", "replay-selections", body)).status == 422
    assert (await client("POST", "replay-jobs", {**body, "agreed": 1})).status == 422


@pytest.mark.parametrize("number", ["ALT-88120/26", "TN 770 120"])
async def test_a_request_is_named_by_whatever_number_it_has(client: Client, number: str) -> None:
    preview = await client("POST", "replay-selections", {"request": number})
    assert (preview.status, preview.json["count"]) == (200, 0)


async def test_no_other_key_may(gateway: Running, client: Client) -> None:
    await refuse_check_outs(gateway, 1)
    job = (await client("POST", "replay-jobs", await agree(client))).json["id"]
    others = client.with_key(await make_key(gateway, *(one for one in KeyScope if one is not KeyScope.REPLAYS)))

    for method, path in (
        *(("GET", path) for path in ("replay-jobs", f"replay-jobs/{job}", f"replay-jobs/{job}/messages")),
        *(("POST", f"replay-jobs/{job}/{act}") for act in ("pause", "resume", "stop")),
    ):
        assert (await others(method, path)).status == 403, path
    assert (await others("POST", "replay-selections", REFUSED)).status == 403
    assert (await others("POST", "replay-jobs", {**REFUSED, "agreed": 1})).status == 403
    assert (await client("GET", "replay-jobs/nothing")).status == 404

"""A POST with an Idempotency-Key is done once, however often it is sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.services.people.api_keys import KeyScope
from gateway.services.requests.library_context import LibraryContext
from gateway.store import api_records
from gateway.store.api_access import api_answer
from gateway.store.api_records import AnswerKey
from gateway.web.api.idempotency import IdempotentReplay
from tests.protocol.api.support import PATRON, Answered, Client, Running
from tests.protocol.api.test_requests import PDF, act, find_shelf_item, lend

HOOK = {"name": "portal", "url": "https://portal.example/"}


async def hooks(client: Client) -> int:
    return len((await client("GET", "webhooks")).json["items"])


async def test_the_second_gets_the_answer_of_the_first(client: Client) -> None:
    first = await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    second = await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    assert (second.status, second.body) == (first.status, first.body) == (201, first.body)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await hooks(client) == 1


async def test_only_who_has_the_key_can_read_the_answer_that_is_kept(gateway: Running, client: Client) -> None:
    """The secret of a webhook is shown once; its copy for a repetition is no use to who reads the database."""
    made = (await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")).json
    kept = await gateway.store.read(lambda c: bytes(c.execute(select(api_answer.c.body)).scalar_one()))
    assert made["secret"].startswith("whsec_")
    assert b"whsec_" not in kept
    assert b"portal" not in kept


async def test_an_answer_that_was_kept_before_they_were_encrypted_is_given_again(
    gateway: Running, client: Client
) -> None:
    first = await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    await gateway.store.write(lambda c: c.execute(update(api_answer).values(body=first.body)))
    assert (await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")).body == first.body


async def test_without_a_key_each_is_done(client: Client) -> None:
    for _ in range(2):
        assert (await client("POST", "webhooks", HOOK)).status == 201
    assert await hooks(client) == 2


async def test_another_body_under_the_same_key_is_refused(client: Client) -> None:
    await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    answered = await client("POST", "webhooks", {**HOOK, "name": "andre"}, Idempotency_Key="k-1")
    assert (answered.status, answered.problem) == (422, "key-reused")
    assert await hooks(client) == 1


async def test_many_at_once_are_one(client: Client) -> None:
    sent = await asyncio.gather(*(client("POST", "webhooks", HOOK, Idempotency_Key="k-1") for _ in range(8)))
    assert sorted({one.status for one in sent}) in ([201], [201, 409])
    assert all(one.problem == "in-progress" for one in sent if one.status == 409)
    assert await hooks(client) == 1


async def test_while_the_first_is_in_hand_the_second_is_told_so(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = asyncio.Event(), asyncio.Event()
    store_response = IdempotentReplay.store_response

    async def wait_first(replay: IdempotentReplay, response: web.Response) -> None:
        begun.set()
        await end.wait()
        await store_response(replay, response)

    monkeypatch.setattr(IdempotentReplay, "store_response", wait_first)
    first = asyncio.create_task(client("POST", "webhooks", HOOK, Idempotency_Key="k-1"))
    await begun.wait()
    assert (await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")).problem == "in-progress"
    end.set()
    assert (await first).status == 201


async def test_what_was_refused_may_be_tried_again_under_the_same_key(client: Client) -> None:
    bad = await client("POST", "webhooks", {**HOOK, "url": "http://127.0.0.1/"}, Idempotency_Key="k-1")
    assert bad.problem == "refused"
    assert (await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")).status == 201


async def test_a_key_leads_to_what_was_made_where_a_later_step_is_refused(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = {"citation": {"type": "book", "title": "Doppler"}, "patron": {"identifier": PATRON}}

    def refuse() -> None:
        raise Refused(RefusalReason.OTHER, "Not now.")

    with monkeypatch.context() as later_step:
        later_step.setattr(LibraryContext, "wake_outbox", property(lambda _context: refuse))
        first = await client("POST", "requests", book, Idempotency_Key="k-1")
    again = await client("POST", "requests", book, Idempotency_Key="k-1")

    assert (first.status, first.problem) == (422, "refused")
    assert again.status == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [one["id"] for one in (await client("GET", "requests")).json["items"]] == [again.json["id"]]


async def test_while_staff_may_yet_have_a_step_done_its_key_leads_to_it(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is away, then says no to whoever tries again: the step is dead, not gone."""
    system: Any = gateway.managed.libraries["DEMO"].requests.context.system
    shelf, asked = await find_shelf_item(system), []
    request = await act(client, await lend(client, "BER-90", "loan"), "located", barcode=shelf.barcode)
    problems: list[Exception] = [Unavailable("nobody answers"), Refused(RefusalReason.OTHER, "No.")]
    check_out = system.check_out

    async def fail_first(*arguments: Any, **named: Any) -> Any:
        asked.append(arguments)
        if problems:
            raise problems.pop(0)
        return await check_out(*arguments, **named)

    monkeypatch.setattr(system, "check_out", fail_first)

    async def ship() -> Answered:
        return await client(
            "POST", f"requests/{request['id']}/actions/shipped", {}, If_Match="*", Idempotency_Key="k-1"
        )

    away = await ship()
    await gateway.managed.worker.drain(gateway.clock.now() + timedelta(hours=1))
    refused = [await ship(), await ship()]
    assert (away.status, [one.status for one in refused], len(asked)) == (503, [422, 422], 2)

    (letter,) = (await client("GET", "dead-letters")).json["items"]
    assert (await client("POST", f"dead-letters/{letter['id']}/release")).status == 204
    await gateway.managed.worker.drain(gateway.clock.now() + timedelta(hours=2))
    done = await ship()
    assert (done.status, done.json["state"], len(asked)) == (200, "shipped", 3)


async def test_keys_of_different_holders_and_operations_do_not_meet(gateway: Running, client: Client) -> None:
    other = client.with_key(await gateway.key(KeyScope.ADMIN))
    made = [await one("POST", "webhooks", HOOK, Idempotency_Key="k-1") for one in (client, other)]
    assert made[0].json["id"] != made[1].json["id"]


async def test_an_answer_is_kept_for_a_day(gateway: Running, client: Client) -> None:
    await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    now = gateway.clock.now()
    assert await gateway.store.write(lambda c: api_records.prune_answers(c, "DEMO", now - timedelta(hours=1))) == 0
    assert await gateway.store.write(lambda c: api_records.prune_answers(c, "DEMO", now + timedelta(seconds=1))) == 1


async def test_what_is_over_is_forgotten(gateway: Running, client: Client) -> None:
    await client("POST", "webhooks", HOOK, Idempotency_Key="k-1")
    assert await gateway.api.prune_stored_answers(["DEMO"]) == 0
    now = gateway.clock.now()
    key = AnswerKey("DEMO", "x", "createWebhook", "old")
    await gateway.store.write(
        lambda c: api_records.claim_key(c, key, b"", now - timedelta(hours=25), now - timedelta(hours=49))
    )
    assert await gateway.api.prune_stored_answers(["DEMO", "ELSEWHERE"]) == 1


async def test_a_file_is_uploaded_once(client: Client) -> None:
    request = await lend(client, "LT-1")
    place = f"requests/{request['id']}/attachments?name=a.pdf"
    sent = [
        await client("POST", place, data=data, Content_Type="application/pdf", If_Match="*", Idempotency_Key="k-1")
        for data in (PDF, PDF, PDF + b"x")
    ]
    assert [one.status for one in sent] == [201, 201, 422]
    assert sent[0].json == sent[1].json


async def test_a_key_is_plain_text(client: Client) -> None:
    answered = await client("POST", "webhooks", HOOK, Idempotency_Key="a b")
    assert answered.problem == "invalid"
    assert (await client("POST", "webhooks", HOOK, Idempotency_Key="x" * 201)).problem == "invalid"

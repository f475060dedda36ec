"""A message of the journal played again by an operator: what it would do first, then the replay, kept beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.domain.problems import Unavailable
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import OutcomeClass
from gateway.services.exchange import MessageExchange
from gateway.services.exchange.message_context import ReplayResult
from gateway.store.journal_records import FullMessage, MessageDirection
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, PIN, Answer, Running, on_both, running
from tests.protocol.staff.request_scenes import hear_program, library_context, list_heard_messages
from tests.protocol.staff.support import PASSWORD, Colleague, wait_until_password_is_asked
from tests.protocol.staff.test_operation_pages import words_of, write_exchange
from tests.support.daemon import Installation

BOOK = "39000000000019"


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES) as one:
        yield one


async def count_loans(gateway: Running) -> int:
    system = library_context(gateway).system
    patron = await system.find_patron(PatronKey(PATRON))
    return len(await system.patron_loans(patron.id))


async def rehearse(olga: Colleague, message_id: str) -> Answer:
    return await olga.post(f"/operation/journal/{message_id}/rehearsal", {})


async def replay(olga: Colleague, rehearsed: Answer, follow: bool = True, **fields: str) -> Answer:
    (action,) = rehearsed.tree.xpath("//form[.//input[@name='seen']]/@action")
    seen = {"seen": rehearsed.hidden("seen"), **fields}
    return await olga.post(str(action).removeprefix("/staff"), seen, follow)


def read_page(page: Answer) -> str:
    return " ".join(page.tree.xpath("string(//main)").split())


@on_both
async def test_a_refused_message_is_rehearsed_then_replayed_and_both_are_linked(
    gateway: Running, olga: Colleague
) -> None:
    asked = await hear_program(gateway, "check-out", patron=PATRON, item="ILL-1")
    await hear_program(gateway, "accept-item", patron=PATRON, request="TN-1", item="ILL-1", title="Шум дождя")
    before = await list_heard_messages(gateway)
    assert asked.outcome is OutcomeClass.REFUSED

    shown = await rehearse(olga, asked.id)

    assert "It would call the library system for: CheckOut" in words_of(shown, "Preview")
    assert "ILL-1" in words_of(shown, "Preview")
    assert "depends on the library system" in words_of(shown, "Answer")
    assert "Unknown Item" in words_of(shown, "Answer"), "The original answer is no longer kept"
    assert "illgate replay --outcome failed" in words_of(shown, "Replay this message")
    assert await list_heard_messages(gateway) == before
    assert await count_loans(gateway) == 0

    done = await replay(olga, shown)

    newest = (await list_heard_messages(gateway))[0]
    assert "Replayed. The result is shown below." in done.text
    assert done.url.endswith(f"/operation/journal/{newest.id}")
    assert (newest.replay_of, newest.outcome) == (asked.id, OutcomeClass.OK)
    assert await count_loans(gateway) == 1
    assert done.tree.xpath(f"//main//a[@href='/staff/operation/journal/{asked.id}']")
    original = await olga.get(f"/operation/journal/{asked.id}")
    assert original.tree.xpath(f"//main//a[@href='/staff/operation/journal/{newest.id}']")
    log = read_page(await olga.get("/audit"))
    assert f"o.brandt read the message {asked.id}" in log
    assert f"o.brandt replayed the message {asked.id}" in log


async def test_what_was_done_is_said_to_be_and_is_not_done_twice(gateway: Running, olga: Colleague) -> None:
    await hear_program(gateway, "accept-item", patron=PATRON, request="TN-1", item="ILL-1", title="Шум дождя")
    asked = await hear_program(gateway, "check-out", patron=PATRON, item="ILL-1")

    shown = await rehearse(olga, asked.id)
    done = await replay(olga, shown)

    assert f"It has been processed before: {asked.id}" in words_of(shown, "Preview")
    assert "The answer would be the same as the original:" in words_of(shown, "Answer")
    assert "Replayed." in done.text
    assert await count_loans(gateway) == 1


async def test_an_answer_that_would_be_another_one_is_shown_as_a_difference(gateway: Running, olga: Colleague) -> None:
    asked = await hear_program(gateway, "lookup-version")
    kept = await gateway.gateway.managed.libraries["DEMO"].journaled.journal.get_message("DEMO", asked.id)
    assert kept is not None
    answered_otherwise = await write_exchange(gateway, profile="ncip2", service=asked.service, body=kept.body)

    alike = words_of(await rehearse(olga, asked.id), "Answer")
    other = words_of(await rehearse(olga, answered_otherwise), "Answer")

    assert alike.startswith("Answer The answer would be the same as the original:")
    assert "− removed: <NCIPMessage>answered</NCIPMessage>" in other
    assert "LookupVersionResponse>" in other


async def test_why_a_message_cannot_be_replayed_is_said(gateway: Running, olga: Colleague) -> None:
    first = await hear_program(gateway, "lookup-user", patron=PATRON)
    replayed = await replay(olga, await rehearse(olga, first.id))
    with_pin = await hear_program(gateway, "lookup-user", patron=PATRON, pin=PIN)
    reasons = {
        replayed.url.rpartition("/")[2]: "it is a replay; replay the original instead",
        with_pin.id: "it needs the patron’s PIN or password (AuthenticationInputData), which is never stored",
        await write_exchange(gateway, direction=MessageDirection.OUT): "we sent it",
        await write_exchange(gateway, protocol="mail", profile="ncip2"): "it was received by mail; only iso18626",
        await write_exchange(gateway): "no profile was found when it was received",
        await write_exchange(gateway, profile="gone"): "its profile 'gone' no longer exists",
    }
    before = len(await list_heard_messages(gateway))

    for message_id, reason in reasons.items():
        page = await rehearse(olga, message_id)

        assert f"The reason: {reason}" in words_of(page, "This message cannot be replayed"), reason
        assert not page.tree.xpath("//input[@name='seen']"), reason
        again = await olga.post(f"/operation/journal/{message_id}/replay", {"seen": ""})
        assert reason in read_page(again), reason
    assert len(await list_heard_messages(gateway)) == before
    assert (await rehearse(olga, "0123456789abcdef-1")).status == 404
    await olga.get("?ui_language=de")
    german = await rehearse(olga, with_pin.id)
    assert "Der Grund: sie braucht PIN oder Passwort" in read_page(german)


async def test_the_own_password_is_asked_for_again(gateway: Running, olga: Colleague) -> None:
    await hear_program(gateway, "accept-item", patron=PATRON, request="TN-1", item="ILL-1", title="Шум дождя")
    asked = await hear_program(gateway, "check-out", patron=PATRON, item="ILL-1")
    await wait_until_password_is_asked(gateway)
    shown = await rehearse(olga, asked.id)

    assert (await replay(olga, shown, own_password="falsch")).status == 422
    assert len(await list_heard_messages(gateway)) == 2
    assert "Replayed." in (await replay(olga, shown, own_password=PASSWORD)).text


async def test_two_replays_at_once_are_one_replay_and_one_notice(gateway: Running, olga: Colleague) -> None:
    asked = await hear_program(gateway, "check-out", patron=PATRON, item=BOOK)
    shown = await rehearse(olga, asked.id)

    answers = await asyncio.gather(*(replay(olga, shown, follow=False) for _ in range(2)))

    assert sorted(answer.status for answer in answers) == [303, 422]
    (notice,) = (answer for answer in answers if answer.status == 422)
    assert "somebody has already replayed this message" in notice.text
    newest, *others = await list_heard_messages(gateway)
    assert [newest.replay_of, *(one.replay_of for one in others)] == [asked.id, ""]
    assert notice.tree.xpath(f"//main//a[@href='/staff/operation/journal/{newest.id}']")


async def test_a_replay_that_is_refused_once_more_says_so(gateway: Running, olga: Colleague) -> None:
    asked = await hear_program(gateway, "check-out", patron=PATRON, item="ILL-1")

    done = await replay(olga, await rehearse(olga, asked.id))

    assert "The replay was refused: see the reason below." in done.text
    assert "unknown item" in read_page(done)


async def test_who_cannot_know_whether_it_was_done_says_that(
    gateway: Running, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await hear_program(gateway, "check-out", patron=PATRON, item=BOOK)
    shown = await rehearse(olga, asked.id)

    async def lose_store(_exchange: MessageExchange, _kept: FullMessage) -> ReplayResult:
        raise Unavailable("the connection was closed")

    monkeypatch.setattr(MessageExchange, "replay_message", lose_store)
    page = await replay(olga, shown)

    assert page.status == 504
    assert page.title == "We cannot confirm whether this was done"

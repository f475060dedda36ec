"""What we write to partners by mail is in the journal: with request and partner, once for each try, without secrets."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from gateway.domain.clock import FixedClock, SystemClock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind
from gateway.ports.responder import OutcomeClass, TransportKind
from gateway.runtime.managed_requests import preview_mail
from gateway.services.exchange.message_context import NotReplayableError, rebuild_arrival
from gateway.services.outbox.queue import OutboxQueue
from gateway.store.journal import Journal
from gateway.store.journal_records import FullMessage, JournalOptions
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow
from tests.support.art import ART, NOON, ONLY_ART, PASSWORD, answer, art, file_number, orders_in
from tests.support.conversations import conversation, sent
from tests.support.daemon import Installation
from tests.support.looking import journal
from tests.support.mail_house import LIBRARY, PARTNERS, MailHouse, mail_house

TOKEN = re.compile(r"https://ill\.demo\.example/q/([A-Za-z0-9._~-]+)")


def text_of(kept: FullMessage) -> str:
    """Texts and pages of a mail, as a mail program reads them."""
    assert kept.body is not None
    read = message_from_bytes(kept.body, policy=default)
    assert isinstance(read, EmailMessage)
    parts = [one for one in read.walk() if one.get_content_maintype() == "text"]
    return "\n".join(str(one.get_content()) for one in parts)


async def test_the_journal_shows_the_whole_conversation_by_mail(house: MailHouse, installation: Installation) -> None:
    request = await house.asked()
    await house.comes(house.reply("Beklager, boken er utlånt.\nUNFILLED"), house.reply("Hilsen fra Bergen"))

    shown = await asyncio.to_thread(journal, installation, "--request", request.number)
    asked = shown[-1]
    assert (asked["direction"], asked["protocol"], asked["transport"], asked["profile"]) == (
        "out",
        "mail",
        "smtp",
        "bergen",
    )
    assert (asked["service"], asked["outcome"], asked["request_id"]) == ("request", "ok", request.number)
    assert asked["to_agency"] == "ISIL:NO-02030"
    assert [one["direction"] for one in shown].count("in") == 2
    assert {one["request_id"] for one in shown} == {request.number}
    assert await asyncio.to_thread(journal, installation, "--request", request.id) == shown


async def test_the_mail_is_kept_as_it_went_out_without_the_tokens_of_its_links(installation: Installation) -> None:
    """Whoever reads the journal must not be able to answer in the partner's place."""
    partners = {name: {"extends": "email-partner", "partner": one} for name, one in PARTNERS.items()}
    async with mail_house(installation, partners) as house:
        request = await house.asked()
        body = house.last_sent.get_body(("plain",))
        (kept,) = await sent(house.store, LIBRARY, request.number)
    tokens = TOKEN.findall(str(body.get_content())) if body is not None else []
    assert tokens

    assert "Hamsun" in text_of(kept)
    assert "https://ill.demo.example/q/********" in text_of(kept)
    assert kept.body is not None
    assert not [token for token in tokens if token in text_of(kept) or token.encode() in kept.body]


async def test_a_mail_that_may_have_left_is_there_and_its_repeat_says_so(house: MailHouse) -> None:
    house.mailer.failures = [OutcomeUnknown("the connection broke after the content was sent")]
    request = await house.asked()
    (first,) = await sent(house.store, LIBRARY, request.number)
    assert (first.message.outcome, first.message.reason) == (OutcomeClass.FAILED, "temporary-failure")
    assert first.message.note == "outcome unknown: the connection broke after the content was sent"

    await try_again(house, request.id)
    _, second = await sent(house.store, LIBRARY, request.number)
    assert second.message.outcome is OutcomeClass.OK
    assert "a repeat: an earlier attempt may have succeeded" in second.message.note


async def test_a_crash_before_the_row_has_ended_leaves_nothing_twice(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the row and the journal are one transaction; what is sent again is a repeat, and is there once."""
    real = OutboxQueue.mark_done

    async def die_for_partners(queue: OutboxQueue, row: OutboxRow, *more: Any) -> None:
        if row.kind == "partner":
            raise Unavailable("the process is killed")
        await real(queue, row, *more)

    with monkeypatch.context() as killed:
        killed.setattr(OutboxQueue, "mark_done", die_for_partners)
        request = await house.asked()
    assert len(house.mailer.mails) == 1
    assert not await sent(house.store, LIBRARY, request.number)

    await house.managed.worker.drain(SystemClock().now() + timedelta(hours=1))
    assert len(house.mailer.mails) == 2
    (kept,) = await sent(house.store, LIBRARY, request.number)
    assert "a repeat: an earlier attempt may have succeeded" in kept.message.note


@pytest.mark.parametrize("failure", [Unavailable("away"), Refused(RefusalReason.INVALID_VALUE, "550 no such user")])
async def test_a_mail_that_did_not_leave_is_not_there(house: MailHouse, failure: Exception) -> None:
    house.mailer.failures = [failure]
    request = await house.asked()
    assert not await sent(house.store, LIBRARY, request.number)


async def test_a_journal_that_cannot_be_written_changes_nothing_about_the_try(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is a repeat next time: its partner may have the mail."""
    house.mailer.failures = [OutcomeUnknown("no answer")]

    async def fail(*_: object) -> None:
        raise Unavailable("disk full")

    with monkeypatch.context() as full:
        full.setattr(Journal, "run_in_own_transaction", fail)
        request = await house.asked()
    page = await house.store.read(lambda c: outbox_queries.list_rows_of_request(c, LIBRARY, request.id, 10))
    (row,) = [one for one in page.rows if one.kind == "partner"]
    assert row.error == "outcome unknown (1): no answer"


async def test_a_sent_message_is_not_replayed(house: MailHouse) -> None:
    request = await house.asked()
    (kept,) = await sent(house.store, LIBRARY, request.number)
    with pytest.raises(NotReplayableError, match="we sent it"):
        rebuild_arrival(kept, kept.message.at, TransportKind.REPLAY, ("ncip",))


async def test_what_is_sent_is_forgotten_on_schedule(house: MailHouse) -> None:
    request = await house.asked()
    (kept,) = await sent(house.store, LIBRARY, request.number)
    options = JournalOptions(keep_bodies_days=10, keep_rows_days=20)

    await Journal(house.store, options).apply_retention(kept.message.at + timedelta(days=11))
    (bare,) = await sent(house.store, LIBRARY, request.number)
    assert bare.body is None
    await Journal(house.store, options).apply_retention(kept.message.at + timedelta(days=21))
    assert not await conversation(house.store, LIBRARY, request.number)


async def test_a_preview_leaves_nothing_in_the_journal(house: MailHouse) -> None:
    request = await house.asked()
    await preview_mail(house.managed, house.adapters, LIBRARY, request.number)
    assert len(await sent(house.store, LIBRARY, request.number)) == 1


async def test_letters_to_patrons_are_no_messages(house: MailHouse) -> None:
    request = await house.asked()
    await house.act(request, EventKind.CANCEL)
    kept = await conversation(house.store, LIBRARY, request.number)
    assert {one.message.profile for one in kept} == {"bergen"}


# --- many orders in one mail -----------------------------------------------------------------------------


async def test_a_file_of_orders_is_one_message_of_each_request(installation: Installation) -> None:
    clock = FixedClock(NOON)
    (installation.folder / "art-password").write_text(PASSWORD)
    async with mail_house(installation, {ART: art({"at": ["16:00"]})}, ONLY_ART, clock) as house:
        requests = [await house.asked(citation=Citation(title=title)) for title in ("Sult", "Мы", "Żegluga")]
        clock.at = NOON + timedelta(hours=5)
        await house.managed.drain_due_work()
        mail = house.last_sent
        (first, *others) = [await sent(house.store, LIBRARY, one.number) for one in requests]
        both = "".join(f"{number}\nNOT AVAILABLE\n" for number in orders_in(mail)[:2])
        await house.comes(answer(both))
        heard = [await conversation(house.store, LIBRARY, one.number) for one in requests]

    assert len(orders_in(mail)) == 3
    assert [first, *others] == [first] * 3
    (kept,) = first
    assert (kept.message.request_id, kept.message.profile, kept.message.service) == (file_number(mail), ART, "request")
    assert kept.body is not None
    assert PASSWORD.encode() not in kept.body
    assert b"********" in kept.body
    assert [len(one) for one in heard] == [2, 2, 1], "the answer is about two of them"


async def try_again(house: MailHouse, request_id: str) -> None:
    page = await house.store.read(lambda c: outbox_queries.list_rows_of_request(c, LIBRARY, request_id, 10))
    (row,) = [one for one in page.rows if one.kind == "partner"]
    await house.managed.worker.drain(row.next_at)

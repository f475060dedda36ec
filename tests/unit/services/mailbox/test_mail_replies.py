"""Answers of staff to mails that fit no request: sent by the outbox, with the mail quoted, and journaled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from gateway.cli import main
from gateway.domain.requests.views import NotFound
from gateway.services.mailbox.mail_replies import REPLY
from gateway.store import mailbox
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import outbox_decisions, outbox_queries
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.schema import make_exchange_id, message
from tests.unit.services.requests.support import NcipTown, make_template


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), {}))


@pytest.fixture
async def north(template: Path, tmp_path: Path) -> AsyncIterator[NcipTown]:
    async with NcipTown(template, tmp_path) as town:
        yield town


async def mail_waits(north: NcipTown, text: str, subject: str = "Frage", uid: int = 1) -> MailRow:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "ingrid@home.example", "ill@north.example", subject
    mail["Message-ID"] = "<frage-1@home.example>"
    mail.set_content(text)
    now = north.clock.now()
    row = MailRow(
        id=make_exchange_id(now),
        spot=MailPosition("NORTH", "ill", 1, uid),
        message_id="frage-1@home.example",
        digest="d",
        at=now,
        outcome=MailOutcome.UNKNOWN,
        reason="unknown sender",
        open=True,
        sender="ingrid@home.example",
        subject=subject,
        content=mail.as_bytes(),
    )
    await north.town.context.store.write(lambda c: mailbox.add_mail(c, row, None))
    return row


async def test_mails_that_wait_are_counted_by_library(north: NcipTown) -> None:
    store, desk = north.town.context.store, north.town.gateway.managed.libraries["NORTH"].mails
    assert await store.read(mailbox.count_waiting_by_library) == {}

    answered, waiting = await mail_waits(north, "Wo bleibt das Buch?", uid=1), await mail_waits(north, "Und?", uid=2)
    other = replace(waiting, id=f"{waiting.id[:-1]}x", spot=MailPosition("SOUTH", "ill", 1, 1))
    await store.write(lambda c: mailbox.add_mail(c, other, None))
    await desk.answer_mail(answered.id, "Es kommt morgen.", "staff:ada")

    assert await store.read(mailbox.count_waiting_by_library) == {"NORTH": 1, "SOUTH": 1}


async def test_an_answer_goes_to_whoever_wrote_and_takes_the_mail_off_the_list(north: NcipTown) -> None:
    row = await mail_waits(north, "Wo bleibt das Buch?\n\nIngrid")
    desk = north.town.gateway.managed.libraries["NORTH"].mails

    await desk.answer_mail(row.id, "Es kommt morgen.\nGrüße", "staff:ada")
    await north.quiet()

    (sent,) = north.mail.mails
    assert (sent["To"], sent["Subject"]) == ("ingrid@home.example", "Re: Frage")
    assert (sent["In-Reply-To"], sent["Auto-Submitted"]) == ("<frage-1@home.example>", None)
    lines = sent.get_content().splitlines()
    assert lines == ["Es kommt morgen.", "Grüße", "", "> Wo bleibt das Buch?", ">", "> Ingrid"]
    assert (await desk.list_mails(9, "")).rows == ()
    assert (await desk.show_mail(row.id)).closed_by == "staff:ada"
    with pytest.raises(NotFound):
        await desk.answer_mail(row.id, "Noch einmal", "staff:ada")


async def test_an_answer_is_tried_again_and_journaled_and_its_row_names_nobody(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> str:
        return "451 4.3.0 try again later"

    row = await mail_waits(north, "?", subject="RE: Frage")
    store = north.town.context.store
    with monkeypatch.context() as away:
        away.setattr(north.mail, "handle_DATA", refuse)
        await north.town.gateway.managed.libraries["NORTH"].mails.answer_mail(row.id, "Morgen.", "staff:ada")
        await north.quiet()

    (waiting,) = (await store.read(lambda c: outbox_queries.list_rows_of_kind(c, "NORTH", REPLY, "", 9))).rows
    assert (waiting.status, waiting.target, waiting.request_id) == (OutboxStatus.WAITING, "ill", "")
    assert "451" in waiting.error
    assert "ingrid" not in waiting.error
    await store.write(lambda c: outbox_decisions.release_row(c, "NORTH", waiting.id, north.clock.now()))
    await north.quiet()

    assert [(one["To"], one["Subject"]) for one in north.mail.mails] == [("ingrid@home.example", "RE: Frage")]
    journaled = select(message.c.direction, message.c.body).where(message.c.service == REPLY)
    rows = await store.read(lambda c: c.execute(journaled).all())
    assert [(direction, b"Morgen." in body) for direction, body in rows] == [("out", True)]


async def illgate(north: NcipTown, *words: str, given: str = "") -> Result:
    config = str(north.town.settings.folder / "gateway.yml")
    return await asyncio.to_thread(
        CliRunner().invoke,
        main,
        ["--config", config, "mail", "unmatched", *words],
        input=given,
        catch_exceptions=False,
        env={"ILLGATE_STAFF": "ada"},
    )


async def test_an_answer_is_typed_or_piped_at_the_terminal(north: NcipTown) -> None:
    typed, piped = await mail_waits(north, "1"), await mail_waits(north, "2", uid=2)

    empty = await illgate(north, "answer", typed.id, " ")
    done = await illgate(north, "answer", typed.id, "Morgen.")
    read = await illgate(north, "answer", piped.id, "-", given="Übermorgen.\n")
    again = await illgate(north, "answer", piped.id, "Noch einmal")

    assert (empty.exit_code, "TEXT is empty" in empty.stderr) == (2, True)
    assert (done.stdout, read.stdout) == (f"reply sent: {typed.id}\n", f"reply sent: {piped.id}\n")
    assert again.exit_code != 0
    store = north.town.context.store
    page = await store.read(lambda c: outbox_queries.list_rows_of_kind(c, "NORTH", REPLY, "", 9))
    said = [json.loads(row.payload) for row in page.rows]
    assert sorted((one["text"].splitlines()[0], one["by"]) for one in said) == [
        ("Morgen.", "staff:ada"),
        ("Übermorgen.", "staff:ada"),
    ]

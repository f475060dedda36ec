"""Passwords of customers, mailboxes and mail servers are nowhere but where they must be: in the order, on the wire."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.requests.citation import Citation
from tests.support.art import ART, ONLY_ART, answer, art, file_number, number_of
from tests.support.art import PASSWORD as CUSTOMER
from tests.support.certificates import Authority
from tests.support.daemon import Installation
from tests.support.dovecot import PASSWORD as IMAP
from tests.support.dovecot import Dovecot
from tests.support.looking import Database
from tests.support.mail_house import mail_house
from tests.support.smtp_sink import Sink, running

SMTP = "Schlüssel-zum-Postamt-4711"
WRONG = "nicht-das-Paßwort-0815"
ALL = (CUSTOMER, SMTP, WRONG)


class Typed:
    """What commands said, all of it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.said: list[str] = []

    async def __call__(self, *arguments: str) -> str:
        done = await asyncio.to_thread(self._installation.run, *arguments, check=False)
        self.said.append(f"{done.stdout}\n{done.stderr}")
        return self.said[-1]


def everything(database: Path) -> Iterator[str]:
    """Every value of every table, as text."""
    opened = Database(database)
    for (table,) in opened.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        for row in opened.rows(f'SELECT * FROM "{table}"'):
            yield from (one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in row)


def setting(name: str, port: int, password: str) -> dict[str, object]:
    return {
        "name": name,
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "user": "art",
        "password": f"file:{password}",
    }


def ids(said: str) -> list[str]:
    return re.findall(r"\b[0-9a-f]{24}\b", said)


async def test_no_password_is_kept_or_shown(installation: Installation, dovecot: Dovecot, tmp_path: Path) -> None:
    for name, secret in {"art-password": CUSTOMER, "imap": IMAP, "wrong": WRONG, "smtp": SMTP}.items():
        (installation.folder / name).write_text(secret)
    typed = Typed(installation)
    async with mail_house(installation, {ART: art({"wait_minutes": 10_000})}, ONLY_ART) as house:
        requests = [await house.asked(citation=Citation(title=title)) for title in ("Sult", "Мы")]
        numbers = [await number_of(house, one) for one in requests]
    boxes = [setting("ill", dovecot.port, "imap"), setting("locked", dovecot.port, "wrong")]
    installation.change(mailboxes=boxes)

    # sent, at first to a server that doesn't let us in
    await typed("mail", "preview", numbers[0])
    await typed("mail", "send-now", ART)
    authority = Authority(tmp_path)
    pair = authority.issue("post.demo.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.certificate, pair.key)
    installation.change(outbox={"first_seconds": 1})
    signed_in = {"security": "tls", "user": "ill", "password": "file:smtp", "ca": str(authority.certificate)}
    async with running(Sink(users={"ill": "another"}), tls=tls) as closed:
        installation.change(mail={"port": closed.port, **signed_in})
        await typed("outbox", "run")
        assert closed.received == []
    async with running(Sink(users={"ill": SMTP}), tls=tls) as sink:
        installation.change(mail={"port": sink.port})
        while not (files := [one for one in sink.mails if one["To"] == "orders@art.example"]):
            await typed("outbox", "gathered")
            await typed("outbox", "run")  # the second try is due a moment later
        (sent,) = files
    order = sent.get_content()
    assert CUSTOMER in order  # that's what it is for

    # answered by mails that bring it back: quoted, coded, for staff
    quoted = "".join(f"> {line}\n" for line in order.splitlines())
    dovecot.deliver("art", answer(f"{numbers[0]} NOT\n\n{quoted}", f"Re: FILEREFNO {file_number(sent)}"))
    dovecot.deliver("art", answer(f"Sehr geehrte Frau Ødegård,\n\n{quoted}", "Received: your order"))
    dovecot.deliver("art", answer(f"What is this?\n\n{order}", "Hm", From="somebody@elsewhere.example"))
    polled = await typed("mail", "poll", "ill")
    assert polled.startswith("3 mails")
    await typed("mail", "test", "locked")
    listed = await typed("mail", "unmatched", "list")
    for row in ids(listed):
        await typed("mail", "unmatched", "show", row)
    await typed("request", "show", numbers[1])
    await typed("mail", "preview", numbers[1])

    kept = list(everything(installation.database))
    shown = "\n".join(typed.said)
    for secret in ALL:
        assert not [text for text in kept if secret in text], "kept"
        assert secret not in shown
    assert any("********" in text for text in kept)
    assert shown.count("********") >= 2, "in a file of orders and in a mail that brings it back"

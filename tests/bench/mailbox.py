"""10,000 answers waiting in a real mailbox (Dovecot): how fast they are taken, and whether memory stays flat.

The bound is IMAPClient fetching the same mails in batches of the same size and doing nothing with them. Ours fetches,
reads, finds the request, writes event, history and journal durably, and moves the mails into their folder.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from imapclient import IMAPClient

from adapters.mailbox.imap_client import ImapClient
from gateway.domain.requests.request import Request
from gateway.services.mailbox.poller import MailboxPoller
from gateway.store.mailbox import MailOutcome
from tests.support.daemon import Installation
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.mail_house import MailHouse, mail, mail_house

MAILS, FIRST = 10_000, 1_000
REQUESTS = 250
BATCH = 50
ROUNDS = 3

Row = tuple[str, float, str, bool]


def rows(folder: Path) -> list[Row]:
    return asyncio.run(_rows(folder))


async def _rows(folder: Path) -> list[Row]:
    dovecot = Dovecot()
    try:
        async with mail_house(Installation.make(folder / "mailbox")) as house:
            asked = [await house.asked() for _ in range(REQUESTS)]
            return await _measured(house, dovecot, asked)
    finally:
        dovecot.stop()


async def _measured(house: MailHouse, dovecot: Dovecot, asked: list[Request]) -> list[Row]:
    """The first thousand by themselves, since what grows by then is only what every process has."""
    dovecot.deliver_all("first", _answers(asked, "first", FIRST))
    await _polled(house.at_imap(dovecot.port, _client(), "first", batch=BATCH), FIRST)
    before = _peak()
    ratios = []
    for number in range(1, ROUNDS + 1):
        user = f"round{number}"
        count = MAILS // ROUNDS
        dovecot.deliver_all(user, _answers(asked, user, count))
        bare = await asyncio.to_thread(_fetched, dovecot, user, count)
        ours = await _polled(house.at_imap(dovecot.port, _client(), user, batch=BATCH), count)
        ratios.append(ours / bare)
        print(
            f"mailbox, round {number}: IMAPClient alone {bare:,.0f}/s, illgate {ours:,.0f}/s, ratio {ours / bare:.2f}"
        )
    memory = _peak() / before
    print(f"mailbox: peak memory {before / 1024:.0f} MB after {FIRST:,} mails, {_peak() / 1024:.0f} MB after {MAILS:,}")
    median = statistics.median(ratios)
    return [
        ("mails read and taken / bare IMAPClient fetch", median, "≥ 0.50", median >= 0.50),
        (f"peak memory after {MAILS:,} mails / after {FIRST:,}", memory, "≤ 1.1", memory <= 1.1),
    ]


def _client() -> ImapClient:
    return ImapClient(lambda _reference: PASSWORD)


def _answers(asked: list[Request], user: str, count: int) -> Iterator[bytes]:
    """In a few scripts, with the letter quoted below, as people answer."""
    texts = ("We are still looking for it.", "Мы ищем эту книгу.", "本を探しています。", "Kirja on vielä lainassa.")
    quoted = "\n".join(f"> line {n} of the letter that was sent, as mail programs quote it" for n in range(30))
    for n in range(count):
        yield mail(
            f"{texts[n % len(texts)]} ({user}, {n})\n\n{quoted}\n",
            Subject=f"Re: {asked[n % len(asked)].attempts[0].transaction}",
            Message_ID=f"<{user}.{n}@ub.bergen.example>",
        )


async def _polled(poller: MailboxPoller, count: int) -> float:
    begun = time.perf_counter()
    polled = await poller.poll_once()
    seconds = time.perf_counter() - begun
    if polled.taken[MailOutcome.DONE] != count:
        raise RuntimeError(f"{count} answers waited, and became {polled.taken}")
    return count / seconds


def _fetched(dovecot: Dovecot, user: str, count: int) -> float:
    begun = time.perf_counter()
    with IMAPClient("127.0.0.1", port=dovecot.port, ssl=False) as imap:
        imap.login(user, PASSWORD)
        imap.select_folder("INBOX")
        uids = imap.search("UNDELETED")
        found = 0
        for start in range(0, len(uids), BATCH):
            found += len(imap.fetch(uids[start : start + BATCH], [b"BODY.PEEK[]"]))
    if found != count:
        raise RuntimeError(f"{count} mails waited, and {found} were fetched")
    return count / (time.perf_counter() - begun)


def _peak() -> int:
    """Kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

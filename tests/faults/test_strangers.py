"""A flood of strangers, whom nobody lets in: partners are served all the while, and data, log and metrics stay small.

They come from many addresses of this machine, since what is kept and said of them is limited by address and in all.
"""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from adapters.iso_ill.codec import encode_apdu
from gateway.store.journal_writer import MAX_STRANGER_BYTES
from tests.bench import messages
from tests.protocol.iso_ill.house import asked
from tests.support.daemon import Installation, free_port
from tests.support.looking import Database, tracebacks
from tests.support.mail_house import BERGEN, LIBRARY, TARTU, mail, mail_house

REFUSED = 720
SPAM = 2_400
INVENTED = 600
MAX_GROWTH = 1_000_000
MAX_MAIL_GROWTH = 2_000_000
MAX_WAL = 5_000_000

PARTNER = "127.0.0.99"
"""The only address that the profiles let in."""

STRANGERS = tuple(f"127.0.1.{number}" for number in range(1, 25))
EACH = REFUSED // len(STRANGERS)

PADDING = b"<!-- " + b"Lorem ipsum, "[:12] * 1_600 + b" -->"
"""Some 20 kB that make a message large."""


@dataclass(frozen=True)
class Fortress:
    installation: Installation
    iso_port: int

    @property
    def database(self) -> Database:
        return Database(self.installation.database)

    def data_bytes(self) -> int:
        """Of the database and the log. SQLite's write-ahead log is no part of it: its 4 MB are used anew."""
        pages, page_bytes = (self.database.value(f"PRAGMA {name}") for name in ("page_count", "page_size"))
        return int(pages) * int(page_bytes) + self.installation.log.stat().st_size

    def count_series(self) -> int:
        url = f"http://127.0.0.1:{self.installation.port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as page:
            return len(re.findall(rb"^illgate_messages_total\{|^illgate_message_seconds_count\{", page.read(), re.M))

    def log_lines(self, event: str) -> list[str]:
        return [line for line in self.installation.log.read_text().splitlines() if event in line]


@pytest.fixture
def fortress(installation: Installation) -> Iterator[Fortress]:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        text = profile.read_text("utf-8")
        profile.write_text(text.replace("127.0.0.0/8", f"{PARTNER}/32"), "utf-8")
    made = Fortress(installation, free_port())
    here = {"host": "127.0.0.1", "per_peer": 200}
    installation.change(
        tcp=[
            {**here, "port": installation.tcp_port, "profile": "ncip1"},
            {**here, "port": made.iso_port, "protocol": "iso_ill"},
        ]
    )
    with installation.serve():
        yield made
    assert tracebacks(installation) == []


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client with this address."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=4)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield session


async def post(session: aiohttp.ClientSession, port: int, path: str, body: bytes) -> bytes:
    url = f"http://127.0.0.1:{port}{path}"
    async with session.post(url, data=body, headers={"Content-Type": "application/xml"}) as answer:
        assert answer.status == 200
        return await answer.read()


async def say_by_tcp(address: str, port: int, sent: list[bytes]) -> bytes:
    """On one connection, to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        writer.writelines(sent)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def flood(fortress: Fortress, attack: Callable[[str], Awaitable[None]]) -> list[bytes]:
    """All strangers at once; what a partner was answered meanwhile."""
    answers = []
    async with browsing(PARTNER) as partner, asyncio.TaskGroup() as together:
        strangers = [together.create_task(attack(address)) for address in STRANGERS]  # type: ignore[arg-type]
        while not all(one.done() for one in strangers):
            answers.append(await post(partner, fortress.installation.port, "/ncip/ncip2", messages.lookup_user()))
            await asyncio.sleep(0.5)  # seldom enough that what the partner said doesn't count for much
    return answers


def check_little_was_kept(fortress: Fortress, before: int, answers: list[bytes]) -> None:
    assert answers
    assert all(map(messages.succeeded("LookupUser"), answers))
    assert fortress.data_bytes() - before <= MAX_GROWTH
    assert (fortress.installation.database.with_name("illgate.db-wal")).stat().st_size <= MAX_WAL
    largest = fortress.database.value("SELECT max(length(body)) FROM message WHERE outcome = 'rejected'")
    assert largest is None or largest <= MAX_STRANGER_BYTES


# --- by every protocol that strangers reach --------------------------------------------------------------------


async def test_messages_by_http(fortress: Fortress) -> None:
    port, before = fortress.installation.port, fortress.data_bytes()
    message = messages.lookup_user() + PADDING

    async def attack(address: str) -> None:
        async with browsing(address) as session:
            for number in range(EACH):
                path = ("/ncip", "/ncip/ncip2", f"/ncip/invented-{number}")[number % 3]
                assert b"Problem" in await post(session, port, path, message)

    check_little_was_kept(fortress, before, await flood(fortress, attack))
    rejected = fortress.database.rows("SELECT DISTINCT peer FROM message WHERE outcome = 'rejected'")
    assert len(rejected) >= 5, "one address has used up the places of all"
    assert fortress.log_lines("sender.rejected")
    assert len(fortress.log_lines("sender.rejected")) <= 200


async def test_messages_by_tcp(fortress: Fortress) -> None:
    port, before = fortress.installation.tcp_port, fortress.data_bytes()

    async def attack(address: str) -> None:
        said = await say_by_tcp(address, port, [messages.lookup_user()] * EACH)
        assert said.count(b"Problem>") >= EACH

    check_little_was_kept(fortress, before, await flood(fortress, attack))


async def test_apdus_by_tcp(fortress: Fortress) -> None:
    before = fortress.data_bytes()
    apdus = [encode_apdu(asked(f"FLOOD-{number}", title="Sult " * 2_000)) for number in range(EACH)]

    async def attack(address: str) -> None:
        assert len(await say_by_tcp(address, fortress.iso_port, apdus)) > EACH * 20

    check_little_was_kept(fortress, before, await flood(fortress, attack))


async def test_what_is_no_message_at_all(fortress: Fortress) -> None:
    before = fortress.data_bytes()
    ports = (fortress.installation.port, fortress.installation.tcp_port, fortress.iso_port)

    async def attack(address: str) -> None:
        for number in range(EACH // 4):
            for port in ports:
                await say_by_tcp(address, port, [bytes([number % 256]) * 5_000])
            await say_by_tcp(address, ports[0], [b"GET /%d HTTP/1.1\r\nBroken\r\n\r\n" % number])

    check_little_was_kept(fortress, before, await flood(fortress, attack))


async def test_requests_to_the_api(fortress: Fortress) -> None:
    before = fortress.data_bytes()
    base = f"http://127.0.0.1:{fortress.installation.port}"

    async def attack(address: str) -> None:
        async with browsing(address) as session:
            for number in range(EACH):
                key = {"Authorization": f"Bearer ilg_{number:08}_{'x' * 40}", "Idempotency-Key": f"{address}-{number}"}
                body = {"title": "Sult " * 2_000}
                async with session.post(f"{base}/api/v1/requests", json=body, headers=key) as answer:
                    assert answer.status == 401

    check_little_was_kept(fortress, before, await flood(fortress, attack))


async def test_visitors_of_the_pages(fortress: Fortress) -> None:
    """They look at links, guess PINs and links of letters, and order without signing in."""
    before = fortress.data_bytes()
    base = f"http://127.0.0.1:{fortress.installation.port}"

    async def attack(address: str) -> None:
        async with browsing(address) as session:
            for number in range(EACH // 4):
                async with session.get(f"{base}/openurl/DEMO/sign-in") as page:
                    token = re.search(r'name="csrf" value="([^"]+)"', await page.text())
                assert token is not None
                guess = {"csrf": token[1], "user": f"2100{number:010}", "password": "0000"}
                async with session.post(f"{base}/openurl/DEMO/sign-in", data=guess) as page:
                    assert page.status in (422, 429)
                async with session.get(f"{base}/openurl/DEMO?genre=book&title={'Sult+' * 2_000}{number}") as page:
                    assert page.status == 200
                for link in ("d", "q"):
                    async with session.get(f"{base}/{link}/{number:080}") as page:
                        assert page.status in (404, 410)

    check_little_was_kept(fortress, before, await flood(fortress, attack))


# --- by mail -----------------------------------------------------------------------------------------------------


def spam(number: int) -> bytes:
    """Of an unknown sender, a forged one, an automatic one, one that comes again; 10 kB each."""
    sender = f"reader.{number}@spam.example"
    text = f"{number} " + "Lorem ipsum dolor sit amet. " * 350
    match number % 4:
        case 0:
            return mail(text, sender, Subject=f"Løn {number}")
        case 1:
            forged = "demo.example; dmarc=fail header.from=tartu.example"
            return mail(text, TARTU["email"], Subject=f"Request {number}", Authentication_Results=forged)
        case 2:
            return mail(text, sender, Auto_Submitted="auto-replied", Subject="Estoy fuera")
        case _:
            return mail("(the same each time) " + text[5:], sender, Message_ID="<same@spam.example>")


async def test_mails(installation: Installation) -> None:
    partners = {"bergen": BERGEN, "tartu": {**TARTU, "mail": {"require": ["dmarc"]}}}
    database = Database(installation.database)
    async with mail_house(installation, partners) as house:
        request = await house.asked()
        reply = house.reply("We will send it tomorrow. Sent today.")
        before = int(database.value("PRAGMA page_count"))
        for start in range(0, SPAM, 200):
            house.mailbox.deliver(*(spam(number) for number in range(start, start + 200)))
            await house.poll()
        await house.comes(reply)

        grown = (int(database.value("PRAGMA page_count")) - before) * int(database.value("PRAGMA page_size"))
        assert grown <= MAX_MAIL_GROWTH
        assert house.mailbox.count("INBOX") == 0
        assert sum(house.mailbox.count(folder) for folder in ("done", "unknown", "failed")) == SPAM + 1
        waiting = await house.waiting()
        assert len(waiting) == 200
        shown = await house.managed.libraries[LIBRARY].mails.show_mail(waiting[0].id)
        assert shown.content is None
        assert "read it in the mailbox folder" in shown.reason
        first = await house.managed.libraries[LIBRARY].mails.show_mail(waiting[-1].id)
        assert first.content == spam(0)
        assert any("Sent today" in line.event.details.note for line in (await house.show(request)).history)


# --- names from outside ------------------------------------------------------------------------------------------


def invented_message(number: int) -> bytes:
    return messages.lookup_user().replace(b"LookupUser", b"LookupUser%d" % number)


@pytest.mark.parametrize("address", [STRANGERS[0], PARTNER], ids=["of a stranger", "of a partner"])
async def test_invented_elements_make_no_series(fortress: Fortress, address: str) -> None:
    port, tcp_port = fortress.installation.port, fortress.installation.tcp_port

    async def ask_by_both(numbers: range) -> None:
        async with browsing(address) as session:
            for number in numbers[::2]:
                assert b"Problem" in await post(session, port, "/ncip/ncip2", invented_message(number))
        assert b"Problem" in await say_by_tcp(address, tcp_port, [invented_message(n) for n in numbers[1::2]])

    await ask_by_both(range(20))
    before = fortress.count_series()
    await ask_by_both(range(20, INVENTED))
    assert fortress.count_series() == before

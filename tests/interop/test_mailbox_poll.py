"""Answers come to a real mailbox that Dovecot serves, and are read by IMAP: in order, once, whatever breaks."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import signal
import time
from collections.abc import AsyncIterator
from itertools import count

import pytest

from adapters.mailbox.imap_client import ImapClient
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.request import BorrowingState
from gateway.ports.incoming_mail import MailboxServer
from gateway.ports.outgoing_mail import MailSecurity
from gateway.services.mailbox.poller import MailboxPoller
from gateway.store.mailbox import MailOutcome
from tests.support.daemon import Installation, forked_daemon
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.imap_wire import wire
from tests.support.mail_house import MailHouse, mail, mail_house, prepare
from tests.support.smtp_sink import Sink, running

_users = count(1)


@pytest.fixture
def user() -> str:
    """A mailbox of this test's own."""
    return f"ill{next(_users)}"


@pytest.fixture
async def house(installation: Installation) -> AsyncIterator[MailHouse]:
    async with mail_house(installation) as opened:
        yield opened


def client(password: str = PASSWORD) -> ImapClient:
    return ImapClient(lambda reference: password)


def folders(dovecot: Dovecot, user: str) -> dict[str, int]:
    """How many mails are in each, as another mail program sees it."""
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as imap:
        imap.login(user, PASSWORD)
        names = [line.decode().rpartition(" ")[2].strip('"') for line in imap.list()[1] if isinstance(line, bytes)]
        found = {name: int(imap.select(name, readonly=True)[1][0] or 0) for name in names}
    return {name: n for name, n in found.items() if n}


@contextlib.asynccontextmanager
async def at_work(poller: MailboxPoller) -> AsyncIterator[None]:
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(dovecot: Dovecot, user: str, wanted: dict[str, int], seconds: float = 60) -> None:
    """The folders are as they should be."""
    end = time.monotonic() + seconds
    while (found := await asyncio.to_thread(folders, dovecot, user)) != wanted:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)  # another program's folders: nothing tells us


# --- reading ---------------------------------------------------------------------------------------------


async def test_answers_are_taken_and_put_into_their_folders(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    request = await house.asked()
    dovecot.deliver(user, house.reply("We are looking for it"))
    dovecot.deliver(user, mail("Buy cheap journals", sender="shop@elsewhere.example"))
    dovecot.deliver(user, b"\r\nno header at all")
    dovecot.deliver(user, house.reply("TBS"))

    polled = await house.at_imap(dovecot.port, client(), user).poll_once()

    assert polled.taken == {MailOutcome.DONE: 2, MailOutcome.UNKNOWN: 1, MailOutcome.FAILED: 1}
    assert folders(dovecot, user) == {"done": 2, "unknown": 1, "failed": 1}
    assert (await house.show(request)).request.state is BorrowingState.WILL_SUPPLY


async def test_mails_can_stay_where_they_are(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    await house.asked()
    dovecot.deliver(user, house.reply("One"))
    poller = house.at_imap(dovecot.port, client(), user, folders=dict.fromkeys(MailOutcome, ""))

    first, second = await poller.poll_once(), await poller.poll_once()

    assert (first.count, second.count, second.again) == (1, 0, 0)
    assert folders(dovecot, user) == {"INBOX": 1}


async def test_what_is_too_large_is_set_aside_by_its_header(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    await house.asked()
    dovecot.deliver(user, house.reply("x" * 50_000))
    dovecot.deliver(user, house.reply("small"))

    polled = await house.at_imap(dovecot.port, client(), user, max_bytes=10_000).poll_once()

    assert polled.taken == {MailOutcome.DONE: 1, MailOutcome.UNKNOWN: 0, MailOutcome.FAILED: 1}
    (row,) = await house.waiting()
    assert row.reason.startswith("too large: ")
    assert row.sender == "fjernlan@ub.bergen.example"


async def test_a_wrong_password_is_refused_and_not_repeated(dovecot: Dovecot, user: str) -> None:
    server = MailboxServer(host="127.0.0.1", port=dovecot.port, user=user, password="env:X", security=MailSecurity.NONE)
    with pytest.raises(Refused) as refused:
        await client("nicht das Päßwort").open(server)
    assert refused.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert refused.value.__cause__ is None
    assert "Päßwort" not in str(refused.value)


async def test_a_folder_that_is_not_there_is_refused(dovecot: Dovecot, user: str) -> None:
    server = MailboxServer(
        host="127.0.0.1",
        port=dovecot.port,
        user=user,
        password="env:X",
        security=MailSecurity.NONE,
        folder="Nowhere",
    )
    with pytest.raises(Refused, match="'Nowhere' cannot be opened"):
        await client().open(server)


async def test_no_server_is_unavailable(house: MailHouse) -> None:
    with pytest.raises(Unavailable):
        await house.at_imap(1, client()).poll_once()


# --- what breaks -----------------------------------------------------------------------------------------


async def test_a_new_mail_ends_the_waiting(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    await house.asked()
    async with wire(dovecot.port) as line, at_work(house.at_imap(line.port, client(), user, poll_seconds=600)):
        await line.idling.wait()
        dovecot.deliver(user, house.reply("TBS"))
        await until(dovecot, user, {"done": 1})


async def test_a_mail_between_the_look_and_the_waiting_ends_it(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    """The server tells of it in one piece with its "+", where a client that waits for the socket doesn't see it."""
    await house.asked()
    async with (
        wire(dovecot.port, hold=b" IDLE") as line,
        at_work(house.at_imap(line.port, client(), user, poll_seconds=600)),
    ):
        await line.held.wait()
        dovecot.deliver(user, house.reply("TBS"))
        line.release()
        await until(dovecot, user, {"done": 1}, seconds=20)


async def test_a_connection_that_is_cut_while_waiting_is_made_anew(
    house: MailHouse, dovecot: Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.services.mailbox.poller.FIRST_PAUSE", 0.05)
    await house.asked()
    async with wire(dovecot.port) as line, at_work(house.at_imap(line.port, client(), user, poll_seconds=600)):
        await line.idling.wait()
        line.cut()
        dovecot.deliver(user, house.reply("TBS"))
        await until(dovecot, user, {"done": 1})
        assert line.connections == 2


async def test_the_same_mails_under_other_uids_are_only_moved(house: MailHouse, dovecot: Dovecot, user: str) -> None:
    """Read while they stay in the folder; then the server numbers the folder anew."""
    request = await house.asked()
    dovecot.deliver(user, house.reply("One"))
    dovecot.deliver(user, house.reply("Two"))
    await house.at_imap(dovecot.port, client(), user, folders=dict.fromkeys(MailOutcome, "")).poll_once()
    await asyncio.sleep(1.1)  # UIDVALIDITY is the time in seconds
    numbered_anew(dovecot, user)
    dovecot.deliver(user, house.reply("Three"))

    polled = await house.at_imap(dovecot.port, client(), user).poll_once()

    assert polled.count >= 1
    assert folders(dovecot, user) in ({"done": 3}, {"done": 1, "INBOX": 2})
    assert [note.text for note in (await house.show(request)).request.notes] == ["One", "Two", "Three"]


def numbered_anew(dovecot: Dovecot, user: str) -> None:
    folder = dovecot.maildir(user)
    for file in folder.glob("dovecot*"):
        file.unlink()
    for mail_file in (*folder.glob("cur/*"),):  # keywords are letters that only the removed files explain
        mail_file.rename(folder / "cur" / f"{mail_file.name.partition(':')[0]}:2,")


async def test_killed_between_commit_and_move_nothing_happens_twice(
    installation: Installation, dovecot: Dovecot, user: str
) -> None:
    """A daemon is killed (SIGKILL) when it has committed what a mail says and is about to move it."""
    prepare(installation)
    (installation.folder / "password").write_text(PASSWORD)
    async with running(Sink(deliver=dovecot.deliver)) as sink, wire(dovecot.port, hold=b"MOVE") as line:
        installation.change(mail={"port": sink.port}, mailboxes=[settings(line.port, user)])
        number = (await typed(installation, *WISH)).partition(":")[0]
        await typed(installation, "request", "act", number, "approve", "--as", "ada")
        await typed(installation, "outbox", "run")
        sent = sink.mails[-1]
        answer = mail("We look for it", **{"In-Reply-To": str(sent["Message-ID"]), "Subject": str(sent["Subject"])})
        dovecot.deliver(user, answer)

        with forked_daemon(installation.config, installation.log) as daemon:
            async with asyncio.timeout(30):
                await line.held.wait()
            daemon.send_signal(signal.SIGKILL)
            await asyncio.to_thread(daemon.wait)

        assert folders(dovecot, user) == {"INBOX": 1}
        shown = await typed(installation, "request", "show", number)
        assert "We look for it" in shown
        installation.change(mailboxes=[settings(dovecot.port, user)])
        polled = await typed(installation, "mail", "poll", "ill")

    assert polled == "0 mails: 0 done, 0 for staff, 0 failed; 1 were taken before and moved now\n"
    assert folders(dovecot, user) == {"ILL-done": 1}
    assert await typed(installation, "request", "show", number) == shown


WISH = ("request", "create", "--patron", "21000000000025", "--title", "Sult", "--author", "Hamsun, Knut", "--as", "ada")


def settings(port: int, user: str) -> dict[str, object]:
    return {
        "name": "ill",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "user": user,
        "password": "file:password",
    }


async def typed(installation: Installation, *arguments: str) -> str:
    done = await asyncio.to_thread(installation.run, *arguments, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

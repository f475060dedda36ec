"""A mailbox that can't be read is told to operators, until it is read again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from gateway.domain.clock import SystemClock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.ports.incoming_mail import MailboxServer, OpenMailbox
from gateway.services.mailbox.poller import MailboxPoller
from gateway.store import mailbox
from tests.support.daemon import Installation
from tests.support.mail_house import LIBRARY, MailHouse


async def failures(house: MailHouse) -> Sequence[MailboxFailure]:
    return await house.managed.libraries[LIBRARY].desk.list_mailbox_failures()


async def task_count(house: MailHouse) -> int:
    (task,) = [one for one in await house.managed.libraries[LIBRARY].desk.tasks() if one.name == "mailboxes-away"]
    return task.count


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - it is what the database says
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(poller: MailboxPoller) -> AsyncIterator[None]:
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_it_is_on_the_list_until_it_is_read_again(house: MailHouse, monkeypatch: Any) -> None:
    monkeypatch.setattr("gateway.services.mailbox.poller.FIRST_PAUSE", 0.2)
    house.mailbox.breaks += ["open", "look"]

    async def is_away() -> bool:
        return bool(await failures(house))

    async def is_read() -> bool:
        return house.mailbox.opened > 1 and not await failures(house)

    async with running(house.another_poller(poll_seconds=0.05)):
        await until(is_away)
        counted = await task_count(house)
        (away,) = await failures(house)
        await until(is_read)

    assert (away.mailbox, counted) == ("ill", 1)
    assert away.reason.startswith("the connection is gone at ")
    assert await task_count(house) == 0


async def test_it_is_away_since_the_first_failure_and_for_the_last_reason(house: MailHouse) -> None:
    first = SystemClock().now()
    for reason, at in (("no route to host", first), ("password not taken", SystemClock().now())):
        await house.store.write(
            lambda c, reason=reason, at=at: mailbox.record_mailbox_failure(c, LIBRARY, "ill", reason, at)  # type: ignore[misc]
        )

    assert await failures(house) == (MailboxFailure("ill", first, "password not taken"),)


async def test_a_poll_by_command_takes_it_off_the_list(house: MailHouse) -> None:
    now = SystemClock().now()
    await house.store.write(lambda c: mailbox.record_mailbox_failure(c, LIBRARY, "ill", "no route to host", now))

    await house.poller.poll_once()

    assert await failures(house) == ()


async def test_a_password_that_is_not_there_is_told_and_tried_again(house: MailHouse) -> None:
    class WithoutPassword:
        async def open(self, server: MailboxServer) -> OpenMailbox:
            raise ConfigurationError([ConfigurationProblem("", 0, (), "env:MAIL is not set")])

    async def is_away() -> bool:
        return bool(await failures(house))

    async with running(house.at_imap(1, WithoutPassword())):
        await until(is_away)

    assert "env:MAIL is not set" in (await failures(house))[0].reason


def read_page(installation: Installation, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}{path}", timeout=30) as answer:
        assert answer.status == 200
        return bytes(answer.read()).decode()


def test_the_daemon_says_so_wherever_operators_look(installation: Installation) -> None:
    (installation.folder / "password").write_text("made-up")
    nowhere = {"host": "127.0.0.1", "port": 1, "security": "none", "user": "ill", "password": "file:password"}
    installation.change(mailboxes=[{"name": "replies", **nowhere}])

    with installation.serve():
        end = time.monotonic() + 40
        while (
            "illgate_mailbox_away_seconds" not in read_page(installation, "/metrics")
            or not (ready := json.loads(read_page(installation, "/readyz")))["degraded"]
        ):
            assert time.monotonic() < end, ready
            time.sleep(0.2)
        listed = installation.run("task", "list").stdout
        shown = installation.run("task", "show", "mailboxes-away").stdout
    installation.change(mailboxes=[])
    with installation.serve():
        without = installation.run("task", "list").stdout

    (part,) = [one for one in ready["parts"] if one["name"] == "mailbox replies"]
    assert ready["ready"]
    assert part["up"]
    assert "127.0.0.1:1" in part["notes"][0]
    assert "made-up" not in part["notes"][0]
    assert "mailboxes-away" in listed
    assert "replies" in shown
    assert "127.0.0.1:1" in shown
    assert "mailboxes-away" not in without

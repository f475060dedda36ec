"""The work queue at /staff: what waits, how long, what comes first; and how it stays true while it is open."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import PatronLink, Request, RequestFlag
from gateway.domain.requests.task_lists import DEAD_LETTERS, MAILBOXES_AWAY, TASKS, UNMATCHED_MAILS
from gateway.domain.requests.views import RequestFilter
from gateway.ports.shared_store import Transaction
from gateway.store.requests import outbox, requests
from gateway.store.requests.outbox import OutboxRow
from gateway.web.staff.live_counts import CountStreams, CountTiming
from gateway.web.staff.work_queue import DESKS
from tests.protocol.pages.support import PATRON, Running
from tests.protocol.staff.support import ALL_ROLES, Colleague, colleague
from tests.unit.store.requests.samples import lending

REVIEW = "To review"


async def ask_for(gateway: Running, title: str) -> None:
    """A reader's wish that staff are to look at."""
    draft = BorrowingDraft(citation=Citation(title=title), patron=PatronLink(identifier=PATRON), mediated=True)
    await gateway.gateway.managed.libraries["DEMO"].requests.create_borrowing(draft)


def insert_sample(connection: Transaction, new: Request) -> None:
    requests.insert_request(connection, new)


def read_tasks(tree: Any) -> dict[str, tuple[str, str, bool]]:
    """By the words of the list: count, age, whether it is late."""
    found = {}
    for row in tree.xpath("//li[@data-task]"):
        (count,) = row.xpath(".//*[@data-count]/text()")
        age = "".join(row.xpath(".//*[@data-age]/text()"))
        (late,) = row.xpath(".//*[@data-late]")
        found[str(row.xpath(".//*[@class='name']/text()")[0])] = (str(count), age, late.get("hidden") is None)
    return found


def test_every_list_of_tasks_stands_at_one_desk() -> None:
    shown = {one.task for desk in DESKS for one in desk.lists}

    assert sorted(shown) == sorted([*(task.name for task in TASKS), DEAD_LETTERS, UNMATCHED_MAILS, MAILBOXES_AWAY])


async def test_every_list_opens_from_the_work_queue(gateway: Running) -> None:
    paths = dict.fromkeys(path for desk in DESKS for one in desk.lists for path in (one.path, one.door) if path)

    async with colleague(gateway, "r.okafor", *ALL_ROLES) as ruth:
        statuses = {path: (await ruth.get(path)).status for path in paths}

    assert statuses == dict.fromkeys(paths, 200)


async def test_what_waits_is_counted_with_the_age_of_the_oldest(gateway: Running) -> None:
    for title in ("云的语法", "Om fargen på gammel snø"):
        await ask_for(gateway, title)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get()

        assert read_tasks(page.tree)[REVIEW] == ("2", "just now", False)
        assert "Empty:" in page.text
        assert not page.tree.xpath("//*[@id='first']")


async def test_what_has_waited_too_long_comes_first(gateway: Running) -> None:
    await ask_for(gateway, "قواعد الغيوم")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        pages = gateway.gateway._staff_pages
        assert pages is not None
        pages._parts = _with_clock(pages._parts, FixedClock(datetime.now(UTC) + timedelta(days=3)))

        page = await ruth.get()

        assert read_tasks(page.tree)[REVIEW] == ("1", "3\u00a0d", True)
        (first,) = page.tree.xpath("//ol[@class='first']/li")
        assert " ".join(first.text_content().split()).startswith(f"{REVIEW}: one has waited for 3 days.")
        assert set(first.xpath(".//a/@href")) == {"/staff/borrowing?task=awaiting-review"}


def _with_clock(parts: Any, clock: FixedClock) -> Any:
    object.__setattr__(parts, "clock", clock)
    return parts


async def test_what_the_user_sees_to_is_one_step_away(gateway: Running) -> None:
    managed = gateway.gateway.managed
    for title in ("云的语法", "Om fargen på gammel snø"):
        await ask_for(gateway, title)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert "Assigned to me:" not in (await ruth.get()).text
        (first, _second) = await managed.libraries["DEMO"].requests.list_requests(RequestFilter(), 10, "")
        await managed.libraries["DEMO"].marks.assign(first.id, "r.okafor")

        (link,) = (await ruth.get()).tree.xpath("//a[contains(@href, 'assignee=me')]")

        assert link.text == "1 borrowing"
        assert first.number in (await ruth.browser.get(str(link.get("href")))).text


async def test_a_partner_that_does_not_answer_is_named(gateway: Running) -> None:
    now = datetime.now(UTC)

    def write_waiting_rows(c: Any) -> None:
        for id_ in ("tried", "untried"):
            row = OutboxRow(
                library="DEMO",
                id=id_,
                lane=id_,
                kind="partner",
                target="northgate",
                payload="{}",
                created=now - timedelta(hours=3),
                next_at=now,
            )
            outbox.add_outbox_row(c, row)
        for _ in range(3):
            claimed = outbox.claim_single_row(c, "DEMO", "tried", now, timedelta(minutes=1), "node")
            assert claimed is not None
            outbox.schedule_retry(c, claimed, now, "no answer")

    await gateway.gateway.managed.contexts["DEMO"].store.write(write_waiting_rows)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        text = " ".join((await ruth.get()).tree.text_content().split())

        assert "northgate has not answered for 3 hours." in text
        assert "2 messages are kept and will be sent automatically" in text


async def test_a_desk_at_a_branch_sees_nothing_of_lending(gateway: Running) -> None:
    async with colleague(gateway, "desk-east", "patron-services@EAST") as desk:
        page = await desk.get()

        assert [str(one) for one in page.tree.xpath("//h2/text()")] == ["Borrowing", "Messages and email", "Network"]
        assert "Requesters want to cancel" not in page.text
        assert "Unmatched email" not in page.text


async def test_a_list_of_both_sides_stands_at_the_desk_of_each(gateway: Running) -> None:
    contexts = gateway.gateway.managed.contexts["DEMO"]
    for number in range(3):
        flags = frozenset({RequestFlag.TROUBLE}) if number else frozenset()
        new = replace(lending(library="DEMO", transaction=f"SVN-{number}"), flags=flags)
        await contexts.store.write(partial(insert_sample, new=new))
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get()

        (row,) = page.tree.xpath("//li[@data-task='trouble-lending']")
        assert row.xpath("string(.//*[@data-count])") == "2"
        (address,) = row.xpath(".//a[@class='name']/@href")
        assert not page.tree.xpath("//li[@data-task='trouble-borrowing']")
        listed = await ruth.browser.get(str(address))
        assert listed.title == "Rejected by the partner"
        assert len(listed.tree.xpath("//table//tbody/tr")) == 2


async def test_a_branch_counts_its_own_work_alone(gateway: Running) -> None:
    for branch in ("EAST", "EAST", "MAIN"):
        draft = BorrowingDraft(
            citation=Citation(title="云的语法"), patron=PatronLink(identifier=PATRON, pickup=branch), override=True
        )
        await gateway.gateway.managed.libraries["DEMO"].requests.create_borrowing(draft)
    async with (
        colleague(gateway, "desk-east", "patron-services@EAST") as east,
        colleague(gateway, "r.okafor", "staff") as ruth,
    ):
        assert read_tasks((await east.get()).tree)[REVIEW][0] == "2"
        assert read_tasks((await ruth.get()).tree)[REVIEW][0] == "3"
        counts = json.loads((await east.browser.get("/staff/live/counts", Accept="application/json")).text)
        assert counts["lists"]["awaiting-review"]["count"] == "2"


# --- live ----------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(gateway: Running) -> Running:
    """Streams that look often."""
    pages = gateway.gateway._staff_pages
    assert pages is not None
    pages._parts.streams._timing = CountTiming(least=0.01, look=0.05, check=0.05, heartbeat=0.2, most=2)
    return gateway


class Listener:
    """A browser's EventSource."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def read_counts(self) -> dict[str, Any]:
        """The next that come."""
        async with asyncio.timeout(10):
            async for line in self.answer.content:
                if line.startswith(b"data: "):
                    found: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                    return found
        raise AssertionError("the stream has ended")


def open_stream(somebody: Colleague) -> Any:
    cookie = "; ".join(f"{name}={value}" for name, value in somebody.browser.cookies.items())
    headers = {"Cookie": cookie, "Accept": "text/event-stream"}
    return somebody.browser.session.get(f"{somebody.browser.base}/staff/live", headers=headers, allow_redirects=False)


async def test_a_stream_tells_what_has_changed(quick: Running) -> None:
    async with colleague(quick, "r.okafor", "staff") as ruth, open_stream(ruth) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        listener = Listener(answer)
        assert (await listener.read_counts())["lists"] == {}

        await ask_for(quick, "云的语法")

        counts = await listener.read_counts()
        assert counts["lists"]["awaiting-review"]["count"] == "1"
        assert counts["desks"]["borrowing"] == "1"


async def test_a_stream_ends_when_the_session_does(quick: Running) -> None:
    async with colleague(quick, "r.okafor", "staff") as ruth, open_stream(ruth) as answer:
        await Listener(answer).read_counts()

        await ruth.post("/sign-out", {})

        async with asyncio.timeout(10):
            assert b"data:" not in await answer.content.read()


async def test_a_stop_does_not_wait_for_streams(quick: Running) -> None:
    async with colleague(quick, "r.okafor", "staff") as ruth, open_stream(ruth) as answer:
        await Listener(answer).read_counts()
        pages = quick.gateway._staff_pages
        assert pages is not None

        pages.end_streams()

        async with asyncio.timeout(10):
            await answer.content.read()
        assert pages._parts.streams.open_count == 0


async def test_where_too_many_streams_are_open_browsers_ask_instead(quick: Running) -> None:
    async with colleague(quick, "r.okafor", "staff") as ruth, open_stream(ruth), open_stream(ruth):
        async with open_stream(ruth) as third:
            assert third.status == 204
        counts = await ruth.browser.get("/staff/live/counts", Accept="application/json")
        assert json.loads(counts.text)["lists"] == {}


async def test_scripts_of_strangers_get_no_page(gateway: Running) -> None:
    async with colleague(gateway) as stranger:
        for path, kind in (("/staff/live", "text/event-stream"), ("/staff/live/counts", "application/json")):
            answer = await stranger.browser.get(path, follow=False, Accept=kind)
            assert (answer.status, answer.text) == (401, "")


def test_streams_are_bounded() -> None:
    assert CountStreams()._timing.most == 200

"""What an operation asks of PostgreSQL, as docs/database.md says and a real server counts."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Role
from gateway.domain.requests.views import ActionRequest
from tests.bench import messages
from tests.support.brokered_loan import LoanParties, write_broker
from tests.support.counted_statements import TOLD, ServerLoad, StatementCounter
from tests.support.installed import start_or_skip
from tests.support.paths import ROOT
from tests.support.postgresql import QUICK, Server
from tests.support.shipped_profiles import copy_shipped_profiles

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

PAGE = ROOT / "docs" / "database.md"
_ROW = re.compile(r"^\| ([^|]+?) \| (\d+) \| (\d+) \|$", re.MULTILINE)
TIMES = 4
"""So often each is done; the least counts, since now and then a node does something beside."""

MOST_OF_LOAN = (240, 30)
LEEWAY = (8, 4)
"""Now and then the outbox looks once more, or finds with one look what else takes two."""

SYMBOL = "DEMO"
SITE = Site(SYMBOL, "Counting Library", {}, settings={"mail": {"host": ""}})


def read_table() -> dict[str, tuple[int, int]]:
    return {
        name: (int(statements), int(transactions))
        for name, statements, transactions in _ROW.findall(PAGE.read_text("utf-8"))
    }


class CountedGateway:
    """At work as in a daemon: its outbox is done as soon as there is something in it."""

    def __init__(self, town: Town, parties: LoanParties, counter: StatementCounter) -> None:
        self.town = town
        self._parties = parties
        self._counter = counter
        self._numbers = itertools.count(1)
        self._begun: list[str] = []
        self.operations: dict[str, Callable[[], Awaitable[None]]] = {
            "LookupUser": self._look_up_user,
            "AcceptItem": self._accept_item,
            "a new request of a patron": self._make_request,
            "a note of staff on a request": self._add_note,
            "a message that is passed on": self._pass_on,
            "a brokered loan": self._play_loan,
        }

    async def measure(self, operation: str) -> ServerLoad:
        run = self.operations[operation]
        await self._run(run)  # what is looked up once, such as types of the database
        loads = []
        for _ in range(TIMES):
            self._counter.reset()
            await self._run(run)
            loads.append(self._counter.read())
        return min(loads, key=lambda load: load.count)

    async def _run(self, run: Callable[[], Awaitable[None]]) -> None:
        await run()
        async with asyncio.timeout(30):
            while self.town.gateway.managed.worker.rows_in_hand:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # the last look, and word to other nodes

    async def _post(self, body: bytes, service: str) -> None:
        url = f"http://127.0.0.1:{self.town.gateway.http_port}/ncip/ncip2"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers={"Content-Type": "application/xml"}) as answer,
        ):
            assert messages.succeeded(service)(told := await answer.read()), told

    async def _look_up_user(self) -> None:
        await self._post(messages.lookup_user(), "LookupUser")

    async def _accept_item(self) -> None:
        await self._post(messages.accept_item(next(self._numbers)), "AcceptItem")

    async def _make_request(self) -> None:
        draft = BorrowingDraft(
            citation=Citation(title=f"Sult {next(self._numbers)}"),
            patron=PatronLink(identifier=messages.PATRON),
            mediated=True,
        )
        await self.town.gateway.managed.libraries[SYMBOL].requests.create_borrowing(draft)

    async def _add_note(self) -> None:
        request = (await self.town.requests(Role.BORROWING))[0]
        self._counter.reset()
        act = ActionRequest(
            kind=EventKind.NOTE, details=EventDetails(note="Ask again."), actor="staff:ada", version=None
        )
        await self.town.act(request, act)

    async def begin_loans(self) -> None:
        """For `_pass_on`."""
        self._begun = [await self._parties.begin_loan(next(self._numbers)) for _ in range(TIMES + 1)]

    async def _pass_on(self) -> None:
        await self._parties.pass_on_action(self._begun.pop(), "Received")

    async def _play_loan(self) -> None:
        await self._parties.play_loan(next(self._numbers))


@pytest.fixture(scope="module")
def counting_server() -> Iterator[Server]:
    server = start_or_skip(lambda: Server((*QUICK, *TOLD)))
    yield server
    server.stop()


@pytest.fixture
async def gateway(counting_server: Server, tmp_path: Path) -> AsyncIterator[CountedGateway]:
    database = counting_server.create_database()
    url = counting_server.url(database)
    async with LoanParties(SYMBOL) as parties:
        config = await asyncio.to_thread(make_installation, tmp_path, SITE, 25, url)
        copy_shipped_profiles(config.parent)
        write_broker(tmp_path, parties.urls)
        town = Town(config, FixedClock(START))
        await fill_library(town)
        await town.start()
        try:
            worker = town.gateway.managed.worker
            worker._options = replace(worker._options, poll_seconds=600)  # a slow machine counts no look beside
            town.gateway.start_workers()
            parties.port = town.gateway.http_port
            counted = CountedGateway(town, parties, StatementCounter(counting_server, database))
            await counted.begin_loans()
            yield counted
        finally:
            await town.stop()


async def test_operations_ask_no_more_of_the_database_than_its_page_says(gateway: CountedGateway) -> None:
    loads = {name: await gateway.measure(name) for name in gateway.operations}

    table = read_table()
    assert list(loads) == list(table)
    for name, load in loads.items():
        for told, count, leeway in zip(table[name], (load.count, load.transactions), LEEWAY, strict=True):
            assert told - leeway <= count <= told, f"{name}: {load.count}, {load.transactions}\n{load.describe(1)}"
    assert all(told <= most for told, most in zip(table["a brokered loan"], MOST_OF_LOAN, strict=True))

"""Plays a recorded conversation against a running gateway: the far side's octets come over HTTP, our side is acted by
the staff acts that the conversation implies, and after each message it is noted what has become of the request.

    async with run_recorded_gateway(folder) as gateway:
        steps = await gateway.play(conversation, {})

The far side is the recording, never a mapping of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import aiohttp
from aiohttp import web
from sqlalchemy import select

from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Money
from gateway.domain.problems import Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.patron_status import status_of_request
from gateway.domain.requests.request import PatronLink, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import ActionRequest, EventDenied
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import request as request_table
from tests.support.conversation_acts import ITEMS, choose_acts
from tests.support.conversation_far_side import FarSide, group_message
from tests.support.conversation_profiles import PROFILES, RULES, find_profile
from tests.support.recorded_conversations import (
    RecordedConversation,
    RecordedMessage,
    SpokenMessage,
    read_message,
    replace_numbers,
)

PATRON = "21000000000025"
PICKUP = "MAIN"


# --- what a step has led to ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """After a message of the recording: `answered` what we said to it at once, where that isn't OK, or why the act that
    it stands for was denied; `sent` what went out since the step before."""

    label: str
    state: str
    patron: str
    lists: str
    sent: str
    answered: str = ""

    def __str__(self) -> str:
        columns = [self.label, self.state, self.patron, self.lists, self.sent]
        return " | ".join([*columns, self.answered] if self.answered else columns)


def describe_sent(spoken: SpokenMessage, broker: str) -> str:
    """Its word, whom it addresses where that isn't the partner, what is in it that matters, its note."""
    word = "Request" if spoken.element == "request" else spoken.word
    if spoken.element == "request" and spoken.word != "New":
        word = f"Request {spoken.word}"
    parts = [word]
    if spoken.element != "supplyingAgencyMessage" and spoken.supplier != broker:
        parts.append(f"to {spoken.supplier}")
    for path, name in (
        ("answerYesNo", ""),
        ("reasonUnfilled", ""),
        ("reasonRetry", ""),
        ("loanCondition", ""),
        ("offeredCosts/monetaryValue", "offered "),
        ("deliveryCosts/monetaryValue", "costs "),
        ("maximumCosts/monetaryValue", "at most "),
        ("statusInfo/dueDate", "due "),
        ("itemId", "item "),
        ("sentVia", "via "),
    ):
        if value := spoken.text(path):
            parts.append(name + (value.partition("T")[0] if path.endswith("dueDate") else value))
    if spoken.note:
        parts.append(f'"{spoken.note}"')
    words = " ".join(parts).replace("\n", "\\n").replace("|", "¦")
    for barcode, name in ITEMS.items():
        words = words.replace(barcode, name)
    return words


# --- the gateway -----------------------------------------------------------------------------------------


class RecordedGateway:
    """One for many conversations: before each its database is what it was at first, and its clock is set to that of the
    recording."""

    def __init__(self, town: Town, far: FarSide, clock: FixedClock, session: aiohttp.ClientSession, database: Path):
        self._town = town
        self._far = far
        self._clock = clock
        self._session = session
        self._database = database
        self._pristine = sqlite3.connect(":memory:")
        with contextlib.closing(sqlite3.connect(database)) as source:
            source.backup(self._pristine)

    def close(self) -> None:
        self._pristine.close()

    # --- a conversation ----------------------------------------------------------------------------------

    async def play(
        self,
        conversation: RecordedConversation,
        acts: Mapping[str, str],
        order: Sequence[str] = (),
        waits: Mapping[str, int] = MappingProxyType({}),
    ) -> list[Step]:
        """`acts`: by place (`05`) the act that stands in for that of the recording, as `kind detail=value …`, several
        with `; ` between; `none` for nothing. `order`: of places, where messages crossed on their way. `waits`: so many
        seconds pass before this place that didn't pass in the recording."""
        self._restore_database()
        self._conversation = conversation
        self._profile = find_profile(conversation)
        self._far.take_conversation(conversation)
        self._request_id = ""
        self._seen = 0
        steps = []
        by_place = {message.label.partition(" ")[0]: message for message in conversation.messages}
        for message in (by_place[place] for place in order or by_place):
            place = message.label.partition(" ")[0]
            self._clock.at = message.at if not steps else max(message.at, self._clock.at)
            self._clock.advance(timedelta(seconds=waits.get(place, 0)))
            await self._quiet()
            answered = await (self._act(message, acts.get(place, "")) if message.is_ours else self._hear(message))
            await self._quiet()
            if message.is_ours and (sent := self._find_sent(message.spoken)) is not None:
                self._matched.add(sent)
            steps.append(await self._look(message.label, answered))
        return steps

    async def _hear(self, message: RecordedMessage) -> str:
        self._clock.advance(timedelta(milliseconds=1))
        sender = find_profile(self._conversation, message)
        url = f"http://127.0.0.1:{self._town.gateway.http_port}/iso18626/{sender.name}"
        numbers = dict(self._far.numbers)
        if self._conversation.role == "lender" and (ours := await self._find_request()) is not None:
            numbers |= {message.spoken.supplier_number: ours.number} if message.spoken.supplier_number else {}
        body = replace_numbers(message.octets, numbers)
        headers = {"Content-Type": "application/xml"}
        async with self._session.post(url, data=body, headers=headers) as response:
            octets = await response.read()
            if response.status != 200:
                return f"HTTP {response.status}"
        answer = read_message(octets)
        if answer.text("messageStatus") == "OK":
            return ""
        return f"{answer.text('messageStatus')} {answer.text('errorType')} {answer.text('errorValue')}".strip()

    async def _act(self, message: RecordedMessage, act: str) -> str:
        spoken = message.spoken
        if act == "none" or (not act and self._is_sent(spoken)):
            return ""
        self._clock.advance(timedelta(milliseconds=1))
        try:
            if spoken.element == "request" and not self._request_id:
                await self._ask(spoken)
                return ""
            request = await self._find_request()
            if request is None:
                return "no request"
            for kind, details in choose_acts(self._conversation, message, request, act):
                await self._town.act(
                    request, ActionRequest(kind=kind, details=details, actor="staff:ada", version=None)
                )
        except EventDenied as denied:
            return f"denied: {denied.denied.detail}"
        except Refused as refused:
            return f"refused: {refused}"
        return ""

    def _is_sent(self, spoken: SpokenMessage) -> bool:
        """Whether a message went out by itself before its place in the recording."""
        return self._find_sent(spoken) is not None

    def _find_sent(self, spoken: SpokenMessage) -> int | None:
        wanted = group_message(spoken)
        places = (place for place, sent in enumerate(self._far.sent) if group_message(sent) == wanted)
        return next((place for place in places if place not in self._matched), None)

    async def _ask(self, spoken: SpokenMessage) -> None:
        requests = (one for one in self._conversation.messages if one.is_ours and one.spoken.element == "request")
        asked = list(dict.fromkeys(find_profile(self._conversation, one).name for one in requests))
        cited = Citation(title=spoken.text("title"), author=spoken.text("author"))
        cost = spoken.text("maximumCosts/monetaryValue")
        draft = BorrowingDraft(
            citation=cited,
            service=RequestedService(ServiceType[spoken.text("serviceType").upper() or "LOAN"]),
            patron=PatronLink(identifier=PATRON, pickup=PICKUP),
            maximum_cost=Money(Decimal(cost), spoken.text("maximumCosts/currencyCode")) if cost else None,
            partner="" if len(asked) > 1 else self._profile.name,
            rota=" ".join(asked) if len(asked) > 1 else "",
            note=spoken.note,
            mediated=False,
            override=True,
            actor="staff:ada",
        )
        made = await self._town.gateway.managed.libraries[self._town.symbol].requests.create_borrowing(draft)
        self._request_id = made.id

    # --- what staff do -----------------------------------------------------------------------------------

    # --- what has become of it ---------------------------------------------------------------------------

    async def _find_request(self) -> Request | None:
        query = select(request_table.c.document).order_by(request_table.c.id)
        found = await self._town.context.store.read(lambda c: c.execute(query).scalars().all())
        requests = [parse_request(document) for document in found]
        if self._request_id:
            return next((one for one in requests if one.id == self._request_id), None)
        return requests[-1] if requests else None

    async def _look(self, label: str, answered: str) -> Step:
        request = await self._find_request()
        sent = self._far.sent[self._seen :]
        self._seen = len(self._far.sent)
        told = ", ".join(describe_sent(one, self._profile.symbol) for one in sent) or "-"
        if request is None:
            return Step(label, "-", "-", "-", told, answered)
        lists = " ".join(list_task_names(request)) or "-"
        status = status_of_request(request).word.partition("-")
        patron = status_of_request(request).word if status[0] not in ("borrowing", "lending") else status[2]
        if request.role is Role.LENDING:
            patron = "-"
        return Step(label, request.state.value, patron, lists, told, answered)

    async def _quiet(self) -> None:
        for _ in range(500):
            done = await self._town.gateway.managed.drain_due_work()
            counts = await self._town.context.store.read(outbox_queries.count_unfinished_rows)
            if not done and not any(n for (_, status), n in counts.items() if status is OutboxStatus.IN_HAND):
                return
            await asyncio.sleep(0)
        raise AssertionError("the gateway doesn't come to rest")

    def _restore_database(self) -> None:
        """All rows of all tables as they were when the gateway had started."""
        self._matched: set[int] = set()
        with contextlib.closing(sqlite3.connect(self._database, timeout=10, isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            database.execute("BEGIN IMMEDIATE")
            names = [name for (name,) in self._pristine.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                rows = self._pristine.execute(f'SELECT * FROM "{name}"').fetchall()
                if rows == database.execute(f'SELECT * FROM "{name}"').fetchall():
                    continue
                database.execute(f'DELETE FROM "{name}"')
                if rows:
                    places = ", ".join("?" * len(rows[0]))
                    database.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
            database.execute("COMMIT")


@contextlib.asynccontextmanager
async def run_recorded_gateway(folder: Path) -> AsyncIterator[RecordedGateway]:
    far, mail = FarSide(), MailServer()
    await mail.start()
    app = web.Application()
    app.router.add_post("/{partner}", far.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    profiles = {one.name: one.write(f"http://127.0.0.1:{port}/{one.name}") for one in PROFILES.values()}
    library = Site("OAK", "Oak Library", profiles, RULES, address="Oak Street 1\n8000 Zurich")
    config = await asyncio.to_thread(make_installation, folder, library, mail.port)
    clock = FixedClock(START)
    town = Town(config, clock)
    try:
        await fill_library(town)
        await town.start()
        async with aiohttp.ClientSession() as session:
            with contextlib.closing(
                RecordedGateway(town, far, clock, session, folder / "data" / "illgate.db")
            ) as gateway:
                yield gateway
    finally:
        await town.stop()
        await runner.cleanup()
        await mail.stop()

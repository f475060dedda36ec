"""Thirty libraries on one gateway, each with a folder. The system of one hangs, one is flooded by its partner, one is
held back by a wrong key. At all others requests and loans end right, by NCIP, ISO 18626, ISO ILL, letters and in the
mesh, and messages take no longer than before."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection, select

from adapters.iso_ill.messages import Returned, Shipped
from adapters.iso_ill.messages.structures import ItemId
from adapters.library.embedded import sample
from adapters.library.embedded.catalogue import add_bib, add_copies
from adapters.library.embedded.library_session import plan_session
from adapters.library.embedded.sample_catalogue import generate_copies, generate_records
from demo.world import START
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, RequestedService, Role
from gateway.domain.requests.views import ActionRequest, RequestFilter
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import create_database
from gateway.settings import Settings, load_settings
from gateway.store.migration import migrate_store
from gateway.store.schema import message
from tests.bench import messages
from tests.protocol.iso18626.far_side import write_confirmation
from tests.protocol.iso_ill.house import FJORDBY, Partner, asked, header
from tests.support import reader, smtp_sink
from tests.support.daemon import free_port
from tests.support.flood import ask, flooding, write_post
from tests.support.yaml_files import write_yaml_file

HANGING, FLOODED, HELD_BACK = 1, 2, 3
OTHERS = tuple(range(4, 31))
PLACES = 20
"""For messages at a time, of which 8 are a library's share."""

SLOWER = 1.3
"""So many times as long a message may take beside the others' troubles."""

MIN_PAIRS, MAX_PAIRS = 3, 9
"""Of measurements without and with the flood, whose median counts; more only until it is as it should be."""

PATIENCE_SECONDS = 5.0
"""Far less than the system that hangs takes."""

PATRON = "21000000000025"
BOOK = Citation(type=CitationType.BOOK, title="The Three-Body Problem", author="Liu, Cixin")
LENDER_SHIPS, BORROWER_RETURNS, LENDER_CHECKS_IN = (
    (EventKind.WILL_SUPPLY, EventKind.SHIPPED),
    (
        EventKind.RECEIVED,
        EventKind.AT_PICKUP,
        EventKind.LOANED_TO_PATRON,
        EventKind.RETURNED_BY_PATRON,
        EventKind.RETURNED,
    ),
    (EventKind.CHECKED_IN,),
)

REQUEST = """\
<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626" version="1.2"><request><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-T{number:02}</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-PEER</agencyIdValue></requestingAgencyId>
<timestamp>2026-03-02T07:00:00Z</timestamp><requestingAgencyRequestId>PEER-{number}</requestingAgencyRequestId></header>
<bibliographicInfo><title>Aniara</title></bibliographicInfo><serviceInfo><serviceType>Loan</serviceType></serviceInfo>
</request></ISO18626Message>"""


def symbol(number: int) -> str:
    return f"ISIL:US-T{number:02}"


@dataclass
class Peer:
    """The partner of all thirty that speaks ISO 18626. `told`: by whom, about which request of its own, and what."""

    told: list[tuple[str, str, str]] = field(default_factory=list)

    async def take_message(self, request: web.Request) -> web.Response:
        octets = (await request.read()).decode()
        said = [
            match[1] if (match := re.search(pattern, octets, re.DOTALL)) else ""
            for pattern in (
                r"<supplyingAgencyId>.*?<agencyIdValue>(.*?)<",
                r"<requestingAgencyRequestId>(.*?)<",
                r"<status>(.*?)<",
            )
        ]
        self.told.append((said[0], said[1], said[2]))
        return web.Response(body=write_confirmation(octets, None).encode(), content_type="application/xml")


async def hang_up_never(_request: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits for an hour")


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    octets, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield octets, writer
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(application)
    await server.start_server(shutdown_timeout=0)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


def write_installation(folder: Path, koha: str, peer: str, smtp: int) -> Path:
    for number in range(1, 31):
        own = folder / "libraries" / f"lib{number:02}"
        (own / "secrets").mkdir(parents=True)
        (own / "secrets" / "illiad").write_text(f"key-of-{number:02}")
        (own / "secrets" / "koha").write_text("a-secret-of-koha")
        write_yaml_file(own / "library.yml", {"symbol": symbol(number), "name": f"Library {number}"})
    hanging = {
        "type": "koha",
        "url": f"{koha}/api/v1",
        "sign_in": {"client_id": "illgate", "client_secret": "file:libraries/lib01/secrets/koha"},
    }
    lib01 = {"symbol": symbol(HANGING), "name": "Library 1", "system": hanging}
    write_yaml_file(folder / "libraries" / "lib01" / "library.yml", lib01)
    with (folder / "libraries" / "lib03" / "library.yml").open("a") as file:
        file.write("nmae: Library 3\n")
    (folder / "partners").mkdir()
    illiad = {
        "extends": "illiad-alma",
        "auth": [{"kind": "path-key", "secret": "file:libraries/{library}/secrets/illiad"}],
        "ncip": {"services": ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem"]},
        "circulation": {
            "pickup": {"map": {"nothing": "MAIN"}},
            "accept": {"policy": "ill", "library_use_policy": "ill-library-use"},
        },
    }
    write_yaml_file(folder / "partners" / "illiad.yml", illiad)
    outside = {
        "extends": "iso18626-2021",
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "partner": {"symbols": ["ISIL:US-PEER"], "name": "Peer", "channel": "iso18626"},
        "iso18626": {"http": {"url": peer}},
    }
    write_yaml_file(folder / "partners" / "peer.yml", outside)
    write_yaml_file(folder / "partners" / "fjordby.yml", FJORDBY)
    letters = {
        "extends": "email-partner",
        "partner": {"symbols": ["ISIL:US-COUNTY"], "name": "County Library", "email": "ill@county.example"},
    }
    write_yaml_file(folder / "partners" / "county.yml", letters)
    write_yaml_file(folder / "groups.yml", {"state": {"members": "all", "mesh": True}})
    port = free_port()  # links in letters lead there
    settings = {
        "defaults": {"time_zone": "America/Chicago", "currency": "USD"},
        "http": {"port": port, "public_url": f"http://127.0.0.1:{port}", "max_concurrent": PLACES},
        "tcp": [{"port": 0, "protocol": "iso_ill"}],
        "mail": {"host": "127.0.0.1", "port": smtp, "security": "none", "sender": "ill@state.example"},
        "library_timeout_seconds": 60,
        "shutdown_seconds": 0.5,
    }
    write_yaml_file(folder / "gateway.yml", settings)
    return folder / "gateway.yml"


async def fill_libraries(settings: Settings, clock: FixedClock) -> None:
    """Fill them with the sample library's patrons and the one book that is asked for."""
    assembly = Assembly(settings, load_adapters(), clock, lambda reference: reference)
    await create_database(assembly)
    store = assembly.open_store()
    numbers = (FLOODED, *OTHERS)
    contexts = [assembly.library_context(settings.find_library(symbol(number)), store) for number in numbers]

    def fill(connection: Connection) -> None:
        for open_session in map(plan_session, contexts):
            session = open_session(connection)
            sample.write_sample_setup(session)
            sample._write_people(session, "no patron signs in")
            bibs = [bib for bib in generate_records() if bib.title == BOOK.title]
            for bib in bibs:
                add_bib(session, bib)
            add_copies(session, list(generate_copies(bibs)))

    try:
        await migrate_store(store, *assembly.migration_histories)
        await store.write(fill)
    finally:
        await store.close()


@dataclass
class State:
    """The gateway of the thirty."""

    gateway: Daemon
    peer: Peer
    mail: smtp_sink.Sink
    session: aiohttp.ClientSession

    async def send_ncip(self, number: int, body: bytes) -> tuple[int, bytes]:
        async with self.session.post(f"/ncip/lib{number:02}/illiad/key-of-{number:02}", data=body) as answer:
            return answer.status, await answer.read()

    async def look(self, path: str) -> tuple[int, Any]:
        async with self.session.get(path) as answer:
            return answer.status, await answer.json()

    async def lend_by_ncip(self, number: int) -> list[bool]:
        """An item that ILLiad receives is lent to its patron and taken back."""
        life = (
            ("AcceptItem", messages.accept_item(number)),
            ("CheckOutItem", messages.check_out_item(f"BENCH-{number}")),
            ("CheckInItem", messages.check_in_item(f"BENCH-{number}")),
        )
        outcomes = []
        for service, body in life:
            status, answer = await self.send_ncip(number, body)
            outcomes.append(status == 200 and messages.succeeded(service)(answer))
        return outcomes

    async def ask_by_iso18626(self, number: int) -> bool:
        body = REQUEST.format(number=number).encode()
        async with self.session.post("/iso18626/peer", data=body) as answer:
            return "<messageStatus>OK</messageStatus>" in await answer.text()

    async def load(self, number: int, request_id: str) -> Any:
        services = self.gateway.managed.libraries[symbol(number)].requests
        return (await services.load_view(request_id)).request

    async def act(self, number: int, request_id: str, *kinds: EventKind) -> None:
        services = self.gateway.managed.libraries[symbol(number)].requests
        for kind in kinds:
            version = (await self.load(number, request_id)).version
            action = ActionRequest(kind=kind, details=EventDetails(), actor="staff:iris", version=version)
            await services.apply_action(request_id, action)
            await self.gateway.managed.drain_due_work()

    async def list_lending(self, number: int) -> Sequence[Any]:
        services = self.gateway.managed.libraries[symbol(number)].requests
        return (await services.list_requests(RequestFilter(role=Role.LENDING), 50, "")).items

    async def borrow_in_mesh(self, borrower: int, lender: int) -> tuple[str, str]:
        draft = BorrowingDraft(
            citation=BOOK,
            service=RequestedService(),
            patron=PatronLink(identifier=PATRON),
            partner=f"lib{lender:02}",
            mediated=False,
            actor="staff:iris",
        )
        ours = await self.gateway.managed.libraries[symbol(borrower)].requests.create_borrowing(draft)
        await self.gateway.managed.drain_due_work()
        (theirs,) = [entry for entry in await self.list_lending(lender) if entry.partner.symbol == symbol(borrower)]
        await self.act(lender, theirs.id, *LENDER_SHIPS)
        await self.act(borrower, ours.id, *BORROWER_RETURNS)
        await self.act(lender, theirs.id, *LENDER_CHECKS_IN)
        ends = (await self.load(borrower, ours.id)).state.value, (await self.load(lender, theirs.id)).state.value
        return ends[0], ends[1]

    async def lend_by_iso_ill(self, number: int) -> str:
        """Fjordby asks over TCP, and hears on its connection that the book is on its way."""
        async with connected(self.gateway.tcp_ports[0]) as line:
            fjordby = Partner(*line)
            wanted = ItemId(title=BOOK.title, author=BOOK.author)
            await fjordby.ask(replace(asked(f"G-{number}", to=symbol(number)), item=wanted))
            await self.gateway.managed.drain_due_work()
            (request,) = [one for one in await self.list_lending(number) if one.partner.profile == "fjordby"]
            await self.act(number, request.id, *LENDER_SHIPS)
            while not isinstance(await fjordby.hear(), Shipped):
                pass
            fjordby.say(Returned(**header(f"G-{number}", to=symbol(number)), date_returned=date(2026, 3, 20)))
            while (await self.load(number, request.id)).state.value != "returned":  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.02)
            await self.act(number, request.id, *LENDER_CHECKS_IN)
        return str((await self.load(number, request.id)).state.value)

    async def borrow_by_letter(self, number: int) -> str:
        """The county library reads a letter, and says by its link that it has sent the book."""
        draft = BorrowingDraft(
            citation=Citation(type=CitationType.BOOK, title=f"Aniara {number}"),
            service=RequestedService(),
            patron=PatronLink(identifier=PATRON),
            partner="county",
            mediated=False,
            actor="staff:iris",
        )
        ours = await self.gateway.managed.libraries[symbol(number)].requests.create_borrowing(draft)
        await self.gateway.managed.drain_due_work()
        letters = [mail for mail in self.mail.mails if mail["To"] == "ill@county.example"]
        (letter,) = [mail for mail in letters if f"Aniara {number}" in mail.get_body(("plain",)).get_content()]
        page = await reader.answers(letter, "We have shipped it", due="2026-04-20")
        assert page.status == 200, page.text
        await self.act(number, ours.id, *BORROWER_RETURNS)
        return str((await self.load(number, ours.id)).state.value)

    async def measure_look_ups(self) -> list[float]:
        """Eight LookupUsers of each library, eight at a time: seconds of this process's processor between question and
        answer. Other programs on the machine don't count, and whatever the gateway does meanwhile does."""
        taken: list[float] = []

        async def look_up(numbers: Sequence[int]) -> None:
            async with connected(self.gateway.settings.http.port) as line:
                for number in numbers:
                    post = write_post(f"/ncip/lib{number:02}/illiad/key-of-{number:02}", messages.lookup_user())
                    began, waited = time.process_time(), time.monotonic()
                    status, answer = await ask(*line, post)
                    taken.append(time.process_time() - began)
                    assert (status, messages.succeeded("LookupUser")(answer)) == (200, True), answer
                    assert time.monotonic() - waited < PATIENCE_SECONDS, "it waited for a place"

        await asyncio.gather(*(look_up(OTHERS[first::8] * 8) for first in range(8)))
        return taken


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    peer, clock = Peer(), FixedClock(START)
    async with AsyncExitStack() as stack:
        koha = await stack.enter_async_context(serving(hang_up_never))
        outside = await stack.enter_async_context(serving(peer.take_message))
        mail = await stack.enter_async_context(smtp_sink.running(smtp_sink.Sink()))
        settings = load_settings(write_installation(tmp_path, koha, outside, mail.port), load_adapters())
        await fill_libraries(settings, clock)
        gateway = Daemon(settings, load_adapters(), clock)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession(gateway.url))
        yield State(gateway, peer, mail, session)


@asynccontextmanager
async def hanging(state: State) -> AsyncIterator[None]:
    """More messages than there are places wait for the system that hangs. Others have sent something just before: a
    library alone may take all places."""
    for number in OTHERS:
        await state.send_ncip(number, messages.lookup_user())
    post = [state.send_ncip(HANGING, messages.lookup_user()) for _ in range(PLACES + 10)]
    tasks = list(map(asyncio.create_task, post))
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def compare_slowest(state: State, flood: Callable[[], AbstractContextManager[None]]) -> list[float]:
    """How many times as long the slowest hundredth of others' messages takes beside the flood as just before."""
    ratios: list[float] = []
    await state.measure_look_ups()
    while len(ratios) < MIN_PAIRS or (statistics.median(ratios) > SLOWER and len(ratios) < MAX_PAIRS):
        alone = await state.measure_look_ups()
        with flood():
            await asyncio.sleep(1)
            beside = await state.measure_look_ups()
        ratios.append(statistics.quantiles(beside, n=100)[-1] / statistics.quantiles(alone, n=100)[-1])
    return ratios


async def read_journal(state: State) -> dict[str, set[tuple[str, str]]]:
    """By library: service and outcome of all that came in."""
    store = state.gateway.managed.contexts[symbol(OTHERS[0])].store
    query = select(message.c.library, message.c.service, message.c.outcome).where(message.c.direction == "in")
    journal: dict[str, set[tuple[str, str]]] = {}
    for library, service, outcome in await store.read(lambda c: c.execute(query).all()):
        journal.setdefault(library, set()).add((service, outcome))
    return journal


async def test_the_troubles_of_three_libraries_are_theirs_alone(state: State, tmp_path: Path) -> None:
    post = write_post(f"/ncip/lib{FLOODED:02}/illiad/key-of-{FLOODED:02}", messages.lookup_user())
    flood = partial(flooding, state.gateway.settings.http.port, post, tmp_path / "flood.log")

    async with hanging(state):
        ratios = await compare_slowest(state, flood)
        with flood():
            by_ncip = [await state.lend_by_ncip(number) for number in OTHERS]
            by_iso18626 = [await state.ask_by_iso18626(number) for number in OTHERS]
            ended = [await state.borrow_in_mesh(number, number + 1) for number in OTHERS[:-1:2]]
            by_iso_ill = [await state.lend_by_iso_ill(number) for number in OTHERS[::5]]
            by_letter = [await state.borrow_by_letter(number) for number in OTHERS[1::5]]
            held_back = await state.send_ncip(HELD_BACK, messages.lookup_user())
            pages = {path: await state.look(f"/readyz{path}") for path in ("", "/lib01", "/lib03", "/lib10")}
            async with state.session.get("/metrics") as answer:
                metrics = await answer.text()

    assert statistics.median(ratios) <= SLOWER, ratios
    assert by_iso_ill == ["completed"] * 6
    assert by_letter == ["completed"] * 6
    assert by_ncip == [[True, True, True]] * len(OTHERS)
    assert ended == [("completed", "completed")] * 13
    assert by_iso18626 == [True] * len(OTHERS)
    for number in OTHERS:
        (request,) = [entry for entry in await state.list_lending(number) if entry.partner.profile == "peer"]
        await state.act(number, request.id, EventKind.UNFILLED)
    assert [told for told in state.peer.told if told[2] == "Unfilled"] == [
        (f"US-T{number:02}", f"PEER-{number}", "Unfilled") for number in OTHERS
    ]

    assert b"Temporary Processing Failure" in held_back[1]
    assert {path: status for path, (status, _) in pages.items()} == {
        "": 200,
        "/lib01": 503,
        "/lib03": 503,
        "/lib10": 200,
    }
    problems = {part["library"]: part.get("problem", "") for part in pages[""][1]["parts"] if part.get("library")}
    assert "held back: " in problems[symbol(HELD_BACK)]
    assert "lib03/library.yml:3: nmae: unknown key" in problems[symbol(HELD_BACK)]
    assert not any(problems[symbol(number)] for number in OTHERS)
    over_share = dict(re.findall(r'illgate_messages_over_share_total\{library="([^"]*)"\} ([0-9.]+)', metrics))
    assert set(over_share) == {symbol(HANGING), symbol(FLOODED)}
    assert float(over_share[symbol(HANGING)]) >= PLACES + 10 - 0.4 * PLACES
    journal = await read_journal(state)
    assert journal[symbol(HELD_BACK)] == {("LookupUser", "failed")}
    for number in OTHERS:
        services = {service for service, _ in journal[symbol(number)]}
        assert {"LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem"} <= services, number
        assert {outcome for _, outcome in journal[symbol(number)]} == {"ok"}, number

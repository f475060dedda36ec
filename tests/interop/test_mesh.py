"""Two of the twelve libraries in tests/worked_examples/valley lend to each other, inside one gateway."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.loopback.channel import HUB
from demo.world import COPY, START
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.due_dates import local_day
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.views import ActionRequest, FileUpload, RequestFilter
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import create_database
from gateway.services.requests.suppliers import load_partner_standings
from gateway.settings import Settings, load_settings
from gateway.store.migration import migrate_store
from gateway.store.requests import outbox_queries
from tests.support.paths import ROOT

CEDAR, DOGWOOD = "ISIL:US-CCC", "ISIL:US-DDD"
PATRON = "21000000000025"
BOOK = Citation(type=CitationType.BOOK, title="The Three-Body Problem", author="Liu, Cixin")
STORY = (
    (DOGWOOD, EventKind.WILL_SUPPLY),
    (DOGWOOD, EventKind.SHIPPED),
    (CEDAR, EventKind.RECEIVED),
    (CEDAR, EventKind.AT_PICKUP),
    (CEDAR, EventKind.LOANED_TO_PATRON),
    (CEDAR, EventKind.RENEW),
    (CEDAR, EventKind.RETURNED_BY_PATRON),
    (CEDAR, EventKind.RETURNED),
    (DOGWOOD, EventKind.CHECKED_IN),
)

CHAPTER = Citation(
    type=CitationType.CHAPTER, title="The Three-Body Problem", component_title="Silent Spring", pages="9-14"
)


@dataclass
class Valley:
    """The gateway of the twelve; Cedar asks Dogwood."""

    gateway: Daemon
    clock: FixedClock

    async def borrow(self, citation: Citation, service: RequestedService) -> Request:
        draft = BorrowingDraft(
            citation=citation,
            service=service,
            patron=PatronLink(identifier=PATRON),
            partner="lib04",
            mediated=False,
            actor="staff:iris",
        )
        created = await self.gateway.managed.libraries[CEDAR].requests.create_borrowing(draft)
        await self.gateway.managed.drain_due_work()
        return await self.load(CEDAR, created.id)

    async def load(self, symbol: str, request_id: str) -> Request:
        return (await self.gateway.managed.libraries[symbol].requests.load_view(request_id)).request

    async def find_lending(self, ours: Request) -> Request:
        """The one at Dogwood; no other library has heard of it."""
        found = [
            (symbol, request)
            for symbol, library in self.gateway.managed.libraries.items()
            for request in (await library.requests.list_requests(RequestFilter(role=Role.LENDING), 50, "")).items
            if ours.attempt is not None and request.transaction == ours.attempt.transaction
        ]
        ((symbol, request),) = found
        assert symbol == DOGWOOD
        return request

    async def act(self, symbol: str, request: Request, kind: EventKind, **details: Any) -> None:
        requests = self.gateway.managed.libraries[symbol].requests
        version = (await self.load(symbol, request.id)).version
        action = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:iris", version=version)
        await requests.apply_action(request.id, action)
        await self.gateway.managed.drain_due_work()

    async def states(self, ours: Request, theirs: Request) -> tuple[str, str]:
        borrowing, lending = await self.load(CEDAR, ours.id), await self.load(DOGWOOD, theirs.id)
        return borrowing.state.value, lending.state.value

    async def count_waiting(self) -> int:
        context = self.gateway.managed.contexts[CEDAR]
        rows = await context.store.read(outbox_queries.count_unfinished_rows)
        return sum(rows.values())


async def fill_libraries(settings: Settings, clock: FixedClock) -> None:
    """Fill Cedar and Dogwood with the sample library's patrons and items; the others are empty."""
    assembly = Assembly(settings, load_adapters(), clock, lambda reference: reference)
    await create_database(assembly)
    store = assembly.open_store()
    try:
        await migrate_store(store, *assembly.migration_histories)
        for symbol in (CEDAR, DOGWOOD):
            library = settings.find_library(symbol)
            sample = assembly.adapter_of(library).sample
            assert sample is not None
            await sample(assembly.library_context(library, store))
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIB01_ALMA", "LIB02_KOHA", "OCLC_IN", *(f"LIB{number:02}_BL" for number in range(1, 13))):
        monkeypatch.setenv(name, "a-secret-of-a-test")


@pytest.fixture
async def valley(tmp_path: Path) -> AsyncIterator[Valley]:
    folder = tmp_path / "valley"
    shutil.copytree(ROOT / "tests" / "worked_examples" / "valley", folder)
    config = folder / "gateway.yml"
    config.write_text(config.read_text().replace("mail: {host: smtp.valley.example, sender: ", "mail: {sender: "))
    with config.open("a") as file:
        file.write("http: {port: 0, public_url: 'https://ill.valley.example'}\n")
    clock = FixedClock(START)
    settings = load_settings(config, load_adapters())
    await fill_libraries(settings, clock)
    gateway = Daemon(settings, load_adapters(), clock)
    await gateway.start()
    yield Valley(gateway, clock)
    await gateway.stop()


async def test_a_loan_goes_from_one_member_to_another_and_back(valley: Valley) -> None:
    ours = await valley.borrow(BOOK, RequestedService())
    theirs = await valley.find_lending(ours)

    members = [f"lib{number:02}" for number in range(1, 13) if number not in (3, 4)]
    assert [line.partner for line in ours.rota] == ["lib04", *members, "state", "worldshare", "british-library"]
    assert (theirs.partner.profile, theirs.partner.symbol, theirs.partner.name) == (
        "lib03",
        CEDAR,
        "Cedar County Library",
    )
    dues: list[date | None] = []
    assert theirs.patron == PatronLink(), "who wants it is nobody's business there"
    seen = []
    for symbol, kind in STORY:
        await valley.act(symbol, ours if symbol == CEDAR else theirs, kind)
        seen.append((kind.value, *await valley.states(ours, theirs)))
        if kind in (EventKind.SHIPPED, EventKind.RENEW):
            shipped = await valley.load(DOGWOOD, theirs.id)
            dues.append(local_day(shipped.terms.lender_due, valley.gateway.managed.contexts[DOGWOOD].zone))

    assert seen == [
        ("will-supply", "will-supply", "will-supply"),
        ("shipped", "shipped", "shipped"),
        ("received", "received", "shipped"),
        ("at-pickup", "received", "shipped"),
        ("loaned-to-patron", "lent", "shipped"),
        ("renew", "lent", "shipped"),
        ("returned-by-patron", "back", "shipped"),
        ("returned", "returned", "returned"),
        ("checked-in", "completed", "completed"),
    ]
    assert dues == [date(2026, 4, 13), date(2026, 4, 27)], "the group's 42 days, then the days of a renewal"
    assert await valley.count_waiting() == 0


async def test_a_copy_goes_to_another_member(valley: Valley) -> None:
    ours = await valley.borrow(CHAPTER, RequestedService(ServiceType.COPY, level="rush"))
    theirs = await valley.find_lending(ours)
    view = await valley.gateway.managed.libraries[CEDAR].requests.load_view(ours.id)
    assert [timer.at - START for timer in view.timers if timer.timer == "answer"] == [timedelta(hours=4)], "on rush"

    library = valley.gateway.managed.libraries[DOGWOOD].requests
    upload = FileUpload(name="chapter.pdf", media_type="application/pdf", content=COPY)
    _, kept = await library.attach(theirs.id, upload, "staff:ben", theirs.version)
    await valley.act(DOGWOOD, theirs, EventKind.DIGITISED, attachment=kept.id)
    await valley.act(DOGWOOD, theirs, EventKind.CLEARED, reason="UK-FairDealing")
    await valley.act(DOGWOOD, theirs, EventKind.COPY_DELIVERED, attachment=kept.id)

    assert await valley.states(ours, theirs) == ("completed", "completed")
    standings = await load_partner_standings(valley.gateway.managed.contexts[CEDAR], ours)
    assert standings["lib04"].cost == Money(Decimal(12), "USD")
    assert standings["state"].cost is None


async def test_a_message_waits_for_a_member_that_is_not_served(valley: Valley) -> None:
    """As while its settings are wrong. It goes when the library is there again, and is taken once."""
    channel: Any = valley.gateway.managed.channels["loopback"]
    served = channel._libraries
    channel._libraries = {symbol: library for symbol, library in served.items() if symbol != DOGWOOD}
    HUB.remove_member(DOGWOOD, channel.accept_message)
    ours = await valley.borrow(BOOK, RequestedService())
    waiting = await valley.count_waiting()
    channel._libraries = served
    valley.clock.advance(timedelta(minutes=5))
    await valley.gateway.managed.drain_due_work()

    assert waiting == 1
    theirs = await valley.find_lending(ours)
    assert await valley.states(ours, theirs) == ("requested", "located")

"""Two nodes do the same at the same moment: they look for the same copy, or read the same mail; needs PostgreSQL, since
on SQLite there is only one node."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.util import await_only

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.print_batches import PrintBatch, PrintKind
from gateway.domain.requests.request import LendingState, LibraryParty, PatronLink, Request, Role
from gateway.domain.requests.views import NotFound
from gateway.ports.library_system import BibHoldings
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.shared_store import Store, Work
from gateway.services.desks.printing import PrintService, ScannedSlip
from gateway.services.desks.staff_service import StaffService
from gateway.services.requests.intake import create_borrowing_request
from gateway.services.requests.lending import locate_item
from gateway.services.requests.lending_intake import create_lending_request
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import outbox as outbox_rows
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.tables import outbox
from tests.support.postgresql import Server
from tests.unit.services.outbox.support import a_row
from tests.unit.services.requests.support import PATRON, UNUSED_PORT

pytestmark = pytest.mark.postgresql

T = TypeVar("T")

SITE = Site("NORTH", "Northern Library", {"hill": {"partner": {"symbols": ["HILL"], "name": "Hill Library"}}})
WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture(scope="module")
def template(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An installation with its sample library, and the name of its database; only to be copied."""
    name = postgresql_server.create_database()
    folder = tmp_path_factory.mktemp("nodes") / "north"
    config = make_installation(folder, SITE, UNUSED_PORT, postgresql_server.url(name))
    asyncio.run(fill_library(Town(config, FixedClock(START))))
    return folder, name


@pytest.fixture
async def nodes(
    template: tuple[Path, str], postgresql_server: Server, tmp_path: Path
) -> AsyncIterator[tuple[Town, Town]]:
    folder, filled = template
    name = await asyncio.to_thread(postgresql_server.create_database, filled)
    config = shutil.copytree(folder, tmp_path / "north") / "gateway.yml"
    config.write_text(config.read_text("utf-8").replace(filled, name), "utf-8")
    clock = FixedClock(START)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, postgresql_server.drop_database, name)
        towns = Town(config, clock), Town(config, clock)
        for town in towns:
            await town.start()
            stack.push_async_callback(town.stop)
        yield towns


@dataclass
class Lingering:
    """A store whose transactions, when their work is done, stay open until somebody waits for them or `over` says that
    nobody will."""

    store: Store
    done: asyncio.Event
    over: Callable[[], bool]

    @property
    def url(self) -> URL:
        return self.store.url

    async def close(self) -> None:
        await self.store.close()

    async def read(self, work: Work[T]) -> T:
        return await self.store.read(work)

    async def write_statement(self, work: Work[T]) -> T:
        return await self.store.write_statement(work)

    async def write(self, work: Work[T]) -> T:
        def lingering(connection: Connection) -> T:
            result = work(connection)
            self.done.set()
            while not self.over() and not connection.execute(WAITS).scalar():
                await_only(asyncio.sleep(0.01))
            return result

        return await self.store.write(lingering)


async def only_copy(town: Town) -> BibHoldings:
    """A record of ours with one item, which can be lent."""
    system = town.context.system
    for bib in await system.search_bibs("a", 60):
        found = await system.holdings(bib.id)
        if len(found.items) == 1 and bib.identifiers and found.items[0].circulates and not found.items[0].hold_count:
            return found
    raise AssertionError("the sample has no such record")


async def do_at_once(
    nodes: tuple[Town, Town],
    work: Callable[[LibraryContext], Awaitable[T]],
    second_work: Callable[[LibraryContext], Awaitable[T]] | None = None,
) -> list[T | Exception]:
    """The second node begins when the first has done its work and not committed yet; what came of both. `second_work`:
    where it does something else."""
    first, second = (town.context for town in nodes)
    done = asyncio.Event()
    late: asyncio.Future[T] | None = None
    slow = Lingering(first.store, done, lambda: late is not None and late.done())
    async with asyncio.timeout(20):
        early = asyncio.ensure_future(work(replace(first, store=slow)))
        await done.wait()
        late = asyncio.ensure_future((second_work or work)(second))
        outcomes = await asyncio.gather(early, late, return_exceptions=True)
    assert all(isinstance(one, Exception) or not isinstance(one, BaseException) for one in outcomes)
    return cast(list[T | Exception], outcomes)


def printing_at(town: Town, context: LibraryContext) -> PrintService:
    return replace(town.gateway.managed.libraries["NORTH"].printing, context=context)


async def locate(town: Town) -> Request:
    record = await only_copy(town)
    citation = Citation(title=record.bib.title, author=record.bib.author, identifiers=record.bib.identifiers)
    draft = LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
    request = await town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await locate_item(town.context, request.id)
    return request


async def test_slips_are_in_one_batch_only(nodes: tuple[Town, Town]) -> None:
    request = await locate(nodes[0])

    batch, other = await do_at_once(
        nodes, lambda here: printing_at(nodes[0], here).make_batch(PrintKind.PULL_SLIPS, "staff:ana")
    )

    assert isinstance(batch, PrintBatch)
    assert (batch.request_ids, batch.number) == ((request.id,), 1)
    assert isinstance(other, Refused), "nothing waits any more"


async def test_the_slip_of_a_scanned_item_is_in_one_batch_only(nodes: tuple[Town, Town]) -> None:
    request = await locate(nodes[0])

    slips = await do_at_once(
        nodes,
        lambda here: printing_at(nodes[0], here).add_scanned_request(PrintKind.PULL_SLIPS, request.id, "staff:ana", ()),
    )

    assert [isinstance(one, ScannedSlip) and (one.batch.number, one.is_new) for one in slips] == [(1, True), (1, False)]


async def test_of_two_decisions_about_a_message_one_counts(nodes: tuple[Town, Town]) -> None:
    """One of no request: such as a file of many orders, that must not go out with its orders skipped."""
    store, row = nodes[0].context.store, a_row(library="NORTH", kind="reply", at=START)
    row = replace(row, request_id="")

    def add_dead_row(c: Connection) -> None:
        outbox_rows.add_outbox_row(c, row)
        claimed = outbox_rows.claim_single_row(c, "NORTH", row.id, START, timedelta(minutes=1), "before")
        assert claimed is not None
        outbox_rows.mark_dead(c, claimed, "refused", START)

    await store.write(add_dead_row)

    released, skipped = await do_at_once(
        nodes,
        lambda here: StaffService(here).release(row.id, "staff:ana"),
        lambda here: StaffService(here).skip(row.id, "too late", "staff:bo"),
    )

    assert released is None
    assert isinstance(skipped, NotFound)
    found = await store.read(lambda c: outbox_queries.get_outbox_row(c, "NORTH", row.id))
    assert found is not None
    assert found.status is OutboxStatus.WAITING


async def test_of_two_events_the_later_stands_behind_the_earlier(nodes: tuple[Town, Town]) -> None:
    """The second node waits for the first, whose clock is a little ahead."""
    request = await locate(nodes[0])

    async def note(here: LibraryContext, actor: str) -> None:
        event = Event(local_signal(EventKind.NOTE), here.now(), actor, EventDetails(note="seen"))
        await apply_event(here, EventRequest(request_id=request.id, event=event))

    await do_at_once(
        nodes,
        lambda here: note(replace(here, clock=FixedClock(START + timedelta(milliseconds=90))), "first"),
        lambda here: note(here, "second"),
    )

    history = (await nodes[0].gateway.managed.libraries["NORTH"].requests.load_view(request.id)).history
    assert [line.event.actor for line in history[-2:]] == ["first", "second"]


async def test_a_requester_s_number_is_taken_once(nodes: tuple[Town, Town]) -> None:
    draft = LendingDraft(
        citation=Citation(title="Höhlen des Karsts"), requester=LibraryParty(profile="hill"), transaction="H-8"
    )

    one, other = await do_at_once(nodes, lambda here: create_lending_request(here, draft))

    assert isinstance(one, Request)
    assert isinstance(other, Refused)
    assert other.reason is RefusalReason.DUPLICATE_REQUEST


async def test_a_patron_s_second_wish_is_seen_to_be_the_same(nodes: tuple[Town, Town]) -> None:
    draft = BorrowingDraft(citation=Citation(title="Höhlen des Karsts"), patron=PatronLink(identifier=PATRON))

    one, other = await do_at_once(nodes, lambda here: create_borrowing_request(here, draft))

    assert isinstance(one, Request)
    assert isinstance(other, Request)
    assert [bool(made.warnings) for made in (one, other)] == [False, True]


async def test_a_copy_is_found_for_one_request_only(nodes: tuple[Town, Town]) -> None:
    """The second node looks when the first has found the copy and has not committed yet."""
    first, second = nodes
    record = await only_copy(first)
    citation = Citation(title=record.bib.title, author=record.bib.author, identifiers=record.bib.identifiers)
    draft = LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
    one, other = [await first.gateway.managed.libraries["NORTH"].requests.create_lending(draft) for _ in nodes]

    found = asyncio.Event()
    late: asyncio.Task[str] | None = None
    slow = Lingering(first.context.store, found, lambda: late is not None and late.done())
    async with asyncio.timeout(20):
        early = asyncio.create_task(locate_item(replace(first.context, store=slow), one.id))
        await found.wait()
        late = asyncio.create_task(locate_item(second.context, other.id))
        await early
        (outcome,) = await asyncio.gather(late, return_exceptions=True)

    assert (await first.see(one)).state is LendingState.LOCATED
    assert isinstance(outcome, Unavailable), "it is looked for anew"
    await locate_item(second.context, other.id)
    assert (await second.see(other)).state is LendingState.NEW, "staff decide"


async def test_what_is_answered_unfilled_at_once_is_answered_once(nodes: tuple[Town, Town]) -> None:
    """The second node reads the mail when the first has answered it and has not committed yet."""
    first, second = nodes
    profile, _ = first.context.require_partner("hill")
    message = IncomingPartnerMessage(
        id="mail-1",
        kind=EventKind.REQUEST,
        role=Role.LENDING,
        sender="HILL",
        receiver="NORTH",
        transaction="H-7",
        request=LendingDraft(citation=Citation(title="Höhlen des Karsts"), requester=LibraryParty()),
    )

    def answer_message(town: Town) -> Callable[[Connection], None]:
        inbox = LibraryInbox(town.context)
        return lambda connection: inbox.answer_unfilled(connection, message, profile, EventDetails(reason="policy"))

    answered = asyncio.Event()
    late: asyncio.Task[None] | None = None
    slow = Lingering(first.context.store, answered, lambda: late is not None and late.done())
    async with asyncio.timeout(20):
        early = asyncio.create_task(slow.write(answer_message(first)))
        await answered.wait()
        late = asyncio.create_task(second.context.store.write(answer_message(second)))
        await asyncio.gather(early, late)

    count = select(func.count()).where(outbox.c.target == "hill")
    assert await first.context.store.read(lambda c: c.execute(count).scalar_one()) == 1

"""One request lets go of an item, the next one gets it, and the library's part of the first is late.

The library refuses what the second asks for because of what it still keeps for the first: that is "not yet", not "no".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.library.embedded.system import EmbeddedLibrary
from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Item, ItemStatus
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable, UnfinishedWork
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, PatronLink, Request
from gateway.domain.requests.views import ActionRequest, RequestView
from gateway.ports.library_system import PatronKey
from gateway.store.requests import outbox_queries, requests
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.support.postgresql import Server
from tests.unit.services.requests.support import EASY, PATRON, STAFF, UNUSED_PORT

NORTH = "NORTH"
SITE = Site(
    NORTH,
    "Northern Library",
    {
        "hill": {"partner": {"symbols": ["HILL"], "name": "Hill Library"}},
        "south": {"partner": {"symbols": ["SOUTH"], "name": "Southern Library"}},
    },
    EASY,
)


@dataclass
class Desk:
    """A library whose outbox does only what a test tells it to do."""

    town: Town
    clock: FixedClock

    # --- requests ----------------------------------------------------------------------------------------

    async def asked_by_hill(self) -> Request:
        """For something that is not found by rule."""
        draft = LendingDraft(citation=Citation(title="Λιμάνια του Βορρά"), requester=LibraryParty(profile="hill"))
        made = await self.town.gateway.managed.libraries[NORTH].requests.create_lending(draft)
        await self.finish()
        return made

    async def asked_of_south(self) -> Request:
        draft = BorrowingDraft(
            citation=Citation(title="Λιμάνια", author="Γεωργίου, Νίκη"),
            patron=PatronLink(identifier=PATRON),
            partner="south",
            mediated=False,
        )
        made = await self.town.gateway.managed.libraries[NORTH].requests.create_borrowing(draft)
        await self.finish()
        return made

    async def act(self, request: Request, kind: EventKind, **details: Any) -> Request:
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor=STAFF, version=None)
        return await self.town.act(request, act)

    async def show(self, request: Request) -> RequestView:
        return await self.town.gateway.managed.libraries[NORTH].requests.load_view(request.id)

    async def state_of(self, request: Request) -> str:
        return (await self.town.see(request)).state.value

    # --- the outbox --------------------------------------------------------------------------------------

    async def rows_of(self, request: Request) -> tuple[OutboxRow, ...]:
        """Newest first."""
        page = await self.town.context.store.read(
            lambda c: outbox_queries.list_rows_of_request(c, NORTH, request.id, 50)
        )
        return page.rows

    async def run_step(self, request: Request, target: str) -> OutboxRow:
        """The newest row of this target; its turn has come."""
        row = next(row for row in await self.rows_of(request) if row.target == target)
        with suppress(UnfinishedWork):
            return await self.town.gateway.managed.worker.run_row(row)
        return next(one for one in await self.rows_of(request) if one.id == row.id)

    async def finish(self) -> None:
        """What waits is done, also what is to be tried again within the hour."""
        for _ in range(4):
            await self.town.gateway.managed.drain_due_work()
            self.clock.advance(timedelta(minutes=15))

    async def dead_letters(self) -> list[str]:
        page = await self.town.gateway.managed.libraries[NORTH].desk.dead_letters(50, "")
        return [f"{letter.target}: {letter.error}" for letter in page.items]

    # --- the library -------------------------------------------------------------------------------------

    async def free_copies(self) -> tuple[Item, Item]:
        system = self.town.context.system
        found = []
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates and not item.hold_count:
                    found.append(item)
        return found[0], found[1]

    async def held_for(self, item: Item) -> list[str]:
        """Numbers of the requests that have a hold on it."""
        return [hold.request_id for hold in await self.town.context.system.item_holds(item.id)]

    async def lent_for(self, item: Item) -> str | None:
        loan = await self.town.context.system.item_loan(item.id)
        return loan.request_id if loan is not None else None


@pytest.fixture(scope="module")
def postgresql_sample(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the sample library; only to be copied, since to fill one takes seconds."""
    name = postgresql_server.create_database()
    url = postgresql_server.url(name)
    config = make_installation(tmp_path_factory.mktemp("sample") / "north", SITE, UNUSED_PORT, url)
    asyncio.run(fill_library(Town(config, FixedClock(START))))
    return name


@pytest.fixture
def postgresql_sample_url(postgresql_server: Server, postgresql_sample: str) -> Iterator[str]:
    name = postgresql_server.create_database(postgresql_sample)
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.long])])
def store_url(request: pytest.FixtureRequest) -> str:
    """Of a database with the sample library; empty: that of the installation, which is to be filled."""
    return request.getfixturevalue("postgresql_sample_url") if request.param == "postgresql" else ""


@pytest.fixture
async def desk(tmp_path: Path, store_url: str) -> AsyncIterator[Desk]:
    config = await asyncio.to_thread(make_installation, tmp_path / "north", SITE, UNUSED_PORT, store_url)
    clock = FixedClock(START)
    if not store_url:
        await fill_library(Town(config, clock))
    town = Town(config, clock)
    await town.start()
    yield Desk(town, clock)
    await town.stop()


@pytest.fixture
def answer_gets_lost(monkeypatch: pytest.MonkeyPatch) -> Callable[[], pytest.MonkeyPatch]:
    """The next check-outs are carried out, and nobody hears of it, until the patch is undone."""

    def lose() -> pytest.MonkeyPatch:
        check_out: Callable[..., Awaitable[object]] = EmbeddedLibrary.check_out

        async def lost(*arguments: object, **named: object) -> None:
            await check_out(*arguments, **named)
            raise OutcomeUnknown("the answer got lost")

        monkeypatch.setattr(EmbeddedLibrary, "check_out", lost)
        return monkeypatch

    return lose


async def shipped_unheard(desk: Desk, request: Request, item: Item, lose: Callable[[], pytest.MonkeyPatch]) -> None:
    """The library has lent it; the request knows nothing of that, and is closed before it does."""
    patched = lose()
    with pytest.raises(Unavailable):
        await desk.act(request, EventKind.SHIPPED, barcode=item.barcode)
    patched.undo()
    await desk.act(request, EventKind.UNFILLED)
    assert await desk.lent_for(item) == request.number


# --- lending -----------------------------------------------------------------------------------------------------


async def test_the_hold_of_a_closed_request_is_waited_for(desk: Desk) -> None:
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await desk.act(first, EventKind.LOCATED, barcode=item.barcode)
    await desk.finish()
    await desk.act(first, EventKind.UNFILLED)  # its hold is not released yet
    await desk.act(second, EventKind.LOCATED, barcode=item.barcode)

    tried = await desk.run_step(second, "place-hold")

    assert (tried.status, first.number in tried.error) == (OutboxStatus.WAITING, True), tried.error
    await desk.finish()
    assert await desk.held_for(item) == [second.number]
    assert await desk.dead_letters() == []


async def test_the_loan_of_a_closed_request_is_waited_for(
    desk: Desk, answer_gets_lost: Callable[[], pytest.MonkeyPatch]
) -> None:
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await shipped_unheard(desk, first, item, answer_gets_lost)
    await desk.act(second, EventKind.LOCATED, barcode=item.barcode)

    tried = await desk.run_step(second, "place-hold")

    assert (tried.status, first.number in tried.error) == (OutboxStatus.WAITING, True), tried.error
    await desk.finish()
    assert await desk.lent_for(item) is None
    assert await desk.held_for(item) == [second.number]


async def test_what_is_lent_for_a_closed_request_is_shipped_when_that_loan_has_ended(
    desk: Desk, answer_gets_lost: Callable[[], pytest.MonkeyPatch]
) -> None:
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await shipped_unheard(desk, first, item, answer_gets_lost)

    with pytest.raises(Unavailable, match=first.number):
        await desk.act(second, EventKind.SHIPPED, barcode=item.barcode)

    await desk.finish()
    assert await desk.state_of(second) == LendingState.SHIPPED.value
    assert await desk.lent_for(item) == second.number


@pytest.mark.parametrize("keeps_version", [False, True])
async def test_what_comes_while_the_library_lends_an_item_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, keeps_version: bool
) -> None:
    item, _ = await desk.free_copies()
    request = await desk.act(await desk.asked_by_hill(), EventKind.LOCATED, barcode=item.barcode)
    amended, check_out = replace(request, external=("S-7",)), EmbeddedLibrary.check_out

    async def change_and_check_out(*arguments: Any, **named: Any) -> Any:
        if keeps_version:
            await desk.town.context.store.write(lambda c: requests.amend_request(c, amended))
        else:
            await desk.act(request, EventKind.NOTE, note="S-7")
        return await check_out(*arguments, **named)

    monkeypatch.setattr(EmbeddedLibrary, "check_out", change_and_check_out)
    shipped = await desk.act(request, EventKind.SHIPPED)

    assert "S-7" in (*shipped.external, *(note.text for note in shipped.notes))
    loan = await desk.town.context.system.item_loan(item.id)
    assert loan is not None
    assert (shipped.loan_id, shipped.borrower_id) == (loan.id, loan.patron_id)


async def test_two_requests_change_copies_and_back(desk: Desk) -> None:
    one, other = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await desk.act(first, EventKind.LOCATED, barcode=one.barcode)
    await desk.finish()

    await desk.act(first, EventKind.LOCATED, barcode=other.barcode)
    await desk.act(second, EventKind.LOCATED, barcode=one.barcode)
    tried = await desk.run_step(second, "place-hold")  # before the first has let go
    assert tried.status is OutboxStatus.WAITING, tried.error
    await desk.finish()
    assert (await desk.held_for(one), await desk.held_for(other)) == ([second.number], [first.number])

    await desk.act(first, EventKind.LOCATED, barcode=one.barcode)
    await desk.act(second, EventKind.LOCATED, barcode=other.barcode)
    await desk.finish()
    assert (await desk.held_for(one), await desk.held_for(other)) == ([first.number], [second.number])
    assert await desk.dead_letters() == []


async def test_what_was_lent_unheard_for_a_request_that_has_another_copy_now_is_refused_when_that_is_known(
    desk: Desk, answer_gets_lost: Callable[[], pytest.MonkeyPatch]
) -> None:
    """Not before: whether the loan stands is not known yet."""
    item, other = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    patched = answer_gets_lost()
    with pytest.raises(Unavailable):
        await desk.act(first, EventKind.SHIPPED, barcode=item.barcode)
    patched.undo()
    await desk.act(first, EventKind.LOCATED, barcode=other.barcode)

    with pytest.raises(Unavailable, match=f"still linked to request {first.number}"):
        await desk.act(second, EventKind.SHIPPED, barcode=item.barcode)

    await desk.finish()
    assert (await desk.state_of(first), await desk.lent_for(item)) == (LendingState.SHIPPED.value, first.number)
    with pytest.raises(Refused, match=f"already on loan for request {first.number}"):
        await desk.act(second, EventKind.SHIPPED, barcode=item.barcode)


async def test_a_copy_that_an_open_request_has_is_waited_for(desk: Desk) -> None:
    """Staff promise it to a second one by hand: when the first is closed, it goes to the second."""
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    for request in (first, second):
        await desk.act(request, EventKind.LOCATED, barcode=item.barcode)
        await desk.finish()
    assert (await desk.held_for(item), await desk.dead_letters()) == ([first.number], [])

    await desk.act(first, EventKind.UNFILLED)
    await desk.finish()

    assert await desk.held_for(item) == [second.number]


async def test_a_wrong_barcode_at_the_desk_is_told_at_once(desk: Desk) -> None:
    """The item is out for a request that has not let go of it."""
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await desk.act(first, EventKind.SHIPPED, barcode=item.barcode)
    await desk.finish()

    with pytest.raises(Refused, match="on-loan-same-patron"):
        await desk.act(second, EventKind.SHIPPED, barcode=item.barcode)


# --- a real no ---------------------------------------------------------------------------------------------------


async def lent_at_the_counter(desk: Desk, item: Item) -> None:
    """To the other library, for no request."""
    system = desk.town.context.system
    patron = await system.find_patron(PatronKey("HILL", ("external",)))
    await system.check_out(item.barcode, patron.id, "at the counter")


@pytest.mark.parametrize("status", [None, ItemStatus.LOST, ItemStatus.CLAIMED_RETURNED])
async def test_what_is_on_loan_is_told_at_once_with_what_to_do(desk: Desk, status: ItemStatus | None) -> None:
    """Also where its status says something else: it doesn't come back by itself."""
    item, other = await desk.free_copies()
    request = await desk.asked_by_hill()
    system = desk.town.context.system
    await system.check_out(item.barcode, (await system.find_patron(PatronKey(PATRON))).id, "at the counter")
    if status is not None:
        await system.set_item_status(item.barcode, status, "looked for")

    with pytest.raises(Refused) as told:
        await desk.act(request, EventKind.SHIPPED, barcode=item.barcode)

    assert told.value.reason is RefusalReason.ITEM_ON_LOAN
    assert told.value.detail == f"{item.barcode} is already on loan. Check it in first, or scan the item at hand."
    await desk.act(request, EventKind.SHIPPED, barcode=other.barcode)
    assert await desk.state_of(request) == LendingState.SHIPPED.value


async def test_what_is_on_loan_is_told_where_the_system_does_not_say_to_whom(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, _ = await desk.free_copies()
    request = await desk.asked_by_hill()
    system = desk.town.context.system
    await system.check_out(item.barcode, (await system.find_patron(PatronKey(PATRON))).id, "at the counter")

    async def know_no_loan(_system: EmbeddedLibrary, _item_id: str) -> None:
        return

    monkeypatch.setattr(EmbeddedLibrary, "item_loan", know_no_loan)
    with pytest.raises(Refused, match=r"is already on loan\. Check it in first"):
        await desk.act(request, EventKind.SHIPPED, barcode=item.barcode)


async def test_what_is_on_loan_for_another_request_is_told_with_its_number(desk: Desk) -> None:
    item, _ = await desk.free_copies()
    first, second = await desk.asked_by_hill(), await desk.asked_by_hill()
    await desk.act(first, EventKind.SHIPPED, barcode=item.barcode)

    with pytest.raises(Refused, match=f"already on loan for request {first.number}. Check it in first"):
        await desk.act(second, EventKind.SHIPPED, barcode=item.barcode)


async def test_a_refused_step_does_not_hold_back_those_behind_it(desk: Desk) -> None:
    item, other = await desk.free_copies()
    request = await desk.asked_by_hill()
    await desk.act(request, EventKind.LOCATED, barcode=other.barcode)
    await desk.finish()
    await lent_at_the_counter(desk, item)
    await desk.act(request, EventKind.LOCATED, barcode=item.barcode)

    await desk.finish()
    assert [letter.split(": ")[2] for letter in await desk.dead_letters()] == ["on-loan-same-patron"]

    await desk.act(request, EventKind.LOCATED, barcode=other.barcode)
    await desk.finish()
    assert await desk.held_for(other) == [request.number], "the step behind the refused one is done"
    await desk.act(request, EventKind.UNFILLED)
    await desk.finish()
    assert await desk.held_for(other) == [], "and so is the one that ends it"


async def test_staff_see_a_refused_step_on_the_request(desk: Desk) -> None:
    item, _ = await desk.free_copies()
    await desk.act(await desk.asked_by_hill(), EventKind.SHIPPED, barcode=(await desk.free_copies())[1].barcode)
    request = await desk.asked_by_hill()
    await lent_at_the_counter(desk, item)
    await desk.act(request, EventKind.LOCATED, barcode=item.barcode)
    await desk.finish()

    (step,) = (await desk.show(request)).unfinished

    assert (step.kind, step.target, step.status) == ("library", "place-hold", "dead")
    assert step.error.startswith("refused: on-loan-same-patron: ")
    await desk.town.context.system.check_in(item.barcode, "back at the counter")
    await desk.town.gateway.managed.libraries[NORTH].desk.release(step.id, STAFF)
    await desk.finish()
    assert (await desk.show(request)).unfinished == ()
    assert await desk.held_for(item) == [request.number]


async def test_a_released_step_comes_after_those_that_wait(desk: Desk) -> None:
    """It says how things are to be now, whatever was meant when it was refused."""
    item, other = await desk.free_copies()
    request = await desk.asked_by_hill()
    await desk.act(request, EventKind.LOCATED, barcode=other.barcode)
    await desk.finish()
    await lent_at_the_counter(desk, item)
    await desk.act(request, EventKind.LOCATED, barcode=item.barcode)
    await desk.finish()
    await desk.act(request, EventKind.LOCATED, barcode=other.barcode)
    (step,) = [one for one in (await desk.show(request)).unfinished if one.status == "dead"]

    await desk.town.gateway.managed.libraries[NORTH].desk.release(step.id, STAFF)
    row = next(row for row in await desk.rows_of(request) if row.id == step.id)
    released = await desk.town.gateway.managed.worker.run_row(row)

    assert released.status is OutboxStatus.WAITING, "the one that keeps the other copy is before it"
    await desk.finish()
    assert (await desk.show(request)).unfinished == ()
    assert (await desk.held_for(item), await desk.held_for(other)) == ([], [request.number])


async def test_a_step_that_died_ends_with_its_request(desk: Desk) -> None:
    item, other = await desk.free_copies()
    request = await desk.asked_by_hill()
    await desk.act(request, EventKind.LOCATED, barcode=other.barcode)
    await desk.finish()
    await lent_at_the_counter(desk, item)
    await desk.act(request, EventKind.LOCATED, barcode=item.barcode)
    await desk.finish()
    await desk.act(request, EventKind.UNFILLED)
    await desk.finish()

    assert (await desk.show(request)).unfinished == ()
    assert (await desk.held_for(item), await desk.held_for(other)) == ([], [])


# --- borrowing ---------------------------------------------------------------------------------------------------


async def test_the_record_of_what_went_back_is_waited_for(desk: Desk) -> None:
    """The partner sends the same piece again before the record of the first time is deleted."""
    first, second = await desk.asked_of_south(), await desk.asked_of_south()
    await desk.act(first, EventKind.RECEIVED, barcode="39015012345678")
    await desk.act(first, EventKind.RETURNED)

    with pytest.raises(Unavailable, match=first.number):
        await desk.act(second, EventKind.RECEIVED, barcode="39015012345678")

    await desk.finish()
    assert await desk.state_of(second) == BorrowingState.RECEIVED.value
    item = await desk.town.context.system.item_by_barcode("39015012345678")
    assert await desk.held_for(item) == [second.number]
    assert await desk.dead_letters() == []


async def test_a_barcode_that_another_request_has_is_told_at_once(desk: Desk) -> None:
    first, second = await desk.asked_of_south(), await desk.asked_of_south()
    await desk.act(first, EventKind.RECEIVED, barcode="39015012345678")

    with pytest.raises(Refused, match="duplicate-item") as told:
        await desk.act(second, EventKind.RECEIVED, barcode="39015012345678")
    assert told.value.detail == (
        f"Another item with the barcode 39015012345678 is here for request {first.number}. Receive this item with "
        "another barcode, or return the other one first."
    )

    await desk.act(second, EventKind.RECEIVED, barcode="39015012345679")
    assert await desk.state_of(second) == BorrowingState.RECEIVED.value


async def test_a_barcode_of_an_item_of_ours_is_told_at_once(desk: Desk) -> None:
    item, _ = await desk.free_copies()
    request = await desk.asked_of_south()

    with pytest.raises(Refused, match="duplicate-item") as told:
        await desk.act(request, EventKind.RECEIVED, barcode=item.barcode)
    assert told.value.detail == (
        f"The library system already has an item with the barcode {item.barcode}. Receive this item with another "
        "barcode."
    )

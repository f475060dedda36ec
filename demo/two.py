"""`make demo-two`: two libraries lend to each other, from the patron's wish to the book's return.

    python -m demo.two

Every step says what is done and shows the state of the request on both sides. At the end everything must be in order:
no loan without a request, no temporary record left, nothing left in an outbox.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from datetime import UTC, date
from pathlib import Path
from typing import Any

from demo.world import COPY, Site, World
from gateway.domain.due_dates import local_day
from gateway.domain.library import Bib
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    PatronLink,
    Request,
    RequestDates,
    RequestedService,
    Role,
    RotaLineStatus,
    ServiceType,
)
from gateway.domain.requests.views import ActionRequest, EventDenied, FileUpload
from gateway.domain.value import replace
from gateway.store.requests import outbox_queries

PATRON = "21000000000025"
STAFF = "staff:ada"


def partner(symbol: str, name: str, **more: Any) -> dict[str, Any]:
    return {"partner": {"symbols": [symbol], "name": name, "channel": "loopback"} | more}


NORTH = Site(
    symbol="NORTH",
    name="Northern Library",
    profiles={
        "bare-shelves": partner(
            "BARE", "Library of Bare Shelves", channel="mail", email="ill@bare.example", owns="nothing"
        ),
        "busy": partner(
            "BUSY", "Busy Library", channel="mail", email="ill@busy.example", owns="everything", max_open=1
        ),
        "south": {
            **partner(
                "SOUTH",
                "Southern Library",
                owns="everything",
                workflow={"lending": {"renewals": 1}, "borrowing": {"answer_days": 3}},
            ),
            "circulation": {"due_dates": {"policy": "lender", "transit_days": 3}},
        },
    },
    requests={
        "intake": {
            "mediation_default": "straight-through",
            "locally_owned": "allow",
            "duplicates": {"action": "allow"},
        },
        "rotas": {
            "usual": {"order": "ranked", "lines": [{"partner": one} for one in ("bare-shelves", "busy", "south")]},
            "only-south": {"lines": [{"partner": "south"}]},
        },
        "default_rota": "usual",
    },
)

SOUTH = Site(
    symbol="SOUTH",
    name="Southern Library",
    profiles={"north": partner("NORTH", "Northern Library", workflow={"lending": {"renewals": 1}})},
)


class Story:
    """Plays steps and shows where both sides are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ours: Request | None = None

    def chapter(self, title: str) -> None:
        self.ours = None
        print(f"\n{title}\n{'-' * len(title)}")

    async def step(self, what: str, done: Awaitable[object] | None = None) -> None:
        if done is not None:
            await done
        await self.world.quiet()
        ours, theirs = await self.both()
        left = f"{ours.state.value}{_flags(ours)}"
        right = f"{theirs.state.value}{_flags(theirs)}" if theirs is not None else "-"
        print(f"  {what:<62} {left:<28} {right}")

    async def both(self) -> tuple[Request, Request | None]:
        """The borrowing request, and the lending request of its current attempt, if the other gateway has one."""
        assert self.ours is not None
        ours = await self.world.borrower.see(self.ours)
        attempt = ours.attempt
        theirs = next(
            (
                one
                for one in await self.world.lender.requests(Role.LENDING)
                if attempt is not None and one.transaction == attempt.transaction
            ),
            None,
        )
        return ours, theirs

    # --- who does what -----------------------------------------------------------------------------------

    async def ask(self, citation: Citation, service: ServiceType = ServiceType.LOAN, rota: str = "") -> None:
        draft = BorrowingDraft(
            citation=citation,
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON),
            rota=rota,
            dates=RequestDates(need_by=date(2026, 12, 1)),
            source="api",
            actor="patron",
        )
        self.ours = await self.world.borrower.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)

    async def north(self, kind: EventKind, **details: Any) -> None:
        ours, _ = await self.both()
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor=STAFF, version=ours.version)
        await self.world.borrower.act(ours, act)

    async def south(self, kind: EventKind, **details: Any) -> None:
        _, theirs = await self.both()
        assert theirs is not None, "the lender has no such request"
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ben", version=theirs.version)
        await self.world.lender.act(theirs, act)

    async def assert_loan_is_due(self, ours: Request) -> None:
        """The library's own loan says the same day as the request."""
        system = self.world.borrower.context.system
        loans = [one for one in await system.patron_loans(ours.patron.id) if one.request_id == ours.number]
        assert [one.due for one in loans] == [ours.terms.patron_due], (loans, ours.terms)


def _flags(request: Request) -> str:
    shown = sorted(flag.value for flag in request.flags)
    return f" ({', '.join(shown)})" if shown else ""


# --- the stories -----------------------------------------------------------------------------------------


async def loan(story: Story, book: Bib) -> None:
    story.chapter("A loan, with everything that can happen to it")
    await story.step("Ana asks for the book", story.ask(_cited(book)))
    ours, _ = await story.both()
    for line in ours.rota:
        asked = "asked" if line.standing is RotaLineStatus.ASKED else line.standing.value
        print(f"      rota: {line.partner:<14} {asked:<8} {line.why}")
    assert ours.partner.profile == "south", ours.partner
    await story.step("South promises it", story.south(EventKind.WILL_SUPPLY))
    await story.step("South ships it", story.south(EventKind.SHIPPED))
    await story.step("North receives it: temporary record, on its way to Ana's branch", story.north(EventKind.RECEIVED))
    await story.step("it is at Ana's branch: hold shelf, and Ana is told", story.north(EventKind.AT_PICKUP))
    await story.step("Ana takes it home", story.north(EventKind.LOANED_TO_PATRON))
    ours, _ = await story.both()
    print(f"      due back in the South: {ours.terms.lender_due}")
    print(f"      due for Ana, less the days of transit: {ours.terms.patron_due:%Y-%m-%d}")
    await story.assert_loan_is_due(ours)
    await story.step("Ana wants to renew: South's rule says yes", story.north(EventKind.RENEW))
    ours, _ = await story.both()
    print(f"      new due date: {ours.terms.lender_due}; for Ana: {ours.terms.patron_due:%Y-%m-%d}")
    await story.assert_loan_is_due(ours)
    await story.step("Ana wants to renew again: refused, one renewal is allowed", story.north(EventKind.RENEW))
    lender_due = local_day(ours.terms.lender_due, UTC)
    assert lender_due is not None
    overdue = (lender_due - story.world.clock.now().date()).days + 4
    await story.step("weeks go by: overdue on both sides", story.world.pass_days(overdue))
    await story.step("South recalls it", story.south(EventKind.RECALL))
    await story.step("Ana brings it back", story.north(EventKind.RETURNED_BY_PATRON))
    await story.step("North sends it back", story.north(EventKind.RETURNED))
    await story.step("South has it again", story.south(EventKind.CHECKED_IN))
    await _ended(story, "completed", "completed")


async def copy(story: Story, book: Bib) -> None:
    story.chapter("A copy: scanned, cleared, delivered as a link")
    chapter = replace(
        _cited(book),
        type=CitationType.CHAPTER,
        component_title="序章 · Prologue",
        pages="1",
        note="please in colour",
    )
    await story.step("Ana asks for a chapter", story.ask(chapter, ServiceType.COPY, "only-south"))
    _, theirs = await story.both()
    assert theirs is not None
    upload = FileUpload(name="prologue.pdf", media_type="application/pdf", content=COPY)
    front = story.world.lender.gateway.managed.libraries["SOUTH"].requests
    theirs, kept = await front.attach(theirs.id, upload, "staff:ben", theirs.version)
    await story.step("South scans it", story.south(EventKind.DIGITISED, attachment=kept.id))
    await _refused(story, "delivered before the sign-off", story.south(EventKind.COPY_DELIVERED, attachment=kept.id))
    await story.step("the copyright officer signs off", story.south(EventKind.CLEARED, reason="UK-FairDealing"))
    await story.step("South delivers it", story.south(EventKind.COPY_DELIVERED, attachment=kept.id))
    await _ended(story, "completed", "completed")


async def unfilled(story: Story) -> None:
    story.chapter("Nobody can supply it")
    unknown = Citation(type=CitationType.BOOK, title="Buch, das es nicht gibt", author="Niemand, Nina")
    await story.step("Ana asks for a book that nobody has", story.ask(unknown))
    while (ours := (await story.both())[0]).state is BorrowingState.REQUESTED:
        if ours.partner.profile == "south":
            await story.step("South doesn't have it", story.south(EventKind.UNFILLED, reason="not-held"))
        else:
            await story.step(f"{ours.partner.name}: no answer in three business days", story.world.pass_days(5))
    asked = [attempt.partner for attempt in ours.attempts]
    assert sorted(asked) == ["busy", "south"], asked
    assert ours.state is BorrowingState.NO_SUPPLIER, ours.state
    await story.step("all were asked: North's staff close it", story.north(EventKind.CLOSE))
    ours, _ = await story.both()
    assert ours.state is BorrowingState.UNFILLED, ours.state


async def crossing(story: Story, book: Bib) -> None:
    story.chapter("A cancellation crosses the parcel")
    await story.step("Ana asks for the book", story.ask(_cited(book), rota="only-south"))
    await story.step("South promises it", story.south(EventKind.WILL_SUPPLY))
    await asyncio.gather(story.north(EventKind.CANCEL), story.south(EventKind.SHIPPED))
    await story.step("Ana cancels while South ships it")
    await story.step("North receives it and sends it straight back", _receive_and_return(story))
    await story.step("South has it again", story.south(EventKind.CHECKED_IN))
    await _ended(story, "completed", "completed")


async def _receive_and_return(story: Story) -> None:
    await story.north(EventKind.RECEIVED)
    await story.world.quiet()
    await story.north(EventKind.RETURNED)


# --- what must hold --------------------------------------------------------------------------------------


async def _ended(story: Story, ours: str, theirs: str) -> None:
    left, right = await story.both()
    assert left.state.value == ours, left.state
    assert right is not None
    assert right.state.value == theirs, right


async def _refused(story: Story, what: str, act: Awaitable[None]) -> None:
    try:
        await act
    except (EventDenied, Refused) as refused:
        print(f"      {what}: refused ({refused})")
        return
    raise AssertionError(f"{what}: not refused")


async def invariants(world: World) -> None:
    """No loan without a request, no temporary record left, nothing undone in an outbox."""
    for town in (world.borrower, world.lender):
        counts = await town.context.store.read(outbox_queries.count_unfinished_rows)
        assert not counts, f"{town.symbol}: rows are left in the outbox: {counts}"
        for request in (*await town.requests(Role.BORROWING), *await town.requests(Role.LENDING)):
            for volume in request.volumes if request.role is Role.BORROWING else ():
                if volume.barcode:
                    await _is_gone(world, volume.barcode)
            if request.role is Role.LENDING and request.item_barcode:
                item = await town.context.system.item_by_barcode(request.item_barcode)
                assert await town.context.system.item_loan(item.id) is None, f"{request.number}: still on loan"
                assert not await town.context.system.item_holds(item.id), f"{request.number}: a hold is left"


async def _is_gone(world: World, barcode: str) -> None:
    try:
        item = await world.borrower.context.system.item_by_barcode(barcode)
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_ITEM:
            raise
        return
    raise AssertionError(f"a temporary record is left: {item.barcode}")


def _cited(book: Bib) -> Citation:
    return Citation(type=CitationType.BOOK, title=book.title, author=book.author, identifiers=book.identifiers)


async def play(folder: Path) -> World:
    async with World(folder, NORTH, SOUTH) as world:
        story = Story(world)
        print(f"  {'':<62} {'North (borrowing)':<28} South (lending)")
        books = await _books(world)
        await _make_busy(world, books.pop())
        await loan(story, books.pop())
        await copy(story, books.pop())
        await unfilled(story)
        await crossing(story, books.pop())
        await invariants(world)
        print(f"\nLetters that went out: {len(world.mail.mails)}")
        for subject in world.mail.subjects():
            print(f"  {subject}")
        print("\nAll in order: no loan without a request, no temporary record left, nothing left in an outbox.")
        return world


async def _books(world: World) -> list[Bib]:
    """Some that the South has on its shelves."""
    system = world.lender.context.system
    found = []
    for bib in await system.search_bibs("a", 60):
        items = (await system.holdings(bib.id)).items
        if bib.identifiers and any(i.status.value == "available" and i.circulates and not i.hold_count for i in items):
            found.append(bib)
    return found


async def _make_busy(world: World, book: Bib) -> None:
    """One request that the busy library has already."""
    draft = BorrowingDraft(
        citation=_cited(book), patron=PatronLink(identifier=PATRON), partner="busy", mediated=False, actor=STAFF
    )
    await world.borrower.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    await world.borrower.gateway.managed.drain_due_work()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


if __name__ == "__main__":
    main()

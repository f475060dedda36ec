"""New requests pushed to an ILLiad by OpenURL, through the outbox and its real worker; time moves when we say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.two import NORTH, PATRON, SOUTH
from demo.world import World
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    PatronLink,
    Request,
    RequestDates,
    RequestedService,
    ServiceType,
)
from gateway.domain.requests.views import ActionRequest
from gateway.ports.partner_channel import DeliveryResult
from gateway.services.requests.delivery_results import record_delivery_result
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message
from gateway.web.api.models.outputs import RequestOut
from tests.protocol.openurl.illiad import Form, Illiad

ILLIAD = "our-illiad"
STAFF = "staff:ada"

ARTICLE = Citation(
    type=CitationType.ARTICLE,
    title="Cahiers du fjord",
    component_title="La navigation sur le Saguenay",
    component_author="Tremblay, Maëlle",
    published="1994",
    volume="12",
    issue="3",
    pages="12-31",
    identifiers=(RecordId("issn", "0317-8471"),),
    note="Please in colour",
)
BOOK = Citation(
    type=CitationType.BOOK,
    title="Шум воды",
    author="Орлова, Вера",
    publisher="Волна",
    place="Псков",
    published="1975",
    edition="2-е изд.",
    identifiers=(RecordId("isbn", "9780306406157"),),
)
CHAPTER = Citation(
    type=CitationType.CHAPTER,
    title="Das große Moor",
    component_title="Torf",
    component_author="Brandt, Ilse",
    published="1987",
    pages="17-44",
    identifiers=(RecordId("isbn", "9783161484100"),),
)
THESIS = Citation(
    type=CitationType.THESIS, title="雪国の橋", author="山田, 花子", publisher="北陸大学", published="2011"
)


class Desk:
    """North with its ILLiad."""

    def __init__(self, world: World, illiad: Illiad) -> None:
        self.world = world
        self.illiad = illiad
        self.context = world.borrower.context
        self.managed = world.borrower.gateway.managed

    async def ask(self, citation: Citation, service: ServiceType = ServiceType.COPY) -> Request:
        draft = BorrowingDraft(
            citation=citation,
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON, pickup="MAIN"),
            dates=RequestDates(need_by=date(2026, 12, 1)),
            partner="busy",
            mediated=False,
            actor="staff:ada",
        )
        request = await self.managed.libraries["NORTH"].requests.create_borrowing(draft)
        await self.world.quiet()
        return request

    async def rows(self, request: Request) -> list[OutboxRow]:
        """Pushes of this request, oldest first."""
        page = await self.context.store.read(lambda c: outbox_queries.list_rows_of_request(c, "NORTH", request.id, 200))
        return sorted((row for row in page.rows if row.target == ILLIAD), key=lambda row: row.id)

    async def row(self, request: Request) -> OutboxRow:
        (only,) = await self.rows(request)
        return only

    async def pass_hours(self, hours: int) -> None:
        for _ in range(hours):
            self.world.clock.advance(timedelta(hours=1, minutes=1))
            await self.world.quiet()


@asynccontextmanager
async def desk(folder: Path, push_states: tuple[str, ...] = (), **section: Any) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        illiad = await stack.enter_async_context(Illiad())
        profile = {
            "extends": "illiad-openurl",
            "partner": {"push_states": list(push_states)},
            "openurl": {"url": illiad.url, **section},
        }
        north = replace(NORTH, profiles={**NORTH.profiles, ILLIAD: profile})
        yield Desk(await stack.enter_async_context(World(folder, north, SOUTH)), illiad)


# --- the right form --------------------------------------------------------------------------------------


async def test_article_book_chapter_and_thesis_stand_on_their_forms(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        asked = [
            await north.ask(ARTICLE),
            await north.ask(BOOK, ServiceType.LOAN),
            await north.ask(CHAPTER),
            await north.ask(THESIS, ServiceType.LOAN),
        ]
        rows = [await north.row(one) for one in asked]

    def form(name: str, request: Request, note: str = "", **fields: str) -> Form:
        lines = "\n".join(filter(None, (note, f"Request {request.number}")))
        site = {"Username": PATRON, "CitedIn": request.number, "ItemInfo1": "MAIN", "NotWantedAfter": "12/01/2026"}
        return Form(name, {**fields, "Notes": lines, **site})

    article, book, chapter, thesis = asked
    assert north.illiad.forms == [
        form(
            "ArticleRequest",
            article,
            "Please in colour",
            PhotoJournalTitle="Cahiers du fjord",
            PhotoArticleTitle="La navigation sur le Saguenay",
            PhotoArticleAuthor="Tremblay, Maëlle",
            PhotoJournalVolume="12",
            PhotoJournalIssue="3",
            PhotoJournalYear="1994",
            PhotoJournalInclusivePages="12-31",
            ISSN="0317-8471",
        ),
        form(
            "LoanRequest",
            book,
            LoanTitle="Шум воды",
            LoanAuthor="Орлова, Вера",
            LoanPublisher="Волна",
            LoanPlace="Псков",
            LoanDate="1975",
            LoanEdition="2-е изд.",
            ISSN="9780306406157",
        ),
        form(
            "BookChapterRequest",
            chapter,
            PhotoJournalTitle="Das große Moor",
            PhotoArticleTitle="Torf",
            PhotoArticleAuthor="Brandt, Ilse",
            PhotoJournalYear="1987",
            PhotoJournalInclusivePages="17-44",
            ISSN="9783161484100",
        ),
        form(
            "ThesisRequest",
            thesis,
            LoanTitle="雪国の橋",
            LoanAuthor="山田, 花子",
            LoanPublisher="北陸大学",
            LoanDate="2011",
        ),
    ]
    assert [(row.status, row.note, row.tries) for row in rows] == [
        (OutboxStatus.DONE, f"taken as {number}", 1) for number in range(700_001, 700_005)
    ]


# --- its number ------------------------------------------------------------------------------------------


async def test_the_number_of_the_other_system_stands_with_the_request_and_once_in_its_history(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        request = await north.ask(ARTICLE)
        message = parse_message((await north.row(request)).payload)
        shown = [await north.managed.libraries["NORTH"].requests.load_view(request.id)]
        again = DeliveryResult("taken as 700001", external="700001")
        await north.context.store.write(lambda c: record_delivery_result(c, north.context, message, again))
        shown.append(await north.managed.libraries["NORTH"].requests.load_view(request.id))

    for one in shown:
        assert RequestOut.from_request(one.request).external == ("700001",)
        told = [line.event.details.note for line in one.history if "700001" in line.event.details.note]
        assert told == ["submit to ILLiad: taken as 700001"]


# --- it fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "why"), [("503", "HTTP 503"), ("busy", "not now: currently unavailable")])
async def test_a_push_that_is_not_let_in_is_tried_again_and_ends_as_a_dead_letter(
    tmp_path: Path, answer: str, why: str
) -> None:
    async with desk(tmp_path) as north:
        north.illiad.answer = answer
        request = await north.ask(ARTICLE)
        waiting = await north.row(request)
        assert (waiting.status, waiting.tries) == (OutboxStatus.WAITING, 1)
        assert why in waiting.error

        await north.pass_hours(60)
        dead = await north.row(request)
        assert (dead.status, dead.tries) == (OutboxStatus.DEAD, 50)
        assert dead.error.startswith("unavailable (50): ")
        listed = await north.managed.libraries["NORTH"].desk.dead_letters(10, "")
        assert [one.id for one in listed.items] == [dead.id]
        assert not north.illiad.forms

        north.illiad.answer = "well"
        await north.pass_hours(2)
        assert not north.illiad.forms  # dead is dead, until staff say otherwise
        await north.managed.libraries["NORTH"].desk.release(dead.id, STAFF)
        await north.world.quiet()
        assert (await north.row(request)).status is OutboxStatus.DONE
        assert len(north.illiad.forms) == 1


async def test_a_system_that_comes_back_gets_it_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        north.illiad.answer = "503"
        request = await north.ask(ARTICLE)
        await north.pass_hours(3)
        north.illiad.answer = "well"
        await north.pass_hours(3)

        done = await north.row(request)
        assert (done.status, done.note) == (OutboxStatus.DONE, "taken as 700001")
        assert done.tries > 1
        assert [form.fields["CitedIn"] for form in north.illiad.forms] == [request.number]


async def test_a_page_that_refuses_is_a_dead_letter_at_once_with_its_words(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        north.illiad.answer = "refused"
        request = await north.ask(ARTICLE)
        await north.pass_hours(3)

        dead = await north.row(request)
        assert (dead.status, dead.tries) == (OutboxStatus.DEAD, 1)
        assert dead.error.endswith("The other system refused: User … is not cleared & may not request.")
        assert len(north.illiad.seen) == 1

        north.illiad.answer = "well"
        await north.managed.libraries["NORTH"].desk.release(dead.id, STAFF)
        await north.world.quiet()
        assert [form.fields["CitedIn"] for form in north.illiad.forms] == [request.number]


async def test_where_nobody_knows_whether_it_arrived_staff_look_first(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        north.illiad.answer = "500"
        request = await north.ask(ARTICLE)
        await north.pass_hours(3)

        dead = await north.row(request)
        assert dead.status is OutboxStatus.DEAD
        assert "Check whether it has arrived before you send it again" in dead.error
        assert len(north.illiad.seen) == 1


# --- states ----------------------------------------------------------------------------------------------


async def test_states_of_requests_are_told_where_a_profile_names_them(tmp_path: Path) -> None:
    told = {
        "push": ["submit", "status-report"],
        "fields": {"number": ["rft.illgate_request"], "kind": ["x.kind"], "status": ["x.status"]},
    }
    async with desk(tmp_path, push_states=("requested", "cancel-pending"), **told) as north:
        request = await north.ask(ARTICLE)
        seen = await north.world.borrower.see(request)
        act = ActionRequest(kind=EventKind.CANCEL, actor=STAFF, version=seen.version)
        await north.managed.libraries["NORTH"].requests.apply_action(request.id, act)
        await north.world.quiet()
        assert (await north.world.borrower.see(request)).state is BorrowingState.CANCEL_PENDING

        said = [(one.query["x.kind"], one.query.get("x.status", "")) for one in north.illiad.seen]
    assert said == [("submit", ""), ("status-report", "requested"), ("status-report", "cancel-pending")]

"""A supplier sets a condition, the patron is asked by letter and answers by a link: from end to end, no scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from lxml import html

from demo.two import PATRON, partner
from demo.world import Site, World
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, PatronLink, Request, Role
from gateway.domain.requests.views import ActionRequest
from gateway.services.requests.transitions import EventRequest, apply_event

NORTH = Site(
    symbol="NORTH",
    name="Northern Library",
    profiles={
        "south": partner(
            "SOUTH",
            "Southern Library",
            owns="everything",
            workflow={"borrowing": {"conditions": "patron", "condition_days": 20}, "patron": {"query_days": 2}},
        ),
        "east": partner("EAST", "Eastern Library", channel="mail", email="ill@east.example", owns="everything"),
    },
    requests={
        "intake": {
            "mediation_default": "straight-through",
            "locally_owned": "allow",
            "duplicates": {"action": "allow"},
        },
        "rotas": {"usual": {"lines": [{"partner": "south"}]}},
        "default_rota": "usual",
        "notices": {"account_url": "https://portal.north.example/me"},
    },
)
SOUTH = Site(symbol="SOUTH", name="Southern Library", profiles={"north": partner("NORTH", "Northern Library")})

LINK = re.compile(r"https://north\.example(/q/[A-Za-z0-9_.-]+)")


@dataclass
class Asked:
    """A request whose patron was asked. `yes`, `no`: paths of the letter's links."""

    world: World
    request: Request
    yes: str
    no: str
    letter: str

    async def state(self) -> BorrowingState:
        request = await self.world.borrower.see(self.request)
        assert isinstance(request.state, BorrowingState)
        return request.state

    async def http(self, method: str, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.world.borrower.gateway.http_port}{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
            return answer.status, await answer.text()

    async def answers(self) -> list[tuple[str, str]]:
        shown = await self.world.borrower.gateway.managed.libraries["NORTH"].requests.load_view(self.request.id)
        answered = [line.event for line in shown.history if line.event.kind is EventKind.PATRON_ANSWERED]
        return [(one.actor, one.details.answer) for one in answered]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, NORTH, SOUTH) as world:
        yield world


async def ask(world: World, language: str = "de") -> Asked:
    draft = BorrowingDraft(
        citation=Citation(type=CitationType.BOOK, title="Szachy & <Go>", author="Łukasiewicz, Zofia"),
        patron=PatronLink(identifier=PATRON, language=language),
        source="api",
        actor="patron",
    )
    request = await world.borrower.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    await world.quiet()
    (theirs,) = await world.lender.requests(Role.LENDING)
    condition = EventDetails(cost=Money(Decimal("9.00"), "EUR"), note="Neun Euro?\nFür Porto & <Verpackung>")
    await world.lender.act(
        theirs, ActionRequest(kind=EventKind.CONDITIONAL, details=condition, actor="staff:ben", version=None)
    )
    await world.quiet()
    letter = world.mail.mails[-1].get_body(("plain",))
    assert letter is not None
    text = letter.get_content()
    yes, no = LINK.findall(text)
    return Asked(world, request, yes, no, text)


async def test_yes_by_the_link_accepts_the_condition(world: World) -> None:
    asked = await ask(world)
    assert "Rückfrage" in str(world.mail.mails[-1]["Subject"])
    assert "Bitte antworten Sie bis zum 4. März 2026" in " ".join(asked.letter.split())
    assert "https://portal.north.example/me" in asked.letter

    for _ in range(3):  # mail servers look at links
        status, text = await asked.http("GET", asked.yes)
        assert status == 200
    page = html.document_fromstring(text)
    assert (page.get("lang"), page.get("dir")) == ("de", "ltr")
    assert page.findtext(".//h1") == "Rückfrage zu Ihrer Bestellung"
    assert "Für Porto & <Verpackung>" in page.text_content()  # type: ignore[attr-defined]
    assert "Szachy & <Go>" in page.text_content()  # type: ignore[attr-defined]
    assert "<script" not in text
    (form,) = page.findall(".//form")
    assert (form.get("method"), form.get("action")) == ("post", None)
    assert form.findtext(".//button") == "Ja"
    assert await asked.answers() == []

    status, text = await asked.http("POST", asked.yes)
    assert status == 200
    assert "Sie haben mit Ja geantwortet" in text
    await world.quiet()
    assert await asked.answers() == [("patron", "yes")]
    assert await asked.state() is BorrowingState.WILL_SUPPLY
    (theirs,) = await world.lender.requests(Role.LENDING)
    assert theirs.state.value == "will-supply"


async def test_an_answer_counts_once(world: World) -> None:
    asked = await ask(world)
    await asked.http("POST", asked.yes)
    for method, path, expected in (("POST", asked.yes, 200), ("POST", asked.no, 409), ("GET", asked.no, 200)):
        status, text = await asked.http(method, path)
        assert status == expected
        assert "mit Ja geantwortet" in text, "the answer that counts is shown"
        assert "<form" not in text
    assert await asked.answers() == [("patron", "yes")]


async def test_no_refuses_it_and_the_page_is_in_english(world: World) -> None:
    asked = await ask(world, "en")
    _, text = await asked.http("GET", asked.no)
    page = html.document_fromstring(text)
    assert (page.get("lang"), page.findtext(".//button")) == ("en", "No")
    await asked.http("POST", asked.no)
    await world.quiet()
    assert await asked.answers() == [("patron", "no")]
    assert await asked.state() is BorrowingState.NO_SUPPLIER


async def test_without_an_answer_it_is_no_and_the_links_are_over(world: World) -> None:
    asked = await ask(world)
    await world.pass_days(3)
    assert await asked.answers() == [("timer", "")]
    assert await asked.state() is BorrowingState.NO_SUPPLIER
    for method in ("GET", "POST"):
        status, text = await asked.http(method, asked.yes)
        assert status == 410
        assert "nicht mehr beantwortet" in text
    assert len(await asked.answers()) == 1


async def test_a_link_is_over_in_time_although_no_timer_has_run(world: World) -> None:
    asked = await ask(world)
    world.clock.advance(timedelta(days=3))
    assert (await asked.http("POST", asked.yes))[0] == 410
    assert await asked.answers() == []


async def test_an_answer_about_an_earlier_supplier_does_not_accept_what_the_next_one_wants(world: World) -> None:
    asked = await ask(world)
    world.clock.advance(timedelta(minutes=5))
    for kind, details in ((EventKind.NEXT_SUPPLIER, EventDetails()), (EventKind.ASSIGN, EventDetails(partner="east"))):
        await world.borrower.act(
            asked.request, ActionRequest(kind=kind, details=details, actor="staff:ada", version=None)
        )
        await world.quiet()
    dearer = EventDetails(cost=Money(Decimal("80.00"), "EUR"))
    event = Event(partner_signal(EventKind.CONDITIONAL), world.clock.now(), "partner:EAST", dearer, attempt=2)
    await apply_event(world.borrower.context, EventRequest(request_id=asked.request.id, event=event))
    await world.quiet()
    assert await asked.state() is BorrowingState.CONDITIONAL

    await asked.http("POST", asked.yes)
    await world.quiet()

    assert await asked.answers() == [("patron", "yes")]
    assert await asked.state() is BorrowingState.CONDITIONAL, "nobody has agreed to 80 euros"


async def test_the_question_of_a_cancelled_request_is_over(world: World) -> None:
    asked = await ask(world)
    request = await world.borrower.see(asked.request)
    cancel = ActionRequest(kind=EventKind.CANCEL, actor="patron", version=request.version)
    await world.borrower.act(request, cancel)
    await world.quiet()
    assert await asked.state() is BorrowingState.CANCELLED
    assert (await asked.http("POST", asked.yes))[0] == 410
    assert await asked.answers() == []


async def test_what_nobody_signed_says_always_the_same(world: World) -> None:
    asked = await ask(world)
    payload, _, signature = asked.yes.partition(".")
    forged = [
        f"{payload}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
        f"{asked.no.partition('.')[0]}.{signature}",
        "/q/nonsense",
        "/q/e30." + "A" * 43,
    ]
    answers = {await asked.http(method, path) for path in forged for method in ("GET", "POST")}
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert (await asked.http("GET", asked.yes.replace("/q/", "/d/")))[0] == 410, "no link to a copy either"
    assert await asked.answers() == []

"""Letters to a partner carry links that answer them: what these pages show and say, what counts, and what doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestedService,
    ServiceType,
)
from gateway.domain.requests.views import ActionRequest, HistoryLine
from gateway.ports.responder import OutcomeClass
from gateway.store.journal import Journal
from gateway.store.journal_records import FullMessage, JournalFilter, JournalOptions, MessageDirection
from tests.support.daemon import free_port
from tests.support.reader import Page, answers, fetch, links, opens, presses
from tests.support.running_servers import running
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON = "21000000000025"
SULT = Citation(type=CitationType.BOOK, title="Sult & <b>andre</b>", author="Hamsun, Knut")
DUE = date(2026, 3, 30)


def partner(symbol: str, language: str, **more: Any) -> dict[str, Any]:
    return {
        "extends": "email-partner",
        "partner": {
            "symbols": [symbol],
            "name": f"Library {symbol}",
            "email": f"ill@{symbol.lower()}.example",
            "language": language,
            "owns": "everything",
        },
        **more,
    }


SITE = Site(
    symbol="NORTH",
    name="Northern Library",
    profiles={"seeberg": partner("SEE", "de"), "eastport": partner("EAST", "en")},
    requests={
        "intake": {
            "mediation_default": "straight-through",
            "locally_owned": "allow",
            "duplicates": {"action": "allow"},
        },
        "rotas": {"usual": {"lines": [{"partner": "eastport"}, {"partner": "seeberg"}]}},
        "default_rota": "usual",
    },
)


@dataclass
class Desk:
    """The library that writes. `clock` stands still until it is moved."""

    town: Town
    clock: FixedClock
    mail: MailServer

    async def asks(self, service: ServiceType = ServiceType.LOAN, partner: str = "") -> Request:
        draft = BorrowingDraft(
            citation=SULT,
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON),
            partner=partner,
            mediated=False,
            actor="patron",
        )
        request = await self.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
        await self.town.gateway.managed.drain_due_work()
        return await self.town.see(request)

    async def lends(self, service: ServiceType = ServiceType.LOAN) -> Request:
        draft = LendingDraft(
            citation=SULT,
            requester=LibraryParty(profile="eastport"),
            transaction="E-2026/77",
            service=RequestedService(service),
        )
        request = await self.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
        await self.town.gateway.managed.drain_due_work()
        return await self.town.see(request)

    async def act(self, request: Request, kind: EventKind, **details: Any) -> None:
        await self.town.act(
            request, ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ada", version=None)
        )
        await self.town.gateway.managed.drain_due_work()

    async def see(self, request: Request) -> Request:
        await self.town.gateway.managed.drain_due_work()
        return await self.town.see(request)

    async def heard(self, request: Request) -> list[HistoryLine]:
        """What partners have said about it."""
        shown = await self.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)
        return [line for line in shown.history if line.event.actor.startswith("partner:")]

    async def barcode(self) -> str:
        """Of an item of ours that can be lent."""
        system = self.town.context.system
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates and not item.hold_count:
                    return item.barcode
        raise AssertionError("nothing can be lent")

    def letter(self, to: str = "east") -> EmailMessage:
        """The last to this partner."""
        return [one for one in self.mail.mails if f"@{to}.example" in str(one["To"])][-1]


@contextlib.asynccontextmanager
async def at_work(folder: Path, store_url: str = "") -> AsyncIterator[Desk]:
    clock = FixedClock(START)
    async with running(MailServer()) as mail:
        config = await asyncio.to_thread(make_installation, folder, SITE, mail.port, store_url)
        settings = read_yaml_file(config)
        port = free_port()
        settings["http"] |= {"port": port, "public_url": f"http://127.0.0.1:{port}/"}
        write_yaml_file(config, settings)
        town = Town(config, clock)
        await fill_library(town)
        async with running(town):
            yield Desk(town, clock, mail)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_work(tmp_path / "north") as desk:
        yield desk


# --- in letters ------------------------------------------------------------------------------------------


async def test_a_request_has_links_for_all_that_may_be_said_to_it(desk: Desk) -> None:
    await desk.asks()

    assert list(links(desk.letter())) == [
        "We will supply it",
        "We have shipped it",
        "We can supply it on conditions",
        "We cannot supply it",
    ]
    text = desk.letter().get_body(("plain",))
    assert text is not None
    assert all(address in text.get_content() for address in links(desk.letter()).values())


async def test_links_and_pages_are_in_the_partners_language(desk: Desk) -> None:
    await desk.asks(partner="seeberg")
    letter = desk.letter("see")
    assert "Wir werden liefern" in links(letter)

    page = await opens(links(letter)["Wir können nicht liefern"])

    assert page.document.get("lang") == "de"
    assert page.title == "Ihre Antwort zu einer Fernleihe"
    assert page.document.findtext(".//button") == "Wir können nicht liefern"
    assert "wir besitzen es nicht" in page.text or "nicht im Bestand" in page.text
    said = await presses(page, reason="not-held")
    assert (said.status, said.title) == (200, "Vielen Dank")


async def test_each_letter_of_a_lender_has_what_its_reader_may_say(desk: Desk) -> None:
    loan = await desk.lends()
    await desk.act(loan, EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    assert list(links(desk.letter())) == ["We accept the conditions", "We do not accept the conditions"]
    await answers(desk.letter(), "We accept the conditions")
    assert (await desk.see(loan)).state is LendingState.WILL_SUPPLY

    await desk.act(loan, EventKind.SHIPPED, due=DUE, barcode=await desk.barcode())
    shipped = desk.letter()
    assert list(links(shipped)) == ["It has arrived", "Please renew the loan", "We have returned it"]
    await answers(shipped, "It has arrived")
    await answers(shipped, "Please renew the loan")
    assert (await desk.see(loan)).terms.renewals == 1

    await desk.act(loan, EventKind.RECALL, due=DUE)
    recall = desk.letter()
    assert list(links(recall)) == ["We will return it", "We have returned it"]
    await answers(recall, "We will return it", expected="2026-03-12", note="With the next van")
    assert (await desk.see(loan)).notes[-1].text == "We will return it (12 March 2026)\nWith the next van"

    await answers(recall, "We have returned it")
    assert (await desk.see(loan)).state is LendingState.RETURNED


async def test_without_an_address_from_outside_or_days_there_are_none(desk: Desk, tmp_path: Path) -> None:
    profile = tmp_path / "north" / "profiles" / "eastport.yml"
    for section in ({"links": {"days": 0}}, {"links": {"answers": ["unfilled"]}}):
        write_yaml_file(profile, partner("EAST", "en", letters=section))
        assert await desk.town.gateway.reload()
        await desk.asks()
        expected = [] if section["links"].get("days") == 0 else ["We cannot supply it"]
        assert list(links(desk.letter())) == expected


# --- the page --------------------------------------------------------------------------------------------


async def test_whatever_looks_at_a_link_answers_nothing(desk: Desk) -> None:
    """Mail servers open links, some with HEAD, some several times."""
    request = await desk.asks()
    url = links(desk.letter())["We will supply it"]

    for method in ("GET", "HEAD", "GET"):
        assert (await fetch(method, url)).status == 200

    assert await desk.heard(request) == []
    assert (await desk.see(request)).state is BorrowingState.REQUESTED


async def test_the_page_says_which_request_and_nothing_of_its_patron(desk: Desk) -> None:
    request = await desk.asks()
    attempt = request.attempt
    assert attempt is not None

    page = await opens(links(desk.letter())["We have shipped it"])

    rows = [(one.text_content(), one.getnext().text_content()) for one in page.document.iterfind(".//dt")]
    assert rows == [
        ("Request", attempt.transaction),
        ("Title", request.citation.short),
        ("Library", "Northern Library"),
    ]
    assert "<b>andre" not in page.text
    assert "<script" not in page.text
    assert set(page.fields) == {"due", "note"}
    assert "until 1 May 2026" in page.document.text_content()
    for secret in (PATRON, "Chidi", "Okafor"):
        assert secret not in page.text
        assert secret not in desk.letter().as_string()


async def test_the_page_is_kept_by_nobody_and_runs_nothing(desk: Desk) -> None:
    await desk.asks()
    page = await opens(links(desk.letter())["We have shipped it"])

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy


# --- answers ---------------------------------------------------------------------------------------------


async def test_an_answer_is_the_partners_event_with_what_was_filled_in(desk: Desk) -> None:
    request = await desk.asks()

    await answers(desk.letter(), "We will supply it", expected="12.03.2026", note="From\x00 the\nclosed stacks")

    (line,) = await desk.heard(request)
    assert (line.event.actor, line.event.kind, line.event.attempt) == ("partner:EAST", EventKind.WILL_SUPPLY, 1)
    assert line.event.details.expected == date(2026, 3, 12)
    assert line.event.details.note == "From the\nclosed stacks"
    assert (await desk.see(request)).state is BorrowingState.WILL_SUPPLY


async def test_a_condition_in_words_is_for_staff_to_decide(desk: Desk) -> None:
    request = await desk.asks()

    await answers(
        desk.letter(), "We can supply it on conditions", condition="no-reproduction", note="Kein Scanner & <Foto>"
    )

    now = await desk.see(request)
    assert now.state is BorrowingState.CONDITIONAL
    assert now.terms.conditions == (LoanCondition.NO_REPRODUCTION,)
    await desk.act(request, EventKind.CONDITION_ACCEPTED)
    assert list(links(desk.letter())) == ["We have shipped it", "We cannot supply it"]


async def test_a_no_with_its_reason_asks_the_next_supplier(desk: Desk) -> None:
    request = await desk.asks()

    await answers(desk.letter(), "We cannot supply it", reason="on-loan")

    now = await desk.see(request)
    assert (now.state, now.partner.profile) == (BorrowingState.REQUESTED, "seeberg")
    assert now.attempts[0].reason == "on-loan"


async def test_twice_pressed_is_once_answered(desk: Desk) -> None:
    request = await desk.asks()
    page = await opens(links(desk.letter())["We have shipped it"])

    pages = await asyncio.gather(*(presses(page, due=str(DUE)) for _ in range(4)))
    again = await presses(page, due="2026-04-20")

    assert [(one.status, one.title) for one in (*pages, again)] == [(200, "Thank you")] * 5
    assert all("30 March 2026" in one.text for one in (*pages, again)), "what counts is shown"
    assert len(await desk.heard(request)) == 1
    assert (await desk.see(request)).terms.lender_due == DUE


@pytest.mark.postgresql
async def test_of_answers_at_the_same_moment_one_counts(tmp_path: Path, fresh_postgresql_url: str) -> None:
    async with at_work(tmp_path / "north", fresh_postgresql_url) as desk:
        request = await desk.asks()
        there = links(desk.letter())
        yes, no = await opens(there["We will supply it"]), await opens(there["We cannot supply it"])

        presser = (presses(no, reason="on-loan") if n % 2 else presses(yes) for n in range(8))
        statuses = sorted([page.status for page in await asyncio.gather(*presser)])

        assert statuses == [200] * 4 + [409] * 4
        assert len(await desk.heard(request)) == 1


async def test_another_link_of_the_letter_says_how_it_was_answered(desk: Desk) -> None:
    request = await desk.asks()
    letter = desk.letter()
    no = await opens(links(letter)["We cannot supply it"])
    await answers(letter, "We will supply it")

    shown = await opens(no.url)
    pressed = await presses(no, reason="not-held")

    assert (shown.status, pressed.status) == (200, 409)
    for page in (shown, pressed):
        assert "Your answer: We will supply it" in page.text
        assert "2 March 2026, 09:00" in page.text
        assert "<form" not in page.text
        assert page.title == "This question has already been answered"
    assert [line.event.kind for line in await desk.heard(request)] == [EventKind.WILL_SUPPLY]

    sent = await answers(letter, "We have shipped it", due=str(DUE))
    assert sent.status == 200, "another question: it follows from the first answer"
    assert (await desk.see(request)).state is BorrowingState.SHIPPED


@pytest.mark.parametrize(
    ("due", "fault"),
    [
        ("", "Please fill this in."),
        ("soon", "Please enter a date, such as 2026-12-31."),
        ("2026-02-27", "This date is in the past."),
        ("2099-01-01", "This date is too far ahead."),
    ],
)
async def test_what_is_missing_or_wrong_is_asked_for_again(desk: Desk, due: str, fault: str) -> None:
    request = await desk.asks()

    page = await answers(desk.letter(), "We have shipped it", due=due, note="Tomorrow's <van>")

    assert page.status == 422
    assert fault in page.text
    assert page.fields["note"] == "Tomorrow's <van>"
    assert await desk.heard(request) == []
    assert (await presses(page, due=str(DUE))).status == 200


# --- the journal -----------------------------------------------------------------------------------------


async def journaled(desk: Desk) -> list[FullMessage]:
    """What came in, oldest first."""
    journal = Journal(desk.town.context.store, JournalOptions())
    wanted = JournalFilter("NORTH", profile="eastport", direction=MessageDirection.IN)
    return [one async for one in journal.export_messages(wanted)][::-1]


async def test_an_answer_is_a_row_of_the_journal(desk: Desk) -> None:
    request = await desk.asks()
    page = await opens(links(desk.letter())["We will supply it"])

    for _ in range(2):
        await presses(page, expected="2026-03-12", note="Aus dem <Magazin>")

    (row,) = await journaled(desk)
    message = row.message
    assert (message.direction, message.protocol, message.transport) == (MessageDirection.IN, "letters", "http")
    assert (message.service, message.outcome, message.from_agency) == ("will-supply", OutcomeClass.OK, "EAST")
    assert message.request_id == request.number
    assert row.body is not None
    assert json.loads(row.body) == {"answer": "will-supply", "expected": "2026-03-12", "note": "Aus dem <Magazin>"}
    token = page.url.rpartition("/")[2]
    assert token not in f"{message}{row.body!r}"
    assert token.partition(".")[2] not in f"{message}{row.body!r}"


async def test_a_refused_answer_is_a_row_as_well_once(desk: Desk) -> None:
    await desk.asks()
    letter = desk.letter()
    no, sent = [await opens(links(letter)[one]) for one in ("We cannot supply it", "We have shipped it")]
    await answers(letter, "We will supply it")
    for _ in range(2):
        await presses(no, reason="not-held")
    await presses(sent, due="")  # to be corrected: nothing is said yet
    desk.clock.advance(timedelta(days=60))
    await presses(sent, due=str(DUE))

    rows = [one.message for one in await journaled(desk)]

    assert [(one.service, one.outcome.value, one.reason) for one in rows] == [
        ("will-supply", "ok", ""),
        ("unfilled", "refused", "not-allowed"),
        ("shipped", "refused", "not-allowed"),
    ]
    assert rows[1].note == "The question was answered already: will-supply."
    assert "too old" in rows[2].note


async def test_an_answer_that_is_not_journaled_is_not_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await desk.asks()
    page = await opens(links(desk.letter())["We will supply it"])

    def full(*_: Any) -> None:
        raise Unavailable("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "add_once", full)
        assert (await presses(page)).status == 503
    assert await desk.heard(request) == []

    assert (await presses(page)).status == 200
    assert len(await journaled(desk)) == 1


# --- links that don't count ------------------------------------------------------------------------------


def is_over(page: Page) -> bool:
    return (page.status, page.title) == (410, "This can no longer be answered") and "<form" not in page.text


async def test_a_link_is_over_in_time(desk: Desk) -> None:
    request = await desk.asks()
    page = await opens(links(desk.letter())["We will supply it"])
    desk.clock.advance(timedelta(days=60))

    assert is_over(await opens(page.url))
    assert is_over(await presses(page))
    assert await desk.heard(request) == []


async def test_a_request_that_went_on_is_not_answered_any_more(desk: Desk) -> None:
    request = await desk.asks()
    page = await opens(links(desk.letter())["We will supply it"])
    await desk.act(request, EventKind.NEXT_SUPPLIER)
    cancel = desk.letter()

    assert is_over(await presses(page))
    assert (await answers(cancel, "Yes, it has been cancelled")).status == 200
    assert (await desk.see(request)).attempts[0].status.value == "cancelled"


async def test_what_was_sent_all_the_same_is_taken(desk: Desk) -> None:
    request = await desk.asks()
    first = desk.letter()
    await desk.act(request, EventKind.NEXT_SUPPLIER)

    assert (await answers(first, "We have shipped it", due=str(DUE))).status == 200

    now = await desk.see(request)
    assert (now.state, now.partner.profile) == (BorrowingState.SHIPPED, "eastport")


async def test_a_link_that_nobody_signed_is_not_found(desk: Desk) -> None:
    request = await desk.asks()
    url = links(desk.letter())["We will supply it"]
    root, _, token = url.rpartition("/")
    payload, _, signature = token.partition(".")
    other = links(desk.letter())["We have shipped it"].rpartition("/")[2].partition(".")[0]

    for forged in (f"{payload}.{signature[::-1]}", f"{other}.{signature}", "nonsense", f"{payload}."):
        for method in ("GET", "POST"):
            page = await fetch(method, f"{root}/{forged}")
            assert (page.status, page.title) == (404, "This link is not valid")
    assert await desk.heard(request) == []


async def test_more_than_a_form_can_say_is_not_read(desk: Desk) -> None:
    request = await desk.asks()
    url = links(desk.letter())["We will supply it"]

    assert (await fetch("POST", url, b"note=" + b"x" * 20_000)).status == 413
    assert (await fetch("POST", url, b"&".join(b"a=1" for _ in range(50)))).status == 413
    assert await desk.heard(request) == []


async def test_a_partner_whose_profile_is_gone_can_say_nothing(desk: Desk, tmp_path: Path) -> None:
    await desk.asks(partner="seeberg")
    page = await opens(links(desk.letter("see"))["Wir werden liefern"])
    (tmp_path / "north" / "profiles" / "seeberg.yml").unlink()
    (tmp_path / "north" / "requests.yml").write_text("{}")
    assert await desk.town.gateway.reload()

    assert (await presses(page)).status == 410

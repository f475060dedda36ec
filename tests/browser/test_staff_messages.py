"""Partners' messages and the mail desk in a browser: with and without script, by keyboard, at every width, for
everybody."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from playwright.sync_api import expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.runtime.managed_requests import ManagedRequests
from gateway.store import mailbox
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests.outbox_queries import unfinished_of_request
from gateway.store.schema import make_exchange_id
from tests.browser.staff import PageInspector, staff_page
from tests.browser.visitor import PHONE, Browsing, Site

NAME = "aino"
EVERYBODY = pytest.mark.parametrize(
    "scripts",
    [
        pytest.param(True, id="scripts"),
        # tests/protocol/staff sends every form as a browser without script does
        pytest.param(False, id="no-scripts", marks=pytest.mark.long),
    ],
)

_numbers = itertools.count(1)


async def wait_until_nothing_is_left_to_do(managed: ManagedRequests, request: Request) -> None:
    """For the daemon: a page that was opened before would be older than the request."""
    store = managed.contexts["DEMO"].store
    async with asyncio.timeout(30):
        while True:
            if not await store.read(lambda c: unfinished_of_request(c, "DEMO", request.id)):
                return
            await asyncio.sleep(0.02)


class Desk:
    """What partners do, in a process beside the daemon's."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def _run(self, work: Callable[[ManagedRequests], Coroutine[Any, Any, Any]]) -> Any:
        """In a thread of its own: the one that drives the browser has an event loop already."""

        async def open_and_run() -> Any:
            async with open_managed_requests(Opened(self.site.installation.config)) as managed:
                return await work(managed)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, open_and_run()).result()

    def partner_asks(self, title: str, *words: str) -> Request:
        """A lending request, about which the partner then writes."""
        transaction = f"NB-{next(_numbers)}"

        async def ask_and_write(managed: ManagedRequests) -> Request:
            draft = LendingDraft(
                citation=Citation(title=title), requester=LibraryParty(profile="bergen"), transaction=transaction
            )
            request = await managed.libraries["DEMO"].requests.create_lending(draft)
            profile = managed.contexts["DEMO"].profile("bergen")
            assert profile is not None
            for number, text in enumerate(words):
                message = IncomingPartnerMessage(
                    id=f"{transaction}-{number}",
                    kind=EventKind.MESSAGE,
                    role=Role.LENDING,
                    sender="ISIL:NO-02030",
                    receiver="DEMO",
                    transaction=transaction,
                    details=EventDetails(note=text),
                )
                assert (await managed.partner_inbox.receive_message(message, profile)).request_id
            await wait_until_nothing_is_left_to_do(managed, request)
            return request

        found: Request = self._run(ask_and_write)
        return found

    def mail_waits(self, subject: str, text: str, sender: str, profile: str = "", *possible: str) -> None:
        async def add_mail(managed: ManagedRequests) -> None:
            context = managed.contexts["DEMO"]
            now = context.now()
            id_ = make_exchange_id(now)
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"], mail["Subject"] = sender, "ill@bergstadt.example", subject
            mail["Message-ID"] = f"<{id_}@made.example>"
            mail.set_content(text)
            row = MailRow(
                id=id_,
                spot=MailPosition("DEMO", "ill", 1, next(_numbers)),
                message_id=f"{id_}@made.example",
                digest=id_,
                at=now,
                outcome=MailOutcome.UNKNOWN,
                profile=profile,
                reason="message: no matching request",
                open=True,
                sender=sender,
                subject=subject,
                possible=possible,
                content=mail.as_bytes(),
            )
            await context.store.write(lambda c: mailbox.add_mail(c, row, None))

        self._run(add_mail)

    def clear(self) -> None:
        """Nothing waits any more, whatever an earlier test has left."""

        async def read_all(managed: ManagedRequests) -> None:
            for one in await managed.libraries["DEMO"].messages.list_unread(None, 200, ""):
                await managed.libraries["DEMO"].messages.mark_read(one.request.id, [one.id], "staff:test")
            context = managed.contexts["DEMO"]
            page = await context.store.read(lambda c: mailbox.list_unmatched(c, "DEMO", 200))
            for row in page.rows:
                await context.store.write(lambda c, id_=row.id: mailbox.close_mail(c, "DEMO", id_, "staff:test"))

        self._run(read_all)


@pytest.fixture
def desk(site: Site) -> Desk:
    one = Desk(site)
    one.clear()
    return one


@EVERYBODY
def test_a_question_is_answered_in_place(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    first = desk.partner_asks("Nordlys over Tromsø", "Kan vi få 2. utgave?")
    desk.partner_asks("سماء الشمال", "متى يصل الكتاب؟")
    with staff_page(site, browsing, NAME, "staff", back="staff/messages", scripts=scripts) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Messages from partners")
        expect(page.locator(".thread blockquote")).to_have_text(["Kan vi få 2. utgave?"])

        page.get_by_label("Reply").fill("Ja, den sendes i morgen.")
        page.get_by_role("button", name="Send to Universitetsbiblioteket i Bergen").click()

        expect(page.get_by_role("alert")).to_have_text("Sent to Universitetsbiblioteket i Bergen.")
        expect(page.locator(".thread blockquote")).to_have_text(["متى يصل الكتاب؟"])
        page.get_by_role("button", name="Mark as read without replying").click()
        expect(page.get_by_text("No unread messages.")).to_be_visible()

    said = site.request_messages(first.number)
    assert [(one["ours"], one["text"], one["read_by"]) for one in said] == [
        (False, "Kan vi få 2. utgave?", f"staff:{NAME}"),
        (True, "Ja, den sendes i morgen.", ""),
    ]


def test_by_keyboard_alone(desk: Desk, site: Site, browsing: Browsing) -> None:
    desk.partner_asks("Fjell og fjord", "Haster!")
    with staff_page(site, browsing, NAME, "staff", back="staff/messages") as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
        page.keyboard.press("Enter")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "text":
                break
        page.keyboard.type("Er unterwegs.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page.get_by_role("alert")).to_have_text("Sent to Universitetsbiblioteket i Bergen.")


@EVERYBODY
def test_a_mail_finds_its_request(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    meant = desk.partner_asks("Nordlys over Tromsø")
    other = desk.partner_asks("Noe annet")
    text = "Bonjour,\n\nil s’agit de Nordlys over Tromsø.\n\nBien à vous"
    desk.mail_waits("RE: votre demande", text, "fjernlan@ub.bergen.example", "bergen", other.id, meant.id)
    desk.mail_waits("Where is my book??", "I want it.", "dean@bergstadt.example")
    with staff_page(site, browsing, NAME, "staff", back="staff/mail", scripts=scripts) as page:
        expect(page.get_by_role("heading", level=2, name="RE: votre demande")).to_be_visible()
        expect(page.get_by_role("radio", name="Nordlys over Tromsø")).to_be_checked()
        page.get_by_label("Message only: the request is not updated").check()
        page.get_by_role("button", name="Link to request").click()

        expect(page.get_by_role("alert")).to_have_text(f"Linked to {meant.number}.")
        expect(page.get_by_role("heading", level=2, name="Where is my book??")).to_be_visible()
        page.get_by_role("button", name="Link to request").click()
        expect(page.locator("#number-wrong")).to_have_text("Please choose a request or enter its number.")
        assert page.title().startswith("Error: ")
        page.get_by_label("Reply by email").fill("Please ask at the desk.")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_text("No unmatched email.")).to_be_visible()

    assert [one["read_by"] for one in site.request_messages(meant.number)] == [f"staff:{NAME}"]


def test_the_opened_mail_comes_before_the_rest_of_the_list_on_a_telephone(
    desk: Desk, site: Site, browsing: Browsing
) -> None:
    for number in range(1, 9):
        desk.mail_waits(f"Request {number}", "Good morning", "loans@sahil.example")
    with staff_page(site, browsing, NAME, "staff", back="staff/mail", width=PHONE) as page:
        lines, opened = page.locator(".mails li"), page.get_by_role("heading", level=2, name="Request 1")
        expect(lines.filter(visible=True)).to_have_count(1)
        expect(opened).to_be_in_viewport()
        page.get_by_role("link", name="Show all 8").click()
        expect(lines.filter(visible=True)).to_have_count(8)
        page.get_by_role("link", name="Request 8").click()
        expect(lines.filter(visible=True)).to_contain_text(["Request 8"])
        page.set_viewport_size({"width": 1024, "height": 800})
        expect(lines.filter(visible=True)).to_have_count(8)


@pytest.mark.long  # test_every_staff_page.py looks at these pages in one look
@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [
        (PHONE, False, "en-GB"),
        (1024, True, "de-DE"),
        (1600, False, "en-GB"),
    ],
)
def test_for_everybody(
    desk: Desk, site: Site, browsing: Browsing, axe_core: str, width: int, dark: bool, language: str
) -> None:
    long = "Über die Gezeiten und ihre Wächter, " * 8
    desk.partner_asks(long, "Kan vi få 2. utgave?\n\nHilsen\nÅse Ødegård", "<script>alert(1)</script> & mer")
    desk.partner_asks("敦煌学大辞典", "请问什么时候寄出？")
    request = desk.partner_asks("سماء الشمال")
    desk.mail_waits("بخصوص طلبكم", f"رقم الطلب {request.number}\nسماء الشمال", "loans@sahil.example", "", request.id)
    desk.mail_waits("W" * 200, "x" * 400, f"{'a' * 60}@elsewhere.example")
    with staff_page(site, browsing, NAME, "staff", width=width, dark=dark, language=language) as page:
        inspector = PageInspector(page, axe_core)
        for path in ("staff/messages", "staff/mail"):
            page.goto(site.url(path))
            inspector.look(path)
        page.locator("details summary").click()
        inspector.look("how a mail was read")
        if width == PHONE:
            page.get_by_role("link", name="Show all 2").click()
        page.locator(".mails a").last.click()
        page.locator("section.spine button[type=submit]").first.click()
        inspector.look("a mail with a mistake")
        desk.clear()
        for path in ("staff/messages?role=borrowing", "staff/mail"):
            page.goto(site.url(path))
            inspector.look(f"{path} with nothing")
    assert inspector.found == {}

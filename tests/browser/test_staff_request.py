"""One request and a new one in a browser: by mouse, by keyboard, without script, at every width, for everybody."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import LibraryParty, PatronLink, Request, RequestedService, ServiceType
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.views import ActionRequest
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.browser.conftest import MORE_PARTNERS
from tests.browser.visitor import PATRON, PHONE, Browsing, Site, fits
from tests.support.axe import grave
from tests.support.blank_pdf import write_blank_pdf

NAME, PASSWORD = "jun", "vier Wörter sind genug"
WIDE = 1600
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
EVERYBODY = pytest.mark.parametrize(
    "scripts",
    [
        pytest.param(True, id="scripts"),
        # tests/protocol/staff sends every form as a browser without script does
        pytest.param(False, id="no-scripts", marks=pytest.mark.long),
    ],
)
LONG = "Über die Gezeiten und ihre Wächter, " * 8
T = TypeVar("T")

PDF = write_blank_pdf(2)
_numbers = itertools.count(1)


@dataclass
class Desk:
    """What others do, in a process beside the daemon's."""

    site: Site

    def run(self, work: Callable[[ManagedRequests], Awaitable[T]]) -> T:
        """In a thread of its own: the one that drives the browser has an event loop already."""

        async def open_and_run() -> T:
            async with open_managed_requests(Opened(self.site.installation.config)) as managed:
                return await work(managed)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, open_and_run()).result()

    def borrow(self, title: str) -> Request:
        """To be reviewed, with three libraries to be asked."""

        async def make(managed: ManagedRequests) -> Request:
            citation = Citation(
                type=CitationType.BOOK,
                title=title,
                author="Hinrich Föhrmann; רחל ברקת",
                published="2011",
                identifiers=(RecordId("isbn", "9783161484100"),),
                original="Gezeitenkunde, Föhrmann",
            )
            draft = BorrowingDraft(
                citation=citation, patron=PatronLink(identifier=PATRON), mediated=True, override=True
            )
            request = await managed.libraries["DEMO"].requests.create_borrowing(draft)
            return await managed.libraries["DEMO"].requests.reorder(
                request.id, ["bergen", *MORE_PARTNERS], "staff:åse", None
            )

        return self.run(make)

    def lend(self, title: str) -> Request:
        draft = LendingDraft(
            citation=Citation(title=title),
            requester=LibraryParty(profile="bergen"),
            transaction=f"REQ-{next(_numbers)}",
        )
        return self.run(lambda managed: managed.libraries["DEMO"].requests.create_lending(draft))

    def lend_copy(self, title: str) -> Request:
        """A copy of it is to be made."""
        draft = LendingDraft(
            citation=Citation(title="Norsk tidsskrift for is og vann", component_title=title, pages="77-78"),
            service=RequestedService(ServiceType.COPY),
            requester=LibraryParty(profile="bergen"),
            transaction=f"REQ-{next(_numbers)}",
        )
        request = self.run(lambda managed: managed.libraries["DEMO"].requests.create_lending(draft))
        self.act(request, EventKind.LOCATED)
        return request

    def act(self, request: Request, kind: EventKind, **said: Any) -> None:
        action = ActionRequest(kind=kind, details=EventDetails(**said), actor="staff:åse", version=None)
        self.run(lambda managed: managed.libraries["DEMO"].requests.apply_action(request.id, action))

    def hear(self, request: Request, kind: EventKind, **said: Any) -> None:
        """A message of the first supplier."""

        async def tell(managed: ManagedRequests) -> None:
            context = managed.contexts["DEMO"]
            event = Event(partner_signal(kind), context.now(), "partner:ISIL:NO-02030", EventDetails(**said), 1)
            await apply_event(context, EventRequest(request_id=request.id, event=event, prepare=keep_request))

        self.run(tell)

    def set_condition(self, request: Request) -> None:
        self.act(request, EventKind.APPROVE)
        self.site.asked(request.number)
        self.hear(
            request,
            EventKind.CONDITIONAL,
            note="Kun på lesesalen.\nGebyr 12,00 EUR.",
            conditions=(LoanCondition.LIBRARY_USE_ONLY,),
            cost=Money(Decimal("12.00"), "EUR"),
        )


@pytest.fixture(scope="module")
def desk(site: Site) -> Desk:
    password = site.installation.folder / "jun.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    site.command("user", "add", NAME, "--role", "staff", "--role", "clearance", "--password-file", str(password))
    return Desk(site)


def sign_in(page: Page, site: Site, path: str) -> None:
    page.goto(site.url(path))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/{path}")


@EVERYBODY
def test_a_condition_is_accepted_by_one_click(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    request = desk.borrow("Gezeitenkunde")
    desk.set_condition(request)
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{request.number}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Gezeitenkunde")
        move = page.locator("section.spine")
        expect(move.get_by_role("heading")).to_have_text(
            "Action needed: answer Universitetsbiblioteket i Bergen’s condition"
        )
        expect(move.locator("blockquote")).to_have_text("Kun på lesesalen. Gebyr 12,00 EUR.")
        expect(page.get_by_role("radio", name="Accept the condition")).to_be_checked()
        page.get_by_role("button", name="Accept Universitetsbiblioteket i Bergen’s condition").click()

        expect(page.get_by_role("alert")).to_have_text("The condition is accepted.")
        expect(page.locator(".record-head .tag")).to_have_text("Will supply")
    assert site.request(request.number)["state"] == "will-supply"


@EVERYBODY
def test_the_order_and_a_folded_act(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    request = desk.borrow("Om tidevann")
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{request.number}")
        names = page.locator("table tbody td:nth-child(2)")
        before = names.all_text_contents()
        page.get_by_role("button", name=f"Move {before[0]} down").click()
        expect(page.get_by_role("alert")).to_contain_text("is now number 2")
        expect(names).to_have_text([before[1], before[0], before[2]])

        page.get_by_text("More actions").click()
        page.get_by_role("link", name="Cancel the request").click()
        page.get_by_role("textbox", name="Note").fill("Hun har kjøpt den.")
        page.get_by_role("button", name="Cancel the request").click()
        said = "The request is cancelled. The patron is being notified by email."
        expect(page.get_by_role("alert")).to_have_text(said)
        expect(page.locator(".timeline blockquote").first).to_have_text("Hun har kjøpt den.")


def press_until(page: Page, key: str, wanted: Locator, most: int = 60) -> None:
    for _ in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted} was not reached by {key}")


def test_by_keyboard_alone(desk: Desk, site: Site, browsing: Browsing) -> None:
    request = desk.borrow("Flo og fjære")
    with browsing.page() as page:
        sign_in(page, site, f"staff/requests/{request.number}")
        names = page.locator("table tbody td:nth-child(2)")
        before = names.all_text_contents()
        press_until(page, "Tab", page.get_by_role("button", name=f"Move {before[2]} up"))
        page.keyboard.press("Enter")
        expect(names).to_have_text([before[0], before[2], before[1]])

        press_until(page, "Tab", page.get_by_role("textbox", name="Note"))
        page.keyboard.type("Gjerne.")
        press_until(page, "Tab", page.get_by_role("button", name="Approve"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("Approved.")
        expect_no_more_asking_after_the_session(page)


def expect_no_more_asking_after_the_session(page: Page) -> None:
    """The page says that nothing counts any more, and lets the gateway alone."""
    page.wait_for_load_state("networkidle")  # the answer to an earlier request may bring a cookie again
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/readers") else None)
    page.context.clear_cookies()
    look_again = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(look_again)
    expect(page.locator("#readers")).to_have_text(
        "You are signed out. Sign in in another window before you continue here."
    )
    page.evaluate(look_again)
    assert len(asked) == 1


@EVERYBODY
def test_two_people_at_once_lose_nothing(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    request = desk.borrow("To på en gang")
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{request.number}/act/note")
        page.get_by_label("Internal note").fill("Ring i morgen.")
        desk.act(request, EventKind.NOTE, note="Er ringt.")
        page.get_by_role("button", name="Add an internal note").click()

        expect(page.get_by_role("heading", name="Changed by somebody else")).to_be_visible()
        expect(page.locator(".timeline blockquote")).to_have_text(["Er ringt."])
        expect(page.get_by_label("Internal note")).to_have_value("Ring i morgen.")
        page.get_by_role("button", name="Add an internal note").click()
        expect(page.get_by_role("alert")).to_have_text("The note has been saved.")


@EVERYBODY
def test_a_file_is_added(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    request = desk.lend("Kapitel 4")
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{request.number}")
        page.locator("#files-request").set_input_files(
            {"name": "свет.pdf", "mimeType": "application/pdf", "buffer": PDF}
        )
        page.get_by_role("button", name="Add the files").click()
        if scripts:
            expect(page.locator(".uploads li.is-good")).to_have_text("“свет.pdf” was added.")
            page.get_by_role("link", name="Show changes").click()
        else:
            expect(page.get_by_role("alert")).to_have_text("1 file was added.")
        with page.expect_download() as download:
            page.get_by_role("link", name="свет.pdf").click()
        assert download.value.suggested_filename == "свет.pdf"


@EVERYBODY
def test_copies_come_in_signed_off_and_out_at_one_desk(
    desk: Desk, site: Site, browsing: Browsing, scripts: bool, axe_core: str
) -> None:
    one, other = desk.lend_copy("Om fargen på gammel snø"), desk.lend_copy("Шум дождя")
    pdf = {"mimeType": "application/pdf", "buffer": PDF}
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, "staff/copies/desk")
        page.get_by_role("region", name="Files for several requests").get_by_label("Files", exact=True).set_input_files(
            [{"name": f"{request.number}.pdf", **pdf} for request in (one, other)]
        )
        page.get_by_role("button", name="Add the files").first.click()
        if scripts:
            expect(page.locator(".uploads li.is-good")).to_have_count(2)
            page.evaluate(axe_core)
            assert grave(page.evaluate(RUN)) == []
            page.get_by_role("link", name="Show changes").click()
        else:
            expect(page.get_by_role("alert")).to_contain_text(f"(2 pages) was added to {other.number}.")
        for request in (one, other):
            waiting = page.locator("article", has=page.get_by_role("link", name=request.number))
            waiting.get_by_label("Rule or statement relied on").fill("Åvl. § 16")
            waiting.get_by_role("button", name="Clear copyright").click()
            expect(page.get_by_role("alert")).to_contain_text(request.number)
        for width in (PHONE, 1024, WIDE):
            page.set_viewport_size({"width": width, "height": 900})
            assert fits(page), width
        leaving = page.locator("article", has=page.get_by_role("link", name=one.number))
        leaving.get_by_role("link", name="Deliver").click()
        page.get_by_label("Link to the copy").fill("https://kopier.bergstadt.example/77")
        page.locator("main").get_by_role("button", name="Deliver").click()
        expect(page.locator(".record-head .tag")).to_have_text("Completed")
        page.goto(site.url("staff/copies/desk"))
        delivered = page.get_by_role("region", name="Recently delivered")
        expect(delivered.locator("article", has_text=one.number)).to_contain_text("Not delivered as a link.")


@EVERYBODY
def test_a_request_is_made_from_a_link(desk: Desk, site: Site, browsing: Browsing, scripts: bool) -> None:
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, "staff/requests/new")
        page.get_by_label("DOI, PubMed ID, ISBN, link, or words from the title and author").fill(
            "https://resolver.example/?genre=article&atitle=Wattenmeer&title=Annalen&volume=3&issn=1234-5679"
        )
        page.get_by_role("button", name="Find and fill in").click()
        expect(page.get_by_label("Title of the article or chapter")).to_have_value("Wattenmeer")
        expect(page.get_by_role("radio", name="A copy of an article")).to_be_checked()
        page.get_by_role("button", name="Create request").click()

        expect(page.get_by_role("alert")).to_have_text(re.compile(r"Request B\S+ created\."))
        expect(page.get_by_role("heading", level=1)).to_have_text("Wattenmeer")


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        pytest.param(PHONE, "light", "en", marks=pytest.mark.long),
        (1024, "dark", "de"),
        pytest.param(WIDE, "light", "en", marks=pytest.mark.long),
    ],
)
def test_for_everybody(
    desk: Desk, site: Site, browsing: Browsing, axe_core: str, width: int, scheme: str, language: str
) -> None:
    request, lending = desk.borrow(LONG), desk.lend("敦煌学大辞典")
    desk.set_condition(request)
    desk.hear(request, EventKind.MESSAGE, note="<script>alert(1)</script> & mer\nمتى يصل؟")
    desk.act(request, EventKind.NOTE, note="W" * 300)
    shipped = desk.borrow("سماء الشمال")
    desk.act(shipped, EventKind.APPROVE)
    site.asked(shipped.number)
    desk.hear(shipped, EventKind.SHIPPED, due=(request.created + timedelta(days=40)).date())
    found: dict[str, list[str]] = {}
    with browsing.page(width=width) as page:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        sign_in(page, site, f"staff/requests/{request.number}")
        for path in (
            f"{request.number}?ui_language={language}",
            f"{request.number}/act/edit",
            f"{request.number}/citation",
            f"{request.number}/order",
            f"{request.number}/journal",
            lending.number,
            f"{lending.number}/act/shipped",
            f"{lending.number}/act/unfilled",
            f"{shipped.number}?task=to-receive",
            "new",
            "new?role=lending",
        ):
            answer = page.goto(site.url(f"staff/requests/{path}"))
            assert answer is not None
            open_details(page)
            inspect(page, axe_core, f"{path} ({answer.status})", found)
            for option in page.locator(".option > .tick input").all():
                option.check()
                open_details(page)
                inspect(page, axe_core, f"{path}, {option.get_attribute('value')}", found)
        page.locator("main form[method=post] button[type=submit]").last.click()
        inspect(page, axe_core, "a new request with mistakes", found)
    assert found == {}


def open_details(page: Page) -> None:
    """Those that are shown: an answer that isn't chosen has its fields hidden."""
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible():
            details.click()


def inspect(page: Page, axe_core: str, name: str, found: dict[str, list[str]]) -> None:
    page.evaluate(axe_core)
    problems = grave(page.evaluate(RUN))
    if not fits(page):
        problems.append("has to be scrolled sideways")
    if problems:
        found[name] = problems

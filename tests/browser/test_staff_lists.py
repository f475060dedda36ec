"""Lists of requests in a browser: by mouse, by keyboard alone, without script, at every width, for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, PatronLink, Request, RequestFlag
from gateway.store.requests import requests
from tests.browser.visitor import PHONE, Browsing, Site, fits
from tests.support.axe import grave
from tests.unit.store.requests.samples import borrowing, lending

NAME, PASSWORD = "nadia", "vier Wörter sind genug"
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

TITLES = (
    "Über das Zählen von Vögeln auf bewegtem Wasser, nebst einem Anhang von Tafeln zur Umrechnung älterer Küstenmaße",
    "مكتبات الأندلس وخزائنها",
    "<b>Salt</b> & roads",
    "История северных портов",
)


@pytest.fixture(scope="module")
def waiting(site: Site) -> Sequence[Request]:
    """On the list of what is to be sent back, the longest waiting first; and whoever works it off."""
    password = site.installation.folder / "nadia.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    site.command("user", "add", NAME, "--role", "staff", "--password-file", str(password))
    made = [
        borrowing(
            library="DEMO",
            number=f"B-2026-9{n:04}",  # beside B2026-00001 of requests that the site makes itself, which reads the same
            state=BorrowingState.BACK,
            citation=Citation(title=title, author="O’Neil, Zoë"),
            partner=LibraryParty(profile="bergen", name="Universitetsbiblioteket i Bergen"),
            patron=PatronLink(f"p-{n}", f"2100000000{n:04}"),
            flags=frozenset({RequestFlag.OVERDUE}) if n % 2 else frozenset(),
            branch="",
        )
        for n, title in enumerate(TITLES)
    ]

    asked = [
        lending(library="DEMO", state=state, flags=flags, citation=Citation(title=TITLES[0]))
        for state, flags in (
            (LendingState.CANCEL_PENDING, frozenset({RequestFlag.UNREAD})),
            (LendingState.CLEARANCE, frozenset()),
        )
    ]

    async def insert_all() -> None:
        async with open_managed_requests(Opened(site.installation.config)) as managed:
            for one in (*made, *asked):
                await managed.contexts["DEMO"].store.write(lambda c, one=one: requests.insert_request(c, one))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, insert_all()).result()
    return tuple(made)


def sign_in(page: Page, site: Site, path: str) -> None:
    page.goto(site.url(path))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/{path}")


def numbers(page: Page) -> Locator:
    return page.locator("table.list td.number .code.whole")


LIST = "staff/borrowing?task=to-return"


@EVERYBODY
def test_two_are_given_to_oneself(waiting: Sequence[Request], site: Site, browsing: Browsing, scripts: bool) -> None:
    """Two boxes, a button, and the button of the page that says with how many: four clicks."""
    with browsing.page(width=WIDE, scripts=scripts) as page:
        sign_in(page, site, LIST)
        expect(numbers(page)).to_have_text([one.number for one in waiting])
        expect(page.locator("table.list .work").nth(2)).to_have_text("<b>Salt</b> & roads")

        for one in waiting[:2]:
            page.get_by_label(f"Select {one.number}").check()
        if scripts:
            expect(page.locator("#selected-count")).to_have_text("2")
        page.get_by_role("button", name="Assign…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Assign: 2 requests")
        page.get_by_role("button", name="Apply to 2 requests").click()

        expect(page.get_by_role("alert")).to_contain_text("2 done.")
        page.goto(site.url(f"{LIST}&assignee=me"))
        expect(numbers(page)).to_have_text([one.number for one in waiting[:2]])


@EVERYBODY
def test_all_that_match_is_a_step_of_its_own(
    waiting: Sequence[Request], site: Site, browsing: Browsing, scripts: bool
) -> None:
    with browsing.page(width=WIDE, scripts=scripts) as page:
        sign_in(page, site, f"{LIST}&select=all")
        expect(page.locator("#selected-count")).to_have_text(str(len(waiting)))
        page.get_by_role("button", name="Label…").click()
        page.get_by_label("Label to add").fill("Kiste 7")
        page.get_by_role("button", name=f"Apply to {len(waiting)} requests").click()
        expect(page.get_by_role("alert")).to_contain_text(f"{len(waiting)} done.")
        page.goto(site.url("staff/borrowing?label=Kiste+7"))
        expect(numbers(page)).to_have_count(len(waiting))


def test_by_keyboard_alone(waiting: Sequence[Request], site: Site, browsing: Browsing) -> None:
    with browsing.page(width=WIDE) as page:
        sign_in(page, site, LIST)
        for key in ("j", "x", "j", "j", "x", "k"):
            page.keyboard.press(key)
        expect(page.locator("#selected-count")).to_have_text("2")
        expect(page.locator("tr.picked .code.whole")).to_have_text([waiting[0].number, waiting[2].number])
        expect(page.locator("table.list .work").nth(1)).to_be_focused()

        page.keyboard.press("/")
        page.keyboard.type("jx/")
        expect(page.get_by_role("searchbox")).to_have_value("jx/")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(waiting[3].number.lower())
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/staff/requests/{waiting[3].number}")


def test_single_keys_can_be_switched_off(waiting: Sequence[Request], site: Site, browsing: Browsing) -> None:
    with browsing.page(width=WIDE) as page:
        sign_in(page, site, LIST)
        page.get_by_text("Keyboard shortcuts", exact=True).click()
        page.get_by_label("Use keyboard shortcuts in this browser").uncheck()
        page.reload()
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.locator("#selected-count")).to_have_text("0")


@EVERYBODY
def test_a_filter_is_chosen_taken_away_and_kept(
    waiting: Sequence[Request], site: Site, browsing: Browsing, scripts: bool
) -> None:
    with browsing.page(width=WIDE, scripts=scripts) as page:
        sign_in(page, site, "staff/borrowing")
        page.get_by_label("To return").check()
        page.get_by_role("button", name="Apply").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("To return")
        expect(numbers(page)).to_have_count(len(waiting))

        page.get_by_text("Save this filter").click()
        page.get_by_label("Name of the filter").fill(f"Parcels {scripts}")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Parcels {scripts}")
        page.get_by_role("button", name="Remove this saved filter").click()
        expect(page.get_by_role("alert")).to_contain_text("The filter has been removed")

        page.goto(site.url(f"{LIST}&branch=NOWHERE"))
        expect(page.get_by_text("No requests match these filters.")).to_be_visible()
        page.get_by_role("link", name="Remove: Branch: NOWHERE").click()
        expect(numbers(page)).to_have_count(len(waiting))


@pytest.mark.long  # test_every_staff_page.py looks at these pages in one look
@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        (PHONE, "light", "de-DE"),
        (1024, "dark", "en-GB"),
        (WIDE, "light", "en-GB"),
    ],
)
def test_for_everybody(
    waiting: Sequence[Request],
    site: Site,
    browsing: Browsing,
    axe_core: str,
    width: int,
    scheme: str,
    language: str,
) -> None:
    found: dict[str, list[str]] = {}
    with browsing.page(width=width) as page:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        sign_in(page, site, LIST)

        def look(name: str) -> None:
            page.evaluate(axe_core)
            problems = grave(page.evaluate(RUN)) + ([] if fits(page) else ["has to be scrolled sideways"])
            if problems:
                found[name] = problems

        page.goto(site.url(f"{LIST}&ui_language={language[:2]}"))
        look("list")
        page.goto(site.url("staff/lending"))
        look("lending")
        page.goto(site.url("staff/copies"))
        look("copies")
        page.goto(site.url("staff/borrowing#filters"))
        look("filters")
        page.goto(site.url("staff/borrowing?q=nothing+of+this"))
        look("empty")
        for do in ("give", "label", "more"):
            page.goto(site.url(f"{LIST}&select=page"))
            page.locator(f"button[name=do][value={do}]").click()
            look(do)
    assert found == {}


def test_part_of_it_fails_and_is_told(waiting: Sequence[Request], site: Site, browsing: Browsing) -> None:
    with browsing.page(width=WIDE) as page:
        sign_in(page, site, f"{LIST}&select=page")
        page.get_by_role("button", name="More…").click()
        page.get_by_label("Ask for the status").check()
        gone = replace(waiting[1], state=BorrowingState.CANCELLED, version=waiting[1].version + 1)
        save_request(site, gone)
        page.get_by_role("button", name=f"Apply to {len(waiting)} requests").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{len(waiting) - 1} done, 1 failed")
        expect(page.locator(".cause a")).to_have_text([gone.number])
    save_request(site, replace(waiting[1], version=gone.version + 1))  # the others find it on the list again


def save_request(site: Site, request: Request) -> None:
    async def save() -> None:
        async with open_managed_requests(Opened(site.installation.config)) as managed:
            await managed.contexts["DEMO"].store.write(lambda c: requests.save_request(c, request))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, save()).result()

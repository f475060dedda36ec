"""What works of the desk cost in clicks and keys, counted and printed at the end of all tests: a supplier is chosen and
asked, the second of several items is taken, ten requests are reviewed one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.request import LibraryParty, PatronLink
from tests.browser.visitor import PATRON, Browsing, Site
from tests.support.effort_report import note_effort

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
TITLE_OF_SEVERAL = Citation(title="Pride and Prejudice", author="Austen, Jane")
"""The sample library has more than one item of it."""

NAME, PASSWORD = "wanda", "vier Wörter sind genug"
BERGEN = "Universitetsbiblioteket i Bergen"


@dataclass
class Presses:
    """The clicks that were made, and the keys (several held together are one)."""

    page: Page
    count: int = 0

    def click(self, place: Locator) -> None:
        self.count += 1
        place.click()

    def press(self, keys: str) -> None:
        self.count += 1
        self.page.keyboard.press(keys)


@contextmanager
def count_presses(page: Page, work: str, most: int) -> Iterator[Presses]:
    presses = Presses(page)
    yield presses
    note_effort(work, f"{presses.count} presses", f"at most {most}")
    assert presses.count <= most, work


@pytest.fixture(scope="module")
def wanda(site: Site) -> None:
    password = site.installation.folder / "wanda.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    site.command("user", "add", NAME, "--role", "staff", "--password-file", str(password))


def make_borrowings(site: Site, titles: Sequence[str], *, rota: Sequence[str] = ()) -> list[str]:
    """Numbers of requests to be reviewed."""

    async def make_all() -> list[str]:
        async with open_managed_requests(Opened(site.installation.config)) as managed:
            requests = managed.libraries["DEMO"].requests
            numbers = []
            for title in titles:
                patron = PatronLink(identifier=PATRON)
                draft = BorrowingDraft(citation=Citation(title=title), patron=patron, mediated=True, override=True)
                request = await requests.create_borrowing(draft)
                if rota:
                    request = await requests.reorder(request.id, list(rota), "staff:åse", None)
                numbers.append(request.number)
            return numbers

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, make_all()).result()


def make_lending(site: Site, transaction: str) -> str:
    """Number of a request of a partner, once our items that may be meant are found."""

    async def make() -> str:
        async with open_managed_requests(Opened(site.installation.config)) as managed:
            draft = LendingDraft(
                citation=TITLE_OF_SEVERAL, requester=LibraryParty(profile="bergen"), transaction=transaction
            )
            requests = managed.libraries["DEMO"].requests
            request = await requests.create_lending(draft)
            for _ in range(200):
                if len((await requests.find_request(request.id)).candidates) > 1:
                    return request.number
                await asyncio.sleep(0.05)
            raise AssertionError("there are no items to choose from")

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, make()).result()


def sign_in(page: Page, site: Site, path: str) -> None:
    page.goto(site.url("staff"))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/staff")
    page.goto(site.url(path))


def describe(scripts: bool) -> str:
    return "by mouse" if scripts else "without script"


@BOTH
def test_a_supplier_is_chosen_and_asked_in_three_clicks(
    wanda: None, site: Site, browsing: Browsing, scripts: bool
) -> None:
    (number,) = make_borrowings(site, [f"Tidevann og {scripts}"])
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{number}")
        with count_presses(page, f"choose a supplier, {describe(scripts)}", 3) as presses:
            presses.click(page.get_by_role("link", name="Choose the supplier"))
            row = page.locator("table.lenders tr.option", has_text=BERGEN)
            expect(row.locator("td").nth(5)).not_to_be_empty()
            presses.click(row.get_by_role("radio"))
            radios = page.locator("table.lenders input[type=radio]")
            assert radios.count() > 1
            assert radios.evaluate_all("all => new Set(all.map(one => one.getBoundingClientRect().x)).size") == 1
            presses.click(page.get_by_role("button", name=f"Ask {BERGEN}"))
        expect(page.get_by_role("alert")).to_contain_text(f"{BERGEN} is being asked.")
    assert site.asked(number)["partner"]["profile"] == "bergen"


def test_only_the_form_of_what_is_chosen_stands_open(wanda: None, site: Site, browsing: Browsing) -> None:
    """Without script, too: its fields, its button, who is told."""
    (number,) = make_borrowings(site, ["Om ebbe"], rota=["bergen"])
    site.command("request", "act", number, "approve")
    site.asked(number)
    site.command("request", "act", number, "cancel")
    with browsing.page(scripts=False) as page:
        sign_in(page, site, f"staff/requests/{number}/act/message")
        expect(page.get_by_role("button", name=f"Send to {BERGEN}")).to_be_visible()
        expect(page.locator(".told")).to_contain_text(f"{BERGEN}, by ")


@BOTH
def test_the_second_of_our_items_is_taken_in_two_clicks(
    wanda: None, site: Site, browsing: Browsing, scripts: bool
) -> None:
    number = make_lending(site, f"REQ-2-{scripts}")
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{number}")
        row = page.locator("table.items tr").nth(1)
        barcode = row.locator(".code.soft").inner_text()
        with count_presses(page, f"take the second item, {describe(scripts)}", 2) as presses:
            presses.click(row.get_by_role("button", name="Use this copy"))
        expect(page.locator("table.items")).to_have_count(0)
    assert site.request(number)["item_barcode"] == barcode


@pytest.mark.parametrize("handling", ["by mouse", "by keyboard", "without script"])
def test_ten_requests_are_reviewed_without_leaving_their_row(
    wanda: None, site: Site, browsing: Browsing, handling: str
) -> None:
    titles = [f"Rekke {handling}, {number}" for number in range(1, 11)]
    numbers = make_borrowings(site, titles)
    with browsing.page(scripts=handling != "without script") as page:
        sign_in(page, site, f"staff/borrowing?task=awaiting-review&q={quote(f'Rekke {handling}')}")
        with count_presses(page, f"review ten requests, {handling}", 21) as presses:
            presses.click(page.locator(".list .work", has_text=titles[0]).first)
            for left in range(9, -1, -1):
                expect(page.locator(".move")).to_be_visible()
                if handling == "by keyboard":
                    presses.press("Control+Enter")
                else:
                    presses.click(page.locator("#act button[type=submit]"))
                expect(page.locator("#banner")).to_contain_text("Approved.")
                if left:
                    expect(page.locator("#banner")).to_contain_text(f"Next of {left}:")
                    if handling == "by keyboard":
                        expect(page.locator("#next")).to_be_focused()
                        presses.press("Enter")
                    else:
                        presses.click(page.locator("#next"))
                    expect(page.locator("#banner")).to_have_count(0)
    assert {site.asked(number)["state"] for number in numbers} == {"requested"}

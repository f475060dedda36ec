"""A supplier is chosen and asked: what it costs in clicks is counted and printed, and what was said of it is compared
with the store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import PatronLink
from tests.browser.visitor import PATRON, Browsing, Site

NAME, PASSWORD = "wanda", "vier Wörter sind genug"
BERGEN = "Universitetsbiblioteket i Bergen"


@dataclass
class Presses:
    """The clicks that were made."""

    page: Page
    count: int = 0

    def click(self, place: Locator) -> None:
        self.count += 1
        place.click()


@contextmanager
def count_presses(page: Page, what: str, most: int) -> Iterator[Presses]:
    presses = Presses(page)
    yield presses
    sys.stdout.write(f"{what}: {presses.count} presses, at most {most}\n")
    assert presses.count <= most, what


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


def sign_in(page: Page, site: Site, path: str) -> None:
    page.goto(site.url("staff"))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/staff")
    page.goto(site.url(path))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_supplier_is_chosen_and_asked_in_three_clicks(
    wanda: None, site: Site, browsing: Browsing, scripts: bool
) -> None:
    (number,) = make_borrowings(site, [f"Tidevann og {scripts}"])
    with browsing.page(scripts=scripts) as page:
        sign_in(page, site, f"staff/requests/{number}")
        with count_presses(page, "choose a supplier", 3) as presses:
            presses.click(page.get_by_role("link", name="Choose suppliers"))
            row = page.locator("table.lenders tr.option", has_text=BERGEN)
            expect(row.locator("td").nth(5)).not_to_be_empty()
            presses.click(row.get_by_role("radio"))
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

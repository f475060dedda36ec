"""Printing in a browser: two clicks to the sheets, codes that scan from the screen, pages that fit, for everybody."""

from __future__ import annotations

import asyncio
import io
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from gateway.cli.installation import Installation as Opened
from gateway.cli.managed_requests import open_managed_requests
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.request import LibraryParty
from tests.browser.visitor import PHONE, Browsing, Site, fits
from tests.protocol.staff.test_print_pdf import DOTS_PER_INCH, draw_pages, require_programs
from tests.support.axe import grave

NAME, PASSWORD = "nora", "fünf Wörter sind auch genug"
RUN = "() => axe.run(document, {resultTypes: ['violations']})"
WIDTHS = (PHONE, 1024, 1600)


def ask_for_books(site: Site, count: int) -> list[str]:
    """A partner asks for works of ours; they are found on the shelves. Their numbers."""

    async def ask() -> list[str]:
        async with open_managed_requests(Opened(site.installation.config)) as managed:
            system, numbers = managed.contexts["DEMO"].system, list[str]()
            for bib in await system.search_bibs("a", 300):
                items = [one for one in (await system.holdings(bib.id)).items if one.circulates and not one.hold_count]
                if len(numbers) == count or not items or any(one.status.value != "available" for one in items):
                    continue
                citation = Citation(title=bib.title, author=bib.author, identifiers=(RecordId("local", bib.id),))
                party = LibraryParty(profile="bergen")
                draft = LendingDraft(citation=citation, requester=party, transaction=f"P-{bib.id}")
                numbers.append((await managed.libraries["DEMO"].requests.create_lending(draft)).number)
            await managed.drain_due_work()
            return numbers

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()


@pytest.fixture(scope="module")
def numbers(site: Site) -> list[str]:
    password = site.installation.folder / "nora.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    site.command("user", "add", NAME, "--role", "staff", "--password-file", str(password))
    return ask_for_books(site, 5)


def sign_in(page: Page, site: Site, path: str) -> None:
    page.goto(site.url(path))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/{path}")


@pytest.mark.slow
def test_slips_are_two_clicks_away_their_codes_scan_and_paper_is_a_slip_alone(
    numbers: list[str], site: Site, browsing: Browsing, axe_core: str, tmp_path: Path
) -> None:
    with browsing.page(width=1600) as page:
        sign_in(page, site, "staff/print")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert fits(page), width
        page.evaluate(axe_core)
        assert grave(page.evaluate(RUN)) == []

        page.get_by_role("button", name=re.compile("Print 5.*Pull slips")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Pull slips, batch 1")
        page.evaluate("window.print = () => { document.title = 'printed'; }")
        page.get_by_role("button", name="Print", exact=True).click()
        expect(page).to_have_title("printed")

        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert fits(page), width
        page.evaluate(axe_core)
        assert grave(page.evaluate(RUN)) == []
        page.emulate_media(forced_colors="active", color_scheme="dark")  # paper stays black on white
        page.evaluate("document.documentElement.style.zoom = '3'")  # as large as 300 dots an inch on paper
        shot = Image.open(io.BytesIO(page.locator(".sheets").screenshot()))
        codes = {one.text for one in zxingcpp.read_barcodes(shot, formats=zxingcpp.BarcodeFormat.Code128)}
        assert codes == set(numbers)

    # without script: the browser's own command prints the same, and so does the file
    with browsing.page(scripts=False) as page:
        sign_in(page, site, "staff/print/1")
        page.emulate_media(media="print")
        expect(page.locator(".slip").first).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_hidden()
        expect(page.locator("header.top")).to_be_hidden()

        require_programs()
        ours = page.request.get(site.url("staff/print/1/pdf")).body()
        by_browser = page.pdf(prefer_css_page_size=True)
        assert place_codes(ours, tmp_path / "ours") == place_codes(by_browser, tmp_path / "browser")


def place_codes(pdf: bytes, folder: Path) -> dict[str, tuple[int, int, int]]:
    """Where each bar code stands on paper: sheet, and centimetres from its start and its top."""
    places = {}
    for number, sheet in enumerate(draw_pages(pdf, folder)):
        for code in zxingcpp.read_barcodes(sheet, formats=zxingcpp.BarcodeFormat.Code128):
            corner = code.position.top_left
            across, down = (round(dots / DOTS_PER_INCH * 2.54) for dots in (corner.x, corner.y))
            places[code.text] = (number, across, down)
        sheet.close()
    return places

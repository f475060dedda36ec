"""Every page of staff, and of patrons, in a browser: axe finds nothing against level AA, nothing is forbidden by the
pages' own policy, the focus is seen and covered by nothing, patrons' targets are as large as a finger, nothing has
to be scrolled sideways, with letters of twice the size too; on a telephone and at a desk, light and dark, in German."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.async_api import CDPSession, Page, async_playwright

from tests.browser.reach import FIND_LOST_FOCUS, FIND_SMALL_TARGETS
from tests.browser.visitor import CHROMIUM, FLAGS, PATRON, PIN
from tests.protocol.pages.conftest import engine, installation
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.page_walk import PageWalk
from tests.protocol.staff.page_world import RULES, WorldSize, fill_world, make_batches, prepare_installation
from tests.protocol.staff.support import ALL_ROLES, PASSWORD, colleague
from tests.support.axe import describe_findings
from tests.support.daemon import Installation

__all__ = ["engine", "installation"]

RUN_AXE = """() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'],
})"""
NARROWEST = 320
"""A window of 1280 px at 400 %, as WCAG 1.4.10 asks for."""

WIDE = 1600
"""With letters of twice the size tables keep their columns here, and have the least room for them."""

USUAL_LETTERS, LARGE_LETTERS = 16, 32
"""Pixels that a browser is set to, whose pages count in them."""

WALKER = "w.walker"
FEWEST_ACTS = 10

OPEN_FILTERS = "/staff/borrowing#filters"
"""Where a window is narrow, a list shows its filters only so."""

UNFOLD = "document.querySelectorAll('main details').forEach(details => { details.open = true })"

IS_TOO_WIDE = """[document.documentElement, ...document.querySelectorAll('.panel')]
    .some((part) => part.scrollWidth > part.clientWidth + 1)"""
"""The page, or what stands in a panel, which would run over its neighbour."""

HAS_LARGE_PART = """(() => {
    const size = (heading) => parseFloat(getComputedStyle(heading).fontSize)
    return [...document.querySelectorAll('main h2')].some((part) => size(part) > size(document.querySelector('h1')))
})()"""
"""The heading of a part is larger than the page's own."""


@dataclass
class Inspection:
    """`found`: what is wrong, by address."""

    page: Page
    devtools: CDPSession
    axe_core: str
    found: dict[str, list[str]] = field(default_factory=dict)
    forbidden: list[str] = field(default_factory=list)

    def watch_policy(self) -> None:
        self.page.on("pageerror", lambda error: self.forbidden.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.forbidden.append(said.text) if "Content Security Policy" in said.text else None,
        )

    async def set_letters(self, pixels: int) -> None:
        await self.devtools.send("Page.setFontSizes", {"fontSizes": {"standard": pixels}})

    async def look_at(self, url: str, address: str) -> None:
        self.forbidden.clear()
        await self.page.goto(url + address)
        await self.page.evaluate(self.axe_core)
        found = describe_findings((await self.page.evaluate(RUN_AXE))["violations"])
        await self.page.evaluate(UNFOLD)
        found += await self.page.evaluate(FIND_LOST_FOCUS)
        if await self.page.locator("body.patron").count():
            found += await self.page.evaluate(FIND_SMALL_TARGETS)
        if await self.page.evaluate(IS_TOO_WIDE):
            found.append("has to be scrolled sideways")
        await self.set_letters(LARGE_LETTERS)
        if await self.page.evaluate(IS_TOO_WIDE):
            found.append("has to be scrolled sideways with letters of twice the size")
        if await self.page.evaluate(HAS_LARGE_PART):
            found.append("has a part with a larger heading than its own with letters of twice the size")
        await self.set_letters(USUAL_LETTERS)
        found += self.forbidden
        if found:
            self.found[address] = found


async def list_addresses(gateway: Running) -> list[str]:
    """List those of two pages of each route, one form of each act that a link leads to, each kind of patrons' page."""
    async with colleague(gateway, WALKER, *ALL_ROLES) as walker:
        await make_batches(walker)
        await walker.browser.sign_in()
        walk = PageWalk(walker.browser, each=2)
        await walk.follow_links()
    assert walk.missing_routes() == []
    return [*walk.list_addresses(), OPEN_FILTERS]


async def sign_in(page: Page, url: str, name: str) -> None:
    """Sign in as staff, and as a patron."""
    await page.goto(f"{url}/staff/sign-in")
    await page.locator("#name").fill(name)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"{url}/staff")
    await page.goto(f"{url}/openurl/DEMO/requests")
    await page.locator("#user").fill(PATRON)
    await page.locator("#password").fill(PIN)
    await page.locator("main button[type=submit]").click()
    await page.locator(".requests").first.wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [
        pytest.param(NARROWEST, True, "de-DE", id="phone-dark"),
        pytest.param(WIDE, False, "de-DE", id="desk-light", marks=pytest.mark.long),
    ],
)
async def test_nothing_on_any_page_keeps_anybody_out(
    installation: Installation, axe_core: str, width: int, dark: bool, language: str
) -> None:
    prepare_installation(installation, WorldSize.FEW)
    async with running(installation, rules=RULES) as gateway, async_playwright() as playwright:
        await fill_world(gateway, WorldSize.FEW)
        addresses = await list_addresses(gateway)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(
            viewport={"width": width, "height": 740}, color_scheme="dark" if dark else "light", locale=language
        )
        inspection = Inspection(page, await page.context.new_cdp_session(page), axe_core)
        inspection.watch_policy()
        await sign_in(page, gateway.url, WALKER)
        for address in addresses:
            await inspection.look_at(gateway.url, address)
        await browser.close()

    assert inspection.found == {}
    assert len([one for one in addresses if "/act/" in one]) > FEWEST_ACTS

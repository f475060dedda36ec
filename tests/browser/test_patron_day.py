"""A patron's day: a cancellation that is refused, a reservation, a copy, and a block with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import RequestedService, ServiceType
from gateway.domain.requests.views import FileUpload
from tests.browser.conftest import missing
from tests.browser.visitor import CHROMIUM, FLAGS, OURS, PATRON, PIN
from tests.protocol.pages.support import BLOCKED, Running, running
from tests.protocol.staff.request_scenes import RULES, TITLE, add_partners, book, hear_partner, make_asked
from tests.support.axe import grave
from tests.support.blank_pdf import write_blank_pdf
from tests.support.daemon import Installation

Look = Callable[[Page, str], Awaitable[None]]
"""At what a page looks like now, by a name of it."""

PDF = write_blank_pdf(3)
MAIL = {"host": "127.0.0.1", "port": 9, "security": "none", "sender": "ill@demo.example"}
"""Nobody takes it: letters are written, and wait."""

WIDTHS = (360, 1100, 1600)
HEIGHT = 900

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
RUN_AXE = "() => axe.run(document, {resultTypes: ['violations']})"


@pytest.fixture
async def gateway(fresh_installation: Installation, tmp_path: Path) -> AsyncIterator[Running]:
    made = fresh_installation.copy(tmp_path / "illgate")
    add_partners(made)
    async with running(made, rules=RULES, mail=MAIL) as one:
        yield one


@pytest.fixture(scope="module")
def chromium() -> str:
    if not Path(CHROMIUM).exists():
        missing(f"there is no {CHROMIUM}")
    return CHROMIUM


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        await opened.close()


async def open_page(browser: Browser, scheme: str) -> Page:
    context = await browser.new_context(
        viewport={"width": WIDTHS[0], "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.set_default_timeout(30_000)
    return await context.new_page()


async def sign_in(page: Page, gateway: Running, card: str) -> None:
    await page.goto(f"{gateway.url}/openurl/DEMO/requests")
    await page.get_by_label("Card number").fill(card)
    await page.get_by_label("PIN").fill(PIN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("My account")


async def list_letters(gateway: Running, request_id: str) -> list[str]:
    notices = await gateway.gateway.managed.libraries["DEMO"].notices.list_notices(request_id, 50, "")
    return [one.letter for one in notices]


async def live_through_refused_cancellation(gateway: Running, page: Page, look: Look) -> None:
    request = await make_asked(gateway, citation=book())
    await hear_partner(gateway, request, EventKind.WILL_SUPPLY)
    await page.reload()
    await expect(page.locator(".requests > li").first).to_contain_text("Another library will send it.")
    await page.get_by_role("link", name=f"Cancel: {TITLE}").click()
    await look(page, "cancel")
    await page.get_by_role("button", name="Yes, cancel the request").click()

    await expect(page.get_by_role("status")).to_contain_text("We have asked the other library to cancel it")
    await expect(page.locator("main .tag")).to_have_text("Cancellation requested")
    await look(page, "cancellation-requested")

    await hear_partner(gateway, request, EventKind.CANCEL_REFUSED, reason="other")
    await page.get_by_role("link", name="My account").first.click()
    row = page.locator(".requests > li").first
    await expect(row.locator(".tag")).to_have_text("Not cancelled")
    await expect(row).to_contain_text("The other library could not cancel it. We will return it when it arrives.")
    await look(page, "cancellation-refused")
    assert "cancel-refused" in await list_letters(gateway, request.id)
    assert "cancelled" not in await list_letters(gateway, request.id)


async def live_through_reservation(gateway: Running, page: Page, look: Look) -> None:
    await page.goto(f"{gateway.url}/{OURS}")
    await page.get_by_role("link", name="Reserve: Reserve this item").click()
    await page.get_by_label("Pickup location").select_option("NORTH")
    await page.get_by_role("button", name="Reserve").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reserved")
    await look(page, "reserved")

    await page.get_by_role("link", name="My account").first.click()
    await expect(page.get_by_role("heading", name="Reserved in our library")).to_be_visible()
    await look(page, "reservations")
    await page.get_by_role("link", name="Cancel: The Three-Body Problem").click()
    await look(page, "cancel-reservation")
    await page.get_by_role("button", name="Yes, cancel the reservation").click()
    await expect(page.get_by_role("status")).to_have_text("Your reservation is cancelled.")
    await expect(page.get_by_role("heading", name="Reserved in our library")).to_have_count(0)


async def live_through_copy(gateway: Running, page: Page, look: Look) -> None:
    request = await make_asked(gateway, citation=book(title="Nebel"), service=RequestedService(ServiceType.COPY))
    upload = FileUpload(name="Nebel.pdf", media_type="application/pdf", content=PDF)
    request, attachment = await gateway.requests().attach(request.id, upload, "partner:altenried", None)
    await hear_partner(gateway, request, EventKind.COPY_DELIVERED, attachment=attachment.id)
    await page.reload()
    await look(page, "copy-ready")
    await page.get_by_role("link", name="Get the copy").click()
    await look(page, "copy")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download").click()
    download = await started.value
    assert download.suggested_filename == "Nebel.pdf"
    assert await asyncio.to_thread((await download.path()).read_bytes) == PDF


async def meet_block(gateway: Running, page: Page, look: Look) -> None:
    await sign_in(page, gateway, BLOCKED)
    await page.goto(f"{gateway.url}/openurl/DEMO/request?genre=book&title=Gezeitenkunde")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Your account is blocked from making requests.")
    await expect(alert).to_contain_text("Message from the library: card reported lost")
    await expect(page.locator("main form")).to_have_count(0)
    await look(page, "blocked")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
async def test_a_day_of_a_patron(gateway: Running, browser: Browser, axe_core: str, scheme: str) -> None:
    problems: dict[str, list[str]] = {}

    async def look(page: Page, name: str) -> None:
        await page.evaluate(axe_core)
        found = grave(await page.evaluate(RUN_AXE))
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": HEIGHT})
            if not await page.evaluate(FITS):
                found.append(f"has to be scrolled sideways at {width}")
        await page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        if found:
            problems[name] = found

    page = await open_page(browser, scheme)
    await sign_in(page, gateway, PATRON)
    await live_through_refused_cancellation(gateway, page, look)
    await live_through_reservation(gateway, page, look)
    await live_through_copy(gateway, page, look)
    await meet_block(gateway, await open_page(browser, scheme), look)
    assert problems == {}

"""Pictures of staff's pages, of a made-up library.

python -m tests.browser.pictures docs/staff/pictures          those of docs/staff
python -m tests.browser.pictures FOLDER --review [SIZE …]     every page of staff and patrons: widths, looks, sizes

SIZE: empty, few, many; without one, all three. --looks and --widths choose some, --unfold opens what is folded.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.test_every_staff_page import LARGE_LETTERS, UNFOLD, sign_in
from tests.browser.visitor import CHROMIUM, FLAGS
from tests.protocol.pages.support import Running, running, visitor
from tests.protocol.staff.page_walk import PageWalk
from tests.protocol.staff.page_world import (
    CONDITIONAL,
    PLAIN_TITLES,
    RULES,
    TITLES,
    WorldSize,
    fill_world,
    make_batches,
    prepare_installation,
)
from tests.protocol.staff.support import ALL_ROLES, Colleague, make_user
from tests.support.daemon import Installation

NAME, SHOWN_NAME = "r.okafor", "Ruth Okafor"
WIDTHS = (360, 1024, 1600)
LONGEST = 16_000
"""Pixels of a page that Chromium still draws as one picture."""

COLOURS = 128
"""Of a palette: pages have few, and files become a quarter as large."""


class DocsPicture(NamedTuple):
    name: str
    address: str
    width: int = 1280
    height: int = 900


DOCS: tuple[DocsPicture, ...] = (
    DocsPicture("work-queue", "/staff"),
    DocsPicture("list", "/staff/borrowing"),
    DocsPicture("list-on-a-telephone", "/staff/borrowing", 360, 740),
    DocsPicture("request", f"/staff/requests/{CONDITIONAL}"),
    DocsPicture("new-request", "/staff/requests/new"),
    DocsPicture("copies", "/staff/copies/desk"),
    DocsPicture("messages", "/staff/messages"),
    DocsPicture("mail", "/staff/mail"),
    DocsPicture("outbox", "/staff/outbox"),
    DocsPicture("partners", "/staff/partners"),
    DocsPicture("statistics", "/staff/statistics"),
    DocsPicture("operation", "/staff/operation"),
    DocsPicture("privacy", "/staff/privacy"),
    DocsPicture("users", "/staff/users"),
    DocsPicture("print", "/staff/print"),
)
"""In this order; `print` is the last, since slips are made from there."""


class Look(NamedTuple):
    """`forced`: the colours of the system, for every page; `large`: letters of twice the size."""

    name: str
    language: str = "en-GB"
    dark: bool = False
    forced: bool = False
    large: bool = False


LOOKS = (
    Look("light-en"),
    Look("light-de", "de-DE"),
    Look("dark-en", dark=True),
    Look("dark-de", "de-DE", dark=True),
    Look("forced-de", "de-DE", forced=True),
    Look("large-de", "de-DE", large=True),
)

SIGN_IN = DocsPicture("sign-in", "/staff/sign-in", height=620)

SCANNED = ("B2026-00006", "B2026-00007", "39-UNKNOWN", "B2026-00006")
"""Two parcels, a code that nobody knows, and a parcel once more."""


@contextlib.asynccontextmanager
async def open_gateway(size: WorldSize, titles: Sequence[str]) -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation.make(Path(folder) / "illgate")
        prepare_installation(installation, size)
        async with running(installation, rules=RULES if size is not WorldSize.EMPTY else {}) as gateway:
            await fill_world(gateway, size, titles)
            await make_user(gateway, NAME, *ALL_ROLES, shown_name=SHOWN_NAME)
            yield gateway


async def list_addresses(gateway: Running) -> list[str]:
    """One of each page."""
    async with visitor(gateway) as browser:
        walker = Colleague(browser)
        await walker.sign_in(NAME)
        await make_batches(walker)
        await browser.sign_in()
        walk = PageWalk(browser, each=1)
        await walk.follow_links()
        return walk.list_addresses()


@contextlib.asynccontextmanager
async def open_page(browser: Browser, look: Look = LOOKS[0]) -> AsyncIterator[Page]:
    context = await browser.new_context(
        color_scheme="dark" if look.dark else "light",
        forced_colors="active" if look.forced else "none",
        locale=look.language,
    )
    yield await context.new_page()
    await context.close()


async def make_docs_pictures(folder: Path) -> None:
    async with async_playwright() as playwright, open_gateway(WorldSize.FEW, PLAIN_TITLES) as gateway:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        async with open_page(browser) as page:
            await shoot_for_docs(page, gateway, SIGN_IN, folder)
            await sign_in(page, gateway.url, NAME)
            for one in DOCS:
                await shoot_for_docs(page, gateway, one, folder)
            await page.get_by_role("button", name=re.compile("^Print .*Pull slips")).click()
            await write_page(page, folder / "slips.png")
            await page.goto(f"{gateway.url}/staff/scan/receive")
            for code in SCANNED:
                await page.locator("#code").press_sequentially(f"{code}\n")
            await expect(page.locator("#log > li:not([data-outcome=waiting])")).to_have_count(len(SCANNED))
            await write_page(page, folder / "scan.png")
        await browser.close()


async def shoot_for_docs(page: Page, gateway: Running, one: DocsPicture, folder: Path) -> None:
    await page.set_viewport_size({"width": one.width, "height": one.height})
    await page.goto(gateway.url + one.address)
    await write_page(page, folder / f"{one.name}.png")


async def write_page(page: Page, file: Path) -> None:
    write_picture(await page.screenshot(), file)


async def make_review_pictures(folder: Path, choice: argparse.Namespace) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for size in choice.review or WorldSize:
            async with open_gateway(size, TITLES) as gateway:
                addresses = await list_addresses(gateway)
                for look in (one for one in LOOKS if one.name in choice.looks):
                    async with open_page(browser, look) as page:
                        await sign_in(page, gateway.url, NAME)
                        for width in choice.widths:
                            camera = Camera(page, look, width, unfold=choice.unfold)
                            await camera.shoot_all(gateway.url, addresses, folder / f"{size}-{look.name}-{width}")
        await browser.close()


@dataclass(frozen=True)
class Camera:
    page: Page
    look: Look
    width: int
    unfold: bool

    async def shoot_all(self, url: str, addresses: Sequence[str], folder: Path) -> None:
        devtools = await self.page.context.new_cdp_session(self.page)
        for address in addresses:
            await self.page.set_viewport_size({"width": self.width, "height": 900})
            await self.page.goto(url + address)
            if self.unfold:
                await self.page.evaluate(UNFOLD)
            if self.look.large:
                await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": LARGE_LETTERS}})
            await self._show_whole()
            shot = await devtools.send("Page.captureScreenshot")
            name = re.sub(r"[^A-Za-z0-9]+", "-", address).strip("-") or "start"
            write_picture(base64.b64decode(shot["data"]), folder / f"{name}.png")

    async def _show_whole(self) -> None:
        """Playwright's own pictures of whole pages have the usual letters."""
        height = await self.page.evaluate("document.documentElement.scrollHeight")
        await self.page.set_viewport_size({"width": self.width, "height": min(max(height, 900), LONGEST)})


def write_picture(png: bytes, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of staff's pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--review", nargs="*", type=WorldSize, metavar="SIZE", help="every page, in every look")
    parser.add_argument("--looks", nargs="+", default=[one.name for one in LOOKS], metavar="LOOK")
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS, metavar="PIXELS")
    parser.add_argument("--unfold", action="store_true", help="open what is folded")
    said = parser.parse_args()
    if said.review is None:
        asyncio.run(make_docs_pictures(said.folder))
    else:
        asyncio.run(make_review_pictures(said.folder, said))


if __name__ == "__main__":
    main()

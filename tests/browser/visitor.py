"""A browser as a visitor has it, and the site that it visits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from tests.support.daemon import Installation

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATRON, PIN = "21000000000017", "1234"

ARTICLE = "openurl?" + urlencode(
    {
        "genre": "article",
        "atitle": "Om fargen på gammel snø",
        "title": "Norsk tidsskrift for is og vann",
        "aulast": "Haldorsen",
        "aufirst": "Sigrid",
        "volume": "41",
        "issue": "2",
        "spage": "77",
        "epage": "91",
        "date": "2004-05",
        "issn": "0378-5955",
        "id": "doi:10.1000/is.182",
        "flavour": "vanilla",
    }
)
BOOK = "openurl?" + urlencode({"genre": "book", "title": "Шум дождя", "aulast": "Озёрная", "date": "1925"})
OURS = "openurl?" + urlencode({"genre": "book", "isbn": "9780000010018", "title": "The Three-Body Problem"})

PHONE, DESKTOP = 360, 1280


@dataclass(frozen=True)
class Site:
    """`mailed`: to whom the daemon has sent mail."""

    installation: Installation
    mailed: list[str]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.installation.port}/{path}"

    def request(self, number: str) -> dict[str, Any]:
        """As staff see it."""
        found: dict[str, Any] = json.loads(self.command("request", "show", number, "--json"))["request"]
        return found

    def request_messages(self, number: str) -> list[dict[str, Any]]:
        """With the partner, oldest first, as staff see them."""
        found: list[dict[str, Any]] = json.loads(self.command("request", "show", number, "--json"))["messages"]
        return found

    def command(self, *arguments: str) -> str:
        """What `illgate` prints."""
        return self.installation.run(*arguments, check=False).stdout

    def asked(self, number: str, seconds: float = 30) -> dict[str, Any]:
        """Once a supplier has been asked for it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.request(number)
            if found["state"] == "requested":
                return found
            time.sleep(0.1)
        raise AssertionError(f"nobody was asked for {number}: {found}")


@dataclass(frozen=True)
class Browsing:
    browser: Browser

    @contextmanager
    def page(self, *, width: int = DESKTOP, scripts: bool = True, language: str = "en-GB") -> Iterator[Page]:
        """A new visitor. An error of the page's own script, or something that its policy forbids, fails the test."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 740}, java_script_enabled=scripts, locale=language
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
        try:
            yield page
        finally:
            context.close()
        assert problems == []


def sign_in(page: Page) -> None:
    page.get_by_label("Card number").fill(PATRON)
    page.get_by_label("PIN").fill(PIN)
    page.get_by_role("button", name="Sign in").click()


def fits(page: Page) -> bool:
    """Nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))

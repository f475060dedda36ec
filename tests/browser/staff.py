"""Staff at a browser: users of the site, and how they sign in. Used by the tests of all pages of staff."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from click.testing import CliRunner
from playwright.sync_api import Page

from gateway.cli import main
from tests.browser.reach import FIND_LOST_FOCUS, FIND_SMALL_TARGETS
from tests.browser.visitor import DESKTOP, Browsing, Site, fits
from tests.support.axe import grave

PASSWORD = "vier Wörter sind genug"

RUN_AXE = "() => axe.run(document, {resultTypes: ['violations']})"


def make_user(site: Site, name: str, *roles: str, shown_name: str = "") -> None:
    """As an operator does it at a terminal; one that is there already stays."""
    given = [word for role in roles for word in ("--role", role)]
    command = ["--config", str(site.installation.config), "user", "add", name, *given, "--as", "test"]
    with ThreadPoolExecutor(1) as thread:  # the thread that drives the browser has an event loop already
        done = thread.submit(
            CliRunner().invoke, main, [*command, "--shown-name", shown_name or name], input=f"{PASSWORD}\n"
        ).result()
    assert done.exit_code == 0 or "An account with this name already exists" in done.output, done.output


def sign_in_as(page: Page, site: Site, name: str, back: str = "staff", password: str = PASSWORD) -> None:
    """The address `back` is asked for, and comes after signing in."""
    page.goto(site.url(back))
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("main button[type=submit]").click()


@contextmanager
def staff_page(
    site: Site,
    browsing: Browsing,
    name: str,
    *roles: str,
    back: str = "staff",
    width: int = DESKTOP,
    scripts: bool = True,
    language: str = "en-GB",
    dark: bool = False,
) -> Iterator[Page]:
    """A page of staff with somebody who has these roles, signed in."""
    make_user(site, name, *roles)
    with browsing.page(width=width, scripts=scripts, language=language) as page:
        page.emulate_media(color_scheme="dark" if dark else "light")
        sign_in_as(page, site, name, back)
        page.wait_for_url(lambda url: "/staff/sign-in" not in url)  # a key that is pressed before that is lost
        yield page


class PageInspector:
    """What keeps people out, by the name of the page that was looked at."""

    def __init__(self, page: Page, axe_core: str) -> None:
        self._page = page
        self._axe = axe_core
        self.found: dict[str, list[str]] = {}
        self.looked_at: list[str] = []

    def look(self, name: str) -> None:
        self._page.evaluate(self._axe)
        found = grave(self._page.evaluate(RUN_AXE))
        if not fits(self._page):
            found.append("has to be scrolled sideways")
        found += self._page.evaluate(FIND_LOST_FOCUS)
        if self._page.locator("body.patron").count():
            found += self._page.evaluate(FIND_SMALL_TARGETS)
        self.looked_at.append(name)
        if found:
            self.found[name] = found

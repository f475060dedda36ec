"""Somebody at a desk, in a browser: by mouse, by keyboard alone or without script; what it costs is counted."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.staff import sign_in_as
from tests.browser.visitor import Browsing, Site

MAX_TABS = 30
"""Nothing that the day needs is farther away on its page."""

ANSWER_MILLISECONDS = 30_000

PICTURES = os.environ.get("ILLGATE_DESK_PICTURES", "")
"""A folder: then each step of each day leaves a picture of its page there."""

WHERE_FOCUS_IS = """one => {
    const there = document.activeElement;
    if (one === there) return "on it";
    if (there === document.body) return "nowhere";
    if (there.matches("a.skip")) return "on the way past the head";
    return one.compareDocumentPosition(there) & Node.DOCUMENT_POSITION_FOLLOWING ? "behind it" : "before it";
}"""

_pictures = itertools.count(1)


class Handling(StrEnum):
    """How somebody works."""

    MOUSE = "mouse"
    KEYBOARD = "keyboard"
    NO_SCRIPT = "no-script"


@dataclass
class Effort:
    """`clicks`: what was clicked, or pressed by Enter or Space; `keys`: those that lead to it (Tab, arrows); `fields`:
    those that were filled in."""

    clicks: int = 0
    scans: int = 0
    keys: int = 0
    fields: int = 0


class Desk:
    def __init__(self, page: Page, handling: Handling, name: str) -> None:
        self.page = page
        self.handling = handling
        self.effort = Effort()
        self._name = name

    # --- where somebody is ---------------------------------------------------------------------------------

    def walk_to(self, *links: str) -> None:
        """By the menu, and by links from there on; the way to a page isn't counted."""
        with self.count_effort():
            self.follow_link(links[0], self.page.locator("nav.menu"))
            for link in links[1:]:
                self.follow_link(link)

    def open_listed(self, title: str) -> None:
        """From a list of requests, by its title; with keys by j, which goes down the list. The way isn't counted."""
        with self.count_effort():
            row = self.page.locator(".list .work").filter(has_text=title).first
            if self.handling is Handling.KEYBOARD:
                self._move_to(row, "j")
            self._keep_picture()
            with self._leave_page():
                self._activate(row)

    def find_request(self, number: str) -> None:
        """By the box that every page has: what is found alone opens at once. The way isn't counted."""
        with self.count_effort():
            field = self.page.locator("#q")
            self._move_to(field) if self.handling is Handling.KEYBOARD else field.click()
            self.page.keyboard.type(number)
            with self._leave_page():
                self.page.keyboard.press("Enter")
        expect(self.page.locator(".record-head")).to_contain_text(number)

    @contextmanager
    def count_effort(self) -> Iterator[Effort]:
        """Of what is done inside."""
        before, self.effort = self.effort, Effort()
        try:
            yield self.effort
        finally:
            self.effort = before

    def see_banner(self, text: str) -> None:
        expect(self.page.locator("#banner")).to_contain_text(text)
        self._keep_picture()

    def _keep_picture(self) -> None:
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{next(_pictures):03}-{self.handling}-{self._name}.png"
            self.page.screenshot(path=folder / name, full_page=True)

    # --- what somebody does --------------------------------------------------------------------------------

    def press_button(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """It leads to another page."""
        self._keep_picture()
        with self._leave_page():
            self._activate((within or self.page.locator("main")).get_by_role("button", name=name).first)

    def follow_link(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        self._keep_picture()
        with self._leave_page():
            self._activate((within or self.page.locator("main")).get_by_role("link", name=name).first)

    def unfold(self, text: str) -> None:
        self._activate(self.page.locator("summary").filter(has_text=text).first)

    def press_here(self, target: Locator) -> None:
        """It leads nowhere else."""
        self._activate(target)

    def _find_field(self, label: str) -> Locator:
        return self.page.locator("main").locator("input, textarea, select").and_(self.page.get_by_label(label)).first

    def write_text(self, label: str, text: str) -> None:
        field = self._find_field(label)
        self.effort.fields += 1
        if self.handling is Handling.KEYBOARD:
            self._move_to(field)
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def choose_option(self, label: str, option: str) -> None:
        """Of a list."""
        field = self._find_field(label)
        self.effort.fields += 1
        if self.handling is not Handling.KEYBOARD:
            field.select_option(label=option)
            return
        self._move_to(field)
        for _ in range(field.locator("option").count()):
            if field.evaluate("one => one.selectedOptions[0].label") == option:
                return
            self._press_key("ArrowDown")
        raise AssertionError(f"{label} has no {option}")

    def tick_box(self, name: str) -> None:
        """One of several choices, or yes to something."""
        box = self.page.get_by_label(name, exact=True).first
        if self.handling is not Handling.KEYBOARD:
            self._activate(box)
        elif box.get_attribute("type") == "radio":
            self._move_to_radio(box)
        else:
            self._move_to(box)
            self._press_key("Space")
            self.effort.clicks += 1
        expect(box).to_be_checked()

    def find_part(self, text: str) -> Locator:
        """Of a page on which several requests stand, the part about this one."""
        return self.page.locator("article").filter(has_text=text).first

    def add_file(self, name: str, media_type: str, content: bytes, within: Locator) -> None:
        """By the window in which files are chosen; choosing there is a click. It is done when the page says so."""
        self._keep_picture()
        with self.page.expect_file_chooser() as chooser:
            self._activate(within.locator("input[type=file]"))
        chooser.value.set_files({"name": name, "mimeType": media_type, "buffer": content})
        self.effort.clicks += 1
        send = within.get_by_role("button", name="Add the files")
        if self.handling is Handling.NO_SCRIPT:
            with self._leave_page():
                self._activate(send)
        else:
            self._activate(send)
            expect(within.locator(".uploads li.is-good")).to_contain_text(name)
        self._keep_picture()

    def scan_codes(self, *codes: str) -> None:
        """At an open scan page, with a scanner: characters and Enter into whatever has the focus. Each is to be done.
        Without script the form is sent by its button when all are scanned."""
        self._scan_all(codes, len(codes))

    def scan_pair(self, number: str, barcode: str) -> None:
        """The number of a request, then the barcode of the item that belongs to it: one line for both."""
        self._scan_all((number, barcode), 1)

    def _scan_all(self, codes: Sequence[str], wanted: int) -> None:
        field = self.page.locator("#code")
        expect(field).to_be_focused()
        without = self.handling is Handling.NO_SCRIPT
        if not without:
            expect(self.page.locator("#ready")).to_be_visible()
        seen = 0 if without else self.page.locator("#log > li").count()
        for code in codes:
            self.page.keyboard.type(code)
            self.page.keyboard.press("Enter")
            self.effort.scans += 1
        if without:
            self._keep_picture()
            with self._leave_page():
                self._activate(self.page.locator("#scan button[type=submit]"))
        lines = self.page.locator("#log > li")
        expect(self.page.locator('#log > li[data-outcome="waiting"]')).to_have_count(0, timeout=ANSWER_MILLISECONDS)
        self._keep_picture()
        outcomes = lines.evaluate_all("found => found.map(one => one.dataset.outcome)")
        assert outcomes[: len(outcomes) - seen] == ["done"] * wanted, lines.all_inner_texts()
        expect(self.page.locator("#pile > li")).to_have_count(0)

    @contextmanager
    def _leave_page(self) -> Iterator[None]:
        """Until another page is there; a place on the same page is none."""
        self.page.evaluate("document.documentElement.dataset.left = ''")
        yield
        expect(self.page.locator("html:not([data-left])")).to_have_count(1, timeout=ANSWER_MILLISECONDS)
        self.page.wait_for_load_state()

    # --- by mouse and by keyboard --------------------------------------------------------------------------

    def _activate(self, target: Locator) -> None:
        self.effort.clicks += 1
        if self.handling is Handling.KEYBOARD:
            self._move_to(target)
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def _press_key(self, key: str) -> None:
        self.effort.keys += 1
        self.page.keyboard.press(key)

    def _move_to(self, target: Locator, key: str = "Tab") -> None:
        """By Tab, or back; past the head of the page by its own link. Or by another key alone."""
        target.wait_for()
        for _ in range(MAX_TABS):
            where = target.evaluate(WHERE_FOCUS_IS)
            if where == "on it":
                return
            if key != "Tab":
                self._press_key(key)
                continue
            if where == "on the way past the head" and target.evaluate("one => one.closest('main') !== null"):
                self._press_key("Enter")
            self._press_key("Shift+Tab" if where == "behind it" else "Tab")
        raise AssertionError(f"{target} was not reached by {MAX_TABS} keys")

    def _move_to_radio(self, box: Locator) -> None:
        """Tab leads to the one that is chosen, else to the first; arrows lead on, and choose."""
        group = self.page.locator(f'input[type=radio][name="{box.get_attribute("name")}"]')
        chosen = group.and_(self.page.locator(":checked"))
        self._move_to(chosen if chosen.count() else group.first)
        for _ in range(group.count()):
            if box.is_checked():
                break
            self._press_key("ArrowDown" if chosen.count() or box.evaluate(WHERE_FOCUS_IS) != "on it" else "Space")
        self.effort.clicks += 1


@contextmanager
def open_desk(browsing: Browsing, site: Site, name: str, handling: Handling, width: int) -> Iterator[Desk]:
    """With somebody signed in."""
    with browsing.page(width=width, scripts=handling is not Handling.NO_SCRIPT) as page:
        sign_in_as(page, site, name)
        page.wait_for_url(lambda url: "/staff/sign-in" not in url)
        yield Desk(page, handling, name)


@contextmanager
def open_reader_desk(
    browsing: Browsing, address: str, card: str, pin: str, handling: Handling, width: int
) -> Iterator[Desk]:
    """With a reader who looks at their own requests. `address`: of the pages of the library's readers."""
    with browsing.page(width=width, scripts=handling is not Handling.NO_SCRIPT) as page:
        desk = Desk(page, handling, "reader")
        page.goto(f"{address}/requests")
        desk.write_text("Card number", card)
        desk.write_text("PIN", pin)
        desk.press_button("Sign in")
        yield desk

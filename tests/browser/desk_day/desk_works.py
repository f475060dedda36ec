"""Works of a desk that more than one day begins with or comes by, and what a work may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.browser.desk_day.desk import Desk, Handling
from tests.browser.desk_day.world import CARD, DeskLibrary
from tests.support.effort_report import note_effort

TakeDesk = Callable[[DeskLibrary, str, Handling], Desk]
"""Who works, in which library and how; the fixture `take_desk`."""


@contextmanager
def costs(desk: Desk, clicks: int = 0, scans: int = 0, fields: int = 0, work: str = "") -> Iterator[None]:
    """What is done inside takes no more and no less. Without script a run of scans is sent by one click. `work`: its
    name, where the count is printed."""
    with desk.count_effort() as effort:
        yield
    sent = 1 if scans and desk.handling is Handling.NO_SCRIPT else 0
    if work:
        note_effort(
            f"{work}, by {desk.handling}",
            f"{effort.clicks} clicks, {effort.scans} scans, {effort.fields} fields",
            f"{clicks + sent} clicks, {scans} scans",
        )
    assert (effort.clicks, effort.scans, effort.fields) == (clicks + sent, scans, fields)


def ask_for(desk: Desk, theirs: DeskLibrary, title: str, author: str, volumes: str = "", pages: str = "") -> str:
    """Somebody asks for a work of this library, and lets the request go on: its number. `volumes`: one a line;
    `pages`: a copy of these is meant."""
    desk.walk_to("Borrowing", "New request")
    desk.write_text("Title of the book or journal", title)
    desk.write_text("Author or editor", author)
    if volumes:
        desk.write_text("Volumes, one per line", volumes)
    if pages:
        desk.write_text("Pages", pages)
        desk.tick_box("A copy of an article, a chapter or some pages")
    desk.write_text("Patron’s card number", CARD)
    desk.choose_option("Pickup location", "Filialen i Vestbyen")
    desk.choose_option("First supplier", theirs.shown_name)
    desk.press_button("Create request")
    desk.see_banner(" created.")
    number = desk.page.locator(".record-head .code.whole").first.inner_text()

    desk.walk_to("Work queue", "To review")
    desk.open_listed(title)
    with costs(desk, clicks=1):
        desk.press_button("Approve")
    desk.see_banner("Approved.")
    return number


def print_batch(desk: Desk) -> None:
    """One click on the page of a batch. Without script the browser's own command prints; the click says that it has."""
    if desk.handling is Handling.NO_SCRIPT:
        desk.press_button("Mark as printed")
        return
    desk.page.evaluate("window.print = () => { document.title = 'printed'; }")
    desk.press_here(desk.page.locator("[data-print]"))
    expect(desk.page).to_have_title("printed")

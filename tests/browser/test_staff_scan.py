"""Scan pages at a browser: a scanner that is quicker than the gateway, what needs a hand, and a network that goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.staff import PageInspector, make_user, sign_in_as, staff_page
from tests.browser.visitor import DESKTOP, PATRON, PHONE, Browsing, Site

TITLES = ("تاريخ الملاحة في البحر الأحمر", "海东方言词典", "מפות הים התיכון בימי הביניים", "Om fargen på gammel snø")


def ask_for(site: Site, title: str) -> str:
    """The number of a request that a partner has been asked for, so that its item may come."""
    made = site.command("request", "create", "--patron", PATRON, "--title", title, "--no-review", "--as", "test")
    number = made.partition(":")[0]
    site.asked(number)
    return number


def type_codes(page: Page, codes: list[str], milliseconds: int) -> None:
    """As a scanner does: characters and Enter, into whatever has the focus."""
    for code in codes:
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.wait_for_timeout(milliseconds)


def scan_codes(page: Page, codes: list[str], milliseconds: int = 60) -> None:
    expect(page.locator("#ready")).to_be_visible()
    type_codes(page, codes, milliseconds)


def scanned(page: Page) -> list[tuple[str, str]]:
    """Code and outcome of each line, in the order in which they were scanned."""
    lines = page.locator("#log > li").evaluate_all(
        "found => found.map(one => [one.querySelector('.code').textContent, one.dataset.outcome])"
    )
    return [(code, outcome) for code, outcome in lines][::-1]


def wait_until_all_sent(page: Page, seconds: float = 60) -> None:
    expect(page.locator("#count-waiting")).to_have_text("0", timeout=seconds * 1000)


def test_fifty_codes_at_ten_a_second_are_fifty_lines_in_order(site: Site, browsing: Browsing) -> None:
    numbers = [ask_for(site, title) for title in TITLES]
    codes = [f"X-{at:03}" for at in range(50)]
    for place, number in zip((0, 13, 27, 49), numbers, strict=True):
        codes[place] = number
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        expect(page.locator("#code")).to_be_focused()
        scan_codes(page, codes[:25], 90)
        page.locator("#main").click(position={"x": 3, "y": 3})  # the focus gets lost
        scan_codes(page, codes[25:], 90)
        expect(page.locator("#code")).to_be_focused()
        expect(page.locator("#code")).to_have_value("")
        wait_until_all_sent(page)

        expected = [(code, "done" if code in numbers else "failed") for code in codes]
        assert scanned(page) == expected
        assert [page.locator(f"#count-{name}").inner_text() for name in ("done", "look", "failed")] == ["4", "0", "46"]
    assert {site.request(number)["state"] for number in numbers} == {"received"}


def test_what_is_typed_before_the_script_is_there_is_not_lost(site: Site, browsing: Browsing) -> None:
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan") as page:
        held: list[Route] = []
        page.route(re.compile(r"/scan\.js"), lambda route: held.append(route))
        page.goto(site.url("staff/scan/receive"), wait_until="commit")
        expect(page.locator("#code")).to_be_focused()
        type_codes(page, ["X-001", "X-002"], 20)
        page.keyboard.type("X-0")
        held[0].continue_()
        expect(page.locator("input#code")).to_have_value("X-0")
        type_codes(page, ["03"], 20)
        wait_until_all_sent(page)

        assert scanned(page) == [("X-001", "failed"), ("X-002", "failed"), ("X-003", "failed")]


def test_wrong_codes_and_a_second_scan_say_what_they_are(site: Site, browsing: Browsing) -> None:
    number = ask_for(site, TITLES[0])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        scan_codes(page, [PATRON, number, number, f"https://ill.example/staff/requests/{number}"])
        wait_until_all_sent(page)

        assert [outcome for _, outcome in scanned(page)] == ["failed", "done", "done", "done"]
        lines = page.locator("#log > li")
        expect(lines.nth(3)).to_contain_text("This is a patron’s card.")
        expect(lines.nth(1)).to_contain_text("already done; nothing was changed")
        expect(page.get_by_role("status")).to_contain_text(TITLES[0])
        expect(page.locator("#pile > li")).to_have_count(1)
        page.get_by_role("button", name="Dismiss").click()
        expect(page.locator("#pile > li")).to_have_count(0)
        expect(page.locator("#code")).to_be_focused()
        with pytest.raises(AssertionError):
            expect(page.get_by_role("dialog")).to_have_count(1, timeout=200)


def test_what_needs_a_hand_waits_on_the_pile_while_scanning_goes_on(site: Site, browsing: Browsing) -> None:
    made = site.command("request", "lend-to", "bergen", "--title", "Wetterleuchten", "--as", "test")
    number, item = made.partition(":")[0], "39000000000019"
    other = ask_for(site, TITLES[1])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/locate") as page:
        scan_codes(page, [number, other])
        wait_until_all_sent(page)
        hand = page.locator("#pile > li[data-outcome=look]")
        expect(hand).to_have_count(1)
        expect(page.locator("#pile > li[data-outcome=failed]").get_by_role("link")).to_have_text(f"Open {other}")
        expect(page.locator("#code")).to_be_focused()

        hand.get_by_label("Barcode of the item").fill(item)
        hand.get_by_role("button", name="Mark as pulled").click()
        wait_until_all_sent(page)

        expect(hand).to_have_count(0)
        expect(page.locator("#code")).to_be_focused()
        assert scanned(page) == [(number, "look"), (other, "failed"), (number, "done")]
    assert site.request(number)["state"] == "located"


def test_an_undo_stands_beside_the_line(site: Site, browsing: Browsing) -> None:
    number = ask_for(site, TITLES[2])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        for work in ("receive", "arrive", "lend"):
            page.goto(site.url(f"staff/scan/{work}"))
            scan_codes(page, [number])
            wait_until_all_sent(page)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#log > li").first).to_contain_text(f"Undone: {number}")
        expect(page.locator("#code")).to_be_focused()
    assert site.request(number)["state"] == "back"


def test_what_is_on_loan_goes_back_after_a_yes_and_its_label_is_printed_from_the_run(
    site: Site, browsing: Browsing
) -> None:
    number = ask_for(site, TITLES[0])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        for work in ("receive", "arrive", "lend", "return"):
            page.goto(site.url(f"staff/scan/{work}"))
            scan_codes(page, [number])
            wait_until_all_sent(page)
        assert site.request(number)["state"] == "lent"
        page.locator("#pile").get_by_role("button", name="Return anyway").click()
        wait_until_all_sent(page)
        expect(page.locator("#pile > li")).to_have_count(0)
        assert site.request(number)["state"] == "returned"

        run = page.locator("#print-run input[name=run]")
        expect(run).to_have_value(site.request(number)["id"])
        run.evaluate("(field) => (field.value = `${'0'.repeat(24)} `.repeat(700) + field.value)")  # a day of scans
        page.get_by_role("button", name="Print address labels").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Address labels, batch")
        expect(page.locator("article.slip")).to_have_count(1)
        expect(page.locator("article.slip")).to_contain_text(number)


RECORD_PRINTS = """
window.print = () => {
  top.printed = [...(top.printed ?? []), location.pathname];
  for (const name of ["beforeprint", "afterprint"]) window.dispatchEvent(new Event(name));
};
"""
"""What a printer gets, by the pages that were printed."""


def test_slips_are_printed_with_each_scan_while_scanning_goes_on(site: Site, browsing: Browsing) -> None:
    numbers = [ask_for(site, title) for title in TITLES]
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        scan_codes(page, numbers)
        wait_until_all_sent(page)
        page.add_init_script(RECORD_PRINTS)
        page.goto(site.url("staff/scan/arrive"))
        page.get_by_label("After each scan").check()
        scan_codes(page, [numbers[0], "X-001", *numbers[1:]], 90)
        expect(page.locator("#code")).to_be_focused()
        wait_until_all_sent(page)
        slips = page.locator("#log a.slip-link")
        expect(slips).to_have_count(4)
        expect(page.get_by_role("link", name="Hold slips of this session")).to_be_visible()
        paths = slips.evaluate_all("found => found.map(one => one.getAttribute('href'))")[::-1]
        expect(page.locator("iframe")).to_have_attribute("src", re.compile(f"{paths[-1]}$"), timeout=30_000)
        slips.last.click()  # the first once more
        expect(page.locator("iframe")).to_have_attribute("src", re.compile(f"{paths[0]}$"))
        expect(page.frame_locator("iframe").locator(".slip")).to_have_count(1)
        expect(page.locator("#code")).to_be_focused()
        assert page.evaluate("printed")[:4] == paths, "one after the other, none lost"
        assert [outcome for _, outcome in scanned(page)] == ["done", "failed", "done", "done", "done"]

        page.get_by_role("link", name="Hold slips of this session").click()
        expect(page.locator("article.slip")).to_have_count(4)


def test_codes_wait_while_the_network_is_away_and_are_sent_once(site: Site, browsing: Browsing) -> None:
    number = ask_for(site, TITLES[3])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        lost: list[str] = []

        def lose_answer(route: Route) -> None:
            """The first goes out and its answer gets lost; the second doesn't even go out."""
            if len(lost) == 0:
                route.fetch()
            if len(lost) < 2:
                lost.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        page.route(re.compile(r"/staff/scan/receive$"), lose_answer)
        scan_codes(page, [number, "X-001"])
        expect(page.locator("#trouble")).to_contain_text("Scans are kept")
        expect(page.locator("#count-waiting")).to_have_text("2")
        wait_until_all_sent(page)

        expect(page.locator("#trouble")).to_be_hidden()
        assert scanned(page) == [(number, "done"), ("X-001", "failed")]
        expect(page.locator("#log > li").last).not_to_contain_text("already done")


def test_who_was_signed_out_meanwhile_loses_no_code(site: Site, browsing: Browsing) -> None:
    number = ask_for(site, TITLES[1])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive") as page:
        other = page.context.new_page()
        other.goto(site.url("staff/account"))
        other.get_by_role("button", name="Sign out", exact=True).click()
        page.bring_to_front()
        scan_codes(page, [number])
        expect(page.locator("#trouble")).to_contain_text("You are signed out.")
        expect(page.locator("#count-waiting")).to_have_text("1")

        page.keyboard.press("F2")  # too early: nothing changes
        sign_in_as(other, site, "ruth")
        page.bring_to_front()
        page.keyboard.press("F2")
        wait_until_all_sent(page)

        expect(page.locator("#trouble")).to_be_hidden()
        assert scanned(page) == [(number, "done")]


def test_without_script_many_codes_are_one_form(site: Site, browsing: Browsing) -> None:
    number = ask_for(site, TITLES[0])
    with staff_page(site, browsing, "ruth", "staff", back="staff/scan/receive", scripts=False) as page:
        page.get_by_label("Codes, one per line").fill(f"{number}\nX-001\n")
        page.get_by_role("button", name="Receive", exact=True).click()
        expect(page.locator("#log > li")).to_have_count(2)
        expect(page.locator("#log > li").nth(1)).to_contain_text(TITLES[0])


@pytest.mark.long  # test_every_staff_page.py looks at these pages in one look
@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [
        (PHONE, False, "de-DE"),
        (DESKTOP, True, "de-DE"),
        (1600, False, "en-GB"),
    ],
)
def test_no_scan_page_keeps_anybody_out(
    site: Site, browsing: Browsing, axe_core: str, width: int, dark: bool, language: str
) -> None:
    make_user(site, "ruth", "staff")
    made = site.command("request", "lend-to", "bergen", "--title", "Wetterleuchten", "--as", "test")
    number = ask_for(site, TITLES[0])
    with browsing.page(width=width, language=language) as page:
        page.emulate_media(color_scheme="dark" if dark else "light")
        inspector = PageInspector(page, axe_core)
        sign_in_as(page, site, "ruth", "staff/scan")
        inspector.look("which work")
        page.goto(site.url("staff/scan/locate"))
        inspector.look("before the first scan")
        scan_codes(page, ["X-001", PATRON, made.partition(":")[0]])
        wait_until_all_sent(page)
        inspector.look("with lines and a pile")
        page.goto(site.url("staff/scan/receive"))
        scan_codes(page, [number])
        wait_until_all_sent(page)
        inspector.look("with what was done")
        page.goto(site.url("staff/scan/ship"))
        inspector.look("with a due date")

    assert inspector.found == {}

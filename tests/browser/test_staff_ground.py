"""Staff in a browser: signing in, the work queue while it is open, accounts; with and without script, by keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.staff import PASSWORD, PageInspector, make_user, sign_in_as, staff_page
from tests.browser.visitor import DESKTOP, PATRON, PHONE, Browsing, Site
from tests.support.authenticator_app import show_code

ALL = ("patron-services", "staff", "clearance", "manager", "operator")
REVIEW = "To review"


def ask_for(site: Site, title: str) -> None:
    """A reader's wish that staff are to look at."""
    done = site.command("request", "create", "--patron", PATRON, "--title", title, "--review", "--as", "test")
    assert "review" in done


@pytest.mark.long  # test_every_staff_page.py looks at these pages in one look
@pytest.mark.parametrize(
    ("width", "dark", "language"),
    [
        (PHONE, False, "en-GB"),
        (DESKTOP, True, "de-DE"),
        (1600, False, "en-GB"),
    ],
)
def test_no_page_keeps_anybody_out(
    site: Site, browsing: Browsing, axe_core: str, width: int, dark: bool, language: str
) -> None:
    make_user(site, "maryam", "manager", shown_name="مريم إريكسن")
    ask_for(site, "قواعد الغيوم")
    with browsing.page(width=width, language=language) as page:
        page.emulate_media(color_scheme="dark" if dark else "light")
        inspector = PageInspector(page, axe_core)
        page.goto(site.url(""))
        inspector.look("start page")
        page.goto(site.url("staff/help"))
        inspector.look("help for strangers")
        make_user(site, "ruth", *ALL, shown_name="Ruth Okafor")
        sign_in_as(page, site, "ruth", password="falsches Passwort")
        inspector.look("sign-in with a problem")
        sign_in_as(page, site, "ruth")
        inspector.look("work queue")
        for path in ("account", "users", "new-user", "users/maryam", "users/ruth", "audit", "help", "nowhere"):
            page.goto(site.url(f"staff/{path}"))
            inspector.look(path)
        page.goto(site.url("staff/new-user"))
        page.locator("#name").fill("ruth")
        page.locator("main form button[type=submit]").click()
        inspector.look("new user with a problem")

    assert inspector.found == {}


def test_a_second_factor_is_set_up_and_asked_for(site: Site, browsing: Browsing, axe_core: str) -> None:
    make_user(site, "faktor", "manager")
    with browsing.page(width=PHONE) as page:
        inspector = PageInspector(page, axe_core)
        sign_in_as(page, site, "faktor", "staff/account")
        page.get_by_role("link", name="Set up second factor").click()
        inspector.look("nothing yet")
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("img", name="QR code with the key below")).to_be_visible()
        inspector.look("key")
        key = page.locator("#secret").inner_text()
        code = page.get_by_label("Code", exact=True)
        code.fill("no code")
        code.press("Enter")
        expect(code).to_have_accessible_description(re.compile("This code is incorrect"))
        inspector.look("wrong first code")
        code.fill(show_code(key, datetime.now(UTC)))
        code.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
        inspector.look("recovery codes")
        recovery = page.locator("main li.code").first.inner_text()
        page.get_by_role("link", name="Continue").click()
        page.goto(site.url("staff/account/second-factor"))
        inspector.look("on")
        page.context.clear_cookies()
        sign_in_as(page, site, "faktor")
        expect(page.get_by_label("Code from your app")).to_be_focused()
        inspector.look("code")
        page.keyboard.type("000000")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This code is incorrect")
        inspector.look("wrong code")
        page.get_by_label("Code from your app").fill(recovery)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Work queue")

    assert inspector.found == {}


def test_the_keyboard_is_enough(site: Site, browsing: Browsing) -> None:
    make_user(site, "ruth", *ALL)
    with browsing.page() as page:
        page.goto(site.url("staff"))
        expect(page.locator("#name")).to_be_focused()
        page.keyboard.type("ruth")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Work queue", level=1)).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()


def test_without_script_the_same_is_there(site: Site, browsing: Browsing) -> None:
    ask_for(site, "Om fargen på gammel snø")
    with staff_page(site, browsing, "ruth", *ALL, scripts=False) as page:
        expect(page.locator("[data-task='awaiting-review']")).to_contain_text(REVIEW)
        page.get_by_role("link", name="Row spacing and colours").click()
        page.locator("#theme").select_option("dark")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_have_text("Saved for this browser.")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.reload()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_on_a_telephone_the_menu_opens_without_script(site: Site, browsing: Browsing) -> None:
    with staff_page(site, browsing, "ruth", *ALL, scripts=False, width=PHONE) as page:
        expect(page.get_by_role("navigation").get_by_role("link", name="Accounts")).to_be_hidden()
        page.get_by_role("link", name="Menu").click()
        page.locator(".menu summary").click()
        page.get_by_role("navigation").get_by_role("link", name="Accounts").click()
        expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()


def test_a_chart_begins_with_the_newest_month_and_keeps_its_scale(site: Site, browsing: Browsing) -> None:
    ask_for(site, "Tidal charts")
    with staff_page(site, browsing, "amira", "staff", back="staff/statistics", width=PHONE) as page:
        box = page.get_by_role("region", name=re.compile("^Chart: ")).first
        box.scroll_into_view_if_needed()
        months = box.get_by_role("img").locator("text:not(.strong)")

        expect(months).to_have_count(12)
        expect(months.last).to_be_in_viewport(ratio=1)
        expect(months.first).not_to_be_in_viewport()
        expect(box.locator(".scale text").first).to_be_in_viewport(ratio=1)


def test_the_work_queue_stays_true_in_all_windows_by_one_stream(site: Site, browsing: Browsing) -> None:
    ask_for(site, "Om fargen på gammel snø")
    with staff_page(site, browsing, "ruth", *ALL) as page:
        expect(page.get_by_role("heading", name="Work queue", level=1)).to_be_visible()
        page.goto("about:blank")
        streams: list[str] = []
        page.context.on(
            "request", lambda request: streams.append(request.url) if request.url.endswith("/live") else None
        )
        second = page.context.new_page()
        page.goto(site.url("staff"))
        second.goto(site.url("staff"))
        count = page.locator("[data-task='awaiting-review'] [data-count]")
        before = int(count.inner_text())

        ask_for(site, "云的语法")

        for window in (page, second):
            expect(window.locator("[data-task='awaiting-review'] [data-count]")).to_have_text(
                str(before + 1), timeout=15_000
            )
        assert len(streams) == 1


def test_when_one_window_closes_another_goes_on_listening(site: Site, browsing: Browsing) -> None:
    ask_for(site, "Om fargen på gammel snø")
    with staff_page(site, browsing, "ruth", *ALL) as page:
        second = page.context.new_page()
        second.goto(site.url("staff"))
        count = second.locator("[data-task='awaiting-review'] [data-count]")
        before = int(count.inner_text())
        page.goto("about:blank")

        ask_for(site, "De rerum nubium")

        expect(count).to_have_text(str(before + 1), timeout=15_000)


def test_a_user_is_made_changed_and_disabled(site: Site, browsing: Browsing) -> None:
    with staff_page(site, browsing, "mona", "manager", back="staff/users") as page:
        page.get_by_role("link", name="New account").click()
        page.get_by_label("User name").fill("ost")
        page.get_by_label("Display name").fill("Empfang Ost")
        page.get_by_label(re.compile("^Patron services")).check()
        page.get_by_label("Only at these branches").fill("EAST")
        page.get_by_label("First password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("alert")).to_have_text("The account Empfang Ost can sign in.")
        expect(page.get_by_label(re.compile("^Operator"))).to_be_disabled()
        page.get_by_role("button", name="Disable account").click()
        expect(page.get_by_role("alert")).to_have_text("The account Empfang Ost is disabled.")
        page.get_by_role("link", name="Audit log of this account").click()
        expect(page.get_by_text("No entries yet.")).to_be_visible()


def test_without_a_stream_a_window_asks_every_half_minute(site: Site, browsing: Browsing) -> None:
    ask_for(site, "Om fargen på gammel snø")
    make_user(site, "ruth", *ALL)
    with browsing.page() as page:
        page.clock.install()
        page.route("**/staff/live", lambda route: route.fulfill(status=204))
        # The half minute begins when the stream was refused, which may be after the page is there.
        with page.expect_event("requestfinished", lambda request: request.url.endswith("/staff/live")):
            sign_in_as(page, site, "ruth")
        count = page.locator("[data-task='awaiting-review'] [data-count]")
        before = int(count.inner_text())
        ask_for(site, "云的语法")
        expect(count).to_have_text(str(before))

        page.clock.fast_forward(31_000)

        expect(count).to_have_text(str(before + 1), timeout=15_000)

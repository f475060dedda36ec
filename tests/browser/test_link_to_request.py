"""From a link in a database to a request that a supplier has been asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import ARTICLE, BOOK, DESKTOP, OURS, PATRON, PHONE, PIN, Browsing, Site, fits, sign_in

SUPPLIER = "fjernlan@ub.bergen.example"

FOCUSED = """() => {
    const e = document.activeElement;
    return [e.labels?.[0]?.innerText || e.innerText || "", getComputedStyle(e).outlineStyle];
}"""
"""What is written on what has the focus, and how it is outlined."""

EVERYBODY = pytest.mark.parametrize(
    "scripts", [pytest.param(True, id="scripts"), pytest.param(False, id="no-scripts", marks=pytest.mark.long)]
)


def number_on(page: Page) -> str:
    return page.locator(".promise .number").inner_text()


@pytest.mark.parametrize(
    ("scripts", "width"),
    [
        pytest.param(True, DESKTOP, id="scripts-desktop"),
        pytest.param(False, PHONE, id="no-scripts-phone"),
        pytest.param(True, PHONE, id="scripts-phone", marks=pytest.mark.long),
        pytest.param(False, DESKTOP, id="no-scripts-desktop", marks=pytest.mark.long),
    ],
)
def test_an_article_becomes_a_request_for_a_copy(site: Site, browsing: Browsing, scripts: bool, width: int) -> None:
    with browsing.page(width=width, scripts=scripts) as page:
        page.goto(site.url(ARTICLE))
        expect(page.get_by_role("heading", level=1)).to_have_text("Om fargen på gammel snø")
        expect(page.locator("dl")).to_contain_text("Norsk tidsskrift for is og vann")
        expect(page.locator(".offers h3")).to_have_text(
            ["Full text at the publisher", "Request it from another library", "Contact us"]
        )
        assert fits(page)
        page.get_by_role("link", name="Request: Request it from another library").click()
        assert fits(page)
        sign_in(page)
        expect(page.get_by_label("Title of the article or chapter")).to_have_value("Om fargen på gammel snø")
        expect(page.get_by_role("textbox", name="Pages")).to_have_value("77-91")
        expect(page.get_by_label("A copy of an article")).to_be_checked()
        assert fits(page)
        page.get_by_label("Format of the copy").select_option("pdf")
        expect(page.get_by_label("Pickup location")).to_be_visible(visible=not scripts)
        page.get_by_label("Needed by").fill("2027-03-31")
        page.get_by_label("Note to the library").fill("Bitte in Farbe")
        page.get_by_label("I need this copy").check()
        page.get_by_role("button", name="Send the request").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Request received")
        assert fits(page)
        number = number_on(page)

    request = site.asked(number)
    assert request["service"]["type"] == "copy"
    assert request["service"]["format"] == "pdf"
    assert request["dates"]["need_by"] == "2027-03-31"
    assert request["patron"]["pickup"] == "MAIN", "where one on paper would wait"
    assert request["citation"]["component_title"] == "Om fargen på gammel snø"
    assert request["source"] == "openurl"
    assert [one["partner"] for one in request["attempts"]] == ["bergen"]
    assert SUPPLIER in site.mailed


@EVERYBODY
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(site: Site, browsing: Browsing, scripts: bool) -> None:
    with browsing.page(width=PHONE, scripts=scripts) as page:
        page.goto(site.url(ARTICLE))
        page.get_by_role("link", name="Request: Request it from another library").click()
        sign_in(page)
        page.get_by_label("Title of the article or chapter").fill("")
        page.get_by_role("textbox", name="Pages").fill("")
        page.get_by_label("Note to the library").fill("Den andre utgaven går også")
        page.get_by_role("button", name="Send the request").click()

        summary = page.get_by_role("alert")
        expect(summary.get_by_role("listitem")).to_have_count(2)
        assert page.title().startswith("Error: ")
        field = page.get_by_label("Title of the article or chapter")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description("Please enter the title or pages of the part you need.")
        expect(page.get_by_label("Note to the library")).to_have_value("Den andre utgaven går også")
        assert fits(page)
        summary.get_by_role("link").first.click()
        if scripts:
            expect(field).to_be_focused()

        field.fill("Om fargen på gammel snø")
        page.get_by_label("I need this copy").check()
        page.get_by_role("button", name="Send the request").click()
        assert site.request(number_on(page))["notes"][0]["text"] == "Den andre utgaven går også"


def test_with_the_keyboard_alone(site: Site, browsing: Browsing) -> None:
    with browsing.page() as page:

        def tab_to(name: str) -> None:
            for _ in range(40):
                page.keyboard.press("Tab")
                shown, outline = page.evaluate(FOCUSED)
                if name in shown:
                    assert outline != "none", f"'{name}' doesn't show that it has the focus"
                    return
            raise AssertionError(f"'{name}' can't be reached by Tab")

        page.goto(site.url(BOOK))
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to main content")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        tab_to("Request")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        tab_to("Card number")
        page.keyboard.type(PATRON)
        tab_to("PIN")
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Request from another library")
        tab_to("Note to the library")
        page.keyboard.type("Любое издание")
        tab_to("Send the request")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Request received")
        number = number_on(page)

    request = site.asked(number)
    assert request["service"]["type"] == "loan"
    assert request["citation"]["title"] == "Шум дождя"


@EVERYBODY
def test_pressed_twice_it_is_one_request(site: Site, browsing: Browsing, scripts: bool) -> None:
    with browsing.page(scripts=scripts) as page:
        page.goto(site.url("openurl?genre=book&aulast=Ōe&title=" + ("雪の音" if scripts else "雨の音")))
        page.get_by_role("link", name="Request: Request it from another library").click()
        sign_in(page)
        page.get_by_role("button", name="Send the request").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("Request received")
        page.get_by_role("link", name="My account").first.click()
        expect(page.locator(".requests li").filter(has_text="雪の音" if scripts else "雨の音")).to_have_count(1)


def test_our_own_copy_is_reserved(site: Site, browsing: Browsing) -> None:
    with browsing.page(width=PHONE) as page:
        page.goto(site.url(OURS))
        expect(page.locator(".copies li").first).to_contain_text("available")
        expect(page.locator(".offers h3")).to_have_text(["Reserve this item", "Contact us"])
        page.get_by_role("link", name="Reserve: Reserve this item").click()
        sign_in(page)
        page.get_by_label("Pickup location").select_option("NORTH")
        page.get_by_role("button", name="Reserve").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Reserved")
        expect(page.get_by_role("main")).to_contain_text("North Branch")

    shown = site.command("library", "patron", PATRON)
    assert "The Three-Body Problem" in shown


def test_a_number_fills_the_blank_form(site: Site, browsing: Browsing) -> None:
    with browsing.page(width=PHONE, scripts=False) as page:
        page.goto(site.url("openurl"))
        expect(page.get_by_role("heading", level=1)).to_have_text("What are you looking for?")
        page.get_by_label("ISBN, ISSN, DOI, PubMed ID or OCLC number").fill("978-0-00-001001-8")
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_label("Title of the book or journal")).to_have_value("The Three-Body Problem")
        assert fits(page)
        page.get_by_role("button", name="See your options").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The Three-Body Problem")


def test_the_language_can_be_chosen_and_is_kept(site: Site, browsing: Browsing) -> None:
    with browsing.page(scripts=False, language="de-CH") as page:
        page.goto(site.url(ARTICLE))
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.get_by_role("link", name="Bestellen: Aus einer anderen Bibliothek bestellen")).to_be_visible()
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert "ui_language" not in page.url
        expect(page.get_by_role("heading", level=1)).to_have_text("Om fargen på gammel snø")
        page.goto(site.url("openurl/DEMO/citation"))
        expect(page.get_by_role("heading", level=1)).to_have_text("What are you looking for?")


def test_signed_out_nothing_is_shown_any_more(site: Site, browsing: Browsing) -> None:
    with browsing.page(scripts=False) as page:
        page.goto(site.url("openurl/DEMO/requests"))
        sign_in(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("My account")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        page.goto(site.url("openurl/DEMO/requests"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

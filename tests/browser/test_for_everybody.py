"""No page keeps anybody out: axe-core finds nothing serious on any of them, in light and in dark, in both languages;
the focus is seen and covered by nothing, and targets are as large as a finger."""

from __future__ import annotations

import pytest

from tests.browser.staff import PageInspector
from tests.browser.visitor import ARTICLE, BOOK, DESKTOP, OURS, PHONE, Browsing, Site, sign_in


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), pytest.param(DESKTOP, "dark", marks=pytest.mark.long)])
def test_every_page(site: Site, browsing: Browsing, axe_core: str, width: int, scheme: str) -> None:
    with browsing.page(width=width) as page:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        inspector = PageInspector(page, axe_core)

        page.goto(site.url(ARTICLE))
        inspector.look("services")
        page.locator("details summary").click()
        inspector.look("what was not understood")
        page.goto(site.url(OURS))
        inspector.look("our own copies")
        page.goto(site.url("openurl/DEMO/citation"))
        inspector.look("blank form")
        page.goto(site.url("openurl/DEMO?sid=db&url_ctx_val=%3Cbroken"))
        inspector.look("blank form for a link that can't be read")
        page.get_by_role("button", name="See your options").click()
        inspector.look("blank form with a problem")
        page.get_by_label("ISBN, ISSN, DOI, PubMed ID or OCLC number").fill("9780000010018")
        page.get_by_role("button", name="Look up").click()
        inspector.look("filled form")
        page.goto(site.url("openurl/DEMO/requests/nothing-of-yours"))
        inspector.look("sign-in")
        page.get_by_label("Card number").fill("21000000000009")
        page.get_by_label("PIN").fill("0000")
        page.get_by_role("button", name="Sign in").click()
        inspector.look("sign-in with a problem")
        sign_in(page)
        inspector.look("not there")
        page.goto(site.url(OURS))
        page.get_by_role("link", name="Reserve").click()
        inspector.look("hold")
        page.goto(site.url(ARTICLE))
        page.get_by_role("link", name="Request: Request it from another library").click()
        inspector.look("request")
        page.get_by_role("button", name="Send the request").click()
        inspector.look("request with a problem")
        page.get_by_label("I need this copy").check()
        page.get_by_role("button", name="Send the request").click()
        inspector.look("sent")
        page.get_by_role("link", name="My account").first.click()
        inspector.look("own requests")
        page.locator(".requests a").first.click()
        inspector.look("own request")
        page.get_by_role("link", name="My account").first.click()
        page.get_by_role("link", name="Messages").click()
        inspector.look("messages")
        page.locator(".requests a").first.click()
        inspector.look("message")
        page.get_by_role("link", name="My account").first.click()
        page.get_by_role("link", name="Settings").click()
        inspector.look("settings")
        page.get_by_role("link", name="Your data").click()
        inspector.look("own data")
        page.locator("#pin-file").fill("0000")
        page.get_by_role("button", name="Download").click()
        inspector.look("own data with a wrong PIN")
        page.get_by_role("button", name="Sign out").click()
        inspector.look("signed out")

    assert inspector.found == {}
    assert len(inspector.looked_at) == 22


def test_a_page_in_german(site: Site, browsing: Browsing, axe_core: str) -> None:
    with browsing.page(language="de-DE") as page:
        inspector = PageInspector(page, axe_core)
        page.goto(site.url(BOOK))
        inspector.look("services")
    assert inspector.found == {}


def test_a_fault_would_be_found(site: Site, browsing: Browsing, axe_core: str) -> None:
    with browsing.page() as page:
        page.goto(site.url("openurl/DEMO/citation"))
        page.evaluate("document.querySelector('label[for=title]').remove()")
        inspector = PageInspector(page, axe_core)
        inspector.look("a field without its label")
        assert "label" in inspector.found["a field without its label"][0]
        page.reload()
        page.evaluate("document.querySelector('main button').style.cssText = 'min-height: 0; padding: 0'")
        inspector.look("a low button")
        page.reload()
        page.evaluate("document.querySelector('.top').style.cssText = 'position: fixed; inset: 0 0 auto; height: 80%'")
        inspector.look("a bar that stays")
        page.reload()
        page.evaluate("document.querySelector('main button').style.outline = 'none'")
        inspector.look("a button without its outline")
    assert inspector.found["a low button"][0].startswith("button “Look up” is ")
    assert "when it has the focus" in inspector.found["a bar that stays"][0]
    assert inspector.found["a button without its outline"] == ["button “Look up” does not show its focus"]

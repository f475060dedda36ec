"""Forms of a foreign site in a real browser: localhost is one site, 127.0.0.1 another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import PASSWORD, make_user, sign_in_as
from tests.browser.visitor import BOOK, Browsing, Site, sign_in

NOTE = "Send it to the foreign address"


class ForeignSite:
    """What it shows is one form, to be sent by a button: no script is needed."""

    def __init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.page = ""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/"

    def send_form(self, page: Page, address: str, **fields: str) -> None:
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
        )
        self.page = f'<form method="post" action="{address}">{inputs}<button>Win a prize</button></form>'
        page.goto(self.url)
        page.get_by_role("button", name="Win a prize").click()
        page.wait_for_url(f"{address}**")


@pytest.fixture
def foreign_site() -> Iterator[ForeignSite]:
    site = ForeignSite()
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


def test_staff_are_neither_signed_out_nor_made_to_send_it(
    site: Site, browsing: Browsing, foreign_site: ForeignSite
) -> None:
    make_user(site, "fern", "manager")
    make_user(site, "victim", "staff")
    state = site.url("staff/users/victim/state")
    with browsing.page(scripts=False) as page:
        sign_in_as(page, site, "fern")
        expect(page.get_by_role("heading", name="Work queue", level=1)).to_be_visible()
        for path in ("staff/sign-out", "staff/users/victim/state"):
            foreign_site.send_form(page, site.url(path), csrf="0" * 64, state="disabled")
            expect(page.get_by_role("heading", level=1)).to_have_text("This form came from another website")
            page.goto(site.url("staff/account"))
            expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    with browsing.page(scripts=False) as page:
        foreign_site.send_form(page, state, csrf="0" * 64, state="disabled")
        expect(page.locator("main input")).to_have_count(0)
        page.get_by_role("link", name="Sign in").last.click()
        page.locator("#name").fill("fern")
        page.locator("#password").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Work queue")
        page.goto(site.url("staff/users/victim"))
        expect(page.get_by_role("button", name="Disable account")).to_be_visible()


def test_patrons_stay_signed_in_and_order_nothing(site: Site, browsing: Browsing, foreign_site: ForeignSite) -> None:
    link = BOOK.partition("?")[2]
    with browsing.page(scripts=False) as page:
        page.goto(site.url(BOOK))
        page.get_by_role("link", name="Request: Request it from another library").click()
        sign_in(page)
        expect(page.get_by_label("Note to the library")).to_be_visible()
        library = page.url.partition("/request")[0]
        for place in ("sign-out", "request"):
            order = {"link": link, "form": "f" * 32, "service": "loan", "note": NOTE}
            foreign_site.send_form(page, f"{library}/{place}", csrf="0" * 64, **order)
            expect(page.get_by_role("heading", level=1)).to_have_text("This form came from another website")
            page.goto(f"{library}/requests")
            expect(page.get_by_role("heading", level=1)).to_have_text("My account")
        expect(page.get_by_text("Шум дождя")).to_have_count(0)


def test_links_of_a_foreign_site_are_followed(site: Site, browsing: Browsing, foreign_site: ForeignSite) -> None:
    with browsing.page(scripts=False) as page:
        page.goto(site.url("openurl"))
        page.goto(f"{page.url.partition('/citation')[0]}/sign-in?back=requests")
        sign_in(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("My account")
        library = page.url.partition("/requests")[0]
        foreign_site.send_form(page, library, genre="book", title="Om fargen", date="1925")
        expect(page.get_by_role("heading", level=1)).to_have_text("Om fargen")
        foreign_site.page = f'<a href="{site.url(BOOK)}">Find it</a>'
        page.goto(foreign_site.url)
        page.get_by_role("link", name="Find it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Шум дождя")
        page.get_by_role("link", name="Request: Request it from another library").click()
        expect(page.get_by_label("Note to the library")).to_be_visible()

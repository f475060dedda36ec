"""The documentation site in a browser: its search, its diagrams, and that nothing comes from elsewhere."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.visitor import Browsing, fits
from tests.support.built_site import build_site
from tests.support.installed import start_or_skip


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built site, served as it would be from any web server."""
    folder = tmp_path_factory.mktemp("documentation")
    start_or_skip(lambda: build_site(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_search_leads_to_the_section(documentation: str, browsing: Browsing) -> None:
    with browsing.page() as page:
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(documentation)
        page.get_by_role("textbox", name="Search").click()  # loads the index
        page.get_by_role("textbox", name="Search").press_sequentially("reverse proxy")
        page.locator(".md-search-result a", has_text="Behind a reverse proxy").first.click()
        page.wait_for_url("**/operations/**")
        assert page.url.endswith("#behind-a-reverse-proxy")

        page.goto(f"{documentation}requests-states/")
        page.locator("div.mermaid").first.wait_for()
        assert [address for address in addresses if not address.startswith((documentation, "data:", "blob:"))] == []


def test_the_site_fits_a_telephone(documentation: str, browsing: Browsing) -> None:
    with browsing.page(width=360) as page:
        for place in ("", "partners/", "requests-states/", "adapters/ncip/"):
            page.goto(f"{documentation}{place}")
            assert fits(page), place

"""The documentation site as `make docs` builds it: its links; in a browser its search, its diagrams, and that nothing
comes from elsewhere."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

from docsite.hooks import RECORDS
from docsite.mermaid import MermaidNotFetchedError, fetch_mermaid
from tests.browser.conftest import missing
from tests.browser.visitor import Browsing, fits
from tests.support.paths import ROOT

LOADED = "//script/@src | //link[not(@rel='canonical')]/@href | //img/@src | //iframe/@src | //source/@src"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@dataclass(frozen=True)
class BuiltSite:
    """`printed`: what MkDocs said as it built the site into this folder."""

    folder: Path
    printed: str


@pytest.fixture(scope="module")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    try:
        fetch_mermaid()
    except MermaidNotFetchedError as error:
        missing(str(error))
    folder = tmp_path_factory.mktemp("documentation")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return BuiltSite(folder, done.stderr)


@pytest.fixture(scope="module")
def documentation(built_site: BuiltSite) -> Iterator[str]:
    """The address of the built site, served as it would be from any web server."""
    handler = functools.partial(QuietHandler, directory=str(built_site.folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_site_is_built_without_warnings_and_holds_together(built_site: BuiltSite) -> None:
    assert "WARNING" not in built_site.printed

    folder = built_site.folder
    pages = {file: html.parse(str(file)).getroot() for file in folder.rglob("*.html")}
    anchors = {file: set(page.xpath("//@id")) for file, page in pages.items()}
    assert len(pages) > 100
    for file, page in pages.items():
        assert [address for address in page.xpath(LOADED) if urlsplit(address).netloc] == [], file
        broken = [target for target in list_links(page) if not leads_somewhere(folder, file, target, anchors)]
        assert broken == [], file
    diagrams = [file for file, page in pages.items() if page.xpath("//pre[@class='mermaid']")]
    assert diagrams == [file for file, page in pages.items() if page.xpath("//script[contains(@src, 'mermaid')]")] != []

    found = json.loads((folder / "search" / "search_index.json").read_text("utf-8"))["docs"]
    places = {entry["location"].partition("#")[0] for entry in found}
    assert {"", "operations/", "library-systems/koha/", "adapters/iso18626/"} <= places
    assert places.isdisjoint(f"{Path(page).with_suffix('')}/" for page in RECORDS)


def list_links(page: html.HtmlElement) -> Iterator[str]:
    """Relative ones."""
    for target in page.xpath("//a/@href"):
        if not urlsplit(target).scheme:
            yield target


def leads_somewhere(site: Path, file: Path, target: str, anchors: dict[Path, set[str]]) -> bool:
    address = urlsplit(target)
    place = (site / address.path.lstrip("/")) if address.path.startswith("/") else (file.parent / address.path)
    place = place.resolve() / "index.html" if place.is_dir() else place.resolve()
    if not address.path:
        place = file
    return place.is_file() and (not address.fragment or unquote(address.fragment) in anchors[place])


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

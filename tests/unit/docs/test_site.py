"""The documentation site: our Markdown as MkDocs reads it, and the built site with its links and its search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

from docsite.hooks import RECORDS
from docsite.markdown import indent_lists, rewrite_links
from tests.support.built_site import build_site
from tests.support.installed import start_or_skip

LOADED = "//script/@src | //link[not(@rel='canonical')]/@href | //img/@src | //iframe/@src | //source/@src"


@pytest.mark.parametrize(
    ("text", "indented"),
    [
        ("Two:\n- one\n- two", "Two:\n\n- one\n- two"),
        ("- one:\n\n  ```sh\n  illgate check\n  ```", "- one:\n\n    ```sh\n    illgate check\n    ```"),
        ("- one\n  - inner,\n    on two lines", "- one\n    - inner,\n        on two lines"),
        ("1. one\n\n   More of it.", "1. one\n\n    More of it."),
        ("```\n- no list\n  here\n```", "```\n- no list\n  here\n```"),
    ],
)
def test_lists_are_indented_as_python_markdown_reads_them(text: str, indented: str) -> None:
    assert indent_lists(text) == indented


PLACES = {
    "README.md": "index.md",
    "docs/api.md": "api.md",
    "docs/staff/work.md": "staff/work.md",
    "adapters/ncip/README.md": "adapters/ncip/README.md",
}


@pytest.mark.parametrize(
    ("page", "text", "rewritten"),
    [
        ("README.md", "[API](docs/api.md#keys)", "[API](api.md#keys)"),
        ("docs/staff/work.md", "[start](../../README.md)", "[start](../index.md)"),
        ("docs/api.md", "[`NCIP`](../adapters/ncip/README.md)", "[`NCIP`](adapters/ncip/README.md)"),
        ("docs/api.md", "[the licence](../LICENSE)", "the licence"),
        ("docs/api.md", "[a host](https://illgate.example/x) and [here](#keys)", None),
        ("docs/api.md", "```\n[API](../LICENSE)\n```", None),
    ],
)
def test_links_lead_to_the_same_page_in_the_site(page: str, text: str, rewritten: str | None) -> None:
    assert rewrite_links(text, page, PLACES.get) == (text if rewritten is None else rewritten)


@pytest.mark.slow  # it builds all pages
def test_the_site_is_built_without_warnings_and_holds_together(tmp_path: Path) -> None:
    printed = start_or_skip(lambda: build_site(tmp_path))
    assert "WARNING" not in printed

    pages = {file: html.parse(str(file)).getroot() for file in tmp_path.rglob("*.html")}
    anchors = {file: set(page.xpath("//@id")) for file, page in pages.items()}
    assert len(pages) > 100
    for file, page in pages.items():
        assert [address for address in page.xpath(LOADED) if urlsplit(address).netloc] == [], file
        broken = [target for target in list_links(page) if not leads_somewhere(tmp_path, file, target, anchors)]
        assert broken == [], file
    diagrams = [file for file, page in pages.items() if page.xpath("//pre[@class='mermaid']")]
    assert diagrams == [file for file, page in pages.items() if page.xpath("//script[contains(@src, 'mermaid')]")] != []

    found = json.loads((tmp_path / "search" / "search_index.json").read_text("utf-8"))["docs"]
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

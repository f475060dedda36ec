"""Staff's pages in a third language, which is one catalogue and nothing else; it runs from right to left."""

from __future__ import annotations

from tests.protocol.pages.support import Answer, running
from tests.protocol.staff.support import colleague
from tests.support.daemon import Installation
from tests.support.extracted_texts import read_texts_of
from tests.support.paths import ROOT
from tests.support.pseudo_catalogue import is_translated, make_pseudo_catalogue

WEB = ROOT / "gateway" / "web"

PLACES = {
    "": 200,
    "/borrowing": 200,
    "/lending": 200,
    "/requests/new": 200,
    "/scan": 200,
    "/partners": 200,
    "/account": 200,
    "/users": 200,
    "/help": 200,
    "/nowhere": 404,
}


async def test_each_page_speaks_it_and_turns_around(installation: Installation) -> None:
    folder = installation.folder / "letters"
    folder.mkdir(exist_ok=True)
    (folder / "he.po").write_text(make_pseudo_catalogue(read_texts_of(WEB)), "utf-8")
    async with (
        running(installation, letters={"folder": "letters"}) as gateway,
        colleague(gateway, "ruth", "manager", "staff", "operator", Accept_Language="he") as ruth,
    ):
        pages = {place: await ruth.get(place) for place in PLACES}

    assert {place: page.status for place, page in pages.items()} == PLACES
    assert {(page.tree.get("lang"), page.tree.get("dir")) for page in pages.values()} == {("he", "rtl")}
    assert {place: list_english_texts(page) for place, page in pages.items()} == {place: [] for place in PLACES}


def list_english_texts(page: Answer) -> list[str]:
    shown = page.tree.xpath("//h1 | //h2 | //main//label | //main//button | //main//th | //nav[@id='menu']/a")
    return [element.text_content().strip() for element in shown if not is_translated(element)]

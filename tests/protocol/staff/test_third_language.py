"""Staff's pages in a third language, which is one catalogue and nothing else; it runs from right to left."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.translations.maintenance import extract_texts_of
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.support import colleague
from tests.support.daemon import Installation
from tests.support.pseudo_catalogue import is_translated, make_pseudo_catalogue

WEB = Path(__file__).parents[3] / "gateway" / "web"

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


@pytest.mark.parametrize("place", PLACES)
async def test_each_page_speaks_it_and_turns_around(installation: Installation, place: str) -> None:
    folder = installation.folder / "letters"
    folder.mkdir(exist_ok=True)
    (folder / "he.po").write_text(make_pseudo_catalogue(extract_texts_of(WEB)), "utf-8")
    async with running(installation, letters={"folder": "letters"}) as gateway:
        page = await look_at(gateway, place)

    assert page.status == PLACES[place]
    assert (page.tree.get("lang"), page.tree.get("dir")) == ("he", "rtl")
    shown = page.tree.xpath("//h1 | //h2 | //main//label | //main//button | //main//th | //nav[@id='menu']/a")
    assert [element.text_content().strip() for element in shown if not is_translated(element)] == []


async def look_at(gateway: Running, place: str) -> Answer:
    async with colleague(gateway, "ruth", "manager", "staff", "operator", Accept_Language="he") as ruth:
        return await ruth.get(place)

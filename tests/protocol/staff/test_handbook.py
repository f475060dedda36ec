"""The handbook of staff: docs/staff as the gateway shows it, with pictures, each help topic leading to its page."""

from __future__ import annotations

import re

import pytest

from gateway.web.staff.handbook import FIRST_PAGE, NOT_SHOWN, load_handbook_page
from gateway.web.staff.help_page import TOPICS, HelpTopic
from tests.protocol.pages.support import Running
from tests.protocol.staff.support import ALL_ROLES, colleague
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "staff"
NAMES = sorted({file.stem for file in FOLDER.glob("*.md")} - NOT_SHOWN - {"README"})


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_each_topic_of_the_help_has_its_page(topic: HelpTopic) -> None:
    assert topic.handbook in NAMES


@pytest.mark.parametrize("name", [FIRST_PAGE, *NAMES])
def test_a_page_leads_only_to_what_is_shown(name: str) -> None:
    page = load_handbook_page(name)

    targets = re.findall(r'(?:href|src)="([^"]+)"', page.body)
    shown = {f"/staff/handbook/{one}" for one in NAMES}
    shown |= {f"/staff/handbook/pictures/{file.name}" for file in (FOLDER / "pictures").glob("*.png")}
    assert [one for one in targets if one not in shown] == []


def test_every_picture_is_used_and_described() -> None:
    texts = [(FOLDER / f"{name}.md").read_text("utf-8") for name in NAMES]
    used = {found for text in texts for found in re.findall(r"!\[[^\]]{10,}\]\(pictures/([a-z-]+\.png)\)", text)}

    assert used == {file.name for file in (FOLDER / "pictures").iterdir()}


async def test_help_leads_to_the_handbook_and_its_pictures(gateway: Running) -> None:
    async with colleague(gateway, "ruth", *ALL_ROLES) as ruth:
        help_page = await ruth.get("/help")
        links = [str(one) for one in help_page.tree.xpath("//main//section//a/@href")]
        assert links == [f"/staff/handbook/{topic.handbook}" for topic in TOPICS]

        (link,) = help_page.tree.xpath("//main//a[text()='Staff handbook']/@href")
        first = await ruth.get(str(link).removeprefix("/staff"))
        assert (first.status, first.title) == (200, "Staff handbook")
        chapters = {str(one) for one in first.tree.xpath("//article//td//a/@href")}
        assert chapters == {f"/staff/handbook/{one}" for one in NAMES}

        page = await ruth.get("/handbook/work")
        assert "/staff/handbook" in page.tree.xpath("//nav[@class='trail']/a/@href")
        assert page.title == "Work queue"
        (picture,) = page.tree.xpath("//article//img")
        assert picture.get("alt")
        async with ruth.browser.session.get(
            f"{gateway.url}{picture.get('src')}",
            headers={"Cookie": "; ".join(f"{name}={value}" for name, value in ruth.browser.cookies.items())},
        ) as answer:
            assert answer.content_type == "image/png"
            assert (await answer.read()).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["nothing", "review", "README", "Work", "pictures/none.png"])
async def test_what_is_not_in_it_is_not_there(gateway: Running, name: str) -> None:
    async with colleague(gateway, "ruth", "staff") as ruth:
        assert (await ruth.get(f"/handbook/{name}")).status == 404

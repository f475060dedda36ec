"""Every page of staff and readers is valid HTML and weighs little, with nothing to show, with little and with much;
every page can be reached by links, and no link leads nowhere."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from gateway.web.api.openapi import build_openapi, render_docs_page
from gateway.web.api.operations import ALL
from tests.protocol.pages.support import Running, running, visitor
from tests.protocol.staff.page_walk import PageWalk
from tests.protocol.staff.page_world import RULES, WorldSize, fill_world, make_batches, prepare_installation
from tests.protocol.staff.support import ALL_ROLES, BY_TEST, PASSWORD, colleague, user_service
from tests.support import html_validate
from tests.support.authenticator_app import show_code
from tests.support.daemon import Installation
from tests.support.installed import NotInstalled

MAX_PAGE_BYTES = 30_000
"""Compressed, with all files of its own."""


async def walk_world(installation: Installation, size: WorldSize) -> PageWalk:
    prepare_installation(installation, size)
    async with running(installation, rules=RULES if size is not WorldSize.EMPTY else {}) as gateway:
        async with visitor(gateway) as stranger:
            before = PageWalk(stranger)
            await before.see_pages(("/", "/staff", "/openurl/DEMO/requests"))
        await fill_world(gateway, size)
        async with colleague(gateway, "r.okafor", *ALL_ROLES) as ruth:
            await make_batches(ruth)
            walk = PageWalk(ruth.browser)
            walk.pages |= before.pages
            await ruth.browser.sign_in()
            await walk.follow_links()
            await walk.fetch_files()
            heavy = walk.find_heavy_pages(MAX_PAGE_BYTES)
            await walk.send_forms()
    assert heavy == {}
    return walk


@pytest.mark.slow
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(WorldSize.EMPTY, marks=pytest.mark.long),
        pytest.param(WorldSize.FEW, marks=pytest.mark.long),
        WorldSize.MANY,
    ],
)
async def test_every_page_is_valid_html(installation: Installation, size: WorldSize) -> None:
    walk = await walk_world(installation, size)

    assert walk.wrong_links == {}
    if size is not WorldSize.EMPTY:
        assert walk.missing_routes() == []
    assert find_faults(walk.pages) == {}


@pytest.mark.slow
async def test_steps_of_signing_in_are_valid_html(gateway: Running) -> None:
    """Those that no walk comes by: a second factor, and forms that waited or came from elsewhere."""
    pages: dict[str, str] = {}
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        begun = await ruth.post("/account/second-factor/begin", {})
        pages["key"] = begun.text
        pages["wrong first code"] = (await ruth.post("/account/second-factor/finish", {"code": "1"})).text
        code = show_code(str(begun.tree.xpath("string(//*[@id='secret'])")), datetime.now(UTC))
        done = await ruth.post("/account/second-factor/finish", {"code": code})
        pages["recovery codes"] = done.text
        pages["on"] = (await ruth.get("/account/second-factor")).text
        token = await ruth.read_token()
        look = {"csrf": token, "theme": "dark", "rows": "wide"}
        foreign = await ruth.browser.post("/staff/account/look", look, Sec_Fetch_Site="cross-site")
        pages["foreign form"] = foreign.text
        users = user_service(gateway)
        await users.end_sessions(await users.find_user("r.okafor"), BY_TEST)
        asked = await ruth.browser.post("/staff/account/look", look)
        pages["sign-in for a form"] = asked.text
        (form,) = asked.tree.xpath("//main//form")
        fields = {**dict(form.fields), "name": "r.okafor", "password": PASSWORD}
        asked = await ruth.browser.post(form.get("action"), fields)
        pages["code"] = asked.text
        (form,) = asked.tree.xpath("//main//form")
        recovery = str(done.tree.xpath("//main//li/text()")[0])
        pages["form that waited"] = (
            await ruth.browser.post(form.get("action"), {**dict(form.fields), "code": recovery})
        ).text
    assert "Contents of the form" in pages["form that waited"]
    assert find_faults(pages) == {}


@pytest.mark.slow
def test_the_page_of_the_api_is_valid_html() -> None:
    assert find_faults({"docs": render_docs_page(build_openapi(ALL, "1"))}) == {}


@pytest.mark.slow
def test_a_fault_would_be_found() -> None:
    page = '<!doctype html><html lang="en"><head><title>x</title></head><body><p><h1>x</h1><img src="x"></body></html>'

    found = find_faults({"page": page})

    assert [one.partition(":")[0] for one in found["page"]] != []


def find_faults(pages: dict[str, str]) -> dict[str, list[str]]:
    """Where CI is set, html-validate that is missing is a failure."""
    try:
        return html_validate.find_html_faults(pages)
    except NotInstalled as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))

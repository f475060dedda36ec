"""Staff whom a proxy has signed in: its header counts from named addresses, on one path, and if it says one thing."""

from __future__ import annotations

import pytest

from tests.protocol.pages.support import running
from tests.protocol.staff.support import colleague, make_user
from tests.support.daemon import Installation

HEADER = {"name": "X-Staff-User", "proxies": ["127.0.0.1"]}
START = "/staff/sign-in/proxy?back=/staff/account"


async def test_the_word_of_the_proxy_counts_on_its_path_alone(installation: Installation) -> None:
    async with running(installation, staff={"header": HEADER}) as gateway, colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff", password="")

        assert (await ruth.browser.get("/staff/account", follow=False, X_Staff_User="r.okafor")).status == 303
        page = await ruth.browser.get(START, X_Staff_User="r.okafor")
        assert page.title == "Your account"
        await ruth.post("/sign-out", {})
        form = await ruth.get("/sign-in?back=/staff/account")
        assert form.tree.xpath("//main//a[contains(@class, 'button')]/@href") == [
            "/staff/sign-in/proxy?back=%2Fstaff%2Faccount"
        ]


@pytest.mark.parametrize("said", ["", " ", "x" * 201, "somebody.else"])
async def test_who_is_nobody_here_is_not_signed_in(installation: Installation, said: str) -> None:
    async with running(installation, staff={"header": HEADER}) as gateway, colleague(gateway) as ruth:
        await make_user(gateway, "r.okafor", "staff", password="")

        assert (await ruth.browser.get(START, X_Staff_User=said)).status in (403, 422)
        assert (await ruth.browser.get("/staff/account", follow=False)).status == 303


@pytest.mark.parametrize("staff", [{"header": {**HEADER, "proxies": ["192.0.2.7"]}}, {}])
async def test_from_elsewhere_or_where_nothing_is_set_up_it_says_nothing(
    installation: Installation, staff: dict[str, object]
) -> None:
    async with running(installation, staff=staff) as gateway, colleague(gateway) as mallory:
        await make_user(gateway, "r.okafor", "staff", password="")

        page = await mallory.browser.get(START, X_Staff_User="r.okafor")

        assert page.status == (422 if staff else 404)
        assert (await mallory.browser.get("/staff/account", follow=False)).status == 303


@pytest.mark.parametrize("missing", ["name", "proxies"])
def test_half_of_the_setting_is_refused(installation: Installation, missing: str) -> None:
    installation.change(staff={"header": {key: value for key, value in HEADER.items() if key != missing}})

    checked = installation.run("check", check=False)

    assert "name and proxies go together" in checked.stdout + checked.stderr

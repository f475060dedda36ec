"""Staff who sign in at an identity provider: only users that there are, and only this browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.protocol.pages.provider import CLIENT, SECRET, Provider, provider
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import BY_TEST, Colleague, colleague, make_user, user_service
from tests.support.daemon import Installation, free_port

START = "/sign-in/provider?back=/staff/account"


@asynccontextmanager
async def signing_in(
    installation: Installation, password: bool = True, **more: object
) -> AsyncIterator[tuple[Running, Provider, Colleague]]:
    """The provider says that it is r.okafor."""
    (installation.folder / "secret").write_text(SECRET, encoding="utf-8")
    port = free_port()
    async with provider() as idp:
        idp.claims = {"preferred_username": "R.Okafor"}
        oidc = {"issuer": idp.issuer, "client_id": CLIENT, "client_secret": "file:secret", **more}
        http = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
        staff = {"oidc": oidc, "password": password}
        async with running(installation, http=http, staff=staff) as gateway, colleague(gateway) as ruth:
            yield gateway, idp, ruth


async def test_there_and_back(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        form = await ruth.get("/sign-in?back=/staff/account")
        (address,) = form.tree.xpath("//main//a[contains(@class, 'button')]/@href")

        page = await ruth.browser.get(str(address))

        assert page.title == "Your account"
        assert idp.asked["redirect_uri"] == f"{gateway.url}/staff/signed-in"
        assert idp.asked["code_challenge_method"] == "S256"
        assert "New password" not in page.text


async def test_a_user_may_have_another_name_there(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        idp.claims = {"preferred_username": "u123456@riverside.example"}
        await make_user(gateway, "r.okafor", "staff", subject="u123456@riverside.example")

        assert (await ruth.get(START)).title == "Your account"


async def test_nobody_is_made_on_the_way(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, stranger):
        await make_user(gateway, "somebody.else", "staff")

        page = await stranger.get(START)

        assert page.status == 403
        assert "You have no account here." in page.text
        assert [user.name for user in await user_service(gateway).list_users()] == ["somebody.else"]


async def test_a_disabled_user_stays_out(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        user = await make_user(gateway, "r.okafor", "staff")
        await user_service(gateway).disable_user(user, BY_TEST)

        assert (await ruth.get(START)).status == 403


async def test_an_answer_for_another_browser_signs_nobody_in(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth), colleague(gateway) as stranger:
        await make_user(gateway, "r.okafor", "staff")
        await ruth.get("/sign-in")
        await stranger.get("/sign-in")
        sent = await stranger.browser.get(f"/staff{START}", follow=False)
        back = await stranger.browser.get(sent.headers["Location"], follow=False)

        page = await ruth.browser.get(back.headers["Location"])

        assert page.status == 403
        assert page.title == "Sign-in took too long"
        assert (await ruth.get("/account", follow=False)).status == 303


async def test_staff_too_may_need_a_second_factor_there(installation: Installation) -> None:
    async with signing_in(installation, amr=["mfa"]) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff")

        refused = await ruth.get(START)

        assert refused.status == 403
        assert "Please sign in at your organisation with a second factor" in refused.text
        idp.claims["amr"] = ["pwd", "mfa"]
        assert (await ruth.get(START)).title == "Your account"


async def test_a_state_is_good_once(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        await make_user(gateway, "r.okafor", "staff")
        await ruth.get("/sign-in")
        sent = await ruth.browser.get(f"/staff{START}", follow=False)
        back = (await ruth.browser.get(sent.headers["Location"], follow=False)).headers["Location"]
        await ruth.browser.get(back, follow=False)

        assert (await ruth.browser.get(back, follow=False)).status == 403


async def test_where_passwords_are_off_none_are_taken(installation: Installation) -> None:
    async with signing_in(installation, password=False) as (gateway, _idp, ruth):
        await make_user(gateway, "r.okafor", "staff")
        form = await ruth.get("/sign-in")
        assert not form.tree.xpath("//input[@type='password']")

        answer = await ruth.browser.post("/staff/sign-in", {"csrf": "x", "name": "r.okafor", "password": "x"})
        assert answer.status == 403

"""Staff who sign in at an identity provider: only users that there are, and only this browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.protocol.pages.provider import CLIENT, SECRET, Provider, provider
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import BY_TEST, PASSWORD, Colleague, colleague, make_user, user_service
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


# --- roles by groups -----------------------------------------------------------------------------------------

GRANTS = [
    {"value": "ill-{library}-staff", "role": "staff"},
    {"claim": "desks", "value": "east", "role": "patron-services@EAST"},
    {"value": "ill-office", "role": "office"},
]


async def roles_of(gateway: Running, name: str = "r.okafor") -> list[tuple[str, str]]:
    """Role and its source."""
    return [(str(grant), grant.source.value) for grant in (await user_service(gateway).find_any_user(name)).grants]


async def test_groups_give_roles_anew_at_each_sign_in_and_those_given_by_people_stay(
    installation: Installation,
) -> None:
    async with signing_in(installation, grants=GRANTS) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "clearance", password="")

        idp.claims |= {"groups": ["everybody", "ill-demo-staff", "ill-office"], "desks": "east"}
        assert (await ruth.get(START)).title == "Your account"
        assert (await ruth.get("/borrowing")).status == 200
        given = [
            ("office@*", "provider"),
            ("patron-services@EAST", "provider"),
            ("staff", "provider"),
            ("clearance", "staff"),
        ]
        assert await roles_of(gateway) == given

        idp.claims |= {"groups": {"ill-demo-staff": True}, "desks": ["west"]}
        await ruth.post("/sign-out", {})
        await ruth.get(START)
        assert await roles_of(gateway) == [("clearance", "staff")]
        assert (await ruth.get("/borrowing")).status == 403
        entries = await user_service(gateway).list_audit_entries(20)
        details = [entry.detail for entry in entries if entry.action == "provider-roles-set"]
        assert details == ["no role", "office@*, DEMO patron-services@EAST, DEMO staff"]


async def test_without_a_group_or_a_rule_nobody_has_a_role(installation: Installation) -> None:
    async with signing_in(installation, grants=GRANTS[:1]) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor")
        idp.claims["groups"] = ["ill-demo-staff"]
        assert (await ruth.get(START)).status == 200
        assert await roles_of(gateway) == [("staff", "provider")]

    async with signing_in(installation) as (gateway, idp, ruth):
        users = user_service(gateway)
        await users.unlink_identity(await users.find_any_user("r.okafor"), BY_TEST)  # the provider has another port
        idp.claims["groups"] = ["ill-demo-staff"]
        page = await ruth.get(START)
        assert (page.status, "Your account has no role yet." in page.text) == (403, True)
        assert await roles_of(gateway) == []


async def test_roles_of_groups_count_for_a_sign_in_there_alone(installation: Installation) -> None:
    """By a password they would outlive the groups."""
    async with signing_in(installation, grants=GRANTS) as (gateway, idp, ruth), colleague(gateway) as at_home:
        await make_user(gateway, "r.okafor", "clearance")
        idp.claims["groups"] = ["ill-demo-staff"]
        await ruth.get(START)

        await at_home.sign_in("r.okafor")

        assert ((await ruth.get("/borrowing")).status, (await at_home.get("/borrowing")).status) == (200, 403)


async def test_a_form_changes_the_roles_that_people_gave(installation: Installation) -> None:
    async with signing_in(installation, grants=GRANTS) as (gateway, idp, ruth), colleague(gateway) as manager:
        await make_user(gateway, "m.eriksen", "manager")
        await make_user(gateway, "r.okafor", "clearance", password="")
        idp.claims["groups"] = ["ill-demo-staff"]
        await ruth.get(START)
        await manager.sign_in("m.eriksen")

        page = await manager.get("/users/r.okafor")
        assert "Through your organisation’s groups: Interlibrary loan" in page.text
        assert page.tree.xpath("//input[@type='checkbox' and @checked]/@name") == ["role-clearance"]
        await manager.post("/users/r.okafor/roles", {"own_password": PASSWORD})

        assert await roles_of(gateway) == [("staff", "provider")]


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ({"value": "ill-office", "role": "staff"}, "library must be one of those above"),
        ({"value": "ill-office", "role": "staff", "library": "ELSEWHERE"}, "library must be one of those above"),
        ({"value": "ill-{library}", "role": "staff", "library": "DEMO"}, "value names the library already"),
        ({"value": "ill-{library}", "role": "office"}, "office counts in all libraries"),
        ({"value": "ill-office", "role": "boss"}, "no such role: 'boss'"),
        ({"value": "", "role": "staff"}, "at least 1 character"),
    ],
)
def test_a_grant_that_names_no_library_or_role_is_refused(
    installation: Installation, grant: dict[str, str], problem: str
) -> None:
    demo, north = ({"symbol": symbol, "name": symbol, "system": {"type": "embedded"}} for symbol in ("DEMO", "NORTH"))
    oidc = {"issuer": "https://login.example", "client_id": "ill", "grants": [grant]}
    installation.change(libraries=[demo, north], http={"public_url": "https://ill.example"}, staff={"oidc": oidc})

    checked = installation.run("check", check=False)

    assert (checked.returncode != 0, problem in checked.stdout + checked.stderr) == (True, True)

"""Staff who sign in at an identity provider of their own library: to accounts and roles of that library alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.domain.roles import parse_grant
from tests.protocol.pages.provider import CLIENT, SECRET, Provider, provider
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import BY_TEST, Colleague, colleague, make_user, user_service
from tests.support.daemon import Installation, free_port
from tests.support.yaml_files import read_yaml_file

HERE = "/sign-in/provider?back=/staff/account"
"""Where people go to the provider of the installation; behind /demo to that of the library."""

GRANTS = [{"value": "ill-staff", "role": "staff"}]


def give_provider(installation: Installation, idp: Provider, **more: Any) -> None:
    """Give one to DEMO, in the file."""
    oidc = {"issuer": idp.issuer, "client_id": CLIENT, "client_secret": "file:secret", **more}
    demo, *others = read_yaml_file(installation.config)["libraries"]
    installation.change(libraries=[{**demo, "staff": {"oidc": oidc}}, *others])


@asynccontextmanager
async def two_libraries(
    installation: Installation, shared: Provider, *, is_alone: bool = False
) -> AsyncIterator[tuple[Running, Colleague]]:
    """DEMO and FJORD, and a provider of the installation. `is_alone`: DEMO."""
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    (installation.folder / "secret").write_text(SECRET, encoding="utf-8")
    port = free_port()
    http = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    staff = {"oidc": {"issuer": shared.issuer, "client_id": CLIENT, "client_secret": "file:secret"}}
    fjord = [{"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}}]
    async with (
        running(installation, http=http, staff=staff, other_libraries=[] if is_alone else fjord) as gateway,
        colleague(gateway) as nina,
    ):
        yield gateway, nina


async def find_way(somebody: Colleague, place: str) -> str:
    """Where the form's button for the organisation's account leads."""
    form = await somebody.get(f"{place}/sign-in")
    return str(form.tree.xpath("string(//main//a[contains(@class, 'button')]/@href)")).partition("?")[0]


async def list_roles(gateway: Running, name: str) -> list[tuple[str, str, str]]:
    user = await user_service(gateway).find_any_user(name)
    return [(grant.library, str(grant), grant.source.value) for grant in user.grants]


async def test_a_library_s_provider_is_used_at_its_address_without_a_restart(installation: Installation) -> None:
    async with provider() as shared, provider() as own, two_libraries(installation, shared) as (gateway, nina):
        await make_user(gateway, "nina", password="")
        assert await find_way(nina, "/demo") == "/staff/sign-in/provider"
        assert (await nina.get("/demo/signed-in")).status == 404

        give_provider(installation, own, grants=GRANTS)
        await gateway.gateway.reload()
        own.claims = {"preferred_username": "Nina", "groups": ["ill-staff"]}
        ways = [await find_way(nina, place) for place in ("", "/fjord", "/demo")]
        page = await nina.get("/demo/sign-in/provider?back=/staff/demo/borrowing")

        assert ways == ["/staff/sign-in/provider", "/staff/sign-in/provider", "/staff/demo/sign-in/provider"]
        assert own.asked["redirect_uri"] == f"{gateway.url}/staff/demo/signed-in"
        assert (page.status, page.url) == (200, f"{gateway.url}/staff/demo/borrowing")
        assert await list_roles(gateway, "nina") == [("DEMO", "staff", "provider")]


async def test_that_of_the_only_library_is_used_where_no_address_names_it(installation: Installation) -> None:
    async with provider() as idp, two_libraries(installation, idp, is_alone=True) as (gateway, nina):
        give_provider(installation, idp)
        await gateway.gateway.reload()
        await make_user(gateway, "nina", "staff", password="")
        idp.claims = {"preferred_username": "nina"}

        way = await find_way(nina, "")
        page = await nina.get(HERE)

        assert way == "/staff/demo/sign-in/provider"
        assert (page.title, page.url) == ("Your account", f"{gateway.url}/staff/account")
        assert idp.asked["redirect_uri"] == f"{gateway.url}/staff/demo/signed-in"


async def test_it_opens_accounts_of_its_library_alone(installation: Installation) -> None:
    """Even where it is the installation's, too: there it is asked by another address."""
    async with provider() as idp, two_libraries(installation, idp) as (gateway, nina):
        give_provider(installation, idp)
        await gateway.gateway.reload()
        for name, library in (("nina", "DEMO"), ("ruth", "FJORD")):
            await make_user(gateway, name, "staff", library=library, password="")

        async def sign_in(name: str, place: str) -> int:
            idp.claims = {"sub": f"subject of {name}", "preferred_username": name}
            nina.browser.cookies.clear()
            return (await nina.get(f"{place}{HERE}")).status

        assert [await sign_in("ruth", "/demo"), await sign_in("nina", "")] == [403, 403]
        users = user_service(gateway)
        assert [(await users.find_any_user(name)).linked for name in ("nina", "ruth")] == [None, None]
        assert [await sign_in("ruth", ""), await sign_in("nina", "/demo")] == [200, 200]
        assert await sign_in("ruth", "/demo") == 403, "linked, and of another library"


async def test_whoever_signs_in_there_has_the_roles_of_the_library_alone(installation: Installation) -> None:
    async with provider() as idp, two_libraries(installation, idp) as (gateway, nina), colleague(gateway) as at_home:
        give_provider(installation, idp)
        await gateway.gateway.reload()
        grants = tuple(parse_grant(*place) for place in (("DEMO", "staff"), ("FJORD", "staff"), ("", "operator@*")))
        await make_user(gateway, "nina", grants=grants)
        idp.claims = {"preferred_username": "nina"}
        await nina.get(f"/demo{HERE}")
        await at_home.sign_in("nina")

        pages = ("/demo/borrowing", "/fjord/borrowing", "/demo/operation")
        tried = [[(await somebody.get(page)).status for page in pages] for somebody in (nina, at_home)]
        assert tried == [[200, 403, 403], [200, 200, 200]]

        user = await user_service(gateway).find_any_user("nina")
        await user_service(gateway).set_roles(user, [], BY_TEST)
        page = await nina.get(f"/demo{HERE}")
        assert (page.status, "Your account has no role yet." in page.text) == (403, True)


@pytest.mark.parametrize(("place", "other"), [("/demo", ""), ("", "/demo")])
async def test_a_journey_to_one_provider_does_not_end_at_the_address_of_another(
    installation: Installation, place: str, other: str
) -> None:
    async with provider() as idp, two_libraries(installation, idp) as (gateway, nina):
        give_provider(installation, idp)
        await gateway.gateway.reload()
        await make_user(gateway, "nina", "staff", library="DEMO" if place else "FJORD")
        idp.claims = {"preferred_username": "nina"}
        await nina.get("/sign-in")
        sent = await nina.get(f"{place}{HERE}", follow=False)
        back = (await nina.browser.get(sent.headers["Location"], follow=False)).headers["Location"]
        assert f"/staff{place}/signed-in?" in back

        page = await nina.browser.get(back.replace(f"/staff{place}/", f"/staff{other}/"))

        assert (page.status, page.title, idp.exchanged) == (403, "Sign-in took too long", [])
        assert (await nina.browser.get(back)).title == "Your account"

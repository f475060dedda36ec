"""Signing in at an identity provider: what is taken, and all that isn't."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest

from tests.protocol.pages.provider import CLIENT, SECRET, Provider, provider
from tests.protocol.pages.support import BOOK, PATRON, Running, Visitor, on_both, running, visitor
from tests.support.daemon import Installation, free_port
from tests.support.looking import Database
from tests.support.peer_tokens import make_rsa_key

START = "/openurl/DEMO/sign-in/provider?back=requests"


@asynccontextmanager
async def signing_in(
    installation: Installation,
    *,
    trusted_proxies: Sequence[str] = (),
    oidc: Mapping[str, object] = MappingProxyType({}),
    **pages: object,
) -> AsyncIterator[tuple[Running, Provider, Visitor]]:
    """The provider says that it is our patron, by card number."""
    (installation.folder / "secret").write_text(SECRET, encoding="utf-8")
    port = free_port()
    async with provider() as idp:
        idp.claims = {"card": PATRON}
        settings = {
            "issuer": idp.issuer,
            "client_id": CLIENT,
            "client_secret": "file:secret",
            "claim": "card",
            "identifier_types": ["barcode"],
            **oidc,
        }
        http = {"port": port, "public_url": f"http://127.0.0.1:{port}", "trusted_proxies": list(trusted_proxies)}
        library = {"sign_in": {"oidc": settings}}
        async with running(installation, library=library, http=http, pages=pages) as gateway, visitor(gateway) as anna:
            yield gateway, idp, anna


@on_both
async def test_there_and_back(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, anna):
        form = await anna.get(f"/openurl/DEMO/request?{BOOK}")
        page = await anna.get(form.tree.xpath("//main//a[contains(@class, 'button')]/@href")[0])

        assert page.title == "Request from another library"
        assert idp.asked["response_type"] == "code"
        assert idp.asked["code_challenge_method"] == "S256"
        assert idp.asked["redirect_uri"] == f"{gateway.url}/openurl/DEMO/signed-in"
        assert "De rerum nubium" in page.text
        done = await anna.post(
            "/openurl/DEMO/request",
            {**{name: page.hidden(name) for name in ("csrf", "form", "link")}, "service": "loan"},
        )
        assert done.title == "Request received"


async def test_whoever_only_sets_out_leaves_little_behind(installation: Installation) -> None:
    async with signing_in(installation) as (_gateway, _idp, anna):
        for chars in (8_000, 50_000):
            answer = await anna.get(START.replace("requests", f"request%3Ftitle={'a' * chars}"), follow=False)
            assert answer.status == 303
    kept = Database(installation.database).column("SELECT length(back_to) FROM page_journey ORDER BY 1")
    assert kept == [0, len("request?title=") + 8_000]


@pytest.mark.parametrize("algorithm", ["PS256", "RS512"])
async def test_a_key_that_does_not_say_its_algorithm(installation: Installation, algorithm: str) -> None:
    async with signing_in(installation) as (_gateway, idp, anna):
        idp.algorithm = algorithm
        assert "alg" not in idp.published
        assert (await anna.get(START)).title == "My account"


def other_key(idp: Provider) -> None:
    idp.key = make_rsa_key("another")


def unsigned(idp: Provider) -> None:
    idp.algorithm = "none"


def unknown_key(idp: Provider) -> None:
    idp.header = {"kid": "another"}


def says(**claims: object) -> Callable[[Provider], None]:
    return lambda idp: idp.claims.update(claims)


@pytest.mark.parametrize(
    "forge",
    [
        other_key,
        unsigned,
        unknown_key,
        says(aud="another-client"),
        says(aud=[CLIENT, "another-client"]),
        says(aud=[CLIENT], azp="another-client"),
        says(iss="https://login.elsewhere.example"),
        says(exp=int(time.time()) - 3600),
        says(iat=int(time.time()) + 3600),
        says(nonce="of another time"),
    ],
)
async def test_a_token_that_is_not_for_us_now(installation: Installation, forge: Callable[[Provider], None]) -> None:
    async with signing_in(installation) as (_gateway, idp, anna):
        forge(idp)
        page = await anna.get(START)
        assert (page.status, page.title) == (502, "Sign-in is not available")
        assert (await anna.get("/openurl/DEMO/requests")).title == "Sign in"


@pytest.mark.parametrize(
    ("asked", "said", "status"),
    [
        ({"acr": ["gold", "silver"]}, {"acr": "silver"}, 200),
        ({"acr": ["gold", "silver"]}, {"acr": "bronze"}, 403),
        ({"acr": ["gold"]}, {"acr": ["gold"]}, 403),
        ({"acr": ["gold"]}, {}, 403),
        ({"amr": ["mfa", "hwk"]}, {"amr": ["pwd", "mfa"]}, 200),
        ({"amr": ["mfa"]}, {"amr": ["pwd"]}, 403),
        ({"amr": ["mfa"]}, {"amr": "mfa"}, 403),
        ({"amr": ["mfa"]}, {}, 403),
        ({"acr": ["gold"], "amr": ["mfa"]}, {"acr": "gold", "amr": ["pwd"]}, 403),
        ({}, {"acr": "0", "amr": ["pwd"]}, 200),
    ],
)
async def test_how_somebody_signed_in_there(
    installation: Installation, asked: dict[str, list[str]], said: dict[str, object], status: int
) -> None:
    async with signing_in(installation, oidc=asked) as (_gateway, idp, anna):
        idp.claims.update(said)
        page = await anna.get(START)
        assert page.status == status
        assert (await anna.get("/openurl/DEMO/requests")).title == ("My account" if status == 200 else "Sign in")
        assert idp.asked.get("acr_values", "") == " ".join(asked.get("acr", []))


async def test_somebody_whom_the_library_does_not_know(installation: Installation) -> None:
    async with signing_in(installation) as (_gateway, idp, anna):
        idp.claims = {"card": "99999999999999"}
        assert (await anna.get(START)).status == 403
        idp.claims = {}
        assert (await anna.get(START)).status == 403


@on_both
async def test_a_state_is_good_once_and_for_one_browser(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, anna):
        await anna.get("/openurl/DEMO/citation")
        there = await anna.get(START, follow=False)
        state = there.headers["Location"].partition("state=")[2].partition("&")[0]
        async with visitor(gateway) as other:
            await other.get("/openurl/DEMO/citation")
            stolen = await other.get(f"/openurl/DEMO/signed-in?code=c-1&state={state}")
        again = await anna.get(f"/openurl/DEMO/signed-in?code=c-1&state={state}")

    assert stolen.status == again.status == 403
    assert stolen.title == "You are not signed in"


async def test_from_one_address_only_so_many_may_be_under_way(installation: Installation) -> None:
    limits = {"trusted_proxies": ["127.0.0.1"], "address_tries": 3}
    async with signing_in(installation, **limits) as (gateway, _idp, anna):
        async with visitor(gateway, X_Forwarded_For="192.0.2.66") as stranger:
            left = [(await stranger.get(START, follow=False)).status for _ in range(6)]
            assert left == [303, 303, 303, 429, 429, 429]
            assert Database(installation.database).value("SELECT count(*) FROM page_journey") == 3
        assert (await anna.get(START)).title == "My account", "elsewhere nobody waits"


async def test_whoever_comes_back_makes_room_for_the_next(installation: Installation) -> None:
    async with signing_in(installation, address_tries=2) as (gateway, _idp, _anna):
        for _ in range(5):
            async with visitor(gateway) as somebody:
                assert (await somebody.get(START)).title == "My account"


async def test_the_provider_says_no(installation: Installation) -> None:
    async with signing_in(installation) as (_gateway, _idp, anna):
        await anna.get("/openurl/DEMO/citation")
        there = await anna.get(START, follow=False)
        state = there.headers["Location"].partition("state=")[2].partition("&")[0]
        page = await anna.get(f"/openurl/DEMO/signed-in?error=access_denied&state={state}")
        assert (page.status, page.title) == (422, "Sign in")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_a_provider_that_names_no_place_is_no_defect_of_ours(installation: Installation, name: str) -> None:
    async with signing_in(installation) as (_gateway, idp, anna):
        idp.discovered = {name: "https://[::1"}
        page = await anna.get(START)
        assert (page.status, page.title) == (502, "Sign-in is not available")


async def test_a_new_key_of_the_provider_is_fetched(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, anna):
        assert (await anna.get(START)).title == "My account"
        other_key(idp)
        idp.publish("two")
        assert (await anna.get(START)).status == 502, "asked a moment ago: not again so soon"
        pages = gateway.gateway._pages
        assert pages is not None
        oidc = pages._parts.entries["DEMO"].oidc
        assert oidc is not None
        tried = oidc._keys._tried
        assert tried is not None
        oidc._keys._tried = tried.replace(year=tried.year - 1)
        assert (await anna.get(START)).title == "My account"

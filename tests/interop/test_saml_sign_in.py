"""Staff who sign in by SAML, at a real Apache with mod_auth_mellon and its shipped site; and whoever only says so."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from lxml import html

from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import make_user
from tests.support.apache import PROVIDER, SITE, Apache, IdentityProvider, apache_before
from tests.support.daemon import Installation, free_port
from tests.support.installed import NotInstalled

START = "/staff/sign-in/proxy?back=/staff/account"
HEADER = {"name": "X-Staff-User", "proxies": ["127.0.0.1"]}


@dataclass
class Browser:
    """At the public name of the site, which leads to this machine."""

    session: aiohttp.ClientSession
    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Status, place to which it leads, and title of the page."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        said = {"Host": "ill.example.org", "Cookie": cookie, **(headers or {})}
        method = "GET" if form is None else "POST"
        url = f"https://127.0.0.1:{self.port}{path.removeprefix(SITE)}"
        async with self.session.request(method, url, data=form, headers=said, allow_redirects=False) as answer:
            self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            text = await answer.text()
        title = str(html.document_fromstring(text).xpath("string(//h1)")) if text else ""
        return answer.status, answer.headers.get("Location", ""), title


@asynccontextmanager
async def site(installation: Installation, folder: Path) -> AsyncIterator[tuple[Running, Apache, Browser]]:
    http = {"port": free_port(), "public_url": SITE, "trusted_proxies": ["127.0.0.1"]}
    async with running(installation, http=http, staff={"header": HEADER}) as gateway:
        try:
            with apache_before(folder, gateway.gateway.http_port) as apache:
                context = ssl.create_default_context(cafile=apache.authority.certificate)
                connector = aiohttp.TCPConnector(ssl=context)
                async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
                    yield gateway, apache, Browser(session, apache.port)
        except NotInstalled as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))


async def go_to_provider(browser: Browser, **headers: str) -> str:
    """The address at the provider to which Apache sends whoever asks to sign in."""
    status, login, _ = await browser.ask(START, headers={"X-Staff-User": headers.get("claimed", "")})
    assert (status, login.startswith(f"{SITE}/mellon/login?")) == (303, True)
    _, sent, _ = await browser.ask(login)
    assert sent.startswith(f"{PROVIDER}/sso?SAMLRequest=")
    return sent


async def test_there_and_back(installation: Installation, tmp_path: Path) -> None:
    async with site(installation, tmp_path) as (gateway, apache, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")

        sent = await go_to_provider(ruth)
        status, back, _ = await ruth.ask("/mellon/postResponse", apache.provider.answer(sent, "r.okafor"))
        assert (status, back) == (303, f"{SITE}{START}")
        assert (await ruth.ask(back))[:2] == (303, "/staff/account")
        assert (await ruth.ask("/staff/account"))[2] == "Your account"


async def test_a_header_of_the_browser_is_nobodys_word(installation: Installation, tmp_path: Path) -> None:
    async with site(installation, tmp_path) as (gateway, _apache, mallory):
        await make_user(gateway, "j.tanaka", "operator")
        claimed = {"X-Staff-User": "j.tanaka"}

        sent = await go_to_provider(mallory, claimed="j.tanaka")
        for path in ("/staff/account", "//staff/sign-in//proxy", "/staff/sign-in/./prox%79", "/staff/sign-in/proxy/"):
            await mallory.ask(path, headers=claimed)
            assert (await mallory.ask("/staff/account"))[0] == 303, path
        forged = IdentityProvider().answer(sent, "j.tanaka")
        assert (await mallory.ask("/mellon/postResponse", forged))[0] >= 400
        assert (await mallory.ask("/staff/account"))[0] == 303


async def test_whoever_has_signed_in_is_not_somebody_else(installation: Installation, tmp_path: Path) -> None:
    async with site(installation, tmp_path) as (gateway, apache, mallory):
        await make_user(gateway, "j.tanaka", "operator")
        await make_user(gateway, "m.allory", "clearance", password="")
        sent = await go_to_provider(mallory)
        await mallory.ask("/mellon/postResponse", apache.provider.answer(sent, "m.allory"))

        await mallory.ask(START, headers={"X-Staff-User": "j.tanaka"})

        assert (await mallory.ask("/staff/account"))[2] == "Your account"
        assert (await mallory.ask("/staff/users"))[0] == 403

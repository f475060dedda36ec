"""A gateway with the patrons' pages: real store, real sample library, real sockets; and a visitor who keeps cookies."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from lxml import html

from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.runtime.daemon import Daemon
from gateway.services.request_work.request_service import RequestService
from gateway.settings import load_settings
from tests.support.daemon import Installation
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON, PIN = "21000000000017", "1234"
BLOCKED = "21000000000233"
BOOK = "genre=book&title=De+rerum+nubium&aulast=Lucius&isbn=9780306406157"
OURS = "genre=book&title=The+Three-Body+Problem&isbn=9780000010018"


FILE_TYPES = ("application/octet-stream", "application/pdf", "message/rfc822")

on_both = pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
"""On SQLite and on PostgreSQL."""


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str
    url: str
    cookies: list[str]

    @property
    def tree(self) -> Any:
        return html.document_fromstring(self.text)

    def hidden(self, name: str) -> str:
        (found,) = self.tree.xpath(f"//main//input[@type='hidden' and @name='{name}']/@value")
        return unescape(str(found))

    @property
    def title(self) -> str:
        return str(self.tree.xpath("string(//h1)"))


@dataclass
class Visitor:
    """A browser without scripts. `cookies` by name, as the server set them."""

    base: str
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, follow: bool = True, **headers: str) -> Answer:
        return await self._ask("GET", path, None, follow, headers)

    async def post(self, path: str, fields: Mapping[str, str] | bytes, follow: bool = True, **headers: str) -> Answer:
        return await self._ask("POST", path, fields, follow, headers)

    async def _ask(self, method: str, path: str, data: Any, follow: bool, headers: Mapping[str, str]) -> Answer:
        url = path if path.startswith("http") else f"{self.base}{path}"
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            said["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(
            method, url, data=data, headers={**self.headers, **said}, allow_redirects=False
        ) as answer:
            set_cookies = answer.headers.getall("Set-Cookie", [])
            for cookie in set_cookies:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            text = await answer.text(errors="replace" if answer.content_type in FILE_TYPES else "strict")
            found = Answer(answer.status, answer.headers.copy(), text, url, set_cookies)
        if follow and found.status in (302, 303):
            return await self._ask("GET", found.headers["Location"], None, follow, headers)
        return found

    async def sign_in(self, user: str = PATRON, password: str = PIN, back: str = "requests") -> Answer:
        form = await self.get("/openurl/DEMO/sign-in?back=" + quote(back))
        fields = {"csrf": form.hidden("csrf"), "back": form.hidden("back"), "user": user, "password": password}
        return await self.post("/openurl/DEMO/sign-in", fields)

    async def form(self, place: str = "request", link: str = BOOK) -> dict[str, str]:
        """Hidden fields of a form, for who is signed in."""
        page = await self.get(f"/openurl/DEMO/{place}?{link}")
        return {name: page.hidden(name) for name in ("csrf", "form", "link")}


@dataclass(frozen=True)
class Running:
    gateway: Daemon
    url: str

    def requests(self) -> RequestService:
        return self.gateway.managed.libraries["DEMO"].requests


@contextlib.asynccontextmanager
async def running(
    installation: Installation, adapters: AdapterRegistry | None = None, **sections: Any
) -> AsyncIterator[Running]:
    """`sections` of gateway.yml; `rules` those of requests.yml, `library` of the library in gateway.yml, where
    one is there."""
    if rules := sections.pop("rules", None):
        write_yaml_file(installation.folder / "requests.yml", rules)
    more = sections.pop("library", {})
    others = sections.pop("other_libraries", [])
    if listed := read_yaml_file(installation.config).get("libraries"):
        sections["libraries"] = [{**listed[0], **more}, *others]
    installation.change(tcp=[], **sections)
    adapters = adapters or load_adapters()
    gateway = Daemon(load_settings(installation.config, adapters), adapters)
    await gateway.start()
    try:
        yield Running(gateway, f"http://127.0.0.1:{gateway.http_port}")
    finally:
        await gateway.stop()


@contextlib.asynccontextmanager
async def visitor(running_: Running, **headers: str) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), max_field_size=65_536) as session:
        yield Visitor(running_.url, session, headers={name.replace("_", "-"): text for name, text in headers.items()})

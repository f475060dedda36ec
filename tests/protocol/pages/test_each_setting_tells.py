"""Keys of requests.yml and of signing in that no story tries: with another value, a reader sees another page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.protocol.pages.support import BOOK, PATRON, running, visitor
from tests.protocol.pages.test_oidc import START, signing_in
from tests.support.daemon import Installation

ARTICLE = "genre=article&atitle=Nebel&title=Wolkenkunde&volume=7&spage=3&epage=9&issn=0378-5955"
DECLARED = {"services": ["copy"], "text": {"en": "I shall read it alone."}}


@pytest.mark.parametrize(
    ("link", "services", "shown"),
    [
        (BOOK, {"formats": {"loans": ["large-print"]}}, "large-print"),
        (ARTICLE, {"formats": {"copies": ["microfiche"]}}, "microfiche"),
        (ARTICLE, {"declaration": DECLARED}, "I shall read it alone."),
    ],
)
async def test_what_the_form_offers(
    installation: Installation, link: str, services: dict[str, Any], shown: str
) -> None:
    texts = []
    for rules in ({}, {"services": services}):
        own = installation.copy(installation.folder.with_name(f"copy-{len(texts)}"))
        async with running(own, rules={"intake": {}, **rules}) as gateway, visitor(gateway) as anna:
            await anna.sign_in()
            texts.append((await anna.get(f"/openurl/DEMO/request?{link}")).text)

    assert [shown in text for text in texts] == [False, True]


async def test_how_early_a_reader_may_no_longer_need_it(installation: Installation) -> None:
    async with running(installation, rules={"services": {"least_days": 9}}) as gateway, visitor(gateway) as anna:
        await anna.sign_in()
        today = gateway.gateway.managed.contexts["DEMO"].today()
        fields = {"service": "loan", "pickup": "SCI"}
        early, late = [
            await anna.post(
                "/openurl/DEMO/request",
                {**await anna.form(), **fields, "need_by": (today + timedelta(days=days)).isoformat()},
            )
            for days in (8, 9)
        ]

    assert (early.status, late.title) == (422, "Request received")


@pytest.mark.parametrize(
    ("oidc", "title", "scope"),
    [
        ({"identifier_types": ["barcode"]}, "My account", "openid profile"),
        ({"identifier_types": ["username"]}, "Sign in", "openid profile"),
        ({"scopes": ["openid", "card"]}, "My account", "openid card"),
    ],
)
async def test_what_a_provider_of_readers_is_asked(
    installation: Installation, oidc: dict[str, Any], title: str, scope: str
) -> None:
    async with signing_in(installation, oidc=oidc) as (_gateway, idp, anna):
        idp.claims = {"card": PATRON}
        await anna.get(START)

        assert (await anna.get("/openurl/DEMO/requests")).title == title
        assert idp.asked["scope"] == scope


async def test_where_readers_have_no_password_none_is_asked_for(installation: Installation) -> None:
    fields = []
    for password in (True, False):
        own = installation.copy(installation.folder.with_name(f"copy-{password}"))
        header = {"name": "X-Patron", "proxies": ["192.0.2.7"]}
        library = {"sign_in": {"password": password, "header": header}}
        async with running(own, library=library) as gateway, visitor(gateway) as anna:
            page = await anna.get("/openurl/DEMO/sign-in")
            fields.append(len(page.tree.xpath("//input[@type='password']")))

    assert fields == [1, 0]

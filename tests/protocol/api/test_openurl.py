"""`/openurl/resolve`: what a link cites and what the library can do for it, for programs."""

from __future__ import annotations

import aiohttp

from gateway.services.people.api_keys import KeyScope
from tests.protocol.api.support import Running

BOOK = (
    "rft_val_fmt=info:ofi/fmt:kev:mtx:book&rft.genre=book&rft.btitle=The%20Three-Body%20Problem&rft.isbn=9780000010018"
)
ARTICLE = "genre=article&atitle=%C3%9Cber%20den%20Schnee&title=Zeitschrift&title=Zeitschrift&volume=3&spage=7&req_id=77"


async def resolved(gateway: Running, query: str, key: str) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{gateway.url}/api/v1/openurl/resolve?{query}", headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_a_book_of_ours_can_be_reserved(gateway: Running) -> None:
    status, found = await resolved(gateway, BOOK, await gateway.key(KeyScope.PATRON))

    assert status == 200
    assert found["availability"] == "available"
    assert found["record"] == "1001"
    assert found["service"] == "loan"
    (offer,) = [one for one in found["offers"] if one["kind"] == "hold"]  # type: ignore[attr-defined]
    assert offer["url"].startswith("/openurl/DEMO/hold?")
    assert found["copies"][0]["call_number"] == "800.0 Liu 1998"  # type: ignore[index]


async def test_an_article_comes_from_elsewhere_and_who_asks_is_not_passed_on(gateway: Running) -> None:
    status, found = await resolved(gateway, ARTICLE, await gateway.key(KeyScope.REQUESTS_READ))

    assert status == 200
    assert found["availability"] == "not-held"
    assert found["citation"]["component_title"] == "Über den Schnee"  # type: ignore[index]
    assert [one["kind"] for one in found["offers"]] == ["borrow"]  # type: ignore[attr-defined]
    assert "77" not in str(found["openurl"])


async def test_by_post_the_link_may_be_in_the_body(gateway: Running) -> None:
    headers = {
        "Authorization": f"Bearer {await gateway.key(KeyScope.PATRON)}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{gateway.url}/api/v1/openurl/resolve", data=BOOK, headers=headers) as answer,
    ):
        found = await answer.json()

    assert found["citation"]["title"] == "The Three-Body Problem"


async def test_it_needs_a_key_and_a_patron_that_there_is(gateway: Running) -> None:
    assert (await resolved(gateway, BOOK, "ilg_none"))[0] == 401
    status, problem = await resolved(gateway, f"{BOOK}&patron=nobody", await gateway.key(KeyScope.PATRON))
    assert (status, problem["reason"]) == (422, "unknown-patron")


async def test_the_document_describes_it(gateway: Running) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/api/v1/openapi.json") as answer:
        document = await answer.json()
    assert set(document["paths"]["/openurl/resolve"]) == {"get", "post"}

"""Forms of other sites at the pages of patrons: links are taken, and nothing else is done, kept or signed out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.domain.problems import Unavailable
from gateway.domain.requests.views import RequestFilter
from tests.protocol.pages.support import BOOK, PATRON, PIN, Answer, Running, Visitor, running, visitor
from tests.support.daemon import Installation

FOREIGN = {"Sec_Fetch_Site": "cross-site", "Origin": "https://discovery.example"}
ORDER = {"link": BOOK, "form": "f" * 32, "service": "loan", "note": "An wen auch immer"}


def kept_fields(answer: Answer) -> list[str]:
    return [str(name) for name in answer.tree.xpath("//input/@name") if str(name).startswith("kept.")]


async def count_requests(gateway: Running) -> int:
    return len([*await gateway.requests().list_requests(RequestFilter(), 10, "")])


async def end_session(gateway: Running, anna: Visitor) -> dict[str, str]:
    """Of whoever has a form open: the browser keeps its cookie."""
    form = await anna.form()
    kept = dict(anna.cookies)
    await anna.post("/openurl/DEMO/sign-out", {"csrf": form["csrf"]})
    anna.cookies = kept
    return form


@pytest.mark.parametrize("headers", [{}, FOREIGN])
async def test_a_link_by_post_is_shown_and_sets_no_cookie(gateway: Running, headers: Mapping[str, str]) -> None:
    async with visitor(gateway) as stranger:
        answer = await stranger.post(
            "/openurl/DEMO", BOOK.encode(), **headers, Content_Type="application/x-www-form-urlencoded"
        )
        assert (answer.status, answer.title) == (200, "De rerum nubium")
        assert answer.cookies == []


async def test_a_link_from_anywhere_finds_the_patron_signed_in(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    page = await anna.get(f"/openurl/DEMO/request?{BOOK}", Sec_Fetch_Site="cross-site")
    assert page.title == "Request from another library"


@pytest.mark.parametrize("headers", [{}, FOREIGN])
async def test_an_order_of_another_site_is_not_kept_through_sign_in(
    gateway: Running, headers: Mapping[str, str]
) -> None:
    async with visitor(gateway) as stranger:
        for path in ("request", "hold"):
            answer = await stranger.post(f"/openurl/DEMO/{path}", {"csrf": "0" * 64, **ORDER}, **headers)
            assert answer.status == 403
            assert kept_fields(answer) == []
            assert answer.cookies == []
            assert ORDER["note"] not in answer.text


async def test_nor_where_the_browser_has_a_cookie_of_ours(gateway: Running, anna: Visitor) -> None:
    await anna.get("/openurl/DEMO/sign-in")
    answer = await anna.post("/openurl/DEMO/request", {"csrf": "0" * 64, **ORDER})
    assert answer.status == 403
    assert kept_fields(answer) == []


async def test_nor_while_the_library_is_away(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    pages = gateway.gateway._pages
    assert pages is not None

    async def is_away(*_: object) -> None:
        raise Unavailable("down for the night")

    own = await anna.form()
    pages._parts.sessions.find_session = is_away  # type: ignore[method-assign]
    foreign = await anna.post("/openurl/DEMO/request", {"csrf": "0" * 64, **ORDER})
    ours = await anna.post("/openurl/DEMO/request", {**own, **ORDER, "form": own["form"]})

    assert (foreign.status, ours.status) == (403, 503)
    assert ORDER["note"] not in foreign.text
    assert ORDER["note"] in ours.text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_a_browser_calls_foreign_is_refused_whatever_its_token(
    gateway: Running, anna: Visitor, site: str
) -> None:
    await anna.sign_in()
    form = await anna.form()
    answer = await anna.post("/openurl/DEMO/request", {**form, "service": "loan"}, Sec_Fetch_Site=site)
    assert (answer.status, answer.title) == (403, "This form came from another website")
    assert await count_requests(gateway) == 0


async def test_no_site_signs_a_patron_out(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    async with visitor(gateway) as without_cookie:
        answer = await without_cookie.post("/openurl/DEMO/sign-out", {"csrf": "0" * 64})
    assert answer.status == 403
    assert answer.cookies == []


async def test_a_proxys_word_signs_nobody_in_for_a_form_without_our_cookie(installation: Installation) -> None:
    library = {"sign_in": {"password": False, "header": {"name": "X-Patron", "proxies": ["127.0.0.1"]}}}
    async with running(installation, library=library) as gateway, visitor(gateway, X_Patron=PATRON) as anna:
        for path in ("request", "sign-out", "privacy/erase"):
            answer = await anna.post(f"/openurl/DEMO/{path}", {"csrf": "0" * 64, **ORDER})
            assert answer.status == 403
            assert answer.cookies == []
        assert (await anna.get("/openurl/DEMO/requests")).title == "My account"


async def test_nor_does_it_for_a_link_that_another_site_sends_with_our_cookie(installation: Installation) -> None:
    library = {"sign_in": {"password": False, "header": {"name": "X-Patron", "proxies": ["127.0.0.1"]}}}
    async with running(installation, library=library) as gateway, visitor(gateway) as anna:
        await anna.get("/openurl/DEMO/citation")
        assert anna.cookies
        headers = {**FOREIGN, "X_Patron": PATRON, "Content_Type": "application/x-www-form-urlencoded"}
        answer = await anna.post("/openurl/DEMO", BOOK.encode(), **headers)
        assert (answer.status, answer.title) == (200, "De rerum nubium")
        assert answer.cookies == []


async def test_what_waited_is_shown_before_it_is_sent(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await end_session(gateway, anna)
    sent = {**form, "service": "loan", "note": "Bitte <bald>", "need_by": "2027-03-31"}
    asked = await anna.post("/openurl/DEMO/request", sent)
    hidden = {one.get("name"): one.get("value") for one in asked.tree.xpath("//main//input[@type='hidden']")}

    again = await anna.post("/openurl/DEMO/sign-in", {**hidden, "user": PATRON, "password": PIN})

    rows = {row[0].text_content(): row[1].text_content() for row in again.tree.xpath("//main//dl/div")}
    assert rows["Title"] == "De rerum nubium"
    assert rows["What do you need?"] == "The whole item, on loan"
    assert rows["Note to the library"] == "Bitte <bald>"
    assert rows["Needed by"] == "2027-03-31"
    assert await count_requests(gateway) == 0

"""From the form to the request: what is taken, what is refused, and that it is one."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.views import RequestFilter
from gateway.store import patron_sessions
from gateway.web.html.visits import hash_token
from tests.protocol.pages.support import BLOCKED, BOOK, OURS, PATRON, Running, Visitor, on_both, visitor

ARTICLE = "genre=article&atitle=Nebel&title=Wolkenkunde&volume=7&spage=3&epage=9&issn=0378-5955"


async def test_a_loan(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form()
    done = await anna.post(
        "/openurl/DEMO/request",
        {**form, "service": "loan", "pickup": "SCI", "need_by": "31.12.2027", "note": "Gern\r\nauch\x07 alt"},
    )
    request = await gateway.requests().find_request(done.tree.xpath("string(//*[contains(@class, 'number')])"))

    assert done.title == "Request received"
    assert PATRON not in done.url
    assert request.citation.title == "De rerum nubium"
    assert request.service.type is ServiceType.LOAN
    assert request.dates.need_by == date(2027, 12, 31)
    assert request.patron.pickup == "SCI"
    assert (request.notes[0].by, request.notes[0].text) == ("patron", "Gern\nauch alt")
    assert request.source == "openurl"


async def test_readers_name_the_volumes_that_they_need(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    fields = {"volumes": "Bd. 1\r\n\r\nBd. 2 \r\nBd. 1"}
    await anna.post("/openurl/DEMO/request", {**await anna.form(), **fields, "service": "loan"})
    (request,) = await gateway.requests().list_requests(RequestFilter(), 10, "")

    assert [one.label for one in request.volumes] == ["Bd. 1", "Bd. 2"]
    too_long = {"volumes": "x" * 3_000, "service": "loan"}
    again = await anna.post("/openurl/DEMO/request", {**await anna.form(), **too_long})
    assert again.status == 422
    assert again.tree.xpath("string(//*[@id='volumes-wrong'])")


async def test_a_copy_keeps_what_was_declared(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form(link=ARTICLE)
    fields = {**form, "service": "copy", "component_title": "Nebel", "pages": "3-9", "format_copy": "pdf"}
    without = await anna.post("/openurl/DEMO/request", fields)
    await anna.post("/openurl/DEMO/request", {**fields, "declared": "yes"})
    (request,) = await gateway.requests().list_requests(RequestFilter(), 10, "")

    assert without.status == 422
    assert without.tree.xpath("//input[@id='declared']/@aria-invalid") == ["true"]
    assert request.service.format == "pdf"
    (extra,) = request.extras
    assert extra.name == "copyright-declaration"
    assert extra.value.startswith("I need this copy for my own study")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "theft"),
        ("need_by", "2020-01-01"),
        ("need_by", "31.02.2027"),
        ("need_by", "2199-01-01"),
        ("pickup", "MOON"),
        ("note", "x" * 2001),
        ("format_loan", "papyrus"),
    ],
)
async def test_what_can_not_be_is_said_at_its_field(anna: Visitor, field: str, value: str) -> None:
    await anna.sign_in()
    form = await anna.form()
    page = await anna.post("/openurl/DEMO/request", {**form, "service": "loan", field: value})

    assert page.status == 422
    (link,) = page.tree.xpath("//div[@role='alert']//a")
    assert link.get("href") == f"#{field}"


@on_both
async def test_many_at_once_are_one_request(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = {**await anna.form(), "service": "loan"}
    done = await asyncio.gather(*(anna.post("/openurl/DEMO/request", form, follow=False) for _ in range(6)))

    assert {one.status for one in done} == {303}
    assert len({one.headers["Location"] for one in done}) == 1
    assert len(list(await gateway.requests().list_requests(RequestFilter(), 10, ""))) == 1


@on_both
async def test_from_a_page_that_is_out_of_date_it_is_shown_again(gateway: Running, anna: Visitor) -> None:
    """In another window the patron has signed out and in: the cookie is a new one."""
    await anna.sign_in()
    form = {**await anna.form(), "service": "loan", "note": "Bitte bald"}
    await anna.sign_in()
    again = await anna.post("/openurl/DEMO/request", form)
    nothing = list(await gateway.requests().list_requests(RequestFilter(), 10, ""))
    done = await anna.post("/openurl/DEMO/request", {**form, "csrf": again.hidden("csrf")})

    assert again.status == 403
    assert "had expired" in again.tree.xpath("string(//div[@role='alert'])")
    assert again.tree.xpath("string(//textarea[@name='note'])").strip() == "Bitte bald"
    assert nothing == []
    assert done.title == "Request received"


@pytest.mark.parametrize(
    ("place", "link", "asked"),
    [("request", BOOK, "find_patron"), ("hold", OURS, "find_patron"), ("hold", OURS, "find_bib")],
)
async def test_nothing_is_lost_while_the_library_is_away(
    gateway: Running, anna: Visitor, place: str, link: str, asked: str
) -> None:
    await anna.sign_in()
    form = {**await anna.form(place, link), "service": "loan", "pickup": "NORTH", "note": "Zweite <Auflage>"}
    system = gateway.requests().context.system
    works = getattr(system, asked)

    async def away(*_: object) -> None:
        raise Unavailable("down for the night")

    setattr(system, asked, away)
    sorry = await anna.post(f"/openurl/DEMO/{place}", form)
    setattr(system, asked, works)
    (again,) = sorry.tree.xpath("//main//form")
    done = await anna.post(again.get("action"), dict(again.fields))

    assert (sorry.status, sorry.title) == (503, "Not available now")
    assert "Nothing is lost" in sorry.text
    assert again.fields["note"] == "Zweite <Auflage>"
    assert done.title in ("Request received", "Reserved")


async def test_a_blocked_patron_is_told_in_plain_words(anna: Visitor) -> None:
    await anna.sign_in(user=BLOCKED)
    csrf = (await anna.get("/openurl/DEMO/requests")).tree.xpath("//input[@name='csrf']/@value")[0]
    form = {"csrf": csrf, "form": "opened before the block", "link": BOOK}
    page = await anna.post("/openurl/DEMO/request", {**form, "service": "loan"})

    assert page.status == 422
    assert "Your account is blocked from making requests." in page.tree.xpath("string(//div[@role='alert'])")


@on_both
async def test_somebody_elses_request_is_not_there(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form()
    done = await anna.post("/openurl/DEMO/request", {**form, "service": "loan"})
    async with visitor(gateway) as other:
        await other.sign_in(user="21000000000025")
        assert (await other.get(done.url.removeprefix(gateway.url))).status == 404


async def test_who_was_signed_out_meanwhile_signs_in_and_comes_back(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = await anna.form()
    house = gateway.requests().context
    await house.store.write(
        lambda c: patron_sessions.end_session(c, ["DEMO"], hash_token(anna.cookies["illgate_visit"]))
    )
    page = await anna.post("/openurl/DEMO/request", {**form, "service": "loan"})

    assert page.title == "Sign in"
    assert page.hidden("back").startswith("request?")


@on_both
async def test_a_hold_placed_twice_is_one_and_the_second_form_is_refused(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = {**await anna.form("hold", OURS), "pickup": "NORTH"}
    first = await anna.post("/openurl/DEMO/hold", form, follow=False)
    again = await anna.post("/openurl/DEMO/hold", form, follow=False)
    other = await anna.post("/openurl/DEMO/hold", {**await anna.form("hold", OURS), "pickup": "NORTH"})

    assert first.status == 303
    assert first.headers["Location"] == again.headers["Location"]
    assert other.status == 422
    shown = await anna.get(first.headers["Location"])
    assert shown.title == "Reserved"
    assert "North Branch" in shown.text


async def test_nothing_of_ours_to_hold(anna: Visitor) -> None:
    await anna.sign_in()
    page = await anna.post("/openurl/DEMO/hold", {**await anna.form("hold", BOOK), "pickup": "NORTH"})
    assert page.status == 422


async def test_a_place_in_the_list_that_no_page_gave(anna: Visitor) -> None:
    await anna.sign_in()
    assert (await anna.get("/openurl/DEMO/requests?cursor=abcd")).status == 404


async def test_a_patron_whom_the_library_does_not_know_any_more(gateway: Running, anna: Visitor) -> None:
    async def gone(*_: object) -> None:
        raise Refused(RefusalReason.UNKNOWN_PATRON, "no such patron")

    await anna.sign_in()
    gateway.requests().context.system.patron_holds = gone
    page = await anna.get("/openurl/DEMO/holds/1")
    assert (page.status, page.title) == (409, "Not allowed")

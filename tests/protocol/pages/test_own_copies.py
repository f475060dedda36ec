"""A copy that has come: its patron has it from the account, as often and as long as from the letter's link."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, Request, RequestedService, ServiceType
from gateway.domain.requests.views import FileUpload, RequestFilter
from gateway.store.api_access import make_copy_token
from gateway.store.requests import requests
from tests.protocol.pages.support import Answer, Running, Visitor, running, visitor
from tests.protocol.pages.test_requests import ARTICLE
from tests.protocol.staff.request_scenes import RULES, add_partners, hear_partner, library_context, make_asked
from tests.support.blank_pdf import write_blank_pdf
from tests.support.daemon import Installation

PARTNERS_LINK = "https://share.partner.example/a?key=7&x=<b>"
PDF = write_blank_pdf(3)


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules={**RULES, "copies": {"downloads": 2, "link_days": 3}}) as one:
        yield one


async def ask_for_copy(gateway: Running) -> Request:
    return await make_asked(gateway, service=RequestedService(ServiceType.COPY))


async def deliver_file(gateway: Running, *, with_link: bool) -> Request:
    """As a mail with a PDF does; `with_link`: the letter names an address of ours."""
    request = await ask_for_copy(gateway)
    upload = FileUpload(name="Nebel & Wolken.pdf", media_type="application/pdf", content=PDF)
    request, attachment = await gateway.requests().attach(request.id, upload, "partner:utrecht", None)
    link = ""
    if with_link:
        context = library_context(gateway)
        now = context.now()
        expires = (now + timedelta(days=3)).replace(microsecond=0)
        token = await context.store.write(
            lambda c: make_copy_token(c, "DEMO", request.id, attachment.id, expires, 2, now)
        )
        link = f"{gateway.url}/d/{token}"
    return await hear_partner(gateway, request, EventKind.COPY_DELIVERED, attachment=attachment.id, link=link)


async def take(anna: Visitor, path: str) -> Answer:
    page = await anna.get(path)
    return await anna.post(path, {"csrf": page.hidden("csrf")})


@dataclass
class Fetched:
    status: int
    headers: Mapping[str, str]
    content: bytes


async def fetch(anna: Visitor, path: str, csrf: str) -> Fetched:
    """A file that needn't be text."""
    cookies = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
    async with anna.session.post(f"{anna.base}{path}", data={"csrf": csrf}, headers={"Cookie": cookies}) as answer:
        return Fetched(answer.status, answer.headers.copy(), await answer.read())


@pytest.mark.parametrize("with_link", [False, True])
async def test_a_copy_that_is_here_is_downloaded_in_the_account(
    gateway: Running, anna: Visitor, with_link: bool
) -> None:
    request = await deliver_file(gateway, with_link=with_link)
    assert request.state is BorrowingState.COMPLETED
    await anna.sign_in()
    listed = await anna.get("/openurl/DEMO/requests")
    (path,) = listed.tree.xpath("//a[text()='Get the copy']/@href")
    ready = " ".join(listed.tree.xpath("string(//section[@aria-labelledby='ready'])").split())
    last = library_context(gateway).now() + timedelta(days=3)
    assert f"Ready to download until {last.astimezone(library_context(gateway).zone).day} " in ready
    assert "PDF, 3 pages, 1 kB" in ready
    assert not listed.tree.xpath("//section[@aria-labelledby='older']")
    asked = await anna.get(path)
    assert "Nebel & Wolken.pdf" in asked.tree.xpath("string(//main)")
    assert "2 more times" in asked.text

    taken = await fetch(anna, path, asked.hidden("csrf"))
    assert (taken.status, taken.content) == (200, PDF)
    assert taken.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''Nebel%20")
    assert taken.headers["Cache-Control"] == "no-store"
    assert "sandbox" in taken.headers["Content-Security-Policy"]

    assert "once more" in (await anna.get(path)).text, "looking takes nothing"
    assert (await fetch(anna, path, asked.hidden("csrf"))).status == 200
    used_up = await anna.get(path)
    assert "can no longer be downloaded" in used_up.text
    for page in (await anna.get("/openurl/DEMO/requests"), await anna.get(path.removesuffix("/copy"))):
        assert "This copy can no longer be downloaded." in page.text
        assert "Your copy is ready" not in page.text
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//section[@aria-labelledby='older']")
    assert (await anna.post(path, {"csrf": asked.hidden("csrf")})).status == 410
    assert not (await anna.get("/openurl/DEMO/requests")).tree.xpath("//a[text()='Get the copy']")


async def test_the_text_of_a_copy_follows_its_age(gateway: Running, anna: Visitor) -> None:
    request = await deliver_file(gateway, with_link=False)
    await anna.sign_in()
    path, context = f"/openurl/DEMO/requests/{request.id}", library_context(gateway)
    assert "PDF, 3 pages, 1 kB" in (await anna.get(path)).text
    days = timedelta(days=context.policy().copies.link_days)
    old = replace(request, version=request.version + 1, changed=request.changed - days)
    await context.store.write(lambda c: requests.save_request(c, old))

    page = await anna.get(path)
    assert "This request is completed." in page.text
    assert "Your copy is ready" not in page.text
    patrons = gateway.gateway.managed.libraries["DEMO"].patrons
    view = await patrons.load_view(request.id, request.patron.id, "en")
    assert view.text == "This request is completed.", "the API has the same text"


async def test_the_letters_link_and_the_account_count_the_same_downloads(gateway: Running, anna: Visitor) -> None:
    request = await deliver_file(gateway, with_link=True)
    view = await gateway.requests().load_view(request.id)
    link = next(one.event.details.link for one in view.history if one.event.kind is EventKind.COPY_DELIVERED)
    async with anna.session.post(link, data={}) as fetched:
        assert fetched.status == 200
    await anna.sign_in()
    path = f"/openurl/DEMO/requests/{request.id}/copy"
    asked = await anna.get(path)
    assert "once more" in asked.text
    assert (await fetch(anna, path, asked.hidden("csrf"))).status == 200
    async with anna.session.post(link, data={}) as fetched:
        assert fetched.status == 410


@pytest.mark.parametrize("address", [PARTNERS_LINK, PARTNERS_LINK.replace("https:", "HTTPS:")])
async def test_a_partners_link_is_handed_on_by_a_page_of_ours(gateway: Running, anna: Visitor, address: str) -> None:
    """Nothing of ours opens it, and the browser goes there only by its reader's hand."""
    request = await hear_partner(gateway, await ask_for_copy(gateway), EventKind.COPY_DELIVERED, link=address)
    path = f"/openurl/DEMO/requests/{request.id}/copy"
    assert (await anna.get(path)).title == "Sign in"
    await anna.sign_in()
    asked = await anna.get(path)
    assert "share.partner.example" in asked.text
    assert address not in asked.tree.xpath("//a/@href"), "not before it is asked for"

    given = await take(anna, path)
    (link,) = given.tree.xpath("//a[text()='Open the copy']")
    assert (given.status, link.get("href")) == (200, address)
    assert "noreferrer" in link.get("rel")
    assert (await take(anna, path)).status == 200
    used_up = await anna.post(path, {"csrf": asked.hidden("csrf")})
    assert used_up.status == 410
    assert "share.partner.example" not in used_up.text


@pytest.mark.parametrize(
    "link",
    ["mailto:anna@example.org", "ftp://files.example/a.pdf", "javascript:alert(1)", "https://[files.example/a.pdf", ""],
)
async def test_what_no_page_can_hand_on_is_not_offered(gateway: Running, anna: Visitor, link: str) -> None:
    request = await hear_partner(gateway, await ask_for_copy(gateway), EventKind.COPY_DELIVERED, link=link)
    await anna.sign_in()
    assert not (await anna.get("/openurl/DEMO/requests")).tree.xpath("//a[text()='Get the copy']")
    assert (await anna.get(f"/openurl/DEMO/requests/{request.id}/copy")).status == 404


async def test_a_partner_that_writes_an_address_like_ours_opens_no_other_file(gateway: Running, anna: Visitor) -> None:
    """Whoever signs with another secret has no link of ours: it is an address of somebody else's."""
    request = await ask_for_copy(gateway)
    upload = FileUpload(name="internal.pdf", media_type="application/pdf", content=PDF)
    request, attachment = await gateway.requests().attach(request.id, upload, "staff:Åse", None)
    context, now = library_context(gateway), library_context(gateway).now()
    expires = (now + timedelta(days=3)).replace(microsecond=0)
    token = await context.store.write(lambda c: make_copy_token(c, "DEMO", request.id, attachment.id, expires, 2, now))
    forged = f"https://evil.example/d/{token[:-43]}{'A' * 43}"
    await hear_partner(gateway, request, EventKind.COPY_DELIVERED, link=forged)

    await anna.sign_in()
    page = await anna.get(f"/openurl/DEMO/requests/{request.id}/copy")
    assert "internal.pdf" not in page.text
    assert "evil.example" in page.text


async def test_nobody_gets_the_copy_of_another(gateway: Running, anna: Visitor) -> None:
    request = await deliver_file(gateway, with_link=False)
    path = f"/openurl/DEMO/requests/{request.id}/copy"
    async with visitor(gateway) as bo:
        await bo.sign_in("21000000000025")
        csrf = (await bo.get("/openurl/DEMO/requests")).tree.xpath("//header//input[@name='csrf']/@value")[0]
        assert (await bo.get(path)).status == 404
        assert (await bo.post(path, {"csrf": csrf})).status == 404
    await anna.sign_in()
    assert (await anna.post(path, {"csrf": "0" * 64})).status == 403


async def test_a_copy_is_asked_for_without_a_place_to_collect_it(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    page = await anna.get(f"/openurl/DEMO/request?{ARTICLE}")
    (field,) = page.tree.xpath("//*[@id='pickup']/ancestor::div[@data-for]")
    assert field.get("data-for") == "loan"
    fields = {**await anna.form(link=ARTICLE), "service": "copy", "component_title": "Nebel", "declared": "yes"}
    sent = await anna.post("/openurl/DEMO/request", fields)
    (request,) = await gateway.requests().list_requests(RequestFilter(), 10, "")

    assert sent.title == "Request received"
    assert "Pickup location" not in sent.text
    assert request.patron.pickup, "one on paper waits at the usual place"

"""The copies desk: files come in, one or many; copies are signed off and delivered; links are watched."""

from __future__ import annotations

import io
import itertools
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from pypdf import PdfWriter

from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind, ReasonCodes
from gateway.domain.requests.request import LendingState, LibraryParty, Request, RequestedService, ServiceType
from gateway.store.requests import outbox_queries
from gateway.store.requests.request_rows import parse_message
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import RULES, act, add_partners, reload_request
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

_numbers = itertools.count(1)
RULE = "UrhG § 60e Abs. 5"


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    profile = installation.folder / "profiles" / "vaumarin.yml"
    strict = "  workflow: {lending: {clearance_by: somebody-else}}\n"
    profile.write_text(profile.read_text("utf-8").replace("partner:\n", f"partner:\n{strict}"), encoding="utf-8")
    http = {"host": "127.0.0.1", "port": 0, "public_url": "http://ill.bergstadt.example"}
    async with running(installation, rules=RULES, http=http) as one:
        yield one


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff", "clearance", shown_name="Ruth Okafor") as one:
        yield one


def make_pdf(pages: int = 2) -> bytes:
    writer, file = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(200, 300)
    writer.write(file)
    return file.getvalue()


PDF = make_pdf()


async def make_copy_request(gateway: Running, partner: str = "altenried", pages: str = "77-78") -> Request:
    """To be made."""
    citation = Citation(
        type=CitationType.ARTICLE, component_title="Om fargen på gammel snø", title="Tidsskrift for is", pages=pages
    )
    draft = LendingDraft(
        citation=citation,
        service=RequestedService(ServiceType.COPY),
        requester=LibraryParty(symbol=f"XX-{partner.upper()}", profile=partner),
        transaction=f"ALT-{next(_numbers)}",
    )
    made = await gateway.requests().create_lending(draft)
    return await act(gateway, made, EventKind.LOCATED)


async def send_files(
    who: Colleague, files: Mapping[str, bytes], fields: Mapping[str, str], *, script: bool = False
) -> Answer:
    form = aiohttp.FormData({"csrf": await who.read_token(), **fields}, quote_fields=False)
    for name, content in files.items():
        form.add_field("file", content, filename=name, content_type="application/pdf")
    accept = {"Accept": "application/json"} if script else {}
    return await who.browser.post("/staff/copies/files", form, **accept)  # type: ignore[arg-type]


def texts(page: Answer, xpath: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in page.tree.xpath(xpath)]


async def test_a_copy_is_made_signed_off_and_delivered_at_one_desk(gateway: Running, ruth: Colleague) -> None:
    request = await make_copy_request(gateway)
    desk = await ruth.get("/copies/desk")
    assert texts(desk, "//section[@aria-labelledby='make']//h3") == ["Om fargen på gammel snø"]
    assert "pages 77-78 (2 pages)" in desk.text

    made = await send_files(ruth, {"del 1.pdf": PDF, "del 2.pdf": PDF}, {"request": request.number, "whole": "yes"})
    assert texts(made, "//div[@id='banner']") == [
        f"“del 1.pdf” (2 pages) was added to {request.number}. “del 2.pdf” (2 pages) was added to {request.number}."
    ]
    assert "Made by Ruth Okafor." in texts(made, "//section[@aria-labelledby='sign']//p")
    found = await reload_request(gateway, request)
    assert (found.state, found.digitised_by) == (LendingState.CLEARANCE, "staff:r.okafor")

    signed = await ruth.post(
        f"/copies/{request.number}/sign-off", {"version": str(found.version), "do": "cleared", "reason": RULE}
    )
    assert texts(signed, "//section[@aria-labelledby='deliver']//p[contains(., 'Cleared under')]") == [
        f"Cleared under: {RULE}."
    ]
    assert signed.tree.xpath("//datalist/option/@value") == [RULE]

    found = await reload_request(gateway, request)
    delivered = await ruth.post(
        f"/copies/{request.number}/deliver",
        {"version": str(found.version), "attachment": found.attachments[-1].id},
    )
    assert (await reload_request(gateway, request)).state is LendingState.COMPLETED
    assert texts(delivered, "//section[@aria-labelledby='delivered']//span[contains(@class, 'tag')]") == [
        "not yet downloaded"
    ]

    view = await gateway.requests().load_view(request.id)
    link = view.history[-1].event.details.link
    path = link.removeprefix("http://ill.bergstadt.example")
    async with aiohttp.ClientSession() as reader, reader.post(f"{gateway.url}{path}") as fetched:
        assert (fetched.status, await fetched.read()) == (200, PDF)
    for page in (await ruth.get("/copies/desk"), await ruth.get(f"/requests/{request.number}")):
        assert "Downloaded 1 time. Last download: " in page.text
        assert "Valid for 4 more downloads until" in page.text
        assert link not in page.text


async def test_a_refused_clearance_reaches_the_partner_with_its_reason_and_note(
    gateway: Running, ruth: Colleague
) -> None:
    request = await make_copy_request(gateway)
    await send_files(ruth, {"del 1.pdf": PDF}, {"request": request.number, "whole": "yes"})
    found = await reload_request(gateway, request)
    desk = await ruth.get("/copies/desk")
    assert desk.tree.xpath("//section[@aria-labelledby='sign']//input[@name='note']")

    await ruth.post(
        f"/copies/{request.number}/sign-off",
        {
            "version": str(found.version),
            "do": "clearance-refused",
            "reason": "Whole volume",
            "note": "Ask for one chapter.",
        },
    )

    found = await reload_request(gateway, request)
    assert found.state is LendingState.UNFILLED
    assert (found.sign_offs[-1].basis, found.sign_offs[-1].note) == ("Whole volume", "Ask for one chapter.")
    context = gateway.requests().context
    page = await context.store.read(lambda c: outbox_queries.list_rows_of_kind(c, "DEMO", "partner", request.id, 10))
    told = parse_message(page.rows[0].payload)
    assert (told.kind, told.details.reason) == (EventKind.UNFILLED, ReasonCodes.COPYRIGHT.value)
    assert told.details.note == "Whole volume; Ask for one chapter."


async def test_many_files_find_their_requests_by_their_names(gateway: Running, ruth: Colleague) -> None:
    one, other = await make_copy_request(gateway), await make_copy_request(gateway, pages="11-20")

    done = await send_files(
        ruth,
        {f"{one.number}.pdf": PDF, f"scan {other.number}_1.pdf": PDF, "uten nummer.pdf": PDF},
        {"whole": "yes"},
    )

    (banner,) = texts(done, "//div[@id='banner']")
    assert f"“{one.number}.pdf” (2 pages) was added to {one.number}." in banner
    assert "Requested: pages 11-20 (10 pages)." in banner
    assert "“uten nummer.pdf”: no lending request has this number." in banner
    assert (await reload_request(gateway, one)).state is LendingState.CLEARANCE
    assert (await reload_request(gateway, other)).state is LendingState.CLEARANCE


async def test_a_script_hears_of_each_file(gateway: Running, ruth: Colleague) -> None:
    request = await make_copy_request(gateway)

    first = await send_files(ruth, {"a.pdf": PDF}, {"request": request.number}, script=True)
    bad = await send_files(ruth, {"a.exe": b"MZ\x90"}, {"request": request.number, "whole": "yes"}, script=True)

    assert first.headers["Content-Type"].startswith("application/json")
    assert '"kind": "good"' in first.text
    assert '"kind": "late"' in bad.text
    found = await reload_request(gateway, request)
    assert (found.state, len(found.attachments)) == (LendingState.DIGITISING, 1)


async def test_whoever_made_a_copy_does_not_sign_it_off_where_the_rule_says_so(
    gateway: Running, ruth: Colleague
) -> None:
    request = await make_copy_request(gateway, "vaumarin")
    await send_files(ruth, {"a.pdf": PDF}, {"request": request.number, "whole": "yes"})

    desk = await ruth.get("/copies/desk")
    assert "You made this copy, so somebody else has to sign it off." in desk.text
    assert not desk.tree.xpath("//button[@value='cleared']")
    version = str((await reload_request(gateway, request)).version)
    fields = {"version": version, "do": "cleared", "reason": RULE}
    refused = await ruth.post(f"/copies/{request.number}/sign-off", fields)
    assert "a different person signs it off" in texts(refused, "//div[@id='banner']")[0]
    assert (await reload_request(gateway, request)).state is LendingState.CLEARANCE

    async with colleague(gateway, "j.tanaka", "clearance") as jun:
        await jun.post(f"/copies/{request.number}/sign-off", fields)
    assert (await reload_request(gateway, request)).state is LendingState.CLEARED


async def test_a_copy_is_not_signed_off_without_a_rule(gateway: Running, ruth: Colleague) -> None:
    request = await make_copy_request(gateway)
    await act(gateway, request, EventKind.DIGITISED)
    version = str((await reload_request(gateway, request)).version)

    answer = await ruth.post(f"/copies/{request.number}/sign-off", {"version": version, "do": "cleared", "reason": " "})

    assert texts(answer, "//div[@id='banner']") == [
        ("Please enter the rule or statement that allows or prevents the copy.")
    ]
    assert (await reload_request(gateway, request)).state is LendingState.CLEARANCE


async def test_what_somebody_else_changed_meanwhile_is_looked_at_again(gateway: Running, ruth: Colleague) -> None:
    request = await make_copy_request(gateway)
    await act(gateway, request, EventKind.DIGITISED)
    version = str((await reload_request(gateway, request)).version)
    await act(gateway, request, EventKind.NOTE, note="Seite 78 fehlt.")

    answer = await ruth.post(
        f"/copies/{request.number}/sign-off", {"version": version, "do": "cleared", "reason": RULE}
    )

    assert "has changed" in texts(answer, "//div[@id='banner']")[0]
    assert (await reload_request(gateway, request)).state is LendingState.CLEARANCE


async def test_the_lists_of_copies_lead_to_the_desk(gateway: Running, ruth: Colleague) -> None:
    await make_copy_request(gateway)

    for page in (await ruth.get(""), await ruth.get("/copies")):
        assert "/staff/copies/desk" in page.tree.xpath("//main//a/@href")

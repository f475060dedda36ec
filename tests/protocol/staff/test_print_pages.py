"""Printing at the desk: two presses from the list to the sheets, batches that stay, and codes that scan."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, Request
from gateway.domain.requests.views import ActionRequest
from gateway.web.html.pdf_writer import write_pdf
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

PARTNER = """
partner:
  symbols: [ISIL:CH-VAU]
  name: Bibliothèque de Vaumarin
  address: |
    4, rue du Port
    2028 Vaumarin
  email: pret@vaumarin.example
  channel: mail
"""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    (installation.folder / "profiles" / "vaumarin.yml").write_text(PARTNER, encoding="utf-8")
    async with running(installation, rules=RULES) as one:
        yield one


async def locate_for_vaumarin(gateway: Running, count: int) -> list[Request]:
    """Requests for works of ours that stand on the shelves."""
    managed = gateway.gateway.managed
    system, made = managed.contexts["DEMO"].system, list[Request]()
    for bib in await system.search_bibs("a", 200):
        items = [one for one in (await system.holdings(bib.id)).items if one.circulates and not one.hold_count]
        if len(made) == count or not items or any(one.status.value != "available" for one in items):
            continue
        citation = Citation(title=bib.title, author=bib.author, identifiers=(RecordId("local", bib.id),))
        draft = LendingDraft(citation=citation, requester=LibraryParty(profile="vaumarin"), transaction=f"V-{bib.id}")
        made.append(await managed.libraries["DEMO"].requests.create_lending(draft))
    await managed.drain_due_work()
    return [await managed.libraries["DEMO"].requests.find_request(one.number) for one in made]


def texts(page: Answer, path: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in page.tree.xpath(path)]


def cookie_header(colleague: Colleague) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in colleague.browser.cookies.items())}


def scan_codes(page: Answer) -> list[str]:
    """What a scanner reads from the bar codes of the page."""
    found = []
    for code in page.tree.xpath("//svg[@class='barcode']"):
        width, height = (int(one) for one in code.get("viewbox", code.get("viewBox")).split()[2:])
        image = Image.new("L", (width * 4, height * 4), 255)
        pen = ImageDraw.Draw(image)
        for bar in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h", code.xpath("./path/@d")[0]):
            x, y, wide, high = map(int, bar)
            pen.rectangle((x * 4, y * 4, (x + wide) * 4 - 1, (y + high) * 4 - 1), fill=0)
        found += [one.text for one in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.Code128)]
    return found


async def test_two_presses_lead_to_the_sheets(gateway: Running) -> None:
    requests = await locate_for_vaumarin(gateway, 4)
    assert len(requests) == 4
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        listed = await ruth.get("/print")
        assert texts(listed, "//tr[td[1][.='Pull slips']]/td")[2:] == ["4", "Print 4: Pull slips"]

        batch = await ruth.post("/print", {"kind": "pull-slips"})

        assert batch.status == 200
        assert batch.title == "Pull slips, batch 1"
        assert len(batch.tree.xpath("//section[contains(@class, 'sheet ')]")) == 2, "three slips on a sheet"
        assert sorted(scan_codes(batch)) == sorted(one.number for one in requests)
        assert texts(batch, "//p[@class='callno']")
        assert all(texts(batch, "//p[@class='callno']"))
        places = await gateway.requests().context.system.pickup_locations()
        names, codes = {place.name for place in places}, {place.code for place in places}
        stands = texts(batch, "//p[@class='place']/bdi[1]")
        assert (len(stands), set(stands) - names, set(stands) & codes) == (4, set(), set())
        after = await ruth.get("/print")
        assert texts(after, "//tr[td[1][.='Pull slips']]") == []
        assert "Pull slips" in texts(after, "//p[@class='nothing']")[0]


async def test_a_batch_stays_and_is_marked_as_printed(gateway: Running) -> None:
    await locate_for_vaumarin(gateway, 1)
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        await ruth.post("/print", {"kind": "pull-slips"})

        done = await ruth.post("/print/1/printed", {})

        assert "Batch 1 is marked as printed." in done.text
        (made,) = texts(done, "//tr[td/a[.='Pull slips, batch 1']]/td[3]")
        assert made.startswith("Created by Ruth Okafor, ")
        assert "Printed by Ruth Okafor, " in made
        again = await ruth.get("/print/1")
        assert "Created by Ruth Okafor, " in again.text
        assert len(again.tree.xpath("//article")) == 1


async def test_who_finds_nothing_is_told_why(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        said = await ruth.post("/print", {"kind": "hold-slips"})
        assert "Nothing to print. No item is on the hold shelf." in said.text


async def test_a_label_has_the_address_and_our_own(gateway: Running) -> None:
    (request,) = await locate_for_vaumarin(gateway, 1)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        managed = gateway.gateway.managed
        act = ActionRequest(kind=EventKind.WILL_SUPPLY, actor="staff:test", version=None)
        await managed.libraries["DEMO"].requests.apply_action(request.id, act)
        label = await ruth.post("/print", {"kind": "address-labels"})

        (to,) = texts(label, "//address")
        assert to == "Bibliothèque de Vaumarin4, rue du Port2028 Vaumarin"
        assert scan_codes(label) == [request.number]


@pytest.mark.parametrize("number", ["99", "0", "x", "1" * 30])
async def test_a_batch_that_is_not_there(gateway: Running, number: str) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert (await ruth.get(f"/print/{number}")).status == 404


async def test_paper_of_no_kind_is_not_printed(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert (await ruth.post("/print", {"kind": "confetti"})).status == 404


async def test_a_batch_is_a_pdf_of_its_sheets(gateway: Running) -> None:
    requests = await locate_for_vaumarin(gateway, 4)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        await ruth.post("/print", {"kind": "pull-slips"})

        async with ruth.browser.session.get(
            f"{ruth.browser.base}/staff/print/1/pdf", headers=cookie_header(ruth)
        ) as answer:
            written = await answer.read()
            assert (answer.status, answer.content_type) == (200, "application/pdf")

    pages = PdfReader(io.BytesIO(written)).pages
    assert [(round(float(one.mediabox.width)), round(float(one.mediabox.height))) for one in pages] == [(595, 842)] * 2
    text = "".join(one.extract_text() for one in pages)
    assert all(one.number in text for one in requests)


@pytest.mark.slow
async def test_a_page_for_a_pdf_fetches_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("body { content: 'x' }", encoding="utf-8")
    page = f'<html><head><link rel="stylesheet" href="{secret.as_uri()}"></head><body>Fjord</body></html>'

    written = await write_pdf(page, ())

    assert "Fjord" in PdfReader(io.BytesIO(written)).pages[0].extract_text()
    assert str(secret).encode() not in written

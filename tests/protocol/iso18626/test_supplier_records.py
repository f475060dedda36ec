"""A number by which a supplier has the record: it finds that record, and goes to that supplier alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from demo.world import START, Town, fill_library
from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import POSSIBLE_SUPPLIER, SUPPLIER_RECORD, Citation, CitationExtra
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import PatronLink
from tests.protocol.iso18626.endpoint import Endpoint, make_template, write_request


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("iso18626-records"))
    asyncio.run(fill_library(Town(folder / "gateway.yml", FixedClock(START))))
    return folder


@pytest.mark.parametrize(
    ("possible", "number"),
    [
        (("NO-0030101",), "1310"),
        (("ISIL:NO-0030101",), "1310"),
        (("ISIL:NO-0030102",), ""),
        (("NO-0030101", "NO-0030102"), ""),
        ((), ""),
    ],
    ids=["its-own", "with-its-type", "of-another", "of-one-of-two", "of-nobody"],
)
async def test_the_number_of_one_supplier(endpoint: Endpoint, possible: tuple[str, ...], number: str) -> None:
    managed = endpoint.town.gateway.managed
    draft = BorrowingDraft(
        citation=Citation(title="Sult", identifiers=(RecordId(SUPPLIER_RECORD, "1310"),)),
        partner="fjordby",
        patron=PatronLink(identifier="21000000000025"),
        extras=tuple(CitationExtra(POSSIBLE_SUPPLIER, symbol) for symbol in possible),
        mediated=False,
        override=True,
    )
    await managed.libraries["CLK"].requests.create_borrowing(draft)
    await managed.drain_due_work()
    (asked,) = await endpoint.list_requests()
    assert [one.record for one in asked.attempts] == [number]


@pytest.mark.parametrize(("title", "is_certain"), [("{title}", True), ("En annen bok", False)], ids=["its", "other"])
async def test_our_number_finds_our_record_if_its_title_agrees(
    endpoint: Endpoint, title: str, is_certain: bool
) -> None:
    """Before the ISBN that stands beside it, of another edition."""
    bib, *others = await endpoint.town.context.system.search_bibs("a", 60)
    isbn = next(number.value for other in others for number in other.identifiers if number.type == "isbn")
    wanted = write_request("4711", escape(title.format(title=bib.title)))
    wanted = wanted.replace("<title>", f"<supplierUniqueRecordId>{bib.id}</supplierUniqueRecordId><title>")
    number = (
        f"<bibliographicItemId><bibliographicItemIdentifier>{isbn}</bibliographicItemIdentifier>"
        "<bibliographicItemIdentifierCode>ISBN</bibliographicItemIdentifierCode></bibliographicItemId>"
    )

    assert (await endpoint.post(wanted.replace("</title>", f"</title>{number}"))).verdict[0] == "OK"
    await endpoint.town.gateway.managed.drain_due_work()

    (asked,) = await endpoint.list_requests()
    found = [(one.confidence, str(one.how)) for one in asked.candidates if one.bib_id == bib.id]
    assert found == ([(99, "record number and title match")] if is_certain else [])

"""A number by which a supplier has the record goes to that supplier alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.world import START, Town, fill_library
from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import POSSIBLE_SUPPLIER, SUPPLIER_RECORD, Citation, CitationExtra
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import PatronLink
from tests.protocol.iso18626.endpoint import Endpoint, make_template, run_endpoint


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("iso18626-records"))
    asyncio.run(fill_library(Town(folder / "gateway.yml", FixedClock(START))))
    return folder


@pytest.fixture
async def endpoint(template: Path, tmp_path: Path) -> AsyncIterator[Endpoint]:
    async with run_endpoint(template, tmp_path) as endpoint:
        yield endpoint


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

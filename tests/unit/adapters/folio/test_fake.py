"""The FOLIO that plays one is true to life: folioclient, which libraries use with the real one, works with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_queries import QueryError, parse_query, read_plain_field, run_query
from rehearsal.fakes.folio_records import make_id
from rehearsal.fakes.folio_sample import fill_sample
from tests.support.folioclient_package import require_folioclient

folioclient = require_folioclient()
exceptions = folioclient.exceptions

ITEM = "39000000000011"
PATRON = "21000000000017"


@pytest.fixture
async def fake() -> AsyncIterator[FakeFolio]:
    fake = FakeFolio()
    fill_sample(fake)
    await fake.start()
    yield fake
    await fake.stop()


def open_client(fake: FakeFolio) -> Any:
    return folioclient.FolioClient(fake.url, fake.tenant, fake.user, fake.password)


async def test_folioclient_signs_in_and_reads_codes_page_after_page(fake: FakeFolio) -> None:
    def read_codes() -> tuple[list[Any], list[Any], list[Any]]:
        with open_client(fake) as client:
            every = list(client.folio_get_all("/users", "users", limit=2))
            return client.service_points, every, client.locations

    points, users, locations = await asyncio.to_thread(read_codes)

    assert {point["code"] for point in points} == {"MAIN", "NORTH", "RS"}
    assert len({user["id"] for user in users}) == 5
    assert make_id("/locations/ill") in {location["id"] for location in locations}


async def test_folioclient_lends_and_takes_back(fake: FakeFolio) -> None:
    point = make_id("/service-points/MAIN")

    def lend_and_return() -> tuple[Any, Any, Any]:
        with open_client(fake) as client:
            loan = client.folio_post(
                "/circulation/check-out-by-barcode",
                {"itemBarcode": ITEM, "userBarcode": PATRON, "servicePointId": point},
            )
            query = f'itemId=="{loan["itemId"]}" and status.name=="Open"'
            found = client.folio_get("/circulation/loans", "loans", query=query)
            back = client.folio_post(
                "/circulation/check-in-by-barcode",
                {"itemBarcode": ITEM, "servicePointId": point, "checkInDate": datetime.now(UTC).isoformat()},
            )
            return loan, found, back

    loan, found, back = await asyncio.to_thread(lend_and_return)

    assert [one["id"] for one in found] == [loan["id"]]
    assert back["loan"]["status"] == {"name": "Closed"}
    assert back["item"]["status"]["name"] == "Available"


async def test_folioclient_gets_a_new_token_when_its_own_has_ended(fake: FakeFolio) -> None:
    def read_twice() -> int:
        with open_client(fake) as client:
            client.folio_get("/locations", "locations")
            fake.do_damage("stale-token", "")
            return len(client.folio_get("/locations", "locations"))

    assert await asyncio.to_thread(read_twice) == 3


async def test_folioclient_understands_its_refusals(fake: FakeFolio) -> None:
    def make_duplicate() -> str:
        user = {"id": str(uuid4()), "barcode": PATRON, "active": True, "personal": {"lastName": "Θεοδωρίδου"}}
        with open_client(fake) as client, pytest.raises(exceptions.FolioClientError) as caught:
            client.folio_post("/users", user)
        return str(caught.value)

    assert "already exists" in await asyncio.to_thread(make_duplicate)


async def test_a_wrong_password_is_refused(fake: FakeFolio) -> None:
    def sign_in() -> None:
        with pytest.raises(Exception, match="422"):
            folioclient.FolioClient(fake.url, fake.tenant, fake.user, "wrong")

    await asyncio.to_thread(sign_in)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('barcode=="A1"', ["a1", "A1"]),  # without case, as FOLIO compares
        ('barcode=="A*"', ["a1", "A1", "A*"]),
        ('barcode=="A\\*"', ["A*"]),
        ('personal.lastName=="muller"', ["A*"]),
        ('barcode==("A1" or "zz") and active==true', ["A1"]),
        ("(cql.allRecords=1) sortBy barcode/sort.descending", ["a1", "A1", "A*"]),
        ('tags =/@name/@kind="x" "one"', ["a1"]),
        ('tags =/@name/@kind="y" "one"', []),
    ],
)
def test_queries_are_those_of_folio(query: str, found: list[str]) -> None:
    records = [
        {"barcode": "a1", "active": False, "tags": [{"kind": "x", "name": "one"}]},
        {"barcode": "A1", "active": True},
        {"barcode": "A*", "personal": {"lastName": "Müller"}},
    ]
    assert [one["barcode"] for one in run_query(query, records, read_plain_field)] == found


@pytest.mark.parametrize("query", ['barcode="', "barcode==", "(barcode==1", 'barcode=="1" barcode', "==1"])
def test_a_broken_query_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse_query(query, read_plain_field)


async def test_an_answer_is_lost_after_it_was_carried_out(fake: FakeFolio) -> None:
    fake.add_fault(FaultKind.LOSE_REPLY, method="POST", path="/check-out")
    point = make_id("/service-points/MAIN")

    def lend() -> None:
        with open_client(fake) as client, pytest.raises(exceptions.FolioError):
            client.folio_post(
                "/circulation/check-out-by-barcode",
                {"itemBarcode": ITEM, "userBarcode": PATRON, "servicePointId": point},
            )

    await asyncio.to_thread(lend)

    assert fake.circulation.find_open_loan(make_id(f"/inventory/items/{ITEM}")) is not None

"""A gateway beside a library that has FOLIO: partners' NCIP messages, from the request to the return, and
`illgate check --live`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree

from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_circulation import ITEMS
from rehearsal.fakes.folio_queries import FolioRecord
from rehearsal.fakes.folio_sample import fill_sample
from tests.library_contract.embedded_world import KNOWN
from tests.support.daemon import Installation
from tests.support.looking import journal, tracebacks
from tests.support.partner_rights import write_all_rights
from tests.support.running_servers import running

PATRON, ITEM = KNOWN.good.value, KNOWN.shelf_item
TEMPORARY = "ILL-1"

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <{service}>
    <InitiationHeader><FromAgencyId><AgencyId>PARTNER</AgencyId></FromAgencyId>
      <ToAgencyId><AgencyId>DEMO</AgencyId></ToAgencyId></InitiationHeader>
    {body}
  </{service}>
</NCIPMessage>"""

USER_ID = f"<UserId><UserIdentifierValue>{PATRON}</UserIdentifierValue></UserId>"
REQUEST_ID = "<RequestId><RequestIdentifierValue>R1</RequestIdentifierValue></RequestId>"


def name_item(barcode: str) -> str:
    return f"<ItemId><ItemIdentifierValue>{barcode}</ItemIdentifierValue></ItemId>"


ACCEPT = (
    f"{REQUEST_ID}<RequestedActionType>Hold For Pickup</RequestedActionType>{USER_ID}{name_item(TEMPORARY)}"
    "<ItemOptionalFields><BibliographicDescription><Author>Söhnlein, Grete</Author><Title>За мостом</Title>"
    "</BibliographicDescription></ItemOptionalFields>"
)


@dataclass(frozen=True)
class Place:
    fake: FakeFolio
    installation: Installation

    async def send(self, service: str, body: str) -> Any:
        """The answer, parsed."""
        message = MESSAGE.format(service=service, body=body).encode()
        return etree.fromstring(await asyncio.to_thread(self.installation.post, message))

    async def send_well(self, service: str, body: str) -> Any:
        answer = await self.send(service, body)
        assert problem_of(answer) == "", etree.tostring(answer, encoding="unicode")
        return answer

    def set_up(self, **more: object) -> None:
        system = {
            "type": "folio",
            "url": self.fake.url,
            "tenant": self.fake.tenant,
            "login": {"user": self.fake.user, "password": "file:folio-password"},
            "service_point": "RS",
            "cancellation_reason": "Interlibrary loan ended",
            "temporary_items": {"location": "ill", "loan_type": "ill", "material_type": "interlibrary loan"},
            "fee_owner": "Interlibrary loan",
            **more,
        }
        (self.installation.folder / "folio-password").write_text(self.fake.password)
        write_all_rights(self.installation.folder)
        self.installation.change(libraries=[{"symbol": "DEMO", "name": "Demo", "system": system}])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        daemon = self.installation.serve()
        await asyncio.to_thread(daemon.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(daemon.__exit__, None, None, None)

    def list_records(self, path: str) -> list[FolioRecord]:
        return self.fake.records.list_table(path)


@pytest.fixture
async def place(installation: Installation) -> AsyncIterator[Place]:
    # the fake answers in this event loop, so the gateway's commands run in threads
    fake = FakeFolio()
    fill_sample(fake)
    async with running(fake):
        here = Place(fake, installation)
        here.set_up()
        yield here
    assert not installation.log.exists() or tracebacks(installation) == []


def problem_of(answer: Any) -> str:
    return answer.findtext(".//{*}Problem/{*}ProblemType") or ""


async def test_a_partners_item_comes_is_lent_comes_back_and_goes(place: Place) -> None:
    async with place.serving():
        found = await place.send_well("LookupUser", USER_ID + "<UserElementType>Name Information</UserElementType>")
        assert "Müller" in etree.tostring(found, encoding="unicode")

        for _ in range(2):  # a repeat changes nothing
            await place.send_well("AcceptItem", ACCEPT)
        (item,) = place.fake.records.find_records(ITEMS, barcode=TEMPORARY)
        (request,) = place.list_records("/circulation/requests")
        assert item["status"]["name"] in ("Awaiting pickup", "In transit")
        assert request["status"].startswith("Open - ")
        assert item["discoverySuppress"] is True

        await place.send_well("CheckOutItem", USER_ID + name_item(TEMPORARY))
        (loan,) = place.list_records("/circulation/loans")
        assert (loan["itemId"], loan["status"]["name"]) == (item["id"], "Open")
        await place.send_well("RenewItem", USER_ID + name_item(TEMPORARY))
        assert place.list_records("/circulation/loans")[0]["renewalCount"] == 1

        await place.send_well("CheckInItem", name_item(TEMPORARY))
        assert place.list_records("/circulation/loans")[0]["status"]["name"] == "Closed"
        assert place.fake.records.find_records(ITEMS, barcode=ITEM), "our own items stay"


async def test_our_item_is_requested_and_the_request_cancelled(place: Place) -> None:
    async with place.serving():
        wish = (
            f"{USER_ID}{name_item(ITEM)}{REQUEST_ID}<RequestType>Hold</RequestType>"
            "<RequestScopeType>Item</RequestScopeType>"
        )
        await place.send_well("RequestItem", wish)
        (request,) = place.list_records("/circulation/requests")
        assert (request["requestType"], request["requestLevel"]) == ("Page", "Item")

        await place.send_well("CancelRequestItem", f"{USER_ID}{REQUEST_ID}<RequestType>Hold</RequestType>")
        assert place.list_records("/circulation/requests")[0]["status"] == "Closed - Cancelled"


async def test_a_lost_answer_of_folio_makes_nothing_twice(place: Place) -> None:
    async with place.serving():
        for path in ("/check-out-by-barcode", "/inventory/items", "/circulation/requests"):
            place.fake.add_fault(FaultKind.LOSE_REPLY, method="POST", path=path)
        for _ in range(3):
            await place.send("AcceptItem", ACCEPT)
        for _ in range(2):
            await place.send("CheckOutItem", USER_ID + name_item(TEMPORARY))

        assert len(place.fake.records.find_records(ITEMS, barcode=TEMPORARY)) == 1
        assert len(place.list_records("/circulation/requests")) == 1
        assert [loan["status"]["name"] for loan in place.list_records("/circulation/loans")] == ["Open"]


async def test_while_folio_is_down_partners_are_told_to_come_again(place: Place) -> None:
    async with place.serving():
        await place.fake.stop()
        assert "Temporary Processing Failure" in problem_of(await place.send("LookupUser", USER_ID))
        assert "Temporary Processing Failure" in problem_of(await place.send("CheckOutItem", USER_ID + name_item(ITEM)))
        outcomes = {row["outcome"] for row in await asyncio.to_thread(journal, place.installation)}
        assert outcomes == {"failed"}


async def test_no_number_of_a_patron_and_no_password_is_in_the_log(place: Place) -> None:
    async with place.serving():
        await place.send_well("LookupUser", USER_ID + "<UserElementType>Name Information</UserElementType>")
        for kind in (FaultKind.HTML_PAGE, FaultKind.ERROR_500, FaultKind.LOSE_REPLY):
            place.fake.add_fault(kind, path="/users", times=4)
            await place.send("LookupUser", USER_ID)
            place.fake.clear_faults()
    log = place.installation.log.read_text("utf-8")

    assert log.count("library.unavailable") == 3
    assert PATRON not in log
    assert "Müller" not in log
    assert place.fake.password not in log


async def test_check_says_how_far_it_came(place: Place) -> None:
    place.set_up(trial={"patron": PATRON, "item": ITEM})
    run = await asyncio.to_thread(place.installation.run, "check", "--live", check=False)
    for step in ("DNS", "TCP", "login", "permissions", "service_point", "patron", "item"):
        assert f"\n  {step} " in run.stdout, run.stdout
    assert "Müller" not in run.stdout

    place.fake.lacking.add("circulation.requests.item.post")
    place.set_up(service_point="NOWHERE", fee_owner="Nobody")
    run = await asyncio.to_thread(place.installation.run, "check", "--live", check=False)
    assert run.returncode == 1
    assert "libraries.0.system.service_point: service_point: FOLIO has no service point 'NOWHERE'" in run.stdout
    assert "libraries.0.system.fee_owner" in run.stdout
    assert "circulation.requests.item.post is missing, needed to place requests" in run.stdout

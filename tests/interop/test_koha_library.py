"""A gateway beside a library that has Koha: partners' NCIP messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree

from gateway.domain.clock import SystemClock
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.koha import FakeKoha
from tests.interop.test_sip2_library import ACCEPT, ITEM_ID, MESSAGE, USER_ID, problem_of
from tests.library_contract.koha_world import KNOWN, make_fake_koha
from tests.support.daemon import Installation
from tests.support.looking import tracebacks
from tests.support.partner_rights import write_all_rights
from tests.support.pysip2_server import PASSWORD
from tests.support.running_servers import running

ILL_ITEM = "<ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId>"


@dataclass(frozen=True)
class Place:
    fake: FakeKoha
    installation: Installation

    async def send(self, service: str, body: str) -> Any:
        """The answer, parsed."""
        message = MESSAGE.format(service=service, body=body).encode()
        return etree.fromstring(await asyncio.to_thread(self.installation.post, message))


@pytest.fixture
async def place(installation: Installation) -> AsyncIterator[Place]:
    # the fake answers in this event loop, so the gateway's commands run in threads
    fake = make_fake_koha(SystemClock())
    for patron in fake.state.patrons.values():
        patron["expiry_date"] = "2090-12-31"
    fake.state.item_types |= {"ill", "ill-library-use"}
    async with running(fake):
        (installation.folder / "koha-secret").write_text(PASSWORD)
        write_all_rights(installation.folder)
        system = {
            "type": "koha",
            "url": f"{fake.url}/api/v1",
            "sign_in": {"client_id": "illgate", "client_secret": "file:koha-secret"},
            "resource_sharing_branch": "RS",
            "temporary_item_types": ["ill"],
        }
        installation.change(libraries=[{"symbol": "DEMO", "name": "Demo", "system": system}])
        serving = installation.serve()
        await asyncio.to_thread(serving.__enter__)
        yield Place(fake, installation)
        await asyncio.to_thread(serving.__exit__, None, None, None)
    assert tracebacks(installation) == []


async def test_partners_messages_are_carried_out_by_koha(place: Place) -> None:
    state = place.fake.state
    found = await place.send("LookupUser", USER_ID + "<UserElementType>Name Information</UserElementType>")
    assert problem_of(found) == ""
    assert "Müller" in etree.tostring(found, encoding="unicode")

    for _ in range(2):  # a repeat changes nothing
        accepted = await place.send("AcceptItem", ACCEPT)
        assert problem_of(accepted) == "", etree.tostring(accepted, encoding="unicode")
    assert [row["external_id"] for row in state.items.values()].count("ILL-1") == 1
    assert len(state.holds) == 1

    for _ in range(2):
        lent = await place.send("CheckOutItem", USER_ID + ILL_ITEM)
        assert problem_of(lent) == ""
        assert lent.findtext(".//{*}DateDue") is not None
    assert (len(state.checkouts), len(state.holds)) == (1, 0)

    back = await place.send("CheckInItem", ILL_ITEM)
    assert problem_of(back) != ""
    assert len(state.checkouts) == 1

    own = await place.send("CheckOutItem", USER_ID + ITEM_ID)
    assert problem_of(own) == ""
    renewed = await place.send("RenewItem", USER_ID + ITEM_ID)
    assert problem_of(renewed) == ""
    assert [row["renewals_count"] for row in state.checkouts.values()] == [0, 1]


async def test_while_koha_is_down_partners_are_told_to_come_again(place: Place) -> None:
    place.fake.add_fault(FaultKind.MAINTENANCE, times=0)
    for service, body in (("LookupUser", USER_ID), ("CheckOutItem", USER_ID + ITEM_ID), ("AcceptItem", ACCEPT)):
        assert "Temporary Processing Failure" in problem_of(await place.send(service, body))
    log = place.installation.log.read_text()
    assert log.count("library.unavailable") == 3
    assert KNOWN.good.value not in log

    place.fake.clear_faults()
    assert problem_of(await place.send("LookupUser", USER_ID)) in ("", "Temporary Processing Failure")

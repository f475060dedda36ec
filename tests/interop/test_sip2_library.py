"""A gateway beside a library that speaks SIP2: partners' NCIP messages, and `illgate check --live`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.domain.clock import SystemClock
from tests.library_contract import sip2_peer_world
from tests.library_contract.sip2_world import KNOWN, started_server, stock_library
from tests.support.daemon import Installation
from tests.support.looking import journal, tracebacks
from tests.support.partner_rights import write_all_rights
from tests.support.peers import RealisticPeer
from tests.support.pysip2_server import CHARSET, INSTITUTION, PASSWORD, USER, Pysip2Server
from tests.support.running_servers import running

PATRON, ITEM = KNOWN.good.value, KNOWN.shelf_item

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <{service}>
    <InitiationHeader><FromAgencyId><AgencyId>PARTNER</AgencyId></FromAgencyId>
      <ToAgencyId><AgencyId>DEMO</AgencyId></ToAgencyId></InitiationHeader>
    {body}
  </{service}>
</NCIPMessage>"""

USER_ID = f"<UserId><UserIdentifierValue>{PATRON}</UserIdentifierValue></UserId>"
ITEM_ID = f"<ItemId><ItemIdentifierValue>{ITEM}</ItemIdentifierValue></ItemId>"
ACCEPT = (
    "<RequestId><RequestIdentifierValue>R1</RequestIdentifierValue></RequestId>"
    f"<RequestedActionType>Hold For Pickup</RequestedActionType>{USER_ID}"
    "<ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId>"
    "<ItemOptionalFields><BibliographicDescription><Title>A title</Title></BibliographicDescription>"
    "</ItemOptionalFields>"
)


@dataclass(frozen=True)
class Place:
    server: Pysip2Server
    installation: Installation

    async def send(self, service: str, body: str) -> Any:
        """The answer, parsed."""
        message = MESSAGE.format(service=service, body=body).encode()
        return etree.fromstring(await asyncio.to_thread(self.installation.post, message))

    def set_up(self, **more: object) -> None:
        system = {
            "type": "sip2",
            "host": "127.0.0.1",
            "port": self.server.port,
            "login": {"user": USER, "password": "file:sip2-password"},
            "institution": INSTITUTION,
            "charset": CHARSET,
            "pickups": [{"code": "MAIN"}, {"code": "NORTH"}, {"code": "RS", "resource_sharing": True}],
            **more,
        }
        (self.installation.folder / "sip2-password").write_text(PASSWORD)
        write_all_rights(self.installation.folder)
        self.installation.change(libraries=[{"symbol": "DEMO", "name": "Demo", "system": system}])


@pytest.fixture
async def place(installation: Installation) -> AsyncIterator[Place]:
    # pysip2 speaks in this event loop, so the gateway's commands run in threads
    server = started_server(stock_library(SystemClock()))
    for patron in server.library.patrons.values():
        patron.expires = patron.expires.replace(year=2090)
    async with running(server):
        here = Place(server, installation)
        here.set_up()
        yield here
    assert not installation.log.exists() or tracebacks(installation) == []


def problem_of(answer: Any) -> str:
    return answer.findtext(".//{*}Problem/{*}ProblemType") or ""


async def test_partners_messages_are_carried_out_by_sip2(place: Place) -> None:
    serving = place.installation.serve()
    await asyncio.to_thread(serving.__enter__)
    try:
        found = await place.send("LookupUser", USER_ID + "<UserElementType>Name Information</UserElementType>")
        assert problem_of(found) == ""
        assert "Müller" in etree.tostring(found, encoding="unicode")

        for _ in range(2):  # a repeat changes nothing
            lent = await place.send("CheckOutItem", USER_ID + ITEM_ID)
            assert problem_of(lent) == ""
            assert lent.findtext(".//{*}DateDue") is not None
        assert place.server.library.loans[ITEM].patron == PATRON

        renewed = await place.send("RenewItem", USER_ID + ITEM_ID)
        assert problem_of(renewed) == ""
        assert place.server.library.loans[ITEM].renewals == 1

        back = await place.send("CheckInItem", ITEM_ID)
        assert problem_of(back) == ""
        assert ITEM not in place.server.library.loans

        refused = await place.send("AcceptItem", ACCEPT)
        assert "cannot keep temporary items" in etree.tostring(refused, encoding="unicode")
        assert [verb for verb, _, _ in place.server.library.history] == ["check-out", "renew", "check-in"]
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)


async def test_what_is_lent_without_a_date_that_can_be_read_is_lent(
    place: Place, peers_folder: Path, tmp_path: Path
) -> None:
    """The partner hears of no date, and staff why."""
    with RealisticPeer(peers_folder, sip2_peer_world.NAME, tmp_path / "peer", "--dates", "KW %W") as peer:
        (place.installation.folder / "terminal").write_text(sip2_peer_world.PASSWORD)
        options = sip2_peer_world.make_options(peer.port, {"login": {"user": "scclient", "password": "file:terminal"}})
        place.set_up(**options.model_dump(mode="json", exclude_unset=True))
        reader = f"<UserId><UserIdentifierValue>{sip2_peer_world.READER}</UserIdentifierValue></UserId>"
        item = f"<ItemId><ItemIdentifierValue>{sip2_peer_world.ITEM}</ItemIdentifierValue></ItemId>"
        serving = place.installation.serve()
        await asyncio.to_thread(serving.__enter__)
        try:
            for _ in range(2):
                lent = await place.send("CheckOutItem", reader + item)
                assert problem_of(lent) == ""
                assert lent.find(".//{*}IndeterminateLoanPeriodFlag") is not None
            found = await place.send("LookupUser", reader + "<LoanedItemsDesired/>")
            assert found.find(".//{*}LoanedItem/{*}IndeterminateLoanPeriodFlag") is not None
            assert problem_of(await place.send("CheckInItem", item)) == ""
            rows = await asyncio.to_thread(journal, place.installation)
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)

    assert any("does not say when the loan is due" in row["note"] for row in rows)


async def test_while_the_system_is_down_partners_are_told_to_come_again(place: Place) -> None:
    serving = place.installation.serve()
    await asyncio.to_thread(serving.__enter__)
    try:
        await place.server.stop()
        assert "Temporary Processing Failure" in problem_of(await place.send("LookupUser", USER_ID))
        assert "Temporary Processing Failure" in problem_of(await place.send("CheckOutItem", USER_ID + ITEM_ID))
        outcomes = {row["outcome"] for row in await asyncio.to_thread(journal, place.installation)}
        assert outcomes == {"failed"}
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)


async def test_check_says_how_far_it_came(place: Place) -> None:
    place.set_up(trial={"patron": PATRON, "item": ITEM})
    run = await asyncio.to_thread(place.installation.run, "check", "--live", check=False)
    for step in ("DNS", "TCP", "login", "status", "patron", "item"):
        assert f"\n  {step} " in run.stdout
    assert "Müller" not in run.stdout

    place.set_up(trial={"item": "nothing"}, institution="ELSEWHERE", login={"user": USER, "password": "env:NOT_SET"})
    run = await asyncio.to_thread(place.installation.run, "check", "--live", check=False)
    assert run.returncode == 1
    assert "gateway.yml" in run.stdout
    assert "libraries.0.system.login.password: no secret at env:NOT_SET" in run.stdout
    assert re.search(r"^  login +\d+ ms  no secret at env:NOT_SET", run.stdout, re.MULTILINE)
    assert run.stdout.count("libraries.0.system.login.password: ") == 1, "it is one problem, not one of the step too"

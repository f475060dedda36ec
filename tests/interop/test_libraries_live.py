"""Libraries that are closed: new requests are refused in the protocol's words, and what is open ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree

from demo.world import START
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import create_database
from gateway.settings import load_settings
from gateway.store.requests import outbox, outbox_queries
from tests.support.yaml_files import write_yaml_file
from tests.unit.services.outbox.support import a_row

REQUEST = """\
<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626" version="1.2"><request><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-T{number:02}</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-PEER</agencyIdValue></requestingAgencyId>
<timestamp>2026-03-02T07:00:00Z</timestamp><requestingAgencyRequestId>PEER-{id}</requestingAgencyRequestId></header>
<bibliographicInfo><title>Aniara</title></bibliographicInfo><serviceInfo><serviceType>Loan</serviceType></serviceInfo>
</request></ISO18626Message>"""

REQUEST_ITEM = """\
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<RequestItem><UserId><UserIdentifierValue>21000000000025</UserIdentifierValue></UserId>
<ItemId><ItemIdentifierValue>35000000000017</ItemIdentifierValue></ItemId>
<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType></RequestItem></NCIPMessage>"""

ANYBODY_HERE = [{"kind": "network", "networks": ["127.0.0.0/8"]}]


def write_library(folder: Path, number: int, **keys: Any) -> None:
    own = folder / "libraries" / f"lib{number:02}"
    own.mkdir(parents=True, exist_ok=True)
    write_yaml_file(own / "library.yml", {"symbol": f"ISIL:US-T{number:02}", **keys})


@dataclass
class Valley:
    """A gateway of some libraries, whose files may be changed while it runs."""

    folder: Path
    gateway: Daemon
    session: aiohttp.ClientSession

    async def ask_for_loan(self, number: int, id_: str) -> tuple[str, str]:
        """Status and error of the confirmation."""
        path, body = f"/iso18626/lib{number:02}/peer", REQUEST.format(number=number, id=id_)
        async with self.session.post(path, data=body, headers={"Content-Type": "application/xml"}) as answer:
            parsed = etree.fromstring(await answer.read())
        error = parsed.findtext(".//{*}errorType") or "", parsed.findtext(".//{*}errorValue") or ""
        return parsed.findtext(".//{*}messageStatus") or "", ": ".join(error).strip(": ")

    async def place_hold(self, number: int) -> tuple[str, str]:
        """Type and detail of the problem."""
        async with self.session.post(f"/ncip/lib{number:02}/broker", data=REQUEST_ITEM) as answer:
            parsed = etree.fromstring(await answer.read())
        return parsed.findtext(".//{*}ProblemType") or "", parsed.findtext(".//{*}ProblemDetail") or ""

    async def look(self, path: str) -> tuple[int, Any]:
        async with self.session.get(path) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def valley(tmp_path: Path) -> AsyncIterator[Valley]:
    """lib01 is open, lib02 is being closed, and lib03 is closed."""
    write_yaml_file(tmp_path / "gateway.yml", {"http": {"port": 0}, "shutdown_seconds": 0.5})
    write_library(tmp_path, 1)
    write_library(tmp_path, 2, state="closing")
    write_library(tmp_path, 3, state="closed")
    (tmp_path / "partners").mkdir()
    peer = {
        "extends": "iso18626-2021",
        "auth": ANYBODY_HERE,
        "partner": {"symbols": ["ISIL:US-PEER"], "name": "Peer", "channel": "iso18626"},
        "iso18626": {"http": {"url": "http://127.0.0.1:9/iso18626"}},
    }
    write_yaml_file(tmp_path / "partners" / "peer.yml", peer)
    broker = {"extends": "ncip2", "auth": ANYBODY_HERE, "ncip": {"services": ["RequestItem", "LookupUser"]}}
    write_yaml_file(tmp_path / "partners" / "broker.yml", broker)
    adapters, clock = load_adapters(), FixedClock(START)
    settings = load_settings(tmp_path / "gateway.yml", adapters)
    await create_database(Assembly(settings, adapters, clock, lambda reference: reference))
    async with AsyncExitStack() as stack:
        gateway = Daemon(settings, adapters, clock)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession(gateway.url))
        yield Valley(tmp_path, gateway, session)


async def test_a_library_that_is_closed_says_so_in_the_words_of_each_protocol(valley: Valley) -> None:
    no_more, closed = "This library takes no new requests.", "This library is closed."
    assert [await valley.ask_for_loan(number, "1") for number in (1, 2, 3)] == [
        ("OK", ""),
        ("ERROR", f"UnrecognisedDataValue: {no_more}"),
        ("ERROR", f"UnrecognisedDataValue: {closed}"),
    ]
    assert [await valley.place_hold(number) for number in (1, 2, 3)] == [
        ("Unknown User", "Patron not found."),
        ("Unsupported Service", no_more),
        ("Unsupported Service", closed),
    ]
    status, ready = await valley.look("/readyz")
    assert (status, [part["name"] for part in ready["parts"] if "T0" in part["name"]]) == (
        200,
        ["library ISIL:US-T01", "library ISIL:US-T02"],
    )


async def test_what_has_requests_and_no_settings_waits(valley: Valley) -> None:
    """The folder of lib01 is gone, or another symbol is in it."""
    await valley.ask_for_loan(1, "1")
    row = a_row(library="ISIL:US-T01", kind="webhook", at=START)
    await valley.gateway.managed.contexts["ISIL:US-T01"].store.write(lambda c: outbox.add_outbox_row(c, row))
    await valley.gateway.stop()
    write_yaml_file(valley.folder / "libraries" / "lib01" / "library.yml", {"symbol": "ISIL:US-ANOTHER"})
    adapters = load_adapters()
    again = Daemon(load_settings(valley.folder / "gateway.yml", adapters), adapters, FixedClock(START))
    await again.start()
    try:
        await again.managed.drain_due_work()
        store = again.managed.contexts["ISIL:US-T02"].store
        kept = await store.read(lambda c: outbox_queries.get_outbox_row(c, "ISIL:US-T01", row.id))
        async with aiohttp.ClientSession(again.url) as session, session.get("/readyz/ISIL:US-T01") as answer:
            status, said = answer.status, await answer.text()
    finally:
        await again.stop()
    assert kept == row, "not tried"
    assert (status, "has requests here, and no settings" in said) == (503, True)

"""One partner of two libraries, sent to by real HTTP: its message is that library's which the address or the message
names, and whoever says neither is told how."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.clock import SystemClock
from gateway.runtime.assembly import Assembly
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings
from tests.support.databases import make_database
from tests.support.yaml_files import write_yaml_file
from tests.unit.runtime.test_journal_of_strangers import read_journal

LOOKUP = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><LookupUser><InitiationHeader><FromAgencyId><AgencyId>ILLIAD'
    "</AgencyId></FromAgencyId><ToAgencyId><AgencyId>{receiver}</AgencyId></ToAgencyId></InitiationHeader><UserId>"
    "<UserIdentifierValue>21000000000017</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"
)

PARTNERS = {
    "illiad": {
        "extends": "illiad-alma",
        "auth": [{"kind": "path-key", "secret": "file:keys/{library}"}],
    },
    "north": {"for": ["lib02"], "ncip": {}, "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}]},
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Daemon]:
    for folder in ("partners", "keys"):
        (tmp_path / folder).mkdir()
    for library in ("lib01", "lib02"):
        (tmp_path / "keys" / library).write_text(f"key-of-{library}")
    for name, partner in PARTNERS.items():
        write_yaml_file(tmp_path / "partners" / f"{name}.yml", partner)
    libraries = [
        {"symbol": f"US-{number}", "short": f"lib0{number}", "symbols": [f"OCLC:L{number}"]} for number in (1, 2)
    ]
    write_yaml_file(tmp_path / "gateway.yml", {"libraries": libraries, "http": {"port": 0}})
    adapters = load_adapters()
    settings = load_settings(tmp_path / "gateway.yml", adapters)
    make_database(Assembly(settings, adapters, SystemClock(), str))
    daemon = Daemon(settings, adapters)
    await daemon.start()
    yield daemon
    await daemon.stop()


CASES = (
    ("/lib01/illiad/key-of-lib01", "ALMA", "US-1", "refused"),
    ("/lib02/illiad/key-of-lib02", "ALMA", "US-2", "refused"),
    ("/US-2/illiad/key-of-lib02", "ALMA", "US-2", "refused"),
    ("/lib01/illiad/key-of-lib02", "ALMA", "US-1", "rejected"),
    ("/illiad/key-of-lib02", "US-2", "US-2", "refused"),
    ("/illiad/key-of-lib02", "OCLC:L2", "US-2", "refused"),
    ("/illiad/key-of-lib01", "ALMA", "", "refused"),
    ("/lib02/north", "ALMA", "US-2", "refused"),
    ("/lib01/north", "ALMA", "US-1", "rejected"),
    ("/north", "ALMA", "US-2", "refused"),
    ("/lib03/illiad", "ALMA", "", "rejected"),
)
"""Path behind the protocol's, receiver of the message; library and outcome in the journal. What is let in is refused,
since the libraries have no patrons."""


async def test_a_message_is_for_the_library_that_it_names(gateway: Daemon) -> None:
    answers = {}
    async with aiohttp.ClientSession(gateway.url) as session:
        for path, receiver, _, _ in CASES:
            response = await session.post(f"/ncip{path}", data=LOOKUP.format(receiver=receiver).encode())
            answers[path, receiver] = await response.text()

    assert await read_journal(gateway) == [case[-2:] for case in CASES]
    assert "Send it to /ncip/LIBRARY/illiad." in answers["/illiad/key-of-lib01", "ALMA"]
    assert "/ncip/LIBRARY" not in answers["/illiad/key-of-lib02", "US-2"]


async def test_no_address_goes_deeper(gateway: Daemon) -> None:
    async with aiohttp.ClientSession(gateway.url) as session:
        response = await session.post("/ncip/illiad/key-of-lib01/more", data=LOOKUP.format(receiver="US-1").encode())
        assert response.status == 404
    assert await read_journal(gateway) == []

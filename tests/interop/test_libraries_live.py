"""Libraries that are closed, added, changed and mended while the gateway runs."""

from __future__ import annotations

import asyncio
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
from gateway.store.requests.outbox import Route
from gateway.store.requests.requests import count_open_of_library
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
            if answer.status != 200:
                return str(answer.status), await answer.text()
            parsed = etree.fromstring(await answer.read())
        error = parsed.findtext(".//{*}errorType") or "", parsed.findtext(".//{*}errorValue") or ""
        return parsed.findtext(".//{*}messageStatus") or "", ": ".join(error).strip(": ")

    async def place_hold(self, number: int, partner: str = "broker") -> tuple[str, str]:
        """Type and detail of the problem."""
        async with self.session.post(f"/ncip/lib{number:02}/{partner}", data=REQUEST_ITEM) as answer:
            parsed = etree.fromstring(await answer.read())
        return parsed.findtext(".//{*}ProblemType") or "", parsed.findtext(".//{*}ProblemDetail") or ""

    async def look(self, path: str) -> tuple[int, Any]:
        async with self.session.get(path) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 404 else ""


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


# --- while the gateway runs --------------------------------------------------------------------------------------


async def test_a_thirteenth_library_is_added_while_twelve_exchange_messages(valley: Valley) -> None:
    """With a partner of its own; of the others' messages none is lost and none refused."""
    twelve = range(1, 13)
    for number in twelve:
        write_library(valley.folder, number)
    await valley.gateway.reload()
    answers: dict[int, list[tuple[str, str]]] = {number: [] for number in twelve}

    async def ask_again_and_again(number: int) -> None:
        while True:
            answers[number].append(await valley.ask_for_loan(number, f"{number}-{len(answers[number])}"))

    asking = [asyncio.create_task(ask_again_and_again(number)) for number in twelve]
    write_library(valley.folder, 13)
    (valley.folder / "libraries" / "lib13" / "partners").mkdir()
    own = {"extends": "ncip2", "auth": ANYBODY_HERE, "ncip": {"services": ["RequestItem"]}}
    write_yaml_file(valley.folder / "libraries" / "lib13" / "partners" / "illiad.yml", own)
    async with asyncio.timeout(60):
        while (await valley.look("/readyz/lib13"))[0] != 200:  # noqa: ASYNC110  nothing else tells
            await asyncio.sleep(0.1)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)

    assert await valley.ask_for_loan(13, "13") == ("OK", "")
    assert await valley.place_hold(13, "illiad") == ("Unknown User", "Patron not found.")
    async with valley.session.get("/metrics") as answer:
        assert 'profile="lib13/illiad"' in await answer.text()
    worker, row = valley.gateway.managed.worker, a_row("illiad", library="ISIL:US-T13")
    assert worker._route_of(row) == Route("partner", "ISIL:US-T13", "illiad"), "no other library's partner of this name"

    store = valley.gateway.managed.contexts["ISIL:US-T01"].store
    for number, said in answers.items():
        symbol = f"ISIL:US-T{number:02}"
        kept = await store.read(lambda c, symbol=symbol: count_open_of_library(c, symbol))
        assert said, symbol
        assert set(said) == {("OK", "")}, symbol
        assert kept in (len(said), len(said) + 1), "one may have been under way"


async def test_a_changed_library_is_served_as_its_file_says_and_a_bad_edit_changes_nothing(valley: Valley) -> None:
    write_library(valley.folder, 1, name="Alder", time_zone="America/Chicago", lends="off")
    await valley.gateway.reload()
    context = valley.gateway.managed.libraries["ISIL:US-T01"].context
    assert (context.info.name, str(context.zone)) == ("Alder", "America/Chicago")

    write_library(valley.folder, 1, nmae="Birch")
    await valley.gateway.reload()
    assert valley.gateway.managed.libraries["ISIL:US-T01"].context is context
    (part,) = [part for part in (await valley.look("/readyz"))[1]["parts"] if part["name"] == "settings"]
    assert "library ISIL:US-T01: " in part["notes"][0]
    assert "nmae: unknown key" in part["notes"][0]
    assert await valley.ask_for_loan(1, "1") == ("OK", "")


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("library.yml", "symbol: ISIL:US-T04\nnmae: Elm\n", "nmae: unknown key"),
        ("requests.yml", "rotas: {usual: {lines: [{partner: nobody}]}}\n", "no such profile"),
        ("partners/own.yml", "extends: nobody\n", "no such profile"),
        ("library.yml", "symbol: ISIL:US-T04\nsystem: {type: koha, url: 'https://koha.example'}\n", "sign_in"),
    ],
)
async def test_a_new_library_with_an_error_is_held_back_and_served_once_mended(
    valley: Valley, file: str, text: str, why: str
) -> None:
    write_library(valley.folder, 4)
    own = valley.folder / "libraries" / "lib04"
    (own / "partners").mkdir()
    (own / file).write_text(text)
    await valley.gateway.reload()
    status, said = await valley.look("/readyz/lib04")
    assert (status, why in str(said)) == (503, True), said
    assert await valley.ask_for_loan(4, "4") == ("503", "The message can't be taken now; please send it again later.\n")
    assert await valley.ask_for_loan(1, "1") == ("OK", "")

    (own / file).unlink()
    write_library(valley.folder, 4)
    await valley.gateway.reload()
    assert (await valley.look("/readyz/lib04"))[0] == 200
    assert await valley.ask_for_loan(4, "5") == ("OK", "")


async def test_a_wrong_partner_of_a_library_is_shown_to_its_own_operators_alone(valley: Valley) -> None:
    own = valley.folder / "libraries" / "lib01" / "partners"
    own.mkdir()
    (own / "illiad.yml").write_text("extends: nobody\n")
    await valley.gateway.reload()
    shown = {
        symbol: [(state.name, state.libraries) for state in operation.list_profiles() if state.problems]
        for symbol, operation in valley.gateway._served.operations.items()
    }
    assert shown == {"ISIL:US-T01": [("illiad", frozenset({"ISIL:US-T01"}))], "ISIL:US-T02": []}


async def test_what_cannot_change_goes_on_as_it_was(valley: Valley) -> None:
    """A folder that vanishes, a changed symbol, a port: each with words in /readyz."""
    write_yaml_file(valley.folder / "gateway.yml", {"http": {"port": 9}, "shutdown_seconds": 0.5})
    write_yaml_file(valley.folder / "libraries" / "lib01" / "library.yml", {"symbol": "ISIL:US-ANOTHER"})
    (valley.folder / "libraries" / "lib02" / "library.yml").unlink()
    await valley.gateway.reload()
    (part,) = [part for part in (await valley.look("/readyz"))[1]["parts"] if part["name"] == "settings"]
    assert part["notes"] == [
        "gateway.yml needs a restart: http",
        "library ISIL:US-T01: a symbol cannot be changed: put it back in place of ISIL:US-ANOTHER",
        "library ISIL:US-T02: its settings are gone; until a restart it is served as before: put them back, or close "
        "it first",
    ]
    assert await valley.ask_for_loan(1, "1") == ("OK", "")


async def test_a_library_is_closed_and_opened_again(valley: Valley) -> None:
    write_library(valley.folder, 2, state="closed")
    write_library(valley.folder, 3)
    await valley.gateway.reload()
    assert [await valley.ask_for_loan(number, "1") for number in (2, 3)] == [
        ("ERROR", "UnrecognisedDataValue: This library is closed."),
        ("OK", ""),
    ]
    assert set(valley.gateway.managed.list_held_back()) == {"ISIL:US-T02"}

    write_library(valley.folder, 1, state="closed")
    await valley.gateway.reload()
    async with valley.session.get("/staff/lib03/help") as answer:
        assert answer.status == 200, "the first library was lib01"

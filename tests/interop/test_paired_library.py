"""A gateway beside a library that has SIP2 alone: partners' items are kept by the embedded library, so that borrowing
works as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import SystemClock
from tests.interop.test_sip2_library import ACCEPT, ITEM, ITEM_ID, PATRON, USER_ID, Place, problem_of
from tests.library_contract.sip2_world import started_server, stock_library
from tests.support.daemon import Installation
from tests.support.looking import tracebacks
from tests.support.partner_rights import write_all_rights
from tests.support.pysip2_server import CHARSET, INSTITUTION, PASSWORD, USER
from tests.support.running_servers import running

PARTNERS_ITEM = "<ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId>"
DUE = "2090-06-20T21:59:00Z"


def set_up_pair(installation: Installation, port: int) -> None:
    """The branches, policies and rules of the sample, for a library without patrons and items of its own."""
    setup = installation.run("library", "setup").stdout
    sip2 = {
        "type": "sip2",
        "host": "127.0.0.1",
        "port": port,
        "login": {"user": USER, "password": "file:sip2-password"},
        "institution": INSTITUTION,
        "charset": CHARSET,
        "pickups": [{"code": "MAIN"}, {"code": "NORTH"}, {"code": "RS", "resource_sharing": True}],
    }
    system = {
        "type": "paired",
        "data": "apart",
        "copy_category": "adult",
        "copy_branch": "MAIN",
        "main": sip2,
        "second": {"type": "embedded"},
    }
    (installation.folder / "sip2-password").write_text(PASSWORD)
    write_all_rights(installation.folder)
    installation.change(libraries=[{"symbol": "PAIR", "name": "Городская библиотека", "system": system}])
    (installation.folder / "setup.yml").write_text(setup, encoding="utf-8")
    installation.run("library", "import", "setup", str(installation.folder / "setup.yml"))


@pytest.fixture
async def place(installation: Installation) -> AsyncIterator[Place]:
    server = started_server(stock_library(SystemClock()))
    for patron in server.library.patrons.values():
        patron.expires = patron.expires.replace(year=2090)
    async with running(server):
        await asyncio.to_thread(set_up_pair, installation, server.port)
        yield Place(server, installation)
    assert not installation.log.exists() or tracebacks(installation) == []


async def test_a_partners_item_comes_is_lent_and_goes(place: Place) -> None:
    serving = place.installation.serve()
    await asyncio.to_thread(serving.__enter__)
    try:
        for _ in range(2):  # a repeat changes nothing
            assert problem_of(await place.send("AcceptItem", ACCEPT)) == ""
        lent = await place.send("CheckOutItem", f"{USER_ID}{PARTNERS_ITEM}<DesiredDateDue>{DUE}</DesiredDateDue>")
        assert problem_of(lent) == ""
        own = await place.send("CheckOutItem", USER_ID + ITEM_ID)
        assert problem_of(own) == ""
        assert [*place.server.library.loans] == [ITEM], "the library's own system has its own item alone"

        found = await place.send("LookupUser", f"{USER_ID}<LoanedItemsDesired/>")
        listed = {one.text for one in found.iterfind(".//{*}LoanedItem/{*}ItemId/{*}ItemIdentifierValue")}
        assert listed == {"ILL-1", ITEM}

        assert problem_of(await place.send("CheckInItem", PARTNERS_ITEM)) == ""
        assert problem_of(await place.send("CheckInItem", ITEM_ID)) == ""
        assert "Müller" in await show_kept_patron(place)
        assert problem_of(await place.send("DeleteItem", PARTNERS_ITEM)) == ""
        assert "Unknown Item" in problem_of(await place.send("LookupItem", PARTNERS_ITEM))
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)
    assert "Müller" not in await show_kept_patron(place), "who it was is forgotten with the item"


async def show_kept_patron(place: Place) -> str:
    """What the embedded library knows of the patron."""
    return (await asyncio.to_thread(place.installation.run, "library", "patrons", PATRON)).stdout


async def test_check_tries_both(place: Place) -> None:
    run = await asyncio.to_thread(place.installation.run, "check", "--live", check=False)
    for step in ("main DNS", "main TCP", "main login", "main status"):
        assert f"\n  {step} " in run.stdout

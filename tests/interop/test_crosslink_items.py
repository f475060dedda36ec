"""What we lend to a library that runs CrossLink's patron requests, and copies both ways, with a peer that behaves as
the real one (`crosslink-library`): what it makes of our octets is its own word."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Item, ItemStatus, Money
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    PatronLink,
    Request,
    RequestedService,
    RequestFlag,
    Role,
    ServiceType,
)
from gateway.domain.requests.views import ActionRequest
from tests.support.iso_wires import held_port, port_of
from tests.support.peers import RealisticPeer
from tests.support.running_servers import running
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON = "21000000000025"
LINK = "https://copies.example/9.pdf"


class CrossLinkLibrary:
    """Cedar Library, behind its broker, and Clarens, which knows the broker alone."""

    def __init__(self, town: Town, mail: MailServer, port: int, url: str) -> None:
        """`port`: of the library; `url`: ours."""
        self.town, self.mail, self.url, self._port = town, mail, url, port

    async def call(self, path: str, body: Any = None) -> Any:
        def post() -> Any:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", data, 30) as answer:
                text = answer.read()
            return json.loads(text) if text else None

        return await asyncio.to_thread(post)

    async def say(self, octets: str) -> None:
        """What its broker says, said by us."""
        to_us = urllib.request.Request(self.url, octets.encode(), {"Content-Type": "application/xml"})
        with await asyncio.to_thread(urllib.request.urlopen, to_us, timeout=30) as answer:
            assert answer.status == 200
        await self.settle()

    async def settle(self) -> None:
        """Until neither side has anything to say."""
        for _ in range(3):
            await self.call("/settle")
            await self.town.gateway.managed.drain_due_work()

    async def ask(self, title: str, service: str = "Loan") -> str:
        """Its library asks us."""
        wanted = {
            "bibliographicInfo": {"supplierUniqueRecordId": "return-ISIL:CLK::1001", "title": title},
            "serviceInfo": {"serviceType": service},
        }
        made = await self.call("/new", {"patron": "CL-7", "illRequest": wanted})
        await self.settle()
        return str(made["id"])

    async def see(self, number: str) -> dict[str, Any]:
        found = await self.call(f"/requests/{number}")
        assert isinstance(found, dict)
        return found

    async def act(self, number: str, action: str, **more: str) -> str:
        done = await self.call("/act", {"request": number, "action": action, **more})
        await self.settle()
        return str(done["outcome"])

    async def request(self, role: Role) -> Request:
        (found,) = await self.town.requests(role)
        return found

    async def staff(self, request: Request, kind: EventKind, **details: Any) -> Request:
        await self.town.act(
            request, ActionRequest(kind=kind, version=None, actor="staff:ana", details=EventDetails(**details))
        )
        await self.settle()
        return await self.town.see(request)


@asynccontextmanager
async def run_library(peers: Path, folder: Path) -> AsyncIterator[CrossLinkLibrary]:
    mail = MailServer()
    with held_port() as ours:
        url = f"http://127.0.0.1:{port_of(ours)}/iso18626/cedar"
        far = f"ISIL:CLK,{url},Unknown,opaque,Clarens"
        options = ("--symbol", "ISIL:CLX", "--name", "Cedar Library", "--far", far)
        async with running(mail):
            with RealisticPeer(peers, "crosslink-library", folder / "peer", *options) as peer:
                profile: dict[str, Any] = {
                    "extends": "crosslink-18626",
                    "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
                    "partner": {"channel": "iso18626", "name": "Cedar Library"},
                    "iso18626": {
                        "http": {"url": f"http://127.0.0.1:{peer.port}/iso18626"},
                        "symbols": {"ours": "ISIL:CLK"},
                    },
                }
                site = Site("CLK", "Bibliothèque de Clarens", {"cedar": profile})
                config = await asyncio.to_thread(make_installation, folder / "clarens", site, mail.port)
                settings = read_yaml_file(config)
                settings.setdefault("http", {})["port"] = port_of(ours)
                write_yaml_file(config, settings)
                town = Town(config, FixedClock(START))
                await fill_library(town)
                async with running(town):
                    yield CrossLinkLibrary(town, mail, peer.port, url)


@pytest.fixture
async def cedar(peers_folder: Path, tmp_path: Path) -> AsyncIterator[CrossLinkLibrary]:
    async with run_library(peers_folder, tmp_path) as library:
        yield library


async def find_free_item(cedar: CrossLinkLibrary) -> Item:
    system = cedar.town.context.system
    for bib in await system.search_bibs("a", 60):
        for item in (await system.holdings(bib.id)).items:
            if item.call_number and item.status is ItemStatus.AVAILABLE and item.circulates and not item.hold_count:
                return item
    raise AssertionError("the sample has nothing to lend")


def _read_plain_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


async def test_what_we_lend_can_be_received_there(cedar: CrossLinkLibrary) -> None:
    number = await cedar.ask("Sult, og mer")
    item = await find_free_item(cedar)
    lent = await cedar.staff(await cedar.request(Role.LENDING), EventKind.SHIPPED, barcode=item.barcode)
    assert lent.state is LendingState.SHIPPED

    seen = await cedar.see(number)
    assert seen["state"] == "SHIPPED"
    (piece,) = seen["items"]
    assert (piece["itemId"], piece["callNumber"], piece["title"]) == (item.barcode, item.call_number, "Sult, og mer")

    again = await cedar.staff(lent, EventKind.SHIPPED, barcode=item.barcode, due=date(2026, 6, 2))
    seen = await cedar.see(number)
    assert (len(seen["items"]), again.flags) == (1, frozenset())
    assert any("2026-06-02" in note.get("note", "") for note in seen["notes"])

    assert await cedar.act(number, "receive") == "success"
    for action in ("check-out", "check-in", "ship-return"):
        assert await cedar.act(number, action) == "success"
    back = await cedar.staff(await cedar.request(Role.LENDING), EventKind.CHECKED_IN)
    assert (back.state, (await cedar.see(number))["state"]) == (LendingState.COMPLETED, "COMPLETED")


async def test_a_copy_of_ours_goes_by_link(cedar: CrossLinkLibrary) -> None:
    number = await cedar.ask("Sult", "Copy")
    asked = await cedar.request(Role.LENDING)
    await cedar.staff(asked, EventKind.LOCATED, barcode=(await find_free_item(cedar)).barcode)
    await cedar.staff(asked, EventKind.DIGITISED)
    await cedar.staff(asked, EventKind.CLEARED, reason="§ 60e UrhG")
    await cedar.staff(asked, EventKind.COPY_DELIVERED, link=LINK, note="S. 9")
    seen = await cedar.see(number)
    assert seen["state"] == "COMPLETED"
    assert seen["notes"][-1]["note"] == "S. 9", "the link is no words"


async def test_a_copy_of_theirs_reaches_the_patron(cedar: CrossLinkLibrary, samples_folder: Path) -> None:
    """As recorded; the peer lends by the number of a record, which none of our catalogues knows."""
    folder = samples_folder / "iso-18626" / "crosslink-library" / "lends-copy-by-link"
    copy = (folder / "07-supplier-CopyCompleted.xml").read_text("utf-8")
    draft = BorrowingDraft(
        citation=Citation(title="Λιμάνια"),
        service=RequestedService(ServiceType.COPY),
        patron=PatronLink(identifier=PATRON),
        partner="cedar",
        mediated=False,
    )
    await cedar.town.gateway.managed.libraries[cedar.town.symbol].requests.create_borrowing(draft)
    await cedar.settle()
    (asked,) = (await cedar.request(Role.BORROWING)).attempts

    await cedar.say(copy.replace("B2026-00010", asked.transaction).replace(">OAK<", ">CLK<"))

    got = await cedar.request(Role.BORROWING)
    assert (got.state, got.volumes[0].theirs) == (BorrowingState.COMPLETED, "")
    assert any("https://files.example/doc.pdf" in _read_plain_text(mail) for mail in cedar.mail.mails)


async def test_no_sum_is_misread_and_no_search_ends_in_silence(cedar: CrossLinkLibrary) -> None:
    number = await cedar.ask("Sult")
    asked = await cedar.request(Role.LENDING)
    await cedar.staff(asked, EventKind.WILL_SUPPLY, cost=Money(Decimal("12.50"), "EUR"))
    assert [note.get("cost") for note in (await cedar.see(number))["notes"]] == [None, None]
    assert (await cedar.see(number))["notes"][-1]["note"] == "cost: 12.50 EUR"

    await cedar.staff(asked, EventKind.UNFILLED, reason="duplicate")
    seen = await cedar.see(number)
    assert (seen["state"], seen["notes"][-1]["note"]) == ("UNFILLED", "reason: duplicate")


async def test_a_further_volume_adds_itself_alone(cedar: CrossLinkLibrary) -> None:
    """It is refused there by its status, and counted among the items all the same: staff here are told."""
    number = await cedar.ask("Sult")
    first = await find_free_item(cedar)
    asked = await cedar.staff(await cedar.request(Role.LENDING), EventKind.EDIT, further_volume="Bd. 2")
    await cedar.staff(asked, EventKind.SHIPPED, volumes=("1",), barcode=first.barcode)
    second = await find_free_item(cedar)
    lent = await cedar.staff(asked, EventKind.SHIPPED, volumes=("2",), barcode=second.barcode)

    assert RequestFlag.TROUBLE in lent.flags
    assert [item["itemId"] for item in (await cedar.see(number))["items"]] == [first.barcode, second.barcode]
    assert await cedar.act(number, "receive") == "success"

"""Koha as it is, in both roles under one profile: its plug-in borrows from us, Koha itself lends to us. The octets of
its side are those of ILLGATE_SAMPLES, put together as its source does it; nothing of ours reads or writes for it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from demo.world import START, Town, fill_library
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, PatronLink, Request, Role
from gateway.domain.requests.views import ActionRequest
from gateway.ports.library_system import BibHoldings
from tests.protocol.iso18626.endpoint import Answer, Endpoint, make_template, run_endpoint
from tests.protocol.iso18626.partner_site import PartnerSite, Posted, SiteAnswer
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

CORE = "/api/v1/public/ill/iso18626"
PLUGIN = "/api/v1/contrib/iso18626/supplying_agency_message"
PATRON = "21000000000025"
KEY = "7b2f90"
"""Last part of the address at which Koha itself tells us: it says of itself nothing that is true."""

CONFIRMED = (
    b"<%(message)sConfirmation><confirmationHeader><timestamp>2026-03-02 09:00:00</timestamp><timestampReceived>"
    b"2026-03-02 09:00:00</timestampReceived><messageStatus>OK</messageStatus></confirmationHeader>%(action)s"
    b"</%(message)sConfirmation>"
)


def answer_as_koha(posted: Posted, confirmation: bytes) -> SiteAnswer:
    """Core is asked by request and action, its plug-in gets our answers."""
    if posted.path == PLUGIN:
        if posted.kind != "supplyingAgencyMessage":
            return SiteAnswer(b'{"error":"Missing supplyingAgencyMessage"}', 400, "application/json")
        return SiteAnswer(confirmation)
    if posted.path != CORE or posted.kind == "supplyingAgencyMessage":
        return SiteAnswer(b'{"error":"Not found"}', 404, "application/json")
    if (posted.texts.get("accountId"), posted.texts.get("securityCode")) != ("clarens", "hush"):
        return SiteAnswer(CONFIRMED.replace(b"OK", b"ERROR") % {b"message": posted.kind.encode(), b"action": b""}, 400)
    said = f"<action>{posted.texts['action']}</action>" if "action" in posted.texts else ""
    return SiteAnswer(CONFIRMED % {b"message": posted.kind.encode(), b"action": said.encode()}, 201)


def write_profile(site: PartnerSite) -> dict[str, Any]:
    return {
        "extends": "koha-18626",
        "match": [{"from_system": "oak"}, {"path": KEY}],
        "auth": [
            {"kind": "system-secret", "secret": "file:koha-account"},
            {"kind": "path-key", "secret": "file:koha-key"},
        ],
        "partner": {"symbols": ["ISIL:NO-0030104"], "name": "Eikelund bibliotek", "channel": "iso18626"},
        "iso18626": {
            "http": {"url": site.write_url(CORE), "lending_url": site.write_url(PLUGIN)},
            "account": {"id": "clarens", "code": "file:our-account"},
        },
    }


@dataclass
class Conversation:
    """Ours with one Koha. `samples`: its messages."""

    endpoint: Endpoint
    site: PartnerSite
    samples: Path
    wanted: BibHoldings

    @property
    def barcode(self) -> str:
        """Not the one that would be chosen without a wish."""
        return max(item.barcode for item in self.wanted.items if item.circulates)

    async def ask_us(self, name: str, *, told: str = "7") -> Answer:
        """As the plug-in does: whose message it is, its account says. `told`: what it takes for our number. It asks for
        the copy that it has seen in our catalogue."""
        body = (self.samples / "koha-plugin-borrows" / name).read_bytes()
        title, copy = escape(self.wanted.bib.title).encode(), self.barcode.encode()
        body = body.replace(b">7<", f">{told}<".encode()).replace(b"Rivers &amp; Bridges", title)
        body = re.sub(rb"\s*<bibliographicItemId>.*</bibliographicItemId>", b"", body, flags=re.DOTALL)
        body = body.replace(b"Barcode: 30451", b"Barcode: " + copy).replace(b">31<", f">{self.wanted.bib.id}<".encode())
        return await self.endpoint.post(body)

    async def tell_us(self, name: str) -> Answer:
        """As Koha itself does, to the address that it was given; about our one request."""
        body = (self.samples / "koha-core-lends" / name).read_bytes()
        number = (await self.see()).attempts[0].transaction
        return await self.endpoint.post(re.sub(rb">REQ-\d<", f">{number}<".encode(), body), path=f"/iso18626/{KEY}")

    async def do(self, kind: EventKind, **details: Any) -> Posted:
        """What our staff do, and what Koha gets of it."""
        (request,) = await self.endpoint.list_requests()
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ada", version=None)
        await self.endpoint.town.act(request, act)
        await self.endpoint.town.gateway.managed.drain_due_work()
        return self.site.posted[-1]

    async def see(self) -> Request:
        (request,) = await self.endpoint.list_requests()
        return request


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("iso18626-koha"))
    for name, secret in (("koha-account", "oak:secret"), ("our-account", "hush"), ("koha-key", KEY)):
        (folder / name).write_text(f"{secret}\n", "utf-8")
    asyncio.run(fill_library(Town(folder / "gateway.yml", FixedClock(START))))
    return folder


@pytest.fixture
async def koha(template: Path, tmp_path: Path, samples_folder: Path) -> AsyncIterator[Conversation]:
    samples = samples_folder / "iso-18626"
    confirmation = (
        samples / "koha-plugin-borrows/loan/00-requester-SupplyingAgencyMessageConfirmation.json"
    ).read_bytes()
    async with PartnerSite(lambda posted: answer_as_koha(posted, confirmation)) as site:
        profiles = tmp_path / "profiles"
        profiles.mkdir()
        for name in ("koha-18626", "iso18626-2021", "iso18626-2017"):
            shutil.copy(ROOT / "profiles" / f"{name}.yml", profiles)
        write_yaml_file(profiles / "eikelund.yml", write_profile(site))
        async with run_endpoint(template, tmp_path) as endpoint:
            system = endpoint.town.context.system
            several = [await system.holdings(bib.id) for bib in await system.search_bibs("a", 60)]
            wanted = next(one for one in several if sum(item.circulates for item in one.items) > 1)
            yield Conversation(endpoint, site, samples, wanted)


# --- the plug-in borrows ---------------------------------------------------------------------------------


async def test_the_plug_in_borrows(koha: Conversation) -> None:
    """Request, answers, received, returned, completed."""
    assert (await koha.ask_us("loan/01-requester-Request.xml")).status == 201
    asked = await koha.see()
    assert (asked.role, asked.transaction, asked.partner.symbol) == (Role.LENDING, "41", "ISIL:NO-0030104")

    await koha.endpoint.town.gateway.managed.drain_due_work()
    located = await koha.see()
    assert (located.state, located.item_barcode) == (LendingState.LOCATED, koha.barcode)
    promised = await koha.do(EventKind.WILL_SUPPLY)
    number = promised.texts["supplyingAgencyRequestId"]
    assert (promised.path, promised.texts["requestingAgencyRequestId"]) == (PLUGIN, "41")
    assert promised.list_texts("agencyIdValue") == ["sup_agency_value", "req_agency_value"]
    assert (promised.texts["status"], number) == ("WillSupply", asked.number)
    assert b"requestingAgencyAuthentication" not in promised.body
    shipped = await koha.do(EventKind.SHIPPED, barcode=koha.barcode, due=date(2026, 4, 10))
    assert (shipped.texts["status"], shipped.texts["itemId"]) == ("Loaned", koha.barcode)

    received = await koha.ask_us("loan/02-requester-Received.xml", told=number)
    assert (received.status, received.verdict) == (201, ("OK", "", ""))
    assert (await koha.see()).state is LendingState.SHIPPED
    assert (await koha.ask_us("loan/03-requester-ShippedReturn.xml", told=number)).status == 201
    assert (await koha.see()).state is LendingState.RETURNED
    completed = await koha.do(EventKind.CHECKED_IN)
    assert completed.texts["status"] == "LoanCompleted"
    assert (await koha.see()).state is LendingState.COMPLETED


async def test_the_plug_in_cancels_before_it_knows_our_number(koha: Conversation) -> None:
    """It says its own then."""
    await koha.ask_us("cancel/01-requester-Request.xml")
    assert (await koha.ask_us("cancel/02-requester-Cancel.xml", told="41")).status == 201
    assert (await koha.see()).state is LendingState.CANCELLED
    await koha.endpoint.town.gateway.managed.drain_due_work()
    answered = koha.site.posted[-1]
    assert (answered.texts["reasonForMessage"], answered.texts["status"]) == ("CancelResponse", "Cancelled")


async def test_a_wrong_code_lets_nobody_in(koha: Conversation) -> None:
    body = (koha.samples / "koha-plugin-borrows/loan/01-requester-Request.xml").read_bytes()
    for wrong in (body.replace(b">secret<", b">sesam<"), body.replace(b">oak<", b">ash<")):
        answer = await koha.endpoint.post(wrong)
        assert (answer.verdict[0], await koha.endpoint.list_requests()) == ("ERROR", [])


# --- Koha lends ------------------------------------------------------------------------------------------


async def ask_koha(koha: Conversation) -> Posted:
    managed = koha.endpoint.town.gateway.managed
    draft = BorrowingDraft(
        citation=Citation(title="Rivers & Bridges"),
        partner="eikelund",
        patron=PatronLink(identifier=PATRON),
        mediated=False,
        override=True,
    )
    await managed.libraries["CLK"].requests.create_borrowing(draft)
    await managed.drain_due_work()
    return koha.site.posted[-1]


async def test_koha_lends(koha: Conversation) -> None:
    asked = await ask_koha(koha)
    assert (asked.path, asked.kind) == (CORE, "request")
    assert asked.list_texts("agencyIdValue") == ["sup_agency_value", "req_agency_value"]

    assert (await koha.tell_us("loan/01-supplier-RequestReceived.xml")).status == 201
    assert (await koha.tell_us("loan/02-supplier-WillSupply.xml")).status == 201
    assert (await koha.see()).state is BorrowingState.WILL_SUPPLY
    assert (await koha.tell_us("loan/03-supplier-Loaned.xml")).status == 201
    shipped = await koha.see()
    assert (shipped.state, shipped.terms.lender_due) == (BorrowingState.SHIPPED, date(2027, 1, 21))

    received = await koha.do(EventKind.RECEIVED, barcode="X-1")
    assert (received.path, received.texts["action"]) == (CORE, "Received")
    assert received.texts["supplyingAgencyRequestId"] == "7"
    assert received.list_texts("agencyIdValue") == ["sup_agency_value", "req_agency_value"]
    returned = await koha.do(EventKind.RETURNED)
    assert (returned.texts["action"], returned.texts["supplyingAgencyRequestId"]) == ("ShippedReturn", "7")
    assert (await koha.tell_us("loan/04-supplier-LoanCompleted.xml")).status == 201
    assert (await koha.see()).state is BorrowingState.COMPLETED


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("cancel/01-supplier-Cancelled.xml", BorrowingState.CANCELLED),
        ("cancel-refused/01-supplier-WillSupply.xml", BorrowingState.WILL_SUPPLY),
    ],
    ids=["granted", "refused"],
)
async def test_koha_answers_a_cancel(koha: Conversation, told: str, state: BorrowingState) -> None:
    await ask_koha(koha)
    await koha.tell_us("loan/02-supplier-WillSupply.xml")
    cancelled = await koha.do(EventKind.CANCEL)
    assert (cancelled.texts["action"], cancelled.texts["supplyingAgencyRequestId"]) == ("Cancel", "7")
    assert (await koha.tell_us(told)).status == 201
    assert (await koha.see()).state is state


async def test_koha_names_a_day_for_a_retry(koha: Conversation) -> None:
    await ask_koha(koha)
    assert (await koha.tell_us("retry/01-supplier-RetryPossible.xml")).status == 201
    (attempt,) = (await koha.see()).attempts
    assert (attempt.status.value, attempt.reason) == ("retry", "on-loan")

"""A gateway with a partner of ISO 18626 at the other end of the line, which keeps each octet that it gets, confirms as
a test says, and says things of its own in octets written here."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.views import ActionRequest, RequestView
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow
from tests.protocol.iso18626.endpoint import ROOT
from tests.support.running_servers import running

PATRON = "21000000000025"
STAFF = "staff:ana"
UNUSED_URL = "http://127.0.0.1:54322/iso18626"
"""Stands for the partner's in a template."""

EASY = {
    "intake": {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}}
}
NOT_NOW = ("BadlyFormedMessage", "Could not send request to peer")

Judge = Callable[[str], "tuple[str, str] | int | None"]
"""Of a message's octets: type and value of an error, a status of HTTP, or None: it is taken."""


def partner_profile(**more: Any) -> dict[str, Any]:
    """Of the broker. `more`: of the section iso18626."""
    return {
        "extends": "crosslink-18626",
        "auth": [{"kind": "none"}],
        "partner": {"symbols": ["ISIL:BROKER"], "name": "Broker", "channel": "iso18626"},
        "iso18626": {"http": {"url": UNUSED_URL}, **more},
    }


async def make_far_template(folder: Path, profiles: Mapping[str, Mapping[str, Any]]) -> Path:
    """An installation with its sample library, to be copied."""
    settings = {"outbox": {"first_seconds": 1, "longest_seconds": 10}}
    site = Site("OAK", "Oak Library", profiles, EASY, settings)
    config = await asyncio.to_thread(make_installation, folder / "oak", site, 25)
    await fill_library(Town(config, FixedClock(START)))
    return config.parent


class FarSide:
    """`octets`: what it got, in order; `judge`: what it answers; `before_answer` happens meanwhile."""

    def __init__(self) -> None:
        self.octets: list[str] = []
        self.judge: Judge = lambda octets: None
        self.before_answer: Callable[[str], Awaitable[None]] = _do_nothing
        app = web.Application()
        app.router.add_post("/iso18626", self._take)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/iso18626"))

    async def _take(self, request: web.Request) -> web.Response:
        octets = (await request.read()).decode()
        self.octets.append(octets)
        await self.before_answer(octets)
        verdict = self.judge(octets)
        if isinstance(verdict, int):
            return web.Response(status=verdict, text="no")
        return web.Response(text=write_confirmation(octets, verdict), content_type="application/xml")

    def said(self, word: str) -> list[str]:
        """Messages with this action, reason or status."""
        return [one for one in self.octets if f">{word}<" in one]


async def _do_nothing(_octets: str) -> None:
    return


def number_of(request: Request) -> str:
    """By which its supplier knows a request of ours."""
    return request.attempts[-1].transaction


def write_confirmation(octets: str, error: tuple[str, str] | None) -> str:
    """As CrossLink's broker writes it."""
    kind = next(one for one in ("supplyingAgencyMessage", "requestingAgencyMessage", "request") if f"<{one}>" in octets)
    header = re.search("<header>.*?</requestingAgencyId>", octets, re.DOTALL)
    action = re.search("<action>.*?</action>", octets)
    id_ = re.search("<requestingAgencyRequestId>.*?</requestingAgencyRequestId>", octets)
    assert header is not None
    assert id_ is not None
    failed = (
        f"<errorData><errorType>{error[0]}</errorType><errorValue>{error[1]}</errorValue></errorData>" if error else ""
    )
    return (
        f"  {ROOT}<{kind}Confirmation><confirmationHeader>{header[0].removeprefix('<header>')}"
        f"<timestamp>2026-03-02T08:00:01Z</timestamp>{id_[0]}<timestampReceived>2026-03-02T08:00:00Z</timestampReceived>"
        f"<messageStatus>{'ERROR' if error else 'OK'}</messageStatus></confirmationHeader>"
        f"{action[0] if action else ''}{failed}</{kind}Confirmation></ISO18626Message>"
    )


class FarTown:
    """A gateway, at work on a copy of `template` in `folder`, and the far side."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._folder = folder
        self._stack = AsyncExitStack()
        self.clock = FixedClock(START)
        self.mail = MailServer()
        self.far = FarSide()
        self.town: Town

    async def __aenter__(self) -> FarTown:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(running(self.mail))
            await opened.enter_async_context(self.far.server)
            self.town = Town(await asyncio.to_thread(self._copy), self.clock)
            await opened.enter_async_context(running(self.town))
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    def _copy(self) -> Path:
        folder = self._folder / "oak"
        shutil.copytree(self._template, folder)
        config = folder / "gateway.yml"
        config.write_text(config.read_text("utf-8").replace("port: 25\n", f"port: {self.mail.port}\n"), "utf-8")
        for profile in (folder / "profiles").glob("*.yml"):
            profile.write_text(profile.read_text("utf-8").replace(UNUSED_URL, self.far.url), "utf-8")
        return config

    # --- what happens there ------------------------------------------------------------------------------

    async def say(self, body: str, profile: str = "broker") -> str:
        """The far side says something, and we take it; our answer."""
        url = f"http://127.0.0.1:{self.town.gateway.http_port}/iso18626/{profile}"
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, data=body.encode(), headers={"Content-Type": "application/xml"}) as answer,
        ):
            text = await answer.text()
        assert ">OK<" in text, text
        return text

    # --- what happens here -------------------------------------------------------------------------------

    async def quiet(self) -> None:
        await self.town.gateway.managed.drain_due_work()

    async def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))
        await self.town.gateway.managed.drain_due_work()

    async def asked(self, title: str = "Λιμάνια", partner: str = "broker", **more: Any) -> Request:
        """A borrowing request for which this partner has been asked."""
        draft = BorrowingDraft(
            citation=Citation(title=title, author="Γεωργίου, Νίκη"),
            patron=PatronLink(identifier=PATRON),
            partner=partner,
            mediated=False,
            **more,
        )
        request = await self.town.gateway.managed.libraries["OAK"].requests.create_borrowing(draft)
        await self.quiet()
        return await self.see(request)

    async def act(self, request: Request, kind: EventKind, **details: Any) -> Request:
        await self.town.act(
            request, ActionRequest(kind=kind, details=EventDetails(**details), actor=STAFF, version=None)
        )
        await self.quiet()
        return await self.see(request)

    async def see(self, request: Request) -> Request:
        return await self.town.see(request)

    async def view(self, request: Request) -> RequestView:
        return await self.town.gateway.managed.libraries["OAK"].requests.load_view(request.id)

    async def lending(self) -> Request:
        """The only request of others to us."""
        (request,) = await self.town.requests(Role.LENDING)
        return request

    async def lent(self, partner: str = "broker", symbol: str = "BROKER") -> Request:
        """A borrowing request whose item is with the patron, due on 1 April."""
        request = await self.asked(partner=partner)
        loaned = write_sam(number_of(request), "Loaned", more="<dueDate>2026-04-01T23:59:59Z</dueDate>")
        await self.say(loaned.replace("BROKER", symbol), partner)
        await self.act(request, EventKind.RECEIVED, barcode="30109999000001")
        return await self.act(request, EventKind.LOANED_TO_PATRON)

    async def shipped(
        self, number: str = "CLB-9", partner: str = "broker", symbol: str = "BROKER", note: str = ""
    ) -> Request:
        """A request to us, whose item is on its way, due on 30 March."""
        await self.say(write_loan_request(number).replace("BROKER", symbol), partner)
        await self.quiet()
        barcode = await self.find_free_barcode()
        details = {"barcode": barcode, "due": date(2026, 3, 30), "note": note}
        return await self.act(await self.lending(), EventKind.SHIPPED, **details)

    async def find_free_barcode(self) -> str:
        """Of an item of ours on its shelf that can be lent."""
        system = self.town.context.system
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates and not item.hold_count:
                    return item.barcode
        raise AssertionError("the sample has nothing to lend")

    async def rows(self, request: Request) -> tuple[OutboxRow, ...]:
        """Messages to the partner about it, oldest first."""
        page = await self.town.context.store.read(
            lambda c: outbox_queries.list_rows_of_kind(c, "OAK", "partner", request.id, 100)
        )
        return page.rows[::-1]


# --- octets of the far side ------------------------------------------------------------------------------


def write_sam(number: str, status: str, reason: str = "StatusChange", info: str = "", more: str = "") -> str:
    """What the broker says of a request of ours."""
    return (
        f"{ROOT}<supplyingAgencyMessage>{_write_header(number, 'BROKER', 'OAK')}<messageInfo><reasonForMessage>{reason}"
        f"</reasonForMessage>{info}</messageInfo><statusInfo><status>{status}</status>{more}"
        "<lastChange>2026-03-02T08:00:00Z</lastChange></statusInfo></supplyingAgencyMessage></ISO18626Message>"
    )


def write_ram(number: str, action: str, note: str = "", at: str = "2026-03-02T08:00:00Z") -> str:
    """What the broker asks of us."""
    return (
        f"{ROOT}<requestingAgencyMessage>{_write_header(number, 'OAK', 'BROKER', at)}<action>{action}</action>"
        f"{f'<note>{note}</note>' if note else ''}</requestingAgencyMessage></ISO18626Message>"
    )


def write_loan_request(number: str, title: str = "Sult") -> str:
    return (
        f"{ROOT}<request>{_write_header(number, 'OAK', 'BROKER')}<bibliographicInfo><title>{title}</title>"
        "</bibliographicInfo><serviceInfo><serviceType>Loan</serviceType></serviceInfo></request></ISO18626Message>"
    )


def _write_header(number: str, supplier: str, requester: str, at: str = "2026-03-02T08:00:00Z") -> str:
    return (
        f"<header><supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{supplier}</agencyIdValue>"
        f"</supplyingAgencyId><requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{requester}"
        f"</agencyIdValue></requestingAgencyId><multipleItemRequestId/><timestamp>{at}</timestamp>"
        f"<requestingAgencyRequestId>{number}</requestingAgencyRequestId></header>"
    )

"""One town with its library, its managed requests and partners that speak NCIP to it over HTTP."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from lxml import etree

from demo.world import START, MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Item, Patron
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.views import ActionRequest, HistoryLine
from gateway.ports.library_system import PatronKey
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.ports.responder import ExchangeContext
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.support.partner_rights import ALL_RIGHTS
from tests.support.running_servers import running

PATRON = "21000000000025"
ANOTHER = "21000000000033"
STAFF = "staff:ana"

PARTNER = NcipPartnerSimulator(lambda reference: reference)

SOUTH = {
    "partner": {"symbols": ["SOUTH"], "name": "Southern Library", "channel": "mail", "email": "ill@south.example"},
}
EASY = {
    "intake": {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}}
}


def ncip(**more: Any) -> dict[str, Any]:
    """A profile of somebody who speaks NCIP 2 to us, from this machine, and may do everything with what is ours."""
    circulation = {"rights": ALL_RIGHTS, **more.pop("circulation", {})}
    profile: dict[str, Any] = {"extends": "ncip2", "match": [], "auth": [{"kind": "none"}], **more}
    return {**profile, "circulation": circulation}


UNUSED_PORT = 54321
"""Stands for the mail server's in a template."""


async def make_template(
    folder: Path, profiles: Mapping[str, Mapping[str, Any]], requests: Mapping[str, Any] = EASY
) -> Path:
    """An installation with its sample library, to be copied. `profiles`: by name; `requests`: of requests.yml."""
    site = Site("NORTH", "Northern Library", profiles, requests)
    config = await asyncio.to_thread(make_installation, folder / "north", site, UNUSED_PORT)
    await fill_library(Town(config, FixedClock(START)))
    return config.parent


class NcipTown:
    """At work on a copy of `template`, in `folder`."""

    def __init__(self, template: Path, folder: Path, zone: str = "") -> None:
        """`zone`: of the library; empty: that of the template."""
        self._zone = zone
        self._template = template
        self._folder = folder
        self._stack = AsyncExitStack()
        self.clock = FixedClock(START)
        self.mail = MailServer()
        self.town: Town

    async def __aenter__(self) -> NcipTown:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(running(self.mail))
            self.town = Town(await asyncio.to_thread(self._copy), self.clock)
            await opened.enter_async_context(running(self.town))
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    def _copy(self) -> Path:
        folder = self._folder / "north"
        shutil.copytree(self._template, folder)
        config = folder / "gateway.yml"
        text = config.read_text(encoding="utf-8")
        assert str(UNUSED_PORT) in text
        text = text.replace(str(UNUSED_PORT), str(self.mail.port))
        if self._zone:
            assert "Europe/Zurich" in text
            text = text.replace("Europe/Zurich", self._zone)
        config.write_text(text, encoding="utf-8")
        return config

    # --- what a partner sends ----------------------------------------------------------------------------

    def message(self, profile: str, service: str, **values: str) -> bytes:
        """`values`: the parameters of `illgate send`, with _ for -."""
        house = self.town.context
        known = house.profile(profile)
        assert known is not None, profile
        talk = ExchangeContext(known, house.symbol, house.zone, house.currency, self.clock.now())
        said = {name.replace("_", "-"): (value,) for name, value in values.items()}
        return PARTNER.build(service, said, talk)

    async def post(self, profile: str, body: bytes) -> Answered:
        url = f"http://127.0.0.1:{self.town.gateway.http_port}/ncip/{profile}"
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, data=body, headers={"Content-Type": "application/xml"}) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return Answered(await answer.read())

    async def send(self, profile: str, service: str, **values: str) -> Answered:
        return await self.post(profile, self.message(profile, service, **values))

    # --- what staff do and see ---------------------------------------------------------------------------

    async def quiet(self) -> None:
        await self.town.gateway.managed.drain_due_work()

    async def asked(self, external: str = "", patron: str = PATRON, partner: str = "south", **more: Any) -> Request:
        """A borrowing request for which this partner has been asked."""
        draft = BorrowingDraft(
            citation=Citation(title="Λιμάνια", author="Γεωργίου, Νίκη"),
            patron=PatronLink(identifier=patron),
            partner=partner,
            mediated=False,
            external=(external,) if external else (),
            **more,
        )
        request = await self.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
        await self.quiet()
        return await self.see(request)

    async def act(self, request: Request, kind: EventKind, **details: Any) -> Request:
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor=STAFF, version=None)
        return await self.town.act(request, act)

    async def see(self, request: Request) -> Request:
        return await self.town.see(request)

    async def history(self, request: Request) -> tuple[HistoryLine, ...]:
        return (await self.town.gateway.managed.libraries["NORTH"].requests.load_view(request.id)).history

    async def kinds(self, request: Request) -> list[str]:
        """Events that were not denied, oldest first."""
        return [line.event.kind.value for line in await self.history(request) if not line.denied]

    async def all(self, role: Role) -> tuple[Request, ...]:
        return await self.town.requests(role)

    async def patron(self, identifier: str) -> Patron:
        return await self.town.context.system.find_patron(PatronKey(identifier))

    async def free_item(self) -> Item:
        """An item of ours on its shelf that can be lent."""
        system = self.town.context.system
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if bib.identifiers and item.status.value == "available" and item.circulates and not item.hold_count:
                    return item
        raise AssertionError("the sample has nothing to lend")


class Answered:
    """An NCIP answer, read by the local names of its elements."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._root = etree.fromstring(body)

    @property
    def problem(self) -> str:
        """Empty: it is a success."""
        return self.text("ProblemType")

    def text(self, name: str) -> str:
        found = next((one for one in self._root.iter() if etree.QName(one).localname == name), None)
        return (found.text or "").strip() if found is not None else ""


class KeptChannel:
    """Takes whatever is sent to partners by mail."""

    name = "mail"

    def __init__(self) -> None:
        self.sent: list[PartnerMessage] = []

    async def send(self, message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        self.sent.append(message)
        return DeliveryResult()

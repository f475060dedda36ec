"""One gateway, and its partner Fjordby, who is played: for tests of `illgate mock`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from adapters.smtp.transport import SmtpMailer
from demo.world import START, Site, fill_library, make_installation
from demo.world import Town as FilledTown
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestedService, ServiceType
from gateway.domain.requests.views import ActionRequest
from gateway.ports.outgoing_mail import Mailer, MailSecurity, MailServer
from gateway.profiles import read_profiles
from gateway.services.letters.localization import TextCatalogues
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.settings import load_settings
from gateway.store.mailbox import MailPosition
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.mock_conversation import MockConversation
from rehearsal.partners.mock_mail_server import MockMailServer
from rehearsal.partners.mock_partner import MockPartner
from rehearsal.partners.mock_reception import MessageReception
from rehearsal.partners.partner_assembly import (
    MockOptions,
    RehearsedMailFormat,
    build_mock_partner,
    find_rehearsed_protocol,
    make_mail_reception,
)
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, load_scenarios
from tests.faults.joined.town import Mailbox, Town
from tests.support.iso_wires import held_port, port_of
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON = "21000000000025"
POLICY = {
    "intake": {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}},
    "rotas": {"all": {"lines": [{"partner": "fjordby"}]}},
    "default_rota": "all",
}
FJORDBY: Mapping[str, Any] = {
    "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
    "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby <bibliotek>", "channel": "iso18626"},
    "circulation": {"accept": {"barcode_from": "generated"}},
    "iso18626": {"version": "1.2"},
}


def make_template(folder: Path) -> Path:
    config = make_installation(folder, Site("CLK", "Bibliothèque de Clarens", {}, {}), mail_port=25)
    for shipped in (folder / "profiles").glob("*.yml"):
        shipped.unlink()
    asyncio.run(fill_library(FilledTown(config, FixedClock(START))))
    return folder


@dataclass
class MockWorld:
    """`waited`: seconds that the partner has let pass between what it says, none of which have."""

    town: Town
    site: MockSite
    clock: FixedClock
    config: Path
    gateway_url: str
    waited: list[float] = field(default_factory=list)

    @property
    def partner(self) -> MockPartner:
        assert isinstance(self.site.partner, MockPartner)
        return self.site.partner

    async def ask(self, title: str, service: ServiceType = ServiceType.LOAN, volumes: tuple[str, ...] = ()) -> Request:
        draft = BorrowingDraft(
            citation=Citation(title=title, author="Sigrun Ødegård"),
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON),
            volumes=volumes,
            override=True,
            actor="patron",
        )
        request = await self.town.front.create_borrowing(draft)
        await self.settle()
        return (await self.town.show(request.id)).request

    async def act(self, request: Request, kind: EventKind, **details: Any) -> Request:
        self.clock.advance(timedelta(seconds=1))
        details_said = EventDetails(**details)
        await self.town.act(request.id, ActionRequest(kind=kind, details=details_said, actor="staff:ada", version=None))
        await self.settle()
        return (await self.town.show(request.id)).request

    async def settle(self) -> None:
        """Until nobody has anything left to do now."""
        partner = self.site.partner
        assert isinstance(partner, MockPartner)
        while await self.town.fire_timers() + await self.town.drain() or partner.is_speaking:
            await partner.finish_speaking()

    async def pass_minutes(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        await self.settle()

    def find_conversation(self, request: Request) -> MockConversation:
        """The partner's side of the last that was asked."""
        every = reversed(self.partner.conversations.values())
        return next(one for one in every if one.request.citation.title == request.citation.title)

    async def find_lending(self, conversation: MockConversation) -> Request:
        """Ours of a requester's request, of which there must be one."""
        every = (await self.town.requests()).values()
        (found,) = [one for one in every if conversation.transaction in one.transaction]
        return found

    async def history(self, request: Request) -> list[str]:
        return [str(one.event.signal) for one in (await self.town.show(request.id)).history]

    async def find_free_barcode(self) -> str:
        """Of an item that may be lent."""
        system = self.town.context.system
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates:
                    return item.barcode
        raise AssertionError("the sample library has nothing to lend")

    async def read_page(self, path: str = "/") -> tuple[str, Mapping[str, str]]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.site.url}{path}") as response:
            return await response.text(), response.headers


class PreparedWorld:
    """An installation whose partner is still to be played. `port`: where the gateway will listen."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        write_yaml_file(folder / "requests.yml", POLICY)
        self.config = folder / "gateway.yml"
        self.clock = FixedClock(START)
        self.adapters = load_adapters()
        self._door = held_port()
        self.port = port_of(self._door)
        self._waited: list[float] = []

    def close(self) -> None:
        """Where no gateway will listen."""
        self._door.close()

    def write_settings(self, http: Mapping[str, Any], **sections: Any) -> None:
        written = read_yaml_file(self.config)
        written["http"] |= http
        write_yaml_file(self.config, written | sections)

    def write_profile(self, profile: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(profile), allow_unicode=True)
        (self.config.parent / "profiles" / "fjordby.yml").write_text(text, "utf-8")

    def read_profile(self) -> Profile:
        settings = load_settings(self.config, self.adapters)
        found = read_profiles(settings.profiles_folder, self.adapters, settings).profiles.find_profile("fjordby")
        assert found is not None
        return found

    def build_partner(
        self, options: MockOptions, lines: MockLines | None = None, mailer: Mailer | None = None
    ) -> MockPartner:
        async def pass_time(seconds: float) -> None:
            self._waited.append(seconds)

        settings = load_settings(self.config, self.adapters)
        return build_mock_partner(
            settings, self.adapters, self.read_profile(), options, self.clock, str, pass_time, lines, mailer
        )

    def make_reception(self, protocol: str, partner: MockPartner) -> MessageReception:
        adapter = self.adapters.protocols[protocol]
        make = find_rehearsal(adapter.name).partner
        assert make is not None
        return MessageReception(partner, adapter.responder(), make())

    @contextlib.asynccontextmanager
    async def run_gateway(self, site: MockSite, url: str, mailbox: Mailbox | None = None) -> AsyncIterator[MockWorld]:
        town = Town("CLK", self.config, self.clock, mailbox)
        await town.start()
        try:
            yield MockWorld(town, site, self.clock, self.config, url, self._waited)
        finally:
            await town.crash()
            await site.stop()
            self._door.close()


@contextlib.asynccontextmanager
async def run_mock_world(
    template: Path,
    folder: Path,
    profile: Mapping[str, Any] = FJORDBY,
    chosen: Sequence[str] = (),
    misbehaviour: str = "",
) -> AsyncIterator[MockWorld]:
    prepared = PreparedWorld(template, folder)
    prepared.write_settings({"host": "127.0.0.1", "port": prepared.port})
    prepared.write_profile(speak_iso18626(profile, ""))
    scenarios = load_scenarios([SHIPPED_SCENARIOS])
    options = MockOptions(
        address=f"http://127.0.0.1:{prepared.port}/iso18626/fjordby",
        scenarios=scenarios,
        chosen=[scenarios[name] for name in chosen],
        misbehaviour=misbehaviour,
    )
    partner = prepared.build_partner(options)
    endpoint = MockEndpoint(prepared.make_reception("iso18626", partner), prepared.clock)
    site = MockSite(partner, TextCatalogues((), "en"), endpoint)
    prepared.write_profile(speak_iso18626(profile, f"{await site.start()}/iso18626"))
    async with prepared.run_gateway(site, options.address) as world:
        yield world


@contextlib.asynccontextmanager
async def run_tcp_world(
    template: Path, folder: Path, mode: str, profile: Mapping[str, Any] = FJORDBY, chosen: Sequence[str] = ()
) -> AsyncIterator[MockWorld]:
    """The partner speaks ISO ILL. `mode`: of its connections."""
    prepared = PreparedWorld(template, folder)
    listener = {"host": "127.0.0.1", "port": prepared.port, "protocol": "iso_ill"}
    prepared.write_settings({"port": 0}, tcp=[listener])
    prepared.write_profile(speak_iso_ill(profile, mode, "127.0.0.1:9"))
    scenarios = load_scenarios([SHIPPED_SCENARIOS])
    options = MockOptions(
        address=f"127.0.0.1:{prepared.port}", scenarios=scenarios, chosen=[scenarios[name] for name in chosen]
    )
    responder = prepared.adapters.protocols["iso_ill"].responder()
    lines = MockLines(responder, "iso_ill", prepared.read_profile(), folder, prepared.clock)
    partner = prepared.build_partner(options, lines)
    site = MockSite(partner, TextCatalogues((), "en"))
    await site.start()
    prepared.write_profile(speak_iso_ill(profile, mode, await lines.start(prepared.make_reception("iso_ill", partner))))
    async with prepared.run_gateway(site, options.address) as world:
        try:
            yield world
        finally:
            await lines.stop()


class PartnerMailbox(Mailbox):
    """Our mails to the partner go out by SMTP, others are kept. `failures`: what its server said against a mail."""

    def __init__(self, partner: str, port: int) -> None:
        super().__init__()
        self.failures: list[str] = []
        self._partner = partner
        self._mailer = SmtpMailer(MailServer(host="127.0.0.1", port=port, security=MailSecurity.NONE), str)

    async def send(self, message: EmailMessage) -> str:
        if message["To"] != self._partner:
            return await super().send(message)
        try:
            return await self._mailer.send(message)
        except (Refused, Unavailable) as error:
            self.failures.append(str(error))
            raise


class OurMailbox:
    """A `Mailer` whose mails the gateway reads at once."""

    town: Town

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def send(self, message: EmailMessage) -> str:
        self.contents.append(message.as_bytes())
        box = MailboxInfo(name="ill", library="CLK")
        place = MailPosition("CLK", "ill", 1, len(self.contents))
        await self.town.gateway.mailboxes.processor.process(box, place, self.contents[-1])
        return "250 read"


PARTNER_ADDRESS = "fjernlan@fjordby.example"
PASSWORD = "stille-vann-17"
"""In the file `password`, which a profile may name."""


@contextlib.asynccontextmanager
async def run_mail_world(
    template: Path, folder: Path, profile: Mapping[str, Any], chosen: Sequence[str] = ()
) -> AsyncIterator[tuple[MockWorld, PartnerMailbox, OurMailbox]]:
    """The partner is reached by mail. With the mailbox out of which the gateway's mails go, and the one that it
    reads."""
    prepared = PreparedWorld(template, folder)
    prepared.write_settings(
        {"port": 0}, mail={"host": "127.0.0.1", "security": "none", "sender": "ill@clarens.example"}
    )
    if "extends" in profile:
        shipped = f"{profile['extends']}.yml"
        shutil.copy(ROOT / "profiles" / shipped, folder / "profiles" / shipped)
    (folder / "password").write_text(PASSWORD, "utf-8")
    prepared.write_profile({**profile, "partner": {**profile["partner"], "email": PARTNER_ADDRESS}})
    scenarios = load_scenarios([SHIPPED_SCENARIOS])
    options = MockOptions(
        address="ill@clarens.example", scenarios=scenarios, chosen=[scenarios[name] for name in chosen]
    )
    ours = OurMailbox()
    partner = prepared.build_partner(options, mailer=ours)
    protocol = find_rehearsed_protocol(prepared.adapters, prepared.read_profile())
    assert isinstance(protocol, RehearsedMailFormat)
    reception = make_mail_reception(partner, protocol, prepared.adapters)
    mails = MockMailServer(reception, 1_000_000, prepared.clock)
    address = await mails.start()
    site = MockSite(partner, TextCatalogues((), "en"))
    await site.start()
    theirs = PartnerMailbox(PARTNER_ADDRESS, int(address.rpartition(":")[2]))
    async with prepared.run_gateway(site, options.address, theirs) as world:
        ours.town = world.town
        try:
            yield world, theirs, ours
        finally:
            await mails.stop()


def speak_iso18626(profile: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    section = {**profile["iso18626"], "http": {"url": url, **profile["iso18626"].get("http", {})}}
    return {**profile, "iso18626": section}


def speak_iso_ill(profile: Mapping[str, Any], mode: str, address: str) -> Mapping[str, Any]:
    written = {key: value for key, value in profile.items() if key != "iso18626"}
    written["partner"] = {**profile["partner"], "channel": "iso-ill"}
    written["iso_ill"] = {
        "transport": {"mode": mode, "address": address, "reply_seconds": 5},
        "acknowledges": "all",
        "answers": "all",
    }
    return written

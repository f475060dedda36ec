"""A library behind NCIP with what the contract suite takes for granted: our own responder, by HTTP, with the embedded
library behind it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import NcipLibrary
from adapters.ncip.responder import NcipResponder
from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.clock import FixedClock
from gateway.domain.profile import Authentication, MatchRule, Profile
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.responder import RawMessage, TransportKind
from gateway.ports.shared_store import Store
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.services.exchange.pipeline import MessageExchange
from gateway.services.people.patron_authentication import PatronAuthenticator
from gateway.services.people.sign_in_attempts import AttemptLimits
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOptions
from gateway.store.migration import OWN, migrate_store
from tests.library_contract.embedded_world import KNOWN, ZONE, EmbeddedWorld, embedded_world, make_context
from tests.library_contract.world import Known
from tests.support.partner_rights import ALL_RIGHTS

HOST = "127.0.0.1"
ALL_SERVICES = (
    "LookupUser",
    "LookupItem",
    "LookupItemSet",
    "LookupRequest",
    "RequestItem",
    "UpdateRequestItem",
    "CancelRequestItem",
    "AcceptItem",
    "DeleteItem",
    "CheckOutItem",
    "CheckInItem",
    "RenewItem",
    "RecallItem",
    "CreateUserFiscalTransaction",
)
RECORD_CODES = {"local": "SYSNUMBER", "isbn": "ISBN", "oclc": "OCLC"}
BRANCHES = ("RS", "MAIN", "NORTH")


def agency_of_branch(branch: str) -> str:
    return f"LIB-{branch}"


def make_profiles(dialect: NcipDialect | None = None, policy: Mapping[str, Any] | None = None) -> list[Profile]:
    """One for each branch, at which an item is taken back by messages to its agency; all let this machine in."""
    network = Authentication.model_validate({"kind": "network", "networks": ["127.0.0.0/8"]})
    said = dialect or NcipDialect.model_validate(
        {
            "patrons": {
                "privileges": [
                    {"type": "STATUS", "value": "status"},
                    {"type": "PROFILE", "value": "category"},
                    {"type": "LIBRARY", "value": "library", "valid_to": True},
                ]
            },
            "items": {"record_codes": RECORD_CODES},
        }
    )
    rights = {**ALL_RIGHTS, "profiles": [f"ils-{branch.lower()}" for branch in BRANCHES]}
    return [
        Profile(
            name=f"ils-{branch.lower()}",
            match=(MatchRule(to_agency=agency_of_branch(branch)),),
            auth=(network,),
            circulation=CirculationPolicy.model_validate(
                {"check_in": {"branch": branch}, "rights": rights, **(policy or {})}
            ),
            dialects={"ncip": said},
        )
        for branch in BRANCHES
    ]


@dataclass
class MessagePause:
    """A message is held up before it is carried out, until it may go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


class RequestNumbers:
    """Of a system that gives requests numbers of its own and forgets those that it is sent, as Koha and FOLIO do."""

    def __init__(self) -> None:
        self._own: dict[bytes, bytes] = {}

    def translate_message(self, service: str, body: bytes) -> bytes:
        """To what stands behind: ours for its own; one that it doesn't know names nothing."""
        sent = {own: ours for ours, own in self._own.items()}

        def replace_number(found: re.Match[bytes]) -> bytes:
            number = found[2]
            if service in ("RequestItem", "AcceptItem"):
                self._own.setdefault(number, b"R-%d" % (len(self._own) + 101))
            elif service in ("CancelRequestItem", "UpdateRequestItem", "LookupRequest"):
                number = sent.get(number, b"forgotten-" + number)
            return found[1] + number

        return _REQUEST_NUMBER.sub(replace_number, body)

    def translate_answer(self, body: bytes) -> bytes:
        return _REQUEST_NUMBER.sub(lambda found: found[1] + self._own.get(found[2], found[2]), body)


_REQUEST_NUMBER = re.compile(rb"(<(?:\w+:)?RequestIdentifierValue>)([^<]+)")


class ResponderServer:
    """The exchange as the daemon has it, on a port of its own. `seen`: the service of each message."""

    def __init__(self, exchange: MessageExchange, world: EmbeddedWorld) -> None:
        self._exchange = exchange
        self._world = world
        self._responder = NcipResponder()
        self._numbers = RequestNumbers()
        self.port = 0
        self.profile = ""  # that of all messages; empty: by their agencies
        self.seen: list[str] = []
        self.lose: set[int] = set()  # numbers of messages whose answers don't arrive, from 1
        self._pauses: dict[int, MessagePause] = {}

    def pause_at(self, number: int) -> MessagePause:
        """`number`: of the message, from 1."""
        self._pauses[number] = MessagePause()
        return self._pauses[number]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        service = self._responder.open(self._make_arrival(request, body), 1_000_000).service
        arrival = self._make_arrival(request, self._numbers.translate_message(service, body))
        self.seen.append(service)
        pause = self._pauses.pop(len(self.seen), None)
        if pause is not None:
            pause.reached.set()
            await pause.may_go_on.wait()
        answer = await self._exchange.handle(arrival)
        if pause is not None:
            pause.is_over.set()
        if len(self.seen) in self.lose:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        said = self._numbers.translate_answer(answer.body)
        return web.Response(body=said, status=answer.status, headers={"Content-Type": answer.content_type})

    def _make_arrival(self, request: web.Request, body: bytes) -> RawMessage:
        return RawMessage(
            body,
            self._world.now(),
            TransportKind.HTTP,
            "ncip",
            peer=HOST,
            path=request.path,
            profile=self.profile,
            headers={name.lower(): value for name, value in request.headers.items()},
        )


@contextlib.asynccontextmanager
async def started_responder(
    store: Store, profiles: list[Profile] | None = None, clock: FixedClock | None = None
) -> AsyncIterator[tuple[ResponderServer, EmbeddedWorld]]:
    await migrate_store(store, OWN)
    world = await embedded_world(store, clock=clock)
    loaded = ProfileSet(
        {one.name: LoadedProfile(one, YamlDocument(one.name), Path(one.name)) for one in profiles or make_profiles()}
    )
    journal = Journal(store, JournalOptions(concealers={"ncip": NcipResponder().conceal_secrets}))
    exchange = MessageExchange(
        responders={"ncip": NcipResponder()},
        profiles=lambda: loaded,
        libraries={"LIB": ExchangeLibrary("LIB", "Městská knihovna", world.library, ZONE, KNOWN.currency)},
        journal=journal,
        clock=world.clock,
        authenticator=PatronAuthenticator(store, world.clock, AttemptLimits(50, 50, 15)),
        secrets=dict[str, str]().__getitem__,
        library_seconds=20,
    )
    server = ResponderServer(exchange, world)
    app = web.Application()
    app.router.add_post("/ncip", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    try:
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        server.port = runner.addresses[0][1]
        yield server, world
    finally:
        await runner.cleanup()
        await journal.close()
        await asyncio.sleep(0)  # the last connection ends


def make_options(port: int, more: Mapping[str, Any] | None = None) -> NcipLibraryOptions:
    """As a library would write them; a busy machine may take its time."""
    sections: dict[str, Any] = {
        "url": f"http://{HOST}:{port}/ncip",
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
        "services": list(ALL_SERVICES),
        "ncip": {
            "header": {"our_agency": "GW", "partner_agency": agency_of_branch("RS")},
            "items": {"record_codes": RECORD_CODES},
        },
        "patrons": {"pin_input": "PIN", "lists": ["loans", "holds", "fees"]},
        "pickups": [{"code": "MAIN"}, {"code": "NORTH"}, {"code": "RS", "resource_sharing": True}],
        "branch_agencies": {branch: agency_of_branch(branch) for branch in BRANCHES},
        "item_policies": {"ill": "Book"},
    }
    return NcipLibraryOptions.model_validate({**sections, **(more or {})})


class NcipWorld:
    def __init__(
        self, context: LibraryAdapterContext, options: NcipLibraryOptions, server: ResponderServer, peer: EmbeddedWorld
    ) -> None:
        self._context = context
        self._options = options
        self.library = NcipLibrary(context, options)
        self.server = server
        self.peer = peer
        self.known: Known = replace(KNOWN, visitor_category="")

    async def restart_gateway(self) -> None:
        await self.library.close_connections()
        self.library = NcipLibrary(self._context, self._options)

    def now(self) -> Any:
        return self.peer.now()

    def advance(self, by: timedelta) -> bool:
        return self.peer.advance(by)


@contextlib.asynccontextmanager
async def ncip_world(store: Store, more: Mapping[str, Any] | None = None) -> AsyncIterator[NcipWorld]:
    async with started_responder(store) as (server, peer):
        world = NcipWorld(make_context(store, peer.clock), make_options(server.port, more), server, peer)
        try:
            yield world
        finally:
            await world.library.close_connections()

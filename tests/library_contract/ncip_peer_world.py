"""Libraries behind Koha's ncip-server and FOLIO's mod-ncip, as peers play them: octet for octet what the real ones
answered. They are set up as the guide says (docs/library-systems/ncip.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import NcipLibrary
from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.clock import FixedClock
from gateway.domain.library import Location
from gateway.ports.library_system import PatronKey
from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store
from tests.library_contract.embedded_world import START, make_context
from tests.library_contract.ncip_world import HOST
from tests.library_contract.world import Known, know_only
from tests.support.peers import RealisticPeer
from tests.unit.docs.test_library_systems import read_examples

FOLIO_LIBRARY = {
    "patrons": [
        {
            "uuid": f"11111111-0000-4000-8000-{number:012}",
            "barcode": barcode,
            "username": username,
            "external": f"ext-{number}",
            "given": given,
            "surname": surname,
            "mail": f"{username}@reader.example",
            "group": "GRAD",
            "desk": "FAIRCHILD",
            "manual": stopped,
        }
        for number, (barcode, username, given, surname, stopped) in enumerate(
            (
                ("8377630", "ada.reader", "Ada", "Müller & Söhne", []),
                ("8377631", "nina.reader", "Нина", "Папалазарова", []),
                ("8377632", "siyuan.reader", "思远", "欧阳", []),
                ("5551213", "bo.blocked", "Bo", "Novák", ["borrowing", "requests"]),
            ),
            1,
        )
    ]
}
"""What the peer is started with: it names one patron more than its own library does who may borrow."""

KOHA = know_only(
    "Koha's peer",
    good=PatronKey("21000000000017"),
    good_secret="1234",
    other=PatronKey("21000000000033"),
    blocked=PatronKey("21000000000025"),
    shelf_item="K1",
    desk="MPL",
    other_desk="CPL",
    ill=Location("MPL"),
    ill_policy="ill",
    visitor_category="",
    currency="EUR",
)
FOLIO = know_only(
    "FOLIO's peer",
    good=PatronKey("8377630"),
    other=PatronKey("8377631"),
    third=PatronKey("8377632"),
    blocked=PatronKey("5551213"),
    shelf_item="10101",
    desk="FAIRCHILD",
    other_desk="LINDERMAN",
    ill=Location("FAIRCHILD"),
    ill_policy="ill",
    visitor_category="",
    currency="EUR",
)


def read_guide(word: str) -> dict[str, Any]:
    """The settings that the guide gives to copy for the system whose address has this word."""
    text = next(text for text in read_examples("ncip.md") if f"//{word}." in text)
    said = dict(parse_yaml(text, "ncip.md").data)
    del said["type"]
    return said


class PeerRelay:
    """Between gateway and peer. `seen`: the services of the messages; `lose`: how many answers to a service don't
    arrive; `double`: services whose messages arrive twice, as from a proxy that repeats a POST."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.seen: list[tuple[str, str]] = []
        self.lose: dict[str, int] = {}
        self.double: set[str] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        named = re.search(rb"<(?:\w+:)?([A-Z]\w+)>\s*<(?:\w+:)?InitiationHeader", body)
        assert named is not None
        service = named[1].decode()
        self.seen.append((service, body.decode()))
        async with aiohttp.ClientSession() as session:
            for _ in range(2 if service in self.double else 1):
                async with session.post(f"http://{HOST}:{self._target}/ncip", data=body) as answer:
                    said, status = await answer.read(), answer.status
        if self.lose.get(service):
            self.lose[service] -= 1
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.Response(body=said, status=status, headers={"Content-Type": "application/xml"})


class PeerWorld:
    def __init__(self, store: Store, relay: PeerRelay, options: NcipLibraryOptions, known: Known) -> None:
        self.relay = relay
        self.known = known
        self.clock = FixedClock(START)
        self.options = options
        self._context = make_context(store, self.clock)
        self.library = NcipLibrary(self._context, options)

    async def restart_gateway(self) -> None:
        await self.library.close_connections()
        self.library = NcipLibrary(self._context, self.options)

    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, by: timedelta) -> bool:
        self.clock.advance(by)
        return False

    def sent(self, service: str) -> list[str]:
        """The messages of this service that the peer got."""
        return [body for name, body in self.relay.seen if name == service]


@contextlib.asynccontextmanager
async def opened_peer(
    store: Store, peer: RealisticPeer, known: Known, settings: Mapping[str, Any]
) -> AsyncIterator[PeerWorld]:
    relay = PeerRelay(peer.port)
    app = web.Application()
    app.router.add_post("/ncip", relay.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        options = NcipLibraryOptions.model_validate({**settings, "url": f"http://{HOST}:{runner.addresses[0][1]}/ncip"})
        world = PeerWorld(store, relay, options, known)
        try:
            yield world
        finally:
            await world.library.close_connections()
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)  # the last connection ends


@contextlib.asynccontextmanager
async def koha_peer_world(
    store: Store, peers: Path, logs: Path, *options: str, more: Mapping[str, Any] | None = None
) -> AsyncIterator[PeerWorld]:
    await migrate_store(store, OWN)
    said = read_guide("koha")
    said["branch"] = "MPL"
    said["ncip"] = {**said["ncip"], "header": {"our_agency": "ILL", "partner_agency": "MPL"}}
    pickups = {"pickups": [{"code": "MPL", "resource_sharing": True}, {"code": "CPL"}]}
    said = {**said, **pickups, "item_policies": {"ill": ""}, **(more or {})}
    with RealisticPeer(peers, "koha-ncip-server", logs, *options) as peer:
        async with opened_peer(store, peer, KOHA, said) as world:
            yield world


def write_folio_library(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "library.json"
    file.write_text(json.dumps(FOLIO_LIBRARY), "utf-8")
    return file


@contextlib.asynccontextmanager
async def folio_peer_world(
    store: Store, peers: Path, logs: Path, *options: str, more: Mapping[str, Any] | None = None
) -> AsyncIterator[PeerWorld]:
    await migrate_store(store, OWN)
    data = write_folio_library(logs)
    said = read_guide("edge-ncip")
    said["branch"] = "FAIRCHILD"
    said["ncip"] = {"header": said["ncip"]["header"]}  # without the key of edge-ncip
    pickups = {"pickups": [{"code": "FAIRCHILD", "resource_sharing": True}, {"code": "LINDERMAN"}]}
    said = {**said, **pickups, "item_policies": {"ill": ""}, **(more or {})}
    with RealisticPeer(peers, "folio-mod-ncip", logs, "--data", str(data), *options) as peer:
        async with opened_peer(store, peer, FOLIO, said) as world:
            yield world

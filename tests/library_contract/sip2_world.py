"""A library behind SIP2 with what the contract suite takes for granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.system import Sip2Library, open_sip2
from gateway.domain.clock import Clock, FixedClock
from gateway.domain.library import Location
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store
from tests.fakes.desk_library import DeskLibrary, FakeItem, FakePatron
from tests.library_contract import embedded_world
from tests.library_contract.embedded_world import START
from tests.support.pysip2_server import CHARSET, INSTITUTION, PASSWORD, USER, Pysip2Server, require_pysip2

KNOWN = replace(embedded_world.KNOWN, ill=Location("RS"), ill_policy="", visitor_category="")

_NAMES = ("Müller, Ana", "Папалазарова, Нина", "欧阳, 思远", "אלמוגי, נועה", "شمس, ليلى")
_TITLES = ("Вишнёвый сад", "紅楼夢", "紅楼夢", "Atlas für den Lesesaal")


def stock_library(clock: Clock) -> DeskLibrary:
    """`Known`, in a library in memory."""
    library = DeskLibrary(now=clock.now)
    keys = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)
    for key, name in zip(keys, _NAMES, strict=True):
        patron = FakePatron(
            key.value, name, KNOWN.good_secret, date(2028, 12, 31), email=f"{key.value}@library.example"
        )
        patron.blocked = key is KNOWN.blocked
        if key is KNOWN.expired:
            patron.expires = START.date() - timedelta(days=1)
        library.patrons[key.value] = patron
    for barcode, title in zip((KNOWN.shelf_item, *KNOWN.copies, KNOWN.reference_item), _TITLES, strict=True):
        policy = "reference" if barcode == KNOWN.reference_item else "standard"
        library.items[barcode] = FakeItem(barcode, title, policy=policy)
    return library


def make_options(port: int, more: Mapping[str, Any] | None = None) -> Sip2Options:
    """As a library would write them; a busy machine may take its time."""
    sections: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "login": {"user": USER, "password": "env:TERMINAL"},
        "institution": INSTITUTION,
        "charset": CHARSET,
        "pickups": [{"code": "MAIN"}, {"code": "NORTH"}, {"code": "RS", "resource_sharing": True}],
        "override": "no-block",
        "not_lent": ["002"],
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
    }
    return Sip2Options.model_validate({**sections, **(more or {})})


class Sip2World:
    def __init__(self, library: Sip2Library, server: Pysip2Server, clock: FixedClock) -> None:
        self.library = library
        self.server = server
        self.known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        return False


def started_server(library: DeskLibrary, **more: Any) -> Pysip2Server:
    require_pysip2()
    return Pysip2Server(library, **more)


def _resolve_secret(reference: str) -> str:
    if reference != "env:TERMINAL":
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}")])
    return PASSWORD


async def make_context(store: Store, clock: Clock) -> LibraryAdapterContext:
    await migrate_store(store, OWN)
    return embedded_world.make_context(store, clock, _resolve_secret)


async def sip2_world(store: Store, server: Pysip2Server, clock: FixedClock) -> Sip2World:
    context = await make_context(store, clock)
    return Sip2World(await open_sip2(context, make_options(server.port)), server, clock)

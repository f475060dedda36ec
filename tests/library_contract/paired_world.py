"""Libraries behind a pair of systems, with what the contract suite takes for granted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.library.embedded import EmbeddedLibrary, migrations, sample
from adapters.library.embedded.library_session import LibrarySession
from adapters.library.koha.system import open_koha
from adapters.library.paired.options import PairedOptions
from adapters.library.paired.system import PairedLibrary, open_pair
from adapters.library.sip2.system import open_sip2
from adapters.ncip.library_system.system import NcipLibrary
from gateway.domain.clock import Clock, FixedClock, SystemClock
from gateway.ports.adapter import LibraryAdapterContext, NestedSystem
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store
from rehearsal.fakes.koha import FakeKoha
from tests.fakes.koha_desk import KohaDesk
from tests.library_contract import koha_world, ncip_world, sip2_peer_world, sip2_world
from tests.library_contract.embedded_world import KNOWN, START, ZONE, EmbeddedWorld, embedded_world, make_context
from tests.library_contract.world import Known
from tests.support.running_servers import running
from tests.support.sip2_proxy import LossyProxy


class PairedWorld:
    """`koha`: where there is one behind it; `proxy`: before its SIP2 server, where it has one that is to lose messages;
    `reopen`: opens the pair anew."""

    koha: FakeKoha | None = None
    proxy: LossyProxy | None = None
    reopen: Callable[[], Awaitable[PairedLibrary]] | None = None

    def __init__(self, library: PairedLibrary, clock: Clock, known: Known, *, has_our_clock: bool = True) -> None:
        self.library = library
        self.known = known
        self._clock = clock
        self._has_our_clock = has_our_clock

    async def restart_gateway(self) -> None:
        assert self.reopen is not None
        await self.library.close_connections()
        self.library = await self.reopen()

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        if self._has_our_clock:
            assert isinstance(self._clock, FixedClock)
            self._clock.advance(by)
        return self._has_our_clock


def name_pair(main: str, second: str, **more: Any) -> PairedOptions:
    """The systems themselves are given by the test."""
    return PairedOptions.model_validate({"main": NestedSystem(type=main), "second": NestedSystem(type=second), **more})


async def open_with(
    context: LibraryAdapterContext, options: PairedOptions, main: LibrarySystem, second: LibrarySystem
) -> PairedLibrary:
    systems = iter((main, second))

    async def open_other(_context: LibraryAdapterContext, _nested: NestedSystem) -> LibrarySystem:
        return next(systems)

    return await open_pair(replace(context, open_other=open_other), options)


async def open_empty_embedded(store: Store, symbol: str, clock: Clock) -> EmbeddedLibrary:
    """Set up like the sample, without patrons and items: where partners' items are kept."""
    await migrate_store(store, OWN, migrations)
    await store.write(
        lambda connection: sample.write_sample_setup(LibrarySession(connection, symbol, START, ZONE, KNOWN.currency))
    )
    return EmbeddedLibrary(replace(make_context(store, clock), library=symbol))


async def embedded_pair_apart(store: Store, **more: Any) -> PairedWorld:
    """Two libraries in one store: numbers of patrons, items and loans of one mean nothing in the other."""
    world: EmbeddedWorld = await embedded_world(store)
    second = await open_empty_embedded(store, "SHELF", world.clock)
    context = make_context(store, world.clock)
    pair = await open_with(context, name_pair("embedded", "embedded", data="apart", **more), world.library, second)
    return PairedWorld(pair, world.clock, KNOWN)


@contextlib.asynccontextmanager
async def sip2_and_embedded(store: Store) -> AsyncIterator[PairedWorld]:
    """What a library with SIP2 alone needs to borrow from others."""
    clock = FixedClock(START)
    async with running(sip2_world.started_server(sip2_world.stock_library(clock))) as server:
        second = await open_empty_embedded(store, "LIB", clock)

        async def open_other(context: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
            return await open_sip2(context, sip2_world.make_options(server.port)) if nested.type == "sip2" else second

        context = replace(await sip2_world.make_context(store, clock), open_other=open_other)
        options = name_pair("sip2", "embedded", data="apart", copy_category="adult", copy_branch="MAIN")
        pair = await open_pair(context, options)
        known = replace(sip2_world.KNOWN, ill=KNOWN.ill, ill_policy=KNOWN.ill_policy)
        try:
            yield PairedWorld(pair, clock, known, has_our_clock=False)
        finally:
            await pair.close_connections()


@contextlib.asynccontextmanager
async def sip2_peer_and_embedded(store: Store, peers: Path, logs: Path) -> AsyncIterator[PairedWorld]:
    """The same with the server as it was recorded."""
    clock = SystemClock()
    async with sip2_peer_world.running_peer(peers, logs) as (_, proxy):
        second = await open_empty_embedded(store, "LIB", clock)
        pickups = [{"code": "MAIN"}, {"code": "RS", "resource_sharing": True}]
        sip2_options = sip2_peer_world.make_options(proxy.port, {"branch": "MAIN", "pickups": pickups})

        async def open_other(context: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
            return await open_sip2(context, sip2_options) if nested.type == "sip2" else second

        context = replace(await sip2_peer_world.make_peer_context(store), open_other=open_other)
        options = name_pair("sip2", "embedded", data="apart", copy_category="adult", copy_branch="MAIN")
        pair = await open_pair(context, options)
        known = sip2_peer_world.make_known(desk="MAIN", ill=KNOWN.ill, ill_policy=KNOWN.ill_policy)
        world = PairedWorld(pair, clock, known, has_our_clock=False)
        world.proxy = proxy
        try:
            yield world
        finally:
            await pair.close_connections()


SHARED_BY_NCIP = ["check-out", "check-in", "renewals", "due-dates"]


@contextlib.asynccontextmanager
async def embedded_and_ncip(store: Store, second_does: list[str]) -> AsyncIterator[PairedWorld]:
    """Two ways to the same library, which calls nothing by the same numbers in both."""
    async with ncip_world.started_responder(store) as (server, peer):
        context = make_context(store, peer.clock)

        async def open_other(own: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
            options = ncip_world.make_options(server.port)
            return NcipLibrary(own, options) if nested.type == "ncip" else peer.library

        options = name_pair("embedded", "ncip", data="shared", second_does=second_does)
        pair = await open_pair(replace(context, open_other=open_other), options)
        try:
            yield PairedWorld(pair, peer.clock, KNOWN)
        finally:
            await pair.close_connections()


@contextlib.asynccontextmanager
async def koha_and_sip2(store: Store, second_does: list[str]) -> AsyncIterator[PairedWorld]:
    """A Koha by REST, with its SIP2 server for what REST lacks; that server places no holds, since a Koha's are on
    titles."""
    clock = FixedClock(START)
    fake = koha_world.make_fake_koha(clock, is_near_main=True)
    async with (
        running(fake),
        running(sip2_world.started_server(KohaDesk(fake.state))) as server,
        running(LossyProxy(server.port)) as proxy,
    ):

        async def open_other(own: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
            if nested.type == "sip2":
                return await open_sip2(own, sip2_world.make_options(proxy.port, {"holds": "none"}))
            return await open_koha(own, koha_world.make_koha_options(fake.url))

        context = replace(await sip2_world.make_context(store, clock), open_other=open_other)
        options = name_pair("koha", "sip2", data="shared", second_does=second_does)
        world = PairedWorld(await open_pair(context, options), clock, koha_world.KNOWN, has_our_clock=False)
        world.koha, world.proxy, world.reopen = fake, proxy, lambda: open_pair(context, options)
        try:
            yield world
        finally:
            await world.library.close_connections()

"""A library behind SIP2 that answers as Evergreen's SIPServer was recorded (`sip2-evergreen` of the peers), with its
own patrons, items and clock, and with the habits of other systems by its options."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.system import Sip2Library, open_sip2
from gateway.domain.clock import SystemClock
from gateway.domain.library import HoldStatus, ItemStatus, Location
from gateway.domain.problems import RefusalReason
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from gateway.ports.shared_store import Store
from tests.library_contract.sip2_world import make_context
from tests.library_contract.suite import hold_item, key, lend, needs, patron_id, refused
from tests.library_contract.world import Known, World, know_only
from tests.support.peers import RealisticPeer
from tests.support.sip2_proxy import LossyProxy

NAME = "sip2-evergreen"
USER, PASSWORD, INSTITUTION = "scclient", "clientpwd", "UWOLS"
BRANCH, SHARING_BRANCH = "Beacock", "RS"
READER, OTHER_READER, PIN = "reader01", "reader02", "6789"
ITEM, ACCENTED_ITEM = "1565921879", "660"


@value_object
class Sip2Dialect:
    """`habits`: options of the peer; `settings`: what a library with such a system sets."""

    name: str
    habits: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None


EVERGREEN = Sip2Dialect("Evergreen")
KOHA = Sip2Dialect("Koha", ("--title-holds",), {"holds": "none"})
FOLIO = Sip2Dialect("FOLIO's edge-sip2", ("--unknown-item", "edge-sip2", "--empty-pin-ok"))
UNICODE = Sip2Dialect("accents apart", ("--encoding", "utf-8"), {"charset": "utf-8"})
POLICY = Sip2Dialect("98 says no", ("--policy", "checkin=false,checkout=false"))
STATUS_FIRST = Sip2Dialect("status before login", ("--status-first",))
DATES = tuple(
    Sip2Dialect(f"dates as {form}", ("--dates", form))
    for form in ("%m/%d/%Y,%H:%M", "%m-%d-%y", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y")
)
UNREADABLE = Sip2Dialect("dates that nobody reads", ("--dates", "before week %W"))


def make_known(**more: object) -> Known:
    """The peer has two patrons and three items, of which nobody is blocked and nothing stays in the house."""
    there: dict[str, object] = {
        "good": PatronKey(READER),
        "good_secret": PIN,
        "other": PatronKey(OTHER_READER),
        "shelf_item": ITEM,
        "copies": ("0440242746", ACCENTED_ITEM),
        "desk": BRANCH,
        "ill": Location(SHARING_BRANCH),
        "ill_policy": "",
        "currency": "EUR",
    }
    return know_only("the recorded server", **{**there, **more})


def make_options(port: int, more: Mapping[str, Any] | None = None) -> Sip2Options:
    sections: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "login": {"user": USER, "password": "env:TERMINAL"},
        "institution": INSTITUTION,
        "hold_lists": "all",
        "branch": BRANCH,
        "pickups": [{"code": BRANCH}, {"code": SHARING_BRANCH, "resource_sharing": True}],
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
    }
    return Sip2Options.model_validate({**sections, **(more or {})})


async def make_peer_context(store: Store) -> LibraryAdapterContext:
    return replace(await make_context(store, SystemClock()), secrets=lambda _reference: PASSWORD)


class Sip2PeerWorld:
    """`proxy`: before the peer; it loses what it is told to lose."""

    def __init__(self, library: Sip2Library, peer: RealisticPeer, proxy: LossyProxy) -> None:
        self.library = library
        self.peer = peer
        self.proxy = proxy
        self.known = make_known()

    def now(self) -> datetime:
        return SystemClock().now()

    def advance(self, by: timedelta) -> bool:
        return False

    def list_messages(self) -> list[str]:
        """What the server has heard (`>`) and said (`<`), in order."""
        return list_messages(self.peer)


class RecordedHolds:
    """Instead of those of the contract: the demo library of the recorded server says of every item that somebody waits
    for that it is on the hold shelf (08), lends it to nobody, and takes back nothing that isn't on loan."""

    @needs(Capability.HOLD_ITEM)
    async def test_an_item_hold_is_shown_everywhere(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good, request="REQ-7")
        item = await world.library.item_by_barcode(world.known.shelf_item)
        shelved = replace(hold, status=HoldStatus.READY)

        assert (hold.status, hold.position, item.hold_count) == (HoldStatus.WAITING, 1, 1)
        assert await world.library.find_hold("REQ-7") == shelved
        assert await world.library.patron_holds(hold.patron_id) == (shelved,)
        assert await world.library.item_holds(item.id) == (shelved,)
        assert (await world.library.find_patron(world.known.good)).hold_count == 1

    @needs(Capability.HOLD_ITEM)
    async def test_the_same_key_places_no_second_hold(self, world: World) -> None:
        wish = HoldWish(await patron_id(world, world.known.good), world.known.desk, item_barcode=world.known.shelf_item)
        under = key()
        first = await world.library.place_hold(wish, under)

        assert (await world.library.place_hold(wish, under)).id == first.id
        assert len(await world.library.patron_holds(wish.patron_id)) == 1

    @needs(Capability.HOLD_ITEM)
    async def test_an_item_kept_for_somebody_goes_to_nobody_else(self, world: World) -> None:
        await hold_item(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.REQUESTED_BY_OTHER):
            await lend(world, world.known.shelf_item, world.known.other)

    @needs(Capability.HOLD_ITEM)
    async def test_a_return_is_caught_for_the_next_hold(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        hold = await hold_item(world, world.known.shelf_item, world.known.other)
        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)

        assert back.next_hold is not None
        assert (back.next_hold.id, back.next_hold.status) == (hold.id, HoldStatus.READY)
        assert back.item.status is ItemStatus.ON_HOLD_SHELF

    @needs(Capability.HOLD_CANCEL)
    async def test_a_cancelled_hold_frees_the_item(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        await world.library.cancel_hold(hold.id, key())

        assert (await world.library.item_by_barcode(world.known.shelf_item)).status is ItemStatus.AVAILABLE
        await lend(world, world.known.shelf_item, world.known.other)


def list_messages(peer: RealisticPeer) -> list[str]:
    return (peer.logs / "sip2.log").read_text("utf-8").splitlines()


@contextlib.asynccontextmanager
async def running_peer(peers: Path, logs: Path, *habits: str) -> AsyncIterator[tuple[RealisticPeer, LossyProxy]]:
    with RealisticPeer(peers, NAME, logs, *habits) as peer:
        proxy = LossyProxy(peer.port)
        await proxy.start()
        try:
            yield peer, proxy
        finally:
            await proxy.stop()


@contextlib.asynccontextmanager
async def sip2_peer_world(
    store: Store, peers: Path, logs: Path, dialect: Sip2Dialect = EVERGREEN
) -> AsyncIterator[Sip2PeerWorld]:
    async with running_peer(peers, logs, *dialect.habits) as (peer, proxy):
        library = await open_sip2(await make_peer_context(store), make_options(proxy.port, dialect.settings))
        try:
            yield Sip2PeerWorld(library, peer, proxy)
        finally:
            await library.close_connections()

"""Two gateways that lend to each other, one of them or both with a library system that isn't the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.library.embedded import sample
from adapters.library.embedded.library_session import LibrarySession
from demo.two import NORTH, SOUTH, Story
from demo.world import Site, Town, World, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib, IdentifierType, PatronDraft, PatronIdentifier, PersonName, RecordId
from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.ports.library_system import Capability
from gateway.runtime.assembly import Assembly
from gateway.runtime.database_setup import create_database
from gateway.store.engine import open_store
from gateway.store.migration import migrate_store
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_sample import fill_sample
from tests.fakes.desk_library import FakeItem, FakePatron
from tests.fakes.koha_desk import KohaDesk
from tests.library_contract import alma_world, koha_world, ncip_world, sip2_world
from tests.support.pysip2_server import PASSWORD, USER
from tests.support.yaml_files import read_yaml_file, write_yaml_file

FIRST_TO_SOUTH = {**NORTH.requests, "default_rota": "only-south"}
SECRET = "file:system-secret"
KNOWN_BOOK = Bib(
    title="Вишнёвый сад",
    author="Чехов, Антон",
    identifiers=(RecordId("isbn", "978-0-00-001001-8"), RecordId("oclc", "1001")),
)
SCANNED_ITEM = "49000000000011"
RECORD_OF_STAFF = "49000000009901"

LIBRARIES_AS_PATRONS = {"create_category": "visitor", "create_library": "MAIN"}
BORROWING_LIBRARY = "NORTH"

Section = dict[str, Any]


@dataclass
class Ground:
    """Where a system is started: what it opens is closed with `stack`. What staff do at the system's own desk, by
    barcode, where it can't be told to: `return_item` takes back; `make_record` and `delete_record`, of a partner's
    item."""

    folder: Path
    clock: FixedClock
    stack: AsyncExitStack
    return_item: Callable[[str], None] | None = None
    make_record: Callable[[str], None] | None = None
    delete_record: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Backend:
    """`start`: starts what stands behind the gateway and gives its section `system`; None: the embedded library.
    `has_setup`: the embedded library beside another one, without patrons and items."""

    name: str
    start: Callable[[Ground], Awaitable[Section]] | None = None
    has_setup: bool = False


def _write_section(kind: str, options: Any) -> Section:
    return {"type": kind, **options.model_dump(mode="json", exclude_unset=True)}


async def _start_koha(ground: Ground) -> Section:
    section, _desk = await _start_koha_with_desk(ground)
    return section


async def _start_koha_with_desk(ground: Ground) -> tuple[Section, KohaDesk]:
    fake = koha_world.make_fake_koha(ground.clock)
    fake.state.item_types |= {"ill", "ill-library-use"}
    fake.state.categories.add("visitor")
    await fake.start()
    ground.stack.push_async_callback(fake.stop)
    desk = KohaDesk(fake.state)

    def return_item(barcode: str) -> None:
        desk.check_in(barcode, "RS")

    ground.return_item = return_item
    more = {
        "sign_in": {"client_id": "illgate", "client_secret": SECRET},
        "temporary_item_types": ["ill", "ill-library-use"],
    }
    return _write_section("koha", koha_world.make_koha_options(fake.url, more)), desk


async def _start_folio(ground: Ground) -> Section:
    fake = FakeFolio(ground.clock.now)
    fill_sample(fake)
    await fake.start()
    ground.stack.push_async_callback(fake.stop)
    (ground.folder / "folio-password").write_text(fake.password, encoding="utf-8")
    return {
        "type": "folio",
        "url": fake.url,
        "tenant": fake.tenant,
        "login": {"user": fake.user, "password": "file:folio-password"},
        "service_point": "RS",
        "cancellation_reason": "Interlibrary loan ended",
        "temporary_items": {"location": "ill", "loan_type": "ill", "material_type": "interlibrary loan"},
        "fee_owner": "Interlibrary loan",
    }


async def _start_alma(ground: Ground) -> Section:
    fake = alma_world.make_fake_alma(ground.clock)
    fake.state.item_policies |= {"ill", "ill-library-use"}
    fake.state.user_groups.add("visitor")
    for user in fake.state.users.values():
        user["campus_code"] = {"value": "MAIN"}
    await fake.start()
    ground.stack.push_async_callback(fake.stop)
    return _write_section("alma", alma_world.make_alma_options(fake.url, {"api_key": SECRET}))


async def _start_ncip(ground: Ground) -> Section:
    store = open_store(f"sqlite:///{ground.folder / 'peer.db'}")
    ground.stack.push_async_callback(store.close)
    server, peer = await ground.stack.enter_async_context(ncip_world.started_responder(store, clock=ground.clock))
    number = PatronIdentifier(IdentifierType.BARCODE.value, BORROWING_LIBRARY)
    name = PersonName("Northern Library", is_organisation=True)
    await peer.library.create_patron(PatronDraft((number,), name, category="visitor", home_library="MAIN"), "setup")
    return _write_section("ncip", ncip_world.make_options(server.port))


async def _start_sip2(ground: Ground) -> Section:
    library = sip2_world.stock_library(ground.clock)
    library.patrons[BORROWING_LIBRARY] = FakePatron(BORROWING_LIBRARY, "Northern Library", "", date(2028, 12, 31))
    library.items[SCANNED_ITEM] = FakeItem(SCANNED_ITEM, KNOWN_BOOK.title)

    def make_record(barcode: str) -> None:
        library.items[barcode] = FakeItem(barcode, KNOWN_BOOK.title)

    def delete_record(barcode: str) -> None:
        del library.items[barcode]

    ground.make_record, ground.delete_record = make_record, delete_record
    return await _start_desk(ground, library)


async def _start_desk(ground: Ground, library: Any) -> Section:
    server = sip2_world.started_server(library)
    await server.start()
    ground.stack.push_async_callback(server.stop)
    more = {"login": {"user": USER, "password": SECRET}}
    return _write_section("sip2", sip2_world.make_options(server.port, more))


async def _start_sip2_and_embedded(ground: Ground) -> Section:
    return {
        "type": "paired",
        "data": "apart",
        "copy_category": "adult",
        "copy_branch": "MAIN",
        "main": await _start_sip2(ground),
        "second": {"type": "embedded"},
    }


async def _start_koha_and_sip2(ground: Ground) -> Section:
    main, desk = await _start_koha_with_desk(ground)
    second = {**await _start_desk(ground, desk), "holds": "none"}
    return {"type": "paired", "data": "shared", "second_does": ["check-in"], "main": main, "second": second}


EMBEDDED = Backend("embedded")
BACKENDS: Mapping[str, Backend] = {
    one.name: one
    for one in (
        EMBEDDED,
        Backend("koha", _start_koha),
        Backend("folio", _start_folio),
        Backend("alma", _start_alma),
        Backend("sip2", _start_sip2),
        Backend("ncip", _start_ncip),
        Backend("sip2 + embedded", _start_sip2_and_embedded, has_setup=True),
        Backend("koha + sip2", _start_koha_and_sip2),
    )
}


class LibraryTowns(World):
    """`borrower` and `lender` with the backends given. `store_url`: of the borrower's database; empty: SQLite."""

    def __init__(self, folder: Path, borrowing: Backend, lending: Backend, store_url: str = "") -> None:
        north = {**SOUTH.profiles["north"], "circulation": {"patrons": LIBRARIES_AS_PATRONS}}
        super().__init__(folder, replace(NORTH, requests=FIRST_TO_SOUTH), replace(SOUTH, profiles={"north": north}))
        self._backends: tuple[Backend, ...] = (borrowing, lending)
        self._store_urls: tuple[str, ...] = (store_url, "")
        self.grounds: list[Ground] = []

    async def __aenter__(self) -> LibraryTowns:
        try:
            await self.mail.start()
            self._stack.push_async_callback(self.mail.stop)
            for site, backend, store_url in zip(self._sites, self._backends, self._store_urls, strict=True):
                self.towns = (*self.towns, await self._open_town(site, backend, store_url))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open_town(self, site: Site, backend: Backend, store_url: str = "") -> Town:
        folder = self._folder / site.symbol.lower()
        config = await asyncio.to_thread(make_installation, folder, site, self.mail.port, store_url)
        ground = Ground(folder, self.clock, self._stack)
        self.grounds.append(ground)
        if backend.start is not None:
            (folder / "system-secret").write_text(PASSWORD, encoding="utf-8")
            settings: dict[str, Any] = read_yaml_file(config)
            settings["libraries"][0]["system"] = await backend.start(ground)
            write_yaml_file(config, settings)
        town = Town(config, self.clock)
        if backend.start is None:
            await fill_library(town)
        elif backend.has_setup:
            await _set_up_embedded(town)
        await town.start()
        self._stack.push_async_callback(town.stop)
        return town

    async def find_book(self) -> Bib:
        """One that the lender has."""
        system = self.lender.context.system
        if self._backends[1].start is not None:
            return KNOWN_BOOK
        for bib in await system.search_bibs("a", 60):
            items = (await system.holdings(bib.id)).items
            if bib.identifiers and any(one.status.value == "available" and one.circulates for one in items):
                return bib
        raise AssertionError("the sample has no such book")


class LoneTown(LibraryTowns):
    """`borrower` alone, with the backend given. `profiles`: of its partners, by name."""

    def __init__(self, folder: Path, backend: Backend, profiles: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(folder, backend, EMBEDDED)
        self._sites = (replace(NORTH, profiles=profiles, requests={}),)
        self._backends = (backend,)
        self._store_urls = ("",)


async def _set_up_embedded(town: Town) -> None:
    assembly = Assembly(town.settings, town._adapters, town._clock, lambda _reference: PASSWORD)
    await create_database(assembly)
    store = assembly.open_store()
    try:
        await migrate_store(store, *assembly.migration_histories)
        zone, now = ZoneInfo("Europe/Zurich"), town._clock.now()
        await store.write(
            lambda connection: sample.write_sample_setup(LibrarySession(connection, town.symbol, now, zone, "EUR"))
        )
    finally:
        await store.close()


class DeskStory(Story):
    """Staff do at the system's own desk what it can't be told, when they read that they have to. `by_hand`: the
    capabilities for want of which."""

    def __init__(self, towns: LibraryTowns) -> None:
        super().__init__(towns)
        self.towns = towns
        self.by_hand: set[Capability] = set()

    async def north(self, kind: EventKind, **details: Any) -> None:
        town, ground = self.towns.borrower, self.towns.grounds[0]
        able = town.context.system.capabilities
        if kind is EventKind.AT_PICKUP and Capability.HOLD_SHELF not in able:
            self.by_hand.add(Capability.HOLD_SHELF)  # nobody is told that it travels
            return
        ours, _ = await self.both()
        if kind is EventKind.RECEIVED and Capability.ITEM_WITHOUT_HOLD not in able and ours.flags:
            self.by_hand.add(Capability.ITEM_WITHOUT_HOLD)
        elif kind is EventKind.RECEIVED and Capability.TEMPORARY_ITEM not in able:
            with _read_refusal("Create a record for it in the library system"):
                await super().north(kind, **details)
            self.by_hand.add(Capability.TEMPORARY_ITEM)
            assert ground.make_record is not None
            ground.make_record(RECORD_OF_STAFF)
            details["barcode"] = RECORD_OF_STAFF
        if kind is EventKind.RETURNED_BY_PATRON and Capability.CHECK_IN not in able:
            await self._return_by_hand(super().north(kind, **details), ground, ours.volumes[0].barcode)
        await super().north(kind, **details)
        if kind is EventKind.RETURNED and RECORD_OF_STAFF in [one.barcode for one in ours.volumes]:
            assert ground.delete_record is not None
            ground.delete_record(RECORD_OF_STAFF)

    async def south(self, kind: EventKind, **details: Any) -> None:
        able, ground = self.towns.lender.context.system.capabilities, self.towns.grounds[1]
        if kind is EventKind.SHIPPED and Capability.BIB_FIND not in able:
            self.by_hand.add(Capability.BIB_FIND)
            details["barcode"] = SCANNED_ITEM
        if kind is EventKind.CHECKED_IN and Capability.CHECK_IN not in able:
            _, theirs = await self.both()
            assert theirs is not None
            await self._return_by_hand(super().south(kind, **details), ground, theirs.item_barcode)
        await super().south(kind, **details)

    async def assert_loan_is_due(self, ours: Request) -> None:
        """A system that sets its dates itself keeps its own."""
        try:
            await super().assert_loan_is_due(ours)
        except AssertionError:
            if Capability.DUE_DATE_GIVEN in self.towns.borrower.context.system.capabilities:
                raise
            self.by_hand.add(Capability.DUE_DATE_GIVEN)

    async def _return_by_hand(self, act: Awaitable[None], ground: Ground, barcode: str) -> None:
        with _read_refusal(f"Check in {barcode} in the library system"):
            await act
        self.by_hand.add(Capability.CHECK_IN)
        assert ground.return_item is not None
        ground.return_item(barcode)


@contextmanager
def _read_refusal(words: str) -> Iterator[None]:
    """Staff are told in these words what to do first."""
    said = "nothing"
    try:
        yield
    except Refused as refused:
        said = refused.detail
    assert said.startswith(words), f"staff are told {said}"

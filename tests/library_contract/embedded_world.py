"""An embedded library with what the contract suite takes for granted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.library.embedded import EmbeddedLibrary, migrations, sample
from adapters.library.embedded import patrons as patron_records
from adapters.library.embedded.catalogue import CopyDraft, add_copies
from adapters.library.embedded.library_session import LibrarySession, plan_session
from adapters.library.embedded.patrons import PatronRegistration, hash_pin
from gateway.domain.clock import Clock, FixedClock
from gateway.domain.library import (
    Bib,
    Block,
    Contact,
    ContactKind,
    Location,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    RecordId,
)
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import LibraryInfo, PatronKey, TemporaryItem
from gateway.ports.secrets import Secrets
from gateway.ports.shared_store import Store
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.migration import OWN, migrate_store
from tests.library_contract.world import Known

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
ZONE = ZoneInfo("Europe/Berlin")
SECRET = "1234"
NO_SECRETS: Secrets = dict[str, str]().__getitem__
_HASH = hash_pin(SECRET)

KNOWN = Known(
    good=PatronKey("21000000000017"),
    good_secret=SECRET,
    other=PatronKey("21000000000025"),
    third=PatronKey("21000000000033"),
    blocked=PatronKey("21000000000041"),
    expired=PatronKey("21000000000049"),
    shelf_item="39000000000011",
    copies=("39000000000019", "39000000000027"),
    reference_item="39000000000035",
    record=RecordId("isbn", "978-0-00-001001-8"),
    title_words="вишневый ЧЕХОВ",
    desk="MAIN",
    other_desk="NORTH",
    ill=Location("RS", "ill"),
    ill_policy="ill",
    visitor_category="visitor",
    currency="EUR",
)

_PEOPLE = (("Müller", "Ana"), ("Папалазарова", "Нина"), ("欧阳", "思远"), ("אלמוגי", "נועה"), ("شمس", "ليلى"))


class EmbeddedWorld:
    def __init__(self, library: EmbeddedLibrary, clock: FixedClock) -> None:
        self.library = library
        self.known = KNOWN
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()

    def advance(self, by: timedelta) -> bool:
        self.clock.advance(by)
        return True


def make_context(
    store: Store, clock: Clock, secrets: Secrets = NO_SECRETS, symbol: str = "LIB"
) -> LibraryAdapterContext:
    """The context in which a library's system is opened, whatever it is."""
    return LibraryAdapterContext(
        library=symbol,
        store=store,
        clock=clock,
        zone=ZONE,
        currency=KNOWN.currency,
        folder=Path(),
        info=LibraryInfo(symbol, "Městská knihovna"),
        secrets=secrets,
        changes=StoredLibraryChanges(store, symbol),
    )


async def embedded_world(store: Store, symbol: str = "LIB", clock: FixedClock | None = None) -> EmbeddedWorld:
    await migrate_store(store, OWN, migrations)
    clock = clock or FixedClock(START)
    context = make_context(store, clock, symbol=symbol)
    await store.write(lambda connection: _fill(plan_session(context)(connection)))
    world = EmbeddedWorld(EmbeddedLibrary(context), clock)
    await _stock(world, context)
    return world


def _fill(session: LibrarySession) -> None:
    sample.write_sample_setup(session)
    keys = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)
    for key, (surname, given) in zip(keys, _PEOPLE, strict=True):
        draft = PatronDraft(
            identifiers=(PatronIdentifier("barcode", key.value),),
            name=PersonName(surname, given),
            category="adult",
            home_library=KNOWN.desk,
            contacts=(Contact(ContactKind.EMAIL, "home", f"{key.value}@library.example"),),
            expires=session.today + timedelta(days=-1 if key is KNOWN.expired else 900),
        )
        by = PatronRegistration((Block("card reported lost"),)) if key is KNOWN.blocked else PatronRegistration()
        patron_records.create_patron(session, draft, _HASH, f"setup:{key.value}", by)


async def _stock(world: EmbeddedWorld, context: LibraryAdapterContext) -> None:
    orchard = Bib(title="Вишнёвый сад", author="Чехов, Антон", identifiers=(KNOWN.record,))
    pair = Bib(title="紅楼夢", author="曹雪芹", identifiers=(RecordId("oclc", "90001002"),))
    atlas = Bib(title="Atlas für den Lesesaal", author="Söhnlein, Grete")
    first, second = KNOWN.copies
    await _item(world, KNOWN.shelf_item, orchard, "stacks", "standard")
    await _item(world, KNOWN.reference_item, atlas, "reference", "reference")
    await _item(world, first, pair, "stacks", "standard")
    made = await world.library.item_by_barcode(first)
    copy = CopyDraft(second, made.bib_id, KNOWN.desk, "stacks", "standard")
    await context.store.write(lambda connection: add_copies(plan_session(context)(connection), [copy]))


async def _item(world: EmbeddedWorld, barcode: str, bib: Bib, shelf: str, policy: str) -> None:
    item = TemporaryItem(barcode, bib, "", Location(KNOWN.desk, shelf), policy, suppressed=False)
    await world.library.create_item(item, f"setup:{barcode}")

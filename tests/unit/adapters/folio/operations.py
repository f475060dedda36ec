"""Everything that the gateway does in FOLIO, each as one operation on a FOLIO of its own, with what has to be there
before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from adapters.library.folio.system import FolioLibrary, open_folio
from gateway.domain.clock import FixedClock
from gateway.domain.library import (
    Bib,
    IdentifierType,
    ItemStatus,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
)
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from gateway.store.library_changes import StoredLibraryChanges
from rehearsal.fakes.folio import FakeFolio
from tests.library_contract.embedded_world import KNOWN, START
from tests.library_contract.folio_world import make_fake, make_options

TEMPORARY = "ILL-880001"
ITEM = KNOWN.shelf_item
KEY = "test/operation"


@dataclass
class FolioScene:
    """One FOLIO and one gateway; `patron`: FOLIO's id of `KNOWN.good`."""

    library: FolioLibrary
    fake: FakeFolio
    context: LibraryAdapterContext
    options: Mapping[str, Any]
    patron: str = ""
    other: str = ""
    loan: str = ""
    hold: str = ""

    async def restart_gateway(self) -> None:
        await self.library.close_connections()
        self.library = await open_folio(self.context, make_options(self.fake.url, self.options))

    async def close(self) -> None:
        await self.library.close_connections()
        await self.fake.stop()

    def describe_state(self) -> dict[str, Any]:
        """What is in FOLIO, without ids."""
        tables = self.fake.records.tables
        return {
            **{path: len(rows) for path, rows in tables.items()},
            "items": sorted((one.get("barcode"), one["status"]["name"]) for one in tables["/inventory/items"].values()),
            "places": Counter(
                (one.get("temporaryLocation") or {}).get("id") for one in tables["/inventory/items"].values()
            ),
            "loans": sorted(
                (one["status"]["name"], one["dueDate"], one.get("renewalCount", 0))
                for one in tables["/circulation/loans"].values()
            ),
            "requests": sorted(
                (one["status"], one["pickupServicePointId"]) for one in tables["/circulation/requests"].values()
            ),
            "users": sorted(
                (one.get("barcode", ""), one["personal"]["lastName"], one.get("expirationDate", ""))
                for one in tables["/users"].values()
            ),
            "pins": len(self.fake.records.pins),
        }


async def open_scene(context: LibraryAdapterContext, symbol: str, **options: Any) -> FolioScene:
    """`context`: whose store is up to date; `symbol`: of a library of its own in it."""
    clock = FixedClock(START)
    fake = make_fake(clock)
    await fake.start()
    changes = StoredLibraryChanges(context.store, symbol)
    here = replace(context, library=symbol, clock=clock, changes=changes)
    scene = FolioScene(await open_folio(here, make_options(fake.url, options)), fake, here, options)
    scene.patron = (await scene.library.find_patron(KNOWN.good)).id
    scene.other = (await scene.library.find_patron(KNOWN.other)).id
    return scene


Act = Callable[[FolioScene], Awaitable[Any]]


@dataclass(frozen=True)
class FolioOperation:
    """`arrange` brings about what has to be there; `act` is the operation, under one key."""

    name: str
    act: Act
    arrange: Act | None = None


def make_temporary_item(scene: FolioScene) -> TemporaryItem:
    return TemporaryItem(
        barcode=TEMPORARY,
        bib=Bib(title="Über die Brücke — за мостом", author="Söhnlein, Grete"),
        request_id="REQ-1",
        location=KNOWN.ill,
        policy="ill",
        hold=TemporaryHold(scene.patron, KNOWN.desk),
    )


async def _accept(scene: FolioScene) -> None:
    await scene.library.create_temporary_item(make_temporary_item(scene), "before/accept")


async def _lend(scene: FolioScene) -> None:
    scene.loan = (await scene.library.check_out(ITEM, scene.patron, "before/lend", request_id="REQ-2")).id


async def _lend_and_hold(scene: FolioScene) -> None:
    await _lend(scene)
    await scene.library.place_hold(HoldWish(scene.other, KNOWN.other_desk, item_barcode=ITEM), "before/hold")


async def _hold(scene: FolioScene) -> None:
    wish = HoldWish(scene.patron, KNOWN.desk, "REQ-3", item_barcode=ITEM)
    scene.hold = (await scene.library.place_hold(wish, "before/hold")).id


async def _move(scene: FolioScene) -> None:
    await scene.library.move_to_ill(ITEM, KNOWN.ill, "before/move")


def make_draft(*, temporary: bool = True) -> PatronDraft:
    return PatronDraft(
        identifiers=(PatronIdentifier(IdentifierType.BARCODE.value, "TMP-4711"),),
        name=PersonName("Løvås", "Ægir"),
        category=KNOWN.visitor_category,
        temporary=temporary,
        secret="4321",
    )


async def _create_visitor(scene: FolioScene) -> None:
    scene.other = (await scene.library.create_patron(make_draft(), "before/visitor")).id


OPERATIONS: tuple[FolioOperation, ...] = (
    FolioOperation("find_patron", lambda scene: scene.library.find_patron(KNOWN.good)),
    FolioOperation("authenticate", lambda scene: scene.library.authenticate(KNOWN.good, KNOWN.good_secret)),
    FolioOperation("patron_loans", lambda scene: scene.library.patron_loans(scene.patron), _lend),
    FolioOperation("patron_holds", lambda scene: scene.library.patron_holds(scene.patron), _hold),
    FolioOperation("patron_charges", lambda scene: scene.library.patron_charges(scene.patron)),
    FolioOperation("item_by_barcode", lambda scene: scene.library.item_by_barcode(ITEM), _lend),
    FolioOperation("find_bib", lambda scene: scene.library.find_bib(KNOWN.record)),
    FolioOperation("search_bibs", lambda scene: scene.library.search_bibs(KNOWN.title_words)),
    FolioOperation(
        "check_out",
        lambda scene: scene.library.check_out(ITEM, scene.patron, KEY, request_id="REQ-2"),
    ),
    FolioOperation(
        "check_out with a due date",
        lambda scene: scene.library.check_out(ITEM, scene.patron, KEY, due=START + timedelta(days=12)),
    ),
    FolioOperation(
        "set_due_date",
        lambda scene: scene.library.set_due_date(scene.loan, START + timedelta(days=12), KEY),
        _lend,
    ),
    FolioOperation("check_in", lambda scene: scene.library.check_in(ITEM, KEY, at=KNOWN.desk), _lend),
    FolioOperation(
        "check_in for who waits", lambda scene: scene.library.check_in(ITEM, KEY, at=KNOWN.desk), _lend_and_hold
    ),
    FolioOperation("renew_loan", lambda scene: scene.library.renew_loan(ITEM, KEY), _lend),
    FolioOperation(
        "renew_loan with a due date",
        lambda scene: scene.library.renew_loan(ITEM, KEY, due=START + timedelta(days=40)),
        _lend,
    ),
    FolioOperation(
        "place_hold",
        lambda scene: scene.library.place_hold(
            HoldWish(
                scene.patron, KNOWN.desk, "R", item_barcode=ITEM, need_by=date(2026, 4, 1), expires=date(2026, 5, 4)
            ),
            KEY,
        ),
    ),
    FolioOperation("find_hold", lambda scene: scene.library.find_hold("REQ-3"), _hold),
    FolioOperation("cancel_hold", lambda scene: scene.library.cancel_hold(scene.hold, KEY), _hold),
    FolioOperation(
        "update_hold", lambda scene: scene.library.update_hold(scene.hold, KEY, pickup=KNOWN.other_desk), _hold
    ),
    FolioOperation(
        "create_temporary_item",
        lambda scene: scene.library.create_temporary_item(make_temporary_item(scene), KEY),
    ),
    FolioOperation("delete_temporary_item", lambda scene: scene.library.delete_temporary_item(TEMPORARY, KEY), _accept),
    FolioOperation("change_barcode", lambda scene: scene.library.change_barcode(TEMPORARY, "399", KEY), _accept),
    FolioOperation("move_to_ill", lambda scene: scene.library.move_to_ill(ITEM, KNOWN.ill, KEY)),
    FolioOperation("return_home", lambda scene: scene.library.return_home(ITEM, KEY), _move),
    FolioOperation("set_item_status", lambda scene: scene.library.set_item_status(ITEM, ItemStatus.MISSING, KEY)),
    FolioOperation(
        "set_item_status to lost", lambda scene: scene.library.set_item_status(ITEM, ItemStatus.LOST, KEY), _lend
    ),
    FolioOperation(
        "post_fee",
        lambda scene: scene.library.post_fee(
            scene.patron, Money(Decimal("3.50"), KNOWN.currency), "ill-fee", KEY, request_id="REQ-4"
        ),
    ),
    FolioOperation("create_patron", lambda scene: scene.library.create_patron(make_draft(), KEY)),
    FolioOperation(
        "update_patron",
        lambda scene: scene.library.update_patron(scene.patron, PatronDraft(name=PersonName("Ζωγράφου")), KEY),
    ),
    FolioOperation(
        "expire_patron",
        lambda scene: scene.library.expire_patron(scene.patron, START.date() - timedelta(days=1), KEY),
    ),
    FolioOperation("delete_patron", lambda scene: scene.library.delete_patron(scene.other, KEY), _create_visitor),
)

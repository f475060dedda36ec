"""The port `LibrarySystem` on FOLIO. What each method refuses stands at the port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import structlog

from adapters.library.folio import WAYS
from adapters.library.folio.answers import LoanAnswer, read_answer
from adapters.library.folio.catalogue import CatalogueDesk
from adapters.library.folio.client import FolioClient
from adapters.library.folio.code_tables import CodeTable, CodeTables
from adapters.library.folio.cql import OPEN_LOAN, match_all, match_value
from adapters.library.folio.holds import HoldDesk
from adapters.library.folio.loans import LoanDesk, LoanTerms
from adapters.library.folio.lookups import FolioDesk, is_uuid
from adapters.library.folio.options import FolioOptions
from adapters.library.folio.patrons import FeeDraft, PatronDesk
from adapters.library.folio.probe import FolioProbe
from adapters.library.folio.records import PatronReader
from adapters.library.folio.temporary_items import TemporaryItemDesk
from adapters.library.own_holds import HoldEdit
from adapters.library.parallel_questions import ask_together
from adapters.library.record_locks import RecordLocks
from adapters.library.refusals import make_refusal
from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
    Item,
    ItemStatus,
    Loan,
    Location,
    Money,
    Patron,
    PatronDraft,
    PickupLocation,
    RecordId,
)
from gateway.domain.problems import RefusalReason, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    CheckedIn,
    HoldWish,
    LibraryCodes,
    LibraryInfo,
    NamedPatron,
    PatronKey,
    ProbeStep,
    TemporaryItem,
    TemporaryItemResult,
)
from gateway.ports.limited_library import refuse_unsupported

log = structlog.get_logger(component="folio")


async def open_folio(context: LibraryAdapterContext, options: FolioOptions) -> FolioLibrary:
    """Reads the codes. One that is down meanwhile is asked with the first message: the gateway starts without it."""
    library = FolioLibrary(context, options)
    try:
        await library.load_codes()
    except Unavailable as down:
        log.warning("folio.unreachable", library=context.library, reason=str(down))
    return library


class FolioLibrary:
    def __init__(self, context: LibraryAdapterContext, options: FolioOptions) -> None:
        self._context = context
        self._options = options
        self._client = FolioClient(
            options, context.folder, context.secrets, context.clock, f"FOLIO of {context.library}"
        )
        self._desk = FolioDesk(
            library=context.library,
            client=self._client,
            options=options,
            codes=CodeTables(self._client, options),
            patrons=PatronReader(options, context.zone, context.currency),
            changes=context.changes,
            clock=context.clock,
            zone=context.zone,
        )
        self._holds = HoldDesk(self._desk)
        self._loans = LoanDesk(self._desk)
        self._temporary_items = TemporaryItemDesk(self._desk, self._holds)
        self._patrons = PatronDesk(self._desk)
        self._catalogue = CatalogueDesk(self._desk)
        self._locks = RecordLocks()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that the settings allow."""
        options = self._options
        is_without_items = not (options.temporary_items.material_type and options.cancellation_reason)
        lacking = {
            Capability.AUTHENTICATE: not options.checks_pins,
            Capability.SEARCH: not options.search,
            Capability.HOLD_TITLE: not options.title_requests,
            Capability.HOLD_CANCEL: not options.cancellation_reason,
            Capability.TEMPORARY_ITEM: is_without_items,
            Capability.ITEM_WITHOUT_HOLD: is_without_items,
            Capability.CHANGE_BARCODE: not options.temporary_items.material_type,
            Capability.HOLD_SHELF: not options.temporary_items.material_type,
            Capability.OVERRIDE: options.override != "override",
            Capability.SHELF_CHOICE: not options.temporary_items.material_type,
            Capability.SUPPRESS: not options.temporary_items.material_type,
            Capability.POST_FEE: not options.fee_owner,
        }
        return frozenset(one for one in WAYS if not lacking.get(one, False))

    async def ping(self) -> None:
        await self._client.sign_in_now()

    async def load_codes(self) -> None:
        """Load the codes; raises Unavailable."""
        await self._desk.codes.load_all()

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        return await FolioProbe(self._desk, self._context.folder).try_steps()

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`."""
        tables = self._desk.codes
        points, locations, loan_types, groups = await ask_together(
            tables.load_service_points(),
            tables.load_locations(),
            tables.load_words(CodeTable.LOAN_TYPES),
            tables.load_words(CodeTable.PATRON_GROUPS),
        )
        fee_types = await tables.load_fee_types() if self._options.fee_owner else {}
        return LibraryCodes(
            branches=frozenset(points.by_code),
            shelves=frozenset((points.code_of(row.primary_service_point), row.code) for row in locations.values()),
            item_policies=frozenset(loan_types.values()),
            patron_categories=frozenset(groups.values()),
            fee_types=frozenset(fee_types) if self._options.fee_owner else None,
        )

    async def info(self) -> LibraryInfo:
        return self._context.info

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        await self._client.close_connections()

    def _require_capability(self, capability: Capability, what: str) -> None:
        if capability not in self.capabilities:
            refuse_unsupported(what)

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return await self._desk.load_patron(await self._desk.find_user(key))

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        return await self._desk.find_named_patrons(words, limit)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        self._require_capability(Capability.AUTHENTICATE, "check a PIN")
        return await self._patrons.authenticate(key, secret)

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        if not is_uuid(patron_id):
            return ()
        query = match_all(match_value("userId", patron_id), OPEN_LOAN)
        rows = await self._client.list_records("/circulation/loans", "loans", query)
        return await self._loans.list_patron_loans([read_answer(LoanAnswer, row, "loan") for row in rows])

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._holds.list_patron_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        return await self._patrons.list_charges(patron_id)

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        return await self._patrons.create_patron(draft, key)

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        return await self._patrons.update_patron(patron_id, draft)

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        return await self._patrons.expire_patron(patron_id, on)

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        return await self._patrons.delete_patron(patron_id, key)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        return await self._catalogue.find_bib(record)

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        self._require_capability(Capability.SEARCH, "search its catalogue")
        return await self._catalogue.search_bibs(query, limit)

    async def holdings(self, bib_id: str) -> BibHoldings:
        return await self._catalogue.list_holdings(bib_id)

    async def item_by_barcode(self, barcode: str) -> Item:
        return await self._desk.describe_item(await self._desk.require_item(barcode))

    async def item_by_request(self, request_id: str) -> Item:
        return await self._catalogue.find_item_of_request(request_id)

    async def get_bib(self, bib_id: str) -> Bib:
        return await self._catalogue.get_bib(bib_id)

    async def item_loan(self, item_id: str) -> Loan | None:
        loan = await self._desk.find_open_loan(item_id) if is_uuid(item_id) else None
        return await self._desk.describe_loan(loan) if loan is not None else None

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        return await self._holds.list_item_holds(item_id)

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        if not wish.item_barcode:
            self._require_capability(Capability.HOLD_TITLE, "place a hold on a title")
        async with self._locks.lock_record(wish.item_barcode or wish.bib_id):
            return await self._holds.place_hold(wish, key)

    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        self._require_capability(Capability.HOLD_CANCEL, "cancel holds")
        async with self._locks.lock_record(hold_id):
            return await self._holds.cancel_hold(hold_id, key)

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold:
        async with self._locks.lock_record(hold_id):
            return await self._holds.update_hold(hold_id, key, HoldEdit(pickup, need_by, expires))

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_capability(Capability.TEMPORARY_ITEM, "keep temporary items")
        async with self._locks.lock_record(item.barcode):
            return await self._temporary_items.create_item(item, key, ChangeKind.TEMPORARY_ITEM)

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        self._require_capability(Capability.TEMPORARY_ITEM, "keep temporary items")
        async with self._locks.lock_record(barcode):
            return await self._temporary_items.delete_item(barcode, key)

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        self._require_capability(Capability.CHANGE_BARCODE, "change barcodes")
        async with self._locks.lock_record(barcode):
            return await self._temporary_items.change_barcode(barcode, new, key)

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_capability(Capability.TEMPORARY_ITEM, "create items")
        if item.hold is not None:
            raise make_refusal(RefusalReason.INVALID_VALUE, detail="A lasting item is made without a hold.")
        async with self._locks.lock_record(item.barcode):
            return await self._temporary_items.create_item(item, key, ChangeKind.ITEM)

    # circulation
    async def check_out(
        self,
        barcode: str,
        patron_id: str,
        key: str,
        *,
        due: datetime | None = None,
        request_id: str = "",
        override: bool = False,
    ) -> Loan:
        async with self._locks.lock_record(barcode):
            return await self._loans.check_out(barcode, patron_id, key, LoanTerms(request_id, due, override))

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        return await self._loans.set_due_date(loan_id, due)

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        async with self._locks.lock_record(barcode):
            return await self._loans.check_in(barcode, key, at, fill_hold=fill_hold)

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        async with self._locks.lock_record(barcode):
            return await self._loans.renew_loan(barcode, key, patron_id, due, latest)

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        """Refuse a recall: in FOLIO it is the request of a patron: `place_hold` with the kind "recall" makes one."""
        refuse_unsupported("recall a loan without a patron who waits for it")

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        async with self._locks.lock_record(barcode):
            return await self._catalogue.set_item_status(barcode, status)

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        async with self._locks.lock_record(barcode):
            return await self._catalogue.move_item(barcode, location)

    async def return_home(self, barcode: str, key: str) -> Item:
        async with self._locks.lock_record(barcode):
            return await self._catalogue.move_item(barcode, None)

    # money
    async def post_fee(
        self,
        patron_id: str,
        amount: Money,
        type_: str,
        key: str,
        *,
        description: str = "",
        item_barcode: str = "",
        request_id: str = "",
    ) -> Charge:
        self._require_capability(Capability.POST_FEE, "charge fees")
        return await self._patrons.post_fee(
            patron_id, FeeDraft(amount, type_, description, item_barcode, request_id), key
        )

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._catalogue.list_pickup_locations()

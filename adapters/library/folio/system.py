"""The port `LibrarySystem` on FOLIO. What each method refuses stands at the port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from adapters.library.folio import WAYS
from adapters.library.folio.answers import LoanAnswer, read_answer
from adapters.library.folio.catalogue import FolioCatalogueDesk
from adapters.library.folio.client import FolioClient
from adapters.library.folio.code_tables import CodeTable, CodeTables
from adapters.library.folio.cql import OPEN_LOAN, match_all, match_value
from adapters.library.folio.holds import FolioHoldDesk
from adapters.library.folio.loans import FolioLoanDesk
from adapters.library.folio.lookups import FolioDesk, is_uuid
from adapters.library.folio.options import FolioOptions
from adapters.library.folio.patrons import FolioPatronDesk
from adapters.library.folio.probe import FolioProbe
from adapters.library.folio.records import PatronReader
from adapters.library.folio.temporary_items import FolioTemporaryItemDesk
from adapters.library.parallel_questions import ask_together
from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
    Item,
    Loan,
    Patron,
    PickupLocation,
    RecordId,
)
from gateway.domain.problems import Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import (
    BarcodeChange,
    DueDateChange,
    Fee,
    HoldCancellation,
    HoldUpdate,
    ItemCreation,
    LoanCheckIn,
    LoanCheckOut,
    MoveToIll,
    PatronCreation,
    PatronDeletion,
    PatronExpiry,
    PatronUpdate,
    Renewal,
    ReturnHome,
    StatusChange,
    TemporaryItemCreation,
    TemporaryItemDeletion,
    refuse_unsupported,
)
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    HoldWish,
    LibraryCodes,
    NamedPatron,
    PatronKey,
    ProbeStep,
)

log = structlog.get_logger(component="folio")


async def open_folio(context: LibraryAdapterContext, options: FolioOptions) -> FolioLibrary:
    """Reads the codes. One that is down meanwhile is asked with the first message: the gateway starts without it."""
    library = FolioLibrary(context, options)
    try:
        await library.load_codes()
    except Unavailable as down:
        log.warning("folio.unreachable", library=context.library, reason=str(down))
    return library


class FolioLibrary(LibrarySystem):
    def __init__(self, context: LibraryAdapterContext, options: FolioOptions) -> None:
        super().__init__(context)
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
        self._holds = FolioHoldDesk(self._desk)
        self._loans = FolioLoanDesk(self._desk)
        temporary_items = FolioTemporaryItemDesk(self._desk, self._holds)
        self._patrons = FolioPatronDesk(self._desk)
        self._catalogue = FolioCatalogueDesk(self._desk)
        self.handlers = {
            PatronCreation: self._patrons.create_patron,
            PatronUpdate: self._patrons.update_patron,
            PatronExpiry: self._patrons.expire_patron,
            PatronDeletion: self._patrons.delete_patron,
            HoldWish: self._holds.place_hold,
            HoldCancellation: self._holds.cancel_hold,
            HoldUpdate: self._holds.update_hold,
            TemporaryItemCreation: temporary_items.create_item,
            TemporaryItemDeletion: temporary_items.delete_item,
            ItemCreation: temporary_items.create_item,
            BarcodeChange: temporary_items.change_barcode,
            LoanCheckOut: self._loans.check_out,
            DueDateChange: self._loans.set_due_date,
            LoanCheckIn: self._loans.check_in,
            Renewal: self._loans.renew_loan,
            StatusChange: self._catalogue.set_item_status,
            MoveToIll: self._catalogue.move_item,
            ReturnHome: self._catalogue.move_item,
            Fee: self._patrons.post_fee,
        }

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
        return frozenset(way for way in WAYS if not lacking.get(way, False))

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

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        await self._client.close_connections()

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return await self._desk.load_patron(await self._desk.find_user(key))

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        return await self._desk.find_named_patrons(words, limit)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        self.require_capability(Capability.AUTHENTICATE, "check a PIN")
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

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        return await self._catalogue.find_bib(record)

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        self.require_capability(Capability.SEARCH, "search its catalogue")
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

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        """Refuse a recall: in FOLIO it is the request of a patron: `place_hold` with the kind "recall" makes one."""
        refuse_unsupported("recall a loan without a patron who waits for it")

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._catalogue.list_pickup_locations()

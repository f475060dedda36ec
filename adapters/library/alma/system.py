"""The port `LibrarySystem` on an Alma. What each method refuses stands at the port."""

from __future__ import annotations

from adapters.library.alma import WAYS
from adapters.library.alma.client import AlmaClient
from adapters.library.alma.code_lists import ITEM_POLICIES, USER_GROUPS, CodeLists
from adapters.library.alma.fees import AlmaFeeDesk
from adapters.library.alma.holds import AlmaHoldDesk
from adapters.library.alma.item_moves import AlmaItemDesk
from adapters.library.alma.loans import AlmaLoanDesk
from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.patrons import AlmaPatronDesk
from adapters.library.alma.probe import AlmaProbe
from adapters.library.alma.records import AlmaRecordReader, read_text
from adapters.library.alma.temporary_items import AlmaTemporaryItemDesk
from adapters.library.change_sending import find_item_of_request
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Charge, Hold, Item, Loan, Patron, PickupLocation, RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
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
    PatronExpiry,
    PatronUpdate,
    Renewal,
    ReturnHome,
    TemporaryItemCreation,
    TemporaryItemDeletion,
    refuse_unsupported,
)
from gateway.ports.library_system import BibHoldings, Capability, HoldWish, LibraryCodes, PatronKey, ProbeStep

_NEEDS_A_LOCATION = frozenset(
    {
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.HOLD_SHELF,
        Capability.SHELF_CHOICE,
        Capability.SUPPRESS,
        Capability.CHANGE_BARCODE,
        Capability.MOVE_LOCATION,
    }
)
"""What there is only where a location for partners' items is set."""


class AlmaLibrary(LibrarySystem):
    def __init__(self, context: LibraryAdapterContext, options: AlmaOptions) -> None:
        """Make a client; raises Unavailable when the API key is not there."""
        super().__init__(context)
        self._options = options
        self._client = AlmaClient(options, context.folder, context.secrets, context.clock)
        reader = AlmaRecordReader(options, context.zone, context.currency)
        self._desk = AlmaDesk(self._client, options, reader, context.changes, context.clock)
        self._lists = CodeLists(self._client, reader)
        patrons = AlmaPatronDesk(self._desk, self._lists)
        self._holds = AlmaHoldDesk(self._desk, self._lists)
        items = AlmaItemDesk(self._desk, self._lists)
        temporary_items = AlmaTemporaryItemDesk(self._desk, self._holds)
        loans = AlmaLoanDesk(self._desk)
        self._fees = AlmaFeeDesk(self._desk, context.currency)
        self.handlers = {
            PatronCreation: patrons.create_patron,
            PatronUpdate: patrons.update_patron,
            PatronExpiry: patrons.expire_patron,
            HoldWish: self._holds.place_hold,
            HoldCancellation: self._holds.cancel_hold,
            HoldUpdate: self._holds.update_hold,
            TemporaryItemCreation: temporary_items.make_item,
            TemporaryItemDeletion: temporary_items.delete_item,
            ItemCreation: temporary_items.make_item,
            BarcodeChange: items.change_barcode,
            LoanCheckOut: loans.check_out,
            DueDateChange: loans.set_due_date,
            LoanCheckIn: loans.check_in,
            Renewal: loans.renew_loan,
            MoveToIll: items.move_to_ill,
            ReturnHome: items.return_home,
            Fee: self._fees.post_fee,
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        abilities = set(WAYS)
        if not self._options.checks_passwords:
            abilities.discard(Capability.AUTHENTICATE)
        if not self._options.temporary_items.location:
            abilities -= _NEEDS_A_LOCATION
        return frozenset(abilities)

    async def ping(self) -> None:
        try:
            await self._client.get_row("conf", "libraries", title="/conf/libraries")
        except Refused as refused:
            raise Unavailable(refused.internal) from refused

    @property
    def alerts(self) -> tuple[str, ...]:
        """See `ports.library_system.AlertsOperators`."""
        return self._client.alerts

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        return await AlmaProbe(self._context, self._options).try_steps()

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`."""
        rows, policies, groups = await ask_together(
            self._lists.load_libraries(),
            self._lists.find_code_table(ITEM_POLICIES),
            self._lists.find_code_table(USER_GROUPS),
        )
        return LibraryCodes(
            branches=frozenset(read_text(row, "code") for row in rows),
            item_policies=policies,
            patron_categories=groups,
            sharing_branch=self._options.library,
        )

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        await self._client.close_connections()

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return await self._desk.find_patron(key)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """Check a password, only of users whose password Alma itself keeps."""
        if not self._options.checks_passwords:
            refuse_unsupported("check a password")
        refusal = make_refusal(RefusalReason.PATRON_AUTH_FAILED)
        try:
            patron = await self._desk.find_patron(key)
        except Refused as unknown:
            if unknown.reason is RefusalReason.CALL_NOT_ACCEPTED:
                raise
            raise refusal from unknown
        if not secret or not await self._client.check_password(patron.id, secret):
            raise refusal
        return patron

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        return await self._desk.list_patron_loans(patron_id)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._desk.list_patron_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        return await self._fees.list_charges(patron_id)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        return await self._desk.find_bib(record)

    async def holdings(self, bib_id: str) -> BibHoldings:
        return await self._desk.list_holdings(bib_id)

    async def item_by_barcode(self, barcode: str) -> Item:
        return (await self._desk.require_item(barcode)).item

    async def item_by_request(self, request_id: str) -> Item:
        """Find the item of loans and holds that came by us. What is open comes before what has ended."""
        return await self.item_by_barcode(await find_item_of_request(self._desk.changes, request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        return await self._desk.require_bib(bib_id)

    async def item_loan(self, item_id: str) -> Loan | None:
        """An item's id is its barcode."""
        return await self._desk.find_loan(item_id)

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        return await self._desk.list_item_holds(item_id)

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._lists.list_pickups()

"""The port `LibrarySystem` on a system that answers NCIP. What each method refuses stands at the port."""

from __future__ import annotations

from adapters.library.change_sending import find_item_of_request, find_open_change
from adapters.library.refusals import make_refusal
from adapters.ncip.library_system.client import NcipLibraryClient
from adapters.ncip.library_system.fees import NcipFeeDesk
from adapters.ncip.library_system.holds import NcipHoldDesk
from adapters.ncip.library_system.loans import NcipLoanDesk
from adapters.ncip.library_system.lookups import NcipDesk, is_named_by, restore_loan
from adapters.ncip.library_system.options import LibraryService, NcipLibraryOptions
from adapters.ncip.library_system.probe import NOBODY, NcipProbe
from adapters.ncip.library_system.records import RECORD_PREFIX, ListedLoan, NcipRecordReader
from adapters.ncip.library_system.temporary_items import NcipTemporaryItemDesk
from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
    Item,
    ItemStatus,
    Loan,
    Location,
    Patron,
    PickupLocation,
    RecordId,
    sort_loans,
)
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import (
    Fee,
    HoldCancellation,
    HoldUpdate,
    LoanCheckIn,
    LoanCheckOut,
    LoanRecall,
    Renewal,
    TemporaryItemCreation,
    TemporaryItemDeletion,
)
from gateway.ports.library_system import BibHoldings, Capability, HoldWish, PatronKey, ProbeStep

NEEDS: dict[Capability, tuple[LibraryService, ...]] = {
    Capability.PATRON_LOOKUP: ("LookupUser",),
    Capability.BLOCKS_DETAILED: ("LookupUser",),
    Capability.AUTHENTICATE: ("LookupUser",),
    Capability.CONTACT: ("LookupUser",),
    Capability.FEES_READ: ("LookupUser",),
    Capability.BIB_FIND: ("LookupItemSet",),
    Capability.ITEM_AVAILABILITY: ("LookupItemSet",),
    Capability.HOLD_ITEM: ("RequestItem",),
    Capability.HOLD_TITLE: ("RequestItem",),
    Capability.HOLD_PICKUP: ("RequestItem",),
    Capability.HOLD_CANCEL: ("CancelRequestItem",),
    Capability.HOLD_UPDATE: ("UpdateRequestItem",),
    Capability.TEMPORARY_ITEM: ("AcceptItem",),
    Capability.HOLD_SHELF: ("AcceptItem",),
    Capability.CHECK_OUT: ("CheckOutItem",),
    Capability.OVERRIDE: ("CheckOutItem",),
    Capability.DUE_DATE_GIVEN: ("CheckOutItem",),
    Capability.CHECK_IN: ("CheckInItem",),
    Capability.RENEW: ("RenewItem",),
    Capability.RECALL: ("RecallItem",),
    Capability.POST_FEE: ("CreateUserFiscalTransaction",),
    Capability.PICKUP_LIST: (),
    Capability.ITEM_BY_REQUEST: (),
}
"""All that NCIP can do for the gateway, and the services without which a system can't."""


async def open_ncip_library(context: LibraryAdapterContext, options: NcipLibraryOptions) -> NcipLibrary:
    """Sends nothing: what the system answers is in the settings."""
    return NcipLibrary(context, options)


class NcipLibrary(LibrarySystem):
    def __init__(self, context: LibraryAdapterContext, options: NcipLibraryOptions) -> None:
        super().__init__(context)
        self._options = options
        self._client = NcipLibraryClient(context, options)
        reader = NcipRecordReader(options, context.zone, context.currency)
        self._desk = NcipDesk(self._client, options, reader, context.changes, context.clock)
        self._holds = NcipHoldDesk(self._desk)
        self._loans = NcipLoanDesk(self._desk, self._holds)
        temporary_items = NcipTemporaryItemDesk(self._desk, self._holds)
        self._fees = NcipFeeDesk(self._desk)
        self.handlers = {
            HoldWish: self._holds.place_hold,
            HoldCancellation: self._holds.cancel_hold,
            HoldUpdate: self._holds.update_hold,
            TemporaryItemCreation: temporary_items.make_item,
            TemporaryItemDeletion: temporary_items.delete_item,
            LoanCheckOut: self._loans.check_out,
            LoanCheckIn: self._loans.check_in,
            Renewal: self._loans.renew_loan,
            LoanRecall: self._loans.recall_loan,
            Fee: self._fees.post_fee,
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that the settings allow."""
        return frozenset(capability for capability in NEEDS if self._is_able(capability))

    def _is_able(self, capability: Capability) -> bool:
        options = self._options
        asked_for = {
            Capability.AUTHENTICATE: bool(options.patrons.pin_input),
            Capability.FEES_READ: "fees" in options.patrons.lists,
            Capability.DUE_DATE_GIVEN: options.due_dates == "ours",
            Capability.PICKUP_LIST: bool(options.pickups),
        }
        return options.is_answered(*NEEDS[capability]) and asked_for.get(capability, True)

    async def ping(self) -> None:
        """A connection will do as long as the last message was answered: idle daemons send none. Else it asks for
        nobody, and any answer in NCIP will do."""
        if self._client.is_answering:
            await self._make_probe().reach_server()
            return
        try:
            await self._desk.ask_patron(NOBODY, ())
        except Refused:
            return  # it has answered

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        return await self._make_probe().try_steps()

    def _make_probe(self) -> NcipProbe:
        return NcipProbe(self._options, self._context.folder, self._desk)

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        await self._client.close()

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return (await self._desk.find_patron(key)).patron

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """An empty secret is never sent: some systems answer that it is right."""
        self.require_capability(Capability.AUTHENTICATE, "check a PIN or password")
        refusal = make_refusal(RefusalReason.PATRON_AUTH_FAILED)
        if not (is_named_by(key.types, self._options) and key.value and secret):
            raise refusal
        try:
            return (await self._desk.check_secret(key.value, secret)).patron
        except Refused as refused:
            if refused.reason in (RefusalReason.UNKNOWN_PATRON, RefusalReason.PATRON_AUTH_FAILED):
                raise refusal from None
            raise

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        """Empty where the system lists none and we have made none."""
        changes = await self._desk.changes.changes_of_patron(patron_id)
        answer = await self._desk.ask_patron(patron_id)
        listed = answer.loans
        if "loans" not in self._options.patrons.lists:
            listed = tuple(ListedLoan(change.barcode, None, "") for change in changes if _is_open_loan(change, changes))
        loans = [self._describe_loan(listed_loan, patron_id, changes) for listed_loan in listed]
        return sort_loans(loan for loan in loans if loan is not None)

    def _describe_loan(self, listed: ListedLoan, patron_id: str, changes: tuple[LibraryChange, ...]) -> Loan | None:
        of_item = tuple(change for change in changes if change.barcode == listed.barcode)
        ours = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, of_item)
        if ours is not None and ours.value:
            return restore_loan(ours, listed.due)
        if listed.due is None:
            return None  # without an end to its loan period
        branch = Location(self._options.branch)
        barcode = listed.barcode
        item = Item(
            barcode, barcode, f"{RECORD_PREFIX}{barcode}", ItemStatus.ON_LOAN, "", branch, branch, due=listed.due
        )
        return self._desk.describe_foreign_loan(item, listed.title, patron_id)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._holds.list_patron_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        self.require_capability(Capability.FEES_READ, "list fees")
        return await self._fees.list_charges(patron_id)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        self.require_capability(Capability.BIB_FIND, "look up records")
        return (await self._desk.find_holdings(record)).bib

    async def holdings(self, bib_id: str) -> BibHoldings:
        self.require_capability(Capability.ITEM_AVAILABILITY, "list the items of a record")
        return await self._desk.find_holdings(RecordId("local", bib_id))

    async def item_by_barcode(self, barcode: str) -> Item:
        return (await self._desk.ask_item(barcode)).item

    async def item_by_request(self, request_id: str) -> Item:
        """Find the item of loans, holds and temporary items that came by us. What is open comes before what has
        ended."""
        return await self.item_by_barcode(await find_item_of_request(self._desk.changes, request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        """Load a record; where the system has no look-up of items, of a temporary item what AcceptItem told it, of
        another nothing."""
        if not bib_id.startswith(RECORD_PREFIX):
            return await self.find_bib(RecordId("local", bib_id))
        try:
            return (await self._desk.ask_item(bib_id.removeprefix(RECORD_PREFIX))).bib
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                raise make_refusal(RefusalReason.UNKNOWN_RECORD, refused.internal) from refused
            raise

    async def item_loan(self, item_id: str) -> Loan | None:
        barcode = await self._desk.barcode_of_item(item_id)
        try:
            answer = await self._desk.ask_item(barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return None
            raise
        return await self._desk.find_loan(answer, await self._desk.changes.changes_of_item(barcode))

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        try:
            answer = await self._desk.ask_item(await self._desk.barcode_of_item(item_id))
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return ()
            raise
        return await self._holds.list_item_holds(answer)

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    async def forget_returned_loan(self, barcode: str, key: str) -> None:
        """See `ports.library_system.RemembersLoans`."""
        async with self.locks.find_lock(f"item/{barcode}"):
            await self._loans.forget_returned_loan(barcode, key)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        """List the pickup locations of the settings."""
        return tuple(
            PickupLocation(place.code, place.name or place.code, place.library or place.code, place.resource_sharing)
            for place in self._options.pickups
        )


def _is_open_loan(change: LibraryChange, changes: tuple[LibraryChange, ...]) -> bool:
    of_item = tuple(library_change for library_change in changes if library_change.barcode == change.barcode)
    return find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, of_item) == change

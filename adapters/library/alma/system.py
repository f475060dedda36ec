"""The port `LibrarySystem` on an Alma. What each method refuses stands at the port."""

from __future__ import annotations

from datetime import date, datetime

from adapters.library.alma import WAYS
from adapters.library.alma.client import AlmaClient
from adapters.library.alma.code_lists import ITEM_POLICIES, USER_GROUPS, CodeLists
from adapters.library.alma.fees import FeeDesk, FeeNote
from adapters.library.alma.holds import HoldDesk
from adapters.library.alma.item_moves import ItemDesk
from adapters.library.alma.loans import LoanDesk
from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.patrons import PatronDesk
from adapters.library.alma.probe import AlmaProbe
from adapters.library.alma.records import RecordReader, read_text
from adapters.library.alma.temporary_items import TemporaryItemDesk
from adapters.library.change_sending import find_item_of_request
from adapters.library.own_holds import HoldEdit
from adapters.library.parallel_questions import ask_together
from adapters.library.record_locks import RecordLocks
from adapters.library.refusals import make_refusal
from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
    Item,
    Loan,
    Location,
    Money,
    Patron,
    PatronDraft,
    PickupLocation,
    RecordId,
)
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    CheckedIn,
    HoldWish,
    LibraryCodes,
    LibraryInfo,
    PatronKey,
    ProbeStep,
    TemporaryItem,
    TemporaryItemResult,
)
from gateway.ports.limited_library import LimitedLibrary, refuse_unsupported

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


class AlmaLibrary(LimitedLibrary):
    def __init__(self, context: LibraryAdapterContext, options: AlmaOptions) -> None:
        """Make a client; raises Unavailable when the API key is not there."""
        self._context = context
        self._options = options
        self._client = AlmaClient(options, context.folder, context.secrets, context.clock)
        reader = RecordReader(options, context.zone, context.currency)
        self._desk = AlmaDesk(self._client, options, reader, context.changes, context.clock)
        self._lists = CodeLists(self._client, reader)
        self._patrons = PatronDesk(self._desk, self._lists)
        self._holds = HoldDesk(self._desk, self._lists)
        self._items = ItemDesk(self._desk, self._lists)
        self._temporary_items = TemporaryItemDesk(self._desk, self._holds)
        self._loans = LoanDesk(self._desk)
        self._fees = FeeDesk(self._desk)
        self._locks = RecordLocks()

    @property
    def capabilities(self) -> frozenset[Capability]:
        found = set(WAYS)
        if not self._options.checks_passwords:
            found.discard(Capability.AUTHENTICATE)
        if not self._options.temporary_items.location:
            found -= _NEEDS_A_LOCATION
        return frozenset(found)

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

    async def info(self) -> LibraryInfo:
        return self._context.info

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

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        async with self._locks.lock_record(f"patron/{key}"):
            return await self._patrons.create_patron(draft, key)

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        async with self._locks.lock_record(f"patron/{patron_id}"):
            return await self._patrons.update_patron(patron_id, draft, key)

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        async with self._locks.lock_record(f"patron/{patron_id}"):
            return await self._patrons.expire_patron(patron_id, on, key)

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
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        async with self._locks.lock_record(f"hold/{wish.item_barcode or wish.bib_id}"):
            return await self._holds.place_hold(wish, key)

    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        async with self._locks.lock_record(f"hold/{hold_id}"):
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
        async with self._locks.lock_record(f"hold/{hold_id}"):
            return await self._holds.update_hold(hold_id, key, HoldEdit(pickup, need_by, expires))

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_location()
        async with self._locks.lock_record(f"item/{item.barcode}"):
            return await self._temporary_items.make_item(item, key)

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        self._require_location()
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._temporary_items.delete_item(barcode, key)

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        self._require_location()
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._items.change_barcode(barcode, new, key)

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_location()
        async with self._locks.lock_record(f"item/{item.barcode}"):
            return await self._temporary_items.make_item(item, key, is_lasting=True)

    def _require_location(self) -> None:
        """Require a location; raises Refused(UNSUPPORTED_SERVICE)."""
        if not self._options.temporary_items.location:
            refuse_unsupported("keep items of partners: no location is set for them")

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
        """Blocks, limits and policies of Alma stop also what has left already."""
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._loans.check_out(barcode, patron_id, key, request_id, due)

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        async with self._locks.lock_record(f"loan/{loan_id}"):
            return await self._loans.set_due_date(loan_id, due)

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        async with self._locks.lock_record(f"item/{barcode}"):
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
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._loans.renew_loan(barcode, key, patron_id, due, latest)

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        self._require_location()
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._items.move_to_ill(barcode, location, key)

    async def return_home(self, barcode: str, key: str) -> Item:
        self._require_location()
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._items.return_home(barcode, key)

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
        async with self._locks.lock_record(f"fee/{patron_id}"):
            note = FeeNote(description, item_barcode, request_id)
            return await self._fees.post_fee(patron_id, amount, type_, key, note)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._lists.list_pickups()

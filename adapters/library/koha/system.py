"""The port `LibrarySystem` on a Koha. What each method refuses stands at the port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import structlog

from adapters.library.change_sending import find_item_of_request
from adapters.library.koha.client import KohaClient, KohaRefusalError
from adapters.library.koha.fees import FeeDesk, FeeNote
from adapters.library.koha.holds import HoldDesk
from adapters.library.koha.item_moves import ItemDesk
from adapters.library.koha.loans import LoanDesk
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.options import KohaOptions
from adapters.library.koha.patrons import PatronDesk
from adapters.library.koha.probe import KohaProbe
from adapters.library.koha.records import RecordReader, read_text
from adapters.library.koha.settings_lists import SettingsLists
from adapters.library.koha.temporary_items import TemporaryItemDesk
from adapters.library.own_holds import HoldEdit
from adapters.library.record_locks import RecordLocks
from adapters.library.refusals import make_refusal
from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
    IdentifierType,
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
    HoldWish,
    LibraryCodes,
    LibraryInfo,
    NamedPatron,
    PatronKey,
    ProbeStep,
    TemporaryItem,
    TemporaryItemResult,
)
from gateway.ports.limited_library import LimitedLibrary, refuse_unsupported

log = structlog.get_logger(component="koha")


async def open_koha(context: LibraryAdapterContext, options: KohaOptions) -> KohaLibrary:
    """Asks the server what it can do. One that is down meanwhile is asked with the first message, and is thought able
    to do all until then: the gateway starts without it.

    Raises Unavailable when a secret is not there."""
    library = KohaLibrary(context, options)
    try:
        await library.ping()
    except Unavailable as down:
        log.warning("koha.unreachable", library=context.library, reason=str(down))
    return library


class KohaLibrary(LimitedLibrary):
    def __init__(self, context: LibraryAdapterContext, options: KohaOptions) -> None:
        """Make the system; raises Unavailable when a secret is not there."""
        self._context = context
        self._options = options
        self._client = KohaClient(options, context.folder, context.secrets, context.clock)
        reader = RecordReader(options, context.zone, context.currency)
        self._desk = KohaDesk(self._client, options, reader, context.changes, context.clock)
        self._lists = SettingsLists(self._client, reader)
        self._holds = HoldDesk(self._desk, self._lists)
        self._loans = LoanDesk(self._desk)
        self._items = ItemDesk(self._desk)
        self._temporary = TemporaryItemDesk(self._desk, self._holds)
        self._patrons = PatronDesk(self._desk, self._lists)
        self._fees = FeeDesk(self._desk)
        self._locks = RecordLocks()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that settings and release allow."""
        found = set(self._client.abilities.capabilities)
        if not self._options.checks_passwords:
            found.discard(Capability.AUTHENTICATE)
        if not self._options.moves_items:
            found.discard(Capability.MOVE_LOCATION)
        return frozenset(found)

    async def ping(self) -> None:
        """Ask for an answer; also finds out what this release can do, once."""
        try:
            await self._client.find_page("libraries")
        except Refused as refused:
            raise Unavailable(refused.internal) from refused

    @property
    def alerts(self) -> tuple[str, ...]:
        """See `ports.library_system.AlertsOperators`."""
        return self._client.alerts

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        return await KohaProbe(self._context, self._options).try_steps()

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`."""
        return await self._lists.load_codes()

    async def info(self) -> LibraryInfo:
        return self._context.info

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        await self._client.close_connections()

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return await self._desk.find_patron(key)

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        return await self._desk.find_named_patrons(words, limit)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """Koha takes card number or login; what it names must be what was asked about."""
        self._require_capability(Capability.AUTHENTICATE, "check a password")
        refusal = make_refusal(RefusalReason.PATRON_AUTH_FAILED)
        named = {IdentifierType.BARCODE.value: "cardnumber", IdentifierType.USERNAME.value: "userid"}
        fields = [named[kind] for kind in key.types or named if kind in named]
        if not (fields and key.value and secret):
            raise refusal
        row = {"identifier": key.value, "password": secret}
        title = "/auth/password/validation"
        try:
            said = await self._client.send_row(
                "POST", "auth", "password", "validation", title=title, row=row, repeatable=True
            )
        except KohaRefusalError as failed:
            if failed.status != 400 or "errors" in failed.body:
                raise self._client.refuse_call(failed) from failed
            raise refusal from None
        if not isinstance(said, dict) or key.value not in {read_text(said, name) for name in fields}:
            raise refusal
        patron = await self._desk.ask_patron(read_text(said, "patron_id"))
        if patron is None:
            raise refusal
        return patron

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        return await self._desk.list_patron_loans(patron_id)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._desk.list_patron_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        self._require_capability(Capability.FEES_READ, "list fees")
        return await self._fees.list_charges(patron_id)

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        self._require_capability(Capability.PATRON_CREATE, "create patrons")
        async with self._locks.lock_record(f"patron/{key}"):
            return await self._patrons.create_patron(draft, key)

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        self._require_capability(Capability.PATRON_UPDATE, "change patrons")
        async with self._locks.lock_record(f"patron/{patron_id}"):
            return await self._patrons.update_patron(patron_id, draft, key)

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        self._require_capability(Capability.PATRON_EXPIRE, "change patrons")
        async with self._locks.lock_record(f"patron/{patron_id}"):
            return await self._patrons.expire_patron(patron_id, on, key)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        self._require_capability(Capability.BIB_FIND, "look up records")
        return await self._desk.find_bib(record)

    async def holdings(self, bib_id: str) -> BibHoldings:
        self._require_capability(Capability.ITEM_AVAILABILITY, "list the items of a record")
        return await self._desk.list_holdings(bib_id)

    async def item_by_barcode(self, barcode: str) -> Item:
        return (await self._desk.require_item(barcode)).item

    async def item_by_request(self, request_id: str) -> Item:
        """Find the item of loans, holds and temporary items that came by us. What is open comes before what has
        ended."""
        return await self.item_by_barcode(await find_item_of_request(self._desk.changes, request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        return await self._desk.require_bib(bib_id)

    async def item_loan(self, item_id: str) -> Loan | None:
        return await self._desk.find_item_loan(item_id)

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        return await self._desk.list_item_holds(item_id)

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        self._require_capability(Capability.HOLD_ITEM, "place holds")
        async with self._locks.lock_record(f"hold/{wish.item_barcode or wish.bib_id}"):
            return await self._holds.place_hold(wish, key)

    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        self._require_capability(Capability.HOLD_CANCEL, "cancel holds")
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
        self._require_capability(Capability.HOLD_UPDATE, "change holds")
        async with self._locks.lock_record(f"hold/{hold_id}"):
            return await self._holds.update_hold(hold_id, key, HoldEdit(pickup, need_by, expires))

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_capability(Capability.TEMPORARY_ITEM, "keep temporary items")
        async with self._locks.lock_record(f"item/{item.barcode}"):
            return await self._temporary.make_item(item, key)

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        self._require_capability(Capability.TEMPORARY_ITEM, "keep temporary items")
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._temporary.delete_item(barcode, key)

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        self._require_capability(Capability.CHANGE_BARCODE, "change barcodes")
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._items.change_barcode(barcode, new, key)

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        self._require_capability(Capability.TEMPORARY_ITEM, "create items")
        async with self._locks.lock_record(f"item/{item.barcode}"):
            return await self._temporary.make_item(item, key, is_lasting=True)

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
        """Koha's rules set the due date, whatever `due` says, and stop also what has left already."""
        self._require_capability(Capability.CHECK_OUT, "check items out")
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._loans.check_out(barcode, patron_id, key, request_id)

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        self._require_capability(Capability.RENEW, "renew loans")
        if due is not None or latest is not None:
            refuse_unsupported("set a due date")
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._loans.renew_loan(barcode, key, patron_id)

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        self._require_capability(Capability.MOVE_LOCATION, "move items")
        async with self._locks.lock_record(f"item/{barcode}"):
            return await self._items.move_to_ill(barcode, location, key)

    async def return_home(self, barcode: str, key: str) -> Item:
        self._require_capability(Capability.MOVE_LOCATION, "move items")
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
        self._require_capability(Capability.POST_FEE, "post fees")
        async with self._locks.lock_record(f"fee/{patron_id}"):
            note = FeeNote(description, item_barcode, request_id)
            return await self._fees.post_fee(patron_id, amount, type_, key, note)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._lists.list_pickups()

    def _require_capability(self, capability: Capability, what: str) -> None:
        """Require a capability; raises Refused(UNSUPPORTED_SERVICE)."""
        if capability not in self.capabilities:
            refuse_unsupported(what)

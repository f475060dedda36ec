"""The port `LibrarySystem` on a Koha. What each method refuses stands at the port."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from adapters.library.change_sending import find_item_of_request
from adapters.library.koha.client import KohaClient, KohaRefusalError
from adapters.library.koha.fees import KohaFeeDesk
from adapters.library.koha.holds import KohaHoldDesk
from adapters.library.koha.item_moves import KohaItemDesk
from adapters.library.koha.loans import KohaLoanDesk
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.options import KohaOptions
from adapters.library.koha.patrons import KohaPatronDesk
from adapters.library.koha.probe import KohaProbe
from adapters.library.koha.records import KohaRecordReader, read_text
from adapters.library.koha.settings_lists import SettingsLists
from adapters.library.koha.temporary_items import KohaTemporaryItemDesk
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Charge, Hold, IdentifierType, Item, Loan, Patron, PickupLocation, RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import (
    BarcodeChange,
    Fee,
    HoldCancellation,
    HoldUpdate,
    ItemCreation,
    LoanCheckOut,
    MoveToIll,
    PatronCreation,
    PatronExpiry,
    PatronUpdate,
    Renewal,
    ReturnHome,
    TemporaryItemCreation,
    TemporaryItemDeletion,
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


class KohaLibrary(LibrarySystem):
    def __init__(self, context: LibraryAdapterContext, options: KohaOptions) -> None:
        """Make the system; raises Unavailable when a secret is not there."""
        super().__init__(context)
        self._options = options
        self._client = KohaClient(options, context.folder, context.secrets, context.clock)
        reader = KohaRecordReader(options, context.zone, context.currency)
        self._desk = KohaDesk(self._client, options, reader, context.changes, context.clock)
        self._lists = SettingsLists(self._client, reader)
        self._holds = KohaHoldDesk(self._desk, self._lists)
        loans = KohaLoanDesk(self._desk)
        items = KohaItemDesk(self._desk)
        temporary_items = KohaTemporaryItemDesk(self._desk, self._holds)
        patrons = KohaPatronDesk(self._desk, self._lists)
        self._fees = KohaFeeDesk(self._desk, context.currency)
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
            Renewal: loans.renew_loan,
            MoveToIll: items.move_to_ill,
            ReturnHome: items.return_home,
            Fee: self._fees.post_fee,
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that settings and release allow."""
        abilities = set(self._client.abilities.capabilities)
        if not self._options.checks_passwords:
            abilities.discard(Capability.AUTHENTICATE)
        if not self._options.moves_items:
            abilities.discard(Capability.MOVE_LOCATION)
        return frozenset(abilities)

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
        self.require_capability(Capability.AUTHENTICATE, "check a password")
        refusal = make_refusal(RefusalReason.PATRON_AUTH_FAILED)
        named = {IdentifierType.BARCODE.value: "cardnumber", IdentifierType.USERNAME.value: "userid"}
        fields = [named[kind] for kind in key.types or named if kind in named]
        if not (fields and key.value and secret):
            raise refusal
        row = {"identifier": key.value, "password": secret}
        title = "/auth/password/validation"
        try:
            validation = await self._client.send_row(
                "POST", "auth", "password", "validation", title=title, row=row, repeatable=True
            )
        except KohaRefusalError as failed:
            if failed.status != 400 or "errors" in failed.body:
                raise self._client.refuse_call(failed) from failed
            raise refusal from None
        if not isinstance(validation, dict) or key.value not in {read_text(validation, name) for name in fields}:
            raise refusal
        patron = await self._desk.ask_patron(read_text(validation, "patron_id"))
        if patron is None:
            raise refusal
        return patron

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        return await self._desk.list_patron_loans(patron_id)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._desk.list_patron_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        self.require_capability(Capability.FEES_READ, "list fees")
        return await self._fees.list_charges(patron_id)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        self.require_capability(Capability.BIB_FIND, "look up records")
        return await self._desk.find_bib(record)

    async def holdings(self, bib_id: str) -> BibHoldings:
        self.require_capability(Capability.ITEM_AVAILABILITY, "list the items of a record")
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
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._lists.list_pickups()

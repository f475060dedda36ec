"""The port `LibrarySystem` on tables in the gateway's own store: one call, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from adapters.library.embedded import (
    catalogue,
    check_in,
    circulation_rows,
    holds,
    item_rows,
    loan_rules,
    loans,
    patrons,
    temporary_items,
)
from adapters.library.embedded.check_in import LEAVE_HOLDS, CheckInScan
from adapters.library.embedded.holds import HoldChange
from adapters.library.embedded.lists import find_named_patrons
from adapters.library.embedded.loans import CheckOutTerms, RenewalWish
from adapters.library.embedded.patrons import PatronRegistration, SecretVerifier, hash_secret
from adapters.library.embedded.setup_file import EmbeddedOptions
from adapters.library.embedded.work_context import WorkContext, lock_key
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
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    CheckedIn,
    HoldWish,
    LibraryCodes,
    LibraryInfo,
    NamedPatron,
    PatronKey,
    TemporaryItem,
    TemporaryItemResult,
)
from gateway.ports.shared_store import SharesStore, WouldWait

T = TypeVar("T")
HereWork = Callable[[Connection, WorkContext], T]

RACES = 3
"""How often work is tried that met a unique key which another transaction had just taken: the next try sees it."""


async def open_embedded(context: LibraryAdapterContext, _options: EmbeddedOptions) -> EmbeddedLibrary:
    return EmbeddedLibrary(context)


class EmbeddedLibrary(SharesStore):
    """The library system in the gateway's store. The refusals of each method stand at the port; the rules, in the
    module it calls."""

    capabilities: frozenset[Capability] = frozenset(Capability)

    def __init__(self, context: LibraryAdapterContext) -> None:
        self._context = context
        self._verifier = SecretVerifier()

    def in_transaction(self, connection: Connection) -> EmbeddedLibrary:
        return _LibraryInTransaction(self._context, connection)

    def _make_work_context(self) -> WorkContext:
        context = self._context
        return WorkContext(context.library, context.clock.now(), context.zone, context.currency)

    async def _read_store(self, work: HereWork[T]) -> T:
        here = self._make_work_context()
        return await self._context.store.read(lambda connection: work(connection, here))

    async def _write_store(self, key: str, work: HereWork[T]) -> T:
        here = self._make_work_context()

        def work_under_key_lock(connection: Connection) -> T:
            lock_key(connection, here, key)
            return work(connection, here)

        for attempt in range(1, RACES + 1):
            try:
                return await self._context.store.write(work_under_key_lock)
            except IntegrityError:
                if attempt == RACES:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _hash_secret(self, secret: str) -> str:
        return await hash_secret(secret)

    async def ping(self) -> None:
        await self._read_store(lambda c, _: c.execute(text("SELECT count(*) FROM embedded_schema")).scalar_one())

    async def info(self) -> LibraryInfo:
        return self._context.info

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return (await self._read_store(lambda c, here: patrons.find_patron(c, here, key))).patron

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        return await self._read_store(lambda c, here: find_named_patrons(c, here, words, limit))

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        try:
            account = await self._read_store(lambda c, here: patrons.find_patron(c, here, key))
        except Refused as refused:
            if refused.reason not in (RefusalReason.UNKNOWN_PATRON, RefusalReason.AMBIGUOUS_PATRON):
                raise
            account = None  # goes on, so that an unknown patron takes as long as a wrong secret
        fits = await self._verifier.is_correct(account.secret_hash if account else "", secret)
        if account is None or not fits:
            raise Refused(
                RefusalReason.PATRON_AUTH_FAILED,
                "the patron's PIN or password is incorrect",
                about=MessagePart.CREDENTIALS,
            )
        return account.patron

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        return await self._read_store(lambda c, here: circulation_rows.loans_of_patron(c, here, patron_id))

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._read_store(lambda c, here: circulation_rows.holds_of_patron(c, here, patron_id))

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        return await self._read_store(lambda c, here: patrons.unpaid_charges(c, here, patron_id))

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        secret_hash = await self._hash_secret(draft.secret) if draft.secret else ""
        return await self._write_store(
            key, lambda c, here: patrons.create_patron(c, here, draft, secret_hash, key, PatronRegistration())
        )

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        secret_hash = await self._hash_secret(draft.secret) if draft.secret else None
        return await self._write_store(
            key, lambda c, here: patrons.update_patron(c, here, patron_id, draft, secret_hash, key)
        )

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        return await self._write_store(key, lambda c, here: patrons.expire_patron(c, here, patron_id, on, key))

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        return await self._write_store(key, lambda c, here: patrons.delete_patron(c, here, patron_id))

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        return await self._read_store(lambda c, here: catalogue.find_bib(c, here, record))

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        return await self._read_store(lambda c, here: catalogue.search_bibs(c, here, query, limit))

    async def holdings(self, bib_id: str) -> BibHoldings:
        return await self._read_store(lambda c, here: catalogue.get_holdings(c, here, bib_id))

    async def item_by_barcode(self, barcode: str) -> Item:
        return (await self._read_store(lambda c, here: item_rows.get_item_by_barcode(c, here, barcode))).item

    async def item_by_request(self, request_id: str) -> Item:
        return (await self._read_store(lambda c, here: item_rows.get_item_by_request(c, here, request_id))).item

    async def get_bib(self, bib_id: str) -> Bib:
        return await self._read_store(lambda c, here: catalogue.get_bib(c, here, bib_id))

    async def item_loan(self, item_id: str) -> Loan | None:
        return await self._read_store(lambda c, here: circulation_rows.find_open_loan(c, here, item_id))

    async def last_loan(self, item_id: str) -> Loan | None:
        return await self._read_store(lambda c, here: circulation_rows.find_latest_loan(c, here, item_id))

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        def load_item_holds(connection: Connection, here: WorkContext) -> tuple[Hold, ...]:
            bib_id = item_rows.get_item(connection, here, item_id).item.bib_id
            return circulation_rows.holds_of_item(connection, here, bib_id, item_id)

        return await self._read_store(load_item_holds)

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        return await self._write_store(key, lambda c, here: holds.place_hold(c, here, wish, key))

    async def find_hold(self, request_id: str) -> Hold:
        return await self._read_store(lambda c, here: holds.find_hold(c, here, request_id))

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        return await self._write_store(key, lambda c, here: holds.cancel_hold(c, here, hold_id, key))

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold:
        change = HoldChange(pickup, need_by, expires)
        return await self._write_store(key, lambda c, here: holds.update_hold(c, here, hold_id, change, key))

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        return await self._write_store(
            key, lambda c, here: temporary_items.create_temporary_item(c, here, item, key, temporary=True)
        )

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        return await self._write_store(
            key, lambda c, here: temporary_items.delete_temporary_item(c, here, barcode, key)
        )

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        return await self._write_store(key, lambda c, here: temporary_items.change_barcode(c, here, barcode, new, key))

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        if item.hold is not None:
            raise Refused(
                RefusalReason.NOT_ALLOWED, "a permanent item cannot be created with a hold", about=MessagePart.ITEM
            )
        return await self._write_store(
            key, lambda c, here: temporary_items.create_temporary_item(c, here, item, key, temporary=False)
        )

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
        terms = CheckOutTerms(due, request_id, override)
        return await self._write_store(key, lambda c, here: loans.check_out(c, here, barcode, patron_id, key, terms))

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        return await self._write_store(key, lambda c, here: loans.set_due_date(c, here, loan_id, due, key))

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        scan = CheckInScan(at) if fill_hold else CheckInScan(at, LEAVE_HOLDS)
        return await self._write_store(key, lambda c, here: check_in.check_in(c, here, barcode, key, scan))

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        wish = RenewalWish(patron_id, due, latest)
        return await self._write_store(key, lambda c, here: loans.renew_item(c, here, barcode, key, wish))

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        return await self._write_store(key, lambda c, here: loans.recall_item(c, here, barcode, key, due))

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        return await self._write_store(key, lambda c, here: check_in.set_item_status(c, here, barcode, status, key))

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        return await self._write_store(key, lambda c, here: check_in.move_to_ill(c, here, barcode, location, key))

    async def return_home(self, barcode: str, key: str) -> Item:
        return await self._write_store(key, lambda c, here: check_in.return_home(c, here, barcode, key))

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
        def insert_fee(connection: Connection, here: WorkContext) -> Charge:
            charge = Charge("", key, patron_id, type_, amount, here.now, description, item_barcode, request_id)
            return patrons.post_charge(connection, here, charge)

        return await self._write_store(key, insert_fee)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._read_store(catalogue.list_pickup_locations)

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`."""
        return await self._read_store(loan_rules.list_library_codes)


class _LibraryInTransaction(EmbeddedLibrary):
    """See `SharesStore.in_transaction`."""

    def __init__(self, context: LibraryAdapterContext, connection: Connection) -> None:
        self._context = context
        self._connection = connection
        self._moment = super()._make_work_context()

    def _make_work_context(self) -> WorkContext:
        return self._moment

    async def _read_store(self, work: HereWork[T]) -> T:
        return work(self._connection, self._make_work_context())

    async def _write_store(self, key: str, work: HereWork[T]) -> T:
        here = self._make_work_context()
        lock_key(self._connection, here, key)
        try:
            return work(self._connection, here)
        except Refused as refused:
            raise WouldWait("a change was refused") from refused
        except IntegrityError as race:  # PostgreSQL gave the transaction up; in one of its own it is tried again
            raise WouldWait("another transaction has just taken a key") from race

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        raise WouldWait("checking a secret takes long")

    async def _hash_secret(self, secret: str) -> str:
        raise WouldWait("hashing a secret takes long")

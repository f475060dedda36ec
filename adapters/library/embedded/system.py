"""The port `LibrarySystem` on tables in the gateway's own store: one call, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

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
from adapters.library.embedded.library_session import LibrarySession, lock_key, plan_session
from adapters.library.embedded.lists import find_named_patrons
from adapters.library.embedded.patrons import PatronRegistration, SecretVerifier, hash_secret
from adapters.library.embedded.setup_file import EmbeddedOptions
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
from gateway.domain.problems import MessagePart, RefusalReason, Refused
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
    LoanRecall,
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
)
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    HoldWish,
    LibraryCodes,
    LibraryOperation,
    NamedPatron,
    PatronKey,
)
from gateway.ports.shared_store import LibraryTransaction, SharesStore

R = TypeVar("R")
T = TypeVar("T")
SessionWork = Callable[[LibrarySession], T]

RACES = 3
"""How often work is tried that met a unique key which another transaction had just taken: the next try sees it."""


_WORK: Mapping[type[LibraryOperation[Any]], Callable[[LibrarySession, Any, str], Any]] = {
    PatronExpiry: patrons.expire_patron,
    PatronDeletion: patrons.delete_patron,
    HoldWish: holds.place_hold,
    HoldCancellation: holds.cancel_hold,
    HoldUpdate: holds.update_hold,
    TemporaryItemCreation: temporary_items.create_item,
    TemporaryItemDeletion: temporary_items.delete_item,
    ItemCreation: temporary_items.create_item,
    BarcodeChange: temporary_items.change_barcode,
    LoanCheckOut: loans.check_out,
    DueDateChange: loans.set_due_date,
    LoanCheckIn: check_in.check_in,
    Renewal: loans.renew_loan,
    LoanRecall: loans.recall_loan,
    StatusChange: check_in.set_item_status,
    MoveToIll: check_in.move_to_ill,
    ReturnHome: check_in.return_home,
    Fee: patrons.post_fee,
}
"""The function that carries out each kind of change in a transaction."""


async def open_embedded(context: LibraryAdapterContext, _options: EmbeddedOptions) -> EmbeddedLibrary:
    return EmbeddedLibrary(context)


class EmbeddedLibrary(LibrarySystem, SharesStore):
    """The library system in the gateway's store. The refusals of each method stand at the port; the rules, in the
    module it calls."""

    capabilities: frozenset[Capability] = frozenset(Capability)

    def __init__(self, context: LibraryAdapterContext) -> None:
        super().__init__(context)
        self._verifier = SecretVerifier()
        self.handlers = {PatronCreation: self._create_patron, PatronUpdate: self._update_patron}

    def in_transaction(self, transaction: LibraryTransaction) -> EmbeddedLibrary:
        return _LibraryInTransaction(self._context, transaction)

    async def hash_secret(self, secret: str) -> str:
        return await hash_secret(secret)

    async def _read_store(self, work: SessionWork[T]) -> T:
        open_session = plan_session(self._context)
        return await self._context.store.read(lambda connection: work(open_session(connection)))

    async def _write_store(self, key: str, work: SessionWork[T]) -> T:
        open_session = plan_session(self._context)

        def work_under_key_lock(connection: Connection) -> T:
            session = open_session(connection)
            lock_key(session, key)
            return work(session)

        for attempt in range(1, RACES + 1):
            try:
                return await self._context.store.write(work_under_key_lock)
            except IntegrityError:
                if attempt == RACES:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def ping(self) -> None:
        await self._read_store(
            lambda session: session.connection.execute(text("SELECT count(*) FROM embedded_schema")).scalar_one()
        )

    async def change(self, operation: LibraryOperation[R], key: str) -> R:
        """Change it in a transaction that locks key and record."""
        self.refuse_unless_able(operation)
        work = _WORK.get(type(operation))
        if work is None:
            return await self.carry_out(operation, key)
        result: R = await self._write_store(key, lambda session: work(session, operation, key))
        return result

    async def _create_patron(self, wish: PatronCreation, key: str) -> Patron:
        secret_hash = await self.hash_secret(wish.draft.secret) if wish.draft.secret else ""
        return await self._write_store(
            key, lambda session: patrons.create_patron(session, wish.draft, secret_hash, key, PatronRegistration())
        )

    async def _update_patron(self, wish: PatronUpdate, key: str) -> Patron:
        secret_hash = await self.hash_secret(wish.draft.secret) if wish.draft.secret else None
        return await self._write_store(
            key, lambda session: patrons.update_patron(session, wish.patron_id, wish.draft, secret_hash, key)
        )

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        return (await self._read_store(lambda session: patrons.find_patron(session, key))).patron

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        return await self._read_store(lambda session: find_named_patrons(session, words, limit))

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        try:
            account = await self._read_store(lambda session: patrons.find_patron(session, key))
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
        return await self._read_store(lambda session: circulation_rows.loans_of_patron(session, patron_id))

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._read_store(lambda session: circulation_rows.holds_of_patron(session, patron_id))

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        return await self._read_store(lambda session: patrons.unpaid_charges(session, patron_id))

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        return await self._read_store(lambda session: catalogue.find_bib(session, record))

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        return await self._read_store(lambda session: catalogue.search_bibs(session, query, limit))

    async def holdings(self, bib_id: str) -> BibHoldings:
        return await self._read_store(lambda session: catalogue.get_holdings(session, bib_id))

    async def item_by_barcode(self, barcode: str) -> Item:
        return (await self._read_store(lambda session: item_rows.get_item_by_barcode(session, barcode))).item

    async def item_by_request(self, request_id: str) -> Item:
        return (await self._read_store(lambda session: item_rows.get_item_by_request(session, request_id))).item

    async def get_bib(self, bib_id: str) -> Bib:
        return await self._read_store(lambda session: catalogue.get_bib(session, bib_id))

    async def item_loan(self, item_id: str) -> Loan | None:
        return await self._read_store(lambda session: circulation_rows.find_open_loan(session, item_id))

    async def last_loan(self, item_id: str) -> Loan | None:
        return await self._read_store(lambda session: circulation_rows.find_latest_loan(session, item_id))

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        def load_item_holds(session: LibrarySession) -> tuple[Hold, ...]:
            bib_id = item_rows.get_item(session, item_id).item.bib_id
            return circulation_rows.holds_of_item(session, bib_id, item_id)

        return await self._read_store(load_item_holds)

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._read_store(lambda session: holds.find_hold(session, request_id))

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._read_store(catalogue.list_pickup_locations)

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`."""
        return await self._read_store(loan_rules.list_library_codes)


class _LibraryInTransaction(EmbeddedLibrary):
    """See `SharesStore.in_transaction`."""

    def __init__(self, context: LibraryAdapterContext, transaction: LibraryTransaction) -> None:
        super().__init__(context)
        self._transaction = transaction
        self._session = plan_session(context, is_shared=True)(transaction.connection)

    async def _read_store(self, work: SessionWork[T]) -> T:
        return work(self._session)

    async def _write_store(self, key: str, work: SessionWork[T]) -> T:
        with self._transaction.begin_change():
            lock_key(self._session, key)
            return work(self._session)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        raise TypeError("secrets are checked before the transaction")

    async def hash_secret(self, secret: str) -> str:
        return self._transaction.hashes[secret]

"""`LibrarySystem`: what the daemon asks of a library's own system, for one library.

The methods follow the union of operations in facts/ils-backends.md section 1; their refusals are
`domain.problems.Refused`, their technical failures `Unavailable` and `OutcomeUnknown`.

A look-up is a method that each system has in its own way, or refuses by name. A change is a value
(`gateway.ports.library_operations`) that passes the one guard, `LibrarySystem.change`, to the desk that carries it out:
what the system isn't able to do is refused, and nothing else changes the same record meanwhile.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

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
from gateway.domain.value import value_object
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
    refuse_unsupported,
)
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    CheckedIn,
    HoldWish,
    LibraryInfo,
    LibraryOperation,
    PatronKey,
    TemporaryItem,
    TemporaryItemResult,
)

if TYPE_CHECKING:
    from gateway.ports.adapter import LibraryAdapterContext

R = TypeVar("R")

Handlers = Mapping[type[LibraryOperation[Any]], Callable[[Any, str], Awaitable[Any]]]
"""The method of a desk that carries out each kind of change: it takes the value and the key."""


class RecordLocks:
    """A lock for each name, as long as somebody holds it or waits for it: what was asked before a change is still true
    when it is sent. Nodes don't see each other's locks: a change that two of them send is told apart by the system, or
    by `LibraryChanges`."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def find_lock(self, name: str) -> asyncio.Lock:
        """The lock of a record, to be entered at once."""
        return self._locks.setdefault(name, asyncio.Lock())


class LibrarySystem(ABC):
    """A system says what it can do (`capabilities`), looks things up, and has `handlers` for the changes that it makes.

    Every change takes a `key`: the same key again changes nothing and returns what the first call returned (design
    rule 6). Look-ups raise `Refused` with UNKNOWN_…; all raise `Unavailable`.
    """

    def __init__(self, context: LibraryAdapterContext) -> None:
        self._context = context
        self.handlers: Handlers = {}

    @cached_property
    def locks(self) -> RecordLocks:
        """Locks of records, made when first asked for: a system that is made for one transaction needs none."""
        return RecordLocks()

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]: ...

    def require_capability(self, capability: Capability, words: str) -> None:
        """Require an ability; raises Refused(UNSUPPORTED_SERVICE). `words`: verb and object."""
        if capability not in self.capabilities:
            refuse_unsupported(words)

    def refuse_unless_able(self, operation: LibraryOperation[Any]) -> None:
        """Refuse what the system can't do; raises Refused(UNSUPPORTED_SERVICE)."""
        for need in operation.needs:
            self.require_capability(need.ability, need.words)

    async def change(self, operation: LibraryOperation[R], key: str) -> R:
        """Guard the change and carry it out. Raises what it raises, else Refused(UNSUPPORTED_SERVICE)."""
        self.refuse_unless_able(operation)
        async with self.locks.find_lock(operation.record or f"new/{key}"):
            return await self.carry_out(operation, key)

    async def carry_out(self, operation: LibraryOperation[R], key: str) -> R:
        """Carry out the change, behind the guard."""
        handler = self.handlers.get(type(operation))
        if handler is None:
            refuse_unsupported(operation.need.words)
        result: R = await handler(operation, key)
        return result

    @abstractmethod
    async def ping(self) -> None:
        """Raise `Unavailable` unless the system answers."""

    async def info(self) -> LibraryInfo:
        return self._context.info

    # patrons
    @abstractmethod
    async def find_patron(self, key: PatronKey) -> Patron:
        """Find a patron; raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON)."""

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """Check a secret; raises Refused(PATRON_AUTH_FAILED), alike for an unknown patron and a wrong secret."""
        refuse_unsupported("check a PIN or password")

    @abstractmethod
    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        """Open loans, soonest due first."""

    @abstractmethod
    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Open holds, oldest first."""

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Unpaid charges, oldest first."""
        refuse_unsupported("list fees")

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        """Create a patron; raises Refused(DUPLICATE_PATRON | DATA_MISSING | INVALID_VALUE)."""
        return await self.change(PatronCreation(draft), key)

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        """Update a patron; what the draft leaves None stays. Its identifiers replace those of the same types; an empty
        value removes the type. Raises Refused(UNKNOWN_PATRON | INVALID_VALUE | DUPLICATE_PATRON)."""
        return await self.change(PatronUpdate(patron_id, draft), key)

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        return await self.change(PatronExpiry(patron_id, on), key)

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        """Removes a temporary patron with all that tells who it was; past loans stay without a name. Returns the patron
        as it was. Raises Refused(UNKNOWN_PATRON | NOT_ALLOWED (not temporary) | IN_USE (loans, holds, unpaid fees))."""
        return await self.change(PatronDeletion(patron_id), key)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        """Find a record; raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM); never a guess among several hits."""
        refuse_unsupported("look up records")

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        """Words that all occur in title, author or identifiers; suppressed records are left out."""
        refuse_unsupported("search its catalogue")

    async def holdings(self, bib_id: str) -> BibHoldings:
        refuse_unsupported("list the items of a record")

    @abstractmethod
    async def item_by_barcode(self, barcode: str) -> Item:
        """Find an item; raises Refused(UNKNOWN_ITEM)."""

    async def item_by_request(self, request_id: str) -> Item:
        """The item that a temporary record, a loan or a hold under this request number is about: partners check
        in by the number of the request alone (facts/ncip.md 2.6). What is here or out now comes before what has
        ended; deleted items are not found. Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM)."""
        refuse_unsupported("find an item by a request number")

    @abstractmethod
    async def get_bib(self, bib_id: str) -> Bib: ...

    @abstractmethod
    async def item_loan(self, item_id: str) -> Loan | None:
        """The open loan of an item."""

    @abstractmethod
    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        """Open holds that this item may fill, in order."""

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        """Place a hold; raises Refused(UNKNOWN_…, DUPLICATE_REQUEST, BAD_PICKUP_LOCATION, NOT_ALLOWED, PATRON_BLOCKED
        …)."""
        return await self.change(wish, key)

    @abstractmethod
    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold by the partner's request number. Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST)."""

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        """Cancel a hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED)."""
        return await self.change(HoldCancellation(hold_id), key)

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold:
        return await self.change(HoldUpdate(hold_id, pickup, need_by, expires), key)

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        """Record, holding, item and, if wished, hold, all or nothing. Where the item that this key made has been
        deleted since, it is made anew. Raises Refused(DUPLICATE_ITEM …)."""
        return await self.change(TemporaryItemCreation(item), key)

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        """Cancels its open holds, then removes item and, if none is left on it, record. Repeated: the last item
        that had this barcode was deleted under this key.
        Raises Refused(UNKNOWN_ITEM | IN_USE (on loan) | NOT_ALLOWED (not temporary))."""
        return await self.change(TemporaryItemDeletion(barcode), key)

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        """Give a temporary item the barcode that is on the piece (INN-Reach ItemShipped, facts/ncip.md 2.9).
        Raises Refused(UNKNOWN_ITEM | DUPLICATE_ITEM | NOT_ALLOWED (not temporary))."""
        return await self.change(BarcodeChange(barcode, new), key)

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        """A lasting item (NCIP CreateItem); `hold` must be None."""
        return await self.change(ItemCreation(item), key)

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
        """`due` None: by the library's rules. `override`: the item has left already, so blocks, limits and
        policy don't stop it (NCIP MandatedAction). Repeated: the item is out to this patron under this key; once
        it is back, the same key lends it again. Raises Refused(ITEM_ON_LOAN, PATRON_BLOCKED …)."""
        return await self.change(LoanCheckOut(barcode, patron_id, due, request_id, override), key)

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        return await self.change(DueDateChange(loan_id, due), key)

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        """`at`: branch code of the desk; empty: the resource-sharing branch. `fill_hold` False: a hold that waits
        for the item goes on waiting. Repeated: this key ended the item's latest loan.
        Raises Refused(UNKNOWN_ITEM | NOT_CHECKED_OUT | UNSUPPORTED_SERVICE (a hold can't be left waiting))."""
        return await self.change(LoanCheckIn(barcode, at, fill_hold), key)

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        """`due` None: by the library's rules, but not after `latest`. A renewal that would not move the due date to a
        later one is refused and uses up nothing, unless the system grants it all the same.

        Raises Refused(NOT_CHECKED_OUT | NOT_RENEWABLE | RENEWAL_LIMIT_REACHED | RENEWAL_HAS_REQUESTS …)."""
        return await self.change(Renewal(barcode, patron_id, due, latest), key)

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        """Recall a loan; raises Refused(NOT_CHECKED_OUT | CANNOT_BE_RECALLED)."""
        return await self.change(LoanRecall(barcode, due), key)

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        return await self.change(StatusChange(barcode, status), key)

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        return await self.change(MoveToIll(barcode, location), key)

    async def return_home(self, barcode: str, key: str) -> Item:
        return await self.change(ReturnHome(barcode), key)

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
        return await self.change(Fee(patron_id, amount, type_, description, item_barcode, request_id), key)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        refuse_unsupported("list pickup locations")


@value_object
class ExchangeLibrary:
    """A library of this installation with its system. `takes_requests`: it isn't being closed."""

    symbol: str
    name: str
    system: LibrarySystem
    zone: tzinfo
    currency: str
    takes_requests: bool = True

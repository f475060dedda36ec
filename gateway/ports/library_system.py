"""The port `LibrarySystem`: operations that the daemon needs of a library's own system.

It follows the union of operations in facts/ils-backends.md section 1; its refusals are
`domain.problems.Refused`, its technical failures `Unavailable` and `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gateway.domain.circulation_policy import DuePolicy
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
    PersonName,
    PickupLocation,
    PostalAddress,
    RecordId,
)
from gateway.domain.value import value_object


class Capability(StrEnum):
    """The abilities of a library system; services choose a fallback or refuse plainly where one is missing."""

    PATRON_LOOKUP = "patron-lookup"
    AUTHENTICATE = "authenticate"
    BLOCKS_DETAILED = "blocks-detailed"
    FEES_READ = "fees-read"
    CONTACT = "contact"
    PATRON_CREATE = "patron-create"
    PATRON_UPDATE = "patron-update"
    PATRON_EXPIRE = "patron-expire"
    PATRON_DELETE = "patron-delete"
    BIB_FIND = "bib-find"
    SEARCH = "search"
    ITEM_AVAILABILITY = "item-availability"
    HOLD_ITEM = "hold-item"
    HOLD_TITLE = "hold-title"
    HOLD_PICKUP = "hold-pickup"
    HOLD_CANCEL = "hold-cancel"
    HOLD_UPDATE = "hold-update"
    TEMPORARY_ITEM = "temporary-item"
    ITEM_WITHOUT_HOLD = "item-without-hold"  # a temporary item that no patron waits for
    HOLD_SHELF = "hold-shelf"  # a temporary item is put on the hold shelf, or on its way there, as it is made
    SHELF_CHOICE = "shelf-choice"  # a temporary item goes to the hold shelf at once, or with a scan, as is wished
    SUPPRESS = "suppress"
    CHECK_OUT = "check-out"
    OVERRIDE = "override"  # what has left already is lent, whatever blocks and policies say
    DUE_DATE_GIVEN = "due-date-given"  # of a loan or renewal that is made
    DUE_DATE_CHANGE = "due-date-change"  # of a loan that is open, to an earlier or later one
    CHECK_IN = "check-in"
    LEAVE_HOLDS = "leave-holds"  # an item is taken back though nobody who waits for it gets it
    RENEW = "renew"
    RECALL = "recall"
    MOVE_LOCATION = "move-location"
    STATUS_UPDATE = "status-update"
    POST_FEE = "post-fee"
    PICKUP_LIST = "pickup-list"
    ITEM_BY_REQUEST = "item-by-request"
    CHANGE_BARCODE = "change-barcode"


@value_object
class PatronKey:
    """The number by which a caller names a patron. `types` are tried in order; an empty tuple means the library's own
    order."""

    value: str
    types: tuple[str, ...] = ()


@value_object
class HoldWish:
    """A hold to be placed. One of `item_barcode` and `bib_id` is set; a bib means 'any copy'.

    `pickup`: code of a pickup location; empty: the resource-sharing branch, whether it keeps a hold shelf or not, where
    what is lent to partners is packed (the first pickup location of a library that has none)."""

    patron_id: str
    pickup: str
    request_id: str = ""
    item_barcode: str = ""
    bib_id: str = ""
    kind: str = "hold"
    need_by: date | None = None
    expires: date | None = None
    note: str = ""


@value_object
class TemporaryHold:
    """The hold that goes with a temporary item. `on_shelf`: put it on the hold shelf (or in transit to it) at once. A
    system without SHELF_CHOICE decides that itself."""

    patron_id: str
    pickup: str
    on_shelf: bool = True
    expires: date | None = None


@value_object
class TemporaryItem:
    """A partner's item while it is here: suppressed record, holding and item (facts/users-want.md 14).

    `lender_due`: when it must leave its patron. A loan for which no due date is given (at the desk, say) is due
    then or, with `due_policy` EARLIER, by the library's own rules where those give an earlier date.
    """

    barcode: str
    bib: Bib
    request_id: str
    location: Location
    policy: str
    suppressed: bool = True
    call_number: str = ""
    pieces: int = 1
    note: str = ""
    lender: str = ""
    lender_due: datetime | None = None
    due_policy: DuePolicy = DuePolicy.LENDER
    renewals_allowed: bool = True
    library_use_only: bool = False
    hold: TemporaryHold | None = None


@value_object
class TemporaryItemResult:
    """The item that `create_temporary_item` made, or had made before under the same key (then `repeated`)."""

    item: Item
    bib: Bib
    hold: Hold | None = None
    repeated: bool = False


@value_object
class CheckedIn:
    """The outcome of a check-in. `loan` is the loan that ended, None when the item was not on loan but was put in its
    place (a returned transit, an item fresh from the partner). `route_to`: where it goes now."""

    item: Item
    loan: Loan | None
    patron: Patron | None = None
    next_hold: Hold | None = None
    route_to: Location | None = None
    repeated: bool = False


@value_object
class BibHoldings:
    bib: Bib
    items: tuple[Item, ...]
    hold_count: int = 0


@value_object
class LibraryInfo:
    """The library's description of itself. `postal_address`: the parts of `address`; None: they are not known."""

    symbol: str
    name: str
    address: str = ""
    email: str = ""
    phone: str = ""
    postal_address: PostalAddress | None = None


@value_object
class LibraryCodes:
    """The codes that a library has set up, for the check of profiles; None: the system can't tell.

    `shelves` are (branch, shelving location). `sharing_branch`: through which partners' items come and go where
    nothing else is named; empty: there is none.
    """

    branches: frozenset[str] | None = None
    shelves: frozenset[tuple[str, str]] | None = None
    item_policies: frozenset[str] | None = None
    patron_categories: frozenset[str] | None = None
    fee_types: frozenset[str] | None = None
    sharing_branch: str | None = None


@runtime_checkable
class ListsCodes(Protocol):
    """A `LibrarySystem` that lists its codes: with it `illgate check` finds a wrong code before a message does."""

    async def codes(self) -> LibraryCodes:
        """Return the codes; raises Unavailable."""
        ...


@runtime_checkable
class HoldsConnections(Protocol):
    """A `LibrarySystem` that keeps connections, which end with whoever opened it."""

    async def close_connections(self) -> None: ...


@runtime_checkable
class DiffersByItem(Protocol):
    """A `LibrarySystem` that can do more with some items than with others."""

    def capabilities_of_item(self, barcode: str, loan_id: str) -> frozenset[Capability]:
        """Return all that can be done with the item that is out under this loan."""
        ...


@value_object
class ProbeStep:
    """A step of trying whether a system works: what came of it and how long it took. `problem` is empty where it went
    well; `key` is that of the setting to look at, within the system's section. No patron data in either."""

    name: str
    seconds: float
    said: str
    problem: str = ""
    key: str = ""


@runtime_checkable
class ProbesItself(Protocol):
    """A `LibrarySystem` that tests itself: `illgate check --live` shows where it stops."""

    async def probe(self) -> tuple[ProbeStep, ...]:
        """Each step within a time limit of its own; the last one failed where others had to follow."""
        ...


@runtime_checkable
class AlertsOperators(Protocol):
    """A `LibrarySystem` that answers, and yet something of it must be mended."""

    @property
    def alerts(self) -> tuple[str, ...]:
        """Sentences without personal data; empty: nothing. Asks nobody."""
        ...


@runtime_checkable
class RemembersLoans(Protocol):
    """A `LibrarySystem` whose loans are seen in the gateway's own memory alone."""

    async def forget_returned_loan(self, barcode: str, key: str) -> None:
        """Staff say that the item is back: its loan is over, unless the system can be asked and says that it isn't."""
        ...


@value_object
class NamedPatron:
    """A patron who was found by name. `identifier`: the number on the card, else another one by which the library
    finds the patron; `id`: the library's internal one."""

    id: str
    identifier: str
    name: PersonName


@runtime_checkable
class FindsPatronsByName(Protocol):
    """A `LibrarySystem` that finds patrons by name: staff know the name of a patron, and not the number of the card."""

    async def find_patrons_by_name(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """Those whose name has each of these words somewhere in it, by name; at most `limit`. Without words none.
        Raises Unavailable."""
        ...


class LibrarySystem(Protocol):
    """A library's own system, for one library.

    Every call that changes something takes a `key`: the same key again changes nothing and returns what the
    first call returned (design rule 6). Lookups raise `Refused` with UNKNOWN_…; all raise `Unavailable`.
    """

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    async def ping(self) -> None:
        """Raise `Unavailable` unless the system answers."""
        ...

    async def info(self) -> LibraryInfo: ...

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        """Find a patron; raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON)."""
        ...

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """Check a secret; raises Refused(PATRON_AUTH_FAILED), alike for an unknown patron and a wrong secret."""
        ...

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        """Open loans, soonest due first."""
        ...

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Open holds, oldest first."""
        ...

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Unpaid charges, oldest first."""
        ...

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        """Create a patron; raises Refused(DUPLICATE_PATRON | DATA_MISSING | INVALID_VALUE)."""
        ...

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        """Update a patron; what the draft leaves None stays. Its identifiers replace those of the same types; an empty
        value removes the type. Raises Refused(UNKNOWN_PATRON | INVALID_VALUE | DUPLICATE_PATRON)."""
        ...

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron: ...

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        """Removes a temporary patron with all that tells who it was; past loans stay without a name. Returns the patron
        as it was. Raises Refused(UNKNOWN_PATRON | NOT_ALLOWED (not temporary) | IN_USE (loans, holds, unpaid fees))."""
        ...

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        """Find a record; raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM); never a guess among several hits."""
        ...

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        """Words that all occur in title, author or identifiers; suppressed records are left out."""
        ...

    async def holdings(self, bib_id: str) -> BibHoldings: ...

    async def item_by_barcode(self, barcode: str) -> Item:
        """Find an item; raises Refused(UNKNOWN_ITEM)."""
        ...

    async def item_by_request(self, request_id: str) -> Item:
        """The item that a temporary record, a loan or a hold under this request number is about: partners check
        in by the number of the request alone (facts/ncip.md 2.6). What is here or out now comes before what has
        ended; deleted items are not found. Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM)."""
        ...

    async def get_bib(self, bib_id: str) -> Bib: ...

    async def item_loan(self, item_id: str) -> Loan | None:
        """The open loan of an item."""
        ...

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        """Open holds that this item may fill, in order."""
        ...

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        """Place a hold; raises Refused(UNKNOWN_…, DUPLICATE_REQUEST, BAD_PICKUP_LOCATION, NOT_ALLOWED, PATRON_BLOCKED
        …)."""
        ...

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold by the partner's request number. Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST)."""
        ...

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        """Cancel a hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED)."""
        ...

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold: ...

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        """Record, holding, item and, if wished, hold, all or nothing. Where the item that this key made has been
        deleted since, it is made anew. Raises Refused(DUPLICATE_ITEM …)."""
        ...

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        """Cancels its open holds, then removes item and, if none is left on it, record. Repeated: the last item
        that had this barcode was deleted under this key.
        Raises Refused(UNKNOWN_ITEM | IN_USE (on loan) | NOT_ALLOWED (not temporary))."""
        ...

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        """Give a temporary item the barcode that is on the piece (INN-Reach ItemShipped, facts/ncip.md 2.9).
        Raises Refused(UNKNOWN_ITEM | DUPLICATE_ITEM | NOT_ALLOWED (not temporary))."""
        ...

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        """A lasting item (NCIP CreateItem); `hold` must be None."""
        ...

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
        ...

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan: ...

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        """`at`: branch code of the desk; empty: the resource-sharing branch. `fill_hold` False: a hold that waits
        for the item goes on waiting. Repeated: this key ended the item's latest loan.
        Raises Refused(UNKNOWN_ITEM | NOT_CHECKED_OUT | UNSUPPORTED_SERVICE (a hold can't be left waiting))."""
        ...

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
        ...

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        """Recall a loan; raises Refused(NOT_CHECKED_OUT | CANNOT_BE_RECALLED)."""
        ...

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item: ...

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item: ...

    async def return_home(self, barcode: str, key: str) -> Item: ...

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
    ) -> Charge: ...

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]: ...


@value_object
class ExchangeLibrary:
    """A library of this installation with its system."""

    symbol: str
    name: str
    system: LibrarySystem
    zone: tzinfo
    currency: str

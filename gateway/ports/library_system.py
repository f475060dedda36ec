"""The abilities of a library's own system, and the values that it is asked with and answers with.

The port itself is `gateway.ports.guarded_library.LibrarySystem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.library import (
    Bib,
    Hold,
    Item,
    Loan,
    Location,
    Patron,
    PersonName,
    PostalAddress,
)
from gateway.domain.value import value_object

ResultT = TypeVar("ResultT")


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
class Need:
    """The ability that a change needs, and the record that it changes: a template of its fields, empty for a new one.
    `words`: verb and object, for the refusal."""

    ability: Capability
    words: str
    record: str = ""


class LibraryOperation(Generic[ResultT]):
    """A change whose result is of the type in brackets."""

    __slots__ = ()
    need: ClassVar[Need]

    @property
    def needs(self) -> tuple[Need, ...]:
        """All that is needed; the first one names the record."""
        return (self.need,)

    @property
    def record(self) -> str:
        """The name of what is changed, of which there is one change at a time."""
        return self.need.record.format(self)


@value_object
class PatronKey:
    """The number by which a caller names a patron. `types` are tried in order; an empty tuple means the library's own
    order."""

    value: str
    types: tuple[str, ...] = ()


TITLE_NEED = Need(Capability.HOLD_TITLE, "place a hold on a title")


@value_object
class HoldWish(LibraryOperation[Hold]):
    """A hold to be placed. One of `item_barcode` and `bib_id` is set; a bib means 'any copy'.

    `pickup`: code of a pickup location; empty: the resource-sharing branch, whether it keeps a hold shelf or not, where
    what is lent to partners is packed (the first pickup location of a library that has none)."""

    need: ClassVar[Need] = Need(Capability.HOLD_ITEM, "place holds", "item/{0.item_barcode}{0.bib_id}")

    patron_id: str
    pickup: str
    request_id: str = ""
    item_barcode: str = ""
    bib_id: str = ""
    kind: str = "hold"
    need_by: date | None = None
    expires: date | None = None
    note: str = ""

    @property
    def needs(self) -> tuple[Need, ...]:
        return (self.need,) if self.item_barcode else (self.need, TITLE_NEED)


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
    """The library's description of itself. `postal_address`: the parts of `address`; None: they are not known.
    `sender`, `sender_name`, `reply_to`: of its letters; empty: as the installation has them. `home`: URL of its
    website; `colour`: of its letters, such as #14506b; empty: none."""

    symbol: str
    name: str
    address: str = ""
    email: str = ""
    phone: str = ""
    postal_address: PostalAddress | None = None
    sender: str = ""
    sender_name: str = ""
    reply_to: str = ""
    home: str = ""
    colour: str = ""


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

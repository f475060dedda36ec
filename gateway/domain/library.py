"""Values of a library: patrons, records, items, holds, loans, charges. Protocol-neutral values.

All datetimes are aware UTC. A due date is a moment (loans in hours exist); a date that means a day is a `date`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from gateway.domain.value import value_object


@value_object
class Money:
    amount: Decimal
    currency: str  # ISO 4217 alphabetic code

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            raise ValueError(f"currency must be an ISO 4217 code such as EUR, not {self.currency!r}")


# --- patrons ---------------------------------------------------------------------------------------------


class IdentifierType(StrEnum):
    """The types of patron identifiers that we ship; a library may use other words too."""

    BARCODE = "barcode"
    USERNAME = "username"
    EXTERNAL = "external"
    INTERNAL = "internal"


@value_object
class PatronIdentifier:
    type: str  # IdentifierType or the library's own word
    value: str


@value_object
class PersonName:
    """A person's name, or an organisation's (then only `surname`, `is_organisation` set)."""

    surname: str
    given: str = ""
    prefix: str = ""
    initials: str = ""
    suffix: str = ""
    is_organisation: bool = False

    @property
    def direct(self) -> str:
        """'Ana Müller'"""
        return " ".join(part for part in (self.prefix, self.given, self.initials, self.surname, self.suffix) if part)

    @property
    def inverted(self) -> str:
        """'Müller, Ana'"""
        rest = " ".join(part for part in (self.given, self.initials) if part)
        return f"{self.surname}, {rest}" if rest else self.surname


class ContactKind(StrEnum):
    POSTAL = "postal"
    EMAIL = "email"
    PHONE = "phone"


@value_object
class PostalAddress:
    """`region`: its name, or its code (ISO 3166-2: US-OH); `country` of a library: its code (ISO 3166-1)."""

    line1: str = ""
    line2: str = ""
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def text(self) -> str:
        """Lines as on an envelope; empty where no part is known."""
        town = " ".join(part for part in (self.postal_code, self.locality) if part)
        return "\n".join(line for line in (self.line1, self.line2, town, self.region, self.country) if line)


@value_object
class Contact:
    """One way to reach a patron. `role` is the library's word: home, work, notices …"""

    kind: ContactKind
    role: str = "home"
    value: str = ""  # e-mail address or phone number
    postal: PostalAddress | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class BlockScope(StrEnum):
    """The services that a block forbids."""

    BORROW = "borrow"
    REQUEST = "request"
    RENEW = "renew"


class BlockCause(StrEnum):
    """The cause of a block, for words that its patron reads."""

    EXPIRED = "expired"
    INACTIVE = "inactive"
    FEES = "fees"
    OVERDUE = "overdue"
    RECALLED = "recalled"
    LOST_ITEMS = "lost-items"
    CARD_LOST = "card-lost"
    ADDRESS = "address"
    OTHER = "other"


@value_object
class Block:
    """`reason` is for staff and partners. `message`: what the library itself tells its patron of the block; empty where
    the system has no text that is meant for patrons."""

    reason: str  # plain words: 'overdue items', 'fees above 20.00 EUR'
    scopes: frozenset[BlockScope] = frozenset(BlockScope)
    since: date | None = None
    until: date | None = None
    cause: BlockCause = BlockCause.OTHER
    message: str = ""


@value_object
class Patron:
    """A patron as the library has it now; blocks include those that its rules derive (expiry, fees, overdues)."""

    id: str  # the library's internal id
    identifiers: tuple[PatronIdentifier, ...]
    name: PersonName
    category: str
    home_library: str  # branch code
    contacts: tuple[Contact, ...] = ()
    blocks: tuple[Block, ...] = ()
    expires: date | None = None
    balance: Money | None = None  # what the patron owes
    loan_count: int = 0
    hold_count: int = 0
    language: str = ""
    date_of_birth: date | None = None
    home_institution: str = ""  # symbol of the institution a temporary patron belongs to
    temporary: bool = False
    notes: str = ""
    maker: str | None = None  # profile of the partner who created it, "" for none; None where the system does not know

    def identifier(self, type_: str) -> str | None:
        return next((i.value for i in self.identifiers if i.type == type_), None)

    def list_blocks(self, scope: BlockScope) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if scope in block.scopes)

    def find_block(self, scope: BlockScope) -> Block | None:
        return next((block for block in self.blocks if scope in block.scopes), None)


@value_object
class PatronDraft:
    """A patron to be created or what is to be changed of one (None = leave as it is)."""

    identifiers: tuple[PatronIdentifier, ...] = ()
    name: PersonName | None = None
    category: str | None = None
    home_library: str | None = None
    contacts: tuple[Contact, ...] | None = None
    expires: date | None = None
    language: str | None = None
    date_of_birth: date | None = None
    home_institution: str | None = None
    temporary: bool | None = None
    secret: str | None = field(default=None, repr=False)  # PIN or password in clear, to be hashed


# --- records and items -----------------------------------------------------------------------------------


@value_object
class RecordId:
    """An identifier of a bibliographic record. Types in lower case: local, oclc, isbn, issn, lccn, other words kept."""

    type: str
    value: str


@value_object
class Bib:
    """A bibliographic description."""

    id: str = ""  # the library's record number; empty where none is known
    title: str = ""
    author: str = ""
    identifiers: tuple[RecordId, ...] = ()
    edition: str = ""
    publisher: str = ""
    place: str = ""
    published: str = ""
    series: str = ""
    pages: str = ""
    language: str = ""
    medium: str = ""
    level: str = ""
    component_title: str = ""
    component_author: str = ""
    suppressed: bool = False


class ItemStatus(StrEnum):
    """Where an item is in its life; NCIP's circulation statuses map onto these."""

    AVAILABLE = "available"
    ON_HOLD_SHELF = "on-hold-shelf"
    ON_LOAN = "on-loan"
    IN_TRANSIT = "in-transit"
    IN_PROCESS = "in-process"
    LOST = "lost"
    MISSING = "missing"
    CLAIMED_RETURNED = "claimed-returned"
    NOT_AVAILABLE = "not-available"
    RECALLED = "recalled"


@value_object
class Location:
    library: str  # branch code
    shelf: str = ""  # location code within the branch
    name: str = ""  # for people


@value_object
class Item:
    id: str
    barcode: str
    bib_id: str
    status: ItemStatus
    policy: str  # item policy or type, such as 'standard', 'reference', 'ill'
    home: Location
    current: Location
    call_number: str = ""
    copy_number: str = ""
    description: str = ""  # volume, piece
    pieces: int = 1
    hold_count: int = 0
    temporary: bool = False
    circulates: bool = True
    due: datetime | None = None


@value_object
class PickupLocation:
    """`resource_sharing`: at the branch through which partners' items come and go."""

    code: str
    name: str
    library: str
    resource_sharing: bool = False


# --- holds, loans, charges -------------------------------------------------------------------------------


class HoldStatus(StrEnum):
    WAITING = "waiting"  # in the queue
    PAGED = "paged"  # staff are asked to fetch it
    IN_TRANSIT = "in-transit"
    READY = "ready"  # on the hold shelf
    FILLED = "filled"  # lent to the patron
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        return self in (HoldStatus.WAITING, HoldStatus.PAGED, HoldStatus.IN_TRANSIT, HoldStatus.READY)


@value_object
class Hold:
    id: str
    key: str  # the idempotency key under which it was placed
    request_id: str  # the partner's request number, empty if none
    patron_id: str
    bib_id: str
    item_id: str  # empty for a title hold that no item fills yet
    pickup: str  # pickup location code
    status: HoldStatus
    placed: datetime
    kind: str = "hold"  # hold, page, recall, loan
    position: int = 0  # 1 is next
    need_by: date | None = None
    expires: date | None = None
    ready_until: date | None = None
    item_barcode: str = ""
    title: str = ""


@value_object
class Loan:
    id: str
    key: str
    request_id: str
    item_id: str
    item_barcode: str
    bib_id: str
    patron_id: str
    lent: datetime
    due: datetime | None  # None: the library system doesn't state it, or not in a form that can be read
    returned: datetime | None = None
    renewals: int = 0
    renewals_allowed: bool = True
    recalled: datetime | None = None
    title: str = ""

    @property
    def known_due(self) -> datetime:
        """The due date of a loan in a system that always states it. Raises ValueError if there is none."""
        if self.due is None:
            raise ValueError(f"loan {self.id} has no due date")
        return self.due


def is_due_later(due: datetime | None, before: datetime | None) -> bool:
    """Return whether both are known, and `due` is the later one."""
    return due is not None and before is not None and due > before


def sort_loans(loans: Iterable[Loan]) -> tuple[Loan, ...]:
    """Sort by due date; loans without one come last."""
    return tuple(sorted(loans, key=lambda loan: (loan.due is None, loan.due or loan.lent)))


@value_object
class Charge:
    id: str
    key: str
    patron_id: str
    type: str
    amount: Money
    posted: datetime
    description: str = ""
    item_barcode: str = ""
    request_id: str = ""
    paid: Decimal = Decimal(0)

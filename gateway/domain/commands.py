"""Commands that a partner system can give the library through the gateway, and their results.

One command per service, whatever protocol it came in; `services.circulation` carries them out. Identifiers are
as the partner sent them: profile rules turn them into the library's own (domain.circulation_policy).
"""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from enum import StrEnum

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
from gateway.domain.problems import Refusal
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.request import SupplyPromise
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object


@value_object
class Named:
    """An identifier as a partner sends it: value, perhaps its type and the agency that gave it."""

    value: str
    type: str = ""
    agency: str = ""


@value_object
class Credential:
    """One thing a patron says to be recognised: ('barcode id', '2100…'), ('pin', '…')."""

    type: str  # lower case
    value: str = field(repr=False)


@value_object
class PatronRef:
    """The patron who is meant: by id, by credentials, or both (then they must agree)."""

    id: Named | None = None
    credentials: tuple[Credential, ...] = ()


class Action(StrEnum):
    """The action to take with an accepted item."""

    HOLD = "hold"
    HOLD_AND_NOTIFY = "hold-and-notify"
    CIRCULATE = "circulate"
    CIRCULATE_AND_NOTIFY = "circulate-and-notify"
    RECORD_ONLY = "record-only"


class NoticeKind(StrEnum):
    """The event that a notification tells of (NCIP 1 and 2 notifications)."""

    REQUESTED = "requested"
    SHIPPED = "shipped"
    RECEIVED = "received"
    CHECKED_OUT = "checked-out"
    CHECKED_IN = "checked-in"
    RENEWED = "renewed"
    RECALLED = "recalled"
    REQUEST_CANCELLED = "request-cancelled"
    REQUEST_UPDATED = "request-updated"
    STATUS_UPDATED = "status-updated"


Due = datetime | date | None
"""A moment, a day (its end, in the profile's zone), or not said."""


# --- look-ups --------------------------------------------------------------------------------------------


@value_object
class LookUpPatron:
    patron: PatronRef
    loans: bool = False
    holds: bool = False
    charges: bool = False


@value_object
class PatronFound:
    patron: Patron
    loans: tuple[Loan, ...] = ()
    holds: tuple[Hold, ...] = ()
    charges: tuple[Charge, ...] = ()


@value_object
class LookUpItem:
    item: Named | None = None
    request: Named | None = None
    borrower: bool = False
    requesters: bool = False


@value_object
class ItemFound:
    item: Item
    bib: Bib
    hold: Hold | None = None
    loan: Loan | None = None
    borrower: Patron | None = None
    requesters: tuple[Patron, ...] = ()


@value_object
class LookUpItemSet:
    records: tuple[RecordId, ...] = ()
    items: tuple[Named, ...] = ()
    limit: int | None = None
    cursor: str = ""


@value_object
class ItemSetEntry:
    """One record asked for: its items, or why there are none (`missing`: a plain sentence)."""

    record: RecordId
    bib: Bib | None = None
    items: tuple[Item, ...] = ()
    hold_count: int = 0
    missing: str = ""


@value_object
class ItemSetFound:
    entries: tuple[ItemSetEntry, ...]
    cursor: str = ""  # empty: nothing follows


@value_object
class LookUpRequest:
    request: Named | None = None
    patron: PatronRef | None = None
    item: Named | None = None
    kind: str = ""


@value_object
class RequestFound:
    hold: Hold
    patron: Patron
    bib: Bib
    item: Item | None = None


@value_object
class LookUpAgency:
    agency: str


@value_object
class AgencyFound:
    symbol: str
    name: str
    address: str = ""
    email: str = ""
    phone: str = ""
    pickup_locations: tuple[PickupLocation, ...] = ()


# --- requests --------------------------------------------------------------------------------------------


@value_object
class PlaceRequest:
    """NCIP RequestItem. `scope`: 'item' or 'title'; both words and `kind` as the profile maps them, '' if not said.

    Several items are copies of which any one will do; records are tried in the profile's order of types. `wanted`:
    the same as a request to other libraries, where a protocol says more of that; without patron. `promise`:
    a supplier that the partner has found for it, so that nobody else is asked.
    """

    patron: PatronRef
    items: tuple[Named, ...] = ()
    records: tuple[RecordId, ...] = ()
    request: Named | None = None
    kind: str = "hold"
    scope: str = "item"
    pickup: str = ""
    need_by: Due = None
    expires: Due = None
    citation: Bib | None = None
    receiver: str = ""  # ToAgencyId; some partners say the pickup place there
    locations: tuple[str, ...] = ()  # where the copy has to be, as sent; any of them
    wanted: BorrowingDraft | None = None
    promise: SupplyPromise | None = None


@value_object
class RequestPlaced:
    """A request placed or changed. A hold without id: none was placed, since the profile ignores requests or the
    pickup place said so; it only repeats what was asked for."""

    hold: Hold
    patron: Patron
    bib: Bib
    item: Item | None = None
    pickup: PickupLocation | None = None


@value_object
class CancelRequest:
    patron: PatronRef
    request: Named | None = None
    item: Named | None = None
    kind: str = ""


@value_object
class RequestCancelled:
    hold: Hold
    patron: Patron
    item: Item | None = None


@value_object
class UpdateRequest:
    """Answered by RequestPlaced."""

    patron: PatronRef | None
    request: Named | None = None
    item: Named | None = None
    pickup: str = ""
    need_by: Due = None
    expires: Due = None
    kind: str = ""


# --- a partner's item comes and goes ---------------------------------------------------------------------


@value_object
class AcceptItem:
    request: Named
    action: Action
    action_word: str = ""  # as sent
    patron: PatronRef | None = None
    item: Named | None = None
    due: Due = None
    renewals_allowed: bool = True
    conditions: tuple[LoanCondition, ...] = ()  # of use, as the lender sets them
    condition_words: tuple[str, ...] = ()  # as sent
    is_returnable: bool = True
    is_open_ended: bool = False  # the lender sets no date of return
    citation: Bib = field(default_factory=Bib)
    call_number: str = ""
    format: str = ""  # MediumType or the non-standard Format
    pickup: str = ""
    pickup_expires: Due = None
    receiver: str = ""  # ToAgencyId; some partners say the pickup place there
    fee: Money | None = None
    fee_type: str = ""
    fee_action: str = ""  # FiscalActionType
    piece_barcode: str = ""  # VisibleItemId: the barcode that is on the piece

    def list_terms(self) -> tuple[str, ...]:
        """List the lender's terms that the desk has to know, beside the date."""
        terms = []
        if self.condition_words:
            terms.append(write_sentence("terms of use: %(words)s", words=", ".join(self.condition_words)))
        if not self.is_returnable:
            terms.append(write_sentence("need not be returned to the lender"))
        if self.is_open_ended:
            terms.append(write_sentence("the lender has not set a due date"))
        return tuple(terms)


@value_object
class ItemAccepted:
    """`due`: the lender's date, as sent, where it can still be kept. `notes`: plain sentences for the journal, about
    what was not taken as it was sent."""

    item: Item
    bib: Bib
    patron: Patron | None = None
    hold: Hold | None = None
    loan: Loan | None = None
    due: Due = None
    notes: tuple[str, ...] = ()


@value_object
class CreateItem:
    item: Named | None
    bib: Bib
    request: Named | None = None
    call_number: str = ""
    location: str = ""
    status: ItemStatus | None = None


@value_object
class DeleteItem:
    item: Named


@value_object
class ItemChanged:
    """An item made, changed or deleted; None: one already gone, whose deletion the profile answers as a success."""

    item: Item | None


# --- circulation -----------------------------------------------------------------------------------------


@value_object
class CheckOut:
    patron: PatronRef
    item: Named
    request: Named | None = None
    due: Due = None
    mandated: datetime | None = None  # it has already happened, at this time
    sender: str = ""


@value_object
class ItemLent:
    """`notes`: plain sentences for the journal, about what had to be changed for it."""

    loan: Loan
    item: Item
    bib: Bib
    patron: Patron
    notes: tuple[str, ...] = ()


@value_object
class CheckIn:
    item: Named | None
    request: Named | None = None
    patron: PatronRef | None = None
    mandated: datetime | None = None


@value_object
class GoesBack:
    """A partner's item that its patron has returned: at any desk it goes back to `owner`, by its name or symbol.
    `request`: our number of the request."""

    owner: str
    request: str

    @property
    def advice(self) -> str:
        """One line, for whoever has scanned it."""
        return f"Goes back to its owner: {self.owner}, request {self.request}"


@value_object
class ItemReturned:
    """`item` None: an item already gone, whose check-in the profile answers as a success."""

    item: Item | None
    loan: Loan | None = None
    bib: Bib | None = None
    patron: Patron | None = None
    route_to: Location | None = None
    deleted: bool = False
    goes_back: GoesBack | None = None


@value_object
class Renew:
    item: Named
    patron: PatronRef | None = None
    due: Due = None


@value_object
class ItemRenewed:
    loan: Loan
    item: Item
    bib: Bib
    patron: Patron


@value_object
class RenewAll:
    """All that a patron has on loan."""

    patron: PatronRef
    due: Due = None


@value_object
class LoanRenewal:
    """The result for one loan: `renewed`, or `refusal` says why not."""

    loan: Loan
    renewed: ItemRenewed | None = None
    refusal: Refusal | None = None


@value_object
class AllRenewed:
    patron: Patron
    renewals: tuple[LoanRenewal, ...]


@value_object
class Recall:
    item: Named
    due: Due = None


@value_object
class ItemRecalled:
    loan: Loan
    item: Item
    bib: Bib


@value_object
class UpdateStatus:
    item: Named
    status: ItemStatus
    word: str = ""


# --- patrons and money -----------------------------------------------------------------------------------


@value_object
class CreatePatron:
    draft: PatronDraft
    patron: Named | None = None
    sender: str = ""


@value_object
class UpdatePatron:
    patron: PatronRef
    add: PatronDraft
    remove: PatronDraft


@value_object
class DeletePatron:
    patron: PatronRef


@value_object
class PatronChanged:
    """A patron made or changed; one deleted, as it was."""

    patron: Patron


@value_object
class PostFee:
    patron: PatronRef
    amount: Money | None  # None: the profile's default for this type
    action: str = ""
    type: str = ""
    reference: str = ""
    description: str = ""
    item: Named | None = None
    request: Named | None = None
    title: str = ""  # of the item


@value_object
class FeePosted:
    charge: Charge
    patron: Patron


# --- notifications ---------------------------------------------------------------------------------------


@value_object
class Notice:
    """The notice that something happened elsewhere. By profile it is noted, or carried out as the command it amounts
    to."""

    kind: NoticeKind
    item: Named | None = None
    new_barcode: str = ""  # VisibleItemId of an ItemShipped: the barcode that is on the piece
    request: Named | None = None
    patron: PatronRef | None = None
    due: Due = None
    at: datetime | None = None
    pickup: str = ""
    status: ItemStatus | None = None
    citation: Bib | None = None
    call_number: str = ""
    sender: str = ""
    receiver: str = ""


@value_object
class Noted:
    """The notice that was kept and acknowledged; `carried_out` names what the profile made of it, empty if nothing.
    `item`: as it is then. `meant`: the command that it amounted to, and what came of that."""

    kind: NoticeKind
    carried_out: str = ""
    item: Item | None = None
    meant: tuple[Command, Result] | None = None


Command = (
    LookUpPatron
    | LookUpItem
    | LookUpItemSet
    | LookUpRequest
    | LookUpAgency
    | PlaceRequest
    | CancelRequest
    | UpdateRequest
    | AcceptItem
    | CreateItem
    | DeleteItem
    | CheckOut
    | CheckIn
    | Renew
    | RenewAll
    | Recall
    | UpdateStatus
    | CreatePatron
    | UpdatePatron
    | DeletePatron
    | PostFee
    | Notice
)

Result = (
    PatronFound
    | ItemFound
    | ItemSetFound
    | RequestFound
    | AgencyFound
    | RequestPlaced
    | RequestCancelled
    | ItemAccepted
    | ItemChanged
    | ItemLent
    | ItemReturned
    | ItemRenewed
    | AllRenewed
    | ItemRecalled
    | PatronChanged
    | FeePosted
    | Noted
)

READ_ONLY = (LookUpPatron, LookUpItem, LookUpItemSet, LookUpRequest, LookUpAgency)
"""Commands that change nothing: they need no idempotency key and no intent."""

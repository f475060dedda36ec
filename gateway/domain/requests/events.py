"""Events that can happen to a request. The words are our own; facts/iso-18626.md section 9 says how each protocol shows
them.

An event comes from us (staff, a patron, our own rules), from the partner, or from a timer.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from enum import StrEnum

from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.sentences import StoredSentence
from gateway.domain.value import value_object


class EventOrigin(StrEnum):
    US = "us"
    PARTNER = "partner"
    TIMER = "timer"


class EventKind(StrEnum):
    # before a supplier is asked
    SUBMIT = "submit"
    APPROVE = "approve"
    EDIT = "edit"
    ASSIGN = "assign"  # a rota or a partner, by hand
    NO_SUPPLIER = "no-supplier"
    CLOSE = "close"
    REOPEN = "reopen"
    NEXT_SUPPLIER = "next-supplier"
    # the request and its answers
    REQUEST = "request"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    EXPECT_TO_SUPPLY = "expect-to-supply"
    WILL_SUPPLY = "will-supply"
    HOLD_PLACED = "hold-placed"
    CONDITIONAL = "conditional"
    CONDITION_ACCEPTED = "condition-accepted"
    CONDITION_REFUSED = "condition-refused"
    RETRY = "retry"
    UNFILLED = "unfilled"
    FORWARDED = "forwarded"
    BROKERED = "brokered"  # we ask other libraries for it, and stay the one who supplies
    EXPIRED = "expired"
    NO_ANSWER = "no-answer"
    # cancelling
    CANCEL = "cancel"
    CANCEL_ACCEPTED = "cancel-accepted"
    CANCEL_REFUSED = "cancel-refused"
    # the lender's own work
    LOCATED = "located"
    DIGITISED = "digitised"
    CLEARED = "cleared"
    CLEARANCE_REFUSED = "clearance-refused"
    # the item's way
    SHIPPED = "shipped"
    COPY_DELIVERED = "copy-delivered"
    RECEIVED = "received"
    ARRIVED_AT_BRANCH = "arrived-at-branch"  # at its pickup place, and not on the hold shelf yet
    AT_PICKUP = "at-pickup"  # it came here at another place than the patron's, and is there now
    LOANED_TO_PATRON = "loaned-to-patron"
    RETURNED_BY_PATRON = "returned-by-patron"
    RETURNED = "returned"
    CHECKED_IN = "checked-in"
    LOST = "lost"
    DAMAGED = "damaged"
    SETTLED = "settled"  # what was lost is paid for, or nobody asks for anything: the loan ends
    SHELF_EXPIRED = "shelf-expired"
    RETURN_LATE = "return-late"  # the borrower has sent it back, and it is not here in time
    # the loan's time
    RENEW = "renew"
    RENEW_ACCEPTED = "renew-accepted"
    RENEW_REFUSED = "renew-refused"
    DUE_DATE_CHANGED = "due-date-changed"
    DUE_SOON = "due-soon"
    OVERDUE = "overdue"
    RECALL = "recall"
    # talk
    MESSAGE = "message"
    STATUS_QUERY = "status-query"
    STATUS_REPORT = "status-report"
    NOTE = "note"
    PATRON_MESSAGE = "patron-message"  # a letter of staff to the patron
    PATRON_ASKED = "patron-asked"
    PATRON_ANSWERED = "patron-answered"
    PATRON_NOT_TOLD = "patron-not-told"  # a notice could not be sent: the patron has no address for it
    PATRON_TOLD = "patron-told"  # in person, by telephone or by post
    TROUBLE = "trouble"  # the partner refused a message of ours
    UNDONE = "undone"  # an act of staff by mistake: the request is what it was before (`take_back`)
    ANONYMISED = "anonymised"


@value_object
class EventSignal:
    """The key of the state tables."""

    origin: EventOrigin
    kind: EventKind

    def __str__(self) -> str:
        return f"{self.origin.value}:{self.kind.value}"


def local_signal(kind: EventKind) -> EventSignal:
    return EventSignal(EventOrigin.US, kind)


def partner_signal(kind: EventKind) -> EventSignal:
    return EventSignal(EventOrigin.PARTNER, kind)


def timer_signal(kind: EventKind) -> EventSignal:
    return EventSignal(EventOrigin.TIMER, kind)


class LoanCondition(StrEnum):
    """Conditions of a loan (ISO 18626 LoanCondition); other words are kept as notes."""

    LIBRARY_USE_ONLY = "library-use-only"
    NO_REPRODUCTION = "no-reproduction"
    SIGNATURE_REQUIRED = "signature-required"
    SUPERVISED = "supervised"  # special collections
    WATCHED = "watched-library-use-only"
    NO_RENEWAL = "no-renewal"
    COST = "cost"
    OTHER = "other"


class RequestEnding(StrEnum):
    """How staff end a borrowing request that no library has supplied."""

    OWN_STOCK = "own-stock"  # the library has it itself
    OBTAINED_ELSEWHERE = "obtained-elsewhere"  # free online, bought, by another way
    DUPLICATE = "duplicate"  # another request is for the same
    NOT_NEEDED = "not-needed"  # the patron doesn't want it any more
    NOT_AVAILABLE = "not-available"  # no library can supply it


IN_LIBRARY_CONDITIONS = frozenset({LoanCondition.LIBRARY_USE_ONLY, LoanCondition.WATCHED, LoanCondition.SUPERVISED})
"""With these an item doesn't leave the library."""


@value_object
class ShippedItem:
    """An item as its supplier names it: without a barcode, where it has none. `label`: of the volume, or its title;
    empty: it doesn't say."""

    barcode: str
    label: str = ""
    call_number: str = ""


@value_object
class FieldChange:
    """A field that a requester changes (`requester_changes.RequesterField`, or a name of its own). Empty: it is taken
    out."""

    field: str
    value: str


@value_object(kw_only=True)
class NamedSupplier:
    """A library behind a broker, or the partner itself, as messages name it. `address`: where its items go back to."""

    symbol: str = ""
    name: str = ""
    address: str = ""


@value_object(kw_only=True)
class EventDetails:
    """The details that came with an event; which parts are used depends on its kind (`event_catalogue.ACTS`). All of it
    is kept.

    `due` is a day at the end of which the item is due back at the lender, or a moment.
    """

    due: date | datetime | None = None
    reason: str = ""  # a word of `ReasonCodes`, or the partner's own
    note: StoredSentence = ""
    conditions: tuple[LoanCondition, ...] = ()
    cost: Money | None = None
    ending: RequestEnding | None = None
    retry_after: date | None = None
    expected: date | None = None
    partner: str = ""  # profile name: whom to ask, who was asked
    rota: str = ""
    barcode: str = ""
    items: tuple[ShippedItem, ...] = ()  # of several that a supplier has sent, or one with its volume's label
    item_description: str = ""
    volumes: tuple[str, ...] = ()  # ids of the volumes that this is about; empty: all
    missing: tuple[str, ...] = ()  # ids of volumes that should be among those that have come, and are not
    further_volume: str = ""  # label of a volume that the request gets besides those that it has
    renewals_allowed: bool | None = None
    return_on_hold: bool | None = None  # of a message: true, it is not sent back for now; false, it is again
    by_cancel: bool = False  # of a refused condition: said by a cancellation, which waits for its answer
    link: str = field(default="", repr=False)
    attachment: str = ""  # id
    pickup: str = ""
    citation: Citation | None = None
    need_by: date | None = None
    maximum_cost: Money | None = None
    query: str = ""  # id of the query to the patron that this answers
    answer: str = ""  # yes, no
    transaction: str = ""  # the partner's own number of the request
    status: str = ""  # of a status report: the state of the other side, in its words; of `undone`: the state before
    # of a status report, or an answer that has a status: the event that leads to that status, unless it is no news; of
    # that event: a report told it
    reported: EventKind | None = None
    status_counts: bool = False  # of an answer: where no such question is open, it is what its status is
    supplier: NamedSupplier | None = None  # who of those behind a broker says it
    extras: tuple[CitationExtra, ...] = ()
    changes: tuple[FieldChange, ...] = ()  # of a requester's message
    # what of the note a person wrote; None: the format doesn't tell it from what a machine put together
    written: str | None = field(default=None, compare=False, repr=False)


class ReasonCodes(StrEnum):
    """The reasons for a no (facts/iso-18626.md 4.2 and 9: the two protocols' lists joined)."""

    NOT_HELD = "not-held"
    NOT_ON_SHELF = "not-on-shelf"
    NOT_AVAILABLE = "not-available"
    NON_CIRCULATING = "non-circulating"
    POLICY = "policy"
    POOR_CONDITION = "poor-condition"
    ON_LOAN = "on-loan"
    ON_ORDER = "on-order"
    AT_BINDERY = "at-bindery"
    COST = "cost-exceeds-maximum"
    NOT_FOUND_AS_CITED = "not-found-as-cited"
    CONDITION_REFUSED = "condition-refused"
    COPYRIGHT = "copyright"
    OVERLOADED = "too-many-requests"
    CLOSED = "closed"
    NEED_BY_NOT_MET = "need-by-not-met"
    HAS_REQUESTS = "has-requests"
    DUPLICATE = "duplicate"
    RENEWAL_LIMIT = "renewal-limit"
    OTHER = "other"


STRANGER = "stranger"
"""Reason of an event of kind TROUBLE: no message of ours was refused, but one came from who isn't the partner."""

UNTOLD = "untold"
"""Reason of an event of kind TROUBLE: the partner's channel has no message for what it should have been told."""

STRANGER_MAIL = "stranger-mail"
"""Reason of a note: it is a mail that staff have put to the request, of somebody who is no partner of it."""

BROKER = "broker"
"""Actor of what is done on one leg of a brokered request because of the other."""


@value_object
class Event:
    """`actor` says who: `staff:NAME`, `patron`, `rule`, `partner:SYMBOL`, `timer`, `broker`. `attempt` is the number of
    the attempt that a supplier's message belongs to (borrowing), 0 where there is none. `at` is aware UTC."""

    signal: EventSignal
    at: datetime
    actor: str = "rule"
    details: EventDetails = EventDetails()
    attempt: int = 0

    @property
    def kind(self) -> EventKind:
        return self.signal.kind

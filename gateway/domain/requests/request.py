"""A request that the gateway manages, on the borrowing or on the lending side. Values only; all datetimes aware UTC."""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from enum import StrEnum

from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.requests.events import LoanCondition, NamedSupplier, RequestEnding
from gateway.domain.sentences import StoredSentence
from gateway.domain.value import value_object


class Role(StrEnum):
    BORROWING = "borrowing"
    LENDING = "lending"


class BorrowingState(StrEnum):
    """States of a borrowing request."""

    NEW = "new"
    REVIEW = "review"  # staff look at it first
    SOURCING = "sourcing"  # the next supplier is being chosen
    NO_SUPPLIER = "no-supplier"  # nobody is left to be asked: staff decide
    REQUESTED = "requested"
    HOLD_PLACED = "hold-placed"
    WILL_SUPPLY = "will-supply"
    CONDITIONAL = "conditional"
    CANCEL_PENDING = "cancel-pending"
    SHIPPED = "shipped"
    RECEIVED = "received"
    LENT = "lent"  # to the patron
    BACK = "back"  # the patron has returned it
    RETURNED = "returned"  # on its way to the lender
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNFILLED = "unfilled"
    EXPIRED = "expired"
    LOST = "lost"


class LendingState(StrEnum):
    """States of a lending request."""

    NEW = "new"
    LOCATED = "located"  # an item is found and on the pull list
    HOLD_PLACED = "hold-placed"
    WILL_SUPPLY = "will-supply"
    CONDITIONAL = "conditional"
    DIGITISING = "digitising"
    CLEARANCE = "clearance"  # copyright sign-off is awaited
    CLEARED = "cleared"  # a copy that may be delivered
    CANCEL_PENDING = "cancel-pending"
    SHIPPED = "shipped"
    RETURNED = "returned"  # on its way back, says the borrower
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNFILLED = "unfilled"
    EXPIRED = "expired"
    FORWARDED = "forwarded"
    LOST = "lost"


State = BorrowingState | LendingState

TERMINAL: frozenset[State] = frozenset(
    {
        BorrowingState.COMPLETED,
        BorrowingState.CANCELLED,
        BorrowingState.UNFILLED,
        BorrowingState.EXPIRED,
        BorrowingState.LOST,
        LendingState.COMPLETED,
        LendingState.CANCELLED,
        LendingState.UNFILLED,
        LendingState.EXPIRED,
        LendingState.FORWARDED,
        LendingState.LOST,
    }
)
"""Closed. Some can be left again: staff reopen, or the partner shows that the item is on its way after all."""


class RequestFlag(StrEnum):
    """What is true beside the state."""

    RENEWAL_PENDING = "renewal-pending"
    OVERDUE = "overdue"
    RECALLED = "recalled"
    EXPIRING = "expiring"  # it is being cancelled since its need-by date can't be met
    UNWANTED = "unwanted"  # nobody waits for it any more (cancelled, expired): what comes goes back
    EXTRA = "extra"  # another supplier's item is here or on its way as well: send it back
    CHASED = "chased"  # the partner was asked why nothing happens
    IN_TRANSIT = "in-transit"  # received, and not yet at the pickup place: the patron isn't told yet
    ARRIVED = "arrived"  # in transit no more, but not on the hold shelf of its pickup place: the patron isn't told yet
    NOT_COLLECTED = "not-collected"  # the hold shelf time is over
    DAMAGED = "damaged"
    RETURN_LATE = "return-late"  # sent back by the borrower, and not here in time: staff look for it
    RETURN_ON_HOLD = "return-on-hold"  # the supplier asks to keep it for now, or the borrower can't send it back
    TO_TELL = "to-tell"  # a notice could not be sent: staff tell the patron in person
    TROUBLE = "trouble"  # the partner refused a message of ours: staff look
    UNTOLD = "untold"  # the partner has no message for what has happened: staff write or telephone
    STRANGER = "stranger"  # a message about it came from somebody who isn't its partner: staff look
    DEAD_LETTER = "dead-letter"  # a message, letter or call to the library was given up; seen as it is read, not kept
    PRICE_OPEN = "price-open"  # it was sent at a price that nobody has agreed to: staff look
    UNREAD = "unread"  # a partner has written something that no person has read yet


MESSAGE_TROUBLES = frozenset({RequestFlag.TROUBLE, RequestFlag.UNTOLD, RequestFlag.STRANGER})
"""Until staff have settled it, or the request has moved on."""


class ServiceType(StrEnum):
    LOAN = "loan"
    COPY = "copy"
    COPY_OR_LOAN = "copy-or-loan"


@value_object
class RequestedService:
    """`format` and `level`: words of ISO 18626 (ItemFormat, ServiceLevel), lower case with hyphens; empty: any."""

    type: ServiceType = ServiceType.LOAN
    format: str = ""
    level: str = ""


@value_object
class RequestDates:
    need_by: date | None = None  # of no use after this day (last interest)
    start: date | None = None
    end: date | None = None
    expires: bool = True  # the request ends by itself after `need_by`; off: its requester waits on (ISO ILL no-Expiry)


@value_object
class RequestCosts:
    """Sums that are kept apart (`prices`): most that it may cost, what the supplier asks, what was agreed, what was
    charged. `agreed_by`: `limit`, or the actor of the yes (`Event.actor`); empty where an older build kept no name."""

    maximum: Money | None = None
    agreed: Money | None = None
    charged: Money | None = None
    offered: Money | None = None
    agreed_by: str = ""


@value_object
class PatronLink:
    """The patron of a borrowing request, as the library knows it. Emptied when the request is anonymised;
    `category` stays, for statistics."""

    id: str = ""
    identifier: str = ""  # barcode or the like, with which the library finds the patron again
    category: str = ""
    pickup: str = ""  # location code
    language: str = ""
    note: str = ""


@value_object
class LibraryParty:
    """The other library, as its messages or our profile name it."""

    symbol: str = ""
    profile: str = ""  # the integration profile
    name: str = ""
    email: str = ""
    address: str = ""


class BrokeredDelivery(StrEnum):
    """Which way an item takes that goes through us as a broker."""

    DIRECT = "direct"  # from the supplier to the requester, and back
    BROKER = "broker"  # by us, both ways


@value_object(kw_only=True)
class OtherLeg:
    """The request on our other side of one that we broker. A lending request and a borrowing request of ours know each
    other by it. `party`: the library there, the supplier in hand or the requester."""

    request_id: str
    number: str
    delivery: BrokeredDelivery = BrokeredDelivery.DIRECT
    party: LibraryParty = LibraryParty()


class AttemptStatus(StrEnum):
    ASKED = "asked"
    EXPECTED = "expected"
    WILL_SUPPLY = "will-supply"
    HOLD_PLACED = "hold-placed"
    CONDITIONAL = "conditional"
    OFFERED = "offered"  # it would supply on other terms, if it is asked again: that is to be decided
    SHIPPED = "shipped"
    COMPLETED = "completed"
    UNFILLED = "unfilled"
    RETRY = "retry"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NO_ANSWER = "no-answer"
    CONDITION_REFUSED = "condition-refused"
    SKIPPED = "skipped"  # staff went on to the next
    CANCELLED = "cancelled"
    EXTRA = "extra"  # shipped although another supplier's item is here: to be sent back
    EXTRA_RETURNED = "extra-returned"
    LOST = "lost"


@value_object(kw_only=True)
class SupplyPromise:
    """A supplier that a broker has found for a request before we hear of it. `symbol`: the supplier's, as the broker
    calls it; `transaction`: the broker's number of the request; `barcode`: of the supplier's item, on the piece."""

    symbol: str
    transaction: str
    barcode: str = ""


OPEN_ATTEMPT = frozenset(
    {
        AttemptStatus.ASKED,
        AttemptStatus.EXPECTED,
        AttemptStatus.WILL_SUPPLY,
        AttemptStatus.HOLD_PLACED,
        AttemptStatus.CONDITIONAL,
        AttemptStatus.OFFERED,
        AttemptStatus.SHIPPED,
    }
)


ON_RECORD = frozenset({AttemptStatus.LOST, AttemptStatus.EXTRA})
"""Of a past supplier whose pieces, where any have come, are still on record in the library."""


@value_object(kw_only=True)
class FormerSupplier:
    """A library behind a broker that is out, since `at`. `reason`, `note`: what it said no with. `status`: unfilled;
    no-answer where another spoke instead of it, else what we have done."""

    symbol: str
    name: str = ""
    at: datetime
    status: AttemptStatus = AttemptStatus.UNFILLED
    reason: str = ""
    note: StoredSentence = ""


@value_object(kw_only=True)
class SupplierAttempt:
    """One partner asked: when, by which channel, what came of it (facts/users-want.md 11).

    `supplier`: the library in hand, as far as messages name it; of a broker one behind it. `status`, `reason`, `note`,
    `retry_after`, `expected`, `cost`, `agreed` and `conditions` are its word, and end with it (`supplier_takeover`).
    """

    number: int  # 1, 2 …
    partner: str  # profile name
    symbol: str
    channel: str
    transaction: str  # ours, unique: what the partner quotes
    theirs: str = ""  # the partner's own number
    asked: datetime
    status: AttemptStatus = AttemptStatus.ASKED
    answered: datetime | None = None
    queried: bool = False  # asked how it stands, and no answer has come to that
    reason: str = ""
    note: str = ""
    retry_after: date | None = None
    expected: date | None = None
    cost: Money | None = None  # what it asks
    cost_limit: Money | None = None  # most that we pay it, whatever the request says
    agreed: Money | None = None
    agreed_by: str = ""  # as of `RequestCosts`
    # symbol of one behind a broker whom we have just declined, or the broker's where nobody was named: its answer is
    # still to come
    declined: str = ""
    conditions: tuple[LoanCondition, ...] = ()
    offered_item: str = ""  # number of another item that it offers, if it is asked again
    holdings: StoredSentence = ""  # what the catalogue said when it was asked, one line
    record: str = ""  # its number of the record that is wanted, in its own catalogue
    supplier: NamedSupplier = NamedSupplier()
    former: tuple[FormerSupplier, ...] = ()  # libraries behind it that are out, in their order
    pieces: tuple[str, ...] = ()  # barcodes of the temporary records of what it sent, since another has been asked


class RotaLineStatus(StrEnum):
    """What became of a line of the rota."""

    WAITING = "waiting"
    ASKED = "asked"
    SKIPPED = "skipped"


@value_object
class RotaLine:
    """A supplier on this request's rota, in the order in which they are asked. `why` says what put it there or
    why it was skipped. `catalogue`: of a union, which is looked into before any of its lines is asked; `held`: what it
    has shown of this supplier's holdings."""

    partner: str  # profile name
    standing: RotaLineStatus = RotaLineStatus.WAITING
    why: StoredSentence = ""
    last_resort: bool = False
    by_hand: bool = False  # staff put it there: before all others, whatever catalogue and ranking say
    catalogue: str = ""  # profile name; empty: none, or it has been looked into
    held: StoredSentence = ""


class VolumeState(StrEnum):
    EXPECTED = "expected"
    SHIPPED = "shipped"
    RECEIVED = "received"
    LENT = "lent"
    BACK = "back"
    RETURNED = "returned"
    CHECKED_IN = "checked-in"
    LOST = "lost"


@value_object
class Volume:
    """One physical piece. `barcode` is ours (the temporary record's, or the lender's own item), `theirs` the
    partner's; `call_number` that of whoever lends it."""

    id: str
    label: str = ""
    state: VolumeState = VolumeState.EXPECTED
    barcode: str = ""
    theirs: str = ""
    in_transit: bool = False  # received, and on its way to the patron's pickup place
    call_number: str = ""


@value_object
class RenewalAnswer:
    """Our last answer to a renewal, as the lender."""

    granted: bool
    at: datetime


class PatronLoan(StrEnum):
    """The patron's loan of what the supplier in hand has sent."""

    NEVER = "never"
    NOW = "now"
    OVER = "over"  # brought back, or used in the library until it went back


@value_object(kw_only=True)
class LoanTerms:
    """The terms of the loan between the libraries, and of the patron's loan that follows from it. Both dates are
    kept."""

    lender_due: date | datetime | None = None
    patron_due: datetime | None = None
    patron_loan: PatronLoan = PatronLoan.NEVER
    conditions: tuple[LoanCondition, ...] = ()
    renewals_allowed: bool = True
    renewals: int = 0
    note: str = ""
    renewal_wish: date | datetime | None = None
    """The day that a borrower's last renewal asked for."""
    renewal_answer: RenewalAnswer | None = None
    """None: something else has happened since."""


@value_object(kw_only=True)
class PatronQuery:
    """A question to the patron: accept this cost, this edition, use in the library only?"""

    id: str
    about: str  # cost, edition, library-use-only, wanted, other
    text: str
    cost: Money | None = None  # what the supplier asked for then: a yes is to no more than that
    asked: datetime
    answer_by: datetime | None = None
    answer: str = ""  # yes, no; empty: open
    answered: datetime | None = None

    @property
    def has_run_out(self) -> bool:
        """True if nobody answered, so that it counts as no."""
        return self.answered is not None and self.answer_by is not None and self.answered >= self.answer_by


STILL_WANTED = "wanted"
"""What a patron is asked about who may not want it any more: a no is a cancellation, silence is none."""


@value_object
class RequestNote:
    at: datetime
    by: str
    text: StoredSentence
    for_partner: bool = False


@value_object(kw_only=True)
class Attachment:
    """A file; its bytes are kept by the store under `id`."""

    id: str
    name: str
    media_type: str
    size: int
    pages: int | None = None
    sha256: str = ""
    at: datetime


@value_object(kw_only=True)
class ItemCandidate:
    """An item of ours that may be what is asked for. `confidence` 0 to 100; `how` says what agreed."""

    bib_id: str
    title: str
    author: str = ""
    published: str = ""
    barcode: str = ""
    call_number: str = ""
    confidence: int
    how: StoredSentence
    lendable: bool = True
    why_not: StoredSentence = ""  # a word of `ReasonCodes`, or a sentence


@value_object(kw_only=True)
class SignOff:
    """A decision about copyright; every one is kept."""

    at: datetime
    by: str
    basis: str  # the rule or statement relied on
    granted: bool
    note: str = ""


@value_object(kw_only=True)
class Request:
    """`version` counts changes (against lost updates). `number` is what people see; `id` never changes.

    For lending, `partner` is the requester and `transaction` its number of the request; for borrowing, `partner` is
    the supplier of the current attempt.
    """

    library: str
    id: str
    role: Role
    state: State
    number: str
    created: datetime
    changed: datetime
    version: int = 1
    citation: Citation = field(default_factory=Citation)
    service: RequestedService = RequestedService()
    dates: RequestDates = RequestDates()
    costs: RequestCosts = RequestCosts()
    terms: LoanTerms = LoanTerms()
    flags: frozenset[RequestFlag] = frozenset()
    partner: LibraryParty = LibraryParty()
    transaction: str = ""
    source: str = ""  # api, staff, patron, ncip, iso18626, openurl, partner
    branch: str = ""
    volumes: tuple[Volume, ...] = ()
    assignee: str = ""  # of the staff, who sees to it; empty: nobody in particular
    labels: tuple[str, ...] = ()  # words of staff's own, by which they sort requests
    notes: tuple[RequestNote, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    extras: tuple[CitationExtra, ...] = ()
    external: tuple[str, ...] = ()  # numbers of the same request in other systems (ILLiad, a broker)
    warnings: tuple[StoredSentence, ...] = ()  # of the checks at intake, for staff
    last_event: str = ""  # id of the newest row of its history, behind which the next one stands
    other_leg: OtherLeg | None = None  # we broker it
    # borrowing
    patron: PatronLink = PatronLink()
    mediated: bool = True
    rota_name: str = ""
    rota: tuple[RotaLine, ...] = ()
    attempts: tuple[SupplierAttempt, ...] = ()
    current: int = 0  # number of the attempt that counts; 0: none
    query: PatronQuery | None = None
    ending: RequestEnding | None = None  # staff have closed it so
    hold_id: str = ""
    # lending
    candidates: tuple[ItemCandidate, ...] = ()
    item_barcode: str = ""
    loan_id: str = ""
    borrower_id: str = ""  # the patron record on whose account the item is lent
    direct_patron: PatronLink = PatronLink()  # loan to requester: the other institution's patron, here
    sign_offs: tuple[SignOff, ...] = ()
    digitised_by: str = ""  # who made the copy, as histories name them
    answered_in: int = 0  # version in which the requester was first told anything of it; 0: not yet
    before_cancel: LendingState | None = None  # while a cancellation waits: where it leads back to

    @property
    def open(self) -> bool:
        return self.state not in TERMINAL

    @property
    def desk(self) -> str:
        """Code of the place whose desk has to do with it: where it is collected, else the branch of the patron. A copy
        is not collected, although its request names a place too."""
        pickup = self.patron.pickup
        return self.branch or pickup if self.service.type is ServiceType.COPY else pickup or self.branch

    @property
    def is_loss_settled(self) -> bool:
        """True if it ended with the settling of a loss, and what was lost has not turned up since."""
        lost = any(volume.state is VolumeState.LOST for volume in self.volumes)
        if self.role is Role.LENDING:
            return lost and self.state is LendingState.COMPLETED
        nobody_has_it = self.attempt is not None and self.attempt.status is AttemptStatus.LOST
        return lost and nobody_has_it and self.state is BorrowingState.COMPLETED

    @property
    def is_delivered(self) -> bool:
        """Borrowing, of what has ended or is on its way back: whether the patron has had it. A copy stays."""
        if self.service.type is ServiceType.COPY:
            came = (VolumeState.EXPECTED, VolumeState.SHIPPED, VolumeState.RECEIVED)
            return self.state is BorrowingState.COMPLETED and all(volume.state in came for volume in self.volumes)
        return self.terms.patron_loan is not PatronLoan.NEVER

    @property
    def is_lost(self) -> bool:
        """True if it ended with a loss, settled or not."""
        return self.state in (BorrowingState.LOST, LendingState.LOST) or self.is_loss_settled

    @property
    def is_brokered(self) -> bool:
        """Other libraries are asked for it, and no item of our own is found for it after all."""
        return self.other_leg is not None and not self.lent_barcodes

    @property
    def can_ship_own_item(self) -> bool:
        """Lending: whether what our staff ship is an item of ours, also in place of a supplier whose own would go
        straight to the requester."""
        leg = self.other_leg
        if leg is None or not self.is_brokered:
            return True
        return leg.delivery is BrokeredDelivery.DIRECT and self.state is not LendingState.SHIPPED

    @property
    def attempt(self) -> SupplierAttempt | None:
        """The attempt that counts now."""
        return self.find_attempt(self.current)

    def find_attempt(self, number: int) -> SupplierAttempt | None:
        return next((attempt for attempt in self.attempts if attempt.number == number), None)

    def find_attempt_of_transaction(self, transaction: str) -> SupplierAttempt | None:
        return next((attempt for attempt in self.attempts if attempt.transaction == transaction), None)

    @property
    def lent_barcodes(self) -> tuple[str, ...]:
        """Lending: of our items that are out, or were chosen to go out."""
        of_volumes = tuple(volume.barcode for volume in self.volumes if volume.barcode)
        return of_volumes or ((self.item_barcode,) if self.item_barcode else ())

    def find_candidate(self, barcode: str) -> ItemCandidate | None:
        """Lending: what was found out about an item of ours when it was looked for."""
        return next((candidate for candidate in self.candidates if barcode and candidate.barcode == barcode), None)

    def find_attempt_on_record(self, barcode: str) -> SupplierAttempt | None:
        """The supplier whose item with this temporary barcode was lost or is to be sent back, though the request has
        gone on without it."""
        lost = any(volume.barcode == barcode and volume.state is VolumeState.LOST for volume in self.volumes)
        current = self.attempt if lost and not self.is_lost else None
        past = (attempt for attempt in self.attempts if barcode in attempt.pieces)
        supplier_attempt = current or next(past, None)
        return supplier_attempt if supplier_attempt is not None and supplier_attempt.status in ON_RECORD else None

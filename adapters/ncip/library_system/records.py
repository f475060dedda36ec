"""Values of the gateway for what a system says of patrons, items and records in its answers. Pure.

The words are those of the dialect, the other way round: what our own responder would write for a status or a branch is
what is read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, tzinfo

from adapters.ncip.library_system.options import NcipLibraryOptions, PatronList
from adapters.ncip.messages import (
    AccountDetails,
    Amount,
    BibInformation,
    ItemInformation,
    ItemOptionalFields,
    LoanedItem,
    Location,
    LookupItemResponse,
    LookupUserResponse,
    RequestedItem,
    UserOptionalFields,
    UserPrivilege,
    When,
)
from adapters.ncip.services.command_reader import (
    STATUS_WORDS,
    CommandReader,
    description_of_fields,
    read_bib,
    read_call_number,
    read_contacts,
    read_person_name,
    text_of_code,
    to_local_day,
)
from adapters.ncip.services.result_writer import HOLD_STATUSES, STATUSES
from adapters.ncip.wire_values import CirculationState
from gateway.domain import library
from gateway.domain.library import (
    Bib,
    Block,
    BlockCause,
    BlockScope,
    HoldStatus,
    Item,
    ItemStatus,
    Money,
    Patron,
    PatronIdentifier,
    PersonName,
)
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import ExchangeContext

RECORD_PREFIX = "item:"
EXPIRED = "the membership has expired"
BLOCKED = "the library's system has blocked the patron"

CHARGED = frozenset({ItemStatus.ON_LOAN, ItemStatus.RECALLED, ItemStatus.CLAIMED_RETURNED})

_MORE_STATUS_WORDS = {
    CirculationState.CHECKED_IN.lower(): ItemStatus.AVAILABLE,  # KOHA
    CirculationState.ON_HOLD.lower(): ItemStatus.ON_HOLD_SHELF,  # OCLC
}
_SCOPE_WORDS = (
    ("check out", BlockScope.BORROW),
    ("hold", BlockScope.REQUEST),
    ("request", BlockScope.REQUEST),
    ("renew", BlockScope.RENEW),
)
"""Within a BlockOrTrapType (facts/ncip.md 3.6); one with none of them forbids everything."""

_OWN_KEYS = frozenset({"primary key", "uuid", "unique id"})
"""Types of a system's own keys, which name nobody outside it."""


@value_object
class ListedLoan:
    barcode: str
    due: datetime | None
    title: str


@value_object
class ListedHold:
    barcode: str
    request_id: str  # as the system has it: the number that was sent, or one of its own
    status: HoldStatus
    placed: datetime | None
    pickup: str
    position: int
    ready_until: date | None
    title: str


@value_object
class ListedFee:
    reference: str
    amount: Money
    type: str
    posted: datetime | None
    description: str
    barcode: str
    request_id: str


@value_object
class NcipPatron:
    """`told`: which lists it has, or counts."""

    patron: Patron
    loans: tuple[ListedLoan, ...] = ()
    holds: tuple[ListedHold, ...] = ()
    fees: tuple[ListedFee, ...] = ()
    told: tuple[PatronList, ...] = ()

    def has_on_loan(self, barcode: str) -> bool:
        return any(loan.barcode == barcode for loan in self.loans)

    def find_loan(self, barcode: str) -> ListedLoan | None:
        return next((loan for loan in self.loans if loan.barcode == barcode), None)

    def find_hold(self, barcode: str, request_id: str) -> ListedHold | None:
        """Find a hold by its number, else by its item."""
        by_number = (hold for hold in self.holds if request_id and hold.request_id == request_id)
        by_item = (hold for hold in self.holds if barcode and hold.barcode == barcode)
        return next(by_number, None) or next(by_item, None)


@value_object
class NcipItem:
    """`is_told` False: the system has no look-up of items, so this is what the gateway remembers. `borrower`: empty
    where the system doesn't say."""

    item: Item
    bib: Bib
    borrower: str = ""
    ready_until: date | None = None
    is_told: bool = True

    @property
    def is_charged(self) -> bool:
        return self.item.status in CHARGED


@value_object
class NcipRecordReader:
    options: NcipLibraryOptions
    zone: tzinfo
    currency: str

    # --- patrons -----------------------------------------------------------------------------------------

    def read_patron(self, answer: LookupUserResponse, number: str, now: datetime) -> NcipPatron:
        """`number`: by which the system knows the patron in later messages."""
        reader = self._make_reader(now)
        fields = answer.user_optional_fields or UserOptionalFields()
        accounts = answer.user_fiscal_accounts
        patron = Patron(
            id=number,
            identifiers=self._read_identifiers(fields, number),
            name=read_person_name(fields.name_information) or PersonName(""),
            category=self._read_privilege(fields, "category"),
            home_library=self._read_privilege(fields, "library") or self.options.branch,
            contacts=read_contacts(fields.user_address_information, reader),
            blocks=tuple(self._read_blocks(fields)),
            expires=min((day for day in self._list_ends(fields, reader) if day is not None), default=None),
            balance=_read_money(accounts[0].account_balance) if accounts else None,
            loan_count=_count_records(answer.loaned_items_counts, answer.loaned_items),
            hold_count=_count_records(answer.requested_items_counts, answer.requested_items),
            language=text_of_code(fields.user_languages[0]) if fields.user_languages else "",
            date_of_birth=fields.date_of_birth,
        )
        return NcipPatron(
            patron,
            tuple(loan for item in answer.loaned_items if (loan := self._read_loan(item)) is not None),
            tuple(self._read_hold(item, reader) for item in answer.requested_items),
            tuple(fee for account in accounts for detail in account.account_details if (fee := self._read_fee(detail))),
            _list_told(answer),
        )

    def _read_identifiers(self, fields: UserOptionalFields, number: str) -> tuple[PatronIdentifier, ...]:
        types = {wire.lower(): ours for ours, wire in self.options.ncip.patrons.id_types.items()}
        ids: list[PatronIdentifier] = []
        for user_id in fields.user_ids:
            word = text_of_code(user_id.identifier_type).strip().lower()
            if user_id.value and word not in _OWN_KEYS:
                ids.append(PatronIdentifier(types.get(word, word) or self.options.patrons.types[0], user_id.value))
        if number not in {identifier.value for identifier in ids}:
            ids.insert(0, PatronIdentifier(self.options.patrons.types[0], number))
        return tuple(dict.fromkeys(ids))

    def _read_privilege(self, fields: UserOptionalFields, value: str) -> str:
        """Read the type of the privilege in which the dialect has this value; in our own word."""
        rules = self.options.ncip.patrons
        types = {rule.type.casefold() for rule in rules.privileges if rule.value == value and rule.type}
        word = next((_status_of(entry) for entry in fields.user_privileges if _type_of(entry).casefold() in types), "")
        words = {"category": rules.categories, "library": rules.libraries}.get(value, {})
        return next((ours for ours, theirs in words.items() if theirs == word), word)

    def _read_blocks(self, fields: UserOptionalFields) -> Iterable[Block]:
        status = self._read_privilege(fields, "status").casefold()
        rules, own = self.options.ncip.patrons, self.options.patrons
        if status in {rules.status_expired.casefold(), *(word.casefold() for word in own.expired_words)}:
            yield Block(EXPIRED, cause=BlockCause.EXPIRED)
        words = [text_of_code(block.block_or_trap_type) for block in fields.block_or_traps]
        blocks = [word for word in words if not word.casefold().startswith("trap")]
        if status in {rules.status_blocked.casefold(), *(word.casefold() for word in own.blocked_words)}:
            yield Block(BLOCKED, frozenset({BlockScope.BORROW}) if blocks else frozenset(BlockScope))
        for word in blocks:
            yield Block(word, self._scopes_of_block(word))

    def _scopes_of_block(self, word: str) -> frozenset[BlockScope]:
        own = {BlockScope(scope) for scope, text in self.options.ncip.patrons.block_words.items() if text == word}
        scopes = own or {scope for part, scope in _SCOPE_WORDS if part in word.casefold()}
        return frozenset(scopes or BlockScope)

    def _list_ends(self, fields: UserOptionalFields, reader: CommandReader) -> Iterable[date | None]:
        return (to_local_day(privilege.valid_to_date, reader) for privilege in fields.user_privileges)

    def _read_loan(self, item: LoanedItem) -> ListedLoan | None:
        if item.item_id is None:
            return None
        return ListedLoan(item.item_id.value, self.to_moment(item.date_due), item.title or "")

    def _read_hold(self, item: RequestedItem, reader: CommandReader) -> ListedHold:
        return ListedHold(
            barcode=item.item_id.value if item.item_id is not None else "",
            request_id=item.request_id.value if item.request_id is not None else "",
            status=self.read_hold_status(text_of_code(item.request_status_type)),
            placed=self.to_moment(item.date_placed),
            pickup=text_of_code(item.pickup_location),
            position=item.hold_queue_position or 0,
            ready_until=to_local_day(item.pickup_expiry_date, reader),
            title=item.title or "",
        )

    def read_hold_status(self, word: str) -> HoldStatus:
        """Read the status of a hold that the system lists: one that waits, unless it says more."""
        own = self.options.ncip.requests.statuses
        words = {text.casefold(): status for status, text in own.items()}
        standard = {HOLD_STATUSES[status].casefold(): status for status in (HoldStatus.READY, HoldStatus.EXPIRED)}
        return words.get(word.casefold()) or standard.get(word.casefold()) or HoldStatus.WAITING

    def _read_fee(self, account_details: AccountDetails) -> ListedFee | None:
        fiscal = account_details.fiscal_transaction_information
        amount = _read_money(fiscal.amount) if fiscal is not None else None
        if fiscal is None or amount is None:
            return None
        details = fiscal.item_details
        return ListedFee(
            reference=fiscal.reference_id.value if fiscal.reference_id is not None else "",
            amount=amount,
            type=text_of_code(fiscal.transaction_type),
            posted=self.to_moment(account_details.accrual_date),
            description=fiscal.description or "",
            barcode=details.item_id.value if details is not None and details.item_id is not None else "",
            request_id=fiscal.request_id.value if fiscal.request_id is not None else "",
        )

    # --- items -------------------------------------------------------------------------------------------

    def read_item(self, answer: LookupItemResponse, barcode: str, now: datetime) -> NcipItem:
        reader = self._make_reader(now)
        fields = answer.item_optional_fields or ItemOptionalFields()
        bib = self.read_bib(fields, barcode, reader)
        transaction = answer.item_transaction
        borrower = transaction.current_borrower if transaction is not None else None
        queue = len(transaction.current_requesters) if transaction is not None else 0
        item = self._make_item(fields, barcode, bib, self.to_moment(fields.date_due), queue)
        if answer.date_recalled is not None and item.status is ItemStatus.ON_LOAN:
            item = replace(item, status=ItemStatus.RECALLED)
        return NcipItem(
            item, bib, borrower.value if borrower is not None else "", to_local_day(answer.hold_pickup_date, reader)
        )

    def read_listed_item(self, information: ItemInformation, bib: Bib) -> Item | None:
        """Read an item of a LookupItemSet; None for one that has no id."""
        if information.item_id is None or not information.item_id.value:
            return None
        fields = information.item_optional_fields or ItemOptionalFields()
        due = self.to_moment(information.date_due or fields.date_due)
        return self._make_item(fields, information.item_id.value, bib, due, len(information.current_requesters))

    def _make_item(self, fields: ItemOptionalFields, barcode: str, bib: Bib, due: datetime | None, queue: int) -> Item:
        status = self.read_item_status(text_of_code(fields.circulation_status))
        home, current = self._read_places(fields.locations)
        description = fields.item_description
        restricted = {self.options.ncip.items.restriction_library_use.casefold(), "in library use only"}
        return Item(
            id=barcode,
            barcode=barcode,
            bib_id=bib.id,
            status=status,
            policy="",
            home=home,
            current=current,
            call_number=read_call_number(fields),
            copy_number=(description.copy_number or "") if description is not None else "",
            pieces=(description.number_of_pieces or 1) if description is not None else 1,
            hold_count=fields.hold_queue_length if fields.hold_queue_length is not None else queue,
            circulates=not any(
                text_of_code(code).casefold() in restricted for code in fields.item_use_restriction_types
            ),
            due=due if status in CHARGED else None,
        )

    def read_item_status(self, word: str) -> ItemStatus:
        """An item of whose status nothing, or nothing that we know, is said is not available."""
        rules, text = self.options.ncip.items, word.strip().lower()
        own = {theirs.lower(): status for status, theirs in rules.statuses.items()}
        standard = {theirs.lower(): status for status, theirs in STATUSES.items()}
        for words in (rules.status_words, own, standard, STATUS_WORDS, _MORE_STATUS_WORDS):
            if text in words:
                return words[text]
        return ItemStatus.NOT_AVAILABLE

    def _read_places(self, places: tuple[Location, ...]) -> tuple[library.Location, library.Location]:
        """Read where the item belongs, and where it is."""
        words = ("current", "temporary")
        away = [place for place in places if text_of_code(place.location_type).lower().startswith(words)]
        settled = [place for place in places if place not in away]
        home = self._read_place(settled[0]) if settled else library.Location(self.options.branch)
        return home, self._read_place(away[0]) if away else home

    def _read_place(self, place: Location) -> library.Location:
        levels = self.options.ncip.items.location_levels
        names: dict[str, str] = {}
        for instance in place.name.instances if place.name is not None else ():
            if instance.level is not None and 1 <= instance.level <= len(levels):
                names[levels[instance.level - 1]] = instance.value
        branch = names.get("branch") or self.options.branch
        return library.Location(branch, names.get("shelf", ""), names.get("name", ""))

    def read_bib(self, fields: ItemOptionalFields, barcode: str, reader: CommandReader) -> Bib:
        """The record's own number counts only where it can be asked about."""
        bib = read_bib(description_of_fields(fields), reader)
        return replace(bib, id=self.number_of_bib(bib) or f"{RECORD_PREFIX}{barcode}")

    def describe_bib(self, information: BibInformation, now: datetime) -> Bib:
        """Describe a record without a number of its own."""
        return read_bib(information.bibliographic_description, self._make_reader(now))

    def number_of_bib(self, bib: Bib) -> str:
        if not self.options.is_answered("LookupItemSet"):
            return ""
        codes = {"local", self.options.ncip.items.record_codes.get("local", "local").lower()}
        return next((identifier.value for identifier in bib.identifiers if identifier.type.lower() in codes), "")

    # --- moments -----------------------------------------------------------------------------------------

    def to_moment(self, when: When | None) -> datetime | None:
        """Return the moment in UTC; a day ends at 23:59 in the library's zone."""
        if when is None or isinstance(when, datetime):
            return when
        return datetime.combine(when, time(23, 59), tzinfo=self.zone).astimezone(UTC)

    def _make_reader(self, now: datetime) -> CommandReader:
        exchange = ExchangeContext(Profile(name="library-system"), "", self.zone, self.currency, now)
        return CommandReader(self.options.ncip, self.options.policy, exchange, "", "")


def _type_of(privilege: UserPrivilege) -> str:
    return text_of_code(privilege.agency_user_privilege_type).strip()


def _status_of(privilege: UserPrivilege) -> str:
    return text_of_code(privilege.status.status_type).strip() if privilege.status is not None else ""


def _list_told(answer: LookupUserResponse) -> tuple[PatronList, ...]:
    lists: list[PatronList] = []
    if answer.loaned_items_counts or answer.loaned_items:
        lists.append("loans")
    if answer.requested_items_counts or answer.requested_items:
        lists.append("holds")
    if answer.user_fiscal_accounts:
        lists.append("fees")
    return tuple(lists)


def _count_records(counts: Iterable[object], listed: tuple[object, ...]) -> int:
    """Count what the system counts, or lists."""
    numbers = [number for count in counts if (number := getattr(count, "count", None)) is not None]
    return sum(numbers) if numbers else len(listed)


def _read_money(amount: Amount | None) -> Money | None:
    """None where it isn't said, or is in no currency of ISO 4217."""
    try:
        return amount.money if amount is not None else None
    except ValueError:
        return None

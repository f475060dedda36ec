"""Questions to the system, and what the gateway remembers of its own loans, holds and temporary items there.

NCIP gives loans no numbers, and few systems tell whose request an item is here for: that the gateway knows of what it
made itself (`LibraryChanges`).
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import TypeAdapter

from adapters.library.change_sending import LOAN_JSON, ChangeDesk, find_open_change
from adapters.library.refusals import make_refusal
from adapters.ncip.client import CredentialInput, MessageValues
from adapters.ncip.library_system.client import NcipLibraryClient
from adapters.ncip.library_system.options import NcipLibraryOptions, PatronList
from adapters.ncip.library_system.records import RECORD_PREFIX, NcipItem, NcipPatron, NcipRecordReader
from adapters.ncip.messages import BibInformation, LookupItemResponse, LookupItemSetResponse, LookupUserResponse
from gateway.domain.clock import Clock
from gateway.domain.library import Bib, IdentifierType, Item, ItemStatus, Loan, Location, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_system import BibHoldings, PatronKey, TemporaryItem

USER_ELEMENTS = ("Name Information", "User Address Information", "User Privilege", "Block Or Trap")
ITEM_ELEMENTS = (
    "Bibliographic Description",
    "Circulation Status",
    "Hold Queue Length",
    "Item Description",
    "Item Use Restriction Type",
    "Location",
)
MAX_ITEM_SET_PAGES = 50
NOT_FOUND = frozenset({RefusalReason.UNKNOWN_PATRON, RefusalReason.PATRON_AUTH_FAILED, RefusalReason.OTHER})
"""Of a patron who was not found by UserId, in a look-up by other inputs: FOLIO's fails there in words of a crash."""


@value_object
class KeptTemporaryItem:
    """The memory of a temporary item. `item` as it was when it was made."""

    wish: TemporaryItem
    item: Item
    bib: Bib


KEPT_ITEM_JSON: TypeAdapter[KeptTemporaryItem] = TypeAdapter(KeptTemporaryItem)


@value_object
class NcipDesk(ChangeDesk):
    """All that the parts of this adapter share."""

    client: NcipLibraryClient
    options: NcipLibraryOptions
    reader: NcipRecordReader
    changes: LibraryChanges
    clock: Clock

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.reader.zone).date()

    # --- patrons -----------------------------------------------------------------------------------------

    async def find_patron(self, key: PatronKey) -> NcipPatron:
        """Find a patron by UserId, then by the kinds of AuthenticationInput that the settings name.

        Raises Refused(UNKNOWN_PATRON), Unavailable.
        """
        if not is_named_by(key.types, self.options) or not key.value:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        try:
            return await self.ask_patron(key.value, self._lists)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_PATRON or key.types == (IdentifierType.INTERNAL.value,):
                raise
        for kind in self.options.patrons.inputs:
            try:
                return await self._ask_by_inputs((CredentialInput(kind, key.value),), self._lists)
            except Refused as refused:
                if refused.reason not in NOT_FOUND:
                    raise
        raise make_refusal(RefusalReason.UNKNOWN_PATRON)

    @property
    def _lists(self) -> tuple[PatronList, ...]:
        return self.options.patrons.lists

    async def ask_patron(self, patron_id: str, lists: tuple[PatronList, ...] | None = None) -> NcipPatron:
        """Ask for a patron with these lists; None: those that the settings name. Raises Refused(UNKNOWN_PATRON),
        Unavailable."""
        if not patron_id:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        wanted = self._lists if lists is None else lists
        answer = await self._look_up_user(replace(self._describe_question(wanted), patron=patron_id))
        return self.reader.read_patron(answer, patron_id, self.now())

    async def check_secret(self, number: str, secret: str) -> NcipPatron:
        """Check a secret; raises Refused as the system words it, Unavailable."""
        patrons = self.options.patrons
        inputs = (CredentialInput(patrons.name_input, number), CredentialInput(patrons.pin_input, secret))
        return await self._ask_by_inputs(inputs, self._lists)

    async def _ask_by_inputs(self, inputs: tuple[CredentialInput, ...], lists: tuple[PatronList, ...]) -> NcipPatron:
        answer = await self._look_up_user(replace(self._describe_question(lists), inputs=inputs))
        number = answer.user_id.value if answer.user_id is not None and answer.user_id.value else inputs[0].value
        return self.reader.read_patron(answer, number, self.now())

    def _describe_question(self, lists: tuple[PatronList, ...]) -> MessageValues:
        number = "Visible User Id" if self.options.ncip.xml.version.is_v1 else "User Id"
        return MessageValues(
            elements=(*USER_ELEMENTS, number),
            loans="loans" in lists,
            holds="holds" in lists,
            fees="fees" in lists,
        )

    async def _look_up_user(self, values: MessageValues) -> LookupUserResponse:
        return await self.client.ask(LookupUserResponse, values)

    # --- items -------------------------------------------------------------------------------------------

    async def ask_item(self, barcode: str) -> NcipItem:
        """Return what the system says of an item; of a temporary item of ours with what we know besides. Where it has
        no look-up of items, what we remember: then any barcode is taken for that of an item, and the system's answer to
        a change decides.

        Raises Refused(UNKNOWN_ITEM), Unavailable.
        """
        if not barcode:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        changes = await self.changes.changes_of_item(barcode)
        temporary_item = find_temporary_item(changes)
        if not self.options.is_answered("LookupItem"):
            return self._remember_item(barcode, changes, temporary_item)
        answer = add_due(await self.look_up_item(barcode), changes)
        return answer if temporary_item is None else add_memory(answer, temporary_item)

    async def look_up_item(self, barcode: str) -> NcipItem:
        """Look up an item; raises Refused(UNKNOWN_ITEM), Unavailable."""
        values = MessageValues(items=(barcode,), elements=ITEM_ELEMENTS, borrower=True)
        answer = await self.client.ask(LookupItemResponse, values)
        return self.reader.read_item(answer, barcode, self.now())

    def _remember_item(
        self, barcode: str, changes: tuple[LibraryChange, ...], temporary_item: LibraryChange | None
    ) -> NcipItem:
        loan = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)
        due = LOAN_JSON.validate_json(loan.value).due if loan is not None and loan.value else None
        gone = any(change.kind is ChangeKind.TEMPORARY_ITEM_DELETION and change.ended is not None for change in changes)
        if temporary_item is None and gone:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        branch = Location(self.options.branch)
        item = Item(barcode, barcode, f"{RECORD_PREFIX}{barcode}", ItemStatus.AVAILABLE, "", branch, branch)
        if loan is not None and (loan.ended is not None or loan.value):
            item = replace(item, status=ItemStatus.ON_LOAN, due=due)
        answer = NcipItem(item, Bib(id=item.bib_id), is_told=False)
        return answer if temporary_item is None else add_memory(answer, temporary_item)

    async def barcode_of_item(self, item_id: str) -> str:
        """An item has its barcode for its number; a temporary item of ours one of its own."""
        changes = await self.changes.changes_of_record(item_id)
        temporary_item = next((change for change in changes if change.kind is ChangeKind.TEMPORARY_ITEM), None)
        return temporary_item.barcode if temporary_item is not None else item_id

    # --- records -----------------------------------------------------------------------------------------

    async def find_holdings(self, record: RecordId) -> BibHoldings:
        """Find the holdings, asked for page by page. Raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM), Unavailable."""
        code = self.options.ncip.items.record_codes.get(record.type, record.type.upper())
        items: list[Item] = []
        bib, queue, cursor = Bib(), 0, ""
        for _ in range(MAX_ITEM_SET_PAGES):
            values = MessageValues(records=(RecordId(code, record.value),), elements=ITEM_ELEMENTS, cursor=cursor)
            try:
                answer = await self.client.ask(LookupItemSetResponse, values)
            except Refused as refused:
                if refused.reason in (RefusalReason.UNKNOWN_ITEM, RefusalReason.UNKNOWN_RECORD):
                    raise make_refusal(RefusalReason.UNKNOWN_RECORD, refused.internal) from refused
                raise
            if len(answer.bibs) != 1:
                reason = RefusalReason.AMBIGUOUS_ITEM if answer.bibs else RefusalReason.UNKNOWN_RECORD
                raise make_refusal(reason, about=MessagePart.RECORD)
            entry = answer.bibs[0]
            if entry.problems:
                raise make_refusal(RefusalReason.UNKNOWN_RECORD, "; ".join(p.detail or "" for p in entry.problems))
            if not bib.id:
                described = self.reader.describe_bib(entry, self.now())
                bib = replace(described, id=self.reader.number_of_bib(described) or self._number_of_set(entry, record))
            queue = entry.title_hold_queue_length or queue
            listed = (self.reader.read_listed_item(item, bib) for held in entry.holdings_sets for item in held.items)
            items += [item for item in listed if item is not None]
            cursor = answer.next_item_token or ""
            if not cursor:
                break
        return BibHoldings(bib, tuple(items), queue)

    @staticmethod
    def _number_of_set(information: BibInformation, record: RecordId) -> str:
        """Return the number where the description holds none: that of the only holdings set, or the one that was asked
        for."""
        sets = [held.holdings_set_id for held in information.holdings_sets if held.holdings_set_id]
        if record.type == "local":
            return record.value
        if len(sets) != 1:
            raise make_refusal(
                RefusalReason.UNKNOWN_RECORD, "the system tells no number of the record", about=MessagePart.RECORD
            )
        return sets[0]

    # --- what we remember --------------------------------------------------------------------------------

    async def find_loan(self, answer: NcipItem, changes: tuple[LibraryChange, ...]) -> Loan | None:
        """The open loan of an item; `changes`: those of the item. Of a loan that we didn't make only what the system
        says is known: then `key` is empty, `lent` is the moment of the question, and `patron_id` is empty where it
        doesn't name the patron. Raises Unavailable."""
        if not answer.is_charged:
            return None
        barcode = answer.item.barcode
        ours = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)
        if ours is not None and ours.value and answer.borrower in ("", ours.patron_id):
            if answer.borrower or not answer.is_told or "loans" not in self._lists:
                return restore_loan(ours, answer.item.due)
            listed = (await self.ask_patron(ours.patron_id)).find_loan(barcode)
            if listed is not None:
                return restore_loan(ours, answer.item.due or listed.due)
        item = answer.item
        if item.due is None and answer.borrower and "loans" in self._lists:
            loan = (await self.ask_patron(answer.borrower)).find_loan(barcode)
            item = replace(item, due=loan.due) if loan is not None else item
        return self.describe_foreign_loan(item, answer.bib.title, answer.borrower)

    def describe_foreign_loan(self, item: Item, title: str, patron_id: str) -> Loan:
        return Loan(
            id=f"loan:{item.barcode}",
            key="",
            request_id="",
            item_id=item.id,
            item_barcode=item.barcode,
            bib_id=item.bib_id,
            patron_id=patron_id,
            lent=self.now(),
            due=item.due,
            title=title,
        )


def restore_loan(change: LibraryChange, due: datetime | None) -> Loan:
    """A loan of ours as it is now."""
    loan = LOAN_JSON.validate_json(change.value)
    return loan if due is None else replace(loan, due=due)


def find_temporary_item(changes: tuple[LibraryChange, ...]) -> LibraryChange | None:
    """The one that is here now, of those that we have made with this barcode."""
    ended = tuple(change for change in changes if change.ended is not None)
    return find_open_change(ChangeKind.TEMPORARY_ITEM, ChangeKind.TEMPORARY_ITEM_DELETION, ended)


def add_due(answer: NcipItem, changes: tuple[LibraryChange, ...]) -> NcipItem:
    """Add the date of an item that we have lent, where the system doesn't say when it is due (no NCIP before 2.02 has a
    place for it)."""
    lent = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)
    if answer.item.due is not None or not answer.is_charged or lent is None or not lent.value:
        return answer
    if answer.borrower not in ("", lent.patron_id):
        return answer
    return replace(answer, item=replace(answer.item, due=LOAN_JSON.validate_json(lent.value).due))


def add_memory(answer: NcipItem, change: LibraryChange) -> NcipItem:
    """A temporary item of ours: what the system says of it, and what AcceptItem told it or couldn't."""
    kept = KEPT_ITEM_JSON.validate_json(change.value)
    item = replace(answer.item, id=change.record_id, temporary=True, policy=kept.wish.policy)
    if answer.is_told:
        return replace(answer, item=item)
    item = replace(item, home=kept.item.home, current=kept.item.current, bib_id=kept.bib.id, pieces=kept.item.pieces)
    status = item.status if item.status in (ItemStatus.ON_LOAN,) else kept.item.status
    return replace(answer, item=replace(item, status=status), bib=kept.bib)


def is_named_by(types: tuple[str, ...], options: NcipLibraryOptions) -> bool:
    """Return whether the system can find a patron by one of these types of number; none: by its own."""
    return not types or bool({IdentifierType.INTERNAL.value, *options.patrons.types}.intersection(types))

"""Questions to FOLIO, and what the gateway remembers of its own requests and loans there.

What FOLIO keeps in several places is asked for at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from adapters.library.change_sending import HOLD_JSON, ChangeDesk
from adapters.library.folio.answers import (
    AccountAnswer,
    AutomatedBlockAnswer,
    FolioJson,
    HoldingsAnswer,
    InstanceAnswer,
    ItemAnswer,
    LoanAnswer,
    ManualBlockAnswer,
    RequestAnswer,
    ServicePointsOfUser,
    UserAnswer,
    read_answer,
)
from adapters.library.folio.client import FolioClient
from adapters.library.folio.code_tables import CodeTable, CodeTables
from adapters.library.folio.cql import (
    OPEN_LOAN,
    OPEN_REQUEST,
    match_all,
    match_any_index,
    match_any_value,
    match_part,
    match_value,
)
from adapters.library.folio.options import USER_FIELDS, FolioOptions
from adapters.library.folio.records import (
    LENT_STATUSES,
    ItemParts,
    ItemReader,
    OwnMarks,
    PatronParts,
    PatronReader,
    read_bib,
    read_hold,
    read_loan,
    read_name,
    read_owed,
)
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.clock import Clock
from gateway.domain.library import Bib, Hold, IdentifierType, Item, Loan, Patron
from gateway.domain.problems import RefusalReason, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChanges
from gateway.ports.library_system import NamedPatron, PatronKey

OPEN_ACCOUNT = 'status.name=="Open"'


@value_object
class ItemState:
    """An item with all that belongs to it. `record`: as FOLIO gave it; `requests`: open ones that it may fill."""

    record: FolioJson
    answer: ItemAnswer
    holdings: HoldingsAnswer
    requests: tuple[RequestAnswer, ...]
    loan: LoanAnswer | None

    @property
    def instance_id(self) -> str:
        return self.holdings.instance_id


@value_object
class FolioDesk(ChangeDesk):
    """All that the parts of this adapter share. `library`: symbol of the library whose system this is."""

    library: str
    client: FolioClient
    options: FolioOptions
    codes: CodeTables
    patrons: PatronReader
    changes: LibraryChanges
    clock: Clock
    zone: tzinfo

    def now(self) -> datetime:
        """Return the moment in whole milliseconds, as FOLIO has it."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.zone).date()

    # --- patrons -----------------------------------------------------------------------------------------

    async def find_user(self, key: PatronKey) -> UserAnswer:
        """Types of numbers in order, or those of `patron_types`. Raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON),
        Unavailable."""
        types = [name for name in key.types or self.options.patron_types if name in USER_FIELDS]
        if IdentifierType.INTERNAL.value in types and not is_uuid(key.value):
            types.remove(IdentifierType.INTERNAL.value)
        if not types or not key.value:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        query = match_any_index((USER_FIELDS[name] for name in types), key.value)
        users = [read_user(row) for row in await self.client.list_records("/users", "users", query)]
        for name in types:
            fitting = [user for user in users if _is_named(user, name, key.value)]
            if len(fitting) > 1:
                raise make_refusal(RefusalReason.AMBIGUOUS_PATRON)
            if fitting:
                return fitting[0]
        raise make_refusal(RefusalReason.UNKNOWN_PATRON)

    async def find_named_patrons(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        if not words:
            return ()
        fields = ("personal.lastName", "personal.firstName", "personal.preferredFirstName")
        query = match_all(*(f"({' or '.join(match_part(field, word) for field in fields)})" for word in words))
        sort = "personal.lastName personal.firstName"
        rows = await self.client.list_records("/users", "users", query, sort=sort, limit=limit)
        return tuple(_name_patron(read_user(row)) for row in rows)

    async def require_user(self, patron_id: str) -> tuple[FolioJson, UserAnswer]:
        """Load a user by FOLIO's id. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        record = await self.client.find_record("/users", patron_id) if is_uuid(patron_id) else None
        if record is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return record, read_user(record)

    async def load_patron(self, user: UserAnswer) -> Patron:
        """Load a patron; raises Unavailable."""
        client, of_user = self.client, match_value("userId", user.id)
        (manual, automated, accounts), (loans, holds, branch), (groups, address_types) = await ask_together(
            ask_together(
                client.list_records("/manualblocks", "manualblocks", of_user),
                client.ask(f"/automated-patron-blocks/{user.id}", title="/automated-patron-blocks/{id}"),
                client.list_records("/accounts", "accounts", match_all(of_user, OPEN_ACCOUNT)),
            ),
            ask_together(
                client.count_records("/circulation/loans", match_all(of_user, OPEN_LOAN)),
                client.count_records(
                    "/circulation/requests", match_all(match_value("requesterId", user.id), OPEN_REQUEST)
                ),
                self._load_branch(user.id),
            ),
            ask_together(
                self.codes.load_words(CodeTable.PATRON_GROUPS),
                self.codes.load_words(CodeTable.ADDRESS_TYPES) if user.personal.addresses else _load_nothing(),
            ),
        )
        parts = PatronParts(
            user=user,
            manual_blocks=tuple(read_answer(ManualBlockAnswer, row, "block") for row in manual),
            automated_blocks=_read_automated_blocks(automated),
            owed=read_owed(read_answer(AccountAnswer, account, "fee") for account in accounts),
            loan_count=loans,
            hold_count=holds,
            branch=branch,
        )
        return self.patrons.read_patron(parts, groups, address_types, self.clock.now())

    async def describe_new_patron(self, user: UserAnswer) -> Patron:
        """One who has been made just now, and so has nothing yet. Raises Unavailable."""
        groups, address_types = await ask_together(
            self.codes.load_words(CodeTable.PATRON_GROUPS),
            self.codes.load_words(CodeTable.ADDRESS_TYPES) if user.personal.addresses else _load_nothing(),
        )
        parts = PatronParts(user, (), (), Decimal(0), 0, 0, "")
        return self.patrons.read_patron(parts, groups, address_types, self.clock.now())

    async def _load_branch(self, user_id: str) -> str:
        rows, points = await ask_together(
            self.client.list_records("/service-points-users", "servicePointsUsers", match_value("userId", user_id)),
            self.codes.load_service_points(),
        )
        of_user = [read_answer(ServicePointsOfUser, row, "service points of a user") for row in rows]
        return points.code_of(of_user[0].default_service_point_id) if of_user else ""

    # --- items and records -------------------------------------------------------------------------------

    async def find_item_record(self, barcode: str) -> tuple[FolioJson, ItemAnswer] | None:
        """None: there is no such barcode. Raises Refused(AMBIGUOUS_ITEM), Unavailable."""
        if not barcode:
            return None
        rows = await self.client.list_records("/inventory/items", "items", match_value("barcode", barcode))
        same = [row for row in rows if row.get("barcode") == barcode]
        if len(same) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM)
        return (same[0], read_item_answer(same[0])) if same else None

    async def require_item_record(self, barcode: str) -> tuple[FolioJson, ItemAnswer]:
        """Load an item's record; raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM), Unavailable."""
        item_record = await self.find_item_record(barcode)
        if item_record is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return item_record

    async def require_item(self, barcode: str) -> ItemState:
        """Load an item; raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM), Unavailable."""
        return await self.complete_item(*await self.require_item_record(barcode))

    async def find_item_of_id(self, item_id: str) -> ItemState | None:
        """Find an item; raises Unavailable."""
        record = await self.client.find_record("/inventory/items", item_id) if is_uuid(item_id) else None
        return await self.complete_item(record, read_item_answer(record)) if record is not None else None

    async def complete_item(self, record: FolioJson, answer: ItemAnswer) -> ItemState:
        """Complete an item; raises Unavailable."""
        if self.options.title_requests:
            holdings, loan = await ask_together(self.load_holdings(answer), self._find_loan_of(answer))
            requests = await self.list_requests(answer.id, holdings.instance_id)
        else:
            holdings, loan, requests = await ask_together(
                self.load_holdings(answer), self._find_loan_of(answer), self.list_requests(answer.id, "")
            )
        return ItemState(record, answer, holdings, requests, loan)

    async def load_holdings(self, answer: ItemAnswer) -> HoldingsAnswer:
        """Load the holdings; raises Unavailable."""
        record = await self.client.find_record("/holdings-storage/holdings", answer.holdings_record_id)
        return read_answer(HoldingsAnswer, record, "holdings")

    async def _find_loan_of(self, answer: ItemAnswer) -> LoanAnswer | None:
        return await self.find_open_loan(answer.id) if answer.status.name in LENT_STATUSES else None

    async def find_open_loan(self, item_id: str) -> LoanAnswer | None:
        """Find the open loan; raises Unavailable, also where FOLIO has two: somebody there has to look at it."""
        query = match_all(match_value("itemId", item_id), OPEN_LOAN)
        rows = await self.client.list_records("/circulation/loans", "loans", query)
        if len(rows) > 1:
            raise Unavailable(write_sentence("FOLIO has more than one open loan of the same item"))
        return read_answer(LoanAnswer, rows[0], "loan") if rows else None

    async def list_requests(self, item_id: str, instance_id: str) -> tuple[RequestAnswer, ...]:
        """Open ones that this item may fill, the next first. `instance_id` empty: no titles are requested."""
        named = match_value("instanceId", instance_id) if instance_id else match_value("itemId", item_id)
        rows = await self.client.list_records(
            "/circulation/requests", "requests", match_all(named, OPEN_REQUEST), sort="position"
        )
        answers = [read_request(row) for row in rows]
        return tuple(
            hold for hold in answers if hold.item_id == item_id or (hold.request_level == "Title" and not hold.item_id)
        )

    async def make_item_reader(self) -> ItemReader:
        """Make a reader; raises Unavailable."""
        locations, points, loan_types = await ask_together(
            self.codes.load_locations(), self.codes.load_service_points(), self.codes.load_words(CodeTable.LOAN_TYPES)
        )
        return ItemReader(self.options, locations, points, loan_types)

    async def describe_item(self, state: ItemState) -> Item:
        """Describe an item; raises Unavailable."""
        reader = await self.make_item_reader()
        return reader.read_item(
            ItemParts(state.answer, state.instance_id, state.holdings, len(state.requests), state.loan)
        )

    async def find_instance(self, instance_id: str) -> InstanceAnswer | None:
        """Find an instance; raises Unavailable."""
        record = await self.client.find_record("/inventory/instances", instance_id) if is_uuid(instance_id) else None
        return read_answer(InstanceAnswer, record, "instance") if record is not None else None

    async def describe_bib(self, instance: InstanceAnswer) -> Bib:
        """Describe a record; raises Unavailable."""
        types = await self.codes.load_words(CodeTable.IDENTIFIER_TYPES) if instance.identifiers else {}
        return read_bib(instance, types)

    async def list_open_loans(self, item_ids: tuple[str, ...]) -> dict[str, LoanAnswer]:
        """List the open loans by item. Raises Unavailable."""
        if not item_ids:
            return {}
        query = match_all(match_any_value("itemId", item_ids), OPEN_LOAN)
        rows = await self.client.list_records("/circulation/loans", "loans", query)
        return {loan.item_id: loan for row in rows if (loan := read_answer(LoanAnswer, row, "loan"))}

    # --- requests and loans ------------------------------------------------------------------------------

    async def find_request(self, hold_id: str) -> tuple[FolioJson, RequestAnswer] | None:
        """Find a request; raises Unavailable."""
        record = await self.client.find_record("/circulation/requests", hold_id) if is_uuid(hold_id) else None
        return (record, read_request(record)) if record is not None else None

    async def describe_hold(self, request: RequestAnswer) -> Hold:
        """Describe a hold with what we remember of it. Raises Unavailable."""
        marks = OwnMarks()
        for change in await self.changes.changes_of_record(request.id):
            if change.kind is ChangeKind.HOLD:
                need_by = HOLD_JSON.validate_json(change.value).need_by if change.value else None
                marks = OwnMarks(change.key, change.request_id, need_by)
        return read_hold(request, marks, await self.codes.load_service_points(), self.zone)

    async def describe_loan(self, loan: LoanAnswer) -> Loan:
        """Describe a loan with what we remember of it; of a loan of a partner's item at FOLIO's own desk, the item's
        request number.

        Raises Unavailable.
        """
        marks = OwnMarks()
        for change in await self.changes.changes_of_record(loan.id):
            if change.kind is ChangeKind.CHECK_OUT:
                marks = OwnMarks(change.key, change.request_id)
        if not marks.request_id:
            marks = replace(marks, request_id=await self.find_request_of_item(loan.item_id))
        return read_loan(loan, marks)

    async def find_request_of_item(self, item_id: str) -> str:
        """The request number for which we made the item; empty where we didn't."""
        changes = await self.changes.changes_of_record(item_id)
        return next((change.request_id for change in changes if change.kind is ChangeKind.TEMPORARY_ITEM), "")


async def _load_nothing() -> dict[str, str]:
    return {}


def _read_automated_blocks(answer: object) -> tuple[AutomatedBlockAnswer, ...]:
    rows = answer.get("automatedPatronBlocks") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Unavailable(
            write_sentence("FOLIO's answer about the patron's blocks has no list 'automatedPatronBlocks'")
        )
    return tuple(read_answer(AutomatedBlockAnswer, row, "block") for row in rows)


def _is_named(user: UserAnswer, type_: str, value: str) -> bool:
    """FOLIO compares without case and accents. A name for signing in may be written so, a number may not."""
    read_number: dict[str, Callable[[UserAnswer], str]] = {
        IdentifierType.BARCODE.value: lambda user_: user_.barcode,
        IdentifierType.EXTERNAL.value: lambda user_: user_.external_system_id,
        IdentifierType.INTERNAL.value: lambda user_: user_.id,
    }
    if type_ == IdentifierType.USERNAME.value:
        return user.username.casefold() == value.casefold()
    return read_number[type_](user) == value


def is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def read_user(record: FolioJson) -> UserAnswer:
    return read_answer(UserAnswer, record, "patron")


def _name_patron(user: UserAnswer) -> NamedPatron:
    return NamedPatron(user.id, user.barcode or user.external_system_id or user.username, read_name(user))


def read_item_answer(record: FolioJson) -> ItemAnswer:
    return read_answer(ItemAnswer, record, "item")


def read_request(record: FolioJson) -> RequestAnswer:
    return read_answer(RequestAnswer, record, "request")

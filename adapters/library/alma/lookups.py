"""Questions to Alma, and what we remember of its loans and requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from adapters.library.alma.client import AlmaClient, AlmaRefusalError
from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.reasons import refusal_of_answer
from adapters.library.alma.records import (
    OCLC_PREFIX,
    AlmaRecordReader,
    is_for_item,
    is_hold,
    read_count,
    read_number,
    read_row,
    read_rows,
    read_text,
    read_texts,
)
from adapters.library.change_sending import HOLD_JSON, A, ChangeDesk
from adapters.library.json_fields import Row
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.clock import Clock
from gateway.domain.library import Bib, Hold, IdentifierType, Item, Loan, Patron, RecordId, sort_loans
from gateway.domain.problems import RefusalReason
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_system import BibHoldings, PatronKey

_OWN_ORDER = (IdentifierType.BARCODE.value, IdentifierType.USERNAME.value)
USER_TITLE = "/users/{user_id}"
_ITEM_TITLE = "/bibs/{mms_id}/holdings/{holding_id}/items/{item_pid}"


@value_object
class AlmaItem:
    """An item, with what was asked of it. `loan`: the open one; `holds`: those that it may fill, in order."""

    item: Item
    row: Row
    holds: tuple[Row, ...]
    loan: Row | None

    @property
    def path(self) -> tuple[str, ...]:
        return make_item_path(self.row)


@value_object
class AlmaDesk(ChangeDesk):
    """All that the parts of this adapter share."""

    client: AlmaClient
    options: AlmaOptions
    reader: AlmaRecordReader
    changes: LibraryChanges
    clock: Clock

    async def send_explained(self, send: Callable[[], Awaitable[A]]) -> A:
        try:
            return await send()
        except AlmaRefusalError as refusal:
            raise refusal_of_answer(refusal, self.options.reasons) from refusal

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.reader.zone).date()

    # --- patrons -----------------------------------------------------------------------------------------

    async def find_patron(self, key: PatronKey) -> Patron:
        """Alma looks among all identifiers; which one it was must be one of those asked for.

        Raises Refused(UNKNOWN_PATRON), Unavailable."""
        patron = await self.ask_patron(key.value, "all_unique")
        kinds = key.types or _OWN_ORDER
        if patron is None or not any(_has_identifier(patron, kind, key.value) for kind in kinds):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return patron

    async def ask_patron(self, value: str, id_type: str = "") -> Patron | None:
        """Ask for a patron by primary identifier, unless `id_type` says otherwise; None: there is no such user. Raises
        Unavailable."""
        row = await self.ask_user_row(value, id_type)
        return self.reader.read_patron(row, self.today()) if row is not None else None

    async def ask_user_row(self, value: str, id_type: str = "") -> Row | None:
        """Ask for a user with counts of loans and requests, and the sum of fees. Raises Unavailable."""
        if not value:
            return None
        query = {"expand": "loans,requests,fees", **({"user_id_type": id_type} if id_type else {})}
        return await self.client.get_row("users", value, title=USER_TITLE, query=query)

    async def require_patron(self, patron_id: str) -> Patron:
        """Load a patron; raises Refused(UNKNOWN_PATRON), Unavailable."""
        patron = await self.ask_patron(patron_id)
        if patron is None or patron.id.casefold() != patron_id.casefold():
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return patron

    # --- records -----------------------------------------------------------------------------------------

    async def find_bib(self, record: RecordId) -> Bib:
        """Find a record by Alma's number or OCLC's; what other numbers name is found by SRU. Raises Refused,
        Unavailable."""
        kind = record.type.casefold()
        if kind == "local":
            return await self.require_bib(record.value)
        if kind != "oclc":
            raise make_refusal(
                RefusalReason.UNKNOWN_RECORD,
                write_sentence("Alma's API cannot find records by %(type)s", type=record.type),
            )
        wanted = OCLC_PREFIX + record.value.removeprefix(OCLC_PREFIX)
        answer = await self.client.get_row("bibs", title="/bibs", query={"other_system_id": wanted})
        rows = read_rows(answer or {}, "bib")
        equal = [row for row in rows if wanted in read_texts(row, "network_number")]
        if len(equal) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM, "Alma finds several records")
        if not equal:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return self.reader.read_bib(equal[0])

    async def require_bib(self, bib_id: str) -> Bib:
        """Load a record; raises Refused(UNKNOWN_RECORD), Unavailable."""
        row = await self._ask_bib_row(bib_id)
        if row is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return self.reader.read_bib(row)

    async def _ask_bib_row(self, bib_id: str) -> Row | None:
        if not _is_number(bib_id):
            return None
        return await self.client.get_row("bibs", bib_id, title="/bibs/{mms_id}")

    async def list_holdings(self, bib_id: str) -> BibHoldings:
        """List the holdings; raises Refused(UNKNOWN_RECORD), Unavailable."""
        if not _is_number(bib_id):
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        title = "/bibs/{mms_id}/holdings/ALL/items"
        bib, rows = await ask_together(
            self._ask_bib_row(bib_id),
            self.client.find_rows("bibs", bib_id, "holdings", "ALL", "items", name="item", title=title),
        )
        if bib is None or rows is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        answers = await ask_together(*map(self.complete_item, rows))
        holds = {read_number(hold, "request_id") for answer in answers for hold in answer.holds}
        return BibHoldings(self.reader.read_bib(bib), tuple(answer.item for answer in answers), len(holds))

    # --- items -------------------------------------------------------------------------------------------

    async def ask_item(self, barcode: str) -> AlmaItem | None:
        """None: there is no such item. Raises Unavailable."""
        if not barcode:
            return None
        row = await self.client.get_row("items", title="/items", query={"item_barcode": barcode})
        if row is None or read_text(read_row(row, "item_data"), "barcode") != barcode:
            return None
        return await self.complete_item(row)

    async def require_item(self, barcode: str) -> AlmaItem:
        """Load an item; raises Refused(UNKNOWN_ITEM), Unavailable."""
        item = await self.ask_item(barcode)
        if item is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return item

    async def complete_item(self, row: Row) -> AlmaItem:
        """Complete an item with loan and holds. Raises Unavailable."""
        loan, holds = await ask_together(self._ask_loan(row), self.ask_item_holds(row))
        return AlmaItem(self.reader.read_item(row, holds, loan), row, holds, loan)

    async def _ask_loan(self, row: Row) -> Row | None:
        """Ask for the loan of an item that is not in place: a lost one may still be on loan."""
        if read_text(read_row(row, "item_data"), "base_status") == "1":
            return None
        path, title = make_item_path(row), f"{_ITEM_TITLE}/loans"
        loans = await self.client.find_rows(*path, "loans", name="item_loan", title=title)
        barcode = read_text(read_row(row, "item_data"), "barcode")
        open_ones = [
            loan
            for loan in loans or ()
            if read_text(loan, "item_barcode") == barcode and read_text(loan, "loan_status").upper() != "COMPLETE"
        ]
        return open_ones[0] if open_ones else None

    async def _ask_requests(self, *path: str, title: str) -> tuple[Row, ...] | None:
        """Ask for the requests of an item or a record, whose lists Alma gives as a whole."""
        return await self.client.find_rows(
            *path, "requests", name="user_request", title=f"{title}/requests", is_paged=False
        )

    async def ask_item_holds(self, row: Row) -> tuple[Row, ...]:
        """Ask for the holds of the item and of its record: which of them Alma lists at which of the two is not said, so
        both are asked.

        Raises Unavailable.
        """
        path = make_item_path(row)
        barcode = read_text(read_row(row, "item_data"), "barcode")
        of_item, of_bib = await ask_together(
            self._ask_requests(*path, title=_ITEM_TITLE), self._ask_requests(*path[:2], title="/bibs/{mms_id}")
        )
        holds = {read_number(row, "request_id"): row for row in (*(of_item or ()), *(of_bib or ()))}
        fitting = [row for row in holds.values() if is_hold(row) and is_for_item(row, barcode)]
        return tuple(
            sorted(fitting, key=lambda row: (read_count(row, "place_in_queue"), read_count(row, "request_id")))
        )

    # --- loans -------------------------------------------------------------------------------------------

    async def list_patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        """Open ones, soonest due first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        title = "/users/{user_id}/loans"
        rows, changes = await ask_together(
            self.client.find_rows("users", patron_id, "loans", name="item_loan", title=title),
            self.changes.changes_of_patron(patron_id),
        )
        if rows is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        loans = [self.restore_loan(self.reader.read_loan(row), changes) for row in rows]
        return sort_loans(loans)

    async def find_loan(self, barcode: str) -> Loan | None:
        """Find a loan; raises Unavailable."""
        answer = await self.ask_item(barcode)
        return await self.read_loan(answer.loan) if answer is not None and answer.loan is not None else None

    async def read_loan(self, row: Row) -> Loan:
        """Read a loan with what we know of it."""
        loan = self.reader.read_loan(row)
        return self.restore_loan(loan, await self.changes.changes_of_record(loan.id))

    @staticmethod
    def restore_loan(loan: Loan, changes: tuple[LibraryChange, ...]) -> Loan:
        """Alma doesn't count renewals: those of ours are known."""
        ours = [change for change in changes if change.record_id == loan.id]
        renewals = sum(change.kind is ChangeKind.RENEWAL and change.ended is not None for change in ours)
        made = next((library_change for library_change in ours if library_change.kind is ChangeKind.CHECK_OUT), None)
        if made is None:
            return replace(loan, renewals=renewals)
        return replace(loan, renewals=renewals, key=made.key, request_id=made.request_id)

    # --- holds -------------------------------------------------------------------------------------------

    async def ask_hold_rows(self, patron_id: str) -> tuple[Row, ...] | None:
        """Open ones of a user; None: there is no such user. Raises Unavailable."""
        title = "/users/{user_id}/requests"
        rows = await self.client.find_rows("users", patron_id, "requests", name="user_request", title=title)
        return tuple(row for row in rows if is_hold(row)) if rows is not None else None

    async def list_patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Oldest first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        rows, changes = await ask_together(self.ask_hold_rows(patron_id), self.changes.changes_of_patron(patron_id))
        if rows is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        holds = [self.restore_hold(self.reader.read_hold(row), changes) for row in rows]
        return tuple(sorted(holds, key=lambda hold: (hold.placed, hold.id)))

    async def list_item_holds(self, barcode: str) -> tuple[Hold, ...]:
        """Those that the item may fill, in order. Raises Unavailable."""
        answer = await self.ask_item(barcode)
        return await self.describe_holds(answer.holds) if answer is not None else ()

    async def describe_holds(self, rows: tuple[Row, ...]) -> tuple[Hold, ...]:
        """Describe holds with what we know of them."""
        holds = [self.reader.read_hold(row) for row in rows]
        changes = await ask_together(*(self.changes.changes_of_record(hold.id) for hold in holds))
        return tuple(self.restore_hold(hold, change) for hold, change in zip(holds, changes, strict=True))

    @staticmethod
    def restore_hold(hold: Hold, changes: tuple[LibraryChange, ...]) -> Hold:
        for change in changes:
            if change.kind is ChangeKind.HOLD and change.record_id == hold.id and change.value:
                ours = HOLD_JSON.validate_json(change.value)
                return replace(
                    hold,
                    key=change.key,
                    request_id=change.request_id,
                    placed=ours.placed,
                    kind=ours.kind,
                    need_by=ours.need_by,
                )
        return hold


def make_item_path(row: Row) -> tuple[str, ...]:
    """Make an item's path; raises Unavailable where a number is not there."""
    mms, holding = read_row(row, "bib_data"), read_row(row, "holding_data")
    return (
        "bibs",
        read_number(mms, "mms_id"),
        "holdings",
        read_number(holding, "holding_id"),
        "items",
        read_number(read_row(row, "item_data"), "pid"),
    )


def _has_identifier(patron: Patron, kind: str, value: str) -> bool:
    """Primary identifiers have no case in Alma; they are what an institution calls its people by."""
    is_primary = patron.id.casefold() == value.casefold()
    if kind == IdentifierType.INTERNAL.value or (is_primary and kind == IdentifierType.EXTERNAL.value):
        return is_primary
    return any(
        identifier.type == kind and (identifier.value == value or (is_primary and identifier.value == patron.id))
        for identifier in patron.identifiers
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()

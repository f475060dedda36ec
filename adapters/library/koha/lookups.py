"""Questions to Koha. Answers are checked for equality (Koha compares without case and accents), and several hits are an
error, never the first of them. Independent questions are asked at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import cast

from adapters.library.change_sending import HOLD_JSON, A, ChangeDesk
from adapters.library.json_fields import Row, read_integer
from adapters.library.koha import abilities
from adapters.library.koha.client import KohaClient, KohaRefusalError, make_query
from adapters.library.koha.options import KohaOptions
from adapters.library.koha.reasons import refusal_of_answer, refuse_ambiguous_patron
from adapters.library.koha.records import (
    KohaRecordReader,
    is_for_item,
    read_number,
    read_text,
    read_title,
    split_values,
)
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.clock import Clock
from gateway.domain.library import Bib, Hold, HoldStatus, IdentifierType, Item, Loan, Patron, RecordId, sort_loans
from gateway.domain.problems import RefusalReason
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_system import BibHoldings, NamedPatron, PatronKey

_WITHOUT_LIKE_SIGNS = dict.fromkeys(map(ord, "%_\\"))
"""Of the database; no name has them."""

_PATRON_EMBEDS = ("account_balance", "checkouts+count")
_ITEM_EMBEDS = ("biblio",)
_LOAN_EMBEDS = ("item", "item.biblio")
_OWN_ORDER = (IdentifierType.BARCODE.value, IdentifierType.USERNAME.value)
_NUMBER_FIELDS = {IdentifierType.BARCODE.value: "cardnumber", IdentifierType.USERNAME.value: "userid"}
_RECORD_FIELDS = {"isbn": "isbn", "issn": "issn", "lccn": "lccn"}


@value_object
class KohaItem:
    """An item, with what was asked of it. `loan`: the open one; `holds`: of its record."""

    item: Item
    row: Row
    holds: tuple[Row, ...]
    loan: Row | None

    @property
    def title(self) -> str:
        return read_title(self.row.get("biblio"))


@value_object
class KohaDesk(ChangeDesk):
    """All that the parts of this adapter share."""

    client: KohaClient
    options: KohaOptions
    reader: KohaRecordReader
    changes: LibraryChanges
    clock: Clock

    async def send_explained(self, send: Callable[[], Awaitable[A]]) -> A:
        try:
            return await send()
        except KohaRefusalError as refusal:
            raise refusal_of_answer(refusal, self.options.reasons) from refusal

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.reader.zone).date()

    # --- patrons -----------------------------------------------------------------------------------------

    async def find_patron(self, key: PatronKey) -> Patron:
        """Find a patron; raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON), Unavailable."""
        for kind in key.types or _OWN_ORDER:
            if kind == IdentifierType.INTERNAL.value:
                if (patron := await self.ask_patron(key.value)) is not None:
                    return patron
            elif (field := _NUMBER_FIELDS.get(kind)) is not None and key.value:
                rows = await self.client.find_rows("patrons", query={field: key.value}, embeds=_PATRON_EMBEDS)
                equal = [row for row in rows if read_text(row, field) == key.value]
                if len(equal) > 1:
                    raise refuse_ambiguous_patron()
                if equal:
                    return await self._complete_patron(equal[0])
        raise make_refusal(RefusalReason.UNKNOWN_PATRON)

    async def find_named_patrons(self, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
        """See `ports.library_system.FindsPatronsByName`."""
        wanted = [word for text in words if (word := text.translate(_WITHOUT_LIKE_SIGNS))]
        if not wanted:
            return ()
        likes = [{"-like": f"%{word}%"} for word in wanted]
        query = make_query({"-and": [{"-or": [{"surname": like}, {"firstname": like}]} for like in likes]})
        page = await self.client.find_page("patrons", query=query, size=limit)
        patrons = (self.reader.read_named_patron(row) for row in page.rows[:limit])
        return tuple(sorted(patrons, key=lambda patron: (patron.name.surname, patron.name.given, patron.id)))

    async def _complete_patron(self, row: Row) -> Patron:
        holds = await self.count_holds(read_number(row, "patron_id"))
        return self.reader.read_patron(row, holds, self.today())

    async def ask_patron(self, patron_id: str) -> Patron | None:
        """Ask for a patron by Koha's number; None: there is no such patron. Raises Unavailable."""
        if not _is_number(patron_id):
            return None
        row, holds = await ask_together(self.ask_patron_row(patron_id), self.count_holds(patron_id))
        return self.reader.read_patron(row, holds, self.today()) if row is not None else None

    async def ask_patron_row(self, patron_id: str) -> Row | None:
        """Ask for a patron in the list, since no release embeds balance and number of loans in the single patron."""
        if not _is_number(patron_id):
            return None
        rows = await self.client.find_rows("patrons", query={"patron_id": patron_id}, embeds=_PATRON_EMBEDS)
        return next((row for row in rows if read_text(row, "patron_id") == patron_id), None)

    async def require_patron(self, patron_id: str) -> Patron:
        """Load a patron; raises Refused(UNKNOWN_PATRON), Unavailable."""
        patron = await self.ask_patron(patron_id)
        if patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return patron

    async def require_borrower(self, patron_id: str) -> Patron:
        """Load a patron for a change, which doesn't look at the number of holds: it is not asked for and stays 0.

        Raises Refused(UNKNOWN_PATRON), Unavailable.
        """
        row = await self.ask_patron_row(patron_id)
        if row is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return self.reader.read_patron(row, 0, self.today())

    def describe_new_patron(self) -> Row:
        """Describe what a patron who has just been made has of what is asked for besides."""
        known = {"account_balance": 0, "checkouts_count": 0}
        return known if self.client.abilities.select_embeds(abilities.FIND_PATRONS, _PATRON_EMBEDS) else {}

    async def count_holds(self, patron_id: str) -> int:
        return (await self.client.find_page("holds", query={"patron_id": patron_id})).total

    # --- records -----------------------------------------------------------------------------------------

    async def find_bib(self, record: RecordId) -> Bib:
        """Find a record; raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM), Unavailable."""
        kind = record.type.casefold()
        if kind == "local":
            return await self.require_bib(record.value)
        field = _RECORD_FIELDS.get(kind)
        number = _normalise_number(record.value)
        if field is None or not number:
            raise make_refusal(
                RefusalReason.UNKNOWN_RECORD, write_sentence("Koha cannot find records by %(type)s", type=record.type)
            )
        pattern = "%".join(("", *map(_escape_pattern, number), ""))  # hyphens may stand anywhere, and other numbers
        rows = await self.client.find_rows("biblios", query=make_query({field: {"-like": pattern}}))
        equal = [
            row
            for row in rows
            if number in {_normalise_number(value.split()[0]) for value in split_values(read_text(row, field))}
        ]
        if len(equal) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM, "Koha finds several records")
        if not equal:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return self.reader.read_bib(equal[0])

    async def require_bib(self, bib_id: str) -> Bib:
        """Load a record; raises Refused(UNKNOWN_RECORD), Unavailable."""
        row = await self.ask_bib_row(bib_id)
        if row is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return self.reader.read_bib(row)

    async def ask_bib_row(self, bib_id: str) -> Row | None:
        if not _is_number(bib_id):
            return None
        return await self.client.get_row("biblios", bib_id, title="/biblios/{biblio_id}")

    async def find_marked_records(self, mark: str) -> tuple[Row, ...]:
        """Records of partners' items that were made under one key. Raises Unavailable."""
        rows = await self.client.find_rows("biblios", query=make_query({"notes": {"-like": f"%{mark}%"}}))
        return tuple(row for row in rows if mark in read_text(row, "notes").split())

    async def list_holdings(self, bib_id: str) -> BibHoldings:
        """List the holdings; raises Refused(UNKNOWN_RECORD), Unavailable."""
        if not _is_number(bib_id):
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        bib, rows, holds = await ask_together(
            self.ask_bib_row(bib_id),
            self.client.find_rows("biblios", bib_id, "items", title="/biblios/{biblio_id}/items"),
            self.ask_holds_of_bib(bib_id),
        )
        if bib is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        out = [read_number(row, "item_id") for row in rows if row.get("checked_out_date")]
        loans = {read_text(loan, "item_id"): loan for loan in await self.ask_loans_of_items(out)}
        items = tuple(self.reader.read_item(row, holds, loans.get(read_number(row, "item_id"))) for row in rows)
        return BibHoldings(self.reader.read_bib(bib), items, len(holds))

    # --- items -------------------------------------------------------------------------------------------

    async def ask_item(self, barcode: str) -> KohaItem | None:
        """None: there is no such item. Raises Refused(AMBIGUOUS_ITEM), Unavailable."""
        row = await self._find_item_row(barcode)
        return await self.complete_item(row) if row is not None else None

    async def _find_item_row(self, barcode: str) -> Row | None:
        if not barcode:
            return None
        rows = await self.client.find_rows("items", query={"external_id": barcode}, embeds=_ITEM_EMBEDS)
        equal = [row for row in rows if read_text(row, "external_id") == barcode]
        if len(equal) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM)
        return equal[0] if equal else None

    async def require_item_to_lend(self, barcode: str) -> KohaItem:
        """Load an item without holds: Koha looks at them itself, where an item is lent or a loan renewed.

        Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM), Unavailable.
        """
        row = await self._find_item_row(barcode)
        if row is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        loan, bib = await ask_together(self._ask_loan(row), self._ask_bib_of_item(row))
        return KohaItem(self.reader.read_item(row, (), loan), {**row, "biblio": bib}, (), loan)

    async def _ask_loan(self, row: Row) -> Row | None:
        if not row.get("checked_out_date"):
            return None
        return next(iter(await self.ask_loans_of_items([read_number(row, "item_id")])), None)

    async def _ask_bib_of_item(self, row: Row) -> Row | None:
        if isinstance(row.get("biblio"), dict):
            return cast(Row, row["biblio"])
        return await self.ask_bib_row(read_number(row, "biblio_id"))

    async def complete_item(self, row: Row) -> KohaItem:
        """Complete an item with holds, loan and title. Raises Unavailable."""
        holds, loan, bib = await ask_together(
            self.ask_holds_of_bib(read_number(row, "biblio_id")), self._ask_loan(row), self._ask_bib_of_item(row)
        )
        return KohaItem(self.reader.read_item(row, holds, loan), {**row, "biblio": bib}, holds, loan)

    async def require_item(self, barcode: str) -> KohaItem:
        """Load an item; raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM), Unavailable."""
        item = await self.ask_item(barcode)
        if item is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return item

    async def ask_item_row(self, item_id: str) -> Row | None:
        """Ask for an item in the list, since most releases embed the record there alone."""
        if not _is_number(item_id):
            return None
        query = make_query({"item_id": int(item_id)})
        rows = await self.client.find_rows("items", query=query, embeds=_ITEM_EMBEDS)
        return next((row for row in rows if read_text(row, "item_id") == item_id), None)

    async def _ask_items(self, item_ids: list[str]) -> dict[str, Row]:
        """Ask for items by number, with their records. Raises Unavailable."""
        if not item_ids:
            return {}
        query = make_query([{"item_id": int(number)} for number in item_ids])
        rows = await self.client.find_rows("items", query=query, embeds=_ITEM_EMBEDS)
        bibs = await self._ask_bibs({read_number(row, "biblio_id") for row in rows if not row.get("biblio")})
        return {
            read_number(row, "item_id"): {**row, "biblio": row.get("biblio") or bibs[read_number(row, "biblio_id")]}
            for row in rows
        }

    async def _ask_bibs(self, bib_ids: set[str]) -> dict[str, Row | None]:
        numbers = sorted(bib_ids)
        return dict(zip(numbers, await ask_together(*map(self.ask_bib_row, numbers)), strict=True))

    # --- loans -------------------------------------------------------------------------------------------

    async def ask_loans_of_items(self, item_ids: list[str]) -> tuple[Row, ...]:
        """Open ones. Raises Unavailable."""
        if not item_ids:
            return ()
        rows = await self.client.find_rows(
            "checkouts", query=make_query([{"item_id": int(number)} for number in item_ids])
        )
        return tuple(row for row in rows if read_text(row, "item_id") in item_ids)

    async def ask_availability(self, patron_id: str, item_id: str) -> Row:
        """Ask whether the patron could have the item: blockers, and what has to be confirmed.

        Raises KohaRefusalError, Refused(CALL_NOT_ACCEPTED), Unavailable.
        """
        query = {"patron_id": patron_id, "item_id": item_id}
        return await self.client.ask_query("checkouts", "availability", title="/checkouts/availability", query=query)

    async def list_patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        """Open ones, soonest due first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        if not _is_number(patron_id):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        patron, rows, changes = await ask_together(
            self.ask_patron_row(patron_id),
            self.client.find_rows("checkouts", query={"patron_id": patron_id}, embeds=_LOAN_EMBEDS),
            self.changes.changes_of_patron(patron_id),
        )
        if patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        items = await self._ask_items([read_number(row, "item_id") for row in rows if not _has_title(row)])
        loans = []
        for row in rows:
            item = row["item"] if _has_title(row) else items.get(read_number(row, "item_id"))
            if item is not None:  # else it was deleted since
                loans.append(self.restore_loan(self.reader.read_loan(row, item), changes))
        return sort_loans(loans)

    async def find_item_loan(self, item_id: str) -> Loan | None:
        """Find the loan of an item; raises Unavailable."""
        row = await self.ask_item_row(item_id)
        if row is None:
            return None
        answer = await self.complete_item(row)
        return await self.read_loan(answer) if answer.loan is not None else None

    async def read_loan(self, answer: KohaItem) -> Loan:
        """Read the loan of an item that is on loan, with what we know of it."""
        if answer.loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        loan = self.reader.read_loan(answer.loan, answer.row)
        return self.restore_loan(loan, await self.changes.changes_of_item(answer.item.barcode))

    @staticmethod
    def restore_loan(loan: Loan, changes: tuple[LibraryChange, ...]) -> Loan:
        for change in changes:
            if change.kind is ChangeKind.CHECK_OUT and change.record_id == loan.id:
                return replace(loan, key=change.key, request_id=change.request_id)
        return loan

    # --- holds -------------------------------------------------------------------------------------------

    async def ask_holds_of_bib(self, bib_id: str) -> tuple[Row, ...]:
        """Ask for holds in the order of the queue. Raises Unavailable."""
        rows = await self.client.find_rows("holds", query={"biblio_id": bib_id})
        return tuple(sorted(rows, key=lambda row: (read_integer(row, "priority"), read_integer(row, "hold_id"))))

    async def ask_hold_row(self, hold_id: str) -> Row | None:
        if not _is_number(hold_id):
            return None
        rows = await self.client.find_rows("holds", query={"hold_id": hold_id})
        return next((row for row in rows if read_text(row, "hold_id") == hold_id), None)

    async def list_patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Open ones, oldest first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        if not _is_number(patron_id):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        patron, rows, changes = await ask_together(
            self.ask_patron_row(patron_id),
            self.client.find_rows("holds", query={"patron_id": patron_id}),
            self.changes.changes_of_patron(patron_id),
        )
        if patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return tuple(sorted(await self.describe_holds(rows, changes), key=lambda hold: (hold.placed, int(hold.id))))

    async def list_item_holds(self, item_id: str) -> tuple[Hold, ...]:
        """Those that the item may fill, in order. Raises Unavailable."""
        row = await self.ask_item_row(item_id)
        if row is None:
            return ()
        bib_id = read_number(row, "biblio_id")
        rows = [hold for hold in await self.ask_holds_of_bib(bib_id) if is_for_item(hold, item_id)]
        together = await ask_together(*(self.changes.changes_of_record(read_number(row, "hold_id")) for row in rows))
        return await self.describe_holds(rows, tuple(change for changes in together for change in changes))

    async def describe_holds(
        self, rows: tuple[Row, ...] | list[Row], changes: tuple[LibraryChange, ...]
    ) -> tuple[Hold, ...]:
        """Describe holds with barcodes, titles and what we know of them."""
        numbers = sorted({read_text(row, "item_id") for row in rows if read_text(row, "item_id")}, key=int)
        of_titles = {read_number(row, "biblio_id") for row in rows if not read_text(row, "item_id")}
        items, bibs = await ask_together(self._ask_items(numbers), self._ask_bibs(of_titles))
        holds: list[Hold] = []
        for row in rows:
            item = items.get(read_text(row, "item_id"), {})
            title = read_title(item.get("biblio") or bibs.get(read_number(row, "biblio_id")))
            hold = self.reader.read_hold(row, read_text(item, "external_id"), title)
            holds.append(self.restore_hold(hold, changes))
        return tuple(holds)

    @staticmethod
    def restore_hold(hold: Hold, changes: tuple[LibraryChange, ...]) -> Hold:
        for change in changes:
            if change.kind is ChangeKind.HOLD and change.record_id == hold.id and change.value:
                ours = HOLD_JSON.validate_json(change.value)
                expires = ours.expires if hold.status is HoldStatus.READY else hold.expires
                return replace(
                    hold,
                    key=change.key,
                    request_id=change.request_id,
                    placed=ours.placed,
                    kind=ours.kind,
                    need_by=ours.need_by,
                    expires=expires,
                )
        return hold


def _has_title(loan: Row) -> bool:
    """Return whether item and record came with the loan."""
    item = loan.get("item")
    return isinstance(item, dict) and isinstance(item.get("biblio"), dict)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _normalise_number(text: str) -> str:
    return text.replace("-", "").replace(" ", "").upper()


def _escape_pattern(text: str) -> str:
    """Escape a text for `-like`: signs with a meaning of their own stand for one sign each."""
    return text.replace("\\", "_").replace("%", "_")

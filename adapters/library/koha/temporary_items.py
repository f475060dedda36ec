"""Partners' items while they are here: record, item and hold in Koha, each with a mark of the key in a note."""

from __future__ import annotations

import asyncio

from adapters.library.json_fields import Row
from adapters.library.koha.client import KohaRefusalError, make_query
from adapters.library.koha.holds import KohaHoldDesk, KohaHoldTarget
from adapters.library.koha.lookups import KohaDesk, KohaItem
from adapters.library.koha.records import read_number, read_text
from adapters.library.marc_writer import DataField, make_item_record, serialize_xml
from adapters.library.marked_items import ItemMaking, ItemRecipient, MarkedItemDesk, make_item_notes
from adapters.library.own_marks import LASTING_PREFIX, MARK_PREFIX, make_mark
from adapters.library.parallel_questions import ask_together
from adapters.library.record_format import RecordFormat
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Hold
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem, TemporaryItemResult

NEIGHBOURS = 20
"""So many numbers before and after a record's own another may have that was made by the same call."""


class KohaTemporaryItemDesk(MarkedItemDesk[KohaItem]):
    def __init__(self, desk: KohaDesk, holds: KohaHoldDesk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.holds = holds

    # --- making ------------------------------------------------------------------------------------------

    def _fill_codes(self, wish: TemporaryItem) -> TemporaryItem:
        """A profile may leave branch and item type to the library."""
        options = self.desk.options
        library = wish.location.library or options.resource_sharing_branch
        policy = wish.policy or next(iter(options.temporary_item_types), "")
        return replace(wish, location=replace(wish.location, library=library), policy=policy)

    def _make_item_mark(self, key: str, *, is_lasting: bool) -> str:
        return make_mark(key, LASTING_PREFIX if is_lasting else MARK_PREFIX)

    def _read_notes(self, answer: KohaItem) -> str:
        return read_text(answer.row, "internal_notes")

    async def _find_recipient(self, hold: TemporaryHold) -> ItemRecipient:
        return ItemRecipient(
            *await ask_together(self.desk.require_borrower(hold.patron_id), self.holds.choose_pickup(hold.pickup))
        )

    async def _check_codes(self, wish: TemporaryItem) -> None:
        lists = self.holds.lists
        item_types, branches = await ask_together(lists.find_codes("item_types"), lists.find_codes("libraries"))
        for code, known, what in (
            (wish.policy, item_types, "item type"),
            (wish.location.library, branches, "branch"),
        ):
            if known is not None and code not in known:
                raise make_refusal(
                    RefusalReason.INVALID_VALUE,
                    write_sentence("Koha has no %(what)s '%(code)s'", what=what, code=code),
                    about=MessagePart.ITEM,
                    detail=f"The library has no such {what}.",
                )

    async def _repeat_result(self, wish: TemporaryItem, key: str, answer: KohaItem) -> TemporaryItemResult:
        bib = await self.desk.require_bib(answer.item.bib_id)
        hold = None
        if wish.hold is not None:
            placed = await self.desk.changes.find_change(ChangeKind.HOLD, key)
            row = await self.desk.ask_hold_row(placed.record_id) if placed is not None else None
            if placed is not None and row is not None:
                hold = (await self.desk.describe_holds((row,), (placed,)))[0]
        return TemporaryItemResult(answer.item, bib, hold, repeated=True)

    async def _make_all(self, making: ItemMaking, answer: KohaItem | None) -> TemporaryItemResult:
        wish, mark, recipient = making.wish, making.mark, making.recipient
        if answer is not None:
            bib_id = answer.item.bib_id
        else:
            bib_id = await self._make_record(wish, mark, is_resumed=making.is_resumed)
        try:
            if answer is None:
                answer, bib = await self._make_item(wish, bib_id, mark)
            else:
                bib = await self.desk.require_bib(bib_id)
            hold = await self._place_hold(wish, making.key, recipient, answer) if recipient is not None else None
        except Unavailable as down:
            raise OutcomeUnknown(
                write_sentence("a temporary item was only partly created: %(report)s", report=down.detail)
            ) from down
        except Refused:
            await self._take_back(bib_id, answer)
            raise
        item = replace(answer.item, hold_count=answer.item.hold_count + 1) if hold is not None else answer.item
        return TemporaryItemResult(item, bib, hold)

    async def _make_record(self, wish: TemporaryItem, mark: str, *, is_resumed: bool) -> str:
        async def find_record() -> str | None:
            marked = await self.desk.find_marked_records(mark)
            if len(marked) > 1:
                raise OutcomeUnknown(write_sentence("Koha has several records for one temporary item"))
            return read_number(marked[0], "biblio_id") if marked else None

        if is_resumed and (record := await find_record()) is not None:
            return record

        async def send_record() -> str:
            kind = self.desk.options.record_format
            return await self.desk.client.send_record(write_record(wish, mark, kind), kind.value.upper())

        return await self.desk.send_part(send_record, find_record)

    async def _make_item(self, wish: TemporaryItem, bib_id: str, mark: str) -> tuple[KohaItem, Bib]:
        """The record is read meanwhile."""
        desk = self.desk
        row: Row = {
            "external_id": wish.barcode,
            "home_library_id": wish.location.library,
            "holding_library_id": wish.location.library,
            "item_type_id": wish.policy,
            "internal_notes": make_item_notes(wish, mark),
            **({"location": wish.location.shelf} if wish.location.shelf else {}),
            **({"callnumber": wish.call_number} if wish.call_number else {}),
            **({"materials_notes": f"{wish.pieces} pieces"} if wish.pieces > 1 else {}),
        }

        async def send_item() -> Row:
            made = await desk.client.send_row(
                "POST", "biblios", bib_id, "items", title="/biblios/{biblio_id}/items", row=row
            )
            if not isinstance(made, dict):
                raise OutcomeUnknown(write_about("Koha", write_sentence("the answer has no item")))
            return made

        async def find_item() -> Row | None:
            rows = await desk.client.find_rows("items", query={"external_id": wish.barcode})
            return next((row for row in rows if mark in read_text(row, "internal_notes").split()), None)

        made, bib = await asyncio.gather(
            self.desk.send_part(send_item, find_item, is_refused_twice=True),
            self._require_single_record(bib_id, mark),
            return_exceptions=True,
        )
        if isinstance(made, BaseException):
            raise made
        if isinstance(bib, BaseException):
            raise bib
        item_row = {**made, "biblio": {"title": bib.title}}
        return KohaItem(desk.reader.read_item(item_row, (), None), item_row, (), None), bib

    async def _require_single_record(self, bib_id: str, mark: str) -> Bib:
        """Koha makes as many records as it is sent, and a proxy may send one twice: the other stands beside it.

        Raises OutcomeUnknown, Unavailable."""
        near = range(max(int(bib_id) - NEIGHBOURS, 1), int(bib_id) + NEIGHBOURS + 1)
        rows = await self.desk.client.find_rows("biblios", query=make_query([{"biblio_id": number} for number in near]))
        own = next((row for row in rows if read_text(row, "biblio_id") == bib_id), None)
        if own is None:
            raise OutcomeUnknown(write_sentence("Koha does not return the record that it created"))
        for row in rows:
            if row is not own and mark in read_text(row, "notes").split():
                await self._delete_record(read_number(row, "biblio_id"))
        return self.desk.reader.read_bib(own)

    async def _place_hold(self, wish: TemporaryItem, key: str, recipient: ItemRecipient, answer: KohaItem) -> Hold:
        before = await self.desk.changes.find_change(ChangeKind.HOLD, key)
        if wish.hold is None:
            raise OutcomeUnknown(write_sentence("a recipient without a hold"))
        hold_wish = HoldWish(
            patron_id=recipient.patron.id,
            pickup=recipient.pickup,
            request_id=wish.request_id,
            item_barcode=wish.barcode,
            expires=wish.hold.expires,
        )
        target = KohaHoldTarget(answer.item.bib_id, answer.title, answer)
        unfinished = before if before is not None and before.ended is None else None
        return await self.holds.place_on_target(
            hold_wish, key, target, recipient.patron, recipient.pickup, before=unfinished
        )

    async def _take_back(self, bib_id: str, answer: KohaItem | None) -> None:
        """Take back what was made; raises OutcomeUnknown where that fails: the next call goes on."""
        try:
            if answer is not None:
                await self.desk.client.delete_row("items", answer.item.id, title="/items/{item_id}")
            await self.desk.client.delete_row("biblios", bib_id, title="/biblios/{biblio_id}")
        except (Unavailable, Refused, KohaRefusalError) as failure:
            raise OutcomeUnknown(write_sentence("a partly created temporary item could not be removed")) from failure

    # --- deleting ----------------------------------------------------------------------------------------

    async def _cancel_holds(self, answer: KohaItem, key: str) -> None:
        await self.holds.cancel_holds_of_item(answer, key)

    async def _is_gone(self, answer: KohaItem) -> bool:
        return await self.desk.ask_item_row(answer.item.id) is None

    async def _delete_item(self, answer: KohaItem) -> None:
        async def send_item_deletion() -> bool:
            try:
                await self.desk.client.delete_row("items", answer.item.id, title="/items/{item_id}")
            except KohaRefusalError as refusal:
                if refusal.status != 404:
                    raise
            return True

        async def find_it_gone() -> bool | None:
            return True if await self._is_gone(answer) else None

        await self.desk.send_part(send_item_deletion, find_it_gone)

    async def _delete_record(self, bib_id: str) -> None:
        async def send_record_deletion() -> bool:
            try:
                await self.desk.client.delete_row("biblios", bib_id, title="/biblios/{biblio_id}")
            except KohaRefusalError as refusal:
                if refusal.status not in (404, 409):
                    raise
            return True

        async def find_it_gone() -> bool | None:
            return True if await self.desk.ask_bib_row(bib_id) is None else None

        try:
            await self.desk.send_part(send_record_deletion, find_it_gone)
        except (Unavailable, Refused) as failure:
            raise OutcomeUnknown(
                write_sentence("a temporary item was only partly deleted: %(report)s", report=failure.detail)
            ) from failure


def write_record(wish: TemporaryItem, mark: str, record_format: RecordFormat) -> bytes:
    """Write a record with what Koha's own NCIP server writes for AcceptItem (942; facts/ils-backends.md 1.2)."""
    note = "300" if record_format is RecordFormat.UNIMARC else "500"
    own = (
        DataField(note, (("a", mark),)),
        DataField("942", (("c", wish.policy), ("n", "1" if wish.suppressed else ""))),
    )
    return serialize_xml(make_item_record(wish, own, record_format=record_format))

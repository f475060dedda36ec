"""Partners' items while they are here: record, holding, item and hold in Alma.

The record has a mark of the key in field 035, and the item one in its first internal note.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.alma.code_lists import ITEM_POLICIES
from adapters.library.alma.holds import AlmaHoldDesk, AlmaHoldTarget
from adapters.library.alma.lookups import AlmaDesk, AlmaItem, make_item_path
from adapters.library.alma.reasons import refusal_of_answer
from adapters.library.alma.records import (
    RECORD_PREFIX,
    read_item_status,
    read_number,
    read_pid,
    read_row,
    read_rows,
    read_text,
    read_texts,
    read_xml_row,
)
from adapters.library.json_fields import Row
from adapters.library.marc_writer import DataField, make_item_record, make_record, serialize_xml
from adapters.library.marked_items import ItemMaking, ItemRecipient, MarkedItemDesk, make_item_notes
from adapters.library.own_marks import LASTING_PREFIX, MARK_PREFIX, make_mark
from adapters.library.parallel_questions import ask_together
from adapters.library.record_format import RecordFormat
from gateway.domain.library import Hold, ItemStatus
from gateway.domain.problems import MessagePart, OutcomeUnknown, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_operations import HoldCancellation
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem, TemporaryItemResult

HOLDING_LEADER = "00000nx  a22000001n 4500"
HOLDING_FIXED_FIELD = "2611272u    8   4001uueng0000000"
_BIB_TITLE = "/bibs/{mms_id}"
_HOLDINGS_TITLE = "/bibs/{mms_id}/holdings"
_ITEMS_TITLE = "/bibs/{mms_id}/holdings/{holding_id}/items"
_ITEM_TITLE = "/bibs/{mms_id}/holdings/{holding_id}/items/{item_pid}"


class AlmaTemporaryItemDesk(MarkedItemDesk[AlmaItem]):
    def __init__(self, desk: AlmaDesk, holds: AlmaHoldDesk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.holds = holds

    # --- making ------------------------------------------------------------------------------------------

    def _fill_codes(self, wish: TemporaryItem) -> TemporaryItem:
        """A profile may leave library, location and policy to the settings."""
        options = self.desk.options
        library = wish.location.library or options.library
        shelf = wish.location.shelf or options.temporary_items.location
        policy = wish.policy or options.temporary_items.policy
        return replace(wish, location=replace(wish.location, library=library, shelf=shelf), policy=policy)

    def _make_item_mark(self, key: str, *, is_lasting: bool) -> str:
        return make_mark(key, LASTING_PREFIX if is_lasting else MARK_PREFIX)

    def _read_notes(self, answer: AlmaItem) -> str:
        return _read_note(answer.row)

    async def _find_recipient(self, hold: TemporaryHold) -> ItemRecipient:
        return ItemRecipient(
            *await ask_together(self.desk.require_patron(hold.patron_id), self.holds.lists.choose_pickup(hold.pickup))
        )

    async def _check_codes(self, wish: TemporaryItem) -> None:
        lists = self.holds.lists
        await ask_together(
            lists.require_location(wish.location.library, wish.location.shelf),
            lists.require_code(wish.policy, ITEM_POLICIES, "item policy", MessagePart.ITEM),
        )

    async def _repeat_result(self, wish: TemporaryItem, key: str, answer: AlmaItem) -> TemporaryItemResult:
        bib, placed = await ask_together(
            self.desk.require_bib(answer.item.bib_id), self.desk.changes.find_change(ChangeKind.HOLD, key)
        )
        hold = None
        if wish.hold is not None and placed is not None:
            holds = await self.desk.describe_holds(answer.holds)
            hold = next((entry for entry in holds if entry.id == placed.record_id), None)
        return TemporaryItemResult(answer.item, bib, hold, repeated=True)

    async def _make_all(self, making: ItemMaking, answer: AlmaItem | None) -> TemporaryItemResult:
        wish, recipient = making.wish, making.recipient
        if answer is not None:
            bib_row = await self._require_record(answer.item.bib_id)
        else:
            bib_row = await self._make_record(wish, making.mark, is_resumed=making.is_resumed)
        mms_id = read_number(bib_row, "mms_id")
        item_row = answer.row if answer is not None else None
        hold: Hold | None = None
        try:
            if item_row is None:
                holding_id = await self._make_holding(wish, mms_id, is_resumed=making.is_resumed)
                item_row = await self._make_item(wish, (mms_id, holding_id), making.mark)
            if recipient is not None:
                hold = await self._place_hold(wish, making.key, recipient, item_row)
            if hold is not None and wish.hold is not None and wish.hold.on_shelf:
                item_row, hold = await self._put_on_shelf(wish, item_row, hold)
        except Unavailable as down:
            raise OutcomeUnknown(
                write_sentence("a temporary item was only partly created: %(report)s", report=down.detail)
            ) from down
        except Refused:
            await self._take_back(mms_id, item_row, hold, making.key)
            raise
        item = self.desk.reader.read_item(item_row, (), None)
        bib = self.desk.reader.read_bib(bib_row)
        return TemporaryItemResult(replace(item, hold_count=1) if hold is not None else item, bib, hold)

    async def _require_record(self, mms_id: str) -> Row:
        row = await self.desk.client.get_row("bibs", mms_id, title=_BIB_TITLE)
        if row is None:
            raise OutcomeUnknown(write_sentence("Alma returned an item without its record"))
        return row

    async def _find_record(self, mark: str) -> Row | None:
        """Find a record; raises Unavailable, OutcomeUnknown."""
        system_number = make_system_number(mark)
        answer = await self.desk.client.get_row("bibs", title="/bibs", query={"other_system_id": system_number})
        marked = [row for row in read_rows(answer or {}, "bib") if system_number in read_texts(row, "network_number")]
        if len(marked) > 1:
            raise OutcomeUnknown(write_sentence("Alma has several records for one temporary item"))
        return marked[0] if marked else None

    async def _make_record(self, wish: TemporaryItem, mark: str, *, is_resumed: bool) -> Row:
        async def find_record() -> Row | None:
            return await self._find_record(mark)

        if is_resumed and (record := await find_record()) is not None:
            return record

        async def send_record() -> Row:
            return await self._send_xml(
                "bibs", title="/bibs", body=write_bib(wish, mark, self.desk.options.record_format), number="mms_id"
            )

        return await self.desk.send_part(send_record, find_record)

    async def _make_holding(self, wish: TemporaryItem, mms_id: str, *, is_resumed: bool) -> str:
        path = ("bibs", mms_id, "holdings")

        async def find_holding() -> str | None:
            """The record is ours alone, so its holding is ours too."""
            answer = await self.desk.client.get_row(*path, title=_HOLDINGS_TITLE)
            rows = read_rows(answer or {}, "holding")
            return read_number(rows[0], "holding_id") if rows else None

        if is_resumed and (holding := await find_holding()) is not None:
            return holding

        async def send_holding() -> str:
            body = write_holding(wish)
            return read_number(
                await self._send_xml(*path, title=_HOLDINGS_TITLE, body=body, number="holding_id"), "holding_id"
            )

        return await self.desk.send_part(send_holding, find_holding)

    async def _send_xml(self, *path: str, title: str, body: bytes, number: str) -> Row:
        try:
            xml_row = read_xml_row(await self.desk.client.send_xml(*path, title=title, body=body))
        except AlmaRefusalError as refusal:
            raise refusal_of_answer(refusal, self.desk.options.reasons) from refusal
        if not read_text(xml_row, number):
            raise OutcomeUnknown(
                write_about(f"Alma: {title}", write_sentence("the answer has no %(name)s", name=number))
            )
        return xml_row

    async def _make_item(self, wish: TemporaryItem, place: tuple[str, str], mark: str) -> Row:
        """`place`: numbers of record and holding."""
        desk = self.desk
        path = ("bibs", place[0], "holdings", place[1], "items")
        row = {
            "item_data": {
                "barcode": wish.barcode,
                "physical_material_type": {"value": desk.options.temporary_items.material_type},
                "policy": {"value": wish.policy},
                "internal_note_1": make_item_notes(wish, mark),
                **({"pieces": str(wish.pieces)} if wish.pieces > 1 else {}),
            }
        }

        async def send_item() -> Row:
            made = await desk.client.send_row("POST", *path, title=_ITEMS_TITLE, row=row)
            if not read_text(read_row(made, "item_data"), "pid"):
                raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no item")))
            return made

        async def find_item() -> Row | None:
            rows = await desk.client.find_rows(*path, name="item", title=_ITEMS_TITLE)
            return next((row for row in rows or () if mark in _read_note(row).split()), None)

        return await self.desk.send_part(send_item, find_item, is_refused_twice=True)

    async def _place_hold(self, wish: TemporaryItem, key: str, recipient: ItemRecipient, item_row: Row) -> Hold:
        desk = self.desk
        placing = await desk.changes.find_change(ChangeKind.HOLD, key)
        unfinished = placing if placing is not None and placing.ended is None else None
        if placing is not None:
            row = await self.holds.find_marked(recipient.patron.id, key)
            if row is not None:
                return await self.holds.end_found_hold(placing, row)
        hold_wish = HoldWish(
            patron_id=recipient.patron.id,
            pickup=recipient.pickup,
            request_id=wish.request_id,
            item_barcode=wish.barcode,
            expires=wish.hold.expires if wish.hold is not None else None,
        )
        target = AlmaHoldTarget(read_number(read_row(item_row, "bib_data"), "mms_id"), read_pid(item_row))
        return await self.holds.place_on_target(hold_wish, key, target, before=unfinished)

    async def _put_on_shelf(self, wish: TemporaryItem, item_row: Row, hold: Hold) -> tuple[Row, Hold]:
        """Put an item on the shelf by a scan where partners' items come in: Alma puts it on the hold shelf there, or
        sends it on."""
        if read_item_status(item_row) is not ItemStatus.AVAILABLE:
            return item_row, hold  # a call before this one has come so far
        desk, path = self.desk, make_item_path(item_row)
        library, circulation_desk = desk.options.find_desk(wish.location.library)

        async def send_scan() -> Row:
            query = desk.options.make_scan_query(library, circulation_desk)
            return await desk.client.send_row("POST", *path, title=_ITEM_TITLE, row={}, query=query)

        async def find_scan_done() -> Row | None:
            now = await desk.client.get_row(*path, title=_ITEM_TITLE)
            return now if now is not None and read_item_status(now) is not ItemStatus.AVAILABLE else None

        scanned = await self.desk.send_part(send_scan, find_scan_done)
        row, changes = await ask_together(self.holds.ask_hold_row(hold.id), desk.changes.changes_of_record(hold.id))
        if row is None or "item_data" not in scanned:
            raise OutcomeUnknown(write_sentence("Alma does not return the item or the request that it created"))
        return scanned, desk.restore_hold(desk.reader.read_hold(row), changes)

    async def _take_back(self, mms_id: str, item_row: Row | None, hold: Hold | None, key: str) -> None:
        """Take back what was made; raises OutcomeUnknown where that fails: the next call goes on."""
        client = self.desk.client
        try:
            if hold is not None:
                await self.holds.cancel_hold(HoldCancellation(hold.id), f"{key}/taken-back")
            if item_row is not None:
                await client.delete_row(*make_item_path(item_row), title=_ITEM_TITLE, query=_DELETE_ITEM)
            else:
                answer = await client.get_row("bibs", mms_id, "holdings", title=_HOLDINGS_TITLE)
                for row in read_rows(answer or {}, "holding"):
                    path = ("bibs", mms_id, "holdings", read_number(row, "holding_id"))
                    await client.delete_row(*path, title=f"{_HOLDINGS_TITLE}/{{holding_id}}", query={})
            await client.delete_row("bibs", mms_id, title=_BIB_TITLE, query=_DELETE_RECORD)
        except (Unavailable, Refused, AlmaRefusalError) as failure:
            raise OutcomeUnknown(write_sentence("a partly created temporary item could not be removed")) from failure

    # --- deleting ----------------------------------------------------------------------------------------

    async def _cancel_holds(self, answer: AlmaItem, key: str) -> None:
        await self.holds.cancel_holds_of_item(answer, key)

    async def _is_gone(self, answer: AlmaItem) -> bool:
        return await self.desk.client.get_row(*answer.path, title=_ITEM_TITLE) is None

    async def _delete_item(self, answer: AlmaItem) -> None:
        """Delete an item with its holding, if that is empty then."""
        desk = self.desk

        async def send_item_deletion() -> bool:
            try:
                await desk.client.delete_row(*answer.path, title=_ITEM_TITLE, query=_DELETE_ITEM)
            except AlmaRefusalError as refusal:
                if not refusal.is_about_nothing:
                    raise
            return True

        async def find_it_gone() -> bool | None:
            return True if await self._is_gone(answer) else None

        await self.desk.send_part(send_item_deletion, find_it_gone)

    async def _delete_record(self, mms_id: str) -> None:
        desk = self.desk

        async def send_record_deletion() -> bool:
            try:
                await desk.client.delete_row("bibs", mms_id, title=_BIB_TITLE, query=_DELETE_RECORD)
            except AlmaRefusalError as refusal:
                if not refusal.is_about_nothing:
                    raise
            return True

        async def find_it_gone() -> bool | None:
            return True if await desk.client.get_row("bibs", mms_id, title=_BIB_TITLE) is None else None

        try:
            path = ("bibs", mms_id, "holdings", "ALL", "items")
            left = await desk.client.find_rows(*path, name="item", title="/bibs/{mms_id}/holdings/ALL/items")
            if left:
                return
            await self.desk.send_part(send_record_deletion, find_it_gone)
        except (Unavailable, Refused) as failure:
            raise OutcomeUnknown(
                write_sentence("a temporary item was only partly deleted: %(report)s", report=failure.detail)
            ) from failure


_DELETE_ITEM = {"override": "true", "holdings": "delete"}
_DELETE_RECORD = {"override": "true"}
"""Warnings are overridden: that it isn't on loan, and has no requests and no other items, was seen before."""


def make_system_number(mark: str) -> str:
    """Make a number as field 035 has it."""
    return RECORD_PREFIX + mark.partition(":")[2]


def write_bib(wish: TemporaryItem, mark: str, record_format: RecordFormat = RecordFormat.MARC21) -> bytes:
    """Elements without a namespace, as Alma has them (facts/ils-backends.md 1.4)."""
    own = (DataField("035", (("a", make_system_number(mark)),)),)
    record = make_item_record(wish, own, namespace="", record_format=record_format)
    return _wrap_record("bib", record, is_suppressed=wish.suppressed, record_format=record_format)


def write_holding(wish: TemporaryItem) -> bytes:
    place = DataField("852", (("b", wish.location.library), ("c", wish.location.shelf), ("h", wish.call_number)), "8 ")
    record = make_record(HOLDING_LEADER, HOLDING_FIXED_FIELD, (place,), namespace="")
    return _wrap_record("holding", record, is_suppressed=wish.suppressed)


def _wrap_record(
    name: str, record: Any, *, is_suppressed: bool, record_format: RecordFormat = RecordFormat.MARC21
) -> bytes:
    whole = etree.Element(name)
    if record_format is not RecordFormat.MARC21:
        etree.SubElement(whole, "record_format").text = record_format.value
    etree.SubElement(whole, "suppress_from_publishing").text = "true" if is_suppressed else "false"
    whole.append(record)
    return serialize_xml(whole)


def _read_note(row: Row) -> str:
    return read_text(read_row(row, "item_data"), "internal_note_1")

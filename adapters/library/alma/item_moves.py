"""Places of items, and their barcodes, changed in Alma. To set the same once more changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.library.alma.code_lists import CodeLists
from adapters.library.alma.lookups import AlmaDesk, AlmaItem
from adapters.library.alma.records import read_row, read_text
from adapters.library.change_sending import HOLD_JSON, make_item_change
from adapters.library.json_fields import Row
from adapters.library.marked_items import BarcodeDesk
from adapters.library.parallel_questions import ask_together
from gateway.domain.library import Item
from gateway.domain.problems import OutcomeUnknown
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_operations import MoveToIll, ReturnHome

_TITLE = "/bibs/{mms_id}/holdings/{holding_id}/items/{item_pid}"


@value_object
class AlmaItemDesk(BarcodeDesk[AlmaItem]):
    desk: AlmaDesk
    lists: CodeLists

    async def move_to_ill(self, wish: MoveToIll, key: str) -> Item:
        """Move an item to a temporary location; its home stays. Raises Refused(UNKNOWN_ITEM | INVALID_VALUE),
        Unavailable, OutcomeUnknown."""
        options, location = self.desk.options, wish.location
        library, shelf = location.library or options.library, location.shelf or options.temporary_items.location
        answer, _ = await ask_together(
            self.desk.require_item(wish.barcode), self.lists.require_location(library, shelf)
        )
        place = {"in_temp_location": True, "temp_library": {"value": library}, "temp_location": {"value": shelf}}
        return await self._change_item(answer, ChangeKind.MOVE, key, holding=place)

    async def return_home(self, wish: ReturnHome, key: str) -> Item:
        answer = await self.desk.require_item(wish.barcode)
        return await self._change_item(answer, ChangeKind.MOVE, key, holding={"in_temp_location": False})

    async def _set_barcode(self, answer: AlmaItem, new: str, key: str) -> Item:
        return await self._change_item(answer, ChangeKind.BARCODE_CHANGE, key, data={"barcode": new})

    async def _rename_changes(self, barcode: str, new: str) -> None:
        for change in await self.desk.changes.changes_of_item(barcode):
            if change.kind is ChangeKind.TEMPORARY_ITEM:
                await self.desk.changes.begin_change(replace(change, barcode=new, record_id=new))
            elif change.kind is ChangeKind.HOLD and change.value:
                hold = replace(HOLD_JSON.validate_json(change.value), item_id=new, item_barcode=new)
                value = HOLD_JSON.dump_json(hold).decode()
                await self.desk.changes.begin_change(replace(change, barcode=new, value=value))

    async def _change_item(
        self,
        answer: AlmaItem,
        kind: ChangeKind,
        key: str,
        *,
        holding: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Item:
        """`holding`, `data`: what is to be different of either part. All of the item goes back, since what isn't sent
        would be emptied."""
        desk, item = self.desk, answer.item
        wanted = {"holding_data": holding or {}, "item_data": data or {}}
        if _has_values(answer.row, wanted):
            return item
        before = await desk.changes.find_change(kind, key)
        row = {**answer.row, **{part: {**read_row(answer.row, part), **values} for part, values in wanted.items()}}
        change = make_item_change(kind, item, key, desk.now())

        async def send_item() -> Row:
            made = await desk.client.send_row("PUT", *answer.path, title=_TITLE, row=row)
            if "item_data" not in made:
                raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no item")))
            return made

        async def find_item_changed() -> Row | None:
            now = await desk.client.get_row(*answer.path, title=_TITLE)
            return now if now is not None and _has_values(now, wanted) else None

        sent = await desk.send_change(change, send_item, find_item_changed, before=before)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return desk.reader.read_item(sent, answer.holds, answer.loan)


def _has_values(row: Row, wanted: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(
        read_row(row, part).get(name) is value
        if isinstance(value, bool)
        else read_text(read_row(row, part), name) == read_text(values, name)
        for part, values in wanted.items()
        for name, value in values.items()
    )

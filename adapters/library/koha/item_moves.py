"""Places of items, and their barcodes, changed in Koha. To set the same once more changes nothing."""

from __future__ import annotations

from adapters.library.change_sending import ITEM_JSON, make_item_change
from adapters.library.json_fields import Row
from adapters.library.koha.lookups import KohaDesk, KohaItem
from adapters.library.koha.records import read_text
from adapters.library.marked_items import BarcodeDesk
from adapters.library.parallel_questions import ask_together
from gateway.domain.library import Item
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_operations import MoveToIll, ReturnHome

_REQUIRED = ("item_id", "biblio_id", "not_for_loan_status", "damaged_status", "lost_status", "withdrawn")
"""Koha takes no item without these; what else isn't sent stays as it is."""


@value_object
class KohaItemDesk(BarcodeDesk[KohaItem]):
    desk: KohaDesk

    async def move_to_ill(self, wish: MoveToIll, key: str) -> Item:
        """The item's home stays. With a shelf, Koha takes that for its home shelf too, so the old one is remembered."""
        location = wish.location
        answer = await self.desk.require_item(wish.barcode)
        library = location.library or self.desk.options.resource_sharing_branch or answer.item.current.library
        wanted = {"holding_library_id": library, **({"location": location.shelf} if location.shelf else {})}
        return await self._change_item(answer, wanted, ChangeKind.MOVE, key)

    async def return_home(self, wish: ReturnHome, key: str) -> Item:
        answer, changes = await ask_together(
            self.desk.require_item(wish.barcode), self.desk.changes.changes_of_item(wish.barcode)
        )
        moved = next((change for change in changes if change.kind is ChangeKind.MOVE and change.key != key), None)
        home = ITEM_JSON.validate_json(moved.value).home if moved is not None else answer.item.home
        wanted = {"holding_library_id": answer.item.home.library}
        if home.shelf != answer.item.current.shelf:
            wanted["location"] = home.shelf
        return await self._change_item(answer, wanted, ChangeKind.MOVE, key)

    async def _set_barcode(self, answer: KohaItem, new: str, key: str) -> Item:
        return await self._change_item(answer, {"external_id": new}, ChangeKind.BARCODE_CHANGE, key)

    async def _rename_changes(self, barcode: str, new: str) -> None:
        for change in await self.desk.changes.changes_of_item(barcode):
            if change.kind in (ChangeKind.TEMPORARY_ITEM, ChangeKind.HOLD):
                await self.desk.changes.begin_change(replace(change, barcode=new))

    async def _change_item(self, answer: KohaItem, wanted: Row, kind: ChangeKind, key: str) -> Item:
        """`wanted`: what is to be different. The change remembers the item as it was."""
        desk, item = self.desk, answer.item
        row = {**{name: answer.row.get(name) for name in _REQUIRED}, **wanted}
        before = await desk.changes.find_change(kind, key)
        if all(read_text(answer.row, name) == value for name, value in wanted.items()):
            return item
        change = make_item_change(kind, item, key, desk.now())

        async def send_item() -> Row:
            title = "/biblios/{biblio_id}/items/{item_id}"
            made = await desk.client.send_row("PUT", "biblios", item.bib_id, "items", item.id, title=title, row=row)
            return made if isinstance(made, dict) else {**answer.row, **wanted}

        async def find_item_changed() -> Row | None:
            now = await desk.ask_item_row(item.id)
            is_done = now is not None and all(read_text(now, name) == value for name, value in wanted.items())
            return now if is_done else None

        sent = await desk.send_change(change, send_item, find_item_changed, before=before)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return desk.reader.read_item({**answer.row, **sent}, answer.holds, answer.loan)

"""Partners' items of a pair, in whichever system keeps them; apart, with the copies of their patrons."""

from __future__ import annotations

from adapters.library.paired.changes import PairMemory
from adapters.library.paired.options import PairedTask
from adapters.library.paired.patrons import PairedPatronDesk
from adapters.library.paired.systems import PairedSystems
from adapters.library.refusals import make_refusal
from gateway.domain.library import Item
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_operations import BarcodeChange, ItemCreation, TemporaryItemCreation, TemporaryItemDeletion
from gateway.ports.library_system import TemporaryItemResult


@value_object
class PairedTemporaryItemDesk:
    systems: PairedSystems
    patrons: PairedPatronDesk
    memory: PairMemory

    async def make_item(self, wish: TemporaryItemCreation, key: str) -> TemporaryItemResult:
        """Make an item; apart, a barcode of the library's own is refused too: it would lead to the partner's item from
        then on."""
        item = wish.item
        side = self.systems.side_of_temporary_items
        if self.systems.is_apart:
            await self._refuse_own_barcode(item.barcode)
        number = item.hold.patron_id if item.hold is not None else ""
        if item.hold is not None:
            item = replace(item, hold=replace(item.hold, patron_id=await side.require_patron(number)))
        return side.name_result(await side.system.change(TemporaryItemCreation(item), key), number)

    async def _refuse_own_barcode(self, barcode: str) -> None:
        """Raise Refused(DUPLICATE_ITEM)."""
        try:
            await self.systems.main.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return
            raise
        raise make_refusal(RefusalReason.DUPLICATE_ITEM)

    async def delete_item(self, wish: TemporaryItemDeletion, key: str) -> Item:
        barcode = wish.barcode
        side = self.systems.side_of_temporary_items
        holders = await self._list_holders(barcode) if self.systems.is_apart else ()
        try:
            gone = await side.system.change(wish, key)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM and self.systems.is_apart:
                await self.systems.main.system.item_by_barcode(barcode)
                raise make_refusal(RefusalReason.NOT_ALLOWED, "an item of the library's own") from refused
            raise
        for number in holders:
            await self.patrons.drop_copy(number, f"{key}:{number}")
        return side.name_item(gone)

    async def _list_holders(self, barcode: str) -> tuple[str, ...]:
        """Patrons who wait for a partner's item, or had it last."""
        second = self.systems.second
        try:
            item = await second.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return ()
            raise
        native = [hold.patron_id for hold in await second.system.item_holds(item.id)]
        last = await self.memory.last_borrower(barcode)
        numbers = [await second.number_of_patron(id_) for id_ in native]
        return tuple(dict.fromkeys(number for number in (*numbers, last) if number))

    async def change_barcode(self, wish: BarcodeChange, key: str) -> Item:
        side = self.systems.side_of_temporary_items
        if self.systems.is_apart:
            await self._refuse_own_barcode(wish.new)
        try:
            return side.name_item(await side.system.change(wish, key))
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM and self.systems.is_apart:
                await self.systems.main.system.item_by_barcode(wish.barcode)
                raise make_refusal(RefusalReason.NOT_ALLOWED, "an item of the library's own") from refused
            raise

    async def make_lasting_item(self, wish: ItemCreation, key: str) -> TemporaryItemResult:
        side = self.systems.select_side_of(PairedTask.REQUESTS)
        return side.name_result(await side.system.change(wish, key), "")

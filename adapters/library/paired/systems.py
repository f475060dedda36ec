"""The two systems of a pair: which of them does what, and which has an item.

Where both are ways to the same data (`shared`), a task leads to one of them, whatever it is about. Where the second
keeps partners' items apart (`apart`), the item leads: all that is done with one of its items, it does.
"""

from __future__ import annotations

from adapters.library.paired.options import TASKS, PairedOptions, PairedTask
from adapters.library.paired.sides import PairedSide, SystemSide, parse_reference
from gateway.domain.library import IdentifierType, Item, Patron
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, PatronKey

TEMPORARY = frozenset(
    {
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.HOLD_SHELF,
        Capability.SHELF_CHOICE,
        Capability.SUPPRESS,
        Capability.CHANGE_BARCODE,
        Capability.ITEM_BY_REQUEST,
    }
)
"""What is about partners' items."""


@value_object
class PairedSystems:
    """`main` knows the patrons and the library's own items, `second` is the one beside it."""

    options: PairedOptions
    main: SystemSide
    second: SystemSide

    @property
    def is_apart(self) -> bool:
        return self.options.data == "apart"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities; apart, those of the main system, and partners' items by the second: a promise must hold for
        all items."""
        able = {ability for ability in Capability if ability in self.select_side_that_can(ability).system.capabilities}
        if (
            self.select_side_of(PairedTask.REQUESTS) is not self.select_side_of(PairedTask.CATALOGUE)
            and not self.is_apart
        ):
            able.discard(Capability.HOLD_TITLE)  # one's numbers of titles mean nothing to the other
        return frozenset(able)

    def capabilities_of_item(self, barcode: str, loan_id: str) -> frozenset[Capability]:
        """See `ports.library_system.DiffersByItem`."""
        reference = parse_reference(loan_id)
        if self.is_apart and reference is not None:
            return self.select_side(reference.side).system.capabilities
        return self.capabilities

    def select_side(self, side: PairedSide) -> SystemSide:
        return self.main if side is PairedSide.MAIN else self.second

    def select_side_of(self, task: PairedTask | None) -> SystemSide:
        return self.second if task in self.options.second_does and not self.is_apart else self.main

    def select_side_that_can(self, capability: Capability) -> SystemSide:
        return self.side_of_temporary_items if capability in TEMPORARY else self.select_side_of(TASKS.get(capability))

    @property
    def side_of_temporary_items(self) -> SystemSide:
        return self.second if self.is_apart else self.select_side_of(PairedTask.REQUESTS)

    @property
    def both_sides(self) -> tuple[SystemSide, SystemSide]:
        return self.main, self.second

    async def find_side_of_item(self, barcode: str, task: PairedTask) -> SystemSide:
        """Find the side; raises Refused(UNKNOWN_ITEM) where the second keeps its items apart and neither knows it."""
        if not self.is_apart:
            return self.select_side_of(task)
        return (await self.find_item(barcode))[0]

    async def find_item(self, barcode: str) -> tuple[SystemSide, Item]:
        """Find an item; apart, a partner's item comes first: nobody gives one the barcode of an item of the library's
        own."""
        if not self.is_apart:
            side = self.select_side_of(PairedTask.CATALOGUE)
            return side, await side.system.item_by_barcode(barcode)
        try:
            return self.second, await self.second.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
        return self.main, await self.main.system.item_by_barcode(barcode)

    async def find_side_of_known_item(self, item_id: str, task: PairedTask) -> SystemSide | None:
        """None for an item that is gone."""
        reference = parse_reference(item_id)
        if reference is not None:
            return self.select_side(reference.side)
        try:
            return await self.find_side_of_item(item_id, task)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return None
            raise

    async def look_up_item(self, barcode: str) -> Item:
        side, item = await self.find_item(barcode)
        return side.name_item(item)

    async def find_main_patron(self, key: PatronKey) -> Patron:
        if key.types == (IdentifierType.INTERNAL.value,):
            return self.main.name_patron(await self.main.find_patron(key.value))
        return self.main.name_patron(await self.main.system.find_patron(key))

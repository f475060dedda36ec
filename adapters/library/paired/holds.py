"""Holds of a pair: where the item is, or where holds are kept."""

from __future__ import annotations

from adapters.library.paired.options import PairedTask
from adapters.library.paired.patrons import PairedPatronDesk
from adapters.library.paired.sides import require_reference
from adapters.library.paired.systems import PairedSystems
from adapters.library.refusals import make_refusal
from gateway.domain.library import BlockScope, Hold
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_operations import HoldCancellation, HoldUpdate, refuse_unsupported
from gateway.ports.library_system import HoldWish


@value_object
class PairedHoldDesk:
    systems: PairedSystems
    patrons: PairedPatronDesk

    async def list_item_holds(self, item_id: str) -> tuple[Hold, ...]:
        side = await self.systems.find_side_of_known_item(item_id, PairedTask.REQUESTS)
        if side is None:
            return ()
        return tuple(
            [await side.describe_hold(hold) for hold in await side.system.item_holds(await side.item_number(item_id))]
        )

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        if wish.item_barcode:
            side = await self.systems.find_side_of_item(wish.item_barcode, PairedTask.REQUESTS)
            bib_id = ""
        else:
            reference = require_reference(wish.bib_id, RefusalReason.UNKNOWN_RECORD)
            side, bib_id = self.systems.select_side_of(PairedTask.REQUESTS), reference.number
            if reference.side is not side.side:
                refuse_unsupported("place a hold on a title that the other system of the pair looks up")
        if side.copies is not None:
            await self.patrons.refuse_blocked(wish.patron_id, BlockScope.REQUEST)
        native = replace(wish, patron_id=await side.require_patron(wish.patron_id), bib_id=bib_id)
        return side.name_hold(await side.system.change(native, key), wish.patron_id)

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; apart, of both; what is open comes before what has ended.

        Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable.
        """
        if not self.systems.is_apart:
            side = self.systems.select_side_of(PairedTask.REQUESTS)
            return await side.describe_hold(await side.system.find_hold(request_id))
        holds = []
        for side in self.systems.both_sides:
            try:
                holds.append(await side.describe_hold(await side.system.find_hold(request_id)))
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_REQUEST:
                    raise
        open_ones = [hold for hold in holds if hold.status.is_open]
        if len(open_ones) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_REQUEST)
        if not holds:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        return (open_ones or holds[::-1])[0]

    async def change_hold(self, wish: HoldCancellation | HoldUpdate, key: str) -> Hold:
        reference = require_reference(wish.hold_id, RefusalReason.UNKNOWN_REQUEST)
        side = self.systems.select_side(reference.side)
        return await side.describe_hold(await side.system.change(replace(wish, hold_id=reference.number), key))

"""Targets of a hold: an item, a copy of a record, or the record."""

from __future__ import annotations

from itertools import takewhile

from gateway.domain.commands import PlaceRequest
from gateway.domain.library import Bib, HoldStatus, Item, ItemStatus, Patron
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability
from gateway.services.circulation import items
from gateway.services.circulation.context import CirculationContext, require_capability
from gateway.services.circulation.own_things import Maker
from gateway.services.circulation.ownership import find_hold_maker, list_visible_items


@value_object
class HoldTarget:
    """The target that is wanted: this item, or with `item` None any copy."""

    bib: Bib
    item: Item | None = None


@value_object
class KeptItems:
    """Items as somebody meets them who is promised one at once."""

    patron: Patron
    number: str  # of the request; empty: none was sent
    context: CirculationContext

    async def is_kept_for_another(self, item: Item) -> bool:
        """Return whether somebody else comes first: by a hold on this very item, or as there are no more free copies
        than holds ahead on any copy."""
        waiting = await self.context.library.item_holds(item.id)
        kept = (HoldStatus.READY, HoldStatus.IN_TRANSIT)
        if any(hold.patron_id == self.patron.id and hold.status in kept for hold in waiting):
            return False
        ahead = list(takewhile(lambda hold: hold.patron_id != self.patron.id, waiting))
        if not ahead or await self._has_been_granted(item):
            return False
        if any(hold.item_id == item.id for hold in ahead):
            return True
        return len(ahead) >= max(await self._count_free_copies(item), 1)

    async def choose_free(self, copies: tuple[Item, ...]) -> tuple[Item, ...]:
        """Those that nobody else comes first for; all where there is none."""
        free = [item for item in copies if not item.hold_count or not await self.is_kept_for_another(item)]
        return tuple(free) or copies

    async def _has_been_granted(self, item: Item) -> bool:
        """Return whether this request has had the item: then its message is a repeat. Another partner's of the same
        number is none."""
        if not self.number:
            return False
        try:
            hold = await self.context.library.find_hold(self.number)
        except Refused as refused:
            if refused.reason in (RefusalReason.UNKNOWN_REQUEST, RefusalReason.AMBIGUOUS_REQUEST):
                return False
            raise
        if hold.patron_id != self.patron.id or hold.item_id != item.id or hold.status is not HoldStatus.FILLED:
            return False
        return await find_hold_maker(hold, self.context) is not Maker.ANOTHER_PARTNER

    async def _count_free_copies(self, item: Item) -> int:
        if not self.context.supports(Capability.ITEM_AVAILABILITY):
            return 0
        copies = (await self.context.library.holdings(item.bib_id)).items
        return sum(1 for copy in copies if copy.status is ItemStatus.AVAILABLE and copy.circulates)


async def find_hold_target(command: PlaceRequest, context: CirculationContext, keeper: KeptItems | None) -> HoldTarget:
    """`keeper`: an item that nobody else comes first for is better than another."""
    scope = command.scope or context.policy.requests.default_scope
    if command.items:
        named = tuple([await items.resolve_item(sent, context) for sent in command.items])
        named = _list_items_there(named, command, context) or named  # an item that is named outweighs a place
        named = await keeper.choose_free(named) if keeper is not None else named
        item = items.choose_best_copy(named) or named[0]
        bib = await context.library.get_bib(item.bib_id)
        return HoldTarget(bib, item if scope == "item" or not context.supports(Capability.HOLD_TITLE) else None)
    ids = command.records or (command.citation.identifiers if command.citation is not None else ())
    if not ids:
        raise Refused(
            RefusalReason.DATA_MISSING, "The message identifies neither an item nor a record.", about=MessagePart.ITEM
        )
    if context.supports(Capability.HOLD_TITLE) and not context.supports(Capability.BIB_FIND):
        return HoldTarget(items.name_record(ids, context))  # unseen: the system knows whether there is such a record
    bib = await items.resolve_record(ids, context)
    by_place = bool(list_places(command, context)) and context.supports(Capability.ITEM_AVAILABILITY)
    if scope == "title" and context.supports(Capability.HOLD_TITLE) and not by_place:
        return HoldTarget(bib)
    require_capability(context, Capability.ITEM_AVAILABILITY)
    visible_items = await list_visible_items((await context.library.holdings(bib.id)).items, context)
    copies = _list_items_there(visible_items, command, context)
    copy = items.choose_best_copy(await keeper.choose_free(copies) if keeper is not None else copies)
    if copy is None:
        raise Refused(
            RefusalReason.ITEM_DOES_NOT_CIRCULATE,
            write_sentence("No copy of this title is available for loan at this location.")
            if by_place
            else write_sentence("No copy of this title is available for loan."),
            about=MessagePart.RECORD,
            value=ids[0].value,
        )
    return HoldTarget(bib, copy)


def list_places(command: PlaceRequest, context: CirculationContext) -> tuple[str, ...]:
    """List where the copy has to be, in our words and without case; empty: anywhere."""
    rules = context.policy.requests
    if not rules.use_location:
        return ()
    known = {theirs.casefold(): ours for theirs, ours in rules.locations.items()}
    sent = (place.strip() for place in command.locations)
    return tuple(known.get(place.casefold(), place).casefold() for place in sent if place)


def _list_items_there(copies: tuple[Item, ...], command: PlaceRequest, context: CirculationContext) -> tuple[Item, ...]:
    places = list_places(command, context)
    if not places:
        return copies
    words = ((item, (item.home.library, item.home.shelf, item.home.name)) for item in copies)
    return tuple(item for item, names in words if any(word.casefold() in places for word in names))

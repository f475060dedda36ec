"""Use cases LookUp*: read only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from gateway.domain.commands import (
    AgencyFound,
    ItemFound,
    ItemSetEntry,
    ItemSetFound,
    LookUpAgency,
    LookUpItem,
    LookUpItemSet,
    LookUpPatron,
    LookUpRequest,
    Named,
    PatronFound,
    RequestFound,
)
from gateway.domain.library import BlockScope, Hold, Item, Loan, Patron, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import Capability
from gateway.services.circulation import holds, items, patrons
from gateway.services.circulation.context import CirculationContext, require_capability
from gateway.services.circulation.ownership import list_visible_holds, list_visible_items, list_visible_loans

_NOT_THERE = (
    RefusalReason.UNKNOWN_RECORD,
    RefusalReason.UNKNOWN_ITEM,
    RefusalReason.AMBIGUOUS_ITEM,
    RefusalReason.INVALID_VALUE,
)


async def lookup_agency(command: LookUpAgency, context: CirculationContext, _key: str) -> AgencyFound:
    """Look up an agency; only the library itself is known here; without an agency it is meant. Raises
    Refused(UNKNOWN_AGENCY)."""
    info = await context.library.info()
    asked = context.agency_or_sender(command.agency) if command.agency.strip() else context.symbol
    if asked.casefold() not in (context.symbol.casefold(), info.symbol.casefold()):
        raise Refused(
            RefusalReason.UNKNOWN_AGENCY,
            "This agency is not known here.",
            about=MessagePart.RECEIVER,
            value=command.agency,
        )
    places = await context.library.pickup_locations() if context.supports(Capability.PICKUP_LIST) else ()
    return AgencyFound(info.symbol, info.name, info.address, info.email, info.phone, places)


async def lookup_item(command: LookUpItem, context: CirculationContext, _key: str) -> ItemFound:
    """Look up an item by its id, or by the number of the request that it fills."""
    item = await items.resolve_item(command.item, context, request=command.request)
    loan = await _find_visible_loan(item, context) if command.borrower else None
    return ItemFound(
        item,
        await context.library.get_bib(item.bib_id),
        await _find_named_hold(command, item, context),
        loan,
        await patrons.find_patron_by_id(loan.patron_id, context) if loan is not None else None,
        await _list_requesters(item, context) if command.requesters else (),
    )


async def _find_visible_loan(item: Item, context: CirculationContext) -> Loan | None:
    """None also for one that another partner has made."""
    loan = await context.library.item_loan(item.id)
    return next(iter(await list_visible_loans((loan,), context)), None) if loan is not None else None


async def _find_named_hold(command: LookUpItem, item: Item, context: CirculationContext) -> Hold | None:
    """The hold of the request that was named; a request may have led to a loan without one."""
    if command.request is None or not command.request.value.strip():
        return None
    try:
        hold = await holds.resolve_hold(command.request, None, None, context)
    except Refused as refused:
        if refused.reason in (RefusalReason.UNKNOWN_REQUEST, RefusalReason.AMBIGUOUS_REQUEST):
            return None
        raise
    return hold if hold.item_id in ("", item.id) else None


async def _list_requesters(item: Item, context: CirculationContext) -> tuple[Patron, ...]:
    visible = await list_visible_holds(await context.library.item_holds(item.id), context)
    waiting = dict.fromkeys(hold.patron_id for hold in visible)
    return tuple([await patrons.find_patron_by_id(patron_id, context) for patron_id in waiting])


@value_object
class _PortionStart:
    """The beginning of a portion: at which entry, and at which of its items. Written as '3-20'."""

    entry: int = 0
    item: int = 0

    @classmethod
    def parse_cursor(cls, cursor: str) -> _PortionStart:
        if not cursor:
            return cls()
        if not re.fullmatch(r"\d{1,6}-\d{1,6}", cursor):
            raise Refused(
                RefusalReason.INVALID_VALUE,
                "The next-portion token was not issued here.",
                about=MessagePart.RECORD,
                value=cursor,
            )
        entry, item = cursor.split("-")
        return cls(int(entry), int(item))

    def __str__(self) -> str:
        return f"{self.entry}-{self.item}"


async def lookup_item_set(command: LookUpItemSet, context: CirculationContext, _key: str) -> ItemSetFound:
    """`limit` counts items; a record without any counts as one. The next portion is asked for with the same records
    and the cursor. Raises Refused(DATA_MISSING | INVALID_VALUE); a record that isn't there is told in its entry."""
    if not command.records and not command.items:
        raise Refused(
            RefusalReason.DATA_MISSING, "The message identifies neither records nor items.", about=MessagePart.RECORD
        )
    start = _PortionStart.parse_cursor(command.cursor)
    left = command.limit if command.limit and command.limit > 0 else None
    entries: list[ItemSetEntry] = []
    async for number, entry in _read_entries(command, start.entry, context):
        if left is not None and left <= 0:
            return ItemSetFound(tuple(entries), str(_PortionStart(number)))
        skip = start.item if number == start.entry else 0
        rest = entry.items[skip:]
        if left is not None and len(rest) > left:
            return ItemSetFound((*entries, replace(entry, items=rest[:left])), str(_PortionStart(number, skip + left)))
        entries.append(replace(entry, items=rest))
        left = left - max(len(rest), 1) if left is not None else None
    return ItemSetFound(tuple(entries))


async def _read_entries(
    command: LookUpItemSet, start: int, context: CirculationContext
) -> AsyncIterator[tuple[int, ItemSetEntry]]:
    ids: list[RecordId | Named] = [*command.records, *command.items]
    for number, id_ in enumerate(ids[start:], start):
        yield (
            number,
            await (_read_record_entry(id_, context) if isinstance(id_, RecordId) else _read_item_entry(id_, context)),
        )


async def _read_record_entry(record: RecordId, context: CirculationContext) -> ItemSetEntry:
    require_capability(context, Capability.ITEM_AVAILABILITY)
    try:
        bib = await items.resolve_record((record,), context)
    except Refused as refused:
        return _make_missing_entry(record, refused)
    holdings = await context.library.holdings(bib.id)
    return ItemSetEntry(record, holdings.bib, await list_visible_items(holdings.items, context), holdings.hold_count)


async def _read_item_entry(sent: Named, context: CirculationContext) -> ItemSetEntry:
    try:
        item = await items.resolve_item(sent, context)
    except Refused as refused:
        return _make_missing_entry(RecordId("item", sent.value), refused)
    bib = await context.library.get_bib(item.bib_id)
    return ItemSetEntry(RecordId("local", bib.id), bib, (item,), item.hold_count)


def _make_missing_entry(record: RecordId, refused: Refused) -> ItemSetEntry:
    if refused.reason not in _NOT_THERE:
        raise refused
    return ItemSetEntry(record, missing=refused.detail)


async def lookup_patron(command: LookUpPatron, context: CirculationContext, _key: str) -> PatronFound:
    """Charges are left out where the library's system doesn't tell them."""
    patron = await patrons.resolve_patron(command.patron, context)
    if context.policy.patrons.look_up_blocked == "refuse":
        for scope in (BlockScope.REQUEST, BlockScope.BORROW):
            block = patron.find_block(scope)
            if block is not None:
                raise patrons.make_block_refusal(patron, scope, block, context)
    charges = command.charges and context.supports(Capability.FEES_READ)
    return PatronFound(
        patron,
        await list_visible_loans(await context.library.patron_loans(patron.id), context) if command.loans else (),
        await list_visible_holds(await context.library.patron_holds(patron.id), context) if command.holds else (),
        await context.library.patron_charges(patron.id) if charges else (),
    )


async def lookup_request(command: LookUpRequest, context: CirculationContext, _key: str) -> RequestFound:
    """Look up a request by its number, or by patron and item. With both, they must agree."""
    asked_by = await patrons.resolve_patron(command.patron, context) if command.patron is not None else None
    hold = await holds.resolve_hold(command.request, command.item, asked_by, context, kind=command.kind)
    return RequestFound(
        hold,
        asked_by or await patrons.find_patron_by_id(hold.patron_id, context),
        await context.library.get_bib(hold.bib_id),
        await items.find_item_of_hold(hold, context),
    )

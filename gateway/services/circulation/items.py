"""Search for the item or record that is meant; items described, created, given a status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway.domain.circulation_policy import AcceptItemRules, DuePolicy
from gateway.domain.commands import AcceptItem, CreateItem, ItemChanged, Named, UpdateStatus
from gateway.domain.due_dates import patron_due
from gateway.domain.library import Bib, Hold, Item, ItemStatus, Location, RecordId
from gateway.domain.partner_identifiers import (
    RequestNumber,
    is_request_number,
    list_item_barcodes,
    make_temporary_barcode,
    read_request_number,
    translate_record_ids,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import IN_LIBRARY_CONDITIONS
from gateway.domain.value import replace
from gateway.ports.library_system import Capability, TemporaryItem
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.services.circulation.context import (
    CirculationContext,
    change_refusals_about,
    lookup_refusals_about,
    require_capability,
)
from gateway.services.circulation.ownership import is_item_of_another, list_visible_items


async def resolve_item(sent: Named | None, context: CirculationContext, *, request: Named | None = None) -> Item:
    """Find an item; raises Refused(DATA_MISSING | UNKNOWN_ITEM | AMBIGUOUS_ITEM).

    With policy `items.find_by_request`, an id that is no barcode is tried as a request number. The message's own
    request number, `request`, counts only where it names no item: a barcode that nobody knows may be a mis-scanned
    one, and another item must not go out, or be told of, in its place.
    """
    if sent is None or not sent.value.strip():
        if request is None or not request.value.strip():
            raise Refused(RefusalReason.DATA_MISSING, "The message does not identify an item.", about=MessagePart.ITEM)
        with lookup_refusals_about(MessagePart.REQUEST, request.value):
            return await find_item_by_request(request, context)
    with lookup_refusals_about(MessagePart.ITEM, sent.value):
        if is_request_number(sent, context.policy):
            return await find_item_by_request(sent, context)
        for barcode in list_item_barcodes(sent, context.sender, context.policy):
            if visible_item := await find_visible_item(barcode, context):
                return visible_item
        if context.policy.items.find_by_request:
            return await find_item_by_request(sent, context)
        raise Refused(RefusalReason.UNKNOWN_ITEM, "Item not found.")


async def resolve_returned_item(sent: Named | None, context: CirculationContext, *, request: Named | None) -> Item:
    """Find an item as `resolve_item` does; but a partner's item that is unknown by its id is found by the message's
    request number, with policy `items.find_by_request`: its record here may have another barcode than the partner uses
    (ULS, facts/ncip.md 2.1), and nothing is lent by a return. Raises Refused as `resolve_item`."""
    try:
        return await resolve_item(sent, context, request=request)
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_ITEM or not context.policy.items.find_by_request:
            raise
        item = await find_temporary_item_by_request(request, context)
        if item is None:
            raise
        return item


async def find_temporary_item_by_request(request: Named | None, context: CirculationContext) -> Item | None:
    """A partner's item by its request number; None where that is empty, unknown, or that of an item of our own.
    Raises Refused(AMBIGUOUS_ITEM)."""
    if request is None or not request.value.strip():
        return None
    item = await find_item_by_known_number(request, context)
    return item if item is not None and item.temporary else None


async def find_item_by_known_number(number: Named, context: CirculationContext) -> Item | None:
    """None where nobody knows the request number. Raises Refused(AMBIGUOUS_ITEM)."""
    try:
        with lookup_refusals_about(MessagePart.REQUEST, number.value):
            return await find_item_by_request(number, context)
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_ITEM:
            return None
        raise


async def find_visible_item(barcode: str, context: CirculationContext) -> Item | None:
    """None also for another partner's."""
    item = await find_item_by_barcode(barcode, context)
    return item if item is not None and not await is_item_of_another(item, context) else None


async def find_item_by_barcode(barcode: str, context: CirculationContext) -> Item | None:
    try:
        return await context.library.item_by_barcode(barcode)
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_ITEM:
            return None
        raise


async def find_item_by_request(sent: Named, context: CirculationContext) -> Item:
    """Find the item of this partner's request, of several partners' with this number. Raises Refused(UNKNOWN_ITEM |
    AMBIGUOUS_ITEM)."""
    number = read_request_number(sent, context.policy).value
    own, has_others = await context.things.list_things_of_request(number)
    if has_others:
        return await _find_one_of_own(own, context)
    item = await _find_item_of_number(number, context)
    if await is_item_of_another(item, context):
        raise Refused(RefusalReason.UNKNOWN_ITEM, "No item found for this request number.")
    return item


async def _find_one_of_own(things: tuple[PartnerThing, ...], context: CirculationContext) -> Item:
    items = {}
    for barcode in dict.fromkeys(thing.barcode for thing in things if thing.barcode):
        if item := await find_visible_item(barcode, context):
            items[item.id] = item
    if len(items) > 1:
        raise Refused(RefusalReason.AMBIGUOUS_ITEM, "Several items belong to this request number.")
    if not items:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "No item found for this request number.")
    return items.popitem()[1]


async def _find_item_of_number(number: str, context: CirculationContext) -> Item:
    if context.supports(Capability.ITEM_BY_REQUEST):
        return await context.library.item_by_request(number)
    try:
        hold = await context.library.find_hold(number)
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_REQUEST:
            raise Refused(RefusalReason.UNKNOWN_ITEM, "No item found for this request number.") from refused
        raise
    if not hold.item_barcode:
        raise Refused(RefusalReason.UNKNOWN_ITEM, "No item has been received for this request yet.")
    return await context.library.item_by_barcode(hold.item_barcode)


async def find_item_of_hold(hold: Hold, context: CirculationContext) -> Item | None:
    """The item of a hold; None when no item fills it yet or the item is gone."""
    return await find_item_by_barcode(hold.item_barcode, context) if hold.item_barcode else None


async def resolve_record(ids: tuple[RecordId, ...], context: CirculationContext) -> Bib:
    """One of which another partner has all items is unknown.

    Raises Refused(INVALID_VALUE | UNKNOWN_RECORD | AMBIGUOUS_ITEM); never a guess among several hits."""
    require_capability(context, Capability.BIB_FIND)
    with lookup_refusals_about(MessagePart.RECORD, ids[0].value):
        for record in translate_record_ids(ids, context.policy.records):
            try:
                bib = await context.library.find_bib(record)
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_RECORD:
                    raise
                continue
            if not await _is_record_of_another(bib, context):
                return bib
        raise Refused(RefusalReason.UNKNOWN_RECORD, "Record not found.")


async def _is_record_of_another(bib: Bib, context: CirculationContext) -> bool:
    """The catalogue shows only records that are anybody's to ask for: of these nothing is looked up."""
    if not bib.suppressed or not context.supports(Capability.ITEM_AVAILABILITY):
        return False
    items = (await context.library.holdings(bib.id)).items
    return bool(items) and not await list_visible_items(items, context)


def name_record(ids: tuple[RecordId, ...], context: CirculationContext) -> Bib:
    """Return the record of a system that can't be asked about records: what its own number says. Raises
    Refused(UNSUPPORTED_SERVICE)."""
    number = next((id_.value for id_ in translate_record_ids(ids, context.policy.records) if id_.type == "local"), "")
    if not number:
        require_capability(context, Capability.BIB_FIND)
    return Bib(id=number)


def choose_best_copy(items: Iterable[Item]) -> Item | None:
    """A copy that circulates: on the shelf before on loan, then the one that fewest wait for."""
    usable = [item for item in items if item.circulates and not item.temporary and item.status not in _OUT_OF_REACH]
    return min(usable, key=lambda item: (item.status is not ItemStatus.AVAILABLE, item.hold_count), default=None)


_OUT_OF_REACH = (ItemStatus.LOST, ItemStatus.MISSING, ItemStatus.CLAIMED_RETURNED, ItemStatus.NOT_AVAILABLE)


async def create_item(command: CreateItem, context: CirculationContext, key: str) -> ItemChanged:
    """Its barcode is the id as `items.rewrite` makes it, or one by the rules for temporary items where none is
    sent. Raises Refused(DATA_MISSING | DUPLICATE_ITEM | INVALID_VALUE)."""
    require_capability(context, Capability.TEMPORARY_ITEM)
    if command.status is not None:
        require_capability(context, Capability.STATUS_UPDATE)
    if not command.bib.title.strip():
        raise Refused(RefusalReason.DATA_MISSING, "The title of the new item is missing.", about=MessagePart.RECORD)
    with change_refusals_about(MessagePart.ITEM, command.item.value if command.item is not None else ""):
        received = await context.library.create_item(_describe_lasting_item(command, context, key), key)
        item = received.item
        context.things.add_thing(
            ThingKind.ITEM,
            item.id,
            request_id=read_request_number(command.request, context.policy).value,
            barcode=item.barcode,
        )
        if command.status is not None and command.status is not item.status and not received.repeated:
            item = await context.library.set_item_status(item.barcode, command.status, f"{key}:status")
    return ItemChanged(item)


def _describe_lasting_item(command: CreateItem, context: CirculationContext, key: str) -> TemporaryItem:
    rules = context.policy.accept
    number = read_request_number(command.request, context.policy)
    if command.item is not None:
        barcode = context.policy.items.rewrite.rewrite_identifier(command.item.value)
    else:
        barcode = make_temporary_barcode(None, number, command.request, context.sender, key, context.policy)
    usual = temporary_location(context)
    return TemporaryItem(
        barcode=barcode,
        bib=decorate_title(command.bib, rules),
        request_id=number.value,
        location=Location(usual.library, command.location or usual.shelf),
        policy=rules.policies.get(command.bib.medium.strip().lower(), rules.policy),
        suppressed=rules.suppressed,
        call_number=command.call_number or rules.call_number.format(request=number.value, agency=context.sender),
        note=rules.note.format(request=number.value, agency=context.sender),
        lender=context.sender,
    )


async def update_status(command: UpdateStatus, context: CirculationContext, key: str) -> ItemChanged:
    """Set the status that a partner asks for: policy `items.settable_statuses` says whether it may. Raises
    Refused(UNAUTHORIZED_SERVICE | UNKNOWN_ITEM | NOT_ALLOWED)."""
    require_capability(context, Capability.STATUS_UPDATE)
    if command.status not in context.policy.items.settable_statuses:
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "This partner is not allowed to set this item status.",
            about=MessagePart.STATUS,
            value=command.word or command.status.value,
        )
    return await set_status(command, context, key)


async def set_status(command: UpdateStatus, context: CirculationContext, key: str) -> ItemChanged:
    """A status is absolute: repeating it changes nothing. The key tells the time, for an item may be missing, found,
    and missing again. Raises Refused(UNKNOWN_ITEM | NOT_ALLOWED)."""
    require_capability(context, Capability.STATUS_UPDATE)
    item = await resolve_item(command.item, context)
    if item.status is command.status:
        return ItemChanged(item)
    with change_refusals_about(MessagePart.STATUS, command.word or command.status.value):
        return ItemChanged(
            await context.library.set_item_status(item.barcode, command.status, f"{key}:{context.now().isoformat()}")
        )


def describe_temporary_item(
    command: AcceptItem, number: RequestNumber, context: CirculationContext, key: str
) -> TemporaryItem:
    """Describe a temporary item without its hold. Raises Refused(DATA_MISSING | INVALID_VALUE | INVALID_DATE (a due
    date that has passed))."""
    rules = context.policy.accept
    lender = context.agency_or_sender(command.item.agency if command.item is not None else "")
    words = {"request": number.value, "agency": lender}
    library_use_only = (
        number.library_use_only
        or _has_word(command.citation.title, rules.library_use_words)
        or not IN_LIBRARY_CONDITIONS.isdisjoint(command.conditions)
    )
    notes = rules.note.format(**words), *command.list_terms()
    return TemporaryItem(
        barcode=make_temporary_barcode(command.item, number, command.request, context.sender, key, context.policy),
        bib=decorate_title(command.citation, rules),
        request_id=number.value,
        location=temporary_location(context),
        policy=_choose_item_policy(command, library_use_only, rules),
        suppressed=rules.suppressed,
        call_number=command.call_number or rules.call_number.format(**words),
        note="; ".join(note for note in notes if note),
        lender=lender,
        lender_due=_compute_lender_due(command, context),
        due_policy=context.policy.due_dates.policy,
        renewals_allowed=_is_renewable(command, number, rules),
        library_use_only=library_use_only,
    )


def decorate_title(citation: Bib, rules: AcceptItemRules) -> Bib:
    """The record's title with what the profile puts around it, so that staff know it for a partner's."""
    return replace(citation, id="", title=f"{rules.title_prefix}{citation.title}{rules.title_suffix}")


def temporary_location(context: CirculationContext) -> Location:
    return Location(context.policy.accept.library, context.policy.accept.location)


def _has_word(title: str, words: tuple[str, ...]) -> bool:
    upper = title.upper()
    return any(word.upper() in upper for word in words if word)


def _choose_item_policy(command: AcceptItem, library_use_only: bool, rules: AcceptItemRules) -> str:
    if library_use_only:
        return rules.library_use_policy
    return rules.policies.get(command.format.strip().lower(), rules.policy)


def _is_renewable(command: AcceptItem, number: RequestNumber, rules: AcceptItemRules) -> bool:
    """A title or number that says so outweighs the message's default."""
    if number.renewable is False or _has_word(command.citation.title, rules.no_renewal_words):
        return False
    return bool(number.renewable) or command.renewals_allowed


def _compute_lender_due(command: AcceptItem, context: CirculationContext) -> datetime | None:
    """Compute when it must leave its patron. None where the library's own rules alone count: then no loan has to heed
    it."""
    rules = context.policy.due_dates
    due = patron_due(command.due, rules, context.zone, context.now(), days_back=rules.transit_days)
    return due if rules.policy is not DuePolicy.LOCAL else None

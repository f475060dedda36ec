"""Holds placed, found, cancelled, changed; pickup places."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.domain.circulation_policy import LibraryService, ManagedRole, PickupSource, UnknownPickup
from gateway.domain.commands import CancelRequest, Named, PlaceRequest, RequestCancelled, RequestPlaced, UpdateRequest
from gateway.domain.due_dates import require_future_day
from gateway.domain.library import BlockScope, Hold, HoldStatus, Item, Patron, PickupLocation
from gateway.domain.partner_identifiers import RequestNumber, read_request_number
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.ports.library_system import Capability, HoldWish
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation import items, patrons
from gateway.services.circulation.context import (
    CirculationContext,
    change_refusals_about,
    is_answered_as_success,
    lookup_refusals_about,
    require_capability,
)
from gateway.services.circulation.hold_targets import HoldTarget, KeptItems, find_hold_target, list_places
from gateway.services.circulation.own_things import Maker
from gateway.services.circulation.ownership import (
    find_hold_maker,
    is_number_of_another,
    list_visible_holds,
    require_hold_right,
    require_item_right,
    require_right,
)


async def resolve_hold(
    request: Named | None, item: Named | None, patron: Patron | None, context: CirculationContext, *, kind: str = ""
) -> Hold:
    """Another patron's hold, and another partner's, is refused in the same words as one that isn't there.

    Raises Refused(DATA_MISSING | UNKNOWN_REQUEST | AMBIGUOUS_REQUEST | UNKNOWN_ITEM).
    """
    if request is not None and request.value.strip():
        with lookup_refusals_about(MessagePart.REQUEST, request.value):
            return await _find_hold_by_number(request, item, patron, context)
    if item is None or patron is None:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "A request number, or a patron and an item, are required.",
            about=MessagePart.REQUEST,
        )
    holds = await _list_holds_of_patron(patron, await items.resolve_item(item, context), context)
    of_kind = [hold for hold in holds if hold.kind == kind] or holds
    with lookup_refusals_about(MessagePart.ITEM, item.value):
        return _require_single_hold(of_kind)


async def _find_hold_by_number(
    request: Named, item: Named | None, patron: Patron | None, context: CirculationContext
) -> Hold:
    number = read_request_number(request, context.policy).value
    if await is_number_of_another(number, context):
        raise _no_such_hold_refusal()
    try:
        hold = await context.library.find_hold(number)
    except Refused as refused:
        if refused.reason is not RefusalReason.AMBIGUOUS_REQUEST:
            raise
        if patron is not None:
            return await _find_hold_of_patron(number, item, patron, context)
        hold = await find_hold_of_partner(number, None, context, refused)
    if await find_hold_maker(hold, context) is Maker.ANOTHER_PARTNER:  # two partners use the same number
        if patron is None:
            raise _no_such_hold_refusal()
        return await _find_hold_of_patron(number, item, patron, context)
    if patron is not None and hold.patron_id != patron.id:
        raise _no_such_hold_refusal()
    return hold


async def _find_hold_of_patron(number: str, item: Named | None, patron: Patron, context: CirculationContext) -> Hold:
    """Several holds have this number: another partner's too, or several pieces came under one (ULS `TN-1OF2`,
    facts/ncip.md 2.1) and the item tells them apart."""
    if item is not None:
        holds = await _list_holds_of_patron(patron, await items.resolve_item(item, context), context)
    else:
        holds = list(await list_visible_holds(await context.library.patron_holds(patron.id), context))
    return _require_single_hold([hold for hold in holds if hold.request_id == number])


async def find_hold_of_partner(
    number: str, patron: Patron | None, context: CirculationContext, refused: Refused
) -> Hold:
    """Find, of several partners' open holds with this number, the one that this partner has placed: it is looked for at
    its item, and at the patron's. `refused` is raised where there isn't a single one."""
    own, _ = await context.things.list_things_of_request(number)
    placed = {thing.id for thing in own if thing.kind is ThingKind.HOLD}
    holds = list(await context.library.patron_holds(patron.id)) if patron is not None and placed else []
    for barcode in dict.fromkeys(thing.barcode for thing in own if thing.barcode):  # the item may have another by now
        if item := await items.find_visible_item(barcode, context):
            holds += await context.library.item_holds(item.id)
    matching = {hold.id: hold for hold in holds if hold.id in placed and hold.request_id == number}
    if len(matching) != 1:
        raise refused
    return matching.popitem()[1]


async def _list_holds_of_patron(patron: Patron, item: Item, context: CirculationContext) -> list[Hold]:
    holds = await list_visible_holds(await context.library.patron_holds(patron.id), context)
    return [hold for hold in holds if hold.item_id == item.id or (not hold.item_id and hold.bib_id == item.bib_id)]


def _require_single_hold(holds: list[Hold]) -> Hold:
    if not holds:
        raise _no_such_hold_refusal()
    if len(holds) > 1:
        raise Refused(RefusalReason.AMBIGUOUS_REQUEST, "Several requests match.")
    return holds[0]


def _no_such_hold_refusal() -> Refused:
    return Refused(RefusalReason.UNKNOWN_REQUEST, "Request not found.")


def is_hold_unwanted(pickup: str, receiver: str, context: CirculationContext) -> bool:
    """Return whether the place says that no hold is wanted (USMAI sends `NONE`, facts/ncip.md 2.2)."""
    return _choose_pickup_text(pickup, receiver, context).lower() in context.policy.pickup.no_hold_words


async def resolve_pickup(pickup: str, receiver: str, patron: Patron, context: CirculationContext) -> PickupLocation:
    """`receiver` is ToAgencyId. Raises Refused(BAD_PICKUP_LOCATION)."""
    rules = context.policy.pickup
    sent = _choose_pickup_text(pickup, receiver, context)
    if not sent:
        return await default_pickup(patron, context)
    if pickup_location := await _find_pickup_location(choose_pickup_code(pickup, receiver, context), context):
        return pickup_location
    if rules.unknown is UnknownPickup.DEFAULT:
        return await default_pickup(patron, context)
    raise Refused(
        RefusalReason.BAD_PICKUP_LOCATION,
        "Pickup location not found.",
        about=MessagePart.PICKUP_LOCATION,
        value=sent,
    )


def choose_pickup_code(pickup: str, receiver: str, context: CirculationContext) -> str:
    """Choose the code under which the library is asked for the place; empty: for its default."""
    sent = _choose_pickup_text(pickup, receiver, context)
    places = context.policy.pickup.map
    return next((ours for theirs, ours in places.items() if theirs.casefold() == sent.casefold()), sent)


async def default_pickup(patron: Patron, context: CirculationContext) -> PickupLocation:
    """The profile's default, else a place at the patron's home library, else where partners' items come and go, else
    the library's first one."""
    rules = context.policy.pickup
    if rules.default:
        if pickup_location := await _find_pickup_location(rules.default, context):
            return pickup_location
        raise _no_pickup_refusal(
            f"profile {context.profile}: circulation.pickup.default {rules.default!r} is not a pickup location"
        )
    if not context.supports(Capability.PICKUP_LIST):
        return PickupLocation(patron.home_library, patron.home_library, patron.home_library)
    places = await context.library.pickup_locations()
    if not places:
        raise _no_pickup_refusal("the library has no pickup location")
    at_home = [place for place in places if place.library == patron.home_library]
    sharing = [place for place in places if place.resource_sharing]
    return (at_home or sharing or list(places))[0]


def _no_pickup_refusal(internal: str) -> Refused:
    return Refused(
        RefusalReason.BAD_PICKUP_LOCATION,
        "No pickup location could be determined.",
        about=MessagePart.PICKUP_LOCATION,
        internal=internal,
    )


def _choose_pickup_text(pickup: str, receiver: str, context: CirculationContext) -> str:
    """The first source that says something; empty when none does or a fixed place comes first."""
    rules = context.policy.pickup
    values = {PickupSource.PICKUP_LOCATION: pickup, PickupSource.RECEIVER: receiver}
    for source in rules.source:
        if source is PickupSource.FIXED:
            return ""
        value = values[source].strip()
        if value and value.lower() not in rules.none_words:
            return value
    return ""


async def _find_pickup_location(code: str, context: CirculationContext) -> PickupLocation | None:
    """A system that can't list its places is trusted with the code."""
    if not context.supports(Capability.PICKUP_LIST):
        return PickupLocation(code, code, "")
    places = await context.library.pickup_locations()
    return next((place for place in places if place.code.casefold() == code.casefold()), None)


async def place_request(command: PlaceRequest, context: CirculationContext, key: str) -> RequestPlaced:
    """A kind that promises the item at once is refused while the item is kept for somebody else.

    Raises Refused(DATA_MISSING | UNKNOWN_… | UNAUTHORIZED_SERVICE (the item is the library's) | PATRON_… |
    REQUESTED_BY_OTHER | BAD_PICKUP_LOCATION | INVALID_DATE …).
    """
    number = read_request_number(command.request, context.policy)
    patron = await patrons.resolve_patron(command.patron, context)
    keeper = KeptItems(patron, number.value, context) if _is_immediate(command, context) else None
    target = await find_hold_target(command, context, keeper)
    if target.item is None:
        require_right(LibraryService.PLACE_REQUEST, context)
    else:
        await require_item_right(target.item, LibraryService.PLACE_REQUEST, context)
    if keeper is not None and target.item is not None and await keeper.is_kept_for_another(target.item):
        raise _kept_item_refusal(command)
    if context.policy.requests.ignore or _is_hold_declined(command, context):
        return RequestPlaced(
            _make_unplaced_hold(command, number, patron, target, context), patron, target.bib, target.item
        )
    patrons.refuse_if_blocked(patron, BlockScope.REQUEST, context)
    place = await _choose_hold_pickup(command, patron, context)
    wish = _make_hold_wish(command, number, patron, target, place, context)
    try:
        with (
            change_refusals_about(MessagePart.ITEM, command.items[0].value)
            if command.items
            else change_refusals_about(MessagePart.RECORD, _first_record_number(command))
        ):
            hold = await _place_open_hold(wish, context, key)
    except Refused as refused:
        if not is_answered_as_success(refused, "place-request", context):
            raise _refuse_second_copy(refused, command, patron, context) from refused
        hold = await _find_existing_hold(wish, target, context, refused)
    return RequestPlaced(hold, patron, target.bib, await _find_hold_item(hold, target, context), place)


def _refuse_second_copy(
    refused: Refused, command: PlaceRequest, patron: Patron, context: CirculationContext
) -> Refused:
    """An institution that has the only copy asks for another of its patrons: there is none left, and its request is no
    duplicate."""
    if (
        refused.reason not in (RefusalReason.DUPLICATE_REQUEST, RefusalReason.ON_LOAN_SAME_PATRON)
        or command.items
        or not patrons.is_institution(patron, command.patron, context)
    ):
        return refused
    return Refused(
        RefusalReason.ITEM_NOT_AVAILABLE,
        "No further copy of this title is available for loan.",
        about=MessagePart.RECORD,
        value=_first_record_number(command),
        internal=refused.detail,
    )


def _is_immediate(command: PlaceRequest, context: CirculationContext) -> bool:
    """Return whether a yes promises the item, rather than a place in the queue."""
    rules = context.policy.requests
    without_queue = rules.ignore or rules.managed is ManagedRole.LENDING or _is_hold_declined(command, context)
    return without_queue or _choose_hold_kind(command, context) in rules.immediate_kinds


def _kept_item_refusal(command: PlaceRequest) -> Refused:
    by_item = bool(command.items)
    return Refused(
        RefusalReason.REQUESTED_BY_OTHER,
        "The item is on hold for another patron.",
        about=MessagePart.ITEM if by_item else MessagePart.RECORD,
        value=command.items[0].value if by_item else _first_record_number(command),
    )


def _first_record_number(command: PlaceRequest) -> str:
    return command.records[0].value if command.records else ""


def _is_hold_declined(command: PlaceRequest, context: CirculationContext) -> bool:
    return context.policy.requests.use_pickup and is_hold_unwanted(command.pickup, command.receiver, context)


async def _choose_hold_pickup(command: PlaceRequest, patron: Patron, context: CirculationContext) -> PickupLocation:
    if not context.policy.requests.use_pickup:
        return await default_pickup(patron, context)
    return await resolve_pickup(command.pickup, command.receiver, patron, context)


def _make_hold_wish(
    command: PlaceRequest,
    number: RequestNumber,
    patron: Patron,
    target: HoldTarget,
    place: PickupLocation,
    context: CirculationContext,
) -> HoldWish:
    """Make the wish; where the library's system takes no pickup place, staff read it in the note."""
    notes = ["library use only"] if number.library_use_only else []
    if target.item is None and list_places(command, context):
        notes.append(f"location: {', '.join(command.locations)}")
    if not context.supports(Capability.HOLD_PICKUP):
        notes.append(f"pickup: {place.name}")
    return HoldWish(
        patron.id,
        place.code if context.supports(Capability.HOLD_PICKUP) else "",
        request_id=number.value,
        item_barcode=target.item.barcode if target.item is not None else "",
        bib_id="" if target.item is not None else target.bib.id,
        kind=_choose_hold_kind(command, context),
        need_by=require_future_day(command.need_by, context.today(), context.zone, MessagePart.NEED_BY),
        expires=_compute_hold_expiry(command, context),
        note="; ".join(notes),
    )


def _choose_hold_kind(command: PlaceRequest, context: CirculationContext) -> str:
    return command.kind or context.policy.requests.default_kind


def _compute_hold_expiry(command: PlaceRequest, context: CirculationContext) -> date | None:
    if command.expires is not None:
        return require_future_day(command.expires, context.today(), context.zone, MessagePart.PICKUP_EXPIRY)
    days = context.policy.requests.hold_days
    return context.today() + timedelta(days=days) if days else None


async def _place_open_hold(wish: HoldWish, context: CirculationContext, key: str) -> Hold:
    """A repeated message finds its hold by the key. One that has ended is not what the message asks for again,
    unless it was filled under this very request number."""
    require_capability(context, Capability.HOLD_ITEM if wish.item_barcode else Capability.HOLD_TITLE)
    hold = await _place_hold_once(wish, context, key)
    while not hold.status.is_open and not (wish.request_id and hold.status is HoldStatus.FILLED):
        ended = hold.id
        hold = await _place_hold_once(wish, context, f"{key}:after-{ended}")
        if hold.id == ended:  # a system that keeps no keys: nothing more to be had from it
            return hold
    return hold


async def _place_hold_once(wish: HoldWish, context: CirculationContext, key: str) -> Hold:
    hold = await context.library.place_hold(wish, key)
    context.things.add_thing(
        ThingKind.HOLD, hold.id, request_id=wish.request_id, barcode=hold.item_barcode or wish.item_barcode
    )
    return hold


async def _find_existing_hold(
    wish: HoldWish, target: HoldTarget, context: CirculationContext, refused: Refused
) -> Hold:
    """The open hold of this patron that made the library refuse another; another partner's isn't told of."""
    for hold in await list_visible_holds(await context.library.patron_holds(wish.patron_id), context):
        if hold.bib_id == target.bib.id and (target.item is None or hold.item_id in ("", target.item.id)):
            return hold
    raise refused


async def _find_hold_item(hold: Hold, target: HoldTarget, context: CirculationContext) -> Item | None:
    """Find the item as it is now that the hold is placed."""
    return await items.find_item_of_hold(hold, context) or target.item


def _make_unplaced_hold(
    command: PlaceRequest, number: RequestNumber, patron: Patron, target: HoldTarget, context: CirculationContext
) -> Hold:
    return Hold(
        id="",
        key="",
        request_id=number.value,
        patron_id=patron.id,
        bib_id=target.bib.id,
        item_id=target.item.id if target.item is not None else "",
        pickup="",
        status=HoldStatus.WAITING,
        placed=context.now(),
        kind=_choose_hold_kind(command, context),
        item_barcode=target.item.barcode if target.item is not None else "",
        title=target.bib.title,
    )


async def cancel_request(command: CancelRequest, context: CirculationContext, key: str) -> RequestCancelled:
    """Cancel a request; raises Refused(DATA_MISSING | UNKNOWN_REQUEST | AMBIGUOUS_REQUEST | REQUEST_CLOSED |
    UNKNOWN_PATRON)."""
    require_capability(context, Capability.HOLD_CANCEL)
    patron = await patrons.resolve_patron(command.patron, context)
    resolved = await resolve_hold(command.request, command.item, patron, context, kind=command.kind)
    await require_hold_right(resolved, LibraryService.CANCEL_REQUEST, context)
    with change_refusals_about(MessagePart.REQUEST, command.request.value if command.request is not None else ""):
        hold = await cancel_hold(resolved, context, key)
    item = await items.find_item_of_hold(hold, context)
    return RequestCancelled(hold, patron, item)


async def cancel_hold(hold: Hold, context: CirculationContext, key: str) -> Hold:
    """Two holds may come and go under one request number, so the key names the hold too."""
    try:
        return await context.library.cancel_hold(hold.id, f"{key}:{hold.id}")
    except Refused as refused:
        if is_answered_as_success(refused, "cancel-request", context):
            return hold
        raise


async def update_request(command: UpdateRequest, context: CirculationContext, key: str) -> RequestPlaced:
    """Update a request; what isn't said stays as it is. The values are absolute, so a repeat does no harm; the key
    tells the time, since a place may be changed there and back again.

    Raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED | BAD_PICKUP_LOCATION | INVALID_DATE …).
    """
    require_capability(context, Capability.HOLD_UPDATE)
    asked_by = await patrons.resolve_patron(command.patron, context) if command.patron is not None else None
    hold = await resolve_hold(command.request, command.item, asked_by, context, kind=command.kind)
    await require_hold_right(hold, LibraryService.UPDATE_REQUEST, context)
    sent = command.request.value if command.request is not None else ""
    if not hold.status.is_open:
        raise Refused(RefusalReason.REQUEST_CLOSED, "This request is closed.", about=MessagePart.REQUEST, value=sent)
    patron = asked_by or await patrons.find_patron_by_id(hold.patron_id, context)
    place = await resolve_pickup(command.pickup, "", patron, context) if command.pickup.strip() else None
    need_by = require_future_day(command.need_by, context.today(), context.zone, MessagePart.NEED_BY)
    expires = require_future_day(command.expires, context.today(), context.zone, MessagePart.PICKUP_EXPIRY)
    if place or need_by or expires:
        with change_refusals_about(MessagePart.REQUEST, sent):
            hold = await context.library.update_hold(
                hold.id,
                f"{key}:{context.now().isoformat()}",
                pickup=place.code if place is not None else None,
                need_by=need_by,
                expires=expires,
            )
    item = await items.find_item_of_hold(hold, context)
    return RequestPlaced(hold, patron, await context.library.get_bib(hold.bib_id), item, place)

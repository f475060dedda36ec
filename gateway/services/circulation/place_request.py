"""PlaceRequest: a hold on a copy or on a title."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.domain.commands import PlaceRequest, RequestPlaced
from gateway.domain.due_dates import day_to_come
from gateway.domain.frozen import frozen
from gateway.domain.identifiers import RequestNumber, request_number
from gateway.domain.library import Bib, Hold, HoldStatus, Item, Patron, PickupLocation, Scope
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability, HoldWish
from gateway.services.circulation import items, patrons, pickup, records
from gateway.services.circulation.desk import Desk, doing, is_success, need


@frozen
class _Target:
    """What is wanted: this item, or with `item` None any copy."""

    bib: Bib
    item: Item | None = None


async def place_request(command: PlaceRequest, desk: Desk, key: str) -> RequestPlaced:
    """Raises Refused(DATA_MISSING | UNKNOWN_… | PATRON_… | BAD_PICKUP_LOCATION | INVALID_DATE …)."""
    number = request_number(command.request, desk.policy)
    patron = await patrons.resolve(command.patron, desk)
    target = await _target(command, desk)
    if desk.policy.requests.ignore or _says_no_hold(command, desk):
        return RequestPlaced(_nothing_placed(command, number, patron, target, desk), patron, target.bib, target.item)
    patrons.stop_if_blocked(patron, Scope.REQUEST, desk)
    place = await _pickup(command, patron, desk)
    wish = _wish(command, number, patron, target, place, desk)
    try:
        with doing(About.ITEM, command.items[0].value) if command.items else doing(About.RECORD, _record(command)):
            hold = await _place(wish, desk, key)
    except Refused as refused:
        if not is_success(refused, "place-request", desk):
            raise
        hold = await _existing(wish, target, desk, refused)
    return RequestPlaced(hold, patron, target.bib, await _item_of(hold, target, desk), place)


async def _target(command: PlaceRequest, desk: Desk) -> _Target:
    scope = command.scope or desk.policy.requests.default_scope
    if command.items:
        found = [await items.resolve_item(sent, desk) for sent in command.items]
        item = records.best_copy(found) or found[0]
        bib = await desk.library.bib(item.bib_id)
        return _Target(bib, item if scope == "item" or not desk.can(Capability.HOLD_TITLE) else None)
    sent = command.records or (command.citation.identifiers if command.citation is not None else ())
    if not sent:
        raise Refused(Reason.DATA_MISSING, "The message names neither an item nor a record.", about=About.ITEM)
    bib = await records.resolve_record(sent, desk)
    if scope == "title" and desk.can(Capability.HOLD_TITLE):
        return _Target(bib)
    need(desk, Capability.ITEM_AVAILABILITY)
    copy = records.best_copy((await desk.library.holdings(bib.id)).items)
    if copy is None:
        raise Refused(
            Reason.ITEM_DOES_NOT_CIRCULATE,
            "No copy of this title can be lent.",
            about=About.RECORD,
            value=sent[0].value,
        )
    return _Target(bib, copy)


def _record(command: PlaceRequest) -> str:
    return command.records[0].value if command.records else ""


def _says_no_hold(command: PlaceRequest, desk: Desk) -> bool:
    return desk.policy.requests.use_pickup and pickup.asks_for_no_hold(command.pickup, command.receiver, desk)


async def _pickup(command: PlaceRequest, patron: Patron, desk: Desk) -> PickupLocation:
    if not desk.policy.requests.use_pickup:
        return await pickup.default(patron, desk)
    return await pickup.resolve_pickup(command.pickup, command.receiver, patron, desk)


def _wish(
    command: PlaceRequest,
    number: RequestNumber,
    patron: Patron,
    target: _Target,
    place: PickupLocation,
    desk: Desk,
) -> HoldWish:
    """Where the library's system takes no pickup place, staff read it in the note."""
    notes = ["library use only"] if number.library_use_only else []
    if not desk.can(Capability.HOLD_PICKUP):
        notes.append(f"pickup: {place.name}")
    return HoldWish(
        patron.id,
        place.code if desk.can(Capability.HOLD_PICKUP) else "",
        request_id=number.value,
        item_barcode=target.item.barcode if target.item is not None else "",
        bib_id="" if target.item is not None else target.bib.id,
        kind=_kind(command, desk),
        need_by=day_to_come(command.need_by, desk.today(), desk.zone, About.NEED_BY),
        expires=_expires(command, desk),
        note="; ".join(notes),
    )


def _kind(command: PlaceRequest, desk: Desk) -> str:
    return command.kind or desk.policy.requests.default_kind


def _expires(command: PlaceRequest, desk: Desk) -> date | None:
    if command.expires is not None:
        return day_to_come(command.expires, desk.today(), desk.zone)
    days = desk.policy.requests.hold_days
    return desk.today() + timedelta(days=days) if days else None


async def _place(wish: HoldWish, desk: Desk, key: str) -> Hold:
    """A repeated message finds its hold by the key. One that has ended is not what the message asks for again,
    unless it was filled under this very request number."""
    need(desk, Capability.HOLD_ITEM if wish.item_barcode else Capability.HOLD_TITLE)
    hold = await desk.library.place_hold(wish, key)
    while not hold.status.is_open and not (wish.request_id and hold.status is HoldStatus.FILLED):
        ended = hold.id
        hold = await desk.library.place_hold(wish, f"{key}:after-{ended}")
        if hold.id == ended:  # a system that keeps no keys: nothing more to be had from it
            return hold
    return hold


async def _existing(wish: HoldWish, target: _Target, desk: Desk, refused: Refused) -> Hold:
    """The open hold of this patron that made the library refuse another."""
    for hold in await desk.library.patron_holds(wish.patron_id):
        if hold.bib_id == target.bib.id and (target.item is None or hold.item_id in ("", target.item.id)):
            return hold
    raise refused


async def _item_of(hold: Hold, target: _Target, desk: Desk) -> Item | None:
    """As it is now that the hold is placed."""
    return await items.of_hold(hold, desk) or target.item


def _nothing_placed(command: PlaceRequest, number: RequestNumber, patron: Patron, target: _Target, desk: Desk) -> Hold:
    return Hold(
        id="",
        key="",
        request_id=number.value,
        patron_id=patron.id,
        bib_id=target.bib.id,
        item_id=target.item.id if target.item is not None else "",
        pickup="",
        status=HoldStatus.WAITING,
        placed=desk.now(),
        kind=_kind(command, desk),
        item_barcode=target.item.barcode if target.item is not None else "",
        title=target.bib.title,
    )

"""Changes that an event leaves on the volumes of a request: where each piece is, and which item it is. Pure.

A supplier names the items of a parcel by their barcodes, some with the volumes' labels too. Which volume an item is, is
no guess: what isn't plain stays a number in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    BROKER,
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    ShippedItem,
    local_signal,
)
from gateway.domain.requests.request import Request, Role, Volume, VolumeState
from gateway.domain.requests.volume_notes import MAX_VOLUMES
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace

_ENDED = (VolumeState.CHECKED_IN, VolumeState.LOST)


def make_volumes(labels: tuple[str, ...]) -> tuple[Volume, ...]:
    """One piece where no volumes are named."""
    return tuple(Volume(str(number), label) for number, label in enumerate(labels or ("",), 1))


def find_meant_volumes(request: Request, event: Event) -> frozenset[str]:
    """Ids of the volumes that an event is about: those that it names, else those that are out. One that was never sent
    is no part of it, nor one that lacks; where none is known to be out, all are meant, since the message that said so
    may be missing."""
    named, missing = event.details.volumes, frozenset(event.details.missing)
    if named:
        return frozenset(named) - missing
    volumes = request.volumes
    if event.kind is EventKind.RECEIVED:  # what is here already is not received once more
        out = [volume for volume in volumes if volume.state is VolumeState.SHIPPED]
    else:
        out = [volume for volume in volumes if volume.state is not VolumeState.EXPECTED]
    meant = volumes if event.kind in _FIRST_STEPS else out or volumes
    return frozenset(volume.id for volume in meant) - missing


_FIRST_STEPS = frozenset({EventKind.SHIPPED, EventKind.COPY_DELIVERED})
"""Events that send what was not sent before."""


def update_volumes(request: Request, event: Event) -> tuple[Volume, ...]:
    """Events move the volumes that they are about; what has ended, or has gone further already (a message that comes
    late), stays as it is. A new supplier sends all of them anew."""
    if event.signal == local_signal(EventKind.REQUEST):
        return tuple(Volume(volume.id, volume.label) for volume in request.volumes)
    named = event.details.volumes
    entry = EVENT_CATALOGUE[event.kind]
    if entry.ends_transit and event.signal.origin is EventOrigin.US:
        return tuple(replace(v, in_transit=False) if not named or v.id in named else v for v in request.volumes)
    to = entry.volume
    if to is None:
        return request.volumes
    volumes = request.volumes
    items: Mapping[str, ShippedItem] = {}
    if event.kind is EventKind.SHIPPED and event.details.items:
        details = replace(event.details, items=_take_title_off(event.details.items, request.citation.title))
        volumes = _add_further_items(volumes, details)
        items = _assign_items(volumes, details)
        if len(items) == len(details.items):
            named = named or tuple(items)
    nameless = ShippedItem("")
    about = replace(event, details=replace(event.details, volumes=named))
    meant = find_meant_volumes(replace(request, volumes=volumes), about)
    moved = tuple(
        replace(
            volume,
            state=to,
            theirs=items.get(volume.id, nameless).barcode or event.details.barcode or volume.theirs,
            in_transit=volume.in_transit and to is VolumeState.RECEIVED,
            call_number=items.get(volume.id, nameless).call_number or volume.call_number,
        )
        if volume.id in meant and _can_move_volume(volume.state, to)
        else volume
        for volume in volumes
    )
    return _set_own_barcode(request, event, _await_missing_volumes(event, moved))


def _await_missing_volumes(event: Event, volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    """Await volumes that should have come to us and have not."""
    missing = event.details.missing if event.signal == local_signal(EventKind.RECEIVED) else ()
    return tuple(
        replace(v, state=VolumeState.EXPECTED) if v.id in missing and v.state is VolumeState.SHIPPED else v
        for v in volumes
    )


def _set_own_barcode(request: Request, event: Event, volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    """Set the item of ours that went out as the one volume that was shipped: another one corrects it."""
    meant = [volume.id for volume in volumes if not event.details.volumes or volume.id in event.details.volumes]
    barcode = event.details.barcode
    if not ships_own_item(request, event) or event.signal != local_signal(EventKind.SHIPPED) or len(meant) != 1:
        return volumes
    return tuple(replace(v, barcode=barcode) if barcode and v.id == meant[0] else v for v in volumes)


def ships_own_item(request: Request, event: Event) -> bool:
    """Return whether an item of ours was shipped: not what a supplier has shipped, of a request that we broker."""
    return request.role is Role.LENDING and request.can_ship_own_item and event.actor != BROKER


_ORDER = tuple(VolumeState)
_FOUND = (VolumeState.BACK, VolumeState.RETURNED, VolumeState.CHECKED_IN)
"""Where what was lost may turn up."""


def _can_move_volume(now: VolumeState, to: VolumeState) -> bool:
    if now in _ENDED:
        return now is VolumeState.LOST and to in _FOUND
    again = now is VolumeState.BACK and to is VolumeState.LENT
    return again or _ORDER.index(to) > _ORDER.index(now)


# --- several items of a supplier --------------------------------------------------------------------------


def list_items_out(request: Request) -> tuple[str, ...]:
    """Lending: barcodes of the pieces that are out by now, or were."""
    of_request = request.item_barcode if len(request.volumes) == 1 else ""
    out = (volume for volume in request.volumes if volume.state is not VolumeState.EXPECTED)
    barcodes = (volume.barcode or volume.theirs or of_request for volume in out)
    return tuple(filter(None, barcodes)) if request.role is Role.LENDING else ()


def _take_title_off(items: Iterable[ShippedItem], title: str) -> tuple[ShippedItem, ...]:
    """`Kongespeilet, Bd. 1` is volume `Bd. 1` of what was asked for: some suppliers name the whole piece."""
    return tuple(replace(item, label=_take_prefix_off(item.label.strip(), title.strip())) for item in items)


def _take_prefix_off(label: str, title: str) -> str:
    rest = label[len(title) :]
    is_whole = bool(title) and label.casefold().startswith(title.casefold()) and not rest[:1].isalnum()
    return rest.strip(" ,.:;/-") if is_whole else label


def _assign_items(volumes: tuple[Volume, ...], details: EventDetails) -> Mapping[str, ShippedItem]:
    """Items by id of the volume. An item is the volume that has its number already, else the one that is called so;
    those that are left are the other volumes that are meant, in their order, where there are as many."""
    items: dict[str, ShippedItem] = {}
    left: list[ShippedItem] = []
    for item in details.items:
        volume = _find_volume(volumes, item)
        if volume is not None and volume.id not in items:
            items[volume.id] = item
        else:
            left.append(item)
    named = details.volumes
    awaited = [v for v in volumes if v.id not in items and not v.theirs and (not named or v.id in named)]
    if len(left) == len(awaited):
        items |= {volume.id: item for volume, item in zip(awaited, left, strict=True)}
    return items


def _find_volume(volumes: Iterable[Volume], item: ShippedItem) -> Volume | None:
    called = fold_text(item.label)
    numbered = next((volume for volume in volumes if item.barcode and volume.theirs == item.barcode), None)
    return numbered or next((volume for volume in volumes if called and fold_text(volume.label) == called), None)


def _add_further_items(volumes: tuple[Volume, ...], details: EventDetails) -> tuple[Volume, ...]:
    """Make each item a volume where one piece without a name was asked for and comes as several. Else as they are."""
    items = details.items
    first = volumes[0]
    is_plain = len(volumes) == 1 and not first.label and first.state in (VolumeState.EXPECTED, VolumeState.SHIPPED)
    if not is_plain or not 1 < len(items) <= MAX_VOLUMES or first.theirs not in ("", items[0].barcode):
        return volumes
    ids = (str(number) for number in count(1) if str(number) != first.id)
    further = (Volume(id_, item.label) for id_, item in zip(ids, items[1:], strict=False))
    return (replace(first, label=items[0].label), *further)

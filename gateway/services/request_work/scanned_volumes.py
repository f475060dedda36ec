"""Naming of the volume of a request that a scanned item is, where nobody said it. Never a guess: what isn't plain is
asked."""

from __future__ import annotations

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request, Role, ServiceType, Volume, VolumeState
from gateway.domain.requests.views import ActionRequest
from gateway.domain.sentences import write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace
from gateway.services.requests.library_context import LibraryContext

_AWAITED = {
    (Role.BORROWING, EventKind.RECEIVED): (VolumeState.EXPECTED, VolumeState.SHIPPED),
    (Role.LENDING, EventKind.SHIPPED): (VolumeState.EXPECTED,),
}
"""Acts that bring an item together with the request; volumes in these states wait for theirs."""


async def name_scanned_volume(context: LibraryContext, request: Request, action: ActionRequest) -> EventDetails:
    """The details with the volume that the scanned barcode is of. Raises Refused(AMBIGUOUS_ITEM): it may be one or
    another of them, or one that the request doesn't have; INVALID_VALUE: one barcode for several volumes."""
    details, awaited_states = action.details, _AWAITED.get((request.role, action.kind))
    if awaited_states is None or not details.barcode or request.service.type is ServiceType.COPY:
        return details
    if action.attempt not in (0, request.current):
        return details
    if details.volumes:
        _require_one_volume(details)
        return details
    awaited = tuple(v for v in request.volumes if v.state in awaited_states and v.id not in details.missing)
    scanned = next((volume for volume in request.volumes if _is_of_item(request, volume, details.barcode)), None)
    if scanned is not None:
        return _name_volume(request, details, scanned)
    if not awaited:
        _ask_about_further_item(request, details.barcode)
    shipped = tuple(volume for volume in awaited if volume.state is VolumeState.SHIPPED)
    if len(shipped or awaited) == 1:
        return _name_volume(request, details, (shipped or awaited)[0])
    alike = await _find_volumes_alike(context, request, awaited, details)
    if len(alike) == 1:
        return _name_volume(request, details, alike[0])
    raise Refused(
        RefusalReason.AMBIGUOUS_ITEM,
        write_sentence(
            "Which volume is %(barcode)s? Name the volume (volumes): %(volumes)s.",
            barcode=details.barcode,
            volumes=_list_volumes(awaited),
        ),
        about=MessagePart.ITEM,
        value=details.barcode,
    )


def _require_one_volume(details: EventDetails) -> None:
    if len(details.volumes) > 1:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence(
                "The barcode %(barcode)s can belong to one volume only; %(count)s were named.",
                barcode=details.barcode,
                count=len(details.volumes),
            ),
            about=MessagePart.ITEM,
            value=details.barcode,
        )


def _is_of_item(request: Request, volume: Volume, barcode: str) -> bool:
    """Return whether this is the number of the volume's item, ours or the partner's."""
    of_request = request.item_barcode if request.role is Role.LENDING and len(request.volumes) == 1 else ""
    return barcode in filter(None, (volume.barcode, volume.theirs, of_request))


def _name_volume(request: Request, details: EventDetails, volume: Volume) -> EventDetails:
    """A request of one piece needs no names."""
    return replace(details, volumes=(volume.id,)) if len(request.volumes) > 1 else details


async def _find_volumes_alike(
    context: LibraryContext, request: Request, awaited: tuple[Volume, ...], details: EventDetails
) -> tuple[Volume, ...]:
    """Those that are called as the item is, in what is said of it or in our own record of it."""
    description = details.item_description
    if not description and request.role is Role.LENDING:
        item = await context.find_item(details.barcode)
        description = item.description if item is not None else ""
    called = fold_text(description)
    return tuple(volume for volume in awaited if called and fold_text(volume.label) == called)


def _ask_about_further_item(request: Request, barcode: str) -> None:
    """Each volume has its item already."""
    had = request.lent_barcodes if request.role is Role.LENDING else tuple(volume.barcode for volume in request.volumes)
    items = ", ".join(filter(None, had)) or "?"
    raise Refused(
        RefusalReason.AMBIGUOUS_ITEM,
        write_sentence(
            "Every volume of this request already has an item (%(items)s). If %(barcode)s was shipped instead of one "
            "of them, name the volume (volumes: %(volume)s). If it is an additional volume, add that first (edit: "
            "further_volume). Otherwise it belongs to another request.",
            items=items,
            barcode=barcode,
            volume=request.volumes[0].id,
        )
        if request.role is Role.LENDING
        else write_sentence(
            "Every volume of this request already has an item (%(items)s). If %(barcode)s is an additional volume, "
            "add that first (edit: further_volume). Otherwise it belongs to another request.",
            items=items,
            barcode=barcode,
        ),
        about=MessagePart.ITEM,
        value=barcode,
    )


def _list_volumes(volumes: tuple[Volume, ...]) -> str:
    return ", ".join(f"{volume.id} ({volume.label})" if volume.label else volume.id for volume in volumes)

"""A partner's item comes in: its temporary record in the library's own system, and the hold for the patron."""

from __future__ import annotations

from gateway.domain.library import Bib, Location
from gateway.domain.partner_identifiers import generate_barcode
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.request import (
    Request,
    RequestFlag,
    Volume,
    VolumeState,
)
from gateway.domain.requests.request_updates import RequestChange
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_system import Capability, TemporaryHold, TemporaryItem, TemporaryItemResult
from gateway.services.request_work.desk_loans import DeskAction, check_in_item
from gateway.services.request_work.item_conflicts import wait_for_record
from gateway.services.request_work.library_outcomes import is_hold_in_transit


async def receive_items(action: DeskAction) -> RequestChange:
    """A temporary record with a hold for the patron: on the hold shelf here, or in transit to the pickup place. Where
    the item was announced, its record and hold are there, and wait for it. What goes straight back has a record only
    in a system that makes one without a patron."""
    able = action.context.system.capabilities
    volumes = action.select_volumes(VolumeState.EXPECTED, VolumeState.SHIPPED)
    records: dict[str, tuple[str, bool]] = {}  # by id of the volume: its barcode, whether it is in transit
    for volume in volumes:
        if volume.barcode:
            records[volume.id] = volume.barcode, await _put_on_shelf(action, volume)
            continue
        if not is_for_hold_shelf(action.request) and Capability.ITEM_WITHOUT_HOLD not in able:
            continue
        if Capability.TEMPORARY_ITEM not in able:
            records[volume.id] = await _find_record_of_staff(action, len(volumes)), False
            continue
        item = _build_temporary_item(action, volume)
        received = await _create_record(action, item, action.piece_key(volume))
        records[volume.id] = received.item.barcode, is_hold_in_transit(received.hold)

    def set_records(request: Request) -> Request:
        unchanged = {part.id: (part.barcode, part.in_transit) for part in request.volumes}
        pairs = {**unchanged, **records}
        marked = tuple(replace(v, barcode=pairs[v.id][0], in_transit=pairs[v.id][1]) for v in request.volumes)
        return replace(request, volumes=marked)

    return set_records


async def _put_on_shelf(action: DeskAction, volume: Volume) -> bool:
    """Put a volume on the shelf, and return whether it travels to its pickup place. Where the system can't be told, the
    first scan there shows that."""
    system = action.context.system
    if Capability.CHECK_IN not in system.capabilities:
        return False
    put = await system.check_in(volume.barcode, f"{action.key}:{volume.id}")
    return is_hold_in_transit(put.next_hold)


async def _find_record_of_staff(action: DeskAction, volume_count: int) -> str:
    """The barcode of the record that staff have made in a system that can't be told to. Raises Refused."""
    barcode = action.event.details.barcode
    if not barcode or volume_count != 1:
        raise Refused(
            RefusalReason.DATA_MISSING,
            write_sentence(
                "Create a record for each volume in the library system, then receive each volume with the barcode of "
                "its record. The library system has no interface for creating records."
            )
            if volume_count != 1
            else write_sentence(
                "Create a record for it in the library system, then receive it with the barcode of the record. The "
                "library system has no interface for creating records."
            ),
            about=MessagePart.ITEM,
        )
    await action.context.system.item_by_barcode(barcode)
    return barcode


async def _create_record(action: DeskAction, item: TemporaryItem, key: str) -> TemporaryItemResult:
    """Create a record; what was lost for this very request, and comes again under its barcode, gets one of its own:
    that of the lost one ends, with its loan."""
    system = action.context.system
    try:
        return await system.create_temporary_item(item, key)
    except Refused as refused:
        is_lost_piece = any(item.barcode in attempt.pieces for attempt in action.request.attempts)
        if refused.reason is not RefusalReason.DUPLICATE_ITEM or not is_lost_piece:
            await wait_for_record(action.context, action.request, item.barcode, refused)
            raise
    await check_in_item(action, item.barcode, f"{item.barcode}:found")
    await system.delete_temporary_item(item.barcode, f"{action.key}:{item.barcode}:lost")
    return await system.create_temporary_item(item, key)


def _build_temporary_item(action: DeskAction, volume: Volume) -> TemporaryItem:
    request, accept, details = action.request, action.policy.accept, action.event.details
    terms = action.terms
    library_use = LoanCondition.LIBRARY_USE_ONLY in terms.conditions
    pickup = details.pickup or request.patron.pickup
    labels = " ".join(part for part in (request.citation.title, volume.label) if part)
    return TemporaryItem(
        barcode=_choose_barcode(action, volume),
        bib=Bib(
            title=f"{accept.title_prefix}{labels}{accept.title_suffix}" or request.number,
            author=request.citation.author,
            identifiers=request.citation.identifiers,
            edition=request.citation.edition,
            publisher=request.citation.publisher,
            published=request.citation.published,
        ),
        request_id=request.number,
        location=Location(accept.library, accept.location),
        policy=accept.library_use_policy if library_use else accept.policy,
        suppressed=accept.suppressed,
        call_number=volume.call_number or request.citation.call_number,
        note=details.note,
        lender=request.partner.symbol,
        lender_due=terms.patron_due,
        due_policy=action.policy.due_dates.policy,
        renewals_allowed=terms.renewals_allowed and LoanCondition.NO_RENEWAL not in terms.conditions,
        library_use_only=library_use,
        hold=TemporaryHold(request.patron.id, pickup) if is_for_hold_shelf(request) else None,
    )


def is_for_hold_shelf(request: Request) -> bool:
    """Return whether it goes to the hold shelf: not what goes straight back."""
    return bool(request.patron.id) and request.flags.isdisjoint((RequestFlag.UNWANTED, RequestFlag.RECALLED))


def _choose_barcode(action: DeskAction, volume: Volume) -> str:
    """Scanned, else the partner's own, else by the profile's template."""
    scanned = action.event.details.barcode
    if scanned and len(action.select_volumes(VolumeState.EXPECTED, VolumeState.SHIPPED)) == 1:
        return action.policy.accept.barcode.rewrite_identifier(scanned)
    if volume.theirs and action.policy.accept.barcode_from.value == "item-id":
        return action.policy.accept.barcode.rewrite_identifier(volume.theirs)
    return generate_barcode(action.policy.accept, action.request.number, action.piece_key(volume))


async def delete_temporary_items(action: DeskAction) -> None:
    """Temporary records of volumes that were not received."""
    if Capability.TEMPORARY_ITEM not in action.context.system.capabilities:
        return
    for volume in action.select_volumes(
        VolumeState.EXPECTED, VolumeState.SHIPPED, VolumeState.LOST, VolumeState.CHECKED_IN
    ):
        if volume.barcode:
            continue
        try:
            await action.context.system.delete_temporary_item(
                _choose_barcode(action, volume), f"{action.key}:{volume.id}:undone"
            )
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise

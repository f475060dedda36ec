"""Actions at the desk that need the library's yes before they count: an item comes in, is lent, comes back, is shipped.

Each is one outbox row that carries the event which follows from the yes: a crash between the two is repaired by doing
the row again, under the same key, and the library does nothing twice (design rule 6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.due_dates import due_moment
from gateway.domain.library import Bib, ItemStatus, Loan, Location
from gateway.domain.partner_identifiers import generate_barcode
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import Event, EventKind, LoanCondition
from gateway.domain.requests.request import (
    LendingState,
    LoanTerms,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    Volume,
    VolumeState,
)
from gateway.domain.requests.request_updates import RequestChange, keep_request
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, RemembersLoans, TemporaryHold, TemporaryItem, TemporaryItemResult
from gateway.services.due_date_changes import move_due_date
from gateway.services.library_context import LibraryContext
from gateway.services.library_work.item_conflicts import wait_for_loan, wait_for_record
from gateway.services.library_work.library_outcomes import is_hold_in_transit
from gateway.services.requests.deadlines import complete_request
from gateway.services.requests.lending import borrower_account


@value_object
class DeskAction:
    """`terms` are those of the loan as they are with the event: it may bring the due date."""

    context: LibraryContext
    request: Request
    event: Event
    key: str
    terms: LoanTerms

    @property
    def policy(self) -> CirculationPolicy:
        profile = self.context.profile(self.request.partner.profile)
        return profile.circulation if profile is not None else CirculationPolicy()

    def piece_key(self, volume: Volume) -> str:
        """One supplier's piece: the next supplier's is another, even where this one is lost and still on record."""
        return f"{self.request.id}:{self.request.current}:{volume.id}"

    def select_volumes(self, *states: VolumeState) -> tuple[Volume, ...]:
        """Those that the event names, or all, of these states."""
        named = self.event.details.volumes
        return tuple(v for v in self.request.volumes if v.state in states and (not named or v.id in named))


def is_desk_action(request: Request, kind: EventKind, attempt: int) -> bool:
    """Whether this event needs the library first. A copy is nothing that circulates, and what we broker is no item of
    the library's, unless one of ours is shipped after all; of a past supplier's items, only those are known to the
    library that came and were lost."""
    ships_own = (request.role, kind) == (Role.LENDING, EventKind.SHIPPED) and request.can_ship_own_item
    if request.is_brokered and not ships_own:
        return False
    in_hand = attempt in (0, request.current)
    if kind is EventKind.RECEIVED and not in_hand:  # a lost one that has turned up; its record is there
        return False
    if request.service.type is ServiceType.COPY or not (in_hand or _lost_barcodes(request, attempt)):
        return False
    return (request.role, kind) in _ACTS


def describe_work_elsewhere(context: LibraryContext, request: Request, kind: EventKind) -> str:
    """What staff do in the library's own system, since it can't be told to. Empty: nothing."""
    if not is_desk_action(request, kind, request.current):
        return ""
    able = context.system.capabilities
    if (request.role, kind) in _RETURNS and Capability.CHECK_IN not in able:
        return "Check the item in in the library's own system first."
    if request.role is not Role.BORROWING or Capability.TEMPORARY_ITEM in able:
        return ""
    if kind is EventKind.RECEIVED and _is_awaited(request):
        return "Make a record for the item in the library's own system first, and give its barcode."
    barcodes = ", ".join(volume.barcode for volume in request.volumes if volume.barcode)
    if kind is EventKind.RETURNED and barcodes:
        return f"Delete the record of {barcodes} in the library's own system afterwards."
    return ""


_ENDS_OF_LOANS = frozenset({EventKind.RETURNED_BY_PATRON, EventKind.CHECKED_IN, EventKind.SETTLED})
"""By these staff say that an item isn't out any more."""

_RETURNS = frozenset({(Role.BORROWING, EventKind.RETURNED_BY_PATRON), (Role.LENDING, EventKind.CHECKED_IN)})


def _lost_barcodes(request: Request, attempt: int) -> tuple[str, ...]:
    """Barcodes of a past supplier's items."""
    past = request.find_attempt(attempt)
    return past.pieces if past is not None else ()


class EventTooLateError(Refused):
    """The request has no place for the event any more; the library was not asked this time."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(RefusalReason.NOT_ALLOWED, denied.detail, about=MessagePart.REQUEST)


async def perform_desk_action(context: LibraryContext, request: Request, event: Event, key: str) -> RequestChange:
    """Raises EventTooLateError, Refused (the library's no), Unavailable, OutcomeUnknown."""
    outcome = compute_transition(request, event, context.workflow(request))
    if isinstance(outcome, Denied):
        raise EventTooLateError(outcome)
    terms = complete_request(context, request, outcome.request).terms
    return await _ACTS[request.role, event.kind](DeskAction(context, request, event, key, terms))


async def undo_desk_action(context: LibraryContext, request: Request, event: Event, key: str) -> None:
    """The library may have said yes at an earlier try, but the request has gone on without the event. What has no
    meaning without it is taken back; what has happened in any case (an item came back) stays.

    Raises Refused, Unavailable, OutcomeUnknown.
    """
    undoing = _UNDOING.get((request.role, event.kind))
    if undoing is not None:
        await undoing(DeskAction(context, request, event, key, request.terms))


# --- borrowing -------------------------------------------------------------------------------------------


async def _receive_items(action: DeskAction) -> RequestChange:
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
        if not _is_awaited(action.request) and Capability.ITEM_WITHOUT_HOLD not in able:
            continue
        if Capability.TEMPORARY_ITEM not in able:
            records[volume.id] = await _find_record_of_staff(action, len(volumes)), False
            continue
        item = _build_temporary_item(action, volume)
        received = await _create_record(action, item, action.piece_key(volume))
        records[volume.id] = received.item.barcode, is_hold_in_transit(received.hold)

    def set_records(request: Request) -> Request:
        unchanged = {one.id: (one.barcode, one.in_transit) for one in request.volumes}
        known = {**unchanged, **records}
        marked = tuple(replace(v, barcode=known[v.id][0], in_transit=known[v.id][1]) for v in request.volumes)
        return replace(request, volumes=marked)

    return set_records


async def _put_on_shelf(action: DeskAction, volume: Volume) -> bool:
    """Whether it travels to its pickup place. Where the system can't be told, the first scan there shows that."""
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
                "Make a record for each volume in the library's own system, then receive each volume with the barcode "
                "of its record: that system can't be told to make one."
            )
            if volume_count != 1
            else write_sentence(
                "Make a record for it in the library's own system, then receive it with the barcode of its record: "
                "that system can't be told to make one."
            ),
            about=MessagePart.ITEM,
        )
    await action.context.system.item_by_barcode(barcode)
    return barcode


async def _create_record(action: DeskAction, item: TemporaryItem, key: str) -> TemporaryItemResult:
    """What was lost for this very request, and comes again under its barcode, gets a record of its own: that of the
    lost one ends, with its loan."""
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
        call_number=request.citation.call_number,
        note=details.note,
        lender=request.partner.symbol,
        lender_due=terms.patron_due,
        due_policy=action.policy.due_dates.policy,
        renewals_allowed=terms.renewals_allowed and LoanCondition.NO_RENEWAL not in terms.conditions,
        library_use_only=library_use,
        hold=TemporaryHold(request.patron.id, pickup) if _is_awaited(request) else None,
    )


def _is_awaited(request: Request) -> bool:
    """Whether it goes to the hold shelf: not what goes straight back."""
    return bool(request.patron.id) and request.flags.isdisjoint((RequestFlag.UNWANTED, RequestFlag.RECALLED))


def _choose_barcode(action: DeskAction, volume: Volume) -> str:
    """Scanned, else the partner's own, else by the profile's template."""
    scanned = action.event.details.barcode
    if scanned and len(action.select_volumes(VolumeState.EXPECTED, VolumeState.SHIPPED)) == 1:
        return action.policy.accept.barcode.rewrite_identifier(scanned)
    if volume.theirs and action.policy.accept.barcode_from.value == "item-id":
        return action.policy.accept.barcode.rewrite_identifier(volume.theirs)
    return generate_barcode(action.policy.accept, action.request.number, action.piece_key(volume))


async def _delete_temporary_items(action: DeskAction) -> None:
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


async def _lend_to_patron(action: DeskAction) -> RequestChange:
    _require_patron(action.request)
    for volume in action.select_volumes(VolumeState.RECEIVED, VolumeState.BACK):
        await check_out_item(
            action,
            volume.barcode,
            action.request.patron.id,
            f"{action.key}:{volume.id}",
            action.terms.patron_due,
            override=False,
        )
    return keep_request


async def check_out_item(
    action: DeskAction, barcode: str, patron_id: str, key: str, due: datetime | None, *, override: bool
) -> Loan:
    """A loan that an earlier action made for this request, without knowing so in the end, is taken for this one."""
    system, number = action.context.system, action.request.number
    try:
        return await system.check_out(barcode, patron_id, key, due=due, request_id=number, override=override)
    except Refused as refused:
        loan = await _find_own_loan(action, barcode) if refused.reason is RefusalReason.ON_LOAN_SAME_PATRON else None
        if loan is None:
            await wait_for_loan(action.context, action.request, barcode, refused)
            raise
    return await move_due_date(system, loan, due, key) if due is not None else loan


async def _end_loans(action: DeskAction) -> None:
    """Loans of volumes that this very action has made, and the request knows nothing of."""
    for volume in action.select_volumes(*(state for state in VolumeState if state is not VolumeState.LENT)):
        loan = await _find_own_loan(action, volume.barcode) if volume.barcode else None
        if loan is not None and loan.key == f"{action.key}:{volume.id}":
            await check_in_item(action, volume.barcode, f"{volume.id}:undone")


async def _take_back_from_patron(action: DeskAction) -> RequestChange:
    """The patron returns it: at any desk the answer says that it goes back to its owner. A lost one may never have
    come."""
    for volume in action.select_volumes(VolumeState.LENT, VolumeState.LOST):
        if volume.barcode:
            await check_in_item(action, volume.barcode, volume.id)
    return keep_request


async def _send_back_to_supplier(action: DeskAction) -> RequestChange:
    """What is still on loan comes in first, also what was lost and is found: no loan is left without its item."""
    if action.event.attempt not in (0, action.request.current):
        for barcode in _lost_barcodes(action.request, action.event.attempt):
            await check_in_item(action, barcode, barcode)
        return keep_request
    for volume in action.select_volumes(VolumeState.LENT, VolumeState.LOST):
        if volume.barcode:  # a lost one may never have come
            await check_in_item(action, volume.barcode, volume.id)
    return keep_request


async def check_in_item(action: DeskAction, barcode: str, part: str) -> None:
    try:
        await action.context.system.check_in(barcode, f"{action.key}:{part}", fill_hold=False)
    except Refused as refused:
        if refused.reason is RefusalReason.UNSUPPORTED_SERVICE:
            await _require_item_back(action, barcode, part, refused)
        elif refused.reason not in (RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNKNOWN_ITEM):
            raise


async def _require_item_back(action: DeskAction, barcode: str, part: str, refused: Refused) -> None:
    """Where the system can't be told of a return, staff take the item back there themselves: nothing is left to be done
    as soon as it is on loan no more. Where it can't be asked either, staff's word counts. Raises Refused."""
    system = action.context.system
    item = await action.context.find_item(barcode)
    if item is None:
        return
    if action.event.kind in _ENDS_OF_LOANS and isinstance(system, RemembersLoans):
        await system.forget_returned_loan(barcode, f"{action.key}:{part}")
    if await system.item_loan(item.id) is not None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence(
                "Check %(barcode)s in in the library's own system, then do this step here once more: that system can't "
                "be told of this return.",
                barcode=barcode,
            ),
            about=MessagePart.ITEM,
            internal=refused.detail,
        ) from refused


async def _settle_borrowed_loss(action: DeskAction) -> RequestChange:
    """The patron's loan ends, with the fee that the profile asks for; the record of the item ends with the event."""
    barcodes = [volume.barcode for volume in action.request.volumes if volume.barcode]
    if action.context.workflow(action.request).borrowing.loss_fee:
        _require_patron(action.request)
        await _post_loss_fee(action, action.request.patron.id, barcodes)
    for barcode in barcodes:
        await check_in_item(action, barcode, barcode)
    return keep_request


async def _settle_lent_loss(action: DeskAction) -> RequestChange:
    """The other library's loan ends; our item stays lost."""
    barcodes = action.request.lent_barcodes
    if action.context.workflow(action.request).lending.loss_fee:
        if not action.request.borrower_id:
            raise Refused(RefusalReason.UNKNOWN_PATRON, "It was lent on no account.", about=MessagePart.PATRON)
        await _post_loss_fee(action, action.request.borrower_id, barcodes)
    for barcode in barcodes:
        await check_in_item(action, barcode, barcode)
        await _mark_item(action, barcode, ItemStatus.LOST, f"{action.key}:{barcode}:lost")
    return keep_request


async def _post_loss_fee(action: DeskAction, patron_id: str, barcodes: Sequence[str]) -> None:
    """Once for the request. Raises Refused(DATA_MISSING) where nobody said how much."""
    cost = action.event.details.cost
    if cost is None:
        raise Refused(RefusalReason.DATA_MISSING, "How much is to be paid for it? Say the cost; 0 for nothing.")
    if not cost.amount:
        return
    await action.context.system.post_fee(
        patron_id,
        cost,
        action.policy.fees.default_type,
        f"{action.key}:fee",
        description=f"lost: {action.request.citation.short}",
        item_barcode=barcodes[0] if barcodes else "",
        request_id=action.request.number,
    )


def _require_patron(request: Request) -> None:
    if not request.patron.id:
        raise Refused(RefusalReason.UNKNOWN_PATRON, "The request has no patron any more.", about=MessagePart.PATRON)


# --- lending ---------------------------------------------------------------------------------------------


async def _ship_item(action: DeskAction) -> RequestChange:
    """Lent to the library that asked, until the date that it is told."""
    if len(action.request.volumes) > 1:
        return await _ship_volumes(action)
    barcode = action.event.details.barcode or action.request.item_barcode
    if not barcode:
        raise Refused(
            RefusalReason.DATA_MISSING, "Which item is shipped? Its barcode is missing.", about=MessagePart.ITEM
        )
    due = due_moment(action.event.details.due, action.policy.due_dates, action.context.zone)
    if action.request.state is LendingState.SHIPPED and action.request.item_barcode:
        if barcode == action.request.item_barcode and action.request.loan_id:
            await _correct_due_date(action, due)
            return keep_request
        await check_in_item(action, action.request.item_barcode, "not this one")
    patron = await borrower_account(action.context, action.request, action.key, due)
    loan = await check_out_item(action, barcode, patron.id, action.key, due, override=True)
    return lambda request: replace(request, item_barcode=barcode, loan_id=loan.id, borrower_id=patron.id)


async def _ship_volumes(action: DeskAction) -> RequestChange:
    """Each volume is a loan of its own. What is out already gets the new date, and its other item where it was another
    one that went out."""
    scanned = action.event.details.barcode
    volumes = action.select_volumes(*(state for state in VolumeState if state not in _IN_AGAIN))
    nameless = [one for one in volumes if not (scanned or one.barcode)]
    if nameless or not volumes:
        which = " and ".join(_describe_volume(one) for one in nameless) or "none of the volumes is to be shipped"
        raise Refused(
            RefusalReason.DATA_MISSING,
            write_sentence(
                "Which item is shipped? The barcode is missing: %(which)s. Each volume is shipped with its own "
                "barcode.",
                which=which,
            ),
            about=MessagePart.ITEM,
        )
    due = due_moment(action.event.details.due, action.policy.due_dates, action.context.zone)
    patron = await borrower_account(action.context, action.request, action.key, due)
    loan: Loan | None = None
    for volume in volumes:
        barcode = scanned or volume.barcode
        if volume.barcode and volume.barcode != barcode:
            await check_in_item(action, volume.barcode, f"{volume.id}:not this one")
        loan = await check_out_item(action, barcode, patron.id, f"{action.key}:{volume.id}", due, override=True)
    assert loan is not None
    last = loan
    return lambda request: replace(request, loan_id=last.id, borrower_id=patron.id)


_IN_AGAIN = (VolumeState.CHECKED_IN, VolumeState.RETURNED, VolumeState.LOST)


def _describe_volume(volume: Volume) -> str:
    return f"volume {volume.id} ({volume.label})" if volume.label else f"volume {volume.id}"


async def _find_own_loan(action: DeskAction, barcode: str) -> Loan | None:
    """The open loan of the item, if it is this request's."""
    item = await action.context.find_item(barcode)
    loan = await action.context.system.item_loan(item.id) if item is not None else None
    return loan if loan is not None and loan.request_id == action.request.number else None


async def _undo_shipping(action: DeskAction) -> None:
    """The parcel doesn't go out after all: a loan that the request knows nothing of ends."""
    barcode = action.event.details.barcode or action.request.item_barcode
    loan = await _find_own_loan(action, barcode) if barcode else None
    several = len(action.request.volumes) > 1
    is_out = several and any(
        one.barcode == barcode and one.state is VolumeState.SHIPPED for one in action.request.volumes
    )
    if loan is not None and loan.id != action.request.loan_id and not is_out:
        await check_in_item(action, barcode, "undone")


async def _correct_due_date(action: DeskAction, due: datetime | None) -> None:
    """It is out already: only the date is new. A system that sets its dates itself keeps its own; the request has the
    new one in any case."""
    system = action.context.system
    if due is not None and Capability.DUE_DATE_CHANGE in system.capabilities:
        await system.set_due_date(action.request.loan_id, due, action.key)


async def _check_in_own_item(action: DeskAction) -> RequestChange:
    """What was lost, and turns up after that was settled, isn't marked as lost any more."""
    if len(action.request.volumes) == 1:
        if action.request.item_barcode:
            await check_in_item(action, action.request.item_barcode, "in")
            await _mark_found(action, action.request.item_barcode)
        return keep_request
    for volume in action.select_volumes(
        VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.RETURNED, VolumeState.LOST
    ):
        if volume.barcode:
            await check_in_item(action, volume.barcode, f"{volume.id}:in")
            await _mark_found(action, volume.barcode)
    return keep_request


async def _mark_found(action: DeskAction, barcode: str) -> None:
    """Where its loan ended before, a check-in may leave the mark."""
    item = await action.context.find_item(barcode) if action.request.is_loss_settled else None
    if item is not None and item.status is ItemStatus.LOST:
        await _mark_item(action, barcode, ItemStatus.AVAILABLE, f"{action.key}:{barcode}:found")


async def _mark_item(action: DeskAction, barcode: str, status: ItemStatus, key: str) -> None:
    """A system that takes no status keeps its own: staff see to it there."""
    if Capability.STATUS_UPDATE in action.context.system.capabilities:
        await action.context.system.set_item_status(barcode, status, key)


_ACTS: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[RequestChange]]] = {
    (Role.BORROWING, EventKind.RECEIVED): _receive_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _lend_to_patron,
    (Role.BORROWING, EventKind.RETURNED_BY_PATRON): _take_back_from_patron,
    (Role.BORROWING, EventKind.RETURNED): _send_back_to_supplier,
    (Role.BORROWING, EventKind.SETTLED): _settle_borrowed_loss,
    (Role.LENDING, EventKind.SHIPPED): _ship_item,
    (Role.LENDING, EventKind.CHECKED_IN): _check_in_own_item,
    (Role.LENDING, EventKind.SETTLED): _settle_lent_loss,
}

_UNDOING: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[None]]] = {
    (Role.BORROWING, EventKind.RECEIVED): _delete_temporary_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _end_loans,
    (Role.LENDING, EventKind.SHIPPED): _undo_shipping,
}

"""Actions at the desk that need the library's yes before they count: an item comes in, is lent, comes back, is shipped.

Each is one outbox row that carries the event which follows from the yes: a crash between the two is repaired by doing
the row again, under the same key, and the library does nothing twice (design rule 6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.due_dates import due_moment
from gateway.domain.library import Bib, Loan, Location
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
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.value import value_object
from gateway.ports.library_system import TemporaryHold, TemporaryItem
from gateway.services.requests.deadlines import complete_request
from gateway.services.requests.item_conflicts import wait_for_loan, wait_for_record
from gateway.services.requests.lending import borrower_account
from gateway.services.requests.library_context import LibraryContext


@value_object
class DeskAction:
    """`terms` are those of the loan as they are with the event: it may bring the due date."""

    house: LibraryContext
    request: Request
    event: Event
    key: str
    terms: LoanTerms

    @property
    def policy(self) -> CirculationPolicy:
        profile = self.house.profile(self.request.partner.profile)
        return profile.circulation if profile is not None else CirculationPolicy()

    def piece_key(self, volume: Volume) -> str:
        """One supplier's piece: the next supplier's is another, even where this one is lost and still on record."""
        return f"{self.request.id}:{self.request.current}:{volume.id}"

    def select_volumes(self, *states: VolumeState) -> tuple[Volume, ...]:
        """Those that the event names, or all, of these states."""
        named = self.event.details.volumes
        return tuple(v for v in self.request.volumes if v.state in states and (not named or v.id in named))


RequestChange = Callable[[Request], Request]
"""What the library's yes leaves on the request: barcodes, ids of loans. Applied together with the event."""


def is_desk_action(request: Request, kind: EventKind, attempt: int) -> bool:
    """Whether this event needs the library first. A copy is nothing that circulates; of a past supplier's items, only
    those are known to the library that came and were lost."""
    in_hand = attempt in (0, request.current)
    if request.service.type is ServiceType.COPY or not (in_hand or _lost_barcodes(request, attempt)):
        return False
    return (request.role, kind) in _ACTS


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


async def _receive_items(act: DeskAction) -> RequestChange:
    """A temporary record with a hold for the patron: on the hold shelf here, or in transit to the pickup place. Where
    the item was announced, its record and hold are there, and wait for it."""
    volumes = act.select_volumes(VolumeState.EXPECTED, VolumeState.SHIPPED)
    barcodes: dict[str, str] = {}
    for volume in volumes:
        if volume.barcode:
            await act.house.system.check_in(volume.barcode, f"{act.key}:{volume.id}")
            continue
        item = _build_temporary_item(act, volume)
        try:
            received = await act.house.system.create_temporary_item(item, act.piece_key(volume))
        except Refused as refused:
            await wait_for_record(act.house, act.request, item.barcode, refused)
            raise
        barcodes[volume.id] = received.item.barcode

    def set_barcodes(request: Request) -> Request:
        marked = tuple(replace(v, barcode=barcodes.get(v.id, v.barcode)) for v in request.volumes)
        return replace(request, volumes=marked)

    return set_barcodes


def _build_temporary_item(act: DeskAction, volume: Volume) -> TemporaryItem:
    request, accept, details = act.request, act.policy.accept, act.event.details
    terms = act.terms
    library_use = LoanCondition.LIBRARY_USE_ONLY in terms.conditions
    labels = " ".join(part for part in (request.citation.title, volume.label) if part)
    return TemporaryItem(
        barcode=_choose_barcode(act, volume),
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
        due_policy=act.policy.due_dates.policy,
        renewals_allowed=terms.renewals_allowed and LoanCondition.NO_RENEWAL not in terms.conditions,
        library_use_only=library_use,
        hold=TemporaryHold(request.patron.id, request.patron.pickup) if _is_awaited(request) else None,
    )


def _is_awaited(request: Request) -> bool:
    """Whether it goes to the hold shelf: not what goes straight back."""
    return bool(request.patron.id) and request.flags.isdisjoint((RequestFlag.UNWANTED, RequestFlag.RECALLED))


def _choose_barcode(act: DeskAction, volume: Volume) -> str:
    """Scanned, else the partner's own, else by the profile's template."""
    scanned = act.event.details.barcode
    if scanned and len(act.select_volumes(VolumeState.EXPECTED, VolumeState.SHIPPED)) == 1:
        return act.policy.accept.barcode.rewrite_identifier(scanned)
    if volume.theirs and act.policy.accept.barcode_from.value == "item-id":
        return act.policy.accept.barcode.rewrite_identifier(volume.theirs)
    return generate_barcode(act.policy.accept, act.request.number, act.piece_key(volume))


async def _delete_temporary_items(act: DeskAction) -> None:
    """Temporary records of volumes that were not received."""
    for volume in act.select_volumes(
        VolumeState.EXPECTED, VolumeState.SHIPPED, VolumeState.LOST, VolumeState.CHECKED_IN
    ):
        if volume.barcode:
            continue
        try:
            await act.house.system.delete_temporary_item(_choose_barcode(act, volume), f"{act.key}:{volume.id}:undone")
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise


async def _lend_to_patron(act: DeskAction) -> RequestChange:
    _require_patron(act.request)
    for volume in act.select_volumes(VolumeState.RECEIVED, VolumeState.BACK):
        await _check_out_item(
            act, volume.barcode, act.request.patron.id, f"{act.key}:{volume.id}", act.terms.patron_due, override=False
        )
    return _keep_request


async def _check_out_item(
    act: DeskAction, barcode: str, patron_id: str, key: str, due: datetime | None, *, override: bool
) -> Loan:
    """A loan that an earlier action made for this request, without knowing so in the end, is taken for this one."""
    system, number = act.house.system, act.request.number
    try:
        return await system.check_out(barcode, patron_id, key, due=due, request_id=number, override=override)
    except Refused as refused:
        loan = await _find_own_loan(act, barcode) if refused.reason is RefusalReason.ON_LOAN_SAME_PATRON else None
        if loan is None:
            await wait_for_loan(act.house, act.request, barcode, refused)
            raise
    return await system.set_due_date(loan.id, due, key) if due is not None else loan


async def _end_loans(act: DeskAction) -> None:
    """Loans of volumes that this very action has made, and the request knows nothing of."""
    for volume in act.select_volumes(*(state for state in VolumeState if state is not VolumeState.LENT)):
        loan = await _find_own_loan(act, volume.barcode) if volume.barcode else None
        if loan is not None and loan.key == f"{act.key}:{volume.id}":
            await _check_in_item(act, volume.barcode, f"{volume.id}:undone")


async def _take_back_from_patron(act: DeskAction) -> RequestChange:
    """The patron returns it: at any desk the answer says that it goes back to its owner."""
    for volume in act.select_volumes(VolumeState.LENT):
        await _check_in_item(act, volume.barcode, volume.id)
    return _keep_request


async def _send_back_to_supplier(act: DeskAction) -> RequestChange:
    """What is still on loan comes in first, also what was lost and is found: no loan is left without its item."""
    if act.event.attempt not in (0, act.request.current):
        for barcode in _lost_barcodes(act.request, act.event.attempt):
            await _check_in_item(act, barcode, barcode)
        return _keep_request
    for volume in act.select_volumes(VolumeState.LENT, VolumeState.LOST):
        if volume.barcode:  # a lost one may never have come
            await _check_in_item(act, volume.barcode, volume.id)
    return _keep_request


async def _check_in_item(act: DeskAction, barcode: str, part: str) -> None:
    try:
        await act.house.system.check_in(barcode, f"{act.key}:{part}", fill_hold=False)
    except Refused as refused:
        if refused.reason not in (RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNKNOWN_ITEM):
            raise


def _require_patron(request: Request) -> None:
    if not request.patron.id:
        raise Refused(RefusalReason.UNKNOWN_PATRON, "The request has no patron any more.", about=MessagePart.PATRON)


# --- lending ---------------------------------------------------------------------------------------------


async def _ship_item(act: DeskAction) -> RequestChange:
    """Lent to the library that asked, until the date that it is told."""
    barcode = act.event.details.barcode or act.request.item_barcode
    if not barcode:
        raise Refused(
            RefusalReason.DATA_MISSING, "Which item is shipped? Its barcode is missing.", about=MessagePart.ITEM
        )
    due = due_moment(act.event.details.due, act.policy.due_dates, act.house.zone)
    if act.request.state is LendingState.SHIPPED and act.request.item_barcode:
        if barcode == act.request.item_barcode and act.request.loan_id:
            await _correct_due_date(act, due)
            return _keep_request
        await _check_in_item(act, act.request.item_barcode, "not this one")
    patron = await borrower_account(act.house, act.request, act.key, due)
    loan = await _check_out_item(act, barcode, patron.id, act.key, due, override=True)
    return lambda request: replace(request, item_barcode=barcode, loan_id=loan.id, borrower_id=patron.id)


async def _find_own_loan(act: DeskAction, barcode: str) -> Loan | None:
    """The open loan of the item, if it is this request's."""
    system = act.house.system
    try:
        loan = await system.item_loan((await system.item_by_barcode(barcode)).id)
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_ITEM:
            raise
        return None
    return loan if loan is not None and loan.request_id == act.request.number else None


async def _undo_shipping(act: DeskAction) -> None:
    """The parcel doesn't go out after all: a loan that the request knows nothing of ends."""
    barcode = act.event.details.barcode or act.request.item_barcode
    loan = await _find_own_loan(act, barcode) if barcode else None
    if loan is not None and loan.id != act.request.loan_id:
        await _check_in_item(act, barcode, "undone")


async def _correct_due_date(act: DeskAction, due: datetime | None) -> None:
    """It is out already: only the date is new."""
    if due is not None:
        await act.house.system.set_due_date(act.request.loan_id, due, act.key)


async def _check_in_own_item(act: DeskAction) -> RequestChange:
    if act.request.item_barcode:
        await _check_in_item(act, act.request.item_barcode, "in")
    return _keep_request


def _keep_request(request: Request) -> Request:
    return request


_ACTS: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[RequestChange]]] = {
    (Role.BORROWING, EventKind.RECEIVED): _receive_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _lend_to_patron,
    (Role.BORROWING, EventKind.RETURNED_BY_PATRON): _take_back_from_patron,
    (Role.BORROWING, EventKind.RETURNED): _send_back_to_supplier,
    (Role.LENDING, EventKind.SHIPPED): _ship_item,
    (Role.LENDING, EventKind.CHECKED_IN): _check_in_own_item,
}

_UNDOING: dict[tuple[Role, EventKind], Callable[[DeskAction], Awaitable[None]]] = {
    (Role.BORROWING, EventKind.RECEIVED): _delete_temporary_items,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _end_loans,
    (Role.LENDING, EventKind.SHIPPED): _undo_shipping,
}

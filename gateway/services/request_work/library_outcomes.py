"""Events that follow for a managed request when the library has done something about it.

Pure: from the command, its result and the request to the events that follow. Nothing follows from what the request
knows already, so that a command may come again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from gateway.domain import commands
from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.commands import Command, Named, Result
from gateway.domain.due_dates import local_day
from gateway.domain.library import Hold, HoldStatus, Item, ItemStatus, Loan, Patron
from gateway.domain.partner_identifiers import list_item_barcodes, read_request_number, translate_agency
from gateway.domain.requests.events import (
    EventDetails,
    EventKind,
    EventSignal,
    LoanCondition,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    Volume,
    VolumeState,
)
from gateway.domain.requests.request_updates import RequestChange, keep_request
from gateway.domain.requests.scan_rules import RULE_OF_WORK, ScanWork
from gateway.domain.sentences import join_sentences
from gateway.domain.value import replace, value_object


@value_object(kw_only=True)
class OutcomeEvent:
    """One event. `prepare`: what the library's part leaves on the request, as in `transitions.EventRequest`."""

    signal: EventSignal
    details: EventDetails = EventDetails()
    prepare: RequestChange = keep_request
    attempt: int = 0  # of the supplier whose item it is about; 0: the one whom the command names, else the one in hand


@value_object
class LibraryOutcome:
    """`names`: numbers and barcodes by which the request is known; `number`: that of the request, as the command has
    it, in our spelling."""

    command: Any
    result: Any
    policy: CirculationPolicy
    names: tuple[str, ...]
    zone: tzinfo  # of the library
    number: str = ""

    def derive_events(self, request: Request) -> tuple[OutcomeEvent, ...]:
        return tuple(_STEPS[type(self.command)](self, request))

    def find_volume(self, request: Request, barcode: str) -> Volume | None:
        return next((volume for volume in request.volumes if barcode and volume.barcode == barcode), None)

    def is_numbered(self, request: Request) -> bool:
        """Return whether the command names the request itself, not only an item that it is about."""
        return bool(self.number) and self.number in (request.number, request.transaction, *request.external)


def outcome_of_command(
    command: Command, result: Result, policy: CirculationPolicy, zone: tzinfo
) -> LibraryOutcome | None:
    """None: nothing that a managed request has to know. `zone`: of the library."""
    if type(command) not in _STEPS or (isinstance(command, commands.Notice) and command.kind not in _TOLD):
        return None
    sent: Named | None = getattr(command, "request", None)
    number = read_request_number(sent, policy).value
    names = (number, *_raw_request_number(sent), *_names_of_result(command, result, policy))
    return LibraryOutcome(command, result, policy, tuple(dict.fromkeys(name for name in names if name)), zone, number)


def _raw_request_number(sent: Named | None) -> Iterator[str]:
    if sent is not None:
        yield sent.value.strip()


def _names_of_result(command: Command, result: Any, policy: CirculationPolicy) -> Iterator[str]:
    """An item that has just come, and a hold, are known by their request alone."""
    match command:
        case commands.AcceptItem():  # one that was announced has a hold or loan under the number that it had then
            yield from (part.request_id for part in (result.hold, result.loan) if part is not None)
            return
        case commands.CancelRequest():
            yield result.hold.request_id
            return
        case commands.CheckIn() | commands.DeleteItem() if result.item is None and command.item is not None:
            yield from list_item_barcodes(command.item, "", policy)
        case commands.Notice() if command.item is not None:
            yield from list_item_barcodes(command.item, translate_agency(command.sender, policy), policy)
    if result.item is not None:
        yield result.item.barcode
    loan = getattr(result, "loan", None)
    if loan is not None:
        yield loan.request_id


def is_hold_in_transit(hold: Hold | None) -> bool:
    """Return whether the item that has come is not yet where its patron fetches it."""
    return hold is not None and hold.status is HoldStatus.IN_TRANSIT


def _name_volumes(request: Request, volume: Volume | None) -> tuple[str, ...]:
    """A request of one piece needs no names."""
    return (volume.id,) if volume is not None and len(request.volumes) > 1 else ()


# --- an item comes ---------------------------------------------------------------------------------------


def _events_of_accept_item(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    result: commands.ItemAccepted = outcome.result
    if request.role is not Role.BORROWING or _is_for_another_patron(request, result.patron):
        return
    barcode = result.item.barcode
    volume = outcome.find_volume(request, barcode)
    if volume is None or volume.state in _AWAITED:
        volume = volume or _find_awaited_volume(request)
        yield _build_received_event(outcome, request, volume)
        lent_already = False
    else:
        lent_already = volume.state is not VolumeState.RECEIVED
    if result.loan is not None and not lent_already:
        yield _build_lent_event(request, volume, result.loan)


def _is_for_another_patron(request: Request, patron: Patron | None) -> bool:
    """A number that happens to be alike: the item is for another."""
    return patron is not None and bool(request.patron.id) and patron.id != request.patron.id


def _find_awaited_volume(request: Request) -> Volume | None:
    return next((volume for volume in request.volumes if volume.state in _AWAITED), None)


_AWAITED = (VolumeState.EXPECTED, VolumeState.SHIPPED)


def _build_received_event(outcome: LibraryOutcome, request: Request, volume: Volume | None) -> OutcomeEvent:
    command: commands.AcceptItem = outcome.command
    result: commands.ItemAccepted = outcome.result
    number = read_request_number(command.request, outcome.policy)
    renewable = command.renewals_allowed if number.renewable is None else number.renewable
    by_number = (LoanCondition.LIBRARY_USE_ONLY,) if number.library_use_only else ()
    details = EventDetails(
        due=result.due,
        barcode=command.item.value.strip() if command.item is not None else "",
        conditions=tuple(dict.fromkeys((*by_number, *command.conditions))),
        note=join_sentences("; ", command.list_terms()),
        renewals_allowed=None if renewable else False,
        volumes=_name_volumes(request, volume),
    )

    def set_arrived_item(request: Request) -> Request:
        volumes = tuple(
            replace(part, barcode=result.item.barcode, in_transit=is_hold_in_transit(result.hold))
            if volume is not None and part.id == volume.id
            else part
            for part in request.volumes
        )
        return replace(request, volumes=volumes, hold_id=result.hold.id if result.hold is not None else request.hold_id)

    return OutcomeEvent(signal=local_signal(EventKind.RECEIVED), details=details, prepare=set_arrived_item)


# --- it is lent and comes back ---------------------------------------------------------------------------


def _build_lent_event(request: Request, volume: Volume | None, loan: Loan) -> OutcomeEvent:
    def set_patron_due(request: Request) -> Request:
        return replace(request, terms=replace(request.terms, patron_due=loan.due))

    return OutcomeEvent(
        signal=local_signal(EventKind.LOANED_TO_PATRON),
        details=EventDetails(volumes=_name_volumes(request, volume)),
        prepare=set_patron_due,
    )


def _events_of_check_out(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    result: commands.ItemLent = outcome.result
    loan, barcode = result.loan, result.item.barcode
    if request.role is Role.BORROWING:
        volume = outcome.find_volume(request, barcode)
        other = volume is None and any(part.barcode for part in request.volumes)  # the number of something else
        if not other and (volume is None or volume.state is not VolumeState.LENT):
            yield _build_lent_event(request, volume, loan)
        return
    if loan.id == request.loan_id or not (outcome.is_numbered(request) or _is_borrower(request, result.patron)):
        return

    volume = _find_lent_volume(outcome, request, barcode)
    if volume is not None and volume.state is VolumeState.SHIPPED and volume.barcode == barcode and request.loan_id:
        return

    def set_lent_item(request: Request) -> Request:
        return replace(request, item_barcode=barcode, loan_id=loan.id, borrower_id=result.patron.id)

    yield OutcomeEvent(
        signal=local_signal(EventKind.SHIPPED),
        details=EventDetails(due=loan.due, barcode=barcode, volumes=_name_volumes(request, volume)),
        prepare=set_lent_item,
    )


def _find_lent_volume(outcome: LibraryOutcome, request: Request, barcode: str) -> Volume | None:
    """Find the volume, of several, that this item is: the one that has its barcode, or the first that isn't out yet.
    None: a request of one piece."""
    if len(request.volumes) < 2:
        return None
    left = (volume for volume in request.volumes if volume.state is VolumeState.EXPECTED)
    return outcome.find_volume(request, barcode) or next(left, None)


def _is_borrower(request: Request, patron: Patron) -> bool:
    """Return whether an item of ours that we know by its barcode alone goes to whom it is kept for."""
    symbol = request.partner.symbol.casefold()
    names = {patron.home_institution.casefold(), *(identifier.value.casefold() for identifier in patron.identifiers)}
    return patron.id in (request.borrower_id, request.direct_patron.id) or (bool(symbol) and symbol in names)


def _events_of_check_in(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    command: commands.CheckIn = outcome.command
    result: commands.ItemReturned = outcome.result
    if request.role is Role.LENDING:
        yield from _events_of_own_check_in(outcome, request)
        return
    volume = _find_scanned_volume(outcome, request, command.item)
    if volume is None or volume.state is VolumeState.LOST:
        yield from _events_of_found_item(outcome, request, command.item)
    if volume is None:
        return
    details = EventDetails(volumes=_name_volumes(request, volume))
    if volume.state is VolumeState.LENT or (volume.state is VolumeState.LOST and request.is_lost):
        yield OutcomeEvent(signal=local_signal(EventKind.RETURNED_BY_PATRON), details=details)
    if volume.in_transit and result.item is not None and result.item.status is ItemStatus.ON_HOLD_SHELF:
        yield OutcomeEvent(signal=local_signal(RULE_OF_WORK[ScanWork.SHELVE].kind), details=details)
    if result.deleted and volume.state is not VolumeState.RETURNED:
        yield OutcomeEvent(signal=local_signal(EventKind.RETURNED), details=details)


def _events_of_own_check_in(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    result: commands.ItemReturned = outcome.result
    is_out = request.state in (LendingState.SHIPPED, LendingState.RETURNED, LendingState.LOST)
    if not is_out and not request.is_loss_settled:
        return
    if len(request.volumes) > 1:
        volume = outcome.find_volume(request, result.item.barcode) if result.item is not None else None
        if volume is not None and volume.state not in (VolumeState.EXPECTED, VolumeState.CHECKED_IN):
            details = EventDetails(volumes=(volume.id,))
            yield OutcomeEvent(signal=local_signal(EventKind.CHECKED_IN), details=details)
        return
    other = result.loan is not None and request.loan_id not in ("", result.loan.id)
    other = other or (result.item is not None and result.item.barcode != request.item_barcode)
    if not other:
        yield OutcomeEvent(signal=local_signal(EventKind.CHECKED_IN))


def _events_of_found_item(outcome: LibraryOutcome, request: Request, sent: Named | None) -> Iterator[OutcomeEvent]:
    """A lost item of a supplier whom the request has gone on without turns up: it has to go back."""
    result: commands.ItemReturned = outcome.result
    for barcode in _list_scanned_barcodes(outcome, sent):
        attempt = request.find_attempt_on_record(barcode)
        if attempt is None:
            continue
        if attempt.status is AttemptStatus.LOST:
            yield OutcomeEvent(signal=local_signal(EventKind.RECEIVED), attempt=attempt.number)
        if result.deleted:
            yield OutcomeEvent(signal=local_signal(EventKind.RETURNED), attempt=attempt.number)
        return


def _list_scanned_barcodes(outcome: LibraryOutcome, sent: Named | None) -> tuple[str, ...]:
    item = outcome.result.item
    if item is not None:
        return (item.barcode,)
    return list_item_barcodes(sent, "", outcome.policy) if sent is not None else ()


def _find_scanned_volume(outcome: LibraryOutcome, request: Request, sent: Named | None) -> Volume | None:
    """The volume that a command means by its barcode, or the only one of a request that it names."""
    item = outcome.result.item
    barcodes = _list_scanned_barcodes(outcome, sent)
    scanned = next((volume for code in barcodes if (volume := outcome.find_volume(request, code)) is not None), None)
    if scanned is not None or len(request.volumes) != 1 or not outcome.is_numbered(request):
        return scanned
    only = request.volumes[0]
    return only if item is None or not only.barcode else None


def _events_of_delete_item(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """Return the events only where the record is really gone: a profile may keep it, or only cancel its hold."""
    if request.role is not Role.BORROWING or outcome.policy.delete.action != "delete":
        return
    command: commands.DeleteItem = outcome.command
    volume = _find_scanned_volume(outcome, request, command.item)
    if volume is not None and volume.state is not VolumeState.RETURNED:
        yield OutcomeEvent(
            signal=local_signal(EventKind.RETURNED), details=EventDetails(volumes=_name_volumes(request, volume))
        )


# --- the time of the loan --------------------------------------------------------------------------------


def _events_of_renewal(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """A supplier is asked for what goes past its own date; within it nobody has to be."""
    result: commands.ItemRenewed = outcome.result
    loan = result.loan
    if request.role is Role.BORROWING:
        volume, until = outcome.find_volume(request, result.item.barcode), request.terms.patron_due
        pending = RequestFlag.RENEWAL_PENDING in request.flags
        if volume is not None and not pending and (until is None or loan.due is None or loan.due > until):
            yield OutcomeEvent(signal=local_signal(EventKind.RENEW))
        return
    if _is_loan_of(request, loan) and loan.due is not None and not _is_known_due(request, loan.due, outcome.zone):
        yield OutcomeEvent(signal=partner_signal(EventKind.RENEW))
        yield OutcomeEvent(signal=local_signal(EventKind.RENEW_ACCEPTED), details=EventDetails(due=loan.due))


def _is_loan_of(request: Request, loan: Loan) -> bool:
    """Return whether it is the loan of an item that the request has lent."""
    several = len(request.volumes) > 1
    return loan.item_barcode in request.lent_barcodes if several else loan.id == request.loan_id


def _is_known_due(request: Request, due: datetime, zone: tzinfo) -> bool:
    known = request.terms.lender_due
    return due == known if isinstance(known, datetime) else local_day(due, zone) == known


def _events_of_recall(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """Return the events of a recall: of a partner's item by its lender; of our own by us."""
    command: commands.Recall = outcome.command
    result: commands.ItemRecalled = outcome.result
    due = command.due if command.due is not None else result.loan.due
    recalled, known = RequestFlag.RECALLED in request.flags, request.terms.lender_due
    if request.role is Role.BORROWING:
        if not recalled or command.due not in (None, known):
            yield OutcomeEvent(signal=partner_signal(EventKind.RECALL), details=EventDetails(due=command.due))
    elif _is_loan_of(request, result.loan) and not (recalled and due == known):
        yield OutcomeEvent(signal=local_signal(EventKind.RECALL), details=EventDetails(due=due))


def _events_of_cancellation(_news: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    if request.state in (
        BorrowingState.CANCELLED,
        BorrowingState.CANCEL_PENDING,
        LendingState.CANCELLED,
        LendingState.CANCEL_PENDING,
    ):
        return
    yield OutcomeEvent(
        signal=local_signal(EventKind.CANCEL) if request.role is Role.BORROWING else partner_signal(EventKind.CANCEL)
    )


# --- what has happened elsewhere -------------------------------------------------------------------------


def _events_of_notice(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """Return the events of the command that a notice amounts to, but for what only the partner can say."""
    notice: commands.Notice = outcome.command
    noted: commands.Noted = outcome.result
    make_events = _SAID.get((request.role, notice.kind))
    if make_events is not None:
        yield from make_events(outcome, request)
    elif noted.meant is not None and type(noted.meant[0]) in _STEPS:
        command, result = noted.meant
        yield from _STEPS[type(command)](replace(outcome, command=command, result=result), request)


def _events_of_announcement(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """The item will come: its record is here before it."""
    if outcome.result.meant is None:
        return
    accepted: commands.ItemAccepted = outcome.result.meant[1]
    volume = _find_awaited_volume(request)
    known = outcome.find_volume(request, accepted.item.barcode) is not None
    if known or volume is None or volume.barcode or _is_for_another_patron(request, accepted.patron):
        return
    yield OutcomeEvent(
        signal=partner_signal(EventKind.WILL_SUPPLY), prepare=_make_barcode_change(volume, accepted.item.barcode)
    )


def _events_of_shipment(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """The piece may have another barcode than it was announced with."""
    volume = _find_noticed_volume(outcome, request)
    if volume is None:
        return
    item: Item | None = outcome.result.item
    barcode = item.barcode if item is not None and item.temporary else volume.barcode
    if volume.state is VolumeState.EXPECTED or volume.barcode != barcode:
        details = EventDetails(due=outcome.command.due, volumes=_name_volumes(request, volume))
        yield OutcomeEvent(
            signal=partner_signal(EventKind.SHIPPED), details=details, prepare=_make_barcode_change(volume, barcode)
        )


def _find_noticed_volume(outcome: LibraryOutcome, request: Request) -> Volume | None:
    notice: commands.Notice = outcome.command
    noticed = _find_scanned_volume(outcome, request, notice.item)
    if noticed is None and notice.item is not None:
        codes = list_item_barcodes(notice.item, translate_agency(notice.sender, outcome.policy), outcome.policy)
        noticed = next((volume for code in codes if (volume := outcome.find_volume(request, code)) is not None), None)
    return noticed or (request.volumes[0] if len(request.volumes) == 1 and outcome.is_numbered(request) else None)


def _make_barcode_change(volume: Volume, barcode: str) -> RequestChange:
    def set_barcode(request: Request) -> Request:
        volumes = tuple(replace(part, barcode=barcode) if part.id == volume.id else part for part in request.volumes)
        return replace(request, volumes=volumes)

    return set_barcode


def _events_of_return_receipt(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    volume = _find_noticed_volume(outcome, request)
    if volume is not None and volume.state not in (VolumeState.EXPECTED, VolumeState.CHECKED_IN):
        yield OutcomeEvent(
            signal=partner_signal(EventKind.CHECKED_IN), details=EventDetails(volumes=_name_volumes(request, volume))
        )


def _events_of_receipt(_news: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    if request.state is LendingState.SHIPPED:
        yield OutcomeEvent(signal=partner_signal(EventKind.RECEIVED))


def _events_of_granted_renewal(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    """Return the events of a renewal by its lender, whether or not it was asked."""
    due: commands.Due = outcome.command.due
    if due is None or due == request.terms.lender_due:
        return
    pending = RequestFlag.RENEWAL_PENDING in request.flags
    yield OutcomeEvent(
        signal=partner_signal(EventKind.RENEW_ACCEPTED if pending else EventKind.DUE_DATE_CHANGED),
        details=EventDetails(due=due),
    )


def _events_of_cancelled_supply(outcome: LibraryOutcome, request: Request) -> Iterator[OutcomeEvent]:
    volume = _find_noticed_volume(outcome, request) or _find_awaited_volume(request)
    if request.state is BorrowingState.CANCEL_PENDING:
        kind = EventKind.CANCEL_ACCEPTED
    elif request.state in (
        BorrowingState.REQUESTED,
        BorrowingState.WILL_SUPPLY,
        BorrowingState.HOLD_PLACED,
        BorrowingState.CONDITIONAL,
    ):
        kind = EventKind.UNFILLED
    else:
        return
    yield OutcomeEvent(
        signal=partner_signal(kind), prepare=_make_barcode_change(volume, "") if volume is not None else keep_request
    )


_Told = Callable[[LibraryOutcome, Request], Iterator[OutcomeEvent]]
_SAID: dict[tuple[Role, commands.NoticeKind], _Told] = {
    (Role.BORROWING, commands.NoticeKind.REQUESTED): _events_of_announcement,
    (Role.BORROWING, commands.NoticeKind.SHIPPED): _events_of_shipment,
    (Role.BORROWING, commands.NoticeKind.RECEIVED): _events_of_return_receipt,
    (Role.BORROWING, commands.NoticeKind.RENEWED): _events_of_granted_renewal,
    (Role.BORROWING, commands.NoticeKind.REQUEST_CANCELLED): _events_of_cancelled_supply,
    (Role.LENDING, commands.NoticeKind.RECEIVED): _events_of_receipt,
}
_TOLD = frozenset(commands.NoticeKind) - {
    commands.NoticeKind.REQUEST_UPDATED,
    commands.NoticeKind.STATUS_UPDATED,
}
"""Of these the others say nothing that a managed request has to know."""

_STEPS: dict[type, Callable[[LibraryOutcome, Request], Iterator[OutcomeEvent]]] = {
    commands.AcceptItem: _events_of_accept_item,
    commands.CheckOut: _events_of_check_out,
    commands.CheckIn: _events_of_check_in,
    commands.DeleteItem: _events_of_delete_item,
    commands.Renew: _events_of_renewal,
    commands.Recall: _events_of_recall,
    commands.CancelRequest: _events_of_cancellation,
    commands.Notice: _events_of_notice,
}

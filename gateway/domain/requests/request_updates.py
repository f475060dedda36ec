"""Changes that an event leaves on the request besides its state: pure, one rule a concern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

from gateway.domain.requests.attempt_updates import FLAGS_OF_LOAN, make_attempt_terms, update_attempt
from gateway.domain.requests.events import (
    STRANGER,
    UNTOLD,
    Event,
    EventDetails,
    EventKind,
    EventSignal,
    LoanCondition,
    RequestEnding,
    local_signal,
    partner_signal,
    timer_signal,
)
from gateway.domain.requests.prices import is_price_open, names_unread_price, restart_costs, update_costs
from gateway.domain.requests.request import (
    MESSAGE_TROUBLES,
    TERMINAL,
    BorrowingState,
    LendingState,
    LoanTerms,
    PatronLoan,
    PatronQuery,
    RenewalAnswer,
    Request,
    RequestDates,
    RequestedService,
    RequestFlag,
    RequestNote,
    Role,
    ServiceType,
    SignOff,
    State,
    Volume,
)
from gateway.domain.requests.requester_changes import apply_requester_changes
from gateway.domain.requests.stored_fields import forget_people
from gateway.domain.requests.volume_updates import ships_own_item, update_volumes
from gateway.domain.sentences import strip_sentence
from gateway.domain.value import replace

RequestChange = Callable[[Request], Request]
"""What is left on a request together with an event."""


def keep_request(request: Request) -> Request:
    """Keep the request as it is."""
    return request


def record_event_on(request: Request, event: Event, to: State) -> Request:
    """The request after the event: state, flags, terms, attempt, volumes, notes; one version further."""
    forgets, is_borrowing = _forgets_supplier(request, event, to), request.role is Role.BORROWING
    changed = replace(
        request,
        state=to,
        changed=max(request.changed, event.at),
        version=request.version + 1,
        flags=_update_flags(request, event, to),
        service=_update_service(request.service, event),
        terms=LoanTerms(note=request.terms.note) if forgets else _update_terms(request, event, to),
        costs=restart_costs(request.costs, None) if forgets else update_costs(request, event),
        volumes=update_volumes(request, event),
        notes=_append_note(request, event),
        ending=_find_ending(request, event, to) if is_borrowing else request.ending,
        before_cancel=request.before_cancel if is_borrowing else _find_state_before_cancel(request, to),
    )
    if is_borrowing:
        changed = _update_transit_flag(update_attempt(changed, event, request.state))
    return _apply_event_kind(changed, event)


def _forgets_supplier(request: Request, event: Event, to: State) -> bool:
    """Return whether nothing that the supplier in hand has said holds any more: its condition is refused, or the
    request goes on without it, on either leg of what we broker. What was agreed to by asking it again stands."""
    if event.kind in (EventKind.CONDITION_REFUSED, EventKind.BROKERED):
        return True
    is_open_again = to in (BorrowingState.SOURCING, BorrowingState.REQUESTED) and to is not request.state
    return is_open_again and event.signal not in (
        local_signal(EventKind.CONDITION_ACCEPTED),
        local_signal(EventKind.REQUEST),
    )


def _find_ending(request: Request, event: Event, to: State) -> RequestEnding | None:
    """Return the ending that staff have given; of a request that we broker the requester is told otherwise."""
    if event.signal == local_signal(EventKind.CLOSE) and to in _NOT_WANTED and request.other_leg is None:
        return event.details.ending
    return request.ending if to in TERMINAL else None


def _find_state_before_cancel(request: Request, to: State) -> LendingState | None:
    if to is not LendingState.CANCEL_PENDING:
        return None
    before = request.state
    return before if isinstance(before, LendingState) and before is not to else request.before_cancel


def record_late_event(request: Request, event: Event) -> Request:
    """The request after an event that changes no state, or comes too late to: what was said, and what its supplier
    answered."""
    at = max(request.changed, event.at)
    flags = _mark_return_on_hold(request.flags, request, event)
    late = replace(request, changed=at, version=request.version + 1, flags=flags, notes=_append_note(request, event))
    return update_attempt(apply_requester_changes(late, event), event, request.state)


# --- flags -----------------------------------------------------------------------------------------------

_K = EventKind
_Change = tuple[frozenset[RequestFlag], frozenset[RequestFlag]]


def _make_flag_change(set_: tuple[RequestFlag, ...] = (), clear: tuple[RequestFlag, ...] = ()) -> _Change:
    return frozenset(set_), frozenset(clear)


_RENEWED = _make_flag_change(clear=(RequestFlag.RENEWAL_PENDING, RequestFlag.OVERDUE, RequestFlag.RECALLED))
_NOT_RENEWED = _make_flag_change(clear=(RequestFlag.RENEWAL_PENDING,))
_LATE = _make_flag_change(set_=(RequestFlag.OVERDUE,))
_WANTED = _make_flag_change(clear=(RequestFlag.EXPIRING, RequestFlag.UNWANTED))
_WANTED_BACK = _make_flag_change(set_=(RequestFlag.RECALLED,), clear=(RequestFlag.RENEWAL_PENDING,))

FLAGS: Mapping[EventSignal, _Change] = {
    local_signal(_K.RENEW): _make_flag_change(set_=(RequestFlag.RENEWAL_PENDING,)),
    partner_signal(_K.RENEW): _make_flag_change(set_=(RequestFlag.RENEWAL_PENDING,)),
    **{signal(_K.RENEW_ACCEPTED): _RENEWED for signal in (local_signal, partner_signal, timer_signal)},
    **{signal(_K.RENEW_REFUSED): _NOT_RENEWED for signal in (local_signal, partner_signal, timer_signal)},
    **{
        signal(_K.DUE_DATE_CHANGED): _make_flag_change(clear=(RequestFlag.OVERDUE, RequestFlag.RECALLED))
        for signal in (local_signal, partner_signal)
    },
    **{signal(_K.OVERDUE): _LATE for signal in (local_signal, partner_signal, timer_signal)},
    **{signal(_K.RECALL): _WANTED_BACK for signal in (local_signal, partner_signal)},
    **{signal(_K.DAMAGED): _make_flag_change(set_=(RequestFlag.DAMAGED,)) for signal in (local_signal, partner_signal)},
    **{
        signal(_K.RETURNED): _make_flag_change(clear=(RequestFlag.RENEWAL_PENDING, RequestFlag.RETURN_ON_HOLD))
        for signal in (local_signal, partner_signal)
    },
    local_signal(_K.CANCEL): _make_flag_change(set_=(RequestFlag.UNWANTED,), clear=(RequestFlag.EXPIRING,)),
    **{local_signal(kind): _WANTED for kind in (_K.REOPEN, _K.NEXT_SUPPLIER, _K.APPROVE)},
    local_signal(_K.REQUEST): _make_flag_change(clear=(*FLAGS_OF_LOAN, *MESSAGE_TROUBLES)),
    local_signal(_K.ARRIVED_AT_BRANCH): _make_flag_change(set_=(RequestFlag.ARRIVED,)),
    local_signal(_K.RECEIVED): _make_flag_change(clear=(RequestFlag.ARRIVED,)),  # a further volume is on its way
    timer_signal(_K.SHELF_EXPIRED): _make_flag_change(set_=(RequestFlag.NOT_COLLECTED,)),
    timer_signal(_K.RETURN_LATE): _make_flag_change(set_=(RequestFlag.RETURN_LATE,)),
    local_signal(_K.LOANED_TO_PATRON): _make_flag_change(  # the patron stood at the desk
        clear=(RequestFlag.NOT_COLLECTED, RequestFlag.UNWANTED, RequestFlag.TO_TELL)
    ),
    local_signal(_K.PATRON_NOT_TOLD): _make_flag_change(set_=(RequestFlag.TO_TELL,)),
    **{
        signal: _make_flag_change(clear=(RequestFlag.TO_TELL,))
        for signal in (
            local_signal(_K.PATRON_TOLD),
            local_signal(_K.RETURNED_BY_PATRON),
            timer_signal(_K.ANONYMISED),
        )
    },
    local_signal(_K.CONDITION_ACCEPTED): _make_flag_change(clear=(RequestFlag.PRICE_OPEN,)),
}

_NOT_WANTED = (BorrowingState.CANCELLED, BorrowingState.EXPIRED, BorrowingState.UNFILLED)
_ARRIVED = (partner_signal(_K.SHIPPED), partner_signal(_K.COPY_DELIVERED))
_TROUBLES: Mapping[str, RequestFlag] = {STRANGER: RequestFlag.STRANGER, UNTOLD: RequestFlag.UNTOLD}
"""By reason of the event; others: a partner has refused a message."""

_CLOSING = frozenset(
    {
        RequestFlag.RENEWAL_PENDING,
        RequestFlag.CHASED,
        RequestFlag.NOT_COLLECTED,
        RequestFlag.EXPIRING,
        RequestFlag.UNWANTED,
        RequestFlag.OVERDUE,
        RequestFlag.RECALLED,
        RequestFlag.RETURN_LATE,
        RequestFlag.RETURN_ON_HOLD,
    }
)
_AT_BORROWER = frozenset(
    {
        BorrowingState.SHIPPED,
        BorrowingState.RECEIVED,
        BorrowingState.LENT,
        BorrowingState.BACK,
        LendingState.SHIPPED,
    }
)


def _find_flag_change(event: Event) -> _Change:
    """A renewal to no day leaves the loan as overdue as it is."""
    if event.kind is EventKind.RENEW_ACCEPTED and event.details.due is None:
        return _NOT_RENEWED
    return FLAGS.get(event.signal, (frozenset(), frozenset()))


def _update_flags(request: Request, event: Event, to: State) -> frozenset[RequestFlag]:
    set_, clear = _find_flag_change(event)
    flags = (request.flags - clear) | set_
    flags = _mark_return_on_hold(flags, request, event)
    if event.signal == timer_signal(EventKind.EXPIRED) and to is BorrowingState.CANCEL_PENDING:
        flags |= {RequestFlag.EXPIRING, RequestFlag.UNWANTED}
    if event.signal == timer_signal(EventKind.NO_ANSWER) and to is request.state:
        flags |= {RequestFlag.CHASED}
    if event.signal == local_signal(EventKind.TROUBLE):
        flags |= {_TROUBLES.get(event.details.reason, RequestFlag.TROUBLE)}
    if event.signal in _ARRIVED and (event.details.cost is not None or names_unread_price(event.details)):
        is_open = is_price_open(request, event)
        flags = flags | {RequestFlag.PRICE_OPEN} if is_open else flags - {RequestFlag.PRICE_OPEN}
    if event.signal in _ARRIVED and request.state in _NOT_WANTED:
        flags |= {RequestFlag.UNWANTED}
    if to is not request.state and event.kind is not EventKind.UNDONE:
        flags -= {RequestFlag.CHASED, *MESSAGE_TROUBLES}
    return flags - _CLOSING if to in TERMINAL else flags


def _mark_return_on_hold(flags: frozenset[RequestFlag], request: Request, event: Event) -> frozenset[RequestFlag]:
    """Mark a return on hold as a message says, of the item that the borrower has."""
    is_held = event.details.return_on_hold
    is_meant = event.kind is EventKind.MESSAGE and event.attempt in (0, request.current)
    if is_held is None or not is_meant or request.state not in _AT_BORROWER:
        return flags
    mark = frozenset({RequestFlag.RETURN_ON_HOLD})
    return flags | mark if is_held else flags - mark


def _update_transit_flag(request: Request) -> Request:
    """The flag follows from the volumes: the request waits for the last of them."""
    moves = request.state is BorrowingState.RECEIVED and any(volume.in_transit for volume in request.volumes)
    under_way = {RequestFlag.IN_TRANSIT, RequestFlag.ARRIVED}
    flags = request.flags | {RequestFlag.IN_TRANSIT} if moves else request.flags - under_way
    return replace(request, flags=flags) if flags != request.flags else request


# --- terms -----------------------------------------------------------------------------------------------

_DATED = frozenset({EventKind.SHIPPED, EventKind.RENEW_ACCEPTED, EventKind.DUE_DATE_CHANGED, EventKind.RECALL})
"""Events whose date becomes the loan's. An overdue notice only repeats it, a refusal too."""


def _update_terms(request: Request, event: Event, to: State) -> LoanTerms:
    """Update the terms: with a new supplier all of it begins anew, but for what was agreed by asking it again; what the
    library itself noted stays."""
    terms, details = request.terms, event.details
    if event.signal == local_signal(EventKind.REQUEST):
        return make_attempt_terms(request.attempt, terms.note)
    if event.signal in _ARRIVED and request.attempt is not None and request.state not in _WITH_TERMS:
        terms = make_attempt_terms(request.attempt, terms.note)  # it comes though the request had gone on
    received = event.signal == local_signal(EventKind.RECEIVED)  # what came with the parcel, where no message said it
    if details.due is not None and (event.kind in _DATED or received):
        terms = replace(terms, lender_due=details.due)
    if event.kind is EventKind.RENEW_ACCEPTED:
        terms = replace(terms, renewals=terms.renewals + 1)
    if details.conditions and (
        event.kind in (EventKind.SHIPPED, EventKind.CONDITIONAL, EventKind.WILL_SUPPLY) or received
    ):
        terms = replace(terms, conditions=tuple(dict.fromkeys((*terms.conditions, *details.conditions))))
    if details.renewals_allowed is not None:
        terms = replace(terms, renewals_allowed=details.renewals_allowed)
    if LoanCondition.NO_RENEWAL in terms.conditions:
        terms = replace(terms, renewals_allowed=False)
    if event.signal == partner_signal(EventKind.RENEW):
        terms = replace(terms, renewal_wish=details.due)
    return replace(
        terms,
        patron_loan=_update_patron_loan(request, event, to),
        renewal_answer=_update_renewal_answer(request, event),
    )


_LEAVES_UNUSED = frozenset(
    {RequestFlag.RECALLED, RequestFlag.UNWANTED, RequestFlag.NOT_COLLECTED, RequestFlag.IN_TRANSIT}
)


def _update_patron_loan(request: Request, event: Event, to: State) -> PatronLoan:
    """Update the patron's loan: what stood ready for the patron, and goes back for no other reason, was used in the
    library."""
    now = request.terms.patron_loan
    if request.role is not Role.BORROWING:
        return now
    if event.signal == local_signal(EventKind.LOANED_TO_PATRON):
        return PatronLoan.NOW
    if event.signal == local_signal(EventKind.REOPEN):
        return PatronLoan.NEVER
    if event.signal == local_signal(EventKind.RETURNED_BY_PATRON) and to is BorrowingState.BACK:
        return PatronLoan.OVER
    if event.signal not in _GOES_BACK or to is request.state:
        return now
    stood_ready = request.state is BorrowingState.RECEIVED and not request.flags & _LEAVES_UNUSED
    return PatronLoan.OVER if now is PatronLoan.NOW or stood_ready else now


_GOES_BACK = frozenset({local_signal(EventKind.RETURNED), partner_signal(EventKind.CHECKED_IN)})


_NO_NEWS = frozenset(
    {EventKind.RENEW, EventKind.STATUS_QUERY, EventKind.STATUS_REPORT, EventKind.NOTE, EventKind.TROUBLE}
)
"""Events that leave a loan as it is."""


def _update_renewal_answer(request: Request, event: Event) -> RenewalAnswer | None:
    if request.role is Role.BORROWING:
        return None
    if event.kind in (EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED):
        return RenewalAnswer(event.kind is EventKind.RENEW_ACCEPTED, event.at)
    return request.terms.renewal_answer if event.kind in _NO_NEWS else None


def end_answered_renewal(request: Request) -> Request:
    """A renewal that was answered as it came: nobody has to."""
    return replace(request, flags=request.flags - {RequestFlag.RENEWAL_PENDING})


_WITH_TERMS = frozenset(BorrowingState) - {BorrowingState.REVIEW, BorrowingState.SOURCING, BorrowingState.NO_SUPPLIER}


def _update_service(service: RequestedService, event: Event) -> RequestedService:
    """'Copy or loan' becomes what is really supplied."""
    if event.kind in (EventKind.COPY_DELIVERED, EventKind.DIGITISED):
        return replace(service, type=ServiceType.COPY)
    if event.kind is EventKind.SHIPPED and service.type is ServiceType.COPY_OR_LOAN:
        return replace(service, type=ServiceType.LOAN)
    return service


# --- notes -----------------------------------------------------------------------------------------------


def _append_note(request: Request, event: Event) -> tuple[RequestNote, ...]:
    text = strip_sentence(event.details.note)
    if not text or event.kind not in (EventKind.MESSAGE, EventKind.NOTE):
        return request.notes
    outward = event.signal == local_signal(EventKind.MESSAGE)
    return (*request.notes, RequestNote(event.at, event.actor, text, for_partner=outward))


# --- what single kinds of events bring -------------------------------------------------------------------


def _apply_event_kind(request: Request, event: Event) -> Request:
    details = event.details
    match event.kind:
        case EventKind.EDIT:
            return _apply_edit(request, details)
        case EventKind.RECEIVED if request.role is Role.BORROWING and details.pickup:
            return replace(request, patron=replace(request.patron, pickup=details.pickup))
        case EventKind.REOPEN:
            return replace(request, dates=_update_dates(request.dates, details))
        case EventKind.LOCATED:
            return replace(request, item_barcode=details.barcode or request.item_barcode)
        case EventKind.BROKERED:
            return replace(request, item_barcode="", before_cancel=None)
        case EventKind.DIGITISED:
            return replace(request, digitised_by=event.actor)
        case EventKind.CLEARED | EventKind.CLEARANCE_REFUSED:
            decision = SignOff(
                at=event.at,
                by=event.actor,
                basis=details.reason,
                granted=event.kind is EventKind.CLEARED,
                note=details.note,
            )
            return replace(request, sign_offs=(*request.sign_offs, decision))
        case EventKind.PATRON_ASKED:
            query = PatronQuery(
                id=details.query, about=details.reason, text=details.note, cost=request.costs.offered, asked=event.at
            )
            return replace(request, query=query)
        case EventKind.PATRON_ANSWERED if request.query is not None and not request.query.answer:
            return replace(request, query=replace(request.query, answer=details.answer or "no", answered=event.at))
        case EventKind.ANONYMISED:
            return _anonymise_request(request)
    is_shipped = event.signal == local_signal(EventKind.SHIPPED)
    if is_shipped and details.barcode and ships_own_item(request, event):
        return replace(request, item_barcode=details.barcode)
    return request


def _update_dates(dates: RequestDates, details: EventDetails) -> RequestDates:
    return replace(dates, need_by=details.need_by) if details.need_by is not None else dates


def _apply_edit(request: Request, details: EventDetails) -> Request:
    """The citation as it came in is never edited away."""
    citation = request.citation
    if details.citation is not None:
        citation = replace(details.citation, original=citation.original or details.citation.original)
    dates = _update_dates(request.dates, details)
    patron = replace(request.patron, pickup=details.pickup) if details.pickup else request.patron
    volumes = request.volumes
    if details.further_volume:
        volumes = (*volumes, Volume(_next_volume_id(volumes), details.further_volume))
    return replace(request, citation=citation, dates=dates, patron=patron, volumes=volumes)


def _next_volume_id(volumes: tuple[Volume, ...]) -> str:
    """Numbers from 1; a partner may call its volumes otherwise."""
    known = {volume.id for volume in volumes}
    return next(str(number) for number in count(len(volumes) + 1) if str(number) not in known)


def _anonymise_request(request: Request) -> Request:
    """Lent on the account of a library, it stays known on which."""
    forgotten = forget_people(request)
    return forgotten if request.direct_patron.id else replace(forgotten, borrower_id=request.borrower_id)

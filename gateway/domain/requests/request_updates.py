"""What an event leaves on the request besides its state: pure, one rule a concern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.requests.events import Condition, Details, Event, Kind, Origin, Signal, by_partner, by_timer, by_us
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    Attempt,
    AttemptStatus,
    Borrowing,
    Costs,
    Dates,
    Flag,
    Note,
    Party,
    PatronLink,
    PatronQuery,
    Request,
    Role,
    RotaLine,
    Service,
    ServiceType,
    SignOff,
    Standing,
    State,
    Terms,
    Volume,
    VolumeState,
)


def recorded(request: Request, event: Event, to: State) -> Request:
    """The request after the event: state, flags, terms, attempt, volumes, notes; one version further."""
    changed = replace(
        request,
        state=to,
        changed=max(request.changed, event.at),
        version=request.version + 1,
        flags=_flags(request, event, to),
        service=_service(request.service, event),
        terms=_terms(request, event),
        costs=_costs(request.costs, event),
        volumes=_volumes(request, event),
        notes=_notes(request, event),
    )
    if request.role is Role.BORROWING:
        changed = _attempted(changed, event, request.state)
    return _particular(changed, event)


def kept(request: Request, event: Event) -> Request:
    """The request after an event that comes too late to change it: what was said, and what its supplier answered."""
    at = max(request.changed, event.at)
    said = replace(request, changed=at, version=request.version + 1, notes=_notes(request, event))
    return _attempted(said, event, request.state) if request.role is Role.BORROWING else said


# --- flags -----------------------------------------------------------------------------------------------

_K = Kind
_Change = tuple[frozenset[Flag], frozenset[Flag]]


def _change(set_: tuple[Flag, ...] = (), clear: tuple[Flag, ...] = ()) -> _Change:
    return frozenset(set_), frozenset(clear)


_RENEWED = _change(clear=(Flag.RENEWAL_PENDING, Flag.OVERDUE, Flag.RECALLED))
_NOT_RENEWED = _change(clear=(Flag.RENEWAL_PENDING,))
_LATE = _change(set_=(Flag.OVERDUE,))
_WANTED = _change(clear=(Flag.EXPIRING, Flag.UNWANTED))
_OF_THE_LOAN = (Flag.OVERDUE, Flag.RECALLED, Flag.DAMAGED, Flag.RENEWAL_PENDING)
_WANTED_BACK = _change(set_=(Flag.RECALLED,), clear=(Flag.RENEWAL_PENDING,))

FLAGS: Mapping[Signal, _Change] = {
    by_us(_K.RENEW): _change(set_=(Flag.RENEWAL_PENDING,)),
    by_partner(_K.RENEW): _change(set_=(Flag.RENEWAL_PENDING,)),
    **{signal(_K.RENEW_ACCEPTED): _RENEWED for signal in (by_us, by_partner, by_timer)},
    **{signal(_K.RENEW_REFUSED): _NOT_RENEWED for signal in (by_us, by_partner, by_timer)},
    **{signal(_K.DUE_DATE_CHANGED): _change(clear=(Flag.OVERDUE, Flag.RECALLED)) for signal in (by_us, by_partner)},
    **{signal(_K.OVERDUE): _LATE for signal in (by_us, by_partner, by_timer)},
    **{signal(_K.RECALL): _WANTED_BACK for signal in (by_us, by_partner)},
    **{signal(_K.DAMAGED): _change(set_=(Flag.DAMAGED,)) for signal in (by_us, by_partner)},
    **{signal(_K.RETURNED): _change(clear=(Flag.RENEWAL_PENDING,)) for signal in (by_us, by_partner)},
    by_us(_K.CANCEL): _change(set_=(Flag.UNWANTED,), clear=(Flag.EXPIRING,)),
    **{by_us(kind): _WANTED for kind in (_K.REOPEN, _K.NEXT_SUPPLIER, _K.APPROVE)},
    by_us(_K.REQUEST): _change(clear=(*_OF_THE_LOAN, Flag.TROUBLE)),
    by_timer(_K.SHELF_EXPIRED): _change(set_=(Flag.NOT_COLLECTED,)),
    by_us(_K.LOANED_TO_PATRON): _change(clear=(Flag.NOT_COLLECTED, Flag.UNWANTED)),
    by_us(_K.TROUBLE): _change(set_=(Flag.TROUBLE,)),
}

_NOT_WANTED = (Borrowing.CANCELLED, Borrowing.EXPIRED, Borrowing.UNFILLED)
_ARRIVED = (by_partner(_K.SHIPPED), by_partner(_K.COPY_DELIVERED))
_CLOSING = frozenset(
    {Flag.RENEWAL_PENDING, Flag.CHASED, Flag.NOT_COLLECTED, Flag.EXPIRING, Flag.UNWANTED, Flag.OVERDUE, Flag.RECALLED}
)


def _flags(request: Request, event: Event, to: State) -> frozenset[Flag]:
    set_, clear = FLAGS.get(event.signal, (frozenset(), frozenset()))
    if event.signal == by_partner(Kind.RENEW) and Flag.RECALLED in request.flags:
        set_ = frozenset()  # refused at once
    flags = (request.flags - clear) | set_
    if event.signal == by_timer(Kind.EXPIRED) and to is Borrowing.CANCEL_PENDING:
        flags |= {Flag.EXPIRING, Flag.UNWANTED}
    if event.signal == by_timer(Kind.NO_ANSWER) and to is request.state:
        flags |= {Flag.CHASED}
    if event.signal in _ARRIVED and request.state in _NOT_WANTED:
        flags |= {Flag.UNWANTED}
    if to is not request.state:
        flags -= {Flag.CHASED, Flag.TROUBLE}
    return flags if replace(request, state=to).open else flags - _CLOSING


# --- terms and costs -------------------------------------------------------------------------------------

_DATED = frozenset({Kind.SHIPPED, Kind.RENEW_ACCEPTED, Kind.DUE_DATE_CHANGED, Kind.RECALL})
"""Events whose date becomes the loan's. An overdue notice only repeats it, a refusal too."""


def _terms(request: Request, event: Event) -> Terms:
    """With a new supplier all of it begins anew; what the library itself noted stays."""
    terms, details = request.terms, event.details
    if event.signal == by_us(Kind.REQUEST):
        return Terms(note=terms.note)
    received = event.signal == by_us(Kind.RECEIVED)  # what came with the parcel, where no message said it
    if details.due is not None and (event.kind in _DATED or received):
        terms = replace(terms, lender_due=details.due)
    if event.kind is Kind.RENEW_ACCEPTED:
        terms = replace(terms, renewals=terms.renewals + 1)
    if details.conditions and (event.kind in (Kind.SHIPPED, Kind.CONDITIONAL, Kind.WILL_SUPPLY) or received):
        terms = replace(terms, conditions=tuple(dict.fromkeys((*terms.conditions, *details.conditions))))
    if details.renewals_allowed is not None:
        terms = replace(terms, renewals_allowed=details.renewals_allowed)
    if Condition.NO_RENEWAL in terms.conditions:
        terms = replace(terms, renewals_allowed=False)
    return terms


def _service(service: Service, event: Event) -> Service:
    """'Copy or loan' becomes what is really supplied."""
    if event.kind in (Kind.COPY_DELIVERED, Kind.DIGITISED):
        return replace(service, type=ServiceType.COPY)
    if event.kind is Kind.SHIPPED and service.type is ServiceType.COPY_OR_LOAN:
        return replace(service, type=ServiceType.LOAN)
    return service


def _costs(costs: Costs, event: Event) -> Costs:
    details = event.details
    if event.signal == by_us(Kind.REQUEST):
        return replace(costs, agreed=None, charged=None)
    if details.maximum_cost is not None and event.kind is Kind.EDIT:
        costs = replace(costs, maximum=details.maximum_cost)
    if details.cost is not None:
        if event.kind in (Kind.SHIPPED, Kind.COPY_DELIVERED):
            costs = replace(costs, charged=details.cost)
        elif event.kind in (Kind.WILL_SUPPLY, Kind.CONDITIONAL, Kind.CONDITION_ACCEPTED):
            costs = replace(costs, agreed=details.cost)
    return costs


# --- volumes ---------------------------------------------------------------------------------------------

_VOLUMES: Mapping[Kind, VolumeState] = {
    Kind.SHIPPED: VolumeState.SHIPPED,
    Kind.RECEIVED: VolumeState.RECEIVED,
    Kind.LOANED_TO_PATRON: VolumeState.LENT,
    Kind.RETURNED_BY_PATRON: VolumeState.BACK,
    Kind.RETURNED: VolumeState.RETURNED,
    Kind.CHECKED_IN: VolumeState.CHECKED_IN,
    Kind.LOST: VolumeState.LOST,
}

_ENDED = (VolumeState.CHECKED_IN, VolumeState.LOST)


def _volumes(request: Request, event: Event) -> tuple[Volume, ...]:
    """Events move the volumes that they name, without names all; what has ended, or has gone further already (a
    message that comes late), stays as it is. A new supplier sends all of them anew."""
    if event.signal == by_us(Kind.REQUEST):
        return tuple(Volume(one.id, one.label) for one in request.volumes)
    to = _VOLUMES.get(event.kind)
    if to is None:
        return request.volumes
    named = event.details.volumes
    return tuple(
        replace(one, state=to, theirs=event.details.barcode or one.theirs)
        if (not named or one.id in named) and _moves(one.state, to)
        else one
        for one in request.volumes
    )


_ORDER = tuple(VolumeState)


def _moves(now: VolumeState, to: VolumeState) -> bool:
    if now in _ENDED:
        return now is VolumeState.LOST and to in (VolumeState.RETURNED, VolumeState.CHECKED_IN)  # found
    again = now is VolumeState.BACK and to is VolumeState.LENT
    return again or _ORDER.index(to) > _ORDER.index(now)


# --- notes -----------------------------------------------------------------------------------------------


def _notes(request: Request, event: Event) -> tuple[Note, ...]:
    text = event.details.note.strip()
    if not text or event.kind not in (Kind.MESSAGE, Kind.NOTE):
        return request.notes
    outward = event.signal == by_us(Kind.MESSAGE)
    return (*request.notes, Note(event.at, event.actor, text, for_partner=outward))


# --- attempts --------------------------------------------------------------------------------------------


def asked(request: Request, attempt: Attempt, partner: Party) -> Request:
    """The request with a new attempt that counts, and its line of the rota marked. The event us:request follows."""
    request = _pieces_kept(request)
    rota = tuple(
        replace(line, standing=Standing.ASKED)
        if line.partner == attempt.partner and line.standing is Standing.WAITING
        else line
        for line in request.rota
    )
    if all(line.partner != attempt.partner for line in rota):
        rota = (*rota, RotaLine(attempt.partner, Standing.ASKED, "by hand"))
    return replace(request, attempts=(*request.attempts, attempt), current=attempt.number, partner=partner, rota=rota)


def adopted(request: Request, number: int) -> Request:
    """The request with an earlier attempt that counts again, on the terms that were agreed then."""
    request = _pieces_kept(request)
    attempt = request.find_attempt(number)
    assert attempt is not None
    terms = Terms(
        conditions=attempt.conditions,
        renewals_allowed=Condition.NO_RENEWAL not in attempt.conditions,
        note=request.terms.note,
    )
    party = Party(symbol=attempt.symbol, profile=attempt.partner)
    return replace(
        request,
        current=number,
        partner=party if party.profile != request.partner.profile else request.partner,
        terms=terms,
        costs=replace(request.costs, agreed=attempt.cost, charged=None),
        volumes=tuple(Volume(one.id, one.label) for one in request.volumes),
    )


def _pieces_kept(request: Request) -> Request:
    """The volumes begin anew, but a lost piece is still on record in the library: its supplier's attempt knows it."""
    pieces = tuple(volume.barcode for volume in request.volumes if volume.barcode)
    if request.attempt is None or not pieces:
        return request
    known = tuple(dict.fromkeys((*request.attempt.pieces, *pieces)))
    return with_attempt(request, replace(request.attempt, pieces=known))


_PROMISES: Mapping[Signal, AttemptStatus] = {
    by_partner(_K.EXPECT_TO_SUPPLY): AttemptStatus.EXPECTED,
    by_partner(_K.WILL_SUPPLY): AttemptStatus.WILL_SUPPLY,
    by_partner(_K.HOLD_PLACED): AttemptStatus.HOLD_PLACED,
    by_partner(_K.CONDITIONAL): AttemptStatus.CONDITIONAL,
    by_partner(_K.FORWARDED): AttemptStatus.ASKED,
    by_us(_K.CONDITION_ACCEPTED): AttemptStatus.WILL_SUPPLY,
}
_REFUSALS: Mapping[Signal, AttemptStatus] = {
    by_partner(_K.RETRY): AttemptStatus.RETRY,
    by_partner(_K.UNFILLED): AttemptStatus.UNFILLED,
    by_partner(_K.EXPIRED): AttemptStatus.EXPIRED,
    by_partner(_K.REJECTED): AttemptStatus.REJECTED,
    by_partner(_K.CANCEL_ACCEPTED): AttemptStatus.CANCELLED,
}
_GOODBYES: Mapping[Signal, AttemptStatus] = {
    by_us(_K.CONDITION_REFUSED): AttemptStatus.CONDITION_REFUSED,
    by_us(_K.NEXT_SUPPLIER): AttemptStatus.SKIPPED,
}
_SENDINGS: Mapping[Signal, AttemptStatus] = {
    by_partner(_K.SHIPPED): AttemptStatus.SHIPPED,
    by_partner(_K.COPY_DELIVERED): AttemptStatus.COMPLETED,
}
_SIGNS_OF_IT: Mapping[Signal, AttemptStatus] = {
    by_partner(_K.OVERDUE): AttemptStatus.SHIPPED,
    by_partner(_K.RECALL): AttemptStatus.SHIPPED,
    by_partner(_K.DUE_DATE_CHANGED): AttemptStatus.SHIPPED,
    by_us(_K.RECEIVED): AttemptStatus.SHIPPED,
}
_ENDS: Mapping[Signal, AttemptStatus] = {
    by_partner(_K.CHECKED_IN): AttemptStatus.COMPLETED,
    by_partner(_K.LOST): AttemptStatus.LOST,
    by_us(_K.LOST): AttemptStatus.LOST,
}

_NEVER_CAME_BACK: Mapping[Signal, AttemptStatus] = {by_partner(_K.LOST): AttemptStatus.LOST}

_LEFT = frozenset({AttemptStatus.SKIPPED, AttemptStatus.NO_ANSWER, AttemptStatus.CONDITION_REFUSED})
"""We went on from this supplier, its own last word is still to come."""

_SENT = frozenset(
    {
        AttemptStatus.SHIPPED,
        AttemptStatus.COMPLETED,
        AttemptStatus.EXTRA,
        AttemptStatus.EXTRA_RETURNED,
        AttemptStatus.LOST,
    }
)


def _attempted(request: Request, event: Event, before: State) -> Request:
    """`request` is in its new state already."""
    attempt = request.find_attempt(event.attempt or request.current)
    if attempt is None:
        return request
    details = event.details
    from_partner = event.signal.origin is Origin.PARTNER
    updated = replace(
        attempt,
        status=_left_behind(_status(attempt.status, event.signal), request, event, before),
        answered=attempt.answered or (event.at if from_partner else None),
        reason=details.reason or attempt.reason if from_partner else attempt.reason,
        note=details.note or attempt.note if from_partner else attempt.note,
        retry_after=details.retry_after or attempt.retry_after if from_partner else attempt.retry_after,
        expected=details.expected or attempt.expected if from_partner else attempt.expected,
        cost=details.cost or attempt.cost,
        conditions=details.conditions or attempt.conditions,
        theirs=details.transaction or attempt.theirs,
    )
    return with_attempt(request, updated)


def _status(now: AttemptStatus, signal: Signal) -> AttemptStatus:
    """What was shipped stays shipped, what was refused stays refused, whatever older messages come after it."""
    answers: tuple[Mapping[Signal, AttemptStatus], ...]
    if now in OPEN_ATTEMPT and now not in _SENT:
        answers = (_PROMISES, _GOODBYES, _REFUSALS, _SENDINGS, _SIGNS_OF_IT, _ENDS)
    elif now in _LEFT:
        answers = (_REFUSALS, _SENDINGS, _ENDS)
    elif now is AttemptStatus.COMPLETED:
        answers = (_NEVER_CAME_BACK,)
    elif now in _SENT:
        answers = (_ENDS,)
    else:
        answers = (_SENDINGS, _ENDS)
    return next((answer[signal] for answer in answers if signal in answer), now)


_WITHOUT_SUPPLIER = (Borrowing.SOURCING, Borrowing.CANCELLED, Borrowing.EXPIRED, Borrowing.UNFILLED)


def _left_behind(status: AttemptStatus, request: Request, event: Event, before: State) -> AttemptStatus:
    """No attempt stays open when the request has gone on without it."""
    if request.state is Borrowing.COMPLETED and event.kind is Kind.RETURNED:
        return AttemptStatus.COMPLETED  # this supplier tells no check-in
    if request.state is before or request.state not in _WITHOUT_SUPPLIER or status not in OPEN_ATTEMPT:
        return status
    if event.signal != by_timer(Kind.NO_ANSWER) or before is Borrowing.CANCEL_PENDING:
        return AttemptStatus.CANCELLED
    return AttemptStatus.CONDITION_REFUSED if before is Borrowing.CONDITIONAL else AttemptStatus.NO_ANSWER


def with_attempt(request: Request, attempt: Attempt) -> Request:
    attempts = tuple(attempt if one.number == attempt.number else one for one in request.attempts)
    return replace(request, attempts=attempts)


# --- what single kinds of events bring -------------------------------------------------------------------


def _particular(request: Request, event: Event) -> Request:
    details = event.details
    match event.kind:
        case Kind.EDIT:
            return _edited(request, details)
        case Kind.REOPEN:
            return replace(request, dates=_dates(request.dates, details))
        case Kind.LOCATED:
            return replace(request, item_barcode=details.barcode or request.item_barcode)
        case Kind.CLEARED | Kind.CLEARANCE_REFUSED:
            decision = SignOff(
                at=event.at, by=event.actor, basis=details.reason, granted=event.kind is Kind.CLEARED, note=details.note
            )
            return replace(request, sign_offs=(*request.sign_offs, decision))
        case Kind.PATRON_ASKED:
            query = PatronQuery(id=details.query, about=details.reason, text=details.note, asked=event.at)
            return replace(request, query=query)
        case Kind.PATRON_ANSWERED if request.query is not None and not request.query.answer:
            return replace(request, query=replace(request.query, answer=details.answer or "no", answered=event.at))
        case Kind.ANONYMISED:
            return _anonymous(request)
    if request.role is Role.LENDING and event.signal == by_us(Kind.SHIPPED) and details.barcode:
        return replace(request, item_barcode=details.barcode)
    return request


def _dates(dates: Dates, details: Details) -> Dates:
    return replace(dates, need_by=details.need_by) if details.need_by is not None else dates


def _edited(request: Request, details: Details) -> Request:
    """The citation as it came in is never edited away."""
    citation = request.citation
    if details.citation is not None:
        citation = replace(details.citation, original=citation.original or details.citation.original)
    dates = _dates(request.dates, details)
    patron = replace(request.patron, pickup=details.pickup) if details.pickup else request.patron
    return replace(request, citation=citation, dates=dates, patron=patron)


def _anonymous(request: Request) -> Request:
    return replace(
        request,
        patron=PatronLink(category=request.patron.category),
        direct_patron=PatronLink(category=request.direct_patron.category),
        notes=(),
        query=None,
    )

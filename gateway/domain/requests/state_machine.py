"""The only way in which an event changes a request (design rule 3)."""

from __future__ import annotations

from gateway.domain.requests.attempt_updates import replace_attempt, resume_attempt
from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.contradictions import find_contradiction
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    EventSignal,
    NamedSupplier,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.prices import interpret_terms
from gateway.domain.requests.request import (
    ON_RECORD,
    OPEN_ATTEMPT,
    AttemptStatus,
    BorrowingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    State,
    SupplierAttempt,
    VolumeState,
)
from gateway.domain.requests.request_updates import end_answered_renewal, record_event_on, record_late_event
from gateway.domain.requests.requester_changes import is_deadline_moved
from gateway.domain.requests.state_table import (
    Branch,
    CallLibrary,
    DenialReason,
    Effect,
    ForbiddenCell,
    LibraryAction,
    NotifyPartner,
    StartTimer,
    StateTable,
    StopTimer,
    TimerKind,
)
from gateway.domain.requests.status_reports import (
    ReportVerdict,
    find_reported_event,
    is_answer_awaited,
    is_known_status,
    judge_report,
)
from gateway.domain.requests.supplier_takeover import (
    BEFORE_SENDING,
    find_last_reason,
    hand_over,
    is_late_refusal,
    is_taken_over,
)
from gateway.domain.value import replace, value_object

TABLES: dict[Role, StateTable] = {Role.BORROWING: BORROWING, Role.LENDING: LENDING}


@value_object
class PartnerNotification:
    """A message to a partner that an event asks for. `attempt`: to which supplier (borrowing); 0: the requester.
    `supplier`: of those behind a broker, the one that alone is meant."""

    kind: EventKind
    attempt: int = 0
    supplier: NamedSupplier | None = None


@value_object
class Transition:
    """The outcome of an event. `effects` are in order; messages to partners among them are `told`, in order. `kept`:
    the event came too late to do anything, it is only kept. `items_out`: barcodes of the pieces that we had lent
    before."""

    request: Request
    before: State
    event: Event
    effects: tuple[Effect, ...] = ()
    told: tuple[PartnerNotification, ...] = ()
    kept: bool = False
    items_out: tuple[str, ...] = ()

    @property
    def changes_state(self) -> bool:
        return self.request.state is not self.before


@value_object
class Denied:
    """An event that doesn't fit. `detail` is one plain sentence for whoever caused it. `conditions`: one of these
    would have to hold (UNMET), or what stands against it (CONTRARY). `attempt`: the supplier that it is about
    (NOT_ASKED, CONTRARY)."""

    why: DenialReason
    signal: EventSignal
    state: State
    conditions: tuple[str, ...] = ()
    attempt: int = 0

    @property
    def detail(self) -> str:
        what, state = f"'{self.signal.kind.value}'", self.state.value
        match self.why:
            case DenialReason.ENDED:
                return f"The request is closed ({state}); {what} is not possible any more."
            case DenialReason.NEVER:
                return f"There is no {what} by {_BY[self.signal.origin]} on this side of a request."
            case DenialReason.UNMET:
                return f"In state '{state}', {what} is possible only if {' or if '.join(self.conditions)}."
            case DenialReason.NOT_ASKED:
                return f"{what} does not fit supplier no. {self.attempt} of this request."
            case DenialReason.CONTRARY:
                return f"{what} does not fit what is known of this request: {self.conditions[0]}."
            case DenialReason.NO_VOLUME:
                return f"{what} names a volume that this request does not have."
        return f"{what} is not possible while the request is in state '{state}'."


_BY = {EventOrigin.US: "us", EventOrigin.PARTNER: "the partner", EventOrigin.TIMER: "a timer"}


def compute_transition(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    if is_late_refusal(request, event):
        return _make_late_transition(request, event)
    if not is_taken_over(request, event):
        return _interpret_and_apply(request, event, workflow)
    handed = hand_over(request, event)
    outcome = _interpret_and_apply(handed, event, workflow)
    if isinstance(outcome, Denied):
        return outcome
    effects = (*_list_takeover_effects(request, handed), *outcome.effects)
    return replace(outcome, before=request.state, effects=effects, kept=False)


def _interpret_and_apply(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    meant = _interpret_event(request, event, workflow)
    if contrary := find_contradiction(request, meant):
        return Denied(DenialReason.CONTRARY, meant.signal, request.state, (contrary,), meant.attempt)
    return _apply_meant_event(request, meant, workflow)


def _list_takeover_effects(before: Request, handed: Request) -> tuple[Effect, ...]:
    """List the effects of a takeover: nothing is promised any more, and what the patron was asked is no question
    now."""
    is_moved = handed.state is not before.state
    effects = (StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANSWER)) if is_moved else ()
    return (*effects, StopTimer(TimerKind.QUERY)) if before.query is not handed.query else effects


# --- what an event means ---------------------------------------------------------------------------------


def _interpret_event(request: Request, event: Event, workflow: Workflow) -> Event:
    """The event as it counts: what a partner says may be less news than its kind, or more."""
    if event.signal == partner_signal(EventKind.UNFILLED):
        event = _recall_last_reason(request, event)
    event = _interpret_loss(request, event)
    if _contradicts_shipment(request, event):
        event = _make_report(event)
    is_copy_sent = event.signal == partner_signal(EventKind.SHIPPED) and _is_copy_by_link(request, event.details)
    if is_copy_sent or _is_finished_copy(request, event):
        event = replace(event, signal=partner_signal(EventKind.COPY_DELIVERED))
    if _repeats_known_date(request, event):
        return replace(event, signal=partner_signal(EventKind.MESSAGE))
    is_report = event.signal == partner_signal(EventKind.STATUS_REPORT)
    if event.details.status_counts and event.details.reported is not None:
        if not is_answer_awaited(request, event):
            return interpret_terms(request, _interpret_status(request, event, workflow))
        event = event if is_report else _without_status(event)
    if _renews_to_known_date(request, event):
        event = replace(event, details=replace(event.details, due=None))
    if is_report and event.details.reported is not None:
        event = _interpret_report(request, event, workflow)
    return interpret_terms(request, event)


def _interpret_status(request: Request, event: Event, workflow: Workflow) -> Event:
    """Interpret a message that answers nothing as its status, as far as that is news. Where it isn't, a yes must not be
    taken twice."""
    assert event.details.reported is not None
    answer = _without_status(event)
    status = replace(answer, signal=partner_signal(find_reported_event(request, event.details.reported)))
    status = _interpret_loss(request, status)
    branch = _find_branch(request, status, workflow)
    is_news = not (isinstance(branch, Denied) or branch.kept or is_known_status(request, status.kind))
    if is_news and not _repeats_known_date(request, status):
        return status
    if event.kind not in (EventKind.RENEW_ACCEPTED, EventKind.STATUS_REPORT):
        return answer
    return _interpret_report(request, replace(event, signal=partner_signal(EventKind.STATUS_REPORT)), workflow)


def _without_status(event: Event) -> Event:
    return replace(event, details=replace(event.details, reported=None))


def _interpret_loss(request: Request, event: Event) -> Event:
    """Some have one word for a loss and for its settling: what is known to be lost is settled, what isn't is lost."""
    is_meant = request.role is Role.BORROWING and event.attempt == request.current
    if not is_meant or event.signal not in _LOSSES:
        return event
    kind = EventKind.SETTLED if request.state is BorrowingState.LOST else EventKind.LOST
    return replace(event, signal=partner_signal(kind))


_LOSSES = frozenset({partner_signal(EventKind.LOST), partner_signal(EventKind.SETTLED)})


def _contradicts_shipment(request: Request, event: Event) -> bool:
    """Return whether a supplier calls off what it has sent: that is no way on from here, staff look."""
    is_out = request.role is Role.BORROWING and request.state in _OUT and event.attempt == request.current
    return is_out and event.signal in _CALLED_OFF and not event.details.status_counts


_OUT = (
    BorrowingState.SHIPPED,
    BorrowingState.RECEIVED,
    BorrowingState.LENT,
    BorrowingState.BACK,
    BorrowingState.RETURNED,
)
_CALLED_OFF = frozenset(
    map(partner_signal, (EventKind.UNFILLED, EventKind.RETRY, EventKind.EXPIRED, EventKind.CANCEL_ACCEPTED))
)


def _make_report(event: Event) -> Event:
    """A word that can only say how the request stands with the supplier."""
    details = replace(event.details, reported=event.kind, status=event.details.status or event.kind.value)
    return replace(event, signal=partner_signal(EventKind.STATUS_REPORT), details=details)


def _is_copy_by_link(request: Request, details: EventDetails) -> bool:
    """Some lend a copy: what comes by a link is no piece that goes back."""
    is_copy = request.role is Role.BORROWING and request.service.type is ServiceType.COPY
    return is_copy and bool(details.link) and not (details.barcode or details.items)


def _is_finished_copy(request: Request, event: Event) -> bool:
    """Some have one word for the end of a loan and of a copy, which is on its way then."""
    is_copy = request.role is Role.BORROWING and request.service.type is ServiceType.COPY
    is_awaited = request.state in BEFORE_SENDING or request.state is BorrowingState.SHIPPED
    return is_copy and is_awaited and event.signal == partner_signal(EventKind.CHECKED_IN)


def _recall_last_reason(request: Request, event: Event) -> Event:
    """A broker's last word says nothing of why: then it is what the last library behind it said."""
    details, attempt = event.details, request.find_attempt(event.attempt)
    if details.reason or details.note or attempt is None:
        return event
    return replace(event, details=replace(details, reason=find_last_reason(attempt)))


def _repeats_known_date(request: Request, event: Event) -> bool:
    """Some say the loan's date with whatever they have to tell (facts/iso-18626.md 8.5): that is news only where it
    takes a recall back."""
    if event.signal != partner_signal(EventKind.DUE_DATE_CHANGED) or event.attempt != request.current:
        return False
    day = request.terms.lender_due
    return day is not None and event.details.due == day and RequestFlag.RECALLED not in request.flags


def _renews_to_known_date(request: Request, event: Event) -> bool:
    """A renewal to the day on which it is due in any case names no new one."""
    if event.signal != partner_signal(EventKind.RENEW_ACCEPTED) or event.attempt != request.current:
        return False
    return event.details.due is not None and event.details.due == request.terms.lender_due


def _interpret_report(request: Request, event: Event, workflow: Workflow) -> Event:
    """A report that tells of a missed message is that message. One that is no news loses its `reported`, one that staff
    look at has the status among its words."""
    details = event.details
    assert details.reported is not None
    known = _without_status(event)
    match judge_report(request, event):
        case ReportVerdict.CONTRARY:
            words = "; ".join(filter(None, (details.status, details.note)))
            return replace(event, details=replace(details, note=words))
        case ReportVerdict.KNOWN:
            return known
    missed = replace(event, signal=partner_signal(find_reported_event(request, details.reported)))
    branch = _find_branch(request, missed, workflow)
    return known if isinstance(branch, Denied) or branch.kept else missed


# --- what it does ----------------------------------------------------------------------------------------


def _apply_meant_event(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    known = frozenset(volume.id for volume in request.volumes)
    if not known.issuperset(event.details.volumes):
        if event.signal.origin is EventOrigin.US:
            return Denied(DenialReason.NO_VOLUME, event.signal, request.state)
        # a partner may count them in its own way: then it is about all of them
        named = tuple(volume for volume in event.details.volumes if volume in known)
        outcome = _apply_meant_event(request, replace(event, details=replace(event.details, volumes=named)), workflow)
        return replace(outcome, event=event) if isinstance(outcome, Transition) else outcome
    if request.role is Role.BORROWING and event.attempt:
        if request.find_attempt(event.attempt) is None:
            return Denied(DenialReason.NOT_ASKED, event.signal, request.state, attempt=event.attempt)
        if event.signal.origin is EventOrigin.PARTNER and _is_past_supplier(request, event):
            return _apply_late_answer(request, event, workflow)
        if event.signal.origin is EventOrigin.US and _is_other_supplier(request, event):
            return _act_on_other_supplier(request, event)
    return _take_branch(request, event, workflow)


def list_allowed_events(request: Request, workflow: Workflow, at: Event) -> tuple[EventKind, ...]:
    """List what we may do now, in the order of the vocabulary. `at`: an event of the kind `note`, whose time counts."""
    table = TABLES[request.role]
    ours = (signal.kind for signal in table.signals if signal.origin is EventOrigin.US)
    probe = (replace(at, signal=local_signal(kind)) for kind in ours)
    return tuple(event.kind for event in probe if _is_event_offered(request, event, workflow))


def _is_event_offered(request: Request, event: Event, workflow: Workflow) -> bool:
    """Whoever cancels or checks out once more is told that it is done, but needn't be offered to. After a no of the
    supplier it is another cancellation."""
    branch = _find_branch(request, event, workflow)
    if isinstance(branch, Denied):
        return False
    changes_nothing = branch.to in (None, request.state) and not branch.effects
    match event.kind:
        case EventKind.CANCEL:
            is_unwanted = RequestFlag.UNWANTED in request.flags and RequestFlag.EXPIRING not in request.flags
            return not (changes_nothing and (is_unwanted or not request.open))
        case EventKind.LOANED_TO_PATRON | EventKind.PATRON_ASKED if request.is_brokered:
            return False  # the patron is another library's
        case EventKind.LOANED_TO_PATRON:
            return not changes_nothing or any(volume.state in _AT_HAND for volume in request.volumes)
    return True


_AT_HAND = (VolumeState.RECEIVED, VolumeState.BACK)
"""Of volumes that can be checked out."""


def is_event_allowed(request: Request, event: Event, workflow: Workflow) -> bool:
    """Return whether it fits now, with what it says."""
    return not isinstance(_find_branch(request, event, workflow), Denied)


def list_notifications(
    request: Request, kind: EventKind, workflow: Workflow, at: Event
) -> tuple[PartnerNotification, ...]:
    """List what a partner would be told if we did this now. `at`: as of `list_allowed_events`."""
    branch = _find_branch(request, replace(at, signal=local_signal(kind)), workflow)
    return () if isinstance(branch, Denied) else _list_told(request, branch)


def list_effects(request: Request, kind: EventKind, workflow: Workflow, at: Event) -> tuple[Effect, ...]:
    """List what would follow if we did this now, besides messages to partners. `at`: as of `list_allowed_events`."""
    branch = _find_branch(request, replace(at, signal=local_signal(kind)), workflow)
    return () if isinstance(branch, Denied) else branch.effects


def _list_told(request: Request, branch: Branch) -> tuple[PartnerNotification, ...]:
    goes_on_behind = branch.to is BorrowingState.REQUESTED and request.attempt is not None
    supplier = request.attempt.supplier if goes_on_behind and request.attempt is not None else None
    return tuple(
        PartnerNotification(effect.kind, request.current, supplier if effect.kind in _ENDINGS else None)
        for effect in branch.effects
        if isinstance(effect, NotifyPartner)
    )


_ENDINGS = frozenset({EventKind.CANCEL, EventKind.CONDITION_REFUSED})
"""What ends the turn of the supplier in hand, where the request stays with its broker."""


def _take_branch(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    branch = _find_branch(request, event, workflow)
    if isinstance(branch, Denied):
        return branch
    if branch.kept:
        return _make_late_transition(request, event)
    to = branch.to or request.state
    notices, after = _list_told(request, branch), record_event_on(request, event, to)
    if event.signal == partner_signal(EventKind.RENEW) and notices:
        after = end_answered_renewal(after)
    return Transition(after, request.state, event, branch.effects, notices)


def _make_late_transition(request: Request, event: Event) -> Transition:
    effects = (StartTimer(TimerKind.NEED_BY),) if is_deadline_moved(request, event) else ()
    return Transition(record_late_event(request, event), request.state, event, effects, kept=True)


def _find_branch(request: Request, event: Event, workflow: Workflow) -> Branch | Denied:
    cell = TABLES[request.role].find_cell(request.state, event.signal)
    if isinstance(cell, ForbiddenCell):
        ended = cell.why is DenialReason.NOT_NOW and not request.open
        return Denied(DenialReason.ENDED if ended else cell.why, event.signal, request.state)
    unmet: list[str] = []
    for branch in cell:
        if branch.when is None or branch.when.holds(request, event, workflow):
            return branch
        unmet.append(branch.when.name)
    return Denied(DenialReason.UNMET, event.signal, request.state, tuple(unmet))


# --- suppliers whose turn is over ------------------------------------------------------------------------

_NOTHING_HERE = frozenset(
    {
        BorrowingState.REVIEW,
        BorrowingState.SOURCING,
        BorrowingState.NO_SUPPLIER,
        BorrowingState.REQUESTED,
        BorrowingState.HOLD_PLACED,
        BorrowingState.WILL_SUPPLY,
        BorrowingState.CONDITIONAL,
        BorrowingState.CANCEL_PENDING,
        BorrowingState.CANCELLED,
        BorrowingState.UNFILLED,
        BorrowingState.EXPIRED,
    }
)
"""States in which an item that another supplier has shipped after all is taken for the one that is wanted."""

_OFF_THE_RECORD = (CallLibrary(LibraryAction.DELETE_TEMPORARY),)
_BEEN_HERE = frozenset({AttemptStatus.EXTRA, AttemptStatus.EXTRA_RETURNED, AttemptStatus.COMPLETED, AttemptStatus.LOST})


def _apply_late_answer(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    """Take what a past supplier shipped, and keep all else that it says. Where it has found what was lost, the record
    of that has no more use here."""
    attempt = request.find_attempt(event.attempt)
    assert attempt is not None
    signal = event.signal
    if not isinstance(TABLES[request.role].find_cell(request.state, signal), ForbiddenCell):
        if signal == partner_signal(EventKind.STATUS_QUERY):
            return replace(
                _make_late_transition(request, event),
                told=(PartnerNotification(EventKind.STATUS_REPORT, attempt.number),),
                kept=False,
            )
        if (
            signal in (partner_signal(EventKind.SHIPPED), partner_signal(EventKind.COPY_DELIVERED))
            and attempt.status not in _BEEN_HERE
        ):
            if request.state in _NOTHING_HERE:
                return _adopt_late_supplier(request, event, workflow)
            if signal.kind is EventKind.SHIPPED:
                extra = _mark_extra_item(request, event, attempt, AttemptStatus.EXTRA)
                return _add_notification(extra, EventKind.MESSAGE, attempt)
        noted = _update_extra_flag(_make_late_transition(request, event))
        is_found = signal == partner_signal(EventKind.CHECKED_IN) and attempt.status is AttemptStatus.LOST
        return replace(noted, effects=_OFF_THE_RECORD, kept=False) if is_found else noted
    return Denied(DenialReason.NEVER, signal, request.state)


def _adopt_late_supplier(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    """The late supplier's attempt counts again; the supplier that was asked meanwhile is told that we don't need it."""
    given_up = request.attempt
    notifications: tuple[PartnerNotification, ...] = ()
    if given_up is not None and given_up.status in OPEN_ATTEMPT:
        if request.state is not BorrowingState.CANCEL_PENDING:  # there it was told already
            notifications = (PartnerNotification(EventKind.CANCEL, given_up.number),)
        request = replace_attempt(request, replace(given_up, status=AttemptStatus.SKIPPED))
    branch = _take_branch(resume_attempt(request, event.attempt), event, workflow)
    if isinstance(branch, Denied):
        return branch
    return replace(branch, told=(*notifications, *branch.told))


def _is_past_supplier(request: Request, event: Event) -> bool:
    """Return whether a supplier speaks that is not the one in hand."""
    return event.attempt != request.current or (event.kind is EventKind.CHECKED_IN and _is_reopened(request))


def _is_other_supplier(request: Request, event: Event) -> bool:
    """Return whether we do something about a supplier that is not the one in hand."""
    about_lost = event.kind in (EventKind.RETURNED, EventKind.RECEIVED) and _is_reopened(request)
    return event.attempt != request.current or about_lost


def _is_reopened(request: Request) -> bool:
    """Return whether what the supplier in hand sent is lost, or was and has turned up, and another is about to be
    asked."""
    attempt = request.attempt
    return attempt is not None and attempt.status in ON_RECORD and request.state in _NOTHING_HERE


_TALK = (EventKind.MESSAGE, EventKind.STATUS_QUERY, EventKind.STATUS_REPORT)


def _act_on_other_supplier(request: Request, event: Event) -> Transition | Denied:
    """An extra item, or a lost one that was found, goes back to its lender; the request itself isn't touched."""
    attempt = request.find_attempt(event.attempt)
    assert attempt is not None
    is_extra = attempt.status is AttemptStatus.EXTRA
    match event.kind:
        case EventKind.TROUBLE:
            return Transition(record_event_on(request, event, request.state), request.state, event)
        case kind if kind in _TALK:
            return _add_notification(_make_late_transition(request, event), kind, attempt)
        case EventKind.RECEIVED if attempt.status is AttemptStatus.LOST:  # it has turned up
            return _mark_extra_item(request, event, attempt, AttemptStatus.EXTRA)
        case EventKind.RETURNED if is_extra or attempt.status is AttemptStatus.LOST:
            back = _add_notification(
                _mark_extra_item(request, event, attempt, AttemptStatus.EXTRA_RETURNED), event.kind, attempt
            )
            has_record = not is_extra or attempt.pieces or attempt.number == request.current
            return replace(back, effects=_OFF_THE_RECORD) if has_record else back
        case EventKind.LOST if is_extra or attempt.status is AttemptStatus.EXTRA_RETURNED:
            return _add_notification(_mark_extra_item(request, event, attempt, AttemptStatus.LOST), event.kind, attempt)
        case EventKind.DAMAGED if is_extra:
            return _add_notification(_make_late_transition(request, event), event.kind, attempt)
    return Denied(DenialReason.NOT_ASKED, event.signal, request.state, attempt=attempt.number)


def _mark_extra_item(request: Request, event: Event, attempt: SupplierAttempt, status: AttemptStatus) -> Transition:
    noted = record_late_event(request, event)
    return _update_extra_flag(Transition(replace_attempt(noted, replace(attempt, status=status)), request.state, event))


def _update_extra_flag(transition: Transition) -> Transition:
    """The flag follows from the attempts."""
    request = transition.request
    extra = any(attempt.status is AttemptStatus.EXTRA for attempt in request.attempts)
    flags = request.flags | {RequestFlag.EXTRA} if extra else request.flags - {RequestFlag.EXTRA}
    return replace(transition, request=replace(request, flags=flags))


def _add_notification(transition: Transition, kind: EventKind, attempt: SupplierAttempt) -> Transition:
    return replace(transition, told=(PartnerNotification(kind, attempt.number),), kept=False)

"""Parts of a state table: cells, effects, guards.

Rules are data (design rule 3): a cell says where an event leads and what follows. The name of a guard completes the
sentence 'this is possible only if …'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from gateway.domain.requests.events import BROKER, Event, EventKind, EventSignal, RequestEnding, timer_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    BrokeredDelivery,
    LendingState,
    PatronLoan,
    Request,
    RequestFlag,
    ServiceType,
    State,
    VolumeState,
)
from gateway.domain.requests.volume_updates import find_meant_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

# --- effects ---------------------------------------------------------------------------------------------


@value_object
class NotifyPartner:
    """A message to the partner, through the outbox."""

    kind: EventKind


@value_object
class SendPatronLetter:
    """A notice to the patron, by the name of its template."""

    name: str


class LibraryAction(StrEnum):
    """The act that the library's system is asked to do after an event (an intent in the outbox, repaired after a
    crash)."""

    PLACE_HOLD = "place-hold"  # lending: keep the located item for this request
    RELEASE_HOLD = "release-hold"
    DELETE_TEMPORARY = "delete-temporary"
    SET_DUE_DATE = "set-due-date"
    RECALL_PATRON = "recall-patron"  # borrowing: the patron's loan ends earlier
    SET_LENDER_DUE = "set-lender-due"  # lending: the other library's loan gets a new date
    RECALL_LOAN = "recall-loan"
    RETURN_HOME = "return-home"
    MARK_LOST = "mark-lost"
    END_LOST_LOANS = "end-lost-loans"  # borrowing: the lender asks for nothing more


@value_object
class CallLibrary:
    """A call to the library's own system."""

    act: LibraryAction


class TimerKind(StrEnum):
    NEED_BY = "need-by"
    ANSWER = "answer"  # a partner's answer to the request, a condition or a cancellation
    RETRY = "retry"  # the earliest day on which a supplier said to ask again
    CHASE = "chase"  # promised and not come
    RENEWAL = "renewal"  # a partner's answer to a renewal
    PATRON_DUE = "patron-due"
    DUE_SOON = "due-soon"
    LENDER_DUE = "lender-due"
    RETURN = "return"  # lending: sent back by the borrower, not checked in yet
    SHELF = "shelf"
    QUERY = "query"  # the patron's answer
    ANONYMISE = "anonymise"


FIRES: Mapping[TimerKind, EventKind] = {
    TimerKind.NEED_BY: EventKind.EXPIRED,
    TimerKind.ANSWER: EventKind.NO_ANSWER,
    TimerKind.RETRY: EventKind.RETRY,
    TimerKind.CHASE: EventKind.NO_ANSWER,
    TimerKind.PATRON_DUE: EventKind.OVERDUE,
    TimerKind.DUE_SOON: EventKind.DUE_SOON,
    TimerKind.LENDER_DUE: EventKind.OVERDUE,
    TimerKind.RETURN: EventKind.RETURN_LATE,
    TimerKind.SHELF: EventKind.SHELF_EXPIRED,
    TimerKind.QUERY: EventKind.PATRON_ANSWERED,
    TimerKind.ANONYMISE: EventKind.ANONYMISED,
}
"""What happens when a timer's time is over. RENEWAL is not here: what it comes to is the workflow's to say."""


def expired_timer_signal(timer: TimerKind, workflow: Workflow) -> EventSignal:
    """The signal of a timer whose time is over."""
    if timer is TimerKind.RENEWAL:
        granted = workflow.borrowing.renewal_fallback == "granted"
        return timer_signal(EventKind.RENEW_ACCEPTED if granted else EventKind.RENEW_REFUSED)
    return timer_signal(FIRES[timer])


@value_object
class StartTimer:
    """Sets the timer anew; when it is due is the workflow's to say."""

    timer: TimerKind


@value_object
class StopTimer:
    timer: TimerKind


class FollowUp(StrEnum):
    """Work of the gateway's own that goes on from here."""

    FIND_SUPPLIER = "find-supplier"
    DECIDE_CONDITION = "decide-condition"
    DECIDE_RENEWAL = "decide-renewal"
    REPORT_STATUS = "report-status"
    PATRON_ANSWER = "patron-answer"


@value_object
class RunFollowUp:
    work: FollowUp


Effect = NotifyPartner | SendPatronLetter | CallLibrary | StartTimer | StopTimer | RunFollowUp


# --- cells -----------------------------------------------------------------------------------------------

Test = Callable[[Request, Event, Workflow], bool]


@value_object
class Guard:
    """A condition on a branch, by its name in the printed table."""

    name: str
    holds: Test


@value_object
class Branch:
    """`to` None: the state stays. `kept`: the event is only kept; it changes no date, flag or volume."""

    to: State | None
    effects: tuple[Effect, ...] = ()
    when: Guard | None = None
    kept: bool = False


class DenialReason(StrEnum):
    """The reason why an event doesn't fit; each protocol words it in its own way."""

    NOT_NOW = "not-now"  # not in this state
    ENDED = "ended"  # the request is closed
    NEVER = "never"  # not on this side
    UNMET = "unmet"  # in this state only under conditions that don't hold
    NO_VOLUME = "no-volume"  # a volume is named that the request doesn't have
    NOT_ASKED = "not-asked"  # this supplier was not asked, or nothing of it is here
    CONTRARY = "contrary"  # the supplier has said what can't be so beside it


@value_object
class ForbiddenCell:
    why: DenialReason


Cell = tuple[Branch, ...] | ForbiddenCell
"""Branches are tried in order; one without a guard always fits. When none fits, the event is refused (UNMET)."""


def move_to(to: State | None, *effects: Effect, when: Guard | None = None) -> Branch:
    return Branch(to, effects, when)


def remain(*effects: Effect, when: Guard | None = None) -> Branch:
    return Branch(None, effects, when)


KEPT = Branch(None, kept=True)
NOTED: Cell = (KEPT,)
"""Kept in the history and at the attempt; changes nothing else."""

NOT_NOW: Cell = ForbiddenCell(DenialReason.NOT_NOW)
ENDED: Cell = ForbiddenCell(DenialReason.ENDED)


@value_object
class StateTable:
    """`rows` holds the cells that do something; `elsewhere` decides every other pair of state and event.

    So the table is total: building one fails when a signal has no cell in `elsewhere`.
    """

    start: State
    states: tuple[State, ...]
    rows: Mapping[State, Mapping[EventSignal, Cell]]
    elsewhere: Mapping[EventSignal, Cell]

    def find_cell(self, state: State, signal: EventSignal) -> Cell:
        """A signal that is not of this side is NEVER allowed."""
        cell = self.rows[state].get(signal)
        return cell if cell is not None else self.elsewhere.get(signal, ForbiddenCell(DenialReason.NEVER))

    @property
    def signals(self) -> tuple[EventSignal, ...]:
        return tuple(self.elsewhere)


S = TypeVar("S", BorrowingState, LendingState)


def build_table(
    start: S,
    states: type[S],
    rows: Mapping[S, Mapping[EventSignal, Branch | Cell]],
    elsewhere: Mapping[EventSignal, Cell],
) -> StateTable:
    """Build a table; raises ValueError for a state without a row, or a signal that `elsewhere` doesn't decide."""
    if missing := [state for state in states if state not in rows]:
        raise ValueError(f"no row for {', '.join(missing)}")
    used = {signal for row in rows.values() for signal in row}
    if undecided := used - set(elsewhere):
        raise ValueError(f"not decided elsewhere: {', '.join(sorted(map(str, undecided)))}")
    return StateTable(
        start,
        tuple(states),
        {state: {s: (c,) if isinstance(c, Branch) else c for s, c in row.items()} for state, row in rows.items()},
        elsewhere,
    )


def _make_guard(name: str, test: Test) -> Guard:
    return Guard(name, test)


def combine_guards(guard: Guard, other: Guard) -> Guard:
    names = write_sentence("%(one)s, %(other)s", one=write_sentence(guard.name), other=write_sentence(other.name))
    return Guard(names, lambda r, e, w: guard.holds(r, e, w) and other.holds(r, e, w))


def _has_flag(flag: RequestFlag) -> Test:
    return lambda request, _event, _workflow: flag in request.flags


def _has_attempt_status(*statuses: AttemptStatus) -> Test:
    return lambda r, _e, _w: r.attempt is not None and r.attempt.status in statuses


def _repeats_renewal(request: Request, event: Event, workflow: Workflow, *, granted: bool) -> bool:
    """Return whether a renewal comes again, soon after it was answered so and with nothing new: a broker gives each
    message a timestamp of its own, so that its octets don't show it."""
    answer = request.terms.renewal_answer
    if answer is None or answer.granted is not granted or event.details.due != request.terms.renewal_wish:
        return False
    return event.at - answer.at < timedelta(hours=workflow.lending.renewal_repeat_hours)


def _has_volumes_left(*states: VolumeState) -> Test:
    """Make a test whether volumes in one of these states are left that the event is not about."""

    def has_volumes_left(request: Request, event: Event, _workflow: Workflow) -> bool:
        meant = find_meant_volumes(request, event)
        awaited = meant if event.kind is not EventKind.RECEIVED else meant.union(event.details.missing)
        return any(v.state in states and v.id not in awaited for v in request.volumes)

    return has_volumes_left


# --- what is asked for, by whom --------------------------------------------------------------------------

COPY = _make_guard("a copy is requested", lambda r, _e, _w: r.service.type is ServiceType.COPY)
LOAN = _make_guard("a loan is acceptable", lambda r, _e, _w: r.service.type is not ServiceType.COPY)
COPY_WILL_DO = _make_guard("a copy is acceptable", lambda r, _e, _w: r.service.type is not ServiceType.LOAN)
MEDIATED = _make_guard("staff review is required", lambda r, _e, _w: r.mediated)

# --- the supplier and what it said -----------------------------------------------------------------------

SUPPLIER_CHOSEN = _make_guard("a supplier has been chosen", _has_attempt_status(AttemptStatus.ASKED))
SUPPLIER_ASKED = _make_guard("a supplier has been asked", lambda r, _e, _w: bool(r.attempts))
HELD = _make_guard("the supplier placed a hold", _has_attempt_status(AttemptStatus.HOLD_PLACED))
PROMISED = _make_guard("the supplier will supply", _has_attempt_status(AttemptStatus.WILL_SUPPLY))
OFFERED = _make_guard("the supplier offers other terms", _has_attempt_status(AttemptStatus.OFFERED))
ASKS_OTHERS = _make_guard("the partner is a broker that asks others", lambda _r, _e, w: w.borrowing.asks_others)
OFFERED_FOR_GOOD = _make_guard(
    "the supplier has ended its request with an offer",
    lambda r, e, w: OFFERED.holds(r, e, w) and not ASKS_OTHERS.holds(r, e, w),
)
TO_BE_ASKED_AGAIN = _make_guard(
    "a broker waits to be asked again on the terms that were accepted",
    lambda r, e, w: ASKS_OTHERS.holds(r, e, w) and r.attempt is not None and r.attempt.status is AttemptStatus.RETRY,
)
DECLINED_BEHIND = _make_guard(
    "it answers for the supplier that was declined",
    lambda r, _e, _w: r.attempt is not None and r.attempt.declined not in ("", r.attempt.symbol),
)
OFFER_TO_DECIDE = _make_guard(
    "the supplier makes an offer that somebody decides on", lambda r, e, w: _is_offer_to_decide(r, e, w)
)
_IN_HAND_BEHIND = (
    AttemptStatus.EXPECTED,
    AttemptStatus.WILL_SUPPLY,
    AttemptStatus.HOLD_PLACED,
    AttemptStatus.CONDITIONAL,
    AttemptStatus.OFFERED,
)
ANSWERED_BEHIND = _make_guard(
    "a broker has found a supplier that can be skipped",
    lambda r, e, w: ASKS_OTHERS.holds(r, e, w) and r.attempt is not None and r.attempt.status in _IN_HAND_BEHIND,
)
CONDITION_OPEN = _make_guard("the supplier set a condition", _has_attempt_status(AttemptStatus.CONDITIONAL))
OLD_NEWS = _make_guard(
    "the item is lost or already checked in", _has_attempt_status(AttemptStatus.LOST, AttemptStatus.COMPLETED)
)
ELECTRONIC = _make_guard(
    "it was delivered as a link or file", lambda _r, e, _w: bool(e.details.link or e.details.attachment)
)
PROMISE_NEEDED = _make_guard(
    "the partner expects a will-supply message first",
    lambda r, _e, w: w.lending.promise_first and r.state is not LendingState.WILL_SUPPLY,
)
MAY_CANCEL = _make_guard("the partner accepts cancellations", lambda _r, _e, w: w.borrowing.cancel)
MAY_QUERY = _make_guard("the partner accepts status queries", lambda _r, _e, w: w.borrowing.status_query)
ENDS_AT_RETURN = _make_guard(
    "the partner does not report check-ins", lambda _r, _e, w: not w.borrowing.expects_check_in
)

# --- what is true of the request -------------------------------------------------------------------------

EXPIRING = _make_guard("it has reached its expiry time", _has_flag(RequestFlag.EXPIRING))
UNWANTED = _make_guard("no other patron is waiting for it", _has_flag(RequestFlag.UNWANTED))
ENDED_OTHERWISE = _make_guard(
    "the library has it, it was obtained elsewhere, it is a duplicate or not needed",
    lambda r, e, _w: r.other_leg is None and e.details.ending not in (None, RequestEnding.NOT_AVAILABLE),
)
CANCELLED_HERE = _make_guard(
    "the patron or staff have cancelled it",
    lambda r, _e, _w: RequestFlag.UNWANTED in r.flags and RequestFlag.EXPIRING not in r.flags,
)
RECALLED = _make_guard("it has been recalled", _has_flag(RequestFlag.RECALLED))
PATRON_WAITS = _make_guard(
    "the patron has not had it yet and still wants it",
    lambda r, _e, _w: r.terms.patron_loan is PatronLoan.NEVER and RequestFlag.UNWANTED not in r.flags,
)
WITH_PATRON = _make_guard(
    "a volume is checked out to the patron", lambda r, _e, _w: any(v.state is VolumeState.LENT for v in r.volumes)
)
ASKED_FOR_ELSEWHERE = _make_guard(
    "it was recalled before the patron had it, who still wants it",
    lambda r, e, w: r.other_leg is None and RequestFlag.RECALLED in r.flags and PATRON_WAITS.holds(r, e, w),
)
PASSES_BY = _make_guard(
    "the item goes from another library straight to another",
    lambda r, _e, _w: r.other_leg is not None and r.other_leg.delivery is BrokeredDelivery.DIRECT,
)
TO_GO_BACK = _make_guard(
    "no other patron is waiting for it or it has been recalled",
    lambda r, _e, _w: bool(r.flags & {RequestFlag.UNWANTED, RequestFlag.RECALLED}),
)


def _is_offer_to_decide(request: Request, event: Event, workflow: Workflow) -> bool:
    """Return whether a retry is an offer to decide, for a request that is wanted. A broker waits for our answer to
    each; any other supplier has ended its request, and only a price, a condition or another item is something to say
    yes to. Who asks us as a broker can't choose another item."""
    if request.flags & {RequestFlag.UNWANTED, RequestFlag.EXPIRING}:
        return False
    if workflow.borrowing.asks_others:
        return True
    details = event.details
    has_item = bool(details.barcode) and request.other_leg is None
    has_terms = details.cost is not None or bool(details.conditions) or has_item
    return has_terms and workflow.borrowing.conditions != "refuse"


def was_in_state(state: State) -> Guard:
    """Make the guard of an act that is undone."""
    return _make_guard(
        write_sentence("its previous state was '%(state)s'", state=state.value),
        lambda _r, e, _w: e.details.status == state.value,
    )


def was_before_cancel(state: LendingState) -> Guard:
    return _make_guard(
        write_sentence("its previous state was '%(state)s'", state=state.value),
        lambda r, _e, _w: r.before_cancel is state,
    )


RENEWAL_PENDING = _make_guard("a renewal request is open", _has_flag(RequestFlag.RENEWAL_PENDING))
MAY_RENEW = _make_guard(
    "renewals are allowed, no renewal request is open and the item has not been recalled",
    lambda r, _e, w: (
        w.borrowing.renew
        and r.terms.renewals_allowed
        and not r.flags & {RequestFlag.RENEWAL_PENDING, RequestFlag.RECALLED}
    ),
)
RENEWED_BEFORE = _make_guard(
    "the same renewal has just been granted", lambda r, e, w: _repeats_renewal(r, e, w, granted=True)
)
RENEWAL_REFUSED_BEFORE = _make_guard(
    "the same renewal has just been refused", lambda r, e, w: _repeats_renewal(r, e, w, granted=False)
)
NAMES_DAY = _make_guard("it names a new due date", lambda _r, e, _w: e.details.due is not None)
DATE_IS_NEWS = _make_guard(
    "no due date is known yet", lambda r, e, _w: r.terms.lender_due is None and e.details.due is not None
)
LOSS_SETTLED = _make_guard(
    "its loss has been settled and the item has not been returned",
    lambda r, e, w: LOAN.holds(r, e, w) and _is_lost_item_back(r, e),
)
LOSS_FEE = _make_guard("the patron is charged for a loss", lambda _r, _e, w: w.borrowing.loss_fee)
PRICE_OPEN = _make_guard("nobody has agreed to its price yet", _has_flag(RequestFlag.PRICE_OPEN))
PATRON_KNOWN = _make_guard(
    "the patron belongs to this library and is still known", lambda r, _e, _w: bool(r.patron.id) and not r.is_brokered
)
PATRON_TO_TELL = _make_guard("the patron has to be notified in person", _has_flag(RequestFlag.TO_TELL))
QUESTION_OPEN = _make_guard(
    "this question to the patron is open",
    lambda r, e, _w: r.query is not None and not r.query.answer and e.details.query in ("", r.query.id),
)


def _is_lost_item_back(request: Request, event: Event) -> bool:
    named = event.details.volumes
    lost = [volume.id for volume in request.volumes if volume.state is VolumeState.LOST]
    return request.is_loss_settled and (not named or any(id_ in named for id_ in lost))


# --- volumes ---------------------------------------------------------------------------------------------

ADDS_ONLY_VOLUME = _make_guard(
    "the only change is an additional volume",
    lambda _r, e, _w: all(
        new is None for new in (e.details.citation, e.details.need_by, e.details.maximum_cost, e.details.pickup or None)
    ),
)
VOLUME_TO_COME = _make_guard("a volume is outstanding", lambda r, e, _w: _is_volume_to_come(r, e))
MORE_TO_RECEIVE = _make_guard(
    "more volumes are outstanding", _has_volumes_left(VolumeState.EXPECTED, VolumeState.SHIPPED)
)
IN_TRANSIT = _make_guard(
    "it is in transit to the pickup location", lambda r, _e, _w: any(volume.in_transit for volume in r.volumes)
)
STILL_UNDER_WAY = _make_guard(
    "it has not arrived at the pickup location",
    lambda r, _e, _w: RequestFlag.IN_TRANSIT in r.flags and RequestFlag.ARRIVED not in r.flags,
)
MORE_IN_TRANSIT = _make_guard(
    "more volumes are in transit to the pickup location",
    lambda r, e, _w: bool(e.details.volumes) and any(v.in_transit and v.id not in e.details.volumes for v in r.volumes),
)
VOLUME_MISSING = _make_guard("a volume is missing", lambda _r, e, _w: bool(e.details.missing))
MORE_TO_RETURN = _make_guard(
    "more volumes are here or outstanding",
    _has_volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK),
)
MORE_WITH_PATRON = _make_guard("more volumes are checked out to the patron", _has_volumes_left(VolumeState.LENT))
MORE_OUT = _make_guard("more volumes are on loan", _has_volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED))
MORE_TO_CHECK_IN = _make_guard(
    "more volumes have still to be returned",
    _has_volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.RETURNED),
)


def _is_volume_to_come(request: Request, event: Event) -> bool:
    named, coming = event.details.volumes, (VolumeState.EXPECTED, VolumeState.SHIPPED)
    return any(volume.state in coming and (not named or volume.id in named) for volume in request.volumes)


# --- lending ---------------------------------------------------------------------------------------------

NO_ITEM = _make_guard("no item has been chosen", lambda r, _e, _w: not r.item_barcode)
CANCEL_BY_RULE = _make_guard("cancellations are accepted by rule", lambda _r, _e, w: w.lending.cancel == "grant")
CANCEL_REFUSED_BY_RULE = _make_guard(
    "cancellations are refused by rule", lambda _r, _e, w: w.lending.cancel == "refuse"
)
CLEARANCE_NEEDED = _make_guard("copyright clearance is required", lambda _r, _e, w: w.lending.clearance == "required")
SIGNED_OFF = _make_guard("it has been signed off or needs no sign-off", lambda r, _e, w: _can_deliver_copy(r, w))
SIGNED_BY_ANOTHER = _make_guard(
    "a different person signs it off, where that is required",
    lambda r, e, w: can_sign_off(r, w, e.actor),
)
TAKES_CONDITIONS = _make_guard("the partner accepts conditions", lambda _r, _e, w: w.lending.conditional)
BY_CANCEL = _make_guard("it was declined by a cancellation", lambda _r, e, _w: e.details.by_cancel)
BROKERED = _make_guard("the request is brokered", lambda r, _e, _w: r.is_brokered)
NEXT_IS_ASKED = _make_guard(
    "the request is brokered, and the partner waits for the next supplier",
    lambda r, e, w: r.is_brokered and not e.details.by_cancel and w.lending.declined == "next-supplier",
)
PRICE_IS_NEWS = _make_guard(
    "its supplier asks for another price than before",
    lambda r, e, _w: (
        r.is_brokered and e.actor == BROKER and e.details.cost is not None and e.details.cost != r.costs.offered
    ),
)
NOT_BROKERED = _make_guard("the request is not brokered yet", lambda r, _e, _w: r.other_leg is None)
ASKED_ANEW = _make_guard(
    "its supplier is out and the next one is asked", lambda r, e, _w: r.is_brokered and e.actor == BROKER
)
TAKES_HOLDS = _make_guard("the partner accepts hold-placed messages", lambda _r, _e, w: w.lending.hold_placed)


def can_sign_off(request: Request, workflow: Workflow, actor: str) -> bool:
    """Return whether the rule lets this person allow the copy; `actor` as of `Event`."""
    return workflow.lending.clearance_by == "anybody" or request.digitised_by != actor


def _can_deliver_copy(request: Request, workflow: Workflow) -> bool:
    return workflow.lending.clearance == "not-required" or (bool(request.sign_offs) and request.sign_offs[-1].granted)

"""What a state table is made of: cells, effects, guards.

Rules are data (design rule 3): a cell says where an event leads and what follows. The name of a guard completes the
sentence 'this is possible only if …'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.domain.requests.events import Event, Kind, Signal, by_timer
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    Borrowing,
    Flag,
    Lending,
    Request,
    ServiceType,
    State,
    VolumeState,
)
from gateway.domain.value import frozen

# --- effects ---------------------------------------------------------------------------------------------


@frozen
class Tell:
    """A message to the partner, through the outbox."""

    kind: Kind


@frozen
class Letter:
    """A notice to the patron, by the name of its template."""

    name: str


class Library(StrEnum):
    """What the library's system is asked to do after an event (an intent in the outbox, repaired after a crash)."""

    PLACE_HOLD = "place-hold"  # lending: keep the located item for this request
    RELEASE_HOLD = "release-hold"
    DELETE_TEMPORARY = "delete-temporary"
    SET_DUE_DATE = "set-due-date"
    RECALL_PATRON = "recall-patron"  # borrowing: the patron's loan ends earlier
    SET_LENDER_DUE = "set-lender-due"  # lending: the other library's loan gets a new date
    RECALL_LOAN = "recall-loan"
    RETURN_HOME = "return-home"
    MARK_LOST = "mark-lost"


@frozen
class Ask:
    """A call to the library's own system."""

    act: Library


class Timer(StrEnum):
    NEED_BY = "need-by"
    ANSWER = "answer"  # a partner's answer to the request, a condition or a cancellation
    RETRY = "retry"  # the earliest day on which a supplier said to ask again
    CHASE = "chase"  # promised and not come
    RENEWAL = "renewal"  # a partner's answer to a renewal
    PATRON_DUE = "patron-due"
    DUE_SOON = "due-soon"
    LENDER_DUE = "lender-due"
    SHELF = "shelf"
    QUERY = "query"  # the patron's answer
    ANONYMISE = "anonymise"


FIRES: Mapping[Timer, Kind] = {
    Timer.NEED_BY: Kind.EXPIRED,
    Timer.ANSWER: Kind.NO_ANSWER,
    Timer.RETRY: Kind.RETRY,
    Timer.CHASE: Kind.NO_ANSWER,
    Timer.PATRON_DUE: Kind.OVERDUE,
    Timer.DUE_SOON: Kind.DUE_SOON,
    Timer.LENDER_DUE: Kind.OVERDUE,
    Timer.SHELF: Kind.SHELF_EXPIRED,
    Timer.QUERY: Kind.PATRON_ANSWERED,
    Timer.ANONYMISE: Kind.ANONYMISED,
}
"""What happens when a timer's time is over. RENEWAL is not here: what it comes to is the workflow's to say."""


def fired(timer: Timer, workflow: Workflow) -> Signal:
    """The signal of a timer whose time is over."""
    if timer is Timer.RENEWAL:
        granted = workflow.borrowing.renewal_fallback == "granted"
        return by_timer(Kind.RENEW_ACCEPTED if granted else Kind.RENEW_REFUSED)
    return by_timer(FIRES[timer])


@frozen
class Start:
    """Sets the timer anew; when it is due is the workflow's to say."""

    timer: Timer


@frozen
class Stop:
    timer: Timer


class Follow(StrEnum):
    """Work of the gateway's own that goes on from here."""

    FIND_SUPPLIER = "find-supplier"
    DECIDE_CONDITION = "decide-condition"
    DECIDE_RENEWAL = "decide-renewal"
    REPORT_STATUS = "report-status"
    PATRON_ANSWER = "patron-answer"


@frozen
class Then:
    work: Follow


Effect = Tell | Letter | Ask | Start | Stop | Then


# --- cells -----------------------------------------------------------------------------------------------

Test = Callable[[Request, Event, Workflow], bool]


@frozen
class Guard:
    """A condition on a branch, by its name in the printed table."""

    name: str
    holds: Test


@frozen
class Branch:
    """`to` None: the state stays. `kept`: the event is only kept; it changes no date, flag or volume."""

    to: State | None
    effects: tuple[Effect, ...] = ()
    when: Guard | None = None
    kept: bool = False


class Why(StrEnum):
    """Why an event doesn't fit; each protocol words it in its own way."""

    NOT_NOW = "not-now"  # not in this state
    ENDED = "ended"  # the request is closed
    NEVER = "never"  # not on this side
    UNMET = "unmet"  # in this state only under conditions that don't hold
    NO_VOLUME = "no-volume"  # a volume is named that the request doesn't have
    NOT_ASKED = "not-asked"  # this supplier was not asked, or nothing of it is here


@frozen
class Forbidden:
    why: Why


Cell = tuple[Branch, ...] | Forbidden
"""Branches are tried in order; one without a guard always fits. When none fits, the event is refused (UNMET)."""


def go(to: State | None, *effects: Effect, when: Guard | None = None) -> Branch:
    return Branch(to, effects, when)


def stay(*effects: Effect, when: Guard | None = None) -> Branch:
    return Branch(None, effects, when)


KEPT = Branch(None, kept=True)
NOTED: Cell = (KEPT,)
"""Kept in the history and at the attempt; changes nothing else."""

NOT_NOW: Cell = Forbidden(Why.NOT_NOW)
ENDED: Cell = Forbidden(Why.ENDED)


@frozen
class Table:
    """`rows` holds the cells that do something; `elsewhere` decides every other pair of state and event.

    So the table is total: building one fails when a signal has no cell in `elsewhere`.
    """

    start: State
    states: tuple[State, ...]
    rows: Mapping[State, Mapping[Signal, Cell]]
    elsewhere: Mapping[Signal, Cell]

    def find_cell(self, state: State, signal: Signal) -> Cell:
        """A signal that is not of this side is NEVER allowed."""
        found = self.rows[state].get(signal)
        return found if found is not None else self.elsewhere.get(signal, Forbidden(Why.NEVER))

    @property
    def signals(self) -> tuple[Signal, ...]:
        return tuple(self.elsewhere)


S = TypeVar("S", Borrowing, Lending)


def table(
    start: S,
    states: type[S],
    rows: Mapping[S, Mapping[Signal, Branch | Cell]],
    elsewhere: Mapping[Signal, Cell],
) -> Table:
    """Raises ValueError for a state without a row, or a signal that `elsewhere` doesn't decide."""
    if missing := [state for state in states if state not in rows]:
        raise ValueError(f"no row for {', '.join(missing)}")
    used = {signal for row in rows.values() for signal in row}
    if undecided := used - set(elsewhere):
        raise ValueError(f"not decided elsewhere: {', '.join(sorted(map(str, undecided)))}")
    return Table(
        start,
        tuple(states),
        {state: {s: (c,) if isinstance(c, Branch) else c for s, c in row.items()} for state, row in rows.items()},
        elsewhere,
    )


def _guard(name: str, test: Test) -> Guard:
    return Guard(name, test)


def both(one: Guard, other: Guard) -> Guard:
    return Guard(f"{one.name}, {other.name}", lambda r, e, w: one.holds(r, e, w) and other.holds(r, e, w))


def _flag(flag: Flag) -> Test:
    return lambda request, _event, _workflow: flag in request.flags


def _attempt_is(*statuses: AttemptStatus) -> Test:
    return lambda r, _e, _w: r.attempt is not None and r.attempt.status in statuses


def _volumes_left(*states: VolumeState) -> Test:
    """Whether volumes in one of these states are left that the event is not about."""

    def has_volumes_left(request: Request, event: Event, _workflow: Workflow) -> bool:
        named = event.details.volumes
        return bool(named) and any(v.state in states and v.id not in named for v in request.volumes)

    return has_volumes_left


# --- what is asked for, by whom --------------------------------------------------------------------------

COPY = _guard("a copy is asked for", lambda r, _e, _w: r.service.type is ServiceType.COPY)
LOAN = _guard("a loan will do", lambda r, _e, _w: r.service.type is not ServiceType.COPY)
COPY_WILL_DO = _guard("a copy will do", lambda r, _e, _w: r.service.type is not ServiceType.LOAN)
MEDIATED = _guard("staff look first", lambda r, _e, _w: r.mediated)

# --- the supplier and what it said -----------------------------------------------------------------------

SUPPLIER_CHOSEN = _guard("a supplier is chosen", _attempt_is(AttemptStatus.ASKED))
SUPPLIER_ASKED = _guard("a supplier was asked", lambda r, _e, _w: bool(r.attempts))
HELD = _guard("the supplier placed a hold", _attempt_is(AttemptStatus.HOLD_PLACED))
PROMISED = _guard("the supplier will supply", _attempt_is(AttemptStatus.WILL_SUPPLY))
CONDITION_OPEN = _guard("the supplier set a condition", _attempt_is(AttemptStatus.CONDITIONAL))
OLD_NEWS = _guard("the item was lost or is back already", _attempt_is(AttemptStatus.LOST, AttemptStatus.COMPLETED))
ELECTRONIC = _guard("it came as a link or file", lambda _r, e, _w: bool(e.details.link or e.details.attachment))
MAY_CANCEL = _guard("the partner takes cancellations", lambda _r, _e, w: w.borrowing.cancel)
ENDS_AT_RETURN = _guard("the partner tells no check-in", lambda _r, _e, w: not w.borrowing.expects_check_in)

# --- what is true of the request -------------------------------------------------------------------------

EXPIRING = _guard("it is expiring", _flag(Flag.EXPIRING))
UNWANTED = _guard("nobody waits for it", _flag(Flag.UNWANTED))
RECALLED = _guard("it is recalled", _flag(Flag.RECALLED))
TO_GO_BACK = _guard(
    "nobody waits for it or it is recalled", lambda r, _e, _w: bool(r.flags & {Flag.UNWANTED, Flag.RECALLED})
)
RENEWAL_PENDING = _guard("a renewal is open", _flag(Flag.RENEWAL_PENDING))
MAY_RENEW = _guard(
    "renewals are possible, none is open and the item is not recalled",
    lambda r, _e, w: (
        w.borrowing.renew and r.terms.renewals_allowed and not r.flags & {Flag.RENEWAL_PENDING, Flag.RECALLED}
    ),
)
DATE_IS_NEWS = _guard(
    "no due date is known yet", lambda r, e, _w: r.terms.lender_due is None and e.details.due is not None
)
RETRY_OPEN = _guard(
    "a supplier may be asked again later",
    lambda r, e, _w: any(
        a.status is AttemptStatus.RETRY and a.retry_after is not None and a.retry_after > e.at.date()
        for a in r.attempts
    ),
)
QUESTION_OPEN = _guard(
    "this question to the patron is open",
    lambda r, e, _w: r.query is not None and not r.query.answer and e.details.query in ("", r.query.id),
)

# --- volumes ---------------------------------------------------------------------------------------------

MORE_TO_RECEIVE = _guard("more volumes are to come", _volumes_left(VolumeState.EXPECTED, VolumeState.SHIPPED))
MORE_TO_RETURN = _guard(
    "more volumes are here or to come",
    _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK),
)
MORE_WITH_PATRON = _guard("more volumes are with the patron", _volumes_left(VolumeState.LENT))
MORE_OUT = _guard("more volumes are out", _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED))
MORE_TO_CHECK_IN = _guard(
    "more volumes are to come back",
    _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.RETURNED),
)

# --- lending ---------------------------------------------------------------------------------------------

NO_ITEM = _guard("no item is chosen", lambda r, _e, _w: not r.item_barcode)
CANCEL_BY_RULE = _guard("cancellations are granted by rule", lambda _r, _e, w: w.lending.cancel == "grant")
CANCEL_REFUSED_BY_RULE = _guard("cancellations are refused by rule", lambda _r, _e, w: w.lending.cancel == "refuse")
CLEARANCE_NEEDED = _guard("copyright clearance is required", lambda _r, _e, w: w.lending.clearance == "required")
SIGNED_OFF = _guard("it is signed off or need not be", lambda r, _e, w: _may_deliver(r, w))
TAKES_CONDITIONS = _guard("the partner takes conditions", lambda _r, _e, w: w.lending.conditional)
TAKES_HOLDS = _guard("the partner takes hold-placed", lambda _r, _e, w: w.lending.hold_placed)


def _may_deliver(request: Request, workflow: Workflow) -> bool:
    return workflow.lending.clearance == "not-required" or (bool(request.sign_offs) and request.sign_offs[-1].granted)

"""What a state table is made of. Rules are data (design rule 3): a cell says where an event leads and what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.domain.frozen import frozen
from gateway.domain.requests.events import Event, Kind, Signal, by_timer
from gateway.domain.requests.request import Borrowing, Lending, Request, State
from gateway.domain.requests.workflow import Workflow

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

    def cell(self, state: State, signal: Signal) -> Cell:
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

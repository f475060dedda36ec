"""How an event changes a request: the only way (design rule 3)."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.events import Event, Kind, Origin, Signal, by_partner, by_us
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    Attempt,
    AttemptStatus,
    Borrowing,
    Flag,
    Request,
    Role,
    State,
)
from gateway.domain.requests.request_updates import adopted, kept, recorded, with_attempt
from gateway.domain.requests.state_table import Ask, Branch, Effect, Forbidden, Library, Table, Tell, Why
from gateway.domain.value import frozen

TABLES: dict[Role, Table] = {Role.BORROWING: BORROWING, Role.LENDING: LENDING}


@frozen
class Told:
    """A message to a partner that an event asks for. `attempt`: to which supplier (borrowing); 0: the requester."""

    kind: Kind
    attempt: int = 0


@frozen
class Transition:
    """What an event did. `effects` are in order; messages to partners among them are `told`, in order. `kept`: the
    event came too late to do anything, it is only kept."""

    request: Request
    before: State
    event: Event
    effects: tuple[Effect, ...] = ()
    told: tuple[Told, ...] = ()
    kept: bool = False

    @property
    def changes_state(self) -> bool:
        return self.request.state is not self.before


@frozen
class Denied:
    """An event that doesn't fit. `detail` is one plain sentence for whoever caused it. `conditions`: one of these
    would have to hold (UNMET). `attempt`: the supplier that it is about (NOT_ASKED)."""

    why: Why
    signal: Signal
    state: State
    conditions: tuple[str, ...] = ()
    attempt: int = 0

    @property
    def detail(self) -> str:
        what, state = f"'{self.signal.kind.value}'", self.state.value
        match self.why:
            case Why.ENDED:
                return f"The request is closed ({state}); {what} is not possible any more."
            case Why.NEVER:
                return f"There is no {what} by {_BY[self.signal.origin]} on this side of a request."
            case Why.UNMET:
                return f"In state '{state}', {what} is possible only if {' or if '.join(self.conditions)}."
            case Why.NOT_ASKED:
                return f"{what} does not fit supplier no. {self.attempt} of this request."
            case Why.NO_VOLUME:
                return f"{what} names a volume that this request does not have."
        return f"{what} is not possible while the request is in state '{state}'."


_BY = {Origin.US: "us", Origin.PARTNER: "the partner", Origin.TIMER: "a timer"}


def apply(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    known = frozenset(one.id for one in request.volumes)
    if not known.issuperset(event.details.volumes):
        if event.signal.origin is Origin.US:
            return Denied(Why.NO_VOLUME, event.signal, request.state)
        # a partner may count them in its own way: then it is about all of them
        named = tuple(one for one in event.details.volumes if one in known)
        outcome = apply(request, replace(event, details=replace(event.details, volumes=named)), workflow)
        return replace(outcome, event=event) if isinstance(outcome, Transition) else outcome
    if request.role is Role.BORROWING and event.attempt:
        if request.find_attempt(event.attempt) is None:
            return Denied(Why.NOT_ASKED, event.signal, request.state, attempt=event.attempt)
        if event.signal.origin is Origin.PARTNER and _is_past(request, event):
            return _late(request, event, workflow)
        if event.signal.origin is Origin.US and _is_beside(request, event):
            return _beside(request, event)
    return _apply(request, event, workflow)


def allowed(request: Request, workflow: Workflow, at: Event) -> tuple[Kind, ...]:
    """What we may do now, in the order of the vocabulary. `at`: an event of the kind `note`, whose time counts."""
    table = TABLES[request.role]
    ours = (signal.kind for signal in table.signals if signal.origin is Origin.US)
    probe = (replace(at, signal=by_us(kind)) for kind in ours)
    return tuple(event.kind for event in probe if not isinstance(_branch(request, event, workflow), Denied))


def _apply(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    branch = _branch(request, event, workflow)
    if isinstance(branch, Denied):
        return branch
    if branch.kept:
        return _kept(request, event)
    to = branch.to or request.state
    attempt = request.current if request.role is Role.BORROWING else 0
    told = tuple(Told(effect.kind, attempt) for effect in branch.effects if isinstance(effect, Tell))
    return Transition(recorded(request, event, to), request.state, event, branch.effects, told)


def _kept(request: Request, event: Event) -> Transition:
    return Transition(kept(request, event), request.state, event, kept=True)


def _branch(request: Request, event: Event, workflow: Workflow) -> Branch | Denied:
    cell = TABLES[request.role].find_cell(request.state, event.signal)
    if isinstance(cell, Forbidden):
        ended = cell.why is Why.NOT_NOW and not request.open
        return Denied(Why.ENDED if ended else cell.why, event.signal, request.state)
    unmet: list[str] = []
    for branch in cell:
        if branch.when is None or branch.when.holds(request, event, workflow):
            return branch
        unmet.append(branch.when.name)
    return Denied(Why.UNMET, event.signal, request.state, tuple(unmet))


# --- suppliers whose turn is over ------------------------------------------------------------------------

_NOTHING_HERE = frozenset(
    {
        Borrowing.REVIEW,
        Borrowing.SOURCING,
        Borrowing.NO_SUPPLIER,
        Borrowing.REQUESTED,
        Borrowing.HOLD_PLACED,
        Borrowing.WILL_SUPPLY,
        Borrowing.CONDITIONAL,
        Borrowing.CANCEL_PENDING,
        Borrowing.CANCELLED,
        Borrowing.UNFILLED,
        Borrowing.EXPIRED,
    }
)
"""States in which an item that another supplier has shipped after all is taken for the one that is wanted."""

_OFF_THE_RECORD = (Ask(Library.DELETE_TEMPORARY),)
_BEEN_HERE = frozenset({AttemptStatus.EXTRA, AttemptStatus.EXTRA_RETURNED, AttemptStatus.COMPLETED, AttemptStatus.LOST})


def _late(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    """What a past supplier shipped is taken, all else that it says is kept. Where it has found what was lost, the
    record of that has no more use here."""
    attempt = request.find_attempt(event.attempt)
    assert attempt is not None
    signal = event.signal
    if not isinstance(TABLES[request.role].find_cell(request.state, signal), Forbidden):
        if signal == by_partner(Kind.STATUS_QUERY):
            return replace(_kept(request, event), told=(Told(Kind.STATUS_REPORT, attempt.number),), kept=False)
        if signal in (by_partner(Kind.SHIPPED), by_partner(Kind.COPY_DELIVERED)) and attempt.status not in _BEEN_HERE:
            if request.state in _NOTHING_HERE:
                return _adopt(request, event, workflow)
            if signal.kind is Kind.SHIPPED:
                return _extra(request, event, attempt, AttemptStatus.EXTRA)
        noted = _counted(_kept(request, event))
        found = signal == by_partner(Kind.CHECKED_IN) and attempt.status is AttemptStatus.LOST
        return replace(noted, effects=_OFF_THE_RECORD, kept=False) if found else noted
    return Denied(Why.NEVER, signal, request.state)


def _adopt(request: Request, event: Event, workflow: Workflow) -> Transition | Denied:
    """The late supplier's attempt counts again; the supplier that was asked meanwhile is told that we don't need it."""
    given_up = request.attempt
    told: tuple[Told, ...] = ()
    if given_up is not None and given_up.status in OPEN_ATTEMPT:
        if request.state is not Borrowing.CANCEL_PENDING:  # there it was told already
            told = (Told(Kind.CANCEL, given_up.number),)
        request = with_attempt(request, replace(given_up, status=AttemptStatus.SKIPPED))
    taken = _apply(adopted(request, event.attempt), event, workflow)
    if isinstance(taken, Denied):
        return taken
    return replace(taken, told=(*told, *taken.told))


def _is_past(request: Request, event: Event) -> bool:
    """Whether a supplier speaks that is not the one in hand."""
    return event.attempt != request.current or (event.kind is Kind.CHECKED_IN and _is_reopened(request))


def _is_beside(request: Request, event: Event) -> bool:
    """Whether we do something about a supplier that is not the one in hand."""
    return event.attempt != request.current or (event.kind is Kind.RETURNED and _is_reopened(request))


def _is_reopened(request: Request) -> bool:
    """What the supplier in hand sent is lost, and another is about to be asked."""
    attempt = request.attempt
    return attempt is not None and attempt.status is AttemptStatus.LOST and request.state in _NOTHING_HERE


_TALK = (Kind.MESSAGE, Kind.STATUS_QUERY, Kind.STATUS_REPORT)


def _beside(request: Request, event: Event) -> Transition | Denied:
    """An extra item, or a lost one that was found, goes back to its lender; the request itself isn't touched."""
    attempt = request.find_attempt(event.attempt)
    assert attempt is not None
    here = attempt.status is AttemptStatus.EXTRA
    match event.kind:
        case Kind.TROUBLE:
            return Transition(recorded(request, event, request.state), request.state, event)
        case kind if kind in _TALK:
            return _telling(_kept(request, event), kind, attempt)
        case Kind.RETURNED if here or attempt.status is AttemptStatus.LOST:
            back = _telling(_extra(request, event, attempt, AttemptStatus.EXTRA_RETURNED), event.kind, attempt)
            return back if here else replace(back, effects=_OFF_THE_RECORD)
        case Kind.LOST if here or attempt.status is AttemptStatus.EXTRA_RETURNED:
            return _telling(_extra(request, event, attempt, AttemptStatus.LOST), event.kind, attempt)
        case Kind.DAMAGED if here:
            return _telling(_kept(request, event), event.kind, attempt)
    return Denied(Why.NOT_ASKED, event.signal, request.state, attempt=attempt.number)


def _extra(request: Request, event: Event, attempt: Attempt, status: AttemptStatus) -> Transition:
    noted = kept(request, event)
    return _counted(Transition(with_attempt(noted, replace(attempt, status=status)), request.state, event))


def _counted(transition: Transition) -> Transition:
    """The flag follows from the attempts."""
    request = transition.request
    extra = any(one.status is AttemptStatus.EXTRA for one in request.attempts)
    flags = request.flags | {Flag.EXTRA} if extra else request.flags - {Flag.EXTRA}
    return replace(transition, request=replace(request, flags=flags))


def _telling(transition: Transition, kind: Kind, attempt: Attempt) -> Transition:
    return replace(transition, told=(Told(kind, attempt.number),), kept=False)

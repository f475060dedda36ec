"""Branches of the state tables that shipped scenarios drive: found by playing them, without messages.

Our side acts in all ways that matter, and each scenario answers. What it then says takes a branch of our table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, date, datetime, timedelta

from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    EventSignal,
    NamedSupplier,
    local_signal,
    partner_signal,
    timer_signal,
)
from gateway.domain.requests.partner_policy import BorrowingWorkflow, LendingWorkflow, Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    OtherLeg,
    Request,
    RequestedService,
    RequestFlag,
    Role,
    ServiceType,
    State,
    VolumeState,
)
from gateway.domain.requests.state_machine import TABLES, Denied, Transition, compute_transition
from gateway.domain.requests.state_table import Branch, ForbiddenCell
from gateway.domain.value import value_object
from gateway.services.mock.mock_conversation import MockConversation, compose_request
from gateway.services.mock.mock_log import MockParties
from gateway.services.mock.scenario import PARTNER_ROLES, MockScenario, PlayedRole, SaidEvent

MAX_STEPS = 5
"""Of one way from the request to a branch."""

_BEHIND = NamedSupplier(symbol="BEHIND")
_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_PARTIES = MockParties(LibraryParty(symbol="PARTNER", profile="partner"), LibraryParty(symbol="US", profile="us"))


@value_object
class TableBranch:
    """The branch that a partner's event takes in a state: one of the ways that our table knows. `number`: its place in
    the cell, from 0."""

    role: Role  # ours
    state: State
    kind: EventKind
    number: int
    branch: Branch = field(compare=False, repr=False)


@value_object
class DrivenBranch:
    """`steps`: what happens on our side before, the events of timers in brackets."""

    scenario: str
    steps: tuple[str, ...] = ()


def list_partner_branches(role: Role) -> Iterator[TableBranch]:
    """Those that do more than keep the event, in the order of the table. `role`: ours. Of a request that is still being
    written no supplier can know."""
    table = TABLES[role]
    for state in table.states:
        for signal in table.signals:
            cell = table.find_cell(state, signal)
            is_of_partner = signal.origin is EventOrigin.PARTNER and state is not BorrowingState.NEW
            if is_of_partner and not isinstance(cell, ForbiddenCell):
                for number, branch in enumerate(cell):
                    if not branch.kept:
                        yield TableBranch(role, state, signal.kind, number, branch)


def find_driven_branches(scenarios: Sequence[MockScenario]) -> Mapping[TableBranch, DrivenBranch]:
    """The shortest way of the first scenario that drives it."""
    found: dict[TableBranch, DrivenBranch] = {}
    for scenario in scenarios:
        if not scenario.abstract and scenario.role in PARTNER_ROLES:
            for start in _list_starts(scenario):
                _BranchWalk(start, found).walk_ways()
    return found


# --- where it begins -------------------------------------------------------------------------------------


@value_object
class _Start:
    request: Request
    conversation: MockConversation
    workflow: Workflow
    acts: tuple[EventSignal, ...]
    words: tuple[str, ...] = ()


_BORROWING_ACTS = (
    *map(
        local_signal,
        (
            EventKind.CANCEL,
            EventKind.CONDITION_ACCEPTED,
            EventKind.CONDITION_REFUSED,
            EventKind.RECEIVED,
            EventKind.LOANED_TO_PATRON,
            EventKind.RENEW,
            EventKind.RETURNED_BY_PATRON,
            EventKind.RETURNED,
            EventKind.LOST,
            EventKind.SETTLED,
            EventKind.CLOSE,
            EventKind.NO_SUPPLIER,
            EventKind.REOPEN,
            EventKind.MESSAGE,
        ),
    ),
    timer_signal(EventKind.EXPIRED),
)
_LENDING_ACTS = (
    *map(
        local_signal,
        (
            EventKind.LOCATED,
            EventKind.WILL_SUPPLY,
            EventKind.HOLD_PLACED,
            EventKind.CONDITIONAL,
            EventKind.UNFILLED,
            EventKind.FORWARDED,
            EventKind.DIGITISED,
            EventKind.CLEARED,
            EventKind.COPY_DELIVERED,
            EventKind.SHIPPED,
            EventKind.RENEW_ACCEPTED,
            EventKind.RENEW_REFUSED,
            EventKind.RECALL,
            EventKind.CHECKED_IN,
            EventKind.LOST,
            EventKind.SETTLED,
            EventKind.MESSAGE,
        ),
    ),
    timer_signal(EventKind.EXPIRED),
)


_RENEWAL_ANSWERS = (EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED)

_FLAGS_OF_GUARDS = frozenset(
    {RequestFlag.EXPIRING, RequestFlag.UNWANTED, RequestFlag.RECALLED, RequestFlag.RENEWAL_PENDING}
)
_STATUSES_OF_GUARDS = frozenset(
    {
        AttemptStatus.HOLD_PLACED,
        AttemptStatus.WILL_SUPPLY,
        AttemptStatus.CONDITIONAL,
        AttemptStatus.LOST,
        AttemptStatus.COMPLETED,
    }
)
"""What guards of partners' branches look at: ways that differ in something else come to the same."""


def _list_starts(scenario: MockScenario) -> Iterator[_Start]:
    asked = compose_request(scenario, _PARTIES, "mock", "1", _AT)
    if scenario.role is PlayedRole.LENDING:
        theirs = replace(asked, role=Role.LENDING, state=LendingState.NEW, attempts=(), current=0)
        conversation = MockConversation(theirs, scenario, _PARTIES, "EUR")
        yield _Start(asked, conversation, Workflow(), _BORROWING_ACTS)
        broker = Workflow(borrowing=BorrowingWorkflow(asks_others=True))
        yield _Start(asked, conversation, broker, _BORROWING_ACTS, ("workflow.borrowing.asks_others: true",))
        if scenario.named:  # of what is passed on, no other scenario drives more
            passed = replace(asked, other_leg=OtherLeg(request_id="2", number="L-2"))
            yield _Start(passed, conversation, Workflow(), _BORROWING_ACTS, ("brokered",))
        return
    conversation = MockConversation(asked, scenario, _PARTIES, "EUR")
    for service in (ServiceType.LOAN, ServiceType.COPY):
        ours = replace(
            asked,
            role=Role.LENDING,
            state=LendingState.NEW,
            service=RequestedService(service),
            attempts=(),
            current=0,
            volumes=asked.volumes,
        )
        for cancel in ("grant", "staff", "refuse"):
            workflow = Workflow(lending=LendingWorkflow(cancel=cancel))
            yield _Start(ours, conversation, workflow, _LENDING_ACTS, (f"workflow.lending.cancel: {cancel}",))
        brokered = replace(ours, other_leg=OtherLeg(request_id="2", number="B-2"))
        yield _Start(brokered, conversation, Workflow(), _LENDING_ACTS, ("brokered",))
    # what this policy changes is the same for all services
    declined = Workflow(lending=LendingWorkflow(declined="next-supplier"))
    words = ("brokered", "workflow.lending.declined: next-supplier")
    yield _Start(brokered, conversation, declined, _LENDING_ACTS, words)


# --- the ways --------------------------------------------------------------------------------------------


@value_object
class _Way:
    """So far: our request, the partner's side of it, and what has happened on ours."""

    request: Request
    conversation: MockConversation
    steps: tuple[str, ...]
    at: datetime


class _BranchWalk:
    """All ways from one start, the shortest first; of two that come to the same only one goes on."""

    def __init__(self, start: _Start, found: dict[TableBranch, DrivenBranch]) -> None:
        self._start = start
        self._found = found
        self._branches = {(one.state, one.kind, one.number): one for one in list_partner_branches(start.request.role)}
        self._seen: set[tuple[object, ...]] = set()

    def walk_ways(self) -> None:
        start = self._start
        first = _Way(start.request, start.conversation.copy_conversation(), start.words, _AT)
        said = start.conversation.choose_reaction(EventKind.REQUEST).say if start.request.role is Role.BORROWING else ()
        waiting = deque([self._hear_partner(first, said)])
        while waiting:
            way = waiting.popleft()
            if len(way.steps) - len(start.words) >= MAX_STEPS or not self._is_new(way):
                continue
            waiting.extend(self._list_next(way))

    def _is_new(self, way: _Way) -> bool:
        request, attempt, scenario = way.request, way.request.attempt, way.conversation.scenario
        key = (
            request.state,
            request.service.type,
            request.flags & _FLAGS_OF_GUARDS,
            attempt.status if attempt is not None and attempt.status in _STATUSES_OF_GUARDS else None,
            request.terms.lender_due is None and request.state is BorrowingState.RECEIVED,
            request.is_loss_settled,
            bool(request.lent_barcodes),
            request.terms.patron_loan,
            way.conversation.request.state if not scenario.named else None,
            attempt is not None and bool(attempt.declined),
            request.terms.renewal_answer.granted if request.terms.renewal_answer is not None else None,
        )
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def _list_next(self, way: _Way) -> Iterator[_Way]:
        named = way.conversation.scenario.named
        is_last = len(way.steps) - len(self._start.words) == MAX_STEPS - 1
        for signal in self._start.acts:
            if named and signal.kind is EventKind.MESSAGE:
                notes = tuple(f"mock:{one.event.value}" for one in named if not is_last or self._is_open(way, one))
            elif named and signal.kind in _RENEWAL_ANSWERS:  # a repeat follows it at once, or it is a new renewal
                notes = tuple(f"mock:{one.event.value}" for one in named if one.event is EventKind.RENEW)
            else:
                notes = () if named and is_last else ("",)
            for note in notes:
                following = self._apply_act(way, signal, note)
                if following is not None:
                    yield following

    def _is_open(self, way: _Way, said: SaidEvent) -> bool:
        """Return whether it can take a branch that nothing has taken yet."""
        state, kind = way.request.state, said.event
        return any(
            one.state is state and one.kind is kind and one not in self._found for one in self._branches.values()
        )

    def _apply_act(self, way: _Way, signal: EventSignal, note: str) -> _Way | None:
        """None: it isn't possible now."""
        at = way.at + timedelta(seconds=1)
        details = self._make_details(way.request, note)
        event = Event(signal, at, "mock", details, _find_attempt(way.request))
        outcome = compute_transition(way.request, event, self._start.workflow)
        if isinstance(outcome, Denied):
            return None
        word = f"({signal.kind.value})" if signal.origin is EventOrigin.TIMER else note or signal.kind.value
        way = _Way(outcome.request, way.conversation.copy_conversation(), (*way.steps, word), at)
        for told in outcome.told:
            way = self._hear_partner(way, way.conversation.choose_reaction(told.kind, note).say)
        return way

    def _make_details(self, request: Request, note: str) -> EventDetails:
        """Make the details of an act of ours, which is about one volume after the other; what is brokered is no item of
        ours."""
        is_ours = request.role is Role.LENDING and request.other_leg is None
        if not is_ours:
            return EventDetails(note=note)
        expected = [one.id for one in request.volumes if one.state is VolumeState.EXPECTED]
        next_volume = tuple(expected[:1]) if len(request.volumes) > 1 else ()
        return EventDetails(note=note, barcode="OURS-17", volumes=next_volume, due=date(2026, 4, 1))

    def _hear_partner(self, way: _Way, said: Sequence[SaidEvent]) -> _Way:
        request, at = way.request, way.at
        for one in said:
            at += timedelta(seconds=1)
            message, _ = way.conversation.build_message(one, at)
            details = message.details
            if self._start.workflow.borrowing.asks_others:
                details = replace(details, supplier=_BEHIND)
            event = Event(partner_signal(message.kind), at, "partner", details, _find_attempt(request))
            for heard in _list_readings(event):
                outcome = compute_transition(request, heard, self._start.workflow)
                if not isinstance(outcome, Denied):
                    self._note_branch(request, heard, outcome, way)
            outcome = compute_transition(request, event, self._start.workflow)
            if not isinstance(outcome, Denied):
                request = outcome.request
        return replace(way, request=request, at=at)

    def _note_branch(self, request: Request, event: Event, outcome: Transition, way: _Way) -> None:
        """A supplier whose turn is over takes no branch of the table."""
        cell = TABLES[request.role].find_cell(request.state, event.signal)
        if isinstance(cell, ForbiddenCell) or outcome.kept:
            return
        holds = (one.when is None or one.when.holds(request, event, self._start.workflow) for one in cell)
        number = next((n for n, is_met in enumerate(holds) if is_met), None)
        branch = self._branches.get((request.state, event.signal.kind, number)) if number is not None else None
        if branch is not None and branch.branch.effects == outcome.effects:
            self._found.setdefault(branch, DrivenBranch(way.conversation.scenario.name, way.steps))


def _list_readings(event: Event) -> Iterator[Event]:
    """List what the event may be in a protocol: some decline a condition by a cancellation."""
    yield event
    if event.kind is EventKind.CONDITION_REFUSED:
        yield replace(event, details=replace(event.details, by_cancel=True))


def _find_attempt(request: Request) -> int:
    return request.current if request.role is Role.BORROWING else 0

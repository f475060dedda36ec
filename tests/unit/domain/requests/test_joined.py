"""One borrowing library and up to three suppliers, whatever happens and in whatever order the messages come: nothing
raises, every refusal is told, and when all is quiet both sides agree on the end and every item is home or lost.

ILLGATE_EXAMPLES and ILLGATE_STEPS make the search longer.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.domain.requests.events import EventDetails, EventKind, EventOrigin, local_signal
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, RequestFlag, ServiceType
from gateway.domain.requests.state_machine import TABLES, Denied, compute_transition, list_allowed_events
from gateway.domain.requests.state_table import FollowUp, TimerKind, expired_timer_signal
from tests.support.requests import DUE, event, workflow
from tests.unit.domain.requests.joined import Place, World
from tests.unit.domain.requests.settling import borrower_goes_on, settle, supplier_goes_on

NOT_SUPPLIED = {
    AttemptStatus.UNFILLED,
    AttemptStatus.RETRY,
    AttemptStatus.EXPIRED,
    AttemptStatus.REJECTED,
    AttemptStatus.NO_ANSWER,
    AttemptStatus.CONDITION_REFUSED,
    AttemptStatus.SKIPPED,
    AttemptStatus.CANCELLED,
}
AGREE = {
    LendingState.COMPLETED: {AttemptStatus.COMPLETED, AttemptStatus.LOST},  # lost, and settled
    LendingState.LOST: {AttemptStatus.LOST},
    LendingState.CANCELLED: NOT_SUPPLIED,
    LendingState.UNFILLED: NOT_SUPPLIED,
    LendingState.EXPIRED: NOT_SUPPLIED,
    LendingState.FORWARDED: NOT_SUPPLIED,
}
"""What the two sides may end with."""

ENDS = {
    BorrowingState.COMPLETED: {AttemptStatus.COMPLETED, AttemptStatus.LOST},  # lost, and settled
    BorrowingState.LOST: {AttemptStatus.LOST},
}
"""What the borrower's end says of the attempt that counts; other ends: it was not supplied, or lost."""

SIGNALS = sorted({signal for one in TABLES.values() for signal in one.signals}, key=str)
LATE = [one for one in SIGNALS if one.origin is EventOrigin.TIMER and one.kind is not EventKind.EXPIRED]
ASKED = (BorrowingState.REQUESTED, BorrowingState.HOLD_PLACED, BorrowingState.WILL_SUPPLY, BorrowingState.CONDITIONAL)
SUPPLIERS_SAY = (
    EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED, EventKind.CONDITIONAL, EventKind.UNFILLED, EventKind.RETRY,
    EventKind.SHIPPED, EventKind.RENEW_ACCEPTED, EventKind.RECALL, EventKind.OVERDUE, EventKind.DUE_DATE_CHANGED,
    EventKind.LOST, EventKind.CANCEL_REFUSED,
)  # fmt: skip
BORROWERS_SAY = (
    EventKind.CONDITION_ACCEPTED, EventKind.CONDITION_REFUSED, EventKind.CANCEL, EventKind.RENEW, EventKind.LOST,
    EventKind.REOPEN, EventKind.RETURNED, EventKind.STATUS_QUERY, EventKind.APPROVE,
)  # fmt: skip
KINDS = st.sampled_from(sorted(EventKind))
NUMBERS = st.integers(0, 3)

OURS = st.fixed_dictionaries(
    {},
    optional={
        "cancel": st.booleans(),
        "renew": st.booleans(),
        "expects_check_in": st.booleans(),
        "renewal_fallback": st.sampled_from(["refused", "granted"]),
    },
)
THEIRS = st.fixed_dictionaries(
    {},
    optional={
        "cancel": st.sampled_from(["grant", "staff", "refuse"]),
        "conditional": st.booleans(),
        "hold_placed": st.booleans(),
        "clearance": st.sampled_from(["required", "not-required"]),
    },
)
DETAILS = st.builds(
    EventDetails,
    due=st.sampled_from([None, DUE]),
    retry_after=st.sampled_from([None, DUE]),
    barcode=st.sampled_from(["", "31000000000042"]),
    link=st.sampled_from(["", "https://ill.example/copy/7"]),
    answer=st.sampled_from(["", "yes", "no"]),
    volumes=st.sampled_from([(), ("1",), ("9",)]),
)


class JoinedLibraries(RuleBasedStateMachine):
    @initialize(service=st.sampled_from(ServiceType), mediated=st.booleans(), ours=OURS, theirs=THEIRS)
    def begin(self, service: ServiceType, mediated: bool, ours: dict[str, object], theirs: dict[str, object]) -> None:
        self.world = World.begun(service, mediated, workflow(borrowing=ours), workflow(lending=theirs))
        self.world.us(0, EventKind.SUBMIT)

    # --- wires ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.wire)
    @rule(index=st.integers(0, 9), acknowledged=st.booleans())
    def a_message_comes(self, index: int, acknowledged: bool) -> None:
        self.world.deliver(index)
        if acknowledged:
            self.world.acknowledge(index)

    @precondition(lambda self: self.world.wire)
    @rule()
    def all_messages_come(self) -> None:
        self.world.drain()

    # --- people --------------------------------------------------------------------------------------------

    @rule()
    def the_borrower_goes_on(self) -> None:
        borrower_goes_on(self.world)

    @precondition(lambda self: self.world.lenders)
    @rule(number=st.integers(1, 3))
    def a_supplier_goes_on(self, number: int) -> None:
        if number in self.world.lenders:
            supplier_goes_on(self.world, number)

    @precondition(lambda self: self.world.lenders)
    @rule(number=st.integers(1, 3), kind=st.sampled_from(SUPPLIERS_SAY))
    def a_supplier_says(self, number: int, kind: EventKind) -> None:
        if number in self.world.lenders:
            self.world.us(number, kind, details=EventDetails(due=DUE, retry_after=DUE))

    @precondition(lambda self: self.world.lenders)
    @rule(number=st.integers(1, 3))
    def an_answer_overtakes_what_led_to_it(self, number: int) -> None:
        """It tells how the supplier stands now, and comes before the message that would have told it."""
        if number in self.world.lenders:
            self.world.happens(number, local_signal(EventKind.STATUS_REPORT))
            self.world.deliver(-1)

    @precondition(lambda self: self.world.lenders)
    @rule(kind=st.sampled_from(BORROWERS_SAY))
    def the_borrower_says(self, kind: EventKind) -> None:
        self.world.us(0, kind)

    @precondition(lambda self: self.world.borrower.request.state in ASKED)
    @rule()
    def the_next_supplier_is_preferred(self) -> None:
        self.world.us(0, EventKind.NEXT_SUPPLIER)
        self.world.find_supplier()

    @rule(number=NUMBERS, choice=st.integers(0, 99), details=DETAILS)
    def somebody_does_what_is_allowed(self, number: int, choice: int, details: EventDetails) -> None:
        side = self._side(number)
        note = event(local_signal(EventKind.NOTE), self.world.at)
        kinds = [
            kind
            for kind in list_allowed_events(side.request, side.workflow, note)
            if kind not in (EventKind.TROUBLE, EventKind.REQUEST)
        ]
        kind = kinds[choice % len(kinds)]
        outcome = self.world.us(self._known(number), kind, details=details)
        assert not isinstance(outcome, Denied) or "9" in details.volumes, outcome

    @rule(number=NUMBERS, kind=KINDS, attempt=NUMBERS, details=DETAILS)
    def somebody_does_anything(self, number: int, kind: EventKind, attempt: int, details: EventDetails) -> None:
        if kind is EventKind.REQUEST:  # asked by the rota, together with the attempt
            return
        known = self._known(number)
        before = self.world.side(known).request
        outcome = self.world.us(known, kind, attempt if not known else 0, details)
        if isinstance(outcome, Denied):
            assert self.world.side(known).request is before

    @rule(number=NUMBERS, signal=st.sampled_from(SIGNALS), attempt=NUMBERS, details=DETAILS)
    def anything_is_tried(self, number: int, signal: object, attempt: int, details: EventDetails) -> None:
        """What nobody could have said is only tried: it must not raise."""
        side = self._side(number)
        outcome = compute_transition(side.request, event(signal, self.world.at, attempt), side.workflow)  # type: ignore[arg-type]
        assert not isinstance(outcome, Denied) or outcome.detail.endswith(".")

    @precondition(lambda self: FollowUp.FIND_SUPPLIER in self.world.work)
    @rule()
    def a_supplier_is_found(self) -> None:
        self.world.find_supplier()

    # --- time and things -----------------------------------------------------------------------------------

    @rule(number=NUMBERS, choice=st.integers(0, 9))
    def a_timer_runs_out(self, number: int, choice: int) -> None:
        side = self._side(number)
        if side.running:
            timer = sorted(side.running)[choice % len(side.running)]
            if timer is TimerKind.NEED_BY and choice < 7:  # else hardly anything would ever be supplied
                return
            side.running.discard(timer)
            outcome = self.world.happens(
                self._known(number), expired_timer_signal(timer, side.workflow), details=EventDetails(due=DUE)
            )
            assert not isinstance(outcome, Denied), outcome.detail

    @rule(number=NUMBERS, signal=st.sampled_from(LATE))
    def a_timer_comes_too_late(self, number: int, signal: object) -> None:
        side = self._side(number)
        if signal in TABLES[side.request.role].signals:
            outcome = self.world.happens(self._known(number), signal)  # type: ignore[arg-type]
            assert not isinstance(outcome, Denied), outcome.detail

    @precondition(lambda self: self.world.items)
    @rule(number=st.integers(1, 3))
    def an_item_is_lost(self, number: int) -> None:
        self.world.lose(number)

    # --- what holds ----------------------------------------------------------------------------------------

    @invariant()
    def flags_are_true(self) -> None:
        request = self.world.borrower.request
        extra = any(one.status is AttemptStatus.EXTRA for one in request.attempts)
        assert (RequestFlag.EXTRA in request.flags) is extra
        if not request.open:
            assert not request.flags & {RequestFlag.UNWANTED, RequestFlag.EXPIRING, RequestFlag.RENEWAL_PENDING}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            settle(self.world)
            check_the_end(self.world)
        except AssertionError:
            print("\n".join(self.world.story))  # noqa: T201 - hypothesis shows it with the example
            raise

    def _known(self, number: int) -> int:
        return number if number in self.world.lenders else 0

    def _side(self, number: int):  # type: ignore[no-untyped-def]
        return self.world.side(self._known(number))


def check_the_end(world: World) -> None:
    request = world.borrower.request
    assert not request.open, request.state
    for number, side in world.lenders.items():
        attempt = request.find_attempt(number)
        assert attempt is not None
        end = side.request.state
        assert not side.request.open, (number, end)
        agreed = AGREE[end]  # type: ignore[index]
        assert attempt.status in agreed, (number, end, attempt.status)
        at_rest = {Place.GONE} if attempt.status is AttemptStatus.LOST else {Place.SHELF, Place.HOME}
        assert world.items[number] in at_rest, (number, end, world.items[number])
    counted = request.attempt
    if request.state in ENDS:
        assert counted is not None
        assert counted.status in ENDS[request.state], (request.state, counted.status)  # type: ignore[index]
    elif counted is not None:
        assert counted.status in NOT_SUPPLIED | {AttemptStatus.LOST, AttemptStatus.COMPLETED}


TestJoinedLibraries = JoinedLibraries.TestCase
TestJoinedLibraries.settings = settings(
    max_examples=int(os.environ.get("ILLGATE_EXAMPLES", "200")),
    stateful_step_count=int(os.environ.get("ILLGATE_STEPS", "50")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

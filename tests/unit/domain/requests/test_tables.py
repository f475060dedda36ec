"""The two tables as data: every pair is decided, every state can be reached and left, nothing is named in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.domain.requests import state_table
from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.events import EventKind, EventOrigin, EventSignal, local_signal, partner_signal
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.partner_policy import LETTERS, STAFF_LETTER, Workflow
from gateway.domain.requests.request import TERMINAL, BorrowingState, LendingState, Role, State
from gateway.domain.requests.state_table import (
    NOT_NOW,
    Branch,
    CallLibrary,
    Cell,
    DenialReason,
    Effect,
    FollowUp,
    ForbiddenCell,
    Guard,
    LibraryAction,
    NotifyPartner,
    RunFollowUp,
    SendPatronLetter,
    StartTimer,
    StateTable,
    StopTimer,
    TimerKind,
    build_table,
    combine_guards,
    expired_timer_signal,
    move_to,
)
from tests.support.requests import event, lending, workflow

TABLES = {Role.BORROWING: BORROWING, Role.LENDING: LENDING}
BOTH = pytest.mark.parametrize("one", TABLES.values(), ids=[role.value for role in TABLES])
FALLBACKS = (workflow(), workflow(borrowing={"renewal_fallback": "granted"}))


def cells(one: StateTable) -> Iterator[tuple[State, EventSignal, Cell]]:
    for state in one.states:
        for signal in one.signals:
            yield state, signal, one.find_cell(state, signal)


def branches(one: StateTable) -> Iterator[tuple[State, EventSignal, Branch]]:
    for state, signal, cell in cells(one):
        if not isinstance(cell, ForbiddenCell):
            for branch in cell:
                yield state, signal, branch


def effects(one: StateTable) -> set[Effect]:
    return {effect for _, _, branch in branches(one) for effect in branch.effects}


def reachable(one: StateTable, start: State) -> set[State]:
    found, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        for before, _, branch in branches(one):
            if before is state and branch.to is not None and branch.to not in found:
                found.add(branch.to)
                waiting.append(branch.to)
    return found


# --- completeness ----------------------------------------------------------------------------------------


@BOTH
def test_every_pair_of_state_and_event_is_decided(one: StateTable) -> None:
    kinds = {signal.kind for signal in one.signals}
    for state, signal, cell in cells(one):
        assert isinstance(cell, ForbiddenCell) or cell, f"{state} × {signal} has no branch"
        if isinstance(cell, ForbiddenCell):
            assert cell.why is not DenialReason.NEVER, f"{state} × {signal}"
    for origin in EventOrigin:
        for kind in set(EventKind) - kinds:
            assert one.find_cell(one.start, EventSignal(origin, kind)) == ForbiddenCell(DenialReason.NEVER)


def test_every_kind_of_event_means_something_on_one_side() -> None:
    used = {signal.kind for one in TABLES.values() for signal in one.signals}
    assert set(EventKind) - used == set()


@BOTH
def test_what_the_partner_and_timers_say_is_never_left_undecided_by_guards(one: StateTable) -> None:
    """Only we can be refused for a condition that doesn't hold; a fact that is told to us has to lead somewhere."""
    for state, signal, cell in cells(one):
        if signal.origin is not EventOrigin.US and not isinstance(cell, ForbiddenCell):
            assert cell[-1].when is None, f"{state} × {signal}"
        if signal.origin is EventOrigin.TIMER:
            assert not isinstance(cell, ForbiddenCell), f"{state} × {signal}"


@BOTH
def test_no_branch_stands_behind_one_that_always_fits(one: StateTable) -> None:
    for state, signal, cell in cells(one):
        if not isinstance(cell, ForbiddenCell):
            assert all(branch.when is not None for branch in cell[:-1]), f"{state} × {signal}"


def test_a_state_without_a_row_is_refused() -> None:
    rows = {state: {} for state in BorrowingState if state is not BorrowingState.BACK}
    with pytest.raises(ValueError, match="no row for back"):
        build_table(BorrowingState.NEW, BorrowingState, rows, {})


def test_a_signal_that_is_not_decided_elsewhere_is_refused() -> None:
    rows = {state: {local_signal(EventKind.SUBMIT): move_to(None)} for state in LendingState}
    with pytest.raises(ValueError, match="us:submit"):
        build_table(LendingState.NEW, LendingState, rows, {partner_signal(EventKind.CANCEL): NOT_NOW})


def test_all_that_a_table_lacks_is_said() -> None:
    missing = (BorrowingState.BACK, BorrowingState.RETURNED)
    rows = {state: {} for state in BorrowingState if state not in missing}
    with pytest.raises(ValueError, match=r"^no row for back, returned$"):
        build_table(BorrowingState.NEW, BorrowingState, rows, {})

    kinds = (EventKind.SUBMIT, EventKind.RENEW)
    moves = {state: {local_signal(kind): move_to(None) for kind in kinds} for state in LendingState}
    with pytest.raises(ValueError, match=r"^not decided elsewhere: us:renew, us:submit$"):
        build_table(LendingState.NEW, LendingState, moves, {})


def test_of_two_conditions_each_sees_the_request_the_event_and_the_workflow() -> None:
    at_three = event(local_signal(EventKind.NOTE), note="drei")
    new = Guard("it is new", lambda r, e, w: (r.state, e.details.note, w) == (LendingState.NEW, "drei", Workflow()))
    both = combine_guards(new, Guard("so is this", new.holds))
    assert both.name == "it is new, so is this"
    assert both.holds(lending(), at_three, Workflow())
    assert not both.holds(lending(LendingState.LOCATED), at_three, Workflow())
    other = combine_guards(new, Guard("never", lambda _r, _e, _w: False))
    assert not other.holds(lending(), at_three, Workflow())


# --- ways ------------------------------------------------------------------------------------------------


@BOTH
def test_every_state_is_reachable(one: StateTable) -> None:
    assert reachable(one, one.start) == set(one.states)


@BOTH
def test_every_open_state_leads_to_an_end(one: StateTable) -> None:
    for state in one.states:
        assert reachable(one, state) & TERMINAL, state


@BOTH
def test_a_closed_request_comes_to_life_only_by_reopening_by_undoing_or_by_its_item(one: StateTable) -> None:
    ways = {
        (signal.kind)
        for state, signal, branch in branches(one)
        if state in TERMINAL and branch.to is not None and branch.to not in TERMINAL
    }
    assert ways <= {
        EventKind.REOPEN,
        EventKind.SHIPPED,
        EventKind.COPY_DELIVERED,
        EventKind.RETURNED,
        EventKind.RETURNED_BY_PATRON,
        EventKind.UNDONE,
    }


# --- timers ----------------------------------------------------------------------------------------------

MAY_RUN: dict[TimerKind, set[State]] = {
    TimerKind.NEED_BY: set(BorrowingState) | set(LendingState),
    TimerKind.ANSWER: {
        BorrowingState.REQUESTED,
        BorrowingState.CONDITIONAL,
        BorrowingState.CANCEL_PENDING,
        LendingState.CONDITIONAL,
    },
    TimerKind.CHASE: {
        BorrowingState.HOLD_PLACED,
        BorrowingState.WILL_SUPPLY,
        BorrowingState.SHIPPED,
        BorrowingState.RETURNED,
    },
    TimerKind.RETRY: {BorrowingState.NO_SUPPLIER},
    TimerKind.RENEWAL: {BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK},
    TimerKind.PATRON_DUE: {BorrowingState.LENT},
    TimerKind.DUE_SOON: {BorrowingState.LENT},
    TimerKind.SHELF: {BorrowingState.RECEIVED},
    TimerKind.LENDER_DUE: {LendingState.SHIPPED},
    TimerKind.RETURN: {LendingState.RETURNED},
    TimerKind.QUERY: set(BorrowingState),  # the answer belongs to the question, whatever has become of the request
    TimerKind.ANONYMISE: set(TERMINAL),
}
NEED_BY_IS_OVER = {
    BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK, BorrowingState.RETURNED,
    LendingState.SHIPPED, LendingState.RETURNED,
}  # fmt: skip


def running(one: StateTable) -> set[tuple[State, TimerKind]]:
    """Which timers can run in which state: all ways through the table, without regard to guards."""
    seen: set[tuple[State, TimerKind]] = set()
    waiting: list[tuple[State, TimerKind]] = []

    def note(state: State, timer: TimerKind) -> None:
        if (state, timer) not in seen:
            seen.add((state, timer))
            waiting.append((state, timer))

    for before, _, branch in branches(one):
        for effect in branch.effects:
            if isinstance(effect, StartTimer):
                note(branch.to or before, effect.timer)
    while waiting:
        state, timer = waiting.pop()
        over = {expired_timer_signal(timer, one) for one in FALLBACKS}
        for before, signal, branch in branches(one):
            ended = signal in over and signal.kind is not EventKind.NO_ANSWER
            changed = any(
                isinstance(effect, StartTimer | StopTimer) and effect.timer is timer for effect in branch.effects
            )
            if before is state and not changed and not ended:
                note(branch.to or state, timer)
    return seen


@BOTH
def test_timers_run_only_where_they_mean_something(one: StateTable) -> None:
    astray = {(state, timer) for state, timer in running(one) if state not in MAY_RUN[timer]}
    late = {(s, t) for s, t in running(one) if t is TimerKind.NEED_BY and (s in NEED_BY_IS_OVER or s in TERMINAL)}
    assert astray | late == set()


def test_every_timer_is_started_and_stopped_or_runs_out_harmlessly() -> None:
    started = {effect.timer for one in TABLES.values() for effect in effects(one) if isinstance(effect, StartTimer)}
    stopped = {effect.timer for one in TABLES.values() for effect in effects(one) if isinstance(effect, StopTimer)}
    assert started == set(TimerKind)
    assert stopped == set(TimerKind)


@BOTH
def test_a_timer_that_is_over_is_known_to_its_table(one: StateTable) -> None:
    for state, timer in running(one):
        for rules in FALLBACKS:
            signal = expired_timer_signal(timer, rules)
            assert signal in one.signals, f"{timer} in {state}: {signal}"


# --- words -----------------------------------------------------------------------------------------------


def test_every_guard_is_used_and_named_once() -> None:
    defined = {value.name for value in vars(state_table).values() if isinstance(value, Guard)}
    used = {branch.when.name for one in TABLES.values() for _, _, branch in branches(one) if branch.when is not None}
    parts = {part for name in used for part in (name, *name.split(", "))}
    assert defined <= parts
    assert len(defined) == sum(isinstance(value, Guard) for value in vars(state_table).values())


def test_every_letter_exists_and_is_written_somewhere() -> None:
    assert {effect.name for effect in effects(BORROWING) if isinstance(effect, SendPatronLetter)} == {
        *LETTERS,
        STAFF_LETTER,
    }
    to_whom_it_is_lent = {effect.name for effect in effects(LENDING) if isinstance(effect, SendPatronLetter)}
    assert to_whom_it_is_lent == {"overdue", "recalled"}, "notices to the other library's patron"


def test_every_call_and_every_follow_up_is_asked_for_somewhere() -> None:
    both = effects(BORROWING) | effects(LENDING)
    assert {effect.act for effect in both if isinstance(effect, CallLibrary)} == set(LibraryAction)
    assert {effect.work for effect in both if isinstance(effect, RunFollowUp)} == set(FollowUp)


def test_what_one_side_tells_the_other_side_understands() -> None:
    for teller, listener in ((BORROWING, LENDING), (LENDING, BORROWING)):
        for effect in effects(teller):
            if isinstance(effect, NotifyPartner):
                assert partner_signal(effect.kind) in listener.signals, effect


def test_a_renewal_without_an_answer_comes_to_what_the_workflow_says() -> None:
    assert expired_timer_signal(TimerKind.RENEWAL, Workflow()).kind is EventKind.RENEW_REFUSED
    assert expired_timer_signal(TimerKind.RENEWAL, FALLBACKS[1]).kind is EventKind.RENEW_ACCEPTED

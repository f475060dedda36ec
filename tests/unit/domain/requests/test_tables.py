"""The two tables as data: every pair is decided, every state can be reached and left, nothing is named in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.domain.requests import state_table
from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.events import Kind, Origin, Signal, by_partner, by_us
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.partner_policy import LETTERS, Workflow
from gateway.domain.requests.request import TERMINAL, Borrowing, Lending, Role, State
from gateway.domain.requests.state_table import (
    NOT_NOW,
    Ask,
    Branch,
    Cell,
    Effect,
    Follow,
    Forbidden,
    Guard,
    Letter,
    Library,
    Start,
    Stop,
    Table,
    Tell,
    Then,
    Timer,
    Why,
    fired,
    go,
    table,
)
from tests.support.requests import workflow

TABLES = {Role.BORROWING: BORROWING, Role.LENDING: LENDING}
BOTH = pytest.mark.parametrize("one", TABLES.values(), ids=[role.value for role in TABLES])
FALLBACKS = (workflow(), workflow(borrowing={"renewal_fallback": "granted"}))


def cells(one: Table) -> Iterator[tuple[State, Signal, Cell]]:
    for state in one.states:
        for signal in one.signals:
            yield state, signal, one.find_cell(state, signal)


def branches(one: Table) -> Iterator[tuple[State, Signal, Branch]]:
    for state, signal, cell in cells(one):
        if not isinstance(cell, Forbidden):
            for branch in cell:
                yield state, signal, branch


def effects(one: Table) -> set[Effect]:
    return {effect for _, _, branch in branches(one) for effect in branch.effects}


def reachable(one: Table, start: State) -> set[State]:
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
def test_every_pair_of_state_and_event_is_decided(one: Table) -> None:
    kinds = {signal.kind for signal in one.signals}
    for state, signal, cell in cells(one):
        assert isinstance(cell, Forbidden) or cell, f"{state} × {signal} has no branch"
        if isinstance(cell, Forbidden):
            assert cell.why is not Why.NEVER, f"{state} × {signal}"
    for origin in Origin:
        for kind in set(Kind) - kinds:
            assert one.find_cell(one.start, Signal(origin, kind)) == Forbidden(Why.NEVER)


def test_every_kind_of_event_means_something_on_one_side() -> None:
    used = {signal.kind for one in TABLES.values() for signal in one.signals}
    assert set(Kind) - used == set()


@BOTH
def test_what_the_partner_and_timers_say_is_never_left_undecided_by_guards(one: Table) -> None:
    """Only we can be refused for a condition that doesn't hold; a fact that is told to us has to lead somewhere."""
    for state, signal, cell in cells(one):
        if signal.origin is not Origin.US and not isinstance(cell, Forbidden):
            assert cell[-1].when is None, f"{state} × {signal}"
        if signal.origin is Origin.TIMER:
            assert not isinstance(cell, Forbidden), f"{state} × {signal}"


@BOTH
def test_no_branch_stands_behind_one_that_always_fits(one: Table) -> None:
    for state, signal, cell in cells(one):
        if not isinstance(cell, Forbidden):
            assert all(branch.when is not None for branch in cell[:-1]), f"{state} × {signal}"


def test_a_state_without_a_row_is_refused() -> None:
    rows = {state: {} for state in Borrowing if state is not Borrowing.BACK}
    with pytest.raises(ValueError, match="no row for back"):
        table(Borrowing.NEW, Borrowing, rows, {})


def test_a_signal_that_is_not_decided_elsewhere_is_refused() -> None:
    rows = {state: {by_us(Kind.SUBMIT): go(None)} for state in Lending}
    with pytest.raises(ValueError, match="us:submit"):
        table(Lending.NEW, Lending, rows, {by_partner(Kind.CANCEL): NOT_NOW})


# --- ways ------------------------------------------------------------------------------------------------


@BOTH
def test_every_state_is_reachable(one: Table) -> None:
    assert reachable(one, one.start) == set(one.states)


@BOTH
def test_every_open_state_leads_to_an_end(one: Table) -> None:
    for state in one.states:
        assert reachable(one, state) & TERMINAL, state


@BOTH
def test_a_closed_request_comes_to_life_only_by_reopening_or_by_its_item(one: Table) -> None:
    ways = {
        (signal.kind)
        for state, signal, branch in branches(one)
        if state in TERMINAL and branch.to is not None and branch.to not in TERMINAL
    }
    assert ways <= {Kind.REOPEN, Kind.SHIPPED, Kind.COPY_DELIVERED, Kind.RETURNED}


# --- timers ----------------------------------------------------------------------------------------------

MAY_RUN: dict[Timer, set[State]] = {
    Timer.NEED_BY: set(Borrowing) | set(Lending),
    Timer.ANSWER: {Borrowing.REQUESTED, Borrowing.CONDITIONAL, Borrowing.CANCEL_PENDING, Lending.CONDITIONAL},
    Timer.CHASE: {Borrowing.HOLD_PLACED, Borrowing.WILL_SUPPLY, Borrowing.SHIPPED, Borrowing.RETURNED},
    Timer.RETRY: {Borrowing.NO_SUPPLIER},
    Timer.RENEWAL: {Borrowing.RECEIVED, Borrowing.LENT, Borrowing.BACK},
    Timer.PATRON_DUE: {Borrowing.LENT},
    Timer.DUE_SOON: {Borrowing.LENT},
    Timer.SHELF: {Borrowing.RECEIVED},
    Timer.LENDER_DUE: {Lending.SHIPPED},
    Timer.QUERY: set(Borrowing),  # the answer belongs to the question, whatever has become of the request
    Timer.ANONYMISE: set(TERMINAL),
}
NEED_BY_IS_OVER = {
    Borrowing.SHIPPED, Borrowing.RECEIVED, Borrowing.LENT, Borrowing.BACK, Borrowing.RETURNED,
    Lending.SHIPPED, Lending.RETURNED,
}  # fmt: skip


def running(one: Table) -> set[tuple[State, Timer]]:
    """Which timers can run in which state: all ways through the table, without regard to guards."""
    seen: set[tuple[State, Timer]] = set()
    waiting: list[tuple[State, Timer]] = []

    def note(state: State, timer: Timer) -> None:
        if (state, timer) not in seen:
            seen.add((state, timer))
            waiting.append((state, timer))

    for before, _, branch in branches(one):
        for effect in branch.effects:
            if isinstance(effect, Start):
                note(branch.to or before, effect.timer)
    while waiting:
        state, timer = waiting.pop()
        over = {fired(timer, one) for one in FALLBACKS}
        for before, signal, branch in branches(one):
            ended = signal in over and signal.kind is not Kind.NO_ANSWER
            changed = any(isinstance(effect, Start | Stop) and effect.timer is timer for effect in branch.effects)
            if before is state and not changed and not ended:
                note(branch.to or state, timer)
    return seen


@BOTH
def test_timers_run_only_where_they_mean_something(one: Table) -> None:
    astray = {(state, timer) for state, timer in running(one) if state not in MAY_RUN[timer]}
    late = {(s, t) for s, t in running(one) if t is Timer.NEED_BY and (s in NEED_BY_IS_OVER or s in TERMINAL)}
    assert astray | late == set()


def test_every_timer_is_started_and_stopped_or_runs_out_harmlessly() -> None:
    started = {effect.timer for one in TABLES.values() for effect in effects(one) if isinstance(effect, Start)}
    stopped = {effect.timer for one in TABLES.values() for effect in effects(one) if isinstance(effect, Stop)}
    assert started == set(Timer)
    assert stopped == set(Timer)


@BOTH
def test_a_timer_that_is_over_is_known_to_its_table(one: Table) -> None:
    for state, timer in running(one):
        for rules in FALLBACKS:
            signal = fired(timer, rules)
            assert signal in one.signals, f"{timer} in {state}: {signal}"


# --- words -----------------------------------------------------------------------------------------------


def test_every_guard_is_used_and_named_once() -> None:
    defined = {value.name for value in vars(state_table).values() if isinstance(value, Guard)}
    used = {branch.when.name for one in TABLES.values() for _, _, branch in branches(one) if branch.when is not None}
    parts = {part for name in used for part in (name, *name.split(", "))}
    assert defined <= parts
    assert len(defined) == sum(isinstance(value, Guard) for value in vars(state_table).values())


def test_every_letter_exists_and_is_written_somewhere() -> None:
    assert {effect.name for effect in effects(BORROWING) if isinstance(effect, Letter)} == set(LETTERS)
    to_whom_it_is_lent = {effect.name for effect in effects(LENDING) if isinstance(effect, Letter)}
    assert to_whom_it_is_lent == {"overdue", "recalled"}, "notices to the other library's patron"


def test_every_call_and_every_follow_up_is_asked_for_somewhere() -> None:
    both = effects(BORROWING) | effects(LENDING)
    assert {effect.act for effect in both if isinstance(effect, Ask)} == set(Library)
    assert {effect.work for effect in both if isinstance(effect, Then)} == set(Follow)


def test_what_one_side_tells_the_other_side_understands() -> None:
    for teller, listener in ((BORROWING, LENDING), (LENDING, BORROWING)):
        for effect in effects(teller):
            if isinstance(effect, Tell):
                assert by_partner(effect.kind) in listener.signals, effect


def test_a_renewal_without_an_answer_comes_to_what_the_workflow_says() -> None:
    assert fired(Timer.RENEWAL, Workflow()).kind is Kind.RENEW_REFUSED
    assert fired(Timer.RENEWAL, FALLBACKS[1]).kind is Kind.RENEW_ACCEPTED

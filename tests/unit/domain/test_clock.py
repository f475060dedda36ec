"""A machine's clock that is set by the database's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.clock import FixedClock, StoreClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass
class Machine:
    """Its clock, and the seconds that it counts whatever becomes of that."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    counted: float = 1_000.0

    def pass_seconds(self, number: float) -> None:
        self.clock.advance(seconds(number))
        self.counted += number

    def make_clock(self) -> StoreClock:
        return StoreClock(self.clock, lambda: self.counted)


def set_clock(clock: StoreClock, ahead: float, took: float = 0.0) -> timedelta:
    """The other clock is so far ahead, and was asked half-way of what it took; returns what the clock is set by now."""
    before = clock.local_now()
    clock.set_by(before, before + seconds(took / 2 + ahead), before + seconds(took))
    return clock.offset


def test_until_it_is_set_it_is_the_machines() -> None:
    assert StoreClock(FixedClock(NOON)).now() == NOON
    assert abs(StoreClock().now() - datetime.now(UTC)) < seconds(5)


@pytest.mark.parametrize("ahead", [7.0, -7.0])
@pytest.mark.parametrize("took", [0.0, 0.4, 1.0])
def test_it_goes_by_the_other_one_whatever_the_way_takes(ahead: float, took: float) -> None:
    machine = Machine()
    clock = machine.make_clock()

    assert set_clock(clock, ahead, took) == seconds(ahead)

    machine.pass_seconds(60)
    assert clock.now() == NOON + seconds(60 + took + ahead)
    assert clock.local_now() == NOON + seconds(60)


@pytest.mark.parametrize("ahead", [0.0, 7.0])
@pytest.mark.parametrize("leap", [7200.0, -7200.0])
def test_a_machine_whose_clock_is_set_changes_nothing_but_what_it_is_off_by(ahead: float, leap: float) -> None:
    machine = Machine()
    clock = machine.make_clock()
    set_clock(clock, ahead)

    machine.pass_seconds(1)
    machine.clock.advance(seconds(leap))
    assert clock.now() == NOON + seconds(1 + ahead)

    machine.pass_seconds(2)
    assert set_clock(clock, ahead - leap) == seconds(ahead - leap)
    assert clock.now() == NOON + seconds(3 + ahead)


def test_it_does_not_move_for_a_tenth_of_a_second_but_for_more() -> None:
    clock = StoreClock(FixedClock(NOON))

    assert set_clock(clock, 0.1) == seconds(0)
    assert set_clock(clock, -0.1) == seconds(0)
    assert set_clock(clock, 0.11) == seconds(0.11)
    assert set_clock(clock, 0.2) == seconds(0.11)
    assert set_clock(clock, 0.0) == seconds(0)


@pytest.mark.parametrize("took", [1.01, -0.01])
def test_a_look_that_took_too_long_or_was_overtaken_by_the_clock_counts_for_nothing(took: float) -> None:
    assert set_clock(StoreClock(FixedClock(NOON)), 7.0, took) == seconds(0)


@pytest.mark.parametrize("way_there", [0.0, 0.5, 1.0])
def test_a_slow_look_moves_it_no_further_than_it_can_tell(way_there: float) -> None:
    """Of a second that the look takes nobody knows how much was the way there."""
    machine = Machine()
    clock = machine.make_clock()
    set_clock(clock, 7.0)

    before = clock.local_now()
    machine.pass_seconds(1)
    clock.set_by(before, before + seconds(7 + way_there), before + seconds(1))
    assert clock.now() == NOON + seconds(7 + 1), "it may be as it was"

    set_clock(clock, 7.5)
    assert clock.now() == NOON + seconds(7.5 + 1), "a quick look knows better"

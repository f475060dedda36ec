"""What can be taken back, by whom and how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.roles import Right
from gateway.web.staff.recent_acts import MAX_RECENT_ACTS, RecentAct, RecentActs, note_done_event
from tests.unit.store.requests.samples import borrowing

NINE = datetime(2026, 4, 7, 9, tzinfo=UTC)


def lend(kind: EventKind = EventKind.LOANED_TO_PATRON) -> RecentAct:
    before = borrowing()
    after = replace(before, version=before.version + 1)
    event = note_done_event(before, after, kind, EventDetails(note="by telephone", volumes=("1",)))
    events = (event,) if event is not None else ()
    return RecentAct(library="DEMO", user="ruth", right=Right.BRANCH_ACT, back="/staff", events=events)


def test_an_act_is_taken_back_once_and_by_who_did_it() -> None:
    acts = RecentActs(FixedClock(NINE))
    word = acts.keep_act(lend())

    assert acts.take_act(word, "DEMO", "ana") is None
    assert acts.take_act(word, "WEST", "ruth") is None
    taken = acts.take_act(word, "DEMO", "ruth")
    assert taken is not None
    assert taken.events[0].details == EventDetails(volumes=("1",))
    assert acts.take_act(word, "DEMO", "ruth") is None


@pytest.mark.parametrize(("seconds", "possible"), [(600, True), (601, False)])
def test_after_ten_minutes_it_is_too_late(seconds: int, possible: bool) -> None:
    clock = FixedClock(NINE)
    acts = RecentActs(clock)
    word = acts.keep_act(lend())
    clock.advance(timedelta(seconds=seconds))

    assert (acts.take_act(word, "DEMO", "ruth") is not None) is possible


def test_what_has_left_the_house_is_not_offered() -> None:
    assert RecentActs(FixedClock(NINE)).keep_act(lend(EventKind.RETURNED)) == ""


def test_what_is_kept_has_an_end() -> None:
    acts = RecentActs(FixedClock(NINE))
    words = [acts.keep_act(lend()) for _ in range(MAX_RECENT_ACTS + 1)]

    assert acts.take_act(words[0], "DEMO", "ruth") is None
    assert acts.take_act(words[1], "DEMO", "ruth") is not None

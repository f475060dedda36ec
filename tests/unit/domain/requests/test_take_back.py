"""What is set back when marks are taken back, and what others have done since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.requests.events import EventKind, local_signal
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import ForbiddenCell, NotifyPartner, RunFollowUp, SendPatronLetter
from gateway.domain.requests.take_back import TAKEN_BACK_BY, note_mark_change, take_back_marks
from tests.unit.store.requests.samples import borrowing

BEFORE = borrowing(assignee="ruth", labels=("rush", "Raum B"))
AFTER = replace(BEFORE, assignee="miyu", labels=("Raum B", "Magazin"))


@pytest.mark.parametrize(
    ("now", "assignee", "labels"),
    [
        (AFTER, "ruth", ("Raum B", "rush")),
        (replace(AFTER, assignee="ana"), "ana", ("Raum B", "rush")),
        (replace(AFTER, labels=("Raum B", "Magazin", "نادر")), "ruth", ("Raum B", "نادر", "rush")),
        (replace(AFTER, labels=("rush",)), "ruth", ("rush",)),
        (BEFORE, "ruth", ("rush", "Raum B")),
    ],
)
def test_what_others_have_changed_since_stays(now: Request, assignee: str, labels: tuple[str, ...]) -> None:
    change = note_mark_change(BEFORE, AFTER)
    assert change is not None

    back = take_back_marks(now, change)

    assert (back.assignee, back.labels) == (assignee, labels)
    assert replace(back, assignee=AFTER.assignee, labels=AFTER.labels) == AFTER, "nothing else is touched"


def test_an_act_that_changed_nothing_is_not_taken_back() -> None:
    assert note_mark_change(BEFORE, replace(BEFORE, branch="south")) is None


@pytest.mark.parametrize(("kind", "inverse"), TAKEN_BACK_BY.items())
def test_nothing_that_is_taken_back_has_left_the_house(kind: EventKind, inverse: EventKind) -> None:
    """Where the table allows the event, it tells nobody, and its inverse is possible from where it leads."""
    table = TABLES[Role.BORROWING]
    for state in table.states:
        cell = table.find_cell(state, local_signal(kind))
        if isinstance(cell, ForbiddenCell):
            continue
        for branch in cell:
            told = [one for one in branch.effects if isinstance(one, NotifyPartner | SendPatronLetter | RunFollowUp)]
            assert told == []
            after = table.find_cell(branch.to or state, local_signal(inverse))
            assert not isinstance(after, ForbiddenCell), state

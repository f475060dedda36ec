"""What is set back when marks are taken back, and what others have done since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind, local_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    OtherLeg,
    Request,
    RequestFlag,
    Role,
    Volume,
    VolumeState,
)
from gateway.domain.requests.state_machine import TABLES, Transition, compute_transition
from gateway.domain.requests.state_table import ForbiddenCell, NotifyPartner, RunFollowUp, SendPatronLetter
from gateway.domain.requests.take_back import (
    is_undoable,
    make_undo_event,
    note_mark_change,
    restore_request,
    take_back_marks,
)
from tests.unit.store.requests.samples import borrowing, lending

BEFORE = borrowing(assignee="ruth", labels=("rush", "Raum B"))
COPY_STATES = {LendingState.DIGITISING, LendingState.CLEARANCE, LendingState.CLEARED}
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


@pytest.mark.parametrize(
    ("kind", "inverse"), [(one.kind, one.inverse) for one in EVENT_CATALOGUE.values() if one.inverse]
)
def test_nothing_that_is_taken_back_has_left_the_house(kind: EventKind, inverse: EventKind) -> None:
    """Where the table allows the event, it tells nobody (a broker that wants to hear of loans keeps what it has
    heard), and its inverse is possible from where it leads."""
    table = TABLES[Role.BORROWING]
    for state in table.states:
        cell = table.find_cell(state, local_signal(kind))
        if isinstance(cell, ForbiddenCell):
            continue
        for branch in cell:
            told = [one for one in branch.effects if isinstance(one, NotifyPartner | SendPatronLetter | RunFollowUp)]
            assert told in ([], [NotifyPartner(EventKind.LOANED_TO_PATRON)])
            after = table.find_cell(branch.to or state, local_signal(inverse))
            assert not isinstance(after, ForbiddenCell), state


@pytest.mark.parametrize(
    ("role", "kind"), [(role, one.kind) for one in EVENT_CATALOGUE.values() for role in one.undoable]
)
def test_what_can_be_undone_leads_back_to_where_it_began(role: Role, kind: EventKind) -> None:
    """Wherever the table lets it happen, but for the states that are named here: what was lost and is found, or only
    corrected, is no mistake of a scan, and a promise of a copy, or a new price of one that we broker, tells a partner
    without changing anything."""
    table = TABLES[role]
    final = {
        EventKind.CHECKED_IN: {LendingState.LOST, LendingState.COMPLETED},
        EventKind.LOCATED: {LendingState.LOCATED, LendingState.WILL_SUPPLY, *COPY_STATES},
        EventKind.WILL_SUPPLY: {LendingState.WILL_SUPPLY, *COPY_STATES},
    }
    begun = set()
    for state in table.states:
        cell = table.find_cell(state, local_signal(kind))
        if isinstance(cell, ForbiddenCell) or state in final.get(kind, set()):
            continue
        for branch in cell:
            back = table.find_cell(branch.to or state, local_signal(EventKind.UNDONE))
            assert not isinstance(back, ForbiddenCell), (state, branch.to)
            assert state in {one.to for one in back}, (state, branch.to)
            begun.add(state)
    assert begun


def test_the_request_is_what_it_was_but_for_what_others_marked_since() -> None:
    before = borrowing(flags=frozenset({RequestFlag.CHASED}))
    now = replace(
        before,
        state=BorrowingState.RECEIVED,
        version=before.version + 1,
        flags=frozenset({RequestFlag.UNREAD}),
        assignee="miyu",
        terms=replace(before.terms, lender_due=date(2026, 5, 1)),
    )
    act = make_undo_event(before, EventKind.RECEIVED, before.changed, "staff:miyu")

    outcome = compute_transition(restore_request(now, before), act, Workflow())

    assert isinstance(outcome, Transition)
    assert outcome.request == replace(
        before,
        version=before.version + 2,
        flags=frozenset({RequestFlag.CHASED, RequestFlag.UNREAD}),
        assignee="miyu",
    )


def test_what_was_passed_on_or_has_changed_since_is_not_undone() -> None:
    before = borrowing(state=BorrowingState.SHIPPED)
    after = replace(before, state=BorrowingState.RECEIVED, version=before.version + 1)
    brokered = OtherLeg(request_id="leg", number="L-1")

    assert is_undoable(before, after, EventKind.RECEIVED)
    assert not is_undoable(before, replace(after, version=before.version + 2), EventKind.RECEIVED)
    assert not is_undoable(replace(before, other_leg=brokered), after, EventKind.RECEIVED)
    assert not is_undoable(before, after, EventKind.RETURNED)


def test_a_further_volume_is_undone_and_another_item_for_one_that_is_out_is_not() -> None:
    """Its loan was ended, and nothing begins it anew."""
    first = Volume(id="1", state=VolumeState.SHIPPED, barcode="A")
    second = Volume(id="2", state=VolumeState.EXPECTED)
    before = lending(state=LendingState.SHIPPED, volumes=(first, second))
    sent = replace(second, state=VolumeState.SHIPPED, barcode="B")

    def is_undone(*volumes: Volume) -> bool:
        after = replace(before, volumes=volumes, version=before.version + 1)
        return is_undoable(before, after, EventKind.SHIPPED)

    assert is_undone(first, sent)
    assert not is_undone(first, second), "only its date is new"
    assert not is_undone(replace(first, barcode="C"), second)
    assert not is_undone(replace(first, barcode="C"), sent)

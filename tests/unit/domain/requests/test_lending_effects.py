"""What follows from each event of a lending request: timers, messages, letters and calls, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from gateway.domain.requests.events import EventKind, EventSignal, local_signal, partner_signal, timer_signal
from gateway.domain.requests.request import LendingState, RequestFlag, VolumeState
from gateway.domain.requests.state_machine import Transition
from gateway.domain.requests.state_table import DenialReason, FollowUp, LibraryAction, TimerKind
from tests.support.requests import (
    DUE,
    Story,
    copy_of,
    follow_ups,
    in_volumes,
    lending,
    letters,
    library_calls,
    sent_story,
    timers_set,
    told,
    workflow,
)

L, K, T = LendingState, EventKind, TimerKind
BEFORE = (L.NEW, L.LOCATED, L.HOLD_PLACED, L.WILL_SUPPLY, L.CONDITIONAL)
COPIES = (L.DIGITISING, L.CLEARANCE, L.CLEARED)
WAITING = {T.NEED_BY, T.ANSWER}


def happen(story: Story, signal: EventSignal, **details: Any) -> Transition:
    return story._happens(signal, 0, details)


def story_in(state: LendingState) -> Story:
    """With all timers that may run before it is shipped."""
    request = copy_of(lending(state)) if state in COPIES else lending(state)
    return Story(request, running=set(WAITING))


def returned_story() -> Story:
    """Said to be on its way back."""
    story = sent_story()
    story.partner(K.RETURNED)
    return story


# --- before it is shipped --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [*BEFORE, *COPIES])
@pytest.mark.parametrize(
    ("signal", "end", "says"),
    [
        (local_signal(K.UNFILLED), L.UNFILLED, (K.UNFILLED,)),
        (local_signal(K.RETRY), L.UNFILLED, (K.RETRY,)),
        (local_signal(K.FORWARDED), L.FORWARDED, (K.FORWARDED,)),
        (partner_signal(K.CANCEL), L.CANCELLED, (K.CANCEL_ACCEPTED,)),
        (partner_signal(K.CONDITION_REFUSED), L.UNFILLED, ()),
        (timer_signal(K.EXPIRED), L.EXPIRED, (K.EXPIRED,)),
    ],
)
def test_a_no_ends_all_that_waits_and_lets_the_item_go(
    state: LendingState, signal: EventSignal, end: LendingState, says: tuple[EventKind, ...]
) -> None:
    story = story_in(state)
    ended = happen(story, signal)
    assert (story.state, told(ended)) == (end, tuple((kind, 0) for kind in says))
    assert (story.running, library_calls(ended)) == ({T.ANONYMISE}, (LibraryAction.RELEASE_HOLD,))


@pytest.mark.parametrize("state", BEFORE)
@pytest.mark.parametrize(
    ("kind", "after", "says", "calls"),
    [
        (K.LOCATED, L.LOCATED, (), (LibraryAction.PLACE_HOLD,)),
        (K.HOLD_PLACED, L.HOLD_PLACED, (K.HOLD_PLACED,), ()),
        (K.WILL_SUPPLY, L.WILL_SUPPLY, (K.WILL_SUPPLY,), ()),
    ],
)
def test_an_answer_closes_an_open_condition(
    state: LendingState,
    kind: EventKind,
    after: LendingState,
    says: tuple[EventKind, ...],
    calls: tuple[LibraryAction, ...],
) -> None:
    story = story_in(state)
    if (state, kind) == (L.WILL_SUPPLY, K.WILL_SUPPLY):
        assert story.no_us(kind).why is DenialReason.UNMET, "but for a new price of what we broker"
        return
    answered = story.us(kind, barcode="31000000000042")
    assert (story.state, told(answered)) == (after, tuple((one, 0) for one in says))
    assert (library_calls(answered), story.running) == (calls, {T.NEED_BY})


@pytest.mark.parametrize("state", BEFORE)
def test_what_is_shipped_has_a_date_and_waits_for_nothing_else(state: LendingState) -> None:
    story = story_in(state)
    shipped = story.us(K.SHIPPED, due=DUE)
    assert (story.state, told(shipped)) == (L.SHIPPED, ((K.SHIPPED, 0),))
    assert (library_calls(shipped), story.running) == ((LibraryAction.RELEASE_HOLD,), {T.LENDER_DUE})


@pytest.mark.parametrize("state", [*BEFORE, *COPIES, L.CANCEL_PENDING])
def test_what_is_edited_may_be_needed_by_another_day(state: LendingState) -> None:
    assert timers_set(story_in(state).us(K.EDIT)) == {T.NEED_BY}


@pytest.mark.parametrize("state", [*BEFORE, *COPIES])
def test_a_condition_has_its_time(state: LendingState) -> None:
    story = story_in(state)
    set_ = story.us(K.CONDITIONAL, note="nur Lesesaal")
    assert (story.state, told(set_), timers_set(set_)) == (L.CONDITIONAL, ((K.CONDITIONAL, 0),), {T.ANSWER})


def test_a_partner_that_knows_no_conditions_gets_none() -> None:
    story = Story(lending(), workflow(lending={"conditional": False}))
    assert story.no_us(K.CONDITIONAL, note="nur Lesesaal").why is DenialReason.UNMET


def test_an_accepted_condition_leads_on_and_one_that_is_not_answered_ends_it() -> None:
    story = story_in(L.CONDITIONAL)
    story.partner(K.CONDITION_ACCEPTED)
    assert (story.state, story.running) == (L.WILL_SUPPLY, {T.NEED_BY})

    story = Story(copy_of(lending(L.CONDITIONAL)), running=set(WAITING))
    story.partner(K.CONDITION_ACCEPTED)
    assert (story.state, story.running) == (L.DIGITISING, {T.NEED_BY})

    story = story_in(L.CONDITIONAL)
    over = story.timer(T.ANSWER)
    assert (story.state, told(over), library_calls(over)) == (
        L.EXPIRED,
        ((K.EXPIRED, 0),),
        (LibraryAction.RELEASE_HOLD,),
    )
    assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize("state", [L.NEW, L.LOCATED, L.WILL_SUPPLY, L.CANCEL_PENDING, L.SHIPPED, L.COMPLETED, L.LOST])
def test_an_accepted_condition_that_nobody_waits_for_is_kept(state: LendingState) -> None:
    assert story_in(state).partner(K.CONDITION_ACCEPTED).kept


# --- copies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", COPIES)
def test_a_copy_under_way_is_neither_fetched_nor_shipped(state: LendingState) -> None:
    story = story_in(state)
    assert library_calls(story.us(K.LOCATED, barcode="31")) == ()
    assert told(story.us(K.WILL_SUPPLY)) == ((K.WILL_SUPPLY, 0),)
    assert story.state is state
    assert story.no_us(K.SHIPPED).why is DenialReason.NOT_NOW
    assert story.no_us(K.HOLD_PLACED).why is DenialReason.NOT_NOW


@pytest.mark.parametrize(("clearance", "after"), [("required", L.CLEARANCE), ("not-required", L.CLEARED)])
def test_what_is_digitised_waits_for_nothing_but_its_clearance(clearance: str, after: LendingState) -> None:
    story = Story(copy_of(lending()), workflow(lending={"clearance": clearance}), running=set(WAITING))
    story.us(K.LOCATED)
    assert (story.state, story.running) == (L.DIGITISING, {T.NEED_BY})
    story.running.add(T.ANSWER)
    story.us(K.DIGITISED)
    assert (story.state, story.running) == (after, {T.NEED_BY})


def test_a_loan_is_not_digitised() -> None:
    assert story_in(L.LOCATED).no_us(K.DIGITISED).why is DenialReason.UNMET


def test_the_end_of_a_copy() -> None:
    story = Story(copy_of(lending(L.CLEARANCE)), running={T.NEED_BY})
    story.us(K.CLEARED, reason="UrhG § 60e")
    done = story.us(K.COPY_DELIVERED, link="https://ill.example/c/1")
    assert (story.state, told(done)) == (L.COMPLETED, ((K.COPY_DELIVERED, 0),))
    assert (story.running, library_calls(done)) == ({T.ANONYMISE}, (LibraryAction.RELEASE_HOLD,))

    story = Story(copy_of(lending(L.CLEARANCE)), running={T.NEED_BY})
    refused = story.us(K.CLEARANCE_REFUSED, reason="too many pages")
    assert (story.state, told(refused)) == (L.UNFILLED, ((K.UNFILLED, 0),))
    assert (story.running, library_calls(refused)) == ({T.ANONYMISE}, (LibraryAction.RELEASE_HOLD,))


# --- cancelling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [*BEFORE, *COPIES])
def test_staff_decide_a_cancellation_where_the_workflow_says_so(state: LendingState) -> None:
    story = story_in(state)
    story.workflow = workflow(lending={"cancel": "staff"})
    asked = story.partner(K.CANCEL)
    assert (story.state, told(asked), story.running) == (L.CANCEL_PENDING, (), {T.NEED_BY})

    story = story_in(state)
    story.workflow = workflow(lending={"cancel": "refuse"})
    assert told(story.partner(K.CANCEL)) == ((K.CANCEL_REFUSED, 0),)
    assert story.state is state


def test_volumes_that_are_not_ours_do_not_hide_how_a_cancellation_is_answered() -> None:
    story = Story(lending(), workflow(lending={"cancel": "refuse"}))
    assert told(story.partner(K.CANCEL, volumes=("9",))) == ((K.CANCEL_REFUSED, 0),)


@pytest.mark.parametrize(
    ("signal", "end", "says"),
    [
        (local_signal(K.CANCEL_ACCEPTED), L.CANCELLED, (K.CANCEL_ACCEPTED,)),
        (local_signal(K.UNFILLED), L.UNFILLED, (K.CANCEL_ACCEPTED,)),
        (partner_signal(K.CONDITION_REFUSED), L.UNFILLED, (K.CANCEL_ACCEPTED,)),
        (timer_signal(K.EXPIRED), L.CANCELLED, (K.CANCEL_ACCEPTED,)),
    ],
)
def test_a_cancellation_that_waits_ends(signal: EventSignal, end: LendingState, says: tuple[EventKind, ...]) -> None:
    story = story_in(L.CANCEL_PENDING)
    ended = happen(story, signal)
    assert (story.state, told(ended)) == (end, tuple((kind, 0) for kind in says))
    assert (story.running, library_calls(ended)) == ({T.ANONYMISE}, (LibraryAction.RELEASE_HOLD,))


def test_a_refused_cancellation_leads_back_to_where_it_was() -> None:
    for request, state in (
        (lending(L.CANCEL_PENDING), L.NEW),
        (copy_of(lending(L.CANCEL_PENDING, item_barcode="31")), L.DIGITISING),
        (lending(L.CANCEL_PENDING, item_barcode="31"), L.LOCATED),
    ):
        story = Story(request)
        assert told(story.us(K.CANCEL_REFUSED)) == ((K.CANCEL_REFUSED, 0),)
        assert story.state is state


def test_what_is_shipped_while_a_cancellation_waits_answers_it() -> None:
    story = story_in(L.CANCEL_PENDING)
    assert not story.partner(K.CANCEL).kept, "twice said"
    shipped = story.us(K.SHIPPED, due=DUE)
    assert (story.state, told(shipped)) == (L.SHIPPED, ((K.SHIPPED, 0), (K.CANCEL_REFUSED, 0)))
    assert (library_calls(shipped), story.running) == ((LibraryAction.RELEASE_HOLD,), {T.LENDER_DUE})
    assert Story(copy_of(lending(L.CANCEL_PENDING))).no_us(K.SHIPPED).why is DenialReason.UNMET


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (L.SHIPPED, K.CANCEL_REFUSED),
        (L.RETURNED, K.CANCEL_REFUSED),
        (L.COMPLETED, K.CANCEL_REFUSED),
        (L.LOST, K.CANCEL_REFUSED),
        (L.CANCELLED, K.CANCEL_ACCEPTED),
        (L.UNFILLED, K.CANCEL_ACCEPTED),
        (L.EXPIRED, K.CANCEL_ACCEPTED),
        (L.FORWARDED, K.CANCEL_ACCEPTED),
    ],
)
def test_a_late_cancellation_is_answered_by_what_has_become_of_it(state: LendingState, answer: EventKind) -> None:
    story = Story(lending(state))
    assert told(story.partner(K.CANCEL)) == ((answer, 0),)
    assert story.state is state


# --- on loan ---------------------------------------------------------------------------------------------


def test_a_date_of_the_loan_is_told_set_and_watched() -> None:
    story = sent_story()
    corrected = story.us(K.SHIPPED, due=date(2026, 4, 17))
    assert (told(corrected), timers_set(corrected)) == (((K.SHIPPED, 0),), {T.LENDER_DUE})
    for kind in (K.DUE_DATE_CHANGED, K.RENEW_ACCEPTED):
        story.partner(K.RENEW)
        changed = story.us(kind, due=date(2026, 5, 8))
        assert (told(changed), library_calls(changed)) == (((kind, 0),), (LibraryAction.SET_LENDER_DUE,))
        assert timers_set(changed) == {T.LENDER_DUE}


def test_a_recall_is_told_to_both_and_watched() -> None:
    story = sent_story()
    recalled = story.us(K.RECALL, due=date(2026, 3, 20))
    assert (told(recalled), letters(recalled)) == (((K.RECALL, 0),), ("recalled",))
    assert (library_calls(recalled), timers_set(recalled)) == ((LibraryAction.RECALL_LOAN,), {T.LENDER_DUE})
    assert told(story.partner(K.RENEW)) == ((K.RENEW_REFUSED, 0),)


@pytest.mark.parametrize("signal", [local_signal(K.OVERDUE), timer_signal(K.OVERDUE)])
def test_what_is_overdue_is_told_to_both(signal: EventSignal) -> None:
    story = sent_story()
    overdue = happen(story, signal)
    assert (told(overdue), letters(overdue)) == (((K.OVERDUE, 0),), ("overdue",))
    assert RequestFlag.OVERDUE in story.request.flags


def test_a_renewal_is_decided_and_answered() -> None:
    story = sent_story()
    assert follow_ups(story.partner(K.RENEW)) == (FollowUp.DECIDE_RENEWAL,)
    assert told(story.us(K.RENEW_REFUSED)) == ((K.RENEW_REFUSED, 0),)
    assert story.no_us(K.RENEW_REFUSED).why is DenialReason.UNMET


@pytest.mark.parametrize("place", [sent_story, returned_story])
def test_what_comes_home_ends_the_loan(place: Callable[[], Story]) -> None:
    story = place()
    assert (T.LENDER_DUE in story.running) is (place is sent_story)
    home = story.us(K.CHECKED_IN)
    assert (story.state, told(home), library_calls(home)) == (
        L.COMPLETED,
        ((K.CHECKED_IN, 0),),
        (LibraryAction.RETURN_HOME,),
    )
    assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize("place", [sent_story, returned_story])
def test_what_is_lost_on_loan_is_lost_in_the_library(place: Callable[[], Story]) -> None:
    for signal, says in ((local_signal(K.LOST), ((K.LOST, 0),)), (partner_signal(K.LOST), ())):
        story = place()
        lost = happen(story, signal)
        assert (story.state, told(lost), library_calls(lost)) == (L.LOST, says, (LibraryAction.MARK_LOST,))
        assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize("place", [sent_story, returned_story])
def test_what_happens_on_the_way_is_heard(place: Callable[[], Story]) -> None:
    story = place()
    before = story.state
    assert told(story.us(K.DAMAGED, note="Einband lose")) == ((K.DAMAGED, 0),)
    for kind in (K.DAMAGED, K.RECEIVED):
        assert not story.partner(kind).kept
    assert story.state is before


def test_one_volume_on_its_way_is_not_all() -> None:
    story = sent_story(in_volumes(lending(), 2))
    assert not story.partner(K.RETURNED, volumes=("1",)).kept
    assert (story.state, story.running) == (L.SHIPPED, {T.LENDER_DUE})
    story.us(K.CHECKED_IN, volumes=("1",))
    assert story.state is L.SHIPPED
    story.partner(K.RETURNED, volumes=("2",))
    assert (story.state, story.running) == (L.RETURNED, {T.RETURN})
    assert not story.partner(K.RETURNED, volumes=("2",)).kept


# --- over ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [L.COMPLETED, L.CANCELLED, L.UNFILLED, L.EXPIRED, L.FORWARDED, L.LOST])
def test_what_is_over_is_not_renewed_and_forgets_its_patron(state: LendingState) -> None:
    story = Story(lending(state), running={T.ANONYMISE})
    assert story.no_partner(K.RENEW).why is DenialReason.ENDED
    assert not story.timer(T.ANONYMISE).kept


@pytest.mark.parametrize("state", [L.CANCELLED, L.UNFILLED, L.EXPIRED, L.FORWARDED])
def test_a_condition_of_what_is_over_can_not_be_accepted(state: LendingState) -> None:
    assert Story(lending(state)).no_partner(K.CONDITION_ACCEPTED).why is DenialReason.ENDED


def test_damage_is_told_after_the_end() -> None:
    story = Story(lending(L.COMPLETED))
    assert told(story.us(K.DAMAGED, note="Einband lose")) == ((K.DAMAGED, 0),)
    assert not story.partner(K.DAMAGED).kept


def test_what_was_lost_is_found() -> None:
    story = Story(lending(L.LOST), running={T.ANONYMISE})
    found = story.us(K.CHECKED_IN)
    assert (story.state, told(found), library_calls(found)) == (
        L.COMPLETED,
        ((K.CHECKED_IN, 0),),
        (LibraryAction.RETURN_HOME,),
    )
    story = Story(lending(L.LOST), running={T.ANONYMISE})
    story.partner(K.RETURNED)
    assert (story.state, story.running) == (L.RETURNED, {T.RETURN})


def settled_story() -> Story:
    story = Story(lending(L.SHIPPED), running=set())
    story.us(K.LOST)
    story.us(K.SETTLED)
    assert (story.state, story.running) == (L.COMPLETED, {T.ANONYMISE})
    return story


def test_what_was_settled_as_lost_comes_in_once() -> None:
    story = settled_story()
    found = story.us(K.CHECKED_IN)
    assert (story.state, told(found), library_calls(found)) == (
        L.COMPLETED,
        ((K.CHECKED_IN, 0),),
        (LibraryAction.RETURN_HOME,),
    )
    assert [one.state for one in story.request.volumes] == [VolumeState.CHECKED_IN]
    assert story.no_us(K.CHECKED_IN).why is DenialReason.UNMET


def test_what_was_settled_as_lost_is_sent_back_by_its_borrower() -> None:
    story = settled_story()
    story.partner(K.RETURNED)
    assert (story.state, story.running) == (L.RETURNED, {T.RETURN})
    story.us(K.CHECKED_IN)
    assert story.partner(K.RETURNED).kept
    assert (story.state, story.running) == (L.COMPLETED, {T.ANONYMISE})


# --- always ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [L.NEW, L.SHIPPED, L.COMPLETED])
def test_messages_and_reports_go_to_the_requester_at_any_time(state: LendingState) -> None:
    story = Story(lending(state))
    assert told(story.us(K.MESSAGE, note="Guten Tag")) == ((K.MESSAGE, 0),)
    assert told(story.us(K.STATUS_REPORT)) == ((K.STATUS_REPORT, 0),)
    assert follow_ups(story.partner(K.STATUS_QUERY)) == (FollowUp.REPORT_STATUS,)
    assert not story.us(K.TROUBLE, note="refused").kept
    assert story.no_partner(K.REQUEST).why in (DenialReason.NOT_NOW, DenialReason.ENDED)


@pytest.mark.parametrize("state", L)
def test_a_refused_message_of_ours_is_marked_in_every_state(state: LendingState) -> None:
    story = Story(lending(state))
    assert story.us(K.TROUBLE, note="refused").before is state
    assert (story.state, RequestFlag.TROUBLE in story.request.flags) == (state, True)


@pytest.mark.parametrize("state", [L.NEW, L.SHIPPED, L.COMPLETED])
def test_what_no_letter_could_say_is_to_be_told(state: LendingState) -> None:
    story = Story(lending(state))
    assert story.no_us(K.PATRON_TOLD).why is DenialReason.UNMET
    assert not story.us(K.PATRON_NOT_TOLD).kept
    assert RequestFlag.TO_TELL in story.request.flags
    assert not story.us(K.PATRON_TOLD).kept
    assert RequestFlag.TO_TELL not in story.request.flags


def test_a_note_is_kept_at_any_time() -> None:
    for state in (L.NEW, L.SHIPPED, L.COMPLETED):
        story = Story(lending(state))
        assert story.us(K.NOTE, note="ruft zurück").kept
        assert [one.text for one in story.request.notes] == ["ruft zurück"]


def test_a_copy_that_was_lost_comes_back_from_nobody() -> None:
    story = Story(copy_of(lending(L.LOST)), running={T.ANONYMISE})
    assert story.partner(K.RETURNED).kept
    assert (story.state, story.running) == (L.LOST, {T.ANONYMISE})
    story.us(K.SETTLED)
    assert story.partner(K.RETURNED).kept
    assert story.no_us(K.CHECKED_IN).why is DenialReason.UNMET
    assert story.state is L.COMPLETED


def test_a_renewal_that_staff_have_refused_and_that_comes_again_is_refused_again() -> None:
    """A broker hands on each message as a new one."""
    story = Story(lending(L.SHIPPED))
    story.partner(K.RENEW)
    story.us(K.RENEW_REFUSED)
    again = story.partner(K.RENEW)
    assert told(again) == ((K.RENEW_REFUSED, 0),)
    assert RequestFlag.RENEWAL_PENDING not in story.request.flags, "nobody has to answer it"

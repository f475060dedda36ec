"""What follows from each event of a borrowing request: timers, messages, letters and calls, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.domain.requests.events import EventKind, EventSignal, local_signal, partner_signal, timer_signal
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, RequestFlag
from gateway.domain.requests.state_machine import Transition, list_allowed_events
from gateway.domain.requests.state_table import DenialReason, FollowUp, LibraryAction, SendPatronLetter, TimerKind
from tests.support.requests import (
    DUE,
    Story,
    asked_story,
    attempt,
    borrowing,
    copy_of,
    event,
    follow_ups,
    lent_story,
    letters,
    library_calls,
    shipped_story,
    timers_set,
    told,
    workflow,
)

B, K, T = BorrowingState, EventKind, TimerKind


def here_story() -> Story:
    """On the hold shelf."""
    story = shipped_story()
    story.us(K.RECEIVED)
    return story


def back_story() -> Story:
    """Here again from the patron."""
    story = lent_story()
    story.us(K.RETURNED_BY_PATRON)
    return story


def returned_story() -> Story:
    """On its way to the lender."""
    story = back_story()
    story.us(K.RETURNED)
    return story


# --- before a supplier is asked --------------------------------------------------------------------------


@pytest.mark.parametrize("state", [B.REVIEW, B.SOURCING, B.NO_SUPPLIER])
def test_what_is_edited_may_be_needed_by_another_day(state: BorrowingState) -> None:
    assert timers_set(Story(borrowing(state)).us(K.EDIT)) == {T.NEED_BY}


def test_what_is_not_submitted_yet_has_no_day_by_which_it_is_needed() -> None:
    assert timers_set(Story(borrowing()).us(K.EDIT)) == set()


@pytest.mark.parametrize("state", [B.NEW, B.REVIEW, B.SOURCING])
def test_a_supplier_may_be_chosen_by_hand_before_one_is_asked(state: BorrowingState) -> None:
    story = Story(borrowing(state))
    assert follow_ups(story.us(K.ASSIGN)) == ()
    assert story.state is state


@pytest.mark.parametrize(
    ("state", "kind"),
    [(B.REVIEW, K.APPROVE), (B.SOURCING, K.APPROVE), (B.NO_SUPPLIER, K.APPROVE), (B.NO_SUPPLIER, K.ASSIGN)],
)
def test_staff_let_the_search_go_on(state: BorrowingState, kind: EventKind) -> None:
    story = Story(borrowing(state), running={T.NEED_BY, T.RETRY} if state is B.NO_SUPPLIER else {T.NEED_BY})
    assert follow_ups(story.us(kind)) == (FollowUp.FIND_SUPPLIER,)
    assert (story.state, story.running) == (B.SOURCING, {T.NEED_BY})


@pytest.mark.parametrize("state", [B.REVIEW, B.SOURCING, B.NO_SUPPLIER])
@pytest.mark.parametrize(
    ("signal", "end", "letter"),
    [
        (local_signal(K.CANCEL), B.CANCELLED, "cancelled"),
        (local_signal(K.CLOSE), B.UNFILLED, "not-supplied"),
        (timer_signal(K.EXPIRED), B.EXPIRED, "not-supplied"),
    ],
)
def test_the_patron_is_told_of_every_end_and_the_link_to_the_patron_ends_on_schedule(
    state: BorrowingState, signal: EventSignal, end: BorrowingState, letter: str
) -> None:
    story = Story(borrowing(state), running={T.NEED_BY})
    ended = happen(story, signal)
    assert (story.state, letters(ended), timers_set(ended)) == (end, (letter,), {T.ANONYMISE})
    assert story.running == {T.ANONYMISE}


def happen(story: Story, signal: EventSignal, **details: Any) -> Transition:
    return story._happens(signal, 0, details)


def test_what_was_not_submitted_is_cancelled() -> None:
    story = Story(borrowing())
    assert letters(story.us(K.CANCEL)) == ("cancelled",)
    assert (story.state, story.running) == (B.CANCELLED, {T.ANONYMISE})


@pytest.mark.parametrize("ended", [B.CANCELLED, B.UNFILLED, B.EXPIRED, B.LOST])
def test_what_is_reopened_has_a_day_again_and_keeps_its_patron(ended: BorrowingState) -> None:
    story = Story(borrowing(ended), running={T.ANONYMISE})
    story.us(K.REOPEN, need_by=date(2026, 6, 1))
    assert (story.state, story.running) == (B.REVIEW, {T.NEED_BY})


@pytest.mark.parametrize("ended", [B.COMPLETED, B.CANCELLED, B.UNFILLED, B.EXPIRED, B.LOST])
def test_of_what_is_over_no_patron_is_asked(ended: BorrowingState) -> None:
    story = Story(borrowing(ended))
    assert story.no_us(K.PATRON_ASKED, query="q1").why is DenialReason.ENDED
    assert story.no_us(K.PATRON_ANSWERED, query="q1", answer="yes").why is DenialReason.ENDED


# --- a supplier is asked ---------------------------------------------------------------------------------


def test_an_answer_is_waited_for_then_the_item_then_its_way() -> None:
    story = asked_story()
    assert T.ANSWER in story.running
    assert timers_set(story.partner(K.WILL_SUPPLY, 1)) == {T.CHASE}
    assert timers_set(story.partner(K.CONDITIONAL, 1)) == {T.ANSWER}
    assert story.running & {T.ANSWER, T.CHASE} == {T.ANSWER}
    story.us(K.CONDITION_ACCEPTED)
    assert story.running & {T.ANSWER, T.CHASE} == {T.CHASE}
    assert timers_set(story.partner(K.FORWARDED, 1)) == {T.ANSWER}
    assert story.running & {T.ANSWER, T.CHASE} == {T.ANSWER}
    assert timers_set(story.partner(K.SHIPPED, 1, due=DUE)) == {T.CHASE}
    assert story.running == {T.CHASE}, "nothing else is waited for"


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        (B.REQUESTED, (K.ACKNOWLEDGED, K.EXPECT_TO_SUPPLY, K.FORWARDED)),
        (B.HOLD_PLACED, (K.EXPECT_TO_SUPPLY,)),
        (B.WILL_SUPPLY, (K.EXPECT_TO_SUPPLY,)),
        (B.CANCEL_PENDING, (K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.EXPECT_TO_SUPPLY)),
    ],
)
def test_what_a_supplier_says_in_between_is_heard(state: BorrowingState, kinds: tuple[EventKind, ...]) -> None:
    for kind in kinds:
        story = asked_story()
        story.request = with_state(story, state)
        said = story.partner(kind, 1)
        assert (said.kept, said.effects, story.state) == (False, (), state)


@pytest.mark.parametrize("state", [B.CANCEL_PENDING, B.CANCELLED])
def test_who_cancels_twice_cancels_once(state: BorrowingState) -> None:
    story = asked_story()
    story.request = with_state(story, state)
    again = story.us(K.CANCEL)
    assert (again.effects, story.state) == ((), state)


@pytest.mark.parametrize("state", [B.SHIPPED, B.RECEIVED, B.BACK])
def test_who_cancels_what_comes_or_is_here_twice_cancels_once(state: BorrowingState) -> None:
    story = asked_story()
    story.partner(K.SHIPPED, 1, due=DUE)
    story.request = with_state(story, state)
    assert K.CANCEL in list_allowed_events(story.request, story.workflow, event(local_signal(K.NOTE)))
    story.us(K.CANCEL)
    again = story.us(K.CANCEL)
    assert (again.effects, story.state, RequestFlag.UNWANTED in story.request.flags) == ((), state, True)
    assert K.CANCEL not in list_allowed_events(story.request, story.workflow, event(local_signal(K.NOTE)))


def test_a_cancellation_that_was_refused_is_offered_again() -> None:
    story = asked_story()
    story.us(K.CANCEL)
    assert K.CANCEL not in list_allowed_events(story.request, story.workflow, event(local_signal(K.NOTE)))
    story.partner(K.CANCEL_REFUSED, 1)
    assert (story.state, RequestFlag.UNWANTED in story.request.flags) == (B.REQUESTED, True)
    assert K.CANCEL in list_allowed_events(story.request, story.workflow, event(local_signal(K.NOTE)))
    assert told(story.us(K.CANCEL)) == ((K.CANCEL, 1),)


def test_the_patron_is_told_that_it_comes_unless_nobody_wants_it() -> None:
    story = asked_story()
    assert letters(story.partner(K.SHIPPED, 1, due=DUE)) == ("sent",)

    story = asked_story()
    story.partner(K.WILL_SUPPLY, 1)
    story.us(K.CANCEL)
    story.partner(K.CANCEL_REFUSED, 1)
    assert letters(story.partner(K.SHIPPED, 1, due=DUE)) == ()
    assert story.state is B.SHIPPED


@pytest.mark.parametrize("kind", [K.OVERDUE, K.RECALL, K.DUE_DATE_CHANGED])
@pytest.mark.parametrize("asked_to_cancel", [False, True])
def test_who_speaks_of_the_loan_has_shipped_it(kind: EventKind, asked_to_cancel: bool) -> None:
    story = asked_story()
    if asked_to_cancel:
        story.us(K.CANCEL)
    story.partner(kind, 1, due=DUE)
    assert (story.state, story.running) == (B.SHIPPED, {T.CHASE})


@pytest.mark.parametrize(
    "state", [B.REQUESTED, B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL, B.CANCEL_PENDING, B.SHIPPED, B.RETURNED]
)
def test_a_supplier_may_be_asked_how_it_stands(state: BorrowingState) -> None:
    story = asked_story()
    story.request = with_state(story, state)
    assert told(story.us(K.STATUS_QUERY)) == ((K.STATUS_QUERY, 1),)


def with_state(story: Story, state: BorrowingState) -> Request:
    return replace(story.request, state=state)


@pytest.mark.parametrize("state", [B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL])
def test_who_has_it_now_has_promised_nothing_yet(state: BorrowingState) -> None:
    story = asked_story()
    story.request = with_state(story, state)
    story.running = {T.NEED_BY, T.CHASE}
    story.partner(K.FORWARDED, 1)
    assert (story.state, story.running) == (B.REQUESTED, {T.NEED_BY, T.ANSWER})


@pytest.mark.parametrize("kind", [K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED, K.CANCEL_ACCEPTED])
@pytest.mark.parametrize("promised", [False, True])
def test_who_says_no_is_not_waited_for_any_more(kind: EventKind, promised: bool) -> None:
    story = asked_story()
    if promised:
        story.partner(K.WILL_SUPPLY, 1)
    refused = story.partner(kind, 1)
    assert (story.state, story.running) == (B.SOURCING, {T.NEED_BY})
    assert (told(refused), letters(refused), follow_ups(refused)) == ((), (), (FollowUp.FIND_SUPPLIER,))


def test_staff_pass_a_supplier_over() -> None:
    story = asked_story()
    passed = story.us(K.NEXT_SUPPLIER)
    assert (told(passed), follow_ups(passed)) == (((K.CANCEL, 1),), (FollowUp.FIND_SUPPLIER,))
    assert (story.state, story.running) == (B.SOURCING, {T.NEED_BY})


def test_what_is_wanted_can_not_be_approved_once_more() -> None:
    story = asked_story()
    assert story.no_us(K.APPROVE).why is DenialReason.UNMET
    story = shipped_story()
    assert story.no_us(K.APPROVE).why is DenialReason.UNMET


def test_what_the_supplier_has_lost_is_not_supplied() -> None:
    story = asked_story()
    lost = story.partner(K.LOST, 1)
    assert (story.state, letters(lost), story.request.attempts[0].status) == (B.SOURCING, (), AttemptStatus.UNFILLED)

    story = asked_story()
    story.us(K.CANCEL)
    assert letters(story.partner(K.LOST, 1)) == ("cancelled",)


@pytest.mark.parametrize("kind", [K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED, K.CANCEL_ACCEPTED])
def test_who_expired_while_it_was_asked_for_gets_no_other_supplier(kind: EventKind) -> None:
    story = asked_story(borrowing(), workflow(borrowing={"cancel": True}))
    story.timer(T.NEED_BY)
    ended = story.partner(kind, 1)
    assert (story.state, letters(ended), story.running) == (B.EXPIRED, ("not-supplied",), {T.ANONYMISE})


def test_a_condition_that_nobody_wants_any_more_ends_the_request() -> None:
    for kind, state, letter in ((K.CANCEL, B.CANCELLED, "cancelled"), (None, B.EXPIRED, "not-supplied")):
        story = asked_story()
        story.partner(K.WILL_SUPPLY, 1)
        if kind is None:
            story.timer(T.NEED_BY)
        else:
            story.us(kind)
        story.partner(K.CONDITIONAL, 1)
        story.partner(K.CANCEL_REFUSED, 1)
        assert story.state is B.CONDITIONAL
        ended = story.us(K.CONDITION_REFUSED)
        assert (story.state, letters(ended), told(ended)) == (state, (letter,), ((K.CONDITION_REFUSED, 1),))
        assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize(
    ("before", "after", "timer"),
    [
        (K.HOLD_PLACED, B.HOLD_PLACED, T.CHASE),
        (K.WILL_SUPPLY, B.WILL_SUPPLY, T.CHASE),
        (K.CONDITIONAL, B.CONDITIONAL, T.ANSWER),
        (K.ACKNOWLEDGED, B.REQUESTED, T.ANSWER),
    ],
)
def test_who_does_not_let_us_cancel_goes_on_from_where_it_was(
    before: EventKind, after: BorrowingState, timer: TimerKind
) -> None:
    story = asked_story()
    story.partner(before, 1)
    asked = story.us(K.CANCEL)
    assert (told(asked), timers_set(asked)) == (((K.CANCEL, 1),), {T.ANSWER})
    refused = story.partner(K.CANCEL_REFUSED, 1)
    assert (story.state, timers_set(refused)) == (after, {timer})
    assert (FollowUp.DECIDE_CONDITION in follow_ups(refused)) is (after is B.CONDITIONAL)


# --- copies ----------------------------------------------------------------------------------------------


def test_the_supplier_of_a_copy_is_told_that_it_has_come() -> None:
    story = asked_story(copy_of(borrowing()))
    ready = story.partner(K.COPY_DELIVERED, 1, link="https://warsaw.example/c/8")
    assert (told(ready), letters(ready), story.running) == (((K.RECEIVED, 1),), ("copy-ready",), {T.ANONYMISE})

    story = asked_story(copy_of(borrowing()))
    story.partner(K.COPY_DELIVERED, 1)
    ready = story.us(K.RECEIVED)
    assert (told(ready), letters(ready), story.running) == (((K.RECEIVED, 1),), ("copy-ready",), {T.ANONYMISE})


# --- here ------------------------------------------------------------------------------------------------


def test_what_is_not_wanted_any_more_is_received_all_the_same() -> None:
    story = shipped_story()
    story.partner(K.RECALL, 1)
    here = story.us(K.RECEIVED)
    assert (story.state, told(here), story.running) == (B.BACK, ((K.RECEIVED, 1),), set())


def test_on_the_shelf_then_with_the_patron() -> None:
    story = here_story()
    assert story.running == {T.SHELF}
    lent = story.us(K.LOANED_TO_PATRON)
    assert timers_set(lent) == story.running == {T.PATRON_DUE, T.DUE_SOON}
    story.us(K.RETURNED_BY_PATRON)
    assert story.running == set()
    assert timers_set(story.us(K.LOANED_TO_PATRON)) == {T.PATRON_DUE, T.DUE_SOON}, "once more"


@pytest.mark.parametrize(
    ("signal", "details"),
    [
        (partner_signal(K.RENEW_ACCEPTED), {"due": date(2026, 5, 8)}),
        (partner_signal(K.DUE_DATE_CHANGED), {"due": date(2026, 4, 24)}),
        (timer_signal(K.RENEW_ACCEPTED), {"due": date(2026, 4, 17)}),
    ],
)
def test_a_new_date_of_the_lender_is_a_new_date_of_the_patron(signal: EventSignal, details: dict[str, Any]) -> None:
    story = lent_story()
    story.us(K.RENEW)
    changed = happen(story, signal, **details)
    assert timers_set(changed) == {T.PATRON_DUE, T.DUE_SOON}
    assert (library_calls(changed), letters(changed)) == ((LibraryAction.SET_DUE_DATE,), ("renewed",))


def test_what_is_on_its_way_back_is_not_renewed() -> None:
    assert back_story().no_us(K.RENEW).why is DenialReason.NOT_NOW


def test_a_renewal_may_be_asked_for_on_the_shelf() -> None:
    story = here_story()
    asked = story.us(K.RENEW)
    assert (told(asked), timers_set(asked)) == (((K.RENEW, 1),), {T.RENEWAL})
    accepted = story.partner(K.RENEW_ACCEPTED, 1, due=date(2026, 5, 8))
    assert (letters(accepted), library_calls(accepted), T.RENEWAL in story.running) == ((), (), False)
    assert story.request.terms.lender_due == date(2026, 5, 8)
    story.us(K.RENEW)
    refused = story.partner(K.RENEW_REFUSED, 1)
    assert (letters(refused), T.RENEWAL in story.running) == ((), False)
    assert RequestFlag.RENEWAL_PENDING not in story.request.flags


@pytest.mark.parametrize("fallback", ["refused", "granted"])
def test_a_renewal_without_an_answer_while_it_is_here(fallback: str) -> None:
    story = here_story()
    story.workflow = workflow(borrowing={"renewal_fallback": fallback})
    story.us(K.RENEW)
    over = story.timer(T.RENEWAL, due=date(2026, 4, 17))
    assert (over.kept, letters(over)) == (False, ())
    assert RequestFlag.RENEWAL_PENDING not in story.request.flags
    late = story.late_timer(K.RENEW_ACCEPTED if fallback == "granted" else K.RENEW_REFUSED, due=date(2027, 1, 1))
    assert late.kept


def test_a_renewal_that_is_older_than_the_recall_changes_nothing() -> None:
    story = here_story()
    story.us(K.RENEW)
    recalled = story.partner(K.RECALL, 1, due=date(2026, 3, 20))
    assert (letters(recalled), T.RENEWAL in story.running) == (("not-coming",), False)
    assert story.partner(K.RENEW_ACCEPTED, 1, due=date(2026, 5, 8)).kept
    assert story.request.terms.lender_due == date(2026, 3, 20)


@pytest.mark.parametrize("place", [here_story, back_story])
def test_what_the_lender_says_of_the_date_is_known_here(place: Callable[[], Story]) -> None:
    story = place()
    changed = story.partner(K.DUE_DATE_CHANGED, 1, due=date(2026, 4, 24))
    assert (letters(changed), story.request.terms.lender_due) == ((), date(2026, 4, 24))
    overdue = story.partner(K.OVERDUE, 1, due=date(2026, 4, 24))
    assert (overdue.kept, RequestFlag.OVERDUE in story.request.flags) == (False, True)
    recalled = story.partner(K.RECALL, 1, due=date(2026, 3, 20))
    assert (recalled.kept, RequestFlag.RECALLED in story.request.flags) == (False, True)
    assert letters(recalled) == (("not-coming",) if place is here_story else ())


def test_a_date_that_is_known_makes_a_message_no_change() -> None:
    story = lent_story()
    said = story.partner(K.DUE_DATE_CHANGED, 1, due=DUE, note="Kartet mangler")
    assert (said.event.kind, letters(said), library_calls(said)) == (K.MESSAGE, (), ())
    assert [note.text for note in story.request.notes] == ["Kartet mangler"]
    story.partner(K.RECALL, 1)
    taken_back = story.partner(K.DUE_DATE_CHANGED, 1, due=DUE)
    assert (letters(taken_back), RequestFlag.RECALLED in story.request.flags) == (("renewed",), False)


def test_a_date_that_comes_late_is_taken_once() -> None:
    story = asked_story()
    story.us(K.RECEIVED)
    assert not story.partner(K.SHIPPED, 1, due=DUE).kept
    assert story.partner(K.SHIPPED, 1, due=date(2026, 5, 1)).kept
    assert story.request.terms.lender_due == DUE


@pytest.mark.parametrize("place", [shipped_story, here_story, lent_story, back_story])
def test_damage_is_told_and_heard(place: Callable[[], Story]) -> None:
    story = place()
    before = story.state
    assert told(story.us(K.DAMAGED, note="Wasserfleck")) == ((K.DAMAGED, 1),)
    assert told(story.us(K.STATUS_QUERY)) == ((K.STATUS_QUERY, 1),)
    assert not story.partner(K.DAMAGED, 1).kept
    assert story.state is before


@pytest.mark.parametrize("place", [here_story, lent_story, back_story])
def test_what_is_lost_here_ends_all_that_runs(place: Callable[[], Story]) -> None:
    story = place()
    lost = story.us(K.LOST)
    assert (told(lost), library_calls(lost)) == (((K.LOST, 1),), (LibraryAction.MARK_LOST,))
    assert (story.state, story.running) == (B.LOST, {T.ANONYMISE})
    story = place()
    lost = story.partner(K.LOST, 1)
    assert (told(lost), library_calls(lost), story.running) == ((), (LibraryAction.MARK_LOST,), {T.ANONYMISE})


@pytest.mark.parametrize("place", [here_story, lent_story, back_story])
def test_what_the_lender_has_again_is_no_longer_here(place: Callable[[], Story]) -> None:
    story = place()
    done = story.partner(K.CHECKED_IN, 1)
    assert (story.state, library_calls(done)) == (B.COMPLETED, (LibraryAction.DELETE_TEMPORARY,))
    assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize(("timer", "letter"), [(T.PATRON_DUE, "overdue"), (T.DUE_SOON, "due-soon")])
def test_the_patron_is_reminded(timer: TimerKind, letter: str) -> None:
    story = lent_story()
    over = story.timer(timer)
    assert (letters(over), over.kept, story.state) == ((letter,), False, B.LENT)
    assert (RequestFlag.OVERDUE in story.request.flags) is (timer is T.PATRON_DUE)


def test_what_waits_on_the_shelf_too_long_is_noticed() -> None:
    story = here_story()
    assert not story.timer(T.SHELF).kept
    assert RequestFlag.NOT_COLLECTED in story.request.flags


# --- back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [here_story, lent_story, back_story])
def test_on_its_way_back_only_the_lenders_word_is_waited_for(place: Callable[[], Story]) -> None:
    story = place()
    sent = story.us(K.RETURNED)
    assert (told(sent), library_calls(sent)) == (((K.RETURNED, 1),), (LibraryAction.DELETE_TEMPORARY,))
    assert (story.state, story.running) == (B.RETURNED, {T.CHASE})


@pytest.mark.parametrize("end", [K.RENEW_ACCEPTED, K.RENEW_REFUSED])
def test_an_answer_ends_the_waiting_for_it(end: EventKind) -> None:
    story = lent_story()
    story.us(K.RENEW)
    assert T.RENEWAL in story.running
    story.partner(end, 1, due=date(2026, 5, 8))
    assert T.RENEWAL not in story.running


def test_what_goes_back_is_not_renewed_any_more() -> None:
    story = lent_story()
    story.us(K.RENEW)
    story.us(K.RETURNED)
    assert story.running == {T.CHASE}


def test_returning_is_the_end_where_no_word_comes() -> None:
    story = lent_story(workflow=workflow(borrowing={"expects_check_in": False}))
    story.us(K.RETURNED)
    assert (story.state, story.running) == (B.COMPLETED, {T.ANONYMISE})


@pytest.mark.parametrize(
    ("signal", "end", "says"),
    [
        (partner_signal(K.CHECKED_IN), B.COMPLETED, ()),
        (partner_signal(K.LOST), B.LOST, ()),
        (local_signal(K.LOST), B.LOST, ((K.LOST, 1),)),
        (local_signal(K.CLOSE), B.COMPLETED, ()),
    ],
)
def test_the_way_back_ends(signal: EventSignal, end: BorrowingState, says: tuple[tuple[EventKind, int], ...]) -> None:
    story = returned_story()
    ended = happen(story, signal)
    assert (story.state, told(ended), story.running) == (end, says, {T.ANONYMISE})


def test_the_lender_is_asked_when_it_does_not_say_that_it_has_it() -> None:
    story = returned_story()
    assert told(story.timer(T.CHASE)) == ((K.STATUS_QUERY, 1),)
    for kind in (K.DAMAGED, K.OVERDUE, K.RECALL):
        assert not story.partner(kind, 1).kept


def test_what_was_lost_is_found_here_and_sent() -> None:
    story = lent_story()
    story.us(K.LOST)
    found = story.us(K.RETURNED)
    assert (told(found), library_calls(found)) == (((K.RETURNED, 1),), (LibraryAction.DELETE_TEMPORARY,))
    assert (story.state, story.running) == (B.RETURNED, {T.CHASE})


def test_what_was_lost_is_found_by_its_lender() -> None:
    story = lent_story()
    story.us(K.LOST)
    found = story.partner(K.CHECKED_IN, 1)
    assert (story.state, library_calls(found)) == (B.COMPLETED, (LibraryAction.DELETE_TEMPORARY,))
    assert story.running == {T.ANONYMISE}


@pytest.mark.parametrize("before", [(K.LOST,), (K.LOST, K.SETTLED)])
def test_what_was_lost_is_brought_by_its_patron(before: tuple[EventKind, ...]) -> None:
    story = lent_story()
    for kind in before:
        story.us(kind)
    found = story.us(K.RETURNED_BY_PATRON)
    assert (story.state, story.running, told(found)) == (B.BACK, set(), ())
    assert told(story.us(K.RETURNED)) == ((K.RETURNED, 1),)
    story.partner(K.CHECKED_IN, 1)
    assert (story.state, story.running) == (B.COMPLETED, {T.ANONYMISE})
    assert story.no_us(K.RETURNED_BY_PATRON).why is DenialReason.UNMET


def test_what_was_settled_as_lost_is_sent_back_at_once() -> None:
    story = lent_story()
    story.us(K.LOST)
    story.us(K.SETTLED)
    assert told(story.us(K.RETURNED)) == ((K.RETURNED, 1),)
    assert (story.state, story.running) == (B.RETURNED, {T.CHASE})


def test_nothing_comes_back_here_after_its_lender_has_found_it() -> None:
    story = lent_story()
    story.us(K.LOST)
    story.us(K.SETTLED)
    assert story.partner(K.CHECKED_IN, 1).kept
    assert story.no_us(K.RETURNED_BY_PATRON).why is DenialReason.UNMET


@pytest.mark.parametrize("before", [(K.LOST,), (K.LOST, K.SETTLED)])
@pytest.mark.parametrize("kind", [K.RETURNED_BY_PATRON, K.RETURNED])
def test_a_copy_that_was_lost_goes_back_to_nobody(before: tuple[EventKind, ...], kind: EventKind) -> None:
    story = shipped_story()
    story.request = copy_of(story.request)
    for one in before:
        story.us(one)
    assert story.no_us(kind).why is DenialReason.UNMET


# --- always ----------------------------------------------------------------------------------------------


def test_messages_and_reports_go_to_the_supplier_that_was_asked() -> None:
    story = Story(borrowing(B.REVIEW))
    assert story.no_us(K.MESSAGE, note="Guten Tag").why is DenialReason.UNMET
    assert story.no_us(K.STATUS_REPORT).why is DenialReason.UNMET
    assert story.us(K.TROUBLE, note="refused").kept is False
    assert story.partner(K.STATUS_QUERY).kept, "nobody was asked yet"

    story = asked_story()
    assert told(story.us(K.MESSAGE, note="Guten Tag")) == ((K.MESSAGE, 1),)
    assert told(story.us(K.STATUS_REPORT)) == ((K.STATUS_REPORT, 1),)
    assert follow_ups(story.partner(K.STATUS_QUERY, 1)) == (FollowUp.REPORT_STATUS,)


@pytest.mark.parametrize("state", B)
def test_a_refused_message_of_ours_is_marked_in_every_state(state: BorrowingState) -> None:
    story = Story(borrowing(state, attempts=(attempt(),)))
    assert story.us(K.TROUBLE, 1, note="refused").before is state
    assert (story.state, RequestFlag.TROUBLE in story.request.flags) == (state, True)


def test_damage_is_heard_after_the_end() -> None:
    story = Story(borrowing(B.COMPLETED))
    assert not story.partner(K.DAMAGED).kept
    assert RequestFlag.DAMAGED in story.request.flags


def test_a_question_has_its_time() -> None:
    story = Story(borrowing(B.REVIEW))
    asked = story.us(K.PATRON_ASKED, query="q1", reason="cost", note="9 EUR?")
    assert (timers_set(asked), letters(asked)) == ({T.QUERY}, ("query",))
    story.us(K.PATRON_ANSWERED, query="q1", answer="yes")
    assert T.QUERY not in story.running


def test_a_recall_outweighs_a_renewal_when_the_patron_has_brought_it_back() -> None:
    story = lent_story()
    story.us(K.RENEW)
    story.us(K.RETURNED_BY_PATRON)
    assert T.RENEWAL in story.running
    story.partner(K.RECALL, 1, due=date(2026, 3, 20))
    assert (story.state, T.RENEWAL in story.running) == (B.BACK, False)


@pytest.mark.parametrize("kind", [K.SHIPPED, K.COPY_DELIVERED])
def test_a_notice_of_what_is_lost_already_does_not_bring_it_back(kind: EventKind) -> None:
    story = shipped_story()
    story.us(K.LOST)
    story.us(K.REOPEN)
    late = story.partner(kind, 1, link="https://warsaw.example/c/8")
    assert (late.kept, story.state) == (True, B.REVIEW)


# --- from the first to the last --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mediated", "state", "work"), [(True, B.REVIEW, ()), (False, B.SOURCING, (FollowUp.FIND_SUPPLIER,))]
)
def test_what_is_submitted_has_its_day_and_its_letter(
    mediated: bool, state: BorrowingState, work: tuple[FollowUp, ...]
) -> None:
    story = Story(borrowing(mediated=mediated))
    sent = story.us(K.SUBMIT)
    assert (story.state, letters(sent), timers_set(sent), follow_ups(sent)) == (state, ("placed",), {T.NEED_BY}, work)


def test_a_supplier_that_is_asked_ends_the_waiting_for_another() -> None:
    story = Story(borrowing(B.SOURCING), running={T.NEED_BY, T.RETRY})
    assert timers_set(story.ask("warsaw")) == {T.ANSWER}
    assert story.running == {T.NEED_BY, T.ANSWER}


def test_what_is_on_its_way_is_spoken_of() -> None:
    story = shipped_story()
    for day, kind in enumerate((K.SHIPPED, K.DUE_DATE_CHANGED, K.OVERDUE, K.RECALL, K.DAMAGED), 24):
        said = story.partner(kind, 1, due=date(2026, 4, day))
        assert (said.kept, story.state) == (False, B.SHIPPED)
        assert said.effects == ((SendPatronLetter("not-coming"),) if kind is K.RECALL else ())
    assert told(story.timer(T.CHASE)) == ((K.STATUS_QUERY, 1),)
    assert told(story.us(K.LOST)) == ((K.LOST, 1),)


def test_a_further_volume_is_lent_beside_the_first() -> None:
    story = lent_story()
    further = story.us(K.LOANED_TO_PATRON)
    assert (further.effects, story.state) == ((), B.LENT)


@pytest.mark.parametrize("place", [shipped_story, here_story])
def test_only_what_is_under_way_comes_to_the_pickup_place(place: Callable[[], Story]) -> None:
    assert place().no_us(K.AT_PICKUP).why is DenialReason.UNMET


def test_a_recalled_item_is_not_renewed_on_the_shelf() -> None:
    story = here_story()
    story.partner(K.RECALL, 1)
    assert story.no_us(K.RENEW).why is DenialReason.UNMET


@pytest.mark.parametrize("state", [B.REVIEW, B.RECEIVED, B.COMPLETED])
def test_what_no_letter_could_say_is_to_be_told(state: BorrowingState) -> None:
    story = Story(borrowing(state))
    assert story.no_us(K.PATRON_TOLD).why is DenialReason.UNMET
    unsaid = story.us(K.PATRON_NOT_TOLD)
    assert (unsaid.kept, unsaid.effects, RequestFlag.TO_TELL in story.request.flags) == (False, (), True)
    said = story.us(K.PATRON_TOLD)
    assert (said.kept, said.effects, RequestFlag.TO_TELL in story.request.flags) == (False, (), False)


# --- its return is put off -------------------------------------------------------------------------------


def test_an_item_that_the_lender_wants_kept_is_marked_until_it_says_otherwise() -> None:
    story = lent_story()
    story.partner(K.MESSAGE, note="Zostańcie przy tym jeszcze", return_on_hold=True)
    assert RequestFlag.RETURN_ON_HOLD in story.request.flags
    story.partner(K.MESSAGE, note="Dziękujemy")
    assert RequestFlag.RETURN_ON_HOLD in story.request.flags
    story.partner(K.MESSAGE, note="Prosimy o zwrot", return_on_hold=False)
    assert RequestFlag.RETURN_ON_HOLD not in story.request.flags


def test_an_item_that_we_can_not_send_back_for_now_is_marked_until_it_goes() -> None:
    story = lent_story()
    assert told(story.us(K.MESSAGE, note="Hochwasser", return_on_hold=True)) == ((K.MESSAGE, 1),)
    assert RequestFlag.RETURN_ON_HOLD in story.request.flags
    story.us(K.RETURNED_BY_PATRON)
    story.us(K.RETURNED)
    assert RequestFlag.RETURN_ON_HOLD not in story.request.flags
    before = asked_story()
    before.partner(K.MESSAGE, note="?", return_on_hold=True)
    assert RequestFlag.RETURN_ON_HOLD not in before.request.flags, "it isn't here yet"

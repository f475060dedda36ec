"""A lending request on every path, as examples: given, when, then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition, local_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    LendingState,
    PatronLink,
    RequestedService,
    RequestFlag,
    ServiceType,
    VolumeState,
)
from gateway.domain.requests.state_machine import (
    PartnerNotification,
    Transition,
    compute_transition,
    list_allowed_events,
    list_notifications,
)
from gateway.domain.requests.state_table import DenialReason, FollowUp, LibraryAction, TimerKind
from gateway.domain.requests.task_lists import list_task_names
from tests.support.requests import (
    DUE,
    START,
    Story,
    asked_story,
    borrowing,
    copy_of,
    event,
    follow_ups,
    in_volumes,
    lending,
    library_calls,
    sent_story,
    told,
    workflow,
)

L = LendingState


# --- the plain way ---------------------------------------------------------------------------------------


def test_a_loan_from_beginning_to_end() -> None:
    story = Story(lending())
    assert library_calls(story.us(EventKind.LOCATED, barcode="31000000000042")) == (LibraryAction.PLACE_HOLD,)
    assert told(story.us(EventKind.WILL_SUPPLY)) == ((EventKind.WILL_SUPPLY, 0),)
    assert told(story.us(EventKind.SHIPPED, due=DUE)) == ((EventKind.SHIPPED, 0),)
    assert (story.request.terms.lender_due, story.running) == (DUE, {TimerKind.LENDER_DUE})
    story.partner(EventKind.RECEIVED)
    story.partner(EventKind.RETURNED)
    assert story.state is L.RETURNED
    home = story.us(EventKind.CHECKED_IN)
    assert (told(home), library_calls(home)) == (((EventKind.CHECKED_IN, 0),), (LibraryAction.RETURN_HOME,))
    assert (story.state, story.running) == (L.COMPLETED, {TimerKind.ANONYMISE})


def test_a_scan_is_enough_when_the_borrower_did_not_say_that_it_comes() -> None:
    story = sent_story()
    story.us(EventKind.CHECKED_IN)
    assert story.state is L.COMPLETED


def digitised(**rules: object) -> Story:
    story = Story(copy_of(lending()), workflow(lending=rules))
    story.us(EventKind.LOCATED)
    assert story.state is L.DIGITISING
    story.us(EventKind.DIGITISED)
    return story


def test_a_copy_is_delivered_only_after_its_clearance() -> None:
    story = digitised()
    assert story.state is L.CLEARANCE
    assert story.no_us(EventKind.COPY_DELIVERED).why is DenialReason.NOT_NOW
    story.us(EventKind.CLEARED, reason="UrhG § 60e", note="bis 10 %")
    assert told(story.us(EventKind.COPY_DELIVERED, link="https://ill.example/c/1")) == ((EventKind.COPY_DELIVERED, 0),)
    assert story.state is L.COMPLETED
    assert [(one.basis, one.granted) for one in story.request.sign_offs] == [("UrhG § 60e", True)]


def test_who_made_a_copy_may_sign_it_off_unless_the_rule_asks_for_somebody_else() -> None:
    free = digitised()
    free.us(EventKind.CLEARED, reason="UrhG § 60e")
    assert free.state is L.CLEARED

    strict = digitised(clearance_by="somebody-else")
    assert "a different person signs it off" in strict.no_us(EventKind.CLEARED, reason="UrhG § 60e").detail
    by_another = replace(event(local_signal(EventKind.CLEARED), reason="UrhG § 60e"), actor="staff:ivo")
    done = compute_transition(strict.request, by_another, strict.workflow)
    assert isinstance(done, Transition)
    assert done.request.state is L.CLEARED


def test_a_copy_without_clearance_by_rule() -> None:
    story = digitised(clearance="not-required")
    story.us(EventKind.COPY_DELIVERED)
    assert (story.state, story.request.sign_offs) == (L.COMPLETED, ())


def test_a_copy_that_may_not_be_made() -> None:
    story = digitised()
    assert told(story.us(EventKind.CLEARANCE_REFUSED, reason="too many pages")) == ((EventKind.UNFILLED, 0),)
    assert story.request.sign_offs[0].granted is False


@pytest.mark.parametrize(
    "before", [(), (EventKind.WILL_SUPPLY,), (EventKind.LOCATED,), (EventKind.LOCATED, EventKind.DIGITISED)]
)
def test_a_copy_is_never_shipped_past_its_clearance(before: tuple[EventKind, ...]) -> None:
    story = Story(copy_of(lending()))
    for kind in before:
        story.us(kind)
    assert story.no_us(EventKind.SHIPPED).why in (DenialReason.UNMET, DenialReason.NOT_NOW)


def test_copy_or_loan_becomes_what_is_supplied() -> None:
    story = Story(lending(service=RequestedService(ServiceType.COPY_OR_LOAN)))
    story.us(EventKind.LOCATED, barcode="31000000000042")
    story.us(EventKind.DIGITISED)
    assert (story.state, story.request.service.type) == (L.CLEARANCE, ServiceType.COPY)


# --- not supplied ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state"),
    [(EventKind.UNFILLED, L.UNFILLED), (EventKind.RETRY, L.UNFILLED), (EventKind.FORWARDED, L.FORWARDED)],
)
def test_a_no(kind: EventKind, state: LendingState) -> None:
    story = Story(lending())
    story.us(EventKind.LOCATED)
    refused = story.us(kind, reason="on-loan", retry_after=date(2026, 4, 1))
    assert (told(refused), story.state) == (((kind, 0),), state)
    assert LibraryAction.RELEASE_HOLD in library_calls(refused)


def test_the_need_by_date_passes() -> None:
    story = Story(lending(), running={TimerKind.NEED_BY})
    assert told(story.timer(TimerKind.NEED_BY)) == ((EventKind.EXPIRED, 0),)
    assert story.state is L.EXPIRED


def test_a_hold_and_then_the_item() -> None:
    story = Story(lending())
    story.us(EventKind.HOLD_PLACED, expected=date(2026, 3, 30))
    assert story.state is L.HOLD_PLACED
    story.us(EventKind.SHIPPED, due=DUE)
    assert story.state is L.SHIPPED


def test_a_partner_that_knows_no_holds() -> None:
    story = Story(lending(), workflow(lending={"hold_placed": False}))
    assert story.no_us(EventKind.HOLD_PLACED).detail == (
        "In state 'new', 'hold-placed' is possible only if the partner accepts hold-placed messages."
    )


# --- conditions ------------------------------------------------------------------------------------------


def conditional() -> Story:
    story = Story(lending())
    story.us(EventKind.CONDITIONAL, conditions=(LoanCondition.SUPERVISED,))
    return story


def test_a_condition_is_accepted() -> None:
    story = conditional()
    story.partner(EventKind.CONDITION_ACCEPTED)
    assert (story.state, story.running) == (L.WILL_SUPPLY, set())


def test_a_condition_is_refused() -> None:
    story = conditional()
    assert told(story.partner(EventKind.CONDITION_REFUSED)) == ()
    assert story.state is L.UNFILLED


def test_a_condition_is_not_answered() -> None:
    story = conditional()
    assert told(story.timer(TimerKind.ANSWER)) == ((EventKind.EXPIRED, 0),)
    denied = story.no_partner(EventKind.CONDITION_ACCEPTED)
    assert denied.detail == "The request is closed (expired); 'condition-accepted' is not possible any more."


def test_a_condition_is_refused_after_we_went_on_without_waiting() -> None:
    story = conditional()
    story.us(EventKind.WILL_SUPPLY)
    story.partner(EventKind.CONDITION_REFUSED)
    assert story.state is L.UNFILLED


# --- cancelling ------------------------------------------------------------------------------------------


def test_a_cancellation_is_granted_by_rule() -> None:
    story = Story(lending())
    assert told(story.partner(EventKind.CANCEL)) == ((EventKind.CANCEL_ACCEPTED, 0),)
    assert story.state is L.CANCELLED


def test_a_cancellation_is_refused_by_rule() -> None:
    story = Story(lending(), workflow(lending={"cancel": "refuse"}))
    assert told(story.partner(EventKind.CANCEL)) == ((EventKind.CANCEL_REFUSED, 0),)
    assert story.state is L.NEW


def asked_to_cancel(*before: EventKind) -> Story:
    story = Story(lending(), workflow(lending={"cancel": "staff"}))
    for kind in before:
        story.us(kind, barcode="31000000000042")
    story.partner(EventKind.CANCEL)
    assert story.state is L.CANCEL_PENDING
    return story


def test_staff_grant_a_cancellation() -> None:
    assert told(asked_to_cancel().us(EventKind.CANCEL_ACCEPTED)) == ((EventKind.CANCEL_ACCEPTED, 0),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), L.NEW),
        ((EventKind.LOCATED,), L.LOCATED),
        ((EventKind.WILL_SUPPLY,), L.WILL_SUPPLY),
        ((EventKind.LOCATED, EventKind.WILL_SUPPLY), L.WILL_SUPPLY),
        ((EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED), L.HOLD_PLACED),
    ],
)
def test_staff_refuse_a_cancellation_and_go_on_where_they_were(
    before: tuple[EventKind, ...], after: LendingState
) -> None:
    story = asked_to_cancel(*before)
    assert told(story.us(EventKind.CANCEL_REFUSED)) == ((EventKind.CANCEL_REFUSED, 0),)
    assert story.state is after


def test_it_is_shipped_while_the_cancellation_waits() -> None:
    story = asked_to_cancel(EventKind.LOCATED)
    assert told(story.us(EventKind.SHIPPED, due=DUE)) == ((EventKind.SHIPPED, 0), (EventKind.CANCEL_REFUSED, 0))


def test_a_cancellation_crosses_the_shipping() -> None:
    story = sent_story()
    assert told(story.partner(EventKind.CANCEL)) == ((EventKind.CANCEL_REFUSED, 0),)
    assert story.state is L.SHIPPED


def test_a_cancellation_of_what_is_over_is_granted() -> None:
    story = Story(lending())
    story.us(EventKind.UNFILLED)
    assert told(story.partner(EventKind.CANCEL)) == ((EventKind.CANCEL_ACCEPTED, 0),)


# --- the loan's time -------------------------------------------------------------------------------------


def test_a_renewal_is_granted() -> None:
    story = sent_story()
    assert follow_ups(story.partner(EventKind.RENEW)) == (FollowUp.DECIDE_RENEWAL,)
    granted = story.us(EventKind.RENEW_ACCEPTED, due=date(2026, 5, 8))
    assert (told(granted), library_calls(granted)) == (
        ((EventKind.RENEW_ACCEPTED, 0),),
        (LibraryAction.SET_LENDER_DUE,),
    )
    assert (story.request.terms.lender_due, story.request.flags) == (date(2026, 5, 8), frozenset())


def test_a_renewal_is_refused() -> None:
    story = sent_story()
    story.partner(EventKind.RENEW)
    assert told(story.us(EventKind.RENEW_REFUSED, reason="has-requests")) == ((EventKind.RENEW_REFUSED, 0),)


def test_a_renewal_that_nobody_asked_for_cannot_be_granted() -> None:
    assert sent_story().no_us(EventKind.RENEW_ACCEPTED).conditions == ("a renewal request is open",)


def test_overdue() -> None:
    story = sent_story()
    assert told(story.timer(TimerKind.LENDER_DUE)) == ((EventKind.OVERDUE, 0),)
    assert RequestFlag.OVERDUE in story.request.flags


def test_a_recall_ends_an_open_renewal_and_refuses_the_next() -> None:
    story = sent_story()
    story.partner(EventKind.RENEW)
    recalled = story.us(EventKind.RECALL, due=date(2026, 3, 20))
    assert (told(recalled), library_calls(recalled)) == (((EventKind.RECALL, 0),), (LibraryAction.RECALL_LOAN,))
    assert story.no_us(EventKind.RENEW_ACCEPTED).why is DenialReason.UNMET
    assert told(story.partner(EventKind.RENEW)) == ((EventKind.RENEW_REFUSED, 0),)
    assert story.request.flags == {RequestFlag.RECALLED}


def test_a_due_date_changes_without_a_request() -> None:
    story = sent_story()
    assert told(story.us(EventKind.DUE_DATE_CHANGED, due=date(2026, 4, 24))) == ((EventKind.DUE_DATE_CHANGED, 0),)


def test_a_renewal_comes_after_the_return() -> None:
    story = sent_story()
    story.partner(EventKind.RETURNED)
    assert (
        story.no_partner(EventKind.RENEW).detail == "'renew' is not possible while the request is in state 'returned'."
    )


# --- lost, damaged ---------------------------------------------------------------------------------------


def test_we_miss_it_and_find_it_on_our_shelf() -> None:
    story = sent_story()
    assert told(story.us(EventKind.LOST)) == ((EventKind.LOST, 0),)
    assert story.state is L.LOST
    assert told(story.us(EventKind.CHECKED_IN)) == ((EventKind.CHECKED_IN, 0),)
    assert (story.state, story.request.volumes[0].state) == (L.COMPLETED, VolumeState.CHECKED_IN)


def test_the_borrower_loses_it_and_finds_it_again() -> None:
    story = sent_story()
    assert library_calls(story.partner(EventKind.LOST)) == (LibraryAction.MARK_LOST,)
    story.partner(EventKind.RETURNED)
    assert (story.state, TimerKind.ANONYMISE in story.running) == (L.RETURNED, False)
    story.us(EventKind.CHECKED_IN)
    assert story.state is L.COMPLETED


def test_damage_is_seen_after_check_in() -> None:
    story = sent_story()
    story.us(EventKind.CHECKED_IN)
    assert told(story.us(EventKind.DAMAGED, note="brak okładki")) == ((EventKind.DAMAGED, 0),)


# --- volumes, talk, afterwards ---------------------------------------------------------------------------


def test_volumes_come_back_one_by_one() -> None:
    story = sent_story(in_volumes(lending(), 2))
    story.partner(EventKind.RETURNED, volumes=("1",))
    assert story.state is L.SHIPPED
    story.us(EventKind.CHECKED_IN, volumes=("1",))
    assert story.state is L.SHIPPED
    story.partner(EventKind.RETURNED, volumes=("2",))
    story.us(EventKind.CHECKED_IN, volumes=("2",))
    assert story.state is L.COMPLETED


def test_volumes_that_the_partner_counts_in_its_own_way_are_all_of_them() -> None:
    story = sent_story()
    returned = story.partner(EventKind.RETURNED, volumes=("band-1",))
    assert story.state is L.RETURNED
    assert returned.event.details.volumes == ("band-1",)


def test_volumes_of_its_own_do_not_make_an_event_fit() -> None:
    denied = Story(lending()).no_partner(EventKind.SHIPPED, volumes=("band-1",))
    assert denied.detail == "There is no 'shipped' by the partner on this side of a request."


def test_a_question_about_the_state() -> None:
    assert follow_ups(sent_story().partner(EventKind.STATUS_QUERY)) == (FollowUp.REPORT_STATUS,)


def test_the_patron_of_a_loan_to_requester_is_forgotten() -> None:
    story = sent_story(lending(direct_patron=PatronLink(id="x-9", category="visitor")))
    story.us(EventKind.CHECKED_IN)
    story.timer(TimerKind.ANONYMISE)
    assert story.request.direct_patron == PatronLink(category="visitor")


def test_an_event_of_the_other_side_does_not_exist_here() -> None:
    denied = Story(lending()).no_us(EventKind.APPROVE)
    assert (denied.why, denied.detail) == (DenialReason.NEVER, "There is no 'approve' by us on this side of a request.")


def test_what_staff_may_do_follows_the_table_and_the_workflow() -> None:
    note = event(local_signal(EventKind.NOTE), START)
    new = list_allowed_events(lending(), Workflow(), note)
    assert {EventKind.LOCATED, EventKind.UNFILLED, EventKind.SHIPPED, EventKind.CONDITIONAL} <= set(new)
    assert EventKind.CHECKED_IN not in new
    plain = list_allowed_events(lending(), workflow(lending={"conditional": False}), note)
    assert set(new) - set(plain) == {EventKind.CONDITIONAL}


def test_before_an_act_it_is_said_who_would_be_told() -> None:
    note = event(local_signal(EventKind.NOTE), START)
    assert list_notifications(lending(), EventKind.CONDITIONAL, Workflow(), note) == (
        PartnerNotification(EventKind.CONDITIONAL),
    )
    assert list_notifications(lending(), EventKind.CONDITIONAL, workflow(lending={"conditional": False}), note) == ()
    assert list_notifications(lending(), EventKind.LOCATED, Workflow(), note) == ()
    assert list_notifications(lending(), EventKind.CHECKED_IN, Workflow(), note) == ()
    here = asked_story(borrowing())
    assert list_notifications(here.request, EventKind.RECEIVED, Workflow(), note) == (
        PartnerNotification(EventKind.RECEIVED, 1),
        PartnerNotification(EventKind.AT_PICKUP, 1),
    )


def test_a_transition_tells_what_happened_and_what_was_before() -> None:
    story = Story(lending())
    located = story.us(EventKind.LOCATED, barcode="31")
    assert (located.before, located.changes_state) == (L.NEW, True)
    assert (located.event.signal, located.event.details.barcode) == (local_signal(EventKind.LOCATED), "31")
    noted = story.us(EventKind.NOTE, note="auf Bestellung")
    assert (noted.before, noted.changes_state) == (L.LOCATED, False)


# --- on its way back -------------------------------------------------------------------------------------


def test_what_was_sent_back_and_does_not_come_is_on_a_list_and_nobody_is_told() -> None:
    story = sent_story()
    story.partner(EventKind.RETURNED)
    assert story.running == {TimerKind.RETURN}
    late = story.timer(TimerKind.RETURN)
    assert (story.state, told(late), late.effects) == (L.RETURNED, (), ())
    assert list_task_names(story.request) == ("to-check-in", "return-late")
    story.us(EventKind.CHECKED_IN)
    assert (story.running, list_task_names(story.request)) == ({TimerKind.ANONYMISE}, ())


def test_what_comes_in_time_is_not_looked_for() -> None:
    story = sent_story()
    story.partner(EventKind.RETURNED)
    story.us(EventKind.CHECKED_IN)
    assert story.late_timer(EventKind.RETURN_LATE).kept

"""A lending request on every path, as examples: given, when, then."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.requests.events import Condition, Kind, by_us
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import Flag, Lending, PatronLink, Service, ServiceType, VolumeState
from gateway.domain.requests.state_machine import allowed
from gateway.domain.requests.state_table import Follow, Library, Timer, Why
from tests.support.requests import (
    DUE,
    START,
    Story,
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

L = Lending


# --- the plain way ---------------------------------------------------------------------------------------


def test_a_loan_from_beginning_to_end() -> None:
    story = Story(lending())
    assert library_calls(story.us(Kind.LOCATED, barcode="31000000000042")) == (Library.PLACE_HOLD,)
    assert told(story.us(Kind.WILL_SUPPLY)) == ((Kind.WILL_SUPPLY, 0),)
    assert told(story.us(Kind.SHIPPED, due=DUE)) == ((Kind.SHIPPED, 0),)
    assert (story.request.terms.lender_due, story.running) == (DUE, {Timer.LENDER_DUE})
    story.partner(Kind.RECEIVED)
    story.partner(Kind.RETURNED)
    assert story.state is L.RETURNED
    home = story.us(Kind.CHECKED_IN)
    assert (told(home), library_calls(home)) == (((Kind.CHECKED_IN, 0),), (Library.RETURN_HOME,))
    assert (story.state, story.running) == (L.COMPLETED, {Timer.ANONYMISE})


def test_a_scan_is_enough_when_the_borrower_did_not_say_that_it_comes() -> None:
    story = sent_story()
    story.us(Kind.CHECKED_IN)
    assert story.state is L.COMPLETED


def digitised(**rules: object) -> Story:
    story = Story(copy_of(lending()), workflow(lending=rules))
    story.us(Kind.LOCATED)
    assert story.state is L.DIGITISING
    story.us(Kind.DIGITISED)
    return story


def test_a_copy_is_delivered_only_after_its_clearance() -> None:
    story = digitised()
    assert story.state is L.CLEARANCE
    assert story.no_us(Kind.COPY_DELIVERED).why is Why.NOT_NOW
    story.us(Kind.CLEARED, reason="UrhG § 60e", note="bis 10 %")
    assert told(story.us(Kind.COPY_DELIVERED, link="https://ill.example/c/1")) == ((Kind.COPY_DELIVERED, 0),)
    assert story.state is L.COMPLETED
    assert [(one.basis, one.granted) for one in story.request.sign_offs] == [("UrhG § 60e", True)]


def test_a_copy_without_clearance_by_rule() -> None:
    story = digitised(clearance="not-required")
    story.us(Kind.COPY_DELIVERED)
    assert (story.state, story.request.sign_offs) == (L.COMPLETED, ())


def test_a_copy_that_may_not_be_made() -> None:
    story = digitised()
    assert told(story.us(Kind.CLEARANCE_REFUSED, reason="too many pages")) == ((Kind.UNFILLED, 0),)
    assert story.request.sign_offs[0].granted is False


@pytest.mark.parametrize("before", [(), (Kind.WILL_SUPPLY,), (Kind.LOCATED,), (Kind.LOCATED, Kind.DIGITISED)])
def test_a_copy_is_never_shipped_past_its_clearance(before: tuple[Kind, ...]) -> None:
    story = Story(copy_of(lending()))
    for kind in before:
        story.us(kind)
    assert story.no_us(Kind.SHIPPED).why in (Why.UNMET, Why.NOT_NOW)


def test_copy_or_loan_becomes_what_is_supplied() -> None:
    story = Story(lending(service=Service(ServiceType.COPY_OR_LOAN)))
    story.us(Kind.LOCATED, barcode="31000000000042")
    story.us(Kind.DIGITISED)
    assert (story.state, story.request.service.type) == (L.CLEARANCE, ServiceType.COPY)


# --- not supplied ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state"),
    [(Kind.UNFILLED, L.UNFILLED), (Kind.RETRY, L.UNFILLED), (Kind.FORWARDED, L.FORWARDED)],
)
def test_a_no(kind: Kind, state: Lending) -> None:
    story = Story(lending())
    story.us(Kind.LOCATED)
    refused = story.us(kind, reason="on-loan", retry_after=date(2026, 4, 1))
    assert (told(refused), story.state) == (((kind, 0),), state)
    assert Library.RELEASE_HOLD in library_calls(refused)


def test_the_need_by_date_passes() -> None:
    story = Story(lending(), running={Timer.NEED_BY})
    assert told(story.timer(Timer.NEED_BY)) == ((Kind.EXPIRED, 0),)
    assert story.state is L.EXPIRED


def test_a_hold_and_then_the_item() -> None:
    story = Story(lending())
    story.us(Kind.HOLD_PLACED, expected=date(2026, 3, 30))
    assert story.state is L.HOLD_PLACED
    story.us(Kind.SHIPPED, due=DUE)
    assert story.state is L.SHIPPED


def test_a_partner_that_knows_no_holds() -> None:
    story = Story(lending(), workflow(lending={"hold_placed": False}))
    assert story.no_us(Kind.HOLD_PLACED).detail == (
        "In state 'new', 'hold-placed' is possible only if the partner takes hold-placed."
    )


# --- conditions ------------------------------------------------------------------------------------------


def conditional() -> Story:
    story = Story(lending())
    story.us(Kind.CONDITIONAL, conditions=(Condition.SUPERVISED,))
    return story


def test_a_condition_is_accepted() -> None:
    story = conditional()
    story.partner(Kind.CONDITION_ACCEPTED)
    assert (story.state, story.running) == (L.WILL_SUPPLY, set())


def test_a_condition_is_refused() -> None:
    story = conditional()
    assert told(story.partner(Kind.CONDITION_REFUSED)) == ()
    assert story.state is L.UNFILLED


def test_a_condition_is_not_answered() -> None:
    story = conditional()
    assert told(story.timer(Timer.ANSWER)) == ((Kind.EXPIRED, 0),)
    denied = story.no_partner(Kind.CONDITION_ACCEPTED)
    assert denied.detail == "The request is closed (expired); 'condition-accepted' is not possible any more."


def test_a_condition_is_refused_after_we_went_on_without_waiting() -> None:
    story = conditional()
    story.us(Kind.WILL_SUPPLY)
    story.partner(Kind.CONDITION_REFUSED)
    assert story.state is L.UNFILLED


# --- cancelling ------------------------------------------------------------------------------------------


def test_a_cancellation_is_granted_by_rule() -> None:
    story = Story(lending())
    assert told(story.partner(Kind.CANCEL)) == ((Kind.CANCEL_ACCEPTED, 0),)
    assert story.state is L.CANCELLED


def test_a_cancellation_is_refused_by_rule() -> None:
    story = Story(lending(), workflow(lending={"cancel": "refuse"}))
    assert told(story.partner(Kind.CANCEL)) == ((Kind.CANCEL_REFUSED, 0),)
    assert story.state is L.NEW


def asked_to_cancel(*before: Kind) -> Story:
    story = Story(lending(), workflow(lending={"cancel": "staff"}))
    for kind in before:
        story.us(kind, barcode="31000000000042")
    story.partner(Kind.CANCEL)
    assert story.state is L.CANCEL_PENDING
    return story


def test_staff_grant_a_cancellation() -> None:
    assert told(asked_to_cancel().us(Kind.CANCEL_ACCEPTED)) == ((Kind.CANCEL_ACCEPTED, 0),)


@pytest.mark.parametrize(("before", "after"), [((), L.NEW), ((Kind.LOCATED,), L.LOCATED)])
def test_staff_refuse_a_cancellation_and_go_on_where_they_were(before: tuple[Kind, ...], after: Lending) -> None:
    story = asked_to_cancel(*before)
    assert told(story.us(Kind.CANCEL_REFUSED)) == ((Kind.CANCEL_REFUSED, 0),)
    assert story.state is after


def test_it_is_shipped_while_the_cancellation_waits() -> None:
    story = asked_to_cancel(Kind.LOCATED)
    assert told(story.us(Kind.SHIPPED, due=DUE)) == ((Kind.SHIPPED, 0), (Kind.CANCEL_REFUSED, 0))


def test_a_cancellation_crosses_the_shipping() -> None:
    story = sent_story()
    assert told(story.partner(Kind.CANCEL)) == ((Kind.CANCEL_REFUSED, 0),)
    assert story.state is L.SHIPPED


def test_a_cancellation_of_what_is_over_is_granted() -> None:
    story = Story(lending())
    story.us(Kind.UNFILLED)
    assert told(story.partner(Kind.CANCEL)) == ((Kind.CANCEL_ACCEPTED, 0),)


# --- the loan's time -------------------------------------------------------------------------------------


def test_a_renewal_is_granted() -> None:
    story = sent_story()
    assert follow_ups(story.partner(Kind.RENEW)) == (Follow.DECIDE_RENEWAL,)
    granted = story.us(Kind.RENEW_ACCEPTED, due=date(2026, 5, 8))
    assert (told(granted), library_calls(granted)) == (((Kind.RENEW_ACCEPTED, 0),), (Library.SET_LENDER_DUE,))
    assert (story.request.terms.lender_due, story.request.flags) == (date(2026, 5, 8), frozenset())


def test_a_renewal_is_refused() -> None:
    story = sent_story()
    story.partner(Kind.RENEW)
    assert told(story.us(Kind.RENEW_REFUSED, reason="has-requests")) == ((Kind.RENEW_REFUSED, 0),)


def test_a_renewal_that_nobody_asked_for_cannot_be_granted() -> None:
    assert sent_story().no_us(Kind.RENEW_ACCEPTED).conditions == ("a renewal is open",)


def test_overdue() -> None:
    story = sent_story()
    assert told(story.timer(Timer.LENDER_DUE)) == ((Kind.OVERDUE, 0),)
    assert Flag.OVERDUE in story.request.flags


def test_a_recall_ends_an_open_renewal_and_refuses_the_next() -> None:
    story = sent_story()
    story.partner(Kind.RENEW)
    recalled = story.us(Kind.RECALL, due=date(2026, 3, 20))
    assert (told(recalled), library_calls(recalled)) == (((Kind.RECALL, 0),), (Library.RECALL_LOAN,))
    assert story.no_us(Kind.RENEW_ACCEPTED).why is Why.UNMET
    assert told(story.partner(Kind.RENEW)) == ((Kind.RENEW_REFUSED, 0),)
    assert story.request.flags == {Flag.RECALLED}


def test_a_due_date_changes_without_a_request() -> None:
    story = sent_story()
    assert told(story.us(Kind.DUE_DATE_CHANGED, due=date(2026, 4, 24))) == ((Kind.DUE_DATE_CHANGED, 0),)


def test_a_renewal_comes_after_the_return() -> None:
    story = sent_story()
    story.partner(Kind.RETURNED)
    assert story.no_partner(Kind.RENEW).detail == "'renew' is not possible while the request is in state 'returned'."


# --- lost, damaged ---------------------------------------------------------------------------------------


def test_we_miss_it_and_find_it_on_our_shelf() -> None:
    story = sent_story()
    assert told(story.us(Kind.LOST)) == ((Kind.LOST, 0),)
    assert story.state is L.LOST
    assert told(story.us(Kind.CHECKED_IN)) == ((Kind.CHECKED_IN, 0),)
    assert (story.state, story.request.volumes[0].state) == (L.COMPLETED, VolumeState.CHECKED_IN)


def test_the_borrower_loses_it_and_finds_it_again() -> None:
    story = sent_story()
    assert library_calls(story.partner(Kind.LOST)) == (Library.MARK_LOST,)
    story.partner(Kind.RETURNED)
    assert (story.state, Timer.ANONYMISE in story.running) == (L.RETURNED, False)
    story.us(Kind.CHECKED_IN)
    assert story.state is L.COMPLETED


def test_damage_is_seen_after_check_in() -> None:
    story = sent_story()
    story.us(Kind.CHECKED_IN)
    assert told(story.us(Kind.DAMAGED, note="brak okładki")) == ((Kind.DAMAGED, 0),)


# --- volumes, talk, afterwards ---------------------------------------------------------------------------


def test_volumes_come_back_one_by_one() -> None:
    story = sent_story(in_volumes(lending(), 2))
    story.partner(Kind.RETURNED, volumes=("1",))
    assert story.state is L.SHIPPED
    story.us(Kind.CHECKED_IN, volumes=("1",))
    assert story.state is L.SHIPPED
    story.partner(Kind.RETURNED, volumes=("2",))
    story.us(Kind.CHECKED_IN, volumes=("2",))
    assert story.state is L.COMPLETED


def test_volumes_that_the_partner_counts_in_its_own_way_are_all_of_them() -> None:
    story = sent_story()
    returned = story.partner(Kind.RETURNED, volumes=("band-1",))
    assert story.state is L.RETURNED
    assert returned.event.details.volumes == ("band-1",)


def test_a_question_about_the_state() -> None:
    assert follow_ups(sent_story().partner(Kind.STATUS_QUERY)) == (Follow.REPORT_STATUS,)


def test_the_patron_of_a_loan_to_requester_is_forgotten() -> None:
    story = sent_story(lending(direct_patron=PatronLink(id="x-9", category="visitor")))
    story.us(Kind.CHECKED_IN)
    story.timer(Timer.ANONYMISE)
    assert story.request.direct_patron == PatronLink(category="visitor")


def test_an_event_of_the_other_side_does_not_exist_here() -> None:
    denied = Story(lending()).no_us(Kind.APPROVE)
    assert (denied.why, denied.detail) == (Why.NEVER, "There is no 'approve' by us on this side of a request.")


def test_what_staff_may_do_follows_the_table_and_the_workflow() -> None:
    note = event(by_us(Kind.NOTE), START)
    new = allowed(lending(), Workflow(), note)
    assert {Kind.LOCATED, Kind.UNFILLED, Kind.SHIPPED, Kind.CONDITIONAL} <= set(new)
    assert Kind.CHECKED_IN not in new
    plain = allowed(lending(), workflow(lending={"conditional": False}), note)
    assert set(new) - set(plain) == {Kind.CONDITIONAL}

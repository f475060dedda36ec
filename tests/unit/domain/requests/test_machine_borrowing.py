"""A borrowing request on every path, as examples: given, when, then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition, RequestEnding
from gateway.domain.requests.patron_status import PatronStatus, status_of_request
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    OtherLeg,
    PatronLink,
    RequestedService,
    RequestFlag,
    ServiceType,
    VolumeState,
)
from gateway.domain.requests.request_figures import RequestOutcome, SupplyMoments, list_request_figures
from gateway.domain.requests.request_messages import is_message_to_read
from gateway.domain.requests.state_table import DenialReason, FollowUp, LibraryAction, TimerKind
from gateway.domain.requests.task_lists import list_task_names
from tests.support.requests import (
    DUE,
    Story,
    asked_story,
    borrowing,
    copy_of,
    follow_ups,
    in_volumes,
    lent_story,
    letters,
    library_calls,
    money,
    shipped_story,
    timers_set,
    told,
    workflow,
)

B, A = BorrowingState, AttemptStatus


# --- the plain way ---------------------------------------------------------------------------------------


def test_a_loan_from_beginning_to_end() -> None:
    story = Story(borrowing(mediated=True))
    assert letters(story.us(EventKind.SUBMIT)) == ("placed",)
    assert story.state is B.REVIEW
    assert follow_ups(story.us(EventKind.APPROVE)) == (FollowUp.FIND_SUPPLIER,)
    assert told(story.ask("warsaw")) == ((EventKind.REQUEST, 1),)
    story.partner(EventKind.WILL_SUPPLY, 1)
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    received = story.us(EventKind.RECEIVED)
    assert told(received) == ((EventKind.RECEIVED, 1), (EventKind.AT_PICKUP, 1))
    assert letters(received) == ("available",)
    story.us(EventKind.LOANED_TO_PATRON)
    assert story.request.terms.lender_due == DUE
    story.us(EventKind.RETURNED_BY_PATRON)
    returned = story.us(EventKind.RETURNED)
    assert told(returned) == ((EventKind.RETURNED, 1),)
    assert library_calls(returned) == (LibraryAction.DELETE_TEMPORARY,)
    story.partner(EventKind.CHECKED_IN, 1)
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED,))
    assert story.running == {TimerKind.ANONYMISE}


def test_a_copy_by_link_is_ready_at_once() -> None:
    story = asked_story(copy_of(borrowing()))
    ready = story.partner(EventKind.COPY_DELIVERED, 1, link="https://warsaw.example/c/8", cost=money("4.00"))
    assert (story.state, letters(ready)) == (B.COMPLETED, ("copy-ready",))
    assert story.request.costs.charged == money("4.00")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"link": "https://warsaw.example/c/8"}, B.COMPLETED),
        ({"link": "https://warsaw.example/c/8", "barcode": "W-17"}, B.SHIPPED),  # the link is about a piece
        ({"note": "sent by e-mail"}, B.SHIPPED),  # nothing is here that a patron could open
    ],
)
def test_a_copy_that_is_lent_by_link_is_delivered(said: dict[str, str], state: BorrowingState) -> None:
    story = asked_story(copy_of(borrowing()))
    heard = story.partner(EventKind.SHIPPED, 1, due=DUE, **said)
    assert (story.state, "copy-ready" in letters(heard)) == (state, state is B.COMPLETED)


def test_a_loan_with_a_link_is_on_its_way() -> None:
    story = asked_story(borrowing())
    story.partner(EventKind.SHIPPED, 1, due=DUE, link="https://warsaw.example/parcel/8")
    assert story.state is B.SHIPPED


def test_a_copy_on_paper_never_goes_back() -> None:
    story = asked_story(copy_of(borrowing()))
    story.partner(EventKind.COPY_DELIVERED, 1)
    assert story.state is B.SHIPPED
    assert story.no_us(EventKind.RETURNED).why is DenialReason.UNMET
    story.us(EventKind.RECEIVED)
    assert story.state is B.COMPLETED


def test_a_copy_that_comes_before_its_message_ends_with_its_supplier_too() -> None:
    story = asked_story(copy_of(borrowing()))
    story.us(EventKind.RECEIVED)
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED,))
    story.partner(EventKind.COPY_DELIVERED, 1)
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED,))


def test_an_item_that_comes_without_a_word_is_received_and_its_due_date_follows() -> None:
    story = asked_story()
    story.us(EventKind.RECEIVED)
    assert (story.state, story.statuses) == (B.RECEIVED, (A.SHIPPED,))
    story.us(EventKind.LOANED_TO_PATRON)
    late = story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert story.request.terms.lender_due == DUE
    assert library_calls(late) == (LibraryAction.SET_DUE_DATE,)


def test_a_shipping_notice_again_changes_no_date_of_a_renewed_loan() -> None:
    story = lent_story()
    story.us(EventKind.RENEW)
    story.partner(EventKind.RENEW_ACCEPTED, 1, due=date(2026, 5, 8))
    again = story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert again.kept
    assert story.request.terms.lender_due == date(2026, 5, 8)


# --- not supplied ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (EventKind.UNFILLED, A.UNFILLED),
        (EventKind.RETRY, A.RETRY),
        (EventKind.EXPIRED, A.EXPIRED),
        (EventKind.REJECTED, A.REJECTED),
        (EventKind.CANCEL_ACCEPTED, A.CANCELLED),
    ],
)
def test_unfilled_then_the_next_supplier(answer: EventKind, status: AttemptStatus) -> None:
    story = asked_story()
    assert follow_ups(story.partner(answer, 1)) == (FollowUp.FIND_SUPPLIER,)
    story.ask("kyoto")
    assert (story.state, story.statuses) == (B.REQUESTED, (status, A.ASKED))


def test_no_answer_then_the_next_supplier_and_the_first_is_told() -> None:
    story = asked_story()
    assert told(story.timer(TimerKind.ANSWER)) == ((EventKind.CANCEL, 1),)
    assert (story.state, story.statuses) == (B.SOURCING, (A.NO_ANSWER,))


def test_nobody_left_and_asked_again_on_the_retry_day() -> None:
    story = asked_story()
    story.partner(EventKind.RETRY, 1, retry_after=date(2026, 3, 20))
    assert letters(story.us(EventKind.NO_SUPPLIER)) == ("not-supplied-yet",)
    assert follow_ups(story.timer(TimerKind.RETRY)) == (FollowUp.FIND_SUPPLIER,)
    assert story.state is B.SOURCING


def test_nobody_left_and_staff_close_it() -> None:
    story = asked_story()
    story.partner(EventKind.UNFILLED, 1)
    story.us(EventKind.NO_SUPPLIER)
    assert letters(story.us(EventKind.CLOSE)) == ("not-supplied",)
    assert story.state is B.UNFILLED


@pytest.mark.parametrize(
    ("ending", "state", "letter", "outcome"),
    [
        (RequestEnding.OWN_STOCK, B.CANCELLED, "closed", RequestOutcome.CANCELLED),
        (RequestEnding.OBTAINED_ELSEWHERE, B.CANCELLED, "closed", RequestOutcome.CANCELLED),
        (RequestEnding.DUPLICATE, B.CANCELLED, "closed", RequestOutcome.CANCELLED),
        (RequestEnding.NOT_NEEDED, B.CANCELLED, "closed", RequestOutcome.CANCELLED),
        (RequestEnding.NOT_AVAILABLE, B.UNFILLED, "not-supplied", RequestOutcome.UNFILLED),
    ],
)
def test_staff_say_how_it_ends(
    ending: RequestEnding, state: BorrowingState, letter: str, outcome: RequestOutcome
) -> None:
    """What isn't a refusal of all libraries doesn't count as one, and the patron reads which it was."""
    story = Story(borrowing(B.REVIEW))
    assert letters(story.us(EventKind.CLOSE, ending=ending)) == (letter,)
    assert (story.state, story.request.ending) == (state, ending)
    said = status_of_request(story.request)
    assert (said.status, said.word) == (PatronStatus.ENDED, f"ended-{ending.value}")
    (figure,) = list_request_figures(story.request, SupplyMoments())
    assert (figure.outcome, figure.reason) == (outcome, ending.value)

    story.us(EventKind.REOPEN)
    assert story.request.ending is None
    (figure,) = list_request_figures(story.request, SupplyMoments())
    assert (figure.outcome, figure.reason) == (RequestOutcome.OPEN, "")
    assert status_of_request(story.request).word == "borrowing-review"


def test_an_ending_is_said_of_nothing_that_a_supplier_has_in_hand() -> None:
    """A cancellation that staff give up, a loan that has gone back and what we broker end as they did."""
    story = cancelling()
    assert letters(story.us(EventKind.CLOSE)) == ("cancelled",)
    assert (story.state, story.request.ending) == (B.CANCELLED, None)
    brokered = Story(borrowing(B.NO_SUPPLIER, other_leg=OtherLeg(request_id="l-1", number="L2026-00001")))
    brokered.us(EventKind.CLOSE, ending=RequestEnding.OWN_STOCK)
    assert (brokered.state, brokered.request.ending) == (B.UNFILLED, None)


def test_what_comes_after_it_was_closed_has_not_ended_so() -> None:
    story = asked_story()
    story.partner(EventKind.UNFILLED, 1)
    story.us(EventKind.CLOSE, ending=RequestEnding.NOT_AVAILABLE)
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert (story.state, story.request.ending) == (B.SHIPPED, None)


def test_a_closed_request_is_reopened() -> None:
    story = asked_story()
    story.partner(EventKind.UNFILLED, 1)
    story.us(EventKind.CLOSE)
    story.us(EventKind.REOPEN, need_by=date(2026, 6, 1))
    assert story.state is B.REVIEW
    assert story.request.dates.need_by == date(2026, 6, 1)
    assert TimerKind.ANONYMISE not in story.running


def test_an_older_promise_does_not_revive_a_refusal() -> None:
    story = asked_story()
    story.partner(EventKind.UNFILLED, 1)
    assert story.no_partner(EventKind.WILL_SUPPLY, 1).why is DenialReason.CONTRARY
    assert story.statuses == (A.UNFILLED,)


# --- hold, condition -------------------------------------------------------------------------------------


def test_a_hold_is_waited_for_and_asked_about() -> None:
    story = asked_story()
    story.partner(EventKind.HOLD_PLACED, 1, expected=date(2026, 3, 30))
    assert told(story.timer(TimerKind.CHASE)) == ((EventKind.STATUS_QUERY, 1),)
    assert RequestFlag.CHASED in story.request.flags
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert (story.state, RequestFlag.CHASED in story.request.flags) == (B.SHIPPED, False)


def conditional() -> Story:
    story = asked_story()
    story.partner(EventKind.CONDITIONAL, 1, conditions=(LoanCondition.LIBRARY_USE_ONLY,), cost=money("9.00"))
    return story


def test_a_condition_is_accepted() -> None:
    story = conditional()
    assert told(story.us(EventKind.CONDITION_ACCEPTED)) == ((EventKind.CONDITION_ACCEPTED, 1),)
    assert (story.state, story.statuses) == (B.WILL_SUPPLY, (A.WILL_SUPPLY,))
    assert story.request.terms.conditions == (LoanCondition.LIBRARY_USE_ONLY,)
    assert TimerKind.ANSWER not in story.running


def test_a_refused_condition_does_not_bind_the_next_supplier() -> None:
    story = conditional()
    assert told(story.us(EventKind.CONDITION_REFUSED)) == ((EventKind.CONDITION_REFUSED, 1),)
    story.ask("kyoto")
    assert story.request.terms.conditions == ()
    assert story.request.costs.agreed is None


def test_a_condition_that_nobody_answers_is_refused() -> None:
    story = conditional()
    assert told(story.timer(TimerKind.ANSWER)) == ((EventKind.CONDITION_REFUSED, 1),)
    assert (story.state, story.statuses) == (B.SOURCING, (A.CONDITION_REFUSED,))


def test_the_patron_is_asked_and_does_not_answer() -> None:
    story = conditional()
    assert letters(story.us(EventKind.PATRON_ASKED, query="q1", reason="cost", note="Dziewięć euro?")) == ("query",)
    assert follow_ups(story.timer(TimerKind.QUERY)) == (FollowUp.PATRON_ANSWER,)
    assert story.request.query is not None
    assert story.request.query.answer == "no"


def test_only_an_open_question_is_answered_and_only_once() -> None:
    story = conditional()
    assert story.no_us(EventKind.PATRON_ANSWERED, answer="yes").why is DenialReason.UNMET
    story.us(EventKind.PATRON_ASKED, query="q1", reason="cost", note="Dziewięć euro?")
    story.us(EventKind.PATRON_ASKED, query="q2", reason="edition", note="Czy wydanie z 1966 wystarczy?")
    assert story.no_us(EventKind.PATRON_ANSWERED, query="q1", answer="yes").why is DenialReason.UNMET
    answered = story.us(EventKind.PATRON_ANSWERED, query="q2", answer="yes")
    assert follow_ups(answered) == (FollowUp.PATRON_ANSWER,)
    assert story.no_us(EventKind.PATRON_ANSWERED, query="q2", answer="no").why is DenialReason.UNMET
    assert story.late_timer(EventKind.PATRON_ANSWERED).kept


# --- cancelling ------------------------------------------------------------------------------------------


def cancelling(**rules: object) -> Story:
    story = asked_story(workflow=workflow(borrowing=rules))
    story.partner(EventKind.WILL_SUPPLY, 1)
    story.us(EventKind.CANCEL)
    return story


def test_a_cancellation_is_granted() -> None:
    story = cancelling()
    assert story.state is B.CANCEL_PENDING
    assert letters(story.partner(EventKind.CANCEL_ACCEPTED, 1)) == ("cancelled",)
    assert (story.state, story.statuses) == (B.CANCELLED, (A.CANCELLED,))


def test_a_cancellation_is_refused_and_the_supplier_goes_on() -> None:
    story = cancelling()
    story.partner(EventKind.CANCEL_REFUSED, 1)
    assert (story.state, RequestFlag.UNWANTED in story.request.flags) == (B.WILL_SUPPLY, True)


def test_a_patron_hears_of_a_refused_cancellation() -> None:
    story = cancelling()
    pending = status_of_request(story.request)
    assert (pending.status, pending.word) == (PatronStatus.ORDERED, "borrowing-cancel-pending")

    assert letters(story.partner(EventKind.CANCEL_REFUSED, 1, reason="other")) == ("cancel-refused",)
    refused = status_of_request(story.request)
    assert (refused.status, refused.word) == (PatronStatus.ORDERED, "cancel-refused")

    copy = replace(story.request, service=RequestedService(ServiceType.COPY))
    assert status_of_request(copy).word == "copy-cancel-refused"
    story.us(EventKind.APPROVE)
    assert status_of_request(story.request).word == "borrowing-will-supply", "wanted after all"


def test_a_patron_hears_that_it_was_sent_before_it_could_be_cancelled() -> None:
    story = cancelling()
    assert letters(story.partner(EventKind.SHIPPED, 1, due=DUE)) == ("cancel-refused",)
    assert letters(story.partner(EventKind.CANCEL_REFUSED, 1)) == (), "told once"
    assert status_of_request(story.request).word == "not-wanted"


def test_nobody_is_told_of_a_refusal_of_what_only_did_not_come_in_time() -> None:
    story = asked_story()
    story.partner(EventKind.WILL_SUPPLY, 1)
    story.timer(TimerKind.NEED_BY)
    assert letters(story.partner(EventKind.CANCEL_REFUSED, 1)) == ()
    assert status_of_request(story.request).word == "borrowing-will-supply"


def test_after_a_refused_cancellation_nobody_else_is_asked() -> None:
    story = cancelling()
    story.partner(EventKind.CANCEL_REFUSED, 1)
    story.partner(EventKind.UNFILLED, 1)
    assert story.state is B.CANCELLED


def test_after_a_refused_cancellation_it_may_be_wanted_after_all() -> None:
    story = cancelling()
    story.partner(EventKind.CANCEL_REFUSED, 1)
    story.us(EventKind.APPROVE)
    story.partner(EventKind.UNFILLED, 1)
    assert story.state is B.SOURCING


def test_a_cancellation_crosses_the_shipping_and_the_item_goes_back() -> None:
    story = cancelling()
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    story.partner(EventKind.CANCEL_REFUSED, 1)
    assert (story.state, RequestFlag.UNWANTED in story.request.flags) == (B.SHIPPED, True)
    here = story.us(EventKind.RECEIVED)
    assert (story.state, letters(here)) == (B.BACK, ())
    story.us(EventKind.RETURNED)
    story.partner(EventKind.CHECKED_IN, 1)
    assert (story.state, story.request.flags) == (B.COMPLETED, frozenset())


def test_what_came_unwanted_may_still_be_lent() -> None:
    story = cancelling()
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    story.us(EventKind.RECEIVED)
    story.us(EventKind.LOANED_TO_PATRON)
    assert (story.state, RequestFlag.UNWANTED in story.request.flags) == (B.LENT, False)


def test_a_cancellation_without_an_answer_counts_as_granted_until_the_item_comes() -> None:
    story = cancelling()
    story.timer(TimerKind.ANSWER)
    assert (story.state, story.statuses) == (B.CANCELLED, (A.CANCELLED,))
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert (story.state, RequestFlag.UNWANTED in story.request.flags) == (B.SHIPPED, True)
    assert TimerKind.ANONYMISE not in story.running


def test_a_partner_that_takes_no_cancellation_is_not_waited_for() -> None:
    assert cancelling(cancel=False).state is B.CANCELLED


def test_a_partner_that_takes_no_question_is_not_asked_how_it_stands() -> None:
    story = asked_story(workflow=workflow(borrowing={"status_query": False}))
    assert "the partner accepts status queries" in story.no_us(EventKind.STATUS_QUERY).detail


def test_the_need_by_date_passes() -> None:
    story = asked_story(borrowing())
    assert told(story.timer(TimerKind.NEED_BY)) == ((EventKind.CANCEL, 1),)
    assert letters(story.partner(EventKind.CANCEL_ACCEPTED, 1)) == ("not-supplied",)
    assert story.state is B.EXPIRED


def test_a_patron_who_cancels_what_is_expiring_has_cancelled() -> None:
    story = asked_story()
    story.timer(TimerKind.NEED_BY)
    story.us(EventKind.CANCEL)
    story.partner(EventKind.CANCEL_ACCEPTED, 1)
    assert story.state is B.CANCELLED


# --- the loan's time -------------------------------------------------------------------------------------


def test_a_renewal_is_accepted() -> None:
    story = lent_story()
    assert told(story.us(EventKind.RENEW)) == ((EventKind.RENEW, 1),)
    assert story.no_us(EventKind.RENEW).detail == (
        "In state 'lent', 'renew' is possible only if renewals are allowed, no renewal request is open and the item "
        "has not been recalled."
    )
    renewed = story.partner(EventKind.RENEW_ACCEPTED, 1, due=date(2026, 5, 8))
    assert (letters(renewed), library_calls(renewed)) == (("renewed",), (LibraryAction.SET_DUE_DATE,))
    assert (story.request.terms.lender_due, story.request.terms.renewals) == (date(2026, 5, 8), 1)


def test_a_renewal_is_refused() -> None:
    story = lent_story()
    story.us(EventKind.RENEW)
    assert letters(story.partner(EventKind.RENEW_REFUSED, 1, reason="has-requests", due=DUE)) == ("renewal-refused",)
    assert (story.request.terms.lender_due, story.request.flags) == (DUE, frozenset())


@pytest.mark.parametrize(
    ("fallback", "letter", "renewals"), [("refused", "renewal-refused", 0), ("granted", "renewed", 1)]
)
def test_a_renewal_without_an_answer(fallback: str, letter: str, renewals: int) -> None:
    story = lent_story(workflow=workflow(borrowing={"renewal_fallback": fallback}))
    story.us(EventKind.RENEW)
    assert letters(story.timer(TimerKind.RENEWAL, due=date(2026, 4, 17))) == (letter,)
    assert story.request.terms.renewals == renewals
    assert RequestFlag.RENEWAL_PENDING not in story.request.flags


def test_a_renewal_timer_that_comes_too_late_changes_nothing() -> None:
    story = lent_story()
    late = story.late_timer(EventKind.RENEW_ACCEPTED, due=date(2027, 1, 1))
    assert (late.kept, story.request.terms.lender_due, story.request.terms.renewals) == (True, DUE, 0)


@pytest.mark.parametrize("said", [{}, {"due": DUE}], ids=["no day", "the day of before"])
def test_a_renewal_without_a_new_day_is_for_staff_and_changes_no_date(said: dict[str, date]) -> None:
    story = lent_story()
    story.partner(EventKind.OVERDUE, 1, due=DUE)
    story.us(EventKind.RENEW)
    renewed = story.partner(EventKind.RENEW_ACCEPTED, 1, **said)
    assert (letters(renewed), library_calls(renewed)) == ((), ())
    assert story.request.flags == {RequestFlag.OVERDUE}, "nobody waits for an answer any more"
    assert (story.request.terms.lender_due, story.request.terms.renewals) == (DUE, 1)
    assert TimerKind.RENEWAL not in story.running
    assert is_message_to_read(replace(renewed.event, actor="partner:ISIL:PL-WaUW"))


def test_staff_enter_the_day_that_they_have_asked_for() -> None:
    story = lent_story()
    story.partner(EventKind.OVERDUE, 1, due=DUE)
    story.us(EventKind.RENEW)
    story.partner(EventKind.RENEW_ACCEPTED, 1)
    entered = story.us(EventKind.DUE_DATE_CHANGED, due=date(2026, 5, 8))
    assert (told(entered), letters(entered), library_calls(entered)) == (
        (),
        ("renewed",),
        (LibraryAction.SET_DUE_DATE,),
    )
    assert (story.request.terms.lender_due, story.request.flags) == (date(2026, 5, 8), frozenset())


def test_a_renewal_to_a_day_needs_no_reader() -> None:
    story = lent_story()
    story.partner(EventKind.OVERDUE, 1, due=DUE)
    story.us(EventKind.RENEW)
    renewed = story.partner(EventKind.RENEW_ACCEPTED, 1, due=date(2026, 5, 8))
    assert story.request.flags == frozenset()
    assert not is_message_to_read(renewed.event)


def test_overdue_then_returned() -> None:
    story = lent_story()
    assert letters(story.partner(EventKind.OVERDUE, 1, due=DUE)) == ("overdue",)
    assert RequestFlag.OVERDUE in story.request.flags
    story.us(EventKind.RETURNED)
    assert story.state is B.RETURNED


def test_a_recall_with_the_patron() -> None:
    story = lent_story()
    recalled = story.partner(EventKind.RECALL, 1, due=date(2026, 3, 20))
    assert (library_calls(recalled), letters(recalled)) == ((LibraryAction.RECALL_PATRON,), ("recalled",))
    assert timers_set(recalled) == {TimerKind.PATRON_DUE}, "the patron has less time now"
    assert story.request.terms.lender_due == date(2026, 3, 20)
    assert story.no_us(EventKind.RENEW).why is DenialReason.UNMET


def test_a_recall_while_a_renewal_is_open_outweighs_it() -> None:
    story = lent_story()
    story.us(EventKind.RENEW)
    story.partner(EventKind.RECALL, 1, due=date(2026, 3, 20))
    assert TimerKind.RENEWAL not in story.running
    assert story.partner(EventKind.RENEW_ACCEPTED, 1, due=date(2026, 5, 8)).kept
    assert (story.request.terms.lender_due, story.request.flags) == (date(2026, 3, 20), {RequestFlag.RECALLED})


def test_a_recall_before_it_is_here_sends_it_straight_back() -> None:
    story = shipped_story()
    story.partner(EventKind.RECALL, 1)
    assert letters(story.us(EventKind.RECEIVED)) == ()
    assert story.state is B.BACK


def test_a_recall_is_told_to_the_patron_who_has_it_alone() -> None:
    story = shipped_story()
    story.us(EventKind.RECEIVED)
    assert letters(story.partner(EventKind.RECALL, 1, due=date(2026, 3, 20))) == ("not-coming",)
    assert RequestFlag.RECALLED in story.request.flags

    moving = shipped_story()
    moving.us(EventKind.RECEIVED)
    (piece,) = moving.request.volumes
    moving.request = replace(moving.request, volumes=(replace(piece, in_transit=True),))
    assert letters(moving.partner(EventKind.RECALL, 1)) == ("not-coming",)
    assert letters(moving.us(EventKind.AT_PICKUP)) == (), "there is nothing to collect"

    back = lent_story()
    back.us(EventKind.RETURNED_BY_PATRON)
    assert letters(back.partner(EventKind.RECALL, 1)) == ()


def test_a_due_date_changes_without_a_request() -> None:
    story = lent_story()
    changed = story.partner(EventKind.DUE_DATE_CHANGED, 1, due=date(2026, 4, 24))
    assert library_calls(changed) == (LibraryAction.SET_DUE_DATE,)
    assert story.request.terms.lender_due == date(2026, 4, 24)


def test_nobody_fetches_it() -> None:
    story = shipped_story()
    story.us(EventKind.RECEIVED)
    story.timer(TimerKind.SHELF)
    assert RequestFlag.NOT_COLLECTED in story.request.flags
    story.us(EventKind.RETURNED)
    assert story.state is B.RETURNED


# --- lost, damaged ---------------------------------------------------------------------------------------


def test_we_lose_it_and_find_it_again() -> None:
    story = lent_story()
    assert told(story.us(EventKind.LOST)) == ((EventKind.LOST, 1),)
    assert (story.state, story.statuses) == (B.LOST, (A.LOST,))
    assert told(story.us(EventKind.RETURNED)) == ((EventKind.RETURNED, 1),)
    story.partner(EventKind.CHECKED_IN, 1)
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED,))
    assert story.request.volumes[0].state is VolumeState.CHECKED_IN


def test_the_lender_misses_it_and_finds_it_again() -> None:
    story = lent_story()
    story.us(EventKind.RETURNED)
    story.partner(EventKind.LOST, 1)
    assert story.state is B.LOST
    story.partner(EventKind.CHECKED_IN, 1)
    assert story.state is B.COMPLETED


def test_lost_on_the_way_and_asked_of_another() -> None:
    story = shipped_story()
    story.us(EventKind.LOST)
    story.us(EventKind.REOPEN)
    story.us(EventKind.APPROVE)
    assert story.partner(EventKind.SHIPPED, 1, due=DUE).kept  # older than the loss
    story.ask("kyoto")
    assert told(story.us(EventKind.RETURNED, 1)) == ((EventKind.RETURNED, 1),)  # there it is
    assert (story.state, story.statuses) == (B.REQUESTED, (A.EXTRA_RETURNED, A.ASKED))


def test_it_is_damaged() -> None:
    story = lent_story()
    assert told(story.us(EventKind.DAMAGED, note="Wasserschaden")) == ((EventKind.DAMAGED, 1),)
    assert (story.state, RequestFlag.DAMAGED in story.request.flags) == (B.LENT, True)


# --- past suppliers --------------------------------------------------------------------------------------


def second_supplier() -> Story:
    """Warsaw did not answer; Kyoto is asked."""
    story = asked_story()
    story.timer(TimerKind.ANSWER)
    story.ask("kyoto")
    return story


def test_a_late_shipment_is_taken_and_the_other_supplier_let_off() -> None:
    story = second_supplier()
    late = story.partner(EventKind.SHIPPED, 1, due=DUE, conditions=(LoanCondition.NO_RENEWAL,))
    assert told(late) == ((EventKind.CANCEL, 2),)
    assert (story.state, story.request.current, story.statuses) == (B.SHIPPED, 1, (A.SHIPPED, A.SKIPPED))
    assert story.request.partner.profile == "warsaw"
    assert not story.request.terms.renewals_allowed


def test_a_second_item_goes_straight_back() -> None:
    story = second_supplier()
    story.partner(EventKind.SHIPPED, 2, due=DUE)
    story.us(EventKind.RECEIVED)
    extra = story.partner(EventKind.SHIPPED, 1, due=date(2026, 3, 25))
    assert (extra.changes_state, story.request.terms.lender_due) == (False, DUE)
    assert (story.state, story.statuses[0], RequestFlag.EXTRA in story.request.flags) == (B.RECEIVED, A.EXTRA, True)
    assert told(story.us(EventKind.RETURNED, 1)) == ((EventKind.RETURNED, 1),)
    assert RequestFlag.EXTRA not in story.request.flags
    story.partner(EventKind.CHECKED_IN, 1)
    assert (story.state, story.statuses) == (B.RECEIVED, (A.COMPLETED, A.SHIPPED))


def test_a_second_item_is_lost() -> None:
    story = second_supplier()
    story.partner(EventKind.SHIPPED, 2, due=DUE)
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    assert told(story.us(EventKind.LOST, 1)) == ((EventKind.LOST, 1),)
    assert (story.state, story.statuses) == (B.SHIPPED, (A.LOST, A.SHIPPED))


def test_a_late_no_is_kept_at_its_attempt() -> None:
    story = second_supplier()
    assert story.partner(EventKind.UNFILLED, 1, reason="not-held").kept
    assert (story.state, story.statuses) == (B.REQUESTED, (A.UNFILLED, A.ASKED))


def test_a_past_supplier_can_be_talked_with() -> None:
    story = second_supplier()
    assert told(story.us(EventKind.MESSAGE, 1, note="Please send nothing.")) == ((EventKind.MESSAGE, 1),)
    story.partner(EventKind.MESSAGE, 1, note="Dobrze")
    assert [note.text for note in story.request.notes] == ["Please send nothing.", "Dobrze"]
    assert told(story.partner(EventKind.STATUS_QUERY, 1)) == ((EventKind.STATUS_REPORT, 1),)


def test_of_a_past_supplier_nothing_can_be_received() -> None:
    denied = second_supplier().no_us(EventKind.RECEIVED, 1)
    assert (denied.why, denied.detail) == (
        DenialReason.NOT_ASKED,
        "'received' does not fit supplier no. 1 of this request.",
    )


def test_an_answer_of_a_supplier_that_was_never_asked_is_refused() -> None:
    assert second_supplier().no_partner(EventKind.UNFILLED, 7).why is DenialReason.NOT_ASKED


# --- volumes ---------------------------------------------------------------------------------------------


def test_volumes_come_and_go_one_by_one() -> None:
    story = shipped_story(in_volumes(borrowing(), 2))
    story.us(EventKind.RECEIVED, volumes=("1",))
    assert story.state is B.SHIPPED
    story.us(EventKind.RECEIVED, volumes=("2",))
    assert story.state is B.RECEIVED
    story.us(EventKind.LOANED_TO_PATRON)
    story.us(EventKind.RETURNED_BY_PATRON, volumes=("1",))
    assert story.state is B.LENT
    assert told(story.us(EventKind.RETURNED, volumes=("1",))) == ((EventKind.RETURNED, 1),)
    assert [one.state for one in story.request.volumes] == [VolumeState.RETURNED, VolumeState.LENT]
    story.us(EventKind.RETURNED_BY_PATRON, volumes=("2",))
    story.us(EventKind.RETURNED, volumes=("2",))
    assert story.state is B.RETURNED


def test_a_volume_that_is_not_there_is_refused() -> None:
    denied = shipped_story().no_us(EventKind.RECEIVED, volumes=("9",))
    assert denied.detail == "'received' names a volume that this request does not have."


# --- afterwards ------------------------------------------------------------------------------------------


def test_the_patron_is_forgotten() -> None:
    story = lent_story()
    story.us(EventKind.NOTE, note="Herr Yılmaz ruft zurück")
    story.us(EventKind.RETURNED)
    story.partner(EventKind.CHECKED_IN, 1)
    story.timer(TimerKind.ANONYMISE)
    assert (story.request.patron, story.request.notes) == (PatronLink(category="graduate"), ())


def test_an_open_request_keeps_its_patron() -> None:
    story = lent_story()
    assert story.late_timer(EventKind.ANONYMISED).kept
    assert story.request.patron.id == "p-17"


def test_a_closed_request_says_so() -> None:
    story = asked_story()
    story.partner(EventKind.UNFILLED, 1)
    story.us(EventKind.CLOSE)
    assert story.no_us(EventKind.RENEW).detail == "The request is closed (unfilled); 'renew' is not possible any more."


def test_where_the_lender_tells_no_check_in_returned_is_the_end() -> None:
    story = lent_story(workflow=workflow(borrowing={"expects_check_in": False}))
    story.us(EventKind.RETURNED)
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED,))


# --- the way to the pickup place -------------------------------------------------------------------------


def put_in_transit(story: Story, *volumes: str) -> None:
    """The library sends these volumes on to the patron's pickup place, as they are received."""
    marked = tuple(replace(one, in_transit=one.in_transit or one.id in volumes) for one in story.request.volumes)
    story.request = replace(story.request, volumes=marked)


def test_the_patron_is_told_when_the_last_volume_is_at_the_pickup_place() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    story.partner(EventKind.SHIPPED, 1)
    put_in_transit(story, "1")
    assert letters(story.us(EventKind.RECEIVED, volumes=("1",))) == ()
    assert letters(story.us(EventKind.AT_PICKUP, volumes=("1",))) == (), "the other is still to come"
    put_in_transit(story, "2")
    received = story.us(EventKind.RECEIVED, volumes=("2",))
    assert (story.state, letters(received), told(received)) == (B.RECEIVED, (), ((EventKind.RECEIVED, 1),))
    assert RequestFlag.IN_TRANSIT in story.request.flags
    assert TimerKind.SHELF not in story.running

    arrived = story.us(EventKind.AT_PICKUP, volumes=("2",))

    assert letters(arrived) == ("available",)
    assert TimerKind.SHELF in story.running
    assert RequestFlag.IN_TRANSIT not in story.request.flags
    assert [one.in_transit for one in story.request.volumes] == [False, False]


def test_one_of_two_volumes_at_the_pickup_place_is_not_all() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    put_in_transit(story, "1", "2")
    assert letters(story.us(EventKind.RECEIVED)) == ()
    assert letters(story.us(EventKind.AT_PICKUP, volumes=("2",))) == ()
    assert RequestFlag.IN_TRANSIT in story.request.flags
    assert letters(story.us(EventKind.AT_PICKUP)) == ("available",)


def test_what_has_arrived_waits_to_be_shelved() -> None:
    story = asked_story(in_volumes(borrowing(), 1))
    put_in_transit(story, "1")
    story.us(EventKind.RECEIVED)
    assert list_task_names(story.request) == ("in-transit",)

    assert letters(story.us(EventKind.ARRIVED_AT_BRANCH)) == ()
    assert list_task_names(story.request) == ("arrived",)
    assert TimerKind.SHELF not in story.running
    assert story.no_us(EventKind.ARRIVED_AT_BRANCH).why is DenialReason.UNMET

    assert letters(story.us(EventKind.AT_PICKUP)) == ("available",)
    assert list_task_names(story.request) == ()


def test_what_is_lent_on_its_way_is_no_longer_under_way() -> None:
    story = asked_story(in_volumes(borrowing(), 1))
    put_in_transit(story, "1")
    story.us(EventKind.RECEIVED)
    story.us(EventKind.LOANED_TO_PATRON)
    assert RequestFlag.IN_TRANSIT not in story.request.flags
    assert not story.request.volumes[0].in_transit

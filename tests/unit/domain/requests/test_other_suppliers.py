"""Suppliers whose turn is over: what they still say, what we still do about them, and one whose turn comes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LibraryParty,
    LoanTerms,
    RequestCosts,
    RequestFlag,
    Volume,
    VolumeState,
)
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import DenialReason, LibraryAction, TimerKind
from tests.support.requests import (
    DUE,
    WARSAW,
    Story,
    asked_story,
    attempt,
    borrowing,
    copy_of,
    in_volumes,
    library_calls,
    money,
    shipped_story,
    told,
)

B, A, K = BorrowingState, AttemptStatus, EventKind


def second_supplier(story: Story | None = None) -> Story:
    """Warsaw did not answer; Kyoto is asked."""
    story = story or asked_story()
    story.timer(TimerKind.ANSWER)
    story.ask("kyoto")
    return story


def two_items() -> Story:
    """Kyoto's is on its way, and Warsaw's after all."""
    story = second_supplier()
    story.partner(K.SHIPPED, 2, due=DUE)
    story.partner(K.SHIPPED, 1, due=DUE)
    assert story.statuses == (A.EXTRA, A.SHIPPED)
    return story


def reopened() -> Story:
    """What Warsaw sent is lost; staff look for another supplier."""
    story = shipped_story()
    story.us(K.LOST)
    story.us(K.REOPEN)
    return story


# --- what we do about them -------------------------------------------------------------------------------


def test_trouble_with_a_past_supplier_is_noted_and_nothing_is_told() -> None:
    story = second_supplier()
    before = story.request
    trouble = story.us(K.TROUBLE, 1, note="our cancellation was refused")
    assert (trouble.before, trouble.event.attempt) == (B.REQUESTED, 1)
    assert (trouble.kept, told(trouble), story.state) == (False, (), B.REQUESTED)
    assert story.request.flags == before.flags | {RequestFlag.TROUBLE}
    assert story.request.version == before.version + 1


@pytest.mark.parametrize("kind", [K.MESSAGE, K.STATUS_QUERY, K.STATUS_REPORT])
def test_a_past_supplier_is_talked_with(kind: EventKind) -> None:
    story = second_supplier()
    said = story.us(kind, 1, note="Please send nothing.")
    assert (told(said), said.kept, said.before, said.event.attempt) == (((kind, 1),), False, B.REQUESTED, 1)
    assert story.state is B.REQUESTED


def test_an_item_too_many_goes_back_without_touching_the_request() -> None:
    story = two_items()
    assert RequestFlag.EXTRA in story.request.flags
    damaged = story.us(K.DAMAGED, 1, note="Wasserfleck")
    assert (told(damaged), damaged.kept, damaged.event.kind) == (((K.DAMAGED, 1),), False, K.DAMAGED)
    back = story.us(K.RETURNED, 1)
    assert (told(back), library_calls(back), back.kept) == (((K.RETURNED, 1),), (), False)
    assert (back.before, back.event.kind) == (B.SHIPPED, K.RETURNED)
    assert (story.state, story.statuses) == (B.SHIPPED, (A.EXTRA_RETURNED, A.SHIPPED))
    assert RequestFlag.EXTRA not in story.request.flags


@pytest.mark.parametrize("returned", [False, True])
def test_an_item_too_many_is_lost(returned: bool) -> None:
    story = two_items()
    if returned:
        story.us(K.RETURNED, 1)
    lost = story.us(K.LOST, 1)
    assert (told(lost), lost.kept, library_calls(lost)) == (((K.LOST, 1),), False, ())
    assert (story.state, story.statuses) == (B.SHIPPED, (A.LOST, A.SHIPPED))


def test_a_lost_item_that_was_found_goes_back_and_off_the_record() -> None:
    story = reopened()
    back = story.us(K.RETURNED, 1)
    assert (told(back), library_calls(back)) == (((K.RETURNED, 1),), (LibraryAction.DELETE_TEMPORARY,))
    assert (story.state, story.statuses) == (B.REVIEW, (A.EXTRA_RETURNED,))


def test_what_is_found_by_the_lender_is_off_the_record() -> None:
    story = reopened()
    found = story.partner(K.CHECKED_IN, 1)
    assert (found.kept, library_calls(found), story.state) == (False, (LibraryAction.DELETE_TEMPORARY,), B.REVIEW)
    assert story.statuses == (A.COMPLETED,)


def test_a_lost_item_that_turns_up_is_an_item_too_many() -> None:
    story = reopened()
    story.us(K.APPROVE)
    story.ask("kyoto")
    found = story.us(K.RECEIVED, 1)
    assert (found.kept, told(found), library_calls(found)) == (False, (), ())
    assert (story.state, story.statuses) == (B.REQUESTED, (A.EXTRA, A.ASKED))
    assert RequestFlag.EXTRA in story.request.flags


@pytest.mark.parametrize(
    ("status", "pieces", "on_record"),
    [
        (A.EXTRA, (), False),  # it was never received as ours
        (A.EXTRA, ("T1",), True),
        (A.LOST, (), True),
        (A.LOST, ("T1",), True),
    ],
)
def test_what_goes_back_to_a_past_supplier_is_taken_off_the_record_where_it_has_one(
    status: AttemptStatus, pieces: tuple[str, ...], on_record: bool
) -> None:
    attempts = (attempt(1, status=status, pieces=pieces), attempt(2, "kyoto"))
    story = Story(borrowing(B.REQUESTED, attempts=attempts, current=2))
    back = story.us(K.RETURNED, 1)
    assert told(back) == ((K.RETURNED, 1),)
    assert library_calls(back) == ((LibraryAction.DELETE_TEMPORARY,) if on_record else ())


def test_a_supplier_that_was_never_asked_is_not_listened_to() -> None:
    denied = asked_story().no_partner(K.WILL_SUPPLY, 7)
    assert denied == Denied(DenialReason.NOT_ASKED, partner_signal(K.WILL_SUPPLY), B.REQUESTED, attempt=7)
    assert denied.detail == "'will-supply' does not fit supplier no. 7 of this request."


@pytest.mark.parametrize("kind", [K.RETURNED, K.LOST, K.DAMAGED, K.RECEIVED, K.RENEW])
def test_nothing_is_done_with_an_item_that_is_not_here(kind: EventKind) -> None:
    story = second_supplier()
    denied = story.no_us(kind, 1)
    assert (denied.why, denied.attempt) == (DenialReason.NOT_ASKED, 1)


# --- what they still say ---------------------------------------------------------------------------------


def test_a_past_supplier_that_asks_is_told_how_it_stands() -> None:
    story = second_supplier()
    asked = story.partner(K.STATUS_QUERY, 1)
    assert (told(asked), asked.kept, asked.before) == (((K.STATUS_REPORT, 1),), False, B.REQUESTED)


def test_what_a_past_supplier_says_is_kept_with_its_date_and_words() -> None:
    story = second_supplier()
    before = story.request
    said = story.partner(
        K.RETRY, 1, reason="on-loan", note="w maju", retry_after=date(2026, 5, 4), expected=date(2026, 5, 11)
    )
    assert said.kept
    first = story.request.attempts[0]
    assert (first.status, first.reason, first.note) == (A.RETRY, "on-loan", "w maju")
    assert (first.retry_after, first.expected, first.answered) == (date(2026, 5, 4), date(2026, 5, 11), story.at)
    assert (story.request.version, story.request.changed) == (before.version + 1, story.at)
    story.partner(K.UNFILLED, 1)
    again = story.request.attempts[0]
    assert (again.reason, again.expected, again.answered) == ("on-loan", date(2026, 5, 11), first.answered)


def test_a_copy_of_a_past_supplier_is_taken_too() -> None:
    story = second_supplier(asked_story(copy_of(borrowing())))
    ready = story.partner(K.COPY_DELIVERED, 1, link="https://warsaw.example/c/8")
    assert (story.state, story.statuses) == (B.COMPLETED, (A.COMPLETED, A.SKIPPED))
    assert told(ready) == ((K.CANCEL, 2), (K.RECEIVED, 1))


def test_only_the_return_of_what_was_lost_takes_it_off_the_record() -> None:
    story = reopened()
    story.us(K.APPROVE)
    story.ask("kyoto")
    talk = story.partner(K.MESSAGE, 1, note="Szukamy")
    assert (talk.kept, library_calls(talk)) == (True, ())
    found = story.partner(K.CHECKED_IN, 1)
    assert (found.kept, library_calls(found)) == (False, (LibraryAction.DELETE_TEMPORARY,))


@pytest.mark.parametrize("kind", [K.REQUEST, K.RECEIVED])
def test_what_no_supplier_says_is_refused_of_a_past_one_too(kind: EventKind) -> None:
    denied = second_supplier().no_partner(kind, 1)
    assert (denied.why, denied.signal, denied.state) == (DenialReason.NEVER, partner_signal(kind), B.REQUESTED)


# --- a turn that comes again -----------------------------------------------------------------------------


def test_a_late_supplier_is_taken_on_its_own_terms() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    story.request = replace(story.request, terms=replace(story.request.terms, note="Leihschein im Buch"))
    story.partner(K.CONDITIONAL, 1, conditions=(LoanCondition.LIBRARY_USE_ONLY,), cost=money("9.00"))
    story.timer(TimerKind.ANSWER)
    story.ask("kyoto")
    story.partner(K.WILL_SUPPLY, 2, conditions=(LoanCondition.NO_RENEWAL,), cost=money("20.00"))
    assert story.request.terms.renewals_allowed is False
    late = story.partner(K.SHIPPED, 1, due=DUE)

    assert told(late) == ((K.CANCEL, 2),)
    assert (story.state, story.request.current, story.statuses) == (B.SHIPPED, 1, (A.SHIPPED, A.SKIPPED))
    assert story.request.partner == LibraryParty(symbol=WARSAW.symbol, profile="warsaw")
    assert story.request.terms == LoanTerms(
        lender_due=DUE,
        conditions=(LoanCondition.LIBRARY_USE_ONLY,),
        renewals_allowed=True,
        note="Leihschein im Buch",
    )
    costs = story.request.costs
    assert (costs.offered, costs.agreed, costs.charged) == (money("9.00"), None, None), "nobody has agreed to it"
    assert [(one.id, one.label, one.state) for one in story.request.volumes] == [
        ("1", "vol. 1", VolumeState.SHIPPED),
        ("2", "vol. 2", VolumeState.SHIPPED),
    ]


def test_a_supplier_that_lends_without_renewal_still_does_when_its_turn_comes_again() -> None:
    story = asked_story()
    story.partner(K.CONDITIONAL, 1, conditions=(LoanCondition.NO_RENEWAL,))
    story.timer(TimerKind.ANSWER)
    story.ask("kyoto")
    story.partner(K.SHIPPED, 1, due=DUE)
    assert story.request.terms.renewals_allowed is False


def test_who_is_asked_to_cancel_already_is_not_asked_twice() -> None:
    story = second_supplier()
    story.us(K.CANCEL)
    late = story.partner(K.SHIPPED, 1, due=DUE)
    assert (told(late), story.statuses) == ((), (A.SHIPPED, A.SKIPPED))


def test_the_supplier_in_hand_keeps_its_name_when_it_ships_what_was_reopened() -> None:
    story = asked_story()
    story.partner(K.UNFILLED, 1)
    story.us(K.CLOSE)
    story.us(K.REOPEN)
    story.partner(K.SHIPPED, 1, due=DUE)
    assert (story.state, story.request.partner) == (B.SHIPPED, WARSAW)


def test_what_the_lost_item_of_another_left_does_not_bind_the_one_that_comes_late() -> None:
    story = second_supplier(asked_story(in_volumes(borrowing(), 2)))
    story.partner(K.SHIPPED, 2, due=DUE, cost=money("20.00"))
    story.us(K.LOST)
    story.us(K.REOPEN)
    story.partner(K.SHIPPED, 1, due=DUE, volumes=("1",))
    assert (story.state, story.statuses) == (B.SHIPPED, (A.SHIPPED, A.LOST))
    assert story.request.costs.charged is None
    assert [one.state for one in story.request.volumes] == [VolumeState.SHIPPED, VolumeState.EXPECTED]


def test_a_supplier_that_was_asked_twice_keeps_its_name() -> None:
    story = asked_story()
    story.timer(TimerKind.ANSWER)
    story.ask("warsaw")
    story.partner(K.SHIPPED, 1, due=DUE)
    assert (story.request.current, story.request.partner) == (1, WARSAW)


def test_only_a_return_of_what_was_reopened_is_about_the_lost_item() -> None:
    story = reopened()
    story.us(K.CANCEL, 1)
    assert story.state is B.CANCELLED


def test_pieces_of_a_lost_loan_stay_known_at_its_supplier() -> None:
    story = shipped_story()
    story.request = replace(story.request, volumes=(Volume("1", barcode="T1"), Volume("2"), Volume("3", barcode="T3")))
    story.us(K.LOST)
    story.us(K.REOPEN)
    story.us(K.APPROVE)
    story.ask("kyoto")
    assert story.request.attempts[0].pieces == ("T1", "T3")
    assert [one.barcode for one in story.request.volumes] == ["", "", ""]


@pytest.mark.parametrize(
    ("barcode", "state", "status", "number"),
    [
        ("T1", B.REVIEW, A.LOST, 1),  # lost, and the request goes on
        ("T1", B.LOST, A.LOST, None),  # lost, and that is where it stands
        ("T2", B.REVIEW, A.LOST, None),  # another volume, which isn't lost
        ("T9", B.REVIEW, A.LOST, None),
        ("T1", B.REVIEW, A.COMPLETED, None),  # its lender has it again
    ],
)
def test_what_is_scanned_may_be_a_lost_item_of_the_request_in_hand(
    barcode: str, state: BorrowingState, status: AttemptStatus, number: int | None
) -> None:
    volumes = (Volume("1", barcode="T1", state=VolumeState.LOST), Volume("2", barcode="T2"))
    request = borrowing(state, volumes=volumes, attempts=(attempt(1, status=status),), current=1)
    found = request.find_attempt_on_record(barcode)
    assert (found.number if found is not None else None) == number


def test_what_is_scanned_may_be_a_piece_of_a_past_supplier() -> None:
    past = (attempt(1, pieces=("T1",), status=A.EXTRA), attempt(2, "kyoto", pieces=("T2",), status=A.EXTRA_RETURNED))
    request = borrowing(B.REQUESTED, attempts=(*past, attempt(3, "tbilisi")), current=3)
    first = request.find_attempt_on_record("T1")
    assert first is not None
    assert first.number == 1
    assert request.find_attempt_on_record("T2") is None, "it has gone"
    assert request.find_attempt_on_record("T3") is None


# --- money and volumes -----------------------------------------------------------------------------------


def test_costs_follow_what_is_said() -> None:
    story = Story(borrowing(B.REVIEW))
    story.us(K.EDIT, maximum_cost=money("30.00"))
    assert story.request.costs == RequestCosts(maximum=money("30.00"))
    story.us(K.APPROVE)
    story.ask("warsaw")
    story.partner(K.WILL_SUPPLY, 1, cost=money("12.00"))
    story.partner(K.SHIPPED, 1, cost=money("14.00"), due=DUE)
    kept = RequestCosts(money("30.00"), money("12.00"), money("14.00"), offered=money("12.00"), agreed_by="limit")
    assert story.request.costs == kept
    story.partner(K.OVERDUE, 1, cost=money("99.00"))
    assert story.request.costs == kept


def test_a_volume_does_not_go_back_on_its_way() -> None:
    story = shipped_story(in_volumes(borrowing(), 2))
    story.us(K.RECEIVED, volumes=("1",), barcode="T1")
    story.partner(K.SHIPPED, 1, due=DUE, barcode="W7")
    assert [(one.state, one.theirs) for one in story.request.volumes] == [
        (VolumeState.RECEIVED, "T1"),
        (VolumeState.SHIPPED, ""),
    ]

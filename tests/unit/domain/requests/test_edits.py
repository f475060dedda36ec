"""What an edit, a reopening and the end of retention leave on a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    PatronLink,
    PatronQuery,
    RequestCosts,
    RequestDates,
    RequestedService,
    RequestFlag,
    RequestNote,
    RotaLine,
    RotaLineStatus,
    ServiceType,
    VolumeState,
)
from gateway.domain.requests.state_table import DenialReason, TimerKind
from tests.support.requests import (
    BOOK,
    PATRON,
    START,
    Story,
    asked_story,
    borrowing,
    copy_of,
    lending,
    lent_story,
    money,
)

NEEDED = date(2026, 6, 1)
OPEN_QUESTION = PatronQuery(id="q1", about="cost", text="Dziewięć euro?", asked=START)


def test_a_citation_is_edited_but_not_what_came_in() -> None:
    story = Story(borrowing(BorrowingState.REVIEW))
    corrected = replace(BOOK, published="1967", original="typed anew")
    story.us(EventKind.EDIT, citation=corrected)
    assert story.request.citation == replace(corrected, original=BOOK.original)

    story = Story(borrowing(BorrowingState.REVIEW, citation=replace(BOOK, original="")))
    story.us(EventKind.EDIT, citation=corrected)
    assert story.request.citation == corrected


def test_only_what_is_named_is_edited() -> None:
    dates = RequestDates(need_by=NEEDED)
    story = Story(borrowing(BorrowingState.REVIEW, dates=dates))
    before = story.request
    story.us(EventKind.EDIT, pickup="SCI")
    assert story.request.patron == replace(PATRON, pickup="SCI")
    assert (story.request.citation, story.request.dates) == (before.citation, dates)

    story.us(EventKind.EDIT, need_by=date(2026, 7, 1))
    assert story.request.dates == replace(dates, need_by=date(2026, 7, 1))
    assert story.request.patron.pickup == "SCI"


@pytest.mark.parametrize(("said", "needed"), [(None, NEEDED), (date(2026, 7, 1), date(2026, 7, 1))])
def test_what_is_reopened_keeps_its_day_unless_another_is_said(said: date | None, needed: date) -> None:
    story = Story(borrowing(BorrowingState.UNFILLED, dates=RequestDates(need_by=NEEDED)), running={TimerKind.ANONYMISE})
    story.us(EventKind.REOPEN, need_by=said)
    assert story.request.dates.need_by == needed


def test_a_request_forgets_its_patron_and_what_was_said() -> None:
    person = PatronLink(id="p-2", identifier="22", category="faculty", language="pl")
    story = Story(
        lending(LendingState.COMPLETED, patron=PATRON, direct_patron=person, query=OPEN_QUESTION),
        running={TimerKind.ANONYMISE},
    )
    story.timer(TimerKind.ANONYMISE)
    assert story.request.patron == PatronLink(category="graduate")
    assert story.request.direct_patron == PatronLink(category="faculty")
    assert (story.request.query, story.request.notes) == (None, ())


def test_a_copy_is_delivered_only_when_the_last_word_was_yes() -> None:
    story = Story(copy_of(lending(LendingState.CLEARED)))
    assert story.no_us(EventKind.COPY_DELIVERED).why is DenialReason.UNMET, "nobody has signed"

    story = Story(copy_of(lending(LendingState.CLEARANCE)))
    story.us(EventKind.CLEARED, reason="UrhG § 60e", note="bis 10 %")
    (decision,) = story.request.sign_offs
    assert (decision.by, decision.basis, decision.granted, decision.note) == (
        "staff:ana",
        "UrhG § 60e",
        True,
        "bis 10 %",
    )
    assert decision.at == story.at


def test_a_question_is_answered_with_no_where_nothing_was_said() -> None:
    story = Story(borrowing(BorrowingState.REVIEW))
    story.us(EventKind.PATRON_ASKED, query="q1", reason="cost", note="9 EUR?")
    asked = story.at
    assert story.request.query == PatronQuery(id="q1", about="cost", text="9 EUR?", asked=asked)
    story.us(EventKind.PATRON_ANSWERED, query="q1")
    assert story.request.query == PatronQuery(
        id="q1", about="cost", text="9 EUR?", asked=asked, answer="no", answered=story.at
    )


def test_a_further_volume_of_a_lender_does_not_change_which_item_was_located() -> None:
    story = Story(lending())
    story.us(EventKind.LOCATED, barcode="31")
    story.us(EventKind.LOCATED)
    assert story.request.item_barcode == "31"
    story.us(EventKind.SHIPPED, barcode="32", due=NEEDED)
    assert story.request.item_barcode == "32"
    story.us(EventKind.OVERDUE, barcode="33")
    assert story.request.item_barcode == "32"
    assert story.request.flags == {RequestFlag.OVERDUE}


def test_an_answer_to_nothing_changes_nothing() -> None:
    story = Story(borrowing(BorrowingState.REVIEW))
    assert story.no_us(EventKind.PATRON_ANSWERED, answer="yes").why is DenialReason.UNMET
    late = story.late_timer(EventKind.PATRON_ANSWERED)
    assert (late.kept, story.request.query) == (True, None)


def test_messages_are_told_from_notes_of_our_own() -> None:
    story = asked_story()
    story.us(EventKind.MESSAGE, note=" Guten Tag ")
    said = story.at
    story.us(EventKind.NOTE, note="ruft zurück")
    noted = story.at
    story.us(EventKind.STATUS_QUERY, note="nicht in den Notizen")
    assert story.request.notes == (
        RequestNote(said, "staff:ana", "Guten Tag", for_partner=True),
        RequestNote(noted, "staff:ana", "ruft zurück", for_partner=False),
    )


def test_a_request_was_changed_when_the_last_event_happened() -> None:
    story = asked_story()
    story.us(EventKind.NOTE, note="ruft zurück")
    assert story.request.changed == story.at
    story.partner(EventKind.SHIPPED, 1, due=NEEDED)
    shipped = story.at
    story.us(EventKind.RECEIVED)
    assert story.request.changed == story.at > shipped


def test_a_request_that_is_received_elsewhere_is_collected_there() -> None:
    story = asked_story()
    story.us(EventKind.RECEIVED, pickup="SCI")
    assert story.request.patron == replace(PATRON, pickup="SCI")


def test_a_request_whose_volume_comes_without_a_place_keeps_it() -> None:
    story = asked_story()
    story.us(EventKind.RECEIVED)
    assert story.request.patron == PATRON


def test_what_else_is_to_be_seen_to_stays_when_it_expires_or_comes_unwanted() -> None:
    story = asked_story(borrowing(flags=frozenset({RequestFlag.TO_TELL})))
    story.late_timer(EventKind.EXPIRED)
    assert story.state is BorrowingState.CANCEL_PENDING
    assert story.request.flags == {RequestFlag.TO_TELL, RequestFlag.EXPIRING, RequestFlag.UNWANTED}
    story.partner(EventKind.CANCEL_ACCEPTED, 1)
    assert story.request.flags == {RequestFlag.TO_TELL}
    story.partner(EventKind.SHIPPED, 1, due=NEEDED)
    assert story.request.flags == {RequestFlag.TO_TELL, RequestFlag.UNWANTED}


def test_what_else_is_to_be_seen_to_stays_when_a_supplier_is_reminded() -> None:
    story = asked_story(borrowing(flags=frozenset({RequestFlag.TO_TELL})))
    story.partner(EventKind.HOLD_PLACED, 1)
    story.timer(TimerKind.CHASE)
    assert story.request.flags == {RequestFlag.TO_TELL, RequestFlag.CHASED}


def test_a_supplier_says_that_it_cannot_be_renewed() -> None:
    story = asked_story()
    story.partner(EventKind.SHIPPED, 1, due=NEEDED, renewals_allowed=False)
    assert (story.request.terms.lender_due, story.request.terms.renewals_allowed) == (NEEDED, False)


def test_conditions_are_those_of_the_answer_and_of_the_parcel() -> None:
    story = asked_story()
    story.partner(EventKind.SHIPPED, 1, due=NEEDED, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    story.partner(EventKind.OVERDUE, 1, conditions=(LoanCondition.NO_REPRODUCTION,))
    assert story.request.terms.conditions == (LoanCondition.LIBRARY_USE_ONLY,)


def test_only_the_most_that_may_be_paid_outlives_a_supplier() -> None:
    costs = RequestCosts(maximum=money("20.00"), agreed=money("9.00"), charged=money("12.00"))
    story = asked_story(borrowing(costs=costs))
    assert story.request.costs == RequestCosts(maximum=money("20.00"))


def test_the_most_that_may_be_paid_is_edited_only_where_it_is_said() -> None:
    story = Story(borrowing(BorrowingState.REVIEW, costs=RequestCosts(maximum=money("20.00"))))
    story.us(EventKind.EDIT, pickup="SCI")
    assert story.request.costs == RequestCosts(maximum=money("20.00"))
    story.us(EventKind.EDIT, maximum_cost=money("30.00"))
    assert story.request.costs == RequestCosts(maximum=money("30.00"))


def test_a_supplier_gives_the_request_a_number_of_its_own() -> None:
    story = asked_story()
    story.partner(EventKind.WILL_SUPPLY, 1, transaction="BUW-2026-311")
    story.partner(EventKind.SHIPPED, 1, due=NEEDED)
    (attempt,) = story.request.attempts
    assert attempt.theirs == "BUW-2026-311"


def test_an_attempt_is_over_when_the_lender_has_checked_in() -> None:
    story = lent_story()
    story.us(EventKind.RETURNED)
    assert story.statuses == (AttemptStatus.SHIPPED,)
    story.partner(EventKind.CHECKED_IN, 1)
    assert story.statuses == (AttemptStatus.COMPLETED,)


def test_what_comes_with_the_parcel_is_taken_where_no_message_said_it() -> None:
    story = asked_story()
    story.us(EventKind.RECEIVED, due=NEEDED, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    assert story.request.terms.lender_due == NEEDED
    assert story.request.terms.conditions == (LoanCondition.LIBRARY_USE_ONLY,)


def test_copy_or_loan_becomes_what_was_shipped() -> None:
    either = RequestedService(ServiceType.COPY_OR_LOAN, format="printed")
    story = asked_story(borrowing(service=either))
    story.partner(EventKind.SHIPPED, 1, due=NEEDED)
    assert story.request.service == replace(either, type=ServiceType.LOAN)


def test_a_volume_is_lent_once_more() -> None:
    story = lent_story()
    story.us(EventKind.RETURNED_BY_PATRON)
    assert [one.state for one in story.request.volumes] == [VolumeState.BACK]
    story.us(EventKind.LOANED_TO_PATRON)
    assert [one.state for one in story.request.volumes] == [VolumeState.LENT]


def test_the_rota_knows_who_was_asked() -> None:
    lines = (RotaLine("warsaw"), RotaLine("kyoto"), RotaLine("tbilisi", RotaLineStatus.SKIPPED, "closed"))
    story = asked_story(borrowing(rota=lines))
    story.partner(EventKind.UNFILLED, 1)
    story.ask("oslo")
    assert story.request.rota == (
        RotaLine("warsaw", RotaLineStatus.ASKED),
        RotaLine("kyoto"),
        RotaLine("tbilisi", RotaLineStatus.SKIPPED, "closed"),
        RotaLine("oslo", RotaLineStatus.ASKED, "manually"),
    )


def test_our_own_words_are_not_the_supplier_s() -> None:
    story = asked_story()
    story.partner(EventKind.WILL_SUPPLY, 1, note="w maju", expected=NEEDED)
    story.us(
        EventKind.STATUS_QUERY,
        note="Wann?",
        reason="urgent",
        expected=date(2026, 7, 1),
        retry_after=date(2026, 7, 2),
    )
    (attempt,) = story.request.attempts
    assert (attempt.note, attempt.expected, attempt.reason, attempt.retry_after) == ("w maju", NEEDED, "", None)

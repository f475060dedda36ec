"""What a partner's answer to "how does it stand?" does: it counts as the one message that got lost, or changes
nothing."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
)
from gateway.domain.requests.request_messages import is_message_to_read
from gateway.domain.requests.state_machine import TABLES, Transition
from gateway.domain.requests.state_table import ForbiddenCell
from gateway.domain.requests.status_reports import STATUS_RULES, StatusRule, find_event_of_state
from tests.support.requests import (
    DUE,
    Story,
    asked_story,
    borrowing,
    copy_of,
    follow_ups,
    lending,
    lent_story,
    letters,
    library_calls,
    sent_story,
    shipped_story,
)

K, B, L = EventKind, BorrowingState, LendingState


def report(story: Story, reported: EventKind, attempt: int = 1, status: str = "as it is", **details: Any) -> Transition:
    return story.partner(K.STATUS_REPORT, attempt, reported=reported, status=status, **details)


def promised_story() -> Story:
    story = asked_story()
    story.partner(K.WILL_SUPPLY, 1)
    return story


def returned_story() -> Story:
    story = lent_story()
    story.us(K.RETURNED_BY_PATRON)
    story.us(K.RETURNED)
    return story


# --- what got lost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", [asked_story(), promised_story()], ids=["asked", "promised"])
def test_loaned_is_the_shipping_notice_that_never_came(story: Story) -> None:
    answer = report(story, K.SHIPPED, status="Loaned", due=DUE)
    assert (answer.event.signal, answer.kept) == (partner_signal(K.SHIPPED), False)
    assert (answer.event.details.reported, answer.event.details.status) == (K.SHIPPED, "Loaned"), "it shows who told it"
    assert (story.state, letters(answer), story.request.terms.lender_due) == (B.SHIPPED, ("sent",), DUE)


def test_the_notice_that_comes_late_corrects_details_and_tells_nobody_again() -> None:
    story = promised_story()
    report(story, K.SHIPPED)
    late = story.partner(K.SHIPPED, 1, due=DUE)
    assert (story.state, letters(late), library_calls(late)) == (B.SHIPPED, (), ())
    assert story.request.terms.lender_due == DUE


def test_loaned_brings_the_date_of_an_item_that_came_without_a_word() -> None:
    story = asked_story()
    story.us(K.RECEIVED)
    report(story, K.SHIPPED, due=DUE)
    assert (story.state, story.request.terms.lender_due) == (B.RECEIVED, DUE)


@pytest.mark.parametrize("reported", [K.UNFILLED, K.CANCEL_ACCEPTED, K.RETRY, K.EXPIRED])
def test_no_sends_the_request_on_once(reported: EventKind) -> None:
    story = promised_story()
    assert report(story, reported).event.kind is reported
    assert story.state is B.SOURCING
    late = story.partner(reported, 1)
    assert (late.kept, follow_ups(late), story.state) == (True, (), B.SOURCING)


def test_back_at_its_lender_ends_the_loan() -> None:
    story = returned_story()
    report(story, K.CHECKED_IN)
    assert story.state is B.COMPLETED
    assert story.partner(K.CHECKED_IN, 1).kept


def test_a_recall_is_heard_once() -> None:
    story = lent_story()
    assert letters(report(story, K.RECALL)) == ("recalled",)
    assert RequestFlag.RECALLED in story.request.flags
    assert report(story, K.RECALL).kept


def test_a_copy_that_was_sent_is_awaited() -> None:
    story = asked_story(copy_of(borrowing()))
    assert report(story, K.SHIPPED, status="shipped").event.kind is K.COPY_DELIVERED
    assert story.state is B.SHIPPED


def test_a_condition_waits_for_our_answer() -> None:
    story = asked_story()
    asked = report(story, K.CONDITIONAL, conditions=(LoanCondition.OTHER,))
    assert (story.state, len(follow_ups(asked))) == (B.CONDITIONAL, 1)


@pytest.mark.parametrize(
    ("reported", "state"), [(K.RECEIVED, L.SHIPPED), (K.RETURNED, L.RETURNED), (K.LOST, L.LOST)], ids=str
)
def test_a_borrower_says_where_our_item_is(reported: EventKind, state: LendingState) -> None:
    story = sent_story()
    assert report(story, reported, 0).event.kind is reported
    assert story.state is state


# --- what is no news, and what can't be ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "reported"),
    [
        (shipped_story(), K.WILL_SUPPLY),
        (lent_story(), K.SHIPPED),
        (returned_story(), K.SHIPPED),
        (returned_story(), K.OVERDUE),
        (sent_story(), K.SHIPPED),
    ],
    ids=["promised before it was sent", "sent", "sent, not back yet", "late on its way back", "we sent it"],
)
def test_what_is_known_changes_nothing_and_bothers_nobody(story: Story, reported: EventKind) -> None:
    before = story.state
    answer = report(story, reported, 1 if isinstance(before, BorrowingState) else 0)
    assert (answer.event.kind, answer.kept, story.state) == (K.STATUS_REPORT, True, before)
    assert not is_message_to_read(answer.event)


@pytest.mark.parametrize(
    ("story", "reported"),
    [
        (lent_story(), K.UNFILLED),
        (lent_story(), K.CHECKED_IN),
        (lent_story(), K.LOST),
        (asked_story(), K.CHECKED_IN),
        (asked_story(), K.COPY_DELIVERED),
        (sent_story(), K.CANCEL_ACCEPTED),
        (Story(borrowing(B.NO_SUPPLIER)), K.SHIPPED),
    ],
    ids=["no, and it is here", "back, and here", "lost, and here", "back", "a copy", "not wanted", "nobody asked"],
)
def test_what_can_not_be_is_for_staff(story: Story, reported: EventKind) -> None:
    before = story.state
    attempt = story.request.current
    answer = report(story, reported, attempt, status="Said so", note="ჩვენი წიგნი")
    assert (answer.event.kind, answer.kept, story.state) == (K.STATUS_REPORT, True, before)
    assert (is_message_to_read(answer.event), answer.event.details.note) == (True, "Said so; ჩვენი წიგნი")


def test_a_supplier_of_before_moves_nothing() -> None:
    story = asked_story()
    story.us(K.NEXT_SUPPLIER)
    story.ask("kyoto")
    says_sent = report(story, K.SHIPPED, 1)
    assert (says_sent.kept, story.state, is_message_to_read(says_sent.event)) == (True, B.REQUESTED, True)
    assert not is_message_to_read(report(story, K.UNFILLED, 1).event)


RULES = [(role, kind, rule) for role, rules in STATUS_RULES.items() for kind, rule in rules.items()]


@pytest.mark.parametrize(("role", "kind", "rule"), RULES, ids=lambda one: str(getattr(one, "value", "")))
def test_what_counts_as_missed_is_in_the_tables(role: Role, kind: EventKind, rule: StatusRule) -> None:
    assert not rule.missed & rule.contrary
    for state in rule.missed:
        cell = TABLES[role].find_cell(state, partner_signal(kind))
        assert not isinstance(cell, ForbiddenCell)
        assert any(not branch.kept for branch in cell), f"{kind} does nothing in {state}"


# --- what we answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "reported"),
    [
        (lending(L.NEW), None),
        (lending(L.WILL_SUPPLY), K.WILL_SUPPLY),
        (lending(L.SHIPPED), K.SHIPPED),
        (lending(L.RETURNED), K.SHIPPED),
        (lending(L.COMPLETED), K.CHECKED_IN),
        (copy_of(lending(L.COMPLETED)), K.COPY_DELIVERED),
        (borrowing(B.SHIPPED), None),
        (borrowing(B.LENT), K.RECEIVED),
        (borrowing(B.RETURNED), K.RETURNED),
    ],
)
def test_our_own_answer_names_what_led_to_it(request_: Request, reported: EventKind | None) -> None:
    assert find_event_of_state(request_) is reported

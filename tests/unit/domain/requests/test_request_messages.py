"""Which events are messages for people, which of ours went to the partner, and what an act of staff answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.domain.requests.events import Event, EventKind, local_signal, partner_signal, timer_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    PatronQuery,
    Request,
    RequestFlag,
    Role,
    State,
)
from gateway.domain.requests.request_messages import (
    AnsweredMessages,
    find_answered_messages,
    is_letter_overtaken,
    is_message_overtaken,
    is_message_sent,
    is_message_to_read,
    update_unread_flag,
)
from tests.support.requests import attempt, borrowing, event, lending

K, B, L = EventKind, BorrowingState, LendingState


@pytest.mark.parametrize("kind", [K.MESSAGE, K.CONDITIONAL, K.UNFILLED, K.SHIPPED, K.RECALL, K.STATUS_REPORT])
def test_what_a_partner_writes_is_to_be_read(kind: EventKind) -> None:
    assert is_message_to_read(event(partner_signal(kind), note="Bitte nur im Lesesaal"))
    assert not is_message_to_read(event(partner_signal(kind), note=" \n"))


def test_what_a_machine_put_together_is_nobody_s_words() -> None:
    shipped = event(partner_signal(K.SHIPPED), note="shipped via Posten")

    assert is_message_to_read(shipped), "a format that doesn't tell them apart"
    assert not is_message_to_read(replace(shipped, details=replace(shipped.details, written="")))
    assert is_message_to_read(replace(shipped, details=replace(shipped.details, written="Bind 2 følger.")))
    said = event(partner_signal(K.MESSAGE), note="?")
    assert is_message_to_read(replace(said, details=replace(said.details, written="")))


@pytest.mark.parametrize("kind", [K.CHECKED_IN, K.WILL_SUPPLY, K.EXPECT_TO_SUPPLY, K.HOLD_PLACED, K.SHIPPED])
def test_what_a_supplier_was_refused_is_to_be_read_without_a_word(kind: EventKind) -> None:
    said = event(partner_signal(kind))
    assert is_message_to_read(said, denied="CHECKED-IN is not allowed in the state PENDING.")
    assert not is_message_to_read(said)


def test_what_is_missing_is_to_be_read_without_a_word() -> None:
    """A format may name it in a field of its own."""
    said = event(partner_signal(K.RECEIVED))
    assert not is_message_to_read(said)
    assert is_message_to_read(replace(said, details=replace(said.details, missing=("2",), written="")))


def asked_of(state: BorrowingState, status: AttemptStatus) -> Request:
    return borrowing(state, attempts=(attempt(status=status),), current=1)


@pytest.mark.parametrize(
    ("before", "kind", "is_read"),
    [
        (lending(L.NEW), K.RECEIVED, True),
        (lending(L.CANCELLED), K.RETURNED, True),
        (lending(L.SHIPPED), K.RETURNED, False),
        (lending(L.COMPLETED), K.RETURNED, False),
        (asked_of(B.UNFILLED, AttemptStatus.UNFILLED), K.SHIPPED, True),
        (asked_of(B.CANCELLED, AttemptStatus.CANCELLED), K.COPY_DELIVERED, True),
        (asked_of(B.REQUESTED, AttemptStatus.ASKED), K.SHIPPED, False),
        (asked_of(B.REQUESTED, AttemptStatus.SKIPPED), K.SHIPPED, False),
    ],
)
def test_what_nobody_waits_for_is_to_be_read(before: Request, kind: EventKind, is_read: bool) -> None:
    number = 1 if before.role is Role.BORROWING else 0
    assert is_message_to_read(event(partner_signal(kind), attempt=number), before) is is_read


@pytest.mark.parametrize("kind", [K.DAMAGED, K.LOST])
def test_damage_and_loss_are_to_be_read_without_a_word(kind: EventKind) -> None:
    assert is_message_to_read(event(partner_signal(kind)))
    assert not is_message_to_read(event(local_signal(kind), note="Einband gebrochen"))


@pytest.mark.parametrize(
    "other",
    [
        event(partner_signal(K.REJECTED), note="There is no request with this number."),
        event(local_signal(K.NOTE), note="vorgemerkt"),
        event(timer_signal(K.OVERDUE), note="x"),
        replace(event(partner_signal(K.REJECTED), note="mail could not be delivered"), actor="mail"),
        replace(event(partner_signal(K.MESSAGE), note="by our own rule"), actor="rule"),
    ],
    ids=["a machine's refusal", "our note", "a timer", "a bounce", "a rule"],
)
def test_what_no_partner_writes_is_not(other: Event) -> None:
    assert not is_message_to_read(other)


@pytest.mark.parametrize(
    ("role", "before", "kind", "sent"),
    [
        (Role.BORROWING, B.REQUESTED, K.MESSAGE, True),
        (Role.BORROWING, B.CONDITIONAL, K.CONDITION_REFUSED, True),
        (Role.BORROWING, B.BACK, K.RETURNED, True),
        (Role.BORROWING, B.REQUESTED, K.NOTE, False),
        (Role.BORROWING, B.REVIEW, K.PATRON_ASKED, False),
        (Role.BORROWING, B.REQUESTED, K.PATRON_MESSAGE, False),
        (Role.LENDING, L.NEW, K.UNFILLED, True),
        (Role.LENDING, L.WILL_SUPPLY, K.SHIPPED, True),
        (Role.LENDING, L.NEW, K.LOCATED, False),
        (Role.LENDING, L.LOCATED, K.WILL_SUPPLY, True),
    ],
)
def test_words_that_went_to_the_partner(role: Role, before: State, kind: EventKind, sent: bool) -> None:
    assert is_message_sent(role, before.value, event(local_signal(kind), note="Děkujeme")) is sent
    assert not is_message_sent(role, before.value, event(local_signal(kind)))
    assert not is_message_sent(role, before.value, event(partner_signal(kind), note="Děkujeme"))


def test_a_message_of_staff_answers_all_that_its_receiver_wrote() -> None:
    asked = borrowing(B.REQUESTED, attempts=(attempt(1), attempt(2, "kyoto")), current=2)

    assert find_answered_messages(asked, event(local_signal(K.MESSAGE))) == AnsweredMessages(None, 2)
    assert find_answered_messages(asked, event(local_signal(K.MESSAGE), attempt=1)) == AnsweredMessages(None, 1)
    assert find_answered_messages(lending(L.SHIPPED), event(local_signal(K.MESSAGE))) == AnsweredMessages(None, 0)


@pytest.mark.parametrize(
    ("act", "answered"),
    [
        (K.CONDITION_ACCEPTED, {K.CONDITIONAL, K.RETRY}),  # an offer to ask again is a question, too
        (K.CONDITION_REFUSED, {K.CONDITIONAL, K.RETRY}),
        (K.RENEW_ACCEPTED, {K.RENEW}),
        (K.RENEW_REFUSED, {K.RENEW}),
        (K.CANCEL_ACCEPTED, {K.CANCEL}),
        (K.CANCEL_REFUSED, {K.CANCEL}),
    ],
)
def test_an_answer_to_a_question_has_read_the_question(act: EventKind, answered: set[EventKind]) -> None:
    found = find_answered_messages(lending(L.SHIPPED), event(local_signal(act)))

    assert found == AnsweredMessages(frozenset(answered), 0)


@pytest.mark.parametrize(
    "other",
    [
        event(local_signal(K.RECEIVED)),
        event(local_signal(K.NOTE), note="gesehen"),
        event(partner_signal(K.MESSAGE), note="noch etwas"),
        *(replace(event(local_signal(K.MESSAGE)), actor=actor) for actor in ("rule", "patron", "timer", "desk")),
    ],
    ids=["other acts", "notes", "the partner", "a rule", "a patron", "a timer", "a desk"],
)
def test_nobody_else_and_nothing_else_reads_messages(other: Event) -> None:
    assert find_answered_messages(lending(L.SHIPPED), other) is None


def test_the_flag_follows_what_is_unread() -> None:
    plain = borrowing(B.LENT, flags=frozenset({RequestFlag.OVERDUE}), version=7)

    flagged = update_unread_flag(plain, ["e-1"])

    assert flagged == replace(plain, flags=frozenset({RequestFlag.OVERDUE, RequestFlag.UNREAD}))
    assert update_unread_flag(flagged, ["e-1", "e-2"]) is flagged
    assert update_unread_flag(flagged, []) == plain
    assert update_unread_flag(plain, []) is plain


QUERY = PatronQuery(id="q1", about="cost", text="9 EUR?", asked=datetime(2026, 11, 30, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("letter", "request_", "applies"),
    [
        ("query", replace(borrowing(B.CONDITIONAL), query=QUERY), True),
        ("query", replace(borrowing(B.CONDITIONAL), query=replace(QUERY, answer="yes")), False),
        ("query", replace(borrowing(B.CANCELLED), query=QUERY), False),
        ("available", borrowing(B.RECEIVED), True),
        ("available", borrowing(B.LENT), False),
        ("available", replace(borrowing(B.RECEIVED), flags=frozenset({RequestFlag.UNWANTED})), False),
        ("overdue", replace(lending(L.SHIPPED), flags=frozenset({RequestFlag.OVERDUE})), True),
        ("overdue", replace(borrowing(B.BACK), flags=frozenset({RequestFlag.OVERDUE})), False),
        ("due-soon", borrowing(B.LENT), True),
        ("due-soon", lending(L.SHIPPED), True),
        ("due-soon", borrowing(B.SHIPPED), False),
        ("not-coming", borrowing(B.SOURCING), True),
        ("gone-back", borrowing(B.COMPLETED), True),
    ],
)
def test_a_letter_that_is_tried_again_says_what_is_so_still(letter: str, request_: Request, applies: bool) -> None:
    assert is_letter_overtaken(request_, letter) is not applies


@pytest.mark.parametrize(
    ("kind", "request_", "applies"),
    [
        (K.RENEW, replace(borrowing(B.LENT), flags=frozenset({RequestFlag.RENEWAL_PENDING})), True),
        (K.RENEW, borrowing(B.LENT), False),
        (K.OVERDUE, replace(lending(L.SHIPPED), flags=frozenset({RequestFlag.OVERDUE})), True),
        (K.OVERDUE, replace(lending(L.RETURNED), flags=frozenset({RequestFlag.OVERDUE})), False),
        (K.RECALL, lending(L.RETURNED), False),
        (K.STATUS_QUERY, borrowing(B.UNFILLED), False),
        (K.RETURNED, borrowing(B.COMPLETED), True),
    ],
)
def test_a_message_that_is_tried_again_says_what_is_so_still(kind: EventKind, request_: Request, applies: bool) -> None:
    assert is_message_overtaken(request_, kind) is not applies

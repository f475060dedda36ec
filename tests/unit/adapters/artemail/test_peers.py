"""Two libraries that supply each other by the format: the codes that the service has no use for are theirs to add."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal

import pytest

from adapters.artemail.dialect import dialect_of
from adapters.artemail.mail_format import ArtemailFormat, write_reply
from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import Role
from tests.unit.adapters.artemail.support import NUMBER, both_ways, lent, mail, message, only, read, written

PEERS = both_ways(
    actions={
        "codes": {
            "received": ["RECEIVED"],
            "returned": ["RETURNED"],
            "condition-accepted": ["CONDITION", "ACCEPTED"],
            "condition-refused": ["CONDITION", "REFUSED"],
            "message": ["NOTE"],
            "damaged": ["SPOILT"],
        }
    },
    replies={
        "codes": {
            "loan-shipped": {"code": "SHIPPED LOAN*{due}", "kind": "shipped"},
            "copy-ready": {"code": "COPY READY {link}", "kind": "copy-delivered"},
            "unfilled": {"code": "UNFILLED*{text}", "kind": "unfilled"},
            "checked-in": {"code": "CHECKED IN", "kind": "checked-in"},
            "library-use": {
                "code": "CONDITION*LIBRARY USE ONLY",
                "kind": "conditional",
                "conditions": ["library-use-only"],
            },
            "condition": {"code": "CONDITION[*{amount}]", "kind": "conditional"},
            "message": {"code": "MESSAGE", "kind": "message"},
            "damaged": {"code": "DAMAGED", "kind": "damaged"},
            "recall": {"code": "RECALLED", "kind": "recall"},
        }
    },
)


@pytest.mark.parametrize(
    ("kind", "details", "line"),
    [
        (EventKind.SHIPPED, {"due": date(2026, 4, 30)}, "SHIPPED LOAN*30-04-2026"),
        (EventKind.SHIPPED, {}, "SHIPPED COPY"),
        (EventKind.COPY_DELIVERED, {"link": "https://ill.example/c/Zm9v"}, "COPY READY https://ill.example/c/Zm9v"),
        (EventKind.UNFILLED, {"reason": "on-loan"}, "UNFILLED*ON LOAN"),
        (EventKind.UNFILLED, {"reason": "not-held"}, "NOT"),
        (EventKind.CHECKED_IN, {}, "CHECKED IN"),
        (EventKind.CONDITIONAL, {"conditions": (LoanCondition.LIBRARY_USE_ONLY,)}, "CONDITION*LIBRARY USE ONLY"),
        (EventKind.CONDITIONAL, {"cost": Money(Decimal("8.50"), "GBP")}, "CONDITION*8.50 GBP"),
        (EventKind.MESSAGE, {}, "MESSAGE"),
    ],
)
def test_what_the_supplier_says_arrives(kind: EventKind, details: dict[str, object], line: str) -> None:
    answered = write_reply(lent(kind, **details), dialect_of(PEERS), UTC)

    assert answered.text.splitlines()[0] == f"{NUMBER} {line}"
    event = only(read(answered.text, profile=PEERS))
    assert (event.kind, event.role, event.transaction) == (kind, Role.BORROWING, NUMBER)
    assert {name: getattr(event.details, name) for name in details} == details


@pytest.mark.parametrize("kind", sorted(dialect_of(PEERS).actions.codes))
def test_what_the_requester_says_arrives(kind: EventKind) -> None:
    event = only(ArtemailFormat().decode(mail(written(message(kind), PEERS)), PEERS))

    assert (event.kind, event.role, event.transaction) == (kind, Role.LENDING, NUMBER)


def test_what_a_code_has_no_field_for_stands_below_it() -> None:
    answered = write_reply(
        lent(
            EventKind.CONDITIONAL,
            conditions=(LoanCondition.LIBRARY_USE_ONLY, LoanCondition.SUPERVISED),
            cost=Money(Decimal("8.50"), "GBP"),
            note="Bitte",
        ),
        dialect_of(PEERS),
        UTC,
    )

    assert answered.text.splitlines()[1:] == ["Cost: 8.50 GBP", "Conditions: supervised", "Bitte"]


def test_no_code_says_a_condition_that_was_not_made() -> None:
    answered = write_reply(lent(EventKind.CONDITIONAL, conditions=(LoanCondition.SUPERVISED,)), dialect_of(PEERS), UTC)

    assert answered.text.splitlines() == [f"{NUMBER} CONDITION", "Conditions: supervised"]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (EventKind.RECALL, {"due": date(2026, 4, 17)}),
        (EventKind.DAMAGED, {"cost": Money(Decimal("45.50"), "EUR")}),
        (EventKind.SHIPPED, {"conditions": (LoanCondition.NO_REPRODUCTION, LoanCondition.SIGNATURE_REQUIRED)}),
        (EventKind.CONDITIONAL, {"conditions": (LoanCondition.LIBRARY_USE_ONLY, LoanCondition.SUPERVISED)}),
        (EventKind.CHECKED_IN, {"expected": date(2026, 4, 18)}),
        (EventKind.UNFILLED, {"reason": "on-loan", "retry_after": date(2026, 5, 2)}),
        (EventKind.MESSAGE, {"link": "https://ill.example/c/Zm9v"}),
    ],
)
def test_what_a_code_has_no_field_for_is_read_from_below_it(kind: EventKind, details: dict[str, object]) -> None:
    answered = write_reply(lent(kind, note="Wird dringend gebraucht.", **details), dialect_of(PEERS), UTC)

    event = only(read(answered.text, profile=PEERS))
    assert event.kind is kind
    assert {name: getattr(event.details, name) for name in details} == details
    assert "Wird dringend gebraucht." in event.details.note


def test_a_changed_due_date_goes_as_a_message_and_is_read_as_what_it_is() -> None:
    said = lent(EventKind.DUE_DATE_CHANGED, due=date(2026, 5, 20), note="Viel Freude damit")

    answered = write_reply(said, dialect_of(PEERS), UTC)

    assert answered.text.splitlines() == [
        f"{NUMBER} MESSAGE",
        "The due date is now 2026-05-20.",
        "Viel Freude damit",
    ]
    event = only(read(answered.text, profile=PEERS))
    assert (event.kind, event.details.due) == (EventKind.DUE_DATE_CHANGED, date(2026, 5, 20))


@pytest.mark.parametrize(
    "line", ["Due back: as soon as you can", "Cost: about 5", "Conditions: kind words", "Conditions: supervised, or so"]
)
def test_other_words_below_a_code_stay_words(line: str) -> None:
    event = only(read(f"{NUMBER} RECALLED\n{line}\n", profile=PEERS))

    details = event.details
    assert (event.kind, details.due, details.cost, details.conditions) == (EventKind.RECALL, None, None, ())
    assert line in details.note


def test_the_cost_of_damage_that_a_requester_names_arrives() -> None:
    cost = Money(Decimal("45.50"), "EUR")
    sent = written(message(EventKind.DAMAGED, cost=cost, note="Wasserschaden"), PEERS)

    event = only(ArtemailFormat().decode(mail(sent), PEERS))

    assert (event.kind, event.details.cost) == (EventKind.DAMAGED, cost)
    assert "Wasserschaden" in event.details.note

"""Terms in notes: what is written by rule is read in exactly that form; all else stays words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, LoanCondition
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.note_terms import (
    read_note_terms,
    read_told_event,
    write_changed_due,
    write_conditions_term,
    write_cost_term,
    write_due_term,
)
from tests.support.requests import money

C = LoanCondition
APRIL = date(2026, 4, 1)


# --- written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "term"),
    [(None, ""), (APRIL, "due: 2026-04-01"), (datetime(2026, 3, 31, 23, 30, tzinfo=UTC), "due: 2026-04-01")],
)
def test_a_due_date_is_the_day_in_the_zone(due: date | None, term: str) -> None:
    assert write_due_term(due, ZoneInfo("Europe/Warsaw")) == term


@pytest.mark.parametrize(("cost", "term"), [(None, ""), (money("45.00"), "cost: 45.00 EUR")])
def test_a_cost_has_its_currency(cost: Money | None, term: str) -> None:
    assert write_cost_term(cost) == term


@pytest.mark.parametrize(
    ("conditions", "term"),
    [
        ((), ""),
        ((C.OTHER,), ""),
        ((C.LIBRARY_USE_ONLY, C.OTHER, C.SUPERVISED), "conditions: library use only, supervised"),
    ],
)
def test_conditions_are_written_in_plain_words(conditions: tuple[LoanCondition, ...], term: str) -> None:
    assert write_conditions_term(conditions) == term


# --- read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("note", "due"),
    [
        ("Pilne; due: 2026-04-01; dziękujemy", APRIL),
        ("due: 2026-02-30", None),
        ("due: 2026-04-01 at noon", None),
        ("w maju", None),
    ],
)
def test_the_date_of_a_recall(note: str, due: date | None) -> None:
    found = read_note_terms(K.RECALL, EventDetails(note=note))
    assert (found.due, found.note) == (due, note)


@pytest.mark.parametrize(
    ("note", "cost"),
    [
        ("cost: 45.00 EUR; okładka", money("45.00")),
        ("cost: 1.500 TND", money("1.500", "TND")),
        ("Kosten: 45,00 EUR", money("45.00")),
        ("cost: 1.500,00 EUR", money("1500.00")),
        ("cost: 45 kr", None),
        ("Einband lose", None),
    ],
)
def test_the_cost_of_damage(note: str, cost: Money | None) -> None:
    found = read_note_terms(K.DAMAGED, EventDetails(note=note))
    assert (found.cost, found.note) == (cost, note)


@pytest.mark.parametrize(
    ("note", "conditions"),
    [
        ("conditions: no renewal, supervised; bitte sorgsam", (C.LIBRARY_USE_ONLY, C.NO_RENEWAL, C.SUPERVISED)),
        ("conditions: library use only", (C.LIBRARY_USE_ONLY,)),
        ("conditions: no renewal, with gloves", (C.LIBRARY_USE_ONLY, C.OTHER)),  # then all of them stay words
        ("bitte sorgsam", (C.LIBRARY_USE_ONLY, C.OTHER)),
    ],
)
def test_conditions_that_a_protocol_has_no_words_for(note: str, conditions: tuple[LoanCondition, ...]) -> None:
    said = EventDetails(note=note, conditions=(C.LIBRARY_USE_ONLY, C.OTHER))
    assert read_note_terms(K.SHIPPED, said) == replace(said, conditions=conditions)


def test_what_a_field_says_outweighs_the_note() -> None:
    said = EventDetails(note="due: 2026-04-01; cost: 45.00 EUR", due=date(2026, 5, 1), cost=money("9"))
    assert read_note_terms(K.RECALL, said) == said
    assert read_note_terms(K.LOST, said) == said


def test_an_event_that_brings_no_terms_has_words_only() -> None:
    said = EventDetails(note="due: 2026-04-01; cost: 45.00 EUR; conditions: supervised")
    assert read_note_terms(K.MESSAGE, said) == said
    assert read_note_terms(K.SHIPPED, EventDetails(note="volume 2 of 2")).volumes == ("2",)


def test_a_message_may_change_the_due_date() -> None:
    note = f"{write_changed_due(APRIL)} Wesołych świąt"
    said = EventDetails(note=note)
    assert note.startswith("The due date is now 2026-04-01.")
    assert read_told_event(K.MESSAGE, said) == (K.DUE_DATE_CHANGED, replace(said, due=APRIL))
    assert read_told_event(K.STATUS_REPORT, said) == (K.STATUS_REPORT, said)


@pytest.mark.parametrize("note", ["The due date is now 2026-02-30.", "Hi. The due date is now 2026-04-01.", ""])
def test_other_words_change_no_due_date(note: str) -> None:
    said = EventDetails(note=note)
    assert read_told_event(K.MESSAGE, said) == (K.MESSAGE, said)


SUPPLIERS = (
    *(K.ACKNOWLEDGED, K.EXPECT_TO_SUPPLY, K.HOLD_PLACED, K.WILL_SUPPLY, K.CONDITIONAL, K.RETRY),
    *(K.SHIPPED, K.COPY_DELIVERED),
)


@pytest.mark.parametrize("kind", SUPPLIERS)
@pytest.mark.parametrize(
    ("note", "cost", "conditions"),
    [
        ("gladly; Cost: 12 kr", None, (C.COST,)),
        ("Preis: auf Anfrage\nbis Freitag", None, (C.COST,)),
        ("Price: 12.50 EUR", money("12.50"), ()),
        ("at no cost: none", None, ()),
    ],
)
def test_a_price_of_a_supplier_that_cant_be_read_is_a_condition(
    kind: K, note: str, cost: Money | None, conditions: tuple[C, ...]
) -> None:
    found = read_note_terms(kind, EventDetails(note=note))
    assert (found.cost, found.conditions, found.note) == (cost, conditions, note)


@pytest.mark.parametrize("kind", [K.UNFILLED, K.MESSAGE, K.DAMAGED, K.CONDITION_ACCEPTED])
def test_a_price_beside_anything_else_is_no_condition(kind: K) -> None:
    assert read_note_terms(kind, EventDetails(note="cost: too high")).conditions == ()

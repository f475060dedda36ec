"""What a requester changes of its request: applied before shipping, words afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.events import EventKind, FieldChange
from gateway.domain.requests.request import LendingState, LibraryParty, Request, RequestCosts, RequestDates
from gateway.domain.requests.requester_changes import RequesterField, describe_changes
from gateway.domain.requests.state_machine import Transition
from gateway.domain.requests.state_table import StartTimer, TimerKind
from tests.support.requests import BOOK, Story, lending, money

F = RequesterField


def tell(request: Request, *changes: tuple[str, str]) -> Transition:
    made = tuple(FieldChange(field, value) for field, value in changes)
    return Story(request).partner(EventKind.MESSAGE, changes=made, note=describe_changes(made))


def change(request: Request, *changes: tuple[str, str]) -> Request:
    return tell(request, *changes).request


def test_each_field_has_its_place() -> None:
    of_the_work = (F.TITLE, F.SUBTITLE, F.AUTHOR, F.COMPONENT_TITLE, F.COMPONENT_AUTHOR, F.EDITION, F.VOLUME)
    for field in (*of_the_work, F.ISSUE, F.PAGES, F.PUBLISHED, F.PUBLISHER, F.PLACE, F.NOTE):
        assert getattr(change(lending(), (field, "Ny")).citation, field) == "Ny"
        assert getattr(change(lending(), (field, "")).citation, field) == ""
    assert change(lending(), (F.LEVEL, "rush")).service.level == "rush"
    assert change(lending(), (F.NEED_BY, "2027-02-15")).dates.need_by == date(2027, 2, 15)
    assert change(lending(), (F.NEED_BY, "")).dates.need_by is None


def test_a_number_takes_the_place_of_those_of_its_kind() -> None:
    asked = lending(citation=replace(BOOK, identifiers=(RecordId("isbn", "1"), RecordId("oclc", "2"))))
    assert set(change(asked, (F.ISBN, "3")).citation.identifiers) == {RecordId("oclc", "2"), RecordId("isbn", "3")}
    assert change(asked, (F.OCLC, "")).citation.identifiers == (RecordId("isbn", "1"),)


def test_the_pickup_place_is_the_first_line_of_the_address() -> None:
    asked = lending(partner=LibraryParty("S", "s", address="Oak Main Library\n1 Oak Street"))
    assert change(asked, (F.PICKUP, "Oak Law Library")).partner.address == "Oak Law Library\n1 Oak Street"
    assert change(lending(), (F.PICKUP, "Oak Law Library")).partner.address.splitlines()[0] == "Oak Law Library"


@pytest.mark.parametrize(
    ("said", "known", "becomes"),
    [
        ("25 USD", None, money("25", "USD")),
        ("25", money("10", "USD"), money("25", "USD")),
        ("USD", money("10", "EUR"), money("10", "USD")),
        ("25", None, None),
        ("USD", None, None),
        ("", money("10", "EUR"), None),
        ("a lot", money("10", "EUR"), money("10", "EUR")),
    ],
)
def test_half_a_sum_keeps_the_other_half(said: str, known: object, becomes: object) -> None:
    asked = lending(costs=RequestCosts(maximum=known))  # type: ignore[arg-type]
    assert change(asked, (F.MAXIMUM_COST, said)).costs.maximum == becomes


@pytest.mark.parametrize("state", [LendingState.SHIPPED, LendingState.RETURNED, LendingState.COMPLETED])
def test_what_is_sent_is_not_changed_any_more(state: LendingState) -> None:
    sent = lending(state, dates=RequestDates(need_by=date(2027, 1, 31)))
    transition = tell(sent, (F.TITLE, "Another"), (F.NEED_BY, "2027-02-15"))
    assert (transition.request.citation, transition.request.dates) == (sent.citation, sent.dates)
    assert transition.effects == ()
    assert transition.request.notes[-1].text == "Changed by the borrower: Title: Another; Needed by: 2027-02-15"


def test_a_field_that_is_none_of_ours_is_words() -> None:
    asked = lending()
    changed = change(asked, ("Mood", "calm"), (F.RECORD, "in01"))
    assert (changed.citation, changed.extras) == (asked.citation, asked.extras)
    assert changed.notes[-1].text == "Changed by the borrower: Mood: calm; Record number: in01"


def test_the_end_of_the_wait_moves_with_the_day() -> None:
    assert StartTimer(TimerKind.NEED_BY) in tell(lending(), (F.NEED_BY, "2027-02-15")).effects
    assert tell(lending(), (F.TITLE, "Another")).effects == ()

"""The tables of actions and of words for patrons are complete."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from gateway.domain.requests.act_details import check_details
from gateway.domain.requests.action_fields import FieldType
from gateway.domain.requests.event_catalogue import ACTS, BY_HAND
from gateway.domain.requests.events import EventDetails, EventKind, EventOrigin
from gateway.domain.requests.patron_status import (
    BORROWING_STATUS,
    LENDING_STATUS,
    SAYINGS,
    PatronStatus,
    status_of_request,
    status_of_state,
)
from gateway.domain.requests.request import (
    TERMINAL,
    BorrowingState,
    LendingState,
    PatronQuery,
    Request,
    RequestedService,
    RequestFlag,
    Role,
    ServiceType,
    State,
)
from gateway.domain.requests.state_machine import TABLES
from gateway.services.letters.renderer import LetterPlace, LetterRenderer

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
OURS = {signal.kind for table in TABLES.values() for signal in table.signals if signal.origin is EventOrigin.US}
DETAILS = {field.name for field in fields(EventDetails)}


def request(state: State = BorrowingState.LENT, role: Role = Role.BORROWING, **more: object) -> Request:
    return Request(
        library="DEMO",
        id="r1",
        role=role,
        state=state,
        number="B1",
        created=NOW,
        changed=NOW,
        **more,  # type: ignore[arg-type]
    )


# --- actions ---------------------------------------------------------------------------------------------


def test_every_event_of_ours_has_its_fields_and_nothing_else_has() -> None:
    assert set(ACTS) >= OURS, f"no fields for {OURS - set(ACTS)}"
    assert set(ACTS) <= OURS, f"no event of ours: {set(ACTS) - OURS}"


@pytest.mark.parametrize("kind", ACTS)
def test_fields_are_details_and_stand_once(kind: EventKind) -> None:
    every = [*ACTS[kind].required, *ACTS[kind].optional]
    assert {field.name for field in every} <= DETAILS
    assert len({field.name for field in every}) == len(every)
    assert set(ACTS[kind].one_of) <= {field.name for field in ACTS[kind].optional}
    assert all(field.help.endswith(".") and isinstance(field.type, FieldType) for field in every)


def test_what_rules_do_is_not_offered_to_people() -> None:
    ours = {role: {one.kind for one in TABLES[role].signals if one.origin is EventOrigin.US} for role in Role}
    assert EventKind.REQUEST in ACTS
    assert EventKind.REQUEST not in BY_HAND
    assert EventKind.SHIPPED in ours[Role.LENDING]
    assert EventKind.SHIPPED not in ours[Role.BORROWING]


@pytest.mark.parametrize(
    ("kind", "details", "wrong"),
    [
        (EventKind.NOTE, EventDetails(note="x"), []),
        (EventKind.NOTE, EventDetails(), ["note"]),
        (EventKind.ASSIGN, EventDetails(rota="quick"), []),
        (EventKind.ASSIGN, EventDetails(), ["partner"]),
        (EventKind.CANCEL, EventDetails(barcode="1", due=date(2026, 3, 1)), ["barcode", "due"]),
        (EventKind.SHIPPED, EventDetails(renewals_allowed=False), []),
    ],
)
def test_what_is_missing_and_what_means_nothing(kind: EventKind, details: EventDetails, wrong: list[str]) -> None:
    assert [one.name for one in check_details(kind, details)] == wrong


# --- words -----------------------------------------------------------------------------------------------


def test_every_state_has_words_for_patrons() -> None:
    assert set(BORROWING_STATUS) == set(BorrowingState)
    assert set(LENDING_STATUS) == set(LendingState)
    said = [status_of_state(Role.BORROWING, one) for one in BorrowingState] + [
        status_of_state(Role.LENDING, one) for one in LendingState
    ]
    assert {words.word for words in said} <= set(SAYINGS)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_language_has_a_sentence_for_all_that_patrons_are_told(language: str) -> None:
    said = LetterRenderer(LetterPlace((), "en")).resolve_language(language)
    assert said.language == language
    assert set(said.words.patron) == set(SAYINGS)
    for text in said.words.patron.values():
        assert text.endswith(".")
        assert 10 < len(text) < 100


@pytest.mark.parametrize("state", [state for state in (*BorrowingState, *LendingState) if state in TERMINAL])
def test_what_is_closed_reads_as_closed(state: State) -> None:
    role = Role.BORROWING if isinstance(state, BorrowingState) else Role.LENDING
    assert status_of_state(role, state).status in (PatronStatus.DONE, PatronStatus.ENDED)


def test_states_of_the_same_name_have_the_words_of_their_side() -> None:
    assert status_of_state(Role.BORROWING, BorrowingState.SHIPPED) != status_of_state(
        Role.LENDING, LendingState.SHIPPED
    )


def test_what_is_urgent_is_said_first() -> None:
    assert status_of_request(request(flags=frozenset({RequestFlag.OVERDUE}))).word == "overdue"
    assert status_of_request(request(flags=frozenset({RequestFlag.OVERDUE, RequestFlag.RECALLED}))).word == "recalled"
    query = PatronQuery(id="q", about="cost", text="20 EUR?", asked=NOW)
    assert status_of_request(request(BorrowingState.CONDITIONAL, query=query)).word == "question"
    copy = request(BorrowingState.COMPLETED, service=RequestedService(ServiceType.COPY))
    assert status_of_request(copy).word == "copy-ready"

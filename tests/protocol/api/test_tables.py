"""The tables of acts and of words for patrons are complete."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from gateway.domain.requests.action_fields import ACTS, BY_RULE, FieldType, acts_of, check
from gateway.domain.requests.events import Details, Kind, Origin
from gateway.domain.requests.patron_status import (
    BORROWING_STATUS,
    LENDING_STATUS,
    SAYINGS,
    PatronStatus,
    of_request,
    of_state,
)
from gateway.domain.requests.request import (
    TERMINAL,
    Borrowing,
    Flag,
    Lending,
    PatronQuery,
    Request,
    Role,
    Service,
    ServiceType,
    State,
)
from gateway.domain.requests.state_machine import TABLES
from gateway.services.letters import Letters

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
OURS = {signal.kind for table in TABLES.values() for signal in table.signals if signal.origin is Origin.US}
DETAILS = {field.name for field in fields(Details)}


def request(state: State = Borrowing.LENT, role: Role = Role.BORROWING, **more: object) -> Request:
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


# --- acts ------------------------------------------------------------------------------------------------


def test_every_event_of_ours_has_its_fields_and_nothing_else_has() -> None:
    assert set(ACTS) >= OURS, f"no fields for {OURS - set(ACTS)}"
    assert set(ACTS) <= OURS, f"no event of ours: {set(ACTS) - OURS}"


@pytest.mark.parametrize("kind", ACTS)
def test_fields_are_details_and_stand_once(kind: Kind) -> None:
    every = [*ACTS[kind].required, *ACTS[kind].optional]
    assert {field.name for field in every} <= DETAILS
    assert len({field.name for field in every}) == len(every)
    assert set(ACTS[kind].one_of) <= {field.name for field in ACTS[kind].optional}
    assert all(field.help.endswith(".") and isinstance(field.type, FieldType) for field in every)


def test_what_rules_do_is_not_offered_to_people() -> None:
    for role in Role:
        assert not set(acts_of(role)) & BY_RULE
    assert Kind.SHIPPED in acts_of(Role.LENDING)
    assert Kind.SHIPPED not in acts_of(Role.BORROWING)


@pytest.mark.parametrize(
    ("kind", "details", "wrong"),
    [
        (Kind.NOTE, Details(note="x"), []),
        (Kind.NOTE, Details(), ["note"]),
        (Kind.ASSIGN, Details(rota="quick"), []),
        (Kind.ASSIGN, Details(), ["partner"]),
        (Kind.CANCEL, Details(barcode="1", due=date(2026, 3, 1)), ["barcode", "due"]),
        (Kind.SHIPPED, Details(renewals_allowed=False), []),
    ],
)
def test_what_is_missing_and_what_means_nothing(kind: Kind, details: Details, wrong: list[str]) -> None:
    assert [one.name for one in check(kind, details)] == wrong


# --- words -----------------------------------------------------------------------------------------------


def test_every_state_has_words_for_patrons() -> None:
    assert set(BORROWING_STATUS) == set(Borrowing)
    assert set(LENDING_STATUS) == set(Lending)
    said = [of_state(Role.BORROWING, one) for one in Borrowing] + [of_state(Role.LENDING, one) for one in Lending]
    assert {words.word for words in said} <= set(SAYINGS)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_language_has_a_sentence_for_all_that_patrons_are_told(language: str) -> None:
    said = Letters(None, "en").resolve_language(language)
    assert said.language == language
    assert set(said.words.patron) == set(SAYINGS)
    for text in said.words.patron.values():
        assert text.endswith(".")
        assert 10 < len(text) < 100


@pytest.mark.parametrize("state", [state for state in (*Borrowing, *Lending) if state in TERMINAL])
def test_what_is_closed_reads_as_closed(state: State) -> None:
    role = Role.BORROWING if isinstance(state, Borrowing) else Role.LENDING
    assert of_state(role, state).status in (PatronStatus.DONE, PatronStatus.ENDED)


def test_states_of_the_same_name_have_the_words_of_their_side() -> None:
    assert of_state(Role.BORROWING, Borrowing.SHIPPED) != of_state(Role.LENDING, Lending.SHIPPED)


def test_what_is_urgent_is_said_first() -> None:
    assert of_request(request(flags=frozenset({Flag.OVERDUE}))).word == "overdue"
    assert of_request(request(flags=frozenset({Flag.OVERDUE, Flag.RECALLED}))).word == "recalled"
    query = PatronQuery(id="q", about="cost", text="20 EUR?", asked=NOW)
    assert of_request(request(Borrowing.CONDITIONAL, query=query)).word == "question"
    copy = request(Borrowing.COMPLETED, service=Service(ServiceType.COPY))
    assert of_request(copy).word == "copy-ready"

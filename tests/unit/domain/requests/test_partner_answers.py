"""What a letter to a partner may be answered with: the table, the request that lets it, and what is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.requests import signed_links
from gateway.domain.requests.events import Condition, Details, Kind
from gateway.domain.requests.partner_answers import (
    ANSWERS,
    FARTHEST,
    LETTERS,
    MOST_NOTE,
    REASONS,
    Fault,
    Field,
    fields_of,
    filled,
    fits,
    offered,
)
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import Borrowing, Lending, Request, Role, Service, ServiceType, Terms
from gateway.domain.requests.signed_links import BadLink, QuestionLink
from gateway.services.letters import PARTNER_LETTERS, Letters, sample

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
ANY = Workflow()


def borrowed(state: Borrowing = Borrowing.REQUESTED, service: ServiceType = ServiceType.LOAN) -> Request:
    return replace(sample.request(), state=state, service=Service(service))


def lent(state: Lending) -> Request:
    return replace(sample.request(role=Role.LENDING), state=state)


# --- the table -------------------------------------------------------------------------------------------


def test_every_answer_belongs_to_a_letter_that_there_is() -> None:
    assert {kind for _, kind in LETTERS} <= set(PARTNER_LETTERS)
    assert {name for names in LETTERS.values() for name in names} == set(ANSWERS)
    assert all(set(one.needed) <= set(one.fields) for one in ANSWERS.values())
    assert set(REASONS) == {name for name, one in ANSWERS.items() if Field.REASON in one.fields}


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_answer_has_words_in_every_language(language: str) -> None:
    words = Letters(None, language).resolve_language("").words

    assert {f"say-{name}" for name in ANSWERS} <= set(words.pages)
    assert {f"fault-{fault.value}" for fault in Fault} <= set(words.pages)
    assert {one.value for names in REASONS.values() for one in names} <= set(words.reasons)
    assert {one.value for one in Condition} <= set(words.conditions)


# --- what fits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "state", "names"),
    [
        (Kind.REQUEST, Borrowing.REQUESTED, ["will-supply", "shipped", "conditional", "unfilled"]),
        (Kind.REQUEST, Borrowing.COMPLETED, []),
        (Kind.STATUS_QUERY, Borrowing.WILL_SUPPLY, ["will-supply", "shipped", "unfilled"]),
        (Kind.STATUS_QUERY, Borrowing.RETURNED, ["checked-in"]),
        (Kind.CANCEL, Borrowing.CANCEL_PENDING, ["cancel-accepted", "cancel-refused"]),
        (Kind.RENEW, Borrowing.LENT, ["renew-accepted", "renew-refused"]),
        (Kind.RETURNED, Borrowing.RETURNED, ["checked-in"]),
        (Kind.RETURNED, Borrowing.COMPLETED, []),  # where no check-in is waited for
        (Kind.MESSAGE, Borrowing.REQUESTED, []),
    ],
)
def test_a_borrowers_letter_asks_what_its_request_can_take(letter: Kind, state: Borrowing, names: list[str]) -> None:
    assert offered(Role.BORROWING, letter, borrowed(state), 1, ANY, NOW) == names


@pytest.mark.parametrize(
    ("letter", "state", "names"),
    [
        (Kind.CONDITIONAL, Lending.CONDITIONAL, ["condition-accepted", "condition-refused"]),
        (Kind.WILL_SUPPLY, Lending.WILL_SUPPLY, ["cancel"]),
        (Kind.SHIPPED, Lending.SHIPPED, ["received", "renew", "returned"]),
        (Kind.OVERDUE, Lending.SHIPPED, ["renew", "returned"]),
        (Kind.RECALL, Lending.SHIPPED, ["will-return", "returned"]),
        (Kind.UNFILLED, Lending.UNFILLED, []),
    ],
)
def test_a_lenders_letter_asks_what_its_request_can_take(letter: Kind, state: Lending, names: list[str]) -> None:
    assert offered(Role.LENDING, letter, lent(state), 0, ANY, NOW) == names


def test_a_loan_that_cannot_be_renewed_is_not_offered_to_be() -> None:
    loan = replace(lent(Lending.SHIPPED), terms=Terms(renewals_allowed=False))

    assert offered(Role.LENDING, Kind.SHIPPED, loan, 0, ANY, NOW) == ["received", "returned"]


def test_late_news_count_where_they_are_worth_hearing() -> None:
    moved = replace(borrowed(), current=0, state=Borrowing.SOURCING)

    assert fits(ANSWERS["shipped"], moved, 1, ANY, NOW)
    assert fits(ANSWERS["cancel-refused"], moved, 1, ANY, NOW)
    assert not fits(ANSWERS["will-supply"], moved, 1, ANY, NOW)
    assert not fits(ANSWERS["shipped"], moved, 7, ANY, NOW), "nobody was asked as number seven"


# --- what is filled in -----------------------------------------------------------------------------------


def test_a_form_becomes_details() -> None:
    form = {"condition": "supervised", "note": "  In the  reading room,\r\n\x07please.  ", "link": "https://x.example"}

    done = filled(ANSWERS["conditional"], borrowed(), form, TODAY)

    assert done.faults == {}
    assert done.details == Details(
        answer="conditional", conditions=(Condition.SUPERVISED,), note="In the reading room,\nplease."
    )


@pytest.mark.parametrize("text", ["2026-04-13", "13.04.2026", "13/04/2026"])
def test_a_date_is_read_as_browsers_and_people_write_it(text: str) -> None:
    assert filled(ANSWERS["shipped"], borrowed(), {"due": text}, TODAY).details.due == date(2026, 4, 13)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.MISSING),
        ("   ", Fault.MISSING),
        ("Ostern", Fault.NO_DATE),
        ("2026-02-30", Fault.NO_DATE),
        ("99999-01-01", Fault.NO_DATE),
        (str(TODAY - timedelta(days=1)), Fault.PAST),
        (str(TODAY + FARTHEST + timedelta(days=1)), Fault.FAR),
    ],
)
def test_a_date_that_is_none_is_a_fault(text: str, fault: Fault) -> None:
    assert filled(ANSWERS["renew-accepted"], borrowed(), {"due": text}, TODAY).faults == {Field.DUE: fault}


def test_a_copy_is_not_due_back() -> None:
    copy = borrowed(service=ServiceType.COPY)

    assert fields_of(ANSWERS["shipped"], copy) == (Field.NOTE,)
    assert filled(ANSWERS["shipped"], copy, {"due": "x"}, TODAY).faults == {}


def test_words_that_nobody_could_choose_are_others() -> None:
    assert filled(ANSWERS["unfilled"], borrowed(), {"reason": "<i>"}, TODAY).details.reason == "other"
    assert filled(ANSWERS["conditional"], borrowed(), {"condition": "x", "note": "y"}, TODAY).details.conditions == (
        Condition.OTHER,
    )


def test_a_note_ends_somewhere() -> None:
    assert len(filled(ANSWERS["returned"], borrowed(), {"note": "é" * 5_000}, TODAY).details.note) == MOST_NOTE


# --- links -----------------------------------------------------------------------------------------------

LINK = QuestionLink(library="NO-01", request_id="r1", query="m1/request", answer="will-supply", expires=NOW, attempt=2)
SECRET = b"made up"


def test_a_link_says_what_was_signed() -> None:
    token = signed_links.sign_question_link(LINK, SECRET)

    assert signed_links.verify_question_link(token, SECRET) == LINK
    assert signed_links.sign_question_link(LINK, SECRET) == token, "a letter that is sent again has the same links"
    with pytest.raises(BadLink):
        signed_links.verify_question_link(token, b"another")


@pytest.mark.parametrize(("attempt", "answer"), [(0, "yes"), (None, "will-supply"), (1, "")])
def test_patrons_and_partners_have_answers_of_their_own(attempt: int | None, answer: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        signed_links.sign_question_link(replace(LINK, attempt=attempt, answer=answer), SECRET)

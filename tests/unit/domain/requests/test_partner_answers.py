"""What a letter to a partner may be answered with: the table, the request that lets it, and what is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.requests import signed_links
from gateway.domain.requests.event_catalogue import PARTNER_LETTERS
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.partner_answers import (
    ANSWERS,
    LETTERS,
    MAX_NOTE_CHARS,
    MAX_TIME_AHEAD,
    REASONS,
    AnswerFieldRule,
    FieldFault,
    is_answer_applicable,
    list_answer_fields,
    list_answers,
    parse_answer_form,
)
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LoanTerms,
    Request,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.requests.signed_links import InvalidLinkError, QuestionLink
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
ANY = Workflow()


def borrowed(state: BorrowingState = BorrowingState.REQUESTED, service: ServiceType = ServiceType.LOAN) -> Request:
    return replace(sample.sample_request(), state=state, service=RequestedService(service))


def lent(state: LendingState) -> Request:
    return replace(sample.sample_request(role=Role.LENDING), state=state)


# --- the table -------------------------------------------------------------------------------------------


def test_every_answer_belongs_to_a_letter_that_there_is() -> None:
    assert {kind for _, kind in LETTERS} <= set(PARTNER_LETTERS)
    assert {name for names in LETTERS.values() for name in names} == set(ANSWERS)
    assert all(set(one.needed) <= set(one.fields) for one in ANSWERS.values())
    assert set(REASONS) == {name for name, one in ANSWERS.items() if AnswerFieldRule.REASON in one.fields}


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_answer_has_words_in_every_language(language: str) -> None:
    words = LetterRenderer(LetterPlace((), language)).resolve_language("").words

    assert {f"say-{name}" for name in ANSWERS} <= set(words.pages)
    assert {f"fault-{fault.value}" for fault in FieldFault} <= set(words.pages)
    assert {one.value for names in REASONS.values() for one in names} <= set(words.reasons)
    assert {one.value for one in LoanCondition} <= set(words.conditions)


# --- what fits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "state", "names"),
    [
        (EventKind.REQUEST, BorrowingState.REQUESTED, ["will-supply", "shipped", "conditional", "unfilled"]),
        (EventKind.REQUEST, BorrowingState.COMPLETED, []),
        (EventKind.STATUS_QUERY, BorrowingState.WILL_SUPPLY, ["will-supply", "shipped", "unfilled"]),
        (EventKind.STATUS_QUERY, BorrowingState.RETURNED, ["checked-in"]),
        (EventKind.CANCEL, BorrowingState.CANCEL_PENDING, ["cancel-accepted", "cancel-refused"]),
        (EventKind.RENEW, BorrowingState.LENT, ["renew-accepted", "renew-refused"]),
        (EventKind.RETURNED, BorrowingState.RETURNED, ["checked-in"]),
        (EventKind.RETURNED, BorrowingState.COMPLETED, []),  # where no check-in is waited for
        (EventKind.MESSAGE, BorrowingState.REQUESTED, []),
    ],
)
def test_a_borrowers_letter_asks_what_its_request_can_take(
    letter: EventKind, state: BorrowingState, names: list[str]
) -> None:
    assert list_answers(Role.BORROWING, letter, borrowed(state), 1, ANY, NOW) == names


@pytest.mark.parametrize(
    ("letter", "state", "names"),
    [
        (EventKind.CONDITIONAL, LendingState.CONDITIONAL, ["condition-accepted", "condition-refused"]),
        (EventKind.WILL_SUPPLY, LendingState.WILL_SUPPLY, ["cancel"]),
        (EventKind.SHIPPED, LendingState.SHIPPED, ["received", "renew", "returned"]),
        (EventKind.OVERDUE, LendingState.SHIPPED, ["renew", "returned"]),
        (EventKind.RECALL, LendingState.SHIPPED, ["will-return", "returned"]),
        (EventKind.UNFILLED, LendingState.UNFILLED, []),
    ],
)
def test_a_lenders_letter_asks_what_its_request_can_take(
    letter: EventKind, state: LendingState, names: list[str]
) -> None:
    assert list_answers(Role.LENDING, letter, lent(state), 0, ANY, NOW) == names


def test_a_loan_that_cannot_be_renewed_is_not_offered_to_be() -> None:
    loan = replace(lent(LendingState.SHIPPED), terms=LoanTerms(renewals_allowed=False))

    assert list_answers(Role.LENDING, EventKind.SHIPPED, loan, 0, ANY, NOW) == ["received", "returned"]


def test_late_news_count_where_they_are_worth_hearing() -> None:
    moved = replace(borrowed(), current=0, state=BorrowingState.SOURCING)

    assert is_answer_applicable(ANSWERS["shipped"], moved, 1, ANY, NOW)
    assert is_answer_applicable(ANSWERS["cancel-refused"], moved, 1, ANY, NOW)
    assert not is_answer_applicable(ANSWERS["will-supply"], moved, 1, ANY, NOW)
    assert not is_answer_applicable(ANSWERS["shipped"], moved, 7, ANY, NOW), "nobody was asked as number seven"


# --- what is filled in -----------------------------------------------------------------------------------


def test_a_form_becomes_details() -> None:
    form = {"condition": "supervised", "note": "  In the  reading room,\r\n\x07please.  ", "link": "https://x.example"}

    done = parse_answer_form(ANSWERS["conditional"], borrowed(), form, TODAY)

    assert done.faults == {}
    assert done.details == EventDetails(
        answer="conditional", conditions=(LoanCondition.SUPERVISED,), note="In the reading room,\nplease."
    )


@pytest.mark.parametrize("text", ["2026-04-13", "13.04.2026", "13/04/2026"])
def test_a_date_is_read_as_browsers_and_people_write_it(text: str) -> None:
    assert parse_answer_form(ANSWERS["shipped"], borrowed(), {"due": text}, TODAY).details.due == date(2026, 4, 13)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", FieldFault.MISSING),
        ("   ", FieldFault.MISSING),
        ("Ostern", FieldFault.NO_DATE),
        ("2026-02-30", FieldFault.NO_DATE),
        ("99999-01-01", FieldFault.NO_DATE),
        (str(TODAY - timedelta(days=1)), FieldFault.PAST),
        (str(TODAY + MAX_TIME_AHEAD + timedelta(days=1)), FieldFault.FAR),
    ],
)
def test_a_date_that_is_none_is_a_fault(text: str, fault: FieldFault) -> None:
    assert parse_answer_form(ANSWERS["renew-accepted"], borrowed(), {"due": text}, TODAY).faults == {
        AnswerFieldRule.DUE: fault
    }


def test_a_copy_is_not_due_back() -> None:
    copy = borrowed(service=ServiceType.COPY)

    assert list_answer_fields(ANSWERS["shipped"], copy) == (AnswerFieldRule.NOTE,)
    assert parse_answer_form(ANSWERS["shipped"], copy, {"due": "x"}, TODAY).faults == {}


def test_words_that_nobody_could_choose_are_others() -> None:
    assert parse_answer_form(ANSWERS["unfilled"], borrowed(), {"reason": "<i>"}, TODAY).details.reason == "other"
    assert parse_answer_form(
        ANSWERS["conditional"], borrowed(), {"condition": "x", "note": "y"}, TODAY
    ).details.conditions == (LoanCondition.OTHER,)


def test_a_note_ends_somewhere() -> None:
    assert (
        len(parse_answer_form(ANSWERS["returned"], borrowed(), {"note": "é" * 5_000}, TODAY).details.note)
        == MAX_NOTE_CHARS
    )


# --- links -----------------------------------------------------------------------------------------------

LINK = QuestionLink(library="NO-01", request_id="r1", query="m1/request", answer="will-supply", expires=NOW, attempt=2)
SECRET = b"made up"


def test_a_link_says_what_was_signed() -> None:
    token = signed_links.sign_question_link(LINK, SECRET)

    assert signed_links.verify_question_link(token, SECRET) == LINK
    assert signed_links.sign_question_link(LINK, SECRET) == token, "a letter that is sent again has the same links"
    with pytest.raises(InvalidLinkError):
        signed_links.verify_question_link(token, b"another")


@pytest.mark.parametrize(("attempt", "answer"), [(0, "yes"), (None, "will-supply"), (1, "")])
def test_patrons_and_partners_have_answers_of_their_own(attempt: int | None, answer: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        signed_links.sign_question_link(replace(LINK, attempt=attempt, answer=answer), SECRET)


# --- at the edge -----------------------------------------------------------------------------------------


def said(name: str, **form: str) -> tuple[EventDetails, dict[AnswerFieldRule, FieldFault]]:
    filled = parse_answer_form(ANSWERS[name], borrowed(), form, TODAY)
    return filled.details, dict(filled.faults)


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        (TODAY - timedelta(days=1), FieldFault.PAST),
        (TODAY, None),
        (TODAY + MAX_TIME_AHEAD, None),
        (TODAY + MAX_TIME_AHEAD + timedelta(days=1), FieldFault.FAR),
    ],
)
def test_a_day_is_believed_from_today_on_and_not_too_far(day: date, fault: FieldFault | None) -> None:
    details, faults = said("shipped", due=day.isoformat())
    assert (details.due, faults) == ((None, {AnswerFieldRule.DUE: fault}) if fault else (day, {}))


def test_when_it_is_expected_may_be_said() -> None:
    assert said("will-supply", expected="31.03.2026", note=" bald ") == (
        EventDetails(answer="will-supply", expected=date(2026, 3, 31), note="bald"),
        {},
    )
    assert said("will-supply") == (EventDetails(answer="will-supply"), {})


def test_a_reason_is_one_that_could_be_chosen() -> None:
    chosen = REASONS["unfilled"][0].value
    assert said("unfilled", reason=chosen)[0].reason == chosen
    assert said("unfilled", reason="because")[0].reason == "other"
    assert said("renew-refused", reason="not-on-this-list")[0].reason == "other"


def test_a_supplier_that_was_not_asked_has_nothing_to_answer() -> None:
    assert list_answers(Role.BORROWING, EventKind.REQUEST, borrowed(), 7, ANY, NOW) == []

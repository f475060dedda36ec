"""On which lists of staff a request is, what its patron reads, and what an action must say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.requests.act_details import FieldProblem, check_details, given_detail_names
from gateway.domain.requests.attachments import FileType, detect_file_type
from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.fulfilment import CopyDeclaration, ServicesPolicy
from gateway.domain.requests.patron_status import (
    BORROWING_STATUS,
    LENDING_STATUS,
    PatronStatus,
    PatronStatusText,
    status_of_request,
)
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    ItemCandidate,
    LendingState,
    PatronLoan,
    PatronQuery,
    Request,
    RequestedService,
    RequestFlag,
    ServiceType,
)
from gateway.domain.requests.task_lists import TASKS, list_task_names
from tests.support.requests import START, attempt, borrowing, copy_of, lending, money

B, L, F = BorrowingState, LendingState, RequestFlag

OPEN_QUESTION = PatronQuery(id="q-1", about="cost", text="It costs 12 EUR. Shall we go on?", asked=START)
ANSWERED = replace(OPEN_QUESTION, answer="yes", answered=START)


def flagged(request: Request, *flags: RequestFlag) -> Request:
    return replace(request, flags=frozenset(flags))


# --- lists -----------------------------------------------------------------------------------------------

CANDIDATES = (
    ItemCandidate(bib_id="b1", title="Hiša", barcode="31", confidence=80, how="title matches"),
    ItemCandidate(bib_id="b2", title="Hiša", barcode="32", confidence=80, how="title matches"),
)


@pytest.mark.parametrize(
    ("request_", "lists"),
    [
        (borrowing(B.NEW), ()),
        (borrowing(B.REVIEW), ("awaiting-review",)),
        (borrowing(B.REVIEW, query=OPEN_QUESTION), ("awaiting-review", "patron-question")),
        (borrowing(B.REVIEW, query=ANSWERED), ("awaiting-review",)),
        (borrowing(B.NO_SUPPLIER), ("no-supplier",)),
        (borrowing(B.CONDITIONAL), ("condition-to-answer",)),
        (borrowing(B.SHIPPED), ("to-receive",)),
        (flagged(borrowing(B.SHIPPED), F.UNWANTED), ("to-receive", "unwanted")),
        (flagged(borrowing(B.REQUESTED), F.UNWANTED), ()),
        (borrowing(B.RECEIVED), ()),
        (flagged(borrowing(B.RECEIVED), F.NOT_COLLECTED), ("not-collected",)),
        (flagged(borrowing(B.LENT), F.OVERDUE, F.RECALLED), ("overdue", "recalled")),
        (flagged(borrowing(B.COMPLETED), F.OVERDUE), ()),
        (borrowing(B.BACK), ("to-return",)),
        (borrowing(B.COMPLETED, attempts=(attempt(status=AttemptStatus.EXTRA),)), ("unwanted",)),
        (borrowing(B.COMPLETED, query=OPEN_QUESTION), ()),
        (flagged(borrowing(B.REQUESTED), F.TROUBLE), ("trouble",)),
        (lending(L.NEW), ("new",)),
        (lending(L.NEW, candidates=CANDIDATES[:1]), ("new",)),
        (lending(L.NEW, candidates=CANDIDATES), ("to-locate",)),
        (lending(L.NEW, candidates=CANDIDATES, item_barcode="31"), ("new",)),
        (lending(L.LOCATED), ("to-pull",)),
        (lending(L.WILL_SUPPLY), ("to-ship",)),
        (lending(L.WILL_SUPPLY, service=RequestedService(type=ServiceType.COPY)), ("to-digitise",)),
        (lending(L.DIGITISING), ("to-digitise",)),
        (lending(L.CLEARANCE), ("to-clear",)),
        (lending(L.CLEARED), ("to-deliver",)),
        (lending(L.CANCEL_PENDING), ("cancel-to-answer",)),
        (lending(L.SHIPPED), ()),
        (flagged(lending(L.SHIPPED), F.RENEWAL_PENDING), ("renewal-to-answer",)),
        (flagged(lending(L.SHIPPED), F.OVERDUE), ("overdue-out",)),
        (borrowing(B.LOST), ("lost",)),
        (lending(L.LOST), ("lost-out",)),
        (lending(L.RETURNED), ("to-check-in",)),
        (flagged(lending(L.RETURNED), F.RETURN_LATE), ("to-check-in", "return-late")),
        (flagged(lending(L.COMPLETED), F.TROUBLE), ("trouble",)),
        (flagged(borrowing(B.CONDITIONAL), F.UNREAD), ("unread-borrowing", "condition-to-answer")),
        (flagged(borrowing(B.COMPLETED), F.UNREAD), ("unread-borrowing",)),
        (flagged(lending(L.SHIPPED), F.UNREAD), ("unread-lending",)),
        (flagged(borrowing(B.RECEIVED), F.TO_TELL), ("to-tell",)),
        (flagged(borrowing(B.UNFILLED), F.TO_TELL), ("to-tell",)),
        (flagged(lending(L.SHIPPED), F.TO_TELL), ("to-tell",)),
    ],
)
def test_a_request_is_on_the_lists_of_what_it_waits_for(request_: Request, lists: tuple[str, ...]) -> None:
    assert list_task_names(request_) == lists
    assert tuple(task.name for task in TASKS if task.includes_request(request_)) == lists


def test_every_list_says_what_is_on_it() -> None:
    said = [task.description for task in TASKS]
    assert all(said)
    assert len(set(said)) == len(said)


# --- what patrons read -----------------------------------------------------------------------------------


def had(request: Request) -> Request:
    """By its patron, who still has what is lost."""
    loan = PatronLoan.NOW if request.state is B.LOST else PatronLoan.OVER
    return replace(request, terms=replace(request.terms, patron_loan=loan))


def test_every_state_has_its_own_words() -> None:
    for state, status in BORROWING_STATUS.items():
        assert status_of_request(had(borrowing(state))) == PatronStatusText(status, f"borrowing-{state.value}")
    for other, status in LENDING_STATUS.items():
        assert status_of_request(lending(other)) == PatronStatusText(status, f"lending-{other.value}")


@pytest.mark.parametrize(
    ("request_", "status", "word"),
    [
        (flagged(borrowing(B.LENT), F.OVERDUE), PatronStatus.ON_LOAN, "overdue"),
        (flagged(borrowing(B.LENT), F.OVERDUE, F.RECALLED), PatronStatus.ON_LOAN, "recalled"),
        (flagged(lending(L.SHIPPED), F.RECALLED), PatronStatus.ON_LOAN, "recalled"),
        (flagged(borrowing(B.RECEIVED), F.OVERDUE), PatronStatus.READY, "borrowing-received"),
        (flagged(borrowing(B.RECEIVED), F.IN_TRANSIT), PatronStatus.UNDERWAY, "borrowing-shipped"),
        (borrowing(B.REVIEW, query=OPEN_QUESTION), PatronStatus.PREPARED, "question"),
        (borrowing(B.SOURCING, query=OPEN_QUESTION), PatronStatus.SEARCHING, "question"),
        (borrowing(B.CONDITIONAL, query=OPEN_QUESTION), PatronStatus.ORDERED, "question"),
        (borrowing(B.CONDITIONAL, query=ANSWERED), PatronStatus.ORDERED, "borrowing-conditional"),
        (borrowing(B.SHIPPED, query=OPEN_QUESTION), PatronStatus.UNDERWAY, "borrowing-shipped"),
        (borrowing(B.CANCELLED, query=OPEN_QUESTION), PatronStatus.ENDED, "borrowing-cancelled"),
        (copy_of(borrowing(B.COMPLETED)), PatronStatus.DONE, "copy-ready"),
        (copy_of(borrowing(B.REQUESTED)), PatronStatus.ORDERED, "borrowing-requested"),
        (copy_of(lending(L.COMPLETED)), PatronStatus.DONE, "lending-completed"),
    ],
)
def test_what_is_urgent_comes_before_the_state(request_: Request, status: PatronStatus, word: str) -> None:
    assert status_of_request(request_) == PatronStatusText(status, word)


# --- what actions say ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "problems"),
    [
        (EventKind.UNFILLED, {"reason": "on-loan"}, ()),
        (EventKind.UNFILLED, {"reason": "on-loan", "note": "bis Mai"}, ()),
        (EventKind.UNFILLED, {"note": "bis Mai"}, (("reason", "is needed"),)),
        (EventKind.CONDITIONAL, {"cost": money("8.00")}, ()),
        (EventKind.CONDITIONAL, {}, (("conditions", "one of these is needed: conditions, cost, note"),)),
        (
            EventKind.CANCEL_ACCEPTED,
            {"link": "https://x.example", "barcode": "31"},
            (
                ("barcode", "means nothing for 'cancel-accepted'; fields: note"),
                ("link", "means nothing for 'cancel-accepted'; fields: note"),
            ),
        ),
        (
            EventKind.UNFILLED,
            {"reason": "lost", "link": "x"},
            (("link", "means nothing for 'unfilled'; fields: note, reason"),),
        ),
        (EventKind.ANONYMISED, {"note": "x"}, (("note", "means nothing for 'anonymised'; fields: none"),)),
        (EventKind.ANONYMISED, {"extras": (CitationExtra("colour", "red"),)}, ()),
    ],
)
def test_an_action_says_what_it_needs_and_nothing_else(
    kind: EventKind, details: dict[str, Any], problems: tuple[tuple[str, str], ...]
) -> None:
    assert check_details(kind, EventDetails(**details)) == tuple(FieldProblem(*one) for one in problems)


def test_what_an_event_says_is_told_from_what_it_leaves_out() -> None:
    assert given_detail_names(EventDetails()) == frozenset()
    assert given_detail_names(EventDetails(note="x", extras=(CitationExtra("a", "b"),))) == {"note"}


# --- files and services ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"%PDF-1.7", FileType.PDF),
        (b"x" * 1_019 + b"%PDF-", FileType.PDF),
        (b"x" * 1_020 + b"%PDF-", None),
        (b"GIF89a%PDF-", FileType.GIF),
        (b"", None),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, type_: FileType | None) -> None:
    assert detect_file_type(content) is type_


def test_a_declaration_is_asked_for_the_services_that_are_named() -> None:
    policy = ServicesPolicy(declaration=CopyDeclaration(services=(ServiceType.COPY,)))
    assert policy.needs_declaration(ServiceType.COPY)
    assert not policy.needs_declaration(ServiceType.LOAN)

"""When the timers of a request end, by the days or hours that the workflow of its partner says: from a Friday on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.clock import FixedClock
from gateway.domain.profile import Profile
from gateway.domain.requests.policy import RequestPolicy
from gateway.domain.requests.request import BorrowingState, LendingState, LoanTerms, OtherLeg, Request, RequestFlag
from gateway.domain.requests.state_table import TimerKind
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.services.requests.deadlines import timer_due
from gateway.services.requests.library_context import LibraryContext
from tests.support.requests import WARSAW, borrowing, lending

FRIDAY = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
DUE_ON_FRIDAY = datetime(2026, 3, 13, 22, 59, 59, tzinfo=UTC)
"""The end of that day in Zurich."""

BROKERED = OtherLeg(request_id="r-0002", number="L-2026-0002")


def make_context(**workflow: Any) -> LibraryContext:
    """Without a store: timers need rules, partners and a calendar alone."""
    partner = {"symbols": [WARSAW.symbol], "name": WARSAW.name, "channel": "mail", "workflow": workflow}
    profile = Profile.model_validate({"name": WARSAW.profile, "partner": partner})
    profiles = ProfileSet({profile.name: LoadedProfile(profile, YamlDocument(profile.name), Path(profile.name))})
    return LibraryContext(
        symbol="NORTH",
        info=None,
        system=None,
        zone=ZoneInfo("Europe/Zurich"),
        currency="CHF",
        store=None,
        clock=FixedClock(FRIDAY),
        profiles=lambda: profiles,
        policy=RequestPolicy,
        channels={},
        catalogue=None,
        wake_outbox=lambda: None,
    )


def asked(state: BorrowingState, **changes: Any) -> Request:
    return borrowing(state, partner=WARSAW, **changes)


def at(month: int, day: int, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


LENT_TO_PATRON = asked(BorrowingState.LENT, terms=LoanTerms(patron_due=DUE_ON_FRIDAY))
SHIPPED = lending(LendingState.SHIPPED, terms=LoanTerms(lender_due=DUE_ON_FRIDAY))

ENDS = [
    # section, key, days, timer, request, end: of business days Saturday and Sunday are none
    ("lending", "overdue_days", 1, TimerKind.LENDER_DUE, SHIPPED, at(3, 16, 22, 59, 59)),
    ("lending", "overdue_days", 0, TimerKind.LENDER_DUE, SHIPPED, DUE_ON_FRIDAY),
    ("lending", "overdue_days", 6, TimerKind.LENDER_DUE, SHIPPED, at(3, 23, 22, 59, 59)),
    ("lending", "return_days", 1, TimerKind.RETURN, SHIPPED, at(3, 9)),
    ("lending", "return_days", 6, TimerKind.RETURN, SHIPPED, at(3, 16)),
    ("lending", "condition_days", 2, TimerKind.ANSWER, lending(LendingState.CONDITIONAL), at(3, 10)),
    ("patron", "shelf_days", 1, TimerKind.SHELF, asked(BorrowingState.RECEIVED), at(3, 9)),
    ("patron", "shelf_days", 6, TimerKind.SHELF, asked(BorrowingState.RECEIVED), at(3, 16)),
    ("patron", "query_days", 2, TimerKind.QUERY, asked(BorrowingState.REQUESTED), at(3, 10)),
    ("patron", "due_soon_days", 2, TimerKind.DUE_SOON, LENT_TO_PATRON, at(3, 11, 22, 59, 59)),
    ("patron", "due_soon_days", 0, TimerKind.DUE_SOON, LENT_TO_PATRON, None),
    ("patron", "due_soon_days", 8, TimerKind.DUE_SOON, LENT_TO_PATRON, None),  # that would have been yesterday
    ("borrowing", "answer_days", 2, TimerKind.ANSWER, asked(BorrowingState.REQUESTED), at(3, 10)),
    ("borrowing", "answer", "30h", TimerKind.ANSWER, asked(BorrowingState.REQUESTED), at(3, 9, 15)),
    ("borrowing", "answer", "1d", TimerKind.ANSWER, asked(BorrowingState.REQUESTED), at(3, 9)),
    ("borrowing", "condition_days", 3, TimerKind.ANSWER, asked(BorrowingState.CONDITIONAL), at(3, 11)),
    ("borrowing", "cancel_days", 4, TimerKind.ANSWER, asked(BorrowingState.CANCEL_PENDING), at(3, 12)),
    ("borrowing", "ship_days", 5, TimerKind.CHASE, asked(BorrowingState.WILL_SUPPLY), at(3, 13)),
    ("borrowing", "renewal_answer_days", 6, TimerKind.RENEWAL, asked(BorrowingState.LENT), at(3, 16)),
]


@pytest.mark.parametrize(
    ("section", "key", "days", "timer", "request_", "end"),
    ENDS,
    ids=[f"{section}.{key}={days}" for section, key, days, *_ in ENDS],
)
def test_a_timer_ends_when_the_workflow_says(
    section: str, key: str, days: int, timer: TimerKind, request_: Request, end: datetime | None
) -> None:
    context = make_context(**{section: {key: days}})

    assert timer_due(context, timer, request_, FRIDAY) == end


def test_nothing_is_collected_here_of_what_is_brokered() -> None:
    request = asked(BorrowingState.RECEIVED, other_leg=BROKERED)

    assert timer_due(make_context(), TimerKind.SHELF, request, FRIDAY) is None


def test_partners_that_want_no_overdue_notices_get_none() -> None:
    assert timer_due(make_context(lending={"overdue_notices": False}), TimerKind.LENDER_DUE, SHIPPED, FRIDAY) is None


@pytest.mark.parametrize(("now", "is_told_again"), [(at(3, 16, 22, 59, 58), True), (at(3, 16, 22, 59, 59), False)])
def test_a_known_overdue_is_told_once(now: datetime, is_told_again: bool) -> None:
    request = replace(SHIPPED, flags=frozenset({RequestFlag.OVERDUE}))
    context = make_context(lending={"overdue_days": 1})

    assert (timer_due(context, TimerKind.LENDER_DUE, request, now) is not None) is is_told_again

"""The due day of a request in staff's lists and files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gateway.domain.requests.request import BorrowingState, LoanTerms, RequestDates
from gateway.web.request_csv import find_due_day
from tests.support.requests import borrowing

ZURICH = ZoneInfo("Europe/Zurich")
PATRON_DUE = datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC)
LENDER_DUE = datetime(2026, 4, 14, 21, 59, 59, tzinfo=UTC)


def test_the_patrons_day_comes_before_the_lenders_and_both_before_the_day_of_need() -> None:
    wanted = borrowing(BorrowingState.LENT, dates=RequestDates(date(2026, 5, 1)))
    of_lender = replace(wanted, terms=LoanTerms(lender_due=LENDER_DUE))
    of_both = replace(wanted, terms=LoanTerms(lender_due=LENDER_DUE, patron_due=PATRON_DUE))

    days = [find_due_day(request, ZURICH) for request in (wanted, of_lender, of_both)]

    assert days == [date(2026, 5, 1), date(2026, 4, 14), date(2026, 4, 7)]


def test_the_day_is_that_of_the_library() -> None:
    """The end of 7 April in Los Angeles is the next morning in Zurich."""
    request = borrowing(BorrowingState.LENT, terms=LoanTerms(patron_due=datetime(2026, 4, 8, 6, 59, tzinfo=UTC)))

    assert find_due_day(request, ZoneInfo("America/Los_Angeles")) == date(2026, 4, 7)
    assert find_due_day(request, ZURICH) == date(2026, 4, 8)

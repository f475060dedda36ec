"""Figures for managers: what was filled, how long it took, with whom, why not, what it cost; no reader in any."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestCosts,
    RequestedService,
    ServiceType,
)
from gateway.services.desks.request_statistics import find_quantile, list_months, round_count, shift_month
from gateway.store.requests import requests
from tests.protocol.pages.support import Answer, Running
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.support import colleague
from tests.unit.store.requests.samples import borrowing, later, lending, with_attempt


async def store_requests(gateway: Running, *changes: tuple[Request, Request, str]) -> None:
    """Each new, and then changed with this reason."""
    context = library_context(gateway)

    def write_requests(transaction: object) -> None:
        for new, changed, reason in changes:
            requests.insert_request(transaction, new)  # type: ignore[arg-type]
            requests.save_request(transaction, changed, reason)  # type: ignore[arg-type]

    await context.store.write(write_requests)


def make_loan(
    gateway: Running, *, days: float | None, branch: str = "north", amount: str = "12.50"
) -> tuple[Request, Request, str]:
    """Made now and supplied after so many days (None: not at all, since it was on loan)."""
    now = library_context(gateway).now()
    made = borrowing(library="DEMO", branch=branch, created=now, changed=now)
    new = with_attempt(made, asked=now)
    (attempt,) = new.attempts
    if days is None:
        refused = replace(attempt, status=AttemptStatus.UNFILLED, reason="on-loan")
        return new, later(new, state=BorrowingState.UNFILLED, attempts=(refused,), current=0), ""
    shipped = replace(attempt, status=AttemptStatus.SHIPPED)
    received = later(
        new,
        state=BorrowingState.RECEIVED,
        attempts=(shipped,),
        changed=now + timedelta(days=days),
        costs=RequestCosts(charged=Money(Decimal(amount), "EUR")),
    )
    return new, received, ""


def make_copy_for_others(gateway: Running, state: LendingState, reason: str = "") -> tuple[Request, Request, str]:
    now = library_context(gateway).now()
    service = RequestedService(ServiceType.COPY)
    new = lending(library="DEMO", created=now, changed=now, transaction=f"KY-{now.timestamp()}", service=service)
    return new, later(new, state=state), reason


def read_tables(page: Answer) -> dict[str, list[str]]:
    """By heading: the rows, in words."""
    return {
        " ".join(str(section.xpath("string(h2)")).split()): [
            " ".join(" ".join(str(cell.text_content()) for cell in row).split()) for row in section.xpath(".//tbody/tr")
        ]
        for section in page.tree.xpath("//main//section[h2]")
    }


async def test_figures_say_what_was_filled_how_long_it_took_and_why_not(gateway: Running) -> None:
    await store_requests(
        gateway,
        *(make_loan(gateway, days=days) for days in (2, 3, 4, 5)),
        make_loan(gateway, days=30, amount="12.49"),
        make_loan(gateway, days=None),
        make_copy_for_others(gateway, LendingState.UNFILLED, "not-on-shelf"),
    )

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get("/statistics"))

    assert tables["Totals"] == ["Borrowing: loans 6 5 1 0 0 83%", "Lending: copies 1 0 1 0 0 0%"]
    assert "Borrowing: loans: to receipt 4 days 30 days 5" in tables["Turnaround time"]
    assert tables["Borrowing: loans"][-1].endswith("6 5 1 0 0 83%")
    assert len(tables["Borrowing: loans"]) == 12
    assert "utrecht 6 5 83% 8.8 median 4 0 0" in tables["By library"]
    assert tables["Unfilled reasons (borrowing)"] == ["on loan 1"]
    assert tables["Unfilled reasons (lending)"] == ["not on the shelf 1"]
    assert tables["Costs"] == ["Charged to us €62.49 €12.50 5"]


async def test_a_rate_says_between_which_bounds_it_will_be_while_requests_are_open(gateway: Running) -> None:
    """Of eight, five came and one did not; two are still open."""
    now = library_context(gateway).now()
    still_open = borrowing(library="DEMO", branch="north", created=now, changed=now)
    asked = with_attempt(still_open, asked=now)
    await store_requests(
        gateway,
        *(make_loan(gateway, days=days) for days in (2, 3, 4, 5, 6)),
        make_loan(gateway, days=None),
        *((one, later(one), "") for one in (asked, replace(asked, id="another", number="N-2"))),
    )

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get("/statistics"))
        rows = list(csv.reader(io.StringIO((await manager.get("/statistics.csv")).text.removeprefix("\ufeff"))))

    assert tables["Totals"] == ["Borrowing: loans 8 5 1 0 2 83% finally 62% to 88%"]
    shares = {row[5]: row[6] for row in rows if row[0] == "months" and row[7] == "share"}
    assert shares == {"fill rate": "0.83", "fill rate: at least": "0.62", "fill rate: at most": "0.88"}


def make_closed(gateway: Running, ending: RequestEnding, state: BorrowingState) -> tuple[Request, Request, str]:
    now = library_context(gateway).now()
    new = borrowing(library="DEMO", created=now, changed=now, branch="north")
    return new, later(new, state=state, ending=ending), ""


async def test_what_staff_have_closed_counts_as_they_have_closed_it(gateway: Running) -> None:
    await store_requests(
        gateway,
        make_loan(gateway, days=2),
        *(make_closed(gateway, RequestEnding.OWN_STOCK, BorrowingState.CANCELLED) for _ in range(2)),
        make_closed(gateway, RequestEnding.NOT_AVAILABLE, BorrowingState.UNFILLED),
    )
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get("/statistics"))
        rows = list(csv.DictReader(io.StringIO((await manager.get("/statistics.csv")).text.removeprefix("\ufeff"))))
        of_branch = read_tables(await manager.get("/statistics?branch=north"))

    assert tables["Totals"] == ["Borrowing: loans 4 1 1 2 0 50%"], "asked, filled, unfilled, cancelled, open, rate"
    assert tables["Closed by staff (borrowing)"] == ["in our own stock 2", "not available from any library 1"]
    ended = [(one["what"], one["value"]) for one in rows if one["table"] == "endings"]
    assert ended == [("own-stock", "2"), ("not-available", "1")]
    assert "Closed by staff (borrowing)" not in of_branch, "rounded"


async def test_costs_are_for_those_who_may_see_them(gateway: Running) -> None:
    await store_requests(gateway, make_loan(gateway, days=2))

    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert "Costs" not in read_tables(await ruth.get("/statistics"))
        assert "EUR" not in (await ruth.get("/statistics.csv")).text


async def test_few_requests_show_no_typical_time(gateway: Running) -> None:
    await store_requests(gateway, *(make_loan(gateway, days=2) for _ in range(4)))

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        assert "Turnaround time" not in read_tables(await manager.get("/statistics"))


async def test_what_one_branch_borrowed_is_rounded_so_that_nobody_can_be_told(gateway: Running) -> None:
    await store_requests(
        gateway,
        *(make_loan(gateway, days=2, branch="فرع") for _ in range(3)),
        make_loan(gateway, days=None, branch="فرع"),
        *(make_loan(gateway, days=2) for _ in range(9)),
    )

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.get("/statistics?branch=فرع")
        tables = read_tables(page)

    assert "rounded to fives" in page.text
    assert tables["Totals"] == ["Borrowing: loans 5 5 0 0 0"]
    assert "Unfilled reasons (borrowing)" not in tables
    assert "Costs" not in tables, "the price of three requests"


async def test_how_many_requests_of_a_branch_took_so_long_is_rounded_too(gateway: Running) -> None:
    await store_requests(gateway, *(make_loan(gateway, days=2, branch="فرع") for _ in range(7)))

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get("/statistics?branch=فرع"))

    assert tables["Turnaround time"][-1] == "Borrowing: loans: to receipt 2 days 2 days 5"


async def test_the_file_has_the_figures_of_the_page_and_no_reader(gateway: Running) -> None:
    await store_requests(gateway, *(make_loan(gateway, days=days) for days in (1, 2, 3, 4, 5)))

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        answer = await manager.get("/statistics.csv?period=12-months")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    month = f"{library_context(gateway).now():%Y-%m}"
    assert ("months", month, "filled", "5") in [(one["table"], one["month"], one["what"], one["value"]) for one in rows]
    assert ("came: median", "3.00", "days") in [(one["what"], one["value"], one["unit"]) for one in rows]
    until_sent = [(one["partner"], one["what"], one["value"]) for one in rows if one["what"].endswith("until sent")]
    assert until_sent == [("utrecht", "mean until sent", "3.00"), ("utrecht", "median until sent", "3.00")]
    assert ("total", "62.50", "EUR") in [(one["what"], one["value"], one["unit"]) for one in rows]
    assert "2100017" not in answer.text
    assert "p-17" not in answer.text


async def test_an_unknown_period_is_a_mistake_of_the_form(gateway: Running) -> None:
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.get("/statistics?period=1812")

    assert page.status == 422
    assert "No requests were created in these months." in page.text


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (2, 0), (3, 5), (7, 5), (8, 10)])
def test_counts_are_rounded_to_the_next_five(count: int, shown: int) -> None:
    assert round_count(count) == shown


def test_months_go_over_the_end_of_a_year() -> None:
    assert list_months(202611, 202702) == (202611, 202612, 202701, 202702)
    assert shift_month(202601, -11) == 202502


def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    assert find_quantile([(48, 3), (24, 1), (72, 1)], 0.5) == 48
    assert find_quantile([(24, 9), (720, 1)], 0.9) == 24
    assert find_quantile([(24, 4)], 0.5) is None

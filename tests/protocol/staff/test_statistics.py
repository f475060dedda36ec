"""Figures for managers: what was filled, how long it took, with whom, why not, what it cost; no reader in any."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import text

from gateway.domain.library import Money
from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.requests.request_figures import FigureFilter, month_of_moment
from gateway.services.desks.request_statistics import find_quantile, list_months, round_count, shift_month, sum_flows
from gateway.services.people.api_keys import KeyScope
from gateway.services.requests import sample_requests
from gateway.services.requests.sample_requests import create_sample_requests
from gateway.store.requests import requests
from tests.protocol.api.test_replay_jobs import make_key
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import library_context
from tests.protocol.staff.support import colleague
from tests.support.daemon import Installation
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

    assert tables["Totals"] == ["Borrowing: loans 6 5 1 0 0 83% 0", "Lending: copies 1 0 1 0 0 0% 0"]
    assert "Borrowing: loans: to receipt 4 days 30 days 5 –" in tables["Turnaround time"]
    assert tables["Borrowing: loans"][-1].endswith("6 5 1 0 0 83% 0")
    assert len(tables["Borrowing: loans"]) == 12
    assert "utrecht 6 5 83% 8.8 median 4 0 0 –" in tables["By library"]
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

    assert tables["Totals"] == ["Borrowing: loans 8 5 1 0 2 25% 83% between 62% and 88% once all are closed 0"], (
        "a quarter is still open"
    )
    shares = {row[5]: row[6] for row in rows if row[0] == "months" and row[7] == "share"}
    assert shares == {
        "open: share": "0.25",
        "fill rate": "0.83",
        "fill rate: at least": "0.62",
        "fill rate: at most": "0.88",
    }


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

    assert tables["Totals"] == ["Borrowing: loans 4 1 1 2 0 50% 0"], "asked, filled, unfilled, cancelled, open, rate"
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
    assert tables["Totals"] == ["Borrowing: loans 5 5 0 0 0 – 0"]
    assert "Unfilled reasons (borrowing)" not in tables
    assert "Costs" not in tables, "the price of three requests"


async def test_how_many_requests_of_a_branch_took_so_long_is_rounded_too(gateway: Running) -> None:
    await store_requests(gateway, *(make_loan(gateway, days=2, branch="فرع") for _ in range(7)))

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get("/statistics?branch=فرع"))

    assert tables["Turnaround time"][-1] == "Borrowing: loans: to receipt 2 days 2 days 5 –"


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


def make_old_loan(gateway: Running, *, days: float | None) -> tuple[Request, Request, str]:
    """As `make_loan`, a year before."""
    new, changed, reason = make_loan(gateway, days=days)
    year = timedelta(days=365)

    def shift(one: Request) -> Request:
        attempts = tuple(replace(attempt, asked=attempt.asked - year) for attempt in one.attempts)
        return replace(one, created=one.created - year, changed=one.changed - year, attempts=attempts)

    return shift(new), shift(changed), reason


async def test_the_year_before_stands_beside_each_figure(gateway: Running) -> None:
    await store_requests(
        gateway,
        *(make_loan(gateway, days=2) for _ in range(6)),
        *(make_old_loan(gateway, days=4) for _ in range(5)),
        *(make_old_loan(gateway, days=None) for _ in range(3)),
    )

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.get("/statistics?period=3-months")
        tables = read_tables(page)
        rows = list(csv.DictReader(io.StringIO((await manager.get("/statistics.csv")).text.removeprefix("\ufeff"))))

    assert tables["Totals"] == ["Borrowing: loans 6 6 0 0 0 100% 8 62%"]
    assert tables["Turnaround time"][-1] == "Borrowing: loans: to receipt 2 days 2 days 6 4 days"
    assert {"Year before: 62%", "Year before: 4 days"} <= {
        str(one.text_content()) for one in page.tree.xpath("//dl[@class='big']//dd")
    }
    month = f"{library_context(gateway).now():%Y-%m}"
    months = {
        row["what"]: (row["value"], row["year before"])
        for row in rows
        if (row["side"], row["service"], row["month"]) == ("borrowing", "loan", month)
    }
    assert (months["asked"], months["unfilled"]) == (("6", "8"), ("0", "3"))
    (line,) = page.tree.xpath("//svg[@role='img']//*[@class='c-last']/@d")
    (bar,) = page.tree.xpath("//svg[@role='img']//*[@class='c-filled']/@y")
    assert float(line.split()[1].partition("h")[0]) < float(bar), "eight stand above six"


async def test_own_months_are_counted_and_mistakes_are_told(gateway: Running) -> None:
    await store_requests(gateway, *(make_old_loan(gateway, days=2) for _ in range(2)))
    month = f"{library_context(gateway).now() - timedelta(days=365):%Y-%m}"

    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        chosen = await manager.get(f"/statistics?first={month}&last={month}")
        turned = await manager.get("/statistics?first=2026-05&last=2026-04")
        long = await manager.get("/statistics?first=2020-01&last=2026-04")
        wrong = await manager.get("/statistics?first=May&last=2026-04")

    assert read_tables(chosen)["Totals"] == ["Borrowing: loans 2 2 0 0 0 100% 0"]
    assert "2 of 2" in chosen.text, "no rate in large figures for two requests"
    assert [one.status for one in (turned, long, wrong)] == [422] * 3
    assert "The last month is before the first one." in turned.text
    assert "Choose at most 24 months." in long.text
    assert "such as 2026-07" in wrong.text


OWN_SURVEY = {
    "title": "National statistics",
    "note": "Add what was lent without a request.",
    "lines": [
        {"text": "Loans received", "role": "borrowing", "service": "loan"},
        {"text": "Copies not supplied", "role": "lending", "service": "copy", "count": "unfilled"},
        {"text": "All requests from others", "role": "lending", "count": "requests"},
    ],
}


async def test_surveys_are_ready_to_be_copied(installation: Installation) -> None:
    async with running(installation, rules={"statistics": {"surveys": {"national": OWN_SURVEY}}}) as gateway:
        await store_requests(
            gateway,
            *(make_loan(gateway, days=2) for _ in range(3)),
            make_loan(gateway, days=None),
            make_copy_for_others(gateway, LendingState.UNFILLED, "not-on-shelf"),
            make_copy_for_others(gateway, LendingState.SHIPPED),
        )
        async with colleague(gateway, "a.lindqvist", "manager") as manager:
            pages = [await manager.get(f"/statistics?survey={name}") for name in ("", "ipeds", "acrl-arl")]
            own, ipeds, acrl = [read_tables(page)["For the yearly survey"] for page in pages]

    assert ["Add what was lent without a request." in page.text for page in pages] == [True, False, False]
    assert own == [
        "Loans receivedBorrowing, loans: Filled 3 0",
        "Copies not suppliedLending, copies: Unfilled 1 0",
        "All requests from othersLending, loans and copies: Requests 2 0",
    ]
    provided, received = (
        "Interlibrary loans and documents provided to other libraries",
        "Interlibrary loans and documents received",
    )
    assert [line.rsplit(" ", 2)[1] for line in ipeds] == ["1", "3"]
    assert ipeds[0].startswith(f"{provided}: total")
    assert ipeds[1].startswith(f"{received}: total")
    assert [line.rsplit(" ", 2)[1] for line in acrl] == ["1", "0", "1", "3", "3", "0"]


async def test_page_file_and_api_say_what_the_store_has(gateway: Running) -> None:
    """Counted again from the requests themselves, not from the figures that are kept of them."""
    await store_requests(
        gateway,
        *(make_loan(gateway, days=days) for days in (1, 2, 3, 4, 5, 6)),
        *(make_loan(gateway, days=None) for _ in range(2)),
        make_copy_for_others(gateway, LendingState.SHIPPED),
        make_copy_for_others(gateway, LendingState.UNFILLED, "not-on-shelf"),
    )
    context = library_context(gateway)
    query = text("SELECT role, state, COUNT(*) FROM request GROUP BY role, state")
    stored = {(role, state): count for role, state, count in await context.store.read(lambda c: c.execute(query).all())}
    assert stored == {
        ("borrowing", "received"): 6,
        ("borrowing", "unfilled"): 2,
        ("lending", "shipped"): 1,
        ("lending", "unfilled"): 1,
    }

    month = f"{context.now():%Y-%m}"
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        tables = read_tables(await manager.get(f"/statistics?first={month}&last={month}"))
        answer = await manager.get(f"/statistics.csv?first={month}&last={month}")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    figures = await read_by_api(gateway, f"first={month}&last={month}")

    assert tables["Totals"] == ["Borrowing: loans 8 6 2 0 0 75% 0", "Lending: copies 2 1 1 0 0 50% 0"]
    in_file = {(row["side"], row["service"], row["what"]): row["value"] for row in rows if row["table"] == "months"}
    assert [in_file["borrowing", "loan", what] for what in ("asked", "filled", "unfilled")] == ["8", "6", "2"]
    assert all(row["rule"] for row in rows)
    flows = {(flow["role"], flow["service"]): flow["total"] for flow in figures["flows"]}
    assert (flows["borrowing", "loan"]["requests"], flows["borrowing", "loan"]["fill_rate"]) == (8, 0.75)
    assert (flows["lending", "copy"]["filled"], flows["lending", "copy"]["unfilled"]) == (1, 1)
    (came,) = [time for time in figures["turnaround"] if (time["service"], time["step"]) == ("loan", "came")]
    assert (came["median_days"], came["slow_days"], came["requests"]) == (3.0, 6.0, 6)
    assert figures["costs"] == [{"role": "borrowing", "currency": "EUR", "requests": 6, "total": "75.000"}]
    assert figures["rules"]["filled"] in {row["rule"] for row in rows}


async def test_copies_alone_are_the_same_on_page_in_file_and_api(gateway: Running) -> None:
    await store_requests(gateway, make_loan(gateway, days=2), make_copy_for_others(gateway, LendingState.SHIPPED))
    now = library_context(gateway).now()
    query = f"first={now:%Y-%m}&last={now:%Y-%m}&service=copy"
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        page = await manager.get(f"/statistics?{query}")
        answer = await manager.get(f"/statistics.csv?{query}")
        (csv_path,) = page.tree.xpath("//a[contains(@href, 'statistics.csv')]/@href")
    figures = await read_by_api(gateway, query)

    assert read_tables(page)["Totals"] == ["Lending: copies 1 1 0 0 0 100% 0"]
    assert page.tree.xpath("//select[@name='service']/option[@selected]/@value") == ["copy"]
    assert " · Copies · as of " in page.tree.xpath("string(//main//div[@class='heading'])")
    assert "service=copy" in csv_path
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["service"] for row in rows if row["table"] in ("months", "total", "turnaround")} == {"copy"}
    surveyed = {row["what"].rpartition(": ")[2] for row in rows if row["table"].startswith("survey: ")}
    assert surveyed == {"non-returnable"}, "a total would be of copies alone"
    assert [(flow["role"], flow["service"]) for flow in figures["flows"]] == [
        ("borrowing", "copy"),
        ("lending", "copy"),
    ]
    lines = {line["text"]: line["count"] for survey in figures["surveys"] for line in survey["lines"]}
    assert {text.rpartition(": ")[2] for text in lines} == surveyed
    assert page.tree.xpath("string(//nav[@aria-label='Survey']/a[@aria-current])") == "ACRL / ARL"
    assert now <= datetime.fromisoformat(figures["as_of"]) <= library_context(gateway).now()


async def read_by_api(gateway: Running, query: str, scope: KeyScope = KeyScope.STATISTICS_READ) -> Any:
    key = await make_key(gateway, scope)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        ClientSession(headers=headers) as session,
        session.get(f"{gateway.url}/api/v1/statistics?{query}") as answer,
    ):
        return await answer.json()


async def test_the_api_gives_figures_for_some_months_to_keys_of_their_own_scope(gateway: Running) -> None:
    refused = await read_by_api(gateway, "first=2026-01&last=2026-02", KeyScope.REQUESTS_READ)
    turned = await read_by_api(gateway, "first=2026-02&last=2026-01")
    wrong = await read_by_api(gateway, "first=2026-13&last=2026-14")

    assert (refused["status"], turned["status"], wrong["status"]) == (403, 422, 422)
    assert turned["mistakes"] == [{"place": "query.last", "message": "must be 1 to 24 months from the first one"}]


async def test_a_year_of_reports_begins_where_the_library_has_it(installation: Installation) -> None:
    async with running(installation, rules={"statistics": {"year_begins": 7}}) as gateway:
        now = library_context(gateway).now()
        begun = now.year if now.month >= 7 else now.year - 1
        async with colleague(gateway, "a.lindqvist", "manager") as manager:
            page = await manager.get(f"/statistics?period={begun - 1}")

    assert page.tree.xpath("//nav[@class='seg']/a[@aria-current]/text()") == [f"{begun - 1}/{begun % 100:02}"]
    assert page.tree.xpath("//input[@type='month']/@value") == [f"{begun - 1}-07", f"{begun}-06"]


async def test_sample_requests_are_counted_like_others_and_never_added_to_a_librarys_own(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_requests, "SAMPLE_DAYS", 60)
    context = library_context(gateway)

    made = await create_sample_requests(context)

    query = text("SELECT role, COUNT(*), SUM(patron_id <> '') FROM request GROUP BY role")
    stored = {
        role: (count, patrons) for role, count, patrons in await context.store.read(lambda c: c.execute(query).all())
    }
    this = month_of_moment(context.now())
    counted = await gateway.gateway.managed.libraries["DEMO"].statistics.read_statistics(
        FigureFilter(library="DEMO", first=shift_month(this, -2), last=this)
    )
    totals = {role.value: sum_flows(counted.flows, role) for role in Role}
    assert {role: (total.asked, 0) for role, total in totals.items()} == stored
    assert sum(count for count, _ in stored.values()) == made > 50
    assert all(total.filled and total.unfilled and total.open for total in totals.values())
    assert counted.times[2].median_days is not None, "until it came"

    assert await create_sample_requests(context) == 0
    assert await context.store.read(lambda c: c.execute(text("SELECT COUNT(*) FROM request")).scalar_one()) == made


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

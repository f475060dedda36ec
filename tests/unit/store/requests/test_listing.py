"""Lists of requests, on both databases: what fits, in which order, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.domain.requests.request import (
    TERMINAL,
    BorrowingState,
    ItemCandidate,
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestDates,
    RequestFlag,
    Role,
)
from gateway.domain.requests.views import RequestFilter, RequestOrder
from gateway.ports.shared_store import Store
from gateway.store.requests import request_counts, request_lists, requests
from gateway.store.requests.list_paths import BadCursor, ListPosition, choose_index_path
from gateway.store.requests.tables import request
from tests.unit.store.requests.samples import AT, GARDEN, LIBRARY, borrowing, insert, later, lending


async def numbers(store: Store, wanted: RequestFilter, limit: int = 50) -> list[str]:
    """Of all pages, one after the other."""
    found: list[str] = []
    cursor = ""
    while True:
        page = await store.read(lambda c, cursor=cursor: request_lists.list_requests(c, LIBRARY, wanted, limit, cursor))
        assert len(page.requests) <= limit
        found += [one.number for one in page.requests]
        cursor = page.cursor
        if not cursor:
            return found


async def test_newest_change_comes_first_and_pages_join_without_gap_or_repeat(migrated: Store) -> None:
    made = [borrowing() for _ in range(7)]
    same_moment = [borrowing(changed=AT + timedelta(days=1)) for _ in range(4)]
    await insert(migrated, *made, *same_moment)
    touched = later(made[2], changed=AT + timedelta(days=2))
    await migrated.write(lambda c: requests.save_request(c, touched))

    whole = await numbers(migrated, RequestFilter())
    by_id = sorted(same_moment, key=lambda one: one.id, reverse=True)
    rest = [one for one in reversed(made) if one is not made[2]]
    assert whole == [one.number for one in [touched, *by_id, *rest]]
    for limit in (1, 2, 3, 10, 11):
        assert await numbers(migrated, RequestFilter(), limit) == whole
        assert await numbers(migrated, RequestFilter(branches=("north",)), limit) == whole


async def test_a_change_between_two_pages_moves_one_and_hides_none(migrated: Store) -> None:
    made = [borrowing() for _ in range(5)]
    await insert(migrated, *made)
    first = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, RequestFilter(), 2))
    await migrated.write(lambda c: requests.save_request(c, later(made[0], changed=AT + timedelta(days=2))))

    second = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, RequestFilter(), 5, first.cursor))
    assert [one.number for one in second.requests] == [made[2].number, made[1].number]
    assert second.cursor == ""


A = {
    "review": borrowing(state=BorrowingState.REVIEW, patron=PatronLink("p-1"), partner=LibraryParty()),
    "sent": borrowing(
        state=BorrowingState.SHIPPED, patron=PatronLink("p-1"), dates=RequestDates(need_by=date(2026, 3, 9))
    ),
    "late": borrowing(
        state=BorrowingState.LENT, flags=frozenset({RequestFlag.OVERDUE, RequestFlag.RECALLED}), branch="south"
    ),
    "done": borrowing(state=BorrowingState.COMPLETED, patron=PatronLink("p-1")),
    "asked of us": lending(citation=replace(GARDEN, title="The Aleph & other 100% stories", author="")),
    "out": lending(state=LendingState.SHIPPED, flags=frozenset({RequestFlag.RENEWAL_PENDING, RequestFlag.TROUBLE})),
    "over": lending(state=LendingState.UNFILLED),
}


FITTING: list[tuple[RequestFilter, set[str]]] = [
    (RequestFilter(), {"review", "sent", "late", "done", "asked of us", "out", "over"}),
    (RequestFilter(role=Role.LENDING), {"asked of us", "out", "over"}),
    (RequestFilter(open=True), {"review", "sent", "late", "asked of us", "out"}),
    (RequestFilter(open=False), {"done", "over"}),
    (RequestFilter(role=Role.BORROWING, open=True), {"review", "sent", "late"}),
    (RequestFilter(states=(BorrowingState.SHIPPED,)), {"sent"}),
    (RequestFilter(states=(LendingState.SHIPPED,)), {"out"}),
    (RequestFilter(states=(LendingState.SHIPPED,), open=True), {"out"}),
    (RequestFilter(states=(LendingState.SHIPPED,), open=False), set()),
    (RequestFilter(states=(BorrowingState.SHIPPED, LendingState.SHIPPED)), {"sent", "out"}),
    (RequestFilter(states=(BorrowingState.SHIPPED, LendingState.SHIPPED), role=Role.LENDING), {"out"}),
    (RequestFilter(states=(BorrowingState.SHIPPED,), role=Role.LENDING), set()),
    (RequestFilter(states=(BorrowingState.REVIEW, BorrowingState.LENT)), {"review", "late"}),
    (
        RequestFilter(states=(BorrowingState.REVIEW, BorrowingState.COMPLETED), role=Role.BORROWING),
        {"review", "done"},
    ),
    (RequestFilter(partners=("kyoto",)), {"asked of us", "out", "over"}),
    (RequestFilter(partners=("utrecht",), open=True), {"sent", "late"}),
    (RequestFilter(patron_id="p-1"), {"review", "sent", "done"}),
    (RequestFilter(patron_id="p-1", open=True, role=Role.BORROWING), {"review", "sent"}),
    (RequestFilter(branches=("south",)), {"late"}),
    (RequestFilter(need_by_before=date(2026, 3, 10)), {"sent"}),
    (RequestFilter(need_by_before=date(2026, 3, 9)), set()),
    (RequestFilter(task="overdue"), {"late"}),
    (RequestFilter(task="recalled", role=Role.BORROWING, branches=("south",)), {"late"}),
    (RequestFilter(task="recalled", branches=("north",)), set()),
    (RequestFilter(task="trouble"), {"out"}),
    (RequestFilter(task="trouble", role=Role.BORROWING), set()),
    (RequestFilter(task="new"), {"asked of us"}),
    (RequestFilter(text="СА\u0301Д борх"), {"review", "sent", "late", "done", "out", "over"}),
    (RequestFilter(text="aleph"), {"asked of us"}),
    (RequestFilter(text="100%"), {"asked of us"}),
    (RequestFilter(text="aleph borges"), set()),
    (RequestFilter(text="l-2026-"), {"asked of us", "out", "over"}),
]


async def test_a_filter_gives_what_fits(migrated: Store) -> None:
    await insert(migrated, *A.values())
    names = {one.number: name for name, one in A.items()}

    found = [(wanted, {names[number] for number in await numbers(migrated, wanted, 2)}) for wanted, _ in FITTING]

    assert [pair for pair, expected in zip(found, FITTING, strict=True) if pair != expected] == []


async def test_a_look_for_rare_ones_stops_and_goes_on(migrated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_lists, "SCAN", 4)
    await insert(migrated, *(borrowing(branch="south" if n in (0, 9) else "north") for n in range(10)))

    wanted = RequestFilter(branches=("south",))
    first = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 5))
    second = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 5, first.cursor))
    third = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 5, second.cursor))

    assert [len(page.requests) for page in (first, second, third)] == [1, 0, 1]
    assert first.cursor
    assert second.cursor
    assert third.cursor == ""


COPIES = (LendingState.DIGITISING, LendingState.CLEARANCE, LendingState.CLEARED)


@pytest.mark.parametrize("order", [RequestOrder.NEWEST, RequestOrder.LONGEST])
async def test_a_list_of_several_states_looks_at_no_others(
    migrated: Store, monkeypatch: pytest.MonkeyPatch, order: RequestOrder
) -> None:
    monkeypatch.setattr(request_lists, "SCAN", 3)
    states = [COPIES[n % 3] if n % 4 == 0 else LendingState.NEW for n in range(24)]
    made = [lending(state=state) for state in states]
    await insert(migrated, *made)
    copies = [one.number for one in made if one.state in COPIES]
    in_order = copies if order is RequestOrder.LONGEST else copies[::-1]

    wanted = RequestFilter(role=Role.LENDING, states=COPIES, order=order)
    whole = await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 10))

    assert [one.number for one in whole.requests] == in_order
    assert whole.cursor == ""
    assert await numbers(migrated, wanted, 2) == in_order
    narrowed = replace(wanted, branches=(made[0].branch,))
    assert await numbers(migrated, narrowed, 2) == in_order, "page by page, where each row has to be looked at"


def explain_query(connection: Connection, query: Any) -> list[str]:
    """SQLite's plan."""
    statement = query.compile(connection, compile_kwargs={"literal_binds": True})
    return [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]


async def test_a_list_of_several_states_is_merged_from_one_index(migrated: Store) -> None:
    if migrated.url.get_backend_name() != "sqlite":
        pytest.skip("a planner that knows the table is empty takes no index")
    path = choose_index_path(LIBRARY, RequestFilter(role=Role.LENDING, states=COPIES, open=True))
    query = path.order_rows(path.select_rows(request.c.document)).limit(51)
    plan = await migrated.read(lambda c: explain_query(c, query))

    searches = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
    assert len(searches) == len(COPIES)
    assert all("ix_request_state (library=? AND role=? AND state=?)" in line for line in searches), plan
    assert not [line for line in plan if "TEMP B-TREE" in line], plan


@pytest.mark.parametrize("cursor", ["nonsense", "!", "Zg", "é", "MDAwMA===", "MDAwMDAwMDAwMDAwMDAwMUgA"])
async def test_a_cursor_that_no_page_gave_is_refused(migrated: Store, cursor: str) -> None:
    with pytest.raises(BadCursor, match="not one that a page gave"):
        await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, RequestFilter(), 5, cursor))


async def test_a_task_list_that_does_not_exist_is_told(migrated: Store) -> None:
    with pytest.raises(ValueError, match=r"no such task list: dead-letters; there are .*awaiting-review"):
        await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, RequestFilter(task="dead-letters"), 5))


# --- task lists follow the requests ----------------------------------------------------------------------


async def counts(store: Store, library: str = LIBRARY) -> dict[str, int]:
    found = await store.read(lambda c: request_counts.read_task_counts(c, library))
    return {name: n for name, n in found.items() if n}


async def test_a_request_moves_from_list_to_list(migrated: Store) -> None:
    request = borrowing(state=BorrowingState.REVIEW)
    await insert(migrated, request, lending(candidates=(candidate("1"), candidate("2"))), lending())
    assert await counts(migrated) == {"awaiting-review": 1, "to-locate": 1, "new": 1}

    for changes, expected in (
        ({"state": BorrowingState.SHIPPED}, {"to-receive": 1}),
        ({"branch": "south"}, {"to-receive": 1}),
        (
            {"state": BorrowingState.LENT, "flags": frozenset({RequestFlag.OVERDUE, RequestFlag.RECALLED})},
            {"overdue": 1, "recalled": 1},
        ),
        ({"state": BorrowingState.BACK}, {"overdue": 1, "recalled": 1, "to-return": 1}),
        ({"state": BorrowingState.COMPLETED}, {}),
    ):
        request = later(request, **changes)
        await migrated.write(lambda c, request=request: requests.save_request(c, request))
        assert await counts(migrated) == {"to-locate": 1, "new": 1} | expected
        for task in ("awaiting-review", "to-receive", "overdue", "recalled", "to-return"):
            assert len(await numbers(migrated, RequestFilter(task=task))) == expected.get(task, 0)
    assert await counts(migrated, "OTHER") == {}


async def test_a_change_within_the_same_moment_keeps_it_on_its_list(migrated: Store) -> None:
    request = borrowing(state=BorrowingState.SHIPPED)
    await insert(migrated, request)
    await migrated.write(lambda c: requests.save_request(c, later(request, branch="south", changed=request.changed)))
    assert await numbers(migrated, RequestFilter(task="to-receive")) == [request.number]
    assert await counts(migrated) == {"to-receive": 1}


async def test_waiting_begins_when_a_request_comes_on_a_list_and_not_when_it_changes(migrated: Store) -> None:
    first, second = borrowing(state=BorrowingState.SHIPPED), borrowing(state=BorrowingState.SHIPPED)
    await insert(migrated, first, second)
    touched = later(first, changed=AT + timedelta(days=2), branch="south")
    await migrated.write(lambda c: requests.save_request(c, touched))

    longest = RequestFilter(task="to-receive", order=RequestOrder.LONGEST)
    assert await numbers(migrated, longest, 1) == [first.number, second.number]
    assert await numbers(migrated, RequestFilter(task="to-receive")) == [first.number, second.number]
    oldest = await migrated.read(lambda c: request_counts.read_oldest_of_tasks(c, LIBRARY))
    assert oldest == {"to-receive": first.changed}

    back = later(touched, changed=AT + timedelta(days=3), state=BorrowingState.RECEIVED)
    again = later(back, changed=AT + timedelta(days=4), state=BorrowingState.SHIPPED)
    for one in (back, again):
        await migrated.write(lambda c, one=one: requests.save_request(c, one))
    assert await numbers(migrated, longest) == [second.number, first.number], "it came on the list anew"


async def test_lists_are_ordered_by_the_longest_without_a_change_and_by_the_day_of_need(migrated: Store) -> None:
    days = [date(2026, 4, n) for n in (3, 1, 2)]
    made = [borrowing(dates=RequestDates(need_by=day)) for day in days]
    same_day = borrowing(dates=RequestDates(need_by=days[1]))
    closed = borrowing(state=BorrowingState.COMPLETED, dates=RequestDates(need_by=date(2026, 3, 1)))
    await insert(migrated, *made, same_day, closed, lending(dates=RequestDates()))

    ours = [one.number for one in (*made, same_day)]
    for limit in (1, 2, 5):
        longest = RequestFilter(role=Role.BORROWING, open=True, order=RequestOrder.LONGEST)
        assert await numbers(migrated, longest, limit) == ours
        soonest = RequestFilter(order=RequestOrder.NEED_BY)
        assert await numbers(migrated, soonest, limit) == [made[1].number, same_day.number, made[2].number, ours[0]]
        searched = RequestFilter(search="сад", order=RequestOrder.NEED_BY)
        assert await numbers(migrated, searched, limit) == [made[1].number, same_day.number, made[2].number, ours[0]]


async def test_a_look_for_rare_ones_goes_on_in_any_order(migrated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_lists, "SCAN", 3)
    made = [borrowing(branch="south" if n % 4 == 0 else "north") for n in range(10)]
    await insert(migrated, *made)
    wanted = [made[n].number for n in (0, 4, 8)]
    assert await numbers(migrated, RequestFilter(branches=("south",), order=RequestOrder.LONGEST)) == wanted
    assert await numbers(migrated, RequestFilter(branches=("south",), order=RequestOrder.NEED_BY)) == wanted


async def test_a_search_on_a_task_list_is_in_the_order_of_waiting(migrated: Store) -> None:
    first, second = borrowing(state=BorrowingState.SHIPPED), borrowing(state=BorrowingState.SHIPPED)
    await insert(migrated, first, second, borrowing())
    await migrated.write(lambda c: requests.save_request(c, later(first, changed=AT + timedelta(days=2))))
    wanted = RequestFilter(task="to-receive", search="сад", order=RequestOrder.LONGEST)
    assert await numbers(migrated, wanted, 1) == [first.number, second.number]


def candidate(bib: str) -> ItemCandidate:
    return ItemCandidate(bib_id=bib, title=GARDEN.title, confidence=80, how="title and author")


# --- by number and by title ------------------------------------------------------------------------------


def titled(*titles: str, **changes: Any) -> list[Request]:
    return [borrowing(citation=replace(GARDEN, title=title), **changes) for title in titles]


TITLES = ("Œdipe roi", "вишнёвый сад", "Apfel", "Ёлка", "zebra", "aBACUS", "Äpfel im Schnee", "城")
BY_TITLE = ("aBACUS", "Apfel", "Äpfel im Schnee", "Œdipe roi", "zebra", "вишнёвый сад", "Ёлка", "城")


@pytest.mark.parametrize("most", [0, 1_000], ids=["by the index", "sorted whole"])
async def test_lists_are_by_title_and_by_number_both_ways(
    migrated: Store, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(request_lists, "MAX_SORTED", most)
    made = titled(*TITLES)
    made[3] = replace(made[3], state=BorrowingState.REVIEW)
    closed = borrowing(state=BorrowingState.COMPLETED)
    await insert(migrated, *made[::-1], closed, lending())
    by_title = [next(one.number for one in made if one.citation.title == title) for title in BY_TITLE]
    by_number = sorted(one.number for one in made)

    wanted = RequestFilter(role=Role.BORROWING, open=True)
    for limit in (1, 3, 50):
        assert await numbers(migrated, replace(wanted, order=RequestOrder.TITLE), limit) == by_title
        assert await numbers(migrated, replace(wanted, order=RequestOrder.TITLE_DOWN), limit) == by_title[::-1]
        assert await numbers(migrated, replace(wanted, order=RequestOrder.NUMBER), limit) == by_number
        assert await numbers(migrated, replace(wanted, order=RequestOrder.NUMBER_DOWN), limit) == by_number[::-1]
        narrowed = replace(wanted, branches=(made[0].branch,), order=RequestOrder.TITLE)
        assert await numbers(migrated, narrowed, limit) == by_title
    task = RequestFilter(role=Role.BORROWING, task="awaiting-review", order=RequestOrder.TITLE)
    assert await numbers(migrated, task) == [made[3].number]
    everything = await numbers(migrated, RequestFilter(order=RequestOrder.NUMBER), 4)
    assert len(everything) == len(TITLES) + 2
    assert everything == sorted(everything)
    assert await numbers(migrated, replace(wanted, states=(LendingState.NEW,), order=RequestOrder.NUMBER)) == []


async def test_a_title_that_is_mended_moves_in_the_list(migrated: Store) -> None:
    first, second = titled("Apfel", "Birne")
    await insert(migrated, first, second)
    mended = later(first, citation=replace(GARDEN, title="Citrus", component_title="Zimt"))
    await migrated.write(lambda c: requests.save_request(c, mended))

    assert await numbers(migrated, RequestFilter(order=RequestOrder.TITLE)) == [second.number, first.number]


@pytest.mark.parametrize("order", [RequestOrder.TITLE, RequestOrder.NUMBER_DOWN])
async def test_a_long_list_by_text_is_merged_from_one_index(migrated: Store, order: RequestOrder) -> None:
    if migrated.url.get_backend_name() != "sqlite":
        pytest.skip("a planner that knows the table is empty takes no index")
    wanted = RequestFilter(role=Role.BORROWING, open=True, order=order)
    path = choose_index_path(LIBRARY, wanted)
    first = path.order_rows(path.select_rows(request.c.document)).limit(51)
    after = ListPosition("m", "01H")
    following = path.order_rows(path.select_rows(request.c.document, after=after)).limit(51)

    for query in (first, following):
        plan = await migrated.read(lambda c, query=query: explain_query(c, query))
        searches = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
        assert len(searches) == len(set(BorrowingState) - TERMINAL)
        assert all("ix_request_state_" in line and "state=?" in line for line in searches), plan
        assert not [line for line in plan if "TEMP B-TREE" in line], plan


@pytest.mark.parametrize("cursor", ["nonsense", "Zg", "MDFI", "MDFIIG0A"])
async def test_a_cursor_of_another_order_or_with_a_nul_is_refused(migrated: Store, cursor: str) -> None:
    wanted = RequestFilter(order=RequestOrder.TITLE)
    with pytest.raises(BadCursor, match="not one that a page gave"):
        await migrated.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 5, cursor))

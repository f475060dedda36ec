"""Requests found by numbers and words, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import BorrowingState, PatronLink, Role, Volume
from gateway.domain.requests.views import RequestFilter
from gateway.ports.shared_store import Store
from gateway.store.requests import request_lists, request_search, requests
from tests.unit.store.requests.samples import AT, GARDEN, LIBRARY, borrowing, insert, later, lending, with_attempt

KEEPER = Citation(title="The Keeper's Ledger", subtitle="a chronicle", author="Whitcombe, Ada")


async def find(store: Store, text: str, limit: int = 50, **more: object) -> list[str]:
    """Numbers of the requests on all pages."""
    wanted = replace(RequestFilter(search=text), **more)  # type: ignore[arg-type]
    found: list[str] = []
    cursor = ""
    while True:
        page = await store.read(lambda c, cursor=cursor: request_lists.list_requests(c, LIBRARY, wanted, limit, cursor))
        found += [one.number for one in page.requests]
        cursor = page.cursor
        if not cursor:
            return found


async def test_a_request_is_found_by_whatever_number_is_at_hand(migrated: Store) -> None:
    ours = with_attempt(
        borrowing(external=("TN 4711",), volumes=(Volume("1", barcode="TMP-1"),), patron=PatronLink("p-1", "2100001")),
        theirs="NO/88",
    )
    theirs = lending(transaction="KY-77", item_barcode="30100017", citation=KEEPER)
    await insert(migrated, ours, theirs, borrowing(patron=PatronLink("p-2", "2100002"), citation=KEEPER))

    numbers = (ours.number.lower(), ours.attempts[0].transaction, "no 88", "tn4711", "tmp1", "2100001", "316148410-0")
    assert [await find(migrated, text) for text in numbers] == [[ours.number]] * len(numbers)
    assert [await find(migrated, text) for text in ("ky 77", "30100017")] == [[theirs.number]] * 2
    assert await find(migrated, "no such number") == []


async def test_a_closed_request_is_found_by_its_items_too(migrated: Store) -> None:
    request = borrowing(volumes=(Volume("1", barcode="TMP-1"),), state=BorrowingState.RECEIVED)
    await insert(migrated, request)
    await migrated.write(lambda c: requests.save_request(c, later(request, state=BorrowingState.COMPLETED)))
    assert await find(migrated, "TMP-1") == [request.number]


async def test_words_are_found_by_their_beginnings_in_any_order(migrated: Store) -> None:
    keeper, garden = borrowing(citation=KEEPER), borrowing(citation=GARDEN)
    japanese = lending(citation=Citation(title="港湾都市の形成史", author="宮地 涼"))
    await insert(migrated, keeper, garden, japanese)

    assert await find(migrated, "LEDG whit") == [keeper.number]
    assert await find(migrated, "chronicle") == [keeper.number]
    assert await find(migrated, "борх сад") == [garden.number]
    assert await find(migrated, "都市の") == [japanese.number]
    assert await find(migrated, "ledger borges") == []
    assert await find(migrated, "edger") == [], "words are found by their beginnings"


async def test_what_changes_is_found_anew_and_no_more_by_what_it_was(migrated: Store) -> None:
    request = borrowing(patron=PatronLink("p-1", "2100001"))
    await insert(migrated, request)
    await migrated.write(
        lambda c: requests.save_request(c, later(request, patron=PatronLink(category="staff"), citation=KEEPER))
    )

    assert await find(migrated, "2100001") == [], "the patron is forgotten"
    assert await find(migrated, "сад") == []
    assert await find(migrated, "ledger") == [request.number]


async def test_a_search_keeps_to_the_filter_and_to_the_library(migrated: Store) -> None:
    received = borrowing(citation=KEEPER, state=BorrowingState.SHIPPED, branch="south")
    await insert(migrated, received, borrowing(citation=KEEPER), lending(citation=KEEPER))

    assert await find(migrated, "ledger", task="to-receive") == [received.number]
    assert await find(migrated, "ledger", role=Role.BORROWING, branches=("south",)) == [received.number]
    assert len(await find(migrated, "ledger", role=Role.BORROWING)) == 2
    page = await migrated.read(lambda c: request_lists.list_requests(c, "OTHER", RequestFilter(search="ledger"), 5))
    assert page.requests == ()


async def test_hits_come_newest_change_first_and_page_by_page(migrated: Store) -> None:
    made = [borrowing(citation=KEEPER) for _ in range(5)]
    await insert(migrated, *made)
    await migrated.write(lambda c: requests.save_request(c, later(made[1], changed=AT + timedelta(days=2))))

    expected = [made[n].number for n in (1, 4, 3, 2, 0)]
    assert [await find(migrated, "ledger", limit) for limit in (1, 2, 5, 6)] == [expected] * 4


async def test_words_that_very_many_have_are_looked_for_in_the_list(
    migrated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [borrowing(citation=KEEPER) for _ in range(6)]
    await insert(migrated, *made, borrowing(citation=GARDEN))
    monkeypatch.setattr(request_search, "MAX_HITS", 3)
    assert len(await find(migrated, "ledger keeper", 4)) == 6
    assert await find(migrated, f"ledger {made[2].number.rpartition('-')[2]}") == [made[2].number]


async def test_a_number_that_is_also_a_title_finds_both(migrated: Store) -> None:
    novel, numbered = borrowing(citation=Citation(title="1984")), lending(transaction="1984")
    await insert(migrated, novel, numbered)
    assert sorted(await find(migrated, "1984")) == sorted([novel.number, numbered.number])

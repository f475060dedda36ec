"""Requests in the store, on both databases: kept, changed, found by what people and partners call them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.domain.library import RecordId
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.request import BorrowingState, PatronLink, Role
from gateway.domain.requests.views import RequestFilter
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.requests import request_lists, requests
from gateway.store.requests.requests import ReferencedRequest, StaleRequestError, TransactionTaken
from tests.unit.store.requests.samples import AT, GARDEN, LIBRARY, borrowing, insert, later, lending


async def test_a_request_is_read_as_it_was_written(migrated: Store) -> None:
    book, copy = borrowing(), lending()
    await insert(migrated, book, copy)

    assert await migrated.read(lambda c: requests.load_request(c, LIBRARY, book.id)) == book
    assert await migrated.write(lambda c: requests.lock_request(c, LIBRARY, copy.id)) == copy


async def test_another_library_sees_nothing_of_it(migrated: Store) -> None:
    request = borrowing(external=("TN 4711",))
    await insert(migrated, request)
    await migrated.write(
        lambda c: requests.add_transaction(c, LIBRARY, Role.BORROWING, "NL-UT", "B-1.1", request.id, 1)
    )

    assert await migrated.read(lambda c: requests.load_request(c, "OTHER", request.id)) is None
    assert await migrated.write(lambda c: requests.lock_request(c, "OTHER", request.id)) is None
    assert await migrated.read(lambda c: requests.find_by_number(c, "OTHER", request.number)) is None
    assert await find_by_external(migrated, "OTHER", "TN 4711") == ()
    assert (
        await migrated.read(lambda c: requests.find_by_transaction(c, "OTHER", Role.BORROWING, "NL-UT", "B-1.1"))
        is None
    )
    assert await migrated.read(lambda c: requests.count_open_requests(c, "OTHER", "p-17")) == 0
    assert (await migrated.read(lambda c: request_lists.list_requests(c, "OTHER", RequestFilter(), 10))).requests == ()
    with pytest.raises(StaleRequestError, match="is not there"):
        await migrated.write(lambda c: requests.save_request(c, later(replace(request, library="OTHER"))))


async def test_a_number_is_given_once_in_a_library(migrated: Store) -> None:
    request = borrowing()
    await insert(migrated, request)
    with pytest.raises(IntegrityError):
        await insert(migrated, borrowing(number=request.number))

    await insert(migrated, borrowing(number=request.number, library="OTHER"))
    assert await migrated.read(lambda c: requests.find_by_number(c, LIBRARY, request.number)) == request.id


async def test_a_saved_change_is_the_next_version(migrated: Store) -> None:
    request = borrowing()
    await insert(migrated, request)
    shipped = later(request, state=BorrowingState.SHIPPED)
    await migrated.write(lambda c: requests.save_request(c, shipped))

    assert await migrated.read(lambda c: requests.load_request(c, LIBRARY, request.id)) == shipped


async def test_a_change_of_what_was_changed_meanwhile_is_stale(migrated: Store) -> None:
    request = borrowing()
    await insert(migrated, request)
    first, second = later(request, branch="south"), later(request, branch="west")
    await migrated.write(lambda c: requests.save_request(c, first))

    with pytest.raises(StaleRequestError, match="has version 2; version 2 can't follow"):
        await migrated.write(lambda c: requests.save_request(c, second))
    assert await migrated.read(lambda c: requests.load_request(c, LIBRARY, request.id)) == first


async def test_of_changes_made_at_once_one_wins(migrated: Store) -> None:
    request = borrowing()
    await insert(migrated, request)
    saves = (
        migrated.write(lambda c, n=n: requests.save_request(c, later(request, branch=f"branch-{n}"))) for n in range(8)
    )
    results = await asyncio.gather(*saves, return_exceptions=True)

    assert sorted(type(one).__name__ for one in results) == ["NoneType", *["StaleRequestError"] * 7]


async def test_whoever_loads_for_update_is_followed_and_not_overrun(store_url: str, migrated: Store) -> None:
    """Ten nodes add a volume's worth of renewals each: none is lost."""
    request = borrowing()
    await insert(migrated, request)

    def renew(connection: object) -> None:
        found = requests.lock_request(connection, LIBRARY, request.id)  # type: ignore[arg-type]
        assert found is not None
        terms = replace(found.terms, renewals=found.terms.renewals + 1)
        requests.save_request(connection, later(found, terms=terms))  # type: ignore[arg-type]

    nodes = [open_store(store_url) for _ in range(3)]
    try:
        await asyncio.gather(*(nodes[n % 3].write(renew) for n in range(10)))
    finally:
        for node in nodes:
            await node.close()

    found = await migrated.read(lambda c: requests.load_request(c, LIBRARY, request.id))
    assert found is not None
    assert (found.terms.renewals, found.version) == (10, 11)


# --- numbers elsewhere -----------------------------------------------------------------------------------


async def find_by_external(store: Store, library: str, value: str) -> tuple[str, ...]:
    references = await store.read(lambda c: requests.find_by_any_reference(c, library, "", (value,)))
    return tuple(reference.request_id for reference in references)


async def test_numbers_in_other_systems_lead_to_all_requests_that_have_them(migrated: Store) -> None:
    first = borrowing(external=("TN  4711 ", "4711"))
    second = borrowing(external=("TN 4711",))
    await insert(migrated, first, second)

    assert await find_by_external(migrated, LIBRARY, "TN 4711") == (second.id, first.id)
    assert await find_by_external(migrated, LIBRARY, "4711") == (first.id,)


async def test_numbers_in_other_systems_come_and_go_with_the_request(migrated: Store) -> None:
    request = borrowing(external=("one", "two"))
    await insert(migrated, request)
    await migrated.write(lambda c: requests.save_request(c, later(request, external=("two", "three"))))

    found = {value: await find_by_external(migrated, LIBRARY, value) for value in ("one", "two", "three")}
    assert found == {"one": (), "two": (request.id,), "three": (request.id,)}


# --- partners' numbers -----------------------------------------------------------------------------------


async def test_a_partners_number_leads_to_the_request_and_the_attempt(migrated: Store) -> None:
    await migrated.write(lambda c: requests.add_transaction(c, LIBRARY, Role.BORROWING, "NL-UT", "17", "r-1", 2))

    def find(role: Role, symbol: str, number: str) -> object:
        return migrated.read(lambda c: requests.find_by_transaction(c, LIBRARY, role, symbol, number))

    assert await find(Role.BORROWING, "NL-UT", "17") == ReferencedRequest("r-1", 2)
    assert await find(Role.LENDING, "NL-UT", "17") is None
    assert await find(Role.BORROWING, "NL-AM", "17") is None
    assert await find(Role.BORROWING, "NL-UT", "18") is None


async def test_a_partners_number_means_one_request_for_ever(migrated: Store) -> None:
    await migrated.write(lambda c: requests.add_transaction(c, LIBRARY, Role.LENDING, "JP-KY", "京-1", "r-1"))

    with pytest.raises(TransactionTaken) as taken:
        await migrated.write(lambda c: requests.add_transaction(c, LIBRARY, Role.LENDING, "JP-KY", "京-1", "r-2"))
    assert taken.value.found == ReferencedRequest("r-1", 0)


async def test_of_the_same_number_sent_at_once_one_request_is_made(migrated: Store) -> None:
    def take(n: int) -> object:
        return migrated.write(lambda c: requests.add_transaction(c, LIBRARY, Role.LENDING, "JP-KY", "京-1", f"r-{n}"))

    results = await asyncio.gather(*map(take, range(8)), return_exceptions=True)  # type: ignore[call-overload]

    assert [one for one in results if one is not None and not isinstance(one, TransactionTaken)] == []
    assert sum(one is None for one in results) == 1


# --- a patron's requests ---------------------------------------------------------------------------------


async def test_a_patrons_open_requests_are_counted(migrated: Store) -> None:
    open_one, closing = borrowing(), borrowing()
    await insert(migrated, open_one, closing, borrowing(patron=PatronLink("p-18")), borrowing(patron=PatronLink()))
    assert await migrated.read(lambda c: requests.count_open_requests(c, LIBRARY, "p-17")) == 2

    await migrated.write(lambda c: requests.save_request(c, later(closing, state=BorrowingState.CANCELLED)))
    assert await migrated.read(lambda c: requests.count_open_requests(c, LIBRARY, "p-17")) == 1
    assert await migrated.read(lambda c: requests.count_open_requests(c, LIBRARY, "")) == 0


async def test_requests_for_the_same_thing_are_found_from_a_day_on(migrated: Store) -> None:
    same_again = replace(GARDEN, title="The garden", identifiers=(RecordId("isbn", "3-16-148410-X"),))
    old = borrowing(created=AT - timedelta(days=90))
    lately, other_book = borrowing(), borrowing(citation=replace(GARDEN, identifiers=(), title="Алеф"))
    other_patron = borrowing(patron=PatronLink("p-18"))
    await insert(migrated, old, lately, other_book, other_patron)

    def similar(mark: str, days: int) -> object:
        return migrated.read(lambda c: requests.find_similar(c, LIBRARY, "p-17", mark, AT - timedelta(days=days)))

    assert await similar(citation_fingerprint(same_again), 30) == (lately.id,)
    assert await similar(citation_fingerprint(same_again), 365) == (lately.id, old.id)
    assert await similar("", 365) == ()

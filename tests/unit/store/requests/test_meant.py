"""Which requests a message of another system may mean, on both databases."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.requests.request import BorrowingState, LendingState, Role, Volume, VolumeState
from gateway.ports.shared_store import Store
from gateway.store.requests import requests
from gateway.store.requests.requests import ReferencedRequest, find_by_any_reference
from tests.unit.store.requests.samples import LIBRARY, borrowing, insert, later, lending

HERE = Volume("1", state=VolumeState.RECEIVED, barcode="ILL 4711")


async def look(store: Store, *names: str, profile: str = "illiad") -> tuple[ReferencedRequest, ...]:
    return await store.read(lambda c: find_by_any_reference(c, LIBRARY, profile, names))


async def test_by_each_of_its_names(migrated: Store) -> None:
    request = borrowing(external=("TN 1",), volumes=(HERE,))
    await insert(migrated, request, borrowing(), lending())
    await migrated.write(
        lambda c: requests.add_transaction(c, LIBRARY, Role.BORROWING, "illiad", "B-1-2", request.id, 2)
    )

    for name in ("TN 1", " TN  1 ", request.number, "ILL 4711"):
        assert await look(migrated, name) == (ReferencedRequest(request.id, 0),), name
    assert await look(migrated, "B-1-2") == (ReferencedRequest(request.id, 2),)
    assert await look(migrated, "B-1-2", "TN 1", "ILL 4711", request.number) == (ReferencedRequest(request.id, 2),)


async def test_not_by_what_is_another_s(migrated: Store) -> None:
    request = borrowing(external=("TN 2",))
    await insert(migrated, request)
    await migrated.write(lambda c: requests.add_transaction(c, LIBRARY, Role.LENDING, "relais", "R-1", request.id))

    assert await look(migrated, "R-1") == (), "another partner's number"
    assert await look(migrated, "TN") == ()
    assert await look(migrated, "", "  ") == ()
    assert (
        await migrated.read(lambda c: find_by_any_reference(c, "OTHER", "relais", ("TN 2", request.number, "R-1")))
        == ()
    )


async def test_newest_first(migrated: Store) -> None:
    old, new = borrowing(external=("TN 3",)), borrowing(external=("TN 3",))
    await insert(migrated, old, new)

    assert [one.request_id for one in await look(migrated, "TN 3")] == [new.id, old.id]


async def test_a_barcode_follows_its_request(migrated: Store) -> None:
    request = borrowing(state=BorrowingState.RECEIVED, volumes=(HERE,))
    await insert(migrated, request)

    other = later(replace(request, volumes=(replace(HERE, barcode="ILL 4712"),)))
    await migrated.write(lambda c: requests.save_request(c, other))
    assert await look(migrated, "ILL 4711") == ()
    assert len(await look(migrated, "ILL 4712")) == 1

    closed = later(replace(other, state=BorrowingState.COMPLETED))
    await migrated.write(lambda c: requests.save_request(c, closed))
    assert await look(migrated, "ILL 4712") == ()


async def test_our_own_item_goes_out_for_one_request_after_the_other(migrated: Store) -> None:
    first, second = (
        lending(state=LendingState.SHIPPED, item_barcode="39"),
        lending(state=LendingState.LOCATED, item_barcode="39"),
    )
    await insert(migrated, first, second)
    assert len(await look(migrated, "39")) == 2

    await migrated.write(lambda c: requests.save_request(c, later(replace(first, state=LendingState.COMPLETED))))

    assert [one.request_id for one in await look(migrated, "39")] == [second.id]

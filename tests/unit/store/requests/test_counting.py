"""Counts that requests leave behind, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, Request, Role
from gateway.domain.requests.task_lists import DEAD_LETTERS, TASKS
from gateway.ports.shared_store import Store
from gateway.store.requests import request_counts, requests
from tests.unit.store.requests.samples import AT, LIBRARY, borrowing, insert, later, lending, with_attempt


async def save(store: Store, request: Request) -> Request:
    await store.write(lambda c: requests.save_request(c, request))
    return request


async def loads(store: Store, role: Role = Role.BORROWING) -> dict[str, int]:
    return dict(await store.read(lambda c: request_counts.read_partner_loads(c, LIBRARY, role)))


async def test_every_task_list_is_counted_also_the_empty_ones(migrated: Store) -> None:
    counts = await migrated.read(lambda c: request_counts.read_task_counts(c, LIBRARY))
    assert counts == dict.fromkeys([*(task.name for task in TASKS), DEAD_LETTERS], 0)


async def test_a_partner_is_loaded_with_what_it_has_in_hand(migrated: Store) -> None:
    first, second = borrowing(), borrowing()
    await insert(migrated, first, second, lending(), lending(state=LendingState.UNFILLED))
    assert await loads(migrated) == {"utrecht": 2}
    assert await loads(migrated, Role.LENDING) == {"kyoto": 1}

    said_no = with_attempt(first, status=AttemptStatus.UNFILLED)
    first = await save(migrated, later(said_no, state=BorrowingState.SOURCING))
    assert await loads(migrated) == {"utrecht": 1}  # the request goes on, not with utrecht

    await save(migrated, later(second, state=BorrowingState.COMPLETED))
    assert await loads(migrated) == {}


async def test_supply_is_counted_once_with_its_time(migrated: Store) -> None:
    request = borrowing()
    await insert(migrated, request)
    asked = request.attempts[0].asked
    shipped = with_attempt(request, status=AttemptStatus.SHIPPED)
    request = await save(migrated, later(shipped, state=BorrowingState.SHIPPED, changed=asked + timedelta(days=3)))
    request = await save(migrated, later(request, state=BorrowingState.RECEIVED))
    await save(migrated, later(with_attempt(request, status=AttemptStatus.COMPLETED), state=BorrowingState.COMPLETED))

    times = await migrated.read(lambda c: request_counts.read_supply_times(c, LIBRARY, AT - timedelta(days=9)))
    assert {partner: (time.count, time.mean_days) for partner, time in times.items()} == {"utrecht": (1, 3.0)}


async def test_supply_times_are_means_over_the_days_asked_for(migrated: Store) -> None:
    for days, changed in ((2, AT), (4, AT + timedelta(days=1)), (50, AT - timedelta(days=40))):
        request = borrowing(changed=changed, state=BorrowingState.SHIPPED)
        await insert(
            migrated, with_attempt(request, status=AttemptStatus.SHIPPED, asked=changed - timedelta(days=days))
        )

    lately = await migrated.read(lambda c: request_counts.read_supply_times(c, LIBRARY, AT - timedelta(days=30)))
    assert lately["utrecht"].count == 2
    assert lately["utrecht"].mean_days == pytest.approx(3.0)
    assert await migrated.read(lambda c: request_counts.read_supply_times(c, "OTHER", AT - timedelta(days=30))) == {}


async def test_counts_hold_when_many_change_at_once(migrated: Store) -> None:
    """Without a row that is waited for in two orders, or a change that is lost."""
    made = [borrowing(state=BorrowingState.REVIEW) for _ in range(24)]
    await insert(migrated, *made)

    async def through(request: Request) -> None:
        for state in (BorrowingState.SHIPPED, BorrowingState.BACK, BorrowingState.REVIEW, BorrowingState.SHIPPED):
            request = await save(migrated, later(request, state=state))

    await asyncio.gather(*map(through, made))

    counts = await migrated.read(lambda c: request_counts.read_task_counts(c, LIBRARY))
    assert {name: n for name, n in counts.items() if n} == {"to-receive": 24}
    assert await loads(migrated) == {"utrecht": 24}
